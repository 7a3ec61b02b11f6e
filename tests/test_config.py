"""Parameters from plain data and back."""

from __future__ import annotations

import enum
import json
import sys
import types
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, Optional

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Allocator, Signal
from quantstrats.config import build, describe
from quantstrats.errors import ConfigError
from quantstrats.portfolio.allocators import LongFlat, TopQuantile

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True)
class Settings:
    count: int = 1
    ratio: float = 0.5
    label: str = "x"
    on: bool = False
    lengths: tuple[int, ...] = ()
    mode: Literal["fast", "slow"] = "fast"
    limit: Optional[int] = None  # noqa: UP045 - plugins write it so
    day: date | None = None

    def __post_init__(self):
        if self.count == 13:
            raise ValueError("count is 13; nobody wants that")


@dataclass(frozen=True)
class Demanding:
    needed: int
    spare: int = 0


@dataclass(frozen=True)
class Part(Signal):
    name = "part"
    length: int = 5

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close


@dataclass(frozen=True)
class Whole(Signal):
    name = "whole"
    primary: Signal = field(default_factory=Part)
    second: Part | None = None
    allocator: Allocator = field(default_factory=LongFlat)

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.parts["primary"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("count", 3, 3),
        ("count", "3", 3),
        ("count", 3.0, 3),
        ("ratio", 2, 2.0),
        ("ratio", "1e-3", 0.001),
        ("label", "abc", "abc"),
        ("on", True, True),
        ("on", "yes", True),
        ("lengths", [1, 2], (1, 2)),
        ("mode", "slow", "slow"),
        ("limit", None, None),
        ("limit", 7, 7),
        ("day", "2015-01-05", date(2015, 1, 5)),
        ("day", date(2015, 1, 5), date(2015, 1, 5)),
    ],
)
def test_values_that_lose_nothing_are_converted(name, value, expected):
    made = getattr(build(Settings, {name: value}, "block x"), name)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"cuont": 1}, "block x has no parameter 'cuont'; did you mean 'count'? (it takes count, ratio, label"),
        ({1: 1}, "block x has no parameter 1 (it takes count"),
        ({"count": 3.5}, "block x, parameter 'count': Input should be a valid integer"),
        ({"count": "many"}, "(given: 'many')"),
        ({"count": True}, "parameter 'count': a number is needed, not a truth value (given: True)"),
        ({"ratio": False}, "parameter 'ratio': a number is needed"),
        ({"count": None}, "parameter 'count': Input should be a valid integer (given: None)"),
        ({"label": 3}, "parameter 'label': Input should be a valid string (given: 3)"),
        ({"mode": "slwo"}, "parameter 'mode': Input should be 'fast' or 'slow' (given: 'slwo')"),
        ({"lengths": [1, "a"]}, "parameter 'lengths': Input should be a valid integer"),
        ({"limit": "none"}, "parameter 'limit'"),
        ({"count": 13}, "block x: count is 13; nobody wants that"),
    ],
)
def test_values_that_do_not_fit_are_told_in_one_line(params, message):
    with pytest.raises(ConfigError) as told:
        build(Settings, params, "block x")
    assert message in str(told.value)
    assert "\n" not in str(told.value)


def test_a_field_without_default_is_needed():
    with pytest.raises(ConfigError, match="block x needs the parameter 'needed'"):
        build(Demanding, {"spare": 1}, "block x")
    assert build(Demanding, {"needed": 1}, "block x") == Demanding(1)


def test_a_class_without_fields_takes_nothing(installed):
    hold = installed.signal("buy_and_hold")
    assert build(hold, {}, "signal 'buy_and_hold'") == hold()
    with pytest.raises(ConfigError, match=r"signal 'buy_and_hold' has no parameter 'fast' \(it takes none\)"):
        build(hold, {"fast": 1}, "signal 'buy_and_hold'")


