"""What becomes of a position, bar by bar in plain Python: the oracle of all labels on random markets.

Written from the words of docs/labels.md, not from the code: one position at a time, as an engine would hold it.
"""

from __future__ import annotations

import math


def bars_after(market, row, column, horizon):
    """Yield (row, open, high, low, close, is a bar) of what happens to a symbol in the rows after a decision."""
    symbol = market.symbols[column]
    ended = market.ended.get(symbol)
    for later in range(row + 1, row + horizon + 1):
        prices = [float(market.array(name)[later, column]) for name in ("open", "high", "low", "close")]
        if not math.isnan(prices[-1]):
            yield (later, *prices, True)
        elif ended is not None and market.session[later] > ended and market.session[later - 1] <= ended:
            got = market.close[symbol][:ended].dropna().iloc[-1] * (1.0 + market.delisting_return[symbol])
            yield later, got, got, got, got, False


def position(market, row, column, horizon):
    """Return the fill and all that happens from it on; None where there is no label."""
    if row + horizon >= len(market) or math.isnan(market.array("close")[row, column]):
        return None
    after = list(bars_after(market, row, column, horizon))
    if not after or not after[0][-1]:
        return None
    return after[0][1], after


def direction(market, row, column, horizon, up, down, entry):
    if row + horizon >= len(market) or math.isnan(market.array("close")[row, column]):
        return math.nan, math.nan
    after = list(bars_after(market, row, column, horizon))
    if not after or (entry == "open" and not after[0][-1]):
        return math.nan, math.nan
    paid = after[0][1] if entry == "open" else market.array("close")[row, column]
    earned = after[-1][4] / paid - 1.0
    return (1.0 if earned > up else -1.0 if earned < -down else 0.0), earned


def drawdown(market, row, column, horizon, loss):
    found = position(market, row, column, horizon)
    if found is None:
        return math.nan
    paid, after = found
    return float(min(bar[3] for bar in after) <= paid * (1.0 - loss))


def barrier(market, row, column, horizon, profit, stop, width, side):
    """Return touched, earned, end."""
    found = position(market, row, column, horizon)
    if found is None or math.isnan(width) or width <= 0.0 or math.isnan(side) or side == 0.0:
        return math.nan, math.nan, -1
    paid, after = found
    take = paid * (1.0 + side * profit * width)
    lose = paid * (1.0 - side * stop * width)
    for later, opened, high, low, _, _ in after:
        worst, best = (low, high) if side > 0 else (high, low)
        if side * opened <= side * lose:
            return -1.0, side * (opened / paid - 1.0), later
        if side * opened >= side * take:
            return 1.0, side * (opened / paid - 1.0), later
        if side * worst <= side * lose:
            return -1.0, side * (lose / paid - 1.0), later
        if side * best >= side * take:
            return 1.0, side * (take / paid - 1.0), later
    return 0.0, side * (after[-1][4] / paid - 1.0), row + horizon
