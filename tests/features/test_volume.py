"""Volume: against ta, TA-Lib, and the definitions written plainly with pandas."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import talib
from scipy import stats
from ta import volume as ta_volume
from ta.momentum import PercentageVolumeOscillator

from quantstrats import Market, features
from quantstrats.errors import ConfigError
from quantstrats.market.calendar import Calendar

from .oracle import Oracle, random_market


def over_windows(window, statistic):
    """Return an oracle that calls a function of a frame, the last bars of each row, one after the other."""

    def expected(bars):
        values = [np.nan] * (window - 1)
        values += [statistic(bars.iloc[last - window : last]) for last in range(window, len(bars) + 1)]
        return pd.Series(values, index=bars.index)

    return expected


def typical(bars):
    return (bars.high + bars.low + bars.close) / 3


def by_talib(function, *fields, **parameters):
    def expected(bars):
        return pd.Series(function(*(bars[field].to_numpy() for field in fields), **parameters), index=bars.index)

    return expected


def faded(values, alpha):
    return values.ewm(alpha=alpha, adjust=False).mean()


def twiggs(bars):
    last = bars.close.shift()
    low = pd.concat([bars.low, last], axis=1).min(axis=1)
    spread = pd.concat([bars.high, last], axis=1).max(axis=1) - low
    flow = (2 * (bars.close - low) / spread - 1) * bars.volume
    return faded(flow.iloc[1:], 1 / 21) / faded(bars.volume.iloc[1:], 1 / 21)


def index_where(bars, counts):
    """Return the growth over 60 bars of an index that moves where the volume does what is asked."""
    level, levels = 1000.0, [1000.0]
    for now, then in zip(bars.iloc[1:].itertuples(), bars.itertuples(), strict=False):
        level *= now.close / then.close if counts(now.volume, then.volume) else 1.0
        levels.append(level)
    return pd.Series(levels, index=bars.index).pct_change(60)


def klinger(bars):
    total, spread = bars.high + bars.low + bars.close, bars.high - bars.low
    trend = [-1] + [1 if now > then else -1 for then, now in itertools.pairwise(total)]
    force = {}
    for last in range(1, len(bars)):
        first = last
        while first > 1 and trend[first - 1] == trend[last]:
            first -= 1
        measured = spread.iloc[first - 1 : last + 1].sum()
        weight = abs(2 * spread.iloc[last] / measured - 1)
        force[bars.index[last]] = 100 * bars.volume.iloc[last] * trend[last] * weight
    force = pd.Series(force)
    return faded(force, 2 / 35) - faded(force, 2 / 56)


def up_down(part):
    moved = part.close.diff()
    return part.volume[moved > 0].sum() / part.volume[moved < 0].sum()


def delta(part):
    moved = np.sign(part.close.diff()).iloc[1:]
    return (moved * part.volume.iloc[1:]).sum() / part.volume.iloc[1:].sum()


def buyers(bars, window):
    change = bars.close.diff()
    return bars.volume * pd.Series(stats.norm.cdf(change / change.rolling(window).std()), index=bars.index)


def imbalance(bars):
    bought = buyers(bars, 20)
    return (bought - (bars.volume - bought)).rolling(20).sum() / bars.volume.rolling(20).sum()


def toxicity(bars):
    bought = buyers(bars, 50)
    return (bought - (bars.volume - bought)).abs().rolling(50).sum() / bars.volume.rolling(50).sum()


def line(values):
    return np.polyfit(np.arange(len(values)), values, 1)[0]


def percentage_volume(bars):
    return PercentageVolumeOscillator(bars.volume)


def histogram(part, bins=24):
    """Return edges and the volume in each bin, bar by bar and bin by bin."""
    edges = np.linspace(part.low.min(), part.high.max(), bins + 1)
    held = np.zeros(bins)
    for bar in part.itertuples():
        for each in range(bins):
            inside = min(bar.high, edges[each + 1]) - max(bar.low, edges[each])
            held[each] += bar.volume * max(inside, 0) / (bar.high - bar.low)
    return edges, held


def from_most_volume(part):
    edges, held = histogram(part)
    most = int(held.argmax())
    return part.close.iloc[-1] / (0.5 * (edges[most] + edges[most + 1])) - 1


def in_value_area(part):
    edges, held = histogram(part)
    inside = [int(held.argmax())]
    while held[inside].sum() < 0.7 * held.sum():
        beside = [each for each in (min(inside) - 1, max(inside) + 1) if 0 <= each < len(held)]
        inside.append(max(beside, key=lambda each: held[each]))
    low, high = edges[min(inside)], edges[max(inside) + 1]
    return (part.close.iloc[-1] - low) / (high - low)


def few_bars():
    return random_market(240, seed=4)


PRICES = ("high", "low", "close", "volume")


def of_ta(indicator, *fields, **parameters):
    return lambda bars: indicator(*(bars[field] for field in fields), **parameters)


ORACLES = [
    # ta adds the volume of an unchanged close, TA-Lib does not; these closes always change.
    Oracle(
        "obv",
        "ta 0.11, its change",
        lambda bars: ta_volume.OnBalanceVolumeIndicator(bars.close, bars.volume).on_balance_volume().diff(20),
    ),
    Oracle("obv", "TA-Lib, its change", lambda bars: by_talib(talib.OBV, "close", "volume")(bars).diff(20)),
    Oracle(
        "accumulation_distribution",
        "ta 0.11, its change",
        lambda bars: of_ta(ta_volume.AccDistIndexIndicator, *PRICES)(bars).acc_dist_index().diff(20),
    ),
    Oracle("accumulation_distribution", "TA-Lib, its change", lambda bars: by_talib(talib.AD, *PRICES)(bars).diff(20)),
    # What it leaves out has faded to 1e-9.
    Oracle("chaikin_oscillator", "TA-Lib", by_talib(talib.ADOSC, *PRICES), tolerance=1e-8),
    Oracle(
        "chaikin_money_flow",
        "ta 0.11",
        lambda bars: of_ta(ta_volume.ChaikinMoneyFlowIndicator, *PRICES)(bars).chaikin_money_flow(),
    ),
    Oracle("twiggs_money_flow", "pandas", twiggs, tolerance=1e-8),
    Oracle(
        "force_index",
        "ta 0.11",
        lambda bars: ta_volume.ForceIndexIndicator(bars.close, bars.volume).force_index(),
        tolerance=1e-8,
    ),
    Oracle(
        "ease_of_movement(window=1)",
        "ta 0.11",
        lambda bars: ta_volume.EaseOfMovementIndicator(bars.high, bars.low, bars.volume).ease_of_movement(),
    ),
    Oracle(
        "ease_of_movement",
        "ta 0.11",
        lambda bars: ta_volume.EaseOfMovementIndicator(bars.high, bars.low, bars.volume).sma_ease_of_movement(),
    ),
    Oracle("money_flow_index", "ta 0.11", lambda bars: of_ta(ta_volume.MFIIndicator, *PRICES)(bars).money_flow_index()),
    Oracle("money_flow_index(window=20)", "TA-Lib", by_talib(talib.MFI, *PRICES, timeperiod=20)),
    Oracle(
        "volume_price_trend",
        "ta 0.11, its change",
        lambda bars: ta_volume.VolumePriceTrendIndicator(bars.close, bars.volume).volume_price_trend().diff(20),
    ),
    Oracle(
        "negative_volume_index",
        "ta 0.11, its growth",
        lambda bars: (
            ta_volume.NegativeVolumeIndexIndicator(bars.close, bars.volume).negative_volume_index().pct_change(60)
        ),
    ),
    Oracle("positive_volume_index", "bar by bar", lambda bars: index_where(bars, lambda now, then: now > then)),
    Oracle("klinger_oscillator", "bar by bar", klinger, tolerance=1e-8),
    Oracle("up_down_volume_ratio", "by its definition", over_windows(51, up_down)),
    Oracle("cumulative_delta", "by its definition", over_windows(21, delta)),
    Oracle("bulk_volume_imbalance", "pandas and scipy", imbalance),
    Oracle("vpin", "pandas and scipy", toxicity),
    Oracle("vwap", "typical price of a day", typical),
    Oracle(
        "rolling_vwap(window=14)",
        "ta 0.11",
        lambda bars: of_ta(ta_volume.VolumeWeightedAveragePrice, *PRICES)(bars).volume_weighted_average_price(),
    ),
    Oracle("rolling_vwap", "numpy", over_windows(20, lambda part: np.average(typical(part), weights=part.volume))),
    Oracle(
        "vwap_distance",
        "ta 0.11",
        lambda bars: (
            bars.close
            / of_ta(ta_volume.VolumeWeightedAveragePrice, *PRICES, window=20)(bars).volume_weighted_average_price()
            - 1
        ),
    ),
    Oracle("volume_ratio", "pandas", lambda bars: bars.volume / bars.volume.rolling(20).mean()),
    Oracle("volume_zscore", "scipy", over_windows(20, lambda part: stats.zscore(part.volume.to_numpy(), ddof=1)[-1])),
    Oracle(
        "volume_price_divergence",
        "numpy's lines",
        over_windows(20, lambda part: float(np.sign(line(part.close)) != np.sign(line(part.volume)))),
    ),
    Oracle("volume_trend", "numpy's line", over_windows(20, lambda part: line(part.volume) / part.volume.mean())),
    Oracle("volume_roc", "TA-Lib", by_talib(talib.ROC, "volume", timeperiod=12)),
    Oracle("pvo", "ta 0.11", lambda bars: percentage_volume(bars).pvo(), tolerance=1e-8),
    Oracle("pvo_signal", "ta 0.11", lambda bars: percentage_volume(bars).pvo_signal(), tolerance=1e-8),
    Oracle("pvo_histogram", "ta 0.11", lambda bars: percentage_volume(bars).pvo_hist(), tolerance=1e-8),
    Oracle("dollar_volume", "pandas", lambda bars: (bars.close * bars.volume).rolling(20).mean()),
    Oracle(
        "volume_weighted_return",
        "numpy",
        over_windows(21, lambda part: np.average(part.close.pct_change().iloc[1:], weights=part.volume.iloc[1:])),
    ),
    Oracle("price_volume_correlation", "pandas", lambda bars: bars.close.pct_change().rolling(20).corr(bars.volume)),
    Oracle("market_facilitation_index", "pandas", lambda bars: (bars.high - bars.low) / bars.volume),
    Oracle("volume_profile_distance", "bin by bin", over_windows(60, from_most_volume), market=few_bars),
    Oracle("value_area_position", "bin by bin", over_windows(60, in_value_area), market=few_bars),
]


def bars_of_days(close, volume, high=None, low=None):
    """Return a market of one symbol with these closes and volumes; a bar's range is its close unless it is given."""
    days = random_market(1800, seed=2).index[: len(close)]

    def frame(values):
        return pd.DataFrame(np.asarray(values, dtype=float), index=days, columns=["AAA"])

    high, low = close if high is None else high, close if low is None else low
    return Market.from_frames(
        open=frame(close), high=frame(high), low=frame(low), close=frame(close), volume=frame(volume)
    )


