"""From a Run to a file, by parts: ``make bench``, or ``python backtests/benchmarks/tearsheet_cost.py``.

The parts are the stages of work that the tear sheet names itself (quantstrats/progress.py), looked at every two
milliseconds from another thread, as a display of progress looks at them; they sum up to all of the time. ``loaded
once`` is what a process loads for its first tear sheet and not again; it counts to each Run, since a command makes one.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from random_bars import days, minutes, random_walk

from quantstrats import Costs, Market, Run, Schedule, backtest, load_market
from quantstrats.assembly import kept_bars
from quantstrats.market.sources.sample import STOCKS
from quantstrats.progress import running
from quantstrats.reports.benchmark import EQUAL_WEIGHT, benchmark_returns
from quantstrats.reports.metrics import measure
from quantstrats.runs.run import returns_of

CASH = 100_000.0
COSTS = Costs()
GOAL = 8.0  # MB
GOAL_SECONDS = 15.0  # on two cores, with what is loaded once
LOOK_EVERY = 0.002  # seconds
REST = "between the parts"


def hand_made(market: Market, hold: int, held: float) -> Run:
    """Return a Run that no engine made: each symbol is bought, and sold, where a draw every ``hold`` bars says so.

    Parameters
    ----------
    market : Market
        The bars.
    hold : int
        Every so many bars it is drawn whether a symbol is held until the next draw.
    held : float
        How likely that is.
    """
    chance = np.random.default_rng(0)
    opened, close = market.array("open"), market.array("close")
    drawn = chance.random((len(market) // hold + 1, len(market.symbols))) < held
    drawn[0] = False
    holds = np.repeat(drawn, hold, axis=0)[: len(market)]
    # As much of the cash for each as can never be more than all.
    shares = np.where(holds, np.floor(CASH / len(market.symbols) / close[0]), 0.0)
    bought = np.diff(shares, axis=0, prepend=0.0)
    paid = COSTS.commission_bps * 1e-4 * abs(bought) * opened
    cash = CASH - (bought * opened + paid).sum(axis=1).cumsum()
    positions = pd.DataFrame(shares * close, index=market.index, columns=market.symbols).assign(cash=cash)
    equity = positions.sum(axis=1).rename("equity")
    rows, columns = np.nonzero(bought)
    fills = pd.DataFrame(
        {
            "symbol": market.symbols[columns],
            "amount": bought[rows, columns],
            "price": opened[rows, columns],
            "commission": paid[rows, columns],
            "slippage": COSTS.slippage_bps * 1e-4 * abs(bought * opened)[rows, columns],
            "order": np.arange(1, len(rows) + 1),
        },
        index=market.index[rows],
    )
    orders = pd.DataFrame(
        {
            "decided": market.index[rows - 1],
            "symbol": fills["symbol"].to_numpy(),
            "size": fills["amount"].to_numpy(),
            "reason": "decision",
            "status": "Completed",
            "changed": fills.index,
            "filled": fills["amount"].to_numpy(),
            "price": fills["price"].to_numpy(),
            "commission": fills["commission"].to_numpy(),
        },
        index=fills["order"].rename("order"),
    )
    trades, compared = round_trips(market, bought, paid), benchmark_returns(market, EQUAL_WEIGHT)
    frames: dict[str, Any] = {"positions": positions, "transactions": fills, "orders": orders, "trades": trades}
    return Run(
        run_id="20000103T000000-hand_made-000000",
        config={
            "data": {"source": "frames", "symbols": list(market.symbols)},
            "signal": {"name": "hand_made"},
            "engine": {"name": "none", "cash": CASH},
            "report": {"benchmark": EQUAL_WEIGHT, "risk_free": 0.0},
        },
        manifest={
            "data": {
                "calendar": market.calendar.name,
                "bar": None if market.bar is None else str(market.bar),
                "bars_per_year": market.bars_per_year,
                "sector": {},
            },
            "stamps": ["made by hand: no engine traded it"],
        },
        equity=equity,
        targets=pd.DataFrame(np.where(holds, 1.0 / len(market.symbols), 0.0), market.index, market.symbols),
        benchmark=compared,
        metrics=measure(
            returns=returns_of(equity, CASH),
            equity=equity,
            cash=CASH,
            benchmark=compared,
            bars_per_year=market.bars_per_year,
            **frames,
        ),
        bars=kept_bars(market, fills, {}),
        **frames,
    )


def round_trips(market: Market, bought: Any, paid: Any) -> pd.DataFrame:
    """Return a row for each purchase and its sale, in the order of the sales."""
    columns, entries = np.nonzero(bought.T > 0.0)
    sold, exits = np.nonzero(bought.T < 0.0)
    # The last purchase of a symbol may have no sale; both are ordered by symbol, then by row.
    closed = np.isin(np.arange(len(entries)), _matched(columns, sold))
    columns, entries = columns[closed], entries[closed]
    prices, commission = market.array("open"), paid[entries, columns] + paid[exits, columns]
    pnl = bought[entries, columns] * (prices[exits, columns] - prices[entries, columns])
    table = pd.DataFrame(
        {
            "symbol": market.symbols[columns],
            "side": "long",
            "opened": market.index[entries],
            "closed": market.index[exits],
            "bars": exits - entries,
            "pnl": pnl,
            "commission": commission,
            "pnl_net": pnl - commission,
        }
    )
    return table.sort_values("closed", kind="stable", ignore_index=True)


def _matched(bought: Any, sold: Any) -> Any:
    """Return the places of the purchases that have a sale: all of a symbol's but its last, where one is too many."""
    times = pd.Series(sold).value_counts()
    number = pd.Series(bought).groupby(bought).cumcount().to_numpy()
    return np.flatnonzero(number < times.reindex(bought, fill_value=0).to_numpy())


