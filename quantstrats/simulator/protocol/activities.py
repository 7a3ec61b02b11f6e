"""Lines of an account's statement as JSON, and which of them a query asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from quantstrats.simulator.decimals import number
from quantstrats.simulator.protocol.errors import bad_field
from quantstrats.simulator.protocol.queries import Query, count, day, instant, word, words
from quantstrats.simulator.times import day_in_new_york, new_york_ns, rfc3339

if TYPE_CHECKING:
    from quantstrats.simulator.activities import Activity

MOST = 100
_CATEGORIES = ("", "trade_activity", "non_trade_activity")


def activity_json(activity: Activity, account: str) -> dict[str, Any]:
    """Return a line of the statement as the broker sends it.

    A fill carries neither client_order_id nor execution_id. ``account_id`` is there for alpaca-py's models, which
    need it.
    """
    if activity.activity_type == "FILL":
        return {
            "id": activity.id,
            "account_id": account,
            "activity_type": "FILL",
            "transaction_time": rfc3339(activity.time),
            "type": activity.type,
            "price": _text(activity.price),
            "qty": number(activity.qty),
            "side": activity.side,
            "symbol": activity.symbol,
            "leaves_qty": _text(activity.leaves_qty),
            "order_id": activity.order_id,
            "cum_qty": _text(activity.cum_qty),
            "order_status": activity.order_status,
        }
    return {
        "id": activity.id,
        "account_id": account,
        "activity_type": activity.activity_type,
        "date": day_in_new_york(activity.time).isoformat(),
        "net_amount": number(activity.net_amount),
        "description": "",
        "symbol": activity.symbol,
        "qty": number(activity.qty),
        "per_share_amount": _text(activity.per_share_amount),
        "status": "executed",
    }


def activities_json(
    activities: Sequence[Activity], query: Query, account: str, only: str | None
) -> list[dict[str, Any]]:
    """Return the lines that a query asks for.

    Parameters
    ----------
    activities : sequence of Activity
        All that can be seen, ascending by time.
    query : mapping of str to str
        ``date``, or ``after`` and ``until`` (both exclusive); ``direction``, desc unless told otherwise;
        ``page_size``; ``page_token``, the id of the last line of the page before; ``order_id``; ``activity_types``;
        ``category``.
    account : str
        Its id.
    only : str or None
        A type that the path names.

    Raises
    ------
    Refused
        422 for a parameter that makes no sense.
    """
    first, last = _span(query)
    kinds = _kinds(query, only)
    category = word(query, "category", _CATEGORIES, "")
    order = query.get("order_id")
    found = [
        each
        for each in activities
        if first < each.time < last
        and (not kinds or each.activity_type in kinds)
        and (not order or each.order_id == order)
        and (not category or (each.activity_type == "FILL") == (category == "trade_activity"))
    ]
    size = count(query, "page_size", MOST, MOST)
    if word(query, "direction", ("desc", "asc"), "desc") == "desc":
        found.reverse()
    start = _after(found, query.get("page_token"))
    return [activity_json(each, account) for each in found[start : start + size]]


def _span(query: Query) -> tuple[float, float]:
    on, after, until = day(query, "date"), instant(query, "after"), instant(query, "until")
    if on is None:
        return -float("inf") if after is None else after, float("inf") if until is None else until
    if after is not None or until is not None:
        raise bad_field("date cannot be combined with after or until")
    try:
        return new_york_ns(on) - 1, new_york_ns(on + timedelta(days=1))
    except OverflowError:
        raise bad_field("invalid date: too late") from None


def _kinds(query: Query, only: str | None) -> set[str]:
    kinds = {only} if only else set(words(query, "activity_types"))
    for kind in kinds:
        if not (kind.isascii() and kind.isalpha() and kind.isupper()):
            raise bad_field("invalid activity type")
    return kinds


def _after(found: Sequence[Activity], token: str | None) -> int:
    if not token:
        return 0
    for place, each in enumerate(found):
        if each.id == token:
            return place + 1
    raise bad_field("invalid page_token")


def _text(value: Decimal | None) -> str | None:
    return None if value is None else number(value)
