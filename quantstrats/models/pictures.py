"""Pictures of models: whether probabilities came true, what features were worth, which model was chosen when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.drawing import COLOURS, INK, SOFT, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

_FEWEST = 20  # rows that a point of the calibration curve stands on
_SURE = 2.0  # standard errors, for whiskers


@house_style()
def calibration_picture(chance: ArrayLike, came: ArrayLike, label: str = "chance told", bins: int = 10) -> Figure:
    """Draw how often it came true against how likely it was said to be, and how often each was said.

    Parameters
    ----------
    chance : array, shape (rows,)
        Probabilities; NaN where nothing was told.
    came : array of bool, shape (rows,)
        Whether it came true.
    label : str
        Of the axis.
    bins : int, default 10
        Of equal width; those of fewer than 20 rows have no point.
    """
    figure, (curve, counts) = new_figure(panels=2, height=2.6)
    told, true = np.asarray(chance, dtype="float64"), np.asarray(came, dtype="float64")
    known = np.isfinite(told)
    told, true = told[known], true[known]
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.digitize(told, edges[1:-1]), 0, bins - 1)
    rows = np.bincount(place, minlength=bins)
    enough = rows >= _FEWEST
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(place, weights=told, minlength=bins) / rows
        share = np.bincount(place, weights=true, minlength=bins) / rows
        error = np.sqrt(share * (1.0 - share) / rows)
    curve.plot([0, 1], [0, 1], color=SOFT, linestyle="--", linewidth=1.0, label="right on average")
    curve.errorbar(
        mean[enough], share[enough], yerr=_SURE * error[enough], fmt="o-", color=COLOURS[0], ecolor=SOFT, markersize=4,
        label="told, with 2 standard errors as if rows were independent",
    )  # fmt: skip
    curve.set_ylabel("share that came true")
    curve.set_xlim(0.0, 1.0)
    curve.legend(loc="upper left")
    counts.bar(edges[:-1] + 0.5 / bins, rows, width=0.9 / bins, color=COLOURS[0])
    counts.set_xlim(0.0, 1.0)
    counts.set_ylabel("rows")
    counts.set_xlabel(label)
    return figure


@house_style()
def importance_picture(names: Sequence[str], worse: ArrayLike, label: str = "log loss that it saves") -> Figure:
    """Draw what each feature is worth, the most important on top, with the lowest and highest of the repeats.

    Parameters
    ----------
    names : sequence of str
        Of the features.
    worse : array, shape (repeats, features)
        Importance, as of :func:`quantstrats.models.permutation_importance`; NaN is left out.
    label : str
        Of the axis.
    """
    values = np.asarray(worse, dtype="float64")
    values = values[np.isfinite(values).all(axis=1)]
    figure, (axes,) = new_figure(height=0.9 + 0.24 * len(names))
    if not len(values):
        return figure
    mean = values.mean(axis=0)
    order = np.argsort(mean)
    span = np.abs(np.percentile(values, [10, 90], axis=0) - mean)
    axes.barh(np.arange(len(names)), mean[order], xerr=span[:, order], color=COLOURS[0], ecolor=SOFT, height=0.65)
    axes.set_yticks(np.arange(len(names)), [names[place] for place in order])
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.set_xlabel(label)
    axes.grid(visible=False, axis="y")
    return figure


@house_style()
def choice_picture(names: Sequence[str], starts: Sequence[Any], chosen: Sequence[str]) -> Figure:
    """Draw which of several models was chosen at each refit.

    Parameters
    ----------
    names : sequence of str
        Of the models.
    starts : sequence of Timestamp
        The first row that each choice served.
    chosen : sequence of str
        The choices.
    """
    figure, (axes,) = new_figure(height=0.9 + 0.26 * len(names))
    places = [list(names).index(name) for name in chosen]
    axes.plot(starts, places, color=SOFT, linewidth=0.8, drawstyle="steps-post")
    axes.scatter(starts, places, color=[COLOURS[place % len(COLOURS)] for place in places], s=36, zorder=3)
    times = [list(chosen).count(name) for name in names]
    axes.set_yticks(
        range(len(names)), [f"{name.replace('_', ' ')} ({count})" for name, count in zip(names, times, strict=True)]
    )
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.invert_yaxis()
    return figure
