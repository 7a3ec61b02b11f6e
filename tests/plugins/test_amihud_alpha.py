"""The rank by illiquidity: by hand, with nothing known too early, and whether it finds what was planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.amihud_alpha import AmihudAlpha

from quantstrats import Costs, Market, Schedule, Universe, backtest, factors, load_market
from quantstrats.evaluation import details_of, evaluate
from quantstrats.guard.check import check_lookahead
from quantstrats.history import history
from quantstrats.portfolio.allocators import TopQuantile
from quantstrats.strategy import Strategy

NAN = float("nan")
DECILES = {"name": "top_quantile", "quantile": 0.1, "short": True}


def market_with(sessions, closes, volumes, **facts):
    index = sessions(len(next(iter(closes.values()))))
    close, volume = (pd.DataFrame(each, index=index, dtype="float64") for each in (closes, volumes))
    return Market.from_frames(close=close, volume=volume.where(close.notna()), **facts)


def last_opinions(signal, market):
    return evaluate(signal, market).iloc[-1].to_dict()


@pytest.fixture
def monthly():
    """Trade the deciles of a market, by the month."""

    def run(market, window, costs, cash, **others):
        schedule = Schedule("month", "all")
        return backtest(
            AmihudAlpha(window),
            market,
            allocator=DECILES,
            schedule=schedule,
            costs=costs,
            cash=cash,
            guard="off",
            **others,
        )

    return run


@pytest.fixture(scope="module")
def small():
    """Three hundred rows of eight symbols: S001 is listed late, S002 has gaps, S003 ends, S004 has empty days.

    S005 trades on two days in three: its windows are as long as a feature may reach, now and then.
    """
    whole = load_market("synthetic", count=8, bars=300, seed=7)
    frames = {name: getattr(whole, name) for name in ("open", "high", "low", "close", "volume")}
    for frame in frames.values():
        frame.iloc[:120, 0] = NAN
        frame.iloc[100:103, 1] = frame.iloc[200:204, 1] = NAN
        frame.iloc[240:, 2] = NAN
        frame.iloc[np.random.default_rng(1).random(300) < 1 / 3, 4] = NAN
    frames["volume"].iloc[::9, 3] = 0.0
    return Market.from_frames(**frames, ended={"S003": whole.session[239]})


def test_the_most_illiquid_ranks_highest_and_ranks_are_centred(sessions):
    # Moves of 10% on a value of 1000, 100, 10 and, of D, on 100 too: ILLIQ of 1, 10, 100 and 10 in ten thousands.
    closes = {name: [100, 110] * 10 for name in "ABCD"}
    market = market_with(sessions, closes, {"A": [10] * 20, "B": [1] * 20, "C": [0.1] * 20, "D": [1] * 20})
    ranks = {"A": -0.75, "B": 0.0, "C": 0.75, "D": 0.0}
    assert last_opinions(AmihudAlpha(window=4, lag=0), market) == pytest.approx(ranks)


def test_the_ranks_are_those_of_lag_rows_ago():
    market = load_market("synthetic", count=20, bars=200, seed=1)
    now, late = (evaluate(AmihudAlpha(window=20, lag=lag), market) for lag in (0, 5))
    assert (now.iloc[60:190].to_numpy() != now.iloc[65:195].to_numpy()).any()  # else the lag could not be seen
    np.testing.assert_array_equal(late.iloc[65:195].to_numpy(), now.iloc[60:190].to_numpy())


def test_days_without_volume_are_left_out_and_four_in_five_must_have_some(sessions):
    closes = {name: [100, 110] * 10 for name in "ABC"}
    volumes = {"A": [10] * 20, "B": [0, 1, 1, 1, 1] * 4, "C": [0, 0, 1, 1, 1] * 4}
    market = market_with(sessions, closes, volumes)
    # B would be less illiquid than A if its empty days counted as none; C has too few days.
    expected = {"A": -0.5, "B": 0.5, "C": NAN}
    assert last_opinions(AmihudAlpha(window=10, lag=0), market) == pytest.approx(expected, nan_ok=True)


def test_what_the_universe_leaves_out_is_not_ranked(sessions):
    closes = {"A": [100, 110] * 20, "B": [100, 110] * 20, "C": [1, 1.1] * 20}
    market = market_with(sessions, closes, {"A": [10] * 40, "B": [1] * 40, "C": [1] * 40})
    seen = Universe(min_price=5.0, window=2).applied(market)
    expected = {"A": -0.5, "B": 0.5, "C": NAN}
    assert last_opinions(AmihudAlpha(window=4, lag=0), seen) == pytest.approx(expected, nan_ok=True)


def test_one_symbol_is_flat(sessions):
    market = market_with(sessions, {"A": [100, 110] * 10}, {"A": [1] * 20})
    assert last_opinions(AmihudAlpha(window=4, lag=0), market) == {"A": 0.0}


def test_an_opinion_outlives_a_gap_of_five_rows_and_no_end(small):
    opinions = evaluate(AmihudAlpha(window=20, lag=5), small)
    assert opinions["S002"].iloc[60:].notna().all()
    assert opinions["S003"].iloc[60:245].notna().all()
    assert opinions["S003"].iloc[245:].isna().all()
    assert opinions["S001"].iloc[:141].isna().all()
    assert opinions["S001"].iloc[150:].notna().all()


@pytest.mark.parametrize("universe", [Universe(), Universe(min_price=30.0, top=5)])
def test_no_row_knows_more_than_it_may(small, universe):
    signal, seen = AmihudAlpha(window=20, lag=5), universe.applied(small)
    since = universe.warmup() - 1
    forecast = evaluate(signal, seen, since=since)
    assert check_lookahead(signal, seen, forecast, mode="full", since=since).result == "clean"


def test_a_session_that_starts_on_any_row_decides_what_the_backtest_decided(small):
    strategy = Strategy(
        AmihudAlpha(window=20, lag=5), TopQuantile(quantile=0.25, short=True), universe=Universe(min_price=30.0)
    )
    whole = strategy.targets(small)
    for row in (60, 125, 203, 241, 299):
        first = small.index.get_loc(history(strategy, small.calendar, small.index[row]))
        again = strategy.targets(small.rows(first, row + 1).with_listed_symbols()).iloc[-1].reindex(small.symbols)
        # A symbol without a bar in these rows is wanted at nothing.
        assert again.fillna(0.0).tolist() == whole.iloc[row].fillna(0.0).tolist()
        assert (whole.iloc[row] != 0.0).any()


@pytest.mark.parametrize(("window", "lag"), [(0, 0), (10, -1)])
def test_lengths_that_make_no_sense_are_refused(window, lag):
    with pytest.raises(ValueError, match=f"window \\({window}\\) must be at least 1 and lag \\({lag}\\) at least 0"):
        AmihudAlpha(window, lag)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_premium_is_found_and_none_where_there_is_none(seed):
    found = {}
    for premium in (0.0, 0.08):
        market = load_market("synthetic", count=60, bars=900, seed=seed, illiquidity=premium)
        forecast = evaluate(AmihudAlpha(window=60), market)
        found[premium] = factors.quantile_returns(forecast, market, horizon=21).spread_test
    assert abs(found[0.0].t) < 3.0
    assert found[0.08].t > 3.0
    # Deciles of a normal distribution lie 3.5 deviations apart, of 1.5: 5.3 log units of 8% a year each.
    assert found[0.08].mean - found[0.0].mean == pytest.approx(5.3 * 0.08 / 12, rel=0.3)


def paid(run):
    """Return slippage as a part of what was traded."""
    fills = run.transactions
    return fills["slippage"].sum() / (fills["amount"] * fills["price"]).abs().sum()


def test_what_it_costs_to_trade_grows_with_the_account(monthly):
    market = load_market("synthetic", count=20, bars=130, seed=1)
    costs = Costs(0, slippage_bps=0, impact=1)
    small, large = (paid(monthly(market, 60, costs, cash, fractional=True)) for cash in (1e5, 1e6))
    assert large / small == pytest.approx(10, rel=0.05)


def test_the_tear_sheet_has_the_deciles():
    market = load_market("synthetic", count=20, bars=250, seed=1)
    run = backtest(AmihudAlpha(window=60), market, allocator=DECILES, guard="off")
    (table,) = run.details.tables.values()
    assert table.index.tolist() == [*(str(number) for number in range(1, 11)), "top - bottom"]
    assert table["ILLIQ x 1e6"].iloc[:10].is_monotonic_increasing
    assert table["traded a day"].iloc[:10].corr(pd.Series(range(10), index=table.index[:10]), method="spearman") < -0.9
    assert np.allclose(table["symbols"].iloc[:10], 2)
    (picture,) = run.details.pictures.values()
    assert picture.startswith(b"\x89PNG")


def test_a_single_symbol_has_no_deciles_to_show(sessions):
    market = market_with(sessions, {"A": [100, 110] * 10}, {"A": [1] * 20})
    assert not backtest(AmihudAlpha(window=4, lag=0), market, guard="off").details.tables


def test_on_real_illiquid_stocks_an_order_costs_per_cents(monthly, real_bars):
    market = Market.from_frames(**real_bars("daily_small_illiquid")).between("2013-01-03", "2014-06-30")
    plain, moved = (paid(monthly(market, 120, costs, 1e6)) for costs in (Costs(), Costs(impact=1)))
    assert plain < 0.0006  # five basis points
    assert moved > 0.01  # per cents: the long side trades for thousands a day


def test_deciles_are_judged_by_the_month_after():
    market = load_market("synthetic", count=20, bars=250, seed=1)
    signal = AmihudAlpha(window=60)
    forecast = evaluate(signal, market)
    (table,) = details_of(signal, market, forecast=forecast).tables.values()
    earned = factors.quantile_returns(forecast, market, 10, horizon=21).table
    earned = earned.rename(columns={"mean return": "return of 21 bars"})
    pd.testing.assert_frame_equal(table[earned.columns], earned, check_names=False)
    alike = factors.quantile_means(forecast, {"price": market.close}, 10, horizon=21)
    assert table["turnover"].iloc[:10].to_list() == alike["turnover"].to_list()
