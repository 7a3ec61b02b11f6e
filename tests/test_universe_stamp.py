"""Every run, its summary and its tear sheet say how the symbols were chosen."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from quantstrats import Universe, backtest, backtest_config, load_market, tearsheet
from quantstrats.runs.summary import summary


def told(run):
    """The one line about it, which all reports have first."""
    (line,) = [stamp for stamp in run.manifest["stamps"] if stamp.startswith("universe: ")]
    assert run.manifest["stamps"][0] == line
    assert f"! {line}"[:60] in summary(run)
    return line


@pytest.fixture(scope="module")
def stocks():
    return load_market("synthetic", "S001,S002,S003", "2000-01-03", "2000-06-30")


def test_symbols_named_by_hand_are_a_fixed_basket(stocks):
    run = backtest("buy_and_hold", stocks)
    assert told(run) == "universe: fixed basket of 3 symbols, chosen with today's knowledge"
    assert "universe: fixed basket of 3 symbols" in tearsheet(run)


def test_members_by_effective_dates_are_point_in_time(stocks, tmp_path):
    (tmp_path / "members.csv").write_text("symbol,start,end\nS001,1999-01-01,2000-03-31\nS002,2000-02-01,\n")
    run = backtest("buy_and_hold", stocks, universe=Universe(members=tmp_path / "members.csv"))
    assert told(run) == "universe: point-in-time members of members.csv"
    held = run.positions[["S001", "S002", "S003"]] > 0
    assert not held["S003"].any()
    assert not held.loc["2000-04-05":, "S001"].any()


def test_whoever_knows_better_says_so(stocks):
    run = backtest("buy_and_hold", stocks, universe=Universe(basis="todays_list"))
    assert told(run) == "universe: today's list: survivorship bias, names that left it are not in it"
    assert run.config["universe"]["basis"] == "todays_list"


@pytest.fixture
def list_of_today(monkeypatch):
    """A server that has the list: S001 to S450, and their sectors."""
    rows = [f"S{number:03},Name {number},{'Energy' if number % 3 else 'Utilities'}" for number in range(1, 451)]
    text = "\n".join(["Symbol,Security,GICS Sector", *rows]).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setenv("QUANTSTRATS_SP500_URL", f"http://127.0.0.1:{server.server_address[1]}/list.csv")
    yield
    server.shutdown()
    server.server_close()


def test_a_list_of_today_is_named_with_its_date_and_stays_so_when_the_run_is_run_again(list_of_today):
    data = {"source": "synthetic", "symbols": "sp500", "start": "2000-01-03", "end": "2000-02-29"}
    run = backtest_config({"signal": "buy_and_hold", "data": data})
    day = pd.Timestamp.now("UTC").date()
    assert told(run) == (
        f"universe: today's list (S&P 500 of {day}): survivorship bias, names that left it are not in it"
    )
    assert len(run.config["data"]["symbols"]) == 450
    again = backtest_config(json.loads(json.dumps(run.config)))
    assert again.manifest["content"] == run.manifest["content"]
    assert told(again) == "universe: today's list: survivorship bias, names that left it are not in it"
