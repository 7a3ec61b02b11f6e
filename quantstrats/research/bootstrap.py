"""How sure the difference between two return series is: a paired stationary bootstrap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

STATISTICS = ("mean_return", "annual_return", "annual_volatility", "sharpe", "sortino", "max_drawdown")
LEAST_PERIODS = 20  # below this, an interval would say more than the data do
LEVEL = 0.95
_REPLICATIONS = 2000
_AT_ONCE = 50_000  # returns that are resampled at a time: they stay within the processor's caches
_NOTHING = 1e-12  # of the largest value: a range below this is rounding, not a move
# Of 1 + |mean|: a deviation of returns below this is rounding, not risk, as a return is a ratio of values less 1.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class PairedDifferences:
    """The differences between two return series, and how sure they are.

    Attributes
    ----------
    table : DataFrame
        One row per statistic of ``STATISTICS``: ``reference`` and ``other`` (the statistic of each series),
        ``difference`` (other - reference), ``low`` and ``high`` (its 95% percentile interval), ``error`` (its standard
        error) and ``opposite`` (the share of the replications in which it lies on the other side of zero; those at
        zero count half). NaN where a statistic is undefined, in the series or in one of the replications.
    periods : int
        How many returns each series has.
    replications : int
        How often the series were resampled.
    block : int
        Mean length of the blocks, in periods.
    """

    table: pd.DataFrame
    periods: int
    replications: int
    block: int

    def of(self, statistic: str) -> dict[str, float]:
        """Return the table's row of one statistic."""
        return {str(name): float(value) for name, value in self.table.T[statistic].items()}


def paired_differences(
    reference: pd.Series,
    other: pd.Series,
    *,
    periods_per_year: float,
    risk_free: float = 0.0,
    replications: int = _REPLICATIONS,
    block: int | None = None,
    seed: int = 0,
) -> PairedDifferences:
    """Compare two return series on the same periods by the stationary bootstrap (Politis and Romano 1994).

    Blocks of random length are drawn from both series at once, so that what the series share stays shared, and with
    it the dependence within each block. What is undefined stays undefined: no interval is made of some replications.

    Parameters
    ----------
    reference, other : Series
        Returns per period, on one and the same index.
    periods_per_year : float
        For annualising.
    risk_free : float, default 0
        Return per period that Sharpe and Sortino ratios are measured against.
    replications : int, default 2000
        How often the series are resampled.
    block : int, optional
        Mean length of the blocks; by default that of :func:`block_length`.
    seed : int, default 0
        The same seed gives the same result.

    Raises
    ------
    DataError
        If the indexes differ, a return is missing or infinite, or there are fewer than 20.
    """
    import pandas as pd

    was, now = _checked(reference, other)
    block = block_length(was, now) if block is None else block
    levels = [statistics(returns[None, :], periods_per_year, risk_free) for returns in (was, now)]
    drawn: dict[str, list[NDArray[np.float64]]] = {name: [] for name in STATISTICS}
    for rows in _resampled(len(was), block, replications, seed):
        pair = [statistics(returns[rows], periods_per_year, risk_free) for returns in (was, now)]
        for name in STATISTICS:
            drawn[name].append(pair[1][name] - pair[0][name])
    table = pd.DataFrame(
        [_told(levels[0][name][0], levels[1][name][0], np.concatenate(drawn[name])) for name in STATISTICS],
        index=pd.Index(STATISTICS, name="statistic"),
    )
    return PairedDifferences(table, len(was), replications, block)


