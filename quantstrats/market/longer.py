"""Longer bars made of a market's own: a market of them, or the last complete ones beside the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.errors import DataError, did_you_mean
from quantstrats.market.calendar import PERIODS, Grid
from quantstrats.market.frames import FIELDS, Panel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

_DAY = "1D"
_LONGEST_INTRADAY = pd.Timedelta(hours=12)
_LONGEST_BREAK = pd.Timedelta(days=40)  # between two sessions of an exchange


class LongerBars:
    """Longer bars beside a market's rows: each row shows the last one that is complete when the row itself is.

    A longer bar counts from the very row that completes it: the last row of a week shows that week, since both are
    known at the same instant. Whether a week or a month is over is known from the exchange's calendar. A longer bar
    whose rows the market does not hold from its first one on is left out.

    Attributes
    ----------
    index : DatetimeIndex
        Label of each complete longer bar: its start, as a session date where it is a day or longer.
    decided_at : DatetimeIndex
        The instant (UTC) at which each of them is complete.
    """

    def __init__(self, market: Market, spans: _Spans) -> None:
        self._market = market
        self._spans = spans
        self.index = spans.grid.index
        self.decided_at = spans.grid.decided_at
        self._shown = self.decided_at.searchsorted(market.decided_at, side="right") - 1

    def bars(self, field: str) -> pd.DataFrame:
        """Return one field of the longer bars themselves, one row for each, to be calculated with.

        :meth:`on_rows` brings what comes of it to the market's rows.

        Raises
        ------
        DataError
            If there is no such field.
        """
        if field not in FIELDS:
            raise DataError(f"no field called {field!r}{did_you_mean(field, FIELDS)} (there are: {', '.join(FIELDS)})")
        values = _field(self._market, self._spans, field)
        return pd.DataFrame(values, index=self.index, columns=self._market.symbols, copy=False)

    def on_rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return for each of the market's rows the frame's row of the last complete longer bar; NaN before the first.

        Raises
        ------
        DataError
            If the frame's rows are not the longer bars.
        """
        if not frame.index.equals(self.index):
            raise DataError(f"the frame's {len(frame)} rows are not the {len(self)} longer bars; keep their index")
        values = np.full((len(self._market), frame.shape[1]), np.nan)
        known = self._shown >= 0
        values[known] = frame.to_numpy("float64", na_value=np.nan)[self._shown[known]]
        return pd.DataFrame(values, index=self._market.index, columns=frame.columns, copy=False)

    @property
    def open(self) -> pd.DataFrame:
        """Opening prices of the last complete longer bars, on the market's rows."""
        return self.on_rows(self.bars("open"))

    @property
    def high(self) -> pd.DataFrame:
        """Highest prices of the last complete longer bars, on the market's rows."""
        return self.on_rows(self.bars("high"))

    @property
    def low(self) -> pd.DataFrame:
        """Lowest prices of the last complete longer bars, on the market's rows."""
        return self.on_rows(self.bars("low"))

    @property
    def close(self) -> pd.DataFrame:
        """Closing prices of the last complete longer bars, on the market's rows."""
        return self.on_rows(self.bars("close"))

    @property
    def volume(self) -> pd.DataFrame:
        """Shares traded in the last complete longer bars, on the market's rows."""
        return self.on_rows(self.bars("volume"))

    def __len__(self) -> int:
        return len(self.index)


def longer(market: Market, bar: str | pd.Timedelta) -> LongerBars:
    """Return longer bars beside a market's rows; see :meth:`Market.longer`."""
    return LongerBars(market, _spans(market, length_of(bar, market.bar, PERIODS)))


