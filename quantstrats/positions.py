"""Positions that remember: in at one level and out at another, for some bars after a trigger, until a stop.

All of them decide at closes. What they decide is filled at the next open, as any forecast is, so that a gap through a
stop is paid in full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def after(trigger: pd.DataFrame, hold: int) -> pd.DataFrame:
    """Return the sign of the last trigger for ``hold`` rows, its own the first of them; 0 from then on.

    Parameters
    ----------
    trigger : DataFrame
        Rows x symbols: above 0 to be long, below 0 to be short, 0 where nothing happens, NaN where nothing is known.
    hold : int
        For how many rows a trigger is followed, at least 1. A row of the result depends on so many rows of
        ``trigger``, the last included.

    Returns
    -------
    DataFrame
        1, -1 or 0; NaN where nothing was known on the last ``hold`` rows.

    Raises
    ------
    DataError
        If ``hold`` is below 1.
    """
    side = (trigger > 0.0).astype("float64") - (trigger < 0.0).astype("float64")
    return _carried(side.where(side != 0.0), hold).fillna(_carried(trigger * 0.0, hold))


def reverting(score: pd.DataFrame, *, entry: float = 2.0, leave: float = 0.0, hold: int = 20) -> pd.DataFrame:
    """Return positions against a score: in where it is far from zero, out where it has come back.

    Long from a score below ``-entry`` on, until it is at ``-leave`` or above; short from one above ``entry`` on, until
    it is at ``leave`` or below. Either is given up once the score has not been beyond ``entry`` on the last ``hold``
    rows. So a row depends on ``hold`` rows of the score and on none before them, wherever the data begin.

    Parameters
    ----------
    score : DataFrame
        Rows x symbols, for example a distance from a mean in standard deviations; NaN where unknown.
    entry, leave : float
        In units of the score, ``0 <= leave < entry``.
    hold : int
        In rows, at least 1.

    Returns
    -------
    DataFrame
        1, -1 or 0; NaN where the score was unknown on all of the last ``hold`` rows.

    Raises
    ------
    DataError
        If ``entry``, ``leave`` or ``hold`` make no sense.
    """
    if not 0.0 <= leave < entry:
        raise DataError(f"leave is {leave} and entry is {entry}; 0 <= leave < entry makes sense")
    side = [
        _carried((far < -entry).astype("float64").where((far < -entry) | (far >= -leave)), hold).fillna(0.0)
        for far in (score, -score)
    ]
    return (side[0] - side[1]).where(_carried(score, hold).notna())


def until_stopped(wanted: pd.DataFrame, close: pd.DataFrame, *, stop_loss: float, take_profit: float) -> pd.DataFrame:
    """Return positions that are opened where wanted and held until the other side is wanted, or a stop.

    Parameters
    ----------
    wanted : DataFrame
        Rows x symbols: above 0 to be long, below 0 to be short, 0 to go on as before, NaN where unknown.
    close : DataFrame
        Closes, of the same rows and symbols. Gain and loss count from the close on which a position is decided.
    stop_loss, take_profit : float
        Fractions of that close, above 0: a position ends at the first close that is so far against it, or for it.

    Returns
    -------
    DataFrame
        1, -1 or 0; NaN before the first known row of ``wanted``. A position that was stopped is not opened again
        before the same side has ceased to be wanted. The state goes back to the first row: a signal that uses it
        must set ``resets``.

    Raises
    ------
    DataError
        If a fraction is not above 0, or the frames differ in rows or columns.
    """
    import pandas as pd

    from quantstrats.positions_kernels import sides_until_stopped

    if not (stop_loss > 0.0 and take_profit > 0.0):
        raise DataError(f"stop_loss is {stop_loss} and take_profit is {take_profit}; both are fractions above 0")
    if wanted.shape != close.shape:
        raise DataError(f"wanted has the shape {wanted.shape}, close {close.shape}; they must be alike")
    if not (wanted.index.equals(close.index) and wanted.columns.equals(close.columns)):
        raise DataError("wanted and close have other rows or columns, or the same in another order; reindex one")
    held = sides_until_stopped(wanted.to_numpy("float64"), close.to_numpy("float64"), stop_loss, take_profit)
    return pd.DataFrame(held, index=wanted.index, columns=wanted.columns)


def _carried(frame: pd.DataFrame, hold: int) -> pd.DataFrame:
    """Return the last value that is there of ``hold`` rows."""
    if hold < 1:
        raise DataError(f"hold is {hold}; it is a number of rows, at least 1")
    return frame if hold == 1 else frame.ffill(limit=hold - 1)
