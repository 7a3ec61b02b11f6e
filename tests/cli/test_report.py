"""quantstrats report, as JSON; the rest of it is among the tests of the commands around runs."""

from __future__ import annotations

import json

import pytest

from quantstrats import backtest
from quantstrats.cli.main import main


def test_report_as_json_tells_what_a_backtest_does(nasdaq, capsys):
    run = backtest("buy_and_hold", nasdaq.between("2010-01-01", "2010-03-31"), guard="off")
    folder = run.save()
    with pytest.raises(SystemExit):
        main(["report", run.run_id, "--json"])
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert list(told) == ["run_id", "folder", "tearsheet", "metrics", "guard", "stamps", "warnings"]
    assert told["metrics"] == json.loads((folder / "metrics.json").read_text())
    assert told["tearsheet"] == str(folder / "tearsheet.html")
    assert any("guard was off" in stamp for stamp in told["stamps"])
