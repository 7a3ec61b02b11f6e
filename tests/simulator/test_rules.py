"""Which orders the rules refuse by themselves, with which status and code."""

from __future__ import annotations

from decimal import Decimal

import pytest

from quantstrats.simulator.orders import Refused
from quantstrats.simulator.rules import check_client_order_id
from quantstrats.simulator.settings import AssetSettings

from .exchanges import asked, at, buy, exchange, sell, to_bar


@pytest.fixture
def live():
    """An exchange in the session, the price of A at 100."""
    made, account = exchange()
    to_bar(made)
    return made, account


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (asked("hold"), 422, 40010001),
        (buy(kind="iceberg"), 422, 40010001),
        (buy(tif="gtd"), 422, 40010001),
        (buy(order_class="mleg"), 422, 40010001),
        (buy(qty=None), 422, 40010001),
        (buy(qty=1, notional=100), 422, 40010001),
        (buy(qty=0), 422, 40010001),
        (buy(qty=-1), 422, 40010001),
        (buy(qty="1e30"), 422, 40010001),
        (buy(qty="0.1234567891"), 422, 42210000),
        (buy(qty=None, notional="10.001"), 422, 42210000),
        (buy(qty=None, notional="0.99"), 403, 40310000),
        (buy(qty="0.5", tif="gtc"), 422, 42210000),
        (buy(qty="0.5", tif="ioc"), 422, 42210000),
        (buy(qty=None, notional=100, tif="opg"), 422, 42210000),
        (buy(qty="0.5", kind="trailing_stop", trail_price=1), 422, 42210000),
        (buy(kind="limit"), 422, 40010001),
        (buy(kind="stop"), 422, 40010001),
        (buy(kind="stop_limit", stop_price=90), 422, 40010001),
        (buy(kind="stop_limit", limit_price=90), 422, 40010001),
        (buy(kind="market", limit_price=90), 422, 40010001),
        (buy(kind="market", stop_price=90), 422, 40010001),
        (buy(kind="trailing_stop"), 422, 40010001),
        (buy(kind="trailing_stop", trail_price=1, trail_percent=1), 422, 40010001),
        (buy(kind="trailing_stop", trail_percent=100), 422, 40010001),
        (buy(trail_price=1), 422, 40010001),
        (buy(limit_price=0), 422, 40010001),
        (buy(limit_price="90.001"), 422, 42210000),
        (buy(limit_price="0.12345"), 422, 42210000),
        (buy(stop_price="110.005"), 422, 42210000),
        (buy(extended_hours=True), 422, 42210000),
        (buy(limit_price=90, tif="gtc", extended_hours=True), 422, 42210000),
        (buy(stop_price=110, tif="opg"), 422, 42210000),
        (buy(stop_price=110, tif="ioc"), 422, 42210000),
        (buy(kind="trailing_stop", trail_price=1, tif="fok"), 422, 42210000),
        (buy(client_order_id="x" * 129), 422, 40010001),
        (buy(symbol="NONE"), 422, 42210000),
        (buy(take_profit=110), 422, 42210000),
        (buy(order_class="bracket", take_profit=110), 422, 40010001),
        (buy(order_class="bracket", stop_loss=90), 422, 40010001),
        (buy(order_class="bracket", take_profit=110, stop_loss=90, tif="ioc"), 422, 42210000),
        (buy(order_class="bracket", take_profit=110, stop_loss=90, qty="1.5"), 422, 42210000),
        (buy(order_class="oto"), 422, 40010001),
        (buy(order_class="oto", take_profit=110, stop_loss=90), 422, 40010001),
        (buy(order_class="oto", kind="trailing_stop", trail_price=1, stop_loss=90), 422, 42210000),
        (sell(order_class="oco", take_profit=110, stop_loss=90), 422, 42210000),
        (sell(order_class="oco", limit_price=110), 422, 40010001),
        (sell(order_class="oco", limit_price=110, stop_loss=90), 422, 42210000),
        (buy(position_intent="buy_to_close"), 422, 42210000),
    ],
    ids=str,
)
def test_an_order_of_the_wrong_form_is_refused(live, request_, status, code):
    made, account = live
    with pytest.raises(Refused) as refused:
        made.submit(account, request_)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert made.orders(account) == []
    assert made.account(account).buying_power == 200_000


