"""Fetch three symbols into the cache of another process, at its word.

python fetch_in_a_process.py CACHE_FOLDER FACTOR
"""

import sys
from pathlib import Path

from fake_vendor import END, FakeSource, three_symbols

from quantstrats.market.cache.cache import BarCache
from quantstrats.market.cache.update import fetch

source = FakeSource(vendor=three_symbols(float(sys.argv[2])))
cache = BarCache(Path(sys.argv[1]))
sys.stdout.write("ready\n")
sys.stdout.flush()
sys.stdin.readline()
for _ in range(5):
    fetch(source, ["AAA", "BBB", "CCC"], cache=cache, now=END, refresh=True)
