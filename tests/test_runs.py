"""A Run's folder: complete or absent, and the same when read back."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from quantstrats import Details, backtest
from quantstrats.errors import RunError
from quantstrats.runs import content_hashes, load_run, new_run_id, returns_of


@pytest.fixture
def run(nasdaq):
    return backtest("sma_cross", nasdaq.between("2010-01-01", "2011-12-31"))


FRAMES = ("equity", "positions", "transactions", "orders", "trades", "targets")


def test_a_stored_run_reads_back_equal(run):
    run.save()
    back = load_run(run.run_id)
    for name in FRAMES:
        read, kept = getattr(back, name), getattr(run, name)
        same = pd.testing.assert_series_equal if read.ndim == 1 else pd.testing.assert_frame_equal
        same(read, kept, check_freq=False, check_index_type=False)
    assert back.config == run.config
    assert back.metrics == run.metrics
    assert back.manifest == run.manifest
    assert back.log == run.log
    pd.testing.assert_series_equal(back.benchmark, run.benchmark, check_freq=False)
    assert content_hashes(**{name: getattr(back, name) for name in FRAMES}) == run.manifest["content"]


def test_details_read_back_equal(run):
    overlay = pd.DataFrame({"NASDAQ": [1.0, math.nan]}, index=run.equity.index[:2])
    table = pd.DataFrame({"pair": ["A/B"], "p": [0.01]})
    details = Details(overlays={"a line": overlay}, tables={"a table": table}, pictures={"a picture": b"\x89PNG"})
    replace(run, details=details).save()
    back = load_run(run.run_id).details
    pd.testing.assert_frame_equal(back.overlays["a line"], overlay, check_freq=False)
    pd.testing.assert_frame_equal(back.tables["a table"], table)
    assert back.pictures == {"a picture": b"\x89PNG"}


def test_the_folder_holds_the_whole_run(run):
    folder = run.save({"tearsheet.html": "<html>é</html>"})
    assert folder.name == run.run_id
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["config.yaml", "manifest.json", "metrics.json", "run.log", "tearsheet.html", "details"]
        + [f"{name}.parquet" for name in FRAMES]
    )
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["signal"] == {"name": "sma_cross", "fast": 20, "slow": 50}
    assert (folder / "tearsheet.html").read_text(encoding="utf-8") == "<html>é</html>"
    assert all(json.loads(line)["message"] for line in (folder / "run.log").read_text().splitlines())


def test_json_is_strict_where_figures_are_undefined(run):
    folder = replace(run, metrics={"sharpe": math.nan, "list": [math.inf, 1.5]}).save()
    text = (folder / "metrics.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail) == {"sharpe": None, "list": [None, 1.5]}


@pytest.mark.parametrize("name", ["../outside.html", "config.yaml", "orders.parquet", "folder/page.html"])
def test_a_file_cannot_leave_the_folder_or_replace_what_is_in_it(run, home, name):
    with pytest.raises(RunError, match="cannot be stored with the run; give another plain name"):
        run.save({name: "text"})
    assert list((home / "logs" / "runs").iterdir()) == []


def test_a_crash_before_the_last_step_leaves_no_folder(run, home, monkeypatch):
    def crash(self, target):
        raise OSError("power failure")

    monkeypatch.setattr(Path, "rename", crash)
    with pytest.raises(RunError, match="power failure"):
        run.save()
    assert list((home / "logs" / "runs").iterdir()) == []


def test_a_table_of_mixed_kinds_is_stored_as_text(run):
    table = pd.DataFrame({1: ["text", 5, None]})
    replace(run, details=Details(tables={"mixed": table})).save()
    back = load_run(run.run_id).details.tables["mixed"]["1"]
    assert back.tolist()[:2] == ["text", "5"]
    assert pd.isna(back[2])


def test_saving_twice_is_refused(run):
    run.save()
    with pytest.raises(RunError, match="is stored already"):
        run.save()


def test_a_run_that_cannot_be_written_leaves_nothing(run, home):
    broken = replace(run, details=Details(pictures={"line": "not bytes"}))
    with pytest.raises(RunError, match="cannot be stored: TypeError"):
        broken.save()
    assert list((home / "logs" / "runs").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_in_one_line(run, home):
    (home / "logs").mkdir(exist_ok=True)
    (home / "logs" / "runs").write_text("in the way")
    with pytest.raises(RunError, match="cannot be stored in"):
        run.save()


def test_an_unknown_run_is_told_with_the_closest_one(run):
    run.save()
    wrong = run.run_id[:-1] + "x"
    with pytest.raises(RunError, match=f"no run called '{wrong}'; did you mean '{run.run_id}'"):
        load_run(wrong)


def test_a_run_loads_by_its_folder_from_anywhere(run, tmp_path, monkeypatch):
    folder = run.save()
    monkeypatch.setenv("QUANTSTRATS_HOME", str(tmp_path))
    assert load_run(Path(os.path.relpath(folder))).run_id == run.run_id


def test_an_incomplete_folder_is_told_in_one_line(run):
    folder = run.save()
    (folder / "orders.parquet").unlink()
    with pytest.raises(RunError, match="cannot be read"):
        load_run(run.run_id)


def test_the_first_return_is_against_the_starting_cash():
    equity = pd.Series([90.0, 99.0], index=pd.to_datetime(["2015-01-02", "2015-01-05"]))
    assert returns_of(equity, 100.0).tolist() == pytest.approx([-0.1, 0.1])


def test_an_account_that_is_gone_loses_everything_once_and_earns_nothing_after():
    equity = pd.Series([50.0, -10.0, -20.0, 5.0], index=pd.date_range("2015-01-05", periods=4))
    assert returns_of(equity, 100.0).tolist() == [-0.5, -1.0, 0.0, 0.0]
    assert returns_of(equity - 50.0, 100.0).tolist() == [-1.0, 0.0, 0.0, 0.0]


def test_run_ids_sort_by_time_and_never_repeat():
    ids = {new_run_id("x") for _ in range(50)}
    assert len(ids) == 50
    assert all(run_id[8] == "T" and run_id[15:18] == "-x-" for run_id in ids)


def test_a_run_says_in_short_what_it_is(run):
    assert repr(run).startswith(f"<Run {run.run_id}: 2010-01-04 to 2011-12-30, final equity ")
