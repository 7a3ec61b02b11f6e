"""Defects of every kind, put at known places of bars in which nothing is wrong.

Their sizes are drawn from ranges that begin below what the rules call a defect, so that not all can be found.

No test by itself: tests/market/quality/test_quality_detection.py and backtests/benchmarks/quality_rules.py load it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from quantstrats import load_market
from quantstrats.market.calendar import Calendar
from quantstrats.market.quality.block import Block
from quantstrats.market.quality.check import examine
from quantstrats.market.quality.report import counted

FIELDS = ("open", "high", "low", "close", "volume")
PRICES = FIELDS[:4]
DAILY_FILES = ("daily_sp500", "daily_etf", "daily_small_illiquid")
# By the known defects' name of a kind, the rules of which one must find it.
LISTED = {
    "decimal_shift_close": ("decimal_shift",),
    "spike_high_low": ("bad_print",),
    "ohlc_inconsistent": ("high_below_low", "open_outside", "close_outside"),
    "zero_volume": ("zero_volume",),
    "missing_day": ("missing_bar",),
}
# Rows between one planted defect and the next.
APART = 160


# Most bars on end that are wrong; nothing may be found in the bars after them.
LONGEST_RUN = 3


@dataclass(frozen=True)
class Planted:
    """A defect in these rows of a column: its rule must find it, and others may find it as well."""

    rule: str
    column: int
    first: int
    last: int
    others: tuple[str, ...] = ()
    each: bool = False  # whether each of the rows must be hit

    def found(self, hits):
        """Tell whether these hits are what must be found."""
        rows = np.unique(hits.row[self.holds(hits)])
        return len(rows) == self.last - self.first + 1 if self.each else len(rows) > 0

    def holds(self, hits):
        """Tell which hits lie in these rows."""
        return (hits.column == self.column) & (hits.row >= self.first) & (hits.row <= self.last)


def _one_value(values, row, column, field, value):
    values[field][row, column] = value
    return row, row


def missing_price(rng, values, row, column):
    return _one_value(values, row, column, rng.choice(PRICES), np.nan)


def infinite_price(rng, values, row, column):
    return _one_value(values, row, column, rng.choice(PRICES), np.inf)


def nonpositive_price(rng, values, row, column):
    return _one_value(values, row, column, rng.choice(PRICES), rng.choice([0.0, -12.5]))


def infinite_volume(rng, values, row, column):
    return _one_value(values, row, column, "volume", np.inf)


def negative_volume(rng, values, row, column):
    return _one_value(values, row, column, "volume", -values["volume"][row, column])


def high_below_low(rng, values, row, column):
    high, low = values["high"][row, column], values["low"][row, column]
    values["high"][row, column], values["low"][row, column] = low * 0.999, high
    return row, row


def open_outside(rng, values, row, column):
    return _one_value(values, row, column, "open", values["high"][row, column] * rng.uniform(1.001, 1.1))


def close_outside(rng, values, row, column):
    return _one_value(values, row, column, "close", values["low"][row, column] * rng.uniform(0.9, 0.999))


def decimal_shift(rng, values, row, column):
    field = rng.choice(PRICES)
    power = rng.choice([-3, -2, -1, 1, 2, 3])
    return _one_value(values, row, column, field, values[field][row, column] * 10.0**power)


def decimal_run(rng, values, row, column):
    """One price of up to three bars on end, of any power, or all their prices, of a hundred or more."""
    last = row + int(rng.integers(0, LONGEST_RUN))
    whole = rng.random() < 0.5
    power = rng.choice([-3, -2, 2, 3] if whole else [-3, -2, -1, 1, 2, 3])
    for field in PRICES if whole else [rng.choice(PRICES)]:
        values[field][row : last + 1, column] *= 10.0**power
    return row, last


def bad_print(rng, values, row, column):
    if rng.random() < 0.5:
        return _one_value(values, row, column, "high", values["high"][row, column] * rng.uniform(1.4, 4.0))
    return _one_value(values, row, column, "low", values["low"][row, column] * rng.uniform(0.2, 0.65))


def outlier(rng, values, row, column):
    factor = np.exp(rng.choice([-1, 1]) * rng.uniform(0.25, 0.9))
    for field in PRICES:
        values[field][row, column] *= factor
    return row, row


def unadjusted_split(rng, values, row, column):
    ratio = rng.choice([1.5, 2, 3, 4, 5, 10, 20, 1 / 2, 1 / 5, 1 / 10])
    for field in PRICES:
        values[field][row:, column] /= ratio
    values["volume"][row:, column] *= ratio
    return row, row


def stale_price(rng, values, row, column):
    bars = int(rng.integers(4, 15))
    for field in ("open", "high", "low", "close"):
        values[field][row : row + bars, column] = values["close"][row, column]
    return row, row + bars - 1


def repeated_bar(rng, values, row, column):
    """The bar before comes once, or up to three times, again."""
    last = row + int(rng.integers(0, 3))
    for field in FIELDS:
        values[field][row : last + 1, column] = values[field][row - 1, column]
    return row, last


def stale_open(rng, values, row, column):
    rows = slice(row, row + 80)
    before = values["close"][row - 1 : row + 79, column]
    values["open"][rows, column] = before
    values["high"][rows, column] = np.maximum(values["high"][rows, column], before)
    values["low"][rows, column] = np.minimum(values["low"][rows, column], before)
    return row, row + 79


def zero_volume(rng, values, row, column):
    return _one_value(values, row, column, "volume", 0.0)


def absurd_volume(rng, values, row, column):
    return _one_value(values, row, column, "volume", values["volume"][row, column] * 10 ** rng.uniform(2.8, 5))


def missing_bar(rng, values, row, column):
    last = row + int(rng.integers(0, 4))
    for field in FIELDS:
        values[field][row : last + 1, column] = np.nan
    return row, last


def symbol_reuse(rng, values, row, column):
    factor = rng.choice([0.2, 6.0])
    for field in FIELDS:
        values[field][row - 70 : row, column] = np.nan
    for field in PRICES:
        values[field][row:, column] *= factor
    return row - 70, row


_OF_POINTS = ("high_below_low", "open_outside", "close_outside", "bad_print", "outlier", "unadjusted_split")
# By rule, what plants its defect, and which other rules may find it for good reason.
PLANTS = {
    "missing_price": (missing_price, ()),
    "infinite_price": (infinite_price, ()),
    "nonpositive_price": (nonpositive_price, ()),
    "infinite_volume": (infinite_volume, ()),
    "negative_volume": (negative_volume, ()),
    "high_below_low": (high_below_low, ()),
    "open_outside": (open_outside, ()),
    "close_outside": (close_outside, ()),
    "decimal_shift": (decimal_shift, _OF_POINTS),
    "bad_print": (bad_print, ()),
    "outlier": (outlier, ("unadjusted_split",)),
    "unadjusted_split": (unadjusted_split, ("outlier",)),
    "stale_price": (stale_price, ()),
    "repeated_bar": (repeated_bar, ()),
    "stale_open": (stale_open, ()),
    "zero_volume": (zero_volume, ()),
    "absurd_volume": (absurd_volume, ()),
    "missing_bar": (missing_bar, ()),
    "symbol_reuse": (symbol_reuse, ("missing_bar", "outlier")),
}


def clean_block(seed, symbols, rows):
    """Return synthetic bars without a defect."""
    market = load_market("synthetic", seed=seed, count=symbols, bars=rows, regimes=1.0)
    return block_of(market)


def block_of(market):
    """Return a Market's bars, to be changed."""
    values = {field: market.array(field).copy() for field in FIELDS}
    return Block(market.timeline.grid, [str(symbol) for symbol in market.symbols], market.bar, values)


