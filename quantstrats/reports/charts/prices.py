"""The price chart of one symbol: bars, entries, exits, stops, round trips, overlays, and the weight held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quantstrats.reports.charts.chart import (
    BENCHMARK,
    COLORS,
    GAIN,
    LOSS,
    PERCENT,
    STRATEGY,
    Chart,
    area,
    line,
    linked_axes,
    panels,
)
from quantstrats.reports.charts.thinning import farthest, joined_bars
from quantstrats.reports.charts.weights import weight_of
from quantstrats.reports.times import times_of

if TYPE_CHECKING:
    from quantstrats.runs.run import Run

# Of all price charts of a page together, so that it stays small: numbers and fills. Then the bounds of each chart.
_MOST_CHARTS, _MOST_VALUES, _MOST_MARKS = 40, 120_000, 4_000
_BARS, _FILLS = (150, 2_500), (50, 1_000)
_FEWEST_BARS = 2
_MOST_OPEN_HOURS = 20.0  # of a day that has a night
# What a fill did to the position, with its mark.
_MARKS = (
    ("Entry, long", "triangle-up", GAIN),
    ("Entry, short", "triangle-down", LOSS),
    ("Exit", "x-thin-open", COLORS[2]),
    ("Stop", "square-open", "#e0352b"),
    ("Settled", "diamond-open", BENCHMARK),
)
_STOPS = ("risk", "account")


def charted_symbols(run: Run) -> list[str]:
    """Return the symbols whose bars the run keeps, the most traded first."""
    return [] if run.bars is None else run.bars["close"].columns.tolist()


def price_charts(run: Run) -> list[Chart]:
    """Return the price charts of the most traded symbols, with as many bars and fills as a page has room for."""
    symbols = charted_symbols(run)[:_MOST_CHARTS]
    if run.bars is None or not symbols or len(run.bars) < _FEWEST_BARS:
        return []
    lines = run.bars.columns.unique("field").size + len(run.details.overlays) + 1
    bars = int(np.clip(_MOST_VALUES // (lines * len(symbols)), *_BARS))
    fills = int(np.clip(_MOST_MARKS // len(symbols), *_FILLS))
    return [price_chart(run, symbol, bars, fills) for symbol in symbols]


def price_chart(run: Run, symbol: str, most_bars: int, most_fills: int) -> Chart:
    """Return the price chart of a symbol whose bars the run keeps.

    Parameters
    ----------
    run : Run
        The run.
    symbol : str
        One of ``charted_symbols``.
    most_bars : int
        Above so many, bars are joined to longer ones.
    most_fills : int
        So many of the last fills are marked, and half as many of the last round trips.
    """
    assert run.bars is not None  # noqa: S101 - a symbol of charted_symbols
    whole = pd.DataFrame(run.bars.xs(symbol, axis=1, level="symbol"))
    bars, joined = joined_bars(whole, most_bars)
    x = times_of(run, bars.index)
    last = np.minimum(np.arange(len(bars)) * joined + joined, len(whole)) - 1
    traces = [_prices(x, bars)]
    shown = [(name, frame[symbol]) for name, frame in run.details.overlays.items() if symbol in frame.columns]
    for number, (name, overlay) in enumerate(shown):
        values = overlay.reindex(whole.index).to_numpy("float64")[last]
        color = COLORS[1 + number % (len(COLORS) - 1)]
        traces.append(line(x, values, name, color, style={"hoverinfo": "skip"}))
    fills = _fills(run, symbol)
    traces += _round_trips(run, symbol, fills, most_fills // 2)
    traces += _marks(run, fills.tail(most_fills))
    if symbol in run.positions:
        held = farthest(weight_of(run, symbol), joined)
        traces.append(area(x, held, "Weight", STRATEGY, panel=2, form=".1%", legend=False, steps=True))
    layout = linked_axes(["Price", "Weight"], [",.10~g", PERCENT], panels(0.8, 0.2))
    layout["hovermode"] = "closest"
    layout["xaxis"]["rangeslider"] = {"visible": False}
    layout["xaxis"]["rangebreaks"] = _closed_hours(times_of(run, whole.index))
    return Chart(symbol, traces, layout, note=_note(joined, len(fills), most_fills), wide=True, height=500, scales=True)


def _closed_hours(times: pd.DatetimeIndex) -> list[dict[str, Any]]:
    """Return nights and weekends without intraday bars, which would take most of a time axis, as plotly's breaks."""
    of_day = times - times.normalize()
    if len(times) < 2 or not of_day.any():
        return []
    hour = pd.Timedelta(hours=1)
    opens, closes = of_day.min() / hour, (of_day.max() + np.diff(times).min()) / hour
    night = {"bounds": [closes, opens], "pattern": "hour"}
    weekend = {"bounds": ["sat", "mon"]}
    is_night, is_weekend = closes - opens < _MOST_OPEN_HOURS, times.day_of_week.max() < 5
    return [*([night] if is_night else []), *([weekend] if is_weekend else [])]


