"""Drawdowns: by hand where the first day is a loss, and against pyfolio's table where it is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats.reports.drawdowns import from_start, longest_drawdown, start_label, worst_drawdowns
from quantstrats.reports.drawing import quiet

with quiet():
    from pyfolio import timeseries


def returns_of_wealth(*wealth):
    """Returns of an account that started with 100, by working days from Monday 5 January 2015 on."""
    value = np.array([100.0, *wealth])
    return pd.Series(value[1:] / value[:-1] - 1.0, index=pd.bdate_range("2015-01-05", periods=len(wealth)))


def table_of(returns, top=10):
    frame = worst_drawdowns(returns, top)
    days = [[None if pd.isna(day) else str(day.date()) for day in frame[name]] for name in frame.columns[:3]]
    spans = [[None if pd.isna(span) else span for span in frame[name]] for name in frame.columns[4:]]
    return [
        (*day, round(depth, 9), *span)
        for day, depth, span in zip(zip(*days, strict=True), frame["depth"], zip(*spans, strict=True), strict=True)
    ]


def test_a_loss_on_the_first_day_falls_from_the_start():
    # Monday 90, Tuesday 80, Wednesday 120, Thursday 114, Friday 120.
    assert table_of(returns_of_wealth(90, 80, 120, 114, 120)) == [
        ("2015-01-04", "2015-01-06", "2015-01-07", -0.2, 2.0, 1.0),
        ("2015-01-07", "2015-01-08", "2015-01-09", -0.05, 1.0, 1.0),
    ]


def test_what_never_recovers_has_no_recovery():
    assert table_of(returns_of_wealth(100, 90, 95)) == [("2015-01-05", "2015-01-06", None, -0.1, 1.0, None)]
    assert table_of(returns_of_wealth(90)) == [("2015-01-04", "2015-01-05", None, -0.1, 1.0, None)]


def test_a_total_loss_is_the_deepest():
    returns = pd.Series([0.1, -0.1, 1 / 0.9 - 1.0, -1.0, 0.0], index=pd.bdate_range("2015-01-05", periods=5))
    assert table_of(returns) == [
        ("2015-01-07", "2015-01-08", None, -1.0, 1.0, None),
        ("2015-01-05", "2015-01-06", "2015-01-07", -0.1, 1.0, 1.0),
    ]


def test_no_fall_is_no_drawdown():
    for returns in (returns_of_wealth(100, 100), returns_of_wealth(110, 121)):
        frame = worst_drawdowns(returns)
        assert frame.empty
        assert list(frame) == ["peak", "valley", "recovery", "depth", "days_to_valley", "days_to_recovery"]
        assert longest_drawdown(returns) == 0.0


def test_the_last_digits_of_a_sum_are_no_drawdown():
    steps = pd.Series([0.1, 1 / 1.1 - 1, 0.1, 1 / 1.1 - 1, 0.1], index=pd.bdate_range("2015-01-05", periods=5))
    assert table_of(steps) == [
        ("2015-01-05", "2015-01-06", "2015-01-07", round(1 / 1.1 - 1, 9), 1.0, 1.0),
        ("2015-01-07", "2015-01-08", "2015-01-09", round(1 / 1.1 - 1, 9), 1.0, 1.0),
    ]


def test_the_longest_counts_one_that_lasts_to_the_end():
    assert longest_drawdown(returns_of_wealth(90, 101, 100, 100, 100)) == 3.0  # Tuesday to Friday
    assert longest_drawdown(returns_of_wealth(90, 95, 101, 100)) == 3.0  # the day before Monday to Wednesday


def test_intraday_drawdowns_begin_with_the_first_bar():
    index = pd.DatetimeIndex(["2015-01-05 14:30", "2015-01-05 15:30", "2015-01-05 20:30"], tz="UTC")
    returns = pd.Series([-0.1, 0.0, 0.2], index=index)
    assert start_label(returns) == index[0]
    assert longest_drawdown(returns) == 0.25


def test_the_start_is_a_day_without_return_before_the_first():
    returns = returns_of_wealth(90, 99)
    started = from_start(returns)
    assert started.index[0] == pd.Timestamp("2015-01-04")
    assert started.tolist() == pytest.approx([0.0, -0.1, 0.1])


@pytest.mark.parametrize("seed", range(8))
def test_where_the_first_day_is_no_loss_they_are_pyfolios(seed):
    chance = np.random.default_rng(seed)
    steps = chance.normal(0.0003, 0.01, 400) * (chance.random(400) < 0.8)
    returns = pd.Series(np.append(0.01, steps), index=pd.bdate_range("2015-01-05", periods=401))
    ours = worst_drawdowns(returns, top=10)
    with quiet():
        theirs = timeseries.gen_drawdown_table(returns, top=10).dropna(subset=["Peak date"])
    theirs = theirs.sort_values("Net drawdown in %", ascending=False, ignore_index=True)
    assert len(ours) == len(theirs) >= 3
    assert (-100.0 * ours["depth"]).tolist() == pytest.approx(theirs["Net drawdown in %"].astype(float).tolist())
    for name, other in (("peak", "Peak date"), ("valley", "Valley date"), ("recovery", "Recovery date")):
        assert ours[name].astype(str).tolist() == theirs[other].astype(str).tolist()


def test_half_a_million_bars_have_the_depth_of_their_underwater_curve():
    steps = np.random.default_rng(3).normal(0.0, 0.0005, 500_000)
    returns = pd.Series(steps, index=pd.date_range("2015-01-05", periods=len(steps), freq="min", tz="UTC"))
    wealth = pd.concat([pd.Series([1.0]), (1.0 + returns).cumprod()])
    assert worst_drawdowns(returns, top=1)["depth"].iloc[0] == pytest.approx((wealth / wealth.cummax() - 1.0).min())
