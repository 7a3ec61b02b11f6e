"""The files that docs/errors.md is about: each is written by its name."""

from __future__ import annotations

_BARS = {
    "2015-01-02": (10.0, 11.0, 9.0, 10.5, 1000),
    "2015-01-05": (10.5, 12.0, 10.0, 11.0, 1100),
    "2015-01-06": (11.0, 11.5, 10.0, 10.2, 1200),
    "2015-01-07": (10.2, 10.8, 10.1, 10.4, 1300),
}
_HEAD = "date,symbol,open,high,low,close,volume\n"
_ROWS = [f"{day},XLF,{','.join(map(str, bar))}\n" for day, bar in _BARS.items()]


def _bars(*changes):
    """Return the bars as CSV, with texts replaced in one row each."""
    rows = list(_ROWS)
    for row, old, new in changes:
        assert old in rows[row]
        rows[row] = rows[row].replace(old, new)
    return _HEAD + "".join(rows)


def _signal(forecast, *, head="", body=""):
    """Return the source of a signal's plugin."""
    return (
        f"{head}from dataclasses import dataclass\n"
        "import numpy as np\n"
        "import pandas as pd\n"
        "from quantstrats import Signal, hookimpl\n\n\n"
        "@dataclass(frozen=True)\n"
        "class Mine(Signal):\n"
        "    name = 'mine'\n"
        f"{body}\n"
        "    def warmup(self):\n"
        "        return 1\n\n"
        "    def forecast(self, market):\n"
        f"        {forecast}\n\n\n"
        "@hookimpl\n"
        "def register_signals(register):\n"
        "    register(Mine)\n"
    )


FILES = {
    # bars
    "good.csv": _bars(),
    "no_close.csv": _bars().replace("close", "settle"),
    "twice.csv": _bars() + _ROWS[2],
    "unsorted.csv": _HEAD + _ROWS[0] + _ROWS[2] + _ROWS[1] + _ROWS[3],
    "mixed_zones.csv": (
        "time,symbol,close\n"
        "2015-01-02T09:30:00-05:00,XLF,10\n"
        "2015-01-02T09:31:00,XLF,10\n"
        "2015-01-02T09:32:00-05:00,XLF,10\n"
    ),
    "high_below_low.csv": _bars((1, "12.0,10.0", "9.0,10.0")),
    "negative.csv": _bars((2, "10.2,1200", "-10.2,1200")),
    "infinite.csv": _bars((2, "10.2,1200", "inf,1200")),
    "text.csv": _bars((1, "11.0,1100", "eleven,1100")),
    "holiday.csv": _bars((0, "2015-01-02", "2015-01-01")),
    "no_rows.csv": _HEAD,
    "empty.csv": "",
    "picture.csv": b"\x89PNG\r\n\x1a\n\xff\xfe",
    # configurations
    "broken.yaml": "signal: sma_cross\ncosts: {slippage_bps: 5\nengine:\n",
    "twice.yaml": "signal: sma_cross\ncosts:\n  slippage_bps: 5\n  slippage_bps: 10\n",
    "list.yaml": "- signal\n- costs\n",
    "empty.yaml": "# nothing yet\n",
    "latin.yaml": "signal: caf\xe9\n".encode("latin-1"),
    "block.yaml": "signal: sma_cross\ncost: {slippage_bps: 5}\n",
    "key.yaml": "signal: sma_cross\ncosts: {slippage: 5}\n",
    "value.yaml": "signal: sma_cross\ncosts: {slippage_bps: lots}\n",
    "plugin.yaml": "signal: {name: sma_cross, fst: 10}\n",
    "good.yaml": "signal: {name: sma_cross, fast: 10}\n",
    "nothing.yaml": "engine: {cash: 1000}\n",
    # signals
    "syntax.py": "def forecast(market)\n    return market.close\n",
    "import.py": _signal("return market.close", head="import a_package_that_is_not_there\n"),
    "no_hook.py": _signal("return market.close").replace("@hookimpl\n", ""),
    "misspelt.py": _signal("return market.close").replace("register_signals", "register_signal"),
    "not_frozen.py": _signal("return market.close").replace("(frozen=True)", ""),
    "raises.py": _signal("raise RuntimeError('no idea')"),
    "rows.py": _signal("return market.close.iloc[1:]"),
    "infinite.py": _signal("return market.close / 0.0"),
    "symbols.py": _signal("return market.close.assign(XYZ=1.0)"),
    "type.py": _signal("return market.close.to_numpy()"),
    "texts.py": _signal("return market.close.astype(str)"),
    "needs.py": _signal("return market.close", body="    needs = ('put_call',)\n"),
    "future.py": _signal("return market.close.shift(-1) - market.close"),
    # what stands in the way of a folder
    "in_the_way": "",
}


def write(folder):
    """Write all of them."""
    for name, content in FILES.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "a_folder").mkdir()
