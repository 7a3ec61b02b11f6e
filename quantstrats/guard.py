"""The look-ahead guard: a forecast must be the same from the rows that a live session would have, whatever follows.

Two tests, each of which misses what the other finds. A replay computes a row from its ``history`` alone, on the symbols
that are listed in it: hidden memory and knowledge of later listings show. Bars, side series and dated data beside the
market are changed after that row: reading the future shows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from quantstrats.calls import warmup_of
from quantstrats.errors import ConfigError, LookAheadError, SignalError, did_you_mean
from quantstrats.evaluation import Evaluation
from quantstrats.fits import Fits
from quantstrats.history import first_needed, first_row, period_of
from quantstrats.learning import Learner
from quantstrats.market.frames import row_label
from quantstrats.market.perturbation import with_other_future, with_other_rows, with_other_scale
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
_SCALED = 4  # replayed rows on which prices are scaled too
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
    raise ConfigError(f"guard is {mode!r}{did_you_mean(mode, MODES)}; it can be {', '.join(MODES)}")


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
        blocks = mode == "full" and self._has_only_its_window() and not outside.names
        if mode == "full" and not blocks:
            rows = list(range(first, len(self.market)))
        else:
            branches = [frame.to_numpy() for frame in parts.values()]
            rows = sampled_rows(self.signal, self.market, self.forecast, branches, first, count, self.rng)
        rows = [row for row in rows if self._listed(row).any()]
        with stage("checking for look-ahead", len(rows)) as done:
            for row in rows:
                self._replay(row, outside)
                done()
        checked = len(rows) + (self._blocks(first) if blocks else 0)
        self._scale(rows)
        refits = self._redo(rows)
        for name, part in parts_of(self.signal).items():
            role = f"part {name!r} of signal {self.signal.name!r}: "
            values = parts[name].to_numpy()
            own = dataclasses.replace(self, signal=part, forecast=values, role=role)
            more = own.run(mode, max(count // 4, 8))
            checked, refits = checked + more[0], refits + more[1]
        return checked, refits

    def _has_only_its_window(self) -> bool:
        """Tell whether a row depends on the bars of its warm-up alone."""
        return period_of(self.signal) is None and not parts_of(self.signal) and not self.signal.needs

    def _replay(self, row: int, outside: OutsideData) -> None:
        """Recompute a row from its history before another future."""
        window, place = self._window(row, FUTURE)
        try:
            with outside.with_other_future(row, self.rng):
                got = self._row(with_other_future(window, place, self.rng), place)
        except SignalError:
            # A signal may be strict about bars; it must not be about those that follow.
            try:
                with outside.with_other_future(row, self.rng):
                    got = self._row(with_other_future(window, place, self.rng, same_bars=True), place)
            except SignalError as failure:
                label = row_label(self.market.index[row])
                raise LookAheadError(
                    f"{self._who} cannot be asked on the rows that a session of {label} would have "
                    f"({window.session[0].date()} to {label}, {len(window.symbols)} symbols): {failure}"
                ) from failure
        self._compare(row, window, got, lambda: self._cause(row, outside))

    def _blocks(self, first: int) -> int:
        """Recompute every row before another future, many at a time: blocks of other bars, a warm-up apart."""
        spacing = warmup_of(self.signal) + FUTURE
        rows = np.arange(len(self.market))
        with stage("checking every row", spacing) as done:
            for offset in range(spacing):
                other = with_other_rows(self.market, (rows - offset) % spacing < FUTURE, self.rng)
                got = Evaluation(self.fits, self.since).rows(self.signal, other, 0, len(rows))
                # The last row before a block, with its whole window untouched.
                for row in rows[(rows + 1 - offset) % spacing == 0]:
                    if row >= first:
                        self._compare(row, self.market, got[row], lambda: _FUTURE_OR_MEMORY)
                done()
        return len(rows) - first

    def _scale(self, rows: list[int]) -> None:
        """Recompute some rows with every symbol's prices multiplied, unless that may change the forecast."""
        if not self.signal.scale_free or _has_learner(self.signal):
            return
        for row in rows[-_SCALED:]:
            window, place = self._window(row, 0)
            self._compare(row, window, self._row(with_other_scale(window, self.rng), place), lambda: _SCALE)

    def _redo(self, rows: list[int]) -> int:
        """Make one fit again, without any cache, and compare what it forecasts."""
        if not isinstance(self.signal, Learner) or not rows:
            return 0
        row = int(self.rng.choice(rows))
        window, place = self._window(row, 0)
        fresh = _FreshFits(self.fits, self.signal)
        self._compare(row, window, self._row(window, place, fresh), lambda: _RANDOM)
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

    def _row(self, market: Market, place: int, fits: Fits | None = None) -> NDArray[np.float64]:
        forecast = Evaluation(fits or self.fits).rows(self.signal, market, place, place + 1)
        return np.asarray(forecast[0])

    def _compare(
        self, row: int, window: Market, got: NDArray[np.float64], cause: Callable[[], tuple[str, str]]
    ) -> None:
        columns = self.market.symbols.get_indexer(window.symbols)
        expected = self.forecast[row, columns]
        differs = ~self._equal(expected, got)
        if not differs.any():
            return
        at = int(np.flatnonzero(differs)[0])
        what, advice = cause()
        before, after = _shown(expected[at], got[at])
        raise LookAheadError(
            f"{self._who} {what}: {window.symbols[at]} at {row_label(self.market.index[row])} is {before} "
            f"in the backtest and {after} {advice}"
        )

    def _equal(self, expected: NDArray[np.float64], got: NDArray[np.float64]) -> NDArray[np.bool_]:
        absolute, relative = _TOLERANCE.get(self.signal.dtype, _TOLERANCE["float64"])
        near = np.abs(expected - got) <= absolute + relative * np.abs(expected)
        return np.asarray(near | (np.isnan(expected) & np.isnan(got)))

    def _cause(self, row: int, outside: OutsideData) -> tuple[str, str]:
        """Find out why a row differs, by changing one thing at a time."""
        expected = self.forecast[row]

        def same(market: Market, place: int) -> bool:
            columns = self.market.symbols.get_indexer(market.symbols)
            try:
                return bool(self._equal(expected[columns], self._row(market, place)).all())
            except SignalError:
                return False

        again = Evaluation(self.fits, self.since).rows(self.signal, self.market, row, row + 1)[0]
        if not self._equal(expected, again).all():
            return _RANDOM
        window, place = self._window(row, 0)
        if same(window, place):
            if outside.names:
                with outside.with_other_future(row, self.rng):
                    if not same(window, place):
                        return (
                            f"reads the future in {', '.join(outside.names)}",
                            "when that holds other values after this bar; data beside the bars belong into side series",
                        )
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
    "when other bars follow; look for shift(-n), center=True, bfill, iloc[-1], statistics over all rows",
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


class _FreshFits(Fits):
    """Fits that are made again for one learner, and those of the run for the others."""

    def __init__(self, fits: Fits, learner: Learner) -> None:
        super().__init__()
        self._run = fits
        self._learner = learner

    def fitted(self, learner: Learner, market: Market) -> Signal | None:
        return super().fitted(learner, market) if learner is self._learner else self._run.fitted(learner, market)


def _has_learner(signal: Signal) -> bool:
    return isinstance(signal, Learner) or any(_has_learner(part) for part in parts_of(signal).values())


def _shown(before: float, after: float) -> tuple[str, str]:
    """Return both values, with as many digits as it takes to see that they differ."""
    shown = [f"{value:.6g}" for value in (before, after)]
    if shown[0] == shown[1]:
        shown = [f"{value:.17g}" for value in (before, after)]
    return tuple("no opinion" if text == "nan" else text for text in shown)  # type: ignore[return-value]
