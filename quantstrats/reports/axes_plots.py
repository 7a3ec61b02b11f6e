"""A plotting backend for pandas that draws on the axes it is given, and knows no pyplot.

pandas draws through ``matplotlib.pyplot``, which starts the user's window system (and fails where there is none),
and turns dates into periods where their frequency can be inferred. pyfolio draws with pandas. The option
``plotting.backend`` names this module while it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd


def plot(
    data: pd.Series | pd.DataFrame,
    *,
    kind: str,
    ax: Any,
    color: str | Sequence[str] | None = None,
    title: str | None = None,
    x: None = None,  # noqa: ARG001 - pandas passes these three; pyfolio never sets the first two
    y: None = None,  # noqa: ARG001
    legend: bool = True,  # noqa: ARG001 - pyfolio asks for its legends itself
    **style: Any,
) -> Any:
    """Draw each column as a line, an area or horizontal bars, and return the axes."""
    frame = data.to_frame() if isinstance(data, pd.Series) else data
    for number, name in enumerate(frame.columns):
        options = {"label": str(name), **style}
        if color is not None:
            options["color"] = color if isinstance(color, str) else color[number % len(color)]
        _DRAW[kind](ax, frame.iloc[:, number], options)
    if title:
        ax.set_title(title)
    return ax


def _line(ax: Any, series: pd.Series, options: dict[str, Any]) -> None:
    ax.plot(series.index, series.to_numpy(), **options)


def _area(ax: Any, series: pd.Series, options: dict[str, Any]) -> None:
    ax.fill_between(series.index, 0.0, series.to_numpy(), **options)


def _bars(ax: Any, series: pd.Series, options: dict[str, Any]) -> None:
    places = range(len(series))
    ax.barh(places, series.to_numpy(), height=0.6, **options)
    ax.set_yticks(places, [str(label) for label in series.index])


_DRAW = {"line": _line, "area": _area, "barh": _bars}
