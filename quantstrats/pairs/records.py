"""What came of spreads: their trades, for tables and pictures."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = ["spread", "p_value", "q_value", "statistic", "critical", "half_life", "correlation", "hedge_ratio"]
_COLUMNS = ["spread", "side", "opened", "closed", "bars", "return"]


def trades(held: pd.DataFrame, weights: pd.DataFrame, opens: pd.DataFrame) -> pd.DataFrame:
    """Return the trades of spreads, with what each made before costs.

    A position that is decided at the close of a row is filled at the next open. What it makes is the sum over its legs
    of weight x return between the opens at which it was entered and left, so per unit of what both sides held at entry;
    a leg without an open is valued at the last one before. One that is still held on the last row of ``held`` is closed
    there as at a window's end: decided on the row after it, or on the last row of ``opens``.

    Parameters
    ----------
    held : DataFrame
        Rows x spreads: 1, -1 or 0.
    weights : DataFrame
        Rows x (spread, symbol), as :func:`leg_weights` returned them.
    opens : DataFrame
        Rows x symbols: those of ``held``, and at least two rows more where there are any.

    Returns
    -------
    DataFrame of ``spread``, ``side`` (1 is long), ``opened`` and ``closed`` (the rows on which it was decided; NaT
    where no row follows), ``bars`` (rows on which it was held) and ``return``.

    Raises
    ------
    DataError
        If ``opens`` lacks rows of ``held`` or has others between them.
    """
    import pandas as pd

    first = int(opens.index.get_indexer(held.index[:1])[0]) if len(held) else 0
    stop = first + len(held)
    if first < 0 or not opens.index[first:stop].equals(held.index):
        raise DataError("trades: opens must have the rows of held, one after the other; give those of the whole market")
    prices = opens.iloc[first : stop + 2].ffill().reindex(columns=weights.columns.get_level_values(1)).to_numpy()
    last = len(prices) - 1
    legs_of = weights.columns.get_level_values(0)
    found = []
    for name in held.columns:
        legs = np.flatnonzero(legs_of == name)
        own, size = prices[:, legs], weights.to_numpy()[:, legs]
        for opened, over in _runs(held[name].to_numpy()):
            gains = own[min(over + 1, last)] / own[min(opened + 1, last)] - 1.0
            closed = opens.index[first + over] if first + over < len(opens) else pd.NaT
            side = int(held[name].iloc[opened])
            found.append((name, side, held.index[opened], closed, over - opened, float(size[opened] @ gains)))
    return pd.DataFrame(found, columns=_COLUMNS)


def with_trades(spreads: pd.DataFrame, trades: pd.DataFrame) -> pd.DataFrame:
    """Return the table of spreads with how many trades each had, and what they made together.

    Parameters
    ----------
    spreads : DataFrame
        As in a :class:`Formation`.
    trades : DataFrame
        As :func:`trades` returned them.
    """
    by_spread = trades.groupby("spread")["return"]
    count = spreads["spread"].map(by_spread.size()).fillna(0).astype(int)
    made = spreads["spread"].map(by_spread.sum()).fillna(0.0).astype("float64")
    shown = [name for name in _SHOWN if name in spreads]
    return spreads[shown].assign(trades=count, **{"return": made})


def _runs(held: np.ndarray) -> list[tuple[int, int]]:
    """Return the first row of each position, and the row after its last."""
    edges = np.flatnonzero(np.diff(held, prepend=0, append=0))
    return [(int(start), int(stop)) for start, stop in pairwise(edges) if held[start] != 0]
