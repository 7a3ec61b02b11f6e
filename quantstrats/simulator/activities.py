"""What an account's statement lists: fills, dividends, splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantstrats.simulator.times import new_york

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Activity:
    """A line of an account's statement.

    Attributes
    ----------
    id : str
        ``YYYYMMDDHHMMSSmmm::uuid``, the time in New York: in the order of time.
    activity_type : str
        FILL, DIV or SPLIT.
    time : int
        When it happened: nanoseconds since 1970 (UTC).
    seen_from : int
        From when on the statement lists it.
    symbol : str
        Whose.
    qty : Decimal
        Of a fill: shares of this execution. Of a dividend: shares held (negative for a short). Of a split: shares
        added (negative: taken away).
    net_amount : Decimal
        Dollars that cash moved by: negative when a share was bought or a short paid a dividend.
    type, side, price, order_id, execution_id, order_status, cum_qty, leaves_qty
        Of a fill: ``fill`` or ``partial_fill``, dollars a share, which order and execution, and the order as it was
        after it.
    per_share_amount : Decimal or None
        Of a dividend: dollars a share.
    """

    id: str
    activity_type: str
    time: int
    seen_from: int
    symbol: str
    qty: Decimal
    net_amount: Decimal
    type: str | None = None
    side: str | None = None
    price: Decimal | None = None
    order_id: str | None = None
    execution_id: str | None = None
    order_status: str | None = None
    cum_qty: Decimal | None = None
    leaves_qty: Decimal | None = None
    per_share_amount: Decimal | None = None


def activity_id(time: int, unique: str) -> str:
    """Return an activity's id.

    Parameters
    ----------
    time : int
        When it happened: nanoseconds since 1970 (UTC).
    unique : str
        A UUID.
    """
    local = new_york(time)
    return f"{local:%Y%m%d%H%M%S}{time // 1_000_000 % 1000:03d}::{unique}"
