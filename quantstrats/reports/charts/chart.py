"""Chart: one interactive figure as plain data, and the colours that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects

# Legible on a light ground and on a dark one.
STRATEGY, BENCHMARK = "#3a7bd5", "#98a2b0"
GAIN, LOSS = "#2a9d6a", "#d1495b"
COLORS = (STRATEGY, "#e08e2b", "#8a63d2", "#23a2a2", "#b0804f", "#d45d9e", "#7a9a2f", "#6f7fbf", "#c9a227", "#5f8f8a")
OTHERS = "#98a2b0"
# Of ticks: as many digits as count, since with a fixed number small steps would all bear one label.
PERCENT = ".3~p"
# Of ticks in units of currency: plotly's own choice, which adapts to the step (10k, 2.5M).
MONEY = ""
# Names where the pointer is: whole, since plotly would cut them after 15 characters, within an escaped one too.
WHOLE_NAMES = {"namelength": -1}


@dataclass(frozen=True)
class Chart:
    """One interactive figure, or the reason for which there is none.

    Attributes
    ----------
    title : str
        Its caption.
    traces : list of dict
        What is plotted, as plotly's schema describes it; arrays may be of numpy.
    layout : dict
        Axes and such, likewise. Colours of text, grid and ground are left to who shows it.
    left_out : str
        Why there is nothing to show; empty if there is.
    note : str
        A line below it.
    wide : bool
        Whether it takes the page's whole width.
    height : int
        In pixels.
    least_width : int
        In pixels: on a narrower screen it scrolls.
    scales : bool
        Whether a reader may want its first y axis logarithmic.
    """

    title: str
    traces: list[dict[str, Any]] = field(default_factory=list)
    layout: dict[str, Any] = field(default_factory=dict)
    left_out: str = ""
    note: str = ""
    wide: bool = False
    height: int = 320
    least_width: int = 0
    scales: bool = False

    def figure(self) -> plotly.graph_objects.Figure:
        """Return the chart as a plotly Figure, with its title; without traces where it is left out."""
        import plotly.graph_objects as go

        text = f"{self.title}: {self.left_out}" if self.left_out else self.title
        title = {"text": plain_text(text), "x": 0.01, "y": 0.98, "yanchor": "top", "font": {"size": 15}}
        figure = go.Figure({"data": self.traces, "layout": {**self.layout, "template": "plotly_white"}})
        return figure.update_layout(title=title, height=self.height + 60, margin={"t": 90})


def panels(*weights: float, gap: float = 0.05) -> list[list[float]]:
    """Return the domains of y axes that stand above each other, the first on top, in parts of the height."""
    room = 1.0 - gap * (len(weights) - 1)
    heights = [weight / sum(weights) * room for weight in weights]
    tops = [1.0 - sum(heights[:number]) - gap * number for number in range(len(weights))]
    return [[max(0.0, top - height), top] for top, height in zip(tops, heights, strict=True)]


def linked_axes(titles: list[str], formats: list[str], domains: list[list[float]]) -> dict[str, Any]:
    """Return the layout of panels above each other, whose x axes are one: zooming one zooms all.

    Parameters
    ----------
    titles, formats : list of str
        Title and tick format of each panel's y axis, the first on top.
    domains : list of [low, high]
        Of ``panels``.
    """
    last = len(titles)
    layout: dict[str, Any] = {"hovermode": "x unified", "hoversubplots": "axis", "hoverlabel": WHOLE_NAMES}
    # One x axis that all panels share, drawn below the last: so a hover shows the values of every panel.
    layout["xaxis"] = {"type": "date", "anchor": axis("y", last), "domain": [0.0, 1.0]}
    for number, (title, form, domain) in enumerate(zip(titles, formats, domains, strict=True), start=1):
        layout[f"yaxis{number if number > 1 else ''}"] = {
            "title": {"text": title, "standoff": 4},
            "tickformat": form,
            "separatethousands": True,
            "domain": domain,
            "anchor": "x",
        }
    return layout


def axis(letter: str, number: int) -> str:
    """Return a panel's axis as traces name it: ``y``, ``y2``, ``y3``."""
    return letter if number == 1 else f"{letter}{number}"


def line(
    x: Any,
    y: Any,
    name: str,
    color: str,
    *,
    panel: int = 1,
    form: str = "",
    legend: bool = True,
    style: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a line over time.

    Parameters
    ----------
    x, y : array
        Times and values.
    name, color : str
        As the legend shows it.
    panel : int
        The panel it stands in, from 1.
    form : str
        Format of its values where the pointer is.
    legend : bool
        Whether the legend names it.
    style : mapping, optional
        More of plotly's attributes of a scatter trace; those of ``line`` join the usual ones.
    """
    more = dict(style or {})
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": plain_text(name),
        "line": {"color": color, "width": 1.5, **more.pop("line", {})},
        "yaxis": axis("y", panel),
        "showlegend": legend,
        **({"yhoverformat": form} if form else {}),
        **more,
    }


def area(
    x: Any, y: Any, name: str, color: str, *, panel: int = 1, form: str = "", legend: bool = True, steps: bool = False
) -> dict[str, Any]:
    """Return a line over time with the area down to zero filled.

    Parameters are those of ``line``, and ``steps``: whether a value lasts until the next one.
    """
    shape = {"shape": "hv"} if steps else {}
    style = {"fill": "tozeroy", "fillcolor": faded(color), "line": {"width": 1.0, **shape}}
    return line(x, y, name, color, panel=panel, form=form, legend=legend, style=style)


def plain_text(name: str) -> str:
    """Return a text such that plotly shows it as it is, and takes nothing in it for HTML or a formula."""
    return escape(name, quote=False).replace("$", "&#36;")


def faded(color: str, alpha: float = 0.18) -> str:
    """Return a colour, given as ``#rrggbb``, through which the ground shows."""
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
