"""Regimes, and the signal that follows one idea in calm times and another in stressed ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.hidden_markov_regime import HiddenMarkovRegime
from quantstrats_plugins.momentum import Momentum
from quantstrats_plugins.regime_switch import RegimeSwitch
from quantstrats_plugins.vix_regime import VixRegime
from quantstrats_plugins.volatility_regime import VolatilityRegime

from quantstrats import DataError, Market, Plugins, SideSeries, Signal, backtest, load_market
from quantstrats.evaluation import details_of, evaluate
from quantstrats.guard.check import check_lookahead
from quantstrats.market.sources import draws

NAN = float("nan")
HMM = HiddenMarkovRegime(refit="quarter", train=80, memory=15)
VOLATILITY = VolatilityRegime(window=5, history=60)


@dataclass(frozen=True)
class Told(Signal):
    """What the closes say, less `less`; no opinion at 9."""

    name = "told"
    less: float = 10.0

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close.where(market.close != 9) - self.less


@dataclass(frozen=True)
class Always(Signal):
    name = "always"
    value: float

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close.notna() * self.value


def test_calm_is_followed_above_0_stressed_below_and_nothing_at_0(market_of):
    market = market_of({"A": [11, 12, 10, 8, 9], "B": [8, 8, 11, 11, 10]})
    found = evaluate(RegimeSwitch(Told(), Always(3.0), Always(-2.0)), market)
    assert found["A"].tolist() == pytest.approx([3, 3, 0, -2, NAN], nan_ok=True)
    assert found["B"].tolist() == pytest.approx([-2, -2, 3, 3, 0])


def test_nothing_is_held_in_stressed_times_by_default(market_of):
    found = evaluate(RegimeSwitch(Told(), Always(3.0)), market_of({"A": [11, 8, 12]}))
    assert found["A"].tolist() == [3, 0, 3]


def test_where_the_followed_part_has_no_opinion_there_is_none(market_of):
    market = market_of({"A": [11, 9.5, 8, 8]})
    found = evaluate(RegimeSwitch(Told(), Momentum(lookback=1), Momentum(lookback=2)), market)
    assert found["A"].tolist() == pytest.approx([NAN, NAN, 8 / 11 - 1, 8 / 9.5 - 1], nan_ok=True)


def test_a_vix_between_its_thresholds_is_between_calm_and_stressed(market_of, sessions):
    days = sessions(6)
    vix = pd.Series([15.0, 20.0, 25.0, 27.5, 30.0, 60.0], index=days)
    market = market_of({"A": [10] * 6, "B": [10] * 6}, side={"vix": SideSeries(vix, days.tz_localize("UTC"))})
    found = evaluate(VixRegime(), market)
    assert found["A"].tolist() == [1.0, 1.0, 0.0, -0.5, -1.0, -1.0]
    assert found["B"].tolist() == found["A"].tolist()


def test_without_a_vix_there_is_no_opinion_and_without_the_series_a_word(market_of, sessions):
    days = sessions(3)
    vix = pd.Series([15.0], index=days[2:])
    market = market_of({"A": [10] * 3}, side={"vix": SideSeries(vix, days[2:].tz_localize("UTC"))})
    assert evaluate(VixRegime(), market)["A"].tolist() == pytest.approx([NAN, NAN, 1.0], nan_ok=True)
    with pytest.raises(DataError, match="needs the side series 'vix'"):
        evaluate(VixRegime(), market_of({"A": [10] * 3}))


def place_by_hand(volatility, quantile):
    """Return where the last number stands among all, below a quantile of them above 0."""
    lower = sum(each < volatility[-1] for each in volatility) / (len(volatility) - 1)
    return (quantile - lower) / (quantile if lower < quantile else 1 - quantile)


def test_volatility_takes_its_place_among_its_past(nasdaq):
    market = nasdaq.rows(0, 300)
    signal = VolatilityRegime(window=10, history=50, quantile=0.7)
    assert signal.warmup() == 63  # eleven closes within a quarter more rows, and 49 rows
    found = evaluate(signal, market)["NASDAQ"]
    assert found.isna().sum() == 62
    moves = np.log(market.close["NASDAQ"]).diff().to_numpy()
    volatility = [np.std(moves[row - 9 : row + 1], ddof=1) if row >= 10 else NAN for row in range(300)]
    expected = [place_by_hand(volatility[row - 49 : row + 1], 0.7) for row in range(62, 300)]
    assert found.iloc[62:].tolist() == pytest.approx(expected, abs=1e-12)
    assert found.min() == pytest.approx(-1)
    assert found.max() == pytest.approx(1)


def test_volatility_is_the_mean_over_symbols_or_each_symbol_s_own():
    market = load_market("synthetic", count=3, bars=120)
    own = evaluate(VolatilityRegime(window=5, history=60, per_symbol=True), market).dropna()
    whole = evaluate(VolatilityRegime(window=5, history=60), market).dropna()
    assert (whole["S001"] == whole["S003"]).all()
    assert (own["S001"] != own["S003"]).any()
    alone = evaluate(VOLATILITY, load_market("synthetic", ["S003"], bars=120)).dropna()
    pd.testing.assert_series_equal(own["S003"], alone["S003"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_regime_is_found_out_of_sample(seed):
    bars = 1500
    market = load_market("synthetic", seed=seed, count=3, bars=bars, regimes=1.5)
    found = evaluate(HiddenMarkovRegime(train=756, refit="quarter"), market)["S001"].dropna()
    rough = pd.Series(draws.turbulence(seed, bars, 1.5, 63.0), market.index)
    wild = rough[found.index] > rough.min() * 1.01
    # With volatility at 2.5 times the calm one, and three symbols as one market, few days leave a doubt.
    assert ((found < 0) == wild).mean() > 0.85
    assert len(found) > 600


def test_each_symbol_may_have_states_of_its_own():
    market = load_market("synthetic", count=2, bars=400, regimes=1.5)
    found = evaluate(HiddenMarkovRegime(refit="quarter", train=200, memory=21, per_symbol=True), market).dropna()
    alone = evaluate(
        HiddenMarkovRegime(refit="quarter", train=200, memory=21),
        load_market("synthetic", ["S002"], bars=400, regimes=1.5),
    ).dropna()
    assert (found["S001"] != found["S002"]).all()
    pd.testing.assert_series_equal(found["S002"], alone["S002"])


def test_states_may_be_told_by_several_features():
    market = load_market("synthetic", count=2, bars=400, regimes=1.5)
    signal = HiddenMarkovRegime(refit="quarter", train=200, observed=("log_return", "parkinson(window=5)"), states=3)
    found = evaluate(signal, market)
    assert found.notna().any().all()
    assert found.abs().max().max() <= 1
    table = details_of(signal, market).tables["States"]
    assert table["state"].tolist()[:3] == [1, 2, 3]
    assert {"deviation log_return", "mean parkinson(window=5)", "share", "bars"} <= set(table.columns)


def test_details_tell_of_each_fit_and_draw_the_regime():
    market = load_market("synthetic", count=2, bars=400, regimes=1.5)
    details = details_of(HMM, market)
    table = details.tables["States"]
    assert table["from"].nunique() >= 4
    calm, wild = (table.loc[table["state"] == state, "deviation log_return"].to_numpy() for state in (1, 2))
    assert (calm < wild).all()
    assert table.groupby("from")["share"].sum().tolist() == pytest.approx([1.0] * table["from"].nunique())
    assert hasattr(details.pictures["Regime"], "savefig")
    assert details_of(HMM, market.rows(0, 100)).tables == {}


def with_gaps(seed, bars=240, count=3):
    """Return synthetic bars with gaps and a late listing, and a VIX."""
    whole = load_market("synthetic", seed=seed, count=count, bars=bars, regimes=1.5)
    rng = np.random.default_rng(seed)
    gone = rng.random((bars, count)) < 0.03
    gone[:140, 0] = gone[190:205, 1] = gone[225:, 2] = True
    frames = {field: getattr(whole, field).mask(gone) for field in ("open", "high", "low", "close", "volume")}
    vix = pd.Series(25 + rng.normal(0, 0.8, bars).cumsum(), whole.index)
    known_at = whole.index.tz_localize("UTC") + pd.Timedelta("28h")
    return Market.from_frames(**frames, side={"vix": SideSeries(vix, known_at)})


SIGNALS = [
    HMM,
    HiddenMarkovRegime(refit="quarter", train=80, memory=5, per_symbol=True),
    VOLATILITY,
    VolatilityRegime(window=5, history=60, per_symbol=True),
    VixRegime(),
    RegimeSwitch(HMM, Momentum(lookback=20), Momentum(lookback=5)),
]
NAMES = ["hidden_markov", "hidden_markov per symbol", "volatility", "volatility per symbol", "vix", "switch"]


@pytest.mark.parametrize("signal", SIGNALS, ids=NAMES)
def test_the_guard_finds_nothing_at_any_row(signal):
    market = with_gaps(1)
    forecast = evaluate(signal, market)
    assert (forecast < 0).any().any()
    assert (forecast > 0).any().any()
    report = check_lookahead(signal, market, forecast, mode="full")
    assert report.result == "clean"
    assert report.rows > 90


@pytest.mark.parametrize("signal", [VOLATILITY, VolatilityRegime(window=5, history=60, per_symbol=True), VixRegime()])
def test_a_later_start_of_the_data_gives_the_same_regime(signal):
    market = with_gaps(2)
    whole = evaluate(signal, market)
    for row in range(signal.warmup() + 20, len(market), 17):
        alone = evaluate(signal, market.rows(row - signal.warmup() + 1, row + 1)).iloc[-1]
        pd.testing.assert_series_equal(alone, whole.iloc[row], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("signal", [HMM, SIGNALS[1], SIGNALS[5]], ids=["market", "per symbol", "switch"])
def test_a_session_that_starts_within_a_refit_learns_the_same(signal):
    from quantstrats.learning.windows import first_needed

    market = with_gaps(3)
    whole = evaluate(signal, market)
    compared = 0
    for row in range(100, len(market), 13):
        first = first_needed(signal, market.timeline, row)
        if first is None:
            continue
        alone = evaluate(signal, market.rows(first, row + 1).with_listed_symbols()).iloc[-1]
        expected = whole.iloc[row]
        pd.testing.assert_series_equal(alone.reindex(expected.index), expected, rtol=1e-7, atol=1e-9, check_names=False)
        compared += expected.notna().any()
    assert compared > 4


def test_the_same_seed_gives_the_same_regime():
    market = with_gaps(4)
    pd.testing.assert_frame_equal(evaluate(HMM, market), evaluate(HMM, market), check_exact=True)


@pytest.mark.parametrize(
    ("signal", "fields", "said"),
    [
        (VixRegime, {"calm": 30.0}, "must be above 0 and below stressed"),
        (VolatilityRegime, {"quantile": 1.0}, "must lie between 0 and 1"),
        (VolatilityRegime, {"window": 1}, "must be at least 2"),
        (HiddenMarkovRegime, {"states": 1}, r"states \(1\) be at least 2"),
        (HiddenMarkovRegime, {"observed": ()}, "must name a feature"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(signal, fields, said):
    with pytest.raises(ValueError, match=said):
        signal(**fields)


def test_it_is_asked_for_by_name_with_its_parts_nested():
    import quantstrats_plugins.hidden_markov_regime
    import quantstrats_plugins.momentum
    import quantstrats_plugins.regime_switch

    from quantstrats.portfolio import allocators

    plugins = Plugins()
    for module in (
        quantstrats_plugins.hidden_markov_regime,
        quantstrats_plugins.momentum,
        quantstrats_plugins.regime_switch,
        allocators,
    ):
        plugins.register(module)
    nested = {
        "name": "regime_switch",
        "regime": {"name": "hidden_markov_regime", "train": 80, "refit": "quarter", "memory": 15},
        "calm": {"name": "momentum", "lookback": 10},
    }
    run = backtest(nested, with_gaps(5), plugins=plugins)
    assert run.metrics["orders"] > 10


def test_the_filter_has_its_memory_before_the_first_row():
    short, long = (HiddenMarkovRegime(train=80, memory=memory).warmup() for memory in (0, 15))
    assert long == short + 15
