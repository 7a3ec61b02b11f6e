"""Jumps that agree with news, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from quantstrats_plugins.news_jump import NewsJump

from quantstrats import Market, SideSeries
from quantstrats.errors import DataError
from quantstrats.evaluation import evaluate

DAYS = pd.bdate_range("2012-01-02", periods=80)


def market_with(jumps, scores, late="0h"):
    """Make two symbols that move by 1% up and down but for the jumps, with scores known at each row's close."""
    returns = np.tile([[0.01, 0.01], [-0.01, -0.01]], (40, 1))
    for (row, column), size in jumps.items():
        returns[row, column] = size
    close = pd.DataFrame(50 * np.exp(returns.cumsum(axis=0)), DAYS, ["A", "B"])
    market = Market.from_frames(close=close, calendar="24/5")
    news = SideSeries(scores, market.decided_at[DAYS.get_indexer(scores.index)] + pd.Timedelta(late))
    return market.with_side({"news": news})


def scored(cells):
    scores = pd.DataFrame(0.0, DAYS, ["A", "B"])
    for (row, column), score in cells.items():
        scores.iloc[row, column] = score
    return scores


def places(found, column):
    return {int(row): found.iloc[row, column] for row in np.flatnonzero(found.iloc[:, column].fillna(0.0))}


def test_a_jump_is_followed_where_news_of_the_same_sign_came_with_it():
    jumps = {(50, 0): 0.05, (60, 0): -0.05, (50, 1): 0.05, (60, 1): -0.05, (70, 0): 0.05}
    scores = scored({(50, 0): 0.8, (60, 0): -0.2, (50, 1): -0.8, (70, 1): 1.0})  # B: against it, and none at all
    found = evaluate(NewsJump(hold=3), market_with(jumps, scores))
    assert places(found, 0) == {50: 1, 51: 1, 52: 1, 60: -1, 61: -1, 62: -1}
    assert places(found, 1) == {}
    assert (found.iloc[-30:].notna()).all(axis=None)


def test_news_that_is_published_after_the_close_does_not_count_for_it():
    jumps, scores = {(50, 0): 0.05}, scored({(50, 0): 0.8})
    assert places(evaluate(NewsJump(hold=1), market_with(jumps, scores, late="1h")), 0) == {}


def test_news_may_be_some_bars_old():
    jumps, scores = {(50, 0): 0.05}, scored({(48, 0): 0.8})
    for fresh, expected in ((1, {}), (2, {}), (3, {50: 1})):
        assert places(evaluate(NewsJump(hold=1, fresh=fresh), market_with(jumps, scores)), 0) == expected


def test_a_score_that_stays_is_no_news():
    scores = scored({(row, 0): 0.8 for row in range(40, 80)})
    assert places(evaluate(NewsJump(hold=1), market_with({(50, 0): 0.05}, scores)), 0) == {}


def test_small_scores_and_small_moves_do_not_count():
    market = market_with({(50, 0): 0.05, (60, 0): 0.012}, scored({(50, 0): 0.3, (60, 0): 0.9}))
    assert places(evaluate(NewsJump(hold=1, least=0.5), market), 0) == {}
    assert places(evaluate(NewsJump(hold=1), market), 0) == {50: 1}
    assert places(evaluate(NewsJump(hold=1, deviations=10.0), market), 0) == {}


def test_a_jump_is_measured_by_the_volatility_before_it():
    # Returns of 1% deviate by 1.03% before a jump of 3%: it is 2.9 of these. With it they deviate by 1.2%.
    market = market_with({(50, 0): 0.03}, scored({(50, 0): 0.5}))
    assert places(evaluate(NewsJump(hold=1, deviations=2.8), market), 0) == {50: 1}
    assert places(evaluate(NewsJump(hold=1, deviations=3.0), market), 0) == {}


def test_one_score_may_stand_for_all_symbols():
    score = pd.Series(0.0, DAYS)
    score.iloc[50] = 1.0
    found = evaluate(NewsJump(hold=1), market_with({(50, 0): 0.05}, score))
    assert (places(found, 0), places(found, 1)) == ({50: 1}, {})


def test_a_symbol_without_scores_has_no_news():
    found = evaluate(NewsJump(hold=1), market_with({(50, 1): 0.05}, scored({(50, 1): 1.0})[["A"]]))
    assert (found.iloc[-30:] == 0.0).all(axis=None)


def test_a_market_without_news_is_refused(nasdaq):
    with pytest.raises(DataError, match="signal 'news_jump' needs the side series 'news'"):
        evaluate(NewsJump(), nasdaq.rows(0, 100))


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"deviations": 0.0}, r"deviations \(0\.0\) must be above 0"),
        ({"least": -1.0}, r"least \(-1\.0\) not below"),
        ({"fresh": 0}, r"fresh \(0\) and hold \(20\) at least 1"),
        ({"hold": 0}, r"hold \(0\) at least 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(fields, line):
    with pytest.raises(ValueError, match=line):
        NewsJump(**fields)
