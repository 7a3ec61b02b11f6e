"""The look-ahead guard: a forecast must be the same from the rows that a live session would have, whatever follows.

Two tests, each of which misses what the other finds. A replay computes a row from its ``history`` alone, on the symbols
that are listed in it: hidden memory and knowledge of later listings show. Bars, side series and dated data beside the
market are changed after that row: reading the future shows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np

from quantstrats.calls import warmup_of
from quantstrats.errors import ConfigError, LookAheadError, SignalError, did_you_mean
from quantstrats.evaluation import Evaluation
from quantstrats.fits import Fits
from quantstrats.history import first_needed, first_row, period_of, segments
from quantstrats.learning import Learner
from quantstrats.market.frames import row_label
from quantstrats.market.perturbation import with_other_digits, with_other_future, with_other_rows, with_other_scale
from quantstrats.outside import OutsideData
from quantstrats.progress import stage
from quantstrats.sampling import sampled_rows
from quantstrats.signals import parts_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.market import Market
    from quantstrats.signals import Signal

Mode = Literal["full", "sampled", "off"]
MODES: tuple[Mode, ...] = ("full", "sampled", "off")

FUTURE = 21  # rows with other values that follow a replayed one
SAMPLE = 64  # rows that the sampled mode replays
_DRAWS = 8  # other futures of data beside the market, to find out whether it is that
_SCALED = 8  # replayed rows on which prices are scaled too
_NUDGES = 3  # how often the last digits are changed, both ways, before a difference counts as more than a tie
_DIGITS = {"float64": 1e-11, "float32": 1e-6}  # by how much of themselves they change
_TOLERANCE = {"float64": (1e-9, 1e-6), "float32": (1e-5, 1e-4)}  # absolute, and relative to the forecast


@dataclass(frozen=True)
class GuardReport:
    """What the guard did; a finding is no report but a LookAheadError.

    Attributes
    ----------
    mode : str
        ``"full"``, ``"sampled"`` or ``"off"``.
    result : str
        ``"clean"``, or ``"not checked"``.
    rows : int
        How many rows were recomputed, those of parts included.
    refits : int
        How many fits were made again, without any cache.
    seed : int
        Which rows were drawn.
    """

    mode: Mode
    result: str
    rows: int
    refits: int
    seed: int


def check_mode(mode: object) -> Mode:
    """Return the mode.

    Raises
    ------
    ConfigError
        If there is no such mode.
    """
    for known in MODES:
        if mode == known:
            return known
    raise ConfigError(f"guard is {mode!r}{did_you_mean(mode, MODES)} (it can be {', '.join(MODES)})")


def check_lookahead(
    signal: Signal,
    market: Market,
    forecast: pd.DataFrame,
    *,
    mode: Mode = "sampled",
    seed: int = 0,
    since: int = 0,
    fits: Fits | None = None,
) -> GuardReport:
    """Recompute rows of a forecast as a live session would, before another future, and compare.

    Parameters
    ----------
    signal : Signal
        Learners and parts are checked too.
    market : Market
        The bars on which the forecast was computed.
    forecast : DataFrame
        What :func:`quantstrats.evaluation.evaluate` returned, rows x symbols.
    mode : {"sampled", "full", "off"}
        A sample of rows, every row, or none.
    seed : int, default 0
        Draws the sample and the other futures.
    since : int, default 0
        First row whose universe is complete.
    fits : Fits, optional
        The fits of the run, so that none is made twice.

    Returns
    -------
    GuardReport

    Raises
    ------
    LookAheadError
        With the signal, the symbol, the date, both values, and what is likely wrong.
    """
    if check_mode(mode) == "off":
        return GuardReport("off", "not checked", 0, 0, seed)
    rng = np.random.default_rng(seed)
    check = _Check(signal, market, forecast.to_numpy(), since, Fits() if fits is None else fits, rng, "")
    rows, refits = check.run(mode, SAMPLE)
    return GuardReport(mode, "clean", rows, refits, seed)


@dataclass(frozen=True)
class _Check:
    """The check of one signal: the one that was asked for, or a part of it."""

    signal: Signal
    market: Market
    forecast: NDArray[np.float64]
    since: int
    fits: Fits
    rng: np.random.Generator
    role: str  # of a part: "part 'primary' of signal 'meta': "

    def run(self, mode: Mode, count: int) -> tuple[int, int]:
        """Check the signal and its parts; return how many rows were recomputed, and fits made again."""
        first = first_row(self.signal, self.market.timeline, self.since)
        if first >= len(self.market):
            return 0, 0
        parts = Evaluation(self.fits, self.since).parts(self.signal, self.market, 0, len(self.market))
        outside = OutsideData(self.signal, self.market)
        # Parts come first: what a composition gets wrong through one of them is that part's mistake.
        checked, refits = 0, 0
        for name, part in parts_of(self.signal).items():
            role = f"part {name!r} of signal {self.signal.name!r}: "
            own = dataclasses.replace(self, signal=part, forecast=parts[name].to_numpy(), role=role)
            more = own.run(mode, max(count // 4, 8))
            checked, refits = checked + more[0], refits + more[1]
        blocks = mode == "full" and _has_only_its_window(self.signal) and not outside.names
        if mode == "full" and not blocks:
            rows = list(range(first, len(self.market)))
        else:
            branches = [frame.to_numpy() for frame in parts.values()]
            rows = sampled_rows(self.signal, self.market, self.forecast, branches, first, count, self.rng)
        rows = [row for row in rows if self._listed(row).any()]
        refits += self._redo(rows, outside)
        with stage("checking for look-ahead", len(rows)) as done:
            for row in rows:
                self._replay(row, outside)
                done()
        self._scale(rows)
        if blocks:
            self._blocks(first, outside)
        return checked + (len(self.market) - first if blocks else len(rows)), refits

    def _replay(self, row: int, outside: OutsideData) -> None:
        """Recompute a row from its history before another future."""
        window, place = self._window(row, FUTURE)
        # A signal may be strict about bars; it must not be about those that follow.
        futures: list[Callable[[], Market]] = [
            lambda: with_other_future(window, place, self.rng),
            lambda: with_other_future(window, place, self.rng, same_bars=True),
            lambda: window.rows(0, place + 1),
        ]
        for future in futures:
            try:
                with outside.with_other_future(row, self.rng):
                    differs = self._differs(row, future(), place)
                break
            except SignalError as error:
                failure = error
        else:
            label = row_label(self.market.index[row])
            raise LookAheadError(
                f"{self._who} cannot be asked on the rows that a session of {label} would have "
                f"({window.session[0].date()} to {label}, {len(window.symbols)} symbols): {failure}"
            ) from failure
        if differs:
            self._stop(row, differs, self._cause(row, outside))

    def _blocks(self, first: int, outside: OutsideData) -> None:
        """Recompute every row before another future, many at a time: blocks of other bars, a warm-up apart."""
        spacing = first - self._first(first) + 1 + FUTURE  # one lookback, its last row included
        rows = np.arange(len(self.market))
        same_bars = False
        with stage("checking every row", spacing) as done:
            for offset in range(spacing):
                # The last row before a block, with its whole window untouched.
                whole = [row for row in rows[(rows + 1 - offset) % spacing == 0].tolist() if row >= first]
                changed = (rows - offset) % spacing < FUTURE
                other = with_other_rows(self.market, changed, self.rng, same_bars=same_bars)
                try:
                    got = self._ask(other, 0, len(rows))
                except SignalError:  # it is strict about bars, and these are not its past
                    same_bars = True
                    for row in whole:
                        self._replay(row, outside)
                    done()
                    continue
                for row in whole:
                    if differs := self._differs(row, other, row, got=got[row]):
                        self._stop(row, differs, _FUTURE_OR_MEMORY)
                done()

    def _scale(self, rows: list[int]) -> None:
        """Recompute some rows with every symbol's prices multiplied, unless that may change the forecast."""
        if not self.signal.scale_free or _has_learner(self.signal) or not rows:
            return
        for row in self.rng.choice(rows, min(_SCALED, len(rows)), replace=False).tolist():
            window, place = self._window(row, 0)
            if differs := self._differs(row, with_other_scale(window, self.rng), place):
                self._stop(row, differs, _SCALE)

    def _redo(self, rows: list[int], outside: OutsideData) -> int:
        """Make one fit again, without any cache, where data beside the market has another future; compare."""
        if not isinstance(self.signal, Learner) or not rows:
            return 0
        drawn = int(self.rng.choice(rows))
        refit = next(part.start for part in segments(self.signal, self.market.timeline) if part.stop > drawn)
        fresh = _FreshFits(self.fits, self.signal)
        # The row of the refit comes first, so that whatever the fit reads after it is changed.
        for row in [row for row in sorted({refit, drawn}) if self._listed(row).any()]:
            window, place = self._window(row, 0)
            with outside.with_other_future(row, self.rng):
                differs = self._differs(row, window, place, fits=fresh)
            # Where it differs with the fits of the run too, it is not the fit.
            if differs and not self._differs(row, window, place):
                again = self._differs(row, window, place, fits=_FreshFits(self.fits, self.signal))
                self._stop(row, differs, _RANDOM if again else _reads(" or ".join(outside.names)))
        return fresh.made

    def _window(self, row: int, future: int) -> tuple[Market, int]:
        """Return the history of a row with up to ``future`` rows after it, and the row's place in it."""
        first = self._first(row)
        listed = np.flatnonzero(self._listed(row))
        window = self.market.rows(first, min(row + 1 + future, len(self.market)))
        known = window if len(listed) == len(window.symbols) else window.select(self.market.symbols[listed])
        return known, row - first

    def _first(self, row: int) -> int:
        first = first_needed(self.signal, self.market.timeline, row)
        if first is None:
            raise AssertionError(f"row {row} has a forecast, so its history is there")
        return first

    def _listed(self, row: int) -> NDArray[np.bool_]:
        """Tell which symbols have a bar in the row's history."""
        return np.asarray(self.market.present[self._first(row) : row + 1].any(axis=0))

    def _ask(self, market: Market, first: int, stop: int, fits: Fits | None = None) -> NDArray[np.float64]:
        """Return the forecasts of some rows as a new process has them, without what the signal keeps on itself."""
        return Evaluation(fits or self.fits).rows(_as_new(self.signal), market, first, stop)

    def _differs(
        self,
        row: int,
        market: Market,
        place: int,
        *,
        got: NDArray[np.float64] | None = None,
        fits: Fits | None = None,
    ) -> dict[str, tuple[float, float]]:
        """Return the symbols whose forecast on ``market`` is another than in the backtest, with both values."""
        got = self._ask(market, place, place + 1, fits)[0] if got is None else got
        columns = self.market.symbols.get_indexer(market.symbols)
        expected = self.forecast[row, columns]
        differs = ~self._equal(expected, got)
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
        same = Evaluation(self.fits, self.since).rows(_as_new(self.signal), self.market, row, row + 1)[0, columns]
        if not self._equal(expected, same).all():  # it is another each time anyway
            return tied
        digits = _DIGITS.get(self.signal.dtype, _DIGITS["float64"])
        rows = self._own_rows(row)
        for nudge in range(2 * _NUDGES):
            # Both ways: what one leaves as it is, the other turns.
            size, draw = (digits, -digits)[nudge % 2], nudge // 2
            whole = with_other_digits(self.market, rows, size, np.random.default_rng(draw))
            part = with_other_digits(market, rows + place - row, size, np.random.default_rng(draw))
            tied |= self._equal(got, self._ask(whole, row, row + 1)[0, columns])
            tied |= self._equal(expected, self._ask(part, place, place + 1, fits)[0])
            if tied[~self._equal(expected, got)].all():
                break
        return tied

    def _own_rows(self, row: int) -> NDArray[np.intp]:
        """Return the rows that the signal reads for this row's forecast; of a learner none that it is fitted on."""
        first = row - (warmup_of(self.signal) - 1)
        if period_of(self.signal) is not None:
            serving = next(part for part in segments(self.signal, self.market.timeline) if part.stop > row)
            first = max(first, serving.start) if isinstance(self.signal, Learner) else serving.window
        return np.arange(first, row + 1)

    def _stop(self, row: int, differs: dict[str, tuple[float, float]], cause: tuple[str, str]) -> NoReturn:
        symbol, values = next(iter(differs.items()))
        before, after = _shown(*values)
        raise LookAheadError(
            f"{self._who} {cause[0]}: {symbol} at {row_label(self.market.index[row])} is {before} "
            f"in the backtest and {after} {cause[1]}"
        )

    def _equal(self, expected: NDArray[np.float64], got: NDArray[np.float64]) -> NDArray[np.bool_]:
        absolute, relative = _TOLERANCE.get(self.signal.dtype, _TOLERANCE["float64"])
        near = np.abs(expected - got) <= absolute + relative * np.abs(expected)
        return np.asarray(near | (np.isnan(expected) & np.isnan(got)))

    def _cause(self, row: int, outside: OutsideData) -> tuple[str, str]:
        """Find out why a row differs, by changing one thing at a time."""

        def same(market: Market, place: int) -> bool:
            try:
                return not self._differs(row, market, place)
            except SignalError:
                return False

        again = Evaluation(self.fits, self.since).rows(_as_new(self.signal), self.market, 0, len(self.market))
        if not self._equal(self.forecast[row], again[row]).all():
            return _RANDOM
        window, place = self._window(row, 0)
        if same(window, place):
            for name in outside.names * _DRAWS:
                with outside.with_other_future(row, self.rng, name):
                    if not same(window, place):
                        return _reads(name)
            return _FUTURE
        first = row - place
        if same(self.market.rows(first, row + 1), place):
            return _LISTINGS
        return _MEMORY if same(self.market.rows(0, row + 1), row) else _FUTURE

    @property
    def _who(self) -> str:
        return f"{self.role}signal {self.signal.name!r}"


