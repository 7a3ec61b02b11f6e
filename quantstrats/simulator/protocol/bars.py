"""Bars as JSON: numbers, not texts, with the shortest text that reads back as the same float."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quantstrats.simulator.times import rfc3339

if TYPE_CHECKING:
    from quantstrats.simulator.history import Bars


def bars_json(bars: Bars) -> list[dict[str, Any]]:
    """Return bars as the broker sends them: t, o, h, l, c, v, n, vw."""
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.prints, bars.vwap)
    rows = zip(bars.labels.tolist(), *(column.tolist() for column in columns), strict=True)
    return [
        {"t": rfc3339(t), "o": o, "h": h, "l": low, "c": c, "v": whole(v), "n": n, "vw": vw}
        for t, o, h, low, c, v, n, vw in rows
    ]


def whole(value: float) -> float:
    """Return a volume as a whole number where it is one, as the broker writes them."""
    return int(value) if value.is_integer() else value
