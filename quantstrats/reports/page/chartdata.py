"""Charts as the data of a page."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from quantstrats.reports.charts.chart import Chart


_SINGLE = 10_000.0  # below, single precision is exact to 0.0005


class ChartData:
    """The charts of a page, collected while it is written, and put into it once as data.

    Numbers go as base64 of their bytes, which plotly reads; times go as text, each axis once, however many traces
    share it.
    """

    def __init__(self) -> None:
        self._charts: list[dict[str, Any]] = []
        self._times: dict[tuple[str, ...], int] = {}

    def place(self, chart: Chart) -> int:
        """Take a chart in and return its number."""
        self._charts.append({"traces": self._plain(chart.traces), "layout": self._plain(chart.layout)})
        return len(self._charts) - 1

    def json(self) -> str:
        """Return all that was taken in as JSON that can stand in a script element."""
        return script_json({"times": [list(times) for times in self._times], "charts": self._charts})

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._plain(item) for name, item in value.items()}
        if isinstance(value, pd.DatetimeIndex):
            value = value.to_numpy()
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
        return value.item() if isinstance(value, np.generic) else value

    def _array(self, array: np.ndarray) -> Any:
        if array.dtype.kind == "M":
            times = tuple(_texts(array))
            return {"times": self._times.setdefault(times, len(self._times))}
        if array.dtype.kind == "f":
            return _encoded(array)
        return array.tolist()


def script_json(content: Any) -> str:
    """Return JSON that can stand in a script element: no text in it can end the element, or begin a comment."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _encoded(array: np.ndarray) -> dict[str, str]:
    """Return numbers as base64 of their bytes: in single precision where that changes no cent."""
    kind = "f4" if np.nanmax(np.abs(array), initial=0.0) < _SINGLE else "f8"
    encoded = {"dtype": kind, "bdata": base64.b64encode(np.ascontiguousarray(array, f"<{kind}").tobytes()).decode()}
    return encoded if array.ndim == 1 else {**encoded, "shape": ", ".join(map(str, array.shape))}


def _texts(times: np.ndarray) -> list[str]:
    """Return dates where all are midnights, else times to the minute or second; nothing where there is none."""
    units = ("datetime64[D]", "datetime64[m]", "datetime64[s]")
    kind = next((unit for unit in units[:2] if (np.isnat(times) | (times.astype(unit) == times)).all()), units[2])
    return [text if text != "NaT" else "" for text in times.astype(kind).astype(str).tolist()]
