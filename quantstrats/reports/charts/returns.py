"""Charts of the returns by sessions: months, years, rolling figures, distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.reports.charts.chart import BENCHMARK, LOSS, PERCENT, STRATEGY, Chart, line, linked_axes, panels
from quantstrats.reports.charts.thinning import spread_rows
from quantstrats.reports.rolling import rolling_beta, rolling_sharpe, rolling_volatility

if TYPE_CHECKING:
    from quantstrats.reports.daily import Daily

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_POINTS = 2_000
_MOST_BARS, _FEWEST_BARS = 60, 8
_FEWEST_RETURNS = 5
# Of a scale through which the ground shows in the middle, so that it suits a light page and a dark one.
_SIGNED = [[0.0, "rgba(209,73,91,0.85)"], [0.5, "rgba(152,162,176,0.06)"], [1.0, "rgba(42,157,106,0.85)"]]


def monthly_returns(daily: Daily) -> Chart:
    """Return a table of colours: years x months, and the whole year."""
    title = "Monthly returns"
    months, years = _by(daily.returns, "M"), _by(daily.returns, "Y")
    if len(months) < 2:
        return Chart(title, left_out="needs two months")
    labels = _names(years)
    begun = pd.DatetimeIndex(months.index)
    table = np.full((len(years), 13), np.nan)
    table[begun.year - begun.year[0], begun.month - 1] = months.to_numpy()
    table[:, 12] = years.to_numpy()
    widest = float(np.nanquantile(np.abs(table[:, :12]), 0.98)) or 1.0
    cells = {
        "type": "heatmap",
        "x": [*_MONTHS, "Year"],
        "y": labels,
        "z": table,
        "text": [["" if np.isnan(value) else f"{value:z.1%}" for value in row] for row in table],
        "texttemplate": "%{text}",
        "textfont": {"size": 11},
        "colorscale": _SIGNED,
        "zmin": -widest,
        "zmax": widest,
        "xgap": 1,
        "ygap": 1,
        "showscale": False,
        "hovertemplate": "%{x} %{y}: %{z:.2%}<extra></extra>",
    }
    layout = {
        "xaxis": {"side": "top", "fixedrange": True, "showgrid": False, "type": "category"},
        "yaxis": {"autorange": "reversed", "fixedrange": True, "showgrid": False, "type": "category"},
    }
    return Chart(title, [cells], layout, wide=True, height=70 + 24 * len(years), least_width=680)


def annual_returns(daily: Daily) -> Chart:
    """Return bars of each year's return beside the benchmark's."""
    title = "Annual returns"
    years = _by(daily.returns, "Y")
    if len(years) < 2:
        return Chart(title, left_out="needs two years")
    labels = _names(years)
    traces = [_bars(labels, years.to_numpy(), "Strategy", STRATEGY)]
    if daily.benchmark is not None:
        traces.append(_bars(labels, _by(daily.benchmark, "Y").to_numpy(), "Benchmark", BENCHMARK))
    layout = {"xaxis": {"type": "category"}, "yaxis": {"tickformat": PERCENT}, "hovermode": "x unified"}
    return Chart(title, traces, layout)


def rolling(daily: Daily) -> Chart:
    """Return rolling Sharpe ratio, volatility and beta over half a year of sessions, with linked axes."""
    window, year = daily.half_year, daily.days_per_year
    title = f"Rolling Sharpe ratio, volatility and beta, {window} sessions"
    returns, benchmark = daily.returns, daily.compared
    if len(returns) <= window:
        return Chart(title, left_out=f"needs more than {window} sessions; the run has {len(returns):,}")
    rows = spread_rows(len(returns) - window + 1, _MOST_POINTS) + window - 1
    x = returns.index[rows]
    traces = []
    for series, name, color in ((returns, "Strategy", STRATEGY), (benchmark, "Benchmark", BENCHMARK)):
        if series is not None:
            sharpe = rolling_sharpe(series, window, year, daily.risk_free_per_day).to_numpy()[rows]
            volatility = rolling_volatility(series, window, year).to_numpy()[rows]
            traces.append(line(x, sharpe, name, color, form=".2f"))
            traces.append(line(x, volatility, f"{name}'s volatility", color, panel=2, form=".1%", legend=False))
    if benchmark is None:
        layout = linked_axes(["Sharpe ratio", "Volatility"], ["", PERCENT], panels(0.5, 0.5))
        return Chart(title.replace(", volatility and beta", " and volatility"), traces, layout, wide=True, height=400)
    beta = rolling_beta(returns, benchmark, window).to_numpy()[rows]
    traces.append(line(x, beta, "Beta", STRATEGY, panel=3, form=".2f", legend=False))
    layout = linked_axes(["Sharpe ratio", "Volatility", "Beta"], ["", PERCENT, ""], panels(0.34, 0.33, 0.33))
    return Chart(title, traces, layout, wide=True, height=520)


def distribution(daily: Daily) -> Chart:
    """Return how often the returns of a session fell where, beside the benchmark's."""
    title = "Distribution of daily returns"
    returns = daily.returns.to_numpy()
    if len(returns) < _FEWEST_RETURNS or returns.min() == returns.max():
        return Chart(title, left_out=f"needs {_FEWEST_RETURNS} returns that differ")
    known = [returns] if daily.benchmark is None else [returns, daily.benchmark.dropna().to_numpy()]
    # All but the outermost half per cent on either side; those count in the first and the last bar.
    low, high = np.quantile(np.concatenate(known), [0.005, 0.995])
    if low == high:
        low, high = returns.min(), returns.max()
    count = int(np.clip(np.sqrt(len(returns)), _FEWEST_BARS, _MOST_BARS))
    edges = np.linspace(low, high, count + 1)
    middle = (edges[1:] + edges[:-1]) / 2.0
    parts = [np.histogram(np.clip(each, low, high), edges)[0] / len(each) for each in known if len(each)]
    bars = _bars(middle, parts[0], "Strategy", STRATEGY)
    traces = [{**bars, "hovertemplate": "about %{x:.2%}: %{y:.1%} of days<extra></extra>"}]
    if len(parts) > 1:
        steps = {"line": {"shape": "hvh"}, "hoverinfo": "skip"}
        traces.append(line(middle, parts[1], "Benchmark", BENCHMARK, style=steps))
    at_risk = float(np.quantile(returns, 0.05))
    mark = {"type": "line", "x0": at_risk, "x1": at_risk, "y0": 0.0, "y1": 1.0, "yref": "paper"}
    layout = {
        "xaxis": {"tickformat": PERCENT, "title": {"text": "Return of a day"}},
        "yaxis": {"tickformat": PERCENT, "title": {"text": "Part of the days"}},
        "bargap": 0.05,
        "shapes": [{**mark, "line": {"color": LOSS, "width": 1.2, "dash": "dash"}}],
    }
    note = f"the dashed line is the 5% quantile, {at_risk:z.2%}; the outermost bars hold all that lies beyond"
    return Chart(title, traces, layout, note=note)


def _bars(x: Any, y: Any, name: str, color: str) -> dict[str, Any]:
    return {"type": "bar", "x": x, "y": y, "name": name, "marker": {"color": color}, "yhoverformat": ".2%"}


def _by(returns: pd.Series, period: str) -> pd.Series:
    """Return what the returns of each period compound to, by the period's first day; NaN where none is known."""
    index = pd.DatetimeIndex(returns.index).to_period(period)
    grown = (1.0 + returns).groupby(index).prod(min_count=1) - 1.0
    whole = grown.reindex(pd.period_range(index[0], index[-1], freq=period))
    return whole.set_axis(pd.PeriodIndex(whole.index).to_timestamp(), axis=0)


def _names(years: pd.Series) -> list[str]:
    return [str(year) for year in pd.DatetimeIndex(years.index).year]
