"""What a run is compared with, by hand."""

from __future__ import annotations

import pytest

from quantstrats.errors import ConfigError
from quantstrats.reports.benchmark import benchmark_returns


def test_equal_weight_splits_the_capital_once_and_holds(market_of):
    market = market_of({"A": [100, 110, 121], "B": [50, 50, 25]})
    # Halves: 0.5 + 0.5, then 0.55 + 0.5, then 0.605 + 0.25.
    returns = benchmark_returns(market, "equal_weight")
    assert returns.tolist() == pytest.approx([0.0, 1.05 / 1.0 - 1, 0.855 / 1.05 - 1])
    assert returns.index.equals(market.index)


def test_a_late_listing_is_cash_until_its_first_close(market_of):
    market = market_of({"A": [100, 110, 121, 121], "B": [None, None, 20, 30]})
    # B's half stays 0.5 until it is bought at 20, and is 0.75 at 30.
    expected = [0.0, 1.05 - 1, 1.105 / 1.05 - 1, (0.605 + 0.75) / 1.105 - 1]
    assert benchmark_returns(market, "equal_weight").tolist() == pytest.approx(expected)


def test_an_ended_symbol_is_settled_once_and_is_cash_from_then_on(market_of, sessions):
    last = sessions(2)[-1]
    market = market_of(
        {"A": [100, 100, 100, 100], "B": [10, 20, None, None]}, ended={"B": last}, delisting_return={"B": -0.5}
    )
    # B's half doubles to 1.0, is settled at half of that, and stays there.
    expected = [0.0, 1.5 / 1.0 - 1, 1.0 / 1.5 - 1, 0.0]
    assert benchmark_returns(market, "equal_weight").tolist() == pytest.approx(expected)


def test_a_gap_is_valued_at_the_last_close(market_of):
    market = market_of({"A": [100, None, 110]})
    assert benchmark_returns(market, "A").tolist() == pytest.approx([0.0, 0.0, 0.1])


def test_nothing_grows_out_of_a_total_loss(market_of, sessions):
    market = market_of({"A": [100, 90, None, None]}, ended={"A": sessions(2)[-1]}, delisting_return=-1.0)
    assert benchmark_returns(market, "equal_weight").tolist() == pytest.approx([0.0, -0.1, -1.0, 0.0])


def test_a_symbol_can_be_the_benchmark(market_of):
    market = market_of({"A": [100, 110], "B": [50, 25]})
    assert benchmark_returns(market, "B").tolist() == pytest.approx([0.0, -0.5])


def test_a_symbol_without_any_bar_is_cash_and_never_nan(market_of):
    market = market_of({"A": [100, 110], "B": [None, None]})
    assert benchmark_returns(market, "B").tolist() == [0.0, 0.0]
    assert benchmark_returns(market, "equal_weight").tolist() == pytest.approx([0.0, 0.05])


def test_none_is_no_benchmark(market_of):
    assert benchmark_returns(market_of({"A": [100, 110]}), "none") is None


def test_an_unknown_benchmark_is_refused_with_a_hint(market_of):
    with pytest.raises(ConfigError, match=r"equal_wieght.*did you mean 'equal_weight'"):
        benchmark_returns(market_of({"A": [100, 110]}), "equal_wieght")
