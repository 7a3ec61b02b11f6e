"""Pictures of what features contribute to what several models say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.drawing import COLOURS, INK, house_style, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_WHOLE = 0.8  # of the place of a feature, for the bars of all models


@house_style()
def contributions_picture(sizes: pd.DataFrame, label: str = "mean size of the contribution, in log-odds") -> Figure:
    """Draw how much each feature moves what each model says, the features that move most on top.

    Parameters
    ----------
    sizes : DataFrame
        Features x models, as of :func:`quantstrats.models.contribution_sizes`.
    label : str
        Of the axis.
    """
    figure, (axes,) = new_figure(height=1.2 + 0.3 * len(sizes))
    if sizes.empty:
        return figure
    ordered = sizes.loc[sizes.mean(axis=1).sort_values(kind="stable").index]
    features = np.arange(len(ordered))
    height = _WHOLE / ordered.shape[1]
    for place, model in enumerate(ordered):
        middle = features + _WHOLE / 2 - (place + 0.5) * height
        colour = COLOURS[place % len(COLOURS)]
        axes.barh(middle, ordered[model], height=0.9 * height, color=colour, label=str(model).replace("_", " "))
    axes.set_yticks(features, ordered.index)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.set_xlabel(label)
    axes.legend(loc="lower right")
    axes.grid(visible=False, axis="y")
    return figure
