"""What a signal wants to show, as figures: its overlays with the fills of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quantstrats.reports.drawing import Drawing

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.runs.run import Run

_MOST_SYMBOLS = 4
_COLORS = ("#2563a8", "#d97a1d", "#6b4fa0", "#2f8f8b", "#9a6b45", "#8a94a3")


def overlay_figures(run: Run) -> list[Drawing]:
    """Return a chart of the signal's overlays and the run's fills for the first symbols, traded ones first."""
    offered = [
        symbol
        for symbol in run.config["data"]["symbols"]
        if any(symbol in frame.columns and frame[symbol].notna().any() for frame in run.details.overlays.values())
    ]
    traded = set(run.transactions["symbol"])
    chosen = sorted(offered, key=lambda symbol: symbol not in traded)[:_MOST_SYMBOLS]
    return [_drawing(run, symbol, alone=len(chosen) == 1) for symbol in chosen]


def _drawing(run: Run, symbol: str, *, alone: bool) -> Drawing:
    def draw(ax: Any) -> None:
        lines = {name: frame[symbol] for name, frame in run.details.overlays.items() if symbol in frame.columns}
        for number, (name, line) in enumerate(lines.items()):
            ax.plot(line.index, line.to_numpy(), label=name, color=_COLORS[number % len(_COLORS)], linewidth=1.1)
        fills = run.transactions[run.transactions["symbol"] == symbol]
        _mark(ax, fills[fills["amount"] > 0.0], "Bought", "^", "#1a7f4b")
        _mark(ax, fills[fills["amount"] < 0.0], "Sold", "v", "#c0392b")
        ax.set_ylabel("Price")
        ax.legend(loc="best", frameon=True, framealpha=0.7)

    return Drawing(f"{symbol}: overlays and fills", draw, wide=alone, height=4.0 if alone else 3.2)


def _mark(ax: Any, fills: pd.DataFrame, label: str, marker: str, color: str) -> None:
    if len(fills):
        style = {"marker": marker, "color": color, "s": 22, "linewidths": 0.4, "edgecolors": "white", "zorder": 3}
        ax.scatter(fills.index, fills["price"].to_numpy(), label=label, **style)
