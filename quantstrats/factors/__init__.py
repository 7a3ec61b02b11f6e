"""Factors: what a forecast is worth across symbols: returns by quantile, rank correlations, and how sure they are.

Forecasts are judged as orders on them would be: decided at a close, entered at the next open. Every name loads on
first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.lazy import lazily

if TYPE_CHECKING:
    from quantstrats.factors.correlation import information_coefficient
    from quantstrats.factors.following import annual_sharpe, following_returns
    from quantstrats.factors.forward import forward_returns
    from quantstrats.factors.newey_west import MeanTest, mean_test
    from quantstrats.factors.pictures import quantile_picture
    from quantstrats.factors.quantiles import QuantileReturns, quantile_means, quantile_numbers, quantile_returns

_HOMES = {
    "MeanTest": "newey_west",
    "QuantileReturns": "quantiles",
    "annual_sharpe": "following",
    "following_returns": "following",
    "forward_returns": "forward",
    "information_coefficient": "correlation",
    "mean_test": "newey_west",
    "quantile_means": "quantiles",
    "quantile_numbers": "quantiles",
    "quantile_picture": "pictures",
    "quantile_returns": "quantiles",
}

__all__ = [
    "MeanTest",
    "QuantileReturns",
    "annual_sharpe",
    "following_returns",
    "forward_returns",
    "information_coefficient",
    "mean_test",
    "quantile_means",
    "quantile_numbers",
    "quantile_picture",
    "quantile_returns",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
