"""Fixtures for the engine's tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quantstrats import Costs, Market, Plugins, RiskPolicy, Schedule
from quantstrats.announcer import Announcer
from quantstrats.engines.backtrader.engine import execute
from quantstrats.engines.execution import Account

PLAIN = Path(__file__).parent / "plain_backtrader"
NOTHING = "-"


@pytest.fixture(scope="session")
def plain():
    """Return a plain Backtrader script, by name, as a module."""

    def load(name):
        spec = importlib.util.spec_from_file_location(f"plain_{name}", PLAIN / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # Backtrader looks the module of a strategy up there
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def fifty(real_bars):
    """Three years of the first fifty names, by the alphabet, that have a bar in every session of ten years."""
    whole = Market.from_frames(**real_bars("daily_sp500")).between("2007-01-03", "2016-12-30")
    complete = whole.symbols[whole.present.all(axis=0)]
    return whole.select(sorted(complete)[:50]).between("2007-01-03", "2009-12-31")


@pytest.fixture(scope="session")
def made_up(nasdaq):
    """Ten names of two years whose prices walk at random, complete."""
    chance, index = np.random.default_rng(1), nasdaq.index[:500]
    names = [f"N{number}" for number in range(10)]
    steps = chance.normal(0.0003, 0.02, (3, len(index), len(names)))
    close = pd.DataFrame(50.0 * np.exp(steps[0].cumsum(axis=0)), index=index, columns=names).round(2)
    opened = (close.shift().fillna(close) * np.exp(steps[1] / 4)).round(2)
    high = close.where(close > opened, opened) * np.exp(abs(steps[2]) / 4)
    low = close.where(close < opened, opened) / np.exp(abs(steps[2]) / 4)
    return Market.from_frames(open=opened, high=high, low=low, close=close, volume=close * 0 + 1e6)


@pytest.fixture(scope="session")
def trade():
    """Execute targets by hand: a mapping from row number to {symbol: weight}; what is absent is wanted at zero."""

    def run(
        market,
        decisions,
        *,
        cash=1000.0,
        costs=None,
        fractional=False,
        risk=None,
        plugins=None,
        announcer=None,
        **schedule,
    ):
        targets = pd.DataFrame(np.nan, index=market.index, columns=market.symbols)
        for row, weights in decisions.items():
            targets.iloc[row] = [weights.get(symbol, 0.0) for symbol in market.symbols]
        costs = costs or Costs(0, slippage_bps=0)
        account = Account(cash, fractional, costs, Schedule(**schedule), risk or RiskPolicy())
        return execute(market, targets, account, announcer or Announcer(plugins or Plugins()))

    return run


@pytest.fixture(scope="session")
def follows(sessions, trade):
    """Check an execution against a table worked out by hand, and give the execution back.

    The table has a line per bar. What is given: ``A.open`` and ``A.close`` (``A.high`` and ``A.low`` where they
    are not the larger and the smaller of the two) and ``A.want``, the target of a decision at that close. What
    must come out: ``A.order``, the size sent at that close; ``A.fill``, as shares@price; ``A.held``, ``cash`` and
    ``equity`` after the bar's fills; ``paid``, the commission of the bar's fills. ``-`` is nothing: no bar, no
    decision, no order. Bars ``|`` are for the eye. The first cash is what the account starts with.

    ``orders`` is a second table: bar of the decision (from 0), symbol, size, status, bar of the last change,
    shares filled, price and commission.
    """

    def check(table, orders=None, *, events=(), ended=None, delisting_return=0.0, **options):
        story = read_table(table)
        symbols = list(dict.fromkeys(name.split(".")[0] for name in story if "." in name))
        index = sessions(len(story))
        ends = {symbol: index[row] for symbol, row in (ended or {}).items()}
        market = market_in(story, symbols, index, ended=ends, delisting_return=delisting_return)
        decisions = decisions_in(story, symbols)
        execution = trade(market, decisions, cash=float(story["cash"].iloc[0]), **options)
        compare(execution, story, symbols, index)
        if orders is not None:
            compare_orders(execution, read_table(orders), index)
        assert len(execution.events) == len(events), execution.events
        for event, words in zip(execution.events, events, strict=True):
            assert words in event
        return execution

    return check


def read_table(text):
    """Read a table of words between blanks; the first line names the columns."""
    lines = [line.replace("|", " ").split() for line in text.strip().splitlines()]
    return pd.DataFrame(lines[1:], columns=lines[0])


def market_in(story, symbols, index, **facts):
    numbers = story.replace(NOTHING, np.nan).set_index(index)
    opened, closed = (
        numbers[[f"{s}.{field}" for s in symbols]].set_axis(symbols, axis=1).astype("float64")
        for field in ("open", "close")
    )
    high, low = opened.where(opened > closed, closed), opened.where(opened < closed, closed)
    for symbol in symbols:
        high[symbol] = numbers.get(f"{symbol}.high", high[symbol]).astype("float64")
        low[symbol] = numbers.get(f"{symbol}.low", low[symbol]).astype("float64")
    return Market.from_frames(open=opened, high=high, low=low, close=closed, **facts)


def decisions_in(story, symbols):
    decisions = {}
    for row in range(len(story)):
        words = {symbol: story[f"{symbol}.want"].iloc[row] for symbol in symbols}
        wants = {symbol: float(word) for symbol, word in words.items() if word != NOTHING}
        if wants:
            decisions[row] = wants
    return decisions


def compare(execution, story, symbols, index):
    for row, label in enumerate(index):
        expected = {n: word for n, word in story.iloc[row].items() if n.endswith((".order", ".fill", ".held"))}
        fills = execution.transactions[execution.transactions.index == label]
        sent = execution.orders[execution.orders["decided"] == label]
        sent = sent[~sent["status"].eq("Completed") | sent["changed"].ne(label)]  # a settlement is nobody's order
        found = {}
        for symbol in symbols:
            sizes = sent.loc[sent["symbol"] == symbol, "size"].tolist()
            done = fills[fills["symbol"] == symbol]
            found[f"{symbol}.order"] = " ".join(f"{size:g}" for size in sizes) or NOTHING
            filled = [f"{fill.amount:g}@{fill.price:g}" for fill in done.itertuples()]
            found[f"{symbol}.fill"] = " ".join(filled) or NOTHING
            found[f"{symbol}.held"] = f"{execution.shares[symbol].iloc[row]:g}"
        assert found == expected, f"bar {row}"
        account = {"cash": execution.cash.iloc[row], "equity": execution.equity.iloc[row]}
        if "paid" in story:
            account["paid"] = fills["commission"].sum()
        assert account == pytest.approx({n: float(story[n].iloc[row]) for n in account}, rel=1e-12), f"bar {row}"


def compare_orders(execution, expected, index):
    found = execution.orders
    assert len(found) == len(expected)
    place = {label: str(row) for row, label in enumerate(index)}
    for number, wanted in enumerate(expected.to_dict("records"), start=1):
        order = found.loc[number].to_dict()
        order["decided"], order["changed"] = place[order["decided"]], place[order["changed"]]
        for name, word in wanted.items():
            value = order[name]
            assert word == (value if isinstance(value, str) else f"{value:g}"), f"{name} of order {number}"