def values(name, market):
    return features.compute(market, [name])[name]["AAA"].to_numpy()


def test_an_unchanged_close_adds_nothing_to_the_on_balance_volume():
    market = bars_of_days([10, 11, 11, 10, 10, 12], [1, 2, 4, 8, 16, 32])
    # Signed volumes from the second bar on: 2, 0, -8, 0, 32.
    np.testing.assert_array_equal(values("obv(window=3)", market), [np.nan] * 3 + [-6, -8, 24])


def test_the_first_bar_adds_nothing_to_the_on_balance_volume():
    # A change over one bar needs the bar before it: the first bar has no sign, and is missing.
    market = bars_of_days([10, 9, 9, 8], [100, 1, 2, 4])
    np.testing.assert_array_equal(values("obv(window=1)", market), [np.nan, -1, 0, -4])


def intraday_market():
    index = pd.DatetimeIndex([], tz="UTC")
    for day in ("2024-03-04", "2024-03-05"):
        start = pd.Timestamp(f"{day} 09:30", tz="America/New_York").tz_convert("UTC")
        index = index.append(pd.date_range(start, periods=13, freq="30min"))
    rng = np.random.default_rng(7)

    def frame(values):
        return pd.DataFrame(values, index=index, columns=["AAA"])

    close = 50 * np.exp(np.cumsum(0.001 * rng.standard_normal(26)))
    volume = np.round(1e4 * rng.random(26)) + 1
    return Market.from_frames(
        open=frame(close),
        high=frame(close * 1.002),
        low=frame(close * 0.999),
        close=frame(close),
        volume=frame(volume),
        bar="30min",
    )


