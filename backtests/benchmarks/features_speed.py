"""How long features take against the package ``ta``: ``python backtests/benchmarks/features_speed.py``.

The bars are random walks of 500 symbols x 1,260 days. ``ta.add_all_ta_features`` makes its 86 columns symbol by symbol.
We make first those features of which each of its columns is one, or one of them less, divided by or compared with
another; then every feature that ships, but for those in which a model is fitted. All in one process on one thread, ours
after a first call on a few bars that loads what numba has compiled. Each column is compared with that of ``ta`` too, on
one symbol, from the row on which ours has its first number.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from random_bars import days, random_walk

from quantstrats import Market, features

GOAL = 250.0  # x ta, on the columns that both have
Columns = Mapping[str, pd.Series]

# Each column of ta by what it is among our features: itself, or a plain function of several.
SHARED: Mapping[str, tuple[tuple[str, ...], Callable[..., pd.Series] | None]] = {}

# Why a column of ours is another one on purpose.
EXCUSES: Mapping[str, str] = {}


def ta_columns(bars: pd.DataFrame) -> pd.DataFrame:
    """Return the 86 columns of ta for one symbol."""
    import ta

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of pandas' future in every second indicator
        table = ta.add_all_ta_features(bars.copy(), "open", "high", "low", "close", "volume")
    return table.drop(columns=bars.columns)


def bars_of(market: Market, symbol: str) -> pd.DataFrame:
    """Return one symbol's bars as ta takes them."""
    return pd.DataFrame({field: getattr(market, field)[symbol] for field in ("open", "high", "low", "close", "volume")})


def seconds_of_ta(market: Market) -> float:
    """Return how long ta takes for all symbols, one by one."""
    tables = [bars_of(market, symbol) for symbol in market.symbols]
    began = time.perf_counter()
    for table in tables:
        ta_columns(table)
    return time.perf_counter() - began


def seconds_of_ours(market: Market, names: list[str], rounds: int) -> tuple[float, pd.DataFrame]:
    """Return the shortest of several times for all symbols at once, and the table."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        table = features.compute(market, names)
        times.append(time.perf_counter() - began)
    return min(times), table


def resident() -> float:
    """Return how many megabytes this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def largest_differences(market: Market) -> dict[str, float]:
    """Return by column of ta the largest difference, as a part of the column's largest size."""
    bars = bars_of(market, str(market.symbols[0]))
    theirs = ta_columns(bars)
    names = shared_names()
    ours = features.compute(market.select([market.symbols[0]]), names).droplevel("symbol", axis=1)
    found = {}
    for column, (asked, make) in SHARED.items():
        values = ours[asked[0]] if make is None else make(bars, *(ours[name] for name in asked))
        both = values.notna() & theirs[column].notna()
        size = float(theirs[column][both].abs().max()) or 1.0
        found[column] = float((values - theirs[column])[both].abs().max()) / size if both.any() else np.nan
    return found


def shared_names() -> list[str]:
    """Return the features of which the columns of ta are made, each once."""
    return list(dict.fromkeys(name for names, _ in SHARED.values() for name in names))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--bars", type=int, default=1260)
    parser.add_argument("--rounds", type=int, default=3, help="of ours; ta is timed once")
    asked = parser.parse_args()
    market = random_walk(days(asked.bars), asked.symbols)
    shared, every = shared_names(), features.possible(market)
    features.compute(market.select(market.symbols[:2]), every)  # what is compiled and loaded once
    before = resident()
    ours, table = seconds_of_ours(market, shared, asked.rounds)
    del table
    whole, table = seconds_of_ours(market, every, 1)
    held, peak = table.to_numpy().nbytes / 2**20, resident() - before
    theirs = seconds_of_ta(market)
    differences = largest_differences(market)
    near = sum(value <= 1e-6 for value in differences.values())
    print(f"{asked.symbols} symbols x {asked.bars:,} bars, one thread")
    print(f"  {'':<44}{'seconds':>10}{'ms a symbol':>13}{'ratio':>8}")
    for what, spent in (
        (f"ta, {len(ta_columns(bars_of(market, market.symbols[0])).columns)} columns", theirs),
        (f"ours, the {len(shared)} features of {len(SHARED)} of them", ours),
        (f"ours, all {len(every)} features", whole),
    ):
        print(f"  {what:<44}{spent:>10.3f}{1000 * spent / asked.symbols:>13.3f}{theirs / spent:>8.0f}")
    print(f"  (goal for those that both have: {GOAL:g} times)")
    print(f"all features hold {held:,.0f} MB; the process took {peak:,.0f} MB more for them at its peak")
    print(f"{near} of {len(SHARED)} columns differ from ta by at most 1e-6 of their largest value; the others:")
    for column, value in differences.items():
        if not value <= 1e-6:
            print(f"  {column:<36}{value:>10.1e}  {EXCUSES.get(column, '')}")


if __name__ == "__main__":
    main()
