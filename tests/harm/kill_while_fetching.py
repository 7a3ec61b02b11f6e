"""Kill processes that fetch bars into one cache, and look at what is left.

    python tests/harm/kill_while_fetching.py SCRATCH_FOLDER --kills 300 --seed 1 --least 50

Every child does the same work in the same cache, until SIGKILL comes after a random time: it fetches longer and longer
spans of some symbols from a vendor in its own process, which splits them again and again, so that files are written,
extended, kept aside and replaced. Two of three children are let go on until they write a file, and are killed a moment
later. After each kill every file of the cache must be whole and have exactly the vendor's bars on the span that it
covers, before the split or after it. After some, a fetch must complete what lacks. What was found is printed as JSON:
how many kills landed while a file was written, and how many whole files were there by then. A broken promise ends with
an exception. A campaign shows nothing unless kills land while files are written: where fewer than ``--least`` do, it
ends with a line that says so, and exit code 1. About three kills of five land there.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import functools
import itertools
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd

from quantstrats.atomic import is_leftover_name
from quantstrats.market.cache.barfile import read_bars
from quantstrats.market.cache.cache import BarCache
from quantstrats.market.cache.update import fetch
from quantstrats.market.calendar import Calendar

# The vendor of the cache's own tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "market" / "cache"))
from fake_vendor import END, FakeSource, Vendor, book_on, within

SYMBOLS = ("AAA", "BBB", "BTC/USD", "^VIX")
SPLITS = (1.0, 0.5)
LASTS = (date(2010, 6, 30), date(2016, 6, 30), date(2020, 6, 30), date(2024, 2, 29))
RERUN_EVERY = 5  # kills; in between, children find what others left

SESSIONS = Calendar("XNYS").sessions(pd.Timestamp("2004-01-02"), pd.Timestamp("2024-02-29")).as_unit("ns")
BOOKS = {symbol: book_on(SESSIONS, seed) for seed, symbol in enumerate(SYMBOLS)}


def vendor_after(split: float) -> FakeSource:
    """Return a source whose prices and volumes are adjusted for a split."""
    factors = [split, split, split, split, 1.0 / split]
    return FakeSource(vendor=Vendor({symbol: book * factors for symbol, book in BOOKS.items()}))


VENDORS = {split: vendor_after(split) for split in SPLITS}


@functools.cache
def book_within(split: float, symbol: str, first: date | None, last: date) -> pd.DataFrame:
    """Return a vendor's bars of a span."""
    return within(VENDORS[split].vendor.books[symbol], first, last)


def work(cache: BarCache, splits: Sequence[float]) -> None:
    """Fetch until killed."""
    for split in itertools.cycle(splits):
        for last in LASTS:
            fetch(VENDORS[split], SYMBOLS, None, last, cache=cache, now=END)
        fetch(VENDORS[split], SYMBOLS, cache=cache, now=END, refresh=True)


def kill_one(cache: BarCache, splits: Sequence[float], delay: float, moment: float | None) -> None:
    """Let a child work for ``delay`` seconds and kill it; with a moment, that long after it is next seen writing."""
    left = hidden(cache)
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            work(cache, splits)
        os._exit(1)
    time.sleep(delay)
    if moment is not None:
        give_up = time.monotonic() + 1.0
        while hidden(cache) <= left and time.monotonic() < give_up:
            pass
        time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        raise AssertionError("the child ended by itself: it could not fetch")


def check_file(file: Path, symbol: str) -> int:
    """Check that a file has the vendor's bars of the span that it says, and return how many."""
    bars, facts = read_bars(file, symbol)
    if not any(bars.equals(book_within(split, symbol, facts.first, facts.last)) for split in SPLITS):
        raise AssertionError(f"{file} has other bars than the vendor")
    return len(bars)


def check_all(cache: BarCache) -> collections.Counter[str]:
    """Check all that is in the cache, and return how many files of each kind there are."""
    found: collections.Counter[str] = collections.Counter()
    for entry in cache.entries():
        if entry.facts is None:
            raise AssertionError(entry.trouble)
        check_file(entry.file, entry.symbol)
        found["files"] += 1
    for file in superseded_in(cache).glob("*.parquet"):
        check_file(file, unquote(file.name.split(".")[0]))
        found["files kept aside"] += 1
    if (cache.folder_of(VENDORS[1.0]) / "damaged").exists():
        raise AssertionError("a damaged file was found")
    return found


def superseded_in(cache: BarCache) -> Path:
    """Return the folder of the files that are kept aside."""
    return cache.folder_of(VENDORS[1.0]) / "superseded"


def hidden(cache: BarCache) -> set[Path]:
    """Return what is hidden; only what can be cleared may be."""
    paths = {path for folder in (cache.folder_of(VENDORS[1.0]), superseded_in(cache)) for path in folder.glob(".*")}
    if not all(is_leftover_name(path.name) for path in paths):
        raise AssertionError(f"one of {paths} is hidden, and nobody clears it")
    return paths


def rerun(cache: BarCache) -> None:
    """Fetch all, and check that all is there and nothing else is left."""
    report = fetch(VENDORS[1.0], SYMBOLS, cache=cache, now=END)
    if report.missing or [check_file(entry.file, entry.symbol) for entry in cache.entries()] != [len(SESSIONS)] * 4:
        raise AssertionError(f"not all is there after a fetch: {report.as_text()}")
    cache.clear_leftovers()
    if left := hidden(cache):
        raise AssertionError(f"{left} are left after clearing")


def campaign(cache: BarCache, kills: int, seed: int) -> dict[str, Any]:
    """Kill so many children and return what was found."""
    rng = random.Random(seed)
    for _ in range(2):  # the first time calendars are made, which no child does
        began = time.perf_counter()
        for last in LASTS:
            fetch(VENDORS[1.0], SYMBOLS, None, last, cache=cache, now=END)
        once = time.perf_counter() - began
        shutil.rmtree(cache.folder)
    landed: collections.Counter[str] = collections.Counter()
    there: collections.Counter[str] = collections.Counter()
    for kill in range(1, kills + 1):
        known = hidden(cache)
        splits = SPLITS if kill % 2 else SPLITS[::-1]
        kill_one(cache, splits, rng.uniform(0.0, once), rng.uniform(0.0, 0.0004) if kill % 3 else None)
        new = hidden(cache) - known
        for path in new:
            landed[
                "while a file was kept aside" if path.parent.name == "superseded" else "while bars were written"
            ] += 1
        landed["anywhere mid-write"] += bool(new)
        there += check_all(cache)
        if kill % RERUN_EVERY == 0 or kill == kills:
            rerun(cache)
            if rng.random() < 0.5:
                shutil.rmtree(cache.folder)  # the next ones begin anew
    return {"kills": kills, "seed": seed, "landed": dict(sorted(landed.items())), "whole": dict(sorted(there.items()))}


def main() -> None:
    """Read the command line, run the campaign and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--least", type=int, default=50, help="how many kills must land mid-write")
    arguments = parser.parse_args()
    found = campaign(BarCache(arguments.scratch), arguments.kills, arguments.seed)
    sys.stdout.write(f"{json.dumps(found)}\n")
    landed = found["landed"]["anywhere mid-write"]
    if landed < arguments.least:
        sys.exit(f"only {landed} of {arguments.kills} kills landed mid-write, not {arguments.least}; give more --kills")


if __name__ == "__main__":
    main()
