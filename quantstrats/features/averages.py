"""Moving averages of prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.features.decay import ema_bars, whole
from quantstrats.features.definition import feature
from quantstrats.features.kernels import ema_of, rolling_mean

if TYPE_CHECKING:
    from quantstrats.features.bars import Array, Bars


@feature(source="arithmetic mean", bars=lambda window: whole(window), scale="price")
def sma(bars: Bars, window: int = 20) -> Array:
    """Simple moving average: the mean of the last ``window`` closes."""
    return rolling_mean(bars.close, window)


@feature(source="Appel (2005), Technical Analysis, ch. 4", bars=ema_bars, scale="price")
def ema(bars: Bars, window: int = 20) -> Array:
    """Exponential moving average of closes: y += 2 / (window + 1) (close - y)."""
    return ema_of(bars.close, window)
