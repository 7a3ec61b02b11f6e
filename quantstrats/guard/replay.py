"""Replay: one row of a forecast, computed again on another market, and compared."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.calls import warmup_of
from quantstrats.evaluation import Evaluation
from quantstrats.guard.perturbation import with_other_digits
from quantstrats.learning.learner import Learner
from quantstrats.learning.windows import first_needed, period_of, segments
from quantstrats.warned import heard

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.learning.fits import Fits
    from quantstrats.market.market import Market
    from quantstrats.signals import Signal

_NUDGES = 3  # how often the last digits are changed, both ways, before a difference counts as more than a tie
_DIGITS = {"float64": 1e-11, "float32": 1e-6}  # by how much of themselves they change
_TOLERANCE = {"float64": (1e-9, 1e-6), "float32": (1e-5, 1e-4)}  # absolute, and relative to the forecast


@dataclass(frozen=True)
class Replay:
    """A forecast whose rows can be computed again.

    Attributes
    ----------
    signal : Signal
        Whose forecast it is.
    market : Market
        The bars on which it was computed.
    forecast : array of float, shape (rows, symbols)
        The forecast.
    since : int
        First row whose universe is complete.
    fits : Fits
        The fits of the run.
    """

    signal: Signal
    market: Market
    forecast: NDArray[np.float64]
    since: int
    fits: Fits

    def parts(self) -> dict[str, pd.DataFrame]:
        """Return the forecasts of the signal's parts, rows x symbols, by the name of the part."""
        return Evaluation(self.fits, self.since).parts(self.signal, self.market, 0, len(self.market))

    def again(self, first: int, stop: int) -> NDArray[np.float64]:
        """Return the forecast of some rows of the same market, asked once more."""
        return Evaluation(self.fits, self.since).rows(_as_new(self.signal), self.market, first, stop)

    def window(self, row: int, future: int) -> tuple[Market, int]:
        """Return the history of a row with up to ``future`` rows after it, and the row's place in it."""
        first = self.first(row)
        listed = np.flatnonzero(self.listed(row))
        # Alone: what was computed on the whole market must not be used here.
        window = self.market.rows(first, min(row + 1 + future, len(self.market))).alone()
        known = window if len(listed) == len(window.symbols) else window.select(self.market.symbols[listed])
        return known, row - first

    def first(self, row: int) -> int:
        """Return the first row of a row's history."""
        first = first_needed(self.signal, self.market.timeline, row)
        if first is None:
            raise AssertionError(f"row {row} has a forecast, so its history is there")
        return first

    def listed(self, row: int) -> NDArray[np.bool_]:
        """Tell which symbols have a bar in the row's history."""
        return np.asarray(self.market.present[self.first(row) : row + 1].any(axis=0))

    def ask(self, market: Market, first: int, stop: int, fits: Fits | None = None) -> NDArray[np.float64]:
        """Return the forecasts of some rows as a new process has them, without what the signal keeps on itself."""
        return Evaluation(fits or self.fits).rows(_as_new(self.signal), market, first, stop)

    def differs(
        self,
        row: int,
        market: Market,
        place: int,
        *,
        got: NDArray[np.float64] | None = None,
        fits: Fits | None = None,
    ) -> dict[str, tuple[float, float]]:
        """Return the symbols whose forecast on ``market`` is another than in the backtest, with both values."""
        got = self.ask(market, place, place + 1, fits)[0] if got is None else got
        columns = self.market.symbols.get_indexer(market.symbols)
        expected = self.forecast[row, columns]
        differs = ~self.equal(expected, got)
        if differs.any():
            differs &= ~self._tied(row, market, place, expected, got, fits)
        found = np.flatnonzero(differs)
        return {market.symbols[at]: (float(expected[at]), float(got[at])) for at in found.tolist()}

    def _tied(
        self,
        row: int,
        market: Market,
        place: int,
        expected: NDArray[np.float64],
        got: NDArray[np.float64],
        fits: Fits | None,
    ) -> NDArray[np.bool_]:
        """Tell where both values are a tie's: to change the last digits of the bars makes one of them the other.

        The sign of the difference of two averages that are equal depends on how sums are rounded, and that on the row
        on which they begin. It tells nothing of the future.
        """
        columns = self.market.symbols.get_indexer(market.symbols)
        tied = np.zeros(len(got), dtype=bool)
        same = self.again(row, row + 1)[0, columns]
        if not self.equal(expected, same).all():  # it is another each time anyway
            return tied
        digits = _DIGITS.get(self.signal.dtype, _DIGITS["float64"])
        rows = self._own_rows(row)
        for nudge in range(2 * _NUDGES):
            # Both ways: what one leaves as it is, the other turns.
            size, draw = (digits, -digits)[nudge % 2], nudge // 2
            whole = with_other_digits(self.market, rows, size, np.random.default_rng(draw))
            part = with_other_digits(market, rows + place - row, size, np.random.default_rng(draw))
            tied |= self.equal(got, self.ask(whole, row, row + 1)[0, columns])
            tied |= self.equal(expected, self.ask(part, place, place + 1, fits)[0])
            if tied[~self.equal(expected, got)].all():
                break
        return tied

    def _own_rows(self, row: int) -> NDArray[np.intp]:
        """Return the rows that the signal reads for this row's forecast; of a learner none that it is fitted on."""
        first = row - (warmup_of(self.signal) - 1)
        if period_of(self.signal) is not None:
            serving = next(part for part in segments(self.signal, self.market.timeline) if part.stop > row)
            first = max(first, serving.start) if isinstance(self.signal, Learner) else serving.window
        return np.arange(first, row + 1)

    def equal(self, expected: NDArray[np.float64], got: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell where both are missing, or the same within the tolerance."""
        absolute, relative = _TOLERANCE.get(self.signal.dtype, _TOLERANCE["float64"])
        near = np.abs(expected - got) <= absolute + relative * np.abs(expected)
        return np.asarray(near | (np.isnan(expected) & np.isnan(got)))


def _as_new(signal: Signal) -> Signal:
    """Return the same signal without what it may have put on itself."""
    try:
        make = functools.partial(dataclasses.replace, signal)  # type: ignore[type-var]  # it raises for no dataclass
        return heard(f"signal {signal.name!r}", type(signal).__module__, make)
    except (TypeError, ValueError):
        return signal
