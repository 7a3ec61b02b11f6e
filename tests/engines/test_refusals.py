"""Orders that are refused for lack of cash: at submission, at the fill, and in part."""

from __future__ import annotations

import pytest

from quantstrats import Costs


def test_an_order_that_costs_more_than_the_cash_is_refused_before_it_trades(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     1.2   |  120      -      0    | 1000  1000
           5      5      -    |    -      -      0    | 1000  1000
        """,
        """
        decided symbol size  status  changed filled price commission
           0      A    120  Margin      1       0      0      0
        """,
        events=["order 1 (buy 120 A) refused at 2015-01-05: not enough cash (Margin)"],
    )


def test_commission_counts_when_cash_is_checked(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      1    |  100      -      0    | 1000  1000
           5      5      -    |    -      -      0    | 1000  1000
        """,
        events=["order 1 (buy 100 A) refused"],
        costs=Costs(commission_bps=10, slippage_bps=0),
    )


def test_an_order_is_refused_at_the_fill_when_the_open_has_risen_too_far(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      1    |  100      -      0    | 1000  1000
          10.5   10      -    |    -      -      0    | 1000  1000
          10     10      -    |    -      -      0    | 1000  1000
        """,
        """
        decided symbol size  status  changed filled price commission
           0      A    100  Margin      1       0      0      0
        """,
        events=["order 1 (buy 100 A) refused at 2015-01-05: not enough cash"],
    )


def test_an_order_that_waited_is_refused_at_the_bar_where_it_would_fill(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      1    |  100      -      0    | 1000  1000
           -      -      -    |    -      -      0    | 1000  1000
          11     11      -    |    -      -      0    | 1000  1000
        """,
        """
        decided symbol size  status  changed filled price commission
           0      A    100  Margin      2       0      0      0
        """,
        events=["refused at 2015-01-06"],
    )


def test_a_reversal_closes_even_if_its_other_half_is_refused(follows):
    """To hold 0.9 x 995 of A from 500 short, 1395.50 // 10 shares are bought. At 20 the 50 that close cost 1000,
    and what is left does not pay for 89."""
    execution = follows(
        """
        A.open A.close A.want | A.order A.fill A.held | paid | cash equity
          10     10    -0.5   |  -50      -      0    |   0  | 1000  1000
          10     10     0.9   |  139   -50@10  -50    |   5  | 1495   995
          20     20      -    |    -    50@20    0    |   5  |  490   490
          20     10      -    |    -      -      0    |   0  |  490   490
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A    -50  Completed     1     -50     10      5
           1      A    139  Margin        2      50     20      5
        """,
        costs=Costs(commission_bps=0, commission_minimum=5, slippage_bps=0),
        events=["order 2 (buy 139 A) refused at 2015-01-06 after 50 were filled: not enough cash"],
    )
    assert execution.trades[["side", "pnl", "commission"]].to_numpy().tolist() == [["short", -500.0, 10.0]]


def test_after_a_reversal_refused_in_part_the_next_decision_starts_from_what_is_held(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10    -0.5   |  -50      -      0    | 1000  1000
          10     10     0.9   |  140   -50@10  -50    | 1500  1000
          20     20     0.8   |   20    50@20    0    |  500   500
          20     20      -    |    -    20@20   20    |  100   500
        """,
        events=["order 2 (buy 140 A) refused at 2015-01-06 after 50 were filled"],
    )


def test_a_refused_order_is_not_tried_again_until_a_decision_asks_again(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      1    |  100      -      0    | 1000  1000
          11     10      1    |    -      -      0    | 1000  1000
          10     10      1    |    -      -      0    | 1000  1000
          10     10     0.9   |   90      -      0    | 1000  1000
          10     10      -    |    -    90@10   90    |  100  1000
        """,
        events=["order 1 (buy 100 A) refused"],
    )


@pytest.mark.parametrize("options", [{"rebalance": "all"}, {"drift": 0.05}])
def test_a_refused_order_is_asked_again_where_decisions_look_at_what_is_held(follows, options):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      1    |  100      -      0    | 1000  1000
          11     10      1    |  100      -      0    | 1000  1000
          10     10      -    |    -   100@10  100    |    0  1000
        """,
        events=["order 1 (buy 100 A) refused"],
        **options,
    )


def test_one_order_too_large_takes_the_later_orders_of_its_batch_with_it(follows):
    """Backtrader's rule: the cash of the check stays negative, so B is refused too, though 1000 would pay for it."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10     1.2   |  120      -      0    |   5      5      0.5   |  100      -      0    | 1000  1000
          10     10      -    |    -      -      0    |   5      5       -    |    -      -      0    | 1000  1000
        """,
        events=["order 1 (buy 120 A) refused", "order 2 (buy 100 B) refused"],
    )


def test_an_order_that_fills_first_can_leave_too_little_for_the_next(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10     0.5   |   50      -      0    |   5      5      0.5   |  100      -      0    | 1000  1000
          12     12      -    |    -    50@12   50    |   5      5       -    |    -      -      0    |  400  1000
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A     50  Completed     1      50     12      0
           0      B    100  Margin        1       0      0      0
        """,
        events=["order 2 (buy 100 B) refused at 2015-01-05"],
    )
