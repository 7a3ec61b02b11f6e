"""Statistics of windows."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.api as sm
from arch.unitroot import VarianceRatio
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.sandbox.stats.runs import runstest_1samp
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.tsa.stattools import acf, pacf

from quantstrats import Market, features
from quantstrats.errors import ConfigError
from quantstrats.features.dependence import fractional_weights
from quantstrats.features.rescaled_range import expected_rescaled_range, rescaled_range
from quantstrats.features.sorted_kernels import mean_excess, median_and_deviation, rolling_quantiles
from quantstrats.market.calendar import Calendar

from .oracle import Oracle

ROWS = 40  # of the last bars: what statsmodels and arch need for each takes a while


def logs(bars):
    return np.log(bars.close)


def log_returns(bars):
    return logs(bars).diff()


def by_window(series, window, function):
    return series.rolling(window).apply(function, raw=True)


def last_windows(series, window, function):
    values = series.to_numpy()
    ends = range(len(values) - ROWS, len(values))
    return pd.Series([function(values[end - window + 1 : end + 1]) for end in ends], series.index[-ROWS:])


def of_returns(window, function):
    return lambda bars: last_windows(log_returns(bars), window, function)


def robust(prices):
    off = np.median(np.abs(prices - np.median(prices)))
    return 0.6745 * (prices[-1] - np.median(prices)) / off


def residual(values):
    fit = sm.OLS(values, sm.add_constant(np.arange(len(values)))).fit()
    return fit.resid[-1] / math.sqrt(fit.mse_resid)


def quantile_skewness(r):
    low, middle, high = np.quantile(r, [0.1, 0.5, 0.9])
    return (high + low - 2 * middle) / (high - low)


def hill(r):
    ordered = sorted(abs(r), reverse=True)  # a tenth of 252 returns are 25
    return 1 / np.mean([math.log(each / ordered[25]) for each in ordered[:25]])


def discreteness(prices):
    moves = np.diff(prices)
    return np.sign(prices[-1] - prices[0]) * (np.mean(moves < 0) - np.mean(moves > 0))


def leverage(r):
    return np.corrcoef(r[:-1], np.abs(r[1:]))[0, 1]


def clustering(r):
    return acf(r**2, nlags=1, fft=False)[1]


def ratio_of(values, what):
    found = VarianceRatio(values, lags=5, trend="c", debiased=True, robust=True, overlap=True)
    return getattr(found, what)


def half_life(values):
    slope = sm.OLS(np.diff(values), sm.add_constant(values[:-1])).fit().params[1]
    return -math.log(2) / math.log(1 + slope) if -1 < slope < 0 else np.nan


def dickey_fuller(values):
    return sm.OLS(np.diff(values), sm.add_constant(values[:-1])).fit().tvalues[1]


def next_return(r):
    start, slope = sm.OLS(r[1:], sm.add_constant(r[:-1])).fit().params
    return start + slope * r[-1]


def histogram(r):
    counts = np.histogram(r, bins=8)[0]
    return scipy.stats.entropy(counts) / math.log(8)


def orders(prices):
    found = [tuple(np.argsort(prices[start : start + 3], kind="stable")) for start in range(len(prices) - 2)]
    counts = [found.count(each) for each in itertools.permutations(range(3))]
    return scipy.stats.entropy(counts) / math.log(6)


def fractional(values):
    weights, out = [], 0.0
    for k in range(55):
        # The k-th coefficient of (1 - B)^0.4: the generalised binomial, by gamma functions.
        weights.append((-1) ** k * math.gamma(1.4) / math.gamma(k + 1) / math.gamma(1.4 - k))
        out += weights[-1] * values[-1 - k]
    return out


def lorentzian(bars):
    r = bars.close.pct_change()
    return np.log(1 + (r - r.shift()).abs() / r.rolling(20).std().shift())


def rescaled(r):
    """Return R / S of some returns, step by step."""
    sums, total = [], 0.0
    for each in r:
        total += each - np.mean(r)
        sums.append(total)
    return (max(*sums, 0.0) - min(*sums, 0.0)) / np.std(r)


def expected(n):
    terms = [math.sqrt((n - i) / i) for i in range(1, n)]
    return math.gamma((n - 1) / 2) / math.sqrt(math.pi) / math.gamma(n / 2) * sum(terms)


def hurst(r):
    sizes, levels = [8, 16, 32, 64, 128], []
    for n in sizes:
        parts = [r[len(r) - (k + 1) * n : len(r) - k * n] for k in range(256 // n)]
        level = math.log(np.mean([rescaled(part) for part in parts]) / expected(n))
        levels.append(level + (math.pi / 3 - 1) / 2 / len(parts))
    return 0.5 + np.polyfit(np.log(sizes), levels, 1)[0]


ORACLES = [
    Oracle(
        "zscore", "pandas", lambda bars: (bars.close - bars.close.rolling(20).mean()) / bars.close.rolling(20).std()
    ),
    Oracle("robust_zscore", "numpy", lambda bars: by_window(bars.close, 60, robust)),
    Oracle("robust_zscore(window=31)", "numpy", lambda bars: by_window(bars.close, 31, robust)),
    Oracle("regression_residual_z", "statsmodels", lambda bars: last_windows(logs(bars), 60, residual)),
    Oracle("mean_return", "pandas", lambda bars: bars.close.pct_change().rolling(20).mean()),
    Oracle("skewness", "scipy", of_returns(60, lambda r: scipy.stats.skew(r, bias=False))),
    Oracle("kurtosis", "scipy", of_returns(60, lambda r: scipy.stats.kurtosis(r, bias=False))),
    Oracle("jarque_bera", "scipy", of_returns(60, lambda r: scipy.stats.jarque_bera(r).statistic)),
    Oracle("robust_skewness", "numpy", of_returns(120, quantile_skewness)),
    Oracle("max_return", "pandas", lambda bars: bars.close.pct_change().rolling(21).max()),
    Oracle(
        "percentile_rank",
        "scipy",
        lambda bars: last_windows(
            bars.close, 252, lambda v: scipy.stats.percentileofscore(v[:-1], v[-1], kind="mean") / 100
        ),
    ),
    Oracle("quantile_distance", "pandas", lambda bars: bars.close / bars.close.rolling(252).median() - 1),
    *(
        Oracle(
            f"quantile_distance(share={share})",
            "pandas",
            lambda bars, share=share: bars.close / bars.close.rolling(252).quantile(share) - 1,
        )
        for share in (0.1, 0.25, 0.75, 0.9)
    ),
    Oracle("tail_exponent", "by hand", of_returns(252, hill)),
    Oracle("semivariance_ratio", "numpy", of_returns(60, lambda r: sum(np.minimum(r, 0) ** 2) / sum(r**2))),
    Oracle("information_discreteness", "numpy", lambda bars: last_windows(bars.close, 253, discreteness)),
    Oracle("leverage_correlation", "numpy", of_returns(121, leverage)),
    *(
        Oracle(
            f"autocorrelation(lag={lag})",
            "statsmodels",
            of_returns(60, lambda r, lag=lag: acf(r, nlags=lag, fft=False)[lag]),
        )
        for lag in range(1, 11)
    ),
    *(
        Oracle(
            f"partial_autocorrelation(lag={lag})",
            "statsmodels",
            of_returns(60, lambda r, lag=lag: pacf(r, nlags=lag, method="ldb")[lag]),
        )
        for lag in (1, 2, 3, 10)
    ),
    Oracle("ljung_box", "statsmodels", of_returns(60, lambda r: acorr_ljungbox(r, lags=[5]).lb_stat.iloc[0])),
    Oracle("volatility_clustering", "statsmodels", of_returns(120, clustering)),
    Oracle("variance_ratio", "arch", lambda bars: last_windows(logs(bars), 121, lambda v: ratio_of(v, "vr"))),
    Oracle("variance_ratio_z", "arch", lambda bars: last_windows(logs(bars), 121, lambda v: ratio_of(v, "stat"))),
    Oracle("runs_z", "statsmodels", of_returns(60, lambda r: runstest_1samp(r, cutoff=0.0, correction=False)[0])),
    Oracle(
        "dickey_fuller_t",
        "statsmodels",
        lambda bars: last_windows(logs(bars), 121, dickey_fuller),
    ),
    Oracle("ou_half_life", "statsmodels", lambda bars: by_window(logs(bars), 121, half_life)),
    Oracle("autoregressive_forecast", "statsmodels", of_returns(121, next_return)),
    Oracle("shannon_entropy", "scipy", of_returns(60, histogram)),
    Oracle("permutation_entropy", "scipy", lambda bars: last_windows(bars.close, 60, orders)),
    Oracle("fractional_difference", "gamma functions", lambda bars: by_window(logs(bars), 55, fractional)),
    Oracle("lorentzian_distance", "pandas", lorentzian),
    Oracle("hurst", "by hand", of_returns(256, hurst)),
]


def market_of(*closes):
    closes = np.array(closes, dtype=float).T
    days = Calendar("XNYS").sessions(pd.Timestamp("2012-01-03"), pd.Timestamp("2024-12-31"))[: len(closes)]
    return Market.from_frames(close=pd.DataFrame(closes, index=days, columns=[f"S{n}" for n in range(closes.shape[1])]))


def last(name, *closes):
    return features.compute(market_of(*closes), [name])[name].to_numpy()[-1]


@pytest.mark.parametrize(("n", "value"), [(10, 2.8722), (25, 5.1525), (50, 7.7352), (100, 11.396), (250, 18.67)])
def test_the_rescaled_range_that_noise_is_expected_to_have_is_the_published_one(n, value):
    # The published ones have Peters' factor, for a deviation that divides by n - 1.
    assert (n - 0.5) / n * expected_rescaled_range(n) == pytest.approx(value, rel=5e-5)


@pytest.mark.parametrize("n", [8, 32, 128])
def test_noise_has_the_rescaled_range_that_it_is_expected_to_have(n):
    sums = np.cumsum(np.random.default_rng(n).standard_normal((20_000, n + 1)), axis=1)
    found = rescaled_range(sums, n)[:, -1]
    assert found.mean() == pytest.approx(expected_rescaled_range(n), abs=4 * found.std() / math.sqrt(20_000))


def test_the_hurst_exponent_of_noise_is_one_half_on_the_mean():
    noise = np.random.default_rng(7).standard_normal((400, 257))
    found = last("hurst", *100 * np.exp(0.01 * np.cumsum(noise, axis=1)))
    assert abs(found.mean() - 0.5) < 3 * found.std() / 20


def test_the_plain_slope_of_rescaled_ranges_of_noise_is_far_above_one_half():
    # Why it is corrected: on 1,000 returns of noise the plain slope was measured as 0.56 on the mean.
    noise = np.cumsum(np.random.default_rng(7).standard_normal((100, 1001)), axis=1)
    sizes = [8, 16, 32, 64, 128, 256]
    means = [rescaled_range(noise, n)[:, n::n].mean(axis=1) for n in sizes]
    assert np.polyfit(np.log(sizes), np.log(means), 1)[0].mean() > 0.54


def test_moves_that_go_on_have_a_higher_hurst_exponent_than_those_that_turn():
    noise = np.random.default_rng(8).standard_normal((100, 258))
    on, back = noise[:, 1:] + 0.7 * noise[:, :-1], noise[:, 1:] - 0.7 * noise[:, :-1]
    persistent, turning = (last("hurst", *100 * np.exp(0.01 * np.cumsum(each, axis=1))) for each in (on, back))
    assert persistent.mean() > 0.55
    assert turning.mean() < 0.45


def test_noise_strays_about_one_half_as_far_as_hurst_of_noise_says():
    low, high = features.hurst_of_noise(256, 0.90, samples=1000)
    noise = np.random.default_rng(9).standard_normal((1000, 257))
    found = last("hurst", *100 * np.exp(0.01 * np.cumsum(noise, axis=1)))
    assert 0.85 < np.mean((found > low) & (found < high)) < 0.95
    assert low < 0.45 < 0.55 < high
    with pytest.raises(ValueError, match=r"level is 1\.5; it must be above 0 and below 1"):
        features.hurst_of_noise(256, 1.5)


def test_the_weights_of_a_fractional_difference_are_the_published_ones():
    assert fractional_weights(0.4, 1e-3)[:7] == pytest.approx(
        [1, -0.4, -0.12, -0.064, -0.0416, -0.029952, -0.022963], abs=5e-7
    )
    assert fractional_weights(1.0, 1e-3) == (1.0, -1.0)
    assert [len(fractional_weights(0.4, each)) for each in (1e-4, 1e-5)] == [282, 1458]


def test_a_fractional_difference_of_a_step_of_one_bar_is_the_published_weights():
    # Log closes of 0 but for one bar, on which it is 1.
    closes = np.where(np.arange(120) == 60, math.e, 1.0)
    got = features.compute(market_of(closes), ["fractional_difference"]).to_numpy()[:, 0]
    np.testing.assert_array_equal(got[54:60], 0.0)
    np.testing.assert_allclose(got[60:67], [1, -0.4, -0.12, -0.064, -0.0416, -0.029952, -0.022963], atol=5e-7)
    np.testing.assert_array_equal(got[115:], 0.0)  # 55 weights are of at least a thousandth


def test_a_fractional_difference_keeps_a_part_of_the_level():
    # Of a log close of 1 on all bars the sum of the weights: (-1)^n C(-0.6, n) for n = 54, the last of them.
    n = 54
    total = math.exp(math.lgamma(n + 0.6) - math.lgamma(0.6) - math.lgamma(n + 1))
    assert last("fractional_difference", np.full(80, math.e))[0] == pytest.approx(total, rel=1e-9)


def test_a_fractional_difference_of_order_one_is_the_log_return():
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.02, 30)))
    assert last("fractional_difference(order=1.0)", closes)[0] == pytest.approx(math.log(closes[-1] / closes[-2]))


def test_the_lorentzian_distance_of_two_per_cent_is_the_logarithm_of_1_02_and_belongs_to_the_later_bar():
    # The squared form would give 0.00039992.
    name = "lorentzian_distance(scaled=False)"
    values = features.compute(market_of([100, 100, 102, 104.04]), [name])[name].to_numpy()[:, 0]
    np.testing.assert_allclose(values, [np.nan, np.nan, 0.0198026, 0.0], atol=1e-7)


def test_the_half_life_of_a_price_that_comes_back_by_a_twentieth_of_its_way_each_bar_is_13_5_bars():
    # x' = 0.95 x without noise: ln 2 / -ln 0.95 = 13.5134. (A rate of 0.05 in continuous time has 13.8629.)
    closes = np.exp(0.95 ** np.arange(122.0))
    assert last("ou_half_life", closes)[0] == pytest.approx(math.log(2) / -math.log(0.95), rel=1e-9)
    rate = np.exp(np.exp(-0.05 * np.arange(122.0)))
    assert last("ou_half_life", rate)[0] == pytest.approx(13.8629, abs=1e-4)


def test_a_price_that_runs_away_has_no_half_life():
    assert np.isnan(last("ou_half_life", np.exp(1.02 ** np.arange(122.0) / 10))[0])


def test_a_rising_price_is_at_its_highest_rank_and_equal_ones_are_in_the_middle():
    rising, flat = np.arange(1.0, 31.0), np.full(30, 5.0)
    np.testing.assert_array_equal(last("percentile_rank(window=20)", rising, flat, rising[::-1]), [1.0, 0.5, 0.0])


def test_a_price_that_stands_still_has_no_moments_and_no_scores():
    flat = np.full(300, 5.0)
    names = [
        "zscore",
        "robust_zscore",
        "regression_residual_z",
        "skewness",
        "kurtosis",
        "jarque_bera",
        "robust_skewness",
    ]
    names += ["autocorrelation", "partial_autocorrelation", "ljung_box", "volatility_clustering", "variance_ratio"]
    names += ["variance_ratio_z", "runs_z", "dickey_fuller_t", "ou_half_life", "autoregressive_forecast", "hurst"]
    names += ["shannon_entropy", "lorentzian_distance", "semivariance_ratio", "tail_exponent", "leverage_correlation"]
    assert features.compute(market_of(flat), names).isna().all(axis=None)


def test_a_price_that_only_rises_has_no_permutation_entropy_left():
    assert last("permutation_entropy", np.arange(1.0, 101.0))[0] == 0.0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hurst(window=20)", "window is 20; it must be at least 32"),
        ("autocorrelation(lag=0)", "lag is 0; it must be at least 1"),
        ("autocorrelation(window=5, lag=5)", "window is 5; it must be at least 7"),
        ("variance_ratio(lag=1)", "lag is 1; it must be at least 2"),
        ("variance_ratio(window=8)", "window is 8; it must be at least 10"),
        ("quantile_distance(share=1.0)", "share is 1; it must be above 0 and below 1"),
        ("robust_skewness(share=0.5)", "share is 0.5; it must be above 0 and below 0.5"),
        ("tail_exponent(window=10)", "share x window is 1; it must be at least 2 returns"),
        ("shannon_entropy(bins=1)", "bins is 1; it must be at least 2"),
        ("permutation_entropy(order=7)", "order is 7; it must be 2 to 6"),
        ("fractional_difference(order=2.0)", "order is 2; it must be above 0 and below 2"),
        ("fractional_difference(threshold=1e-9)", "leaves more than 5,000 weights; choose a larger one"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        features.warmup([name])


@given(
    st.lists(st.sampled_from([1.0, 1.5, 2.0, 2.5, 7.0, np.nan]) | st.floats(-5, 5), min_size=12, max_size=40),
    st.integers(3, 9),
)
def test_sorted_windows_say_what_numpy_says_of_each_window(values, window):
    line = np.array(values)
    found = rolling_quantiles(line[None], window, (0.1, 0.5, 0.8))[:, 0]
    middle, off = median_and_deviation(line[None], window)[:, 0]
    excess = mean_excess(line[None], window, 2)[0]
    for end in range(len(line)):
        part = line[max(end - window + 1, 0) : end + 1]
        if len(part) < window or np.isnan(part).any():
            assert np.isnan([*found[:, end], middle[end], off[end], excess[end]]).all()
            continue
        np.testing.assert_allclose(found[:, end], np.quantile(part, (0.1, 0.5, 0.8)), atol=1e-12)
        np.testing.assert_allclose(middle[end], np.median(part), atol=1e-12)
        np.testing.assert_allclose(off[end], np.median(np.abs(part - np.median(part))), atol=1e-12)
        ordered = np.sort(part)
        np.testing.assert_allclose(excess[end], ordered[-2:].mean() - ordered[-3], atol=1e-12)
