"""Plugins' objects from plain data, their parts included."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Optional

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Allocator, Plugins, Signal, Source, hookimpl
from quantstrats.config import describe
from quantstrats.errors import ConfigError, PluginError
from quantstrats.making import made


class Idle(Signal):
    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close


@dataclass(frozen=True, kw_only=True)
class Fitted(Idle):
    """What a recipe to be fitted looks like: fields that come with the base class, by keyword alone."""

    refit: Literal["week", "month", "quarter", "year"]
    train: int | date


@dataclass(frozen=True)
class Trend(Idle):
    name = "trend"
    lookback: int = 20

    def __post_init__(self):
        if self.lookback < 1:
            raise ValueError(f"lookback is {self.lookback}; give at least 1")


@dataclass(frozen=True)
class Learned(Fitted):
    name = "learned"
    depth: int = 3
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Both(Allocator):
    name = "both"
    share: float = 0.5

    def weights(self, forecast):
        return forecast


@dataclass(frozen=True)
class Meta(Idle):
    name = "meta"
    primary: Signal = field(default_factory=Trend)
    backup: Optional[Signal] = None  # noqa: UP045 - plugins write it so
    exact: Trend | None = None
    model: Fitted | None = None
    voters: tuple[Signal, ...] = ()
    pair: tuple[Signal, Trend] | None = None
    listed: list[Signal] = field(default_factory=list)
    noted: Annotated[Signal, "a note"] | None = None
    loose: Signal | Literal["trend", "none"] = "none"
    allocator: Allocator | None = None
    path: Path | None = None
    more: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Shelf(Source):
    name = "shelf"
    path: Path = Path("bars")
    files: dict[str, Path] = field(default_factory=dict)
    label: str = "bars/daily"

    def load(self, symbols=None, start=None, end=None):
        raise NotImplementedError


@pytest.fixture
def plugins():
    class Mine:
        @hookimpl
        def register_signals(self, register):
            for cls in (Trend, Learned, Meta):
                register(cls)

        @hookimpl
        def register_allocators(self, register):
            register(Both)

        @hookimpl
        def register_sources(self, register):
            register(Shelf)

    found = Plugins()
    found.register(Mine())
    return found


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        ("trend", Trend()),
        ({"name": "trend", "lookback": 5}, Trend(5)),
        ({"name": "Mine:trend", "lookback": 5}, Trend(5)),
        (Trend(7), Trend(7)),
        ({"name": "learned", "refit": "month", "train": 500}, Learned(refit="month", train=500)),
        (
            {"name": "learned", "refit": "week", "train": "2005-01-03", "depth": 2},
            Learned(refit="week", train=date(2005, 1, 3), depth=2),
        ),
    ],
)
def test_a_signal_is_made_of_an_object_a_name_or_a_mapping(plugins, thing, expected):
    assert made("signal", thing, plugins) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"primary": "trend"}, {"primary": Trend()}),
        ({"primary": {"name": "trend", "lookback": "5"}}, {"primary": Trend(5)}),
        ({"primary": Trend(6)}, {"primary": Trend(6)}),
        ({"backup": {"name": "trend", "lookback": 5}}, {"backup": Trend(5)}),
        ({"backup": None}, {}),
        ({"exact": {"name": "trend", "lookback": 5}}, {"exact": Trend(5)}),
        ({"model": {"name": "learned", "refit": "year", "train": 9}}, {"model": Learned(refit="year", train=9)}),
        ({"voters": ["trend", {"name": "trend", "lookback": 5}, Trend(6)]}, {"voters": (Trend(), Trend(5), Trend(6))}),
        ({"pair": ["trend", "trend"]}, {"pair": (Trend(), Trend())}),
        ({"listed": ["trend"]}, {"listed": [Trend()]}),
        ({"noted": "trend"}, {"noted": Trend()}),
        ({"loose": "trend"}, {}),
        ({"loose": {"name": "trend"}}, {"loose": Trend()}),
        ({"allocator": {"name": "both", "share": 1}}, {"allocator": Both(share=1.0)}),
        (
            {"primary": {"name": "meta", "voters": [{"name": "meta", "primary": {"name": "trend", "lookback": 5}}]}},
            {"primary": Meta(voters=(Meta(primary=Trend(5)),))},
        ),
    ],
)
def test_a_field_that_is_typed_as_a_signal_takes_the_same(plugins, params, expected):
    whole = made("signal", {"name": "meta", **params}, plugins)
    if params != {"loose": "trend"}:
        assert whole == Meta(**expected)
    else:  # the word that the type names is that word, not the signal called so
        assert whole.loose == "trend"


@pytest.mark.parametrize(
    ("thing", "line"),
    [
        ({}, "signal has no name; write {'name': ..., parameters}"),
        ({"name": 3}, "signal has no name; write {'name': ..., parameters}"),
        (Trend, "signal is the class Trend; make an object of it, as in Trend()"),
        (5, "signal is of type int; give a Signal or the name of one"),
        (Both(), "signal is of type Both; give a Signal or the name of one"),
        ("trnd", "no signal called 'trnd'; did you mean 'trend'? (quantstrats plugins lists all)"),
    ],
)
def test_what_is_no_signal_is_told_in_one_line(plugins, thing, line):
    with pytest.raises((ConfigError, PluginError)) as told:
        made("signal", thing, plugins)
    assert str(told.value) == line


@pytest.mark.parametrize(
    ("params", "line"),
    [
        (
            {"primary": "trnd"},
            "'primary': no signal called 'trnd'; did you mean 'trend'? (quantstrats plugins lists all)",
        ),
        ({"primary": {"lookback": 5}}, "'primary': signal has no name; write {'name': ..., parameters}"),
        (
            {"primary": {"name": "trend", "lokback": 5}},
            "'primary': signal 'trend' has no parameter 'lokback'; did you mean 'lookback'? (it takes lookback)",
        ),
        (
            {"voters": ["trend", {"name": "trend", "lookback": 0}]},
            "'voters', item 2: signal 'trend': lookback is 0; give at least 1",
        ),
        (
            {"backup": {"name": "trend", "lookback": None}},
            "'backup': signal 'trend', parameter 'lookback': Input should be a valid integer (given: None)",
        ),
        ({"allocator": "trend"}, "'allocator': no allocator called 'trend' (quantstrats plugins lists all)"),
        ({"exact": "meta"}, "'exact': signal 'meta' is no Trend"),
        ({"primary": 3}, "'primary': Input should be an instance of Signal (given: 3)"),
        ({"model": {"name": "learned", "train": 9}}, "'model': signal 'learned' needs the parameter 'refit'"),
        (
            {"model": {"name": "learned", "refit": "week", "train": True}},
            "'model': signal 'learned', parameter 'train': a number is needed, not a truth value (given: True)",
        ),
        ({"pair": ["trend"]}, "'pair': Input should be an instance of Signal (given: ['trend'])"),
        ({"voters": "trend"}, "'voters': a list is needed: [trend] (given: 'trend')"),
    ],
)
def test_what_does_not_fit_is_one_line_with_the_path_to_it(plugins, params, line):
    with pytest.raises((ConfigError, PluginError)) as told:
        made("signal", {"name": "meta", **params}, plugins)
    assert str(told.value) == f"signal 'meta', parameter {line}"


def test_relative_paths_start_from_the_folder(plugins, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/users/somebody")
    thing = {
        "name": "meta",
        "path": "model.json",
        "more": ["a", "/b", "~/c", "../d"],
        "primary": {"name": "meta", "path": "sub/model.json"},
    }
    whole = made("signal", thing, plugins, tmp_path)
    assert whole.path == tmp_path / "model.json"
    assert whole.more == (tmp_path / "a", Path("/b"), Path("/users/somebody/c"), tmp_path / "../d")
    assert whole.primary.path == tmp_path / "sub" / "model.json"
    shelf = made("source", {"name": "shelf", "files": {"A": "a.csv"}}, plugins, tmp_path)
    # A default is the plugin's own affair, and text is no path, whatever it looks like.
    assert shelf == Shelf(files={"A": tmp_path / "a.csv"})
    assert made("source", {"name": "shelf", "path": "~/x"}, plugins).path == Path("~/x")
    with pytest.raises(ConfigError, match="'path': ~nobody-at-all/x names a user that is not known here"):
        made("source", {"name": "shelf", "path": "~nobody-at-all/x"}, plugins, tmp_path)


trends = st.builds(Trend, st.integers(1, 500))
learners = st.builds(
    Learned,
    refit=st.sampled_from(["week", "month", "quarter", "year"]),
    train=st.integers(1, 5000) | st.dates(),
    depth=st.integers(),
)
signals = st.recursive(
    trends | learners,
    lambda parts: st.builds(
        Meta,
        primary=parts,
        backup=st.none() | parts,
        exact=st.none() | trends,
        model=st.none() | learners,
        voters=st.lists(parts, max_size=3).map(tuple),
        pair=st.none() | st.tuples(parts, trends),
        listed=st.lists(parts, max_size=2),
        loose=parts | st.sampled_from(["trend", "none"]),
        allocator=st.none() | st.builds(Both, share=st.floats(0, 1), gross=st.floats(0.5, 2)),
        path=st.none() | st.sampled_from([Path("a"), Path("/b/c")]),
    ),
    max_leaves=6,
)


@given(signals)
def test_what_is_described_is_made_again(signal):
    plugins = Plugins()

    class Mine:
        @hookimpl
        def register_signals(self, register):
            for cls in (Trend, Learned, Meta):
                register(cls)

        @hookimpl
        def register_allocators(self, register):
            register(Both)

    plugins.register(Mine())
    assert made("signal", describe(signal), plugins) == signal
    assert made("signal", yaml.safe_load(yaml.safe_dump(describe(signal))), plugins) == signal
