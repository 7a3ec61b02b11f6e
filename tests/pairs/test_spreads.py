"""Spreads: formed, followed, turned into weights, and what they made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import pairs
from quantstrats.errors import ConfigError, DataError

HEDGES = ["least_squares", "total_least_squares", "rolling", "kalman"]
NAN = float("nan")


@pytest.fixture(scope="module")
def closes():
    rng = np.random.default_rng(8)
    days = pd.bdate_range("2010-01-04", periods=260)
    walk = rng.normal(0, 0.01, 260).cumsum()
    logs = {
        "A": 3 + walk + rng.normal(0, 0.01, 260),
        "B": 4 + 0.5 * walk + rng.normal(0, 0.01, 260),
        "C": 2 + 0.8 * walk + rng.normal(0, 0.01, 260),
    }
    return np.exp(pd.DataFrame(logs, index=days))


def formed(closes, hedge="least_squares", rows=200):
    found = pairs.screen(closes.iloc[:rows], level=1.0, control="none", pairs=[("A", "B"), ("C", "B")])
    order = found.set_index("dependent").index
    return pairs.form(closes.iloc[:rows], found, hedge), order


def test_a_fixed_spread_is_measured_in_the_deviations_of_its_formation(closes):
    formation, _ = formed(closes)
    z, legs = pairs.follow(closes, formation, after=closes.index[199])
    assert z.index.equals(closes.index[200:])
    for spread in formation.spreads.itertuples():
        one, other = spread.spread.split("/")
        y, x = np.log(closes[one]), np.log(closes[other])
        slope, intercept = np.polyfit(x[:200], y[:200], 1)
        rest = y - intercept - slope * x
        np.testing.assert_allclose(z[spread.spread], rest[200:] / rest[:200].std(), rtol=1e-8)
        assert spread.hedge_ratio == pytest.approx(slope)
        assert legs[spread.spread].iloc[-1].to_dict() == pytest.approx({one: 1.0, other: -slope})


@pytest.mark.parametrize("hedge", HEDGES)
def test_each_hedge_follows_from_row_to_row_what_hedge_ratio_says(closes, hedge):
    formation, _ = formed(closes, hedge)
    z, legs = pairs.follow(closes, formation, hedge, after=closes.index[199])
    for name in z:
        one, other = name.split("/")
        y, x = np.log(closes[one]), np.log(closes[other])
        rows = 200 if "least" in hedge else 260
        expected = pairs.hedge_ratio(y[:rows], x[:rows], hedge)["slope"]
        expected = expected.iloc[-1] if "least" in hedge else expected[200:]
        np.testing.assert_allclose(-legs[name, other], expected, rtol=1e-9)
        assert (legs[name, one] == 1.0).all()
        assert z[name].abs().max() < 6


@pytest.mark.parametrize("hedge", HEDGES)
def test_a_row_rests_on_none_after_it_and_scale_changes_nothing(closes, hedge):
    formation, _ = formed(closes, hedge)
    whole = pairs.follow(closes, formation, hedge, after=closes.index[199]).z
    pd.testing.assert_frame_equal(pairs.follow(closes[:230], formation, hedge, after=closes.index[199]).z, whole[:30])
    again, _ = formed(closes * [2.0, 8.0, 0.25], hedge)
    other = pairs.follow(closes * [2.0, 8.0, 0.25], again, hedge, after=closes.index[199]).z
    pd.testing.assert_frame_equal(other, whole, rtol=1e-6)


@pytest.mark.parametrize("hedge", HEDGES)
def test_a_missing_leg_takes_the_z_score_away(closes, hedge):
    formation, _ = formed(closes, hedge)
    gap = closes.copy()
    gap.iloc[220, 0] = NAN
    z = pairs.follow(gap, formation, hedge, after=closes.index[199]).z
    of_a = [name for name in z if "A" in name]
    assert z[of_a].isna().sum().to_list() == [1]
    assert z.drop(columns=of_a).notna().all(axis=None)
    nobody = pairs.follow(closes[["C"]], formation, hedge, after=closes.index[199]).z
    assert nobody.isna().all(axis=None)


@pytest.mark.parametrize("hedge", HEDGES)
def test_no_pairs_make_no_spreads_and_no_weights(closes, hedge):
    nothing = pairs.screen(closes, level=1e-300)
    formation = pairs.form(closes, nothing[nothing["verdict"] == "passes"], hedge)
    z, legs = pairs.follow(closes, formation, hedge)
    weights = pairs.leg_weights(pairs.positions(z), legs)
    assert z.shape == (260, 0)
    assert not pairs.netted(weights, closes.columns).any(axis=None)
    assert len(pairs.trades(pairs.positions(z), weights, closes)) == 0
    assert len(pairs.with_trades(formation.spreads, pairs.trades(pairs.positions(z), weights, closes))) == 0


def test_what_cannot_be_formed_is_refused(closes):
    found = pairs.screen(closes, level=1.0, control="none")
    with pytest.raises(DataError, match="both need closes"):
        pairs.form(closes.assign(B=NAN), found)
    with pytest.raises(DataError, match="starts from 60 rows has 40"):
        pairs.form(closes[:40], found, "kalman")


def legs_of(rows, **coefficients):
    """Return legs of spreads named A/B by what one unit holds."""
    columns = [(name, symbol) for name in coefficients for symbol in name.split("_")]
    values = np.tile([number for each in coefficients.values() for number in each], (rows, 1)).astype(float)
    return pd.DataFrame(values, columns=pd.MultiIndex.from_tuples(columns))


def test_weights_by_hand():
    held = pd.DataFrame({"A_B": [0, 1, 1, 0], "B_C": [0, 0, -1, -1]})
    legs = legs_of(4, A_B=(1.0, -3.0), B_C=(1.0, -1.0))
    dollar = pairs.leg_weights(held, legs)
    assert dollar.to_numpy().tolist() == [[0, 0, 0, 0], [0.5, -0.5, 0, 0], [0.5, -0.5, -0.5, 0.5], [0, 0, -0.5, 0.5]]
    beta = pairs.leg_weights(held, legs, "beta")
    assert beta.to_numpy().tolist() == [[0, 0, 0, 0], [0.25, -0.75, 0, 0], [0.25, -0.75, -0.5, 0.5], [0, 0, -0.5, 0.5]]
    net = pairs.netted(dollar, ["C", "A", "B", "D"], share=0.2)
    assert net.columns.to_list() == ["C", "A", "B", "D"]
    assert net.iloc[2].to_list() == pytest.approx([0.1, 0.1, -0.2, 0.0])


def test_what_one_spread_holds_and_another_has_sold_is_not_traded():
    held = pd.DataFrame({"A_B": [0, 1], "A_C": [0, -1]})
    net = pairs.netted(pairs.leg_weights(held, legs_of(2, A_B=(1, -1), A_C=(1, -1))), "ABC")
    assert net.iloc[1].to_list() == pytest.approx([0.0, -0.5, 0.5])


def test_a_position_keeps_the_hedge_ratio_of_the_row_on_which_it_was_opened():
    legs = legs_of(6, A_B=(1.0, -1.0))
    legs["A_B", "B"] = [-1.0, -3.0, -9.0, -1.0, -4.0, -1.0]
    held = pd.DataFrame({"A_B": [0, 1, 1, 0, -1, 1]})
    found = pairs.leg_weights(held, legs, "beta")["A_B", "B"].to_list()
    assert found == pytest.approx([0, -0.75, -0.75, 0, 0.8, -0.5])


def test_a_spread_without_two_sides_hedges_nothing():
    held = pd.DataFrame({"A_B": [0, 1], "C_D": [0, 1]})
    legs = legs_of(2, A_B=(1.0, 0.5), C_D=(1.0, NAN))
    assert not pairs.leg_weights(held, legs).any(axis=None)


@given(st.integers(0, 10_000), st.sampled_from(["dollar", "beta"]))
def test_weights_are_bounded_and_dollars_are_neutral(seed, neutral):
    rng = np.random.default_rng(seed)
    held = pd.DataFrame(rng.integers(-1, 2, (8, 3)), columns=["A_B", "B_C", "A_B_C"])
    legs = legs_of(8, A_B=(1, -1), B_C=(1, -1), A_B_C=(1, -1, 1))
    legs *= rng.uniform(0.1, 3, legs.shape)
    weights = pairs.leg_weights(held, legs, neutral)
    by_spread = weights.T.groupby(level=0, sort=False)
    gross = weights.abs().T.groupby(level=0, sort=False).sum().T
    np.testing.assert_allclose(gross, held.abs(), atol=1e-12)
    if neutral == "dollar":
        np.testing.assert_allclose(by_spread.sum(), 0.0, atol=1e-12)
    net = pairs.netted(weights, "ABC", share=0.25)
    assert (net.abs().sum(axis=1) <= 0.25 * held.abs().sum(axis=1) + 1e-12).all()


def test_a_spread_may_be_held_where_all_its_legs_may():
    universe = pd.DataFrame({"A": [True, True, False], "B": [True, False, True]})
    legs = legs_of(3, A_B=(1, -1), B_C=(1, -1))
    found = pairs.all_within(universe, legs)
    assert found.to_numpy().tolist() == [[True, False], [False, False], [False, False]]
    assert pairs.all_within(None, legs) is None


def test_weights_that_are_neither_are_refused():
    with pytest.raises(ConfigError, match="neutral is 'sector'"):
        pairs.leg_weights(pd.DataFrame({"A_B": [0]}), legs_of(1, A_B=(1, -1)), "sector")


def test_trades_are_filled_at_the_open_after_the_decision():
    days = pd.bdate_range("2020-01-06", periods=8)
    opens = pd.DataFrame({"A": [10, 10, 10, 11, 12, 12, 15, 15], "B": [20, 20, 20, 20, 22, 22, 22, 33]}, index=days)
    held = pd.DataFrame({"A_B": [0, 1, 1, 0, 0, -1]}, index=days[:6])
    legs = legs_of(6, A_B=(1.0, -1.0)).set_axis(days[:6])
    found = pairs.trades(held, pairs.leg_weights(held, legs), opens.astype(float))
    assert found["side"].to_list() == [1, -1]
    assert found["opened"].to_list() == [days[1], days[5]]
    assert found["closed"].to_list() == [days[3], days[6]]
    assert found["bars"].to_list() == [2, 1]
    # bought at the opens of day 2, sold at those of day 4: A 20%, B 10%, half of each
    # then the other way round from day 6 to day 7: A 0%, B 50%
    assert found["return"].to_list() == pytest.approx([0.05, 0.25])
    table = pairs.with_trades(pd.DataFrame({"spread": ["A_B", "C_D"], "half_life": [3.0, 4.0]}), found)
    assert table["trades"].to_list() == [2, 0]
    assert table["return"].to_list() == pytest.approx([0.3, 0.0])


def test_a_trade_at_the_end_of_all_rows_is_valued_at_the_last_open():
    days = pd.bdate_range("2020-01-06", periods=4)
    opens = pd.DataFrame({"A": [10, 10, 10, NAN], "B": [20.0, 20, 20, 10]}, index=days)
    held = pd.DataFrame({"A_B": [0, 1, 1, 1]}, index=days)
    legs = legs_of(4, A_B=(1.0, -1.0)).set_axis(days)
    found = pairs.trades(held, pairs.leg_weights(held, legs), opens)
    assert found["closed"].isna().all()
    assert found["return"].to_list() == pytest.approx([0.25])


def test_a_picture_shows_bands_entries_and_exits():
    z = pd.Series([0, 2.5, 1, -0.5, -2.5, NAN, 0.1], index=pd.bdate_range("2020-01-06", periods=7))
    held = pairs.positions(z.to_frame("A/B"))["A/B"]
    figure = pairs.spread_picture(z, held, 2.0, 0.0, 4.0, title="A/B")
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "A/B"
    levels = sorted(line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1)
    assert levels == [-4.0, -2.0, 0.0, 2.0, 4.0]
    marks = {each.get_label(): each.get_offsets()[:, 1].tolist() for each in axes.collections}
    assert marks == {"bought": [-2.5], "sold": [2.5], "closed": [-0.5, 0.1]}


def test_a_picture_of_nothing_known_is_drawn():
    z = pd.Series([NAN, NAN], index=pd.bdate_range("2020-01-06", periods=2))
    figure = pairs.spread_picture(z, pd.Series([0, 0], index=z.index), 2.0)
    assert figure.axes[0].get_ylim()[1] >= 2.0


def test_a_hedge_that_there_is_not_and_a_formation_of_another_are_refused():
    rng = np.random.default_rng(3)
    days = pd.bdate_range("2020-01-01", periods=120)
    walk = rng.normal(0, 0.01, 120).cumsum()
    closes = pd.DataFrame({"A": 50 * np.exp(walk), "B": 30 * np.exp(walk + rng.normal(0, 0.01, 120))}, index=days)
    found = pairs.screen(closes, 1.0, "none", both=False)
    formation = pairs.form(closes, found.head(1))
    with pytest.raises(ConfigError, match="hedge is 'kalmann'; it can be least_squares"):
        pairs.follow(closes, formation, hedge="kalmann")
    with pytest.raises(ConfigError, match="window is 0"):
        pairs.follow(closes, formation, hedge="rolling", window=0)
    with pytest.raises(DataError, match="no state of a Kalman filter"):
        pairs.follow(closes, formation, hedge="kalman")
