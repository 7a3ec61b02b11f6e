"""The report: findings as a table, as text, as plain data; and reports put together."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from quantstrats.market.quality.block import Block
from quantstrats.market.quality.check import examine
from quantstrats.market.quality.repair import Repair, apply_repair
from quantstrats.market.quality.report import QualityReport, found_in

FIELDS = ("open", "high", "low", "close", "volume")


def reported(block, policy=None):
    return apply_repair(Repair.of(policy), block, examine(block))


@pytest.fixture
def spoilt(calm):
    block = calm()
    values = {field: np.repeat(array, 3, axis=1) for field, array in block.values.items()}
    values["high"][50, 1] = 300.0
    values["volume"][[20, 30, 40, 60], 0] = 0.0
    for field in FIELDS:
        values[field][70:72, 2] = np.nan
    return Block(block.grid, ["A", "B", "C"], None, values)


def test_findings_are_a_table_in_order_of_time(spoilt):
    findings = reported(spoilt).findings
    assert list(findings.columns) == ["rule", "symbol", "time", "field", "value", "expected", "action", "bars"]
    assert findings["time"].is_monotonic_increasing
    high = findings.set_index("rule").loc["bad_print"]
    assert (high["symbol"], high["field"], high["value"], high["action"]) == ("B", "high", 300.0, "keep")
    assert high["time"] == spoilt.grid.index[50]
    assert high["expected"] < 200
    assert reported(spoilt).counts == {"bad_print": 1, "zero_volume": 4, "missing_bar": 2}
    assert reported(spoilt).one_line() == "1 bad_print, 4 zero_volume, 2 missing_bar"


def test_the_text_has_a_line_for_each_rule_and_first_places_within_80_columns(spoilt):
    text = reported(spoilt).as_text()
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.splitlines()[0] == "358 bars of 3 symbols: 3 rules found something"
    assert "zero_volume               4        1  unusual     keep" in text
    assert "    2015-03-17 B: high 300, expected " in text
    assert "    and 1 more" in text
    assert "    2015-04-15 C\n    2015-04-16 C" in text


def test_a_long_name_is_cut_and_nothing_found_is_said(calm):
    block = calm()
    assert reported(block).as_text() == "120 bars of 1 symbol: nothing found"
    assert reported(block).one_line() == ""
    block.values["volume"][50] = 0.0
    long = Block(block.grid, ["X" * 90], None, block.values)
    assert max(len(line) for line in reported(long).as_text().splitlines()) <= 80


def test_the_plain_data_has_every_finding_with_dates_and_values_and_is_json(spoilt):
    plain = json.loads(json.dumps(reported(spoilt).as_plain(), allow_nan=False))
    assert plain["counts"] == {"bad_print": 1, "zero_volume": 4, "missing_bar": 2}
    assert (plain["bars"], plain["symbols"], len(plain["findings"])) == (358, 3, 7)
    assert plain["findings"][0] == {
        "rule": "zero_volume", "symbol": "A", "time": "2015-02-02", "field": "volume", "value": 0.0,
        "expected": None, "action": "keep", "bars": 1,
    }  # fmt: skip


def test_an_infinite_value_is_json_too(calm):
    block = calm()
    block.values["high"][50] = np.inf
    plain = reported(block, "drop").as_plain()
    assert json.loads(json.dumps(plain, allow_nan=False))["findings"][0]["value"] == "inf"


def test_the_record_and_the_stamps_tell_what_was_done(spoilt):
    report = reported(spoilt, {"zero_volume": "mask", "bad_print": "drop"})
    record = report.as_record()
    assert record["rules"]["zero_volume"] == {
        "bars": 4, "symbols": 1, "actions": {"mask": 4}, "first": "2015-02-02 A",
    }  # fmt: skip
    assert report.stamps() == ("bars were repaired: 1 bad_print dropped, 4 zero_volume masked",)
    json.dumps(record)


def test_reports_on_several_blocks_are_put_together_in_order_of_time(spoilt):
    parts = []
    for column, symbol in enumerate(spoilt.symbols):
        values = {field: array[:, [column]].copy() for field, array in spoilt.values.items()}
        parts.append(reported(Block(spoilt.grid, [symbol], None, values)))
    joined, whole = QualityReport.joined(reversed(parts)), reported(spoilt)
    pd.testing.assert_frame_equal(joined.findings, whole.findings)
    assert joined.counts == whole.counts
    assert joined.bars == whole.bars
    assert set(joined.symbols) == {"A", "B", "C"}


def test_no_reports_are_a_report_without_findings():
    empty = QualityReport.joined([])
    assert (empty.bars, empty.counts, empty.one_line(), empty.stamps()) == (0, {}, "", ())
    assert empty.findings.empty


def test_rows_left_out_are_reported_beside_bars(spoilt):
    labels = pd.DatetimeIndex(["2015-01-19", "2015-01-01"])
    rows = QualityReport.of_rows("off_session", ["B", "Z"], labels, "close", np.array([1.0, 2.0]), "drop")
    joined = QualityReport.joined([reported(spoilt), rows])
    assert joined.one_line() == "2 off_session, 1 bad_print, 4 zero_volume, 2 missing_bar"
    assert joined.findings["symbol"].tolist()[:2] == ["Z", "B"]
    assert joined.bars == 358


def test_bars_missing_after_the_last_one_are_not_counted_and_those_of_a_session_are(calm):
    block = calm(rows=1170, minutes=1, step=0.0005)
    for field in FIELDS:
        block.values[field][[5, 100, 101, 389, 390, 400]] = np.nan
        block.values[field][900:] = np.nan
    report = reported(block)
    assert report.counts == {"missing_bar": 6}
    assert report.findings["bars"].tolist() == [4, 2]
    assert report.findings["time"].dt.tz is not None
    assert "2015-01-02 14:35 UTC A: 4 bars" in report.as_text()


def test_what_is_only_looked_at_is_left_as_it_is(calm):
    block = calm()
    block.values["low"][50] = 0.0
    report = found_in(block, examine(block))
    assert report.findings["action"].tolist() == ["fail"]  # what is done about it by default
    assert "Bars that cannot be (1 finding): a backtest refuses them" in report.as_text()
    assert report.impossible_left == 1
    assert block.values["low"][50] == 0.0
    assert report.stamps() == ()


def test_impossible_bars_that_are_kept_are_told_on_every_report(calm):
    block = calm()
    block.values["high"][50] = block.values["low"][50] * 0.99
    report = apply_repair(Repair({"high_below_low": "keep"}), block, examine(block))
    (stamp,) = [each for each in report.stamps() if each.startswith("bars that cannot be were kept: 1 high_below_low")]
    assert "(first " in stamp


def test_likely_faults_that_are_kept_are_told_on_every_report_and_usual_oddities_are_not(calm):
    block = calm()
    block.values["low"][50] /= 10
    block.values["volume"][40] = 0.0
    report = found_in(block, examine(block))
    assert report.counts["decimal_shift"] == 1
    assert report.counts["zero_volume"] == 1
    assert any("1 decimal_shift" in stamp and "data check" in stamp for stamp in report.stamps())
    assert not any("zero_volume" in stamp for stamp in report.stamps())
