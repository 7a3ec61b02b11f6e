"""Over random flows of orders the books balance to the cent, recomputed from the executions alone."""

from __future__ import annotations

import contextlib
import functools
from collections import defaultdict
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.simulator import trading
from quantstrats.simulator.events import OrderEvent
from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.orders import Changes, Refused
from quantstrats.simulator.settings import AccountSettings, FillSettings, Settings
from quantstrats.simulator.tape import tape_of
from quantstrats.simulator.times import NS

from .exchanges import asked, exchange, minutes

CENT = Decimal("0.01")
FINAL = {"filled", "canceled", "expired", "replaced", "rejected"}
# Which status may follow which; nothing follows a final one.
EDGES = {
    None: {"pending_new", "accepted", "held"},
    "pending_new": {"new", "accepted", "held", "pending_cancel", "rejected", "canceled", "expired"},
    "accepted": {"new", "pending_cancel", "canceled", "expired", "rejected"},
    "held": {"new", "accepted", "pending_cancel", "pending_replace", "canceled", "expired", "rejected"},
    "new": {"partially_filled", "filled", "pending_cancel", "pending_replace", "canceled", "expired"},
    "partially_filled": {"filled", "pending_cancel", "pending_replace", "canceled", "expired"},
    "pending_cancel": {"canceled", "filled", "expired", "replaced", "rejected"},
    "pending_replace": {
        "replaced",
        "filled",
        "canceled",
        "expired",
        "pending_cancel",
        "partially_filled",
    },
}


def walk(seed):
    """Return the bars of half an hour that wander a percent at a time."""
    rng = np.random.default_rng(seed)
    bars, price = [], 100.0
    for _ in range(30):
        opened = price * (1 + rng.normal(0, 0.004))
        price = opened * (1 + rng.normal(0, 0.01))
        high, low = max(opened, price) * (1 + rng.random() * 0.005), min(opened, price) * (1 - rng.random() * 0.005)
        bars.append(tuple(round(each, 3) for each in (opened, high, low, price)))
    return bars


@functools.cache
def tape(seed, volume):
    """Return those bars as a tape: made once for all examples."""
    return tape_of(minutes(walk(seed), volume=volume))


class Auditor:
    """Keeps its own books from what an exchange tells, and compares them."""

    def __init__(self, made):
        self.made = made
        self.cash = {name: Decimal(100_000) for name in made.account_ids}
        self.held = defaultdict(Decimal)
        self.fills = defaultdict(list)
        self.statuses = {}
        self.orders = {}
        made.listeners.append(self.hear)

    def hear(self, event):
        if not isinstance(event, OrderEvent):
            return
        order = event.order
        # Of a replacement the first thing heard is that it is in effect, or rejected.
        before = self.statuses.get(order.id, "pending_new" if order.replaces else None)
        if order.status != before:
            assert order.status in EDGES.get(before, set()), (before, order.status, event.event)
        self.statuses[order.id] = order.status
        self.orders[order.id] = order
        if event.event not in {"fill", "partial_fill"}:
            return
        assert before not in FINAL
        sign = 1 if order.side == "buy" else -1
        key = event.account, order.symbol
        was, now = self.held[key], self.held[key] + sign * event.qty
        assert was * now >= 0, "an order crossed zero"
        self.held[key] = now
        exactly = Fraction(event.price) * Fraction(event.qty)
        rounded = Decimal(round(exactly * 100)) / 100  # Python rounds half to even
        self.cash[event.account] -= sign * rounded
        self.fills[order.id].append((event.execution_id, event.qty, event.price, event.event))
        assert event.position_qty == now

    def audit(self):
        for name in self.made.account_ids:
            self.audit_account(name)
            self.audit_orders(name)

    def audit_account(self, name):
        made, told = self.made, self.made.account(name)
        assert told.cash == self.cash[name]
        held = {symbol: qty for (whose, symbol), qty in self.held.items() if whose == name and qty}
        assert {each.symbol: each.qty for each in made.positions(name)} == held
        values = {symbol: qty * made.last_price(symbol) for symbol, qty in held.items()}
        long = sum((value for value in values.values() if value > 0), Decimal(0))
        short = sum((value for value in values.values() if value < 0), Decimal(0))
        assert told.equity == self.cash[name] + long + short
        free = max(2 * (told.equity - (long - short) / 2), 0)
        working = made.open_orders(name)
        reserved = sum((self.reservation(order) for order in working), Decimal(0))
        replacements = [order for order in working if order.replaces]
        if any(made.order(name, order.replaces).replaced_by != order.id for order in replacements):
            # With a replacement the dearer of the two counts, which a fill meanwhile blurs.
            assert told.reserved <= reserved
        else:
            assert told.reserved == reserved
            assert told.buying_power == max(free - reserved, 0)
        for position in made.positions(name):
            assert 0 <= abs(position.qty_available) <= abs(position.qty)
            assert position.qty_available * position.qty >= 0

    @staticmethod
    def reservation(order):
        if order.position_intent.endswith("close") or order.parent:
            return Decimal(0)
        if order.notional is not None:
            exactly = order.notional - sum((order.value,), Decimal(0))
        else:
            exactly = order.reserve_price * (order.qty - order.filled_qty)
        return max(exactly.quantize(CENT, ROUND_CEILING), Decimal(0))

    def audit_orders(self, name):
        for order in self.made.orders(name):
            fills = self.fills[order.id]
            assert order.filled_qty == sum((qty for _, qty, _, _ in fills), Decimal(0))
            assert order.qty is None or order.filled_qty <= order.qty
            if order.status == "filled":
                assert fills[-1][3] == "fill"
                assert order.qty is None or order.filled_qty == order.qty
            if fills and order.filled_avg_price:
                average = sum(qty * price for _, qty, price, _ in fills) / order.filled_qty
                assert abs(order.filled_avg_price - average) < Decimal("1e-12")
            if order.limit_price is not None:
                for _, _, price, _ in fills:
                    assert price <= order.limit_price if order.side == "buy" else price >= order.limit_price
        stated = [(each.execution_id, each.qty, each.price, each.type) for each in self.made.activities(name)]
        ids = {order.id for order in self.made.orders(name)}
        told = [fill for order_id in self.fills if order_id in ids for fill in self.fills[order_id]]
        assert sorted(stated) == sorted(told)
        times = [each.time for each in self.made.activities(name)]
        assert times == sorted(times)