_FUTURE = (
    "reads the future",
    "when other bars follow; look for shift(-n), center=True, bfill, iloc[-1], means over all rows",
)
_MEMORY = (
    "remembers more than warmup() says",
    "from the rows that warmup() asks for; raise warmup(), or set resets",
)
_LISTINGS = (
    "knows of symbols before they are listed",
    "from the symbols listed by then; the set of columns is no information",
)
_FUTURE_OR_MEMORY = (
    "reads the future, or remembers more than warmup() says",
    "when bars after it, or before its window, are others",
)
_SCALE = (
    "depends on the scale of prices, which a split changes",
    "when prices are multiplied; set scale_free = False if that is meant",
)
_RANDOM = (
    "gives other numbers each time",
    "when asked again; draw random numbers from a seed that is a field",
)


def _reads(name: str) -> tuple[str, str]:
    return (
        f"reads the future in {name}",
        "when that holds other values after this bar; data beside the bars belong into side series",
    )


class _FreshFits(Fits):
    """Fits that are made again for one learner, and those of the run for the others."""

    def __init__(self, fits: Fits, learner: Learner) -> None:
        super().__init__()
        self._run = fits
        self._learner = learner

    def fitted(self, learner: Learner, market: Market) -> Signal | None:
        return super().fitted(learner, market) if learner == self._learner else self._run.fitted(learner, market)


def _has_only_its_window(signal: Signal) -> bool:
    """Tell whether each row depends on the bars of one window alone, which all rows have of the same length."""
    if period_of(signal) is not None or signal.needs:
        return False
    return all(_has_only_its_window(part) for part in parts_of(signal).values())


def _as_new(signal: Signal) -> Signal:
    """Return the same signal without what it may have put on itself."""
    try:
        return dataclasses.replace(signal)  # type: ignore[type-var]  # a signal that is no dataclass raises
    except (TypeError, ValueError):
        return signal


def _has_learner(signal: Signal) -> bool:
    return isinstance(signal, Learner) or any(_has_learner(part) for part in parts_of(signal).values())


def _shown(before: float, after: float) -> tuple[str, str]:
    """Return both values, with as many digits as it takes to see that they differ."""
    shown = [f"{value:.6g}" for value in (before, after)]
    if shown[0] == shown[1]:
        shown = [f"{value:.17g}" for value in (before, after)]
    return tuple("no opinion" if text == "nan" else text for text in shown)  # type: ignore[return-value]
