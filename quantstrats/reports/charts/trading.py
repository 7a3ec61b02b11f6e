"""Charts of the trading: turnover, costs, round trips."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.reports.charts.chart import (
    COLORS,
    GAIN,
    LOSS,
    STRATEGY,
    Chart,
    area,
    line,
    linked_axes,
    panels,
)
from quantstrats.reports.charts.thinning import spread_rows
from quantstrats.reports.charts.times import times_of

if TYPE_CHECKING:
    from quantstrats.reports.daily import Daily
    from quantstrats.runs.run import Run

_MOST_POINTS, _MOST_TRIPS, _MOST_SYMBOLS = 1_500, 2_000, 20
_MONTHLY_DAYS = 250  # a run that is longer, in days, has its turnover by months


def turnover_and_costs(run: Run) -> Chart:
    """Return what was traded of the equity by months or days, and what it has cost so far, with linked axes."""
    title, fills = "Turnover and costs", run.transactions
    if fills.empty:
        return Chart(title, left_out="nothing was traded")
    # What an account that is gone owes is no equity to measure by.
    equity = run.equity.where(run.equity > 0.0)
    days = times_of(run, equity.index)
    by = "M" if (days[-1] - days[0]).days > _MONTHLY_DAYS else "D"
    average = equity.groupby(days.to_period(by)).mean()
    filled = times_of(run, fills.index)
    value = (fills["amount"].abs() * fills["price"]).groupby(filled.to_period(by)).sum()
    turnover = value.reindex(average.index, fill_value=0.0) / average
    bars = {
        "type": "bar",
        "x": pd.PeriodIndex(average.index).to_timestamp(),
        "y": turnover.to_numpy(),
        "name": f"Turnover by {'months' if by == 'M' else 'days'}",
        "marker": {"color": STRATEGY},
        "yhoverformat": ".1%",
        "yaxis": "y",
    }
    traces = [bars]
    commission, slippage = (_so_far(fills, name) for name in ("commission", "slippage"))
    rows = spread_rows(len(fills), _MOST_POINTS)
    steps = {"line": {"shape": "hv"}}
    for name, spent, color in (("Commission", commission, LOSS), ("Slippage", slippage, COLORS[1])):
        if spent is not None:
            traces.append(line(filled[rows], spent[rows], name, color, panel=2, form=",.2f", style=steps))
    layout = linked_axes(["Part of equity", "Cost so far"], [".0%", ",.4~s"], panels(0.5, 0.5))
    return Chart(title, traces, layout, wide=True, height=360)


def round_trips_over_time(run: Run, daily: Daily) -> Chart:
    """Return each round trip's return on the equity by the time of its end, and the sum of profits, linked."""
    title, trades = "Round trips", run.trades
    if trades.empty:
        return Chart(title, left_out="no round trip has ended")
    net = daily.round_trips["returns"].to_numpy("float64")
    total = trades["pnl_net"].to_numpy("float64").cumsum()
    closed = times_of(run, pd.DatetimeIndex(trades["closed"]))
    shown = np.sort(np.argsort(-np.abs(net), kind="stable")[:_MOST_TRIPS])
    facts = trades.iloc[shown]
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": closed[shown[chosen]],
            "y": net[shown[chosen]],
            "name": name,
            "marker": {"color": color, "size": 6, "opacity": 0.75},
            "text": [
                f"{escape(symbol)}, {side}, {bars:,} bars"
                for symbol, side, bars in zip(*(facts[n][chosen] for n in ("symbol", "side", "bars")), strict=True)
            ],
            "hovertemplate": "%{text}: %{y:.2%}<extra></extra>",
            "yaxis": "y",
        }
        for name, color, chosen in (("Gain", GAIN, net[shown] >= 0.0), ("Loss", LOSS, net[shown] < 0.0))
        if chosen.any()
    ]
    rows = spread_rows(len(net), _MOST_POINTS)
    traces.append(area(closed[rows], total[rows], "Profit so far", STRATEGY, panel=2, form=",.2f", legend=False))
    layout = linked_axes(["Return on equity", "Profit so far"], [".1~%", ",.4~s"], panels(0.6, 0.4))
    layout["hovermode"] = "closest"  # a round trip, not all of a day
    left = len(net) - len(shown)
    note = f"the {_MOST_TRIPS:,} of {len(net):,} with the largest gain or loss; the profit is of all" if left else ""
    return Chart(title, traces, layout, wide=True, height=420, note=note)


def profit_by_symbol(run: Run) -> Chart:
    """Return the net profit of the round trips of each symbol, of the best and the worst where there are many."""
    title = "Net profit by symbol"
    if run.trades["symbol"].nunique() < 2:
        return Chart(title, left_out="needs round trips in two symbols")
    total = run.trades.groupby("symbol")["pnl_net"].sum().sort_values()
    half = _MOST_SYMBOLS // 2
    shown = total if len(total) <= _MOST_SYMBOLS else pd.concat([total.iloc[:half], total.iloc[-half:]])
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": shown.to_numpy(),
        "y": [escape(symbol) for symbol in shown.index],
        "marker": {"color": [GAIN if value >= 0.0 else LOSS for value in shown]},
        "hovertemplate": "%{y}: %{x:,.2f}<extra></extra>",
    }
    layout = {
        "xaxis": {"tickformat": ",.4~s", "nticks": 6},
        "yaxis": {"type": "category", "automargin": True, "showgrid": False},
        "showlegend": False,
    }
    note = f"the {half} best and the {half} worst of {len(total):,}" if len(total) > len(shown) else ""
    return Chart(title, [bars], layout, height=max(160, 70 + 18 * len(shown)), note=note)


def holding_times(run: Run, daily: Daily) -> Chart:
    """Return each round trip's return on the equity against the bars that it lasted."""
    title, trades = "Holding time", run.trades.assign(returned=daily.round_trips["returns"].to_numpy())
    if len(trades) < 2:
        return Chart(title, left_out="needs two round trips")
    shown = trades.loc[trades["returned"].abs().sort_values(ascending=False, kind="stable").index[:_MOST_TRIPS]]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": shown["bars"].to_numpy("float64"),
        "y": shown["returned"].to_numpy("float64"),
        "marker": {
            "color": [GAIN if value >= 0.0 else LOSS for value in shown["returned"]],
            "size": 6,
            "opacity": 0.75,
        },
        "text": [escape(symbol) for symbol in shown["symbol"]],
        "hovertemplate": "%{text}: %{y:.2%} in %{x:,} bars<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "Bars"}},
        "yaxis": {"title": {"text": "Return on equity"}, "tickformat": ".1~%"},
        "showlegend": False,
    }
    return Chart(title, [dots], layout)


def _so_far(fills: pd.DataFrame, name: str) -> Any:
    """Return the running sum of a cost; None for a run from before it was kept."""
    return fills[name].cumsum().to_numpy() if name in fills else None