def resampled(market: Market, bar: str | pd.Timedelta) -> Market:
    """Return a market of longer bars; see :meth:`Market.resampled`."""
    from quantstrats.market.market import Market

    length = length_of(bar, market.bar)
    if length == (_DAY if market.bar is None else market.bar):
        return market
    spans = _spans(market, length)
    if not len(spans.starts):
        raise DataError(f"the {len(market)} rows hold no whole bar of {_words(length)}; load more of them")
    first, stop, last = int(spans.starts[0]), int(spans.stops[-1]), spans.stops - 1
    # What became known after the last row that is used stays behind with the rows after it.
    used = market if stop == len(market) else market.rows(first, stop)

    def as_of_last_row(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.iloc[last].set_axis(spans.grid.index, axis=0)

    arrays = {field: _field(market, spans, field) for field in FIELDS}
    return Market(
        Panel(spans.grid, market.symbols, None if isinstance(length, str) else length, arrays),
        market.calendar,
        ended=used.ended,
        delisting_return=used.delisting_return,
        side_series=used.side.series,
        universe=None if market.universe is None else as_of_last_row(market.universe),
        parts={name: as_of_last_row(part) for name, part in market.parts.items()},
        origin={**market.origin, "resample": _words(length)},
        record=market.record,
        stamps=market.stamps,
    )


@dataclass(frozen=True)
class _Spans:
    """The rows of each complete longer bar, from ``starts`` up to, not including, ``stops``; they follow each other."""

    starts: NDArray[np.intp]
    stops: NDArray[np.intp]
    grid: Grid


def _spans(market: Market, length: str | pd.Timedelta) -> _Spans:
    if isinstance(length, pd.Timedelta):
        return _intraday(market, length)
    if length == _DAY:
        starts, whole_start = _session_starts(market), _begins_session(market)
        whole_end = market.decided_at[-1] == market.calendar.session_close(market.session[-1:])[0]
    else:
        starts, whole_start = np.flatnonzero(market.starts_period(length)), _begins_session(market)
        whole_end = _is_over(market, length)
    if len(starts) and starts[0] == 0 and not whole_start:
        starts = starts[1:]
    stops = np.append(starts[1:], len(market)) if len(starts) else starts
    if not whole_end:
        starts, stops = starts[:-1], stops[:-1]
    session = market.session[starts]
    return _Spans(starts, stops, Grid(session, market.decided_at[stops - 1], session))


def _intraday(market: Market, length: pd.Timedelta) -> _Spans:
    grid = market.calendar.grid(market.index[0], market.index[-1], length)
    place = grid.index.searchsorted(market.index, side="right") - 1
    number = np.arange(len(grid.index))
    starts, stops = place.searchsorted(number, side="left"), place.searchsorted(number, side="right")
    whole = np.asarray(grid.decided_at <= market.decided_at[-1]) & (stops > starts)
    return _Spans(starts[whole], stops[whole], Grid(grid.index[whole], grid.decided_at[whole], grid.session[whole]))


def _session_starts(market: Market) -> NDArray[np.intp]:
    session = market.session
    return np.append(0, np.flatnonzero(session[1:] != session[:-1]) + 1)


def _begins_session(market: Market) -> bool:
    """Tell whether the first row is the first bar of its session."""
    if market.bar is None:
        return True
    before = market.calendar.grid(market.index[0] - pd.Timedelta(days=1), market.index[0], market.bar)
    return int((before.session == market.session[0]).sum()) == 1


def _is_over(market: Market, period: str) -> bool:
    """Tell whether the last row is the last of its week, month, quarter or year."""
    session = market.session[-1]
    if market.decided_at[-1] != market.calendar.session_close(market.session[-1:])[0]:
        return False
    later = market.calendar.sessions(session + pd.Timedelta(days=1), session + _LONGEST_BREAK)[:1]
    # Where the calendar knows of no session to come, nobody can tell.
    return len(later) > 0 and bool(market.calendar.starts_period(later, period)[0])


def _field(market: Market, spans: _Spans, field: str) -> NDArray[np.float64]:
    """Return one field of longer bars, shape (longer bars, symbols); NaN where none of its bars is there."""
    if not len(spans.starts):
        return np.empty((0, len(market.symbols)))
    begin, end = int(spans.starts[0]), int(spans.stops[-1])
    values, starts = market.array(field)[begin:end], spans.starts - begin
    if field == "high":
        return np.asarray(np.fmax.reduceat(values, starts, axis=0))
    if field == "low":
        return np.asarray(np.fmin.reduceat(values, starts, axis=0))
    there = ~np.isnan(values)
    known = np.logical_or.reduceat(there, starts, axis=0)
    if field == "volume":
        return np.where(known, np.add.reduceat(np.where(there, values, 0.0), starts, axis=0), np.nan)
    row = np.arange(len(values))[:, None]
    if field == "open":
        taken = np.minimum.reduceat(np.where(there, row, len(values) - 1), starts, axis=0)
    else:
        taken = np.maximum.reduceat(np.where(there, row, 0), starts, axis=0)
    return np.where(known, np.take_along_axis(values, taken, axis=0), np.nan)


def length_of(bar: str | pd.Timedelta, own: pd.Timedelta | None, periods: tuple[str, ...] = ()) -> str | pd.Timedelta:
    """Return a period, ``"1D"`` for a day, or the length of an intraday bar that is a whole number of a market's own.

    Parameters
    ----------
    bar : str or Timedelta
        What was asked for.
    own : Timedelta or None
        Length of the market's own bars; None for daily ones.
    periods : tuple of str
        Words for what is longer than a day.

    Raises
    ------
    DataError
        If it is no such length.
    """
    if bar in periods:
        return str(bar)
    length = _timedelta(bar)
    if length == pd.Timedelta(days=1):
        return _DAY
    if not pd.Timedelta(0) < length <= _LONGEST_INTRADAY:
        words = [_DAY, *periods]
        known = f"a length up to 12 hours as in '1h', {', '.join(words)}"
        raise DataError(f"bar is {str(bar)!r}{did_you_mean(bar, words)} (it can be {known})")
    if own is None or length % own != pd.Timedelta(0):
        ours = _words(_DAY if own is None else own)
        raise DataError(f"bars of {_words(length)} are no whole number of bars of {ours}; choose a multiple")
    return length


def _timedelta(bar: str | pd.Timedelta) -> pd.Timedelta:
    """Return the length that a text means, no time at all where it means none."""
    text = str(bar)
    try:
        length = pd.Timedelta(text.upper() if text.lower().endswith("d") else bar)
    except (ValueError, TypeError):
        return pd.Timedelta(0)
    return pd.Timedelta(0) if pd.isna(length) else length


def _words(length: str | pd.Timedelta) -> str:
    if isinstance(length, str):
        return length
    seconds = length.total_seconds()
    return f"{seconds / 60:g}min" if seconds >= 60 else f"{seconds:g}s"
