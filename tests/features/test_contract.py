"""What every feature promises, asked of each that ships."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from quantstrats import Market, SideSeries, Signal, features
from quantstrats.errors import ConfigError, DataError
from quantstrats.evaluation import evaluate
from quantstrats.features.definition import NEEDS, POWERS, SCALES
from quantstrats.guard.check import check_lookahead

from .oracle import random_market

SHIPPED = features.shipped()
OWN = [name for name, each in SHIPPED.items() if not each.fitted]
FIELDS = ("open", "high", "low", "close", "volume")
SECTORS = {"AAA": "Energy", "BBB": "Energy", "CCC": "Health", "DDD": "Health"}


@dataclass(frozen=True)
class Shown(Signal):
    """A feature as a forecast."""

    name = "shown"
    feature: str

    def warmup(self):
        return features.warmup([self.feature])

    def forecast(self, market):
        return features.compute(market, [self.feature])[self.feature]


@dataclass(frozen=True)
class ShownAtAScale(Shown):
    """A feature that a split changes."""

    name = "shown_at_a_scale"
    scale_free = False


@functools.cache
def gappy_market():
    """Return bars with what real ones have: gaps, late listings, an end, unknown and no volume, unchanged closes."""
    market = random_market(1800, seed=5)
    values = {field: market.array(field).copy() for field in FIELDS}
    rng = np.random.default_rng(9)
    for row in np.flatnonzero(rng.random(len(market)) < 0.05).tolist():
        values["close"][row, 1] = values["close"][row - 1, 1]
        for field, side in (("high", np.fmax), ("low", np.fmin)):
            values[field][row, 1] = side(values[field][row, 1], values["close"][row, 1])
    gone = rng.random((len(market), 4)) < 0.03
    gone[:40, 2] = True  # listed later
    gone[:, 0] = False
    for field in FIELDS:
        values[field][gone] = np.nan
    values["volume"][rng.random((len(market), 4)) < 0.01] = np.nan
    values["volume"][rng.random((len(market), 4)) < 0.01] = 0.0
    values["volume"][gone] = np.nan
    frames = {field: pd.DataFrame(values[field], index=market.index, columns=market.symbols) for field in FIELDS}
    sectors = SideSeries(pd.Series(SECTORS), "assumed")
    return Market.from_frames(**frames, side={"sector": sectors})


def table(name, market):
    return features.compute(market, [name])[name].to_numpy()


@pytest.mark.parametrize("name", OWN)
def test_a_feature_passes_the_guard_at_every_row(name):
    market = gappy_market()
    market = market.rows(0, min(len(market), features.warmup([name]) + 100)).alone()
    signal = (Shown if SHIPPED[name].scale == "free" else ShownAtAScale)(name)
    forecast = evaluate(signal, market)
    assert np.isfinite(forecast.to_numpy()).sum() >= 60
    report = check_lookahead(signal, market, forecast, mode="full")
    assert report.result == "clean"
    assert report.rows >= 90


# Shorter windows than usual, for the time that fits take.
FITTED_SHORTER = [
    "garch_volatility(window=100)",
    "regime_probability(window=100)",
    "isolation_forest(window=60, trees=10)",
]


@pytest.mark.parametrize("name", FITTED_SHORTER)
def test_a_fitted_feature_passes_the_guard_at_every_row(name):
    market = gappy_market().select(["AAA"])
    market = market.rows(0, features.warmup([name]) + 60).alone()
    signal = Shown(name)
    forecast = evaluate(signal, market)
    assert np.isfinite(forecast.to_numpy()).sum() >= 60
    report = check_lookahead(signal, market, forecast, mode="full")
    assert report.result == "clean"
    assert report.rows >= 60


def test_every_fitted_feature_is_asked():
    assert [name.partition("(")[0] for name in FITTED_SHORTER] == [
        name for name, each in SHIPPED.items() if each.fitted
    ]


@pytest.mark.parametrize("name", OWN)
def test_a_split_changes_a_feature_as_its_scale_says(name):
    market = random_market()
    factor = 4.0
    arrays = {field: market.array(field) * factor for field in FIELDS}
    split = market.with_values({**arrays, "volume": market.array("volume") / factor})
    if "sector" in SHIPPED[name].needs:
        market, split = (
            each.with_side({"sector": SideSeries(pd.Series(SECTORS), "assumed")}) for each in (market, split)
        )
    before, after = table(name, market), table(name, split)
    known = np.isfinite(before)
    assert known.any()
    assert (known == np.isfinite(after)).all()
    if SHIPPED[name].scale == "log":
        added = after[known] - before[known]
        assert abs(added[0]) > 0.01
        np.testing.assert_allclose(added, added[0], rtol=1e-7)
        return
    expected = before[known] * factor ** POWERS[SHIPPED[name].scale]
    np.testing.assert_allclose(after[known], expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("name", OWN)
def test_a_value_is_the_same_wherever_the_data_begin(name):
    market = gappy_market()
    whole = table(name, market)
    for begin in (137, 700):
        later = table(name, market.rows(begin, len(market)).alone())
        rows = features.warmup([name]) - 1
        old, new = whole[begin + rows :], later[rows:]
        assert (np.isnan(old) == np.isnan(new)).all()
        size = np.nanmax(np.abs(old), initial=0.0)
        np.testing.assert_allclose(new, old, rtol=1e-6, atol=1e-9 * max(size, 1e-9))


@pytest.mark.parametrize("name", OWN)
def test_a_feature_is_a_number_or_missing_and_leaves_its_bars_alone(name):
    market = gappy_market()
    before = {field: market.array(field).copy() for field in FIELDS}
    values = table(name, market)
    assert not np.isinf(values).any()
    assert np.isfinite(values).any()
    assert np.isnan(values[~market.present]).all()
    for field in FIELDS:
        np.testing.assert_array_equal(market.array(field), before[field])


@pytest.mark.parametrize("name", OWN)
def test_a_feature_says_the_same_alone_as_among_all_others(name):
    # Formulas share what they compute; none may write into it.
    alone = table(name, gappy_market())
    np.testing.assert_array_equal(all_features()[name].to_numpy(), alone)


@functools.cache
def all_features():
    return features.compute(gappy_market(), OWN)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_feature_is_described(name):
    each = SHIPPED[name]
    assert each.summary.endswith((".", "]"))
    assert len(each.summary) <= 110
    assert each.source
    assert each.scale in SCALES
    assert set(each.needs) <= set(NEEDS)


def test_more_than_110_distinct_formulas_ship():
    # The same body with other numbers in it is a window, not another formula.
    bodies = {(each.function.__code__.co_code, each.function.__code__.co_names) for each in SHIPPED.values()}
    assert len(bodies) >= 110


@functools.cache
def changing_market():
    """Return bars of which some symbols have none for long: one listed late, one that ends."""
    market = gappy_market()
    values = {field: market.array(field).copy() for field in FIELDS}
    for field in FIELDS:
        values[field][:620, 2] = np.nan
        values[field][1000:, 3] = np.nan
    frames = {field: pd.DataFrame(values[field], index=market.index, columns=market.symbols) for field in FIELDS}
    return Market.from_frames(**frames, side={"sector": SideSeries(pd.Series(SECTORS), "assumed")})


def with_other_parameters(name):
    """Return a feature with another value of one parameter, a whole one where it has any; None if it has none."""
    each = SHIPPED[name]
    for parameter, value in sorted(each.parameters.items(), key=lambda item: not isinstance(item[1], int)):
        for other in (value + 2, value + 4, value / 2, value * 2) if isinstance(value, int | float) else ():
            asked = f"{name}({parameter}={type(value)(other)})"
            try:
                features.warmup([asked])
            except ConfigError:
                continue
            if type(value)(other) != value and features.warmup([asked]) < 700:
                return asked
    return None


# A slice's rows, and its symbols in the order in which they are asked for; those left out have no bar on them.
SLICES = [(0, 1800, "ABCD"), (60, 1500, "DCBA"), (1000, 1750, "CAB"), (100, 610, "DAB")]


@pytest.mark.parametrize(("start", "stop", "symbols"), SLICES)
def test_what_is_cut_out_of_a_whole_market_is_what_is_computed_on_the_slice_alone(start, stop, symbols):
    market = changing_market()
    part = market.rows(start, stop).select([3 * letter for letter in symbols])
    assert part.cut.whole is market
    others = [other for name in OWN if (other := with_other_parameters(name))]
    weekly = [f"{name}@week" for name in OWN if not (SHIPPED[name].across and SHIPPED[name].needs)]
    names = [name for name in (*OWN, *others, *weekly) if features.warmup([name]) <= min(len(part), 700)]
    assert len(others) > 200
    assert len(names) > 400
    cut = features.compute(part, names)
    alone = {}
    for some in (OWN, others, weekly):  # one after the other, so that none can have what is another's
        asked = [name for name in some if name in names]
        found = features.compute(part.alone(), asked)
        alone |= {name: found[name].to_numpy() for name in asked}
    assert [name for name in names if not _alike(cut[name].to_numpy(), alone[name])] == []


def _alike(some, others):
    size = np.nanmax(np.abs(others), initial=0.0)
    # A difference of two averages of a price is known as well as they are.
    return np.allclose(some, others, rtol=1e-6, atol=1e-7 * max(size, 1e-9), equal_nan=True)


# What counts closes that did not change is 0 where all did.
COUNTS_UNCHANGED = {"fht_spread", "zero_return_share"}


def test_a_feature_of_closes_alone_is_no_constant():
    # It would be one of ranges, and must say that it needs them.
    market = random_market(1300, seed=5)
    closes = Market.from_frames(close=market.close, volume=market.volume)
    table = features.compute(closes)
    constant = {name for name in table.columns.levels[0] if (table[name].std() <= 1e-9 * table[name].abs().max()).all()}
    assert constant == COUNTS_UNCHANGED


@pytest.mark.parametrize("name", ["vortex_plus", "vortex_minus", "bull_power", "bear_power", "parkinson"])
def test_what_tells_highs_from_lows_is_refused_on_closes_alone(name):
    with pytest.raises(DataError, match=f"feature '{name}' needs highs and lows, and these bars are closes alone"):
        features.compute(Market.from_frames(close=random_market().close), [name])


@functools.cache
def flat_market():
    market = random_market(1300, seed=3)
    flat = market.with_values(
        {**dict.fromkeys(FIELDS[:4], np.full((1300, 4), 10.0)), "volume": np.full((1300, 4), 1e5)}
    )
    return flat.with_side({"sector": SideSeries(pd.Series(SECTORS), "assumed")})


# A stop that is touched turns on each bar.
FLAT = [
    name
    for name in OWN
    if "ranges" not in SHIPPED[name].needs and SHIPPED[name].family != "dates" and name != "parabolic_sar_trend"
]


@pytest.mark.parametrize("name", FLAT)
def test_a_feature_of_flat_prices_says_one_thing_of_all_bars_or_nothing(name):
    values = table(name, flat_market())[features.warmup([name]) - 1 :]
    assert not np.isinf(values).any()
    assert np.isnan(values).all() or np.ptp(values) <= 1e-9 * max(abs(values[0, 0]), 1e-3)
    # A level of prices that never moved is that price; a width, a change or a deviation is none.
    if SHIPPED[name].scale == "price" and np.isfinite(values).all():
        assert round(float(values[0, 0]), 9) in (10.0, 0.0)
