"""Print each feature, what it was compared with, and the largest difference: `make oracles`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main():
    sys.path.insert(0, str(Path(__file__).parents[2]))
    oracles = importlib.import_module("tests.features.oracle").all_oracles()
    print(f"{'feature':<36}{'compared with':<28}{'difference':>12}")
    worst = 0
    for oracle in sorted(oracles, key=lambda each: each.feature):
        difference, compared = oracle.difference()
        wrong = difference > oracle.tolerance or compared < 100
        worst += wrong
        print(f"{oracle.feature[:35]:<36}{oracle.against[:27]:<28}{difference:>12.1e}{'  TOO LARGE' if wrong else ''}")
    names = {oracle.feature.partition("(")[0].partition("@")[0] for oracle in oracles}
    print(f"{len(oracles)} oracles of {len(names)} features; differences are parts of the oracle's largest value")
    sys.exit(1 if worst else 0)


if __name__ == "__main__":
    main()
