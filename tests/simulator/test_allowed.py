"""What an account may do: buying power, shares that are free, shorts, wash trades, unique ids."""

from __future__ import annotations

from decimal import Decimal

import pytest

from quantstrats.simulator.orders import Changes, Refused
from quantstrats.simulator.settings import AccountSettings, AssetSettings, FillSettings

from .exchanges import buy, exchange, sell, to_bar


def account(cash=10_000, **more):
    return (AccountSettings(key="K", secret="S", cash=Decimal(cash), **more),)


def holding(qty, **settings):
    """An exchange whose account holds so many shares of A, bought (or sold short) at 100."""
    made, name = exchange(**settings)
    to_bar(made)
    made.submit(name, buy(qty) if qty > 0 else sell(-qty))
    to_bar(made)
    return made, name


def refusal(made, name, request):
    with pytest.raises(Refused) as refused:
        made.submit(name, request)
    return refused.value


def test_buying_power_is_what_the_broker_says():
    made, name = exchange(accounts=account())
    to_bar(made)
    # Twice the equity.
    assert made.account(name).buying_power == 20_000
    refused = refusal(made, name, buy(201))
    assert (refused.status, refused.code) == (403, 40310000)
    assert refused.details == {"buying_power": "20000", "cost_basis": "20100"}
    made.submit(name, buy(limit_price=90, qty=100))
    # 100 x 90 is reserved.
    assert made.account(name).reserved == 9_000
    assert made.account(name).buying_power == 11_000
    assert refusal(made, name, buy(limit_price=91, qty=121)).details["buying_power"] == "11000"


def test_half_of_what_is_held_is_margin():
    made, name = holding(100, accounts=account())
    # 10,000 in shares: 2 x (10,000 - 5,000).
    told = made.account(name)
    assert (told.cash, told.equity, told.initial_margin) == (0, 10_000, 5_000)
    assert told.buying_power == 10_000
    assert told.maintenance_margin == 2_500
    assert told.regt_buying_power == 10_000


def test_a_cash_account_has_its_cash_and_no_shorts():
    made, name = exchange(accounts=account(multiplier=1))
    to_bar(made)
    assert made.account(name).buying_power == 10_000
    assert refusal(made, name, buy(101)).code == 40310000
    assert refusal(made, name, sell(1)).code == 40310000


def test_a_buy_stop_reserves_the_limit_that_the_broker_makes_of_it():
    made, name = exchange(accounts=account())
    to_bar(made)
    made.submit(name, buy(qty=10, stop_price=110))
    # 2.5% above 110, from $50 on.
    assert made.account(name).reserved == Decimal("1127.50")


def test_a_short_reserves_a_cushion_above_the_ask():
    made, name = exchange(accounts=account(), fills=FillSettings(spread_bps=20))
    to_bar(made)
    made.submit(name, sell(qty=10, limit_price=101))
    # 1.03 x 100.10 beats the limit.
    assert made.account(name).reserved == Decimal("1031.03")
    made.submit(name, sell(qty=10, limit_price=120))
    assert made.account(name).reserved == Decimal("2231.03")


def test_what_a_fill_takes_is_reserved_no_more():
    made, name = exchange(accounts=account(), volume=40.0)
    to_bar(made)
    made.submit(name, buy(qty=30, limit_price=100))
    made.advance()
    # Ten shares at the first price; the rest is on its way.
    while made.positions(name) == []:
        made.advance()
    assert made.account(name).reserved == 0
    assert made.position(name, "A").qty == 30


def test_an_order_before_the_first_price_is_judged_when_that_is_known():
    made, name = exchange(accounts=account())
    assert made.last_price("A") is None
    orders = [made.submit(name, buy(qty)) for qty in (201, 200)]
    # Nothing of the price to come is told.
    assert made.account(name).buying_power == 20_000
    to_bar(made)
    assert [made.order(name, order.id).status for order in orders] == ["rejected", "filled"]


def test_shares_that_are_not_there_or_not_free_cannot_be_sold():
    made, name = holding(10)
    made.submit(name, sell(qty=4, limit_price=110))
    refused = refusal(made, name, sell(qty=7, limit_price=110))
    assert (refused.status, refused.code) == (403, 40310000)
    assert refused.details == {"available": "6", "existing_qty": "10", "held_for_orders": "4", "symbol": "A"}
    assert made.position(name, "A").qty_available == 6
    made.submit(name, sell(qty=6, limit_price=110))
    assert made.position(name, "A").qty_available == 0


def test_no_order_crosses_zero():
    made, name = holding(10)
    assert refusal(made, name, sell(11)).code == 40310000
    made, name = holding(-10)
    refused = refusal(made, name, buy(11))
    assert refused.details == {"available": "10", "existing_qty": "-10", "held_for_orders": "0", "symbol": "A"}
    assert made.submit(name, buy(10)).position_intent == "buy_to_close"


def test_two_sides_cannot_be_opened_at_once():
    made, name = exchange()
    to_bar(made)
    made.submit(name, buy(qty=8, limit_price=90))
    assert refusal(made, name, sell(qty=5, limit_price=110)).code == 40310000
    assert refusal(made, name, sell(qty=5, kind="trailing_stop", trail_price=1)).code == 40310000