def _prices(x: Any, bars: pd.DataFrame) -> dict[str, Any]:
    if "open" not in bars:
        return line(x, bars["close"].to_numpy("float64"), "Close", BENCHMARK, form=",.7~g")
    thin = {"width": 1.0}
    return {
        "type": "candlestick",
        "x": x,
        **{name: bars[name].to_numpy("float64") for name in ("open", "high", "low", "close")},
        "name": "Price",
        "increasing": {"line": {"color": "#7f9c92", **thin}, "fillcolor": "#a9c4ba"},
        "decreasing": {"line": {"color": "#a98d90", **thin}, "fillcolor": "#8f7477"},
        "yaxis": "y",
    }


def _fills(run: Run, symbol: str) -> pd.DataFrame:
    """Return the symbol's fills, each with what it did to the position as ``mark``."""
    fills = run.transactions[run.transactions["symbol"] == symbol]
    after = fills["amount"].cumsum()
    # What is left of a position by floating-point arithmetic is none.
    after = after.where(after.abs() > 1e-9 * fills["amount"].abs().cummax(), 0.0)
    opens = after * fills["amount"] > 0.0
    mark = np.where(opens, np.where(fills["amount"] > 0.0, "Entry, long", "Entry, short"), "Exit")
    reason = run.orders["reason"].reindex(fills["order"]).to_numpy() if "reason" in run.orders else mark
    mark = np.where(np.isin(reason, _STOPS), "Stop", np.where(reason == "ended", "Settled", mark))
    return fills.assign(mark=mark)


def _marks(run: Run, fills: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    for name, mark, color in _MARKS:
        some = fills[fills["mark"] == name]
        if len(some):
            style = {"symbol": mark, "color": color, "size": 9, "line": {"width": 1.6, "color": color}}
            found.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": times_of(run, some.index),
                    "y": some["price"].to_numpy("float64"),
                    "name": name,
                    "marker": style,
                    "text": [f"{amount:+,.10g}" for amount in some["amount"]],
                    "hovertemplate": f"{name}: %{{text}} at %{{y:,.7~g}}<br>%{{x}}<extra></extra>",
                    "yaxis": "y",
                }
            )
    return found


def _round_trips(run: Run, symbol: str, fills: pd.DataFrame, most: int) -> list[dict[str, Any]]:
    """Return lines from the first to the last fill of each round trip: gains and losses."""
    trips = run.trades[run.trades["symbol"] == symbol].tail(most)
    first = fills["price"].groupby(fills.index).first()
    final = fills["price"].groupby(fills.index).last()
    found = []
    for name, color, chosen in (("Gain", GAIN, trips["pnl_net"] >= 0.0), ("Loss", LOSS, trips["pnl_net"] < 0.0)):
        some = trips[chosen]
        if len(some):
            opened, closed = pd.DatetimeIndex(some["opened"]), pd.DatetimeIndex(some["closed"])
            y = np.column_stack([first.reindex(opened), final.reindex(closed), np.full(len(some), np.nan)])
            labels = np.column_stack([times_of(run, opened), times_of(run, closed), times_of(run, closed)])
            dotted = {"line": {"width": 1.6, "dash": "dot"}, "hoverinfo": "skip", "connectgaps": False}
            found.append(line(labels.ravel(), y.ravel().astype("float64"), name, color, style=dotted))
    return found


def _note(joined: int, fills: int, most_fills: int) -> str:
    notes = [f"each bar here is {joined:,} of the run's"] if joined > 1 else []
    if fills > most_fills:
        notes.append(f"the last {most_fills:,} of {fills:,} fills are marked")
    return "; ".join(notes)
