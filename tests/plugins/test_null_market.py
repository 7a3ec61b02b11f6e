"""Where nothing can be earned no signal earns, and one that knows the future is caught."""

from __future__ import annotations

import dataclasses
import math
import re

import pandas as pd
import pytest
import shipped

from quantstrats import Market, Signal
from quantstrats.portfolio.allocators import LongShort
from quantstrats.strategy import Strategy

NAN = float("nan")
SEEDS = (1, 2, 3)
PEEK = """
from dataclasses import dataclass
from quantstrats import Signal, hookimpl


@dataclass(frozen=True)
class Peek(Signal):
    name = "peek"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close.shift(-1) / market.close - 1


@hookimpl
def register_signals(register):
    register(Peek)
"""


@pytest.fixture
def null_market(campaign):
    return campaign("null_market")


@pytest.mark.parametrize("name", shipped.NAMES)
def test_a_signal_earns_nothing_where_nothing_can_be_earned(null_market, name):
    settings = shipped.SETTINGS.get(name, {})
    case = dataclasses.replace(null_market.CASES[name], settings=settings, count=5, bars=620)
    told = null_market.judged([null_market.measured((name, case, seed)) for seed in SEEDS])
    assert told["passes"], told
    assert told["idle"] < len(SEEDS) or name in ("amihud_alpha", "momentum")


def test_the_campaign_has_every_signal_that_ships(null_market):
    assert sorted(null_market.CASES) == shipped.NAMES


def test_a_signal_that_knows_the_next_close_fails(null_market, tmp_path, capsys):
    (tmp_path / "peek.py").write_text(PEEK)
    asked = ["--seeds", "1-3", "--processes", "1", "--only", str(tmp_path / "peek.py"), "--only", "buy_and_hold"]
    assert null_market.main(asked) == 1
    failed, passed = capsys.readouterr().out.splitlines()[-2:]
    assert failed.endswith("| **fails** |")
    assert passed.endswith("| passes |")
    assert float(re.search(r"\| \+(\d+\.\d+) \|", failed)[1]) > 5


def test_the_standard_error_is_that_of_the_definition_for_few_seeds_and_measured_for_many(null_market):
    few = null_market.judged([(0.5, 4.0), (1.0, 4.0)])
    assert few["error"] == pytest.approx(1 / math.sqrt(8))
    assert few["mean"] == 0.75
    assert few["bound"] == pytest.approx(3 / math.sqrt(8))
    many = null_market.judged([(1.0, 4.0), (-1.0, 4.0)] * 5)
    # Ten numbers of size 1 around 0: a variance of 10 / 9.
    assert many["error"] == pytest.approx(math.sqrt(10 / 9 / 10))
    assert null_market.judged([(NAN, 4.0), (1.0, 4.0)])["idle"] == 1
    assert null_market.judged([(NAN, 4.0), (1.0, 4.0)])["mean"] == 0.5


@dataclasses.dataclass(frozen=True)
class Given(Signal):
    """What the volumes say, less 2."""

    name = "given"

    def warmup(self):
        return 2

    def forecast(self, market):
        return market.volume - 2


def test_a_decision_earns_from_the_next_open_to_the_one_after_it(campaign, sessions):
    trials = campaign("trials")
    opens = pd.DataFrame({"A": [10.0, 10, 11, 22, 11, 11]}, index=sessions(6))
    volume = pd.DataFrame({"A": [2.0, 3, 1, 2, 3, 3]}, index=opens.index)
    market = Market.from_frames(open=opens, high=opens, low=opens, close=opens, volume=volume)
    found = trials.returns_before_costs(Strategy(Given(), LongShort()), market)
    # Long from 11 to 22, short from 22 to 11, then flat; the first opinion is that of the second row.
    assert found.tolist() == pytest.approx([0.95, 0.475, 0.0])
    assert list(found.index) == list(opens.index[3:])
    assert math.isnan(trials.sharpe_and_years(Strategy(Given(), LongShort()), market.rows(0, 3))[0])


def test_seeds_are_told_as_spans_and_single_ones(campaign):
    trials = campaign("trials")
    assert trials.seeds_of("1-3,7") == [1, 2, 3, 7]
    assert list(trials.in_processes(abs, [-1, 2, -3], 2)) == [1, 2, 3]
