"""Charts of several Runs laid over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.reports.charts.chart import COLORS, OTHERS, WHOLE_NAMES, Chart, line, linked_axes, panels, plain_text
from quantstrats.reports.charts.overview import drawdown_of, growth_of
from quantstrats.reports.charts.thinning import spread_rows, telling_rows
from quantstrats.reports.compared import LETTERS, LEVEL_LABELS
from quantstrats.reports.drawdowns import from_start

if TYPE_CHECKING:
    from quantstrats.reports.compared import Comparison

_MOST_POINTS, _MOST_ROLLED = 3_500, 1_500


def growth(comparison: Comparison) -> Chart:
    """Return the growth of one unit on the common span, the drawdowns, and each run's wealth against the first's."""
    returns = [from_start(comparison.returns[letter]) for letter in comparison.returns]
    wealth = np.column_stack([growth_of(each) for each in returns])
    fallen = np.column_stack([drawdown_of(each, 1.0) for each in wealth.T])
    first = np.where(wealth[:, :1] > 0.0, wealth[:, :1], np.nan)  # nothing can be compared with what is gone
    ahead = wealth / first - 1.0
    rows = telling_rows(np.column_stack([wealth, fallen]), _MOST_POINTS)
    x = pd.DatetimeIndex(returns[0].index[rows])
    traces = []
    for number, run in enumerate(comparison.runs):
        color = COLORS[number]
        # A click in the legend hides a run in all panels.
        panel: dict[str, Any] = {"legend": False, "style": {"legendgroup": run.letter}}
        traces.append(line(x, wealth[rows, number], run.label, color, form=".4f", **{**panel, "legend": True}))
        traces.append(line(x, fallen[rows, number], run.label, color, panel=2, form=".2%", **panel))
        if number:
            traces.append(line(x, ahead[rows, number], f"{run.label} against A", color, panel=3, form="+.2%", **panel))
    titles = ["Growth of 1", "Drawdown", "Wealth against A"]
    layout = linked_axes(titles, [".4~f", ".0%", "+.0%"], panels(0.56, 0.22, 0.22))
    shown, days = len(rows), len(wealth)
    note = "" if shown == days else f"{shown:,} of {days:,} days are shown; highs and lows are all among them"
    title = "Growth, drawdown, and wealth against A"
    scales = bool(wealth.min() > 0.0)
    return Chart(title, traces, layout, note=note, wide=True, height=600, scales=scales)


def rolling_correlation(comparison: Comparison) -> Chart:
    """Return the correlation of each run's daily returns with the first's, over half a year."""
    days, returns = int(comparison.days_per_year / 2), comparison.returns
    title = f"Correlation with A, {days} days"
    if len(returns) <= days:
        return Chart(title, left_out=f"needs more than {days} common sessions; there are {len(returns):,}")
    traces = []
    rows = spread_rows(len(returns) - days + 1, _MOST_ROLLED) + days - 1
    x = pd.DatetimeIndex(returns.index[rows])
    for number, run in enumerate(comparison.runs[1:], start=1):
        with np.errstate(divide="ignore", invalid="ignore"):
            rolled = returns[run.letter].rolling(days).corr(returns["A"])
        # Where one of them stood still for the whole window there is none.
        known = rolled.where(np.isfinite(rolled)).clip(-1.0, 1.0)
        traces.append(line(x, known.to_numpy("float64")[rows], run.label, COLORS[number], form=".2f"))
    layout = {"xaxis": {"type": "date"}, "yaxis": {"tickformat": ".2f"}, "hovermode": "x unified", "showlegend": True}
    return Chart(title, traces, {**layout, "hoverlabel": WHOLE_NAMES}, wide=True, height=280)


def intervals(comparison: Comparison, statistic: str) -> Chart:
    """Return each run's difference to the first in one statistic of the bootstrap, with its interval."""
    label, form = next((label, form) for label, name, form in LEVEL_LABELS if name == statistic)
    title = f"{label}, difference to A with its 95% interval"
    rows = {letter: found.of(statistic) for letter, found in comparison.differences.items()}
    known = {letter: row for letter, row in rows.items() if np.isfinite(row["low"])}
    if not known:
        return Chart(title, left_out="no interval is defined" if rows else "there are too few common sessions")
    labels = {run.letter: run.label for run in comparison.runs}
    form = ".2%" if "%" in form else ".2f"
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [row["difference"] for row in known.values()],
        "y": [plain_text(labels[letter]) for letter in known],
        "marker": {"color": [COLORS[LETTERS.index(letter)] for letter in known], "size": 9},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(row["high"] - row["difference"], 0.0) for row in known.values()],
            "arrayminus": [max(row["difference"] - row["low"], 0.0) for row in known.values()],
            "color": OTHERS,
            "thickness": 1.5,
        },
        "customdata": [[row["low"], row["high"]] for row in known.values()],
        "hovertemplate": f"%{{y}}: %{{x:+{form}}} (%{{customdata[0]:+{form}}} to %{{customdata[1]:+{form}}})"
        "<extra></extra>",
    }
    zero = {"type": "line", "x0": 0.0, "x1": 0.0, "y0": 0.0, "y1": 1.0, "yref": "paper"}
    layout = {
        "xaxis": {"tickformat": f"+{form}", "nticks": 8, "rangemode": "tozero"},
        "yaxis": {"type": "category", "range": [len(known) - 0.4, -0.6], "showgrid": False},
        "shapes": [{**zero, "line": {"color": OTHERS, "width": 1.0, "dash": "dash"}}],
        "showlegend": False,
    }
    return Chart(title, [dots], layout, height=90 + 34 * len(known))
