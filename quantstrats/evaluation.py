"""How a signal is asked for its forecast and its details, and what is checked of both."""

from __future__ import annotations

import sys
import traceback
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.errors import SignalError, did_you_mean, in_one_line
from quantstrats.signals import Details, Signal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.market import Market


def evaluate(signal: Signal, market: Market) -> pd.DataFrame:
    """Return the signal's forecast where it may have one: rows x symbols of float, NaN elsewhere.

    There is no opinion before the warm-up is complete, where a symbol has had no bar within it, and outside the
    universe. An opinion may stand on a row whose own bar is missing. Which symbols are going to end is kept from the
    signal.

    Raises
    ------
    SignalError
        If a side series is missing, or the signal fails, or its forecast breaks the contract.
    """
    warmup = check_needs(signal, market)
    if signal.resets is None:
        forecast = _forecast(signal, market.without_endings())
        forecast[: warmup - 1] = float("nan")
    else:
        forecast = _forecast_by_period(signal, market, warmup)
    return _masked(forecast, market, warmup)


def check_needs(signal: Signal, market: Market) -> int:
    """Check what the signal asks of the market, and return its warm-up in rows.

    Raises
    ------
    SignalError
        If a side series is missing, or ``warmup`` or ``resets`` make no sense.
    """
    from quantstrats.market.calendar import PERIODS

    if isinstance(signal.needs, str):
        raise SignalError(f"signal {signal.name!r}: needs is text; write needs = ({signal.needs!r},)")
    for need in signal.needs:
        if need not in market.side:
            has = ", ".join(market.side) or "none"
            hint = did_you_mean(need, market.side)
            raise SignalError(f"signal {signal.name!r} needs the side series {need!r}{hint} (the market has: {has})")
    if signal.resets is not None and signal.resets not in PERIODS:
        raise SignalError(f"signal {signal.name!r} resets every {signal.resets!r}; it can be {', '.join(PERIODS)}")
    warmup = _call(signal, "warmup")
    if isinstance(warmup, bool) or not isinstance(warmup, Integral) or warmup < 1:
        raise SignalError(f"signal {signal.name!r}: warmup() returned {warmup!r}; it counts rows, at least 1")
    return int(warmup)


def details_of(signal: Signal, market: Market) -> Details:
    """Return the signal's details.

    Raises
    ------
    SignalError
        If the signal fails or returns something else than frames and pictures.
    """
    import pandas as pd

    details = _call(signal, "details", market)
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


def _forecast_by_period(signal: Signal, market: Market, warmup: int) -> NDArray[np.float64]:
    """Evaluate each period on one slice, the way a live session within it would."""
    import numpy as np

    forecast = np.full(market.present.shape, np.nan)
    starts = np.flatnonzero(market.starts_period(str(signal.resets))).tolist()
    # Rows before the first start, or without a full warm-up, belong to a period that cannot be seen whole.
    for start, stop in zip(starts, [*starts[1:], len(market)], strict=True):
        first = start - (warmup - 1)
        if first < 0 or not market.present[first:stop].any():
            continue
        begin = start
        for end in [*_listings(market.present[first:stop], first, start), stop]:
            window = market.rows(first, end).with_listed_symbols().without_endings()
            columns = market.symbols.get_indexer(window.symbols)
            forecast[begin:end, columns] = _forecast(signal, window)[begin - first :]
            begin = end
    return forecast


def _listings(present: NDArray[np.bool_], first: int, start: int) -> list[int]:
    """Return the rows after ``start`` at which a symbol has its first bar in a window that begins at ``first``.

    A row before them must not see, by a column, what is listed later.
    """
    rows = first + present.argmax(axis=0)[present.any(axis=0)]
    return sorted({int(row) for row in rows if row > start})


def _forecast(signal: Signal, market: Market) -> NDArray[np.float64]:
    """Call the signal once and check what it returns; shape (rows, symbols of this market)."""
    import numpy as np
    import pandas as pd

    frame = _call(signal, "forecast", market)
    who = f"signal {signal.name!r}: forecast()"
    if not isinstance(frame, pd.DataFrame):
        raise SignalError(f"{who} returned {type(frame).__name__}, not a DataFrame of rows x symbols")
    if not frame.index.equals(market.index):
        raise SignalError(f"{who} returned {len(frame)} rows that are not the market's {len(market)}; keep its index")
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
        raise SignalError(f"{who} is infinite at {market.index[row]} {market.symbols[column]}")
    return values


def _masked(forecast: NDArray[np.float64], market: Market, warmup: int) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    row = np.arange(len(market))[:, None]
    last_bar = np.maximum.accumulate(np.where(market.present, row, -warmup), axis=0)
    # A window of warm-up rows without a bar would not even hold the symbol.
    allowed = row - last_bar < warmup
    if market.universe is not None:
        allowed = allowed & market.universe.to_numpy()
    return pd.DataFrame(np.where(allowed, forecast, np.nan), index=market.index, columns=market.symbols)


def _call(signal: Signal, method: str, *arguments: Any) -> Any:
    try:
        return getattr(signal, method)(*arguments)
    # A stranger's signal may raise anything; its user wants to know which signal, and where in it.
    except Exception as error:
        said = f"{in_one_line(error)} ({_place(error, signal)})"
        raise SignalError(f"signal {signal.name!r} failed in {method}(): {said}") from error


def _place(error: Exception, signal: Signal) -> str:
    """Name the last line of the signal's own module that was running, or where the error came from."""
    own = getattr(sys.modules.get(type(signal).__module__), "__file__", None)
    lines = traceback.extract_tb(error.__traceback__)
    place = next((line for line in reversed(lines) if line.filename == own), lines[-1])
    return f"{Path(place.filename).name} line {place.lineno}"
