"""What each signal that ships earned on real bars: ``python backtests/campaigns/real_data.py``.

Parameters are the defaults or those of the shipped configurations, chosen before the first run and not after it;
what differs (fewer training rows, so that something of the ten years is left to trade; other parts) stands beside the
name. Orders fill at the next open, at 10 basis points of commission and 5 of slippage. Figures are of the bars from
the first possible opinion on, held or not, with the 95% interval of the Sharpe ratio (stationary bootstrap, Politis and
Romano 1994); the benchmark holds the same symbols in equal weights over the same bars, and the difference to it is
paired, drawn from both at once. Each run has a process of its own, in which it
learns everything anew: time is that of the whole run with the sampled guard, memory the peak of the process.

Bars beyond what ships are read from ``$QUANTSTRATS_TEST_DATA``; without it their rows are left out. docs/campaigns.md
has what was printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trials

FOLDER = "QUANTSTRATS_TEST_DATA"
YEAR = 252.0  # sessions
STOCKS = "AAPL,AMD,BAC,BBY,CVX,GE,HD,JNJ,JPM,KO,LLY,MRK,MSFT,PEP,PFE,PG,RRC,UNH,WMT,XOM"
HINDSIGHT = """\
**Read this first.** The 453 names are the S&P 500 of March 2017, traded from 2007 on: nobody could have known that
list, and what failed before 2017 is not in it. The 20 stocks and the 75 small ones were chosen with hindsight too. So
what is long earns too much on them, above all what buys the small and the beaten, and no interval below knows of that.
Dividends are in the prices from 2011 on alone. An index cannot be bought. SPY, TLT and GLD are spared all this but the
dividends: three large funds that were well known in 2007.
"""
HEAD = (
    "signal",
    "data",
    "span",
    "a year",
    "Sharpe ratio (95%)",
    "benchmark's",
    "less that (95%)",
    "deepest loss",
    "turnover a year",
    "trades",
    "time",
    "memory",
)


@dataclass(frozen=True)
class Case:
    """One signal on one set of bars.

    Attributes
    ----------
    signal : dict
        Name and parameters.
    data : str
        A key of :func:`bars`.
    allocation : dict
        Name and parameters.
    blocks : dict
        Other blocks of the configuration.
    note : str
        What is not as it ships.
    """

    signal: dict[str, Any]
    data: str
    allocation: dict[str, Any] = field(default_factory=lambda: {"name": "long_short"})
    blocks: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def bars(name: str) -> dict[str, Any]:
    """Return the data block of a name; empty where the bars are not at hand."""
    shipped = {"NASDAQ": "NASDAQ", "20 stocks": STOCKS}
    if name in shipped:
        return {"source": "sample", "symbols": shipped[name].split(",")}
    if not os.environ.get(FOLDER):
        return {}
    folder = Path(os.environ[FOLDER])
    files = {"453 names": "daily_sp500", "75 small": "daily_small_illiquid", "3 funds": "daily_etf", "SPY": "daily_etf"}
    symbols = {"3 funds": ["SPY", "TLT", "GLD"], "SPY": ["SPY"]}
    # What cannot be is taken out, bar by bar; large moves are left, as they may have been.
    block = {"source": "files", "path": str(folder / f"{files[name]}.parquet"), "repair": "drop"}
    if name not in symbols:
        return block
    # It is quoted for a quarter of an hour after the stocks' close.
    vix = {"source": "files", "path": str(folder / "vix_daily.parquet"), "symbol": "VIX", "delay": "15min"}
    return {**block, "symbols": symbols[name], "side": {"vix": vix}}


TREND, CROSS = {"name": "momentum", "lookback": 252, "skip": 21}, {"name": "sma_cross"}
META, ENSEMBLE = {"name": "meta_labelled", "primary": CROSS}, {"name": "ml_ensemble", "disagreement": 0.3}
FLAT, DIRECT = {"name": "long_flat"}, {"name": "direct"}
TENTHS = {"name": "top_quantile", "quantile": 0.1, "short": True}
TRADABLE = {"universe": {"min_price": 5}, "engine": {"cash": 1_000_000}}
WEIGHTS = {"schedule": {"every": "week", "rebalance": "all"}, "engine": {"cash": 1_000_000}}
WEEKLY = {"schedule": {"every": "week"}}
MONTHLY = {"schedule": {"every": "month", "rebalance": "all"}}
CASES = (
    Case({"name": "buy_and_hold"}, "3 funds", FLAT),
    Case({"name": "trend_classifier"}, "NASDAQ", FLAT),
    Case({"name": "trend_classifier"}, "3 funds", FLAT),
    Case(ENSEMBLE, "NASDAQ", FLAT, WEEKLY),
    Case(ENSEMBLE, "3 funds", FLAT, WEEKLY),
    Case(META, "NASDAQ", DIRECT, WEEKLY),
    Case(META, "3 funds", DIRECT, WEEKLY),
    Case({"name": "cointegration_pairs"}, "20 stocks", DIRECT),
    Case({"name": "cointegration_pairs"}, "453 names", DIRECT, blocks={"engine": {"cash": 1_000_000}}),
    Case({"name": "amihud_alpha"}, "453 names", TENTHS, blocks={**TRADABLE, **MONTHLY}),
    Case({"name": "amihud_alpha"}, "75 small", TENTHS, blocks={**TRADABLE, **MONTHLY}),
    Case(TREND, "20 stocks", {"name": "top_quantile", "quantile": 0.25}, blocks=MONTHLY),
    Case(TREND, "453 names", TENTHS, blocks={**TRADABLE, **MONTHLY}),
    Case({"name": "cluster_basket"}, "20 stocks", DIRECT, blocks=WEIGHTS),
    Case(
        {"name": "cluster_basket", "clusters": 11}, "453 names", DIRECT, blocks=WEIGHTS, note="11 clusters, as sectors"
    ),
    Case(CROSS, "3 funds"),
    Case({"name": "laguerre_cross"}, "3 funds"),
    Case({"name": "laguerre_line"}, "3 funds"),
    Case({"name": "laguerre_channel"}, "3 funds"),
    Case({"name": "bollinger_reversion"}, "3 funds"),
    Case({"name": "indicator_thresholds"}, "3 funds"),
    Case({"name": "anomaly_filter", "signal": CROSS}, "3 funds"),
    Case({"name": "anomaly_spike"}, "3 funds"),
    Case({"name": "cluster_distance"}, "3 funds"),
    Case({"name": "best_scored", "signal": CROSS, "top": 1}, "3 funds", note="the best one"),
    Case(
        {"name": "committee", "agents": [CROSS, "bollinger_reversion", "indicator_thresholds"]},
        "3 funds",
        note="3 agents",
    ),
    Case({"name": "policy_gradient"}, "3 funds"),
    Case(
        {"name": "regime_switch", "regime": {"name": "hidden_markov_regime", "train": 1000}, "calm": TREND},
        "3 funds",
        FLAT,
        WEEKLY,
        note="hidden_markov_regime on 1000 rows",
    ),
    Case(
        {"name": "regime_switch", "regime": "vix_regime", "calm": TREND},
        "3 funds",
        FLAT,
        WEEKLY,
        note="vix_regime, momentum while calm",
    ),
    Case(
        {"name": "regime_switch", "regime": "volatility_regime", "calm": TREND},
        "3 funds",
        FLAT,
        WEEKLY,
        note="volatility_regime, momentum while calm",
    ),
    Case(
        {"name": "risk_warning", "refit": "quarter"},
        "SPY",
        {"name": "direct", "cash_buffer": 0.05},
        note="each quarter",
    ),
)


def measured(case: Case) -> tuple[str, ...]:
    """Return the cells of a row: it is to be called once in a process."""
    import resource

    from quantstrats import Plugins
    from quantstrats.api import backtest_settings
    from quantstrats.learning.fits import Fits
    from quantstrats.research.bootstrap import paired_differences, sharpe_interval, statistics
    from quantstrats.settings.settings import settings_of

    began = time.perf_counter()
    config = {"data": bars(case.data), "signal": case.signal, "allocation": case.allocation, **case.blocks}
    settings, plugins = settings_of(config), Plugins.installed()
    run = backtest_settings(settings, plugins=plugins, fits=Fits())
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kibibytes on Linux
    name = case.signal["name"] + (f" ({case.note})" if case.note else "")
    signal, market = settings.signal.plugin("signal", plugins), settings.load(plugins)
    returns = trials.since_first_opinion(run.returns, signal, market)
    cost = f"{run.metrics['annual_turnover'] or 0:.1f}", f"{run.metrics['trades']:,}", f"{seconds:.0f} s"
    if len(returns) < YEAR:
        return name, case.data, "hardly an opinion", *["-"] * 5, *cost, f"{memory:.0f} MiB"
    told = {key: float(value[0]) for key, value in statistics(returns.to_numpy()[None, :], YEAR).items()}
    held = run.benchmark.reindex(returns.index).fillna(0.0)
    low, high = sharpe_interval(returns, periods_per_year=YEAR)
    apart = paired_differences(held, returns, periods_per_year=YEAR).table.loc["sharpe"]
    return (
        name,
        case.data,
        f"{returns.index[0].date()} to {returns.index[-1].date()}",
        f"{told['annual_return']:+.1%}",
        f"{told['sharpe']:.2f} ({low:.2f} to {high:.2f})",
        f"{float(statistics(held.to_numpy()[None, :], YEAR)['sharpe'][0]):.2f}",
        f"{apart['difference']:+.2f} ({apart['low']:+.2f} to {apart['high']:+.2f})",
        f"{told['max_drawdown']:.0%}",
        *cost,
        f"{memory:.0f} MiB",
    )


def alone(case: Case) -> tuple[str, ...]:
    """Return the cells of a row, out of a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measured, case).result()


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", metavar="NAME", help="one signal; may be given again")
    parser.add_argument("--data", action="append", metavar="DATA", help="one set of bars, as '3 funds'")
    given = parser.parse_args(arguments)
    known = [case.signal["name"] for case in CASES], [case.data for case in CASES]
    for option, names, choices in zip(("only", "data"), (given.only, given.data), known, strict=True):
        if unknown := sorted(set(names or ()) - set(choices)):
            parser.error(f"--{option} {unknown[0]!r}: there are {', '.join(dict.fromkeys(choices))}")
    print(HINDSIGHT)
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * 3}{'---:|' * (len(HEAD) - 3)}", flush=True)
    missing = set()
    for case in CASES:
        if (given.only and case.signal["name"] not in given.only) or (given.data and case.data not in given.data):
            continue
        if not bars(case.data):
            missing.add(case.data)
            continue
        print(f"| {' | '.join(alone(case))} |", flush=True)
    if missing:
        print(f"\nLeft out, as {FOLDER} is not set: {', '.join(sorted(missing))}.")
    print("\nnews_jump is not here: no scores of news with their instants of publication are at hand.")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
