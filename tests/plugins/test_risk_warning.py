"""The early warning: what is held at which risk by hand, and that volatility that comes in clusters is learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.risk_warning import RiskWarning, RiskWarningFitted

from quantstrats import Market, Plugins, backtest, features, labels, load_market, models
from quantstrats.evaluation import details_of, evaluate
from quantstrats.guard.check import check_lookahead
from quantstrats.learning.fits import Fits

NAN = float("nan")
STEPS = RiskWarning().steps
QUICK = RiskWarning(
    horizons=(3, 10), inputs=("realised_volatility(window=10)", "roc(window=5)"), train=100, refit="quarter"
)


@dataclass(frozen=True)
class Return:
    """A model that takes the return of the bar for the probability, times a factor."""

    factor: float = 1.0

    def probability(self, label, inputs):
        assert label == 1.0
        return self.factor * inputs[:, 0]


def fitted(*factors, hedge_symbol=""):
    return RiskWarningFitted(
        {bars: Return(factor) for bars, factor in enumerate(factors, 3)}, ("simple_return",), STEPS, hedge_symbol
    )


def rising(*returns):
    """Return closes with these returns; None is a missing bar."""
    closes = [10.0]
    for each in returns:
        closes.append(None if each is None else next(c for c in closes[::-1] if c) * (1 + each))
    return closes


def test_the_likelier_a_fall_the_less_is_held(market_of):
    market = market_of({"A": rising(0.1, 0.3, 0.31, 0.49, 0.51, 0.69, 0.71)})
    found = fitted(1.0).forecast(market)["A"].tolist()
    # At a border the step is not reached; 0.3 is a hair off it in floating point.
    assert [found[place] for place in (0, 1, 3, 4, 5, 6, 7)] == pytest.approx(
        [NAN, 1.0, 0.75, 0.75, 0.5, 0.5, 0.2], nan_ok=True
    )


def test_the_risk_is_the_mean_over_the_horizons_that_were_learned(market_of):
    market = market_of({"A": rising(0.4, 0.6)})
    # 0.4 and 0.8, then 0.6 and 1.2: a mean of 0.6 and 0.9.
    assert fitted(1.0, 2.0).forecast(market)["A"].tolist() == pytest.approx([NAN, 0.5, 0.2], nan_ok=True)
    assert fitted(1.0, NAN).forecast(market)["A"].tolist() == pytest.approx([NAN, 0.75, 0.5], nan_ok=True)
    assert fitted(NAN).forecast(market)["A"].isna().all()


def test_each_symbol_has_an_equal_share_of_those_with_an_opinion(market_of):
    market = market_of({"A": rising(0.1, 0.6, 0.1), "B": rising(0.8, 0.1, None)})
    found = fitted(1.0).forecast(market)
    assert found["A"].tolist() == pytest.approx([NAN, 0.5, 0.25, 1.0], nan_ok=True)
    assert found["B"].tolist() == pytest.approx([NAN, 0.1, 0.5, NAN], nan_ok=True)


def test_half_of_a_hedge_is_bought_of_the_fund_and_half_sold_of_the_rest(market_of):
    market = market_of({"A": rising(0.1, 0.6, 0.6), "SH": rising(-0.1, -0.3, None), "B": rising(0.8, 0.1, 0.1)})
    found = fitted(1.0, hedge_symbol="SH").forecast(market)
    # Hedges of A are 0, 0.5, 0.5 and of B 0.8, 0, 0; on the last row the fund has no bar: cash.
    assert found["A"].tolist() == pytest.approx([NAN, 0.5, 0.375, 0.25], nan_ok=True)
    assert found["B"].tolist() == pytest.approx([NAN, 0.3, 0.5, 0.5], nan_ok=True)
    assert found["SH"].tolist() == pytest.approx([NAN, 0.2, 0.125, NAN], nan_ok=True)
    # What is left moves as much as with cash: 1 less the mean hedge.
    net = found["A"] + found["B"] - found["SH"].fillna(0.0)
    assert net.iloc[1:].tolist() == pytest.approx([0.6, 0.75, 0.75])


def test_the_fund_is_not_learned_from(market_of):
    market = load_market("synthetic", count=3, bars=420, regimes=1.5)
    with_fund = RiskWarning(**{**vars(QUICK), "hedge_symbol": "S003"})
    alone = load_market("synthetic", count=2, bars=420, regimes=1.5)
    one = with_fund.fit(market).chances(alone)
    other = QUICK.fit(alone).chances(alone)
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert "S003" not in with_fund.fit(market).chances(market).columns.unique("symbol")


def skills(**planted):
    """Return for three markets, and then the mean, by how much probabilities were better than the share."""
    signal = RiskWarning(horizons=(3, 5), train=756, refit="quarter")
    markets = [load_market("synthetic", seed=seed, count=2, bars=1400, volatility=0.2, **planted) for seed in (1, 2, 3)]
    return [details_of(signal, market).tables["Probabilities"].loc["5 bars", "skill"] for market in markets]


def test_planted_turbulence_is_warned_of_out_of_sample():
    assert np.mean(skills(regimes=3.0, regime_length=30.0)) > 0.02


def test_without_clusters_nothing_is_known_beyond_the_share():
    assert np.max(skills()) < 0.01


def test_tables_agree_with_the_forecast():
    market = load_market("synthetic", count=2, bars=500, regimes=2.0)
    details = details_of(QUICK, market)
    forecast = evaluate(QUICK, market)
    held = 2 * forecast.to_numpy()[forecast.notna().to_numpy()]
    warnings = details.tables["Warnings"]
    assert warnings.loc["LOW", "share"] == pytest.approx(np.isclose(held, 1.0).mean())
    assert warnings.loc["HIGH", "share"] == pytest.approx(np.isclose(held, 0.2).mean())
    assert details.tables["Probabilities"]["told"].max() <= len(held)
    assert hasattr(details.pictures["Risk"], "savefig")


def test_before_the_first_fit_there_are_no_details():
    details = details_of(QUICK, load_market("synthetic", count=2, bars=100))
    assert details.tables == {}
    assert details.pictures == {}


def test_where_no_fall_was_ever_seen_there_is_no_opinion():
    market = load_market("synthetic", count=1, bars=420, volatility=0.01)
    fits = Fits()
    assert evaluate(QUICK, market, fits=fits).isna().all().all()
    assert set(fits.outcomes) == {"one class"}


def test_fewer_rows_than_a_horizon_teach_nothing():
    assert QUICK.fit(load_market("synthetic", count=1, bars=10)) is None


def with_gaps(seed, bars=240, count=3):
    whole = load_market("synthetic", seed=seed, count=count, bars=bars, regimes=1.5)
    gone = np.random.default_rng(seed).random((bars, count)) < 0.03
    gone[:170, 0] = gone[190:205, 1] = gone[225:, 2] = True
    return Market.from_frames(
        **{field: getattr(whole, field).mask(gone) for field in ("open", "high", "low", "close", "volume")}
    )


@pytest.mark.parametrize("hedge_symbol", ["", "S001", "S002"])
def test_the_guard_finds_nothing_at_any_row(hedge_symbol):
    market, signal = with_gaps(1), RiskWarning(**{**vars(QUICK), "hedge_symbol": hedge_symbol})
    forecast = evaluate(signal, market)
    assert forecast.nunique().max() > 2
    report = check_lookahead(signal, market, forecast, mode="full")
    assert report.result == "clean"
    assert report.rows > 90


def test_a_session_that_starts_within_a_refit_learns_the_same():
    from quantstrats.learning.windows import first_needed

    market = with_gaps(3)
    whole = evaluate(QUICK, market)
    compared = 0
    for row in range(120, len(market), 13):
        first = first_needed(QUICK, market.timeline, row)
        if first is None:
            continue
        alone = evaluate(QUICK, market.rows(first, row + 1).with_listed_symbols()).iloc[-1]
        expected = whole.iloc[row]
        pd.testing.assert_series_equal(alone.reindex(expected.index), expected, rtol=1e-7, atol=1e-9, check_names=False)
        compared += expected.notna().any()
    assert compared > 4


def test_the_same_seed_gives_the_same_warnings():
    market = with_gaps(4)
    signal = RiskWarning(**{**vars(QUICK), "horizons": (5,), "model": "xgboost", "held_back": 0.3, "seed": 3})
    pd.testing.assert_frame_equal(evaluate(signal, market), evaluate(signal, market), check_exact=True)


@pytest.mark.parametrize(
    "steps", [(), ((0.5, 0.5), (0.3, 0.8)), ((0.3, 0.8), (0.5, 0.5)), ((-0.1, 0.5),), ((0.3, 1.5),)]
)
def test_steps_that_make_no_sense_are_refused(steps):
    with pytest.raises(ValueError, match="are pairs of risk and hedge, both fractions, ascending"):
        RiskWarning(steps=steps)


@pytest.mark.parametrize(
    "given", [{"horizons": ()}, {"horizons": (5, 0)}, {"loss": 0.0}, {"loss": 3.0}, {"held_back": 1.0}]
)
def test_horizons_and_fractions_that_make_no_sense_are_refused(given):
    with pytest.raises(ValueError, match="must be at least 1 bar each"):
        RiskWarning(**given)


def test_a_single_step_tells_low_and_high_apart():
    assert RiskWarning(steps=((0.5, 1.0),)).grades == {"LOW": 0.0, "HIGH": 0.5}
    assert RiskWarning().grades == {"LOW": 0.0, "MEDIUM": 0.3, "HIGH": 0.7}


def test_the_account_holds_what_the_risk_allows():
    import quantstrats_plugins.risk_warning

    from quantstrats.portfolio import allocators

    plugins = Plugins()
    for module in (quantstrats_plugins.risk_warning, allocators):
        plugins.register(module)
    signal = {"name": "risk_warning", "train": 100, "refit": "quarter", "inputs": list(QUICK.inputs)}
    market = load_market("synthetic", count=2, bars=240, regimes=2.0)
    run = backtest(signal, market, allocator="direct", plugins=plugins)
    known = run.targets.dropna(how="all").to_numpy()
    known = known[known.any(axis=1)]
    assert set(np.unique(2 * known).round(6)) <= {0.2, 0.5, 0.75, 1.0}
    assert len(np.unique(2 * known).round(6)) > 1
    assert run.metrics["orders"] > 10


def test_rows_that_overlap_count_less_and_the_loss_is_the_one_asked_for(nasdaq):
    market, signal = nasdaq.rows(0, 500), RiskWarning(horizons=(10,), loss=0.01)
    falls = labels.drawdown_risk(market, (10,), signal.loss)[10]
    known = labels.samples(features.compute(market, list(signal.inputs)), falls)
    expected = models.make(signal.model, seed=0).fit(
        known.inputs, known.labels, weight=known.uniqueness(), start=known.start, end=known.end
    )
    np.testing.assert_array_equal(
        signal.fit(market).risks[10].predict_proba(known.inputs), expected.predict_proba(known.inputs)
    )