def planted_block(seed, symbols, rows):
    """Return synthetic bars with defects of every kind, about as many of each, at random places."""
    block = clean_block(seed, symbols, rows)
    rng = np.random.default_rng(seed)
    slots = [(row, column) for column in range(symbols) for row in range(APART, rows - APART, APART)]
    kinds = rng.permutation(np.resize(np.array([*PLANTS, "decimal_run"], dtype=object), len(slots)))
    planted = []
    for (row, column), kind in zip(slots, kinds, strict=True):
        run = kind == "decimal_run"
        rule = "decimal_shift" if run else kind
        plant, others = (decimal_run, _OF_POINTS) if run else PLANTS[rule]
        first, last = plant(rng, block.values, row + int(rng.integers(0, 20)), column)
        planted.append(Planted(rule, column, first, last, others, each=run))
    return block, planted


def _scaled(fields, factor):
    def plant(values, row, column):
        for field in fields:
            values[field][row, column] *= factor

    return plant


def _set(fields, value):
    def plant(values, row, column):
        for field in fields:
            values[field][row, column] = value

    return plant


def _crossed(values, row, column):
    values["high"][row, column] = values["low"][row, column] * 0.98


# One bar's defects, each well beyond what its rule allows: how it is called, its rule, what plants it.
SINGLE = (
    ("no close", "missing_price", _set(["close"], np.nan)),
    ("no open", "missing_price", _set(["open"], np.nan)),
    ("infinite close", "infinite_price", _set(["close"], np.inf)),
    ("close of zero", "nonpositive_price", _set(["close"], 0.0)),
    ("high below low", "high_below_low", _crossed),
    ("close below low", "close_outside", _scaled(["close"], 0.8)),
    ("open above high", "open_outside", _scaled(["open"], 1.2)),
    ("close x 10", "decimal_shift", _scaled(["close"], 10.0)),
    ("close / 100", "decimal_shift", _scaled(["close"], 0.01)),
    ("open x 1000", "decimal_shift", _scaled(["open"], 1000.0)),
    ("low / 10", "decimal_shift", _scaled(["low"], 0.1)),
    ("bar x 100", "decimal_shift", _scaled(PRICES, 100.0)),
    ("bar / 1000", "decimal_shift", _scaled(PRICES, 0.001)),
    ("high x 4", "bad_print", _scaled(["high"], 4.0)),
    ("low / 3", "bad_print", _scaled(["low"], 1 / 3)),
    ("bar x 1.8", "outlier", _scaled(PRICES, 1.8)),
    ("bar / 2.5", "outlier", _scaled(PRICES, 0.4)),
    ("no volume", "zero_volume", _set(["volume"], 0.0)),
    ("volume x 1e5", "absurd_volume", _scaled(["volume"], 1e5)),
    ("no bar", "missing_bar", _set(FIELDS, np.nan)),
)
# Neighbours of which the second is no defect: a bar moves as far as the one before.
_HIDDEN = {("bar x 1.8", "bar x 1.8"), ("bar / 2.5", "bar / 2.5")}


