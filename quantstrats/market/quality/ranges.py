"""Rules on what cannot be a bar: prices that are none, and prices that contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bottleneck
import numpy as np

from quantstrats.market.frames import PRICES
from quantstrats.market.quality.part import places
from quantstrats.market.quality.rule import NOT_KEPT, Rule

if TYPE_CHECKING:
    from quantstrats.market.quality.part import Flags, Floats, Part
    from quantstrats.market.quality.rule import Hits

# Adjusted prices may miss low to high by what rounding does to them.
ROUNDING = 1e-9


def missing_price(part: Part) -> Hits:
    """Find bars that lack a price while another price, or the volume, is there; where all do, the close is named."""
    hits = [part.hits(part.absent[field] & ~part.empty, field) for field in PRICES]
    return part.joined(*hits, part.hits(part.empty & ~part.absent["volume"], "close"))


def infinite_price(part: Part) -> Hits:
    """Find infinite prices."""
    return part.joined(*(part.hits(_infinite(part.raw[field]), field) for field in _distinct(part)))


def nonpositive_price(part: Part) -> Hits:
    """Find prices of zero or below; minus infinity is infinite, not negative."""
    hits = []
    for field in _distinct(part):
        array = part.raw[field]
        if array.size and not bottleneck.nanmin(array) > 0:
            hits.append(part.hits((array <= 0) & (array > -np.inf), field))
    return part.joined(*hits)


def infinite_volume(part: Part) -> Hits:
    """Find infinite volumes."""
    return part.hits(_infinite(part.raw["volume"]), "volume")


def negative_volume(part: Part) -> Hits:
    """Find volumes below zero; minus infinity is infinite, not negative."""
    volume = part.raw["volume"]
    return part.hits((volume < 0) & (volume > -np.inf), "volume")


def high_below_low(part: Part) -> Hits:
    """Find bars whose high is below their low. Named is the one that lies farther from open and close."""
    high, low = part.prices["high"], part.prices["low"]
    where = places(high < low)
    middle = np.sqrt(part.prices["open"][where] * part.prices["close"][where])
    above, below = high[where], low[where]
    by_high = ~(np.abs(np.log(below / middle)) > np.abs(np.log(above / middle)))
    row, column = where
    return part.joined(
        part.hits((row[by_high], column[by_high]), "high", below[by_high], below[by_high]),
        part.hits((row[~by_high], column[~by_high]), "low", above[~by_high], above[~by_high]),
    )


def open_outside(part: Part) -> Hits:
    """Find opens above the high or below the low by more than rounding, where high is not below low."""
    return _outside(part, "open")


def close_outside(part: Part) -> Hits:
    """Find closes above the high or below the low by more than rounding, where high is not below low."""
    return _outside(part, "close")


def _outside(part: Part, field: str) -> Hits:
    high, low, price = part.prices["high"], part.prices["low"], part.prices[field]
    if price is high and price is low:
        return part.joined()
    outside = (price > high) | (price < low)
    if not outside.any():
        return part.joined()
    row, column = places(outside)
    price, high, low = price[row, column], high[row, column], low[row, column]
    far = ((price > high * (1 + ROUNDING)) | (price < low * (1 - ROUNDING))) & ~(high < low)
    bound = np.clip(price, low, high)[far]
    return part.hits((row[far], column[far]), field, bound, bound)


def _distinct(part: Part) -> list[str]:
    """Return the prices but for those that are the close itself, which is named instead."""
    close = part.raw["close"]
    return [field for field in PRICES if field == "close" or part.raw[field] is not close]


def _infinite(array: Floats) -> Flags:
    if array.size and bottleneck.nanmin(array) > -np.inf and bottleneck.nanmax(array) < np.inf:
        return np.zeros(array.shape, dtype=bool)
    return np.isinf(array)


RULES = (
    Rule(
        "missing_price",
        "open, high, low or close is missing while others are there",
        "impossible",
        "price",
        missing_price,
        NOT_KEPT,
    ),
    Rule("infinite_price", "{field} is infinite", "impossible", "price", infinite_price, NOT_KEPT),
    Rule("nonpositive_price", "{field} is zero or negative", "impossible", "price", nonpositive_price, NOT_KEPT),
    Rule("infinite_volume", "volume is infinite", "impossible", "volume", infinite_volume, NOT_KEPT),
    Rule("negative_volume", "volume is negative", "impossible", "volume", negative_volume, NOT_KEPT),
    Rule("high_below_low", "high is below low", "impossible", "price", high_below_low),
    Rule("open_outside", "open lies outside low to high", "impossible", "open", open_outside),
    Rule("close_outside", "close lies outside low to high", "impossible", "close", close_outside),
)
