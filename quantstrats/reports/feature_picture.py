"""A picture of a feature: a symbol's closes, and the feature's values on them or below."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.drawing import load_matplotlib
from quantstrats.reports.drawing import off_screen
from quantstrats.reports.times import label_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

_CLOSE, _VALUE, _INK = "#8a94a3", "#2f6fb5", "#4a5565"
_WIDTH, _HEIGHT, _DPI = 10.0, 5.2, 120  # inches, and pixels of each
_NEAR = 0.5  # a value within this part of the closes' range, beyond either end, is drawn among them


def feature_png(market: Market, symbol: str, label: str, values: NDArray[np.float64], most: int) -> bytes:
    """Draw a feature of a symbol on its last bars.

    A feature that is a level of price (an average, a channel) is drawn over the closes, any other below them.

    Parameters
    ----------
    market : Market
        The bars.
    symbol : str
        One of its symbols.
    label : str
        What the feature is called.
    values : array, shape (rows,)
        Its values on the market's rows; NaN where there is none.
    most : int
        How many of the last bars to draw, up to the symbol's last one.

    Returns
    -------
    bytes
        A PNG.
    """
    load_matplotlib()
    column = market.symbols.get_loc(symbol)
    there = np.flatnonzero(market.present[:, column])[-most:]
    closes, shown = market.array("close")[there, column], values[there]
    over = _is_a_level(closes, shown)
    with off_screen():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI, layout="constrained")
        FigureCanvasAgg(figure)
        shape: dict[str, Any] = {} if over else {"height_ratios": [1.0, 1.0]}
        panels: Any = figure.subplots(1 if over else 2, 1, sharex=True, squeeze=False, gridspec_kw=shape)[:, 0]
        x = np.arange(len(there))
        panels[0].plot(x, closes, color=_CLOSE, label="close")
        panels[0].set_ylabel("close")
        panels[-1].plot(x, shown, color=_VALUE, label=label)
        if over:
            panels[0].legend(loc="upper left")
        else:
            panels[-1].set_ylabel(label if len(label) <= 28 else label.partition("(")[0])
        label_times(panels[-1], market, there)
        span = f"{market.session[there[0]].date()} to {market.session[there[-1]].date()}"
        panels[0].set_title(f"{label} of {symbol}  ({market.origin.get('source', '')}, {span})", loc="left", color=_INK)
        png = io.BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()


def _is_a_level(closes: NDArray[np.float64], values: NDArray[np.float64]) -> bool:
    """Tell whether values lie where the closes do, and move as they do."""
    known = np.isfinite(values)
    if known.sum() < 2:
        return False
    low, high = closes.min(), closes.max()
    room = _NEAR * (high - low)
    return bool((values[known] > low - room).all() and (values[known] < high + room).all() and high > low)
