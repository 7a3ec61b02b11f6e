"""Splits and dividends before the open, and executions that the broker takes back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.history import History
from quantstrats.simulator.orders import Refused
from quantstrats.simulator.settings import AccountSettings, Action, Settings

from .exchanges import at, buy, exchange, sell, story, to_bar

MONDAY = date(2024, 3, 4)
FLAT = [(100, 100, 100, 100)] * 390
TWO_DAYS = ("2024-03-01", "2024-03-04")
RICH = (AccountSettings(key="K", secret="S", cash=Decimal(100_000)),)


def over_the_weekend(qty, action, *resting, symbol="A"):
    """An exchange that bought (or sold short) on Friday, with orders that rest, up to Monday's open."""
    made, name = exchange(FLAT, days=TWO_DAYS, actions=(action,), accounts=RICH)
    at(made, 9, 32)
    made.submit(name, buy(qty, symbol=symbol) if qty > 0 else sell(-qty, symbol=symbol))
    orders = [made.submit(name, request) for request in resting]
    at(made, 3, 59, MONDAY)
    before = made.account(name)
    made.advance()
    return made, name, [made.order(name, order.id) for order in orders], before


def test_a_split_turns_shares_and_orders_into_more():
    action = Action(symbol="A", on=MONDAY, ratio=Decimal(2))
    made, name, (profit, entry), before = over_the_weekend(
        10, action, sell(10, limit_price="110.01", tif="gtc"), buy(5, limit_price=90, tif="gtc", symbol="A")
    )
    position = made.position(name, "A")
    assert (position.qty, position.avg_entry_price, position.current_price) == (20, 50, 50)
    # 55.005 is no price: to the cent, half to even.
    assert (profit.qty, profit.limit_price, profit.status) == (20, Decimal("55.00"), "new")
    assert (entry.qty, entry.limit_price) == (10, 45)
    assert made.account(name).equity == before.equity
    assert made.account(name).reserved == 450
    (line,) = [each for each in made.activities(name) if each.activity_type == "SPLIT"]
    assert (line.qty, line.net_amount) == (10, 0)


def test_a_reverse_split_pays_for_what_is_left_over():
    action = Action(symbol="A", on=MONDAY, ratio=Decimal("0.1"))
    made, name, (small, large), before = over_the_weekend(
        15, action, sell(5, limit_price=150, tif="gtc"), sell(10, limit_price=150, tif="gtc")
    )
    assert made.position(name, "A").qty == 1
    # Half a share at 1,000.
    assert made.account(name).cash - before.cash == 500
    assert (small.status, large.status, large.qty, large.limit_price) == ("canceled", "new", 1, 1500)


def test_a_short_pays_for_its_part():
    made, name, _, before = over_the_weekend(-15, Action(symbol="A", on=MONDAY, ratio=Decimal("0.1")))
    assert made.position(name, "A").qty == -1
    assert made.account(name).cash - before.cash == -500
    assert made.account(name).equity == before.equity


def test_a_dividend_is_paid_before_the_open_and_shorts_pay_it():
    action = Action(symbol="A", on=MONDAY, dividend=Decimal("0.255"))
    made, name, _, before = over_the_weekend(10, action)
    assert made.account(name).cash - before.cash == Decimal("2.55")
    (line,) = [each for each in made.activities(name) if each.activity_type == "DIV"]
    assert (line.qty, line.net_amount, line.per_share_amount) == (10, Decimal("2.55"), Decimal("0.255"))
    made, name, _, before = over_the_weekend(-10, action)
    assert made.account(name).cash - before.cash == Decimal("-2.55")


def test_an_order_over_the_weekend_is_split_too():
    made, name = exchange(FLAT, days=TWO_DAYS, actions=(Action(symbol="A", on=MONDAY, ratio=Decimal(2)),))
    at(made, 18, 0)
    order = made.submit(name, buy(5, limit_price=101))
    to_bar(made)
    assert made.order(name, order.id).filled_qty == 10 - 10  # 50.50 is far below the tape's 100
    assert (made.order(name, order.id).qty, made.order(name, order.id).limit_price) == (10, Decimal("50.5"))


