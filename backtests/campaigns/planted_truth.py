"""How often a signal finds what is there: ``python backtests/campaigns/planted_truth.py --seeds 1-50``.

The source ``synthetic`` plants an effect of stated size, and the signal that looks for it runs with its defaults (a
learner's training rows are those of the table below). What counts as found was fixed before the first run:

- pair: S001 and S002, which are tied together, are among the pairs that pass the screen on one formation of one or two
  years; ten symbols make 45 pairs. `others` are the pairs that pass though nothing ties them, a mean over seeds.
- pays: the Sharpe ratio before costs lies above 1.645 / sqrt(years), the 5% bound of one that is zero (Lo 2002). Of
  symbols that are ranked, the highest fifth (illiquidity: tenth) is held against the lowest, by the month: a planted
  effect that lifts all prices alike is none.
- state: the sign of the forecast is right on more than two thirds of the calm rows and of the turbulent ones alike.

The size 0 plants nothing, so its share is that of false alarms: 5% of `pays`, by the definition of the bound. For
`state` the rows are judged against a chain of states that moved no price. The interval of each share is the exact 95%
one of a binomial (Clopper and Pearson 1934).
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import trials

from quantstrats import load_market

if TYPE_CHECKING:
    from quantstrats import Market

ONE_SIDED = 1.645
RIGHT = 2 / 3  # of the rows of each state
PAIR = {"S001", "S002"}
LENGTH = 63.0  # mean rows of a regime


@dataclass(frozen=True)
class Planted:
    """One effect, the signal that should find it, and the rule by which it has.

    Attributes
    ----------
    sizes : dict
        Parameters of the source ``synthetic`` by what they are called in the table; the first plants nothing.
    signal : dict
        Name and parameters.
    rule : str
        A key of ``RULES``.
    count, bars : int
        Symbols and rows.
    allocation : dict
        Name and parameters of the allocator, where something is earned.
    every : str
        When it is decided.
    """

    sizes: dict[str, dict[str, float]]
    signal: dict[str, Any]
    rule: str
    count: int
    bars: int
    allocation: dict[str, Any] = field(default_factory=dict)
    every: str = "month"

    def market(self, size: str, seed: int) -> Market:
        """Return the market of a seed, with an effect of this size."""
        return load_market("synthetic", seed=seed, count=self.count, bars=self.bars, **self.sizes[size])


def sizes(effect: str, *values: float) -> dict[str, dict[str, float]]:
    """Return sizes of one parameter, nothing first."""
    return {"0": {}} | {f"{value:g}": {effect: value} for value in values}


FIFTHS = {"name": "top_quantile", "quantile": 0.2, "short": True}
TENTHS = {"name": "top_quantile", "quantile": 0.1, "short": True}
PAIRS, QUICK = {"name": "cointegration_pairs"}, {"train": 252}
CLASSIFIER = {"name": "trend_classifier", "models": ["logistic_regression", "xgboost"], **QUICK}
# The spread's deviation is 2% throughout: what a test sees is how fast it comes back.
SPREADS = {"0": {}} | {
    f"halves in {rows}": {"cointegration": 0.02, "cointegration_half_life": rows} for rows in (10, 5, 3)
}
MOMENTUM, ILLIQUIDITY = sizes("momentum", 0.1, 0.2, 0.3), sizes("illiquidity", 0.01, 0.02, 0.04)
REGIMES = sizes("regimes", 0.5, 1.0, 1.5)
CASES = {
    "pair, a year": Planted(SPREADS, PAIRS, "pair", 10, 252),
    "pair, two years": Planted(SPREADS, PAIRS, "pair", 10, 504),
    "pair, traded": Planted(SPREADS, PAIRS, "pays", 10, 1260, {"name": "direct"}, "bar"),
    "momentum": Planted(MOMENTUM, {"name": "momentum", "lookback": 63}, "pays", 20, 1260, FIFTHS),
    "momentum, averages": Planted(MOMENTUM, {"name": "sma_cross"}, "pays", 20, 1260, FIFTHS),
    "momentum, learned": Planted(MOMENTUM, CLASSIFIER, "pays", 10, 1260, FIFTHS),
    "illiquidity": Planted(ILLIQUIDITY, {"name": "amihud_alpha"}, "pays", 100, 1260, TENTHS),
    "regime, learned": Planted(REGIMES, {"name": "hidden_markov_regime", "train": 504}, "state", 10, 1260),
    "regime, volatility": Planted(REGIMES, {"name": "volatility_regime", "quantile": 0.5}, "state", 10, 1260),
}


@dataclass(frozen=True)
class Found:
    """Whether an effect was found on one seed, and a figure that tells more."""

    found: bool
    figure: float


def pair(case: Planted, size: str, seed: int) -> Found:
    """Tell whether the pair passes the screen; the figure is how many others do."""
    signal = trials.strategy_of(case.signal, {"name": "direct"}).signal
    spreads = signal.fit(case.market(size, seed)).legs  # type: ignore[attr-defined]
    passing = [set(legs["symbol"]) for _, legs in spreads.groupby("spread")]
    return Found(PAIR in passing, float(sum(each != PAIR for each in passing)))


def pays(case: Planted, size: str, seed: int) -> Found:
    """Tell whether the Sharpe ratio, which is the figure, is above what luck gives in one of twenty cases."""
    strategy = trials.strategy_of(case.signal, case.allocation, case.every)
    sharpe, years = trials.sharpe_and_years(strategy, case.market(size, seed))
    return Found(years > 0 and sharpe > ONE_SIDED / math.sqrt(years), 0.0 if math.isnan(sharpe) else sharpe)


def state(case: Planted, size: str, seed: int) -> Found:
    """Tell whether calm and turbulent rows are told; the figure is the mean share that is right."""
    from quantstrats.market.sources.draws import turbulence

    market = case.market(size, seed)
    turbulent = turbulence(seed, len(market), 1.0, LENGTH) > 1.0
    forecast = trials.strategy_of(case.signal, {"name": "direct"}).forecast(market).mean(axis=1).to_numpy()
    told = np.isfinite(forecast)
    shares = [float(right[told & of].mean()) for of, right in ((~turbulent, forecast > 0), (turbulent, forecast < 0))]
    return Found(min(shares) > RIGHT, sum(shares) / 2)


RULES: dict[str, tuple[Callable[[Planted, str, int], Found], str]] = {
    "pair": (pair, "others"),
    "pays": (pays, "Sharpe ratio"),
    "state": (state, "rows right"),
}


def looked_for(job: tuple[str, str, int]) -> Found:
    """Return what one signal found on one seed."""
    name, size, seed = job
    case = CASES[name]
    return RULES[case.rule][0](case, size, seed)


def interval(found: int, of: int) -> tuple[float, float]:
    """Return the exact 95% interval of a share."""
    from scipy.stats import binomtest

    told = binomtest(found, of).proportion_ci(0.95, "exact")
    return float(told.low), float(told.high)


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    given = trials.options(__doc__).parse_args(arguments)
    names = trials.names_of(given.only, CASES)
    jobs = [(name, size, seed) for name in names for size in CASES[name].sizes for seed in given.seeds]
    results = trials.in_processes(looked_for, jobs, given.processes)
    print(f"Planted truth, before costs, seeds {given.seeds[0]} to {given.seeds[-1]} ({len(given.seeds)})\n")
    print("| planted | size | looked for by | rule | found | 95% interval | mean figure |")
    print("|---|---:|---|---|---:|---:|---:|")
    for name in names:
        case = CASES[name]
        for size in case.sizes:
            told = [next(results) for _ in given.seeds]
            found = sum(each.found for each in told)
            low, high = interval(found, len(told))
            figure = np.mean([each.figure for each in told])
            print(
                f"| {name} | {size} | {case.signal['name']} | {case.rule} | {found / len(told):.0%} "
                f"| {low:.0%} to {high:.0%} | {RULES[case.rule][1]} {figure:.2f} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
