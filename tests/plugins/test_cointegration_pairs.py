"""Cointegration pairs: found where planted and traded there, on the rows after the formation and as known then."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.cointegration_pairs import CointegrationPairs

from quantstrats import Costs, Market, Universe, backtest, load_market, pairs
from quantstrats.errors import SignalError
from quantstrats.evaluation import details_of, evaluate
from quantstrats.guard.check import check_lookahead
from quantstrats.history import history
from quantstrats.learning.fits import Fits
from quantstrats.learning.fitted_state import pack, unpack
from quantstrats.portfolio.allocators import Direct
from quantstrats.strategy import Strategy

NAN = float("nan")
MODULES = ("quantstrats_plugins.cointegration_pairs",)
# Of these a spread is found in most windows.
EASY = {"cointegration": 0.03, "cointegration_half_life": 3}
LOOSE = {"control": "none", "level": 0.2}  # so that there is much to trade
HEDGES = ["least_squares", "total_least_squares", "rolling", "kalman"]


@pytest.fixture(scope="module")
def planted():
    return load_market("synthetic", count=8, bars=700, seed=1, **EASY)


@pytest.fixture(scope="module")
def ragged():
    """Six symbols: S001 has gaps, S003 is listed late, S004 ends."""
    whole = load_market("synthetic", count=6, bars=320, seed=1, **EASY)
    frames = {name: getattr(whole, name) for name in ("open", "high", "low", "close", "volume")}
    for frame in frames.values():
        frame.iloc[[100, 202, 203], 0] = NAN
        frame.iloc[229:238, 0] = NAN
        frame.iloc[:60, 2] = NAN
        frame.iloc[270:, 3] = NAN
    return Market.from_frames(**frames, ended={"S004": whole.session[269]})


def earned(forecast, market):
    """Return what the weights made from open to open, before costs."""
    return (forecast.shift(2) * market.open.pct_change(fill_method=None)).sum(axis=1)


def test_the_planted_pair_is_found_traded_and_pays(planted):
    signal = CointegrationPairs()
    forecast = evaluate(signal, planted)
    traded = forecast.columns[(forecast.fillna(0.0) != 0.0).any()]
    assert traded.to_list() == ["S001", "S002"]
    open_rows = forecast[forecast["S001"].fillna(0.0) != 0.0]
    assert len(open_rows) > 20
    assert (open_rows["S001"] == -open_rows["S002"]).all()
    assert (open_rows["S001"].abs() == 0.1).all()  # half of the share that one pair gets
    # Sold where it is dear: the position is against the spread of that day.
    spread = np.log(planted.close["S001"] / planted.close["S002"])
    assert (spread - spread.mean()).corr(forecast["S001"]) < -0.3
    daily = earned(forecast, planted)
    assert daily.mean() / daily.std() * np.sqrt(252) > 1.0


def test_it_is_what_the_functions_of_the_package_say_by_hand(planted):
    forecast = evaluate(CointegrationPairs(), planted)
    starts = np.flatnonzero(planted.starts_period("quarter"))
    start, stop = next((a, b) for a, b in pairwise(starts) if forecast.iloc[a:b].any(axis=None))
    formation = planted.close.iloc[start - 257 : start]
    found = pairs.screen(formation)
    best = found[found["verdict"] == "passes"].iloc[0]
    y, x = (np.log(planted.close[best[name]]).to_numpy() for name in ("dependent", "regressor"))
    rest = y - best["intercept"] - best["slope"] * x
    z = rest[start:stop] / rest[start - 257 : start].std(ddof=1)
    side = 0
    for row, value in enumerate(z[1:], start + 1):
        side = 0 if side * value >= 0 else side
        side = -int(np.sign(value)) if side == 0 and abs(value) >= 2.0 else side
        assert forecast[best["dependent"]].iloc[row] == side * 0.1
        assert forecast[best["regressor"]].iloc[row] == -side * 0.1


@pytest.mark.parametrize("hedge", HEDGES)
def test_each_window_begins_flat_and_its_weights_are_bounded(planted, hedge):
    forecast = evaluate(CointegrationPairs(hedge=hedge, **LOOSE), planted)
    starts = planted.index[planted.starts_period("quarter")]
    served = forecast.dropna()
    assert (served.loc[served.index.intersection(starts)] == 0.0).all(axis=None)
    gross = served.abs().sum(axis=1)
    assert 0.3 < gross.max() <= 1.0 + 1e-12
    assert served.sum(axis=1).abs().max() < 1e-12


def test_beta_neutral_sides_are_in_the_proportion_of_the_hedge_ratio(planted):
    forecast = evaluate(CointegrationPairs(neutral="beta"), planted)
    open_rows = forecast[(forecast["S001"].fillna(0.0) != 0.0)]
    assert open_rows.abs().sum(axis=1).round(12).eq(0.2).all()
    assert open_rows.sum(axis=1).abs().min() > 1e-6


def test_more_pairs_share_the_equity(planted):
    every = {"control": "none", "level": 1.0}
    few, many = (CointegrationPairs(share=share, **every).fit(planted.rows(0, 300)) for share in (0.01, 1.0))
    assert len(few.spreads) > 1
    assert few.share == 0.01
    assert many.share == 1.0 / len(many.spreads)
    assert len(CointegrationPairs(most=1, **every).fit(planted.rows(0, 300)).spreads) == 1


CASES = [
    *({"hedge": hedge, **LOOSE} for hedge in HEDGES),
    {"size": 3, "slowest": 200.0},
    {"stop": 3.0, "exit": 0.5, "entry": 1.5, "neutral": "beta", "hedge": "kalman", **LOOSE},
]


@pytest.mark.parametrize("parameters", CASES, ids=str)
def test_no_row_knows_more_than_it_may(ragged, parameters):
    signal, fits = CointegrationPairs(train=120, **parameters), Fits()
    forecast = evaluate(signal, ragged, fits=fits)
    assert (forecast.fillna(0.0) != 0.0).any(axis=None)
    assert check_lookahead(signal, ragged, forecast, mode="full", fits=fits).result == "clean"


def test_no_row_knows_more_than_it_may_within_a_universe(ragged):
    universe = Universe(top=5, by="volatility", window=15)
    signal, seen = CointegrationPairs(train=120, control="none", level=1.0), universe.applied(ragged)
    since, fits = universe.warmup() - 1, Fits()
    forecast = evaluate(signal, seen, since=since, fits=fits)
    assert check_lookahead(signal, seen, forecast, mode="full", since=since, fits=fits).result == "clean"
    # Where one leg is outside, the other is not held alone.
    assert forecast.fillna(0.0).sum(axis=1).abs().max() < 1e-12
    assert (forecast.fillna(0.0) != 0.0).any(axis=None)


@pytest.mark.parametrize("hedge", HEDGES)
def test_a_session_that_starts_on_any_row_decides_what_the_backtest_decided(ragged, hedge):
    strategy = Strategy(CointegrationPairs(train=120, hedge=hedge, **LOOSE), Direct())
    whole = strategy.targets(ragged)
    fits = Fits()
    for row in (195, 203, 231, 272, 313):
        first = ragged.index.get_loc(history(strategy, ragged.calendar, ragged.index[row]))
        live = ragged.rows(first, row + 1).with_listed_symbols()
        again = strategy.decide(strategy.forecast(live, fits), live).iloc[-1].reindex(ragged.symbols)
        assert again.fillna(0.0).to_list() == whole.iloc[row].fillna(0.0).to_list()


def test_a_gap_keeps_both_legs_and_a_long_one_closes_both(ragged):
    signal = CointegrationPairs(train=120, **LOOSE)
    forecast = evaluate(signal, ragged).fillna(0.0)
    assert forecast["S001"].iloc[201] != 0.0
    assert (forecast["S001"].iloc[201:204] == forecast["S001"].iloc[201]).all()
    assert (forecast["S001"].iloc[228:234] != 0.0).all()
    assert not forecast["S001"].iloc[234:238].any()
    assert forecast.sum(axis=1).abs().max() < 1e-12
    assert not forecast["S004"].iloc[275:].any()


def test_the_same_rows_give_the_same_forecast(planted):
    one, other = (evaluate(CointegrationPairs(**LOOSE), planted) for _ in range(2))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("parameters", CASES, ids=str)
def test_what_was_learned_is_stored_and_comes_back(planted, parameters):
    fitted = CointegrationPairs(**parameters).fit(planted.rows(0, 300))
    assert len(fitted.spreads) > 0
    again = unpack(pack(fitted, MODULES), MODULES)
    rows = planted.rows(300 - fitted.warmup() + 1, 360)
    pd.testing.assert_frame_equal(again.forecast(rows), fitted.forecast(rows), check_exact=True)


def test_where_nothing_passes_it_is_flat_and_says_so():
    market = load_market("synthetic", count=5, bars=420, seed=4)
    signal = CointegrationPairs(level=1e-9)
    forecast = evaluate(signal, market)
    assert forecast.iloc[-1].to_list() == [0.0] * 5
    details = details_of(signal, market, forecast=forecast)
    assert set(details.tables["Windows"]["note"]) == {"nothing passed: flat"}
    assert len(details.tables["Pairs and their trades"]) == 0
    assert not details.pictures


@pytest.mark.parametrize("symbols", [["S003"], ["S001", "S002"]])
def test_one_symbol_and_two_are_no_error(planted, symbols):
    forecast = evaluate(CointegrationPairs(), planted.select(symbols))
    assert forecast.iloc[-1].notna().all()
    assert (forecast.fillna(0.0) != 0.0).any(axis=None) == (len(symbols) == 2)


def test_the_tear_sheet_has_the_windows_the_pairs_and_the_spreads(planted):
    run = backtest(CointegrationPairs(), planted, allocator=Direct(), guard="off")
    windows, table = run.details.tables["Windows"], run.details.tables["Pairs and their trades"]
    assert list(run.details.tables) == ["Windows", "Pairs and their trades"]
    # Every row of a quarter with a year before it, the latest first.
    starts = planted.index[planted.starts_period("quarter")]
    assert windows.index.to_list() == [str(start.date()) for start in starts[starts >= planted.index[257]][::-1]]
    assert windows["passed"].sum() == len(table)
    assert table["return"].dtype == "float64"
    assert windows["trades"].sum() == table["trades"].sum() == len(run.trades) / 2
    assert windows["return before costs"].sum() == pytest.approx(0.2 * table["return"].sum())
    # What the table says was made is what the account made without costs, but for shares being whole.
    free = backtest(
        CointegrationPairs(), planted, allocator=Direct(), guard="off", costs=Costs(0, slippage_bps=0), cash=1e9
    )
    assert free.metrics["total_return"] == pytest.approx(windows["return before costs"].sum(), rel=0.05)
    assert 0 < len(run.details.pictures) <= 6
    assert all(picture.startswith(b"\x89PNG") for picture in run.details.pictures.values())


@pytest.mark.parametrize(
    "parameters",
    [
        {"entry": 0.0},
        {"exit": 2.0},
        {"stop": 1.0},
        {"fastest": 9.0, "slowest": 9.0},
        {"level": 0.0},
        {"size": 1},
        {"most": 0},
        {"window": 2},
        {"share": 1.5},
        {"drift": 1.0},
    ],
    ids=str,
)
def test_parameters_that_make_no_sense_are_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        CointegrationPairs(**parameters)


def test_too_many_baskets_are_told_in_one_line(planted):
    many = load_market("synthetic", count=60, bars=320, seed=1)
    with pytest.raises(SignalError, match="34,220 baskets of 3, more than 20,000"):
        evaluate(CointegrationPairs(size=3), many)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_the_null_market_little_passes_and_nothing_is_earned(seed):
    market = load_market("synthetic", count=10, bars=1260, seed=seed)
    signal = CointegrationPairs()
    windows = details_of(signal, market).tables["Windows"]
    assert (windows["passed"] > 0).mean() <= 0.25  # 5% of windows, if tests were independent
    # Without control it trades much, and earns nothing before costs.
    daily = earned(evaluate(CointegrationPairs(**LOOSE), market), market)
    assert (daily != 0.0).sum() > 200
    assert daily.mean() / (daily.std() / np.sqrt(len(daily))) < 3.0


def test_real_bars_with_gaps_are_traded_as_known_then(real_bars):
    bars = {
        name: frame.loc["2009":"2011", ["XLE", "XLF", "XLK", "SPY", "IWM", "QQQ", "GLD"]]
        for name, frame in real_bars("daily_etf").items()
    }
    market, fits = Market.from_frames(**bars), Fits()
    signal = CointegrationPairs(**LOOSE)
    forecast = evaluate(signal, market, fits=fits)
    assert (forecast.fillna(0.0) != 0.0).any(axis=None)
    assert check_lookahead(signal, market, forecast, fits=fits).result == "clean"


EASY = {"cointegration": 0.03, "cointegration_half_life": 3}


def test_what_is_outside_the_universe_takes_no_part_in_a_formation():
    market = load_market("synthetic", count=8, bars=300, seed=1, **EASY)
    signal = CointegrationPairs(control="none", level=1.0, share=1.0)
    members = pd.DataFrame(True, market.index, market.symbols)
    members.loc[market.index[-1], "S001"] = False
    found = signal.fit(market.with_universe(members))
    alone = signal.fit(market.select(list(market.symbols[1:])))
    assert "S001" not in set(found.legs["symbol"])
    assert (found.lowest, found.share) == (alone.lowest, alone.share)


def test_at_the_stop_nothing_is_held():
    market = load_market("synthetic", count=8, bars=500, seed=1, **EASY)
    fitted = CointegrationPairs(control="none", level=0.2, entry=0.5, stop=1.5).fit(market.rows(0, 300))
    z, held, _ = fitted.traded(market.rows(299, 500))
    beyond = z.abs() >= 1.5
    assert beyond.any(axis=None)
    assert (held != 0).any(axis=None)
    assert not held.where(beyond, 0).any(axis=None)
