"""Frames of bars: each bar is written once for each way of writing, each selection of symbols joined once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.simulator.protocol.stock_messages import bar_message
from quantstrats.simulator.server.codecs import TEXT, Codec
from quantstrats.simulator.tape import PRINTS

if TYPE_CHECKING:
    from quantstrats.simulator.history import History
    from quantstrats.simulator.tape import Tape

# A frame of so many bars is well below the megabyte at which clients refuse one.
MOST_PER_FRAME = 1000
ALL = "*"

Messages = dict[str, dict[str, Any]]


class Batch:
    """Messages of one instant, one for each symbol, and the frames in which clients get them.

    Parameters
    ----------
    messages : dict of str to dict
        By symbol, in the order in which they are sent.
    """

    def __init__(self, messages: Messages) -> None:
        self.messages = messages
        self._written: dict[tuple[int, str], Any] = {}
        self._frames: dict[tuple[int, frozenset[str]], list[str | bytes]] = {}

    def of(self, symbols: frozenset[str]) -> list[str]:
        """Return those symbols of a subscription that there are messages of."""
        if ALL in symbols:
            return list(self.messages)
        # The smaller of both is gone through.
        if len(symbols) < len(self.messages):
            found = symbols & self.messages.keys()
            return [symbol for symbol in self.messages if symbol in found] if found else []
        return [symbol for symbol in self.messages if symbol in symbols]

    def frames(self, symbols: frozenset[str], codec: Codec) -> Iterator[tuple[str, str | bytes]]:
        """Yield the frames of a subscription: each as JSON for the wire log, and as it is sent."""
        return zip(self._made(symbols, TEXT), self._made(symbols, codec), strict=True)  # type: ignore[arg-type]

    def _made(self, symbols: frozenset[str], codec: Codec) -> list[str | bytes]:
        key = (id(codec), symbols)
        if key not in self._frames:
            names = self.of(symbols)
            self._frames[key] = [
                codec.many([self._one(name, codec) for name in names[first : first + MOST_PER_FRAME]])
                for first in range(0, len(names), MOST_PER_FRAME)
            ]
        return self._frames[key]

    def _one(self, symbol: str, codec: Codec) -> Any:
        key = (id(codec), symbol)
        if key not in self._written:
            self._written[key] = codec.one(self.messages[symbol])
        return self._written[key]


def bars_of_row(tape: Tape, row: int, kind: str) -> Messages:
    """Return a row's bars, missing ones left out: the very floats that the tape holds."""
    opened, high, low, close, volume = (tape.bars[field][row] for field in ("open", "high", "low", "close", "volume"))
    known = np.flatnonzero(~np.isnan(close))
    # Prints of equal volume, as the history has it.
    means = (opened[known] + high[known] + low[known] + close[known]) / PRINTS
    columns = [each[known].tolist() for each in (opened, high, low, close)]
    volumes = np.nan_to_num(volume[known]).tolist()
    label = int(tape.labels[row])
    return {
        tape.symbols[place]: bar_message(kind, tape.symbols[place], prices, shares, PRINTS, mean, label)
        for place, *prices_, shares, mean in zip(known.tolist(), *columns, volumes, means.tolist(), strict=True)
        if (prices := (prices_[0], prices_[1], prices_[2], prices_[3]))
    }


def days_so_far(history: History, row: int, wanted: Callable[[str], bool]) -> Messages:
    """Return the day until a row, that included, of the symbols that are wanted and have a bar in it."""
    close = history.tape.bars["close"][row]
    messages: Messages = {}
    for place in np.flatnonzero(~np.isnan(close)).tolist():
        symbol = history.tape.symbols[place]
        if wanted(symbol):
            day = history.session(symbol, row)
            prices = (float(day.open[0]), float(day.high[0]), float(day.low[0]), float(day.close[0]))
            rest = float(day.volume[0]), int(day.prints[0]), float(day.vwap[0]), int(day.labels[0])
            messages[symbol] = bar_message("d", symbol, prices, *rest)
    return messages
