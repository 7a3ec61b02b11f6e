"""What plugins hear of an execution, in order; and that one that fails harms nothing."""

from __future__ import annotations

import pandas as pd
import pytest

from quantstrats import Costs, Plugins, hookimpl
from quantstrats.announcer import Announcer


class Listener:
    """Writes down what it hears, with rows in place of labels."""

    def __init__(self, index):
        self.row = {label: row for row, label in enumerate(index)}
        self.heard = []

    @hookimpl
    def decided(self, decision):
        self.heard.append(("decided", self.row[decision.time], dict(decision.targets)))

    @hookimpl
    def order_changed(self, order):
        fact = (order.order, order.symbol, order.size, order.status, order.filled, order.price, order.commission)
        self.heard.append(("order", self.row[order.time], *fact))

    @hookimpl
    def trade_closed(self, trade):
        fact = (
            trade.symbol,
            trade.side,
            self.row[trade.opened],
            trade.bars,
            trade.pnl,
            trade.commission,
            trade.pnl_net,
        )
        self.heard.append(("trade", self.row[trade.closed], *fact))


@pytest.fixture
def listen(trade):
    def run(market, decisions, **options):
        listener, plugins = Listener(market.index), Plugins()
        plugins.register(listener, "listener")
        trade(market, decisions, plugins=plugins, **options)
        return listener.heard

    return run


def test_a_round_trip_is_told_from_the_decision_to_its_end(listen, market_of):
    market = market_of({"A": [10, 10, 12, 12]}, {"A": [10, 10, 12, 12]})
    heard = listen(market, {0: {"A": 0.5}, 1: {}}, costs=Costs(0, commission_minimum=2, slippage_bps=0))
    assert heard == [
        ("decided", 0, {"A": 0.5}),
        ("order", 0, 1, "A", 50, "Submitted", 0, 0, 0),
        ("order", 1, 1, "A", 50, "Accepted", 0, 0, 0),
        ("order", 1, 1, "A", 50, "Completed", 50, 10, 2),
        ("decided", 1, {}),
        ("order", 1, 2, "A", -50, "Submitted", 0, 0, 0),
        ("order", 2, 2, "A", -50, "Accepted", 0, 0, 0),
        ("order", 2, 2, "A", -50, "Completed", -50, 12, 2),
        ("trade", 2, "A", "long", 1, 1, 100, 4, 96),
    ]


def test_a_cancelled_and_a_refused_order_are_told(listen, market_of):
    market = market_of({"A": [10, None, 10, 10]}, {"A": [10, None, 11, 10]})
    assert listen(market, {0: {"A": 0.5}, 1: {"A": 1.0}}) == [
        ("decided", 0, {"A": 0.5}),
        ("order", 0, 1, "A", 50, "Submitted", 0, 0, 0),
        ("order", 1, 1, "A", 50, "Accepted", 0, 0, 0),
        ("decided", 1, {"A": 1.0}),
        ("order", 1, 1, "A", 50, "Canceled", 0, 0, 0),
        ("order", 1, 2, "A", 100, "Submitted", 0, 0, 0),
        ("order", 2, 2, "A", 100, "Accepted", 0, 0, 0),
        ("order", 2, 2, "A", 100, "Margin", 0, 0, 0),
    ]


def test_a_reversal_filled_in_part_tells_the_part_and_the_refusal(listen, market_of):
    market = market_of({"A": [10, 10, 20]}, {"A": [10, 10, 20]})
    assert listen(market, {0: {"A": -0.5}, 1: {"A": 0.9}})[-4:] == [
        ("order", 2, 2, "A", 140, "Accepted", 0, 0, 0),
        ("order", 2, 2, "A", 140, "Partial", 50, 20, 0),
        ("order", 2, 2, "A", 140, "Margin", 50, 20, 0),
        ("trade", 2, "A", "short", 1, 1, -500, 0, -500),
    ]


def test_a_settlement_is_told_as_an_order_and_a_round_trip(listen, market_of):
    market = market_of({"A": [10, 10, None], "B": [5, 5, 5]}, ended={"A": "2015-01-05"}, delisting_return=-1.0)
    assert listen(market, {0: {"A": 0.5}})[4:] == [
        ("order", 2, 2, "A", -50, "Accepted", 0, 0, 0),
        ("order", 2, 2, "A", -50, "Completed", -50, 0, 0),
        ("trade", 2, "A", "long", 1, 1, -500, 0, -500),
    ]


def test_the_order_of_the_last_bar_is_told(listen, market_of):
    assert listen(market_of({"A": [10, 10]}), {1: {"A": 0.5}}) == [
        ("decided", 1, {"A": 0.5}),
        ("order", 1, 1, "A", 50, "Submitted", 0, 0, 0),
    ]


def test_a_listener_that_raises_is_told_nothing_more_and_changes_nothing(trade, market_of):
    heard = []

    class Broken:
        @hookimpl
        def order_changed(self, order):
            heard.append(order.status)
            raise RuntimeError("no disk")

    market = market_of({"A": [10, 10, 12, 12]})
    decisions = {0: {"A": 0.5}, 1: {}, 2: {"A": 0.3}}
    plugins, listener = Plugins(), Listener(market.index)
    plugins.register(Broken(), "broken")
    plugins.register(listener, "listener")
    announcer = Announcer(plugins)
    execution, undisturbed = trade(market, decisions, announcer=announcer), trade(market, decisions)
    assert heard == ["Submitted"]
    assert announcer.failures == ["plugin 'broken' failed in order_changed: RuntimeError: no disk"]
    assert sum(kind == "order" for kind, *_ in listener.heard) == 9
    for name in ("equity", "cash"):
        pd.testing.assert_series_equal(getattr(execution, name), getattr(undisturbed, name))
    for name in ("shares", "orders", "transactions", "trades"):
        pd.testing.assert_frame_equal(getattr(execution, name), getattr(undisturbed, name))
