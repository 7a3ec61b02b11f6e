"""How long a screen of all pairs takes against statsmodels: ``python backtests/benchmarks/pairs_screen.py``.

The series are random walks with a common part, some of them tied together. Every ordered pair is tested by
``pairs.engle_granger``; statsmodels' ``coint`` is timed on a sample of the same pairs, and its time for all of them is
extrapolated from that. Both in one process on one thread, ours after a first call on a few series that loads what numba
has compiled. Statistics and p-values of the sample are compared.
"""

from __future__ import annotations

import argparse
import os
import resource
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before numpy is loaded

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from quantstrats import pairs  # noqa: E402

GOAL, SAME = 400.0, 1e-12  # x statsmodels; the largest difference of p-values


def tied_walks(symbols: int, rows: int, seed: int = 0) -> pd.DataFrame:
    """Return log prices of random walks, of which one in ten is tied to the one before it."""
    rng = np.random.default_rng(seed)
    values = 3.0 + (rng.normal(0, 0.02, (rows, symbols)) + rng.normal(0, 0.01, (rows, 1))).cumsum(axis=0)
    for place in range(1, symbols, 10):
        values[:, place] = rng.uniform(0.5, 1.5) * values[:, place - 1] + rng.normal(0, 0.02, rows)
    return pd.DataFrame(values, columns=[f"S{number:03d}" for number in range(symbols)])


def seconds_of_ours(series: pd.DataFrame, rounds: int) -> tuple[float, pd.DataFrame]:
    """Return the shortest of several times for all pairs, and what was found."""
    pairs.engle_granger(series.iloc[:, :3])
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        found = pairs.engle_granger(series)
        times.append(time.perf_counter() - began)
    return min(times), found


def seconds_of_statsmodels(series: pd.DataFrame, sample: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """Return the time for the pairs of a sample, and what was found."""
    from statsmodels.tsa.stattools import coint

    columns = {name: series[name].to_numpy() for name in series}
    coint(columns[sample["dependent"].iloc[0]], columns[sample["regressor"].iloc[0]])
    began = time.perf_counter()
    found = [
        coint(columns[one], columns[other])[:2]
        for one, other in zip(sample["dependent"], sample["regressor"], strict=True)
    ]
    return time.perf_counter() - began, pd.DataFrame(found, index=sample.index, columns=["statistic", "p_value"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=450)
    parser.add_argument("--rows", type=int, nargs="+", default=[252, 1260])
    parser.add_argument("--sample", type=int, default=200, help="pairs on which statsmodels is timed")
    parser.add_argument("--rounds", type=int, default=3, help="of ours; statsmodels is timed once")
    asked = parser.parse_args()
    for rows in asked.rows:
        series = tied_walks(asked.symbols, rows)
        ours, found = seconds_of_ours(series, asked.rounds)
        sample = found.iloc[np.random.default_rng(1).permutation(len(found))[: asked.sample]]
        spent, expected = seconds_of_statsmodels(series, sample)
        theirs = spent / len(sample) * len(found)
        differ = (sample[["statistic", "p_value"]] - expected).abs().max()
        reached = "reached" if theirs / ours >= GOAL and differ["p_value"] <= SAME else "not reached"
        print(f"{asked.symbols} series x {rows:,} rows, {len(found):,} ordered pairs, one thread")
        print(f"  statsmodels coint   {theirs:>10.2f} s, extrapolated from {len(sample)} pairs in {spent:.2f} s")
        print(f"  pairs.engle_granger {ours:>10.2f} s, {1e6 * ours / len(found):.1f} us a pair")
        print(
            f"  ratio               {theirs / ours:>10.0f}   (goal: {GOAL:g} with p-values within {SAME:g}, {reached})"
        )
        print(
            f"  largest difference of the statistic {differ['statistic']:.1e}, of the p-value {differ['p_value']:.1e}"
        )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0:,.0f} MB")


if __name__ == "__main__":
    main()
