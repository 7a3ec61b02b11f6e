"""Liquidity: against the definitions written plainly, the identities of their papers, and simulated spreads."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from quantstrats import features
from quantstrats.errors import ConfigError

from .oracle import Oracle, random_market
from .test_volume import bars_of_days, over_windows, values


@functools.cache
def market_with_ticks():
    """Return prices rounded to ticks so wide that many closes are unchanged."""
    market = random_market()
    arrays = {field: np.ceil(market.array(field)) for field in ("open", "high", "low", "close")}
    return market.with_values({**arrays, "volume": market.array("volume")})


def two_day_spread(then, now, overnight=True, negatives="zero"):
    high, low = now.high, now.low
    if overnight and low > then.close:
        high, low = high - (low - then.close), then.close
    elif overnight and high < then.close:
        high, low = then.close, low + (then.close - high)
    beta = np.log(then.high / then.low) ** 2 + np.log(high / low) ** 2
    gamma = np.log(max(then.high, high) / min(then.low, low)) ** 2
    k = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
    spread = 2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))
    return max(spread, 0) if negatives == "zero" else spread


def corwin(**choices):
    def expected(bars):
        rows = list(bars.itertuples())
        single = [np.nan, *(two_day_spread(*pair, **choices) for pair in itertools.pairwise(rows))]
        return pd.Series(single, index=bars.index).rolling(20).mean()

    return expected


def abdi(bars):
    close, middle = np.log(bars.close), (np.log(bars.high) + np.log(bars.low)) / 2
    product = 4 * (close - middle) * (close - middle.shift(-1))
    single = product.map(lambda value: np.sqrt(max(value, 0.0)))
    return single.shift().rolling(20).mean()


def roll(part):
    change = np.diff(np.log(part.close))
    covariance = np.cov(change[1:], change[:-1], ddof=0)[0, 1]
    return 2 * np.sqrt(-covariance) if covariance < 0 else np.nan


def edge(part, signed=False):
    """Return the estimator of one window as the paper defines it, from moment to moment."""
    logs = np.log(part[["open", "high", "low", "close"]]).assign(eta=lambda part: (part.high + part.low) / 2).to_numpy()
    o, h, low, _, eta = logs[1:].T
    _, h1, low1, c1, eta1 = logs[:-1].T
    tau = (h != low) | (low != c1)
    chance = tau.mean()
    opens = (tau & (o != h)).mean() + (tau & (o != low)).mean()
    closes = (tau & (c1 != h1)).mean() + (tau & (c1 != low1)).mean()
    if tau.sum() < 2 or opens == 0 or closes == 0:
        return np.nan

    def centred(returns):
        return returns - returns.mean() / chance * tau

    with_middle = -4 / opens * centred(eta - o) * (o - eta1) - 4 / closes * centred(eta - c1) * (c1 - eta1)
    with_open = -4 / opens * centred(eta - o) * (o - c1) - 4 / closes * centred(o - c1) * (c1 - eta1)
    weights = np.array([with_open.var(), with_middle.var()])
    means = [with_middle.mean(), with_open.mean()]
    square = np.average(means, weights=weights) if weights.sum() > 1e-20 else np.mean(means)
    return np.sign(square) * np.sqrt(abs(square)) if signed else np.sqrt(abs(square))


def ticks(part):
    """Return volume signed by the side of the last change; these closes always change."""
    return np.sign(part.close.diff()).iloc[1:] * part.volume.iloc[1:]


def kyle(part):
    return stats.linregress(ticks(part), part.close.diff().iloc[1:]).slope


def hasbrouck(part):
    root = np.sign(part.close.diff()) * np.sqrt(part.close * part.volume)
    fitted = np.linalg.lstsq(root.to_numpy()[1:, None], np.diff(np.log(part.close)))
    return 1e6 * fitted[0][0]


def pastor(part):
    returns = part.close.pct_change()
    flow = np.sign(returns) * part.close * part.volume / 1e6
    design = sm.add_constant(np.column_stack([returns, flow])[1:-1])
    return sm.OLS(returns.to_numpy()[2:], design).fit().params[2]


def impact(bars):
    return 1e6 * (bars.close.pct_change().abs() / (bars.close * bars.volume)).rolling(60).mean()


def zero_share(bars):
    return (bars.close.diff() == 0).astype(float).where(bars.close.shift().notna()).rolling(60).mean()


def fht(bars):
    quantile = pd.Series(stats.norm.ppf((1 + zero_share(bars)) / 2), index=bars.index)
    return 2 * bars.close.pct_change().rolling(60).std() * quantile


ORACLES = [
    Oracle("amihud", "pandas", impact),
    Oracle(
        "amivest",
        "pandas",
        lambda bars: (
            (bars.close * bars.volume).rolling(60).sum() / 1e6 / bars.close.pct_change().abs().rolling(60).sum()
        ),
    ),
    Oracle("corwin_schultz", "pair by pair", corwin()),
    Oracle("corwin_schultz(negatives='keep')", "pair by pair", corwin(negatives="keep")),
    Oracle("corwin_schultz(overnight=False)", "pair by pair", corwin(overnight=False)),
    Oracle("abdi_ranaldo", "pandas", abdi),
    Oracle("roll_spread", "numpy", over_windows(62, roll)),
    Oracle("edge_spread", "by its definition", over_windows(21, edge)),
    Oracle("edge_spread(signed=True)", "by its definition", over_windows(21, functools.partial(edge, signed=True))),
    # The root of a square that is nothing but rounding is larger than that.
    Oracle(
        "edge_spread(window=10)",
        "by its definition",
        over_windows(11, edge),
        tolerance=1e-8,
        market=market_with_ticks,
    ),
    Oracle("kyle_lambda", "scipy", over_windows(61, kyle)),
    Oracle("hasbrouck_lambda", "numpy", over_windows(61, hasbrouck)),
    Oracle("pastor_stambaugh", "statsmodels", over_windows(62, pastor)),
    Oracle("zero_return_share", "pandas", zero_share, market=market_with_ticks),
    Oracle("fht_spread", "pandas and scipy", fht, market=market_with_ticks),
    Oracle("turnover_volatility", "scipy", over_windows(60, lambda part: stats.variation(part.volume, ddof=1))),
]


def test_amihud_is_per_million_and_counts_days_with_volume_alone():
    # Returns of 10 per cent on 10 x 1000: 0.1 / 1e4 = 1e-5, times 1e6 is 10. A day without volume is left out.
    close = np.where(np.arange(12) % 2, 11.0, 10.0)
    volume = 1e4 / close
    volume[5] = 0.0
    got = values("amihud(window=10)", bars_of_days(close, volume))
    each = np.where(np.arange(1, 12) % 2, 0.1, 1 / 11) / 1e4 * 1e6
    assert got[10] == pytest.approx(np.delete(each[:10], 4).mean(), rel=1e-12)


def test_amihud_is_missing_where_a_fifth_of_its_days_had_no_volume():
    close, volume = 10 + np.arange(30.0), np.full(30, 100.0)
    volume[[10, 12]] = 0.0
    assert np.isfinite(values("amihud(window=10)", bars_of_days(close, volume))[10:]).all()
    volume[14] = np.nan
    got = values("amihud(window=10)", bars_of_days(close, volume))
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(got[10:])) + 10, np.arange(14, 20))


@pytest.mark.parametrize("spread", [0.001, 0.01, 0.05])
def test_a_range_that_is_nothing_but_the_spread_is_the_corwin_schultz_spread(spread):
    price = np.full(40, 20.0)
    market = bars_of_days(price, np.ones(40), high=price * (1 + spread / 2), low=price * (1 - spread / 2))
    for choices in ("", "(overnight=False)", "(negatives='keep')"):
        got = values(f"corwin_schultz{choices}", market)
        np.testing.assert_allclose(got[20:], spread, rtol=1e-9)


def test_a_gap_overnight_is_taken_out_of_the_corwin_schultz_spread():
    # Each day 10 per cent above the one before: without the gaps it is pure spread once more.
    price = 20 * 1.1 ** np.arange(40)
    market = bars_of_days(price, np.ones(40), high=price * 1.005, low=price * 0.995)
    with_gaps = values("corwin_schultz(overnight=False, negatives='keep')", market)
    without = values("corwin_schultz(negatives='keep')", market)
    assert with_gaps[-1] < -0.1
    assert abs(without[-1]) < 0.01
    assert values("corwin_schultz(overnight=False)", market)[-1] == 0


def test_closes_that_alternate_between_bid_and_ask_are_twice_the_roll_spread():
    # Of 0.05 either way the covariance is -0.01: 2 sqrt(0.01) is 0.2.
    got = values("roll_spread", bars_of_days(np.exp(0.05 * (-1.0) ** np.arange(80)), np.ones(80)))
    np.testing.assert_allclose(got[61:], 0.2, rtol=1e-9)


def test_closes_at_bid_or_ask_by_chance_have_the_roll_spread():
    side = np.random.default_rng(5).choice([-0.05, 0.05], 1750)
    got = values("roll_spread(window=1700)", bars_of_days(np.exp(side), np.ones(1750)))
    assert got[-1] == pytest.approx(0.1, rel=0.05)


def test_there_is_no_roll_spread_where_changes_follow_each_other():
    slow = np.repeat([0.01, -0.01], 10)
    market = bars_of_days(10 * np.exp(np.cumsum(np.tile(slow, 8))), np.ones(160))
    assert np.isnan(values("roll_spread", market)).all()
    steady = bars_of_days(10 * 1.01 ** np.arange(100), np.ones(100))
    assert np.isnan(values("roll_spread", steady)).all()


def simulated(spread, days=1500, trades=390):
    """Return days of trades at bid or ask around a price that moves at random."""
    rng = np.random.default_rng(8)
    price = np.cumsum(0.01 / np.sqrt(trades) * rng.standard_normal((days, trades)).ravel()).reshape(days, trades)
    traded = 20 * np.exp(price) * (1 + spread / 2 * rng.choice([-1, 1], (days, trades)))
    frames = {"open": traded[:, 0], "high": traded.max(axis=1), "low": traded.min(axis=1), "close": traded[:, -1]}
    market = random_market(1800, seed=2).rows(0, days).select(["AAA"]).alone()
    arrays = {name: column[:, None].copy() for name, column in frames.items()}
    return market.with_values({**arrays, "volume": np.ones((days, 1))})


@pytest.mark.parametrize("spread", [0.01, 0.03])
def test_estimates_from_ranges_find_the_spread_of_simulated_trades(spread):
    market = simulated(spread)
    assert values("edge_spread(window=1400)", market)[-1] == pytest.approx(spread, rel=0.1)
    assert values("corwin_schultz(window=1400, negatives='keep')", market)[-1] == pytest.approx(spread, rel=0.25)
    assert values("abdi_ranaldo(window=1400)", market)[-1] == pytest.approx(spread, rel=0.6)


def test_where_one_bar_alone_traded_at_two_prices_there_is_no_edge_spread():
    # After the authors' own test: 18.21 once, and 17.61 ever after.
    once = bars_of_days([17.61] * 5, [1] * 5, high=[17.61, 18.21, 17.61, 17.61, 17.61])
    assert np.isnan(values("edge_spread(window=3)", once)).all()
    # The same, where the close before it was off the extremes of its own bar.
    off = bars_of_days([17.5, 17, 17, 17], [1] * 4, high=[18, 18, 17, 17], low=[17, 17, 17, 17])
    assert np.isnan(values("edge_spread(window=3)", off)).all()
    twice = bars_of_days([17.61] * 5, [1] * 5, high=[17.61, 18.21, 18.21, 17.61, 17.61])
    assert np.isfinite(values("edge_spread(window=3)", twice)[3])


def test_kyles_lambda_is_the_slope_where_prices_follow_signed_volume_exactly():
    rng = np.random.default_rng(6)
    volume = 1000 * (1 + rng.random(100))
    side = rng.choice([-1, 1], 100)
    close = 100 + np.cumsum(2e-4 * side * volume)
    np.testing.assert_allclose(values("kyle_lambda", bars_of_days(close, volume))[70:], 2e-4, rtol=1e-9)


def test_there_is_no_slope_on_what_does_not_vary():
    rising = bars_of_days(10 + np.arange(120.0), np.full(120, 10.1))
    assert np.isnan(values("kyle_lambda", rising)).all()
    flat = bars_of_days(np.full(120, 10.0), np.full(120, 10.1))
    for name in ("kyle_lambda", "hasbrouck_lambda", "pastor_stambaugh", "amivest", "fht_spread", "roll_spread"):
        assert np.isnan(values(name, flat)).all(), name
    assert values("zero_return_share", flat)[-1] == 1


def test_pastor_and_stambaughs_gamma_is_that_of_returns_that_follow_the_equation():
    rng = np.random.default_rng(9)
    close, volume, gamma = [50.0, 50.5], [1e6, 1e6], -0.0002
    for _ in range(120):
        last = close[-1] / close[-2] - 1
        grown = 0.001 + 0.1 * last + gamma * np.sign(last) * close[-1] * volume[-1] / 1e6
        close.append(close[-1] * (1 + grown))
        volume.append(1e6 * np.exp(0.5 * rng.standard_normal()))
    got = values("pastor_stambaugh", bars_of_days(close, volume))
    np.testing.assert_allclose(got[70:], gamma, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("corwin_schultz(negatives='drop')", "negatives is 'drop'; it is 'zero' or 'keep'"),
        ("edge_spread(window=2)", "window is 2; it must be at least 3"),
        ("pastor_stambaugh(window=3)", "window is 3; it must be at least 4"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        features.compute(random_market(), [name])
