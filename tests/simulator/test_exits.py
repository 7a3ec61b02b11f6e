"""Bracket, OCO and OTO: when exits come to the market, and what one's end means for the others."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from quantstrats.simulator.orders import Changes, Refused
from quantstrats.simulator.settings import FillSettings
from quantstrats.simulator.times import NS
from quantstrats.simulator.trouble import Trouble

from .exchanges import QUIET, at, buy, exchange, sell, story, to_bar

FLAT = (100, 100, 100, 100)


def legs_of(made, name, order):
    """Return the profit and the stop of a bracket as they are now."""
    legs = [made.order(name, leg) for leg in made.order(name, order.id).legs]
    return next(leg for leg in legs if leg.type == "limit"), next(leg for leg in legs if leg.type != "limit")


def bracket(made, name, qty=10, **more):
    more = {"take_profit": 105, "stop_loss": 95, **more}
    return made.submit(name, buy(qty, order_class="bracket", **more))


def test_exits_are_held_until_the_entry_is_filled_in_full():
    made, name = exchange(volume=16.0)
    to_bar(made)
    order = bracket(made, name, qty=18)
    profit, stop = legs_of(made, name, order)
    assert (profit.status, profit.side, profit.qty, profit.limit_price) == ("held", "sell", 18, 105)
    assert (stop.status, stop.type, stop.stop_price, stop.parent) == ("held", "stop", 95, order.id)
    assert profit.position_intent == stop.position_intent == "sell_to_close"
    to_bar(made)
    assert made.order(name, order.id).status == "partially_filled"
    assert {leg.status for leg in legs_of(made, name, order)} == {"held"}
    assert made.position(name, "A").qty_available == 16
    to_bar(made)
    assert {leg.status for leg in legs_of(made, name, order)} == {"new"}
    # Two exits hold the shares once.
    assert made.position(name, "A").qty_available == 0
    with pytest.raises(Refused):
        made.submit(name, sell(1))


@pytest.mark.parametrize(
    ("bar", "price", "filled"),
    [
        ((100, 106, 100, 104), 105, 0),
        ((107, 107, 107, 107), 107, 0),
        ((100, 100, 94, 96), 95, 1),
        ((93, 93, 93, 93), 93, 1),
    ],
)
def test_one_exit_fills_and_the_other_is_canceled(bar, price, filled):
    made, name = exchange([FLAT, FLAT, bar, FLAT])
    to_bar(made)
    order = bracket(made, name)
    to_bar(made, 2)
    legs = legs_of(made, name, order)
    assert (legs[filled].status, legs[filled].filled_avg_price) == ("filled", price)
    assert legs[1 - filled].status == "canceled"
    assert made.positions(name) == []
    assert made.account(name).cash == 100_000 + 10 * (price - 100)


def test_exits_see_only_what_is_left_of_the_way_on_which_the_entry_was_filled():
    # Up to 106 first, then down through 99 and 95.
    made, name = exchange([FLAT, (100, 106, 94, 97)])
    to_bar(made)
    order = bracket(made, name, limit_price=99, take_profit=105, stop_loss=95)
    to_bar(made)
    profit, stop = legs_of(made, name, order)
    assert made.order(name, order.id).filled_avg_price == 99
    assert (stop.status, stop.filled_avg_price) == ("filled", 95)
    assert profit.status == "canceled"


def test_a_part_of_one_exit_leaves_less_to_the_other():
    made, name = exchange([FLAT, FLAT, (105, 105, 105, 105), (95, 95, 95, 95)], volume=16.0)
    to_bar(made)
    order = bracket(made, name, qty=10)
    to_bar(made)
    profit, stop = legs_of(made, name, order)
    assert profit.status == "new"
    made.advance_to(made.now)
    # The profit's first print sells four.
    events = [event for event in made.ledger.lines() if '"restated"' in event]
    assert len(events) == 1
    assert (profit.filled_qty, stop.qty) == (4, 6)
    assert made.position(name, "A").qty_available == 0
    to_bar(made, 2)
    assert (profit.status, profit.filled_qty, stop.status) == ("filled", 10, "canceled")
    assert made.positions(name) == []


@pytest.mark.parametrize("which", ["entry", "profit", "stop"])
@pytest.mark.parametrize("filled", [False, True])
def test_cancelling_one_cancels_the_rest(which, filled):
    made, name = exchange()
    at(made, 9, 32)
    order = bracket(made, name, **({} if filled else {"limit_price": 99}))
    profit, stop = legs_of(made, name, order)
    asked = {"entry": order, "profit": profit, "stop": stop}[which]
    if filled and which == "entry":
        with pytest.raises(Refused):
            made.cancel(name, asked.id)
        return
    made.cancel(name, asked.id)
    assert {profit.status, stop.status} == {"canceled"}
    assert made.order(name, order.id).status == ("filled" if filled else "canceled")
    assert made.account(name).reserved == 0


def test_an_entry_that_expires_takes_its_exits_along():
    made, name = exchange()
    at(made, 9, 32)
    order = bracket(made, name, limit_price=99)
    at(made, 16, 0)
    assert {each.status for each in (made.order(name, order.id), *legs_of(made, name, order))} == {"expired"}


def test_exits_for_the_day_expire_and_those_that_stay_work_the_next_day():
    made, name = exchange([FLAT, FLAT, (100, 106, 100, 106)], days=("2024-03-01", "2024-03-04"))
    to_bar(made)
    day = bracket(made, name, take_profit=120)
    made.submit(name, buy(5, symbol="B"))
    gtc = bracket(made, name, qty=3, take_profit=112, tif="gtc")
    at(made, 17, 0)
    assert {leg.status for leg in legs_of(made, name, day)} == {"expired"}
    assert {leg.status for leg in legs_of(made, name, gtc)} == {"new"}
    made.split("A", Decimal(2))
    assert [leg.limit_price or leg.stop_price for leg in legs_of(made, name, gtc)] == [56, Decimal("47.5")]
    at(made, 9, 31, date(2024, 3, 4))
    # The tape goes on at 50, below a profit of 56.
    assert (made.position(name, "A").qty, made.position(name, "A").current_price) == (26, 50)
    assert {(leg.status, leg.qty) for leg in legs_of(made, name, gtc)} == {("new", 6)}


def test_one_cancels_the_other():
    made, name = exchange([FLAT, FLAT, (100, 100, 94, 96)])
    to_bar(made)
    made.submit(name, buy(10))
    to_bar(made)
    order = made.submit(name, sell(kind="limit", order_class="oco", take_profit=105, stop_loss=95))
    assert (order.type, order.limit_price, order.order_class, len(order.legs)) == ("limit", 105, "oco", 1)
    (stop,) = [made.order(name, leg) for leg in order.legs]
    assert (stop.type, stop.side, stop.status) == ("stop", "sell", "held")
    assert made.position(name, "A").qty_available == 0
    to_bar(made)
    assert (stop.status, stop.filled_avg_price) == ("filled", 95)
    assert made.order(name, order.id).status == "canceled"
    with pytest.raises(Refused):
        made.submit(name, sell(kind="limit", order_class="oco", take_profit=105, stop_loss=95))


def test_exits_and_replacements_hold_their_shares_once():
    made, name = exchange(fills=FillSettings(latency=(1.0, 1.0)))
    at(made, 9, 31)
    made.submit(name, buy(20))
    at(made, 9, 32)
    made.submit(name, sell(10, kind="limit", order_class="oco", take_profit=105, stop_loss=95))
    single = made.submit(name, sell(4, limit_price=110))
    made.advance_to(made.now + 2 * NS)
    assert made.position(name, "A").qty_available == 6
    made.replace(name, single.id, Changes(qty=Decimal(5)))
    assert made.position(name, "A").qty_available == 5
    made.advance_to(made.now + 2 * NS)
    assert made.position(name, "A").qty_available == 5


def test_one_triggers_the_other():
    made, name = exchange([FLAT, (100, 106, 100, 106)])
    to_bar(made)
    order = made.submit(name, buy(order_class="oto", take_profit=105))
    events = to_bar(made)
    (profit,) = [made.order(name, leg) for leg in order.legs]
    assert (profit.status, profit.filled_avg_price) == ("filled", 105)
    assert story(events) == ["new", "fill", "new", "fill"]


def test_a_short_is_bracketed_the_other_way():
    made, name = exchange([FLAT, (100, 100, 94, 96)])
    to_bar(made)
    order = made.submit(name, sell(order_class="bracket", take_profit=95, stop_loss=105))
    to_bar(made)
    profit, stop = legs_of(made, name, order)
    assert (profit.side, profit.status, profit.filled_avg_price, stop.status) == ("buy", "filled", 95, "canceled")
    assert made.account(name).cash == 100_050


def test_an_exit_is_replaced_and_keeps_its_sibling():
    made, name = exchange([FLAT, FLAT, FLAT, (100, 103, 100, 103)])
    at(made, 9, 31)
    order = bracket(made, name)
    profit, stop = legs_of(made, name, order)
    new = made.replace(name, profit.id, Changes(limit_price=Decimal(102)))
    assert made.order(name, order.id).legs == [new.id, stop.id]
    assert made.order(name, new.id).status == "new"
    assert made.position(name, "A").qty_available == 0
    at(made, 9, 34)
    assert made.order(name, new.id).filled_avg_price == 102
    assert stop.status == "canceled"
    assert made.positions(name) == []


def test_an_exit_that_is_held_is_replaced_and_stays_held():
    made, name = exchange([FLAT, FLAT, (100, 100, 98, 100), (100, 103, 100, 103)])
    at(made, 9, 31)
    order = bracket(made, name, limit_price=99)
    profit, stop = legs_of(made, name, order)
    new = made.replace(name, profit.id, Changes(limit_price=Decimal(102)))
    assert made.order(name, new.id).status == "held"
    at(made, 9, 33)
    assert made.order(name, new.id).status == "new"
    at(made, 9, 34)
    assert made.order(name, new.id).status == "filled"
    assert stop.status == "canceled"


def test_an_entry_is_replaced_with_its_exits():
    made, name = exchange([FLAT, FLAT, (100, 100, 97, 98), FLAT])
    at(made, 9, 31)
    order = bracket(made, name, limit_price=96, stop_loss=95)
    with pytest.raises(Refused):
        made.replace(name, order.id, Changes(limit_price=Decimal(95)))
    new = made.replace(name, order.id, Changes(limit_price=Decimal(98), qty=Decimal(20)))
    at(made, 9, 33)
    assert made.order(name, new.id).status == "filled"
    profit, stop = legs_of(made, name, new)
    assert (profit.status, profit.qty, profit.parent) == ("new", 20, new.id)
    assert (stop.status, stop.qty) == ("new", 20)
    assert made.order(name, order.id).status == "replaced"


class RejectsStops(Trouble):
    def rejects(self, order):
        return "no stops today" if order.type == "stop" else None


def test_an_exit_that_is_rejected_leaves_the_other():
    made, name = exchange(trouble=RejectsStops())
    at(made, 9, 32)
    order = bracket(made, name)
    profit, stop = legs_of(made, name, order)
    assert (profit.status, stop.status) == ("new", "rejected")


def test_nothing_closes_what_is_gone():
    made, name = exchange([FLAT] * 4 + [(106, 106, 106, 106)] * 3, volume=16.0)
    to_bar(made)
    order = bracket(made, name, qty=18, limit_price=100)
    to_bar(made)
    # Sixteen are there and free; with the rest of the entry, the exits come for all eighteen.
    late = made.submit(name, sell(16, limit_price=101))
    to_bar(made)
    profit, stop = legs_of(made, name, order)
    assert profit.status == "new"
    at(made, 9, 38)
    assert made.positions(name) == []
    assert (profit.filled_qty, stop.status) == (18, "canceled")
    gone = made.order(name, late.id)
    assert (gone.status, gone.filled_qty) == ("canceled", 0)


def test_quiet_exits_stay():
    made, name = exchange(QUIET)
    at(made, 9, 32)
    order = bracket(made, name)
    to_bar(made, 3)
    assert {leg.status for leg in legs_of(made, name, order)} == {"new"}
    assert len(made.open_orders(name)) == 2


def test_exits_close_all_that_an_entry_and_its_replacements_have_opened():
    # Two shares trade at each price.
    made, name = exchange([FLAT] * 40, volume=8.0)
    to_bar(made)
    order = made.submit(
        name, buy(40, kind="limit", limit_price=101, order_class="bracket", take_profit=110, stop_loss=90)
    )
    for price in (102, 103, 104):
        to_bar(made)
        order = made.replace(name, order.id, Changes(limit_price=Decimal(price)))
    to_bar(made, 10)
    assert made.position(name, "A").qty == 40
    assert {(leg.qty, leg.status) for leg in legs_of(made, name, order)} == {(40, "new")}


def test_an_exit_is_not_replaced_by_one_beyond_its_sibling():
    made, name = exchange([FLAT] * 5)
    to_bar(made)
    order = bracket(made, name)
    to_bar(made)
    profit, stop = sorted(legs_of(made, name, order), key=lambda leg: leg.type)
    for leg, changes in ((stop, Changes(stop_price=Decimal(120))), (profit, Changes(limit_price=Decimal(80)))):
        with pytest.raises(Refused, match="must lie beyond"):
            made.replace(name, leg.id, changes)
    assert made.replace(name, stop.id, Changes(stop_price=Decimal(96))).stop_price == 96
