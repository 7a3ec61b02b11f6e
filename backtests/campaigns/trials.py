"""What the campaigns share: seeds, work in several processes, and what a strategy earned before costs."""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from quantstrats import Plugins
from quantstrats.factors import annual_sharpe
from quantstrats.learning.windows import first_row
from quantstrats.making import made
from quantstrats.portfolio.schedule import Schedule
from quantstrats.strategy import Strategy

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats import Market, Signal

Job, Result = TypeVar("Job"), TypeVar("Result")


def options(about: str | None) -> argparse.ArgumentParser:
    """Return a parser with what all campaigns over seeds are asked for."""
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("1-50"), help="as 1-50 or 1,2,7 (default: 1-50)")
    parser.add_argument("--processes", type=int, default=2, help="(default: %(default)s)")
    parser.add_argument("--only", action="append", metavar="NAME", help="one row of the table; may be given again")
    return parser


def names_of(only: list[str] | None, known: Iterable[str]) -> list[str]:
    """Return the rows that are asked for, all by default; ends the command where there is none of a name."""
    names = list(known)
    if unknown := sorted(set(only or ()) - set(names)):
        sys.exit(f"error: no row called {unknown[0]!r} (there are {', '.join(names)})")
    return only or names


def seeds_of(text: str) -> list[int]:
    """Return the seeds of a text like ``1-3,7``."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    if not seeds:
        raise argparse.ArgumentTypeError(f"no seeds in {text!r}")
    return seeds


def in_processes(work: Callable[[Job], Result], jobs: Sequence[Job], processes: int) -> Iterator[Result]:
    """Yield what the work makes of each job, in their order; of one process, this one."""
    if processes == 1:
        yield from map(work, jobs)
        return
    # Spawned, not forked: what numba, torch and xgboost have begun in this process is no business of another.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(work, jobs)


def strategy_of(signal: Any, allocation: Any, every: str = "bar") -> Strategy:
    """Return a strategy of a signal and an allocator by name and parameters."""
    plugins = Plugins.installed()
    return Strategy(made("signal", signal, plugins), made("allocator", allocation, plugins), Schedule(every))


def returns_before_costs(strategy: Strategy, market: Market) -> pd.Series:
    """Return what the weights of a strategy earn per bar, from the first row on which it could have an opinion.

    What is decided at a close is held from the next open to the open after it, at exactly the weights of the latest
    decision: no costs, no whole shares, no cash account. So nothing stands between the forecast and its worth.
    """
    forecast = strategy.forecast(market)
    weights = strategy.decide(forecast, market).ffill().fillna(0.0)
    earned = (weights.shift(2) * market.open.ffill().pct_change(fill_method=None)).sum(axis=1)
    told = forecast.notna().any(axis=1).to_numpy()
    first = int(told.argmax()) + 2 if told.any() else len(earned)
    return earned.iloc[first:]


def since_first_opinion(returns: pd.Series, signal: Signal, market: Market) -> pd.Series:
    """Return a run's returns from the first bar on which the signal's first possible opinion could be held.

    Whether it held anything then or not: what waits for its first position must not choose when it is judged.
    """
    return returns.iloc[first_row(signal, market.timeline) + 1 :]


def sharpe_and_years(strategy: Strategy, market: Market) -> tuple[float, float]:
    """Return the Sharpe ratio before costs, NaN where nothing was held, and of how many years it is."""
    earned = returns_before_costs(strategy, market)
    years = len(earned) / market.bars_per_year
    return (annual_sharpe(earned, market.bars_per_year) if len(earned) > 1 else math.nan), years
