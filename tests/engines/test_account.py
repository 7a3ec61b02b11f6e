"""What an account may start with."""

from __future__ import annotations

import numpy as np
import pytest

from quantstrats import Costs, Schedule
from quantstrats.engines import engine_named
from quantstrats.engines.execution import Account
from quantstrats.errors import ConfigError, EngineError


@pytest.mark.parametrize(
    ("cash", "fractional", "message"),
    [
        (0, False, "cash is 0.0; an account starts with more than nothing"),
        (-5, False, "cash is -5.0; an account starts with more than nothing"),
        (float("nan"), False, "cash is nan; an account starts with more than nothing"),
        (float("inf"), False, "cash is inf; an account starts with more than nothing"),
        (10**400, False, "cash is inf; an account starts with more than nothing"),
        (5e-324, False, "cash is 5e-324; an account starts with more than nothing"),
        ("1000", False, "cash is '1000'; give a number"),
        (True, False, "cash is True; give a number"),
        (None, False, "cash is None; give a number"),
        (1000, "yes", "fractional is 'yes'; give True or False"),
        (1000, 1, "fractional is 1; give True or False"),
    ],
)
def test_an_account_that_makes_no_sense_is_told_in_one_line(cash, fractional, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        Account(cash, fractional, Costs(), Schedule())


@pytest.mark.parametrize("cash", [1000, 1000.0, np.float32(1000), np.int64(1000)])
def test_cash_of_any_kind_of_number_is_the_same_account(cash):
    account = Account(cash, False, Costs(), Schedule())
    assert type(account.cash) is float
    assert account.cash == 1000.0


@pytest.mark.parametrize("name", ["backtrade", None, ["backtrader"], 5])
def test_an_engine_that_does_not_exist_is_told_with_those_that_do(name):
    with pytest.raises(EngineError, match=r"^no engine called .*\(there is: backtrader\)$"):
        engine_named(name)
