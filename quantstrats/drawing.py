"""Figures in the house style, for what a signal shows: without pyplot, without touching the user's matplotlib."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE = 9.6  # inches; the whole width of a tear sheet
HEIGHT = 3.0
DPI = 120
GAIN, LOSS, SOFT, INK = "#2a9d6a", "#d1495b", "#98a2b0", "#4a5565"
COLOURS = (
    "#3a7bd5", "#e08e2b", "#8a63d2", "#23a2a2", "#b0804f", "#d45d9e", "#7a9a2f", "#6f7fbf", "#c9a227", "#5f8f8a",
)  # fmt: skip
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#c4cad3",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.xmargin": 0.01,
    "date.converter": "concise",
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "grid.color": "#e8ebf0",
    "grid.linewidth": 0.8,
    "legend.edgecolor": "#dfe3e9",
    "legend.fontsize": 8,
    "lines.linewidth": 1.3,
    # A symbol may hold a dollar sign, which is no formula.
    "text.parse_math": False,
    "xtick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": INK,
    "ytick.labelsize": 8.5,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Give matplotlib the style of the tear sheet's figures within a block, and the user's after it.

    It can stand before a function too, as ``@house_style()``. Text and lines take the style at the moment at which
    they are made: so it is to be around all that draws.
    """
    load_matplotlib()
    import matplotlib as mpl
    from cycler import cycler

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE | {"axes.prop_cycle": cycler(color=COLOURS)})
        yield


def new_figure(panels: int = 1, height: float = HEIGHT) -> tuple[Figure, list[Axes]]:
    """Return a figure as wide as a tear sheet, and its axes one below the other; call it within ``house_style``.

    Parameters
    ----------
    panels : int, default 1
        How many axes.
    height : float, default 3
        Of each, in inches.

    Returns
    -------
    figure : matplotlib Figure
        Of the Agg backend: it needs no screen.
    axes : list of matplotlib Axes
        From the top.
    """
    load_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDE, height * panels), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(panels, 1, squeeze=False)[:, 0])


def load_matplotlib() -> None:
    """Import matplotlib whatever MPLBACKEND says: it would refuse a name that it does not know."""
    if "matplotlib" in sys.modules:
        return
    named = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if named is not None:
            os.environ["MPLBACKEND"] = named
    if named:
        # What a window needs is between the user and matplotlib; these figures need none.
        with suppress(ValueError):
            mpl.rcParams["backend"] = named
