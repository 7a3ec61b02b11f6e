"""A drawdown that ends trading: all is closed at the next opens, as tables worked out by hand say."""

from __future__ import annotations

from quantstrats import Costs, Plugins, RiskPolicy, hookimpl

FIFTH = RiskPolicy(max_drawdown=0.2)


def test_positions_are_closed_once_equity_lies_further_below_its_highest_close(follows):
    """1200 is the highest close: 960 is just a fifth below it and 950 further. The rise that follows is missed."""
    follows(
        """
        A.open A.close A.high A.want | A.order A.fill A.held | cash equity
          10     10      10      1   |  100      -      0    | 1000  1000
          10     12      20      1   |    -   100@10  100    |    0  1200
          12     9.6     12      1   |    -      -    100    |    0   960
          10     9.5     10      1   | -100      -    100    |    0   950
           9     10      10      1   |    -   -100@9    0    |  900   900
          20     30      30     0.5  |    -      -      0    |  900   900
          30     30      30      0   |    -      -      0    |  900   900
        """,
        events=["risk: drawdown of 20.8% reached on 2015-01-07, positions closed; no further decision is traded"],
        risk=FIFTH,
    )


def test_without_a_limit_nothing_ends_trading(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      1    |  100      -      0    | 1000  1000
          10      1      1    |    -   100@10  100    |    0   100
           1      1      0    | -100      -    100    |    0   100
           2      2      0    |    -   -100@2    0    |  200   200
        """,
        risk=RiskPolicy(),
    )


def test_it_is_judged_on_bars_without_a_decision_too_and_the_decision_of_that_bar_is_not_traded(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10     0.5   |   50      -      0    |  10     10       0    |    -      -      0    | 1000  1000
          10      5      -    |  -50   50@10    50    |  10     10       -    |    -      -      0    |  500   750
           5      5     0.5   |    -   -50@5     0    |  10     10      0.5   |    -      -      0    |  750   750
        """,
        events=["risk: drawdown of 25.0% reached on 2015-01-05"],
        risk=FIFTH,
    )
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10     0.5   |   50      -      0    |  10     10       0    |    -      -      0    | 1000  1000
          10      5     0.5   |  -50   50@10    50    |  10     10      0.5   |    -      -      0    |  500   750
           5      5     0.5   |    -   -50@5     0    |  10     10      0.5   |    -      -      0    |  750   750
        """,
        events=["risk: drawdown of 25.0% reached on 2015-01-05"],
        risk=FIFTH,
    )


def test_a_short_position_is_bought_back_a_gap_is_waited_out_and_waiting_orders_are_cancelled(follows):
    """A, sold short, rises to 13; C has no bar to be bought on, and B none to be sold on."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | C.open C.close C.want | C.order C.fill C.held | cash equity
          10     10     -1    | -100      -       0   |  10     10      0.5   |   50      -      0    |   5      5       0    |    -      -      0    | 1000  1000
          10     10     -1    |    -   -100@10 -100   |  10     10      0.5   |    -    50@10   50    |   5      5      0.1   |   20      -      0    | 1500  1000
          12     13     -1    |  100      -    -100   |  10     10      0.5   |  -50      -     50    |   -      -      0.1   |    -      -      0    | 1500   700
          13     13     -1    |    -    100@13    0   |   -      -      0.5   |    -      -     50    |   5      5      0.1   |    -      -      0    |  200   700
          13     13     -1    |    -      -       0   |   8      8      0.5   |    -   -50@8     0    |   5      5      0.1   |    -      -      0    |  600   600
        """,  # noqa: E501 - a table
        """
        decided symbol size  status    changed filled price commission
           0      A   -100  Completed     1    -100     10      0
           0      B     50  Completed     1      50     10      0
           1      C     20  Canceled      2       0      0      0
           2      A    100  Completed     3     100     13      0
           2      B    -50  Completed     4     -50      8      0
        """,
        events=["risk: drawdown of 30.0% reached on 2015-01-06"],
        risk=FIFTH,
    )


def test_a_position_that_waits_to_be_closed_is_settled_where_its_symbol_ends(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | B.open B.close B.want | B.order B.fill B.held | cash equity
          10     10     0.5   |   50      -      0    |  10     10      0.5   |   50      -      0    | 1000  1000
          10      5     0.5   |  -50   50@10    50    |  10     10      0.5   |  -50    50@10   50    |    0   750
           -      -      0    |    -   -50@5     0    |  10     10      0.5   |    -   -50@10    0    |  750   750
           -      -      0    |    -      -      0    |  10     10      0.5   |    -      -      0    |  750   750
        """,
        """
        decided symbol size  status    changed filled price commission
           0      A     50  Completed     1      50     10      0
           0      B     50  Completed     1      50     10      0
           1      A    -50  Canceled      2       0      0      0
           1      B    -50  Completed     2     -50     10      0
           2      A    -50  Completed     2     -50      5      0
        """,
        ended={"A": 1},
        events=["risk: drawdown of 25.0% reached on 2015-01-05", "A ended on 2015-01-05: 50 shares settled at 5"],
        risk=FIFTH,
    )


