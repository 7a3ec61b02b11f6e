"""Bars as they come: pushed by a vendor's stream, or asked for again and again."""

from quantstrats.market.stream.arrivals import StreamedBar
from quantstrats.market.stream.polling import BarPolling
from quantstrats.market.stream.streaming import BarStream

__all__ = ["BarPolling", "BarStream", "StreamedBar"]
