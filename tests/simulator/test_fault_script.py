"""Fault scripts: what they say, and one line for whatever they cannot mean."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from quantstrats.errors import ConfigError
from quantstrats.simulator.faults.script import KINDS, read_script
from quantstrats.simulator.times import new_york_ns

SCRIPT = """
seed: 7
faults:
  - fault: http_error
    status: 504
    when: after
    on: {request: POST /v2/orders, nth: 3}
  - {fault: drop, on: {event: fill, nth: 1}}
  - {fault: halt, symbol: A, seconds: 60, on: {at: 2024-03-01T10:31:00-05:00}}
  - {fault: correct, by: 0.05, on: {event: fill, rate: 0.01}}
"""


def read(tmp_path, text):
    file = tmp_path / "faults.yaml"
    file.write_text(text)
    return read_script(file)


def refused(tmp_path, text):
    with pytest.raises(ConfigError) as told:
        read(tmp_path, text)
    line = str(told.value)
    assert "\n" not in line
    return line.replace(str(tmp_path), "HERE")


def one(**entry):
    return read_script({"faults": [entry]}).entries[0]


def test_a_script_says_what_happens_and_when(tmp_path):
    script = read(tmp_path, SCRIPT)
    assert script.seed == 7
    error, drop, halt, correct = script.entries
    assert (error.kind.status, error.kind.when, error.on.request, error.on.nth) == (504, "after", "POST /v2/orders", 3)
    assert (drop.kind.fault, drop.on.event, drop.on.nth) == ("drop", "fill", 1)
    assert (halt.kind.symbol, halt.kind.seconds) == ("A", 60)
    assert halt.on.at == new_york_ns(date(2024, 3, 1), 10, 31)
    assert (correct.kind.by, correct.on.rate) == (Decimal("0.05"), 0.01)


@pytest.mark.parametrize(
    "told",
    ["2024-03-01T15:31:00Z", "2024-03-01T10:31:00-05:00", datetime(2024, 3, 1, 10, 31)],
    ids=["UTC", "an offset", "New York's clock"],
)
def test_an_instant_is_the_same_however_it_is_written(told):
    assert one(fault="drop", on={"at": told}).on.at == new_york_ns(date(2024, 3, 1), 10, 31)


def test_a_day_alone_is_its_midnight_in_new_york():
    assert one(fault="drop", on={"since": date(2024, 3, 1)}).on.since == new_york_ns(date(2024, 3, 1))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "HERE/faults.yaml holds no fault script"),
        ("[", "HERE/faults.yaml, line 1"),
        ("fault: []", "HERE/faults.yaml has no key 'fault'; did you mean 'faults'? (seed, faults)"),
        ("seed: x\nfaults: []", "HERE/faults.yaml: seed is 'x'; give a whole number"),
        ("faults: drop", "HERE/faults.yaml: faults is 'drop'; give a list"),
        ("faults: [drop]", "HERE/faults.yaml, entry 1 is 'drop'; give the name of a fault"),
        (
            "faults: [{fault: drop}, {fault: http_eror}]",
            "HERE/faults.yaml, entry 2: no fault called 'http_eror'; did you mean 'http_error'?",
        ),
        (
            "faults: [{fault: http_error, statsu: 429}]",
            "HERE/faults.yaml, entry 1 (http_error) has no parameter 'statsu'; did you mean 'status'?",
        ),
        ("faults: [{fault: http_error}]", "HERE/faults.yaml, entry 1 (http_error) needs the parameter 'status'"),
        ("faults: [{fault: http_error, status: 418}]", "HERE/faults.yaml, entry 1 (http_error): status is 418; give"),
        ("faults: [{fault: reset, when: later}]", "HERE/faults.yaml, entry 1 (reset), parameter 'when'"),
        ("faults: [{fault: reset, hidden_s: 3}]", "HERE/faults.yaml, entry 1 (reset): hidden_s needs when: after"),
        ("faults: [{fault: drop, on: fill}]", "HERE/faults.yaml, entry 1 (drop), on is 'fill'; give keys and values"),
        (
            "faults: [{fault: drop, on: {nht: 1}}]",
            "HERE/faults.yaml, entry 1 (drop), on has no key 'nht'; did you mean 'nth'?",
        ),
        ("faults: [{fault: drop, on: {request: x}}]", "HERE/faults.yaml, entry 1 (drop), on has no key 'request'"),
        (
            "faults: [{fault: drop, on: {event: fil}}]",
            "HERE/faults.yaml, entry 1 (drop), on, event: 'fil' is none; did you mean 'fill'?",
        ),
        ("faults: [{fault: late_bar, on: {stream: trade_updates}}]", "(late_bar), on, stream: 'trade_updates' is none"),
        ("faults: [{fault: drop, on: {nth: 0}}]", "(drop), on: nth is 0; give 1 or more"),
        ("faults: [{fault: drop, on: {rate: 2}}]", "(drop), on: rate is 2; give a probability"),
        ("faults: [{fault: drop, on: {rate: 0.1, nth: 2}}]", "(drop), on: give one of nth, every and rate"),
        ("faults: [{fault: drop, on: {at: noon}}]", "(drop), on, at is 'noon'; give a time"),
        ("faults: [{fault: halt}]", "HERE/faults.yaml, entry 1 (halt) needs to know when"),
        ("faults: [{fault: halt, on: {event: bar}}]", "entry 1 (halt) needs the parameter 'symbol'"),
        ("faults: [{fault: jump, seconds: 3}]", "entry 1 (jump) needs to know when"),
        ("faults: [{fault: skew, seconds: 0}]", "(skew): seconds is 0; give how far"),
        ("faults: [{fault: skew, seconds: .nan}]", "(skew): seconds is nan; give how far"),
        ("faults: [{fault: slow, seconds: -1}]", "(slow): seconds is -1; give seconds over 0"),
        ("faults: [{fault: partial_fill, share: 1}]", "(partial_fill): share is 1; give a part over 0 and below 1"),
        (
            "faults: [{fault: foreign_order, symbol: A, type: limit, on: {event: open}}]",
            "a limit order has a limit_price",
        ),
    ],
)
def test_what_a_script_cannot_mean_is_told_in_one_line_with_its_place(tmp_path, text, told):
    assert told in refused(tmp_path, text)


def test_a_file_that_is_not_there_is_told_in_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml cannot be read: No such file"):
        read_script(tmp_path / "none.yaml")


# What each fault needs to be said, where a name alone is not enough.
NEEDED = {
    "http_error": {"status": 503},
    "skew": {"seconds": 5},
    "jump": {"seconds": 5, "on": {"at": "2024-03-01T15:00:00Z"}},
    "split": {"ratio": 2, "symbol": "A"},
    "dividend": {"dollars": 0.5, "symbol": "A"},
    "halt": {"symbol": "A"},
    "foreign_order": {"symbol": "A"},
}


@pytest.mark.parametrize("name", KINDS)
def test_every_fault_can_be_said_in_a_script(name):
    kind = KINDS[name]
    entry = {"fault": name, **NEEDED.get(name, {})}
    if kind.occasion == "act":
        entry["on"] = {"event": "open"}
    assert one(**entry).kind == kind(**one(**entry).kind.__dict__)
    assert kind.fault == name
