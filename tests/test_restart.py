"""A session that starts today computes what the backtest computes, from the rows that `history` names and no others.

That the signals that ship do is in plugins/test_contract.py.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from restarting import check_restarts, restarts

from quantstrats import Learner, Market, Plugins, Schedule, SideSeries, Signal, Universe
from quantstrats.portfolio.allocators import LongFlat, Proportional
from quantstrats.strategy import Strategy

DAYS = 50
ETFS = ["EWZ", "GLD", "HYG", "IWM", "SPY", "TLT", "UUP", "VXX"]  # HYG, UUP and VXX are listed late
SMALL = ["CFNB", "DVCR", "HCCI", "KGJI"]  # with gaps of weeks, HCCI and KGJI listed late


@dataclass(frozen=True)
class Trend(Signal):
    """The return over `lookback` bars, over gaps."""

    name = "trend"
    lookback: int = 10

    def warmup(self):
        return self.lookback + 5

    def forecast(self, market):
        return market.close.ffill(limit=4).pct_change(self.lookback, fill_method=None)


@dataclass(frozen=True)
class Band(Signal):
    """Up from the highest close of a month on, down from the lowest one on; it remembers within a quarter."""

    name = "band"
    resets = "quarter"

    def warmup(self):
        return 21

    def forecast(self, market):
        high, low = market.close.rolling(21, min_periods=5).max(), market.close.rolling(21, min_periods=5).min()
        state = pd.DataFrame(np.nan, index=market.index, columns=market.symbols)
        return state.mask(market.close >= high, 1.0).mask(market.close <= low, -1.0).ffill()


@dataclass(frozen=True)
class Blend(Signal):
    """The smoothed mean of what its parts say."""

    name = "blend"
    parts: tuple[Signal, ...] = field(default_factory=lambda: (Trend(), Band()))
    smooth: int = 3

    def warmup(self):
        return self.smooth

    def forecast(self, market):
        mean = sum(market.parts[f"parts[{i}]"].fillna(0.0) for i in range(len(self.parts))) / len(self.parts)
        return mean.rolling(self.smooth).mean()


@dataclass(frozen=True)
class When(Signal):
    """What `idea` says where `gate` is above zero."""

    name = "when"
    idea: Signal
    gate: Signal

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.parts["idea"].where(market.parts["gate"] > 0.0, 0.0)


def features(market):
    """Return an array of rows x symbols x features, and where all of them are known."""
    close, volume = market.close, market.volume
    frames = [close.pct_change(n, fill_method=None) for n in (1, 5, 20)]
    frames.append(volume / volume.rolling(20, min_periods=10).mean() - 1)
    values = np.stack([frame.to_numpy() for frame in (*frames, *market.parts.values())], axis=-1)
    return values, np.isfinite(values).all(axis=-1)


@dataclass(frozen=True)
class Fitted(Signal):
    """The chance of a rise, less one half."""

    name = "fitted"
    model: Any

    def warmup(self):
        return 21

    def forecast(self, market):
        values, known = features(market)
        chance = np.full(known.shape, np.nan)
        if known.any():
            chance[known] = self.model.predict_proba(values[known])[:, 1] - 0.5
        return pd.DataFrame(chance, index=market.index, columns=market.symbols)


@dataclass(frozen=True)
class Logistic(Learner):
    """Learn from features of closes and volume whether the next `horizon` bars rise."""

    name = "logistic"
    horizon: int = 3

    def warmup(self):
        return 21

    def fit(self, market):
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        values, known = features(market)
        later = (market.close.shift(-self.horizon) / market.close - 1).to_numpy()
        known &= ~np.isnan(later)
        rises = later[known] > 0
        if rises.all() or not rises.any():
            return None
        return Fitted(make_pipeline(StandardScaler(), LogisticRegression()).fit(values[known], rises))


@dataclass(frozen=True)
class Meta(Logistic):
    """Learn when its part is right: the part's forecast is one more feature."""

    name = "meta"
    primary: Signal = field(default_factory=Trend)


