"""Claims of return that circulate, beside what the nearest honest run gives: ``python backtests/campaigns/claims.py``.

None of the claims says over which time, at which costs, or after how many attempts. Here each strategy runs as it
ships, with parameters that were chosen before its first run, on all bars of ETH that
``$QUANTSTRATS_TEST_DATA/crypto_binance_2025.parquet`` has of the length. Decisions are filled at the next open, at 10
basis points of commission (what a taker pays) and 5 of slippage on each trade; the same without costs stands beside it.
The interval of the Sharpe ratio is that of a stationary bootstrap (Politis and Romano 1994) of the bars' net returns,
from the first possible opinion on.

The verdict follows a rule:

- reproduced: the net figure is at least what was claimed, and the interval of the net Sharpe ratio lies above zero;
- not reproduced: the net return is negative (no span of time makes a gain of it), or the claimed Sharpe ratio lies
  above the interval;
- cannot be judged: anything else, as the claim does not say what it is about.

Trials are the runs that the ledger counted, with and without costs, and what was searched within them. docs/claims.md
has what was printed.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trials

from quantstrats import Costs, Plugins, Run, backtest, load_market
from quantstrats.learning.fits import Fits
from quantstrats.making import made
from quantstrats.research.bootstrap import sharpe_interval
from quantstrats.runs.ledger import Ledger

if TYPE_CHECKING:
    from quantstrats import Market

BARS = {"5m": "5min", "15m": "15min", "1h": "1h", "4h": "4h"}
COSTS = Costs(commission_bps=10.0, slippage_bps=5.0)
FREE = Costs(commission_bps=0.0, slippage_bps=0.0)


@dataclass(frozen=True)
class Claim:
    """What was said, and the runs that come nearest to it.

    Attributes
    ----------
    said : str
        As it circulates.
    signal : dict
        Name and parameters.
    lengths : tuple of str
        Of bars: the claim's own first, where it has one.
    allocators : tuple of str
        ``long_flat``, ``long_short``.
    sharpe : float, optional
        The Sharpe ratio that was claimed.
    gain : float, optional
        The total return that was claimed, as a fraction.
    """

    said: str
    signal: dict[str, Any]
    lengths: tuple[str, ...]
    allocators: tuple[str, ...] = ("long_flat", "long_short")
    sharpe: float | None = None
    gain: float | None = None


# Neutral is a move over ten bars that would not pay for getting in and out: 2 x 15 basis points.
CLASSIFIER = {"name": "trend_classifier", "threshold": 0.003, "refit": "week", "train": 2016}
CLAIMS = (
    Claim(
        "Laguerre cross 0.2/0.8 on ETH, 5 minutes: Sharpe 1.93, win rate 62%, drawdown -4.6%",
        {"name": "laguerre_cross", "fast": 0.2, "slow": 0.8},
        ("5m", "15m", "1h", "4h"),
        sharpe=1.93,
    ),
    Claim(
        "An indicator strategy with stop and target on ETH: +8,787%",
        {"name": "indicator_thresholds"},
        ("15m", "1h", "4h"),
        gain=87.87,
    ),
    Claim(
        "A classifier of long, short and neutral on ETH, 15 minutes: +3,000%, +9,800%, +66,941%",
        CLASSIFIER,
        ("15m",),
        gain=30.0,
    ),
)


@dataclass(frozen=True)
class Found:
    """What one pair of runs gave, with costs and without."""

    length: str
    allocator: str
    net: Run
    gross: Run
    low: float
    high: float


@dataclass
class Table:
    """Lines of a Markdown table."""

    lines: list[str] = field(default_factory=list)

    def head(self, *titles: str) -> None:
        self.row(*titles)
        self.lines.append("|" + "|".join("---" if number < 2 else "---:" for number in range(len(titles))) + "|")

    def row(self, *cells: str) -> None:
        self.lines.append(f"| {' | '.join(cells)} |")


def bars_of(length: str) -> Market:
    """Return all bars of ETH that have this length."""
    folder = os.environ.get("QUANTSTRATS_TEST_DATA")
    if not folder:
        sys.exit("error: set QUANTSTRATS_TEST_DATA to the folder that has crypto_binance_2025.parquet")
    return load_market(
        "files",
        ["ETHUSDT"],
        path=Path(folder) / "crypto_binance_2025.parquet",
        where={"timeframe": length},
        calendar="24/7",
        bar=BARS[length],
        time_zone="UTC",
    )


def ran(claim: Claim, length: str, allocator: str, plugins: Plugins) -> Found:
    """Run a claim's strategy with costs and without."""
    market, fits = bars_of(length), Fits()
    net, gross = (
        backtest(claim.signal, market, allocator=allocator, costs=costs, fractional=True, plugins=plugins, fits=fits)
        for costs in (COSTS, FREE)
    )
    signal = made("signal", claim.signal, plugins)
    returns = trials.since_first_opinion(net.returns, signal, market)
    interval = sharpe_interval(returns, periods_per_year=market.bars_per_year)
    return Found(length, allocator, net, gross, *interval)


def verdict(claim: Claim, found: Found) -> str:
    """Return what the rule says."""
    gain, sharpe = found.net.metrics["total_return"], found.net.metrics["sharpe"]
    reached = sharpe >= claim.sharpe if claim.sharpe is not None else gain >= (claim.gain or math.inf)
    if reached and found.low > 0.0:
        return "reproduced"
    if gain < 0.0 or (claim.sharpe is not None and claim.sharpe > found.high):
        return "not reproduced"
    return "cannot be judged"


def told(claim: Claim, found: Found) -> tuple[str, ...]:
    """Return the cells of a row."""
    metrics = found.net.metrics
    return (
        f"{found.length}, {found.allocator}",
        f"{metrics['start']:.10} to {metrics['end']:.10}",
        f"{metrics['total_return']:+.1%}",
        f"{found.gross.metrics['total_return']:+.1%}",
        f"{metrics['benchmark_total_return']:+.1%}",
        f"{metrics['sharpe']:.2f} ({found.low:.1f} to {found.high:.1f})",
        f"{metrics['win_rate']:.0%}",
        f"{metrics['max_drawdown']:.1%}",
        f"{metrics['trades']:,}",
        verdict(claim, found),
    )


def main(plugins: Plugins | None = None) -> None:
    """Print a table for each claim."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lengths", default=",".join(BARS), help="of bars, with commas (default: %(default)s)")
    lengths = parser.parse_args().lengths.split(",")
    if unknown := sorted(set(lengths) - set(BARS)):
        parser.error(f"--lengths {unknown[0]!r}: there are {', '.join(BARS)}")
    plugins = plugins or Plugins.installed()
    before = Ledger().count()
    for claim in CLAIMS:
        began, table = Ledger().count(), Table()
        table.head(
            "bars", "span", "net", "without costs", "held", "net Sharpe", "trades won", "drawdown", "trades", "verdict"
        )
        for length in (length for length in claim.lengths if length in lengths):
            for allocator in claim.allocators:
                table.row(*told(claim, ran(claim, length, allocator, plugins)))
        print(f"### {claim.said}\n\n" + "\n".join(table.lines))
        print(f"\nTrials: {Ledger().count() - began}.\n", flush=True)
    print(f"Trials in all: {Ledger().count() - before}.")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
