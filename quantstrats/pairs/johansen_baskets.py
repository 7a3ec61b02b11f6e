"""Johansen's test: how many combinations of several series are stationary, and which."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import ConfigError, DataError
from quantstrats.pairs.cointegration import LEAST_ROWS
from quantstrats.pairs.reversion import half_life as half_life_of
from quantstrats.pairs.screening import bridged_logs
from quantstrats.pairs.spreads import Formation, legs_table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CONFIDENCES = (0.90, 0.95, 0.99)
MOST_BASKETS = 20_000  # about half a minute of tests


@dataclass(frozen=True, eq=False)
class Johansen:
    """What Johansen's test says of some series.

    Attributes
    ----------
    table : DataFrame
        A row per rank r: ``trace`` tests at most r stationary combinations against more, ``largest`` (the largest
        eigenvalue) r against r + 1; each with its critical values at 90, 95 and 99%.
    vectors : DataFrame
        Series x combinations, the most stationary first; the largest coefficient of each is 1.
    """

    table: pd.DataFrame
    vectors: pd.DataFrame

    def rank(self, confidence: float = 0.95) -> int:
        """Return how many stationary combinations the trace statistics find, one after the other."""
        found = self.table["trace"] > self.table[f"trace_{_percent(confidence)}"]
        return int(found.cummin().sum())


def johansen(series: pd.DataFrame, lags: int = 1) -> Johansen:
    """Test series for cointegration, with a constant in the data and no trend (statsmodels, ``det_order`` 0).

    Parameters
    ----------
    series : DataFrame
        Rows x series (2 to 12), log prices as a rule, none missing.
    lags : int, default 1
        Of changes, in the error correction model.

    Raises
    ------
    DataError
        If there are too few or too many series or rows, one is missing or constant, or some are collinear.

    References
    ----------
    Johansen (1991), Econometrica 59(6), 1551-1580.
    """
    import pandas as pd

    result, vectors = _tested(series.to_numpy("float64"), lags)
    names = [f"{kind}_{_percent(confidence)}" for kind in ("trace", "largest") for confidence in CONFIDENCES]
    table = pd.DataFrame(np.column_stack([result.cvt, result.cvm]), columns=names)
    table.insert(0, "trace", result.lr1)
    table.insert(4, "largest", result.lr2)
    return Johansen(table.rename_axis("rank"), pd.DataFrame(vectors, index=series.columns).rename(columns=str))


def baskets(
    closes: pd.DataFrame,
    size: int = 3,
    confidence: float = 0.99,
    *,
    half_life: tuple[float, float] = (1.0, 63.0),
    most: int = 20,
) -> Formation:
    """Find baskets of symbols of which a combination is stationary, by Johansen's trace statistic on log prices.

    Every choice of ``size`` symbols is tested, so that of a hundred tests of nothing one passes at 99%: there are no
    p-values to be adjusted for it. Those with the highest statistics are kept.

    Parameters
    ----------
    closes : DataFrame
        Rows x symbols, of the formation; up to 5 missing bars are bridged, symbols that lack more are left out.
    size : int, default 3
        Symbols in a basket, 2 to 6.
    confidence : {0.9, 0.95, 0.99}
        Which critical value must be exceeded.
    half_life : (float, float), default (1, 63)
        Least and most rows in which half of a deviation is gone.
    most : int, default 20
        How many are kept.

    Returns
    -------
    Formation, whose spreads have ``statistic``, ``critical`` and ``half_life``.

    Raises
    ------
    ConfigError
        If size or confidence is none of these.
    DataError
        If there are more than 20,000 choices of symbols.
    """
    import pandas as pd

    if not 2 <= size <= 6:
        raise ConfigError(f"size is {size}; a basket has 2 to 6 symbols")
    _percent(confidence)
    logs = bridged_logs(closes)
    values = logs.to_numpy("float64")
    complete = np.isfinite(values).all(axis=0) & (np.ptp(values, axis=0) > 0.0) if len(values) else np.zeros(0, bool)
    logs = logs.loc[:, complete] if len(values) >= LEAST_ROWS else logs.iloc[:, :0]
    choices = comb(len(logs.columns), size)
    if choices > MOST_BASKETS:
        raise DataError(
            f"{len(logs.columns)} symbols make {choices:,} baskets of {size}, more than {MOST_BASKETS:,}; "
            "take fewer symbols (universe.top) or smaller baskets"
        )
    names, values = [str(name) for name in logs.columns], logs.to_numpy("float64")
    found = [
        each
        for chosen in combinations(range(len(names)), size)
        if (each := _basket(tuple(names[place] for place in chosen), values[:, chosen], confidence, half_life))
        is not None
    ]
    found.sort(key=lambda each: -float(each[0]["statistic"]))
    columns = {"spread": "str", **dict.fromkeys(["statistic", "critical", "half_life", "mean", "deviation"], "float64")}
    spreads = pd.DataFrame([row for row, _ in found[:most]], columns=list(columns)).astype(columns)
    return Formation(spreads, legs_table([leg for _, legs in found[:most] for leg in legs]))


def _basket(
    names: tuple[str, ...], logs: Array, confidence: float, half_life: tuple[float, float]
) -> tuple[dict[str, float | str], list[tuple[str, str, float]]] | None:
    """Return the basket's row and legs where it passes."""
    try:
        result, vectors = _tested(logs, 1)
    except DataError:  # collinear
        return None
    statistic, critical = float(result.lr1[0]), float(result.cvt[0, CONFIDENCES.index(confidence)])
    vector = vectors[:, 0]
    if not (statistic > critical and (vector < 0.0).any()):
        return None
    spread = logs @ vector
    halves = half_life_of(spread)
    if not half_life[0] <= halves <= half_life[1]:
        return None
    name = "/".join(names)
    row: dict[str, float | str] = {
        "spread": name,
        "statistic": statistic,
        "critical": critical,
        "half_life": halves,
        "mean": float(spread.mean()),
        "deviation": float(spread.std(ddof=1)),
    }
    return row, [(name, symbol, float(number)) for symbol, number in zip(names, vector, strict=True)]


def _tested(values: Array, lags: int) -> tuple[Any, Array]:
    """Return what statsmodels says, and the vectors, each scaled so that its largest coefficient is 1."""
    from statsmodels.tsa.vector_ar.vecm import coint_johansen

    if not 2 <= values.shape[1] <= 12 or len(values) < LEAST_ROWS:
        raise DataError(f"Johansen's test takes 2 to 12 series of at least {LEAST_ROWS} rows, not {values.shape[::-1]}")
    if not np.isfinite(values).all() or np.linalg.matrix_rank(values - values.mean(axis=0)) < values.shape[1]:
        raise DataError("Johansen's test takes series that are complete, vary and are no combination of each other")
    result = coint_johansen(values, 0, lags)
    vectors = np.real(result.evec)
    return result, vectors / vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]


def _percent(confidence: float) -> int:
    if confidence not in CONFIDENCES:
        raise ConfigError(
            f"confidence is {confidence}; critical values are known at {', '.join(map(str, CONFIDENCES))}"
        )
    return round(100 * confidence)
