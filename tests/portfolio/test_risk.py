"""What ends trading, and which limits make sense."""

from __future__ import annotations

import pytest

from quantstrats import RiskPolicy
from quantstrats.errors import ConfigError


@pytest.mark.parametrize(
    ("limit", "equity", "highest", "ends"),
    [
        (None, 1.0, 1e9, False),
        (0.2, 100.0, 100.0, False),
        (0.2, 80.01, 100.0, False),
        (0.2, 80.0, 100.0, False),  # a fifth below is not further than a fifth below
        (0.3, 700.0, 1000.0, False),  # 1 - 700 / 1000 is more than 0.3 in floating point
        (0.2, 79.99, 100.0, True),
        (0.5, -10.0, 100.0, True),
    ],
)
def test_trading_ends_further_below_the_highest_close_than_the_limit(limit, equity, highest, ends):
    assert RiskPolicy(max_drawdown=limit).ends_trading(equity, highest) is ends


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (0, "max_drawdown is 0.0; it is a fraction of equity between 0 and 1: 0.2 is 20%"),
        (-0.1, "max_drawdown is -0.1; it is a fraction"),
        (1.0, "max_drawdown is 1.0; it is a fraction"),
        (20, "max_drawdown is 20.0; it is a fraction of equity between 0 and 1: 0.2 is 20%"),
        (float("nan"), "max_drawdown is nan; it is a fraction"),
        ("0.2", "max_drawdown is '0.2'; give a number"),
        (True, "max_drawdown is True; give a number"),
    ],
)
def test_a_limit_that_makes_no_sense_is_told(limit, message):
    with pytest.raises(ConfigError, match=message):
        RiskPolicy(max_drawdown=limit)
