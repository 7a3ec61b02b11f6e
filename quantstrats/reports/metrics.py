"""The figures of a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import pandas as pd

# The figures that are given for the benchmark too, as benchmark_<name>.
_COMPARED = ("total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "calmar", "max_drawdown")


def measure(
    *,
    returns: pd.Series,
    equity: pd.Series,
    cash: float,
    positions: pd.DataFrame,
    transactions: pd.DataFrame,
    orders: pd.DataFrame,
    trades: pd.DataFrame,
    benchmark: pd.Series | None,
    bars_per_year: float,
) -> dict[str, Any]:
    """Return the figures of a run as plain numbers; None where one is undefined.

    Ratios are annualised with ``bars_per_year`` and a risk-free rate of zero; figures over returns are those of
    empyrical, figures over round trips count only trades that have ended. What a run does after its account is gone
    does not count: its returns end with -1.

    Parameters
    ----------
    returns, equity : Series
        Per bar.
    cash : float
        What the account started with.
    positions : DataFrame
        Values in units of currency, with ``cash``.
    transactions, orders, trades : DataFrame
        As in a Run.
    benchmark : Series or None
        Returns per bar.
    bars_per_year : float
        For annualising.
    """
    figures = {
        "start": str(returns.index[0].date()),
        "end": str(returns.index[-1].date()),
        "bars": len(returns),
        "start_cash": cash,
        "final_equity": float(equity.iloc[-1]),
        **_of_returns(returns, bars_per_year),
        **_of_benchmark(returns, benchmark, bars_per_year),
        **_of_trading(equity, positions, transactions, orders, bars_per_year),
        **_of_trades(trades),
    }
    return {name: _plain(value) for name, value in figures.items()}


def _of_returns(returns: pd.Series, bars_per_year: float) -> dict[str, float]:
    import empyrical

    yearly = {"annualization": bars_per_year}
    return {
        "total_return": empyrical.cum_returns_final(returns),
        "annual_return": empyrical.annual_return(returns, **yearly),
        "annual_volatility": empyrical.annual_volatility(returns, **yearly),
        "sharpe": empyrical.sharpe_ratio(returns, **yearly),
        "sortino": empyrical.sortino_ratio(returns, **yearly),
        "calmar": empyrical.calmar_ratio(returns, **yearly),
        "max_drawdown": empyrical.max_drawdown(returns),
        "value_at_risk": empyrical.value_at_risk(returns, cutoff=0.05),
        "skew": cast("float", returns.skew()),
        "kurtosis": cast("float", returns.kurtosis()),
    }


def _of_benchmark(returns: pd.Series, benchmark: pd.Series | None, bars_per_year: float) -> dict[str, float | None]:
    import empyrical

    if benchmark is None:
        return dict.fromkeys([f"benchmark_{name}" for name in _COMPARED] + ["alpha", "beta"])
    figures = _of_returns(benchmark, bars_per_year)
    alpha, beta = empyrical.alpha_beta(returns, benchmark, annualization=bars_per_year)
    return {**{f"benchmark_{name}": figures[name] for name in _COMPARED}, "alpha": alpha, "beta": beta}


def _of_trading(
    equity: pd.Series,
    positions: pd.DataFrame,
    transactions: pd.DataFrame,
    orders: pd.DataFrame,
    bars_per_year: float,
) -> dict[str, float]:
    # An account that is gone has no exposure; what it owes is no equity to measure by.
    alive = equity.mask((equity <= 0.0).cummax())
    traded = float((transactions["amount"].abs() * transactions["price"]).sum())
    years = alive.count() / bars_per_year
    exposure = positions.drop(columns="cash").abs().sum(axis=1) / alive
    return {
        "exposure": float(exposure.mean()),
        "annual_turnover": traded / float(alive.mean()) / years if years else math.nan,
        "commission": float(transactions["commission"].sum()),
        "orders": len(orders),
        "orders_refused": int(orders["status"].isin(["Margin", "Rejected"]).sum()),
    }


def _of_trades(trades: pd.DataFrame) -> dict[str, float]:
    net = trades["pnl_net"]
    won, lost = net[net >= 0], net[net < 0]
    return {
        "trades": len(trades),
        "win_rate": len(won) / len(trades) if len(trades) else math.nan,
        "profit_factor": float(won.sum() / -lost.sum()) if len(lost) else math.nan,
        "average_win": float(won.mean()),
        "average_loss": float(lost.mean()),
        "average_bars": float(trades["bars"].mean()),
    }


def _plain(value: Any) -> Any:
    """Return a Python number, or None for NaN and infinity."""
    if value is None or isinstance(value, str | bool | int):
        return value
    number = float(value)
    return number if math.isfinite(number) else None
