"""``quantstrats simulate``: bars replayed as a live market, and what it prints of that."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from importlib import util

import httpx
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

FAULTS = "faults: [{fault: drop}, {fault: http_error, status: 503, on: {nth: 2}}, {fault: hang, on: {nth: 99}}]"


class Running:
    """The command as a process of its own, on free ports."""

    def __init__(self, *arguments):
        command = [sys.executable, "-m", "quantstrats", "simulate", "--port", "0", *map(str, arguments)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            # Where the tests run in the background, interrupts are ignored, and children would inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.greeting = ""

    def __enter__(self):
        while not re.search("^(Ctrl-C ends it|The clock stands)", self.greeting, re.M):
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            self.greeting += line
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def told(self, what):
        return re.search(rf"^{what} +(\S+)", self.greeting, re.M)[1]

    def client(self):
        headers = {"APCA-API-KEY-ID": self.told("Key"), "APCA-API-SECRET-KEY": self.told("Secret")}
        return httpx.Client(base_url=self.told("REST"), headers=headers)

    def end(self, by=None):
        """Return its exit code and the rest that it prints."""
        if by is not None:
            self.process.send_signal(by)
        out, err = self.process.communicate(timeout=60)
        assert err == ""
        return self.process.returncode, self.greeting + out


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_ended_and_tells_where_all_is_written(tmp_path, by):
    (tmp_path / "faults.yaml").write_text(FAULTS)
    with Running("--log", tmp_path / "log", "--faults", tmp_path / "faults.yaml", "--speed", 100) as running:
        with running.client() as client:
            assert client.get("/v2/clock").json()["timestamp"] >= "2024-03-01T09:29:00-05:00"
            assert client.get("/v2/account").status_code == 503
            order = {"symbol": "SPY", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "gtc"}
            assert client.post("/v2/orders", json={**order, "limit_price": "1"}).status_code == 200
            # The past is there before anything has happened.
            bars = client.get("/v2/stocks/bars", params={"symbols": "SPY", "timeframe": "1Day", "start": "2024-02-01"})
            assert len(bars.json()["bars"]["SPY"]) >= 5
        code, told = running.end(by)
    assert code == 0
    assert "this machine only" in told
    assert re.search(r"^Past        [\d,]+ bars before that, for clients that ask$", told, re.M)
    assert "Faults      3 entries of " in told
    assert re.search(r"^Orders      1: 0 fills, 0 canceled, 0 rejected$", told, re.M)
    assert "Faults      1: http_error 1\n            never happened: entry 1 (drop), 3 (hang)" in told
    assert max(len(line) for line in told.splitlines() if str(tmp_path)[:12] not in line) <= 80
    log = {name: (tmp_path / "log" / f"{name}.jsonl").read_text() for name in ("wire", "ledger", "faults")}
    assert json.loads(log["ledger"].partition("\n")[0])["what"] == "start"
    assert '"/v2/account"' in log["wire"]
    assert json.loads(log["faults"])["fault"] == "http_error"
    assert running.told("Secret") not in "".join(log.values())


def test_the_clock_at_full_speed_waits_for_a_client_and_ends_with_the_bars(tmp_path):
    with Running("--log", tmp_path, "--speed", "max", "--days", 2, "--symbols", "A,B", "--cash", 500) as running:
        with running.client() as client:
            assert client.get("/v2/clock").json()["timestamp"] == "2024-03-01T09:29:00-05:00"
        code, told = running.end()
    assert code == 0
    assert re.findall(r"^(2024-\S+) +0 +0 +0 +0 +500\.00$", told, re.M) == ["2024-03-01", "2024-03-04"]
    assert "Sessions    2, the bars have ended" in told
    assert "Equity      500.00, +0.00 since the start" in told


def test_daily_bars_of_a_source_are_replayed_from_a_day_on(tmp_path):
    arguments = ("--data", "synthetic", "--set", "data.count=2", "--set", "data.bars=300", "--from", "2000-12-23")
    with Running("--log", tmp_path, *arguments, "--days", 3, "--speed", "max") as running:
        with running.client() as client:
            # The first session after a weekend; Christmas is none.
            assert client.get("/v2/clock").json()["timestamp"] == "2000-12-26T09:29:00-05:00"
        code, told = running.end()
    assert (code, "S001, S002, daily bars, 2000-12-26 to 2000-12-28" in told) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--speed", "fast"], "--speed is 'fast'; give simulated seconds per real second"),
        (["--speed", "0"], "--speed is '0'; give simulated seconds per real second"),
        (["--from", "soon"], "--from is 'soon'; give a date"),
        (["--data", "synthetic", "--from", "2040-01-02"], "the bars end on 2010-"),
        (["--data", "syntetic"], "did you mean 'synthetic'?"),
        (["--set", "data.nothing=1"], "nothing"),
        (["--days", "0"], "invalid value for '--days'"),
        (["--port", "70000"], "invalid value for '--port'"),
        (["--cash", "much"], "--cash is 'much'; give dollars"),
        (["--cash", "nan"], "--cash is 'nan'; give dollars"),
        (["--symbols", "BTC/USD"], "--symbols has 'BTC/USD'; give stocks' symbols in capitals"),
        (["--symbols", "aapl"], "--symbols has 'aapl'; give stocks' symbols in capitals"),
        (["--symbols", "A,,B"], "--symbols is 'A,,B'; give each symbol once"),
        (["--faults", "none.yaml"], "none.yaml cannot be read"),
        (["--host", "no.such.host.invalid"], "cannot listen at no.such.host.invalid"),
        (["--log", "/dev/null/x"], "/dev/null/x cannot be written"),
    ],
)
def test_what_cannot_be_asked_for_is_told_in_one_line(command, arguments, told):
    code, out, err = command("simulate", *arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_a_port_in_use_is_told_in_one_line(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = command("simulate", "--port", port)
    assert (code, err.count("\n")) == (2, 1)
    assert f"cannot listen at 127.0.0.1, port {port}: Address already in use; choose another" in err


def test_a_missing_extra_is_told_with_the_command_that_brings_it(command, monkeypatch):
    found = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name, *more: None if name == "uvicorn" else found(name, *more))
    code, _, err = command("simulate")
    assert code == 2
    assert err == ("error: the simulated exchange needs uvicorn, not installed: pip install 'quantstrats[simulator]'\n")


def test_the_help_does_not_load_the_simulator():
    script = "import sys, quantstrats.cli.app; print([m for m in sys.modules if 'simulator' in m or 'starlette' in m])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_logs_of_another_simulation_are_not_touched(command, tmp_path):
    (tmp_path / "wire.jsonl").write_text("said\n")
    code, out, err = command("simulate", "--log", tmp_path, "--port", 0)
    assert (code, out) == (2, "")
    assert err == f"error: {tmp_path} has the logs of another simulation; give --log another folder\n"
    assert [each.name for each in tmp_path.iterdir()] == ["wire.jsonl"]


def test_a_clock_that_stands_is_moved_through_the_control_port(tmp_path):
    with Running("--log", tmp_path / "log", "--speed", "step", "--symbols", "A") as running:
        assert re.search("^Clock +stands until POST /advance, from Fri 2024-03-01", running.greeting, re.M)
        control = running.told("Control")
        with running.client() as client:
            before = client.get("/v2/clock").json()["timestamp"]
            steps = [httpx.post(f"{control}/advance").json() for _ in range(2)]
            assert client.get("/v2/clock").json()["timestamp"] > before
        # The session opens, then the first minute is complete.
        assert [each["completed_at"] for each in steps] == [None, "2024-03-01T14:31:00Z"]
        code, told = running.end(signal.SIGINT)
    assert code == 0
    assert "Equity" in told
