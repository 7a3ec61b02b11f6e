"""What an order pays, and by how much it fills worse than the open."""

from __future__ import annotations

import pytest

from quantstrats import Costs


def test_commission_by_value(follows):
    """A quarter of a per cent of 800, then of 400."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | paid | cash equity
          10     10     0.4   |   40      -      0    |   0  | 1000  1000
          20     10      0    |  -40    40@20   40    |   2  |  198   598
          10     10      -    |    -   -40@10    0    |   1  |  597   597
        """,
        costs=Costs(commission_bps=25, slippage_bps=0),
    )


def test_commission_by_share(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | paid | cash equity
          10     10     0.4   |   40      -      0    |   0  | 1000  1000
          20     10      0    |  -40    40@20   40    |  0.4 | 199.6 599.6
          10     10      -    |    -   -40@10    0    |  0.4 | 599.2 599.2
        """,
        costs=Costs(commission_bps=0, commission_per_share=0.01, slippage_bps=0),
    )


def test_commission_by_value_and_share_is_at_least_the_minimum(follows):
    """0.1% of 100 and 0.01 for each of 10 shares are 0.20, so the minimum of 1; for 80 shares it is 1.60."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | paid |  cash   equity
          10     10     0.1   |   10      -      0    |   0  | 1000    1000
          10     10     0.9   |   79    10@10   10    |   1  |  899     999
          10     10      -    |    -    79@10   89    | 1.58 |  107.42  997.42
        """,
        costs=Costs(commission_bps=10, commission_per_share=0.01, commission_minimum=1, slippage_bps=0),
    )


def test_a_reversal_pays_for_the_part_that_closes_and_for_the_part_that_opens(follows):
    execution = follows(
        """
        A.open A.close A.want | A.order A.fill A.held | paid | cash equity
          10     10     0.5   |   50      -      0    |   0  | 1000  1000
          10     10    -0.5   |  -99    50@10   50    |   5  |  495   995
          10     10      -    |    -   -99@10  -49    |  10  | 1475   985
        """,
        costs=Costs(commission_bps=0, commission_minimum=5, slippage_bps=0),
    )
    assert execution.trades[["side", "pnl", "commission", "pnl_net"]].to_numpy().tolist() == [["long", 0, 10, -10]]


def test_slippage_makes_purchases_dearer_and_sales_cheaper(follows):
    execution = follows(
        """
        A.open A.close A.high A.low A.want | A.order A.fill   A.held | cash equity
          10     10     10     10    0.5   |   50      -        0    | 1000  1000
          10     10     12      8     0    |  -50    50@10.1   50    |  495   995
          10     10     12      8     -    |    -   -50@9.9     0    |  990   990
        """,
        costs=Costs(commission_bps=0, slippage_bps=100),
    )
    assert execution.transactions["slippage"].tolist() == pytest.approx([5.0, 5.0])  # 50 shares, a tenth worse


def test_slippage_stays_within_the_bar(follows):
    execution = follows(
        """
        A.open A.close A.high A.low A.want | A.order A.fill    A.held | cash equity
          10     10     10      10   0.5   |   50      -         0    | 1000  1000
          10     10    10.04     8    0    |  -50    50@10.04   50    |  498   998
          10     10     12     9.98   -    |    -   -50@9.98     0    |  997   997
        """,
        costs=Costs(commission_bps=0, slippage_bps=100),
    )
    assert execution.transactions["slippage"].tolist() == pytest.approx([2.0, 1.0])


def test_cash_is_checked_again_with_slippage(follows):
    follows(
        """
        A.open A.close A.high A.low A.want | A.order A.fill A.held | cash equity
          10     10     10     10     1    |  100      -      0    | 1000  1000
          10     10     12      8     -    |    -      -      0    | 1000  1000
        """,
        costs=Costs(commission_bps=0, slippage_bps=1),
        events=["order 1 (buy 100 A) refused at 2015-01-05"],
    )
