"""What is kept of a run that failed."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from quantstrats import Signal, backtest
from quantstrats.errors import DataError, SignalError
from quantstrats.runs.failures import failure_log
from quantstrats.runs.ledger import Ledger


@dataclass(frozen=True)
class Failing(Signal):
    """Fails as a stranger's signal may."""

    name = "failing"

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close["no such symbol"]


@dataclass(frozen=True)
class Wrong(Signal):
    """Breaks the contract without raising."""

    name = "wrong"

    def warmup(self):
        return 1

    def forecast(self, market):
        return 5


def test_a_signals_own_exception_is_kept_with_its_traceback_and_the_line_says_where(home, market_of):
    with pytest.raises(SignalError) as told:
        backtest(Failing(), market_of({"A": [1, 2, 3]}))
    (file,) = home.glob("logs/failed/*.log")
    assert str(told.value).endswith(f"(see {file})")
    assert "signal 'failing' failed in forecast" in str(told.value)
    began, failed = [json.loads(line) for line in file.read_text().splitlines()]
    assert (began["level"], failed["level"]) == ("info", "error")
    assert failed["message"] in str(told.value)
    assert "no such symbol" in failed["message"]
    assert 'return market.close["no such symbol"]' in failed["traceback"]
    (row,) = Ledger().rows()
    assert file.stem == row["run_id"]
    assert row["status"] == "failed"
    assert str(file) in row["error"]


def test_a_broken_contract_needs_no_traceback_in_the_line(home, market_of):
    with pytest.raises(SignalError) as told:
        backtest(Wrong(), market_of({"A": [1, 2, 3]}))
    assert "(see " not in str(told.value)
    assert len(list(home.glob("logs/failed/*.log"))) == 1


def test_a_run_that_does_not_fail_leaves_no_log(home, market_of):
    backtest("buy_and_hold", market_of({"A": [1, 2, 3]}))
    assert not (home / "logs" / "failed").exists()


def test_what_stops_a_run_on_purpose_is_no_failure(home):
    with pytest.raises(KeyboardInterrupt), failure_log("x"):
        raise KeyboardInterrupt
    assert not (home / "logs").exists()


def test_where_the_log_cannot_be_written_the_error_stands_alone(home):
    (home / "logs").write_text("in the way")
    with pytest.raises(DataError) as told, failure_log("x"):
        raise DataError("bars are broken") from KeyError("close")
    assert str(told.value) == "bars are broken"


def test_a_fault_of_ours_is_kept_as_it_is(home):
    with pytest.raises(ZeroDivisionError, match=r"^division by zero$"), failure_log("x"):
        _ = 1 / 0
    assert "ZeroDivisionError" in (home / "logs" / "failed" / "x.log").read_text()
