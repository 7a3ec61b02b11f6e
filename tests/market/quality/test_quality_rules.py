"""Each rule by examples made by hand, on both sides of what it allows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantstrats import load_market
from quantstrats.market.quality.block import Block
from quantstrats.market.quality.check import check_market, examine
from quantstrats.market.quality.rules import BY_NAME, RULES

PRICES = ("open", "high", "low", "close")
FIELDS = (*PRICES, "volume")


def scaled(block, rows, factor, fields=PRICES):
    for field in fields:
        block.values[field][rows] *= factor


def only_hit(block, rule):
    [hits] = [hits for each, hits in examine(block) if each.name == rule]
    assert len(hits) == 1
    return hits


def test_calm_bars_have_nothing_wrong_with_them(calm, found):
    assert found(calm()) == {}
    assert found(calm(rows=900, minutes=1, step=0.0005)) == {}


def test_every_rule_says_what_it_means_and_is_documented():
    for rule in BY_NAME.values():
        assert rule.text("low")
        assert "{" not in rule.text("low")
        assert rule.find.__doc__
        assert rule.default in rule.actions
    assert len({rule.name for rule in RULES}) == len(RULES) == 19


# What cannot be a bar.


@pytest.mark.parametrize("field", PRICES)
def test_a_price_that_is_missing_while_others_are_there_is_named(calm, found, field):
    block = calm()
    block.values[field][50] = np.nan
    assert found(block, "missing_price") == [(50, field)]


def test_a_volume_without_prices_is_partly_missing_and_a_row_without_anything_is_not(calm, found):
    block = calm()
    for field in PRICES:
        block.values[field][[50, 60]] = np.nan
    block.values["volume"][60] = np.nan
    assert found(block, "missing_price") == [(50, "close")]


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_price_is_infinite_and_nothing_else(calm, found, value):
    block = calm()
    block.values["high"][50] = value
    assert found(block) == {"infinite_price": [(50, "high")]}


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_price_of_zero_or_below_is_no_price(calm, found, value):
    block = calm()
    block.values["low"][50] = value
    assert found(block) == {"nonpositive_price": [(50, "low")]}


def test_volumes_that_are_infinite_or_negative_are_told_apart(calm, found):
    block = calm()
    block.values["volume"][50:53, 0] = np.inf, -np.inf, -3.0
    assert found(block) == {"infinite_volume": [(50, "volume"), (51, "volume")], "negative_volume": [(52, "volume")]}


def test_of_a_high_below_the_low_the_one_far_from_open_and_close_is_named(calm, found):
    block = calm()
    block.values["high"][50] = block.values["low"][50] * 0.9
    block.values["low"][60] = block.values["high"][60] * 1.1
    assert found(block) == {"high_below_low": [(50, "high"), (60, "low")]}


def test_an_open_or_close_may_leave_low_to_high_by_rounding_only(calm, found):
    block = calm()
    values = block.values
    values["open"][50] = values["high"][50] * (1 + 5e-10)
    values["open"][60] = values["high"][60] * (1 + 2e-9)
    values["close"][70] = values["low"][70] * (1 - 5e-10)
    values["close"][80] = values["low"][80] * (1 - 2e-9)
    assert found(block) == {"open_outside": [(60, "open")], "close_outside": [(80, "close")]}


# Single prices.


@pytest.mark.parametrize("field", PRICES)
@pytest.mark.parametrize("factor", [0.001, 0.01, 0.1, 10.0, 100.0, 1000.0])
def test_one_price_off_by_a_power_of_ten_is_found_with_its_point_put_right(calm, field, factor):
    block = calm()
    right = float(block.values[field][50, 0])
    block.values[field][50] *= factor
    hits = only_hit(block, "decimal_shift")
    assert (hits.row[0], FIELDS[hits.field[0]]) == (50, field)
    assert hits.expected[0] == hits.bound[0] == pytest.approx(right)


def test_a_first_bar_tells_by_itself_which_of_its_prices_is_off(calm, found):
    block = calm()
    block.values["open"][0] *= 10
    assert found(block, "decimal_shift") == [(0, "open")]


@pytest.mark.parametrize("factor", [5.0, 8.0, 12.5, 20.0])
def test_a_price_off_by_another_factor_has_no_shifted_point(calm, found, factor):
    block = calm()
    block.values["high"][50] *= factor
    assert found(block, "decimal_shift") == []


def test_two_prices_off_are_both_found(calm, found):
    block = calm()
    block.values["open"][50] /= 10
    block.values["high"][50] /= 10
    assert found(block, "decimal_shift") == [(50, "open"), (50, "high")]


def test_a_bar_all_off_by_a_hundred_is_found_and_the_way_back_is_not(calm, found):
    block = calm()
    scaled(block, 50, 100)
    assert found(block, "decimal_shift") == [(50, "close")]


def close_only(block, one_array):
    close = block.values["close"]
    prices = dict.fromkeys(PRICES, close) if one_array else {field: close.copy() for field in PRICES}
    return Block(block.grid, ["A"], None, {**prices, "volume": np.full_like(close, np.nan)})


@pytest.mark.parametrize("factor", [0.001, 0.01, 100.0, 1000.0])
@pytest.mark.parametrize("bars", [2, 3, 4])
@pytest.mark.parametrize("closes", [False, True])
def test_of_bars_on_end_that_are_all_off_by_a_hundred_each_is_found_and_the_right_one_after_is_not(
    calm, found, closes, bars, factor
):
    block = calm()
    scaled(block, slice(50, 50 + bars), factor)
    expected = [(row, "close") for row in range(50, 50 + bars)]
    for each in [close_only(block, True), close_only(block, False)] if closes else [block]:
        assert found(each, "decimal_shift") == expected


def test_bars_off_by_different_powers_are_each_put_right_by_their_own(calm, found):
    block = calm()
    right = block.values["close"][50:53, 0].copy()
    scaled(block, 50, 100)
    scaled(block, 51, 0.01)
    scaled(block, 52, 1000)
    [hits] = [hits for rule, hits in examine(block) if rule.name == "decimal_shift"]
    assert hits.row.tolist() == [50, 51, 52]
    assert hits.expected == pytest.approx(right)


def test_a_bar_all_off_by_a_hundred_after_a_close_off_by_ten_is_found(calm, found):
    block = calm()
    scaled(block, 50, 10, ["close"])
    scaled(block, 51, 100)
    assert found(block, "decimal_shift") == [(50, "close"), (51, "close")]


@pytest.mark.parametrize("bars", [5, 12, 31])
def test_a_longer_run_is_a_new_level_after_four_bars_and_its_end_is_the_old_one(calm, found, bars):
    block = calm(rows=200)
    scaled(block, slice(80, 80 + bars), 100)
    assert found(block, "decimal_shift") == [(row, "close") for row in range(80, 84)]


def test_a_lone_price_among_bars_of_a_new_level_is_told_from_them(calm, found):
    block = calm(rows=200)
    scaled(block, slice(80, None), 100)
    block.values["high"][95] *= 10
    block.values["close"][97] /= 100
    assert found(block, "decimal_shift")[4:] == [(95, "high"), (97, "close")]


@pytest.mark.parametrize("field", PRICES)
def test_the_same_price_may_be_off_in_many_bars_on_end(calm, found, field):
    block = calm(rows=200)
    scaled(block, slice(80, 100), 100, [field])
    assert found(block, "decimal_shift") == [(row, field) for row in range(80, 100)]


def test_a_gap_hides_no_run_and_no_way_back(calm, found):
    block = calm()
    scaled(block, slice(50, 60), 100)
    for field in FIELDS:
        block.values[field][51:59] = np.nan
        block.values[field][60:70] = np.nan
    assert found(block, "decimal_shift") == [(50, "close"), (59, "close")]


@pytest.mark.parametrize("bars", [1, 2, 3])
@pytest.mark.parametrize("before", range(10))
def test_however_young_a_symbol_the_way_back_from_a_few_wrong_bars_is_none(calm, found, before, bars):
    block = calm()
    scaled(block, slice(before, before + bars), 100)
    hit = [row for row, _ in found(block, "decimal_shift")]
    assert set(hit) <= set(range(before, before + bars))
    assert len(hit) == (bars if before >= 9 else max(before + bars - 9, 0))


def test_a_bar_all_off_by_ten_looks_like_a_split(calm, found):
    block = calm()
    scaled(block, 50, 0.1)
    assert found(block) == {"outlier": [(50, "close")], "unadjusted_split": [(50, "open")]}


def test_a_print_out_of_reach_is_bad_and_one_within_is_not(calm):
    block = calm()
    top = max(block.values[field][50, 0] for field in ("open", "close")), block.values["close"][49, 0]
    block.values["high"][50] = 1.51 * max(top)
    block.values["low"][60] = 0.59 * min(block.values[field][60, 0] for field in ("open", "close"))
    block.values["high"][70] = 1.49 * block.values["close"][70]
    block.values["low"][80] = 0.61 * block.values["close"][80]
    [hits] = [hits for rule, hits in examine(block) if rule.name == "bad_print"]
    assert [(row, FIELDS[field]) for row, field in zip(hits.row, hits.field, strict=True)] == [
        (50, "high"),
        (60, "low"),
    ]
    assert hits.bound[0] == pytest.approx(1.5 * max(top))


def test_a_low_of_15_below_an_open_and_close_of_35_is_bad(calm, found):
    block = calm()
    scaled(block, slice(None), 0.35)
    block.values["low"][50] = 15.0
    assert found(block) == {"bad_print": [(50, "low")]}


def test_wide_bars_explain_a_wide_bar(calm, found):
    block = calm()
    # Each bar reaches from half of its close to its double; then 2 x log 4 may be reached beyond.
    block.values["high"][:] = 2 * block.values["close"]
    block.values["low"][:] = block.values["close"] / 2
    block.values["high"][50] = 15 * block.values["close"][50]
    block.values["high"][60] = 18 * block.values["close"][60]
    assert [row for row, _ in found(block, "bad_print") if row >= 5] == [60]


def test_a_high_at_yesterdays_price_is_no_bad_print_however_far_it_fell(calm, found):
    block = calm()
    scaled(block, slice(50, None), 0.55)
    block.values["high"][50] = block.values["close"][49]
    assert found(block, "bad_print") == []


# Moves.


def test_a_move_of_thirty_percent_is_an_outlier_among_moves_of_one_and_not_among_moves_of_ten(calm, found):
    block = calm()
    scaled(block, slice(50, None), 1.3)
    assert found(block) == {"outlier": [(50, "close")]}
    wild = calm(step=0.1)
    scaled(wild, slice(50, None), 1.3)
    assert found(wild, "outlier") == []


def test_the_bound_of_an_outlier_is_the_farthest_move_allowed(calm):
    block = calm()
    scaled(block, slice(50, None), 1.6)
    hits = only_hit(block, "outlier")
    last = np.log(block.values["close"][:50, 0])
    returns = np.diff(last)
    # By another way: pandas' medians.
    spread = pd.Series(returns)
    scale = 1.4826 * (spread - spread.median()).abs().median()
    assert hits.expected[0] == block.values["close"][49, 0]
    assert hits.bound[0] == pytest.approx(block.values["close"][49, 0] * max(1.25, np.exp(15 * scale)))


def test_the_longer_a_gap_the_farther_a_move_may_go(calm, found):
    def after(gap):
        block = calm()
        scaled(block, slice(60, None), 1.4)
        for field in FIELDS:
            block.values[field][60 - gap : 60] = np.nan
        return found(block, "outlier")

    assert after(1) == [(60, "close")]
    assert after(20) == []


def test_a_move_below_a_quarter_is_no_outlier_and_few_returns_tell_nothing(calm, found):
    quiet = calm(step=0.001)
    scaled(quiet, slice(50, None), 1.24)
    assert found(quiet, "outlier") == []
    young = calm()
    scaled(young, slice(15, None), 1.6)
    assert found(young, "outlier") == []


@pytest.mark.parametrize("bars", [1, 2, 3])
@pytest.mark.parametrize("factor", [1.6, 0.5, 100.0])
def test_the_way_back_from_a_few_wrong_closes_is_no_outlier_and_no_split(calm, found, bars, factor):
    block = calm()
    scaled(block, slice(50, 50 + bars), factor)
    assert found(block, "outlier") == [(50, "close")]
    assert [row for row, _ in found(block, "unadjusted_split") if row > 50] == []


def test_a_close_between_a_wrong_one_and_the_usual_ones_is_measured_from_these(calm):
    block = calm()
    block.values["close"][50] *= 10
    scaled(block, 51, 1.8)
    [hits] = [hits for rule, hits in examine(block) if rule.name == "outlier"]
    assert hits.row.tolist() == [50, 51]
    before = pd.Series(block.values["close"][:, 0])
    median = before.iloc[44:51].median()
    returns = np.log(before.iloc[:51]).diff().dropna()
    scale = 1.4826 * (returns - returns.median()).abs().median()
    assert hits.expected[1] == pytest.approx(median)
    assert hits.bound[1] == pytest.approx(median * max(1.25, np.exp(15 * scale)))


@pytest.mark.parametrize(
    ("ratio", "split"), [(2, True), (1 / 3, True), (1.5, True), (7, True), (1.75, False), (2.4, False)]
)
def test_a_jump_by_the_ratio_of_a_split_is_one_and_another_jump_is_not(calm, found, ratio, split):
    block = calm()
    scaled(block, slice(50, None), 1 / ratio)
    block.values["volume"][50:] *= ratio
    # To the last close within a percent, whatever the calm bars' own step is there.
    assert found(block, "unadjusted_split") == ([(50, "open")] if split else [])


def test_a_jump_with_the_trade_of_news_or_the_range_of_a_crash_is_no_split(calm, found):
    news, crash = calm(), calm()
    for block in (news, crash):
        scaled(block, slice(50, None), 0.5)
        block.values["volume"][50:] *= 2
    news.values["volume"][50] *= 10
    crash.values["low"][50] *= 0.8
    assert found(news, "unadjusted_split") == found(crash, "unadjusted_split") == []


def test_a_crash_within_the_day_is_no_split(calm, found):
    block = calm()
    scaled(block, slice(51, None), 0.5)
    block.values["close"][50] *= 0.5
    block.values["low"][50] *= 0.5
    assert found(block, "unadjusted_split") == []


# What stands still.


def still(block, first, bars):
    for field in PRICES:
        block.values[field][first : first + bars] = 100.5


def test_the_fifth_unchanged_close_on_end_is_stale(calm, found):
    block = calm()
    still(block, 50, 5)  # four of them unchanged from the bar before
    assert found(block, "stale_price") == []
    still(block, 50, 8)
    assert found(block, "stale_price") == [(55, "close"), (56, "close"), (57, "close")]


def test_missing_bars_neither_count_as_stale_nor_interrupt(calm, found):
    block = calm()
    still(block, 50, 8)
    for field in FIELDS:
        block.values[field][53] = np.nan
    assert found(block, "stale_price") == [(56, "close"), (57, "close")]


def test_of_close_only_bars_ten_unchanged_closes_are_stale(calm, found):
    close = calm().values["close"]
    close[50:65] = 100.5
    nothing = np.full_like(close, np.nan)
    for prices in (dict.fromkeys(PRICES, close), {field: close.copy() for field in PRICES}):
        block = Block(calm().grid, ["A"], None, {**prices, "volume": nothing})
        assert found(block) == {"stale_price": [(row, "close") for row in range(60, 65)]}


def test_opens_that_repeat_the_last_close_are_told_once_for_the_stretch(calm, found):
    block = calm(rows=300)
    values = block.values
    values["open"][100:180] = values["close"][99:179]
    values["high"] = np.maximum(values["high"], values["open"])
    values["low"] = np.minimum(values["low"], values["open"])
    # 32 of 63 is the first share of half or more.
    assert found(block) == {"stale_open": [(131, "open")]}


def test_opens_of_a_market_that_never_closes_are_the_last_close_and_nothing_is_stale(calm, found):
    block = calm(rows=200, calendar="24/7")
    block.values["open"][1:] = block.values["close"][:-1]
    block.values["high"] = np.maximum(block.values["high"], block.values["open"])
    block.values["low"] = np.minimum(block.values["low"], block.values["open"])
    assert found(block) == {}


# Volumes.


def test_a_volume_of_zero_is_doubtful_from_the_first_bar_on(calm, found):
    block = calm()
    block.values["volume"][[0, 50]] = 0.0
    assert found(block) == {"zero_volume": [(0, "volume"), (50, "volume")]}


def test_a_symbol_that_never_trades_is_left_alone_after_twenty_bars(calm, found):
    block = calm()
    block.values["volume"][:] = 0.0
    assert found(block) == {"zero_volume": [(row, "volume") for row in range(20)]}
    block.values["volume"][:] = np.nan
    assert found(block) == {}


def test_more_than_a_thousand_times_the_usual_volume_is_absurd(calm, found):
    block = calm()
    block.values["volume"][50] = 1001 * 1020.0
    block.values["volume"][60] = 999 * 1020.0
    hits = only_hit(block, "absurd_volume")
    assert (hits.row[0], hits.expected[0], hits.bound[0]) == (50, 1020.0, 1020e3)
    young = calm()
    young.values["volume"][20] = 1e9
    assert found(young, "absurd_volume") == []


# Gaps.


def test_rows_without_a_bar_are_missing_after_the_first_bar_alone(calm, found):
    block = calm()
    for field in FIELDS:
        block.values[field][:10] = np.nan
        block.values[field][50:52] = np.nan
    assert found(block) == {"missing_bar": [(50, "close"), (51, "close")]}


def test_of_intraday_bars_the_first_missing_one_of_each_session_is_told(calm, found):
    block = calm(rows=1170, minutes=1, step=0.0005)  # three sessions of 390 minutes
    for field in FIELDS:
        block.values[field][[5, 100, 101, 389, 390, 400]] = np.nan
    assert found(block) == {"missing_bar": [(5, "close"), (390, "close")]}


def test_another_level_after_a_long_gap_is_another_companys(calm, found):
    def after(gap, factor):
        block = calm(rows=200)
        for field in FIELDS:
            block.values[field][100 : 100 + gap] = np.nan
        scaled(block, slice(100 + gap, None), factor)
        return found(block, "symbol_reuse")

    assert after(64, 3.0) == [(164, "open")]
    assert after(63, 3.0) == []
    assert after(64, 1.8) == []


@pytest.mark.parametrize("row", [99, 164])
@pytest.mark.parametrize("factor", [0.01, 10.0])
def test_one_wrong_price_on_either_side_of_a_long_gap_is_no_other_company(calm, found, row, factor):
    block = calm(rows=200)
    for field in FIELDS:
        block.values[field][100:164] = np.nan
    block.values["close" if row == 99 else "open"][row] *= factor
    assert "symbol_reuse" not in found(block)
    assert found(block, "decimal_shift") == [(row, "close" if row == 99 else "open")]


# Shapes and intraday bars.


def test_overnight_moves_are_no_outliers_of_minutes_and_moves_within_a_session_are(calm, found):
    block = calm(rows=1170, minutes=1, step=0.0005)
    scaled(block, slice(390, 780), 1.06)
    assert found(block) == {}
    scaled(block, slice(600, None), 1.06)
    assert found(block, "outlier") == [(600, "close")]


def test_a_split_over_night_shows_in_minutes(calm, found):
    block = calm(rows=1170, minutes=1, step=0.0005)
    scaled(block, slice(390, None), 0.5)
    assert found(block) == {"unadjusted_split": [(390, "open")]}


def test_a_print_of_a_minute_is_measured_by_minutes(calm, found):
    block = calm(rows=390, minutes=1, step=0.0005)
    block.values["high"][100] *= 1.05
    block.values["high"][200] *= 1.03
    assert found(block) == {"bad_print": [(100, "high")]}


def test_an_hour_of_unchanged_minutes_is_stale(calm, found):
    block = calm(rows=390, minutes=1, step=0.0005)
    still(block, 100, 63)
    assert found(block, "stale_price") == [(160, "close"), (161, "close"), (162, "close")]


@pytest.mark.filterwarnings("error")
def test_columns_without_bars_one_row_and_no_column_are_looked_at_without_complaint(calm):
    nothing = calm()
    for array in nothing.values.values():
        array[:] = np.nan
    one = calm(rows=1)
    none = Block(calm().grid, [], None, {field: np.empty((120, 0)) for field in FIELDS})
    empty = Block(calm(rows=1).grid, ["A"], None, {field: np.full((1, 1), np.nan) for field in FIELDS})
    for block in (nothing, one, none, empty):
        assert [len(hits) for _, hits in examine(block)] == [0] * len(RULES)
        assert all(hits.mask.shape == block.values["close"].shape for _, hits in examine(block))


def test_columns_are_looked_at_each_for_itself(defects):
    block, _ = defects.planted_block(seed=3, symbols=40, rows=900)
    column = 17
    alone = {field: array[:, [column]].copy() for field, array in block.values.items()}
    together = {rule.name: hits for rule, hits in examine(block)}
    for rule, hits in examine(Block(block.grid, ["A"], None, alone)):
        there = together[rule.name].only(together[rule.name].column == column)
        for name in ("row", "field", "value", "expected", "bound"):
            np.testing.assert_array_equal(getattr(hits, name), getattr(there, name))


def test_a_bar_that_comes_again_is_told_each_time(calm, found):
    block = calm()
    for field in FIELDS:
        block.values[field][50:52] = block.values[field][49]
    assert found(block) == {"repeated_bar": [(50, "close"), (51, "close")]}
    block.values["volume"][51] += 1
    assert found(block) == {"repeated_bar": [(50, "close")]}
    block.values["low"][50] *= 0.999
    assert found(block) == {}


def test_a_bar_that_comes_again_without_a_volume_is_not_told(calm, found):
    block = calm()
    for field in FIELDS:
        block.values[field][50] = block.values[field][49]
    block.values["volume"][:] = np.nan
    assert found(block) == {}


def test_closes_alone_cannot_tell_a_split_from_a_crash():
    """Apple fell by 52% on 2000-09-29, after a warning of its profits."""
    report = check_market(load_market("sample", ["AAPL"], "2000-01-03", "2001-12-31"))[1]
    assert "unadjusted_split" not in report.counts
