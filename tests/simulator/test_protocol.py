"""The wire's numbers, bodies, queries and profiles, by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.simulator.orders import Changes, Refused
from quantstrats.simulator.protocol.bodies import configuration_changes, object_of, order_changes, order_request
from quantstrats.simulator.protocol.numbers import decimal_of
from quantstrats.simulator.protocol.profiles import profile_of
from quantstrats.simulator.protocol.queries import count, day, flag, instant, query_of, word, words
from quantstrats.simulator.times import new_york_ns


def refused(call, *args):
    with pytest.raises(Refused) as told:
        call(*args)
    return told.value.status, told.value.code


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("10", 10), (10, 10), ("0.123456789", "0.123456789"), (Decimal("99.5"), "99.5"), ("1e3", 1000), ("-1", -1)],
)
def test_a_number_is_read_from_a_number_or_a_text(sent, meant):
    assert decimal_of(sent, "qty") == Decimal(meant)


@pytest.mark.parametrize(
    "sent",
    [
        *("", " 1", "1 ", "1_000", "abc", "NaN", "Infinity", "-inf", "sNaN", "1e400", "1e-400", "0e99999"),
        *("\u0661\u0662", "9" * 60, 10**4000, Decimal("1e999999"), Decimal("0." + "1" * 60)),
    ],
)
def test_what_is_no_sane_number_is_refused(sent):
    assert refused(decimal_of, sent, "qty") == (422, 40010001)


@pytest.mark.parametrize("sent", [True, [], {}, 1.5])
def test_another_type_than_a_number_is_malformed(sent):
    # Fractions are read as Decimal, so that a float never comes.
    assert refused(decimal_of, sent, "qty") == (400, 40010000)


@given(st.decimals(min_value=Decimal("1e-9"), max_value=Decimal(10**9), places=9))
def test_a_number_keeps_every_digit(value):
    body = f'{{"symbol":"A","side":"buy","type":"market","time_in_force":"day","qty":{value:f}}}'
    assert order_request(body.encode()).qty == value


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b'"a"', b"null", b"1", b"\xff\xfe", b"{}x", b"{'a':1}", b"\xef\xbb\xbf{}"),
        *(b'{"qty":NaN}', b'{"qty":Infinity}', b"[" * 100_000, b'{"a":' * 100_000),
    ],
)
def test_what_is_no_json_object_is_malformed(body):
    assert refused(object_of, body) == (400, 40010000)


def test_a_full_order_is_read():
    body = b"""{"symbol": "A", "qty": 10.5, "side": "buy", "type": "limit", "time_in_force": "gtc",
        "limit_price": "99.5", "order_class": "bracket", "take_profit": {"limit_price": 110},
        "stop_loss": {"stop_price": 90, "limit_price": "89"},
        "extended_hours": true, "client_order_id": "mine", "position_intent": "buy_to_open", "unknown": [1, 2]}"""
    request = order_request(body)
    assert (request.symbol, request.side, request.type, request.time_in_force) == ("A", "buy", "limit", "gtc")
    assert (request.qty, request.limit_price, request.notional) == (Decimal("10.5"), Decimal("99.5"), None)
    assert (request.order_class, request.take_profit, request.stop_loss) == ("bracket", 110, (90, 89))
    assert (request.extended_hours, request.client_order_id, request.position_intent) == (True, "mine", "buy_to_open")


def test_what_an_order_leaves_out_is_the_usual():
    request = order_request(b'{"symbol":"A","side":"sell","type":"market","time_in_force":"day","order_class":""}')
    assert (request.order_class, request.extended_hours, request.client_order_id) == ("simple", False, None)
    assert (request.take_profit, request.stop_loss, request.qty) == (None, None, None)


@pytest.mark.parametrize("missing", ["symbol", "side", "type", "time_in_force"])
def test_a_missing_field_is_named(missing):
    fields = {"symbol": "A", "side": "buy", "type": "market", "time_in_force": "day"}
    body = "{" + ",".join(f'"{name}":"{value}"' for name, value in fields.items() if name != missing) + "}"
    with pytest.raises(Refused, match=f"{missing} is required") as told:
        order_request(body.encode())
    assert (told.value.status, told.value.code) == (422, 40010001)


@pytest.mark.parametrize(
    ("field", "status"),
    [
        ('"symbol":1', 400),
        ('"side":null', 422),
        ('"extended_hours":"true"', 400),
        ('"client_order_id":7', 400),
        ('"take_profit":"110"', 400),
        ('"take_profit":{}', 422),
        ('"stop_loss":{"limit_price":1}', 422),
        ('"stop_loss":[]', 400),
        ('"qty":{}', 400),
        ('"qty":"ten"', 422),
        ('"order_class":[]', 400),
    ],
)
def test_a_field_of_the_wrong_type_is_refused(field, status):
    body = '{"symbol":"A","side":"buy","type":"market","time_in_force":"day",' + field + "}"
    assert refused(order_request, body.encode())[0] == status


def test_changes_and_configuration_are_read():
    assert order_changes(b'{"qty":"2","trail":1.5}') == Changes(qty=Decimal(2), trail=Decimal("1.5"))
    assert order_changes(b"{}") == Changes()
    assert configuration_changes(b'{"no_shorting":true,"suspend_trade":null,"dtbp_check":"both"}') == {
        "no_shorting": True
    }
    assert refused(configuration_changes, b'{"suspend_trade":"yes"}') == (400, 40010000)


def test_of_a_field_that_is_there_twice_the_first_counts():
    query = query_of(b"status=all&status=closed&symbols=A,%20B,,C&flag=True&empty=")
    assert word(query, "status", ("open", "all"), "open") == "all"
    assert words(query, "symbols") == ["A", "B", "C"]
    assert flag(query, "flag")
    assert not flag(query, "empty")
    assert query_of(b"\xff=\xff&%ff=%ff")


def test_a_parameter_that_makes_no_sense_is_refused():
    query = query_of("limit=0&many=1000&text=x&wide=\u0661&huge=".encode() + b"9" * 5000)
    for name in ("limit", "many", "text", "wide", "huge"):
        assert refused(count, query, name, 50, 500) == (422, 40010001)
    for call in (flag, instant, day):
        assert refused(call, query, "text") == (422, 40010001)
    assert refused(word, query, "text", ("a", "b"), "a") == (422, 40010001)
    assert refused(query_of, b"a=1&" * 2000) == (422, 40010001)
    assert count(query, "absent", 50, 500) == 50


def test_instants_and_days_are_read():
    query = query_of(b"a=2024-03-01T09:30:00-05:00&b=2024-03-01T19:30:00+05:00&c=2024-03-01&d=2024-03-01T20:00:00Z")
    # The second one's + became a blank, as clients forget to quote it.
    opened = new_york_ns(date(2024, 3, 1), 9, 30)
    assert (instant(query, "a"), instant(query, "b")) == (opened, opened)
    assert instant(query, "c") == new_york_ns(date(2024, 3, 1))
    assert (day(query, "c"), day(query, "d"), day(query, "e")) == (date(2024, 3, 1), date(2024, 3, 1), None)


@pytest.mark.parametrize(
    ("on", "pattern_day_trader", "easy_to_borrow", "borrow_status"),
    [
        (date(2026, 6, 4), True, True, False),
        (date(2026, 6, 5), True, True, True),
        (date(2026, 7, 5), True, True, True),
        (date(2026, 7, 6), False, True, True),
        (date(2026, 9, 21), False, True, True),
        (date(2026, 9, 22), False, False, True),
        (None, False, True, True),
    ],
)
def test_fields_come_and_go_by_date(on, pattern_day_trader, easy_to_borrow, borrow_status):
    profile = profile_of(on)
    assert profile.pattern_day_trader == pattern_day_trader
    assert (profile.easy_to_borrow, profile.borrow_status) == (easy_to_borrow, borrow_status)