@contextmanager
def parts() -> Iterator[dict[str, float]]:
    """Yield the seconds spent in each stage of the work within, by its label; at the end they sum up to all of it."""
    spent: dict[str, float] = {}
    over = threading.Event()
    before = time.perf_counter()

    def book() -> None:
        nonlocal before
        now = time.perf_counter()
        label = ": ".join(stage.label for stage in running()) or REST
        spent[label] = spent.get(label, 0.0) + now - before
        before = now

    def look() -> None:
        while not over.wait(LOOK_EVERY):
            book()

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield spent
    finally:
        over.set()
        looking.join()
        book()


def measured(run: Run, file: Path) -> dict[str, float]:
    """Make the tear sheet of a Run and write it; return the seconds of each part."""
    gc.collect()
    with parts() as spent:
        from quantstrats.reports.tearsheet import tearsheet  # the first time it loads much

        page = tearsheet(run)
    drawn = time.perf_counter()
    file.write_text(page, encoding="utf-8")
    return {**spent, "writing": time.perf_counter() - drawn}


def report(name: str, run: Run, loaded: float, folder: Path) -> None:
    """Measure a Run and print what each part took of its time."""
    file = folder / "tearsheet.html"
    spent = {"loaded once": loaded, **measured(run, file)}
    seconds, size = sum(spent.values()), file.stat().st_size / 1e6
    symbols, trips = run.positions.shape[1] - 1, len(run.trades)
    print(f"{name}: {symbols} x {len(run.equity):,} bars, {len(run.transactions):,} fills, {trips:,} round trips")
    for part, took in spent.items():
        print(f"    {part:<34}{took:>8.2f} s{took / seconds:>8.1%}")
    print(f"    {'all, from Run to file':<34}{seconds:>8.2f} s", end="")
    print(f" (goal: below {GOAL_SECONDS:.0f} on two cores, {_reached(seconds, GOAL_SECONDS)})", end="")
    print(f"  {size:.1f} MB (goal: below {GOAL:.0f}, {_reached(size, GOAL)})\n", flush=True)


def _reached(value: float, goal: float) -> str:
    return "reached" if value < goal else "not reached"


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description="What the tear sheet costs.")
    options.add_argument("--since", default="1999-01-04", help="first session of the sample (default: 1999-01-04)")
    options.add_argument("--symbols", type=int, default=500, help="symbols of the Run made by hand; 0 leaves it out")
    options.add_argument("--sessions", type=int, default=1260, help="its days")
    options.add_argument("--minutes", type=int, default=500_000, help="minutes of the other one; 0 leaves it out")
    given = options.parse_args()
    cases: list[tuple[str, Callable[[], Run]]] = [
        (
            "sma_cross on NASDAQ",
            lambda: backtest("sma_cross", load_market(start=given.since, end="2018-12-31"), guard="off"),
        ),
        (
            "momentum on 20 stocks",
            lambda: backtest(
                "momentum",
                load_market(symbols=STOCKS, start=given.since, end="2018-12-31"),
                allocator="top_quantile",
                schedule=Schedule("month", rebalance="all"),
                guard="off",
            ),
        ),
    ]
    if given.symbols:
        many = random_walk(days(given.sessions), given.symbols)
        cases.append(("many symbols, made by hand", lambda: hand_made(many, hold=21, held=0.2)))
    if given.minutes:
        cases.append(
            (
                "minutes, made by hand",
                lambda: hand_made(
                    random_walk(minutes(given.minutes), volatility=0.0005, calendar="24/7"), hold=35, held=0.5
                ),
            )
        )
    with tempfile.TemporaryDirectory() as home:
        os.environ["QUANTSTRATS_HOME"] = home
        small = hand_made(random_walk(days(300), 2), hold=21, held=0.5)
        first, again = (sum(measured(small, Path(home) / "small.html").values()) for _ in range(2))
        for name, make in cases:
            report(name, make(), first - again, Path(home))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
