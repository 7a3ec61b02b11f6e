"""The information coefficient: how well a forecast ranks symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.factors.forward import forward_returns

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market

_LEAST = 3  # symbols; the rank correlation of two is always one


def information_coefficient(forecast: pd.DataFrame, market: Market, horizon: int = 1) -> pd.Series:
    """Return the rank correlation of each row's forecasts with what was then earned.

    Spearman's, ties sharing their mean rank; of the symbols that have both. Grinold and Kahn (2000) build on its mean;
    whether that differs from zero is told by ``mean_test``.

    Parameters
    ----------
    forecast : DataFrame
        Rows of the market x symbols; NaN where there is no opinion.
    market : Market
        The bars.
    horizon : int, default 1
        Rows from the open after the forecast to the open at which it is judged.

    Returns
    -------
    Series
        By row, from -1 to 1; rows are left out that have fewer than three symbols, or equal ranks alone.
    """
    earned = forward_returns(market, horizon).reindex(index=forecast.index, columns=forecast.columns)
    both = forecast.notna() & earned.notna()
    ranked = [frame.where(both).rank(axis=1) for frame in (forecast, earned)]
    off = [ranks.sub(ranks.mean(axis=1), axis=0) for ranks in ranked]
    together = (off[0] * off[1]).sum(axis=1)
    alone = (off[0] ** 2).sum(axis=1) * (off[1] ** 2).sum(axis=1)
    coefficient = together / alone.where((both.sum(axis=1) >= _LEAST) & (alone > 0.0)) ** 0.5
    return coefficient.dropna().rename("information coefficient")
