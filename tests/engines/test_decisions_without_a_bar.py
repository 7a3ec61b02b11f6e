"""A decision says nothing about a symbol that has no bar: what is held stays, what waits to grow is given up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import Costs, Plugins, Schedule
from quantstrats.announcer import Announcer
from quantstrats.engines.backtrader.engine import execute
from quantstrats.engines.execution import Account
from quantstrats.errors import EngineError

NONE = np.nan


@pytest.fixture
def orders_of(market_of):
    """Trade targets for A, and nothing for B, with 1,000 in cash; return orders as (row, size, status, row)."""

    def trade(closes, targets, **schedule):
        market = market_of({"A": closes, "B": [1.0] * len(closes)}, {"A": closes, "B": [1.0] * len(closes)})
        frame = pd.DataFrame({"A": targets, "B": np.zeros(len(closes))}, index=market.index)
        account = Account(1000.0, False, Costs(0, slippage_bps=0), Schedule(**schedule))
        done = execute(market, frame, account, Announcer(Plugins()))
        place = market.index.get_loc
        return [
            (place(order.decided), order.size, order.status, place(order.changed)) for order in done.orders.itertuples()
        ]

    return trade


@pytest.mark.parametrize("schedule", [{"rebalance": "changes"}, {"rebalance": "all"}, {"drift": 0.5}])
def test_a_position_stands_over_missing_bars(orders_of, schedule):
    orders = orders_of([10, 10, None, None, 10, 10], [0.5, 0.5, NONE, NONE, 0.5, 0.5], **schedule)
    assert orders == [(0, 50, "Completed", 1)]


def test_an_unchanged_number_after_missing_bars_trades_nothing_whatever_the_price(orders_of):
    assert orders_of([10, 10, None, 20, 20], [0.5, 0.5, NONE, 0.5, 0.5]) == [(0, 50, "Completed", 1)]


def test_a_number_after_missing_bars_is_compared_with_the_last_number(orders_of):
    orders = orders_of([10, 10, None, 10, 10], [0.5, 0.5, NONE, 0.8, 0.8])
    assert orders == [(0, 50, "Completed", 1), (3, 30, "Completed", 4)]


def test_a_waiting_purchase_is_given_up_and_asked_for_again(orders_of):
    # Decided at row 0; row 1 has no bar and no number, so the order is given up there, though the target of row 2
    # is the same as that of row 0.
    orders = orders_of([10, None, 10, 10, 10], [0.5, NONE, 0.5, 0.5, 0.5])
    assert orders == [(0, 50, "Canceled", 1), (2, 50, "Completed", 3)]


def test_a_waiting_short_sale_is_given_up_too(orders_of):
    orders = orders_of([10, None, 10, 10], [-0.5, NONE, 0.0, 0.0])
    assert orders == [(0, -50, "Canceled", 1)]


def test_a_waiting_sale_goes_on_waiting_and_fills_at_the_first_bar(orders_of):
    orders = orders_of([10, 10, None, None, 8, 8], [0.5, 0.0, NONE, NONE, 0.0, 0.0])
    assert orders == [(0, 50, "Completed", 1), (1, -50, "Completed", 4)]


def test_a_row_of_targets_must_have_a_number_for_every_symbol_with_a_bar(orders_of):
    with pytest.raises(EngineError, match="targets at 2015-01-06 00:00:00 are incomplete"):
        orders_of([10, 10, 10], [0.5, 0.5, NONE])
