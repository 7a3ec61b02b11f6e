"""What an order decided on each row earns, by hand."""

from __future__ import annotations

import pytest

from quantstrats import factors
from quantstrats.errors import ConfigError

NAN = float("nan")


def test_it_is_entered_at_the_next_open_and_left_horizon_rows_later(market_of):
    market = market_of({"A": [1, 1, 1, 1, 1]}, {"A": [10, 20, 30, 15, 45]})
    assert factors.forward_returns(market)["A"].tolist() == pytest.approx([0.5, -0.5, 2.0, NAN, NAN], nan_ok=True)
    two = factors.forward_returns(market, 2)["A"].tolist()
    assert two == pytest.approx([-0.25, 0.5, NAN, NAN, NAN], nan_ok=True)


def test_what_has_no_bar_is_not_entered_and_is_left_at_its_last_close(market_of):
    market = market_of({"A": [1, 12, NAN, 1, 1], "B": [1] * 5}, {"A": [10, 20, NAN, 15, 45], "B": [1] * 5})
    assert factors.forward_returns(market)["A"].tolist() == pytest.approx([12 / 20 - 1, NAN, 2, NAN, NAN], nan_ok=True)


def test_what_has_ended_counts_with_what_holders_got(market_of, sessions):
    market = market_of(
        {"A": [1, 12, NAN, NAN, NAN], "B": [1] * 5},
        {"A": [10, 20, NAN, NAN, NAN], "B": [1] * 5},
        ended={"A": sessions(2)[1]},
        delisting_return=-0.5,
    )
    assert factors.forward_returns(market)["A"].tolist() == pytest.approx([6 / 20 - 1] + [NAN] * 4, nan_ok=True)
    assert factors.forward_returns(market, 3)["A"].iloc[0] == pytest.approx(6 / 20 - 1)


@pytest.mark.parametrize("horizon", [0, -1, 1.5, True, "1"])
def test_the_horizon_counts_rows(market_of, horizon):
    with pytest.raises(ConfigError, match=r"^horizon is .*; it counts rows, at least 1$"):
        factors.forward_returns(market_of({"A": [1, 2]}), horizon)
