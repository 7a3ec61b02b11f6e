"""The trading endpoints: account, orders, positions, assets, clock, calendar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from quantstrats.simulator.orders import Order, Refused
from quantstrats.simulator.protocol.accounts import account_json, configuration_json
from quantstrats.simulator.protocol.activities import activities_json
from quantstrats.simulator.protocol.assets import asset_json
from quantstrats.simulator.protocol.bodies import configuration_changes, order_changes, order_request
from quantstrats.simulator.protocol.clock import calendar_json, clock_json
from quantstrats.simulator.protocol.errors import NOT_FOUND, bad_field, error_json
from quantstrats.simulator.protocol.numbers import decimal_of
from quantstrats.simulator.protocol.order_list import orders_json
from quantstrats.simulator.protocol.orders import order_json
from quantstrats.simulator.protocol.portfolio_history import portfolio_history_json
from quantstrats.simulator.protocol.positions import position_json
from quantstrats.simulator.protocol.queries import Query, flag, word
from quantstrats.simulator.server.answers import EMPTY, Answer, answer
from quantstrats.simulator.server.desk import Call, Desk

Endpoint = Callable[[Desk, Call], Answer]


def get_account(desk: Desk, call: Call) -> Answer:
    """GET /v2/account."""
    exchange = desk.exchange
    return answer(account_json(exchange.account(call.account), desk.profile, exchange.now))


def get_configuration(desk: Desk, call: Call) -> Answer:
    """GET /v2/account/configurations."""
    return answer(configuration_json(desk.exchange.account(call.account), desk.profile))


def patch_configuration(desk: Desk, call: Call) -> Answer:
    """PATCH /v2/account/configurations."""
    desk.exchange.configure(call.account, **configuration_changes(call.body))
    return get_configuration(desk, call)


def get_activities(desk: Desk, call: Call) -> Answer:
    """GET /v2/account/activities and /v2/account/activities/FILL."""
    lines = desk.exchange.activities(call.account)
    return answer(activities_json(lines, call.query, call.account, call.name or None))


def get_portfolio_history(desk: Desk, call: Call) -> Answer:
    """GET /v2/account/portfolio/history."""
    exchange = desk.exchange
    points, start = exchange.history(call.account), desk.cash_at_start(call.account)
    return answer(portfolio_history_json(points, call.query, start, exchange.now))


def get_clock(desk: Desk, _: Call) -> Answer:
    """GET /v2/clock."""
    now = desk.exchange.now
    offset = desk.faults.clock_offset(now) if desk.faults else 0
    return answer(clock_json(now, desk.exchange.sessions, offset))


def get_calendar(desk: Desk, call: Call) -> Answer:
    """GET /v2/calendar."""
    return answer(calendar_json(desk.exchange.sessions, call.query))


def get_assets(desk: Desk, call: Call) -> Answer:
    """GET /v2/assets."""
    status = word(call.query, "status", ("active", "inactive", "all"), "all")
    kind, place = call.query.get("asset_class") or "us_equity", call.query.get("exchange")
    found = [
        asset_json(symbol, asset, desk.profile)
        for symbol in sorted(desk.exchange.tape.symbols)
        if (asset := desk.exchange.asset(symbol)).exchange == (place or asset.exchange)
    ]
    return answer(found if status != "inactive" and kind == "us_equity" else [])


def get_asset(desk: Desk, call: Call) -> Answer:
    """GET /v2/assets/{symbol or id}."""
    symbol = desk.symbol_of(call.name)
    return answer(asset_json(symbol, desk.exchange.asset(symbol), desk.profile))


def post_order(desk: Desk, call: Call) -> Answer:
    """POST /v2/orders."""
    request = order_request(call.body)
    if request.symbol in desk.asset_ids:
        request = replace(request, symbol=desk.symbol_of(request.symbol))
    return _told(desk, call, desk.exchange.submit(call.account, request))


def get_orders(desk: Desk, call: Call) -> Answer:
    """GET /v2/orders."""
    exchange = desk.exchange
    is_open = (call.query.get("status") or "open") == "open" and not _looks_back(call.query)
    orders = exchange.open_orders(call.account) if is_open else exchange.orders(call.account)
    return answer(orders_json([order for order in orders if not desk.is_hidden(order)], call.query))


def get_order(desk: Desk, call: Call) -> Answer:
    """GET /v2/orders/{id}."""
    order = desk.order_in_sight(desk.exchange.order(call.account, call.name))
    return _told(desk, call, order) if flag(call.query, "nested") else answer(order_json(order))


def get_order_by_client_id(desk: Desk, call: Call) -> Answer:
    """GET /v2/orders:by_client_order_id."""
    client_order_id = call.query.get("client_order_id")
    if not client_order_id:
        raise bad_field("client_order_id is required")
    order = desk.order_in_sight(desk.exchange.order_by_client_id(call.account, client_order_id))
    return answer(order_json(order))


def patch_order(desk: Desk, call: Call) -> Answer:
    """PATCH /v2/orders/{id}."""
    changes = order_changes(call.body)
    desk.order_in_sight(desk.exchange.order(call.account, call.name))
    return _told(desk, call, desk.exchange.replace(call.account, call.name, changes))


def delete_order(desk: Desk, call: Call) -> Answer:
    """DELETE /v2/orders/{id}."""
    desk.order_in_sight(desk.exchange.order(call.account, call.name))
    desk.exchange.cancel(call.account, call.name)
    return EMPTY


def delete_orders(desk: Desk, call: Call) -> Answer:
    """DELETE /v2/orders."""
    canceled = desk.exchange.cancel_all(call.account)
    return answer([{"id": order_id, "status": status} for order_id, status in canceled], 207)


def get_positions(desk: Desk, call: Call) -> Answer:
    """GET /v2/positions."""
    exchange = desk.exchange
    held = exchange.positions(call.account)
    return answer([position_json(each, exchange.asset(each.symbol)) for each in held])


def get_position(desk: Desk, call: Call) -> Answer:
    """GET /v2/positions/{symbol or id}."""
    symbol = _held_symbol(desk, call)
    return answer(position_json(desk.exchange.position(call.account, symbol), desk.exchange.asset(symbol)))


def delete_position(desk: Desk, call: Call) -> Answer:
    """DELETE /v2/positions/{symbol or id}."""
    symbol = _held_symbol(desk, call)
    qty, percentage = _number(call.query, "qty"), _number(call.query, "percentage")
    if qty is not None and percentage is not None:
        raise bad_field("only one of qty and percentage is accepted")
    return _told(desk, call, desk.exchange.close_position(call.account, symbol, qty, percentage))


def delete_positions(desk: Desk, call: Call) -> Answer:
    """DELETE /v2/positions."""
    closed = desk.exchange.close_positions(call.account, flag(call.query, "cancel_orders"))
    rows: list[dict[str, Any]] = []
    for symbol, outcome in closed:
        if isinstance(outcome, Refused):
            rows.append({"symbol": symbol, "status": outcome.status, "body": error_json(outcome)})
        else:
            rows.append({"symbol": symbol, "status": 200, "body": order_json(outcome)})
    return answer(rows, 207)


def _told(desk: Desk, call: Call, order: Order) -> Answer:
    """Return an order with its exits."""
    exchange = desk.exchange
    return answer(order_json(order, [exchange.order(call.account, leg) for leg in order.legs]))


def _held_symbol(desk: Desk, call: Call) -> str:
    try:
        return desk.symbol_of(call.name)
    except Refused:
        raise Refused(404, NOT_FOUND, "position does not exist") from None


def _number(query: Query, name: str) -> Decimal | None:
    value = query.get(name)
    return decimal_of(value, name) if value else None


def _looks_back(query: Query) -> bool:
    """Tell whether a list of open orders needs the others too: orders whose exits are open, ids to list from."""
    return any(query.get(name) for name in ("nested", "after_order_id", "before_order_id"))


ROUTES: dict[str, dict[str, Endpoint]] = {
    "/v2/account": {"GET": get_account},
    "/v2/account/configurations": {"GET": get_configuration, "PATCH": patch_configuration},
    "/v2/account/activities": {"GET": get_activities},
    "/v2/account/activities/*": {"GET": get_activities},
    "/v2/account/portfolio/history": {"GET": get_portfolio_history},
    "/v2/clock": {"GET": get_clock},
    "/v2/calendar": {"GET": get_calendar},
    "/v2/assets": {"GET": get_assets},
    "/v2/assets/*": {"GET": get_asset},
    "/v2/orders": {"POST": post_order, "GET": get_orders, "DELETE": delete_orders},
    "/v2/orders:by_client_order_id": {"GET": get_order_by_client_id},
    "/v2/orders/*": {"GET": get_order, "PATCH": patch_order, "DELETE": delete_order},
    "/v2/positions": {"GET": get_positions, "DELETE": delete_positions},
    "/v2/positions/*": {"GET": get_position, "DELETE": delete_position},
}
