"""Whether models learn what is there, and nothing else: ``python backtests/benchmarks/models_on_patterns.py``.

Each model learns from 500 rows and is asked about 500 others, for each seed (1 to 50, fixed beforehand). On a planted
pattern it must be right more often than a coin, by more than 3 standard errors; on noise it must not. The standard
error is that of a coin, 0.5 / sqrt(rows of all seeds): what a model without skill has, whatever it says. ``spread`` is
the standard error of the mean as the seeds show it.

The patterns, on which nobody can be right more often than ``possible``:

- tables (rows x features): the log-odds are x0 + 1.2 sign(x1 x2), of 5 normal features. The first part is linear, the
  second has no line, and no feature of it tells anything by itself.
- sequences (rows x steps x features), for networks that read steps in their order: in 3 rows of 4 the class is the sign
  that the first of 2 normal features had 3 steps before the present, of 8 steps.

Noise is the same features with labels of a coin. The parameters are the models' own, but for the networks that read
steps and the forest in the stack, which are smaller for the time that they take. The exit code is 1 if any model fails.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quantstrats import models
from quantstrats.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Data = tuple[NDArray[np.float64], NDArray[np.float64]]

SEEDS = range(1, 51)
ROWS = 500  # to learn from, and as many to be asked about
ERRORS = 3.0  # standard errors between luck and skill
SHORT = {"learning_rate": 0.01, "epochs": 40}
PARAMETERS = {
    "cnn": SHORT,
    "cnn_lstm": {"filters": (16,), "hidden": 16, **SHORT},
    "lstm": {"hidden": 16, **SHORT},
    "tcn": {"filters": (16, 16), **SHORT},
}
SEQUENTIAL = tuple(PARAMETERS)  # what reads steps in their order


def table(rows: int, rng: np.random.Generator) -> Data:
    """Return features and labels with a linear part and one that no line separates."""
    inputs = rng.normal(size=(rows, 5))
    odds = inputs[:, 0] + 1.2 * np.sign(inputs[:, 1] * inputs[:, 2])
    return inputs, np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), 1.0, -1.0)


def sequence(rows: int, rng: np.random.Generator) -> Data:
    """Return steps of features, and labels that say what the first feature did three steps ago."""
    inputs = rng.normal(size=(rows, 8, 2))
    truth = np.sign(inputs[:, -4, 0])
    return inputs, np.where(rng.random(rows) < 0.75, truth, -truth)


@dataclass(frozen=True)
class Pattern:
    """A planted pattern.

    Attributes
    ----------
    draw : callable
        Gives rows from a generator of random numbers.
    possible : float
        How often one who knew the pattern would be right.
    """

    draw: Callable[[int, np.random.Generator], Data]
    possible: float


TABLE, SEQUENCE = Pattern(table, 0.757), Pattern(sequence, 0.75)


def case(name: str, seed: int) -> models.Model:
    """Return a model: by its name, or one that is made of others."""
    if name == "calibrated":
        return models.Calibrated(models.XGBoost(seed=seed))
    if name == "stacked":
        below = (models.RandomForest(n_estimators=50, seed=seed), models.XGBoost(seed=seed))
        return models.Stacked(below)
    return models.make(name, seed=seed, **PARAMETERS.get(name, {}))


def shares_right(name: str, pattern: Pattern, seeds: range, noise: bool) -> list[float]:
    """Return for each seed how often the model is right about rows that it did not learn from."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng([seed, noise])
        inputs, labels = pattern.draw(2 * ROWS, rng)
        if noise:
            labels = rng.choice([-1.0, 1.0], size=2 * ROWS)
        fitted = case(name, seed).fit(inputs[:ROWS], labels[:ROWS])
        found.append(float((fitted.predict(inputs[ROWS:]) == labels[ROWS:]).mean()))
    return found


def errors_above_coin(right: list[float]) -> float:
    """Return by how many standard errors of a coin the mean is above that of a coin."""
    return (float(np.mean(right)) - 0.5) / (0.5 / math.sqrt(len(right) * ROWS))


def line(name: str, seeds: range) -> tuple[str, bool]:
    """Return the line of a model, and whether it does what it should."""
    pattern = SEQUENCE if name in SEQUENTIAL else TABLE
    begun = time.perf_counter()
    cells, fine = [f"{name:<24}{pattern.possible:>9.1%}"], True
    for noise in (False, True):
        right = shares_right(name, pattern, seeds, noise)
        above = errors_above_coin(right)
        spread = float(np.std(right, ddof=1)) / np.sqrt(len(right)) if len(right) > 1 else float("nan")
        fine &= (above < ERRORS) if noise else (above > ERRORS)
        cells.append(f"{np.mean(right):>8.1%}{spread:>6.2%}{above:>6.1f}")
    return "".join(cells) + f"{time.perf_counter() - begun:>6.0f}", fine


def main() -> int:
    """Print the table; return 1 if any model fails."""
    known = (*models.NAMES, "calibrated", "stacked")
    options = argparse.ArgumentParser(description="Whether models learn what is there, and nothing else.")
    options.add_argument("--seeds", type=int, default=len(SEEDS), help="how many, from 1 on")
    options.add_argument("--models", default=",".join(known), help="names, separated by commas")
    given = options.parse_args()
    names = given.models.split(",")
    if not 1 <= given.seeds <= len(SEEDS) or not set(names) <= set(known):
        options.error(f"give 1 to {len(SEEDS)} seeds, and models among {', '.join(known)}")
    print(f"{ROWS} rows learned and {ROWS} asked, seeds 1 to {given.seeds}; z: standard errors above a coin")
    print(f"{'':<33}{'pattern':^20}{'noise':^20}")
    print(f"{'model':<24}{'possible':>9}" + f"{'right':>8}{'+-':>6}{'z':>6}" * 2 + f"{'s':>6}")
    failed = []
    for name in names:
        try:
            told, fine = line(name, SEEDS[: given.seeds])
        except ConfigError as missing:
            told, fine = f"{name:<24}skipped: {missing}", True
        print(told, flush=True)
        failed += [] if fine else [name]
    print(
        f"failed: {', '.join(failed)}" if failed else f"all have z > {ERRORS:g} on patterns and z < {ERRORS:g} on noise"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
