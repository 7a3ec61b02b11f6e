"""Quantiles: symbols sorted by a forecast on each row, and what each part of them earned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import is_count
from quantstrats.errors import ConfigError, DataError
from quantstrats.factors.forward import forward_returns
from quantstrats.factors.newey_west import MeanTest, automatic_lags, mean_test

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market

SPREAD = "top - bottom"


@dataclass(frozen=True, eq=False)
class QuantileReturns:
    """What each quantile of a forecast earned, before costs.

    Attributes
    ----------
    returns : DataFrame
        Rows x quantiles (1 holds the lowest forecasts): the mean return of the quantile's symbols over the horizon, as
        a fraction. Only rows that have any.
    horizon : int
        Rows from entry to exit.
    lags : int
        For how many rows' dependence the errors allow.
    """

    returns: pd.DataFrame
    horizon: int
    lags: int

    @property
    def spread(self) -> pd.Series:
        """The highest quantile less the lowest, by row."""
        return (self.returns.iloc[:, -1] - self.returns.iloc[:, 0]).rename(SPREAD)

    @cached_property
    def spread_test(self) -> MeanTest:
        """The mean of the spread, and how sure it is."""
        return mean_test(self.spread, self.lags)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Mean return, its error and t-statistic of each quantile, and of the highest less the lowest; by quantile."""
        import pandas as pd

        tests = [mean_test(self.returns[number], self.lags) for number in self.returns.columns]
        rows = [[test.mean, test.error, test.t] for test in [*tests, self.spread_test]]
        names = [*(str(number) for number in self.returns.columns), SPREAD]
        return pd.DataFrame(rows, index=pd.Index(names, name="quantile"), columns=["mean return", "error", "t"])


def quantile_numbers(forecast: pd.DataFrame, quantiles: int = 10) -> pd.DataFrame:
    """Return in which quantile of its row each symbol is: 1 holds the lowest forecasts.

    Equal forecasts are in the same quantile, so that no order of symbols decides; a quantile may then be empty.

    Parameters
    ----------
    forecast : DataFrame
        Rows x symbols; NaN where there is no opinion.
    quantiles : int, default 10
        How many parts there are, of equal size where the number of opinions allows it.

    Returns
    -------
    DataFrame
        Of the same shape, 1 to ``quantiles``; NaN without an opinion, and on rows with fewer opinions than quantiles.

    Raises
    ------
    ConfigError
        If ``quantiles`` is not a number above 1.
    """
    if not is_count(quantiles) or quantiles < 2:
        raise ConfigError(f"quantiles is {quantiles!r}; it counts parts, at least 2")
    count = forecast.notna().sum(axis=1)
    place = forecast.rank(axis=1).sub(0.5).mul(quantiles).div(count.where(count >= quantiles), axis=0)
    return place // 1.0 + 1.0


def quantile_returns(
    forecast: pd.DataFrame, market: Market, quantiles: int = 10, horizon: int = 1, lags: int | None = None
) -> QuantileReturns:
    """Sort symbols by their forecast on each row, and return what each quantile earned.

    Equally weighted, entered at the next open and left at the open ``horizon`` rows later, before costs. Rows may be
    those of every bar, whose returns overlap where the horizon is longer than one, or those of decisions alone.

    Parameters
    ----------
    forecast : DataFrame
        Rows of the market x symbols; NaN where there is no opinion.
    market : Market
        The bars.
    quantiles : int, default 10
        How many parts there are.
    horizon : int, default 1
        Rows from entry to exit.
    lags : int, optional
        For the errors (Newey and West 1987): by default the rule of 1994, and at least as many rows as overlap with
        one.

    Raises
    ------
    ConfigError
        If ``quantiles``, ``horizon`` or ``lags`` are no such numbers.
    DataError
        If the forecast has rows that the market lacks.
    """
    import pandas as pd

    if not isinstance(forecast, pd.DataFrame) or not forecast.index.isin(market.index).all():
        raise DataError("quantile_returns: the forecast has rows that the market lacks")
    if len(forecast.columns) and not forecast.columns.isin(market.symbols).any():
        raise DataError("quantile_returns: the forecast has no symbol of the market")
    numbers = quantile_numbers(forecast, quantiles)
    earned = forward_returns(market, horizon).reindex(index=forecast.index, columns=forecast.columns)
    means = {number: earned.where(numbers == number).mean(axis=1) for number in range(1, quantiles + 1)}
    returns = pd.DataFrame(means).rename_axis(columns="quantile").dropna(how="all")
    if lags is None:
        rows = market.index.get_indexer(returns.index)
        overlapping = np.searchsorted(rows, rows + horizon) - np.arange(len(rows)) - 1
        lags = max([automatic_lags(len(rows)), *overlapping.tolist()])
    return QuantileReturns(returns, horizon, lags)


def quantile_means(
    forecast: pd.DataFrame, values: Mapping[str, pd.DataFrame], quantiles: int = 10, horizon: int = 1
) -> pd.DataFrame:
    """Return what the symbols in each quantile are like: means over the rows of each row's mean.

    Parameters
    ----------
    forecast : DataFrame
        Rows x symbols; NaN where there is no opinion.
    values : mapping of str to DataFrame
        What is averaged, by name: rows x symbols.
    quantiles : int, default 10
        How many parts there are.
    horizon : int, default 1
        Rows back to those that turnover compares with.

    Returns
    -------
    DataFrame
        By quantile: ``symbols`` (the mean number), a column for each of the values, and ``turnover`` (the part of the
        quantile's symbols that were not in it ``horizon`` rows before, of those rows that had quantiles).
    """
    import pandas as pd

    numbers = quantile_numbers(forecast, quantiles)
    before = numbers.shift(horizon)
    known, comparable = numbers.notna().any(axis=1), before.notna().any(axis=1)
    table = {}
    for number in range(1, quantiles + 1):
        inside = (numbers == number)[known]
        held = inside.sum(axis=1)
        new = (inside & (before != number)[known]).sum(axis=1)
        averages = {
            name: frame.reindex_like(inside).where(inside).mean(axis=1).mean() for name, frame in values.items()
        }
        turnover = (new / held.where(held > 0))[comparable[known]].mean()
        table[str(number)] = {"symbols": held.mean(), **averages, "turnover": turnover}
    return pd.DataFrame(table).T.rename_axis(index="quantile")