def test_the_vwap_begins_anew_with_each_session():
    market = intraday_market()
    price = ((market.high + market.low + market.close) / 3)["AAA"]
    volume = market.volume["AAA"]
    expected = {}
    for _, part in price.groupby(market.session):
        for count in range(1, len(part) + 1):
            some = part.iloc[:count]
            expected[some.index[-1]] = np.average(some, weights=volume[some.index])
    expected = pd.Series(expected).to_numpy()
    got = values("vwap(window=13)", market)
    np.testing.assert_allclose(got[13:], expected[13:], rtol=1e-12)
    assert got[13] == pytest.approx(price.iloc[13], rel=1e-12)


def test_the_vwap_is_missing_where_the_session_is_longer_than_its_window():
    got = values("vwap(window=5)", intraday_market())
    assert np.isfinite(got[13:18]).all()
    assert np.isnan(got[18:]).all()


def test_an_unchanged_close_takes_the_side_of_the_last_change_of_ten_bars():
    still = [11] * 12
    market = bars_of_days([*range(1, 30), 10, *still], [1] * 42)
    got = values("cumulative_delta(window=1)", market)
    assert got[29] == -1  # fell from 29 to 10
    assert got[30] == 1  # rose to 11
    np.testing.assert_array_equal(got[31:41], [1] * 10)
    assert got[41] == 0


