"""Pictures of spreads: z-scores with their bands, entries and exits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.drawing import COLOURS, GAIN, INK, LOSS, SOFT, house_style, new_figure

if TYPE_CHECKING:
    import pandas as pd


@house_style()
def spread_picture(
    z: pd.Series,
    held: pd.Series,
    entry: float,
    exit: float = 0.0,  # noqa: A002 - as in positions()
    stop: float | None = None,
    *,
    title: str = "",
) -> Any:
    """Return a matplotlib Figure of a spread: its z-score, the bands, and where it was entered and left.

    What is still held on the last row is marked as closed there: that is where its window ends.

    Parameters
    ----------
    z, held : Series
        By row: how far the spread is off its mean, and 1, -1 or 0.
    entry, exit, stop : float
        The bands, as in :func:`positions`.
    title : str, optional
        Above the picture.
    """
    figure, (axes,) = new_figure()
    for level, colour, style in ((entry, INK, "--"), (exit, SOFT, "-"), (stop, LOSS, ":")):
        if level is not None:
            for at in {level, -level}:
                axes.axhline(at, color=colour, linestyle=style, linewidth=0.9)
    axes.plot(z.index, z.to_numpy(), color=COLOURS[0], label="z-score")
    before = held.shift(1, fill_value=0)
    changed = held.ne(before)
    marks = (
        ("bought", changed & held.gt(0), "^", GAIN),
        ("sold", changed & held.lt(0), "v", LOSS),
        ("closed", changed & held.eq(0), "o", INK),
    )
    for label, rows, marker, colour in marks:
        if rows.any():
            axes.scatter(z.index[rows], z[rows], marker=marker, color=colour, zorder=3, label=label)
    if len(held) and held.iloc[-1]:
        ring: dict[str, Any] = {"marker": "o", "facecolor": "none", "edgecolor": INK}
        axes.scatter(z.index[-1:], z.iloc[-1:].fillna(0.0), **ring, zorder=3, label="closed at the end")
    known = z.to_numpy()[np.isfinite(z.to_numpy())]
    reach = max(1.25 * max(entry, stop or 0.0), float(np.abs(known).max()) * 1.05 if len(known) else 0.0)
    if math.isfinite(reach):
        axes.set_ylim(-reach, reach)
    axes.set_ylabel("standard deviations")
    axes.set_title(title)
    axes.legend(loc="upper left", ncols=4)
    return figure
