"""docs/simulator.md: its examples run, and it leaves no fault out."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

from quantstrats.plainyaml import load_yaml
from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.faults.occasions import COMMON, KEYS
from quantstrats.simulator.faults.script import KINDS, read_script
from quantstrats.simulator.sample_bars import sample_minutes
from quantstrats.simulator.settings import Settings
from quantstrats.simulator.simulator import Simulator
from quantstrats.simulator.tape import tape_of

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
CLIENT, TEST = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def test_the_client_and_the_test_of_the_page_run():
    said = io.StringIO()
    names = {}
    with Simulator(Exchange(tape_of(sample_minutes()), Settings())) as running:
        with contextlib.redirect_stdout(said):
            exec(CLIENT.replace("http://127.0.0.1:8765", running.url), names)
        assert said.getvalue() == "2024-03-01 04:00:00-05:00 OrderStatus.ACCEPTED\n"
        running.reset()
        exec(TEST, names)
        names["test_a_market_order_fills_at_the_next_open"](running)


def test_every_fault_is_in_the_table_with_an_example_that_can_be_read():
    rows = re.findall(r"^\| `(\w+)` \| .* \| `(\{fault: .*\})` \|$", PAGE, re.M)
    assert [name for name, _ in rows] == sorted(KINDS, key=[name for name, _ in rows].index)
    assert len(rows) == len(KINDS)
    for name, example in rows:
        entry = load_yaml(example)
        assert entry["fault"] == name
        read_script({"faults": [entry]})


def test_the_script_of_the_page_can_be_read(tmp_path):
    (tmp_path / "faults.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.S)[0])
    assert len(read_script(tmp_path / "faults.yaml").entries) == 4


def test_every_key_of_on_is_in_the_table():
    table = PAGE.split("`on` says when.")[1].split("Instants are")[0]
    for key in {*COMMON, *(key for keys in KEYS.values() for key in keys)}:
        assert f"`{key}`" in table
