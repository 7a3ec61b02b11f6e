"""Configuration as text: what YAML is taken for, and what is said of a file that cannot be used."""

from __future__ import annotations

import re
from datetime import date

import pytest

from quantstrats.errors import ConfigError
from quantstrats.settings.configfile import parse_assignments, read_yaml


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "strategy.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_file_holds_blocks_of_typed_values(file):
    text = "signal:\n  fast: 10\n  name: sma_cross\ndata: {start: 2015-01-05, symbols: [A, B], end: null}\n"
    data = {"start": date(2015, 1, 5), "symbols": ["A", "B"], "end": None}
    assert read_yaml(file(text)) == {"signal": {"fast": 10, "name": "sma_cross"}, "data": data}


def test_only_true_and_false_are_truth_values(file):
    # YAML 1.1 would make False of the guard's mode and True of the symbol.
    text = "x: {guard: off, symbols: [ON, NO, Y], fractional: true, short: False}"
    read = {"guard": "off", "symbols": ["ON", "NO", "Y"], "fractional": True, "short": False}
    assert read_yaml(file(text)) == {"x": read}


@pytest.mark.parametrize("text", ["15:45", "15:45.5", "1:30:00", "0700", "-012", "1_000", "1_000.5", "0x1F", "0b11"])
def test_what_is_no_plain_number_is_text(file, text):
    assert read_yaml(file(f"x: {{y: {text}}}")) == {"x": {"y": text}}
    assert parse_assignments([f"x.y={text}"]) == [(("x", "y"), text)]


def test_plain_numbers_are_numbers(file):
    text = "x: [0, 7, -12, +3, 0.5, .5, 1., -2.5, 1.5e-3, 2.0E+4, 1.0e5, .inf, -.inf]"
    numbers = [0, 7, -12, 3, 0.5, 0.5, 1.0, -2.5, 0.0015, 20000.0, 100000.0, float("inf"), float("-inf")]
    assert read_yaml(file(text)) == {"x": numbers}
    assert [type(each) for each in read_yaml(file(text))["x"]] == [type(each) for each in numbers]


def test_a_mark_at_the_beginning_of_utf_8_is_no_content(file):
    assert read_yaml(file(b"\xef\xbb\xbfsignal: x\n")) == {"signal": "x"}


def test_anchors_and_merges_are_yaml_as_ever(file):
    text = "base: &b {x: 1, y: 2}\nsignal: {<<: *b, y: 3}\nagain: {<<: *b}\n"
    assert read_yaml(file(text)) == {"base": {"x": 1, "y": 2}, "signal": {"x": 1, "y": 3}, "again": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "{file} is empty; a configuration names at least a signal, as in 'signal: sma_cross'"),
        ("# nothing but a comment\n", "{file} is empty; a configuration names"),
        ("- a\n- b\n", "{file} holds no blocks but a list; write blocks, as in 'signal: sma_cross'"),
        ("sma_cross\n", "{file} holds no blocks but the value 'sma_cross'; write blocks"),
        ("a: 1\nb: [1, 2\n", "{file}, line 3: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\nb: c: d\n", "{file}, line 2: mapping values are not allowed here"),
        ("a:\n\tb: 1\n", "{file}, line 2: found character '\\t' that cannot start any token"),
        ("a: 1\nb: 2\na: 3\n", "{file}, line 3: key 'a' stands twice"),
        ("a:\n  x: 1\n  x: 2\n", "{file}, line 3: key 'x' stands twice"),
        ("a: 1\nb: 2015-02-30\n", "{file}, line 2: day"),
        ("a: !!python/object:os.system x\n", "{file}, line 1: could not determine a constructor for the tag"),
        ("a: 1\n---\nb: 2\n", "{file}, line 2: but found another document"),
        (b"a: \xff\n", "{file} is not UTF-8 text; save it as UTF-8"),
        ("signal: x".encode("utf-16"), "{file} is not UTF-8 text; save it as UTF-8"),
        (b"a: \x00\n", "{file} is not YAML: unacceptable character #x0000"),
        ("a: " + "[" * 3000, "{file} is nested too deeply"),
    ],
)
def test_what_is_no_configuration_is_told_in_one_line_with_its_place(file, content, line):
    path = file(content)
    with pytest.raises(ConfigError, match="^" + re.escape(line.format(file=path))) as told:
        read_yaml(path)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told_with_the_nearest_name(tmp_path, file):
    file("signal: x")
    wrong = tmp_path / "stratgy.yaml"
    with pytest.raises(ConfigError, match=re.escape(f"there is no file {wrong}; did you mean 'strategy.yaml'?")):
        read_yaml(wrong)
    with pytest.raises(ConfigError, match=re.escape(f"there is no file {tmp_path / 'no' / 'x.yaml'}")):
        read_yaml(tmp_path / "no" / "x.yaml")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path} is a folder; give a configuration file in it")):
        read_yaml(tmp_path)


@pytest.mark.parametrize(
    ("texts", "parsed"),
    [
        ([], []),
        (["signal.fast=10", "signal.slow=50"], [(("signal", "fast"), 10), (("signal", "slow"), 50)]),
        (["signal.primary.fast=10"], [(("signal", "primary", "fast"), 10)]),
        (["costs.slippage_bps=2.5"], [(("costs", "slippage_bps"), 2.5)]),
        (["engine.fractional=true"], [(("engine", "fractional"), True)]),
        (["engine.guard=off"], [(("engine", "guard"), "off")]),
        (["signal.lengths=[1, 2]"], [(("signal", "lengths"), [1, 2])]),
        (["signal.label=a=b"], [(("signal", "label"), "a=b")]),
        (["signal.label='10'"], [(("signal", "label"), "10")]),
        (["signal.x="], [(("signal", "x"), None)]),
        ([" signal . fast = 10 "], [(("signal", "fast"), 10)]),
        (["data.start=2015-01-05"], [(("data", "start"), date(2015, 1, 5))]),
        (["data.start=2015-13-01"], [(("data", "start"), "2015-13-01")]),
        (["data.time_format=%m/%d/%Y"], [(("data", "time_format"), "%m/%d/%Y")]),
        (["signal.x= @b: c: d "], [(("signal", "x"), "@b: c: d")]),
    ],
)
def test_an_assignment_is_a_path_and_a_value_in_yaml(texts, parsed):
    assert parse_assignments(texts) == parsed


@pytest.mark.parametrize("text", ["fast=10", "signal.fast", "signal.=1", ".fast=1", "a..b=1", "=1", "", "signal"])
def test_an_assignment_of_another_form_is_refused(text):
    with pytest.raises(ConfigError, match=r"is not of the form block.key=value, as in signal.fast=10"):
        parse_assignments([text])


@pytest.mark.parametrize("text", ["signal.x=[1", "signal.x={", "a.b='c", 'a.b= "c', "a.b=" + "[" * 3000])
def test_a_value_that_yaml_cannot_read_is_refused(text):
    with pytest.raises(ConfigError, match="the value cannot be read; quote it as YAML wants"):
        parse_assignments([text])
