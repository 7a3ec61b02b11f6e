"""An order moves the price it fills at, by its own value and by how illiquid its symbol was when it was decided."""

from __future__ import annotations

import pandas as pd
import pytest

from quantstrats import Costs, Market, Schedule, backtest
from quantstrats.errors import DataError

NAN = float("nan")


@pytest.fixture
def market(sessions):
    """Make a market of symbols by their opens, closes and volumes."""

    def make(bars, **facts):
        index = sessions(len(next(iter(bars.values()))[0]))
        open_, close, volume = (
            pd.DataFrame({symbol: fields[number] for symbol, fields in bars.items()}, index=index, dtype="float64")
            for number in range(3)
        )
        high, low = close.where(close > open_, open_), close.where(close < open_, open_)
        return Market.from_frames(open=open_, high=high, low=low, close=close, volume=volume, **facts)

    return make


def impact(multiple=1.0, window=1, **others):
    return Costs(**{"commission_bps": 0, "slippage_bps": 0} | others, impact=multiple, impact_window=window)


# Known at bars 1 and 2: a return of 25% on a value of 250, and of -20% on 200: 0.001 for each unit of currency.
STORY = ([8, 8, 8, 5], [8, 10, 8, 5], [100, 25, 25, 100])


def test_a_purchase_fills_higher_and_a_sale_lower_by_what_its_value_moves(market, trade):
    execution = trade(market({"A": STORY}), {1: {"A": 0.5}, 2: {}}, costs=impact())
    fills = execution.transactions
    # 50 shares for 8 are worth 400, which moves the price by 40%; for 5 they are worth 250: 25%.
    assert fills["amount"].tolist() == [50, -50]
    assert fills["price"].tolist() == pytest.approx([8 * 1.4, 5 / 1.25], rel=1e-12)
    assert fills["slippage"].tolist() == pytest.approx([50 * 3.2, 50 * 1.0], rel=1e-12)
    assert execution.cash.tolist() == pytest.approx([1000, 1000, 440, 640], rel=1e-12)


def test_the_multiple_scales_the_move(market, trade):
    execution = trade(market({"A": STORY}), {1: {"A": 0.5}, 2: {}}, costs=impact(0.5))
    assert execution.transactions["price"].tolist() == pytest.approx([8 * 1.2, 5 / 1.125], rel=1e-12)


def test_a_short_sale_fills_lower_and_its_return_higher(market, trade):
    execution = trade(market({"A": STORY}), {1: {"A": -0.5}, 2: {}}, costs=impact())
    assert execution.transactions["amount"].tolist() == [-50, 50]
    assert execution.transactions["price"].tolist() == pytest.approx([8 / 1.4, 5 * 1.25], rel=1e-12)


def test_an_order_that_reverses_a_position_moves_the_price_by_its_whole_value(market, trade):
    execution = trade(market({"A": STORY}), {1: {"A": 0.1}, 2: {"A": -0.5}}, costs=impact())
    first, last = execution.transactions["amount"]
    assert first == 10
    assert last < -10
    assert execution.transactions["price"].iloc[-1] == pytest.approx(5 / (1 - last * 5 * 0.001), rel=1e-12)


def test_it_comes_on_top_of_slippage_and_is_not_bounded_by_the_bar(market, trade):
    # The second bar's range is 8 to 8: slippage is nothing there, the impact is all of it.
    execution = trade(market({"A": STORY}), {1: {"A": 0.5}, 2: {}}, costs=impact(slippage_bps=100))
    assert execution.transactions["price"].iloc[0] == pytest.approx(8 * 1.4, rel=1e-12)
    wide = market({"A": ([8, 8, 8, 5], [8, 10, 10, 4], [100, 25, 25, 100])})  # 0% on 250 at bar 2
    bought, sold = trade(wide, {1: {"A": 0.5}, 2: {}}, costs=impact(slippage_bps=100)).transactions["price"]
    assert bought == pytest.approx(8 * 1.01 * 1.4, rel=1e-12)
    assert sold == pytest.approx(5 * 0.99, rel=1e-12)


def test_what_counts_is_what_was_known_at_the_decision_also_for_an_order_that_waits(market, trade):
    waits = ([8, 8, NAN, 8, 8], [8, 10, NAN, 8, 8], [100, 25, NAN, 1, 1])
    execution = trade(market({"A": waits, "B": ([9] * 5,) * 3}), {1: {"A": 0.5}}, costs=impact())
    assert execution.transactions["price"].tolist() == pytest.approx([8 * 1.4], rel=1e-12)


