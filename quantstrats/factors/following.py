"""Following: what the sign of a forecast would have earned, without an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market

_BASIS_POINTS = 10_000.0  # in one


def following_returns(
    forecast: pd.DataFrame, market: Market, *, cost_bps: float = 0.0, short: bool = True
) -> pd.Series:
    """Return what following the sign of a forecast earned on each row, the mean over the symbols that have a bar.

    What is decided at the close of a row is held from the open of the next row to the open after it, as an order on it
    would be filled; so the first two rows earn nothing. No opinion is flat. It is a yardstick to compare forecasts by:
    sizes, cash and missing fills are an engine's work.

    Parameters
    ----------
    forecast : DataFrame
        Rows x symbols of the market.
    market : Market
        The bars.
    cost_bps : float, default 0
        Basis points of what is traded, commission and slippage: turning from long to short trades two units.
    short : bool, default True
        Whether a negative forecast is held short; else it is flat.

    Returns
    -------
    Series
        As fractions, labelled by the row at whose open they were earned.

    Raises
    ------
    ConfigError
        If the costs are negative.
    """
    if not 0.0 <= cost_bps < np.inf:
        raise ConfigError(f"cost_bps is {cost_bps!r}; give a number of basis points, not negative")
    laid = forecast.reindex(index=market.index, columns=market.symbols).fillna(0.0)
    position = laid.apply(np.sign)
    if not short:
        position = position.clip(lower=0.0)
    held = position.shift(2, fill_value=0.0)  # over the row before, from its open to this one
    traded = (position.shift(1, fill_value=0.0) - held).abs()  # at this open
    opens = market.open.ffill()
    earned = held * opens.pct_change(fill_method=None).fillna(0.0) - traded * cost_bps / _BASIS_POINTS
    returns: pd.Series = earned.where(market.present).mean(axis=1).fillna(0.0)
    return returns.rename("following")


def annual_sharpe(returns: pd.Series, bars_per_year: float) -> float:
    """Return the annualised Sharpe ratio of returns per bar, without a risk-free rate; NaN where they do not vary.

    Sharpe (1994), "The Sharpe Ratio": mean over standard deviation (of a sample), times the root of bars in a year.
    """
    deviation = float(returns.std())
    if not deviation > 1e-15:
        return float("nan")
    return float(returns.mean()) / deviation * float(np.sqrt(bars_per_year))