def test_costs_count_and_closing_is_charged(follows):
    """9 of commission is 0.9% of 1000, and another 9 falls due when the position is closed."""
    follows(
        """
        A.open A.close A.want | A.order A.fill A.held | paid cash equity
          10     10     0.5   |   50      -      0    |   0  1000  1000
          10     10     0.5   |  -50   50@10    50    |   9   491   991
          10     10     0.5   |    -   -50@10    0    |   9   982   982
        """,
        events=["risk: drawdown of 0.9% reached on 2015-01-05"],
        costs=Costs(0, commission_minimum=9, slippage_bps=0),
        risk=RiskPolicy(max_drawdown=0.005),
    )


def test_an_account_of_which_nothing_is_left_is_told_as_such(follows):
    follows(
        """
        A.open A.close A.want | A.order A.fill  A.held | cash  equity
          10     10     -1    | -100      -       0    | 1000   1000
          10     20     -1    |  100   -100@10  -100   | 2000      0
          30     30     -1    |    -    100@30    0    | -1000 -1000
        """,
        events=["nothing is left of the account at 2015-01-05"],
        risk=FIFTH,
    )


def test_a_limit_reached_on_the_last_bar_leaves_orders_that_wait(follows):
    execution = follows(
        """
        A.open A.close A.want | A.order A.fill A.held | cash equity
          10     10      1    |  100      -      0    | 1000  1000
          10      7      1    | -100   100@10  100    |    0   700
        """,
        events=["risk: drawdown of 30.0% reached on 2015-01-05"],
        risk=FIFTH,
    )
    assert execution.orders["status"].tolist() == ["Completed", "Accepted"]


def test_listeners_hear_the_closing_orders_and_no_later_decision(trade, market_of):
    heard = []

    class Listener:
        @hookimpl
        def decided(self, decision):
            heard.append(("decided", str(decision.time.date())))

        @hookimpl
        def order_changed(self, order):
            heard.append((order.size, order.status))

        @hookimpl
        def trade_closed(self, trade):
            heard.append(("closed", trade.pnl))

    plugins = Plugins()
    plugins.register(Listener(), "listener")
    market = market_of({"A": [10, 7, 8, 9]}, {"A": [10, 10, 8, 8]})
    execution = trade(market, {row: {"A": 1.0} for row in range(4)}, risk=FIFTH, plugins=plugins)
    assert heard == [
        ("decided", "2015-01-02"),
        (100, "Submitted"),
        (100, "Accepted"),
        (100, "Completed"),
        (-100, "Accepted"),
        (-100, "Completed"),
        ("closed", -200),
    ]
    assert execution.trades["pnl"].tolist() == [-200]
