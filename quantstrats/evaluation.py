"""How a signal is asked for its forecast and its details, and what is checked of both."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from quantstrats.calls import call, warmup_of
from quantstrats.errors import DataError, SignalError, did_you_mean
from quantstrats.learning.fits import Fits
from quantstrats.learning.learner import Learner, check_recipe
from quantstrats.learning.refits import Refit
from quantstrats.learning.windows import Segment, first_row, period_of, segments
from quantstrats.progress import stage
from quantstrats.signals import Details, Signal, parts_of
from quantstrats.warned import Warned, listening

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.market import Market
    from quantstrats.market.timeline import Timeline

_PATIENCE = 2.0  # seconds that a failing forecast may take for its bar to be looked for


def evaluate(signal: Signal, market: Market, *, since: int = 0, fits: Fits | None = None) -> pd.DataFrame:
    """Return the signal's forecast where it may have one: rows x symbols of float, NaN elsewhere.

    There is no opinion before all that a row depends on is there (the warm-up, a learner's training rows, the same of
    every part), where a symbol has had no bar within the warm-up, and outside the universe. An opinion may stand on a
    row whose own bar is missing. Which symbols are going to end is kept from the signal.

    Parameters
    ----------
    signal : Signal
        Learners are walked forward, parts of a composition come first.
    market : Market
        The bars.
    since : int, default 0
        First row whose universe is complete; rows before it count as if they were not there.
    fits : Fits, optional
        Where fits are kept; by default none is known before.

    Raises
    ------
    DataError
        If a side series is missing.
    SignalError
        If the signal fails, or its forecast breaks the contract.
    """
    import pandas as pd

    check_needs(signal, market)
    forecast = Evaluation(Fits() if fits is None else fits, since).rows(signal, market, 0, len(market))
    return pd.DataFrame(forecast, index=market.index, columns=market.symbols)


def check_needs(signal: Signal, market: Market) -> int:
    """Check what the signal and its parts ask of the market, and return the signal's warm-up in rows.

    Raises
    ------
    DataError
        If a side series is missing.
    SignalError
        If ``warmup`` or ``resets`` make no sense.
    ConfigError
        If a learner's ``refit`` or ``train`` make no sense.
    """
    from quantstrats.market.calendar import PERIODS

    if isinstance(signal.needs, str):
        raise SignalError(f"signal {signal.name!r}: needs is text; write needs = ({signal.needs!r},)")
    for need in signal.needs:
        if need not in market.side:
            has = ", ".join(market.side) or "none"
            hint = did_you_mean(need, market.side)
            raise DataError(
                f"signal {signal.name!r} needs the side series {need!r}{hint} (the market has: {has}); "
                f"say where it comes from in data.side.{need}"
            )
    if signal.resets is not None and signal.resets not in PERIODS:
        raise SignalError(f"signal {signal.name!r} resets every {signal.resets!r}; it can be {', '.join(PERIODS)}")
    if isinstance(signal, Learner):
        check_recipe(signal)
        if signal.resets is not None:
            raise SignalError(f"learner {signal.name!r} has resets; it starts afresh at each refit as it is")
    for part in parts_of(signal).values():
        check_needs(part, market)
    return warmup_of(signal)


def details_of(
    signal: Signal,
    market: Market,
    fits: Fits | None = None,
    *,
    since: int = 0,
    forecast: pd.DataFrame | None = None,
) -> Details:
    """Return the signal's details, asked on the market with its forecast, its parts' and a learner's refits.

    How long each part takes for one row more is there as ``market.part_seconds``.

    Parameters
    ----------
    signal : Signal
        Whose details they are.
    market : Market
        The bars.
    fits : Fits, optional
        Where a learner's fits are kept.
    since : int, default 0
        As in :func:`evaluate`.
    forecast : DataFrame, optional
        What :func:`evaluate` returned, where it was asked before.

    Raises
    ------
    SignalError
        If the signal fails or returns something else than frames and pictures.
    """
    import pandas as pd

    evaluation = Evaluation(Fits() if fits is None else fits, since)
    if forecast is None:
        forecast = pd.DataFrame(
            evaluation.rows(signal, market, 0, len(market)), index=market.index, columns=market.symbols
        )
    refits = evaluation.refits(signal, market) if isinstance(signal, Learner) else ()
    parts = evaluation.parts(signal, market, 0, len(market))
    seen = market.with_parts(parts).with_outcome(forecast, refits, evaluation.part_seconds(signal, market))
    details = call(signal, "details", seen)
    who = f"signal {signal.name!r}: details()"
    if not isinstance(details, Details):
        raise SignalError(f"{who} returned {type(details).__name__}, not Details")
    for kind, frames in (("overlay", details.overlays), ("table", details.tables)):
        for name, frame in frames.items():
            if not isinstance(frame, pd.DataFrame):
                raise SignalError(f"{who}: {kind} {name!r} is of type {type(frame).__name__}, not a DataFrame")
            if frame.columns.has_duplicates:
                raise SignalError(f"{who}: {kind} {name!r} has a column twice")
    for name, picture in details.pictures.items():
        if not isinstance(picture, bytes) and not hasattr(picture, "savefig"):
            raise SignalError(f"{who}: picture {name!r} is of type {type(picture).__name__}, not a figure or PNG bytes")
    return details


class Evaluation:
    """Forecasts of a signal on some rows of a market, parts first, learners fitted on the way.

    Parameters
    ----------
    fits : Fits
        Where fits are kept.
    since : int, default 0
        First row whose universe is complete.
    """

    def __init__(self, fits: Fits, since: int = 0) -> None:
        self._fits = fits
        self._since = since

    def rows(self, signal: Signal, market: Market, first: int, stop: int) -> NDArray[np.float64]:
        """Return the forecasts of the rows from ``first`` up to ``stop``; shape (stop - first, symbols).

        Rows from ``stop`` on are passed to the signal as far as a backtest would pass them, but no row of them is
        computed on purpose: the parts of a composition have no forecast there.
        """
        import numpy as np

        timeline = market.timeline
        forecast = np.full((stop - first, len(market.symbols)), np.nan)
        first = max(first, first_row(signal, timeline, self._since))
        if first >= stop:
            return forecast
        offset = stop - len(forecast)
        warmup = warmup_of(signal)
        if period_of(signal) is None:
            seen = self._with_parts(signal, market, first - (warmup - 1), stop)
            forecast[first - offset :] = asked(signal, seen.without_endings())[first:stop]
        else:
            serving = _serving(signal, timeline, first, stop)
            seen = self._with_parts(signal, market, serving[0].first, stop)
            with stage(f"fitting {signal.name}" if isinstance(signal, Learner) else signal.name, len(serving)) as done:
                for segment in serving:
                    self._segment(signal, seen, segment, (first, stop), forecast[first - offset :])
                    done()
        forecast[first - offset :] = _masked(forecast[first - offset :], market, first, warmup)
        return forecast

    def parts(self, signal: Signal, market: Market, first: int, stop: int) -> dict[str, pd.DataFrame]:
        """Return the forecasts of a composition's parts on the rows from ``first`` up to ``stop``, NaN elsewhere."""
        import numpy as np
        import pandas as pd

        frames = {}
        for name, part in parts_of(signal).items():
            values = np.full((len(market), len(market.symbols)), np.nan)
            values[first:stop] = self.rows(part, market, first, stop)
            frames[name] = pd.DataFrame(values, index=market.index, columns=market.symbols)
        return frames

    def part_seconds(self, signal: Signal, market: Market) -> dict[str, float]:
        """Return how long each part of a composition takes for the last row alone, once what it learned is at hand."""
        seconds = {}
        for name, part in parts_of(signal).items():
            began = time.perf_counter()
            self.rows(part, market, len(market) - 1, len(market))
            seconds[name] = time.perf_counter() - began
        return seconds

    def refits(self, learner: Learner, market: Market) -> tuple[Refit, ...]:
        """Return what the learner learned at each refit whose rows may have an opinion, in their order."""
        first = first_row(learner, market.timeline, self._since)
        serving = _serving(learner, market.timeline, first, len(market))
        if not serving:
            return ()
        seen = self._with_parts(learner, market, serving[0].first, len(market))
        return tuple(
            Refit(
                market.index[segment.start],
                market.index[segment.stop - 1],
                self._fitted(learner, seen, segment),
                _window(seen, segment, segment.stop),
            )
            for segment in serving
            if market.present[segment.window : segment.stop].any()
        )

    def _with_parts(self, signal: Signal, market: Market, first: int, stop: int) -> Market:
        parts = self.parts(signal, market, first, stop)
        return market.with_parts(parts) if parts else market

    def _segment(
        self, signal: Signal, market: Market, segment: Segment, asked_rows: tuple[int, int], forecast: NDArray[Any]
    ) -> None:
        """Put the segment's forecasts into those of the rows that are asked for."""
        first, stop = asked_rows
        present = market.present[segment.window : segment.stop]
        if not present.any():
            return
        serving = self._fitted(signal, market, segment) if isinstance(signal, Learner) else signal
        if serving is None:
            return
        begin = segment.start
        for end in [*_listings(present, segment.window, segment.start), segment.stop]:
            # Up to the first listing there may be no bar at all, and nothing to ask about.
            if begin < stop and end > first and market.present[segment.window : end].any():
                window = _window(market, segment, end)
                columns = market.symbols.get_indexer(window.symbols)
                low, high = max(begin, first), min(end, stop)
                values = asked(serving, window)[low - segment.window : high - segment.window]
                forecast[low - first : high - first, columns] = values
            begin = end

    def _fitted(self, learner: Learner, market: Market, segment: Segment) -> Signal | None:
        if not market.present[segment.first : segment.start].any():
            return None
        training = market.rows(segment.first, segment.start).with_listed_symbols().without_endings()
        return self._fits.fitted(learner, training)


