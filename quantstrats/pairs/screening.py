"""Which pairs of symbols belong together: every pair tested, and the number of tests paid for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import ConfigError
from quantstrats.pairs.cointegration import TESTED, engle_granger
from quantstrats.pairs.discoveries import Control, false_discovery
from quantstrats.pairs.reversion import half_lives

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

PASSES = "passes"
GAP = 5  # a close stands for so many missing bars after it
_COLUMNS = [
    "dependent", "regressor", "verdict", "p_value", "q_value", "statistic", "lags",
    "intercept", "slope", "half_life", "correlation",
]  # fmt: skip


def screen(
    closes: pd.DataFrame,
    level: float = 0.05,
    control: Control = "benjamini_hochberg",
    *,
    both: bool = True,
    half_life: tuple[float, float] = (1.0, 63.0),
    correlation: float = 0.0,
    pairs: Sequence[tuple[str, str]] | None = None,
) -> pd.DataFrame:
    """Test all pairs of symbols for cointegration of their log prices, and say which pass.

    Each pair is tested in both orders. With ``both`` its p-value is the larger one: either order has to find the pair,
    and an order that was not chosen by the result keeps the p-value what it says. Otherwise it is twice the smaller
    one, at most 1: the smallest of two tests is below 5% up to 10% of the time. The order with the lower statistic is
    the one that is kept. Then the p-values of all pairs that were tested are adjusted for how many they are; the other
    filters come after it and make no test cheaper.

    Parameters
    ----------
    closes : DataFrame
        Rows x symbols, all of them rows of the formation. Up to 5 missing bars are bridged by the close before them.
    level : float, default 0.05
        The largest adjusted p-value that passes.
    control : {"benjamini_hochberg", "benjamini_yekutieli", "none"}
        How p-values are adjusted (see :func:`false_discovery`).
    both : bool, default True
        Whether both orders must find the pair.
    half_life : (float, float), default (1, 63)
        Least and most rows in which half of a deviation is gone.
    correlation : float, default 0
        The least correlation of daily log returns.
    pairs : sequence of (symbol, symbol), optional
        Which pairs are looked at, the order does not matter; by default all.

    Returns
    -------
    DataFrame with a row per pair, by p-value: ``dependent``, ``regressor``, ``verdict`` (``passes``, or the first
    reason why not), ``p_value``, ``q_value`` (adjusted), ``statistic`` and ``lags`` (of the order that is kept),
    ``intercept`` and ``slope`` (its log-price regression: the hedge ratio), ``half_life``, ``correlation``.

    Raises
    ------
    ConfigError
        If a bound makes no sense.
    DataError
        If a pair names a symbol that is not there.
    """
    import pandas as pd

    _check(level, half_life, correlation)
    logs = bridged_logs(closes)
    wanted = None if pairs is None else _both_orders(pairs)
    tests = engle_granger(logs, wanted)
    kept, p_values = _of_both_orders(tests, logs, both)
    found = tests.loc[kept].assign(p_value=p_values, q_value=false_discovery(p_values, control))
    values = logs.to_numpy("float64").T
    dependent, regressor = (logs.columns.get_indexer(pd.Index(found[name])) for name in ("dependent", "regressor"))
    slopes = found["slope"].to_numpy()
    found["half_life"] = _half_lives(values, dependent, regressor, slopes, (found["outcome"] == TESTED).to_numpy())
    found["correlation"] = _correlations(values)[dependent, regressor]
    found["verdict"] = _verdicts(found, level, half_life, correlation)
    return found.sort_values(["p_value", "statistic"], kind="stable", ignore_index=True)[_COLUMNS]


def bridged_logs(closes: pd.DataFrame) -> pd.DataFrame:
    """Return log prices; a close stands for up to 5 missing bars after it, and what is not above zero is missing."""
    return closes.where(closes > 0.0).ffill(limit=GAP).apply(np.log)


def _check(level: float, half_life: tuple[float, float], correlation: float) -> None:
    if not 0.0 < level <= 1.0:
        raise ConfigError(f"level is {level}; it is a probability above 0, up to 1")
    if not 0.0 <= half_life[0] < half_life[1]:
        raise ConfigError(f"half_life is {half_life}; give the least and the most rows")
    if not -1.0 <= correlation < 1.0:
        raise ConfigError(f"correlation is {correlation}; it is from -1 to below 1")


def _both_orders(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each pair in both orders, once."""
    return list(dict.fromkeys(order for one, other in pairs for order in ((one, other), (other, one))))


def _of_both_orders(tests: pd.DataFrame, logs: pd.DataFrame, both: bool) -> tuple[NDArray[np.int64], Array]:
    """Return the test of each pair that is kept (a position), and the pair's p-value."""
    import pandas as pd

    first, second = (logs.columns.get_indexer(pd.Index(tests[name])) for name in ("dependent", "regressor"))
    # A pair's two orders stand behind each other once they are sorted by its symbols.
    order = np.lexsort((first, np.maximum(first, second), np.minimum(first, second))).reshape(-1, 2)
    statistics = tests["statistic"].to_numpy()[order]
    p_values = tests["p_value"].to_numpy()[order]
    # One that is tested in one order alone would be one that rounding tells apart: it counts as not tested.
    lower = np.where(statistics[:, 1] < statistics[:, 0], 1, 0)
    p_value = p_values.max(axis=1) if both else np.minimum(2.0 * p_values.min(axis=1), 1.0)
    return order[np.arange(len(order)), lower], p_value


def _half_lives(
    values: Array, dependent: NDArray[np.intp], regressor: NDArray[np.intp], slopes: Array, tested: NDArray[np.bool_]
) -> Array:
    from quantstrats.pairs.cointegration_kernels import reversion_slopes

    found = np.full(len(slopes), np.nan)
    if tested.any():
        centred = values - values.mean(axis=1, keepdims=True)
        found[tested] = reversion_slopes(centred, dependent[tested], regressor[tested], slopes[tested])
    return half_lives(found)


def _correlations(values: Array) -> Array:
    """Return the correlations of the changes; NaN where a value is missing or a series is constant."""
    changes = np.diff(values, axis=1)
    if not changes.size:
        return np.full((len(values), len(values)), np.nan)
    centred = changes - changes.mean(axis=1, keepdims=True)
    size = np.sqrt((centred * centred).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = centred / size[:, None]
        return np.asarray(unit @ unit.T)


def _verdicts(
    found: pd.DataFrame, level: float, half_life: tuple[float, float], correlation: float
) -> NDArray[np.object_]:
    """Return of each pair the first reason why it does not pass, or that it does."""
    reasons = {
        "not cointegrated": ~(found["q_value"] <= level),
        "hedge ratio not above 0": ~(found["slope"] > 0.0),
        "half-life": ~found["half_life"].between(*half_life),
        "correlation": ~(found["correlation"] >= correlation),
    }
    untested = found["outcome"] != TESTED
    verdict = np.select([reason.to_numpy() for reason in reasons.values()], list(reasons), PASSES).astype(object)
    return np.where(untested, found["outcome"], verdict)
