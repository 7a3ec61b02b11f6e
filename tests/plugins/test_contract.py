"""What each signal that ships keeps: the guard at every row, restarts, the same each time, and any kind of bars."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import shipped
from restarting import check_restarts

from quantstrats import Learner, Market, SideSeries
from quantstrats.evaluation import details_of, evaluate
from quantstrats.guard.check import check_lookahead
from quantstrats.learning.fits import Fits
from quantstrats.portfolio.allocators import Proportional
from quantstrats.settings.configfile import read_yaml
from quantstrats.signals import parts_of
from quantstrats.strategy import Strategy

ROOT = Path(__file__).parents[2]
DAYS = 6  # rows from which each signal is started again
# What ranks symbols, or trades one against another, has nothing to say of one alone.
NEEDS_OTHERS = {"amihud_alpha", "cluster_basket", "cointegration_pairs"}
every = pytest.mark.parametrize("name", shipped.NAMES)


@pytest.fixture(scope="module")
def market():
    return shipped.ragged()


@pytest.fixture(scope="module")
def fits():
    """What was learned, for all tests here: each fit is made once."""
    return Fits()


@every
def test_the_guard_finds_nothing_at_any_row(name, market, fits):
    signal = shipped.signal_named(name)
    late = shipped.looked_at(signal, market)
    forecast = evaluate(signal, late, fits=fits)
    report = check_lookahead(signal, late, forecast, mode="full", fits=fits)
    assert report.result == "clean"
    assert report.rows >= shipped.ASKED
    assert forecast.iloc[-shipped.ASKED :].abs().gt(0.0).any(axis=None)


@every
def test_a_session_that_starts_today_agrees_with_the_backtest(name, market, fits):
    signal = shipped.signal_named(name)
    strategy = Strategy(signal, Proportional())
    late = shipped.looked_at(signal, market)
    check_restarts(strategy, late, DAYS, earliest=len(late) - shipped.ASKED, in_backtest=fits)


@every
def test_asked_twice_it_says_the_same(name, market, fits):
    signal = shipped.signal_named(name)
    late = shipped.looked_at(signal, market)
    pd.testing.assert_frame_equal(evaluate(signal, late), evaluate(signal, late, fits=fits), check_exact=True)


def test_another_process_with_another_hash_seed_says_the_same():
    names = [name for name in shipped.NAMES if draws(shipped.signal_named(name))]
    assert len(names) > 5
    code = f"import json, sys; sys.path.insert(0, {str(ROOT / 'tests')!r}); import shipped; "
    code += f"print(json.dumps({{name: shipped.digest(name) for name in {names!r}}}))"
    # An empty home: nothing that was learned here is used there.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {name: shipped.digest(name) for name in names}


def draws(signal):
    """Tell whether a signal learns, or draws anything at random, or a part of it does."""
    return isinstance(signal, Learner) or hasattr(signal, "seed") or any(map(draws, parts_of(signal).values()))


@every
def test_what_one_symbol_lacks_takes_no_opinion_from_the_others(name, market, fits):
    signal = shipped.signal_named(name)
    late = shipped.looked_at(signal, market)
    forecast = evaluate(signal, late, fits=fits).iloc[-shipped.ASKED :]
    # S001 has a gap, S002 lacks single bars, S003 is listed on the 21st row, S004 ends before the last 15.
    assert forecast[["S002", "S004", "S005"]].notna().any(axis=1).all()
    assert forecast["S003"].iloc[:20].isna().all()


@every
def test_one_symbol_alone_is_enough(name, market):
    signal = shipped.signal_named(name)
    late = shipped.looked_at(signal, market)
    alone = late.select(["S005"])
    forecast = evaluate(signal, alone, fits=(fits := Fits()))
    assert list(forecast.columns) == ["S005"]
    said = forecast.iloc[-shipped.ASKED :]
    if name in NEEDS_OTHERS:
        assert not said.fillna(0.0).any(axis=None)
    else:
        assert said.notna().any(axis=None)
    details_of(signal, alone, fits, forecast=forecast)


@every
def test_prices_that_never_move_are_no_error(name, market):
    signal = shipped.signal_named(name)
    late = shipped.looked_at(signal, market)
    still = late.close[["S005"]] * 0.0 + 7.0
    market = Market.from_frames(close=still, volume=still * 100).with_side(
        {kind: SideSeries(late.side[kind].fillna(0.0), late.decided_at) for kind in ("vix", "news")}
    )
    evaluate(signal, market)


@every
def test_a_page_tells_what_it_is_and_what_came_of_it(name):
    pages = [path.read_text() for path in sorted((ROOT / "docs" / "signals").glob("*.md"))]
    titles = [page.partition("\n")[0] for page in pages]
    # Its own, or a row in that of the signal of which it is a part.
    assert any(name in re.findall(r"\w+", title) for title in titles) or any(
        f"\n| `{name}` |" in page for page in pages
    )


@every
def test_a_configuration_trades_it(name):
    signals = [read_yaml(path)["signal"] for path in sorted((ROOT / "configs").glob("*.yaml"))]
    assert name in {each for signal in signals for each in names_in(signal)}


def names_in(signal):
    """Return the names of a configured signal and of its parts."""
    if isinstance(signal, str):
        return {signal}
    if isinstance(signal, dict):
        return {each for value in signal.values() for each in names_in(value)}
    return {each for value in signal for each in names_in(value)} if isinstance(signal, list) else set()
