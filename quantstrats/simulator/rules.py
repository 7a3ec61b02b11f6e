"""The rules that an order breaks or keeps by itself: its fields, its prices, the hour. No account is looked at."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from quantstrats.errors import DataError
from quantstrats.simulator.decimals import CENT, SMALLEST_SHARE, number, tick_of
from quantstrats.simulator.orders import CLASSES, SIDES, TIMES_IN_FORCE, TYPES, Refused, Request
from quantstrats.simulator.times import NS, day_in_new_york, new_york_ns

if TYPE_CHECKING:
    from quantstrats.simulator.sessions import Session, Sessions

BAD_FIELD = 40010001
BAD_ORDER = 42210000
FORBIDDEN = 40310000

LONGEST_CLIENT_ID = 128
MOST_SHARES = MOST_DOLLARS = Decimal(10) ** 9
GTC_DAYS = 90
_MINUTE = 60 * NS

# Which of limit and stop price each type has.
_NEEDS = {
    "market": (False, False, "market orders require no stop or limit price"),
    "limit": (True, False, "limit orders require a limit price and no stop price"),
    "stop": (False, True, "stop orders require a stop price and no limit price"),
    "stop_limit": (True, True, "stop limit orders require both stop and limit price"),
    "trailing_stop": (False, False, "trailing stop orders require no stop or limit price"),
}


def check_form(request: Request) -> None:
    """Check what can be said of an order without looking at anything else.

    Raises
    ------
    Refused
        422, with the broker's code: a field is missing or does not fit the others.
    """
    _check_words(request)
    _check_quantity(request)
    _check_prices(request)
    _check_trail(request)
    _check_time_in_force(request)
    _check_class(request)


def check_tick(name: str, price: Decimal | None) -> None:
    """Check that a price lies on the grid: cents from $1 on, hundredths of a cent below.

    Raises
    ------
    Refused
        422.
    """
    if price is None:
        return
    if not 0 < price < MOST_DOLLARS:
        raise Refused(422, BAD_FIELD, f"{name} must be > 0")
    if price != price.quantize(tick_of(price)):
        told = f"invalid {name} {number(price)}. sub-penny increment does not fulfill minimum pricing criteria"
        raise Refused(422, BAD_ORDER, told)


def check_client_order_id(client_order_id: str | None) -> None:
    """Check the length of a client's id.

    Raises
    ------
    Refused
        422.
    """
    if client_order_id is not None and len(client_order_id) > LONGEST_CLIENT_ID:
        raise Refused(422, BAD_FIELD, f"client_order_id must be no more than {LONGEST_CLIENT_ID} characters")
    if client_order_id is not None and not client_order_id.isprintable():
        raise Refused(422, BAD_FIELD, "client_order_id must be printable")


def check_hour(time_in_force: str, now: int, sessions: Sessions) -> None:
    """Check that an order for an auction comes in its hours.

    None comes on a session's day from two minutes before the open (opg) or ten before the close (cls) to 19:00 New
    York.

    Raises
    ------
    Refused
        422.
    """
    if time_in_force not in {"opg", "cls"}:
        return
    day = day_in_new_york(now)
    session = sessions.of(day)
    if session is None:
        return
    last = session.open - 2 * _MINUTE if time_in_force == "opg" else session.close - 10 * _MINUTE
    if last <= now < new_york_ns(day, 19, 0):
        minutes = "two minutes before the open" if time_in_force == "opg" else "ten minutes before the close"
        raise Refused(422, BAD_ORDER, f"{time_in_force} orders are not accepted from {minutes} to 19:00")


def check_exits(request: Request, price: Decimal | None) -> None:
    """Check that the exits of an order lie on the right sides of its price.

    Parameters
    ----------
    request : Request
        Of any class.
    price : Decimal or None
        The last price in dollars: the base of a market order. None where none is known; then the exits of a market
        order need only lie on the right sides of each other.

    Raises
    ------
    Refused
        422, with ``base_price``.
    """
    if request.order_class == "simple":
        return
    profit, stop = request.take_profit, request.stop_loss[0] if request.stop_loss else None
    # What closes a long: the profit lies above, the stop below.
    is_long = (request.side == "buy") != (request.order_class == "oco")
    if request.order_class == "oco":
        base = profit
        profit = None
    else:
        base = request.limit_price or request.stop_price or price
        if base is None:
            base, profit = profit, None
    if base is None or not (profit or stop):
        return
    up, sign = (1, "+") if is_long else (-1, "-")
    if profit is not None and (profit - base) * up < CENT:
        told = f"take_profit.limit_price must be {'>=' if is_long else '<='} base_price {sign} 0.01"
        raise Refused(422, BAD_ORDER, told, base_price=number(base))
    if stop is not None and (base - stop) * up < CENT:
        told = f"stop_loss.stop_price must be {'<=' if is_long else '>='} base_price {'-' if is_long else '+'} 0.01"
        raise Refused(422, BAD_ORDER, told, base_price=number(base))


def is_fractional(request: Request) -> bool:
    """Tell whether an order is for dollars or for parts of a share."""
    return request.qty is None or request.qty != request.qty.to_integral_value()


def when(time_in_force: str, extended_hours: bool, now: int, sessions: Sessions) -> tuple[Session, bool, int]:
    """Return for which session an order is, whether the market takes it now, and when it expires.

    Parameters
    ----------
    time_in_force : str
        As on the wire.
    extended_hours : bool
        Whether it may also trade from 04:00 to 20:00 New York.
    now : int
        Nanoseconds since 1970 (UTC).
    sessions : Sessions
        The exchange's.
    """
    session = sessions.of(day_in_new_york(now))
    if session is None or now >= _last_call(session, time_in_force, extended_hours):
        session = sessions.at(sessions.next_open(now))
    if session is None:
        raise DataError("the calendar has an opening without a session")
    live = (session.first if extended_hours else session.open) <= now and time_in_force != "opg"
    if time_in_force == "gtc":
        last_day = day_in_new_york(now) + datetime.timedelta(days=GTC_DAYS)
        return session, live, new_york_ns(last_day, 16, 15)
    return session, live, _last_call(session, time_in_force, extended_hours)


def _last_call(session: Session, time_in_force: str, extended_hours: bool) -> int:
    if time_in_force == "opg":
        return session.open
    return session.last if extended_hours else session.close


def _check_words(request: Request) -> None:
    for name, value, known in (
        ("side", request.side, SIDES),
        ("type", request.type, TYPES),
        ("time_in_force", request.time_in_force, TIMES_IN_FORCE),
        ("order_class", request.order_class, CLASSES),
    ):
        if value not in known:
            raise Refused(422, BAD_FIELD, f"invalid {name}: {value[:40]!r}")
    check_client_order_id(request.client_order_id)


def _check_quantity(request: Request) -> None:
    if (request.qty is None) == (request.notional is None):
        told = "qty or notional is required" if request.qty is None else "only one of qty or notional is accepted"
        raise Refused(422, BAD_FIELD, told)
    if request.qty is not None:
        if not 0 < request.qty < MOST_SHARES:
            raise Refused(422, BAD_FIELD, "qty must be > 0")
        if request.qty != request.qty.quantize(SMALLEST_SHARE):
            raise Refused(422, BAD_ORDER, "qty must be limited to 9 decimal places")
    if request.notional is not None:
        if not 0 < request.notional < MOST_DOLLARS:
            raise Refused(422, BAD_FIELD, "notional must be > 0")
        if request.notional != request.notional.quantize(CENT):
            raise Refused(422, BAD_ORDER, "notional value must be limited to 2 decimal places")
        if request.notional < 1:
            raise Refused(403, FORBIDDEN, "cost basis must be >= minimal amount of order 1")


def _check_prices(request: Request) -> None:
    limit, stop, told = _NEEDS[request.type]
    # A client may give the limit of an OCO as its profit alone.
    lacks_limit = limit and request.limit_price is None and not (request.order_class == "oco" and request.take_profit)
    if lacks_limit or (stop and request.stop_price is None):
        raise Refused(422, BAD_FIELD, told)
    if (request.limit_price is not None and not limit) or (request.stop_price is not None and not stop):
        raise Refused(422, BAD_FIELD, told)
    check_tick("limit_price", request.limit_price)
    check_tick("stop_price", request.stop_price)
    check_tick("take_profit.limit_price", request.take_profit)
    if request.stop_loss:
        check_tick("stop_loss.stop_price", request.stop_loss[0])
        check_tick("stop_loss.limit_price", request.stop_loss[1])


def _check_trail(request: Request) -> None:
    given = [trail for trail in (request.trail_price, request.trail_percent) if trail is not None]
    if request.type != "trailing_stop":
        if given:
            raise Refused(422, BAD_FIELD, "only trailing stop orders take trail_price or trail_percent")
        return
    if len(given) != 1:
        raise Refused(422, BAD_FIELD, "trailing stop orders must specify one of trail_price or trail_percent")
    check_tick("trail_price", request.trail_price)
    if request.trail_percent is not None and not 0 < request.trail_percent < 100:
        raise Refused(422, BAD_FIELD, "trail_percent must be > 0 and < 100")


def _check_time_in_force(request: Request) -> None:
    if request.extended_hours and not (request.type == "limit" and request.time_in_force == "day"):
        raise Refused(422, BAD_ORDER, "extended hours order must be DAY limit orders")
    if is_fractional(request):
        if request.time_in_force != "day":
            raise Refused(422, BAD_ORDER, "fractional orders must be DAY orders")
        if request.type == "trailing_stop":
            raise Refused(422, BAD_ORDER, "fractional orders cannot be trailing stop orders")
    if request.time_in_force in {"opg", "cls", "ioc", "fok"} and request.type not in {"market", "limit"}:
        raise Refused(422, BAD_ORDER, f"{request.time_in_force} orders must be market or limit orders")


def _check_class(request: Request) -> None:
    kind, profit, stop = request.order_class, request.take_profit is not None, request.stop_loss is not None
    if kind == "simple":
        if profit or stop:
            raise Refused(422, BAD_ORDER, "simple orders take no take_profit or stop_loss")
        return
    if is_fractional(request):
        raise Refused(422, BAD_ORDER, "fractional orders must be simple orders")
    if request.time_in_force not in {"day", "gtc"} or request.extended_hours:
        raise Refused(422, BAD_ORDER, f"{kind} orders must be DAY or GTC and not in extended hours")
    if request.type == "trailing_stop" or (kind == "oco" and request.type != "limit"):
        raise Refused(422, BAD_ORDER, f"{kind} orders cannot be of type {request.type}")
    has_its_exits, told = {
        "bracket": (profit and stop, "both take_profit.limit_price and stop_loss.stop_price"),
        "oto": (profit != stop, "one of take_profit and stop_loss"),
        "oco": (profit and stop, "a limit price and stop_loss.stop_price"),
    }[kind]
    if not has_its_exits:
        raise Refused(422, BAD_FIELD, f"{kind} orders require {told}")