def generated(index, count):
    """Return bars with gaps, late listings and volume, the same each time."""
    rng = np.random.default_rng(5)
    shape = (len(index), count)
    close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=0)), 2)
    close[rng.random(shape) < 0.02] = np.nan
    close[100:140, 0] = np.nan
    for column in range(1, count, 3):
        close[: len(index) * column // (2 * count), column] = np.nan
    names = [f"S{i}" for i in range(count)]
    frame = pd.DataFrame(close, index=index, columns=names)
    volume = pd.DataFrame(np.round(1e6 * np.exp(rng.normal(0, 0.5, shape))), index=index, columns=names)
    return {"close": frame, "open": frame, "high": frame, "low": frame, "volume": volume.where(frame.notna())}


@pytest.fixture(scope="module")
def market(real_bars, nasdaq):
    """Bars of twelve symbols over three years with gaps and late listings: real ones where they are at hand."""
    index = nasdaq.index[(nasdaq.session >= "2007-01-03") & (nasdaq.session <= "2009-12-31")]
    if os.environ.get("QUANTSTRATS_TEST_DATA"):
        etf, small = real_bars("daily_etf"), real_bars("daily_small_illiquid")
        frames = {name: pd.concat([etf[name][ETFS], small[name][SMALL]], axis=1).loc[: index[-1]] for name in etf}
    else:
        frames = generated(index, 12)
    vix = nasdaq.close["NASDAQ"].pct_change().rolling(21).std().dropna() * 1600
    side = {"vix": SideSeries(vix, vix.index.tz_localize("UTC") + pd.Timedelta("28h"))}
    made = Market.from_frames(**frames, side=side)
    assert not made.present.all()
    assert (~made.present[0]).any()
    return made


@pytest.fixture(scope="module")
def half_hours(nasdaq):
    days = nasdaq.index[(nasdaq.session >= "2014-04-01") & (nasdaq.session <= "2014-05-30")]
    starts = [day + pd.Timedelta(hours=9.5) + pd.Timedelta(minutes=30 * i) for day in days for i in range(13)]
    return Market.from_frames(**generated(pd.DatetimeIndex(starts).tz_localize("America/New_York"), 3))


@pytest.mark.parametrize("every", ["month", 10])
def test_a_schedule_restarts_at_its_latest_decision(market, installed, every):
    check_restarts(Strategy(installed.signal("momentum")(lookback=60), Proportional(), Schedule(every)), market)


def test_a_signal_with_resets_restarts(market):
    check_restarts(Strategy(Band(), Proportional()), market)


def test_a_composition_restarts_and_one_within_another(market):
    check_restarts(Strategy(Blend(), Proportional()), market)
    nested = When(idea=Blend((Blend((Trend(3), Band())), Trend(40))), gate=Band())
    check_restarts(Strategy(nested, Proportional()), market, days=20)


LEARNERS = [("week", 40, "2009-04-01", 20), ("month", 60, "2008-09-01", 20), ("quarter", 120, None, DAYS)]
LEARNERS += [("year", 200, None, 20)]


@pytest.mark.parametrize(("refit", "train", "start", "days"), LEARNERS)
def test_a_learner_restarts(market, refit, train, start, days):
    check_restarts(Strategy(Logistic(refit=refit, train=train), Proportional()), market.between(start, None), days)


def test_a_learner_that_expands_from_a_date_restarts(market):
    check_restarts(Strategy(Logistic(refit="quarter", train=date(2007, 6, 30)), Proportional()), market, days=15)


def test_a_learner_that_learns_from_another_learners_forecasts_restarts(market):
    primary = Logistic(refit="quarter", train=100, horizon=5)
    check_restarts(Strategy(Meta(refit="quarter", train=80, primary=primary), Proportional()), market, days=15)


def test_a_composition_of_learners_restarts(market):
    blend = Blend((Logistic(refit="month", train=60), Band(), Trend()))
    check_restarts(Strategy(blend, LongFlat(), Schedule("week")), market.between("2008-06-01", None), days=15)


def test_a_universe_restarts_with_a_learner_and_a_monthly_schedule(market):
    volume = np.nanmedian(market.array("close") * market.array("volume"), axis=0)
    universe = Universe(min_dollar_volume=float(np.sort(volume)[3]), window=15)
    inside = universe.applied(market).universe.to_numpy()[20:]
    assert (inside.any(axis=0) & ~inside.all(axis=0)).sum() >= 2
    learner = Meta(refit="month", train=80, primary=Trend())
    strategy = Strategy(learner, Proportional(), Schedule("month"), universe=universe)
    check_restarts(strategy, market.between("2008-03-01", None), days=15)


@pytest.mark.parametrize("by", ["dollar_volume", "volatility"])
def test_a_universe_of_the_best_restarts(market, by):
    universe = Universe(top=4, by=by, window=15)
    inside = universe.applied(market).universe.to_numpy()[20:]
    assert (inside.any(axis=0) & ~inside.all(axis=0)).sum() >= 2
    check_restarts(Strategy(Trend(), Proportional(), Schedule("week"), universe=universe), market)


@pytest.mark.parametrize(
    "signal", [Trend(), Blend((Trend(), Trend(20))), Logistic(refit="week", train=100), Meta(refit="week", train=60)]
)
def test_intraday_bars_restart(half_hours, signal):
    check_restarts(Strategy(signal, Proportional()), half_hours, days=10)
    check_restarts(Strategy(signal, Proportional(), Schedule("session", last_decision=2)), half_hours, days=5)


def test_side_series_restart(market):
    @dataclass(frozen=True)
    class Calm(Signal):
        name = "calm"
        needs = ("vix",)

        def warmup(self):
            return 30

        def forecast(self, market):
            return market.close.pct_change(29, fill_method=None).mul(market.side["vix"].diff(20), axis=0)

    check_restarts(Strategy(Calm(), Proportional()), market)


EXACT = [
    ("momentum", lambda: Plugins.installed().signal("momentum")(lookback=60)),
    ("resets", Band),
    ("composition", lambda: Blend((Trend(3), Band(), Blend((Trend(40),))))),
    ("learner", lambda: Logistic(refit="month", train=90)),
    ("meta", lambda: Meta(refit="month", train=60, primary=Logistic(refit="quarter", train=70))),
    ("expanding", lambda: Logistic(refit="quarter", train=date(2007, 9, 4))),
]


@pytest.mark.parametrize(("_case", "make"), EXACT, ids=[case for case, _ in EXACT])
def test_history_names_no_row_too_many(market, _case, make):
    strategy = Strategy(make(), Proportional())
    for row, first in restarts(strategy, market, days=5):
        assert strategy.forecast(market.rows(first, row + 1)).iloc[-1].notna().any()
        # Without its first row the same row has no opinion, since what it depends on is not there.
        assert strategy.forecast(market.rows(first + 1, row + 1)).iloc[-1].isna().all()


def test_history_with_a_universe_names_no_row_too_many(market):
    strategy = Strategy(Trend(), Proportional(), universe=Universe(min_price=1.0, window=12))
    for row, first in restarts(strategy, market, days=5):
        assert strategy.forecast(market.rows(first, row + 1)).iloc[-1].notna().any()
        assert strategy.forecast(market.rows(first + 1, row + 1)).iloc[-1].isna().all()
