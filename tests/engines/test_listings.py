"""A symbol that is listed late, or never: it has no price, and must not touch the account before it has one."""

from __future__ import annotations

import numpy as np
import pytest

from quantstrats.errors import EngineError


def test_a_symbol_listed_late_is_traded_from_its_first_bar_on(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10     0.5   |   50      -      0    |   -      -       0    |    -      -      0    | 1000  1000
          10     12     0.5   |    -    50@10   50    |   -      -       0    |    -      -      0    |  500  1100
          12     12     0.5   |    -      -     50    |   4      4      0.4   |  110      -      0    |  500  1100
          12     12      -    |    -      -     50    |   4      5       -    |    -   110@4    110    |   60  1210
        """
    )


@pytest.mark.parametrize("rebalance", ["changes", "all"])
def test_a_target_before_the_listing_counts_as_zero_until_there_is_a_price(follows, rebalance):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10     0.5   |   50      -      0    |   -      -      0.4   |    -      -      0    | 1000  1000
          10     10     0.5   |    -    50@10   50    |   -      -      0.4   |    -      -      0    |  500  1000
          10     10     0.5   |    -      -     50    |   4      4      0.4   |  100      -      0    |  500  1000
          10     10     0.5   |    -      -     50    |   4      4      0.4   |    -   100@4    100    |  100  1000
        """,
        events=["B was wanted in 2 decisions, first at 2015-01-02"],
        rebalance=rebalance,
    )


def test_drift_does_not_touch_a_symbol_before_its_listing(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10     0.5   |   50      -      0    |   -      -      0.4   |    -      -      0    | 1000  1000
          10     10     0.5   |    -    50@10   50    |   4      4      0.4   |  100      -      0    |  500  1000
          10     10     0.5   |    -      -     50    |   4      4      0.4   |    -   100@4    100    |  100  1000
        """,
        events=["B was wanted in 1 decision, first at 2015-01-02"],
        drift=0.05,
    )


def test_a_symbol_that_never_has_a_bar_is_never_traded(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
           -      -     0.5   |    -      -      0    |  10     10      0.5   |   50      -      0    | 1000  1000
           -      -     0.5   |    -      -      0    |  10     11      0.5   |    -    50@10   50    |  500  1050
        """,
        events=["A was wanted in 2 decisions"],
    )


def test_rows_without_a_single_bar_leave_the_account_as_it_was(trade, market_of):
    market = market_of({"A": [None, None, None, 10], "B": [None, None, None, 5]}).rows(0, 3)
    execution = trade(market, {0: {"A": 1.0}}, cash=500.0)
    assert execution.equity.tolist() == execution.cash.tolist() == [500.0] * 3
    assert (execution.shares == 0.0).all(axis=None)
    assert execution.orders.empty
    assert execution.transactions.empty
    assert execution.trades.empty


def test_a_market_of_one_row_sends_an_order_that_nobody_answers(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A     50  Submitted     0       0      0      0
        """,
    )


def test_no_decision_at_all_leaves_the_account_as_it_was(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      -    |    -      -      0    | 1000  1000
          10     11      -    |    -      -      0    | 1000  1000
        """
    )


def test_targets_that_do_not_fit_the_market_are_refused(trade, market_of):
    market = market_of({"A": [10, 10], "B": [5, 5]})
    with pytest.raises(EngineError, match=r"targets at 2015-01-05 .* are incomplete"):
        trade(market, {0: {"A": 0.5}, 1: {"A": 0.5, "B": np.nan}})
    with pytest.raises(EngineError, match="incomplete or infinite"):
        trade(market, {0: {"A": np.inf}})