@pytest.mark.parametrize(
    "request_",
    [
        buy(limit_price="0.1234"),
        buy(limit_price="90.01"),
        buy(qty="0.123456789"),
        buy(qty=None, notional="100.01", limit_price=99),
        buy(qty="0.5", stop_price=110),
        buy(limit_price=90, extended_hours=True),
        buy(client_order_id="x" * 128),
        buy(position_intent="buy_to_open"),
        buy(kind="trailing_stop", trail_percent="0.5", tif="gtc"),
        buy(order_class="bracket", limit_price=95, take_profit="95.01", stop_loss="94.99", tif="gtc"),
        buy(order_class="oto", take_profit="100.01"),
        buy(order_class="oto", stop_loss=(Decimal("99.99"), Decimal(99))),
    ],
    ids=str,
)
def test_an_order_of_the_right_form_is_taken(live, request_):
    made, account = live
    assert made.submit(account, request_).status == "pending_new"


@pytest.mark.parametrize(
    ("more", "base"),
    [
        ({"take_profit": 100, "stop_loss": 90}, "100"),
        ({"take_profit": 110, "stop_loss": 100}, "100"),
        ({"limit_price": 95, "take_profit": 95, "stop_loss": 90}, "95"),
        ({"limit_price": 95, "take_profit": 99, "stop_loss": 95}, "95"),
        ({"stop_price": 105, "take_profit": 105, "stop_loss": 90}, "105"),
    ],
    ids=str,
)
def test_the_exits_of_a_bracket_lie_a_cent_beyond_its_price(live, more, base):
    made, account = live
    with pytest.raises(Refused) as refused:
        made.submit(account, buy(order_class="bracket", **more))
    assert (refused.value.status, refused.value.code) == (422, 42210000)
    assert refused.value.details == {"base_price": base}


def test_the_exits_of_a_short_lie_on_the_other_sides(live):
    made, account = live
    with pytest.raises(Refused):
        made.submit(account, sell(order_class="bracket", take_profit=110, stop_loss=90))
    assert made.submit(account, sell(order_class="bracket", take_profit=90, stop_loss=110)).position_intent == (
        "sell_to_open"
    )


@pytest.mark.parametrize(
    ("tif", "hour", "minute", "taken"),
    [
        ("opg", 9, 27, True),
        ("opg", 9, 28, False),
        ("opg", 12, 0, False),
        ("opg", 18, 59, False),
        ("opg", 19, 0, True),
        ("cls", 9, 0, True),
        ("cls", 15, 49, True),
        ("cls", 15, 50, False),
        ("cls", 18, 59, False),
        ("cls", 19, 0, True),
    ],
)
def test_orders_for_an_auction_come_in_its_hours(tif, hour, minute, taken):
    made, account = exchange()
    at(made, hour, minute)
    if taken:
        made.submit(account, buy(tif=tif))
    else:
        with pytest.raises(Refused) as refused:
            made.submit(account, buy(tif=tif))
        assert (refused.value.status, refused.value.code) == (422, 42210000)


@pytest.mark.parametrize(("minute", "taken"), [(49, True), (50, False)])
def test_on_a_half_day_the_closing_auction_is_at_one(minute, taken):
    made, account = exchange(days=("2026-11-27",))
    at(made, 12, minute)
    if taken:
        made.submit(account, buy(tif="cls"))
    else:
        with pytest.raises(Refused):
            made.submit(account, buy(tif="cls"))


def test_on_a_weekend_orders_for_an_auction_are_taken():
    made, account = exchange(days=("2024-03-01", "2024-03-04"))
    at(made, 12, 0, day=made.tape.session_days[0].replace(day=2))
    assert made.submit(account, buy(tif="opg")).status == "accepted"
    assert made.submit(account, buy(tif="cls")).status == "accepted"


def test_what_is_not_tradable_or_not_fractionable_is_refused():
    assets = {"A": AssetSettings(tradable=False), "B": AssetSettings(fractionable=False)}
    made, account = exchange(assets=assets)
    with pytest.raises(Refused) as halted:
        made.submit(account, buy())
    assert (halted.value.status, halted.value.code) == (422, 42210000)
    with pytest.raises(Refused) as whole:
        made.submit(account, buy(qty="0.5", symbol="B"))
    assert (whole.value.status, whole.value.code) == (403, 40310000)
    made.submit(account, buy(symbol="B"))


@pytest.mark.parametrize("client_order_id", ["\ud800", "a\x00b", "a\nb"])
def test_a_client_order_id_that_cannot_be_written_is_refused(client_order_id):
    with pytest.raises(Refused, match="must be printable"):
        check_client_order_id(client_order_id)
