"""What the rules on bars find and miss, and how long they take: ``python backtests/benchmarks/quality_rules.py``.

Defects of every kind are put at random places of synthetic bars, by tests/market/quality/planted_defects.py. Where
QUANTSTRATS_TEST_DATA names a folder with known_defects.csv and the daily files whose defects it lists, what the rules
find there is compared with that list.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from quantstrats import load_market
from quantstrats.market.calendar import Calendar
from quantstrats.market.quality.block import Block
from quantstrats.market.quality.check import examine
from quantstrats.market.quality.repair import Repair, apply_repair

DEFECTS = Path(__file__).parents[2] / "tests" / "market" / "quality" / "planted_defects.py"
# What is found beyond the list, from looking at it.
BEYOND_THE_LIST = {
    "decimal_shift_close": "opens, highs and lows; the list names closes alone. Real",
    "missing_day": "other sessions, nearly all of thinly traded stocks; the list names 2011-02-17 alone. Real",
}
MINUTE = pd.Timedelta("1min")


def loaded(file: Path) -> ModuleType:
    """Return a file as a module."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # where its dataclasses are looked for
    spec.loader.exec_module(module)
    return module


def minute_block(symbols: int) -> Block:
    """Return a year of one-minute bars, drawn at random."""
    grid = Calendar("XNYS").grid(pd.Timestamp("2023-01-01", tz="UTC"), pd.Timestamp("2023-12-31", tz="UTC"), MINUTE)
    rng = np.random.default_rng(0)
    shape = len(grid.index), symbols
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.0006, shape), axis=0))
    open_ = np.vstack([close[:1], close[:-1]])
    width = np.exp(np.abs(rng.normal(0, 0.0003, shape)))
    high, low = np.maximum(open_, close) * width, np.minimum(open_, close) / width
    volume = np.rint(np.exp(rng.normal(8, 1, shape)))
    values = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
    return Block(grid, [f"S{number}" for number in range(symbols)], MINUTE, values)


def seconds(block: Block) -> str:
    """Return how long it takes to examine and to repair, at best of five, by the policy ``keep``."""
    best = [np.inf, np.inf]
    for _ in range(5):
        begun = time.perf_counter()
        found = examine(block)
        between = time.perf_counter()
        apply_repair(Repair("keep"), block, found)
        best = np.minimum(best, [between - begun, time.perf_counter() - between]).tolist()
    rows, symbols = block.values["close"].shape
    return f"{symbols} symbols x {rows} bars: examine {best[0]:.3f}, repair and report {best[1]:.3f}"


def main() -> None:
    """Print the tables."""
    defects = loaded(DEFECTS)
    folder = os.environ.get("QUANTSTRATS_TEST_DATA")
    block, planted = defects.planted_block(seed=1, symbols=150, rows=2000)
    print(f"{len(planted)} defects planted in {block.values['close'].size:,} synthetic bars\n")
    print(defects.shown(defects.planted_table(block, planted)))
    print("\nfindings in bars in which nothing is known to be wrong")
    clean = {
        "synthetic": defects.clean_block(seed=2, symbols=200, rows=2500),
        "NASDAQ composite": defects.block_of(load_market("sample")),
    }
    for what, bars in clean.items():
        alarms = defects.false_alarms(bars)
        size = bars.values["close"].size
        told = ", ".join(f"{count} {rule}" for rule, count in alarms.items()) or "none"
        print(f"  {what}, {size:,} bars: {told} ({sum(alarms.values()) / size * 1e6:.0f} per million)")
    if folder:
        print("\nthe daily files against the list of their known defects\n")
        print(defects.shown(defects.known_table(Path(folder))))
        for kind, said in BEYOND_THE_LIST.items():
            print(f"  {kind}, beyond the list: {said}")
    print("\nseconds, on one thread")
    daily = defects.daily_block(Path(folder) / "daily_sp500.parquet") if folder else defects.clean_block(0, 453, 2518)
    print(f"  {seconds(daily)}\n  {seconds(minute_block(10))}")


if __name__ == "__main__":
    main()
