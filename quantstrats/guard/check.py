"""The look-ahead guard: a forecast must be the same from the rows that a live session would have, whatever follows.

Two tests, each of which misses what the other finds. A replay computes a row from its ``history`` alone, on the symbols
that are listed in it: hidden memory and knowledge of later listings show. Bars, side series and dated data beside the
market are changed after that row: reading the future shows.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np

from quantstrats.errors import ConfigError, LookAheadError, SignalError, did_you_mean
from quantstrats.guard import findings
from quantstrats.guard.outside import OutsideData
from quantstrats.guard.perturbation import with_other_future, with_other_rows, with_other_scale
from quantstrats.guard.replay import Replay
from quantstrats.guard.sampling import sampled_rows
from quantstrats.learning.fits import Fits
from quantstrats.learning.learner import Learner
from quantstrats.learning.windows import first_row, period_of, segments
from quantstrats.market.frames import row_label
from quantstrats.progress import stage
from quantstrats.signals import parts_of

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market
    from quantstrats.signals import Signal

Mode = Literal["full", "sampled", "off"]
MODES: tuple[Mode, ...] = ("full", "sampled", "off")

FUTURE = 21  # rows with other values that follow a replayed one
SAMPLE = 64  # rows that the sampled mode replays
_DRAWS = 8  # other futures of data beside the market, to find out whether it is that
_SCALED = 8  # replayed rows on which prices are scaled too


@dataclass(frozen=True)
class GuardReport:
    """What the guard did; a finding is no report but a LookAheadError.

    Attributes
    ----------
    mode : str
        ``"full"``, ``"sampled"`` or ``"off"``.
    result : str
        ``"clean"``, ``"nothing to check"`` where no row has a forecast, or ``"not checked"``.
    rows : int
        How many rows were recomputed, those of parts included.
    refits : int
        How many fits were made again, without any cache.
    seed : int
        Which rows were drawn.
    beside : tuple of str
        Dated data that the signal reads beside its market. That it does not read their future was checked; when
        their values were known was not, and cannot be.
    """

    mode: Mode
    result: str
    rows: int
    refits: int
    seed: int
    beside: tuple[str, ...]


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
        return GuardReport("off", "not checked", 0, 0, seed, ())
    replay = Replay(signal, market, forecast.to_numpy(), since, Fits() if fits is None else fits)
    check = _Check(replay, np.random.default_rng(seed), set())
    # What a signal prints was printed when the backtest asked it.
    with contextlib.redirect_stdout(io.StringIO()):
        rows, refits = check.run(mode, SAMPLE)
    return GuardReport(mode, "clean" if rows else "nothing to check", rows, refits, seed, tuple(sorted(check.beside)))


@dataclass(frozen=True)
class _Check:
    """The check of one signal: the one that was asked for, or a part of it."""

    replay: Replay
    rng: np.random.Generator
    beside: set[str]  # dated data that the signal, or a part of it, reads beside its market
    role: str = ""  # of a part: "part 'primary' of signal 'meta': "

    def run(self, mode: Mode, count: int) -> tuple[int, int]:
        """Check the signal and its parts; return how many rows were recomputed, and fits made again."""
        first = first_row(self.replay.signal, self.replay.market.timeline, self.replay.since)
        if first >= len(self.replay.market):
            return 0, 0
        parts = self.replay.parts()
        outside = OutsideData(self.replay.signal, self.replay.market)
        self.beside.update(outside.names)
        # Parts come first: what a composition gets wrong through one of them is that part's mistake.
        checked, refits = 0, 0
        for name, part in parts_of(self.replay.signal).items():
            role = f"part {name!r} of signal {self.replay.signal.name!r}: "
            own = dataclasses.replace(self.replay, signal=part, forecast=parts[name].to_numpy())
            more = _Check(own, self.rng, self.beside, role).run(mode, max(count // 4, 8))
            checked, refits = checked + more[0], refits + more[1]
        blocks = mode == "full" and _has_only_its_window(self.replay.signal) and not outside.names
        if mode == "full" and not blocks:
            rows = list(range(first, len(self.replay.market)))
        else:
            branches = [frame.to_numpy() for frame in parts.values()]
            rows = sampled_rows(
                self.replay.signal, self.replay.market, self.replay.forecast, branches, first, count, self.rng
            )
        rows = [row for row in rows if self.replay.listed(row).any()]
        refits += self._redo(rows, outside)
        with stage("checking for look-ahead", len(rows)) as done:
            for row in rows:
                self._replay(row, outside)
                done()
        self._scale(rows)
        if blocks:
            self._blocks(first, outside)
        return checked + (len(self.replay.market) - first if blocks else len(rows)), refits

    def _replay(self, row: int, outside: OutsideData) -> None:
        """Recompute a row from its history before another future."""
        window, place = self.replay.window(row, FUTURE)
        # A signal may be strict about bars; it must not be about those that follow.
        futures: list[Callable[[], Market]] = [
            lambda: with_other_future(window, place, self.rng),
            lambda: with_other_future(window, place, self.rng, same_bars=True),
            lambda: window.rows(0, place + 1),
        ]
        for future in futures:
            try:
                with outside.with_other_future(row, self.rng):
                    differs = self.replay.differs(row, future(), place)
                break
            except SignalError as error:
                failure = error
        else:
            label = row_label(self.replay.market.index[row])
            raise LookAheadError(
                f"{self._who} cannot be asked on the rows that a session of {label} would have "
                f"({window.session[0].date()} to {label}, {len(window.symbols)} symbols): {failure}"
            ) from failure
        if differs:
            self._stop(row, differs, self._cause(row, outside))

    def _blocks(self, first: int, outside: OutsideData) -> None:
        """Recompute every row before another future, many at a time: blocks of other bars, a warm-up apart."""
        spacing = first - self.replay.first(first) + 1 + FUTURE  # one lookback, its last row included
        rows = np.arange(len(self.replay.market))
        same_bars = False
        with stage("checking every row", spacing) as done:
            for offset in range(spacing):
                # The last row before a block, with its whole window untouched.
                whole = [row for row in rows[(rows + 1 - offset) % spacing == 0].tolist() if row >= first]
                changed = (rows - offset) % spacing < FUTURE
                other = with_other_rows(self.replay.market, changed, self.rng, same_bars=same_bars)
                try:
                    got = self.replay.ask(other, 0, len(rows))
                except SignalError:  # it is strict about bars, and these are not its past
                    same_bars = True
                    for row in whole:
                        self._replay(row, outside)
                    done()
                    continue
                for row in whole:
                    if differs := self.replay.differs(row, other, row, got=got[row]):
                        self._stop(row, differs, findings.FUTURE_OR_MEMORY)
                done()

    def _scale(self, rows: list[int]) -> None:
        """Recompute some rows with every symbol's prices multiplied, unless that may change the forecast."""
        if not self.replay.signal.scale_free or _has_learner(self.replay.signal) or not rows:
            return
        for row in self.rng.choice(rows, min(_SCALED, len(rows)), replace=False).tolist():
            window, place = self.replay.window(row, 0)
            if differs := self.replay.differs(row, with_other_scale(window, self.rng), place):
                self._stop(row, differs, findings.SCALE)

    def _redo(self, rows: list[int], outside: OutsideData) -> int:
        """Make one fit again, without any cache, where data beside the market has another future; compare."""
        if not isinstance(self.replay.signal, Learner) or not rows:
            return 0
        drawn = int(self.rng.choice(rows))
        refit = next(
            part.start for part in segments(self.replay.signal, self.replay.market.timeline) if part.stop > drawn
        )
        fresh = _FreshFits(self.replay.fits, self.replay.signal)
        # The row of the refit comes first, so that whatever the fit reads after it is changed.
        for row in [row for row in sorted({refit, drawn}) if self.replay.listed(row).any()]:
            window, place = self.replay.window(row, 0)
            with outside.with_other_future(row, self.rng):
                differs = self.replay.differs(row, window, place, fits=fresh)
            # Where it differs with the fits of the run too, it is not the fit.
            if differs and not self.replay.differs(row, window, place):
                again = self.replay.differs(row, window, place, fits=_FreshFits(self.replay.fits, self.replay.signal))
                self._stop(row, differs, findings.RANDOM if again else findings.reads(" or ".join(outside.names)))
        return fresh.made

    def _stop(self, row: int, differs: dict[str, tuple[float, float]], cause: tuple[str, str]) -> NoReturn:
        symbol, values = next(iter(differs.items()))
        raise findings.finding(self._who, cause, f"{symbol} at {row_label(self.replay.market.index[row])}", *values)

    def _cause(self, row: int, outside: OutsideData) -> tuple[str, str]:
        """Find out why a row differs, by changing one thing at a time."""

        def same(market: Market, place: int) -> bool:
            try:
                return not self.replay.differs(row, market, place)
            except SignalError:
                return False

        again = self.replay.again(0, len(self.replay.market))
        if not self.replay.equal(self.replay.forecast[row], again[row]).all():
            return findings.RANDOM
        window, place = self.replay.window(row, 0)
        if same(window, place):
            for name in outside.names * _DRAWS:
                with outside.with_other_future(row, self.rng, name):
                    if not same(window, place):
                        return findings.reads(name)
            return findings.FUTURE
        first = row - place
        if same(self.replay.market.rows(first, row + 1).alone(), place):
            return findings.LISTINGS
        return findings.MEMORY if same(self.replay.market.rows(0, row + 1).alone(), row) else findings.FUTURE

    @property
    def _who(self) -> str:
        return f"{self.role}signal {self.replay.signal.name!r}"


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


def _has_learner(signal: Signal) -> bool:
    return isinstance(signal, Learner) or any(_has_learner(part) for part in parts_of(signal).values())