def _serving(signal: Signal, rows: Timeline, first: int, stop: int) -> list[Segment]:
    """Return the segments that serve any row from ``first`` up to ``stop``."""
    return [part for part in segments(signal, rows) if part.start < stop and part.stop > first]


def _window(market: Market, segment: Segment, end: int) -> Market:
    """Return the slice on which a segment's signal is asked for the rows before ``end``."""
    return market.rows(segment.window, end).with_listed_symbols().without_endings()


def asked(signal: Signal, market: Market) -> NDArray[np.float64]:
    """Call ``forecast`` once and check what it returns; shape (rows, symbols of this market).

    Raises
    ------
    SignalError
        If it fails (with the first bar on which it does), or its forecast breaks the contract.
    """
    import numpy as np
    import pandas as pd

    from quantstrats.market.frames import row_label

    began = time.monotonic()
    try:
        frame = call(signal, "forecast", market)
    except SignalError:
        if time.monotonic() - began < _PATIENCE:
            with listening(Warned()):  # it warns of the same again
                _name_the_bar(signal, market)
        raise
    who = f"signal {signal.name!r}: forecast()"
    if not isinstance(frame, pd.DataFrame):
        raise SignalError(f"{who} returned {type(frame).__name__}, not a DataFrame of rows x symbols")
    if not frame.index.equals(market.index):
        differ = f"{len(frame)} rows where the market has {len(market)}"
        if len(frame) == len(market):
            differ = "rows with other labels than the market's"
        raise SignalError(f"{who} returned {differ}; keep its index")
    unknown = [symbol for symbol in frame.columns if symbol not in market.symbols]
    if unknown:
        raise SignalError(f"{who} returned the symbol {unknown[0]!r}, which the market does not have")
    if frame.columns.has_duplicates:
        raise SignalError(f"{who} returned the symbol {frame.columns[frame.columns.duplicated()][0]!r} twice")
    # Texts and times could be converted too, but are no forecast.
    strange = [kind for kind in frame.infer_objects().dtypes if not pd.api.types.is_numeric_dtype(kind)]
    if strange:
        raise SignalError(f"{who} returned values that are not numbers ({strange[0]})")
    values = frame.reindex(columns=market.symbols).to_numpy("float64", na_value=np.nan, copy=True)
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        row, column = infinite[0]
        raise SignalError(f"{who} is infinite at {row_label(market.index[row])} {market.symbols[column]}")
    return values


