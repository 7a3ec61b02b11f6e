"""What becomes of an order, by the exchange's clock: statuses, events, times in force, cancels, replacements, halts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from quantstrats.errors import DataError
from quantstrats.simulator.events import BarEvent, OrderEvent, SessionEvent, StatusEvent
from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.orders import Changes, Refused
from quantstrats.simulator.settings import AccountSettings, FillSettings, Settings
from quantstrats.simulator.tape import tape_of
from quantstrats.simulator.times import NS, new_york_ns
from quantstrats.simulator.trouble import Trouble

from .exchanges import QUIET, RISING, at, buy, exchange, minutes, sell, story, to_bar

SLOW = FillSettings(latency=(1.0, 1.0))
TWO_DAYS = ("2024-03-01", "2024-03-04")


def test_the_clock_steps_from_the_open_over_each_bar_to_the_close():
    made, _ = exchange()
    assert made.now == new_york_ns(date(2024, 3, 1), 4)
    steps = []
    while not made.ended:
        steps.append(made.advance()[-1])
    assert [type(step) for step in steps] == [SessionEvent] + [BarEvent] * 5 + [SessionEvent]
    assert [step.row for step in steps[1:-1]] == [0, 1, 2, 3, 4]
    assert steps[1].time == new_york_ns(date(2024, 3, 1), 9, 31)
    assert (steps[0].what, steps[-1].what) == ("open", "close")
    assert made.advance() == []
    assert made.row == 4


def test_the_clock_goes_forward_only():
    made, _ = exchange()
    with pytest.raises(ValueError, match="forward"):
        made.advance_to(made.now - 1)


def test_a_tape_without_bars_is_refused():
    tape = tape_of(minutes(QUIET))
    empty = type(tape)(tape.symbols, tape.starts[:0], tape.ends[:0], tape.labels[:0], (), tape.bars, tape.daily)
    with pytest.raises(DataError, match="no bars"):
        Exchange(empty, Settings())


def test_an_order_after_a_bar_trades_at_the_next_ones_open():
    made, name = exchange([(100, 100, 100, 100), (103, 104, 99, 102)])
    to_bar(made)
    order = made.submit(name, buy())
    assert (order.status, order.filled_qty) == ("pending_new", 0)
    assert made.order(name, order.id).status == "pending_new"
    events = made.advance()
    assert story(events) == ["new", "fill"]
    fill = events[1]
    assert (fill.price, fill.qty, fill.position_qty) == (103, 10, 10)
    assert fill.time == new_york_ns(date(2024, 3, 1), 9, 31)
    assert fill.order.status == "filled"
    assert fill.order.filled_avg_price == 103
    assert made.account(name).cash == 98_970


def test_an_order_while_nothing_is_held_back_takes_effect_at_once():
    made, name = exchange()
    at(made, 9, 32)
    heard = []
    made.listeners.append(heard.append)
    order = made.submit(name, buy())
    # The answer is from before.
    assert order.status == "pending_new"
    assert story(heard) == ["pending_new", "new", "fill"]
    assert [each.order.status for each in heard] == ["pending_new", "new", "filled"]


def test_latency_lets_the_price_move_first():
    made, name = exchange(RISING, fills=FillSettings(latency=(50.0, 50.0)))
    to_bar(made)
    made.submit(name, buy())
    (fill,) = [event for event in made.advance() if getattr(event, "event", "") == "fill"]
    # At 40 s the high of 103 has printed, which is the price at 50 s.
    assert (fill.price, fill.time) == (103, new_york_ns(date(2024, 3, 1), 9, 31) + 50 * NS)


def test_an_order_before_the_open_is_accepted_and_new_at_the_open():
    made, name = exchange()
    heard = []
    made.listeners.append(heard.append)
    assert made.submit(name, buy()).status == "accepted"
    assert story(heard) == ["accepted"]
    assert story(made.advance()) == ["new"]
    assert story(made.advance()) == ["fill"]


def test_an_order_at_the_open_does_not_trade_at_the_evenings_price():
    prices = [(100, 100, 100, 100)] * 2
    market = minutes(prices, days=TWO_DAYS)
    tape = tape_of(market)
    bars = {field: array.copy() for field, array in tape.bars.items()}
    for field in ("open", "high", "low", "close"):
        bars[field][2:] = 150.0
    made = Exchange(
        type(tape)(tape.symbols, tape.starts, tape.ends, tape.labels, tape.session_days, bars, False), Settings()
    )
    name = made.account_ids[0]
    at(made, 18, 0)
    made.submit(name, buy())
    to_bar(made)
    assert made.position(name, "A").avg_entry_price == 150


def test_an_order_for_the_day_lives_until_the_close_and_one_on_friday_evening_until_mondays():
    made, name = exchange(days=TWO_DAYS)
    day = made.submit(name, buy(limit_price=90))
    at(made, 16, 0)
    assert made.order(name, day.id).status == "expired"
    assert made.order(name, day.id).expired_at == new_york_ns(date(2024, 3, 1), 16)
    queued = made.submit(name, buy(limit_price=90))
    assert queued.status == "accepted"
    assert queued.expires_at == new_york_ns(date(2024, 3, 4), 16)
    at(made, 9, 30, date(2024, 3, 4))
    assert made.order(name, queued.id).status == "new"
    at(made, 16, 0, date(2024, 3, 4))
    assert made.order(name, queued.id).status == "expired"


def test_good_till_cancelled_rests_over_the_weekend_and_ends_on_the_ninetieth_day():
    made, name = exchange([(100, 100, 90, 100)], days=TWO_DAYS)
    at(made, 12, 0)
    order = made.submit(name, buy(limit_price=91, tif="gtc"))
    idle = made.submit(name, buy(limit_price=50, tif="gtc"))
    at(made, 9, 31, date(2024, 3, 4))
    assert made.order(name, order.id).status == "filled"
    assert idle.expires_at == new_york_ns(date(2024, 5, 30), 16, 15)
    at(made, 16, 14, date(2024, 5, 30))
    assert made.order(name, idle.id).status == "new"
    at(made, 16, 15, date(2024, 5, 30))
    assert made.order(name, idle.id).status == "canceled"
    assert made.account(name).reserved == 0


def test_extended_hours_trade_at_the_last_price():
    made, name = exchange(QUIET * 78, days=TWO_DAYS)
    at(made, 17, 0)
    assert made.submit(name, buy(limit_price=100)).status == "accepted"
    order = made.submit(name, buy(limit_price=100, extended_hours=True))
    assert order.status == "pending_new"
    assert made.order(name, order.id).status == "filled"
    late = made.submit(name, buy(limit_price=90, extended_hours=True))
    at(made, 20, 0)
    assert made.order(name, late.id).status == "expired"
    monday = made.submit(name, buy(limit_price=100, extended_hours=True))
    assert monday.status == "accepted"
    at(made, 9, 29, date(2024, 3, 4))
    # Friday's close is no price at which anything trades on Monday morning.
    assert made.order(name, monday.id).status == "new"
    at(made, 9, 31, date(2024, 3, 4))
    assert made.order(name, monday.id).status == "filled"


def test_on_the_open_trades_at_the_open_or_not_at_all():
    made, name = exchange(RISING)
    orders = [made.submit(name, buy(tif="opg")), made.submit(name, buy(tif="opg", limit_price=99))]
    to_bar(made)
    assert [made.order(name, order.id).status for order in orders] == ["filled", "canceled"]
    assert made.position(name, "A").avg_entry_price == 100


def test_on_the_close_trades_at_the_close_without_spread():
    # The last bar of the tape is not the last of the session: its price stands in for the auction's.
    made, name = exchange(RISING, fills=FillSettings(spread_bps=10), volume=4.0)
    early, never = made.submit(name, buy(tif="cls")), made.submit(name, buy(tif="cls", limit_price=109))
    at(made, 16, 0)
    assert made.order(name, early.id).filled_avg_price == 110
    assert made.order(name, early.id).filled_at == new_york_ns(date(2024, 3, 1), 16)
    assert made.order(name, never.id).status == "canceled"
    daily_like = [(100, 100, 100, 100)] * 390
    daily_like[-1] = (100, 110, 100, 107)
    made, name = exchange(daily_like, fills=FillSettings(spread_bps=10))
    to_bar(made)
    order, low = made.submit(name, buy(tif="cls")), made.submit(name, buy(tif="cls", limit_price=106))
    at(made, 16, 0)
    assert made.order(name, order.id).filled_avg_price == 107
    assert made.order(name, low.id).status == "canceled"


def test_at_once_or_never():
    made, name = exchange(volume=40.0)
    to_bar(made)
    kinds = {"none": buy(4, tif="fok"), "some": buy(20, tif="ioc"), "all": buy(9, tif="fok")}
    kinds["bad price"] = buy(1, tif="ioc", limit_price=90)
    # Ten shares print with the bar's first price: four, then six of twenty, then nothing.
    orders = {what: made.submit(name, request) for what, request in kinds.items()}
    made.advance()
    told = {what: made.order(name, order.id) for what, order in orders.items()}
    assert {what: (order.status, order.filled_qty) for what, order in told.items()} == {
        "none": ("filled", 4),
        "some": ("canceled", 6),
        "all": ("canceled", 0),
        "bad price": ("canceled", 0),
    }


def test_at_once_before_the_open_waits_for_the_first_price():
    made, name = exchange(volume=40.0)
    order = made.submit(name, buy(20, tif="ioc"))
    to_bar(made)
    assert (made.order(name, order.id).status, made.order(name, order.id).filled_qty) == ("canceled", 10)


def test_dollars_buy_parts_of_a_share():
    made, name = exchange([(100, 100, 100, 100), (96, 96, 96, 96)])
    to_bar(made)
    order = made.submit(name, buy(None, notional=100))
    assert made.account(name).reserved == 100
    to_bar(made)
    filled = made.order(name, order.id)
    assert (filled.status, filled.qty, filled.notional) == ("filled", None, 100)
    # 100 / 96, and not a billionth more; to the cent that is 100 dollars.
    assert filled.filled_qty == Decimal("1.041666666")
    assert made.account(name).cash == 99_900
    assert made.account(name).reserved == 0


def test_what_found_too_few_shares_trades_at_its_limit_when_the_price_leaves():
    made, name = exchange([(99, 99, 99, 99), (99, 103, 99, 103)], volume=16.0)
    to_bar(made)
    order = made.submit(name, buy(20, limit_price=100))
    to_bar(made)
    # Four at the first price, four at the low, four on the way up to 103; nothing more there.
    told = made.order(name, order.id)
    assert (told.filled_qty, told.value) == (12, 4 * 99 + 4 * 99 + 4 * 100)


def test_accounts_share_what_trades():
    accounts = tuple(AccountSettings(key=key, secret="S") for key in ("one", "two"))
    made, one = exchange(accounts=accounts, volume=40.0)
    two = made.account_ids[1]
    to_bar(made)
    made.submit(one, buy(6))
    late = made.submit(two, buy(6))
    events = made.advance()
    assert [(event.account, event.qty) for event in events if getattr(event, "qty", None)][:2] == [(one, 6), (two, 4)]
    assert made.order(two, late.id).status == "filled"
    assert [event.qty for event in events if getattr(event, "qty", None)][2] == 2
    assert made.orders(one)[0].id != late.id
    with pytest.raises(Refused):
        made.order(one, late.id)


def test_a_cancel_takes_effect_after_a_while():
    made, name = exchange(fills=SLOW)
    at(made, 9, 32)
    order = made.submit(name, buy(limit_price=90))
    made.advance_to(made.now + 2 * NS)
    made.cancel(name, order.id)
    assert made.order(name, order.id).status == "pending_cancel"
    with pytest.raises(Refused) as twice:
        made.cancel(name, order.id)
    assert twice.value.status == 422
    assert story(made.advance_to(made.now + NS)) == ["canceled"]
    gone = made.order(name, order.id)
    assert (gone.status, gone.canceled_at, gone.cancel_requested_at) == ("canceled", made.now, made.now - NS)
    assert made.account(name).reserved == 0
    with pytest.raises(Refused) as final:
        made.cancel(name, order.id)
    assert (final.value.status, final.value.code) == (422, 42210000)


def test_a_cancel_never_overtakes_its_order():
    made, name = exchange(fills=FillSettings(latency=(0.0, 5.0)), seed=3)
    at(made, 9, 32)
    for _ in range(20):
        order = made.submit(name, buy(limit_price=90))
        made.cancel(name, order.id)
        told = story(made.advance_to(made.now + 6 * NS), order.id)
        assert told == ["new", "canceled"]


def test_a_fill_may_come_before_a_cancel():
    made, name = exchange(RISING, fills=FillSettings(latency=(25.0, 25.0)))
    at(made, 9, 31)
    order = made.submit(name, buy(limit_price="99.5"))
    made.advance_to(made.now + 10 * NS)
    made.cancel(name, order.id)
    # At 20 s the low of 99 prints, but the order comes at 25 s, when the price is 99.
    events = made.advance_to(made.now + 60 * NS)
    assert story(events) == ["new", "fill", "order_cancel_rejected"]
    assert made.order(name, order.id).status == "filled"


def test_an_order_in_the_queue_is_canceled_before_the_open():
    made, name = exchange()
    at(made, 5, 0)
    order = made.submit(name, buy())
    made.cancel(name, order.id)
    assert made.order(name, order.id).status == "canceled"
    assert story(made.advance()) == []


def test_all_orders_are_canceled_at_once():
    made, name = exchange()
    at(made, 9, 32)
    orders = [made.submit(name, buy(limit_price=price)) for price in (90, 91)]
    assert made.cancel_all(name) == [(order.id, 200) for order in orders]
    assert made.open_orders(name) == []


def test_a_replacement_takes_the_place_of_an_order():
    made, name = exchange(fills=SLOW)
    at(made, 9, 32)
    old = made.submit(name, buy(limit_price=90, client_order_id="first"))
    with pytest.raises(Refused) as early:
        made.replace(name, old.id, Changes(qty=Decimal(5)))
    assert (early.value.status, early.value.code) == (422, 42210000)
    made.advance_to(made.now + NS)
    new = made.replace(name, old.id, Changes(qty=Decimal(20), limit_price=Decimal(95), client_order_id="second"))
    assert (new.status, new.replaces, new.qty, new.limit_price) == ("pending_new", old.id, 20, 95)
    assert made.order(name, old.id).status == "pending_replace"
    # The dearer of the two.
    assert made.account(name).reserved == 1900
    with pytest.raises(Refused):
        made.replace(name, old.id, Changes(qty=Decimal(6)))
    events = made.advance_to(made.now + NS)
    assert [(event.event, event.order.id) for event in events] == [("replaced", old.id), ("new", new.id)]
    gone = made.order(name, old.id)
    assert (gone.status, gone.replaced_by, gone.replaced_at) == ("replaced", new.id, made.now)
    assert made.account(name).reserved == 1900
    assert made.order_by_client_id(name, "second").id == new.id
    with pytest.raises(Refused) as final:
        made.replace(name, old.id, Changes(qty=Decimal(6)))
    assert final.value.status == 422


def test_a_replacement_comes_too_late_for_an_order_that_is_filled():
    made, name = exchange(RISING, fills=FillSettings(latency=(5.0, 5.0)))
    at(made, 9, 31)
    old = made.submit(name, buy(limit_price="99.5"))
    made.advance_to(made.now + 16 * NS)
    new = made.replace(name, old.id, Changes(limit_price=Decimal("99.4")))
    events = made.advance_to(made.now + 10 * NS)
    # On the way from 100 down to 99 at 20 s.
    assert [(event.event, event.order.id) for event in events] == [("fill", old.id), ("order_replace_rejected", new.id)]
    assert made.order(name, new.id).status == "rejected"
    assert made.account(name).reserved == 0
    assert made.position(name, "A").qty == 10


def test_a_replacement_counts_what_is_filled_already():
    made, name = exchange(volume=16.0)
    to_bar(made)
    old = made.submit(name, buy(limit_price=100, qty=100))
    to_bar(made)
    assert made.order(name, old.id).filled_qty == 16
    with pytest.raises(Refused) as small:
        made.replace(name, old.id, Changes(qty=Decimal(16)))
    assert small.value.status == 422
    new = made.replace(name, old.id, Changes(qty=Decimal(30)))
    assert (new.qty, new.filled_qty) == (14, 0)
    to_bar(made)
    # Four more of the old one with the bar's first price, before the replacement came.
    assert made.order(name, old.id).filled_qty == 20
    assert (made.order(name, new.id).qty, made.order(name, new.id).filled_qty) == (10, 10)
    assert made.position(name, "A").qty == 30


@pytest.mark.parametrize(
    "asked",
    [
        Changes(limit_price=Decimal("90.001")),
        Changes(stop_price=Decimal(95)),
        Changes(trail=Decimal(1)),
        Changes(qty=Decimal(0)),
        Changes(qty=Decimal(3000)),
        Changes(time_in_force="opg"),
        Changes(client_order_id="x" * 129),
    ],
    ids=str,
)
def test_a_replacement_keeps_the_rules(asked):
    made, name = exchange()
    at(made, 9, 32)
    order = made.submit(name, buy(limit_price=90))
    with pytest.raises(Refused):
        made.replace(name, order.id, asked)
    assert made.order(name, order.id).status == "new"
    assert made.account(name).reserved == 900


def test_a_trail_is_replaced():
    made, name = exchange(RISING)
    at(made, 9, 31)
    made.submit(name, buy())
    order = made.submit(name, sell(kind="trailing_stop", trail_percent=2))
    new = made.replace(name, order.id, Changes(trail=Decimal(50)))
    assert made.order(name, new.id).trail_percent == 50
    assert made.order(name, new.id).status == "new"


def test_a_position_is_closed_by_percent_shares_or_all():
    made, name = exchange()
    to_bar(made)
    made.submit(name, buy(10))
    made.submit(name, sell(10, symbol="B"))
    to_bar(made)
    order = made.close_position(name, "A", percentage=Decimal("12.5"))
    assert (order.side, order.type, order.time_in_force, order.qty) == ("sell", "market", "day", Decimal("1.25"))
    to_bar(made)
    assert made.position(name, "A").qty == Decimal("8.75")
    with pytest.raises(Refused) as both:
        made.close_position(name, "A", qty=Decimal(1), percentage=Decimal(1))
    assert both.value.status == 422
    with pytest.raises(Refused) as much:
        made.close_position(name, "A", percentage=Decimal(101))
    assert much.value.status == 422
    made.submit(name, sell(qty=8, limit_price=200))
    told = dict(made.close_positions(name, cancel_orders=False))
    assert isinstance(told["A"], Refused)
    assert told["B"].side == "buy"
    told = dict(made.close_positions(name, cancel_orders=True))
    assert (told["A"].qty, told["B"].qty) == (Decimal("8.75"), 10)
    to_bar(made)
    assert made.positions(name) == []
    assert made.account(name).cash == 100_000


def test_nothing_trades_in_a_halt():
    made, name = exchange([(100, 100, 100, 100), (100, 101, 90, 95), (80, 85, 80, 85), (85, 85, 85, 85)])
    to_bar(made)
    resting = made.submit(name, buy(limit_price=99))
    made.halt("A", "news")
    assert made.halted == {"A": "news"}
    market, once = made.submit(name, buy()), made.submit(name, buy(tif="ioc"))
    to_bar(made)
    assert [made.order(name, each.id).status for each in (resting, market, once)] == ["new", "new", "canceled"]
    heard = []
    made.listeners.append(heard.append)
    made.resume("A")
    assert [(event.symbol, event.status, event.reason) for event in heard] == [("A", "T", "news")]
    assert isinstance(heard[0], StatusEvent)
    to_bar(made)
    assert made.order(name, resting.id).filled_avg_price == 80
    assert made.order(name, market.id).filled_avg_price == 80


class Nasty(Trouble):
    """A broker that does to the orders of one quantity what is asked of it."""

    def __init__(self, what):
        self.what = what

    def rejects(self, order):
        return "because" if self.what == "reject" and order.type == "limit" else None

    def share(self, order):
        return Decimal("0.3") if self.what == "share" else None

    def fills_before_cancel(self, order):
        return self.what == "cancel"

    def fills_before_replace(self, order):
        return self.what == "replace"

    def overfills(self, order):
        return Decimal(3) if self.what == "overfill" else Decimal(0)


def test_a_broker_may_reject_what_it_accepted():
    made, name = exchange(trouble=Nasty("reject"))
    at(made, 9, 32)
    heard = []
    made.listeners.append(heard.append)
    order = made.submit(name, buy(limit_price=90))
    assert order.status == "pending_new"
    assert (story(heard), heard[-1].reason) == (["pending_new", "rejected"], "because")
    assert made.order(name, order.id).failed_at == made.now
    assert made.account(name).reserved == 0


def test_a_broker_may_fill_in_parts():
    made, name = exchange(trouble=Nasty("share"))
    to_bar(made)
    made.submit(name, buy(10))
    to_bar(made, 2)
    # 3 of 10, 2 of 7, 1 of 5, 1 of 4, 1 of 3, 1 of 2, 1.
    assert [each.qty for each in made.activities(name)] == [3, 2, 1, 1, 1, 1, 1]


def test_a_broker_may_fill_before_a_cancel_or_a_replacement():
    for what, event in (("cancel", "order_cancel_rejected"), ("replace", "order_replace_rejected")):
        made, name = exchange(trouble=Nasty(what))
        at(made, 9, 32)
        order = made.submit(name, buy(limit_price=90))
        heard = []
        made.listeners.append(heard.append)
        if what == "cancel":
            made.cancel(name, order.id)
        else:
            made.replace(name, order.id, Changes(qty=Decimal(20)))
        assert story(heard) == [f"pending_{what}", "fill", event]
        assert made.position(name, "A").qty == 10


def test_a_broker_may_fill_too_much():
    made, name = exchange(trouble=Nasty("overfill"))
    at(made, 9, 32)
    order = made.submit(name, buy(10))
    assert (made.order(name, order.id).filled_qty, made.position(name, "A").qty) == (13, 13)


def test_a_fill_appears_on_the_statement_after_a_while():
    made, name = exchange(activity_delay=30.0)
    at(made, 9, 32)
    made.submit(name, buy())
    assert made.activities(name) == []
    made.advance_to(made.now + 30 * NS)
    (fill,) = made.activities(name)
    assert fill.id.startswith("20240301093200000::")
    assert (fill.type, fill.qty, fill.price, fill.leaves_qty, fill.cum_qty) == ("fill", 10, 100, 0, 10)


def test_old_orders_are_forgotten():
    made, name = exchange(keep=3)
    at(made, 9, 32)
    resting = made.submit(name, buy(limit_price=90))
    for number in range(10):
        made.submit(name, buy(1, client_order_id=str(number), symbol="B"))
    assert [order.client_order_id for order in made.orders(name)[1:]] == ["7", "8", "9"]
    assert made.orders(name)[0].id == resting.id
    assert len(made.activities(name)) == 3
    with pytest.raises(Refused):
        made.order_by_client_id(name, "1")


def test_equity_is_known_at_each_row():
    made, name = exchange(RISING)
    to_bar(made)
    made.submit(name, buy(10))
    to_bar(made, 3)
    assert [float(equity) for _, equity in made.history(name)] == [100_000, 100_020, 100_050, 100_100]
    at(made, 16, 0)
    assert made.account(name).last_equity == 100_100
    position = made.position(name, "A")
    assert (position.current_price, position.lastday_price, position.unrealized_pl) == (110, 110, 100)


def test_the_same_seed_and_calls_give_the_same_events():
    def run(seed):
        fills = FillSettings(latency=(0.0, 2.0), partial_rate=0.5, spread_bps=3)
        made, name = exchange(RISING, seed=seed, fills=fills)
        heard = []
        made.listeners.append(heard.append)
        to_bar(made)
        made.submit(name, buy(50))
        made.submit(name, sell(50, symbol="B"))
        to_bar(made, 3)
        return heard

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_replacement_that_ends_on_its_way_leaves_the_old_order_as_it_was():
    made, name = exchange(QUIET, fills=FillSettings(latency=(2.0, 2.0)))
    at(made, 9, 32)
    old = made.submit(name, buy(limit_price=90, tif="gtc"))
    at(made, 15, 59)
    made.advance_to(new_york_ns(date(2024, 3, 1), 15, 59) + 59 * 10**9)
    events = []
    made.listeners.append(events.append)
    new = made.replace(name, old.id, Changes(time_in_force="day"))
    at(made, 16, 1)
    assert made.order(name, new.id).status == "expired"
    assert made.order(name, old.id).status == "new"
    assert "order_replace_rejected" in [event.event for event in events if isinstance(event, OrderEvent)]
    made.cancel(name, old.id)


def test_the_clock_goes_no_further_than_the_calendar():
    made, _ = exchange()
    with pytest.raises(ValueError, match="the calendar is known only until 2026-03-0"):
        made.advance_to(new_york_ns(date(2200, 1, 1)))


def test_with_a_multiplier_of_four_a_purchase_takes_its_cost_from_the_buying_power():
    rich = AccountSettings(key="K", secret="S", cash=Decimal(100_000), multiplier=4)
    made, name = exchange(QUIET, accounts=(rich,))
    to_bar(made)
    for _ in range(2):
        made.submit(name, buy(1000))
        to_bar(made)
    assert made.account(name).buying_power == 200_000
    assert made.account(name).regt_buying_power == 0