def test_what_is_a_proxy_says_so_in_its_first_line():
    for name in ("cumulative_delta", "bulk_volume_imbalance", "vpin"):
        assert "a proxy" in features.find(name).summary
    for name in ("volume_profile_distance", "value_area_position"):
        assert "approximate" in features.find(name).summary


def test_a_price_that_rises_while_volume_falls_diverges():
    rising, falling = np.arange(30) + 10.0, 100.0 - np.arange(30)
    assert values("volume_price_divergence", bars_of_days(rising, falling))[-1] == 1
    assert values("volume_price_divergence", bars_of_days(falling, rising))[-1] == 1
    assert values("volume_price_divergence", bars_of_days(rising, rising))[-1] == 0
    assert values("volume_price_divergence", bars_of_days(falling, falling))[-1] == 0


def test_a_volume_that_is_not_known_makes_only_its_windows_missing():
    market = random_market()
    volume = market.array("volume").copy()
    volume[400, 0] = np.nan
    arrays = {field: market.array(field) for field in ("open", "high", "low", "close")}
    holed = market.with_values({**arrays, "volume": volume})
    for name, window in {"obv": 20, "chaikin_money_flow": 20, "volume_ratio": 20, "rolling_vwap": 20}.items():
        missing = np.flatnonzero(np.isnan(values(name, holed)[100:])) + 100
        np.testing.assert_array_equal(missing, np.arange(400, 400 + window))
    for name in ("force_index", "pvo_signal", "chaikin_oscillator", "klinger_oscillator", "twiggs_money_flow"):
        bars = features.find(name).bars()
        missing = np.flatnonzero(np.isnan(values(name, holed)[bars - 1 :])) + bars - 1
        np.testing.assert_array_equal(missing, [400] if bars <= 400 else [])


