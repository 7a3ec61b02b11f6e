"""What the sampled look-ahead guard finds: ``python backtests/benchmarks/guard_detection.py [--seeds 50]``.

Each planted bug of tests/guard/guard_corpus.py is looked for once for each seed, which draws the bars, the rows that
the guard looks at, and the other futures; the seeds go round the markets. A cell says in how many cases out of how many
the guard found the bug and named its cause; in the second table, in how many it blamed a clean signal.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
import warnings
from pathlib import Path
from types import ModuleType

CORPUS = Path(__file__).parents[2] / "tests" / "guard" / "guard_corpus.py"


def loaded(file: Path) -> ModuleType:
    """Return a file as a module."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # where the guard looks for what signals can reach
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description="What the sampled look-ahead guard finds.")
    options.add_argument("--seeds", type=int, default=50, help="how often each signal is looked at")
    options.add_argument("--rows", type=int, default=330, help="rows of each market")
    options.add_argument("--only", default="", help="a part of the names to look at")
    given = options.parse_args()
    warnings.simplefilter("ignore")  # of the strangers' arithmetic
    corpus, begun = loaded(CORPUS), time.perf_counter()
    print(f"sampled guard, {given.seeds} seeds, markets of {given.rows} rows\n")
    wrong: list[str] = []
    for title, cases in (("planted bug", corpus.BUGS), ("clean signal", corpus.CLEAN)):
        print(f"{title:<26}" + "".join(f"{name:>11}" for name in corpus.MARKETS) + f"{'all':>9}")
        for name, case in cases.items():
            if given.only in name:
                print(row(corpus, name, case, given.seeds, given.rows, wrong), flush=True)
        print()
    print("found and named: of planted bugs all should be, of clean signals none")
    print(f"{time.perf_counter() - begun:.0f} seconds")
    for line in wrong:
        print(line)


def row(corpus: ModuleType, name: str, case: object, seeds: int, rows: int, wrong: list[str]) -> str:
    """Return a row of the table, and add to ``wrong`` what should have been otherwise."""
    found = dict.fromkeys(corpus.MARKETS, 0)
    asked = dict.fromkeys(corpus.MARKETS, 0)
    for seed in range(seeds):
        market = case.markets[seed % len(case.markets)]
        said = corpus.finding(case, corpus.MARKETS[market](seed, rows), seed=seed)
        asked[market] += 1
        found[market] += said is not None and getattr(case, "says", "") in said
        if (getattr(case, "says", None) is None) != (said is None) or (said and getattr(case, "says", "") not in said):
            wrong.append(f"{name}, {market}, seed {seed}: {said or 'nothing found'}")
    cells = "".join(f"{f'{found[key]}/{asked[key]}' if asked[key] else '-':>11}" for key in found)
    return f"{name:<26}{cells}{sum(found.values()) / max(1, sum(asked.values())):>9.0%}"


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