def neighbours_block(seed, rows, row):
    """Return synthetic bars with two defects next to each other in every column, each kind by each.

    Returns
    -------
    Block
        The columns are named by their defects.
    list of (Planted, Planted)
        One pair per column, in rows ``row`` and ``row + 1``.
    """
    pairs = [(one, two) for one in SINGLE for two in SINGLE if (one[0], two[0]) not in _HIDDEN]
    block = clean_block(seed, len(pairs), rows)
    planted = []
    for column, pair in enumerate(pairs):
        for number, (_, _, plant) in enumerate(pair):
            plant(block.values, row + number, column)
        planted.append(tuple(Planted(rule, column, row + n, row + n) for n, (_, rule, _) in enumerate(pair)))
    names = [f"{one}, then {two}" for (one, *_), (two, *_) in pairs]
    return Block(block.grid, names, None, block.values), planted


def planted_table(block, planted):
    """Return what was planted, found, hit and hit elsewhere, with recall and precision, by rule."""
    rows = []
    for rule, hits in counted(block, examine(block)):
        own = [each for each in planted if each.rule == rule.name]
        found = sum(each.found(hits) for each in own)
        explained = np.zeros(len(hits), dtype=bool)
        for each in planted:
            if rule.name in (each.rule, *each.others):
                explained |= each.holds(hits)
        elsewhere = int((~explained).sum())
        ratios = found / max(len(own), 1), 1 - elsewhere / max(len(hits), 1)
        rows.append((rule.name, len(own), found, len(hits), elsewhere, *ratios))
    return pd.DataFrame(rows, columns=["rule", "planted", "found", "hits", "elsewhere", "recall", "precision"])


def false_alarms(block):
    """Return how many bars each rule finds, by name; rules that find nothing are left out."""
    return {rule.name: len(hits) for rule, hits in counted(block, examine(block)) if len(hits)}


def daily_block(path):
    """Read a file of daily bars onto the sessions of New York."""
    table = pd.read_parquet(path)
    frames = {field: table.pivot(index="date", columns="symbol", values=field) for field in FIELDS}  # noqa: PD010
    index = pd.DatetimeIndex(frames["close"].index).as_unit("ns")
    grid = Calendar("XNYS").grid(index[0], index[-1], None)
    values = {field: frame.set_axis(index).reindex(grid.index).to_numpy("float64") for field, frame in frames.items()}
    return Block(grid, list(frames["close"].columns), None, {name: array.copy("C") for name, array in values.items()})


def known_table(folder):
    """Compare what the rules find in the daily files with the list of known defects, by the list's kinds."""
    found = {}
    for name in DAILY_FILES:
        block = daily_block(folder / f"{name}.parquet")
        for rule, hits in counted(block, examine(block)):
            places = zip(hits.row, hits.column, strict=True)
            found.setdefault(rule.name, set()).update(
                (block.symbols[column], block.grid.index[row]) for row, column in places
            )
    listed = pd.read_csv(folder / "known_defects.csv", parse_dates=["date"])
    rows = []
    for kind, rules in LISTED.items():
        known = {(each.symbol, each.date) for each in listed[listed["defect"] == kind].itertuples()}
        hits = set().union(*(found[rule] for rule in rules))
        both = len(known & hits)
        rows.append((kind, len(known), both, len(hits - known), both / len(known), both / len(hits)))
    return pd.DataFrame(rows, columns=["kind", "listed", "found", "beyond", "recall", "precision"])


def shown(table):
    """Return a table as text."""
    return table.to_string(index=False, float_format=lambda number: f"{number:.3f}")
