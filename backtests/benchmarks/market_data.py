"""How long bars take to load, checks included, and in how much memory: ``python backtests/benchmarks/market_data.py``.

Daily: a table of 453 symbols x 10 years in one Parquet file. ``load_market`` with its checks is timed against what one
would write by hand, ``pd.read_parquet`` and a ``pivot`` for each field, beside the bare read. It is the file
daily_sp500.parquet of real bars where QUANTSTRATS_TEST_DATA names its folder, else one of random bars of that size. The
same bars out of the cache of vendors' bars, a file per symbol, are timed too.

Minutes: one-minute bars of 500 symbols for a year, random, a Parquet file per symbol in a folder. Each load is a
process of its own, whose peak memory is told beside the size of the arrays that it ends with.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quantstrats import load_market
from quantstrats.market.calendar import Calendar
from quantstrats.market.frames import FIELDS

GOAL_RATIO = 1.0  # of load_market's time to reading and pivoting
GOAL_MEMORY = 2.0  # x the final arrays, of all symbols
_MEGABYTE = 1e6


def random_table(labels: pd.DatetimeIndex, symbols: list[str], seed: int) -> pd.DataFrame:
    """Return a long table of random bars that can be: date, symbol, open, high, low, close, volume."""
    chance = np.random.default_rng(seed)
    rows = len(labels) * len(symbols)
    step = chance.normal(0.0, 0.001, (len(symbols), len(labels)))
    close = np.exp(np.cumsum(step, axis=1) + np.log(50.0)).ravel()
    opened = close * np.exp(chance.normal(0.0, 0.0005, rows))
    reach = np.exp(np.abs(chance.normal(0.0, 0.0005, (2, rows))))
    return pd.DataFrame(
        {
            "date": np.tile(labels.to_numpy(), len(symbols)),
            "symbol": np.repeat(symbols, len(labels)),
            "open": opened,
            "high": np.maximum(opened, close) * reach[0],
            "low": np.minimum(opened, close) / reach[1],
            "close": close,
            "volume": np.round(chance.lognormal(9.0, 0.5, rows)),
        }
    )


def pivoted(file: Path) -> dict[str, pd.DataFrame]:
    """Return the fields as frames, as one would write it by hand."""
    table = pd.read_parquet(file)
    return {field: table.pivot(index="date", columns="symbol", values=field) for field in FIELDS}  # noqa: PD010


def best_of(rounds: int, work: Callable[[], Any]) -> float:
    """Return the shortest of several times, in seconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def daily_file(folder: Path, symbols: int, sessions: int) -> Path:
    """Return the file of real bars, or write one of random bars."""
    real = os.environ.get("QUANTSTRATS_TEST_DATA")
    if real and symbols == 453:
        return Path(real) / "daily_sp500.parquet"
    labels = Calendar("XNYS").sessions(pd.Timestamp("2007-01-01"), pd.Timestamp("2030-01-01"))[:sessions]
    file = folder / "daily.parquet"
    random_table(labels, [f"S{number:03}" for number in range(symbols)], seed=1).to_parquet(file)
    return file


def daily(folder: Path, symbols: int, sessions: int, rounds: int) -> dict[str, float]:
    """Return seconds: the bare read, read and pivot, load_market, and load_market out of the cache."""
    file = daily_file(folder, symbols, sessions)
    load_market("sample", end="1999-12-31")  # what is loaded once
    frames = pivoted(file)
    market = load_market("files", path=file, repair="drop")
    assert market.close.notna().to_numpy().sum() <= frames["close"].notna().to_numpy().sum()  # noqa: S101
    return {
        "pd.read_parquet alone": best_of(rounds, lambda: pd.read_parquet(file)),
        "pd.read_parquet and pivot": best_of(rounds, lambda: pivoted(file)),
        "load_market, checks included": best_of(rounds, lambda: load_market("files", path=file, repair="drop")),
        "load_market out of the cache": _from_cache(folder, file, rounds),
    }


def _from_cache(folder: Path, file: Path, rounds: int) -> float:
    """Return how long the same bars take out of the cache, a file per symbol."""
    from cached_table import Tabled

    from quantstrats.market.cache.offline import only_cached

    os.environ["QUANTSTRATS_HOME"] = str(folder)
    table = pd.read_parquet(file)
    source = Tabled(path=str(file))
    symbols = [str(symbol) for symbol in table["symbol"].unique()]
    first, last = table["date"].min().date(), table["date"].max().date()
    load_market(source, symbols, first, last, repair="drop")
    with only_cached(True):
        return best_of(rounds, lambda: load_market(source, symbols, first, last, repair="drop"))