def test_a_fill_is_taken_back():
    made, name = exchange()
    at(made, 9, 32)
    order = made.submit(name, buy(10))
    (fill,) = made.activities(name)
    heard = []
    made.listeners.append(heard.append)
    made.bust(fill.execution_id)
    assert made.positions(name) == []
    assert made.account(name).cash == 100_000
    assert made.activities(name) == []
    (event,) = heard
    assert (event.event, event.previous_execution_id) == ("trade_bust", fill.execution_id)
    assert (event.price, event.qty, event.position_qty) == (100, 10, 0)
    assert made.order(name, order.id).filled_qty == 0
    with pytest.raises(Refused):
        made.bust(fill.execution_id)


def test_a_fill_is_corrected():
    made, name = exchange()
    at(made, 9, 32)
    order = made.submit(name, buy(10))
    (fill,) = made.activities(name)
    heard = []
    made.listeners.append(heard.append)
    made.correct(fill.execution_id, Decimal(99))
    assert made.account(name).cash == 99_010
    assert made.position(name, "A").avg_entry_price == 99
    assert made.order(name, order.id).filled_avg_price == 99
    (line,) = made.activities(name)
    assert (line.price, line.net_amount) == (99, -990)
    (event,) = heard
    assert (event.event, event.previous_execution_id, event.price) == ("trade_correct", fill.execution_id, 99)
    made.bust(event.execution_id)
    assert made.account(name).cash == 100_000


def test_an_open_order_is_overfilled_or_rejected():
    made, name = exchange()
    at(made, 9, 32)
    order, other = (made.submit(name, buy(10, limit_price=90)) for _ in range(2))
    heard = []
    made.listeners.append(heard.append)
    made.overfill(order.id, Decimal(2))
    made.reject(other.id, "too late")
    assert story(heard) == ["fill", "rejected"]
    assert made.position(name, "A").qty == 12
    assert made.account(name).reserved == 0
    for forced in (lambda: made.overfill(order.id, Decimal(1)), lambda: made.reject(order.id, "no")):
        with pytest.raises(Refused) as refused:
            forced()
        assert refused.value.status == 422


def test_an_unknown_symbol_is_no_action():
    made, _ = exchange()
    for act in (
        lambda: made.halt("NONE", "x"),
        lambda: made.resume("NONE"),
        lambda: made.split("NONE", Decimal(2)),
        lambda: made.dividend("NONE", Decimal(1)),
    ):
        with pytest.raises(KeyError):
            act()
    with pytest.raises(ValueError, match="ratio"):
        made.split("A", Decimal(0))


def test_a_split_that_the_tape_knows_nothing_of_changes_what_it_prints_and_no_equity():
    made, name = exchange([(100, 100, 100, 100)] * 6)
    to_bar(made, 2)
    made.submit(name, buy(100))
    to_bar(made)
    stop = made.submit(name, sell(10, kind="stop", stop_price=90, tif="gtc"))
    to_bar(made)
    before = made.account(name).equity
    made.split("A", Decimal(2))
    assert made.account(name).equity == before
    to_bar(made)
    position = made.position(name, "A")
    assert (position.qty, position.current_price, made.account(name).equity) == (200, 50, before)
    assert (made.order(name, stop.id).stop_price, made.order(name, stop.id).status) == (45, "new")
    assert made.position(name, "A").qty_available == 180
    history = History(made.tape)
    row, day = made.row, (0, 2**62)
    assert history.bars("A", None, row, *day).close.tolist() == [100, 100, 100, 100, 50]
    assert history.bars("A", None, row, *day, frozenset({"split"})).close.tolist() == [50] * 5
    assert history.bars("B", None, row, *day).close.tolist() == [200] * 5
    # Neither the tape that was given nor another exchange on it knows of it.
    assert Exchange(made.source, Settings()).tape.bars["close"][:, 0].tolist() == [100] * 6


def test_a_fill_from_before_a_split_cannot_be_taken_back():
    made, name = exchange()
    at(made, 9, 32)
    made.submit(name, buy(10))
    (fill,) = made.activities(name)
    made.split("A", Decimal(2))
    for act in (lambda: made.bust(fill.execution_id), lambda: made.correct(fill.execution_id, Decimal(90))):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.status == 404
    assert made.position(name, "A").qty == 20
