"""Candles: a picture of a symbol's bars, with their volumes below."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.drawing import load_matplotlib
from quantstrats.reports.drawing import off_screen
from quantstrats.reports.times import label_times

if TYPE_CHECKING:
    from quantstrats.market.market import Market

_RISE, _FALL, _INK = "#2a8c6c", "#c2545b", "#4a5565"
_WIDTH, _HEIGHT, _DPI = 10.0, 5.2, 120  # inches, and pixels of each
_BODY = 0.7  # of the room that a bar has


def candlestick_png(market: Market, symbol: str, most: int) -> bytes:
    """Draw the last bars of a symbol: from low to high a line, from open to close a body, volumes below.

    Bars stand side by side, whatever lies between them; a missing one leaves its place free. Of close-only bars a line
    joins the closes.

    Parameters
    ----------
    market : Market
        The bars.
    symbol : str
        One of its symbols.
    most : int
        How many of the last bars to draw, up to the symbol's last one.

    Returns
    -------
    bytes
        A PNG.
    """
    load_matplotlib()
    column = market.symbols.get_loc(symbol)
    last = int(np.flatnonzero(market.present[:, column])[-1]) + 1
    rows = market.rows(max(last - most, 0), last)
    values = {field: rows.array(field)[:, column] for field in ("open", "high", "low", "close", "volume")}
    with off_screen():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI, layout="constrained")
        FigureCanvasAgg(figure)
        with_volume = bool(np.nansum(values["volume"]) > 0.0)
        shape = {"height_ratios": [3.2, 1.0]} if with_volume else {}
        panels: Any = figure.subplots(2 if with_volume else 1, 1, sharex=True, squeeze=False, gridspec_kw=shape)[:, 0]
        _draw_prices(panels[0], values, rows.has_ranges)
        if with_volume:
            _draw_volumes(panels[1], values)
        label_times(panels[-1], rows)
        panels[0].set_title(f"{symbol}  ({market.origin.get('source', '')}, {_span(rows)})", loc="left", color=_INK)
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()


def _draw_prices(axes: Any, values: dict[str, Any], ranges: bool) -> None:
    x = np.arange(len(values["close"]))
    if not ranges:
        axes.plot(x, values["close"], color=_INK)
    else:
        rises = values["close"] >= values["open"]
        for chosen, color in ((rises, _RISE), (~rises, _FALL)):
            axes.vlines(x[chosen], values["low"][chosen], values["high"][chosen], color=color, linewidth=0.9)
            low, high = np.minimum(values["open"], values["close"]), np.maximum(values["open"], values["close"])
            # A body without height would not be seen.
            least = 0.001 * np.nanmax(values["high"] - values["low"])
            axes.bar(x[chosen], np.maximum(high - low, least)[chosen], _BODY, low[chosen], color=color, linewidth=0)
    axes.set_ylabel("price")


def _draw_volumes(axes: Any, values: dict[str, Any]) -> None:
    rises = values["close"] >= values["open"]
    colors = np.where(rises, _RISE, _FALL)
    axes.bar(np.arange(len(rises)), np.nan_to_num(values["volume"]), _BODY, color=colors, alpha=0.55, linewidth=0)
    axes.yaxis.set_major_formatter(lambda volume, _: _in_short(volume))
    axes.set_ylabel("volume")


def _in_short(number: float) -> str:
    """Return 2_500_000 as 2.5M."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(number) >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def _span(rows: Market) -> str:
    return f"{rows.session[0].date()} to {rows.session[-1].date()}"
