"""meta: whether following a primary forecast would have paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import number
from quantstrats.errors import ConfigError, DataError
from quantstrats.labels.barriers import Barriers
from quantstrats.labels.given import checked_frame, like, numbers
from quantstrats.labels.labels import Labels, checked_horizon

if TYPE_CHECKING:
    import pandas as pd


def meta(
    forecast: pd.DataFrame, outcome: Labels | pd.DataFrame, cost: float = 0.0, horizon: int | None = None
) -> Labels:
    """Return whether following the sign of a primary forecast would have paid, net of costs.

    1.0 where it would have earned more than ``cost``, 0.0 where not; missing where the forecast is flat or has no
    opinion, and where the outcome is unknown (Lopez de Prado 2018, Advances in Financial Machine Learning, section
    3.6).

    The forecasts must be out of sample, or the second model learns how well the first remembers. Within a Learner
    ``market.parts["primary"]`` is: each of its rows comes of a fit on rows before it.

    Parameters
    ----------
    forecast : DataFrame
        The primary forecast, rows x symbols: its sign is the side.
    outcome : Labels or DataFrame
        What was earned: what :func:`direction` returned, or :func:`triple_barrier` with ``side=forecast``; or returns
        of a long position from each row's decision on, as fractions, rows x symbols.
    cost : float, default 0
        Of entry and exit together, as a fraction of the price.
    horizon : int, optional
        Of an outcome that is a DataFrame, and must be given then: on how many rows after its own a return rests.

    Returns
    -------
    Labels
        With what was earned, net of costs, in ``returns``.

    Raises
    ------
    ConfigError
        If a parameter makes no sense, or the outcome has no returns.
    DataError
        If a frame holds no numbers, the outcome has other rows or symbols, or its barriers are those of other sides
        than the forecast's.
    """
    import pandas as pd

    cost = number("cost", cost)
    if not 0.0 <= cost < np.inf:
        raise ConfigError(f"cost is {cost:g}; give a fraction that is not negative")
    side = np.sign(numbers(checked_frame(forecast, "forecast"), "forecast"))
    sign = pd.DataFrame(side, forecast.index, forecast.columns)
    known_outcome = _known(forecast, outcome, horizon)
    returns = known_outcome.returns
    if returns is None:
        raise ConfigError("outcome has no returns; give what direction or triple_barrier returned")
    earned = like(sign, returns, "outcome")
    places = forecast.columns.get_indexer(known_outcome.values.columns).argsort()
    start, end = known_outcome.start[:, places], known_outcome.end[:, places]
    if isinstance(known_outcome, Barriers):
        net = earned * sign.abs() - cost
        _check_sides(sign, known_outcome)
    else:
        net = earned * sign - cost
    known = ((sign != 0.0) & net.notna()).to_numpy()
    values = (net > 0.0).astype("float64").where(known)
    start, end = np.where(known, start, -1), np.where(known, end, -1)
    return Labels(values, start, end, known_outcome.horizon, net.where(known))


def _known(forecast: pd.DataFrame, outcome: Labels | pd.DataFrame, horizon: int | None) -> Labels:
    """Return the outcome as Labels, whatever it was given as."""
    import pandas as pd

    if isinstance(outcome, Labels):
        if horizon is not None:
            raise ConfigError("horizon is for an outcome that is a DataFrame; labels have their own")
        return outcome
    laid = like(forecast, outcome, "outcome")
    returns = pd.DataFrame(numbers(laid, "outcome"), laid.index, laid.columns)
    if horizon is None:
        raise ConfigError("outcome is a DataFrame of returns; give horizon, on how many rows after its own each rests")
    return _with_returns(Labels.of(returns, checked_horizon(horizon, len(returns))))


def _with_returns(labels: Labels) -> Labels:
    return Labels(labels.values, labels.start, labels.end, labels.horizon, labels.values)


def _check_sides(sign: pd.DataFrame, barriers: Barriers) -> None:
    """Check that each position was on the forecast's side: a short one has its stop above."""
    side = barriers.values.notna().astype("float64") if barriers.side is None else barriers.side
    taken = like(sign, side.where(barriers.values.notna()), "outcome")
    other = ((sign * taken) < 0.0).to_numpy()
    if other.any():
        row, column = (int(each[0]) for each in np.nonzero(other))
        raise DataError(
            f"the barriers at {sign.index[row]} {sign.columns[column]} are those of the other side than the "
            "forecast's; give the forecast to triple_barrier as side="
        )
