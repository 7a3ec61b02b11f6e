"""Whatever comes over the wire, the answer is a status and JSON, and the server is as well as before."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from .desks import KEYS, ask, desk_of
from .exchanges import to_bar

FIELDS = """symbol qty notional side type time_in_force limit_price stop_price trail_price trail_percent order_class
    take_profit stop_loss extended_hours client_order_id position_intent trail suspend_trade"""
WORDS = """A B buy sell market limit stop stop_limit trailing_stop day gtc opg cls ioc fok bracket oco oto 1 90 1e9
    0.0000000001 -5 NaN"""
ODD_WORDS = ("", "\ud800", "\x00", "x" * 200)
PATHS = """/v2/orders /v2/orders/x /v2/positions /v2/positions/A /v2/account /v2/account/activities /v2/clock
    /v2/calendar /v2/account/activities/FILL /v2/account/configurations /v2/account/portfolio/history /v2/assets
    /v2/assets/A /v2/orders:by_client_order_id /v2/stocks/bars /v2/stocks/A/bars /v2/stocks/bars/latest
    /v2/stocks/quotes/latest /v2/stocks/snapshots /v2/stocks/A/snapshot /v2// /"""
PARAMETERS = """status limit after until direction nested symbols side after_order_id date page_size page_token category
    activity_types period timeframe start end qty percentage cancel_orders client_order_id feed sort adjustment
    currency asset_class exchange date_end"""
VALUES = """A A,B 1Min 1Day 2024-03-01 2024-03-01T14:30:00Z 0001-01-01 9999-12-31 all true 1 -1 500 FILL 1D 9999A desc
    99999999999999999999 %00 %ff 1e5 NaN 1M \u0661"""


def one_of(words, more=()):
    return st.sampled_from([*words.split(), *more])


numbers = st.one_of(
    st.integers(-10, 10**30), st.floats(), st.decimals().map(str), st.sampled_from([0.5, 1, 10, 100.25])
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, one_of(WORDS, ODD_WORDS), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["limit_price", "stop_price", "a"]), inner, max_size=3),
    ),
    max_leaves=5,
)
methods = st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"])


def is_well(desk, answered):
    """Check that an answer is one that the broker could have given."""
    assert not desk.failures
    assert 200 <= answered.status < 500
    if answered.status == 204:
        assert answered.body == b""
    else:
        told = json.loads(answered.body)
        assert answered.status < 400 or told["message"]
        assert b"NaN" not in answered.body
    for line in desk.wire_log.lines()[-2:]:
        json.loads(line)


@given(st.dictionaries(one_of(FIELDS), values), st.sampled_from(["POST", "PATCH"]))
def test_any_fields_are_answered(fields, method):
    desk = desk_of()
    to_bar(desk.exchange)
    usual = {"symbol": "A", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    made = ask(desk, "POST", "/v2/orders", {**usual, "type": "limit", "limit_price": "90"}).json["id"]
    to_bar(desk.exchange)
    path = "/v2/orders" if method == "POST" else f"/v2/orders/{made}"
    is_well(desk, ask(desk, method, path, json.dumps({**usual, **fields} if method == "POST" else fields).encode()))
    is_well(desk, ask(desk, "PATCH", "/v2/account/configurations", json.dumps(fields).encode()))
    to_bar(desk.exchange)


@given(methods, one_of(PATHS), st.binary(max_size=60))
def test_any_bytes_are_answered(method, path, body):
    desk = desk_of()
    is_well(desk, ask(desk, method, path, body))


@given(
    methods,
    one_of(PATHS),
    st.lists(st.tuples(one_of(PARAMETERS), one_of(VALUES)), max_size=4),
)
def test_any_query_is_answered(method, path, pairs):
    desk = desk_of()
    to_bar(desk.exchange)
    query = "&".join(f"{name}={value}" for name, value in pairs)
    is_well(desk, ask(desk, method, path, query=query.encode()))


@given(st.binary(max_size=40), st.text(max_size=20))
def test_any_path_and_raw_query_are_answered(query, path):
    desk = desk_of()
    is_well(desk, ask(desk, "GET", "/v2/" + path.replace("?", ""), query=query))


@given(st.lists(st.tuples(st.sampled_from([*(name for name, _ in KEYS), b"authorization"]), st.binary(max_size=20))))
def test_any_headers_are_answered(headers):
    desk = desk_of()
    is_well(desk, ask(desk, "GET", "/v2/account", headers=headers))
