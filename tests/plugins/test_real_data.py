"""The campaign on real bars: what it has, and that a row of it is what the run was."""

from __future__ import annotations

import re

import pytest
import shipped

from quantstrats import Schedule, backtest, load_market


@pytest.fixture
def real_data(campaign, monkeypatch):
    monkeypatch.delenv("QUANTSTRATS_TEST_DATA", raising=False)
    return campaign("real_data")


def test_every_signal_but_that_of_news_has_a_row(real_data):
    names = {name for case in real_data.CASES for name in re.findall(r"'(\w+)'", str(case.signal))}
    assert set(shipped.NAMES) - names == {"news_jump"}


def test_a_row_tells_what_the_run_made_and_what_is_not_at_hand_is_said(real_data, capsys):
    pytest.importorskip("skfolio", reason="needs the extra 'portfolio'")
    assert real_data.main(["--only", "momentum"]) == 0
    said = capsys.readouterr().out
    (row,) = [line for line in said.splitlines() if line.startswith("| momentum |")]
    cells = row.strip("| ").split(" | ")
    market = load_market("sample", real_data.STOCKS.split(","))
    signal, allocator = {"name": "momentum", "lookback": 252, "skip": 21}, {"name": "top_quantile", "quantile": 0.25}
    run = backtest(signal, market, allocator=allocator, schedule=Schedule("month", rebalance="all"))
    # The 253rd close is the first that has one 252 bars before it; it is filled on the next bar.
    since = market.index[252 + 1]
    assert cells[:3] == ["momentum", "20 stocks", f"{since.date()} to 2022-12-28"]
    years = len(run.returns[since:]) / 252
    assert float(cells[3].rstrip("%")) == pytest.approx(
        100 * ((run.equity.iloc[-1] / 1e5) ** (1 / years) - 1), abs=0.06
    )
    sharpe, low, high = map(float, re.fullmatch(r"(\S+) \((\S+) to (\S+)\)", cells[4]).groups())
    returns = run.returns[since:]
    assert sharpe == pytest.approx(returns.mean() / returns.std() * 252**0.5, abs=0.01)
    assert low < sharpe < high
    benchmark = run.benchmark[since:]
    difference, low, high = map(float, re.fullmatch(r"(\S+) \((\S+) to (\S+)\)", cells[6]).groups())
    assert difference == pytest.approx(sharpe - benchmark.mean() / benchmark.std() * 252**0.5, abs=0.02)
    assert low < difference < high
    assert int(cells[9].replace(",", "")) == len(run.trades)
    assert "Left out, as QUANTSTRATS_TEST_DATA is not set: 453 names." in said
    assert said.index("nobody could have known") < said.index("| signal |")
