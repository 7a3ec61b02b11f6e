"""What holds for each of the simple signals that ship, beyond test_contract: other units, and odd markets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.anomaly_filter import AnomalyFilter
from quantstrats_plugins.anomaly_spike import AnomalySpike
from quantstrats_plugins.bollinger_reversion import BollingerReversion
from quantstrats_plugins.cluster_basket import ClusterBasket
from quantstrats_plugins.cluster_distance import ClusterDistance
from quantstrats_plugins.indicator_thresholds import IndicatorThresholds
from quantstrats_plugins.laguerre_channel import LaguerreChannel
from quantstrats_plugins.laguerre_cross import LaguerreCross, LaguerreLine
from quantstrats_plugins.momentum import Momentum
from quantstrats_plugins.news_jump import NewsJump

from quantstrats import Market, SideSeries
from quantstrats.evaluation import evaluate
from quantstrats.guard.check import check_lookahead

# With short windows, so that few rows are enough; the quarter of indicator_thresholds comes on top.
SIGNALS = [
    LaguerreCross(0.1, 0.5),
    LaguerreCross(0.0, 0.3, "rsi"),
    LaguerreLine(0.4),
    LaguerreChannel(gamma=0.4, window=10, hold=6),
    BollingerReversion(window=10, entry=1.5, hold=6),
    IndicatorThresholds(rsi=3, ema=8, bollinger=10, stop_loss=0.03, take_profit=0.04),
    AnomalyFilter(Momentum(lookback=5)),
    AnomalySpike(unusual=0.6, hold=3, trees=10, train=120, refit="quarter"),
    ClusterDistance(clusters=2, quantile=0.8, train=120, refit="quarter"),
    ClusterBasket(clusters=2, lookback=10, train=100, refit="quarter"),
    NewsJump(deviations=1.0, fresh=2, hold=4),
]
NAMES = [f"{signal.name}{number}" for number, signal in enumerate(SIGNALS)]


def bars(seed, rows, width=4):
    """Make bars with gaps, a symbol that is listed late and one that ends, and scores of news."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2012-01-02", periods=rows)
    names = [f"S{number}" for number in range(width)]
    close = pd.DataFrame(50 * np.exp(rng.normal(0, 0.02, (rows, width)).cumsum(axis=0)), days, names)
    open_ = close * np.exp(rng.normal(0, 0.005, close.shape))
    gone = rng.random(close.shape) < 0.02
    gone[: rows // 2, 0] = gone[-20:, 1] = True
    high, low = close.where(close > open_, open_) * 1.004, close.where(close < open_, open_) * 0.996
    volume = close * 0 + rng.integers(1, 9, close.shape)
    frames = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
    market = Market.from_frames(**{name: frame.mask(gone) for name, frame in frames.items()}, calendar="24/5")
    scores = pd.DataFrame(rng.normal(size=close.shape) * (rng.random(close.shape) < 0.4), days, names)
    return market.with_side({"news": SideSeries(scores, market.decided_at - pd.Timedelta("1h"))})


@pytest.fixture(scope="module")
def market():
    return bars(1, 560)


def test_the_guard_finds_nothing_in_the_cross_of_strengths(market):
    # A line that test_contract does not draw.
    signal = LaguerreCross(0.0, 0.3, "rsi")
    late = market.rows(len(market) - 100 - signal.warmup(), len(market))
    forecast = evaluate(signal, late)
    report = check_lookahead(signal, late, forecast, mode="full")
    assert report.result == "clean"
    assert report.rows > 30
    assert (forecast > 0.0).any(axis=None)
    assert (forecast < 0.0).any(axis=None)


@pytest.mark.parametrize("signal", SIGNALS, ids=NAMES)
def test_prices_in_another_unit_change_nothing(signal, market):
    factor = pd.Series(2.0 ** np.arange(len(market.symbols)), index=market.symbols)
    frames = {field: getattr(market, field) * factor for field in ("open", "high", "low", "close")}
    other = Market.from_frames(**frames, volume=market.volume, calendar="24/5").with_side(market.side.series)
    pd.testing.assert_frame_equal(evaluate(signal, other), evaluate(signal, market), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("signal", SIGNALS, ids=NAMES)
def test_one_symbol_closes_alone_and_prices_that_stand_still_are_no_error(signal, market):
    close = market.close[["S2", "S3"]].assign(still=7.0)
    scores = market.side["news"]
    for symbols in (["S2"], ["S2", "S3", "still"], ["still"]):
        alone = Market.from_frames(close=close[symbols], calendar="24/5")
        alone = alone.with_side({"news": SideSeries(scores, market.decided_at)})
        found = evaluate(signal, alone)
        assert list(found.columns) == symbols
        if "still" in symbols:
            assert not (found["still"].abs() > 1e-9).any()
