"""The hold-out on the command line: what is printed and stored of it, and what verifying does not count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

SPAN = ("--start", "2014-01-01", "--end", "2015-12-31", "--no-tearsheet")  # 504 sessions
HELD = (*SPAN, "--set", "data.holdout=2015-07-01")  # 128 of them
FIGURES = ("holdout_total_return", "holdout_sharpe", "holdout_max_drawdown")


@pytest.fixture
def ran(command):
    """Backtest, and return what --json tells."""

    def run(*arguments):
        code, out, err = command("backtest", "sma_cross", *arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return run


def lock_files(home):
    return sorted(home.glob("logs/holdouts/*"))


def test_a_shut_hold_out_is_stamped_and_leaves_no_figure_and_no_lock(ran, home):
    told = ran(*HELD)
    assert told["stamps"][0] == "the last 128 sessions, from 2015-07-01 on, are held out"
    assert told["metrics"]["end"] == "2015-06-30"
    assert not set(FIGURES) & set(told["metrics"])
    assert lock_files(home) == []


def test_an_opened_one_has_figures_of_its_own_and_is_counted(ran, home):
    first, second = ran(*HELD, "--open-holdout"), ran(*HELD, "--open-holdout")
    assert first["stamps"][0] == "the hold-out from 2015-07-01 on was opened by this run, for the first time"
    assert second["stamps"][0] == "the hold-out from 2015-07-01 on was opened by this run, for the 2nd time"
    assert first["metrics"]["end"] == "2015-12-31"
    assert all(isinstance(first["metrics"][name], float) for name in FIGURES)
    assert first["metrics"] == second["metrics"]
    plain = ran(*SPAN)["metrics"]
    assert {name: value for name, value in first["metrics"].items() if name not in FIGURES} == plain
    (file,) = lock_files(home)
    assert file.name.startswith("2015-07-01-")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["run_id"], line["signal"]) for line in lines] == [
        (told["run_id"], "sma_cross") for told in (first, second)
    ]


def test_the_tear_sheet_has_a_table_of_them(command, home):
    spans = (*HELD[:4], *HELD[5:])
    code, out, err = command("backtest", "sma_cross", *spans, "--open-holdout", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    page = Path(told["tearsheet"]).read_text()
    assert "Sessions that were held out" in page
    table = page.partition("Sessions that were held out")[2]
    assert f"{told['metrics']['holdout_total_return']:.2%}" in table[:3000]
    _, out, _ = command("backtest", "sma_cross", *spans, "--json")
    assert "Sessions that were held out" not in Path(json.loads(out)["tearsheet"]).read_text()


def test_the_summary_has_stamp_and_figures_within_80_columns(command):
    _, out, _ = command("backtest", "sma_cross", *HELD, "--open-holdout")
    lines = out.splitlines()
    told = json.loads(command("report", "2", "--json")[1])["metrics"]
    at = next(number for number, line in enumerate(lines) if line.startswith("Held-out return"))
    assert lines[at - 1] == lines[at + 3] == ""
    assert [line.split() for line in lines[at : at + 3]] == [
        ["Held-out", "return", f"{told['holdout_total_return']:.2%}"],
        ["Held-out", "Sharpe", f"{told['holdout_sharpe']:.2f}"],
        ["Held-out", "drawdown", f"{told['holdout_max_drawdown']:.2%}"],
    ]
    assert "! the hold-out from 2015-07-01 on was opened by this run, for the first time" in lines
    assert max(map(len, lines[: at + 20])) <= 80
    _, out, _ = command("backtest", "sma_cross", *HELD)
    assert "Held-out" not in out
    assert "! the last 128 sessions, from 2015-07-01 on, are held out; it was opened once," in out


def test_the_tear_sheet_says_so(command, home):
    command("backtest", "sma_cross", *HELD[:-3], *HELD[-2:], "--open-holdout")
    (page,) = home.glob("logs/runs/*/tearsheet.html")
    assert "the hold-out from 2015-07-01 on was opened by this run, for the first time" in page.read_text()


def test_verifying_is_no_further_opening(command, ran, home):
    runs = [ran(*HELD, "--open-holdout"), ran(*HELD)]
    (file,) = lock_files(home)
    before = file.read_bytes()
    for run in runs:
        assert command("verify", run["run_id"]) == (0, f"{run['run_id']}: identical\n", "")
    assert file.read_bytes() == before


def test_a_stored_runs_configuration_opens_it_again_and_counts(command, ran, home):
    run = ran(*HELD, "--open-holdout")
    config = home / "logs" / "runs" / run["run_id"] / "config.yaml"
    data = yaml.safe_load(config.read_text())["data"]
    assert (data["end"], data["holdout"], data["open_holdout"]) == ("2015-12-31", "2015-07-01", True)
    code, out, _ = command("backtest", "--config", config, "--no-tearsheet", "--json")
    assert (code, json.loads(out)["stamps"][0].split()[-2]) == (0, "2nd")


@pytest.mark.parametrize("text", ["holdout: 0.25", "holdout: 2015-07-01", "holdout: '2015-07-01'"])
def test_a_configuration_file_holds_out(command, tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(f"signal: sma_cross\ndata: {{start: 2014-01-01, end: 2015-12-31, {text}}}\n")
    _, out, _ = command("backtest", "--config", file, "--no-tearsheet", "--json")
    sessions = 126 if "0.25" in text else 128
    assert json.loads(out)["stamps"][0].startswith(f"the last {sessions} sessions, from 2015-07-0")


def test_a_damaged_lock_file_is_one_line_and_stays_as_it_is(command, ran, home):
    ran(*HELD, "--open-holdout")
    (file,) = lock_files(home)
    file.write_text(file.read_text() + "{half a line")
    for opening in (["--open-holdout"], []):
        code, out, err = command("backtest", "sma_cross", *HELD, *opening)
        assert (code, out) == (1, "")
        assert err.startswith(f"error: the hold-out's lock file {file} is damaged in line 2 (")
        assert err.count("\n") == 1
    assert file.read_text().endswith("\n{half a line")
    assert len(list(home.glob("logs/runs/*"))) == 1


def test_checking_data_looks_at_all_bars(command, tmp_path):
    bars = "date,symbol,close\n" + "".join(f"2015-01-{day:02},A,{day}\n" for day in (5, 6, 7, 8, 9))
    (tmp_path / "mine.csv").write_text(bars)
    (tmp_path / "other.csv").write_text(bars.replace("A,9", "A,10"))  # in a held-out session
    settings = ["--data", "files", "--set", f"data.path={tmp_path / 'mine.csv'}", "--set", "data.holdout=0.4"]
    columns = "{open: null, high: null, low: null, volume: null}"
    other = f"{{source: files, path: {tmp_path / 'other.csv'}, columns: {columns}}}"
    _, out, err = command("data", "check", *settings, "--set", f"data.columns={columns}", "--against", other)
    assert "2015-01-09" in out, err
