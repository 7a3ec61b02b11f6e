"""Market: a frozen panel of bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.errors import DataError, did_you_mean
from quantstrats.hashing import hash_array, hash_frame, hash_parts, hash_plain
from quantstrats.market.calendar import Calendar, Grid
from quantstrats.market.cut import Cut
from quantstrats.market.facts import (
    CLOSE_ONLY,
    assumed_note,
    checked_delisting,
    checked_endings,
    checked_universe,
    day_of,
    range_notes,
)
from quantstrats.market.frames import FIELDS, Panel, panel_from_frames
from quantstrats.market.side import Side, SideSeries
from quantstrats.market.timeline import Timeline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.learning.refits import Refit
    from quantstrats.market.longer import LongerBars


class Market:
    """A frozen panel of bars, rows x symbols, on the sessions of one exchange.

    Made by :meth:`from_frames` or :func:`quantstrats.load_market`. Every frame it gives is a shallow copy over
    read-only memory: changing one changes neither the Market nor what others see.

    Attributes
    ----------
    calendar : Calendar
        The exchange whose sessions the rows are.
    bar : Timedelta or None
        Length of an intraday bar; None for daily bars.
    ended : mapping of str to Timestamp
        Last session of each symbol that is known to have ended, for example by a delisting.
    delisting_return : mapping of str to float
        Return from the last close to what a holder gets at the end, for each symbol in ``ended``.
    side : Side
        Side series by name, joined to the rows by the instant at which each value was known.
    universe : DataFrame of bool, or None
        Where a symbol may be held. Bars are never masked by it.
    parts : mapping of str to DataFrame
        Forecasts of a composition's parts, by field name.
    origin : mapping
        Source and parameters that the bars came from.
    record : mapping
        What is known of how the bars came to be, as plain data: what was found in them, what was repaired, the hashes
        of the files they were kept in. It goes into a Run's manifest.
    stamps : tuple of str
        What every report on these bars must say.
    forecast : DataFrame or None
        Where a signal is asked for its details: its evaluated forecast, rows x symbols.
    refits : tuple of Refit
        Where a learner is asked for its details: what it learned at each refit, in their order.
    part_seconds : mapping of str to float
        Where a composition is asked for its details: how long each part took for the last row, as a live session would
        ask; by field name as in ``parts``.
    memo : dict
        What was computed from these bars and may be used again, by whoever computes it.
    """

    def __init__(
        self,
        panel: Panel,
        calendar: Calendar,
        *,
        ended: Mapping[str, pd.Timestamp],
        delisting_return: Mapping[str, float],
        side_series: Mapping[str, SideSeries],
        universe: pd.DataFrame | None,
        parts: Mapping[str, pd.DataFrame],
        origin: Mapping[str, Any],
        record: Mapping[str, Any],
        stamps: tuple[str, ...],
    ) -> None:
        for array in panel.arrays.values():
            array.flags.writeable = False
        self._panel = panel
        self._frames: dict[str, pd.DataFrame] = {}
        self._universe = universe
        self._parts = dict(parts)
        self._cut: Cut | None = None
        self.forecast: pd.DataFrame | None = None
        self.refits: tuple[Refit, ...] = ()
        self.part_seconds: Mapping[str, float] = MappingProxyType({})
        self.memo: dict[Any, Any] = {}
        self.calendar = calendar
        self.ended = MappingProxyType(dict(ended))
        self.delisting_return = MappingProxyType(dict(delisting_return))
        self.side = Side(side_series, self.index, self.decided_at, self.symbols)
        self.origin = MappingProxyType(dict(origin))
        self.record = MappingProxyType(dict(record))
        self.stamps = stamps

    @classmethod
    def from_frames(
        cls,
        *,
        close: pd.DataFrame | pd.Series,
        open: pd.DataFrame | pd.Series | None = None,  # noqa: A002 - the field's own name
        high: pd.DataFrame | pd.Series | None = None,
        low: pd.DataFrame | pd.Series | None = None,
        volume: pd.DataFrame | pd.Series | None = None,
        ended: Mapping[str, str | date] | None = None,
        delisting_return: float | Mapping[str, float] = 0.0,
        side: Mapping[str, SideSeries] | None = None,
        universe: pd.DataFrame | None = None,
        calendar: str = "XNYS",
        bar: str | pd.Timedelta | None = None,
        stamps: Iterable[str] = (),
    ) -> Market:
        """Make a Market from frames of rows x symbols, or from Series for one symbol.

        Daily rows are labelled by session date, intraday rows by the start of the bar, with a time zone. Rows
        that the exchange had and the frames lack become missing bars; rows that it never had are refused.

        Parameters
        ----------
        close : DataFrame or Series
            Closing prices, in units of currency, above zero; NaN where there is no bar.
        open, high, low : DataFrame or Series, optional
            The other prices, all three or none; without them every bar is its close, and stamped so.
        volume : DataFrame or Series, optional
            Shares traded; NaN where unknown.
        ended : mapping of symbol to date, optional
            Last session of symbols that ceased to trade. A fact, never guessed from the bars.
        delisting_return : float or mapping of symbol to float, default 0
            Return from the last close to what holders got, as a fraction: -1 is a total loss.
        side : mapping of name to SideSeries, optional
            Values beside the bars, each with the instant at which it was known.
        universe : DataFrame of bool, optional
            Where a symbol may be held; a row for every row that has a bar. Symbols that it lacks are outside.
        calendar : str, default "XNYS"
            ISO code of the exchange; "24/7" for markets that never close.
        bar : str or Timedelta, optional
            Length of intraday bars, by default the shortest step between rows.
        stamps : iterable of str, optional
            What every report on these bars must say, for example that an index is not tradable.

        Raises
        ------
        DataError
            With the field, the row and the symbol of the first value that cannot stand.
        """
        frames = {"open": open, "high": high, "low": low, "close": close, "volume": volume}
        exchange = Calendar(calendar)
        panel = panel_from_frames(frames, exchange, bar)
        endings = checked_endings(ended or {}, panel)
        notes = [stamps] if isinstance(stamps, str) else [*stamps]
        notes += range_notes(panel)
        if open is None:
            notes.append(CLOSE_ONLY)
        for name, series in (side or {}).items():
            if series.is_assumed:
                notes.append(assumed_note(name))
        return cls(
            panel,
            exchange,
            ended=endings,
            delisting_return=checked_delisting(delisting_return, endings),
            side_series=side or {},
            universe=None if universe is None else checked_universe(universe, panel),
            parts={},
            origin={"source": "frames"},
            record={},
            stamps=tuple(notes),
        )

    @classmethod
    def from_panel(
        cls, panel: Panel, calendar: Calendar, *, stamps: Iterable[str] = (), record: Mapping[str, Any] | None = None
    ) -> Market:
        """Make a Market of arrays that were checked and stand on the exchange's grid; they become read-only."""
        return cls(
            panel,
            calendar,
            ended={},
            delisting_return={},
            side_series={},
            universe=None,
            parts={},
            origin={"source": "rows"},
            record=record or {},
            stamps=tuple(stamps),
        )

    @property
    def open(self) -> pd.DataFrame:
        """Opening prices, rows x symbols."""
        return self._frame("open")

    @property
    def high(self) -> pd.DataFrame:
        """Highest prices, rows x symbols."""
        return self._frame("high")

    @property
    def low(self) -> pd.DataFrame:
        """Lowest prices, rows x symbols."""
        return self._frame("low")

    @property
    def close(self) -> pd.DataFrame:
        """Closing prices, rows x symbols."""
        return self._frame("close")

    @property
    def volume(self) -> pd.DataFrame:
        """Shares traded, rows x symbols."""
        return self._frame("volume")

    @property
    def index(self) -> pd.DatetimeIndex:
        """Label of each row: the session date, or the start of an intraday bar in UTC."""
        return self._panel.grid.index

    @property
    def decided_at(self) -> pd.DatetimeIndex:
        """The instant (UTC) at which each row's bar is complete."""
        return self._panel.grid.decided_at

    @property
    def session(self) -> pd.DatetimeIndex:
        """The exchange session of each row, without time zone."""
        return self._panel.grid.session

    @property
    def symbols(self) -> pd.Index[str]:
        """Names of the columns."""
        return self._panel.symbols

    @property
    def bar(self) -> pd.Timedelta | None:
        """Length of an intraday bar; None for daily bars."""
        return self._panel.bar

    @property
    def universe(self) -> pd.DataFrame | None:
        """Where a symbol may be held, rows x symbols of bool; None for everywhere."""
        return None if self._universe is None else self._universe.copy(deep=False)

    @property
    def parts(self) -> Mapping[str, pd.DataFrame]:
        """Forecasts of a composition's parts, rows x symbols, by field name."""
        return MappingProxyType({name: part.copy(deep=False) for name, part in self._parts.items()})

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Where there is a bar, read-only, shape (rows, symbols)."""
        there: NDArray[np.bool_] = ~np.isnan(self._panel.arrays["close"])
        there.flags.writeable = False
        return there

    @cached_property
    def has_ranges(self) -> bool:
        """Whether any bar's high differs from its low; close-only bars do not tell how far a price went."""
        return not np.array_equal(self._panel.arrays["high"], self._panel.arrays["low"], equal_nan=True)

    @property
    def timeline(self) -> Timeline:
        """The rows without their bars."""
        return Timeline(self.calendar, self._panel.grid, self._panel.bar)

    @property
    def bars_per_year(self) -> float:
        """Bars in a usual year of this exchange, for annualising."""
        return self.calendar.bars_per_year(self.bar)

    def array(self, field: str) -> NDArray[np.float64]:
        """Return one field's values, read-only, shape (rows, symbols)."""
        return self._panel.arrays[field]

    def rows(self, start: int, stop: int) -> Market:
        """Return the rows from position ``start`` up to, not including, ``stop``. Values are shared, not copied.

        What became known after the last of these rows is not in them: a symbol that ends with it or later is not in
        ``ended``, and side series stop at its completion.

        Raises
        ------
        DataError
            If there is no such row.
        """
        part = slice(max(start, 0), max(stop, 0))
        if not 0 <= part.start < min(part.stop, len(self)):
            raise DataError(f"no rows from {start} to {stop}; there are {len(self)}")
        grid = Grid(self.index[part], self.decided_at[part], self.session[part])
        values = {field: array[part] for field, array in self._panel.arrays.items()}
        return self._with(Panel(grid, self.symbols, self.bar, values), rows=part)

    def between(self, start: str | date | None, end: str | date | None) -> Market:
        """Return the rows from the session ``start`` to the session ``end``, both included.

        Raises
        ------
        DataError
            If no row lies between them, or one is not a date.
        """
        first = 0 if start is None else int(self.session.searchsorted(day_of(start, "start"), side="left"))
        last = len(self) if end is None else int(self.session.searchsorted(day_of(end, "end"), side="right"))
        if first >= last:
            have = f"{self.session[0].date()} to {self.session[-1].date()}"
            raise DataError(f"no bars from {start or 'the start'} to {end or 'the end'}; the bars run from {have}")
        return self.rows(first, last).alone()

    def select(self, symbols: Iterable[str]) -> Market:
        """Return the given symbols, in the given order.

        Raises
        ------
        DataError
            If a symbol is unknown or named twice, or if there is none.
        """
        if isinstance(symbols, str):
            raise DataError(f"symbols is {symbols!r}; give a list, as in [{symbols!r}]")
        chosen = list(symbols)
        if not chosen:
            raise DataError("no symbols to select; name at least one")
        for symbol in chosen:
            if symbol not in self.symbols:
                hint = did_you_mean(symbol, self.symbols)
                raise DataError(f"no bars of symbol {symbol!r}{hint}")
        if len(set(chosen)) != len(chosen):
            raise DataError(f"a symbol is named twice in {', '.join(chosen)}")
        columns = self.symbols.get_indexer(pd.Index(chosen))
        values = {field: np.ascontiguousarray(array[:, columns]) for field, array in self._panel.arrays.items()}
        market = self._with(Panel(self._panel.grid, self.symbols[columns], self.bar, values), symbols=chosen)
        left = np.ones(len(self.symbols), dtype=bool)
        left[columns] = False
        # A formula across symbols has other values where one of them is left out.
        market._cut = self.cut.further(slice(None), columns) if not self.present[:, left].any() else None
        return market

    def with_listed_symbols(self) -> Market:
        """Return only the symbols that have a bar in these rows.

        Raises
        ------
        DataError
            If none has.
        """
        listed = np.flatnonzero(self.present.any(axis=0))
        return self if len(listed) == len(self.symbols) else self.select(self.symbols[listed])

    def with_values(
        self, arrays: Mapping[str, NDArray[np.float64]], side_series: Mapping[str, SideSeries] | None = None
    ) -> Market:
        """Return the same rows and symbols with other bars, and other side series where they are given.

        Parameters
        ----------
        arrays : mapping of field to array of float64, shape (rows, symbols)
            All five fields; what is NaN in ``close`` is NaN in every price.
        side_series : mapping of name to SideSeries, optional
            In place of the side series of these names.
        """
        market = self._with(Panel(self._panel.grid, self.symbols, self.bar, dict(arrays))).alone()
        if side_series:
            replaced = {**self.side.series, **side_series}
            market.side = Side(replaced, self.index, self.decided_at, self.symbols)
        return market

    def with_parts(self, parts: Mapping[str, pd.DataFrame]) -> Market:
        """Return the same bars with the forecasts of a composition's parts."""
        market = self._with(self._panel)
        market._parts = dict(parts)
        return market

    def with_outcome(
        self, forecast: pd.DataFrame, refits: tuple[Refit, ...], part_seconds: Mapping[str, float]
    ) -> Market:
        """Return the same bars with what came of the signal that is asked for its details."""
        market = self._with(self._panel)
        market.forecast, market.refits, market.part_seconds = forecast, refits, MappingProxyType(dict(part_seconds))
        return market

    def with_universe(self, universe: pd.DataFrame) -> Market:
        """Return the same bars with another mask of where a symbol may be held, rows x symbols of bool.

        Raises
        ------
        DataError
            If it lacks a row that has a bar, names an unknown symbol, or holds other values than True and False.
        """
        # Formulas across symbols count those in the universe: with another one they have other values.
        market = self._with(self._panel).alone()
        market._universe = checked_universe(universe, self._panel)
        return market

    def with_origin(self, origin: Mapping[str, Any]) -> Market:
        """Return the same bars, saying where they came from: ``{"source": name, **parameters}``."""
        market = self._with(self._panel)
        market.origin = MappingProxyType(dict(origin))
        return market

    def with_record(self, record: Mapping[str, Any], stamps: Iterable[str] = ()) -> Market:
        """Return the same bars with more that is known of how they came to be, and more that reports must say."""
        market = self._with(self._panel)
        market.record = MappingProxyType({**self.record, **record})
        market.stamps = (*self.stamps, *stamps)
        return market

    def with_side(self, side: Mapping[str, SideSeries]) -> Market:
        """Return the same bars with further side series, or others in place of those of the same names."""
        market = self._with(self._panel).alone()
        market.side = Side({**self.side.series, **side}, self.index, self.decided_at, self.symbols)
        assumed = [assumed_note(name) for name, series in side.items() if series.is_assumed]
        market.stamps = (*self.stamps, *(note for note in assumed if note not in self.stamps))
        return market

    @property
    def cut(self) -> Cut:
        """Where these bars stand in the market that they were cut from; the whole of this one, if from none."""
        return self._cut or Cut(self, 0, np.arange(len(self.symbols)))

    def alone(self) -> Market:
        """Return the same bars as if they had been cut from none."""
        market = self._with(self._panel)
        market._cut = None
        return market

    def without_endings(self) -> Market:
        """Return the same bars without the knowledge of which symbols ended: what a forecast may see."""
        market = self._with(self._panel)
        market.ended, market.delisting_return = MappingProxyType({}), MappingProxyType({})
        return market

    def resampled(self, bar: str | pd.Timedelta) -> Market:
        """Return the market of longer bars, each made of this market's own bars within it.

        A longer bar opens with the first bar that is there and closes with the last; its volume is the sum of those
        that are known. Where none is there, it is missing too. Bars within a session are laid from the open on, so
        the last one may be shorter. Longer bars of which these rows hold only a part are left out, at either end. A
        symbol may be held where it could be on the last row of each.

        Parameters
        ----------
        bar : str or Timedelta
            A multiple of this market's bar up to 12 hours, as in ``"5min"``, or ``"1D"`` for daily bars.

        Raises
        ------
        DataError
            If it is no such length, or these rows hold no whole bar of it.
        """
        from quantstrats.market.longer import resampled

        return resampled(self, bar)

    def longer(self, bar: str | pd.Timedelta) -> LongerBars:
        """Return longer bars beside these rows; each row shows the last one that is complete when it is itself.

        For signals that look at two lengths of bars at once: ``market.longer("week").close`` is a frame of rows x
        symbols. To calculate with the longer bars themselves::

            weekly = market.longer("week")
            average = weekly.on_rows(weekly.bars("close").rolling(10).mean())

        A longer bar counts only where these rows hold it from its first row on. So the ``warmup`` of a signal that
        looks at the last n counts the rows of n + 1 of them, less one: with weeks of New York 5 (n + 1) - 1, with its
        months at most 23 (n + 1) - 1, with days on minute bars 390 (n + 1) - 1.

        Parameters
        ----------
        bar : str or Timedelta
            A multiple of this market's bar up to 12 hours, as in ``"1h"``, or ``"1D"``, ``"week"``, ``"month"``,
            ``"quarter"``, ``"year"`` of the exchange's calendar.

        Raises
        ------
        DataError
            If it is no such length.
        """
        from quantstrats.market.longer import longer

        return longer(self, bar)

    def starts_period(self, period: str) -> NDArray[np.bool_]:
        """Tell which rows are the first of a week, month, quarter or year, by the exchange's calendar."""
        return self.calendar.starts_period(self.session, period)

    @cached_property
    def content_hash(self) -> str:
        """Hash of all that a strategy can see in this Market."""
        return hash_parts(self.content_hashes)

    @cached_property
    def content_hashes(self) -> Mapping[str, str]:
        """Hashes of the parts of ``content_hash``, by name."""
        facts = {"calendar": self.calendar.name, "ended": self.ended.copy(), "return": self.delisting_return.copy()}
        parts = {
            "index": hash_frame(self.decided_at.to_series(index=self.index)),
            "symbols": hash_plain(list(self.symbols)),
            "facts": hash_plain(facts),
        }
        parts |= {field: hash_array(self._panel.arrays[field]) for field in FIELDS}
        parts |= {f"side {name}": series.content_hash() for name, series in self.side.series.items()}
        parts |= {f"part {name}": hash_frame(forecast) for name, forecast in self._parts.items()}
        if self._universe is not None:
            parts["universe"] = hash_frame(self._universe)
        return MappingProxyType(parts)

    @cached_property
    def learning_hash(self) -> str:
        """Hash of all that a fit can see, with the parts' forecasts to ten digits.

        A part's forecast differs in the last digits with the row on which its window happens to begin.
        """
        rounded = {name: _to_digits(part) for name, part in self._parts.items()}
        return self.with_parts(rounded).content_hash if rounded else self.content_hash

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        bars = "daily" if self.bar is None else f"bars of {self.bar.total_seconds() / 60:g} minutes"
        span = f"{self.session[0].date()} to {self.session[-1].date()}"
        return f"<Market: {len(self.symbols)} symbols x {len(self)} rows, {bars}, {span}, {self.calendar.name}>"

    def _frame(self, field: str) -> pd.DataFrame:
        if field not in self._frames:
            values = self._panel.arrays[field]
            self._frames[field] = pd.DataFrame(values, index=self.index, columns=self.symbols, copy=False)
        return self._frames[field].copy(deep=False)

    def _with(self, panel: Panel, rows: slice = slice(None), symbols: list[str] | None = None) -> Market:
        columns = list(self.symbols) if symbols is None else symbols
        ended = {symbol: day for symbol, day in self.ended.items() if symbol in columns}
        side_series = self.side.series
        if rows != slice(None):
            # Within these rows nobody knows what ends with or after the last of them, or is published after it.
            ended = {symbol: day for symbol, day in ended.items() if day < panel.grid.session[-1]}
            last = panel.grid.decided_at[-1]
            side_series = {name: series.known_until(last) for name, series in side_series.items()}
        market = Market(
            panel,
            self.calendar,
            ended=ended,
            delisting_return={symbol: self.delisting_return[symbol] for symbol in ended},
            side_series=side_series,
            universe=None if self._universe is None else self._universe.iloc[rows][columns],
            parts={name: part.iloc[rows].reindex(columns=columns) for name, part in self._parts.items()},
            origin=self.origin,
            record=self.record,
            stamps=self.stamps,
        )
        market._cut = self.cut.further(rows, None) if symbols is None else None
        return market


def _to_digits(part: pd.DataFrame) -> pd.DataFrame:
    values = part.to_numpy("float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (9 - np.floor(np.log10(np.abs(values))))
        rounded = np.where(values == 0.0, 0.0, np.round(values * scale) / scale)
    return pd.DataFrame(rounded, index=part.index, columns=part.columns)
