"""W1 and W2 against stock Backtrader: ``make bench``, or ``python backtests/benchmarks/engines.py [--full]``.

W1 is one symbol, moving averages of 20 and 50 bars, all in. W2 is many symbols: every 21 bars, equal weight in the
fifth that rose most over 126 bars. Bars walk at random; commission 0.1%, slippage 0.05%, decided at the close, filled
at the next open. All is measured in one process, in turns, the best of the rounds; times are printed only where every
order and the final equity are the same to the last bit.

``Backtrader`` is what one writes by hand (plain_backtrader.py), indicators included; ``our engine`` executes targets
that are known; ``backtest`` is all of a run: forecast, targets, engine, figures, ledger; ``with the guard`` checks for
look-ahead besides.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plain_backtrader
from random_bars import days, minutes, random_walk

from quantstrats import Costs, Market, Plugins, Schedule, backtest
from quantstrats.announcer import Announcer
from quantstrats.engines.backtrader.engine import execute
from quantstrats.engines.execution import Account, Execution
from quantstrats.strategy import Strategy

CASH = 100_000.0
FIELDS = ("open", "high", "low", "close", "volume")
LOOKBACK, EVERY, QUANTILE = 126, 21, 0.2


@dataclass(frozen=True)
class Case:
    """A workload.

    Attributes
    ----------
    name : str
        What it is called.
    market : Market
        Its bars.
    strategy : Strategy
        What trades them.
    plain : type
        The same as a strategy of Backtrader.
    params : dict
        The parameters of that one.
    goal : float or None
        How many times as fast as Backtrader our engine should be.
    """

    name: str
    market: Market
    strategy: Strategy
    plain: type
    params: dict[str, Any] = field(default_factory=dict)
    goal: float | None = None


def one_symbol(market: Market) -> Case:
    """Return W1 on a market."""
    kind = f"{len(market):,} {'days' if market.bar is None else 'minutes'}"
    return Case(f"W1, {kind}", market, Strategy(Plugins.installed().signal("sma_cross")()), plain_backtrader.SmaCross)


def minute_bars(count: int) -> Market:
    """Return minutes of one symbol, in a market that never closes."""
    return random_walk(minutes(count), volatility=0.0005, calendar="24/7")


def many_symbols(symbols: int, sessions: int, goal: float | None = None) -> Case:
    """Return W2."""
    market, plugins = random_walk(days(sessions), symbols), Plugins.installed()
    strategy = Strategy(
        plugins.signal("momentum")(lookback=LOOKBACK),
        plugins.find("allocator", "top_quantile").cls(quantile=QUANTILE),
        Schedule(every=EVERY, rebalance="all"),
    )
    # Ours counts sessions from a fixed day on, so that a later start of the bars changes nothing.
    params = {"first_bar": int(market.calendar.session_number(market.session[:1])[0])}
    name = f"W2, {symbols} x {sessions:,} days"
    return Case(name, market, strategy, plain_backtrader.Momentum, params, goal)


def contestants(case: Case) -> dict[str, Callable[[], Any]]:
    """Return what is measured by name, the plain script first, all on bars and targets that are there already."""
    market, strategy = case.market, case.strategy
    frames = {name: getattr(market, name).tz_localize(None) for name in FIELDS}
    bars = {symbol: pd.DataFrame({name: frames[name][symbol] for name in FIELDS}) for symbol in market.symbols}
    targets = strategy.targets(market)
    account = Account(CASH, fractional=False, costs=Costs(), schedule=strategy.schedule)
    chosen = {"allocator": strategy.allocator, "schedule": strategy.schedule, "cash": CASH}
    return {
        "Backtrader": lambda: plain_backtrader.run(case.plain, bars, CASH, **case.params),
        "our engine": lambda: execute(market, targets, account, Announcer(Plugins())),
        "backtest": lambda: backtest(strategy.signal, market, guard="off", **chosen),
        "with the guard": lambda: backtest(strategy.signal, market, **chosen),
    }


def measure(case: Case, rounds: int) -> dict[str, float]:
    """Return the seconds that each contestant takes, the best of the rounds.

    Raises
    ------
    SystemExit
        If they do not do the same.
    """
    best: dict[str, float] = {}
    works = contestants(case)
    for _ in range(rounds):
        outcomes = {}
        for name, work in works.items():
            gc.collect()
            begun = time.perf_counter()
            outcomes[name] = work()
            best[name] = min(best.get(name, float("inf")), time.perf_counter() - begun)
        value, cash, orders = outcomes.pop("Backtrader")
        expected = plain_backtrader.table(orders)
        for name, outcome in outcomes.items():
            check_same(f"{case.name}: {name}", (value, cash, expected), facts(outcome))
    return best


def facts(outcome: Any) -> tuple[float, float, pd.DataFrame]:
    """Return the final equity, the final cash and the orders of an execution or a run."""
    cash = outcome.cash if isinstance(outcome, Execution) else outcome.positions["cash"]
    orders = outcome.orders.reset_index(drop=True)
    for name in ("decided", "changed"):
        orders[name] = orders[name].dt.tz_localize(None)
    return outcome.equity.iloc[-1], cash.iloc[-1], orders


def check_same(who: str, expected: tuple[float, float, pd.DataFrame], found: tuple[float, float, pd.DataFrame]) -> None:
    """Refuse to compare the time of unequal work: everything must be equal to the last bit.

    Raises
    ------
    SystemExit
        With the first difference.
    """
    orders, ours = expected[2], found[2]
    if len(orders) != len(ours):
        raise SystemExit(f"{who} sent {len(ours)} orders, Backtrader {len(orders)}")
    for name in orders:
        differs = orders[name].to_numpy() != ours[name].to_numpy()
        if differs.any():
            row = int(differs.argmax())
            raise SystemExit(f"{who}: {name} of order {row + 1} is {ours[name][row]}, Backtrader's {orders[name][row]}")
    for name, theirs, own in zip(("equity", "cash"), expected, found, strict=False):
        if theirs != own:
            raise SystemExit(f"{who}: the final {name} is {own!r}, Backtrader's {theirs!r}")


def report(case: Case, rounds: int) -> None:
    """Measure a case and print its rows."""
    seconds = measure(case, rounds)
    stock = seconds["Backtrader"]
    for number, (name, taken) in enumerate(seconds.items()):
        line = f"{case.name if number == 0 else '':<23}{name:<16}{taken:>10.3f} s{stock / taken:>10.2f}x"
        if name == "our engine" and case.goal:
            line += f"  goal {case.goal:.0f}x: {'reached' if stock / taken >= case.goal else 'not reached'}"
        print(line, flush=True)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description="Our engine against stock Backtrader.")
    options.add_argument(
        "--full", action="store_true", help="500,000 minutes and 500 symbols too, one round: takes long"
    )
    options.add_argument("--rounds", type=int, default=2, help="how often each is run, for the best (default: 2)")
    options.add_argument("--days", type=int, default=2520, help="days of W1; 0 leaves it out")
    options.add_argument("--minutes", type=int, default=50_000, help="minutes of W1; 0 leaves it out")
    options.add_argument("--symbols", type=int, default=100, help="symbols of W2, on 1,260 days; 0 leaves it out")
    options.add_argument("--sessions", type=int, default=1260, help="days of W2")
    given = options.parse_args()

    rounds, sizes = given.rounds, (given.symbols, given.sessions)
    cases: list[tuple[int, Callable[[], Case]]] = []
    if given.days:
        cases.append((rounds, lambda: one_symbol(random_walk(days(given.days)))))
    if given.minutes:
        cases.append((rounds, lambda: one_symbol(minute_bars(given.minutes))))
    if given.symbols:
        cases.append((rounds, lambda: many_symbols(*sizes, goal=40.0 if sizes == (100, 1260) else None)))
    if given.full:
        cases.append((1, lambda: one_symbol(minute_bars(500_000))))
        cases.append((1, lambda: many_symbols(500, 1260, goal=60.0)))
    with tempfile.TemporaryDirectory() as home:
        os.environ["QUANTSTRATS_HOME"] = home
        contestants(one_symbol(random_walk(days(300))))["with the guard"]()  # what is loaded once
        print("seconds, and times as fast as Backtrader, with orders, cash and equity the same to the last bit\n")
        for rounds, make in cases:
            report(make(), rounds)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
