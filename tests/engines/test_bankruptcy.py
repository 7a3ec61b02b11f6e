"""An account of which nothing is left: its positions are closed, and it trades no more."""

from __future__ import annotations


def test_a_short_position_that_ate_the_account_is_closed_and_never_comes_back(follows):
    """Short 100 at 10. At 25 the account owes 500, so it is closed out at 30, and a fall to 5 is of no use to it."""
    execution = follows(
        """
        A.open A.close A.want | A.order A.fill  A.held | cash  equity
          10     10     -1    | -100      -       0    | 1000   1000
          10     10     -1    |    -   -100@10  -100   | 2000   1000
          12     25     -1    |  100      -     -100   | 2000   -500
          30     30    -0.5   |    -    100@30    0    | -1000 -1000
           5      5    -0.5   |    -      -       0    | -1000 -1000
        """,
        events=["nothing is left of the account at 2015-01-06: its positions are closed"],
    )
    assert execution.orders["reason"].tolist() == ["decision", "account"]


def test_it_is_closed_on_a_bar_without_a_decision_too(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill  A.held | cash  equity
          10     10     -1    | -100      -       0    | 1000   1000
          10     10      -    |    -   -100@10  -100   | 2000   1000
          12     20      -    |  100      -     -100   | 2000      0
          20     20      -    |    -    100@20    0    |    0      0
          20     20     0.5   |    -      -       0    |    0      0
        """,
        events=["nothing is left of the account at 2015-01-06"],
    )


def test_an_open_that_saves_the_account_leaves_cash_that_trades_no_more(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill  A.held | cash  equity
          10     10     -1    | -100      -       0    | 1000   1000
          10     10      -    |    -   -100@10  -100   | 2000   1000
          12     25      -    |  100      -     -100   | 2000   -500
          15     15      -    |    -    100@15    0    |  500    500
          15     15     0.5   |    -      -       0    |  500    500
        """,
        events=["nothing is left of the account"],
    )


def test_waiting_orders_are_cancelled_and_positions_in_a_gap_wait_to_be_closed(follows):
    """C waits for a bar when A has eaten the account; B has no bar on the day on which A is bought back."""
    follows(
        """
        A.open A.close A.want | A.order A.fill  A.held | B.open B.close B.want | B.order B.fill B.held | C.open C.close C.want | C.order C.fill C.held | cash equity
          10     10     -1    | -100      -       0    |  10     10      0.5   |   50      -      0    |   5      5       0    |    -      -      0    | 1000  1000
          10     10     -1    |    -   -100@10  -100   |  10     10      0.5   |    -    50@10   50    |   5      5      0.1   |   20      -      0    | 1500  1000
          12     40     -1    |  100      -     -100   |  10     10      0.5   |  -50      -     50    |   -      -      0.1   |    -      -      0    | 1500 -2000
          40     40     -1    |    -    100@40    0    |   -      -      0.5   |    -      -     50    |   5      5      0.1   |    -      -      0    | -2500 -2000
          40     40     -1    |    -      -       0    |   8      8      0.5   |    -   -50@8     0    |   5      5      0.1   |    -      -      0    | -2100 -2100
        """,  # noqa: E501 - a table
        """
        decided symbol size  status    changed filled price commission
           0      A   -100  Completed     1    -100     10      0
           0      B     50  Completed     1      50     10      0
           1      C     20  Canceled      2       0      0      0
           2      A    100  Completed     3     100     40      0
           2      B    -50  Completed     4     -50      8      0
        """,
        events=["nothing is left of the account at 2015-01-06"],
    )


def test_a_total_loss_of_everything_held_is_the_end_of_the_account(follows):
    follows(
        """
        A.open A.close A.want | A.order  A.fill  A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10      1    |  100       -       0    |   5      5       0    |    -      -      0    | 1000  1000
          10     10      1    |    -    100@10   100    |   5      5       0    |    -      -      0    |    0  1000
           -      -      0    |    -    -100@0     0    |   5      5       1    |    -      -      0    |    0     0
           -      -      0    |    -       -       0    |   5      5       1    |    -      -      0    |    0     0
        """,
        ended={"A": 1},
        delisting_return=-1.0,
        events=["A ended on 2015-01-05: 100 shares settled at 0", "nothing is left of the account at 2015-01-06"],
    )
