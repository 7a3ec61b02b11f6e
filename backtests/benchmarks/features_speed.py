"""How long features take against the package ``ta``: ``python backtests/benchmarks/features_speed.py``.

The bars are random walks of 500 symbols x 1,260 days. ``ta.add_all_ta_features`` makes its 86 columns symbol by symbol.
We make first those features of which each of its columns is one, or one of them less, divided by or compared with
another; then every feature that ships, but for those in which a model is fitted. All in one process on one thread, ours
after a first call on a few bars that loads what numba has compiled. Each column is compared with that of ``ta`` too, on
one symbol, from the row on which ours has its first number.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from random_bars import days, random_walk

from quantstrats import Market, features

GOAL = 250.0  # x ta, on the columns that both have
Columns = Mapping[str, pd.Series]
