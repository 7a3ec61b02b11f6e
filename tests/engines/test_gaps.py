"""A missing bar: nothing trades, positions keep the last close, orders wait."""

from __future__ import annotations


def test_a_position_is_valued_at_the_last_close_over_a_gap(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
          10     11      -    |    -    50@10   50    |  500  1050
           -      -      -    |    -      -     50    |  500  1050
           -      -      -    |    -      -     50    |  500  1050
          12     13      -    |    -      -     50    |  500  1150
        """
    )


def test_an_order_waits_over_a_gap_and_fills_at_the_open_of_its_next_bar(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
           -      -      -    |    -      -      0    | 1000  1000
           -      -      -    |    -      -      0    | 1000  1000
          12     13      -    |    -    50@12   50    |  400  1050
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A     50  Completed     3      50     12      0
        """,
    )


def test_a_decision_in_a_gap_is_sized_by_the_last_close_and_fills_when_bars_return(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      -    |    -      -      0    | 1000  1000
           -      -     0.5   |   50      -      0    | 1000  1000
          20     20      -    |    -    50@20   50    |    0  1000
        """
    )


def test_a_sale_waits_over_a_gap_too(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10     0.5   |   50      -      0    | 1000  1000
          10     10      0    |  -50    50@10   50    |  500  1000
           -      -      -    |    -      -     50    |  500  1000
           8      8      -    |    -   -50@8      0    |  900   900
        """
    )


def test_other_symbols_trade_while_one_has_no_bar(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10     0.4   |   40      -      0    |   5      5      0.4   |   80      -      0    | 1000  1000
           -      -      -    |    -      -      0    |   5      6       -    |    -    80@5    80    |  600  1080
          10     10      -    |    -    40@10   40    |   6      6       -    |    -      -     80    |  200  1080
        """
    )


def test_money_that_a_waiting_sale_has_not_brought_cannot_be_spent(follows):
    """B is bought with what A brings; A has no bar, so B is refused at its fill."""
    follows(
        """
        A.open A.close A.want | A.order A.fill  A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10      1    |  100      -       0    |   5      5       0    |    -      -      0    | 1000  1000
          10     10      0    | -100   100@10   100    |   5      5       1    |  200      -      0    |    0  1000
           -      -      -    |    -      -     100    |   5      5       -    |    -      -      0    |    0  1000
          10     10      -    |    -  -100@10     0    |   5      5       -    |    -      -      0    | 1000  1000
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A    100  Completed     1     100     10      0
           1      A   -100  Completed     3    -100     10      0
           1      B    200  Margin        2       0      0      0
        """,
        events=["order 3 (buy 200 B) refused at 2015-01-06: not enough cash"],
    )


def test_an_order_whose_bars_never_return_waits_to_the_end(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10     0.5   |   50      -      0    |   5      5       0    |    -      -      0    | 1000  1000
           -      -      -    |    -      -      0    |   5      5       -    |    -      -      0    | 1000  1000
           -      -      -    |    -      -      0    |   5      5       -    |    -      -      0    | 1000  1000
        """,
        """
        decided symbol size  status   changed filled price commission
           0      A     50  Accepted     1       0      0      0
        """,
    )
