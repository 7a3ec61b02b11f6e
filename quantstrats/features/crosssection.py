"""Cross-section: a symbol against the others of the market, and how they move together.

Returns are those from row to row, and missing where a symbol lacks one of the two bars. What is made of a window needs
four fifths of its rows. What is about the market is the same number for all symbols that have a bar. Of a market with a
universe, each row counts and ranks those that are in it on that row, with their returns of the whole window; the others
have no value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import DataError, did_you_mean
from quantstrats.features.bars import ratio
from quantstrats.features.breadth import (
    changes,
    changes_of_members,
    enough,
    mean_of_row,
    of_members,
    of_own_group,
    sectors_of,
    where_present,
)
from quantstrats.features.crosssection_kernels import (
    co_moments,
    known_sum,
    mean_pairwise_correlation,
    rank_in_row,
    sum_by_group,
)
from quantstrats.features.decay import whole
from quantstrats.features.definition import feature

if TYPE_CHECKING:
    from quantstrats.features.bars import Array
    from quantstrats.market.market import Market

_JEGADEESH = "Jegadeesh and Titman (1993), J. of Finance 48(1), sec. I"
_LEVY = "Levy (1967), Relative Strength as a Criterion for Investment Selection, J. of Finance 22(4)"
_SHARPE = "Sharpe (1963), A Simplified Model for Portfolio Analysis, Management Science 9(2)"

_FLAT = 1e-12  # a deviation of returns, for nothing but rounding


def _others(market: Market) -> Array:
    """Return the mean return of all other symbols, shape (rows, symbols)."""
    returns = changes_of_members(market)
    known = ~np.isnan(returns)
    filled = np.where(known, returns, 0.0)
    count = known.sum(axis=1, keepdims=True) - known
    total = filled.sum(axis=1, keepdims=True) - filled
    return np.where(count == 0, np.nan, total / np.maximum(count, 1))


def _with_market(market: Market, window: int, benchmark: str) -> tuple[Array, Array, Array]:
    """Return variances of a symbol's and the market's returns, and their covariance between, (symbols, rows)."""
    returns = changes(market)
    if not benchmark:
        against = _others(market)
    elif benchmark in market.symbols:
        against = np.repeat(returns[:, market.symbols == benchmark], returns.shape[1], axis=1)
    else:
        hint = did_you_mean(benchmark, market.symbols)
        raise DataError(f"no bars of the benchmark {benchmark!r}{hint} (it is one of the symbols; load it with them)")
    return co_moments(returns.T, against.T, window, enough(window))


def _market_rows(window: int, **_: object) -> int:
    return whole(window, 3) + 1


@feature(source=f"{_SHARPE}, the slope", rows=_market_rows)
def market_beta(market: Market, window: int = 60, benchmark: str = "") -> Array:
    """Beta: slope of a symbol's returns on the market's over ``window`` rows.

    The market is the mean of all other symbols, or the symbol that is named as ``benchmark``, in the universe or not;
    before its listing all values are missing.
    """
    _, both, other = _with_market(market, window, benchmark)
    return where_present(market, ratio(both, other).T)


@feature(source=f"{_SHARPE}, as a correlation", rows=_market_rows)
def market_correlation(market: Market, window: int = 60, benchmark: str = "") -> Array:
    """Correlation of a symbol's returns with the market's over ``window`` rows; the market as in ``market_beta``."""
    own, both, other = _with_market(market, window, benchmark)
    return where_present(market, np.clip(ratio(both, np.sqrt(own * other)), -1.0, 1.0).T)


@feature(source=f"{_SHARPE}, the deviation of residuals", rows=_market_rows)
def market_residual_volatility(market: Market, window: int = 60, benchmark: str = "") -> Array:
    """Residual volatility: deviation of what beta leaves of a symbol's returns, over ``window`` rows, per year.

    The root of the mean square, dividing by n; the market as in ``market_beta``.
    """
    own, both, other = _with_market(market, window, benchmark)
    left = np.maximum(own - ratio(both * both, other), 0.0)
    return where_present(market, np.sqrt(left * market.bars_per_year).T)


def _window_rows(window: int) -> int:
    return whole(window) + 1


@feature(source=f"{_LEVY}; as a difference", rows=_window_rows)
def relative_strength(market: Market, window: int = 60) -> Array:
    """Relative strength: a symbol's return over ``window`` rows less the mean of all symbols'.

    Missing where no other symbol has one.
    """
    returns = changes_of_members(market, window)
    mean = np.where((~np.isnan(returns)).sum(axis=1) < 2, np.nan, mean_of_row(returns))
    return returns - mean[:, None]


@feature(source=f"{_JEGADEESH}, ranks of past returns", rows=_window_rows)
def cross_sectional_rank(market: Market, window: int = 20) -> Array:
    """Cross-sectional rank of the return over ``window`` rows: 0 for the least of all symbols to 1 for the largest.

    Equal returns share the middle of their ranks.
    """
    return rank_in_row(changes_of_members(market, window))


@feature(source=f"{_JEGADEESH}; off the mean of all, in deviations", rows=_window_rows)
def cross_sectional_zscore(market: Market, window: int = 20) -> Array:
    """Cross-sectional z-score: return over ``window`` rows less the mean of all symbols' / their deviation.

    The deviation divides by n - 1. Missing where all are equal.
    """
    returns = changes_of_members(market, window)
    deviation = _deviation_of_row(returns)
    return ratio(returns - mean_of_row(returns)[:, None], np.where(deviation <= _FLAT, 0.0, deviation)[:, None])


def _deviation_of_row(values: Array) -> Array:
    """Return the standard deviation of what is known of each row, dividing by n - 1; NaN where fewer than two are."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    off = np.where(known, values - mean_of_row(values)[:, None], 0.0)
    variance: Array = (off * off).sum(axis=1) / np.where(count < 2, np.nan, count - 1)
    return np.sqrt(variance)