def _name_the_bar(signal: Signal, market: Market) -> None:
    """Ask on ever fewer rows to find the first bar at which the forecast fails; raise the error with its label."""
    low, high = 0, len(market)  # it fails on the first `high` rows; on the first `low` it does not
    while high - low > 1:
        middle = (low + high) // 2
        try:
            call(signal, "forecast", market.rows(0, middle))
            low = middle
        except SignalError:
            high = middle
    from quantstrats.market.frames import row_label

    call(signal, "forecast", market.rows(0, high), on=f"at {row_label(market.index[high - 1])}")


def _listings(present: NDArray[np.bool_], first: int, start: int) -> list[int]:
    """Return the rows after ``start`` at which a symbol has its first bar in a window that begins at ``first``.

    A row before them must not see, by a column, what is listed later.
    """
    rows = first + present.argmax(axis=0)[present.any(axis=0)]
    return sorted({int(row) for row in rows if row > start})


def _masked(forecast: NDArray[np.float64], market: Market, first: int, warmup: int) -> NDArray[np.float64]:
    """Take away opinions on rows from ``first`` on where a symbol has no bar in its warm-up or is outside."""
    import numpy as np

    stop = first + len(forecast)
    back = max(0, first - (warmup - 1))
    row = np.arange(back, stop)[:, None]
    last_bar = np.maximum.accumulate(np.where(market.present[back:stop], row, back - warmup), axis=0)
    # A window of warm-up rows without a bar would not even hold the symbol.
    allowed = (row - last_bar < warmup)[first - back :]
    if market.universe is not None:
        allowed = allowed & market.universe.to_numpy()[first:stop]
    return np.where(allowed, forecast, np.nan)
