"""quantstrats compare, and backtests/analyze_bt.py: stored runs side by side."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quantstrats import backtest, load_run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def template(tmp_path_factory, nasdaq):
    """A folder with three stored runs, the third of another year."""
    folder = tmp_path_factory.mktemp("runs")
    for signal, start, end in (
        ("buy_and_hold", "2010-01-01", "2011-12-31"),
        ({"name": "sma_cross", "fast": 10, "slow": 20}, "2010-03-01", "2011-12-31"),
        ("buy_and_hold", "2013-01-01", "2013-12-31"),
    ):
        run = backtest(signal, nasdaq.between(start, end), guard="off")
        run.save(folder=folder)
    return folder


@pytest.fixture
def three(template, home):
    """A copy of them in the home, and their ids."""
    shutil.copytree(template, home / "logs" / "runs")
    runs = [load_run(path) for path in (home / "logs" / "runs").iterdir()]
    return tuple(run.run_id for run in sorted(runs, key=lambda run: run.equity.index[0]))


def test_compare_prints_tables_of_80_columns_and_where_the_page_is(command, three, home):
    code, out, err = command("compare", three[0], three[1])
    assert (code, err) == (0, "")
    page = home / "logs" / "comparisons" / f"{three[0]}_{three[1]}.html"
    tables, _, shown = out.rpartition("Comparison  ")
    assert shown == f"{page}\n"
    assert page.read_text().lower().startswith("<!doctype html>")
    assert [path.name for path in page.parent.iterdir()] == [page.name]
    lines = tables.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == f"A  {three[0]}"
    assert lines[3] == "   sma_cross(fast=10, slow=20), 2010-03-01 to 2011-12-30, 466 sessions"
    assert "Common span: 2010-03-01 to 2011-12-30, 466 sessions" in lines
    assert "signal.name: A buy_and_hold, B sma_cross" in lines
    assert any(line.startswith("! their spans differ") for line in lines)
    assert any(line.startswith("! A B: an index is not tradable") for line in lines)


def test_the_tables_have_the_figures_of_the_runs(command, three):
    lines = [line.split() for line in command("compare", three[0], three[1])[1].splitlines()]
    first, second = (load_run(run).metrics for run in three[:2])
    # On the common span, which is the whole of the second; then on its own.
    common, own = [line for line in lines if line[:2] == ["Sharpe", "ratio"]][:2]
    assert own[2:] == [f"{first['sharpe']:.2f}", f"{second['sharpe']:.2f}"]
    assert common[3] == f"{second['sharpe']:.2f}"
    (orders,) = [line for line in lines if line[:1] == ["Orders"] and len(line) == 3]
    assert orders[1:] == [str(first["orders"]), str(second["orders"])]
    difference = [line for line in lines if line[:2] == ["Sharpe", "ratio"]][2]
    levels = float(common[3]) - float(common[2])
    assert float(difference[2]) == pytest.approx(levels, abs=0.011)  # of rounded ratios
    assert float(difference[3]) < float(difference[2]) < float(difference[5])


def test_json_is_one_strict_object(command, three, home, tmp_path):
    code, out, err = command("compare", three[1], three[0], "--json", "--out", tmp_path / "page.html")
    told = json.loads(out, parse_constant=pytest.fail)
    assert (code, err) == (0, "")
    assert list(told["runs"]) == ["A", "B"]
    assert told["runs"]["A"]["metrics"]["sharpe"] == load_run(three[1]).metrics["sharpe"]
    assert told["figures"]["A"]["sharpe"] == pytest.approx(load_run(three[1]).metrics["sharpe"])
    row = told["differences"]["B"]["statistics"]["sharpe"]
    assert row["difference"] == pytest.approx(told["figures"]["B"]["sharpe"] - told["figures"]["A"]["sharpe"])
    assert row["low"] < row["high"]
    assert told["page"] == str(tmp_path / "page.html")
    assert (tmp_path / "page.html").is_file()
    assert not (home / "logs" / "comparisons").exists()


def test_the_same_comparison_says_the_same_and_replaces_its_page(command, three, home):
    first, second = (command("compare", three[0], three[1])[1] for _ in range(2))
    assert first == second
    assert len(list((home / "logs" / "comparisons").iterdir())) == 1


def test_many_runs_share_a_table_of_80_columns_and_a_short_name(command, three, home):
    folder = home / "logs" / "runs"
    ids = []
    for number in range(7):
        ids.append(f"{three[0]}-{number}")
        shutil.copytree(folder / three[0], folder / ids[-1])
    code, out, _ = command("compare", *ids)
    tables, _, shown = out.rpartition("Comparison  ")
    assert code == 0
    assert max(map(len, tables.splitlines())) <= 80
    assert [line.split() for line in tables.splitlines()].count(["F", "G"]) == 2
    assert Path(shown.strip()).name.startswith("7-runs-")
    assert "Their configurations are the same." in tables
    assert "Mean return a year        +0.00 pp           +0.00 to +0.00 pp         50.0%" in tables


def test_what_cannot_be_compared_is_one_line(command, three, tmp_path):
    for arguments, told in (
        ([three[0], three[0]], f"error: run {three[0]} is given twice; name each run once\n"),
        ([three[0]], "error: a comparison needs two runs or more; 'quantstrats report ID' is about one\n"),
        (
            [three[0], three[2]],
            (
                f"error: runs {three[0]} (2010-01-04 to 2011-12-30, 504 sessions) and {three[2]} "
                "(2013-01-02 to 2013-12-31, 252 sessions) have no session in common\n"
            ),
        ),
    ):
        assert command("compare", *arguments) == (2, "", told)
    code, out, err = command("compare", *three[:2], "--out", tmp_path)
    assert (code, out) == (1, "")
    assert err == f"error: the comparison cannot be written to {tmp_path}: it is not a plain file\n"


def test_a_file_in_the_way_of_the_comparisons_is_one_line(command, three, home):
    (home / "logs" / "comparisons").write_text("")
    code, out, err = command("compare", *three[:2])
    assert (code, out) == (1, "")
    assert err == f"error: the folder {home}/logs/comparisons cannot be made: File exists; give --out FILE\n"


def test_settings_that_differ_in_many_ways_are_cut(command, three, home):
    config = home / "logs" / "runs" / three[1] / "config.yaml"
    more = "".join(f"  key_{number:02}: {number}\n" for number in range(30))
    config.write_text(config.read_text().replace("signal:\n", f"signal:\n{more}"))
    lines = command("compare", *three[:2])[1].splitlines()
    # The signal's name, its two fields, data.start and the thirty.
    assert "and 14 settings more, on the page" in lines


def analyze(*arguments, **options):
    script = [sys.executable, ROOT / "backtests" / "analyze_bt.py", *arguments]
    return subprocess.run(script, capture_output=True, text=True, timeout=120, check=False, **options)


def test_analyze_bt_reports_one_run_and_compares_several(three, home, tmp_path):
    environment = os.environ | {"QUANTSTRATS_HOME": str(home)}
    done = analyze("--out", "one.html", three[0], cwd=tmp_path, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Tear sheet  one.html\n", "")
    done = analyze(*three[:2], "--out=two.html", cwd=tmp_path, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Comparison  two.html\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "two.html"]
    done = analyze("nope", cwd=tmp_path, env=environment)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "quantstrats compare" in analyze("--help", cwd=tmp_path, env=environment).stdout
