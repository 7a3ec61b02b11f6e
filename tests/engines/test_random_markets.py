"""Whatever the market and the targets: the books balance, and nothing trades where there is no bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantstrats import Costs, Market

PRICES = st.integers(2, 60).map(lambda quarter: quarter / 4)
WEIGHTS = st.sampled_from([0.0, 0.0, 0.1, 0.3, 0.5, 0.95, -0.3, -0.9])
COSTS = st.builds(
    Costs,
    commission_bps=st.sampled_from([0.0, 10.0]),
    commission_per_share=st.sampled_from([0.0, 0.01]),
    commission_minimum=st.sampled_from([0.0, 1.0]),
    slippage_bps=st.sampled_from([0.0, 50.0]),
)
OPTIONS = st.fixed_dictionaries(
    {
        "costs": COSTS,
        "fractional": st.booleans(),
        "rebalance": st.sampled_from(["changes", "all"]),
        "drift": st.sampled_from([None, 0.05]),
    }
)


@dataclass
class Case:
    """Bars and decisions; ``ended`` names the row of the last session."""

    bars: dict
    ended: dict
    delisting_return: float
    decisions: dict

    def market(self, index):
        frames = {field: pd.DataFrame(values, index=index) for field, values in self.bars.items()}
        ended = {symbol: index[row] for symbol, row in self.ended.items()}
        return Market.from_frames(**frames, ended=ended, delisting_return=self.delisting_return)


@st.composite
def cases(draw):
    rows, symbols = draw(st.integers(2, 8)), "ABCD"[: draw(st.integers(1, 4))]
    bars = {field: {} for field in ("open", "high", "low", "close")}
    ended = {}
    for symbol in symbols:
        first, last = draw(st.integers(0, rows - 1)), draw(st.integers(0, rows + 2))
        if last < rows:
            ended[symbol] = last
        listed = [first <= row <= last and draw(st.integers(0, 3)) > 0 for row in range(rows)]
        four = [sorted(draw(st.tuples(PRICES, PRICES, PRICES, PRICES))) if there else [np.nan] * 4 for there in listed]
        bars["low"][symbol], bars["high"][symbol] = [bar[0] for bar in four], [bar[3] for bar in four]
        ways = [draw(st.booleans()) for _ in four]
        bars["open"][symbol] = [bar[1] if way else bar[2] for bar, way in zip(four, ways, strict=True)]
        bars["close"][symbol] = [bar[2] if way else bar[1] for bar, way in zip(four, ways, strict=True)]
    # A market has at least one bar.
    bars = {field: columns | {"Z": [1.0] * rows} for field, columns in bars.items()}
    decisions = {
        row: {symbol: draw(WEIGHTS) for symbol in symbols} for row in range(rows) if draw(st.integers(0, 4)) > 0
    }
    return Case(bars, ended, draw(st.sampled_from([0.0, -0.3, -1.0])), decisions)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases(), options=OPTIONS)
def test_the_books_balance_on_any_market(case, options, trade, sessions):
    market = case.market(sessions(len(case.bars["close"]["Z"])))
    execution = trade(market, case.decisions, cash=100.0, **options)
    assert_books_balance(market, execution)
    assert_fills_are_possible(market, execution, options["costs"])
    assert_orders_add_up(execution)


def assert_books_balance(market, execution):
    assert np.isfinite(execution.equity).all()
    assert np.isfinite(execution.cash).all()
    assert execution.equity.index.equals(market.index)
    fills = execution.transactions
    paid = (fills["amount"] * fills["price"] + fills["commission"]).groupby(level=0).sum()
    spent = paid.reindex(market.index, fill_value=0.0).cumsum()
    turnover = 100.0 + (fills["amount"] * fills["price"]).abs().sum()
    np.testing.assert_allclose(execution.cash, 100.0 - spent, rtol=0, atol=1e-9 * turnover)
    held = fills.pivot_table(index=fills.index, columns="symbol", values="amount", aggfunc="sum")
    held = held.reindex(index=market.index, columns=market.symbols).fillna(0.0).cumsum()
    np.testing.assert_allclose(execution.shares, held, rtol=0, atol=1e-9 * turnover)
    values = (execution.shares * market.close.ffill()).where(execution.shares != 0.0, 0.0)
    np.testing.assert_allclose(execution.equity, execution.cash + values.sum(axis=1), rtol=0, atol=1e-9 * turnover)
    for symbol, last in market.ended.items():
        assert (execution.shares.loc[market.index > last, symbol] == 0.0).all()


def assert_fills_are_possible(market, execution, costs):
    for when, fill in execution.transactions.iterrows():
        symbol, order = fill["symbol"], execution.orders.loc[fill["order"]]
        if order["decided"] == when:  # a settlement
            last = market.ended[symbol]
            assert when == market.index[market.index > last][0]
            assert fill["commission"] == 0.0
            price = market.close[symbol].ffill().loc[when] * (1.0 + market.delisting_return[symbol])
            assert fill["price"] == price
            continue
        assert order["decided"] < when
        between = market.index[(market.index > order["decided"]) & (market.index < when)]
        assert market.open.loc[between, symbol].isna().all()  # it filled on its symbol's first bar after the decision
        opened, buys = market.open.loc[when, symbol], fill["amount"] > 0
        assert market.low.loc[when, symbol] <= fill["price"] <= market.high.loc[when, symbol]
        assert opened <= fill["price"] if buys else fill["price"] <= opened
        assert fill["commission"] >= costs.commission_minimum


def assert_orders_add_up(execution):
    orders, fills = execution.orders, execution.transactions.groupby("order")
    np.testing.assert_allclose(orders["filled"], fills["amount"].sum().reindex(orders.index, fill_value=0.0))
    np.testing.assert_allclose(orders["commission"], fills["commission"].sum().reindex(orders.index, fill_value=0.0))
    whole = orders["status"] == "Completed"
    assert (orders.loc[whole, "filled"] == orders.loc[whole, "size"]).all()
    assert set(orders["status"]) <= {"Submitted", "Accepted", "Completed", "Canceled", "Margin"}
    waiting = orders[orders["status"].isin(["Submitted", "Accepted"])]
    assert not waiting["symbol"].duplicated().any()