def test_a_symbol_that_has_ended_is_settled_without_moving_anything(market, trade, sessions):
    bars = market({"A": ([8, 8, 8, NAN], [8, 10, 8, NAN], [100, 25, 25, NAN]), "B": STORY}, ended={"A": sessions(3)[2]})
    execution = trade(bars, {1: {"A": 0.5}}, costs=impact())
    assert execution.transactions["price"].tolist() == pytest.approx([8 * 1.4, 8.0], rel=1e-12)


def test_a_sale_of_any_size_brings_something(market, trade):
    execution = trade(market({"A": STORY}), {1: {"A": 0.1}, 2: {}}, costs=impact(1e6), cash=1e6)
    assert execution.events[0].startswith(
        "order 1 (buy 10000 A) refused"
    )  # it would cost a thousand times all there is
    execution = trade(market({"A": STORY}), {1: {"A": -0.1}}, costs=impact(1e6), cash=1e6)
    assert 0 < execution.transactions["price"].iloc[0] < 1e-6
    assert execution.transactions["slippage"].iloc[0] == pytest.approx(10_000 * 8, rel=1e-6)


def test_without_a_multiple_nothing_changes_at_all(made_up, trade):
    decisions = {row: {"N1": 0.5, "N2": -0.3 * (row % 2)} for row in range(30, 300, 7)}
    plain = trade(made_up, decisions, costs=Costs(), cash=1e5)
    off = trade(made_up, decisions, costs=Costs(impact=0, impact_window=5), cash=1e5)
    least = trade(made_up, decisions, costs=Costs(impact=1e-30), cash=1e5)  # through the other broker
    for execution in (off, least):
        for name in ("transactions", "orders", "trades", "equity", "cash", "shares"):
            assert getattr(plain, name).equals(getattr(execution, name)), name


def test_costs_grow_with_the_square_of_the_account(made_up, trade):
    decisions = {row: {"N1": 0.5 * (row % 2)} for row in range(30, 60)}
    small, large = (
        trade(made_up, decisions, costs=impact(1e-4, 21), cash=cash, fractional=True).transactions["slippage"].sum()
        for cash in (1e3, 1e4)
    )
    assert large / small == pytest.approx(100, rel=1e-3)


def test_a_run_shows_it_among_its_costs(made_up):
    run = backtest("buy_and_hold", made_up, costs=impact(window=21), schedule=Schedule("year"), cash=1e6)
    assert run.config["costs"]["impact"] == 1.0
    fills = run.transactions
    decided = made_up.index.get_indexer(run.orders["decided"])[0]
    close, volume = made_up.close["N0"], made_up.volume["N0"]
    before = close.shift().fillna(made_up.open["N0"])
    known = ((close / before - 1).abs() / (close * volume)).iloc[max(0, decided - 20) : decided + 1].mean()
    first = fills.iloc[0]
    opened = made_up.open.loc[fills.index[0], "N0"]
    assert first["symbol"] == "N0"
    assert first["price"] == pytest.approx(opened * (1 + known * first["amount"] * opened), rel=1e-12)
    assert run.metrics["slippage"] == pytest.approx(fills["slippage"].sum())
    assert run.metrics["slippage"] > 0


def test_bars_without_volume_are_one_clear_error(market_of, market, trade):
    with pytest.raises(DataError, match=r"^costs\.impact needs volumes, which these bars lack; leave it out$"):
        backtest("buy_and_hold", market_of({"A": [1.0, 2, 3]}), costs=Costs(impact=1))
    bars = market({"A": STORY, "B": (*STORY[:2], [0, 0, 10, 10])})
    told = (
        r"^costs\.impact: B is to be traded as of 2015-01-05, before it has any volume; leave the symbol out, begin l"
    )
    with pytest.raises(DataError, match=told):
        trade(bars, {1: {"A": 0.1, "B": 0.1}}, costs=impact())
    assert len(trade(bars, {1: {"A": 0.1}, 2: {"A": 0.1, "B": 0.1}}, costs=impact()).transactions) == 2


def test_later_volumes_change_no_fill(made_up, trade):
    decisions = {100: {"N1": 0.5}}
    price = trade(made_up, decisions, costs=impact(window=21), cash=1e6).transactions["price"]
    later = made_up.volume.to_numpy(copy=True)
    later[101:] = 1.0
    other = Market.from_frames(
        open=made_up.open,
        high=made_up.high,
        low=made_up.low,
        close=made_up.close,
        volume=pd.DataFrame(later, index=made_up.index, columns=made_up.symbols),
    )
    assert trade(other, decisions, costs=impact(window=21), cash=1e6).transactions["price"].equals(price)