PRICE = st.integers(9_300, 10_700).map(lambda price: Decimal(price) / 100)
QTY = st.one_of(st.integers(1, 400).map(str), st.sampled_from(["0.5", "1.25", "0.000000001", "33.333333333"]))


@st.composite
def requests(draw):
    side, symbol = draw(st.sampled_from(["buy", "sell"])), draw(st.sampled_from("AAB"))
    double = 2 if symbol == "B" else 1
    kind = draw(st.sampled_from(["market", "market", "limit", "limit", "stop", "stop_limit", "trailing_stop", "exits"]))
    more = {"tif": draw(st.sampled_from(["day", "day", "gtc", "ioc", "fok", "opg", "cls"]))}
    qty = draw(QTY)
    if kind in {"limit", "stop_limit"}:
        more["limit_price"] = draw(PRICE) * double
    if kind in {"stop", "stop_limit"}:
        more["stop_price"] = draw(PRICE) * double
    if kind == "trailing_stop":
        more["trail_percent"] = draw(st.sampled_from(["0.5", "2"]))
    if kind == "exits":
        kind = None
        more["tif"] = "day"
        up, down = Decimal(draw(st.integers(102, 106))), Decimal(draw(st.integers(94, 98)))
        more["order_class"] = draw(st.sampled_from(["bracket", "oco", "oto"]))
        is_long = (side == "buy") != (more["order_class"] == "oco")
        more["take_profit"] = (up if is_long else down) * double
        if more["order_class"] == "oco":
            kind = "limit"
        if more["order_class"] != "oto":
            more["stop_loss"] = (down if is_long else up) * double
    elif draw(st.integers(0, 9)) == 0:
        qty, more["notional"], more["tif"] = None, draw(st.integers(1, 20_000)), "day"
    return asked(side, qty, symbol=symbol, kind=kind, **more)


STEPS = st.one_of(
    requests(),
    requests(),
    requests(),
    st.tuples(st.just("wait"), st.integers(1, 90)),
    st.just(("step", 1)),
    st.tuples(st.just("cancel"), st.integers(0, 50)),
    st.tuples(st.just("replace"), st.integers(0, 50), st.one_of(st.none(), st.integers(1, 300)), PRICE),
    st.tuples(st.just("close"), st.sampled_from("AB"), st.sampled_from([None, 50, 100])),
    st.just(("close all", True)),
    st.just(("cancel all", True)),
)


def perform(made, name, step):
    """Do one thing; the broker may refuse it."""
    with contextlib.suppress(Refused):
        if not isinstance(step, tuple):
            made.submit(name, step)
            return
        match step:
            case ("wait", seconds):
                made.advance_to(made.now + seconds * NS)
            case ("step", _):
                made.advance()
            case ("close", symbol, percent):
                made.close_position(name, symbol, percentage=None if percent is None else Decimal(percent))
            case ("close all", _):
                made.close_positions(name, cancel_orders=True)
            case ("cancel all", _):
                made.cancel_all(name)
            case _:
                change(made, name, *step)


