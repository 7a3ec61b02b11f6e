"""The synthetic source: what is planted is there in its stated size, and nothing else is."""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.tsa.stattools import acf, coint

from quantstrats import load_market
from quantstrats.errors import ConfigError, DataError
from quantstrats.market.sources.synthetic import Synthetic

EFFECTS = {
    "momentum": {"momentum": 0.15},
    "cointegration": {"cointegration": 0.05},
    "illiquidity": {"illiquidity": 0.06},
    "regimes": {"regimes": 1.5},
}


@pytest.fixture(scope="module")
def markets():
    """The null market and one with each effect alone: 200 symbols, twenty years."""
    return {
        name: Synthetic(count=200, bars=5040, **planted).load() for name, planted in {"null": {}, **EFFECTS}.items()
    }


def log_returns(market):
    return np.diff(np.log(market.array("close")), axis=0)


def month_correlation(market):
    """Correlation of each symbol's monthly log returns with those of the month before, pooled, its mean removed."""
    months = np.diff(np.log(market.array("close"))[::21], axis=0)
    months = months - months.mean(axis=0)
    return np.corrcoef(months[:-1].ravel(), months[1:].ravel())[0, 1]


def cointegrated(closes, other):
    """Probability, were they not cointegrated, of S001 and the other looking as they do (Engle and Granger)."""
    return coint(closes["S001"], closes[other], maxlag=1, autolag=None)[1]


def amihud_regression(market):
    """Regress mean annual returns on log Amihud illiquidity across symbols: the slope and its standard error."""
    close, volume = market.close, market.volume
    amihud = np.log((close.pct_change().abs() / (close * volume)).mean())
    fitted = sm.OLS((close.pct_change().mean() * 252).to_numpy(), sm.add_constant(amihud.to_numpy())).fit()
    return fitted.params[1], fitted.bse[1]


def session_deviations(market):
    """The cross-section's root mean square return of each session: with many symbols, that session's volatility."""
    return np.sqrt((log_returns(market)[:, 2:] ** 2).mean(axis=1) * 252)


@pytest.mark.parametrize("name", ["null", "cointegration", "illiquidity", "regimes"])
def test_without_momentum_a_month_tells_nothing_of_the_next(markets, name):
    # 238 pairs of 200 symbols: a standard error of 0.005; removing a mean of 239 months costs 1 / 239.
    assert abs(month_correlation(markets[name]) + 1 / 239) < 0.015