def sharpe_interval(
    returns: pd.Series,
    *,
    periods_per_year: float,
    risk_free: float = 0.0,
    replications: int = _REPLICATIONS,
    block: int | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the 95% percentile interval of the annualised Sharpe ratio, by the stationary bootstrap.

    Parameters
    ----------
    returns : Series
        Returns per period.
    periods_per_year : float
        For annualising.
    risk_free, replications, block, seed
        As in :func:`paired_differences`.

    Returns
    -------
    low, high : float
        NaN where the ratio is undefined, in the series or in one of the replications.

    Raises
    ------
    DataError
        If a return is missing or infinite, or there are fewer than 20.
    """
    values, _ = _checked(returns, returns)
    block = block_length(np.zeros(len(values)), values) if block is None else block
    drawn = np.concatenate(
        [
            statistics(values[rows], periods_per_year, risk_free)["sharpe"]
            for rows in _resampled(len(values), block, replications, seed)
        ]
    )
    told = _told(0.0, float(statistics(values[None, :], periods_per_year, risk_free)["sharpe"][0]), drawn)
    return float(told["low"]), float(told["high"])


def block_length(reference: NDArray[np.float64], other: NDArray[np.float64]) -> int:
    """Return the mean length of the blocks that fits two return series.

    The automatic length (Politis and White 2004, corrected by Patton, Politis and White 2009) belongs to one series
    and its mean. Here several statistics are resampled at once, so the longest is taken of those for the difference of
    the returns, for both series, and for their squared deviations, whose dependence decides on volatilities.
    """
    from arch.bootstrap import optimal_block_length

    series = [other - reference, reference, other, *((each - each.mean()) ** 2 for each in (reference, other))]
    moving = [each for each in series if np.ptp(each) > _NOTHING * np.abs(each).max()]
    lengths = [float(optimal_block_length(each)["stationary"].iloc[0]) for each in moving]
    return max([1, *(math.ceil(length) for length in lengths if math.isfinite(length))])


def statistics(
    returns: NDArray[np.float64], periods_per_year: float, risk_free: float = 0.0
) -> dict[str, NDArray[np.float64]]:
    """Return each of ``STATISTICS`` for each row of returns; NaN where one is undefined.

    Parameters
    ----------
    returns : array
        Rows of returns per period, none below -1.
    periods_per_year : float
        For annualising.
    risk_free : float, default 0
        Return per period that Sharpe and Sortino ratios are measured against.

    Returns
    -------
    dict of str to array
        ``mean_return``: the mean, times the periods of a year. ``annual_return``: the constant return a year that
        gives the same total. ``annual_volatility``: the standard deviation (ddof 1), times the root of the periods of
        a year. ``sharpe``: the mean excess over the standard deviation, annualised. ``sortino``: the mean excess over
        the root of the mean squared shortfall, over all periods, annualised. ``max_drawdown``: the largest fall from a
        peak, or from the start, as a negative fraction.
    """
    periods = returns.shape[1]
    mean = returns.mean(axis=1)
    deviation = returns.std(axis=1, ddof=1) if periods > 1 else np.full(len(returns), np.nan)
    shortfall = np.sqrt((np.minimum(returns - risk_free, 0.0) ** 2).mean(axis=1))
    wealth = np.cumprod(1.0 + returns, axis=1)
    peak = np.maximum(np.maximum.accumulate(wealth, axis=1), 1.0)
    yearly = math.sqrt(periods_per_year)
    with np.errstate(over="ignore"):  # a single large return, to the power of a year's periods
        annual = np.maximum(wealth[:, -1], 0.0) ** (periods_per_year / periods) - 1.0
    return {
        "mean_return": mean * periods_per_year,
        "annual_return": annual,
        "annual_volatility": deviation * yearly,
        "sharpe": _ratio(mean - risk_free, deviation, mean) * yearly,
        "sortino": _ratio(mean - risk_free, shortfall, mean) * yearly,
        "max_drawdown": (wealth / peak).min(axis=1) - 1.0,
    }


def _checked(reference: pd.Series, other: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not reference.index.equals(other.index):
        raise DataError("two return series can be compared on the same periods only; bring them to one index first")
    if len(reference) < LEAST_PERIODS:
        raise DataError(f"{len(reference)} returns are too few to compare; give {LEAST_PERIODS} or more")
    arrays = reference.to_numpy("float64"), other.to_numpy("float64")
    for which, returns in zip(("first", "second"), arrays, strict=True):
        wrong = ~np.isfinite(returns)
        if wrong.any():
            at = reference.index[int(wrong.argmax())]
            value = returns[wrong][0]
            raise DataError(f"the {which} return series is {value} at {at}; give a number for each period, 0 for none")
    return arrays


def _resampled(periods: int, block: int, replications: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of some replications at a time, replications x periods."""
    from arch.bootstrap import StationaryBootstrap

    bootstrap = StationaryBootstrap(block, np.arange(periods), seed=np.random.default_rng(seed))
    some = max(1, _AT_ONCE // periods)
    for start in range(0, replications, some):
        yield np.stack([bootstrap.update_indices() for _ in range(min(some, replications - start))])


def _told(reference: float, other: float, drawn: NDArray[np.float64]) -> dict[str, Any]:
    """Return a row of the table; ``drawn`` are the differences of the replications."""
    difference = other - reference
    told = {"reference": reference, "other": other, "difference": difference}
    if not (math.isfinite(difference) and np.isfinite(drawn).all()):
        return {**told, **dict.fromkeys(("low", "high", "error", "opposite"), math.nan)}
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    against = drawn * (math.copysign(1.0, difference) if difference else 1.0)
    opposite = (against < 0.0).mean() + (against == 0.0).mean() / 2.0
    return {**told, "low": low, "high": high, "error": drawn.std(ddof=1), "opposite": opposite}


def _ratio(mean: NDArray[np.float64], risk: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mean over risk; NaN where there was no risk."""
    there = risk > ROUNDING * (1.0 + np.abs(scale))
    return np.divide(mean, risk, out=np.full_like(mean, np.nan), where=there)
