"""What the look-ahead guard and the walk forward cost: ``python backtests/benchmarks/guard_cost.py``.

Each row is one signal on the same synthetic bars. ``run`` is a whole backtest without the guard, ``forecast`` the part
of it that computes the forecast (with all fits of a learner), ``guard`` the sampled guard; both as a share of the run.
``fits`` are those of the walk forward, ``new`` those that the guard made beside its one fit without a cache.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantstrats import Learner, Market, Plugins, Schedule, Signal, backtest, load_market
from quantstrats.guard.check import check_lookahead
from quantstrats.learning.fits import Fits
from quantstrats.strategy import Strategy

GOAL = 0.25
FEATURES = (5, 21, 63)  # returns over so many bars


@dataclass(frozen=True)
class Linear(Signal):
    """A fitted linear forecast of the next bars' return."""

    name = "linear"
    weights: tuple[float, ...]

    def warmup(self):
        return max(FEATURES) + 1

    def forecast(self, market):
        return sum(weight * feature for weight, feature in zip(self.weights, features(market), strict=True))


@dataclass(frozen=True)
class LinearLearner(Learner):
    """Least squares of the return over the next `horizon` bars on past returns, all symbols together."""

    name = "linear_learner"
    horizon: int = 5

    def warmup(self):
        return max(FEATURES) + 1

    def fit(self, market):
        label = market.close.pct_change(self.horizon, fill_method=None).shift(-self.horizon).to_numpy().ravel()
        columns = np.column_stack([feature.to_numpy().ravel() for feature in features(market)])
        known = np.isfinite(columns).all(axis=1) & np.isfinite(label)
        weights = np.linalg.lstsq(columns[known], label[known], rcond=None)[0]
        return Linear(tuple(weights.tolist()))


def features(market: Market) -> list[Any]:
    """Return the past returns that the learner sees."""
    return [market.close.pct_change(bars, fill_method=None) for bars in FEATURES]


def measure(signal: Signal, market: Market, schedule: Schedule) -> str:
    """Return one row of the table."""
    with tempfile.TemporaryDirectory() as home:
        run = seconds(lambda: backtest(signal, market, schedule=schedule, guard="off"), home)
    strategy, fits = Strategy(signal, schedule=schedule), Fits()
    begun = time.perf_counter()
    forecast = strategy.forecast(market, fits)
    asked = time.perf_counter() - begun
    made = fits.made
    begun = time.perf_counter()
    report = check_lookahead(signal, market, forecast, fits=fits)
    guarded = time.perf_counter() - begun
    new = fits.made - made
    return (
        f"{signal.name:<15}{run:>7.2f} s{asked / run:>10.1%}{guarded / run:>10.1%}{report.rows:>7}"
        f"{made:>7}{new:>6}  {'reached' if guarded / run <= GOAL and not new else 'not reached'}"
    )


def seconds(work: Callable[[], Any], home: str) -> float:
    """Return how long some work takes that writes its ledger into ``home``."""
    import os

    os.environ["QUANTSTRATS_HOME"] = home
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description="What the look-ahead guard and the walk forward cost.")
    options.add_argument("--symbols", type=int, default=100)
    options.add_argument("--bars", type=int, default=2500)
    given = options.parse_args()
    market = load_market("synthetic", count=given.symbols, bars=given.bars)
    plugins = Plugins.installed()
    monthly = Schedule("month", rebalance="all")
    print(f"{len(market.symbols)} symbols x {len(market):,} bars; goal: guard <= {GOAL:.0%} of the run, no new fits\n")
    print(f"{'signal':<15}{'run':>9}{'forecast':>10}{'guard':>10}{'rows':>7}{'fits':>7}{'new':>6}  goal")
    cases = [
        (plugins.signal("sma_cross")(), Schedule()),
        (plugins.signal("momentum")(), monthly),
        (LinearLearner(refit="year", train=504), monthly),
        (LinearLearner(refit="month", train=504), monthly),
    ]
    backtest(plugins.signal("buy_and_hold")(), market.rows(0, 60), guard="off")  # what is loaded once
    for signal, schedule in cases:
        print(measure(signal, market, schedule), flush=True)


if __name__ == "__main__":
    main()