def test_a_volume_that_is_not_known_counts_neither_in_the_sum_nor_in_the_weights():
    market = bars_of_days(np.full(400, 10.0), np.where(np.arange(400) % 7 == 3, np.nan, 1000.0))
    got = values("pvo", market)
    known = np.isfinite(got)
    assert known.sum() > 50
    np.testing.assert_allclose(got[known], 0.0, atol=1e-10)


@pytest.mark.parametrize("name", ["pvo", "pvo_signal", "force_index", "klinger_oscillator", "twiggs_money_flow"])
def test_a_huge_volume_leaves_no_trace_once_its_bars_are_over(name):
    market, bars = random_market(), features.find(name).bars()
    volume = market.array("volume").copy()
    volume[10] *= 1e12
    arrays = {field: market.array(field) for field in ("open", "high", "low", "close")}
    huge = market.with_values({**arrays, "volume": volume})
    after = slice(10 + bars + 1, None)
    np.testing.assert_allclose(values(name, huge)[after], values(name, market)[after], rtol=1e-9)


def test_no_volume_for_as_long_as_it_counts_is_no_oscillator():
    bars = features.find("pvo").bars()
    market = bars_of_days(np.full(bars + 40, 10.0), [*[5000.0] * 30, *[0.0] * (bars + 10)])
    got = values("pvo", market)
    assert got[-12] == pytest.approx(-100, abs=1.0)
    assert np.isnan(got[-10:]).all()


def test_a_trend_longer_than_klingers_measure_adds_up_is_that_of_its_last_51_ranges():
    close = 10 + np.arange(900) * 0.1
    market = bars_of_days(close, np.full(900, 1000.0), high=close + 1, low=close - 1)
    # The force is the same on all bars: 1e5 |2 / 51 - 1|, and two averages of it are equal.
    assert values("klinger_oscillator", market)[-1] == pytest.approx(0, abs=1e-6)


def test_equal_volumes_have_no_score_and_no_correlation():
    close = 10 * np.exp(np.cumsum(0.01 * np.random.default_rng(1).standard_normal(60)))
    market = bars_of_days(close, np.full(60, 10.1))
    assert np.isnan(values("volume_zscore", market)).all()
    assert np.isnan(values("price_volume_correlation", market)).all()


def test_where_all_volume_is_at_one_price_its_distance_is_zero():
    high = np.where(np.arange(80) == 0, 11.0, 10.0)
    market = bars_of_days(np.full(80, 10.0), np.full(80, 5.0), high=high)
    assert values("volume_profile_distance", market)[-1] == 0
    assert np.isnan(values("value_area_position", market)[-1])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("obv(window=0)", "window is 0; it must be at least 1"),
        ("pvo(fast=26)", "slow is 26; it must be at least 27"),
        ("chaikin_oscillator(fast=0)", "fast is 0; it must be at least 1"),
        ("volume_profile_distance(bins=1)", "bins is 1; it must be at least 2"),
        ("value_area_position(bins=1000000000)", "bins is 1,000,000,000; it must be at most 1,000"),
        ("vpin(window=1)", "window is 1; it must be at least 2"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        features.compute(random_market(), [name])


def test_a_day_is_one_bar_of_the_calendar():
    # The vwap of a daily bar leans on that: no session has two.
    days = random_market().index
    assert days.equals(Calendar("XNYS").sessions(days[0], days[-1]))