def write_minutes(folder: Path, symbols: int, days: int) -> int:
    """Write a Parquet file per symbol of one-minute bars, and return how many bars there are in all."""
    grid = Calendar("XNYS").grid(
        pd.Timestamp("2024-01-02 14:30", tz="UTC"), pd.Timestamp("2025-12-31", tz="UTC"), pd.Timedelta("1min")
    )
    labels = grid.index[np.isin(grid.session, grid.session.unique()[:days])]
    for number in range(symbols):
        table = random_table(labels.tz_localize(None), [f"S{number:03}"], seed=number)
        table["date"] = table["date"].dt.tz_localize("UTC")
        table.drop(columns="symbol").to_parquet(folder / f"S{number:03}.parquet", row_group_size=20_000)
    return len(labels) * symbols


def load_minutes(folder: Path, symbols: list[str] | None, start: str | None, end: str | None) -> dict[str, float]:
    """Load in a process of its own; return seconds, MB of the final arrays, and MB that the load took at its peak."""
    asked = json.dumps({"path": str(folder), "symbols": symbols, "start": start, "end": end})
    command = [sys.executable, __file__, "--child", asked]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this very file
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def child(asked: dict[str, Any]) -> dict[str, float]:
    """Load what is asked for, in this process; return the figures of :func:`load_minutes`."""
    load_market("sample", end="1999-12-31")  # what is loaded once
    Calendar("XNYS").sessions(pd.Timestamp("2024-01-02"), pd.Timestamp("2025-01-02"))
    before = resident()
    began = time.perf_counter()
    market = load_market("files", asked["symbols"], asked["start"], asked["end"], path=asked["path"], calendar="XNYS")
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    arrays = sum(market.array(field).nbytes for field in FIELDS)
    return {
        "seconds": seconds,
        "bars": float(market.present.sum()),
        "arrays": arrays / _MEGABYTE,
        "peak": (peak - before) / _MEGABYTE,
    }


def resident() -> int:
    """Return how many bytes of memory this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=453, help="of the daily bars")
    parser.add_argument("--sessions", type=int, default=2518, help="of the daily bars, if they are random")
    parser.add_argument("--minute-symbols", type=int, default=500)
    parser.add_argument("--minute-days", type=int, default=252)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(child(json.loads(asked.child))))
        return
    with tempfile.TemporaryDirectory() as name:
        print_daily(daily(Path(name), asked.symbols, asked.sessions, asked.rounds))
        folder = Path(name) / "minutes"
        folder.mkdir()
        print_minutes(folder, asked.minute_symbols, asked.minute_days)


def print_daily(seconds: dict[str, float]) -> None:
    """Print the times, and their ratios to reading and pivoting."""
    base = seconds["pd.read_parquet and pivot"]
    print(f"daily bars, one file: seconds, and ratio to reading and pivoting by hand (goal: at most {GOAL_RATIO:g})")
    for name, spent in seconds.items():
        print(f"  {name:<32}{spent:>8.3f}{spent / base:>8.2f}")


def print_minutes(folder: Path, symbols: int, days: int) -> None:
    """Write minutes, load all, some symbols and some days; print time and memory."""
    began = time.perf_counter()
    bars = write_minutes(folder, symbols, days)
    print(f"\none-minute bars of {symbols} symbols, {bars:,} in all (written in {time.perf_counter() - began:.0f} s)")
    print(f"  {'':<24}{'seconds':>9}{'bars':>13}{'arrays MB':>11}{'peak MB':>9}{'ratio':>7}")
    print(f"  (goal: peak memory below {GOAL_MEMORY:g}x the arrays of all)")
    days_asked = Calendar("XNYS").sessions(pd.Timestamp("2024-01-02"), pd.Timestamp("2025-12-31"))[:days][-21:]
    month = str(days_asked[0].date()), str(days_asked[-1].date())
    some = [f"S{number:03}" for number in range(0, symbols, max(symbols // 10, 1))]
    cases: dict[str, tuple[list[str] | None, str | None, str | None]] = {
        "all": (None, None, None),
        f"{len(some)} of the symbols": (some, None, None),
        "one month of all": (None, *month),
    }
    for name, (chosen, start, end) in cases.items():
        figures = load_minutes(folder, chosen, start, end)
        ratio = figures["peak"] / figures["arrays"]
        print(
            f"  {name:<24}{figures['seconds']:>9.2f}{figures['bars']:>13,.0f}{figures['arrays']:>11,.0f}"
            f"{figures['peak']:>9,.0f}{ratio:>7.2f}"
        )


if __name__ == "__main__":
    main()
