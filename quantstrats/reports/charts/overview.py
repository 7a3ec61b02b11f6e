"""The chart that one looks at first: equity, drawdown and exposure, on one time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantstrats.reports.charts.chart import (
    BENCHMARK,
    LOSS,
    MONEY,
    PERCENT,
    STRATEGY,
    Chart,
    area,
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

_MOST_POINTS = 5_000
_SHORT = "#e08e2b"


def overview(run: Run) -> Chart:
    """Return equity against the benchmark, both drawdowns, and long, short and net exposure."""
    title = "Equity, drawdown and exposure"
    if len(run.equity) < 2:
        return Chart(title, left_out="needs two bars")
    cash = float(run.config["engine"]["cash"])
    equity = run.equity.to_numpy("float64")
    compared = None if run.benchmark is None else cash * growth_of(run.benchmark)
    series = [equity] if compared is None else [equity, compared]
    fallen = [drawdown_of(each, cash) for each in series]
    long, short = _exposures(run)
    # The deepest fall need not be at a stretch's lowest value, nor a position of one bar at any of these.
    rows = telling_rows(np.column_stack([*series, *fallen, long - short]), _MOST_POINTS)
    x = times_of(run, run.equity.index[rows])
    traces = [
        line(x, equity[rows], "Strategy", STRATEGY, form=",.2f"),
        area(x, fallen[0][rows], "Drawdown", LOSS, panel=2, form=".2%", legend=False),
        area(x, long[rows], "Long exposure", STRATEGY, panel=3, form=".1%", legend=False, steps=True),
    ]
    if compared is not None:
        traces.append(line(x, compared[rows], "Benchmark", BENCHMARK, form=",.2f"))
        traces.append(line(x, fallen[1][rows], "Benchmark's drawdown", BENCHMARK, panel=2, form=".2%", legend=False))
    if (short < 0.0).any():
        dotted = {"line": {"width": 1.2, "dash": "dot", "shape": "hv"}}
        net = (long + short)[rows]
        under = area(x, short[rows], "Short exposure", _SHORT, panel=3, form=".1%", legend=False, steps=True)
        traces.append(under)
        traces.append(line(x, net, "Net exposure", BENCHMARK, panel=3, form=".1%", legend=False, style=dotted))
    domains = panels(0.56, 0.22, 0.22)
    layout = linked_axes(["Equity", "Drawdown", "Exposure"], [MONEY, PERCENT, PERCENT], domains)
    return Chart(
        title,
        traces,
        layout,
        note=thinned_note(len(rows), len(equity)),
        wide=True,
        height=600,
        scales=bool(min(each.min() for each in series) > 0.0),
    )


def growth_of(returns: pd.Series) -> np.ndarray:
    """Return what one unit of currency has become after each bar; a return that is missing counts as none."""
    return np.asarray(np.cumprod(1.0 + returns.fillna(0.0).to_numpy("float64")))


def drawdown_of(value: np.ndarray, start: float) -> np.ndarray:
    """Return how far each value lies below the highest so far, ``start`` among them, as a fraction of that.

    What is owed beyond a total loss is none: as in the figures, the most is -1.
    """
    return np.asarray(np.maximum(value / np.maximum(np.maximum.accumulate(value), start) - 1.0, -1.0))


def _exposures(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums of long and of short positions as fractions of the equity."""
    weights = weights_of(run).to_numpy("float64")
    return np.maximum(weights, 0.0).sum(axis=1), np.minimum(weights, 0.0).sum(axis=1)
