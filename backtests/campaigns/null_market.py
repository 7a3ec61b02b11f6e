"""What each signal earns where nothing can be earned: ``python backtests/campaigns/null_market.py --seeds 1-50``.

On the null market (source ``synthetic``, nothing planted) each price is expected to be the one before, whatever went
before. So a forecast that knows no future has an expected return of zero before costs, whether it buys, sells or
waits, and one that earns knows what it must not know. Each signal that ships runs out of sample on the same seeds,
fixed beforehand. The table has the mean over seeds of the annual Sharpe ratio before costs, its standard error, and
the bound of 3 standard errors above zero; above it a signal fails, and the exit code is 1. About one campaign in thirty
would have such a failure by luck alone.

The standard error is that of the seeds, from ten seeds on. Of fewer it is that of the definition: a Sharpe ratio of
zero, measured over so many years, has a variance of 1 / years (Lo 2002, "The Statistics of Sharpe Ratios", Financial
Analysts Journal 58(4)). A seed on which nothing was held counts as zero.
"""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import trials

from quantstrats import Market, SideSeries, load_market

BOUND = 3.0  # standard errors
ENOUGH = 10  # seeds from which on their spread is a standard error
LONG_SHORT, DIRECT = {"name": "long_short"}, {"name": "direct"}
SPREAD = {"name": "top_quantile", "quantile": 0.2, "short": True}
YEAR = {"train": 252}  # the learners' own default is two or three years, of which a short market has none left
TREND = {"name": "momentum", "lookback": 63}
HIDDEN = {"name": "hidden_markov_regime", **YEAR}


@dataclass(frozen=True)
class Case:
    """How a signal runs.

    Attributes
    ----------
    settings : dict
        Its parameters, where they are not the defaults.
    allocation : dict
        Name and parameters of the allocator.
    count, bars : int
        Symbols and rows of the market.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    allocation: dict[str, Any] = field(default_factory=lambda: LONG_SHORT)
    count: int = 6
    bars: int = 1260


CASES = {
    "amihud_alpha": Case(allocation=SPREAD, count=20),
    "anomaly_filter": Case({"signal": TREND}),
    "anomaly_spike": Case(YEAR),
    "best_scored": Case({"signal": TREND, "top": 2}),
    "bollinger_reversion": Case(),
    "buy_and_hold": Case(allocation={"name": "long_flat"}),
    "cluster_basket": Case(YEAR, DIRECT, count=12),
    "cluster_distance": Case(YEAR),
    # Of some thousand random pairs that pass without any control, enough are traded to judge them.
    "cointegration_pairs": Case({"control": "none"}, DIRECT, count=10),
    "committee": Case({"agents": [TREND, "laguerre_cross", "bollinger_reversion"]}),
    "hidden_markov_regime": Case(YEAR),
    "indicator_thresholds": Case(),
    "laguerre_channel": Case(),
    "laguerre_cross": Case(),
    "laguerre_line": Case(),
    "meta_labelled": Case({"primary": TREND, **YEAR}, count=4),
    "ml_ensemble": Case({"confidence": 0.0, **YEAR}, count=3),
    "momentum": Case(allocation=SPREAD, count=20),
    "news_jump": Case({"deviations": 1.0}),
    "policy_gradient": Case(YEAR, count=4),
    "regime_switch": Case({"regime": HIDDEN, "calm": TREND}),
    "risk_warning": Case(YEAR, DIRECT),
    "sma_cross": Case(),
    "trend_classifier": Case(YEAR, count=3),
    "vix_regime": Case(),
    "volatility_regime": Case(),
}


def market_of(case: Case, seed: int) -> Market:
    """Return a null market, with an index of fear that is the volatility so far, and news that is none."""
    market = load_market("synthetic", seed=seed, count=case.count, bars=case.bars)
    volatility = market.close.pct_change(fill_method=None).mean(axis=1).rolling(21).std()
    rank = volatility.expanding().rank(pct=True).fillna(0.5)
    rng = np.random.default_rng(seed)
    shape = (len(market), case.count)
    scores = pd.DataFrame(rng.normal(size=shape) * (rng.random(shape) < 0.4), market.index, market.symbols)
    known = market.decided_at
    return market.with_side({"vix": SideSeries(15 + 20 * rank, known), "news": SideSeries(scores, known)})


def measured(job: tuple[str, Case, int]) -> tuple[float, float]:
    """Return the Sharpe ratio before costs of one signal on one seed, and of how many years it is."""
    name, case, seed = job
    strategy = trials.strategy_of({"name": name, **case.settings}, case.allocation)
    return trials.sharpe_and_years(strategy, market_of(case, seed))


def judged(found: list[tuple[float, float]]) -> dict[str, float | bool | int]:
    """Return the figures of one signal over the seeds, and whether it passes."""
    sharpes, years = np.array(found).T
    idle = int(np.isnan(sharpes).sum())
    sharpes = np.nan_to_num(sharpes)
    if len(sharpes) >= ENOUGH:
        error = float(sharpes.std(ddof=1)) / math.sqrt(len(sharpes))
    else:
        error = 1.0 / math.sqrt(years.sum()) if years.sum() else math.nan
    mean = float(sharpes.mean())
    return {"mean": mean, "error": error, "bound": BOUND * error, "idle": idle, "passes": not mean > BOUND * error}


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 where a signal earns what nobody can."""
    given = trials.options(__doc__).parse_args(arguments)
    names = given.only or list(CASES)
    # What is not in the table, as a file with a signal, runs as most do.
    jobs = [(name, CASES.get(name, Case()), seed) for name in names for seed in given.seeds]
    results = trials.in_processes(measured, jobs, given.processes)
    print(f"The null market, before costs, seeds {given.seeds[0]} to {given.seeds[-1]} ({len(given.seeds)})\n")
    print("| signal | mean Sharpe ratio | standard error | bound | seeds without a position | verdict |")
    print("|---|---:|---:|---:|---:|---|")
    passes = True
    for name in names:
        told = judged([next(results) for _ in given.seeds])
        passes = passes and bool(told["passes"])
        verdict = "passes" if told["passes"] else "**fails**"
        print(
            f"| {name} | {told['mean']:+.3f} | {told['error']:.3f} | {told['bound']:.3f} | {told['idle']} "
            f"| {verdict} |",
            flush=True,
        )
    return 0 if passes else 1


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