@feature(
    source="Solnik and Roulet (2000), Dispersion as Cross-Sectional Correlation, Financial Analysts Journal 56(1)",
    rows=_window_rows,
)
def dispersion(market: Market, window: int = 20) -> Array:
    """Dispersion: standard deviation of all symbols' returns on a row, the mean over ``window`` rows."""
    total, count = known_sum(_deviation_of_row(changes_of_members(market))[None], window, enough(window))
    return where_present(market, ratio(total, count)[0])


@feature(
    source="Pollet and Wilson (2010), J. of Financial Economics 96(3), 364-380",
    rows=lambda window: whole(window, 3) + 1,
)
def mean_correlation(market: Market, window: int = 60) -> Array:
    """Mean correlation of the returns of all pairs of symbols over ``window`` rows, each pair alike.

    A return that is missing counts as the symbol's mean.
    """
    counted = ~np.isnan(of_members(market, np.zeros((len(market), len(market.symbols)))))
    return where_present(market, mean_pairwise_correlation(changes(market).T, counted.T, window, enough(window)))


def _lead_lag_rows(window: int, lag: int) -> int:
    return whole(window, 3) + whole(lag, name="lag") + 1


@feature(source="Lo and MacKinlay (1990), Review of Financial Studies 3(2), 175-205", rows=_lead_lag_rows)
def lead_lag_correlation(market: Market, window: int = 60, lag: int = 1) -> Array:
    """Lead-lag correlation: of a symbol's return with the mean return of all others ``lag`` rows before.

    Over ``window`` rows; above zero where the others lead.
    """
    returns = changes(market)
    others = np.full(returns.shape, np.nan)
    others[lag:] = _others(market)[:-lag]
    own, both, other = co_moments(returns.T, others.T, window, enough(window))
    return where_present(market, np.clip(ratio(both, np.sqrt(own * other)), -1.0, 1.0).T)


@feature(
    source="Moskowitz and Grinblatt (1999), J. of Finance 54(4), 1249-1290; a stock against its own industry",
    rows=_window_rows,
    needs=("sector",),
)
def sector_relative_return(market: Market, window: int = 20) -> Array:
    """Sector-relative return: a symbol's return over ``window`` rows less the mean of its own sector's.

    The symbol itself included; missing where no other of the sector has one.
    """
    returns = changes_of_members(market, window)
    groups, number = sectors_of(market)
    total, many = sum_by_group(returns, groups, number)
    return returns - of_own_group(total / np.where(many < 2, np.nan, many), groups)
