"""A symbol that has ended: the position is settled on the first row after it, free of charge."""

from __future__ import annotations

import pytest

from quantstrats import Costs


def test_a_position_is_settled_at_the_last_close_without_commission_or_slippage(follows):
    """Bought 90 at 10 (the bar's high, so without slippage) for 900 and 1% commission; settled at 12 with none."""
    execution = follows(
        """
        A.open A.close A.want | A.order A.fill A.held |  paid |  cash  equity
          10     10     0.9   |   90      -      0    |    0  |  1000   1000
          10     10      -    |    -    90@10   90    |    9  |    91    991
          10     12      -    |    -      -     90    |    0  |    91   1171
           -      -      -    |    -   -90@12    0    |    0  |  1171   1171
           -      -      -    |    -      -      0    |    0  |  1171   1171
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A     90  Completed     1      90     10      9
           3      A    -90  Completed     3     -90     12      0
        """,
        ended={"A": 2},
        costs=Costs(commission_bps=100, commission_minimum=1, slippage_bps=100),
        events=["A ended on 2015-01-06: 90 shares settled at 12"],
    )
    trade = execution.trades.iloc[0]
    assert (trade["opened"], trade["closed"]) == (execution.equity.index[1], execution.equity.index[3])
    assert (trade["pnl"], trade["commission"], trade["pnl_net"]) == (180.0, 9.0, 171.0)
    assert execution.orders["reason"].tolist() == ["decision", "ended"]
    assert execution.transactions["slippage"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("delisting_return", "price", "cash"), [(0.0, "20", 1500), (-0.3, "14", 1200), (-1.0, "0", 500), (0.5, "30", 2000)]
)
def test_holders_get_the_last_close_and_the_delisting_return(follows, delisting_return, price, cash):
    follows(
        f"""
        A.open A.close A.want | A.order   A.fill     A.held |  cash   equity
          10     10     0.5   |   50        -          0    |  1000    1000
          10     20      -    |    -      50@10       50    |   500    1500
           -      -      -    |    -    -50@{price}    0    | {cash}  {cash}
           -      -      -    |    -        -          0    | {cash}  {cash}
        """,
        ended={"A": 1},
        delisting_return=delisting_return,
        events=[f"settled at {price}"],
    )


@pytest.mark.parametrize(("delisting_return", "price", "cash"), [(0.0, "12", 900), (-1.0, "0", 1500), (0.5, "18", 600)])
def test_a_short_position_is_settled_the_other_way_round(follows, delisting_return, price, cash):
    follows(
        f"""
        A.open A.close A.want | A.order   A.fill     A.held |  cash   equity
          10     10    -0.5   |  -50        -          0    |  1000    1000
          10     12      -    |    -     -50@10      -50    |  1500     900
           -      -      -    |    -     50@{price}    0    | {cash}  {cash}
        """,
        ended={"A": 1},
        delisting_return=delisting_return,
        events=[f"50 shares settled at {price}"],
    )


def test_an_order_that_waits_when_its_symbol_ends_is_cancelled(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      -    |    -      -      0    | 1000  1000
          10     10     0.5   |   50      -      0    | 1000  1000
           -      -      -    |    -      -      0    | 1000  1000
           -      -      -    |    -      -      0    | 1000  1000
        """,
        """
        decided symbol size  status   changed filled price commission
           1      A     50  Canceled     2       0      0      0
        """,
        ended={"A": 1},
    )


def test_a_sale_decided_on_the_last_session_becomes_the_settlement_and_nothing_is_sold_twice(follows):
    follows(
        """
        A.open A.close A.want | A.order  A.fill   A.held | cash equity
          10     10     0.5   |   50       -        0    | 1000  1000
          10     10      0    |  -50     50@10     50    |  500  1000
           -      -      -    |    -    -50@8       0    |  900   900
           -      -      -    |    -       -        0    |  900   900
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A     50  Completed     1      50     10      0
           1      A    -50  Canceled      2       0      0      0
           2      A    -50  Completed     2     -50      8      0
        """,
        ended={"A": 1},
        delisting_return=-0.2,
        events=["A ended on 2015-01-05"],
    )


def test_an_order_that_has_waited_over_a_gap_is_cancelled_at_the_end(follows):
    """The last bar came before the last session."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
           -      -      -    |    -      -      0    | 1000  1000
           -      -      -    |    -      -      0    | 1000  1000
        """,
        """
        decided symbol size  status   changed filled price commission
           0      A     50  Canceled     2       0      0      0
        """,
        ended={"A": 1},
    )


@pytest.mark.parametrize("rebalance", ["changes", "all"])
def test_a_target_after_the_end_counts_as_zero(follows, rebalance):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
          10     10     0.5   |    -    50@10   50    |  500  1000
           -      -     0.5   |    -   -50@10    0    | 1000  1000
           -      -     0.9   |    -      -      0    | 1000  1000
        """,
        ended={"A": 1},
        rebalance=rebalance,
        events=["A was wanted in 2 decisions, first at 2015-01-06", "A ended on 2015-01-05"],
    )


def test_what_a_settlement_brings_can_be_spent_by_the_next_decision(follows):
    follows(
        """
        A.open A.close A.want | A.order  A.fill  A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10      1    |  100       -       0    |   5      5       0    |    -      -      0    | 1000  1000
          10     10      1    |    -    100@10   100    |   5      5       0    |    -      -      0    |    0  1000
           -      -      0    |    -   -100@10     0    |   5      5       1    |  200      -      0    | 1000  1000
           -      -      -    |    -       -       0    |   5      6       -    |    -   200@5    200   |    0  1200
        """,
        ended={"A": 1},
        events=["A ended on 2015-01-05"],
    )


def test_a_symbol_that_ends_with_the_market_stays_open_at_its_last_close(follows):
    execution = follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
          10     12      -    |    -    50@10   50    |  500  1100
        """,
        ended={"A": 1},
        delisting_return=-1.0,
    )
    assert execution.trades.empty


def test_an_end_without_a_position_changes_nothing(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      -    |    -      -      0    | 1000  1000
           -      -      -    |    -      -      0    | 1000  1000
        """,
        ended={"A": 0},
        delisting_return=-1.0,
    )