def test_what_a_signal_says_about_its_parameters_is_told(installed):
    with pytest.raises(
        ConfigError, match=r"^signal 'sma_cross': fast \(60\) must be at least 1 and below slow \(50\)$"
    ):
        build(installed.signal("sma_cross"), {"fast": 60}, "signal 'sma_cross'")


@pytest.mark.parametrize("params", [{"primary": Part(7)}, {"second": Part(2)}, {"allocator": TopQuantile()}, {}])
def test_fields_may_be_signals_and_allocators(params):
    made = build(Whole, params, "signal 'whole'")
    assert made == Whole(**params)


def test_a_part_that_is_no_signal_is_refused():
    with pytest.raises(ConfigError, match="signal 'whole', parameter 'primary': Input should be an instance of Signal"):
        build(Whole, {"primary": "part"}, "signal 'whole'")


def test_a_part_is_described_with_its_name():
    assert describe(Whole(second=Part(2))) == {
        "name": "whole",
        "primary": {"name": "part", "length": 5},
        "second": {"name": "part", "length": 2},
        "allocator": {"name": "long_flat", "gross": 1.0, "cash_buffer": 0.05},
    }


def test_a_plugin_with_postponed_annotations_is_understood(monkeypatch):
    plugin = types.ModuleType("plugin_with_future")
    monkeypatch.setitem(sys.modules, "plugin_with_future", plugin)
    code = """
from __future__ import annotations
from dataclasses import dataclass
from typing import ClassVar, Literal, Optional
from quantstrats import Signal

@dataclass(frozen=True)
class Later(Signal):
    name: ClassVar[str] = "later"
    side: Literal["long", "both"] = "long"
    stop: Optional[float] = None
    lengths: list[int] | None = None

    def warmup(self): return 1
    def forecast(self, market): return market.close
"""
    exec(code, vars(plugin))
    made = build(plugin.Later, {"side": "both", "stop": 2, "lengths": [1]}, "signal 'later'")
    assert (made.side, made.stop, made.lengths) == ("both", 2.0, [1])
    with pytest.raises(ConfigError, match="parameter 'side': Input should be 'long' or 'both'"):
        build(plugin.Later, {"side": "short"}, "signal 'later'")


def test_a_type_that_is_imported_for_type_checking_alone_is_told():
    @dataclass(frozen=True)
    class Hidden:
        amount: Decimal | None = None

    with pytest.raises(
        ConfigError, match="block x: name 'Decimal' is not defined where it types its fields; import it"
    ):
        build(Hidden, {"amount": 1}, "block x")


class Mode(enum.Enum):
    SLOW = "slow"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([1, 2]), [1, 2]),
        ((1, (2, 3)), [1, [2, 3]]),
        (set("hgfedcba"), list("abcdefgh")),
        (frozenset({3, 1}), [1, 3]),
        ({1: (2,)}, {"1": [2]}),
        (date(2015, 1, 5), "2015-01-05"),
        (Mode.SLOW, "slow"),
        (PurePosixPath("bars/daily"), "bars/daily"),
        (None, None),
    ],
)
def test_described_values_are_plain_data_that_yaml_and_json_carry(value, plain):
    @dataclass(frozen=True)
    class Holder:
        value: object

    described = describe(Holder(value))
    assert described == {"value": plain}
    assert type(described["value"]) is type(plain)
    assert yaml.safe_load(yaml.safe_dump(described)) == json.loads(json.dumps(described)) == described


settings = st.builds(
    Settings,
    count=st.integers(-1000, 1000).filter(lambda count: count != 13),
    ratio=st.floats(allow_nan=False),
    label=st.text(),
    on=st.booleans(),
    lengths=st.lists(st.integers(), max_size=4).map(tuple),
    mode=st.sampled_from(["fast", "slow"]),
    limit=st.none() | st.integers(),
    day=st.none() | st.dates(),
)


@given(settings)
def test_what_is_described_builds_the_same_again(made):
    assert build(Settings, describe(made), "block x") == made


@given(settings)
def test_what_is_described_survives_yaml(made):
    assert build(Settings, yaml.safe_load(yaml.safe_dump(describe(made))), "block x") == made
