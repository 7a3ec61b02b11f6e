"""From positions in spreads to weights of symbols: what overlaps is netted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

Neutral = Literal["dollar", "beta"]
NEUTRAL = ("dollar", "beta")


def leg_weights(held: pd.DataFrame, legs: pd.DataFrame, neutral: Neutral = "dollar") -> pd.DataFrame:
    """Return the signed weight of each leg, as a share of what its spread holds on both sides together.

    The coefficients are those of the row on which the position was opened, so that a hedge ratio that wanders does not
    trade every day. A spread whose coefficients then had one sign alone, which hedge nothing, gets no weights.

    Parameters
    ----------
    held : DataFrame
        Rows x spreads: 1, -1 or 0, as :func:`positions` returned them.
    legs : DataFrame
        Rows x (spread, symbol): coefficients, as :func:`follow` returned them.
    neutral : {"dollar", "beta"}
        ``dollar``: as much long as short. ``beta``: in the proportion of the coefficients, so that what the spread
        does not explain is all that remains; the two sides differ where the hedge ratio is not 1.

    Returns
    -------
    DataFrame of rows x (spread, symbol), whose absolute values sum to 1 per spread that is held.

    Raises
    ------
    ConfigError
        If ``neutral`` is something else.
    """
    if neutral not in NEUTRAL:
        raise ConfigError(f"neutral is {neutral!r}; it can be {', '.join(NEUTRAL)}")
    import pandas as pd

    starts, spread_of = legs_by_spread(legs.columns)
    held_by = held.reindex(columns=legs.columns.get_level_values(0)[starts]).to_numpy("float64")
    side = held_by[:, spread_of]
    before = np.vstack([np.zeros_like(side[:1]), side[:-1]])
    # The row on which the position of each row was opened.
    row = np.arange(len(side))[:, None]
    since = np.maximum.accumulate(np.where((side != before) & (side != 0.0), row, 0), axis=0)
    then = np.take_along_axis(legs.to_numpy("float64"), since, axis=0)
    long, short = (
        np.add.reduceat(part, starts, axis=1)[:, spread_of] if len(starts) else part
        for part in (np.maximum(then, 0.0), np.maximum(-then, 0.0))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        size = then / (long + short if neutral == "beta" else 2.0 * np.where(then > 0.0, long, short))
    weights = np.where((long > 0.0) & (short > 0.0) & (side != 0.0), size * side, 0.0)
    return pd.DataFrame(weights, index=legs.index, columns=legs.columns)


def netted(weights: pd.DataFrame, symbols: Iterable[str], share: float = 1.0) -> pd.DataFrame:
    """Return the weights of symbols: the sum of their legs, times the share of equity that one spread gets.

    Absolute weights sum to at most ``share`` times the number of spreads held, and to less where they overlap: what one
    spread holds and another has sold is not traded.

    Parameters
    ----------
    weights : DataFrame
        Rows x (spread, symbol), as :func:`leg_weights` returned them.
    symbols : iterable of str
        The columns of the result; a symbol without a leg has the weight 0.
    share : float, default 1
        What a spread gets, both sides together, as a fraction of equity.
    """
    by_symbol = weights.T.groupby(level=1).sum().T
    return by_symbol.reindex(columns=list(symbols), fill_value=0.0) * share


def all_within(universe: pd.DataFrame | None, legs: pd.DataFrame) -> pd.DataFrame | None:
    """Return where all legs of a spread may be held, rows x spreads; None where that is everywhere.

    Parameters
    ----------
    universe : DataFrame of bool, or None
        Rows x symbols: where each may be held; a symbol without a column may not.
    legs : DataFrame
        Rows x (spread, symbol), as :func:`follow` returned them.
    """
    import pandas as pd

    if universe is None:
        return None
    symbols = legs.columns.get_level_values(1)
    inside = universe.reindex(index=legs.index, columns=symbols.unique(), fill_value=False)
    starts, _ = legs_by_spread(legs.columns)
    each = inside[symbols].to_numpy(bool)
    within = np.logical_and.reduceat(each, starts, axis=1) if len(starts) else each
    return pd.DataFrame(within, index=legs.index, columns=legs.columns.get_level_values(0)[starts])


def legs_by_spread(columns: pd.Index) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first leg of each spread, and the spread of each leg, from columns of (spread, symbol) in order."""
    codes = columns.codes[0] if len(columns) else np.zeros(0, int)  # type: ignore[attr-defined]
    first = np.diff(codes, prepend=-1) != 0
    return np.flatnonzero(first), np.cumsum(first) - 1
