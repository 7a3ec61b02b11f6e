"""Reconcile: where the bars of two sources differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.market.frames import FIELDS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

# What two vendors of the same prices may differ by, as a fraction; their volumes are counted in different ways.
PRICE_TOLERANCE = 0.001
VOLUME_TOLERANCE = 0.05


def reconcile(market: Market, other: Market, tolerances: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Compare the bars of two Markets on the symbols and rows that both have. Nothing is merged.

    Parameters
    ----------
    market, other : Market
        The bars, of the same exchange and length.
    tolerances : mapping of str to float, optional
        By field, the fraction of the value by which the other may differ; by default 0.001 for prices and 0.05 for
        volume. Volumes that only one knows are not compared.

    Returns
    -------
    DataFrame
        What differs by more, in order of time: ``symbol``, ``time``, ``field``, ``value``, ``other`` and
        ``difference``, which is other / value - 1. For a bar that only one of them has, ``field`` is "bar", and the
        value its close.

    Raises
    ------
    ConfigError
        If a tolerance is of no field, or no number above or equal to zero.
    DataError
        If the Markets have no symbol or row in common, or bars of another exchange or length.
    """
    import pandas as pd

    allowed = _tolerances(tolerances or {})
    symbols = [symbol for symbol in market.symbols if symbol in other.symbols]
    labels = market.index.intersection(other.index)
    _check(market, other, symbols, labels)
    mine = _common(market, symbols, labels)
    theirs = _common(other, symbols, labels)
    tables = []
    one = np.isnan(mine["close"]) != np.isnan(theirs["close"])
    places = {"bar": one}
    with np.errstate(divide="ignore", invalid="ignore"):
        for field in FIELDS:
            difference = np.abs(theirs[field] / mine[field] - 1)
            # Two volumes of zero are the same; what is missing on a side is no number to compare.
            places[field] = (difference > allowed[field]) & (theirs[field] != mine[field])
        for number, (field, where) in enumerate(places.items()):
            row, column = np.nonzero(where)
            value, against = (side["close" if field == "bar" else field][row, column] for side in (mine, theirs))
            names = np.array(symbols, dtype=object)[column]
            table = {"symbol": names, "time": labels[row], "field": field, "value": value, "other": against}
            tables.append(pd.DataFrame({**table, "difference": against / value - 1, "order": number}))
    return pd.concat(tables).sort_values(["time", "symbol", "order"], ignore_index=True).drop(columns="order")


def _tolerances(given: Mapping[str, float]) -> dict[str, float]:
    allowed = {field: VOLUME_TOLERANCE if field == "volume" else PRICE_TOLERANCE for field in FIELDS}
    for field, tolerance in given.items():
        if field not in allowed:
            raise ConfigError(f"tolerance of {field!r}, which is no field{did_you_mean(field, FIELDS)}")
        if not tolerance >= 0:
            raise ConfigError(f"tolerance of {field} is {tolerance!r}; give a fraction, as in 0.001")
        allowed[field] = tolerance
    return allowed


def _check(market: Market, other: Market, symbols: list[str], labels: pd.DatetimeIndex) -> None:
    if market.calendar != other.calendar:
        raise DataError(f"bars of {market.calendar.name} cannot be compared with those of {other.calendar.name}")
    if market.bar != other.bar:
        lengths = " and ".join(str(each.bar or "a session") for each in (market, other))
        raise DataError(f"bars of {lengths} cannot be compared; load both with one length")
    if not symbols:
        raise DataError(f"no symbol in common: {market.symbols[0]} ... and {other.symbols[0]} ...")
    if labels.empty:
        spans = " and ".join(f"{each.session[0].date()} to {each.session[-1].date()}" for each in (market, other))
        raise DataError(f"no row in common: bars run from {spans}")


def _common(market: Market, symbols: list[str], labels: pd.DatetimeIndex) -> dict[str, NDArray[np.float64]]:
    """Return the values of some rows and symbols, by field."""
    import pandas as pd

    rows = market.index.get_indexer(labels)
    columns = market.symbols.get_indexer(pd.Index(symbols))
    return {field: market.array(field)[np.ix_(rows, columns)] for field in FIELDS}
