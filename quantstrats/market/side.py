"""Side series: values beside the bars, each with the instant at which it was known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from quantstrats.errors import DataError, did_you_mean
from quantstrats.hashing import hash_frame, hash_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONG_SILENCE = pd.Timedelta("10D")
ASSUMED: Literal["assumed"] = "assumed"


@dataclass(frozen=True, eq=False)
class SideSeries:
    """Observations and when each was known.

    Parameters
    ----------
    values : Series or DataFrame
        A Series of one number per observation (``vix``), a DataFrame of observations x symbols (earnings), or,
        with ``known_at="assumed"``, a Series of one value per symbol (``sector``). The index of dated values
        says what each observation is about (a day, a quarter); a later publication about the same or a newer
        observation replaces the one before, a late revision of an older observation does not.
    known_at : DatetimeIndex, or "assumed"
        For each observation the instant from which it could be known, with a time zone. ``"assumed"`` declares
        a static map that is taken as known at all times; it is stamped on every Run that uses it.
    """

    values: pd.Series | pd.DataFrame
    known_at: pd.DatetimeIndex | Literal["assumed"]

    def __post_init__(self) -> None:
        if not isinstance(self.values, pd.Series | pd.DataFrame):
            raise DataError(f"values are of type {type(self.values).__name__}; give a Series or a DataFrame")
        static = isinstance(self.known_at, str)
        symbols = self.values.index if static else getattr(self.values, "columns", pd.Index([]))
        if symbols.has_duplicates:
            twice = symbols[symbols.duplicated()][0]
            raise DataError(f"values have the symbol {twice!r} more than once; keep one")
        # A later change of the user's own object must not reach a frozen Market.
        object.__setattr__(self, "values", self.values.copy(deep=False))
        if isinstance(self.known_at, str):
            if self.known_at != ASSUMED:
                raise DataError(f"known_at is {self.known_at!r}; give one instant per value, or 'assumed'")
        else:
            object.__setattr__(self, "known_at", self._checked_instants())

    @property
    def is_assumed(self) -> bool:
        """Whether the values are a static map that is taken as known at all times."""
        return isinstance(self.known_at, str)

    def known_until(self, moment: pd.Timestamp) -> SideSeries:
        """Return only the observations that were known at the instant ``moment`` (UTC); all of a static map."""
        if isinstance(self.known_at, str):
            return self
        known = self.known_at <= moment
        return self if known.all() else SideSeries(self.values[known], self.known_at[known])

    def ended_note(self, decided_at: pd.DatetimeIndex) -> str:
        """Return what to say where the series, or that of a symbol, stopped long before the last row; or nothing.

        Long is more than ten days, and more than twice the longest time that it was silent before. Words, such as
        sectors, may well stay as they are, and are left out.
        """
        if isinstance(self.known_at, str):
            return ""
        if isinstance(self.values, pd.Series):
            return self._ended("it", self.values, decided_at)
        notes = [self._ended(str(symbol), column, decided_at) for symbol, column in self.values.items()]
        ended = [note for note in notes if note]
        return f"{ended[0]}{f'; so with {len(ended) - 1} more symbols' if len(ended) > 1 else ''}" if ended else ""

    def _ended(self, what: str, column: pd.Series, decided_at: pd.DatetimeIndex) -> str:
        present = column.notna().to_numpy()
        if not present.any() or not pd.api.types.is_numeric_dtype(column.dtype):
            return ""
        known = self.known_at[present].unique().sort_values()  # type: ignore[union-attr]  # "assumed" does not come here
        silent = pd.Timedelta(int(np.diff(known.asi8).max()), unit="ns") if len(known) > 1 else pd.Timedelta(0)
        after = int((decided_at > known[-1]).sum())
        if not after or decided_at[-1] - known[-1] <= max(2 * silent, _LONG_SILENCE):
            return ""
        return (
            f"nothing of {what} was known after {known[-1]:%Y-%m-%d}: that value stands on the {after:,} rows after it"
        )

    def joined(
        self, index: pd.DatetimeIndex, decided_at: pd.DatetimeIndex, symbols: pd.Index[str]
    ) -> pd.Series | pd.DataFrame:
        """Return for each row the newest observation with ``known_at <= decided_at``, NaN before the first.

        Parameters
        ----------
        index, decided_at : DatetimeIndex
            Label and completion instant of each row.
        symbols : Index of str
            The market's symbols: values of other symbols are left out, symbols without values are NaN.

        Returns
        -------
        Series over the rows, DataFrame of rows x symbols, or the static map by symbol.
        """
        if self.is_assumed:
            return self.values.set_axis(self.values.index.astype(str)).reindex(symbols)
        if isinstance(self.values, pd.Series):
            return pd.Series(self._as_of(self.values, decided_at), index=index, name=self.values.name)
        known = {str(symbol): self.values[symbol] for symbol in self.values}
        columns = {symbol: self._as_of(known[symbol], decided_at) for symbol in symbols if symbol in known}
        return pd.DataFrame(columns, index=index).reindex(columns=symbols)

    def content_hash(self) -> str:
        """Hash the values and when they were known."""
        known = ASSUMED if isinstance(self.known_at, str) else hash_frame(self.known_at.to_series())
        return hash_parts({"values": hash_frame(self.values), "known_at": known})

    def _checked_instants(self) -> pd.DatetimeIndex:
        try:
            known = pd.DatetimeIndex(self.known_at)  # type: ignore[arg-type]  # "assumed" does not come here
        except (ValueError, TypeError):
            raise DataError("known_at are not instants; give a DatetimeIndex with a time zone, or 'assumed'") from None
        if known.tz is None:
            raise DataError("known_at has no time zone; localise it, as in known_at.tz_localize('UTC')")
        if len(known) != len(self.values):
            raise DataError(f"known_at has {len(known)} instants for {len(self.values)} values; give one for each")
        missing = np.count_nonzero(known.isna())
        if missing:
            raise DataError(f"known_at is missing for {missing} values; drop them or say when")
        return known.tz_convert("UTC").as_unit("ns")

    def _as_of(self, column: pd.Series, decided_at: pd.DatetimeIndex) -> NDArray[Any]:
        present = column.notna().to_numpy()
        if not present.any():
            return np.full(len(decided_at), np.nan)
        instants = self.known_at.asi8[present]  # type: ignore[union-attr]  # nor here
        number = pd.api.types.is_numeric_dtype(column.dtype)
        values = column[present].to_numpy("float64" if number else object)
        age = pd.factorize(column.index[present], sort=True)[0]  # dense rank of what each is about
        order = np.lexsort((age, instants))
        age = age[order]
        # A publication counts unless something newer is known already: a revision of an old quarter does not.
        counts = age == np.maximum.accumulate(age)
        newest = np.maximum.accumulate(np.where(counts, np.arange(len(age)), 0))
        position = instants[order].searchsorted(decided_at.as_unit("ns").asi8, side="right") - 1
        return np.where(position >= 0, values[order][newest[np.maximum(position, 0)]], np.nan)


class Side(Mapping[str, Any]):
    """The side series of a Market, joined to its rows when asked for: ``market.side["vix"]``."""

    def __init__(
        self,
        series: Mapping[str, SideSeries],
        index: pd.DatetimeIndex,
        decided_at: pd.DatetimeIndex,
        symbols: pd.Index[str],
    ) -> None:
        self.series = dict(series)
        self._rows_and_symbols = (index, decided_at, symbols)
        self._joined: dict[str, pd.Series | pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.Series | pd.DataFrame:
        if name not in self.series:
            has = ", ".join(self.series) or "none"
            raise DataError(f"no side series called {name!r}{did_you_mean(name, self.series)} (there is: {has})")
        if name not in self._joined:
            self._joined[name] = self.series[name].joined(*self._rows_and_symbols)
        return self._joined[name].copy(deep=False)

    # Mapping would ask __getitem__, whose error is no KeyError.
    def __contains__(self, name: object) -> bool:
        return name in self.series

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)
