"""Which symbols a decision trades, in which order, and how many shares."""

from __future__ import annotations

import numpy as np


def test_changes_leave_a_position_that_has_drifted(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
          10     20     0.5   |    -    50@10   50    |  500  1500
          20     20     0.5   |    -      -     50    |  500  1500
        """
    )


def test_all_brings_every_symbol_back_to_its_target(follows):
    """At 20, half of 1500 is 37.5 shares: of 50, 250 // 20 = 12 are sold."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
          10     20     0.5   |  -12    50@10   50    |  500  1500
          20     20      -    |    -   -12@20   38    |  740  1500
        """,
        rebalance="all",
    )


def test_drift_trades_only_what_has_moved_too_far(follows):
    """A at 11 has 550 of 1050: 2.4 points off, within 5. At 14 it has 700 of 1200: 8.3 points off."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
          10     11     0.5   |    -    50@10   50    |  500  1050
          11     14     0.5   |   -7      -     50    |  500  1200
          14     14      -    |    -    -7@14   43    |  598  1200
        """,
        drift=0.05,
    )


def test_a_decision_after_nothing_wanted_starts_from_zero(follows):
    """The first decision wants nothing and trades nothing, nor do those that want it still."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      0    |    -      -      0    | 1000  1000
          10     10      0    |    -      -      0    | 1000  1000
          10     10     0.5   |   50      -      0    | 1000  1000
          10     10      0    |  -50    50@10   50    |  500  1000
          10     10      -    |    -   -50@10    0    | 1000  1000
        """
    )


def test_reductions_go_first_so_that_they_pay_for_increases(follows):
    execution = follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10      0    |    -      -      0    |   5      5       1    |  200      -      0    | 1000  1000
          10     10      1    |  100      -      0    |   5      5       0    | -200   200@5    200   |    0  1000
          10     10      -    |    -   100@10  100    |   5      5       -    |    -  -200@5      0   |    0  1000
        """
    )
    assert execution.orders["symbol"].tolist() == ["B", "B", "A"]


def test_within_a_kind_orders_go_in_symbol_order(trade, market_of):
    prices = {name: [10.0] * 3 for name in "DBCA"}
    execution = trade(
        market_of(prices),
        {0: {"D": 0.4, "A": 0.4}, 1: {"D": 0.1, "A": 0.1, "C": 0.3, "B": 0.3}},
    )
    assert execution.orders["symbol"].tolist() == ["D", "A", "D", "A", "B", "C"]
    assert execution.orders["size"].tolist() == [40, 40, -30, -30, 30, 30]


def test_a_reversal_to_the_short_side_pays_for_an_increase(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill  A.held | B.open B.close B.want | B.order B.fill  B.held | cash equity
          10     10      0    |    -      -       0    |  10     10      0.9   |   90      -       0    | 1000  1000
          10     10     0.6   |   60      -       0    |  10     10     -0.3   | -120    90@10    90    |  100  1000
          10     10      -    |    -    60@10    60    |  10     10       -    |    -  -120@10   -30    |  700  1000
        """
    )


def test_a_reversal_to_the_long_side_waits_for_what_others_free(follows):
    """Turning A from -10 to 50 costs 600 of the 200 in cash; the sale of B brings it."""
    follows(
        """
        A.open A.close A.want | A.order A.fill  A.held | B.open B.close B.want | B.order B.fill  B.held | cash equity
          10     10    -0.1   |  -10      -       0    |  10     10      0.9   |   90      -       0    | 1000  1000
          10     10     0.5   |   60   -10@10   -10    |  10     10      0.4   |  -50    90@10    90    |  200  1000
          10     10      -    |    -    60@10    50    |  10     10       -    |    -   -50@10    40    |  100  1000
        """
    )


def test_whole_shares_are_rounded_towards_what_is_held(follows):
    """0.5 of 1000 at 30 is 16.7 shares: 16. From 16 x 40 = 640 of 1160 to 580: 60 // 40 = 1 share is sold."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          30     30     0.5   |   16      -      0    | 1000  1000
          30     40     0.5   |   -1    16@30   16    |  520  1160
          40     40     0     |  -15    -1@40   15    |  560  1160
          40     40      -    |    -   -15@40    0    | 1160  1160
        """,
        rebalance="all",
    )


def test_a_target_below_one_share_sends_nothing(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10    0.009  |    -      -      0    | 1000  1000
          10     10      -    |    -      -      0    | 1000  1000
        """
    )


def test_fractions_of_a_share_reach_the_target(follows):
    """At 16, half of 1000 is 31.25 shares; they double, and of 1500 at 32 half is 23.4375."""
    follows(
        """
        A.open A.close A.want | A.order   A.fill     A.held | cash equity
          16     16     0.5   |  31.25      -           0   | 1000  1000
          16     32     0.5   | -7.8125  31.25@16     31.25 |  500  1500
          32     32      0    | -23.4375 -7.8125@32 23.4375 |  750  1500
          32     32      -    |    -    -23.4375@32     0   | 1500  1500
        """,
        rebalance="all",
        fractional=True,
    )


def test_a_remainder_of_arithmetic_is_no_order(trade, market_of):
    """At constant prices there is nothing to re-weight, whatever the last bits say."""
    prices = np.random.default_rng(5).uniform(1.0, 500.0, 20)
    market = market_of({f"S{number}": [price] * 6 for number, price in enumerate(prices)})
    weights = dict(zip(market.symbols, prices / prices.sum(), strict=True))
    execution = trade(market, dict.fromkeys(range(6), weights), rebalance="all", fractional=True)
    assert execution.orders["decided"].eq(market.index[0]).all()


def test_a_short_position_is_opened_increased_reduced_and_closed(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10    -0.3   |  -30      -      0    | 1000  1000
          10     10    -0.5   |  -20   -30@10  -30    | 1300  1000
          10     10    -0.2   |   30   -20@10  -50    | 1500  1000
          10     10      0    |   20    30@10  -20    | 1200  1000
          10     10      -    |    -    20@10    0    | 1000  1000
        """
    )
