"""Every row of docs/errors.md: the command line says what is written there, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from quantstrats.cli.main import main

BAD_INPUT = runpy.run_path(str(Path(__file__).with_name("bad_input.py")))
PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
ROW = re.compile(r"^\| (?P<what>[^|]+) \| `(?P<command>[^|]+)` \| `(?P<line>[^|]+)` \| (?P<code>\d+) \|$", re.MULTILINE)
ROWS = {row["what"]: row for row in ROW.finditer(PAGE.read_text())}
RUN_ID = re.compile(r"\d{8}T\d{6}-\w+-[0-9a-f]{6}")
# In a process of their own as well: one of each way out.
AS_PROCESS = [
    "an unknown option",
    "an unknown signal",
    "a plugin file with a syntax error",
    "a configuration that is no YAML",
    "a signal that raises",
    "a file in the way of logs",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory and the home, with all the bad input."""
    BAD_INPUT["write"](tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUANTSTRATS_HOME", str(tmp_path))
    return tmp_path


def words_of(row, set_variable):
    words = shlex.split(row["command"])
    while "=" in words[0]:
        set_variable(*words.pop(0).split("="))
    assert words[0] == "quantstrats"
    return words[1:]


def check(row, folder, told, shown, code):
    told = RUN_ID.sub("<id>", told).replace(f"{folder.resolve()}{os.sep}", "").replace(str(folder.resolve()), ".")
    parts = [re.escape(part) for part in row["line"].split("…")]
    assert re.fullmatch(".*".join(parts) + "\n", told), told
    assert (shown, code) == ("", int(row["code"]))
    assert not list(folder.glob("logs/runs/*"))
    assert not (folder / "logs" / "crash.log").exists()


def test_the_table_is_read_whole():
    table = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    assert len(ROWS) == len(table) - 2
    assert len({row["command"] for row in ROWS.values()}) == len(ROWS)


def test_every_bad_input_is_in_the_table():
    text = " ".join(row["command"] for row in ROWS.values())
    # good.csv and good.yaml are there to be named nearly right.
    assert [name for name in BAD_INPUT["FILES"] if name not in text] == []


@pytest.mark.parametrize("what", ROWS)
def test_bad_input_is_told_in_one_line(what, folder, monkeypatch, capsys):
    words = words_of(ROWS[what], monkeypatch.setenv)
    with pytest.raises(SystemExit) as left:
        main(words)
    shown = capsys.readouterr()
    check(ROWS[what], folder, shown.err, shown.out, left.value.code)


@pytest.mark.parametrize("what", AS_PROCESS)
def test_a_process_says_the_same(what, folder, monkeypatch):
    words = words_of(ROWS[what], monkeypatch.setenv)
    command = [sys.executable, "-m", "quantstrats", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    check(ROWS[what], folder, done.stderr, done.stdout, done.returncode)
