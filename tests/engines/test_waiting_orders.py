"""What a newer decision does to an order that still waits for its symbol's bar."""

from __future__ import annotations


def test_a_newer_decision_cancels_a_waiting_order_and_sends_its_own(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
           -      -     0.8   |   80      -      0    | 1000  1000
          10     10      -    |    -    80@10   80    |  200  1000
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A     50  Canceled      1       0      0      0
           1      A     80  Completed     2      80     10      0
        """,
    )


def test_a_newer_decision_for_nothing_leaves_no_order_behind(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
           -      -      0    |    -      -      0    | 1000  1000
          10     10      -    |    -      -      0    | 1000  1000
        """,
        """
        decided symbol size  status   changed filled price commission
           0      A     50  Canceled     1       0      0      0
        """,
    )


def test_rebalancing_all_cancels_a_waiting_purchase_that_is_no_longer_wanted(follows):
    """A is neither held nor wanted; only its waiting order knows of it."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
           -      -      0    |    -      -      0    | 1000  1000
          10     10      -    |    -      -      0    | 1000  1000
        """,
        """
        decided symbol size  status   changed filled price commission
           0      A     50  Canceled     1       0      0      0
        """,
        rebalance="all",
    )


def test_an_unchanged_target_leaves_the_waiting_order_standing(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
           -      -     0.5   |    -      -      0    | 1000  1000
          12     12      -    |    -    50@12   50    |  400  1000
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A     50  Completed     2      50     12      0
        """,
    )


def test_rebalancing_all_sizes_the_waiting_order_anew(follows):
    """B has doubled by the time of the second decision, so half of the account is more shares of A."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10      0    |    -      -      0    |   5      5      0.5   |  100      -      0    | 1000  1000
          10     10     0.2   |   20      -      0    |   5      5      0.5   |    -   100@5    100    |  500  1000
           -      -     0.2   |   30      -      0    |  10     10      0.5   |  -25      -    100    |  500  1500
          10     10      -    |    -    30@10   30    |  10     10       -    |    -   -25@10    75   |  450  1500
        """,
        """
        decided symbol size  status    changed filled price commission
           0      B    100  Completed     1     100      5      0
           1      A     20  Canceled      2       0      0      0
           2      B    -25  Completed     3     -25     10      0
           2      A     30  Completed     3      30     10      0
        """,
        rebalance="all",
    )


def test_a_decision_on_the_last_bar_cancels_and_sends_and_no_more(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
           -      -     0.8   |   80      -      0    | 1000  1000
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A     50  Canceled      1       0      0      0
           1      A     80  Submitted     1       0      0      0
        """,
    )


def test_a_waiting_sale_is_replaced_by_a_larger_one(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.8   |   80      -      0    | 1000  1000
          10     10     0.4   |  -40    80@10   80    |  200  1000
           -      -      0    |  -80      -     80    |  200  1000
          10     10      -    |    -   -80@10    0    | 1000  1000
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A     80  Completed     1      80     10      0
           1      A    -40  Canceled      2       0      0      0
           2      A    -80  Completed     3     -80     10      0
        """,
    )
