"""Charts of what was held: weights, concentration, sectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.reports.charts.chart import (
    BENCHMARK,
    COLORS,
    OTHERS,
    PERCENT,
    STRATEGY,
    WHOLE_NAMES,
    Chart,
    faded,
    line,
    linked_axes,
    panels,
)
from quantstrats.reports.charts.thinning import telling_rows, thinned_note
from quantstrats.reports.charts.weights import weights_of
from quantstrats.reports.times import times_of

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.runs.run import Run

_MOST_POINTS = 900
_MOST_NAMED = 9
_NOTHING, _SHORT = "nothing was held at the end of any bar", "needs two bars"


def allocation(run: Run) -> Chart:
    """Return the weights of the largest positions over time, stacked, the others together."""
    return _stacked("Weights", run, weights_of(run))


def sectors(run: Run) -> Chart:
    """Return the weights of sectors over time, where the market told them."""
    known: Mapping[str, str] = run.manifest["data"].get("sector") or {}
    if not known:
        return Chart("Sectors", left_out="the bars came without the side series 'sector'")
    weights = weights_of(run)
    return _stacked("Sectors", run, weights.T.groupby(lambda symbol: known.get(symbol, "unknown")).sum().T)


def concentration(run: Run) -> Chart:
    """Return the largest weight and the effective number of positions, with linked axes."""
    title = "Concentration"
    weights = weights_of(run).abs().to_numpy()
    held = weights.sum(axis=1)
    if not held.any() or len(held) < 2:
        return Chart(title, left_out=_SHORT if held.any() else _NOTHING)
    rows = _rows(weights)
    x = times_of(run, run.equity.index[rows])
    ranked = -np.sort(-weights[rows], axis=1)
    # 1 / sum of squared shares of the gross exposure (the inverse of Herfindahl's index); none where nothing is held.
    squares = np.square(weights[rows]).sum(axis=1)
    effective = np.divide(np.square(held[rows]), squares, out=np.full(len(rows), np.nan), where=squares > 0.0)
    counted = (weights[rows] > 0.0).sum(axis=1).astype("float64")
    steps = {"line": {"shape": "hv"}}
    traces = [line(x, ranked[:, 0], "Largest position", STRATEGY, form=".1%", style=steps)]
    if ranked.shape[1] > 5:
        largest = ranked[:, :5].sum(axis=1)
        traces.append(line(x, largest, "Five largest together", COLORS[2], form=".1%", style=steps))
    traces.append(line(x, counted, "Positions", BENCHMARK, panel=2, form=".0f", style=steps))
    traces.append(line(x, effective, "Effective number of positions", COLORS[1], panel=2, form=".1f", style=steps))
    layout = linked_axes(["Part of equity", "Positions"], [PERCENT, ",.2~f"], panels(0.5, 0.5))
    return Chart(title, traces, layout, height=360, note=thinned_note(len(rows), len(weights)))


def _stacked(title: str, run: Run, weights: pd.DataFrame) -> Chart:
    values = weights.to_numpy()
    if not values.any() or len(values) < 2:
        return Chart(title, left_out=_SHORT if values.any() else _NOTHING)
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")
    held = [column for column in order if values[:, column].any()]
    named, others = held[:_MOST_NAMED], held[_MOST_NAMED:]
    rows = _rows(values)
    x = times_of(run, weights.index[rows])
    layers = [(str(weights.columns[column]), [column], COLORS[number]) for number, column in enumerate(named)]
    if others:
        layers.append((f"{len(others):,} other{'s' if len(others) > 1 else ''}", others, OTHERS))
    traces = [trace for name, columns, color in layers for trace in _signed(x, name, values[rows][:, columns], color)]
    layout = {
        "xaxis": {"type": "date"},
        "yaxis": {"tickformat": PERCENT, "title": {"text": "Part of equity"}},
        "hovermode": "x unified",
        "hoverlabel": WHOLE_NAMES,
        "legend": {"tracegroupgap": 0},
    }
    return Chart(title, traces, layout, height=360, note=thinned_note(len(rows), len(values)))


def _rows(weights: np.ndarray) -> np.ndarray:
    """Return the rows that are shown: of each stretch those with the highest and the lowest exposure."""
    sizes = np.abs(weights)
    return telling_rows(np.column_stack([sizes.sum(axis=1), sizes.max(axis=1)]), _MOST_POINTS)


def _signed(x: Any, name: str, weights: Any, color: str) -> list[dict[str, Any]]:
    """Return what is held long of some columns, stacked upwards, and what is short, downwards."""
    found: list[dict[str, Any]] = []
    for side, clip in (("long", np.maximum), ("short", np.minimum)):
        values = clip(weights, 0.0).sum(axis=1)
        if values.any():
            style = {
                "stackgroup": side,
                "legendgroup": name,
                "fillcolor": faded(color, 0.55),
                "line": {"width": 0.5, "shape": "hv"},
            }
            found.append(line(x, values, name, color, form=".1%", legend=not found, style=style))
    return found
