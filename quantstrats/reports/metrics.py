"""The figures of a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from quantstrats.checks import number
from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

TAIL = 0.05
# The figures that are given for the benchmark too, as benchmark_<name>.
_COMPARED = ("total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "calmar", "max_drawdown")
# The figures that are given for the sessions that were held out too, as holdout_<name>.
_HELD_OUT = ("total_return", "sharpe", "max_drawdown")
_AGAINST = ("alpha", "beta", "tracking_error", "information_ratio")


def check_risk_free(risk_free: object) -> float:
    """Return an annual risk-free rate as a float.

    Raises
    ------
    ConfigError
        If it is no finite number above -1.
    """
    rate = number("risk_free", risk_free)
    if not -1.0 < rate < math.inf:
        raise ConfigError(f"risk_free is {rate}; give a yearly rate as a fraction, as in 0.02 for 2%")
    return rate


def rate_per_bar(risk_free: float, bars_per_year: float) -> float:
    """Return the rate per bar that compounds to an annual rate, a fraction, within a year of bars."""
    return float((1.0 + risk_free) ** (1.0 / bars_per_year) - 1.0)


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
    risk_free: float = 0.0,
    kept: int | None = None,
) -> dict[str, Any]:
    """Return the figures of a run as plain numbers; None where one is undefined.

    Ratios are annualised with ``bars_per_year``; figures over returns are those of empyrical, figures over round trips
    count only trades that have ended. What a run does after its account is gone does not count: its returns end with
    -1, and so do those that are compared with the benchmark's; the benchmark's own figures are of all bars, as it could
    have been held. A bar on which the benchmark is NaN is no return of the benchmark, and is left out where both are
    compared. A deviation that is rounding alone (of a constant growth) is no risk, and no ratio is to it.

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
    risk_free : float, default 0
        Annual risk-free rate, a fraction: that of Sharpe ratio and alpha, and the least return wanted in Sortino's.
    kept : int, optional
        How many bars stand before those that were held out; the figures of the latter alone are given too then.
    """
    import numpy as np

    # One bar of a minute, to the power of the minutes in a year, may be beyond any number.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        alive = returns[: _bars_alive(equity)]
        figures = {
            "start": str(returns.index[0].date()),
            "end": str(returns.index[-1].date()),
            "bars": len(returns),
            "start_cash": cash,
            "final_equity": float(equity.iloc[-1]),
            **_of_returns(alive, bars_per_year, risk_free),
            **_of_benchmark(alive, benchmark, bars_per_year, risk_free),
            **({} if kept is None else _of_holdout(alive[kept:], bars_per_year, risk_free)),
            **_of_trading(equity, positions, transactions, orders, bars_per_year),
            **_of_trades(trades),
        }
    return {name: _plain(value) for name, value in figures.items()}


def ratios(returns: pd.Series, rate: float, bars_per_year: float) -> tuple[float, float]:
    """Return empyrical's Sharpe and Sortino ratio above a rate per bar, annualised; NaN where there was no risk."""
    import empyrical
    import numpy as np

    yearly = {"annualization": bars_per_year}
    shortfall = np.sqrt((np.minimum(returns - rate, 0.0) ** 2).mean())
    return (
        empyrical.sharpe_ratio(returns, risk_free=rate, **yearly) if is_moving(returns) else math.nan,
        empyrical.sortino_ratio(returns, required_return=rate, **yearly)
        if _is_risk(shortfall, returns.mean())
        else math.nan,
    )


def is_moving(returns: pd.Series) -> bool:
    """Tell whether returns differ from each other by more than rounding."""
    return _is_risk(returns.std(ddof=1), returns.mean())


def _is_risk(deviation: float, mean: float) -> bool:
    from quantstrats.research.bootstrap import ROUNDING

    return bool(deviation > ROUNDING * (1.0 + abs(mean)))


def _bars_alive(equity: pd.Series) -> int:
    """Return how many bars there are until the account is gone, that bar included."""
    gone = (equity <= 0.0).to_numpy()
    return int(gone.argmax()) + 1 if gone.any() else len(equity)


def _of_returns(returns: pd.Series, bars_per_year: float, risk_free: float) -> dict[str, float]:
    import empyrical

    from quantstrats.reports.drawdowns import longest_drawdown

    yearly = {"annualization": bars_per_year}
    rate = rate_per_bar(risk_free, bars_per_year)
    skew, kurtosis = _shape(returns)
    sharpe, sortino = ratios(returns, rate, bars_per_year)
    return {
        "total_return": empyrical.cum_returns_final(returns),
        "annual_return": empyrical.annual_return(returns, **yearly),
        "annual_volatility": empyrical.annual_volatility(returns, **yearly),
        "sharpe": sharpe,
        "sortino": sortino,
        "calmar": empyrical.calmar_ratio(returns, **yearly),
        "max_drawdown": empyrical.max_drawdown(returns),
        "longest_drawdown_days": longest_drawdown(returns),
        "value_at_risk": empyrical.value_at_risk(returns, cutoff=TAIL),
        "expected_shortfall": empyrical.conditional_value_at_risk(returns, cutoff=TAIL),
        "skew": skew,
        "kurtosis": kurtosis,
        "best_bar": float(returns.max()),
        "worst_bar": float(returns.min()),
    }


def _of_holdout(returns: pd.Series, bars_per_year: float, risk_free: float) -> dict[str, float | None]:
    """Return the figures of what was held out; an account that was gone before has none."""
    figures = _of_returns(returns, bars_per_year, risk_free) if len(returns) else dict.fromkeys(_HELD_OUT)
    return {f"holdout_{name}": figures[name] for name in _HELD_OUT}


def _shape(returns: pd.Series) -> tuple[float, float]:
    """Return skewness and excess kurtosis of the returns as a population, which is how pyfolio has them."""
    if not is_moving(returns):
        return math.nan, math.nan
    apart = returns.to_numpy(dtype="float64") - returns.mean()
    variance = (apart**2).mean()
    return float((apart**3).mean() / variance**1.5), float((apart**4).mean() / variance**2 - 3.0)


def _of_benchmark(
    returns: pd.Series, benchmark: pd.Series | None, bars_per_year: float, risk_free: float
) -> dict[str, float | None]:
    import empyrical

    if benchmark is None or benchmark.isna().all():
        return dict.fromkeys([*(f"benchmark_{name}" for name in _COMPARED), *_AGAINST])
    figures = _of_returns(benchmark.fillna(0.0), bars_per_year, risk_free)
    other = benchmark[: len(returns)].dropna()
    own = returns[other.index]
    rate = rate_per_bar(risk_free, bars_per_year)
    alpha, beta = empyrical.alpha_beta(own, other, risk_free=rate, annualization=bars_per_year)
    active = own - other
    error = empyrical.annual_volatility(active, annualization=bars_per_year)
    # Where both are the same, to rounding, there is no ratio to the error.
    ratio = float(active.mean()) * bars_per_year / error if is_moving(active) else math.nan
    against = dict(zip(_AGAINST, (alpha, beta, error, ratio), strict=True))
    return {**{f"benchmark_{name}": figures[name] for name in _COMPARED}, **against}


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
    commission = float(transactions["commission"].sum())
    # A run of an older version does not know it.
    slippage = float(transactions["slippage"].sum()) if "slippage" in transactions else math.nan
    return {
        "exposure": float(exposure.mean()),
        "annual_turnover": traded / float(alive.mean()) / years if years else math.nan,
        "commission": commission,
        "slippage": slippage,
        "costs": commission + slippage,
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
    plain = float(value)
    return plain if math.isfinite(plain) else None
