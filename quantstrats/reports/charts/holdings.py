"""Charts of what was held: weights, concentration, sectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.reports.charts.chart import (
    BENCHMARK,
    COLORS,
    OTHERS,
    STRATEGY,
    Chart,
    faded,
    line,
    linked_axes,
    panels,
)
from quantstrats.reports.charts.thinning import spread_rows
from quantstrats.reports.charts.times import times_of

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.runs.run import Run

_MOST_POINTS = 700
_MOST_NAMED = 9
_NOTHING = "nothing was held at the end of any bar"


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
    if not held.any():
        return Chart(title, left_out=_NOTHING)
    rows = spread_rows(len(weights), _MOST_POINTS)
    x = times_of(run, run.equity.index[rows])
    ranked = -np.sort(-weights[rows], axis=1)
    # 1 / sum of squared shares of the gross exposure (the inverse of Herfindahl's index); none where nothing is held.
    squares = np.square(weights[rows]).sum(axis=1)
    effective = np.divide(np.square(held[rows]), squares, out=np.full(len(rows), np.nan), where=squares > 0.0)
    counted = (weights[rows] > 0.0).sum(axis=1).astype("float64")
    traces = [line(x, ranked[:, 0], "Largest position", STRATEGY, form=".1%")]
    if ranked.shape[1] > 5:
        traces.append(line(x, ranked[:, :5].sum(axis=1), "Five largest together", BENCHMARK, form=".1%"))
    traces.append(line(x, counted, "Positions", BENCHMARK, panel=2, form=".0f"))
    traces.append(line(x, effective, "Effective number of positions", COLORS[1], panel=2, form=".1f"))
    layout = linked_axes(["Part of equity", "Positions"], [".0%", ",.2~f"], panels(0.5, 0.5))
    return Chart(title, traces, layout, height=360)


def weights_of(run: Run) -> pd.DataFrame:
    """Return each position as a fraction of the equity, rows x symbols; zero where nothing is left of the account."""
    held = run.positions.drop(columns="cash")
    equity = run.equity.to_numpy("float64")
    return held.div(np.where(equity > 0.0, equity, np.inf), axis=0)


def _stacked(title: str, run: Run, weights: pd.DataFrame) -> Chart:
    values = weights.to_numpy()
    if not values.any():
        return Chart(title, left_out=_NOTHING)
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")
    held = [column for column in order if values[:, column].any()]
    named, others = held[:_MOST_NAMED], held[_MOST_NAMED:]
    rows = spread_rows(len(values), _MOST_POINTS)
    x = times_of(run, weights.index[rows])
    layers = [(str(weights.columns[column]), values[rows, column], COLORS[n]) for n, column in enumerate(named)]
    if others:
        long, short = (clip(values[rows][:, others], 0.0).sum(axis=1) for clip in (np.maximum, np.minimum))
        name = f"{len(others):,} other{'s' if len(others) > 1 else ''}"
        layers += [(name, part, OTHERS) for part in (long, short) if part.any()]
    traces = [trace for name, part, color in layers for trace in _signed(x, name, part, color)]
    layout = {"yaxis": {"tickformat": ".0%", "title": {"text": "Part of equity"}}, "hovermode": "x unified"}
    return Chart(title, traces, {**layout, "xaxis": {"type": "date"}}, height=360)


def _signed(x: Any, name: str, part: Any, color: str) -> list[dict[str, Any]]:
    """Return what is held long of something, stacked upwards, and what is short, downwards."""
    found: list[dict[str, Any]] = []
    for side, values in (("long", np.maximum(part, 0.0)), ("short", np.minimum(part, 0.0))):
        if values.any():
            style = {
                "stackgroup": side,
                "legendgroup": name,
                "fillcolor": faded(color, 0.55),
                "line": {"width": 0.5, "shape": "hv"},
            }
            found.append(line(x, values, name, color, form=".1%", legend=not found, style=style))
    return found
