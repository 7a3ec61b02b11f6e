"""Spreads: formed of pairs on one span of rows, and followed on the rows after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from quantstrats.errors import DataError
from quantstrats.pairs.hedging import Hedge, check_hedge, line, rolling_lines
from quantstrats.pairs.kalman import Filter, filtered, started
from quantstrats.pairs.netting import legs_by_spread
from quantstrats.pairs.screening import bridged_logs

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_STATE = [each.name for each in fields(Filter)]
_SHOWN = ["p_value", "q_value", "half_life", "correlation"]


@dataclass(frozen=True, eq=False)
class Formation:
    """Spreads of log prices, as the rows of their formation leave them.

    Attributes
    ----------
    spreads : DataFrame
        A row per spread: ``spread`` (its name, ``KO/PEP``), ``mean`` and ``deviation`` (of its values in the
        formation), and what else is known of it.
    legs : DataFrame
        A row per leg: ``spread``, ``symbol``, ``coefficient`` (of its log price: how much of the symbol one unit of
        the spread holds, in units of currency).
    """

    spreads: pd.DataFrame
    legs: pd.DataFrame


class Followed(NamedTuple):
    """Spreads row by row.

    Attributes
    ----------
    z : DataFrame
        Rows x spreads: how far each is from its mean, in standard deviations; NaN where a leg has no bar.
    legs : DataFrame
        Rows x (spread, symbol): the coefficients on that row.
    """

    z: pd.DataFrame
    legs: pd.DataFrame


def form(
    closes: pd.DataFrame, found: pd.DataFrame, hedge: Hedge = "least_squares", window: int = 60, drift: float = 1e-4
) -> Formation:
    """Measure the spreads of pairs on the rows of their formation.

    Parameters
    ----------
    closes : DataFrame
        Rows x symbols: those on which the pairs were found. Up to 5 missing bars are bridged.
    found : DataFrame
        What :func:`screen` returned, or some rows of it.
    hedge, window, drift
        As in :func:`hedge_ratio`. For the Kalman filter ``spreads`` has its state after the last row too.

    Raises
    ------
    ConfigError
        If there is no such hedge, or the window or drift make no sense.
    DataError
        If a pair lacks a value, or the Kalman filter has fewer rows than its window to start from.
    """
    import pandas as pd

    check_hedge(hedge, window, drift)
    logs = bridged_logs(closes)
    rows, legs = [], []
    for pair in found.to_dict("records"):
        one, other = pair["dependent"], pair["regressor"]
        name = f"{one}/{other}"
        measured = _measured(logs[one].to_numpy("float64"), logs[other].to_numpy("float64"), hedge, window, drift)
        if not np.isfinite(measured["deviation"]):
            raise DataError(f"the spread of {one} and {other} cannot be measured: both need closes on these rows")
        rows.append({"spread": name, **{shown: pair[shown] for shown in _SHOWN}, **measured})
        legs += [(name, one, 1.0), (name, other, -measured["hedge_ratio"])]
    state = _STATE if hedge == "kalman" else []
    columns = ["spread", *_SHOWN, "hedge_ratio", "mean", "deviation", *state]
    spreads = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], "float64") | {"spread": "str"})
    return Formation(spreads, legs_table(legs))


def legs_table(legs: list[tuple[str, str, float]]) -> pd.DataFrame:
    """Return spread, symbol and coefficient as a table; one without rows has the same types."""
    import pandas as pd

    table = pd.DataFrame(legs, columns=["spread", "symbol", "coefficient"])
    return table.astype({"spread": "str", "symbol": "str", "coefficient": "float64"})


def follow(
    closes: pd.DataFrame,
    formation: Formation,
    hedge: Hedge = "least_squares",
    window: int = 60,
    *,
    after: pd.Timestamp | None = None,
) -> Followed:
    """Return the z-scores of spreads on the rows after their formation, each from rows up to it.

    With fixed hedge ratios the spread is measured in the deviations of its formation, off its mean there. ``rolling``
    measures in those of the residuals of the last ``window`` rows; the Kalman filter in what it expects of the row.

    Parameters
    ----------
    closes : DataFrame
        Rows x symbols; a leg without a column has no bar. ``rolling`` needs ``window`` - 1 rows more at the beginning,
        the Kalman filter none but the rows after the formation.
    formation : Formation
        What :func:`form` returned with the same hedge, or :func:`baskets`.
    hedge, window
        As in :func:`hedge_ratio`.
    after : Timestamp, optional
        The last row of the formation; by default all rows are after it.

    Raises
    ------
    ConfigError
        If there is no such hedge, or the window makes no sense.
    DataError
        If the Kalman filter is asked for, and the formation was made with another hedge.
    """
    import pandas as pd

    check_hedge(hedge, window, 0.0)
    if hedge == "kalman" and len(formation.spreads) and not set(_STATE) <= set(formation.spreads.columns):
        raise DataError("follow: the formation has no state of a Kalman filter; form it with hedge='kalman' too")
    new = np.ones(len(closes), bool) if after is None else np.asarray(closes.index > after)
    spreads, legs = formation.spreads, formation.legs
    columns = pd.MultiIndex.from_frame(legs[["spread", "symbol"]])
    prices = closes.reindex(columns=legs["symbol"]).to_numpy("float64")
    logs = np.log(np.where(prices > 0.0, prices, np.nan))
    coefficients = np.tile(legs["coefficient"].to_numpy(), (int(new.sum()), 1))
    starts, _ = legs_by_spread(columns)
    if hedge in ("rolling", "kalman"):
        z = np.full((len(coefficients), len(starts)), np.nan)
        for place, spread in enumerate(spreads.to_dict("records")):
            one = starts[place]
            slopes, z[:, place] = _moving(logs[:, one], logs[:, one + 1], new, spread, hedge, window)
            coefficients[:, one + 1] = -slopes
    else:
        values = logs[new] * coefficients
        values = np.add.reduceat(values, starts, axis=1) if len(starts) else values
        z = (values - spreads["mean"].to_numpy()) / spreads["deviation"].to_numpy()
    rows = closes.index[new]
    return Followed(
        pd.DataFrame(z, index=rows, columns=spreads["spread"].to_numpy()),
        pd.DataFrame(coefficients, index=rows, columns=columns),
    )


def _measured(y: Array, x: Array, hedge: Hedge, window: int, drift: float) -> dict[str, float]:
    """Return hedge ratio, mean and deviation of the spread, and the state of a filter."""
    mean, slope = line(y, x, total=hedge == "total_least_squares")
    state: dict[str, float] = {}
    if hedge == "kalman":
        if len(y) < window:
            raise DataError(
                f"a Kalman filter that starts from {window} rows has {len(y)}; lower window or train longer"
            )
        *_, after = filtered(started(y[:window], x[:window], drift), y[window:], x[window:])
        state, slope, mean = asdict(after), after.slope, after.level - after.slope * after.centre
    rest = y - slope * x
    return {"hedge_ratio": slope, "mean": mean, "deviation": float(rest.std(ddof=1)), **state}


def _moving(
    y: Array, x: Array, new: NDArray[np.bool_], spread: dict[Any, Any], hedge: Hedge, window: int
) -> tuple[Array, Array]:
    """Return slopes and z-scores of the new rows: of rolling windows, or of a filter that goes on where it stood."""
    if hedge == "rolling":
        _, slopes, scores = rolling_lines(y, x, window)
        return slopes[new], scores[new]
    _, slopes, scores, _ = filtered(Filter(**{name: spread[name] for name in _STATE}), y[new], x[new])
    return slopes, scores