def test_a_short_needs_two_thousand_and_a_name_that_can_be_borrowed():
    made, name = exchange(accounts=account(cash="1999.99"))
    to_bar(made)
    assert refusal(made, name, sell(1)).code == 40310000
    made, name = exchange(accounts=account(cash=2_000), assets={"B": AssetSettings(easy_to_borrow=False)})
    to_bar(made)
    refused = refusal(made, name, sell(1, symbol="B"))
    assert (refused.status, refused.code) == (422, 42210000)
    assert made.submit(name, sell(1)).position_intent == "sell_to_open"
    made, name = exchange(accounts=account(shorting=False))
    to_bar(made)
    assert refusal(made, name, sell(1)).code == 40310000
    made, name = exchange()
    made.configure(name, no_shorting=True)
    assert refusal(made, name, sell(1)).code == 40310000


def test_parts_of_a_share_cannot_be_sold_short():
    made, name = exchange()
    to_bar(made)
    assert (refusal(made, name, sell("0.5")).status, refusal(made, name, sell("0.5")).code) == (403, 40310000)
    assert refusal(made, name, sell(None, notional=100)).code == 40310000


@pytest.mark.parametrize(
    ("resting", "coming", "is_wash"),
    [
        ({"limit_price": 110}, {}, True),
        ({"limit_price": 110}, {"stop_price": 120}, True),
        ({"limit_price": 110}, {"limit_price": 109}, False),
        ({"limit_price": 110}, {"limit_price": 110}, True),
        ({"limit_price": 110}, {"stop_price": 105, "limit_price": 109}, False),
        ({"limit_price": 110}, {"stop_price": 105, "limit_price": 111}, True),
        ({"stop_price": 90}, {"limit_price": 80}, True),
        ({"limit_price": 110}, {"kind": "trailing_stop", "trail_price": 1}, False),
        ({"kind": "trailing_stop", "trail_price": 5}, {}, False),
        ({"limit_price": 110}, {"order_class": "oto", "take_profit": 120}, False),
        ({"order_class": "oco", "limit_price": 110, "stop_loss": 90}, {}, False),
    ],
    ids=str,
)
def test_a_trade_with_oneself_is_refused(resting, coming, is_wash):
    made, name = holding(10)
    made.submit(name, sell(**resting))
    if not is_wash:
        made.submit(name, buy(1, **coming))
        return
    refused = refusal(made, name, buy(1, **coming))
    assert (refused.status, refused.code) == (403, 40310000)
    assert "wash trade" in refused.message
    assert "opposite side" in refused.details["reject_reason"]


def test_another_symbol_is_no_wash_trade():
    made, name = holding(10)
    made.submit(name, sell(limit_price=110))
    made.submit(name, buy(1, symbol="B"))


def test_a_clients_id_is_unique_even_after_the_orders_end():
    made, name = exchange()
    to_bar(made)
    order = made.submit(name, buy(client_order_id="mine"))
    refused = refusal(made, name, buy(client_order_id="mine"))
    assert (refused.status, refused.code) == (422, 40010001)
    to_bar(made)
    assert made.order(name, order.id).status == "filled"
    assert refusal(made, name, buy(client_order_id="mine")).code == 40010001
    resting = made.submit(name, buy(limit_price=90))
    made.advance_to(made.now)
    with pytest.raises(Refused) as replaced:
        made.replace(name, resting.id, Changes(client_order_id="mine"))
    assert replaced.value.code == 40010001


def test_the_same_id_at_once_passes_where_nobody_looks():
    made, name = exchange(deduplicates=False)
    to_bar(made)
    first, second = (made.submit(name, buy(client_order_id="mine")) for _ in range(2))
    assert first.id != second.id
    assert made.order_by_client_id(name, "mine").id == first.id
    to_bar(made)
    assert refusal(made, name, buy(client_order_id="mine")).code == 40010001


def test_an_account_that_is_blocked_sends_nothing():
    made, name = exchange()
    made.block(name)
    assert (refusal(made, name, buy()).status, refusal(made, name, buy()).code) == (403, 40310000)
    assert made.account(name).trading_blocked
    made.block(name, False)
    made.configure(name, suspend_trade=True)
    assert refusal(made, name, buy()).code == 40310000
    made.configure(name, suspend_trade=False)
    made.submit(name, buy())


def test_what_is_not_there_is_not_found():
    made, name = exchange()
    for ask in (
        lambda: made.order(name, "nothing"),
        lambda: made.cancel(name, "nothing"),
        lambda: made.order_by_client_id(name, "nothing"),
        lambda: made.position(name, "A"),
        lambda: made.close_position(name, "A"),
        lambda: made.bust("nothing"),
        lambda: made.reject("nothing", "because"),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        assert (refused.value.status, refused.value.code) == (404, 40410000)


def test_parts_of_a_share_are_bought_for_a_dollar_at_least_and_sold_for_less():
    made, name = exchange()
    to_bar(made)
    assert refusal(made, name, buy("0.0099")).code == 40310000
    made.submit(name, buy("0.01"))
    to_bar(made)
    made.submit(name, sell("0.005"))
    to_bar(made)
    assert made.position(name, "A").qty == Decimal("0.005")
