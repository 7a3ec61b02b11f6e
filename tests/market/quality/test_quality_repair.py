"""What each action makes of a bar, and what a policy accepts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.errors import ConfigError, DataError
from quantstrats.market.quality.block import Block
from quantstrats.market.quality.check import examine
from quantstrats.market.quality.repair import Repair, apply_repair, first_failure
from quantstrats.market.quality.rules import BY_NAME, RULES

PRICES = ("open", "high", "low", "close")
FIELDS = (*PRICES, "volume")


def repaired(block, policy):
    return apply_repair(Repair.of(policy), block, examine(block))


def bar(block, row):
    return {field: float(block.values[field][row, 0]) for field in FIELDS}


def is_missing(block, row):
    return all(np.isnan(value) for value in bar(block, row).values())


def assert_bars(block):
    """Everything that is there is a bar."""
    values = block.values
    there = ~np.isnan(values["close"])
    for field in PRICES:
        assert (~np.isnan(values[field]) == there).all()
    low, high = values["low"][there], values["high"][there]
    assert (low > 0).all()
    assert (high < np.inf).all()
    for field in ("open", "close"):
        assert (values[field][there] >= low * (1 - 1e-9)).all()
        assert (values[field][there] <= high * (1 + 1e-9)).all()


def with_a_high_out_of_reach(calm):
    block = calm()
    block.values["high"][50] = 300.0
    return block


def test_by_default_what_is_doubtful_is_kept_and_reported(calm):
    block = with_a_high_out_of_reach(calm)
    before = {field: array.copy() for field, array in block.values.items()}
    report = repaired(block, None)
    for field in FIELDS:
        np.testing.assert_array_equal(block.values[field], before[field])
    assert report.findings["action"].tolist() == ["keep"]
    assert report.counts == {"bad_print": 1}


def test_by_default_what_cannot_be_a_bar_fails_with_its_place(calm):
    block = calm()
    block.values["low"][[50, 60]] = -1.0
    message = (
        r"^low is zero or negative in 2 bars \(nonpositive_price\), first at 2015-03-17 A \(low -1\); "
        r"mend the data, or set data.repair: drop$"
    )
    with pytest.raises(DataError, match=message):
        repaired(block, None)


def test_drop_makes_the_whole_bar_missing(calm):
    block = with_a_high_out_of_reach(calm)
    repaired(block, "drop")
    assert is_missing(block, 50)
    assert not is_missing(block, 49)


def test_mask_brings_a_wrong_high_or_low_to_open_and_close(calm):
    block = with_a_high_out_of_reach(calm)
    block.values["low"][60] = 1.0
    repaired(block, "mask")
    assert block.values["high"][50] == max(block.values["open"][50], block.values["close"][50])
    assert block.values["low"][60] == min(block.values["open"][60], block.values["close"][60])


def test_mask_makes_a_volume_unknown_and_a_bar_with_a_wrong_open_or_close_missing(calm):
    block = calm()
    block.values["volume"][[40, 41], 0] = 0.0, -5.0
    block.values["close"][50] /= 10
    block.values["open"][60] *= 100
    report = repaired(block, {"default": "mask", "zero_volume": "mask", "outlier": "mask"})
    assert np.isnan(block.values["volume"][[40, 41]]).all()
    assert not np.isnan(block.values["close"][[40, 41]]).any()
    assert is_missing(block, 50)
    assert is_missing(block, 60)
    assert set(report.findings["action"]) == {"mask"}


@pytest.mark.parametrize("word", ["drop", "mask", "winsorise"])
def test_a_word_leaves_alone_what_may_well_have_happened(calm, word):
    """A crash that is taken out of the past is a loss that a backtest does not see."""
    block = calm()
    block.values["volume"][40] = 0.0
    for field in PRICES:
        block.values[field][50:] *= 0.6
    before = {name: array.copy() for name, array in block.values.items()}
    report = repaired(block, word)
    assert report.counts == {"zero_volume": 1, "outlier": 1}
    assert set(report.findings["action"]) == {"keep"}
    for name, array in before.items():
        np.testing.assert_array_equal(block.values[name], array)
    with pytest.raises(DataError, match=r"\((outlier|zero_volume)\)"):
        repaired(block, "fail")


def test_winsorise_moves_a_value_to_the_nearest_that_is_allowed(calm):
    block = with_a_high_out_of_reach(calm)
    block.values["volume"][60] = 5e6
    repaired(block, "winsorise")
    body = max(block.values["open"][50, 0], block.values["close"][50, 0], block.values["close"][49, 0])
    assert block.values["high"][50, 0] == pytest.approx(1.5 * body)
    assert block.values["volume"][60, 0] == 1020e3  # a thousand times the median of 1000, 1010 ... 1040


def test_winsorise_puts_a_point_right_before_any_bound(calm):
    block = calm()
    right = bar(block, 50), bar(block, 60)
    block.values["low"][50] /= 100  # a bad print as well
    block.values["open"][60] /= 10  # outside low to high as well
    repaired(block, "winsorise")
    assert bar(block, 50) == pytest.approx(right[0])
    assert bar(block, 60) == pytest.approx(right[1])


def test_winsorise_is_mask_where_a_rule_has_no_bound_and_says_so(calm):
    block = calm()
    block.values["volume"][40] = 0.0
    block.values["close"][50] = 0.0
    report = repaired(block, {"default": "winsorise", "zero_volume": "winsorise"})
    assert np.isnan(block.values["volume"][40, 0])
    assert is_missing(block, 50)
    assert report.findings["action"].tolist() == ["mask", "mask"]


def test_a_close_that_was_moved_takes_high_and_low_along(calm):
    block = calm()
    for field in PRICES:
        block.values[field][50] *= 1.9
    repaired(block, {"outlier": "winsorise"})
    assert_bars(block)
    # The farthest that is allowed lies below the bar, whose low follows.
    assert block.values["low"][50] == block.values["close"][50] < block.values["open"][50]


@pytest.mark.parametrize("one_array", [True, False])
def test_of_close_only_bars_all_prices_move_together(calm, one_array):
    close = calm().values["close"]
    close[50] *= 1.9
    prices = dict.fromkeys(PRICES, close) if one_array else {field: close.copy() for field in PRICES}
    block = Block(calm().grid, ["A"], None, {**prices, "volume": np.full_like(close, np.nan)})
    before = float(close[50, 0])
    repaired(block, {"outlier": "winsorise"})
    assert block.values["close"][50, 0] < before
    for field in PRICES:
        np.testing.assert_array_equal(block.values[field], block.values["close"])


def test_a_high_below_the_low_is_mended_by_mask_and_by_winsorise(calm):
    for action in ("mask", "winsorise"):
        block = calm()
        block.values["high"][50] = block.values["low"][50] * 0.9
        report = repaired(block, action)
        assert_bars(block)
        assert not is_missing(block, 50)
        assert report.counts == {"high_below_low": 1}


def test_a_missing_high_is_masked_and_a_missing_open_takes_the_bar_along(calm):
    block = calm()
    block.values["high"][50] = np.nan
    block.values["open"][60] = np.nan
    for field in PRICES:
        block.values[field][70] = np.nan
    repaired(block, "mask")
    assert block.values["high"][50] == max(block.values["open"][50], block.values["close"][50])
    assert is_missing(block, 60)
    assert is_missing(block, 70)


@pytest.mark.parametrize("policy", ["drop", "mask", "winsorise", {"default": "mask", "outlier": "winsorise"}], ids=str)
@pytest.mark.parametrize("seed", [31, 32])
def test_after_any_repair_everything_that_is_there_is_a_bar(defects, policy, seed):
    block, _ = defects.planted_block(seed=seed, symbols=40, rows=900)
    report = repaired(block, policy)
    assert_bars(block)
    impossible = [rule.name for rule in RULES if rule.kind == "impossible"]
    assert all(len(hits) == 0 for rule, hits in examine(block) if rule.name in impossible)
    assert report.impossible_left == 0


def test_what_is_no_property_of_one_bar_is_kept_by_a_word_that_would_change_it(calm):
    block = calm()
    for field in PRICES:
        block.values[field][50:] *= 0.5
        block.values[field][70] = np.nan
    block.values["volume"][70] = np.nan
    report = repaired(block, {"default": "drop", "outlier": "keep"})
    assert not is_missing(block, 50)
    assert report.findings.set_index("rule")["action"].to_dict() == {
        "outlier": "keep", "unadjusted_split": "keep", "missing_bar": "keep",
    }  # fmt: skip


def test_the_word_fail_refuses_any_finding_and_says_how_to_go_on(calm):
    block = calm()
    block.values["volume"][50] = 0.0
    with pytest.raises(
        DataError, match=r"^volume is zero .* in 1 bar \(zero_volume\), first at 2015-03-17 A \(volume 0"
    ):
        repaired(block, "fail")
    block = calm()
    for field in FIELDS:
        block.values[field][50] = np.nan
    with pytest.raises(DataError, match=r"set data.repair: \{missing_bar: keep\}$"):
        repaired(block, "fail")


def test_a_symbol_that_ended_does_not_fail_for_the_bars_after_its_end(calm):
    block = calm()
    for field in FIELDS:
        block.values[field][50:] = np.nan
    found = examine(block)
    assert first_failure(Repair("fail"), block, found) is None
    assert apply_repair(Repair("fail"), block, found).counts == {}


def test_the_first_failure_tells_the_place_and_counts_bars_not_values(calm):
    block = calm()
    for field in ("open", "high"):
        block.values[field][[50, 60]] = 0.0
    failure = first_failure(Repair(), block, examine(block))
    assert (failure.rule, failure.what) == ("nonpositive_price", "open is zero or negative")
    assert (failure.count, failure.row, failure.column, failure.value) == (2, 50, 0, 0.0)
    assert first_failure(Repair("drop"), block, examine(block)) is None


def test_the_word_keep_still_refuses_what_no_market_can_hold(calm):
    block = calm()
    block.values["low"][50] = 0.0
    with pytest.raises(DataError, match="low is zero or negative"):
        repaired(block, "keep")
    block = calm()
    block.values["high"][50] = 1.0
    assert repaired(block, "keep").impossible_left == 1


def test_an_action_for_a_rule_comes_before_the_default_and_is_done_once_for_each(calm):
    block = with_a_high_out_of_reach(calm)
    block.values["volume"][60] = 0.0
    repaired(block, {"default": "drop", "bad_print": "mask", "zero_volume": "keep"})
    assert not is_missing(block, 50)
    assert block.values["high"][50] < 300
    assert block.values["volume"][60] == 0.0


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("dorp", r"^repair is 'dorp'; did you mean 'drop'\? \(one of keep, fail, drop, mask, winsorise\)$"),
        ({"bad_prnt": "drop"}, r"^repair: no rule called 'bad_prnt'; did you mean 'bad_print'\?"),
        ({"bad_print": "fial"}, r"^repair of bad_print is 'fial'; did you mean 'fail'\?"),
        (
            {"missing_bar": "drop"},
            r"^repair of missing_bar is 'drop', which it does not allow; give one of keep, fail$",
        ),
        ({"missing_price": "keep"}, "which it does not allow; give one of fail, drop, mask, winsorise$"),
        ({"default": None}, r"^repair of default is None \(one of"),
        (["drop"], r"^repair is \['drop'\]; give one of keep, fail, drop, mask, winsorise, or one for each rule$"),
    ],
    ids=str,
)
def test_a_policy_that_cannot_be_is_refused_with_what_can(policy, said):
    with pytest.raises(ConfigError, match=said):
        Repair.of(policy)


@pytest.mark.parametrize("policy", [None, "drop", {"default": "mask", "outlier": "keep"}], ids=str)
def test_a_policy_can_be_stored_and_made_again(policy):
    plain = json.loads(json.dumps(Repair.of(policy).as_plain()))
    assert plain == policy
    again = Repair.of(plain)
    assert [again.action(name) for name in BY_NAME] == [Repair.of(policy).action(name) for name in BY_NAME]


def test_rows_that_are_left_out_follow_the_policy_too():
    assert Repair().action("off_session") == "fail"
    assert Repair("keep").action("off_session") == "fail"
    assert Repair("drop").action("off_session") == "drop"
    assert Repair({"off_session": "drop"}).action("off_session") == "drop"


@pytest.mark.parametrize("policy", ["drop", "mask", "winsorise"])
@given(
    row=st.integers(20, 90),
    bars=st.integers(1, 3),
    power=st.sampled_from([-3, -2, 2, 3]),
    ten=st.booleans(),
    close_only=st.booleans(),
)
def test_wrong_bars_on_end_go_all_of_them_and_the_bars_around_them_stay(
    calm, policy, row, bars, power, ten, close_only
):
    right, block = calm().values, calm()
    if close_only:
        right = {**dict.fromkeys(PRICES, right["close"]), "volume": np.full_like(right["close"], np.nan)}
        values = {**dict.fromkeys(PRICES, block.values["close"]), "volume": right["volume"].copy()}
        block = Block(block.grid, ["A"], None, values)
    wrong = np.arange(row, row + bars)
    for array in {id(array): array for array in (block.values[field] for field in PRICES)}.values():
        array[wrong] *= 10.0**power
    if ten and not close_only:  # a close off by ten just before: it goes, or its point is put right
        block.values["close"][row - 1] *= 10
    repaired(block, policy)
    assert all(is_missing(block, each) for each in wrong)
    around = np.setdiff1d(np.arange(120), [*wrong, row - 1] if ten and not close_only else wrong)
    for field in FIELDS:
        np.testing.assert_array_equal(block.values[field][around], right[field][around])
    assert is_missing(block, row - 1) or bar(block, row - 1)["close"] == pytest.approx(right["close"][row - 1, 0])
