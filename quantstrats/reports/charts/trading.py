"""Charts of the trading: turnover, costs, round trips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.reports.charts.chart import (
    COLORS,
    GAIN,
    LOSS,
    MONEY,
    PERCENT,
    STRATEGY,
    Chart,
    area,
    line,
    linked_axes,
    panels,
    plain_text,
)
from quantstrats.reports.charts.thinning import spread_rows
from quantstrats.reports.times import times_of

if TYPE_CHECKING:
    from quantstrats.reports.daily import Daily
    from quantstrats.runs.run import Run

_MOST_POINTS, _MOST_TRIPS, _MOST_SYMBOLS = 1_500, 2_000, 20
_FEW_BARS = 10
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
        "xperiod": "M1" if by == "M" else 86_400_000.0,
        "xperiodalignment": "middle",
        "y": turnover.to_numpy(),
        "name": f"Turnover by {'months' if by == 'M' else 'days'}",
        "marker": {"color": STRATEGY},
        "yhoverformat": ".1%",
        "yaxis": "y",
    }
    traces = [bars]
    commission, slippage = (_so_far(fills, name) for name in ("commission", "slippage"))
    rows = spread_rows(len(fills), _MOST_POINTS)
    x = _from_first_to_last(days, filled[rows])
    steps = {"line": {"shape": "hv"}}
    for name, spent, color in (("Commission", commission, LOSS), ("Slippage", slippage, COLORS[1])):
        if spent is not None:
            so_far = np.concatenate([[0.0], spent[rows], spent[-1:]])
            traces.append(line(x, so_far, name, color, panel=2, form=",.2f", style=steps))
    layout = linked_axes(["Part of equity", "Cost so far"], [PERCENT, MONEY], panels(0.5, 0.5))
    return Chart(title, traces, layout, wide=True, height=360)


def round_trips_over_time(run: Run, daily: Daily) -> Chart:
    """Return each round trip's return on the equity by the time of its end, and the sum of profits, linked."""
    title, trades = "Round trips", run.trades
    if trades.empty:
        return Chart(title, left_out="no round trip has ended")
    net = daily.round_trips["returns"].to_numpy("float64")
    if np.isnan(net).all():
        return Chart(title, left_out="none ended before the account was gone")
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
                f"{plain_text(symbol)}, {side}, {bars:,} bars"
                for symbol, side, bars in zip(*(facts[n][chosen] for n in ("symbol", "side", "bars")), strict=True)
            ],
            "hovertemplate": "%{text}: %{y:.2%}<extra></extra>",
            "yaxis": "y",
        }
        for name, color, chosen in (("Gain", GAIN, net[shown] >= 0.0), ("Loss", LOSS, net[shown] < 0.0))
        if chosen.any()
    ]
    # Of those that ended together there is one sum.
    ends = np.flatnonzero(np.append(closed[1:] != closed[:-1], True))
    rows = ends[spread_rows(len(ends), _MOST_POINTS)]
    x = _from_first_to_last(times_of(run, run.equity.index), closed[rows])
    so_far = np.concatenate([[0.0], total[rows], total[-1:]])
    traces.append(area(x, so_far, "Profit so far", STRATEGY, panel=2, form=",.2f", legend=False, steps=True))
    layout = linked_axes(["Return on equity", "Profit so far"], [PERCENT, MONEY], panels(0.6, 0.4))
    layout["hovermode"] = "closest"  # a round trip, not all of a day
    note = _largest(len(shown), len(net), "; the profit is of all")
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
        "y": [plain_text(symbol) for symbol in shown.index],
        "marker": {"color": [GAIN if value >= 0.0 else LOSS for value in shown]},
        "hovertemplate": "%{y}: %{x:,.2f}<extra></extra>",
    }
    layout = {
        "xaxis": {"tickformat": MONEY, "separatethousands": True, "nticks": 6},
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
        "text": [plain_text(symbol) for symbol in shown["symbol"]],
        "hovertemplate": "%{text}: %{y:.2%} in %{x:,} bars<extra></extra>",
    }
    few = shown["bars"].max() - shown["bars"].min() < _FEW_BARS
    layout = {
        "xaxis": {"title": {"text": "Bars"}, **({"dtick": 1} if few else {})},  # no half bars
        "yaxis": {"title": {"text": "Return on equity"}, "tickformat": PERCENT},
        "showlegend": False,
    }
    return Chart(title, [dots], layout, note=_largest(len(shown), len(trades)))


def _largest(shown: int, trips: int, more: str = "") -> str:
    return f"the {shown:,} of {trips:,} with the largest gain or loss{more}" if shown < trips else ""


def _from_first_to_last(days: pd.DatetimeIndex, times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return times, the run's first bar before them and its last one after them, so that one point makes a line."""
    return pd.DatetimeIndex(np.concatenate([days[:1], times, days[-1:]]))


def _so_far(fills: pd.DataFrame, name: str) -> Any:
    """Return the running sum of a cost; None for a run from before it was kept."""
    return fills[name].cumsum().to_numpy() if name in fills else None
