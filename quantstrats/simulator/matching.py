"""When an order trades and at what price: pure, without account or clock.

Prices move from print to print. Between two prints of a bar they take every value between them; at a bar's first price
after a pause they jump. An order trades where the path reaches it, or at the price behind the jump. Buys trade at the
ask, sells at the bid, which lie half the spread above and below the price.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from quantstrats.simulator.orders import opposite

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from quantstrats.simulator.orders import Order

# The broker lets a triggered buy stop trade up to this far above its stop price: below $50, and from there on.
_CHEAP = Decimal(50)
_BEYOND_CHEAP, _BEYOND_DEAR = Decimal("1.04"), Decimal("1.025")
# Half a spread in basis points as a share of the price.
_HALF_BASIS_POINTS = 20_000
_NO_LIMIT = Decimal("Infinity")


@dataclass(frozen=True)
class Trade:
    """An order trades at ``price``, dollars a share; how much of it is a matter of :class:`Capacity`."""

    price: Decimal


@lru_cache(maxsize=4096)
def exact(number: float) -> Decimal:
    """Return a number of the tape as the decimal number that its shortest text shows."""
    return Decimal(repr(float(number)))


def quote(price: float, spread_bps: float) -> tuple[Decimal, Decimal]:
    """Return bid and ask around a price, dollars a share."""
    middle = exact(price)
    return _against("sell", middle, spread_bps), _against("buy", middle, spread_bps)


def buy_stop_limit(stop_price: Decimal) -> Decimal:
    """Return the limit under which a buy stop trades once it is triggered: 4% above it below $50, else 2.5%."""
    return stop_price * (_BEYOND_CHEAP if stop_price < _CHEAP else _BEYOND_DEAR)


def arrives(order: Order, price: float | None, spread_bps: float) -> Trade | None:
    """Return the trade of an order that begins to work at a price, or None; see :func:`moved`.

    It trades at the price or not at all: what it is worth on arrival. None as price is that there is none yet.
    """
    return None if price is None else moved(order, None, price, True, spread_bps)


def moved(order: Order, before: float | None, price: float, gap: bool, spread_bps: float) -> Trade | None:
    """Return the trade of a working order when the price moves, or None.

    Parameters
    ----------
    order : Order
        Its ``triggered``, ``stop_limit``, ``hwm`` and (if trailing) ``stop_price`` are kept up to date in place.
    before : float or None
        The price so far; None for none, which is a gap.
    price : float
        The price now.
    gap : bool
        Whether it jumped there without trading on the way.
    spread_bps : float
        From bid to ask, in basis points of the price.
    """
    now = exact(price)
    start = None if gap or before is None else exact(before)
    if _waits_for_stop(order):
        point = _trigger(order, start, now)
        return None if point is None else _at(order, point, _limit(order), spread_bps)
    return _at(order, now, _limit(order), spread_bps) if start is None else _along(order, start, now, spread_bps)


class Capacity:
    """How much may still be traded at the last print, by all accounts together, first come first served.

    Parameters
    ----------
    symbols : int
        How many columns the tape has.
    participation : float
        Share of what prints that may be traded.
    partial_rate : float
        Probability that a fill is split at a place drawn at random; the rest waits for the next print.
    random : Random
        Where splits are drawn from.
    """

    def __init__(self, symbols: int, participation: float, partial_rate: float, random: Random) -> None:
        self._printed: list[float] = [0.0] * symbols
        # Only of what was asked for since the print.
        self._left: dict[int, Decimal] = {}
        self._participation = Decimal(repr(float(participation)))
        self._partial_rate = partial_rate
        self._random = random

    def prints(self, volume: NDArray[np.float64]) -> None:
        """Begin a print at which so many shares of each symbol trade; infinity for no limit."""
        self._printed = volume.tolist()
        self._left.clear()

    def left(self, column: int) -> Decimal:
        """Return how many shares of a symbol may still be traded; infinity for no limit."""
        if column not in self._left:
            printed = self._printed[column]
            self._left[column] = exact(printed) * self._participation if printed < math.inf else _NO_LIMIT
        return self._left[column]

    def take(self, column: int, wanted: Decimal, *, all_or_none: bool = False) -> Decimal:
        """Return how many of the wanted shares trade now, and take them from what is left.

        All of them, or a whole number of shares, perhaps none: a part never adds a fraction of its own. With
        ``all_or_none`` all or none, and no split.
        """
        left = self.left(column)
        shares = wanted if wanted <= left else _whole(left)
        if all_or_none:
            shares = wanted if shares == wanted else Decimal(0)
        elif self._partial_rate > 0 and shares > 1 and self._random.random() < self._partial_rate:
            # The last whole share below what could trade is the largest part.
            shares = Decimal(self._random.randint(1, math.ceil(shares) - 1))
        self._left[column] = left - shares
        return shares


def _whole(shares: Decimal) -> Decimal:
    return shares.to_integral_value(ROUND_FLOOR)


def _at(order: Order, price: Decimal, limit: Decimal | None, spread_bps: float) -> Trade | None:
    """Trade at a price, if the limit allows it."""
    quoted = _against(order.side, price, spread_bps)
    return Trade(quoted) if limit is None or _is_reached(order.side, quoted, limit) else None


def _along(order: Order, start: Decimal, now: Decimal, spread_bps: float) -> Trade | None:
    """Trade where the path reaches the limit of an order that rests."""
    limit = _limit(order)
    at_the_end = _at(order, now, limit, spread_bps)
    if limit is None:
        return at_the_end
    at_the_start = _is_reached(order.side, _against(order.side, start, spread_bps), limit)
    if at_the_start:
        # It found nobody to trade with so far, and trades with who comes now: on the way out at the latest.
        return at_the_end or Trade(limit)
    return Trade(limit) if at_the_end else None


def _waits_for_stop(order: Order) -> bool:
    return order.type not in ("market", "limit") and not order.triggered


def _limit(order: Order) -> Decimal | None:
    """Return the limit under which an order trades; None for a market order and what has become one."""
    return order.limit_price if order.type in ("limit", "stop_limit") else order.stop_limit


def _trigger(order: Order, start: Decimal | None, now: Decimal) -> Decimal | None:
    """Return the price at which a stop is reached, or None."""
    stop = _trail(order, start, now) if order.type == "trailing_stop" else order.stop_price
    if stop is None or not _is_reached(opposite(order.side), now, stop):
        return None
    order.triggered = True
    if order.type == "stop" and order.side == "buy":
        order.stop_limit = buy_stop_limit(stop)
    came_from_before = start is not None and not _is_reached(opposite(order.side), start, stop)
    return stop if came_from_before else now


def _trail(order: Order, start: Decimal | None, now: Decimal) -> Decimal:
    """Move the best price and the stop price behind it; return the stop price that held on the way to ``now``."""
    best = max if order.side == "sell" else min
    known = [price for price in (order.hwm, start) if price is not None] or [now]
    so_far = best(known)
    held = _behind(order, so_far)
    order.hwm, order.stop_price = so_far, held
    if not _is_reached(opposite(order.side), now, held):
        order.hwm = best(so_far, now)
        order.stop_price = _behind(order, order.hwm)
    return held


def _behind(order: Order, best: Decimal) -> Decimal:
    """Return the stop price that trails a best price."""
    distance = order.trail_price if order.trail_price is not None else best * (order.trail_percent or 0) / 100
    return best - distance if order.side == "sell" else best + distance


def _is_reached(side: str, price: Decimal, limit: Decimal) -> bool:
    """Tell whether a price is as good as a limit or better: not above it for a buy, not below it for a sell."""
    return price <= limit if side == "buy" else price >= limit


def _against(side: str, price: Decimal, spread_bps: float) -> Decimal:
    """Return the ask for a buy, the bid for a sell."""
    if not spread_bps:
        return price
    half = Decimal(repr(float(spread_bps))) / _HALF_BASIS_POINTS
    return price * (1 + half) if side == "buy" else price * (1 - half)
