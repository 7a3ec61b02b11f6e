"""Interrupt processes that fit and keep what they learned, start them again, and count what had to be fitted twice.

    python tests/harm/interrupt_while_fitting.py SCRATCH_FOLDER --rounds 20 --seed 1

A round begins with an empty cache. Children walk a slow learner forward until SIGINT or SIGKILL comes after a random
time; the next child goes on, until one gets through. Each may lose the fit that it was at, no more. At the end of each
round two children start at once on another empty cache. What was found is printed as JSON; a broken promise ends with
an exception.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from quantstrats import Learner, Market, Signal
from quantstrats.atomic import clear_leftovers, is_leftover_name
from quantstrats.evaluation import evaluate
from quantstrats.learning.fits import Fits

SECONDS = 0.02  # that one fit takes
INTERRUPTED = 130


@dataclass(frozen=True)
class Level(Signal):
    """The close above a level; with a table, so that writing takes a while."""

    name = "level"
    level: float
    table: np.ndarray

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close - self.level


@dataclass(frozen=True)
class Slow(Learner):
    """Notes each fit that it begins."""

    name = "slow"
    notes: Path = Path()

    def warmup(self):
        return 1

    def fit(self, market):
        with self.notes.open("a") as notes:
            notes.write(f"{market.index[-1].date()}\n")
        time.sleep(SECONDS)
        return Level(float(market.close.mean().mean()), np.full((300, 1000), market.close.iloc[-1, 0]))


def bars() -> Market:
    """Return bars on which a weekly learner is fitted ten times."""
    index = pd.bdate_range("2015-04-06", "2015-06-26").drop(pd.Timestamp("2015-05-25"))
    return Market.from_frames(close=pd.DataFrame({"A": np.arange(10.0, 10.0 + len(index))}, index=index))


def started(learner: Slow) -> int:
    """Count the fits that were begun."""
    return len(learner.notes.read_text().splitlines()) if learner.notes.exists() else 0


def begin(learner: Slow, market: Market, folder: Path, expected: pd.DataFrame) -> int:
    """Start a child and return its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            fits = Fits(folder)
            if evaluate(learner, market, fits=fits).equals(expected) and not fits.notes:
                code = 0
        except KeyboardInterrupt:
            code = INTERRUPTED
        finally:
            os._exit(code)
    return child


def stored(folder: Path) -> int:
    """Count the fits that are kept; hidden files are only such as somebody clears."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    hidden = [path for path in files if path.name.startswith(".")]
    if not all(is_leftover_name(path.name) for path in hidden):
        raise AssertionError(f"one of {hidden} is hidden, and nobody clears it")
    return len(files) - len(hidden)


def wait_for_writing(child: int, learner: Slow, number: int, rng: random.Random) -> None:
    """Wait until the fit of this number is about to be written, or the child has ended."""
    while started(learner) < number and not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        time.sleep(SECONDS / 50)
    time.sleep(SECONDS * rng.uniform(0.9, 3.0))


def go_through(learner: Slow, market: Market, folder: Path, expected: pd.DataFrame, rng: random.Random) -> dict:
    """Interrupt children until one gets through; return how often, and at what."""
    found: collections.Counter[str] = collections.Counter()
    needed = len(expected.dropna()["A"].resample("W").last())
    while True:
        kept_before, begun_before = stored(folder), started(learner)
        with_what = rng.choice([signal.SIGINT, signal.SIGKILL])
        child = begin(learner, market, folder, expected)
        if rng.random() < 0.5:
            time.sleep(rng.uniform(0.0, needed * SECONDS))
        else:
            wait_for_writing(child, learner, begun_before + rng.randint(1, 4), rng)
        os.kill(child, with_what)
        _, status = os.waitpid(child, 0)
        kept, begun = stored(folder), started(learner) - begun_before
        lost = begun - (kept - kept_before)
        if lost not in (0, 1):
            raise AssertionError(f"{lost} fits were lost")
        left = clear_leftovers(folder)
        if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == INTERRUPTED:
            found["interrupted"] += 1
            found[f"by {signal.Signals(with_what).name}"] += 1
            found["with a fit lost"] += lost
            found["while a fit was written"] += bool(left)
            if left and with_what == signal.SIGINT:
                raise AssertionError(f"{left} is left after an interrupt")
        elif os.WEXITSTATUS(status) != 0:
            raise AssertionError("a child failed, or its forecast is another one")
        else:
            break
    if started(learner) != needed + found["with a fit lost"] or stored(folder) != needed:
        raise AssertionError(f"{started(learner)} fits were begun and {stored(folder)} kept of {needed}")
    return found


def together(learner: Slow, market: Market, folder: Path, expected: pd.DataFrame) -> None:
    """Let two children fill one cache at once."""
    children = [begin(learner, market, folder, expected) for _ in range(2)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if codes != [0, 0] or clear_leftovers(folder):
        raise AssertionError(f"two at once ended with {codes}")
    before = started(learner)
    _, status = os.waitpid(begin(learner, market, folder, expected), 0)
    if status != 0 or started(learner) != before:
        raise AssertionError("what two wrote at once cannot be used")


def campaign(scratch: Path, rounds: int, seed: int) -> dict[str, object]:
    """Run so many rounds and return what was found."""
    rng, market = random.Random(seed), bars()
    found: collections.Counter[str] = collections.Counter()
    expected = evaluate(Slow(refit="week", train=5, notes=scratch / "expected"), market, fits=Fits())
    for number in range(rounds):
        folder = scratch / f"fits-{number}"
        folder.mkdir()
        # The place of its notes is a field, so that each round has fits of its own.
        learner = Slow(refit="week", train=5, notes=scratch / f"notes-{number}")
        found.update(go_through(learner, market, folder, expected, rng))
        shutil.rmtree(folder)
        together(Slow(refit="week", train=5, notes=scratch / f"both-{number}"), market, folder, expected)
        shutil.rmtree(folder)
    return {"rounds": rounds, "seed": seed, **dict(sorted(found.items()))}


def main() -> None:
    """Read the command line, run the campaign and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True)
    sys.stdout.write(f"{json.dumps(campaign(arguments.scratch, arguments.rounds, arguments.seed))}\n")


if __name__ == "__main__":
    main()