def test_momentum_is_the_correlation_of_consecutive_months(markets):
    assert month_correlation(markets["momentum"]) == pytest.approx(0.15, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_a_small_momentum_is_found_in_its_size_with_another_half_life(seed):
    market = Synthetic(seed=seed, count=200, bars=5040, momentum=0.05, momentum_half_life=21).load()
    assert month_correlation(market) == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("name", ["null", "momentum", "illiquidity", "regimes"])
def test_without_cointegration_the_pair_drifts_apart(markets, name):
    closes = np.log(markets[name].close[["S001", "S002"]])
    assert cointegrated(closes, "S002") > 0.05


def test_the_pair_of_many_null_markets_is_found_cointegrated_no_oftener_than_by_chance():
    found = 0
    for seed in range(40):
        closes = np.log(Synthetic(seed=seed, count=2, bars=1000).load().close)
        found += cointegrated(closes, "S002") < 0.05
    assert found <= 6  # 2 expected; 7 or more has a probability of 0.3%


def test_cointegration_is_a_spread_of_its_size_that_halves_in_its_half_life(markets):
    closes = np.log(markets["cointegration"].close[["S001", "S002", "S003"]])
    assert cointegrated(closes, "S002") < 1e-6
    assert cointegrated(closes, "S003") > 0.05
    spread = (closes["S001"] - closes["S002"]).to_numpy()
    fitted = sm.OLS(spread[1:], sm.add_constant(spread[:-1])).fit()
    assert fitted.params[1] == pytest.approx(0.5**0.1, abs=3 * fitted.bse[1])
    assert spread.std() == pytest.approx(0.05, rel=0.15)


def test_cointegration_leaves_volatility_and_all_other_symbols_as_they_were(markets):
    assert markets["cointegration"].close.iloc[:, 2:].equals(markets["null"].close.iloc[:, 2:])
    deviation = log_returns(markets["cointegration"]).std(axis=0)[:2] * 252**0.5
    assert deviation == pytest.approx([0.25, 0.25], rel=0.04)


@pytest.mark.parametrize("name", ["null", "cointegration", "regimes"])
def test_without_illiquidity_what_trades_less_earns_no_more(markets, name):
    slope, error = amihud_regression(markets[name])
    assert abs(slope) < 3 * error


def test_momentum_pays_nothing_for_illiquidity(markets):
    slope, error = amihud_regression(markets["momentum"])
    assert abs(slope) < 3 * error


def test_illiquidity_is_the_annual_return_per_unit_of_log_amihud(markets):
    slope, error = amihud_regression(markets["illiquidity"])
    assert error < 0.006
    assert slope == pytest.approx(0.06, abs=3 * error)


@pytest.mark.parametrize("name", ["null", "momentum", "cointegration", "illiquidity"])
def test_without_regimes_volatility_stays_what_it_is(markets, name):
    deviations = session_deviations(markets[name])
    # A root mean square of 198 symbols misses its value by a twentieth.
    assert np.quantile(deviations, [0.001, 0.999]) == pytest.approx([0.25, 0.25], rel=0.25)
    assert abs(acf(deviations, nlags=5)[1:]).max() < 0.06


def test_regimes_are_two_volatilities_of_their_ratio_and_length(markets):
    deviations = session_deviations(markets["regimes"])
    turbulent = deviations > 0.25
    calm, rough = deviations[~turbulent], deviations[turbulent]
    assert np.sqrt((rough**2).mean() / (calm**2).mean()) == pytest.approx(2.5, rel=0.02)
    spells = [len(list(group)) for _, group in itertools.groupby(turbulent)]
    assert np.mean(spells) == pytest.approx(63, rel=0.35)  # some eighty spells: a standard error of a ninth
    middle = np.sqrt((calm**2).mean() / 2 + (rough**2).mean() / 2)
    assert middle == pytest.approx(0.25, rel=0.01)


def test_the_null_market_has_the_volatility_that_it_says_in_the_parts_that_it_says(markets):
    closes, opens = markets["null"].array("close"), markets["null"].array("open")
    assert log_returns(markets["null"]).std() * 252**0.5 == pytest.approx(0.25, rel=0.005)
    gaps = np.log(opens[1:] / closes[:-1])
    assert gaps.var() * 252 == pytest.approx(0.3 * 0.25**2, rel=0.01)


def test_the_null_market_is_a_martingale_at_each_open_and_each_close():
    means = {"gap": [], "day": []}
    for seed in range(30):
        market = Synthetic(seed=seed, count=50, bars=756, volatility=0.5).load()
        opens, closes = market.array("open"), market.array("close")
        means["gap"].append((opens[1:] / closes[:-1] - 1).mean())
        means["day"].append((closes / opens - 1).mean())
    for each in means.values():
        statistic = np.mean(each) / (np.std(each, ddof=1) / np.sqrt(len(each)))
        assert abs(statistic) < 3
    # The mean of log returns is below zero by half the variance, which simple returns must not be.
    assert abs(np.mean(means["day"]) * 252) < 0.02 < 0.7 * 0.5**2 / 2


def test_prices_of_many_null_markets_are_expected_to_stay_what_they_were():
    market = Synthetic(count=3000, bars=252, volatility=0.3).load()
    grown = market.array("close")[-1] / market.array("open")[0]
    assert grown.mean() == pytest.approx(1, abs=4 * grown.std() / np.sqrt(3000))


def test_the_null_market_has_no_autocorrelation_within_or_across_symbols(markets):
    returns = log_returns(markets["null"])
    for lag in (1, 2, 5, 21):
        within = np.corrcoef(returns[:-lag].ravel(), returns[lag:].ravel())[0, 1]
        assert abs(within) < 4 / np.sqrt(returns.size)
    among = np.corrcoef(returns[:, :40].T)[np.triu_indices(40, 1)]
    assert abs(among.mean()) < 0.002
    assert abs(among).max() < 5 / np.sqrt(len(returns))


def test_signs_of_a_day_tell_nothing_of_the_open_after_it(markets):
    opens, closes = markets["null"].array("open"), markets["null"].array("close")
    day, gap = np.log(closes / opens)[:-1], np.log(opens[1:] / closes[:-1])
    assert abs(np.corrcoef(day.ravel(), gap.ravel())[0, 1]) < 4 / np.sqrt(day.size)


@pytest.mark.parametrize("distance", [-0.01, -0.003, 0.003, 0.01])
def test_a_stop_or_limit_within_the_bar_gains_nothing_in_the_null_market(markets, distance):
    market = markets["null"]
    opens, closes = market.array("open"), market.array("close")
    level = opens * (1 + distance)
    reached = market.array("low") <= level if distance < 0 else market.array("high") >= level
    gain = (closes / level - 1)[reached]
    assert 0.3 < reached.mean() < 0.95
    assert abs(gain.mean()) < 4 * gain.std() / np.sqrt(reached.sum())


@pytest.mark.parametrize("name", ["null", *EFFECTS])
def test_bars_hold_together(markets, name):
    market = markets[name]
    arrays = {field: market.array(field) for field in ("open", "high", "low", "close", "volume")}
    assert (arrays["low"] > 0).all()
    assert (arrays["low"] <= np.minimum(arrays["open"], arrays["close"])).all()
    assert (arrays["high"] >= np.maximum(arrays["open"], arrays["close"])).all()
    assert (arrays["volume"] >= 1).all()
    assert (arrays["volume"] == np.rint(arrays["volume"])).all()
    assert market.close.shape == (5040, 200)
    assert market.index[0] == pd.Timestamp("2000-01-03")


def test_traded_value_has_the_median_and_the_dispersion_that_it_says():
    market = Synthetic(count=2000, bars=30, traded_value=1e8, dispersion=0.8).load()
    logs = np.log((market.close * market.volume).mean())
    assert np.exp(np.log(market.close * market.volume).mean().median()) == pytest.approx(1e8, rel=0.1)
    assert logs.std() == pytest.approx(0.8, rel=0.06)


def test_a_seed_gives_the_same_market_again_and_another_one_another():
    assert Synthetic(seed=7).load().content_hash == Synthetic(seed=7).load().content_hash
    assert Synthetic(seed=7).load().content_hash != Synthetic(seed=8).load().content_hash


@pytest.mark.parametrize("planted", [{}, {name: size for each in EFFECTS.values() for name, size in each.items()}])
def test_values_depend_on_neither_the_span_nor_on_the_other_symbols(planted):
    source = Synthetic(count=5, bars=600, **planted)
    whole = source.load()
    for part in (
        source.load(end=date(2001, 3, 1)),
        source.load(start=date(2001, 1, 2), end=date(2004, 12, 31)),
        source.load(["S005", "S002"]),
        source.load(["S001"], end=date(2000, 1, 3)),
        Synthetic(count=9, bars=300, **planted).load(),
    ):
        rows, symbols = part.index.intersection(whole.index), part.symbols.intersection(whole.symbols)
        for field in ("open", "high", "low", "close", "volume"):
            pd.testing.assert_frame_equal(
                getattr(part, field).loc[rows, symbols],
                getattr(whole, field).loc[rows, symbols],
                check_exact=True,
                check_freq=False,
            )


def test_the_span_asked_for_is_the_span_loaded():
    market = Synthetic().load(["S012"], date(2005, 1, 1), date(2015, 12, 31))
    assert [str(market.index[row].date()) for row in (0, -1)] == ["2005-01-03", "2015-12-31"]
    assert market.symbols.tolist() == ["S012"]


def test_bars_is_the_number_of_sessions_where_no_end_is_asked_for():
    assert len(Synthetic(bars=4000).load(["S001"])) == 4000


def test_every_report_says_that_the_bars_are_not_real_and_what_is_planted():
    null = load_market("synthetic", seed=3, bars=20)
    assert null.stamps == ("synthetic bars, not real ones (seed 3); the null market, in which nothing can be gained",)
    planted = load_market("synthetic", bars=20, momentum=0.1, regimes=1, illiquidity=0.02, cointegration=0.05)
    assert planted.stamps == (
        (
            "synthetic bars, not real ones (seed 0); planted: momentum 0.1 (correlation of consecutive months), "
            "cointegration of S001 and S002 (log spread 0.05, half-life 10 sessions), "
            "illiquidity premium 0.02 a year per unit of log Amihud, volatility regimes (x2, 63 sessions each)"
        ),
    )
    assert planted.origin["momentum"] == 0.1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"count": 0}, "count is 0; it is at least 1"),
        ({"seed": -1}, "seed is -1; it is 0 or more"),
        ({"volatility": 0.0}, "volatility is 0.0; it is above 0"),
        ({"volatility": float("nan")}, "volatility is nan; it is above 0"),
        ({"overnight": 1.0}, "overnight is 1.0; it is 0 or more and below 1"),
        ({"momentum": 0.6}, "momentum is 0.6; it is from 0 to 0.5"),
        ({"illiquidity": float("inf")}, "illiquidity is inf; it is a finite number"),
        ({"momentum": 0.4, "momentum_half_life": 5}, "halves in 5 sessions; raise momentum_half_life"),
        ({"cointegration": 0.5}, "a cointegration of 0.5 moves prices more than their volatility 0.25"),
    ],
)
def test_parameters_out_of_range_are_told(params, message):
    with pytest.raises(ConfigError, match=message) as told:
        load_market("synthetic", **params)
    assert str(told.value).startswith("source 'synthetic'")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"symbols": ["AAPL"]}, "has no symbol 'AAPL'; its symbols are S001, S002 and so on"),
        ({"symbols": ["S0001"]}, "has no symbol 'S0001'"),
        ({"symbols": ["S000"]}, "has no symbol 'S000'"),
        ({"symbols": ["S001", "S001"]}, "a symbol is named twice in S001, S001"),
        ({"start": date(1999, 1, 4)}, "begins on 2000-01-03, after the start 1999-01-04; set data.first"),
        ({"end": date(1999, 1, 4)}, "begins on 2000-01-03, after the end 1999-01-04; set data.first"),
    ],
)
def test_what_there_is_not_is_told(asked, message):
    with pytest.raises(DataError, match=message):
        Synthetic().load(**asked)
