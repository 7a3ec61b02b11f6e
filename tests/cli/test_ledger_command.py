"""``quantstrats ledger`` counts what was searched, within runs and outside."""

from __future__ import annotations

import json

import pytest

from quantstrats.runs.ledger import Ledger, verifying


def config(name):
    return {"signal": {"name": name}}


@pytest.fixture
def searched(home):
    """Three runs, two of which searched 12 and 1 settings, a verification, and 2 settings tried outside."""
    ledger = Ledger()
    for name, count in (("plain", 0), ("forest", 12), ("forest", 1)):
        with ledger.trial(f"{name}-{count}", config(name), "data") as trial:
            for number in range(count):
                with ledger.trying(name, {}, data_hash="data", key=str(number), trial=trial) as entered:
                    ledger.scored(entered, 0.5)
            ledger.finish(trial, "content", {})
    with verifying("forest-12"), ledger.trial("again", config("forest"), "data") as trial:
        ledger.finish(trial, "content", {})
    for key in "ab":
        with ledger.trying("forest", {}, data_hash="data", key=key) as entered:
            ledger.scored(entered, 0.5)
    return home


def test_the_ledger_tells_of_each_run_how_many_trials_it_searched_and_how_many_there_are_in_all(command, searched):
    code, out, err = command("ledger")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[3].split()[0] == "3"
    assert lines[4].strip() == "1 trial searched within it"
    assert lines[5].split()[0] == "2"
    assert lines[6].strip() == "12 trials searched within it"
    assert lines[7].split()[0] == "1"
    assert lines[8] == "3 trials: 3 finished; 1 verification, not counted"
    assert lines[9] == "15 more trials searched, 13 within runs and 2 outside: 18 trials in all"
    assert Ledger().count() == 18
    assert max(map(len, lines[:10])) <= 80


def test_the_ledger_of_one_signal_counts_what_its_runs_searched(command, searched):
    lines = command("ledger", "--signal", "forest")[1].splitlines()
    assert lines[-3:-1] == [
        "2 trials: 2 finished; 1 verification, not counted",
        "13 more trials searched, 13 within runs: 15 trials in all",
    ]
    assert "searched" not in command("ledger", "--signal", "plain")[1]


def test_the_ledger_as_json_has_the_number_searched_of_each_run(command, searched):
    assert [(row["trial"], row["searched"]) for row in json.loads(command("ledger", "--json")[1])] == [
        (4, 0), (3, 1), (2, 12), (1, 0),
    ]  # fmt: skip


def test_a_ledger_of_searches_alone_says_so(command, home):
    ledger = Ledger()
    with ledger.trying("forest", {}, data_hash="data", key="k") as entered:
        ledger.scored(entered, 0.5)
    assert command("ledger")[1].splitlines()[:2] == ["0 trials", "1 more trial searched, 1 outside: 1 trial in all"]
