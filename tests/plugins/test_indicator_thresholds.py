"""The vote of four indicators, its stops and targets, against the rules written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.indicator_thresholds import IndicatorThresholds

from quantstrats.evaluation import details_of, evaluate


def votes_by_hand(close):
    """Count the votes of each bar from recursions that began with the first close."""
    change = close.diff()
    rises, falls = (change.clip(lower=0).ewm(alpha=1 / 14).mean(), (-change).clip(lower=0).ewm(alpha=1 / 14).mean())
    rsi = 100 * rises / (rises + falls)
    oscillator = close.ewm(span=12).mean() / close.ewm(span=26).mean() - 1
    histogram = oscillator - oscillator.ewm(span=9).mean()
    mean, deviation = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    ema = close.ewm(span=50).mean()
    long = [rsi < 30, histogram > 0, close < mean - 2 * deviation, close > ema]
    short = [rsi > 70, histogram < 0, close > mean + 2 * deviation, close < ema]
    return sum(each.astype(int) for each in long) - sum(each.astype(int) for each in short)


def positions_by_hand(votes, close, agree, loss, profit):
    side, since, barred, quarter, out = 0, 0.0, 0, None, []
    for day, vote in votes.items():
        price = close[day]
        if (day.year, day.quarter) != quarter:
            side = barred = 0
            quarter = day.year, day.quarter
        if side and not -loss < side * (price / since - 1) < profit:
            barred, side = side, 0
        wanted = np.sign(vote) if abs(vote) >= agree else 0
        if wanted != barred:
            barred = 0
        if wanted and wanted not in (side, barred):
            side, since = wanted, price
        out.append(side)
    return out


@pytest.mark.parametrize("fields", [{}, {"agree": 1, "stop_loss": 0.02, "take_profit": 0.03}])
def test_it_holds_what_the_votes_say_until_a_stop_a_target_or_the_other_side(nasdaq, fields):
    market, signal = nasdaq.rows(0, 1600), IndicatorThresholds(**fields)
    close = market.close["NASDAQ"]
    expected = positions_by_hand(
        votes_by_hand(close).iloc[900:], close, signal.agree, signal.stop_loss, signal.take_profit
    )
    found = evaluate(signal, market)["NASDAQ"]
    quarter = market.index[900].to_period("Q")  # the first comparable one: by hand the state begins on row 900
    later = market.index[900:] > quarter.end_time
    assert found.iloc[900:][later].tolist() == np.array(expected)[later].tolist()
    assert set(found.iloc[900:]) == {-1.0, 0.0, 1.0}


def test_the_votes_are_those_of_the_indicators(nasdaq):
    market = nasdaq.rows(0, 1200)
    found = IndicatorThresholds().votes(market)["NASDAQ"]
    assert found.iloc[800:].tolist() == votes_by_hand(market.close["NASDAQ"]).iloc[800:].tolist()
    assert found.iloc[800:].abs().max() >= 2


def test_a_bar_that_is_missing_leaves_the_position_as_it_is(nasdaq):
    from quantstrats import Market

    close = nasdaq.close.iloc[:1000].copy()
    close.iloc[950] = np.nan
    found = evaluate(IndicatorThresholds(), Market.from_frames(close=close))["NASDAQ"]
    assert found.iloc[950] == found.iloc[949]
    assert pd.notna(found.iloc[950])


def test_bars_within_one_quarter_are_no_opinion(nasdaq):
    market = nasdaq.between("2010-01-15", "2010-03-20")
    assert evaluate(IndicatorThresholds(rsi=3, ema=4), market)["NASDAQ"].isna().all()


def test_the_price_chart_shows_what_prices_are_compared_with(nasdaq):
    overlays = details_of(IndicatorThresholds(), nasdaq.rows(0, 700)).overlays
    assert list(overlays) == ["EMA 50", "upper band", "lower band"]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"agree": 0}, r"agree \(0\) must be from 1 to 4"),
        ({"agree": 5}, r"agree \(5\) must be from 1 to 4"),
        ({"stop_loss": 0.0}, r"stop_loss \(0\.0\) and take_profit \(0\.1\) must be above 0"),
        ({"take_profit": -1.0}, r"take_profit \(-1\.0\) must be above 0"),
        ({"oversold": 80.0}, r"oversold \(80\.0\) must be below overbought \(70\.0\)"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(fields, line):
    with pytest.raises(ValueError, match=line):
        IndicatorThresholds(**fields)
