"""Meta-labelling: the bets by hand, and that a primary that is right only at times is followed at those times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.meta_labelled import MetaLabelled, MetaLabelledFitted
from quantstrats_plugins.momentum import Momentum

from quantstrats import Learner, Market, Plugins, Signal, backtest, features, labels, load_market, models
from quantstrats.errors import ConfigError
from quantstrats.evaluation import details_of, evaluate
from quantstrats.guard.check import check_lookahead
from quantstrats.learning.fits import Fits
from quantstrats.learning.windows import first_needed

NAN = float("nan")


@dataclass(frozen=True)
class Always(Signal):
    """Long without end."""

    name = "always"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close.notna().astype(float)


@dataclass(frozen=True)
class Volume(Signal):
    """What the volume says: 1e6 shares are 0."""

    name = "volume"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.volume / 1e6 - 1


@dataclass(frozen=True)
class Wins:
    """A model that says of each row how likely a bet wins: its simple return, in tenths."""

    outcome: ClassVar[str] = "fitted"

    def probability(self, label, inputs):
        assert label == 1.0
        return 10 * np.abs(inputs[:, 1])


QUICK = {
    "inputs": ("roc(window=5)", "realised_volatility(window=10)"),
    "model": "logistic_regression",
    "train": 150,
    "refit": "quarter",
    "horizon": 5,
}


def test_the_side_is_the_primarys_and_the_size_that_of_the_chance(market_of):
    market = market_of({"A": [10.0, 10.6, 11.13, 11.13 * 1.04, None, 12.0]})
    sides = pd.DataFrame({"A": [1.0, 1.0, -3.0, 2.0, 2.0, 0.0]}, index=market.index)
    market = market.with_parts({"primary": sides})
    # Chances of 0.6, 0.5, 0.4, then none: sizes of 2 Z((p - 1/2) / sqrt(p (1 - p))) - 1 = 0.16174 and 0.
    sized = MetaLabelledFitted(Wins(), ("simple_return",), 0.5, True).forecast(market)["A"]
    assert sized.tolist() == pytest.approx([NAN, 0.16174, 0.0, 0.0, NAN, 0.0], abs=2e-5, nan_ok=True)
    whole = MetaLabelledFitted(Wins(), ("simple_return",), 0.4999, False).forecast(market)["A"]
    assert whole.tolist() == pytest.approx([NAN, 1.0, -1.0, 0.0, NAN, 0.0], nan_ok=True)


def test_a_bet_wins_where_its_own_barrier_is_reached_first_and_pays_more_than_it_costs(sessions):
    rng = np.random.default_rng(3)
    close = 100 * np.exp(rng.normal(0, 0.01, 60).cumsum())
    bars = {"close": close, "open": np.append(close[0], close[:-1])}
    frames = {name: pd.DataFrame({"A": values}, index=sessions(60)) for name, values in bars.items()}
    high, low = np.maximum(bars["open"], close), np.minimum(bars["open"], close)
    frames |= {"high": pd.DataFrame({"A": high}, sessions(60)), "low": pd.DataFrame({"A": low}, sessions(60))}
    side = np.where(np.arange(60) % 3 == 0, -1.0, 1.0)
    market = Market.from_frames(**frames).with_parts({"primary": pd.DataFrame({"A": side}, index=sessions(60))})
    signal = MetaLabelled(primary=Always(), horizon=4, profit=1.5, stop=1.0, cost_bps=20)
    found = signal.bets(market).values["A"].to_numpy()
    # Opens are the last closes, and every path is that of the closes: the first close beyond a barrier decides.
    returns = np.diff(np.log(close))
    for row in range(20, 55):
        deviation = returns[row - 20 : row].std(ddof=1)
        entry, earned = close[row], None
        for later in range(row + 1, row + 5):
            move = side[row] * (close[later] / entry - 1)
            if move >= 1.5 * deviation or move <= -deviation:
                earned = 1.5 * deviation if move > 0 else -deviation
                break
            earned = move
        assert found[row] == float(earned > 0.002), row


def turning(seed, bars=700, count=2):
    """Return bars in which what the volume says comes true in turbulent times, and the contrary in calm ones."""
    rng = np.random.default_rng(seed)
    index = load_market("synthetic", count=1, bars=bars).index
    wild = (np.arange(bars) // 30) % 2 == 1
    says = rng.choice([-1.0, 1.0], (bars // 5 + 1, count)).repeat(5, axis=0)[:bars]
    deviation = np.where(wild, 0.02, 0.008)[:, None]
    tells = np.where(wild, 1.0, -1.0)[:, None]
    drift = np.zeros((bars, count))
    drift[1:] = 0.8 * (says * tells * deviation)[:-1]
    returns = drift + deviation * rng.normal(size=(bars, count))
    symbols = ["A", "B"][:count]
    close = pd.DataFrame(50 * np.exp(returns.cumsum(axis=0)), index=index, columns=symbols)
    open_ = close.shift(1).fillna(50.0)
    high, low = close.where(close > open_, open_), close.where(close < open_, open_)
    volume = pd.DataFrame(1e6 * (1 + 0.5 * says), index=index, columns=symbols)
    return Market.from_frames(open=open_, high=high, low=low, close=close, volume=volume)


def test_the_primary_is_followed_at_the_times_at_which_it_is_right():
    market = turning(1)
    signal = MetaLabelled(
        primary=Volume(), **QUICK | {"model": "xgboost", "train": 400, "horizon": 3}, cost_bps=0, confidence=0.5
    )
    table = details_of(signal, market).tables["Bets of the primary, out of sample, after costs"]
    assert table.loc["followed", "won"] > table.loc["all", "won"] + 0.05
    assert table.loc["followed", "mean bps"] > 20 + table.loc["all", "mean bps"]
    assert table.loc["left", "mean bps"] < table.loc["all", "mean bps"]


def test_on_the_null_market_what_is_followed_wins_no_more_often():
    better = []
    for seed in (1, 2, 3):
        market = load_market("synthetic", seed=seed, count=4, bars=600)
        signal = MetaLabelled(primary=Momentum(lookback=20, skip=0), **QUICK, cost_bps=0, confidence=0.5)
        table = details_of(signal, market).tables["Bets of the primary, out of sample, after costs"]
        better.append(table.loc["followed", "won"] - table.loc["all", "won"])
    # About 4 x 350 bets that overlap fivefold are 280: the share that wins has a standard error of 0.03.
    assert abs(np.mean(better)) < 3 * 0.03 / np.sqrt(3)


def test_the_table_counts_all_bets_of_rows_with_an_opinion():
    market = load_market("synthetic", count=2, bars=420)
    signal, fits = MetaLabelled(primary=Momentum(lookback=20, skip=0), **QUICK), Fits()
    forecast = evaluate(signal, market, fits=fits)
    details = details_of(signal, market, fits, forecast=forecast)
    (table,) = details.tables.values()
    assert table.loc["all", "bets"] == table.loc["followed", "bets"] + table.loc["left", "bets"]
    # The last rows have no outcome yet.
    assert table.loc["all", "bets"] <= (forecast.iloc[:-5].notna()).to_numpy().sum()
    assert table.loc["followed", "bets"] <= (forecast != 0).to_numpy().sum()
    assert len(details.pictures) == 2
    assert all(hasattr(picture, "savefig") for picture in details.pictures.values())


def test_a_learner_can_be_the_primary_and_is_learned_from_out_of_sample():
    from quantstrats_plugins.ml_ensemble import MLEnsemble

    inner = MLEnsemble(
        models=("logistic_regression", "nearest_neighbours"), inputs=("roc(window=5)", "roc(window=20)"), train=120,
        refit="quarter", steps=1, folds=3, horizon=5, confidence=0.5,
    )  # fmt: skip
    market = load_market("synthetic", count=2, bars=520, momentum=0.4)
    signal = MetaLabelled(primary=inner, **QUICK)
    fits = Fits()
    forecast = evaluate(signal, market, fits=fits)
    # The second model begins only where the first was out of sample for as long as it is trained.
    assert forecast.first_valid_index() > evaluate(inner, market).index[150 + 120]
    assert forecast.notna().any(axis=None)
    assert details_of(signal, market, fits, forecast=forecast).tables


def test_before_the_first_fit_there_are_no_details_and_a_primary_without_bets_teaches_nothing():
    @dataclass(frozen=True)
    class Flat(Always):
        def forecast(self, market):
            return market.close * 0.0

    market = load_market("synthetic", count=2, bars=400)
    assert details_of(MetaLabelled(primary=Always(), **QUICK), market.rows(0, 30)).tables == {}
    fits = Fits()
    signal = MetaLabelled(primary=Flat(), **QUICK)
    found = evaluate(signal, market, fits=fits)
    assert (found.dropna() == 0).all(axis=None)  # where the primary is flat there is no bet
    assert set(fits.outcomes) == {"too few rows"}
    assert details_of(signal, market, fits).tables == {}


def with_gaps(seed, bars=300, count=3):
    whole = load_market("synthetic", seed=seed, count=count, bars=bars, momentum=0.3)
    gone = np.random.default_rng(seed).random((bars, count)) < 0.02
    gone[:200, 0] = gone[230:245, 1] = gone[275:, 2] = True
    return Market.from_frames(
        **{each: getattr(whole, each).mask(gone) for each in ("open", "high", "low", "close", "volume")}
    )


def test_the_guard_finds_nothing_at_any_row():
    market = with_gaps(1)
    signal = MetaLabelled(primary=Momentum(lookback=10, skip=0), **QUICK, cost_bps=0)
    forecast = evaluate(signal, market)
    assert forecast.nunique().max() > 2
    report = check_lookahead(signal, market, forecast, mode="full")
    assert report.result == "clean"
    assert report.rows > 90


def test_a_session_that_starts_within_a_refit_learns_the_same():
    market = with_gaps(3)
    signal = MetaLabelled(primary=Momentum(lookback=10, skip=0), **QUICK, cost_bps=0)
    whole = evaluate(signal, market)
    compared = 0
    for row in range(190, len(market), 13):
        first = first_needed(signal, market.timeline, row)
        if first is None:
            continue
        alone = evaluate(signal, market.rows(first, row + 1).with_listed_symbols()).iloc[-1]
        expected = whole.iloc[row]
        pd.testing.assert_series_equal(alone.reindex(expected.index), expected, rtol=1e-7, atol=1e-9, check_names=False)
        compared += expected.notna().any()
    assert compared > 4


def test_the_same_seed_gives_the_same_forecasts():
    market = with_gaps(4)
    signal = MetaLabelled(primary=Momentum(lookback=10, skip=0), **QUICK | {"model": "random_forest"}, seed=3)
    pd.testing.assert_frame_equal(evaluate(signal, market), evaluate(signal, market), check_exact=True)


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"horizon": 0}, ValueError),
        ({"profit": 0}, ValueError),
        ({"stop": -1}, ValueError),
        ({"cost_bps": -1}, ValueError),
        ({"confidence": 60}, ValueError),
        ({"model": "forest"}, ConfigError),
        ({"held_back": 2}, ConfigError),
    ],
)
def test_parameters_that_make_no_sense_are_refused(wrong, kind):
    with pytest.raises(kind):
        MetaLabelled(primary=Always(), **wrong)


def test_it_is_asked_for_by_name_with_its_primary_nested():
    import quantstrats_plugins.meta_labelled
    import quantstrats_plugins.momentum

    from quantstrats.portfolio import allocators

    plugins = Plugins()
    for module in (quantstrats_plugins.meta_labelled, quantstrats_plugins.momentum, allocators):
        plugins.register(module)
    nested = {"name": "meta_labelled", "primary": {"name": "momentum", "lookback": 20, "skip": 0}, **QUICK}
    nested["inputs"] = list(QUICK["inputs"])
    run = backtest(nested, load_market("synthetic", count=2, bars=400), allocator="direct", plugins=plugins)
    assert run.metrics["orders"] > 2
    held = run.targets.abs().to_numpy()
    assert 0 < np.nanmax(held) < 0.9


def test_the_first_input_is_what_the_primary_said(market_of):
    market = market_of({"A": [10, 11, 12], "B": [5, 5, 4]})
    sides = pd.DataFrame({"A": [1.0, 2.0, 3.0], "B": [-1.0, 0.0, NAN]}, index=market.index)
    table = MetaLabelled(primary=Always(), inputs=("simple_return",)).table(market.with_parts({"primary": sides}))
    assert table.columns.unique("feature").tolist() == ["primary", "simple_return"]
    pd.testing.assert_frame_equal(table["primary"], sides, check_names=False)
    pd.testing.assert_frame_equal(table["simple_return"], features.compute(market, ["simple_return"])["simple_return"])
    assert models.NAMES


def test_the_second_model_knows_how_long_bets_last(nasdaq):
    signal = MetaLabelled(primary=Momentum(20), horizon=7)
    assert signal.second().embargo == 7
    whole = nasdaq.rows(0, 500)
    market = whole.with_parts({"primary": evaluate(signal.primary, whole)})
    known = labels.samples(signal.table(market), signal.bets(market))
    expected = signal.second().fit(
        known.inputs, known.labels, weight=known.uniqueness(), start=known.start, end=known.end
    )
    np.testing.assert_array_equal(
        signal.fit(market).model.predict_proba(known.inputs), expected.predict_proba(known.inputs)
    )


@dataclass(frozen=True)
class AskedInSample(Learner):
    name = "asked_in_sample"

    def warmup(self):
        return 1

    def fit(self, market):
        raise AssertionError("the primary was fitted on the rows whose bets are learned")


def test_bets_are_those_of_forecasts_that_were_handed_in(nasdaq):
    market = nasdaq.rows(0, 500)
    market = market.with_parts({"primary": evaluate(Momentum(20), market)})
    assert MetaLabelled(primary=AskedInSample()).fit(market).model.outcome == "fitted"
