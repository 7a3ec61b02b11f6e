"""Between which prices nothing happens to the orders of a symbol, so that most prints need not look at each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quantstrats.simulator.orders import Order

# Wider than what is lost between decimals and floats.
_MARGIN = 1e-9
_ALWAYS = (math.inf, -math.inf)


def quiet_between(orders: Iterable[Order], spread_bps: float) -> tuple[float, float]:
    """Return two prices strictly between which no order trades, is triggered or moves its stop.

    Parameters
    ----------
    orders : iterable of Order
        At the market.
    spread_bps : float
        From bid to ask, in basis points.

    Returns
    -------
    tuple of float
        Dollars a share. The first is above the second where every print matters.
    """
    half = spread_bps / 20_000
    low, high = 0.0, math.inf
    for order in orders:
        lower, upper = _bounds(order, half)
        low, high = max(low, lower), min(high, upper)
    return low * (1 + _MARGIN), high * (1 - _MARGIN)


def _bounds(order: Order, half: float) -> tuple[float, float]:
    if order.time_in_force not in {"day", "gtc"}:
        return _ALWAYS
    is_buy = order.side == "buy"
    if order.type == "trailing_stop" and not order.triggered:
        if order.hwm is None or order.stop_price is None:
            return _ALWAYS
        best, stop = float(order.hwm), float(order.stop_price)
        return (best, stop) if is_buy else (stop, best)
    if order.type in {"stop", "stop_limit"} and not order.triggered:
        point = float(order.stop_price or 0)
        return (0.0, point) if is_buy else (point, math.inf)
    limit = order.limit_price if order.type in {"limit", "stop_limit"} else order.stop_limit
    if limit is None:
        return _ALWAYS
    # Buys trade at the ask, sells at the bid.
    return (float(limit) / (1 + half), math.inf) if is_buy else (0.0, float(limit) / (1 - half))
