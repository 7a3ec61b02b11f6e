"""What the first difference between two runs is, for differences planted in each part of a run."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from quantstrats import backtest
from quantstrats.runs.comparison import damage, first_difference, notes
from quantstrats.runs.run import load_run

FRAMES = ("equity", "positions", "transactions", "orders", "trades", "targets", "benchmark")


@pytest.fixture(scope="module")
def run(tmp_path_factory, nasdaq):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANTSTRATS_HOME", str(tmp_path_factory.mktemp("home")))
        return backtest("sma_cross", nasdaq.between("2010-01-01", "2011-12-31"))


def changed(run, name, row, column, value):
    """Return the run with one value of one frame replaced."""
    frame = getattr(run, name).copy()
    if frame.ndim == 1:
        frame.iloc[row] = value
    else:
        frame.iloc[row, frame.columns.get_loc(column)] = value
    return replace(run, **{name: frame})


def manifest_with(run, block, **values):
    manifest = copy.deepcopy(run.manifest)
    manifest[block] |= values
    return replace(run, manifest=manifest)


def test_a_run_does_not_differ_from_itself_or_from_what_was_stored_of_it(run):
    run.save()
    assert first_difference(run, run) is None
    assert first_difference(load_run(run.run_id), run) is None
    assert first_difference(run, load_run(run.run_id)) is None
    assert damage(load_run(run.run_id)) == []


@pytest.mark.parametrize(
    ("name", "row", "column", "value", "where"),
    [
        ("equity", 7, None, 5.25, "2010-01-13, equity"),
        ("positions", 8, "cash", 5.25, "2010-01-14, cash"),
        ("targets", 9, "NASDAQ", 5.25, "2010-01-15, NASDAQ"),
        ("benchmark", 10, None, 5.25, "2010-01-19, benchmark"),
        ("transactions", 1, "price", 5.25, "fill 2 of 2010-05-20, price"),
        ("orders", 1, "size", 5.25, "order 2 of 2010-05-19, size"),
        ("trades", 1, "pnl", 5.25, "round trip 2 of 2010-08-03, pnl"),
    ],
)
def test_one_value_is_named_with_its_place_and_both_values(run, name, row, column, value, where):
    # The dates are those of the exchange's calendar and of the fills that tests/engines compare with Backtrader.
    frame = getattr(run, name)
    was = float(frame.iloc[row] if column is None else frame[column].iloc[row])
    found = first_difference(run, changed(run, name, row, column, value))
    assert (found.part, found.where) == (name, where)
    assert float(found.old) == was
    assert found.new == "5.25"
    assert str(found) == f"{name}, {where}: was {was!r}, is 5.25"


def test_the_earliest_difference_wins_whichever_frame_it_is_in(run):
    late_then_early = changed(changed(run, "targets", 100, "NASDAQ", 9.0), "equity", 20, None, 9.0)
    assert first_difference(run, late_then_early).part == "equity"
    early_then_late = changed(changed(run, "targets", 20, "NASDAQ", 9.0), "equity", 100, None, 9.0)
    assert first_difference(run, early_then_late).part == "targets"


def test_within_a_bar_the_cause_is_named_before_its_effects(run):
    day = run.transactions.index[0]
    row = run.equity.index.get_loc(day)
    other = changed(run, "equity", row, None, 1.0)
    other = changed(other, "positions", row, "cash", 1.0)
    assert first_difference(run, other).part == "positions"
    other = changed(other, "transactions", 0, "amount", 1.0)
    assert first_difference(run, other).part == "transactions"
    other = changed(other, "targets", row, "NASDAQ", 1.0)
    assert first_difference(run, other).part == "targets"


def test_what_an_order_was_asked_for_counts_from_its_decision_and_what_came_of_it_from_its_fill(run):
    decided, filled = run.orders["decided"].iloc[0], run.orders["changed"].iloc[0]
    assert decided < filled
    same_day = changed(run, "equity", run.equity.index.get_loc(decided), None, 1.0)
    asked = changed(same_day, "orders", 0, "size", 1.0)
    assert first_difference(run, asked).part == "orders"
    came = changed(same_day, "orders", 0, "price", 1.0)
    assert first_difference(run, came).part == "equity"


def test_the_earliest_of_several_changed_orders_is_the_one_that_changed_first(run):
    orders = run.orders.copy()
    orders.loc[orders.index[1], "changed"] = orders["changed"].iloc[5]
    old = replace(run, orders=orders)
    new = changed(changed(old, "orders", 1, "status", "Margin"), "orders", 3, "status", "Margin")
    assert first_difference(old, new).where.startswith("order 4 ")


@pytest.mark.parametrize(("name", "row_name"), [("transactions", "fill"), ("orders", "order")])
def test_a_row_more_at_the_end_is_named(run, name, row_name):
    shorter = replace(run, **{name: getattr(run, name).iloc[:-1]})
    found = first_difference(run, shorter)
    assert found.part == name
    assert found.where.startswith(f"{row_name} {len(getattr(run, name))} of ")
    assert "NASDAQ" in found.old
    assert found.new == "nothing"
    assert first_difference(shorter, run).old == "nothing"


def test_a_fill_that_is_missing_in_the_middle_is_named_by_its_bar(run):
    found = first_difference(run, replace(run, transactions=run.transactions.drop(run.transactions.index[1])))
    assert found.where == "fill 2 of 2010-05-20, bar"
    assert found.old == "2010-05-20"


def test_no_fills_at_all_are_told(run):
    found = first_difference(run, replace(run, transactions=run.transactions.iloc[:0]))
    assert found.where == "fill 1 of 2010-03-17"
    assert found.new == "nothing"


def test_columns_are_compared_by_name_and_order(run):
    found = first_difference(run, replace(run, positions=run.positions[["cash", "NASDAQ"]]))
    assert (found.part, found.where, found.old, found.new) == ("positions", "columns", "NASDAQ, cash", "cash, NASDAQ")


def test_a_benchmark_that_only_one_run_has_is_told(run):
    found = first_difference(run, replace(run, benchmark=None))
    assert str(found) == "benchmark, the whole: was there, is nothing"


def test_missing_values_agree_with_each_other_and_with_nothing_else(run):
    missing = changed(run, "positions", 3, "NASDAQ", math.nan)
    assert first_difference(missing, missing) is None
    found = first_difference(missing, run)
    assert (found.old, found.new) == ("missing", "0.0")


def test_types_that_carry_the_same_values_do_not_differ(run):
    orders = run.orders.astype({"symbol": object, "status": "category", "size": "Float64", "decided": "datetime64[us]"})
    same = replace(
        run,
        orders=orders,
        transactions=run.transactions.astype({"order": "float64"}),
        equity=run.equity.astype("Float64"),
        trades=run.trades.astype({"bars": "float64"}),
    )
    assert first_difference(run, same) is None
    assert first_difference(same, run) is None


def test_a_number_and_its_text_differ(run):
    found = first_difference(run, replace(run, transactions=run.transactions.astype({"order": str})))
    assert found.where == "fill 1 of 2010-03-17, order"


def test_an_empty_frame_agrees_with_an_empty_one_of_other_types(run):
    old, new = replace(run, trades=run.trades.iloc[:0]), replace(run, trades=run.trades.iloc[:0].astype(object))
    assert first_difference(old, new) is None


@pytest.mark.parametrize("size", [np.nextafter(100_000.0, 0.0), -0.0])
def test_the_last_bit_counts(run, size):
    # -0.0 equals 0.0 for Python, but not for the content hash.
    old = run if size else changed(run, "equity", 0, None, 0.0)
    found = first_difference(old, changed(run, "equity", 0, None, size))
    assert found.new == repr(float(size))
    assert found.old != found.new


def test_instants_are_compared_across_time_zones(run):
    equity = run.equity.tz_localize("UTC")
    there = equity.tz_convert("Asia/Tokyo")
    old, new = replace(run, equity=equity), replace(run, equity=there)
    assert first_difference(old, new) is None
    later = there.set_axis(there.index[:-1].append(there.index[-1:] + pd.Timedelta("1s")))
    assert first_difference(old, replace(run, equity=later)).where == "2011-12-30 00:00:00+00:00, bar"


def test_other_data_is_the_first_difference_and_its_part_is_named(run):
    parts = run.manifest["data"]["parts"] | {"volume": "0" * 64}
    other = manifest_with(changed(run, "targets", 0, "NASDAQ", 9.0), "data", hash="1" * 64, parts=parts)
    found = first_difference(run, other)
    assert (found.part, found.where, found.new) == ("data", "hash of volume", "0" * 12)


def test_other_data_of_a_run_without_hashes_of_the_parts_is_told(run):
    old = manifest_with(run, "data", hash="1" * 64)
    del old.manifest["data"]["parts"]
    assert first_difference(old, run).where == "hash"


def test_a_setting_with_another_value_is_told_before_the_results(run):
    config = copy.deepcopy(run.config)
    config["costs"]["slippage_bps"] = 7.0
    found = first_difference(run, replace(changed(run, "targets", 0, "NASDAQ", 9.0), config=config))
    assert str(found) == "config, costs.slippage_bps: was 5.0, is 7.0"


def test_a_setting_that_a_version_does_not_know_is_a_note_and_no_difference(run):
    config = copy.deepcopy(run.config)
    config["costs"]["borrowing"] = 1.5
    newer = replace(run, config=config)
    assert first_difference(run, newer) is None
    assert notes(run, newer) == ["setting costs.borrowing: not known to the stored run, is 1.5"]
    assert notes(newer, run) == ["setting costs.borrowing: was 1.5, is not known any more"]


def test_a_column_that_the_stored_run_does_not_know_is_a_note_and_no_difference(run):
    old = replace(
        run,
        orders=run.orders.drop(columns="reason"),
        transactions=run.transactions.drop(columns=["slippage", "order"]),
        metrics={name: value for name, value in run.metrics.items() if name != "costs"},
    )
    assert first_difference(old, run) is None
    assert notes(old, run) == [
        "orders: column reason not known to the stored run",
        "transactions: columns slippage, order not known to the stored run",
        "metrics: figure costs not known to the stored run",
    ]
    # What both know is compared all the same.
    assert first_difference(old, changed(run, "orders", 1, "size", 5.25)).where == "order 2 of 2010-05-19, size"
    shorter = replace(run, transactions=run.transactions.iloc[:-1])
    assert first_difference(old, shorter).where.startswith(f"fill {len(run.transactions)} of ")


def test_a_column_that_the_new_run_lacks_is_a_difference(run):
    found = first_difference(run, replace(run, orders=run.orders.drop(columns="reason")))
    assert (found.part, found.where) == ("orders", "columns")
    assert "reason" in found.old
    assert "reason" not in found.new


def test_a_symbol_more_is_a_difference(run):
    found = first_difference(run, replace(run, positions=run.positions.assign(OTHER=0.0)))
    assert (found.part, found.where, found.new) == ("positions", "columns", "NASDAQ, cash, OTHER")


def test_metrics_come_last_and_new_ones_are_no_difference(run):
    other = replace(run, metrics=run.metrics | {"sharpe": 1.5, "a_new_figure": 2.0})
    assert first_difference(run, other).where == "sharpe"
    assert first_difference(run, replace(run, metrics=run.metrics | {"a_new_figure": 2.0})) is None
    undefined = [replace(run, metrics=run.metrics | {"sharpe": value}) for value in (None, math.nan)]
    assert first_difference(*undefined) is None


def test_notes_name_the_part_whose_code_has_changed(run):
    inner = {"name": "inner", "provider": "acme", "version": "1.0", "code_hash": "1"}
    outer = inner | {"name": "outer", "parts": {"filters.0": inner}}
    old = manifest_with(run, "plugin", parts={"primary": outer})
    other = outer | {"parts": {"filters.0": inner | {"code_hash": "2"}}}
    assert notes(old, old) == []
    assert notes(old, manifest_with(run, "plugin", parts={"primary": other})) == [
        "plugin sma_cross, part primary outer, part filters.0 inner: same version, other code"
    ]


def test_notes_name_code_plugins_and_packages(run):
    assert notes(run, run) == []
    other = manifest_with(run, "plugin", code_hash="0")
    other = manifest_with(other, "allocator", version="9.9")
    packages = run.manifest["installation"]["packages"] | {"numpy": "0.1"}
    other = manifest_with(other, "installation", code_hash="0", python="3.99.1", packages=packages)
    versions = run.manifest["installation"]
    assert notes(run, other) == [
        "plugin sma_cross: same version, other code",
        f"allocator long_flat: was version {versions['quantstrats']}, is 9.9",
        "quantstrats: same version, other code",
        f"Python: was {versions['python']}, is 3.99.1",
        f"package numpy: was {versions['packages']['numpy']}, is 0.1",
    ]


def test_a_stored_frame_that_was_changed_afterwards_is_named(run):
    assert damage(changed(run, "orders", 0, "size", 1.0)) == ["orders"]