def change(made, name, what, which, *asked_for):
    """Cancel any order, or replace an open one."""
    orders = made.orders(name) if what == "cancel" else made.open_orders(name)
    if not orders:
        return
    order = orders[which % len(orders)]
    if what == "cancel":
        made.cancel(name, order.id)
        return
    qty, price = asked_for
    limit = price if order.limit_price is not None else None
    made.replace(name, order.id, Changes(qty=None if qty is None else Decimal(qty), limit_price=limit))


def play(steps, latency, volume, seed):
    accounts = tuple(AccountSettings(key=key, secret="S") for key in ("one", "two"))
    fills = FillSettings(latency=(0.0, latency), participation=0.5, partial_rate=0.3, spread_bps=5)
    made = Exchange(tape(seed, volume), Settings(accounts=accounts, fills=fills, seed=seed))
    auditor = Auditor(made)
    heard = []
    made.listeners.append(heard.append)
    for number, step in enumerate(steps):
        if number == 2:
            made.advance()
        # Two steps of three are the first account's.
        perform(made, made.account_ids[number % 3 == 2], step)
        auditor.audit()
    made.advance_to(made.tape.sessions.next_close(made.now))
    auditor.audit()
    return heard, auditor


@given(
    steps=st.lists(STEPS, min_size=5, max_size=40),
    latency=st.sampled_from([0.0, 0.0, 20.0]),
    volume=st.sampled_from([400.0, 1_000_000.0]),
    seed=st.integers(0, 5),
)
def test_the_books_balance_after_every_step(steps, latency, volume, seed):
    play(steps, latency, volume, seed)


@given(steps=st.lists(STEPS, min_size=5, max_size=15), seed=st.integers(0, 5))
def test_the_same_calls_give_the_same_events(steps, seed):
    first, _ = play(steps, 20.0, 400.0, seed)
    second, _ = play(steps, 20.0, 400.0, seed)
    assert first == second


def busy_steps(seed, count):
    """Return many steps in which orders of each kind rest, fill and go."""
    rng = np.random.default_rng(seed)
    steps = []
    for _ in range(count):
        side, qty = rng.choice(["buy", "sell"]), int(rng.integers(1, 60))
        price = Decimal(str(round(float(rng.normal(100, 2)), 2)))
        kind = rng.choice(["market", "limit", "stop", "trail", "bracket", "step", "wait", "cancel"])
        match kind:
            case "limit" | "stop":
                steps.append(asked(side, qty, **{f"{kind}_price": price}))
            case "trail":
                steps.append(asked(side, qty, kind="trailing_stop", trail_percent="1.5"))
            case "bracket":
                steps.append(asked("buy", qty, order_class="bracket", take_profit=108, stop_loss=92))
            case "market":
                steps.append(asked(side, qty))
            case "cancel":
                steps.append(("cancel", qty))
            case _:
                steps.append((str(kind), 20))
    return steps


@pytest.mark.parametrize("latency", [0.0, 20.0])
def test_a_long_random_flow_fills_much_and_balances(latency):
    # Hypothesis's flows are short; this one reaches deep states and says that they were reached.
    _, auditor = play(busy_steps(5, 250), latency, 4_000.0, 7)
    assert sum(len(fills) for fills in auditor.fills.values()) > 30
    assert set(auditor.statuses.values()) >= {"filled", "canceled"}


@pytest.mark.parametrize("seed", range(8))
def test_prints_that_are_passed_over_would_have_changed_nothing(seed, monkeypatch):
    steps = busy_steps(seed, 120)
    passed_over, _ = play(steps, 5.0, 100.0, seed)
    monkeypatch.setattr(trading, "quiet_between", lambda *_: (1.0, 0.0))
    looked_at, _ = play(steps, 5.0, 100.0, seed)
    assert passed_over == looked_at


def test_half_a_cent_goes_to_the_even_one():
    assert [Decimal(text).quantize(CENT, ROUND_HALF_EVEN) for text in ("0.005", "0.015")] == [0, Decimal("0.02")]
    made, name = exchange([(10.005, 10.005, 10.005, 10.005)] * 2)
    made.advance()
    made.submit(name, asked("buy", 1))
    made.advance()
    assert made.account(name).cash == Decimal("99990.00")
    made.submit(name, asked("buy", 3))
    made.advance()
    # 3 x 10.005 is 30.015.
    assert made.account(name).cash == Decimal("99959.98")
