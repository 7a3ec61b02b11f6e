"""Size, prices and return of round trips, from fills told by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from quantstrats import RiskPolicy, backtest
from quantstrats.reports.roundtrips import with_fills


def told(make_run, fills, trades):
    """Return what is told of fills (symbol, amount, price) and trades (symbol, net profit)."""
    run = make_run([1000.0] * 2)
    columns = {
        "symbol": [fill[0] for fill in fills],
        "amount": [fill[1] for fill in fills],
        "price": [f[2] for f in fills],
    }
    return with_fills(
        replace(
            run,
            transactions=pd.DataFrame(columns, index=run.equity.index[[0] * len(fills)]),
            trades=pd.DataFrame(trades, columns=["symbol", "pnl_net"]),
        )
    )[["size", "entry", "exit", "return"]].to_numpy()


def test_bought_in_two_parts_and_sold_in_two(make_run):
    fills = [("A", 10.0, 20.0), ("A", 30.0, 24.0), ("A", -25.0, 30.0), ("A", -15.0, 26.0)]
    (facts,) = told(make_run, fills, [("A", 184.0)])
    assert facts == pytest.approx([40.0, 23.0, 28.5, 184.0 / 920.0])


def test_a_short_position_has_a_negative_size(make_run):
    (facts,) = told(make_run, [("A", -10.0, 50.0), ("A", 10.0, 40.0)], [("A", 99.0)])
    assert facts == pytest.approx([-10.0, 50.0, 40.0, 99.0 / 500.0])


def test_a_fill_that_turns_the_position_ends_one_and_begins_the_next(make_run):
    fills = [("A", 10.0, 50.0), ("A", -25.0, 60.0), ("A", 15.0, 40.0)]
    facts = told(make_run, fills, [("A", 100.0), ("A", 300.0)])
    assert facts[0] == pytest.approx([10.0, 50.0, 60.0, 0.2])
    assert facts[1] == pytest.approx([-15.0, 60.0, 40.0, 1.0 / 3.0])


def test_symbols_are_kept_apart_and_what_is_still_open_is_none(make_run):
    fills = [("A", 1.0, 10.0), ("B", 2.0, 5.0), ("B", -2.0, 6.0), ("A", -1.0, 9.0), ("B", 7.0, 1.0)]
    facts = told(make_run, fills, [("B", 2.0), ("A", -1.0)])
    assert facts.tolist() == [[2.0, 5.0, 6.0, 0.2], [1.0, 10.0, 9.0, -0.1]]


def test_remainders_of_fractions_end_a_round_trip(make_run):
    fills = [("A", 0.1, 10.0), ("A", 0.2, 10.0), ("A", -0.3, 11.0), ("A", 1.0, 5.0), ("A", -1.0, 6.0)]
    facts = told(make_run, fills, [("A", 0.3), ("A", 1.0)])
    assert facts[:, 0] == pytest.approx([0.3, 1.0])


def test_fills_that_do_not_fit_tell_nothing(make_run):
    assert np.isnan(told(make_run, [("A", 1.0, 10.0)], [("A", 2.0)])).all()


def test_of_a_real_run_the_profit_is_that_of_size_and_prices(nasdaq):
    run = backtest("sma_cross", nasdaq, allocator="long_short", risk=RiskPolicy(max_drawdown=0.5), guard="off")
    facts = with_fills(run)
    assert len(facts) > 10
    assert set(np.sign(facts["size"])) == {1.0, -1.0}
    np.testing.assert_allclose(facts["size"] * (facts["exit"] - facts["entry"]), facts["pnl"], rtol=1e-9, atol=1e-6)
