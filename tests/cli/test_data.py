"""``quantstrats data``: real commands, a real client library, a server on this machine in the vendor's place."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from quantstrats import load_run
from quantstrats.market.cache.cache import BarCache

SPAN = ("--start", "2019-01-02", "--end", "2019-12-31")  # 252 sessions
WIDTH = 80


def imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    sys.modules[path.stem] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


yahoo_server = imported(Path(__file__).parents[1] / "market" / "sources" / "yahoo_server.py")


@pytest.fixture
def yahoo():
    server = yahoo_server.YahooServer(["AAPL", "MSFT", "SPY", "TLT", "^VIX"])
    yield server
    server.close()


def quantstrats(*arguments, **environment):
    """Run a command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "quantstrats", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )


@pytest.fixture
def bars(tmp_path):
    """A file of two symbols with a high below the low, a shifted point, and a day without volume."""
    index = pd.bdate_range("2015-01-05", "2015-01-16").append(pd.bdate_range("2015-01-20", "2015-03-06"))
    index = index.difference([pd.Timestamp("2015-02-16")])
    close = 50 + np.arange(len(index)) * 0.1
    tables = []
    for symbol in ("AAA", "BBB"):
        table = pd.DataFrame({"date": index, "symbol": symbol, "open": close, "high": close + 1, "low": close - 1})
        tables.append(table.assign(close=close, volume=1000.0))
    table = pd.concat(tables, ignore_index=True)
    table.loc[30, "low"] /= 10
    table.loc[35, "volume"] = 0.0
    bad = table.copy()
    bad.loc[20, "high"] = 1.0
    table.to_csv(tmp_path / "doubtful.csv", index=False)
    bad.to_csv(tmp_path / "bad.csv", index=False)
    return tmp_path


def lines_fit(text):
    return all(len(line) <= WIDTH or "/" in line for line in text.splitlines())


def test_what_is_fetched_is_listed_shown_and_traded_without_a_network(yahoo, home, tmp_path):
    url = ("--set", f"data.url={yahoo.url}")
    fetched = quantstrats("data", "fetch", "yahoo", "--symbols", "AAPL,MSFT", *SPAN, *url)
    assert (fetched.returncode, fetched.stderr) == (0, "")
    assert "2 fetched, 504 bars added" in fetched.stdout
    asked = len(yahoo.asked)
    assert quantstrats("data", "list", "--verify").stdout == quantstrats("data", "list").stdout
    again = quantstrats("data", "fetch", "yahoo", "--symbols", "AAPL,MSFT", *SPAN, *url)
    assert "2 current, 0 bars added" in again.stdout
    yahoo.close()

    listed = quantstrats("data", "list")
    assert listed.stdout.startswith("yahoo 1d-adjusted: 2 symbols")
    assert "  AAPL      2019-01-02 to 2019-12-31      252 bars  20" in listed.stdout

    run = quantstrats("backtest", "sma_cross", "--data", "yahoo", "--symbols", "AAPL,MSFT", *SPAN, *url, "--offline",
                      "--json", "--no-tearsheet")  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert len(yahoo.asked) == asked
    stored = load_run(json.loads(run.stdout)["folder"])
    kept = {entry.symbol: entry.facts.content for entry in BarCache(home / "logs" / "cache").entries()}
    assert stored.manifest["data"]["record"]["cache"] == kept
    expected = yahoo_server.bars("AAPL", first="2019-01-02", last="2019-12-31")
    np.testing.assert_allclose(stored.bars["close"]["AAPL"], expected["close"], rtol=1e-6)

    picture = tmp_path / "aapl.png"
    shown = quantstrats("data", "show", "AAPL", "--data", "yahoo", *SPAN, *url, "--offline", "--out", picture)
    assert "Span        2019-01-02 to 2019-12-31, 252 bars, 0 missing" in shown.stdout
    assert kept["AAPL"] in shown.stdout
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG"


def test_a_wrong_symbol_is_named_and_the_others_arrive(yahoo):
    url = ("--set", f"data.url={yahoo.url}")
    fetched = quantstrats("data", "fetch", "yahoo", "--symbols", "AAPL,NOPE,MSFT", *SPAN, *url, "--json")
    told = json.loads(fetched.stdout)
    assert fetched.returncode == 1
    assert told["counts"] == {"fetched": 2, "current": 0, "revised": 0, "empty": 0, "unknown": 1, "failed": 0}
    assert list(told["missing"]) == ["NOPE"]
    traded = (
        "backtest",
        "buy_and_hold",
        "--data",
        "yahoo",
        "--symbols",
        "AAPL,NOPE,MSFT",
        *SPAN,
        *url,
        "--no-tearsheet",
    )
    refused = quantstrats(*traded)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "NOPE" in refused.stderr
    assert "data.missing: skip" in refused.stderr
    skipped = quantstrats(*traded, "--set", "data.missing=skip")
    assert skipped.returncode == 0, skipped.stderr
    assert "! yahoo has no bars of NOPE" in skipped.stdout


def test_after_a_loss_of_the_network_the_same_command_goes_on(yahoo):
    url = ("--set", f"data.url={yahoo.url}")
    yahoo.fail("403", symbol="SPY")  # what it refuses is not tried again, so no pause is long
    broken = quantstrats("data", "fetch", "yahoo", "--symbols", "AAPL,MSFT,TLT,SPY", *SPAN, *url, "--json")
    told = json.loads(broken.stdout)
    assert broken.returncode == 1
    assert "SPY" in told["missing"]
    arrived = told["counts"]["fetched"]
    yahoo.heal()
    yahoo.asked.clear()
    whole = quantstrats("data", "fetch", "yahoo", "--symbols", "AAPL,MSFT,TLT,SPY", *SPAN, *url, "--json")
    assert whole.returncode == 0, whole.stderr
    assert json.loads(whole.stdout)["counts"] | {"fetched": 0, "current": 0} == dict.fromkeys(told["counts"], 0)
    assert len({each.symbol for each in yahoo.charts}) == 4 - arrived


def test_a_side_series_of_another_symbols_bars_is_known_when_they_are_complete(yahoo, tmp_path):
    config = {
        "data": {
            "source": "yahoo", "url": yahoo.url, "symbols": ["SPY"], "start": "2019-03-01", "end": "2019-03-29",
            "side": {"vix": {"source": "yahoo", "url": yahoo.url, "symbol": "^VIX", "delay": "15min"}},
        },
        "signal": {"name": str(tmp_path / "calm.py")},
    }  # fmt: skip
    (tmp_path / "calm.py").write_text(CALM)
    (tmp_path / "calm.yaml").write_text(yaml.safe_dump(config))
    done = quantstrats("backtest", "--config", tmp_path / "calm.yaml", "--no-tearsheet", "--json")
    assert done.returncode == 0, done.stderr
    run = load_run(json.loads(done.stdout)["folder"])
    shown = run.details.tables["vix"]["vix"]
    # At a session's close the index of that day is not out yet: the one before counts, on the first session too.
    vix = yahoo_server.bars("^VIX", first="2019-02-28", last="2019-03-28")["close"]
    np.testing.assert_allclose(shown.to_numpy(), vix.to_numpy(), rtol=1e-6)
    assert run.config["data"]["side"]["vix"]["delay"] == "15min"
    verified = quantstrats("verify", run.run_id)
    assert (verified.returncode, verified.stdout.strip()[-9:]) == (0, "identical")


CALM = '''
from dataclasses import dataclass
from quantstrats import Details, Signal, hookimpl


@dataclass(frozen=True)
class Calm(Signal):
    """Hold while the VIX is low."""

    name = "calm"
    needs = ("vix",)

    def warmup(self):
        return 1

    def forecast(self, market):
        return market.close.gt(0).mul(market.side["vix"] < 1e9, axis=0).astype(float)

    def details(self, market):
        return Details(tables={"vix": market.side["vix"].to_frame("vix")})


@hookimpl
def register_signals(register):
    register(Calm)
'''


def test_a_configuration_is_fetched_with_its_side_series_and_then_runs_without_a_network(yahoo, tmp_path):
    (tmp_path / "calm.py").write_text(CALM)
    side = {"vix": {"source": "yahoo", "url": yahoo.url, "symbol": "^VIX"}}
    data = {"source": "yahoo", "url": yahoo.url, "symbols": ["SPY", "TLT"], "start": "2019-03-01", "end": "2019-03-29"}
    config = {"signal": {"name": "calm.py"}, "data": {**data, "side": side}}
    (tmp_path / "calm.yaml").write_text(yaml.safe_dump(config))
    fetched = quantstrats("data", "fetch", "--config", tmp_path / "calm.yaml", "--json")
    assert fetched.returncode == 0, fetched.stderr
    told = json.loads(fetched.stdout)
    assert told["counts"]["fetched"] == 2
    assert told["side"]["vix"]["values"] >= 21
    yahoo.close()
    done = quantstrats("backtest", "--config", tmp_path / "calm.yaml", "--offline", "--no-tearsheet", "--json")
    assert done.returncode == 0, done.stderr


def test_bars_that_begin_later_than_asked_for_are_told(yahoo):
    span = ("--start", "2007-01-03", "--end", "2014-12-31", "--set", f"data.url={yahoo.url}")  # it has them from 2014
    fetched = quantstrats("data", "fetch", "yahoo", "--symbols", "SPY,TLT", *span)
    assert "begin later than asked: SPY (2014-01-02), TLT (2014-01-02)" in fetched.stdout
    run = quantstrats("backtest", "buy_and_hold", "--data", "yahoo", "--symbols", "SPY,TLT", *span, "--no-tearsheet")
    assert "! bars begin on 2014-01-02, later than the start 2007-01-03 that was asked" in run.stdout


def test_many_missing_bars_stand_on_every_report(bars):
    path = ("--data", "files", "--set", f"data.path={bars / 'doubtful.csv'}", "--no-tearsheet")
    whole = quantstrats("backtest", "buy_and_hold", *path)
    assert "missing where the exchange was open" not in whole.stdout
    around_the_clock = quantstrats("backtest", "buy_and_hold", *path, "--set", "data.calendar=24/7")
    # 61 days from 2015-01-05 to 2015-03-06, 43 of them with bars, of two symbols.
    assert "! 36 of 122 bars (29.5%) are missing where the exchange was open" in around_the_clock.stdout


def test_a_side_series_that_stopped_long_ago_is_told(bars, tmp_path):
    (tmp_path / "calm.py").write_text(CALM)
    (tmp_path / "vix.csv").write_text("date,value\n2015-01-05,20\n2015-01-06,21\n")
    side = f"data.side.vix={{source: series, path: {tmp_path / 'vix.csv'}, value: value}}"
    path = ("--data", "files", "--set", f"data.path={bars / 'doubtful.csv'}", "--no-tearsheet")
    done = quantstrats("backtest", tmp_path / "calm.py", *path, "--set", side, "--json")
    assert done.returncode == 0, done.stderr
    (stamp,) = [each for each in json.loads(done.stdout)["stamps"] if each.startswith("side series 'vix'")]
    assert stamp == (
        "side series 'vix': nothing of it was known after 2015-01-06: that value stands on the 41 rows after it"
    )


def test_a_side_series_that_cannot_be_had_keeps_nobody_from_the_rest(yahoo, tmp_path):
    side = {
        "vix": {"source": "yahoo", "url": yahoo.url, "symbol": "^VIX"},
        "bad": {"source": "series", "path": "nowhere.csv", "value": "x"},
    }
    data = {"source": "yahoo", "url": yahoo.url, "symbols": ["SPY"], "start": "2019-03-01", "end": "2019-03-29"}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"data": {**data, "side": side}}))
    done = quantstrats("data", "fetch", "--config", tmp_path / "c.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    assert "1 fetched, 21 bars added" in done.stdout
    assert "data.side.vix: " in done.stdout
    assert "missing: data.side.bad: " in done.stdout


def test_a_check_looks_at_the_bars_of_side_series_too(command, bars, tmp_path):
    side = f"{{source: files, path: {bars / 'bad.csv'}, symbol: AAA}}"
    path = ("--data", "files", "--set", f"data.path={bars / 'doubtful.csv'}", "--set", f"data.side.x={side}")
    code, out, _ = command("data", "check", *path)
    assert code == 1
    assert "data.side.x: 43 bars of 1 symbol" in out
    assert "high_below_low" in out
    mended = ("--set", "data.side.x.repair=drop", "--set", "data.side.x.repair.bad_print=keep")
    code, out, _ = command("data", "check", *path, *mended, "--json")
    assert code == 0
    actions = {each["rule"]: each["action"] for each in json.loads(out)["side"]["x"]["findings"]}
    assert actions == {"high_below_low": "drop", "decimal_shift": "drop", "bad_print": "keep", "zero_volume": "keep"}


def test_a_side_series_that_is_missing_is_told_before_anything_runs(home, tmp_path):
    (tmp_path / "calm.py").write_text(CALM)
    done = quantstrats("backtest", tmp_path / "calm.py", "--data", "synthetic")
    assert (done.returncode, done.stdout) == (2, "")
    needs = "error: signal 'calm' needs the side series 'vix' (the market has: none)"
    assert done.stderr.strip() == f"{needs}; say where it comes from in data.side.vix"
    assert not (home / "logs" / "runs").exists()


def test_a_side_series_that_is_missing_is_told_before_bars_are_asked_for(yahoo, tmp_path):
    (tmp_path / "calm.py").write_text(CALM)
    url = ("--set", f"data.url={yahoo.url}")
    done = quantstrats("backtest", tmp_path / "calm.py", "--data", "yahoo", "--symbols", "SPY", *SPAN, *url)
    assert (done.returncode, done.stdout) == (2, "")
    told = "error: the signal needs the side series 'vix' (the configuration has: none)"
    assert done.stderr.strip() == f"{told}; say where it comes from in data.side.vix"
    assert yahoo.asked == []


def test_a_check_tells_what_is_wrong_by_rule_with_places(command, bars):
    code, out, err = command("data", "check", "--data", "files", "--set", f"data.path={bars / 'bad.csv'}")
    assert (code, err) == (1, "")
    assert lines_fit(out)
    assert out.startswith("86 bars of 2 symbols: 4 rules found something")
    for text in (
        "high_below_low",
        "2015-02-03 AAA: high 1",
        "decimal_shift",
        "AAA: low 5.2",
        "bad_print",
        "zero_volume",
    ):
        assert text in out
    code, out, _ = command("data", "check", "--data", "files", "--set", f"data.path={bars / 'bad.csv'}", "--json")
    plain = json.loads(out)
    assert plain["counts"] == {"high_below_low": 1, "decimal_shift": 1, "bad_print": 1, "zero_volume": 1}
    assert {"rule": "high_below_low", "symbol": "AAA", "time": "2015-02-03", "field": "high", "value": 1.0}.items() <= (
        plain["findings"][0].items()
    )


def test_a_check_says_what_a_repair_would_do(command, bars):
    path = ("--data", "files", "--set", f"data.path={bars / 'bad.csv'}")
    code, out, _ = command("data", "check", *path, "--repair", "drop")
    assert code == 0
    actions = [line.split()[-1] for line in out.splitlines() if line.startswith(("high_", "decimal_", "bad_", "zero_"))]
    assert actions == ["drop", "drop", "drop", "keep"]
    code, out, err = command("data", "check", *path, "--repair", "fail")
    assert (code, out) == (2, "")
    assert "high is below low in 1 row, first at line 22 (2015-02-03 AAA)" in err
    code, _, err = command("data", "check", *path, "--repair", "mend")
    assert code == 2
    assert "repair is 'mend'" in err


def test_likely_faults_stand_on_every_report_and_repairs_in_the_manifest(bars):
    path = ("--data", "files", "--set", f"data.path={bars / 'doubtful.csv'}", "--no-tearsheet")
    kept = quantstrats("backtest", "buy_and_hold", *path)
    assert "! likely faults in the bars were kept: 1 decimal_shift" in kept.stdout
    done = quantstrats("backtest", "buy_and_hold", *path, "--set", "data.repair={decimal_shift: winsorise}", "--json")
    told = json.loads(done.stdout)
    assert "bars were repaired: 1 decimal_shift winsorised" in told["stamps"]
    manifest = load_run(told["folder"]).manifest["data"]["record"]
    assert manifest["repair"] == {"decimal_shift": "winsorise"}
    assert manifest["quality"]["rules"]["decimal_shift"] == {
        "bars": 1, "symbols": 1, "actions": {"winsorise": 1}, "first": "2015-02-18 AAA",
    }  # fmt: skip


def test_two_sources_are_compared_and_nothing_is_merged(command, bars, tmp_path):
    table = pd.read_csv(bars / "doubtful.csv")
    table.loc[5, "close"] *= 1.004
    (tmp_path / "other.py").write_text(OTHER.format(path=tmp_path / "other.csv"))
    table.to_csv(tmp_path / "other.csv", index=False)
    path = ("--data", "files", "--set", f"data.path={bars / 'doubtful.csv'}")
    code, out, _ = command("data", "check", *path, "--against", tmp_path / "other.py")
    assert code == 0
    assert lines_fit(out)
    assert "1 value beyond the tolerances" in out
    assert f"  {'AAA':<10}{'2015-01-12':<22}{'close':<8}{50.5:>13,.7g}{50.702:>13,.7g}{'0.40%':>12}" in out
    code, out, _ = command("data", "check", *path, "--against", tmp_path / "other.py", "--tolerance", "close=0.005")
    assert "the same bars, within the tolerances" in out
    code, _, err = command("data", "check", *path, "--against", tmp_path / "other.py", "--tolerance", "close")
    assert (code, "--tolerance 'close' is not of the form" in err) == (2, True)


OTHER = '''
from dataclasses import dataclass
from pathlib import Path
from quantstrats import Source, hookimpl, load_market


@dataclass(frozen=True)
class Other(Source):
    """The same bars from elsewhere."""

    name = "other"

    def load(self, symbols=None, start=None, end=None):
        return load_market("files", symbols, start, end, path="{path}")


@hookimpl
def register_sources(register):
    register(Other)
'''


def test_the_other_source_takes_parameters_and_impossible_bars_are_left_out(command, bars):
    path = ("--data", "files", "--set", f"data.path={bars / 'bad.csv'}")
    other = f"{{source: files, path: {bars / 'doubtful.csv'}}}"
    code, out, err = command("data", "check", *path, "--against", other)
    assert (code, err) == (1, "")  # the impossible bar is still there
    assert "high_below_low" in out
    assert out.splitlines()[-1].split() == ["AAA", "2015-02-03", "bar", "-", "52", "-"]
    code, out, _ = command("data", "check", *path, "--against", other, "--json")
    (difference,) = json.loads(out)["differences"]
    assert (difference["field"], difference["value"], difference["other"]) == ("bar", None, 52.0)
    for wrong in ("{source: files, path", "{path: x.csv}"):
        code, _, err = command("data", "check", *path, "--against", wrong)
        assert code == 2
        assert err.startswith("error: ")
        assert err.count("\n") == 1


def test_a_policy_for_each_rule_can_be_tried(command, bars):
    path = ("--data", "files", "--set", f"data.path={bars / 'bad.csv'}")
    _, out, _ = command("data", "check", *path, "--repair", "{default: drop, zero_volume: mask, bad_print: keep}")
    actions = [line.split()[-1] for line in out.splitlines() if line.startswith(("high_", "decimal_", "bad_", "zero_"))]
    assert actions == ["drop", "drop", "keep", "mask"]


def test_a_screen_judges_by_what_was_known_on_a_day(command):
    common = ("data", "screen", "--data", "synthetic", "--set", "data.count=8", "--set", "universe.top=3")
    code, out, err = command(*common, "--date", "2005-03-01")
    assert (code, err) == (0, "")
    assert lines_fit(out)
    assert out.startswith("3 of 8 symbols inside the universe on 2005-03-01\n")
    assert "! universe: fixed basket of 8 symbols, chosen with today's knowledge" in out
    code, early, _ = command(*common, "--date", "2005-03-01", "--end", "2005-03-01", "--json")
    code, late, _ = command(*common, "--date", "2005-03-01", "--json")
    assert json.loads(early) == json.loads(late)
    assert sum(each["inside"] for each in json.loads(early)["symbols"]) == 3
    assert {each["fails"] for each in json.loads(early)["symbols"]} == {"", "top"}
    code, _, err = command(*common, "--date", "2005-03-05")
    assert code == 2
    assert "2005-03-05 is no session of these bars" in err


def test_a_picture_shows_the_last_bars(command, tmp_path, home):
    code, out, err = command("data", "show", "NASDAQ", "--bars", "60", "--out", tmp_path / "a" / "nasdaq.png")
    assert (code, err) == (0, "")
    with Image.open(tmp_path / "a" / "nasdaq.png") as drawn:
        picture = np.asarray(drawn.convert("RGB")).astype(int)
    rising = (abs(picture - [42, 140, 108]).sum(axis=2) < 30).any(axis=0)
    falling = (abs(picture - [194, 84, 91]).sum(axis=2) < 30).any(axis=0)
    assert rising.sum() > 100
    assert falling.sum() > 100
    code, out, _ = command("data", "show", "NASDAQ", "--json")
    facts = json.loads(out)
    # 2018-12-31, as published.
    assert facts["last_close"] == pytest.approx(6635.28, abs=0.01)
    assert (facts["first"], facts["last"], facts["bars"], facts["missing"]) == ("1999-01-04", "2018-12-31", 5031, 0)
    assert Path(facts["picture"]) == home / "logs" / "pictures" / "sample-NASDAQ.png"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["fetch", "yahoo"], "no symbols are named; give --symbols"),
        (["fetch"], "nobody is named to ask; give a source"),
        (["fetch", "yaho", "--symbols", "A"], "no source called 'yaho'; did you mean 'yahoo'?"),
        (["fetch", "sample", "--symbols", "A"], "source 'sample' is not asked over a network"),
        (["fetch", "yahoo", "--symbols", "@nowhere.txt"], "nowhere.txt"),
        (["fetch", "yahoo", "--symbols", "A", "--interval", "1w"], "parameter 'interval'"),
        (["fetch", "yahoo", "--symbols", "A", "--start", "2019-13-01"], "start is '2019-13-01'; give a date"),
        (["fetch", "fred", "--set", "data.series=CPIAUCSL"], "FRED_API_KEY"),
        (["fetch", "sec", "--symbols", "AAPL", "--set", "data.fact=Assets"], "QUANTSTRATS_CONTACT"),
        (["show", "NOPE"], "source 'sample' has no symbol 'NOPE'"),
        (["check", "--data", "fred", "--set", "data.series=X"], "has no bars but a side series; name it in data.side"),
        (["screen", "--set", "data.side.vix=5"], "data.side.vix"),
        (["screen", "--set", "data.side=5"], "block data, parameter 'side'"),
        (["screen", "--set", "universe.by=size", "--set", "universe.top=2"], "parameter 'by'"),
        (["check", "--data", "yahoo", "--symbols", "SPY", *SPAN, "--offline"], "offline"),
    ],
)
def test_bad_input_is_told_in_one_line(command, monkeypatch, arguments, line):
    for name in ("FRED_API_KEY", "APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "ALPACA_API_KEY", "QUANTSTRATS_CONTACT"):
        monkeypatch.delenv(name, raising=False)
    code, out, err = command("data", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert line in err


def test_keys_that_lack_are_told(command, monkeypatch):
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    code, out, _ = command("data", "fetch", "alpaca", "--symbols", "AAPL", "--start", "2020-01-02")
    assert code == 1
    assert "missing: AAPL" in out
    assert "APCA_API_KEY_ID" in out


def test_nothing_kept_is_said_with_what_to_do(command, home):
    code, out, _ = command("data", "list")
    assert code == 0
    assert out == f"nothing is kept in {home / 'logs' / 'cache'} (quantstrats data fetch asks a vendor)\n"


def test_a_damaged_file_is_named_and_fetched_again(command, yahoo, home):
    fetch = ("data", "fetch", "yahoo", "--symbols", "AAPL,MSFT", *SPAN, "--set", f"data.url={yahoo.url}")
    command(*fetch)
    file = home / "logs" / "cache" / "yahoo" / "1d-adjusted" / "AAPL.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    code, out, err = command(*fetch)
    assert (code, err) == (0, "")
    assert "AAPL" in out
    assert "damaged" in out
    assert list(file.parent.joinpath("damaged").glob("*.parquet"))
    assert pd.read_parquet(io.BytesIO(file.read_bytes()))["close"].notna().sum() == 252


def test_what_the_vendor_revised_stands_on_every_report_and_nothing_on_stderr(yahoo, home):
    """As real processes: a split since the first fetch, then a damaged file."""
    url = ("--set", f"data.url={yahoo.url}")
    quantstrats("data", "fetch", "yahoo", "--symbols", "AAPL", "--start", "2019-01-02", "--end", "2019-06-28", *url)
    file = home / "logs" / "cache" / "yahoo" / "1d-adjusted" / "AAPL.parquet"
    halves = yahoo_server.bars("AAPL", first="2019-01-02", last="2019-12-31") * [0.5, 0.5, 0.5, 0.5, 2.0]
    yahoo.rows["AAPL"] = {str(day.date()): (*row[:4], row[3], row[4]) for day, *row in halves.itertuples()}
    shown = quantstrats("data", "show", "AAPL", "--data", "yahoo", *SPAN, *url)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "! yahoo revised bars that were stored, which were replaced: AAPL: 124 of 124" in shown.stdout
    spoilt = bytearray(file.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    file.write_bytes(spoilt)
    done = quantstrats("backtest", "buy_and_hold", "--data", "yahoo", "--symbols", "AAPL", *SPAN, *url, "--json",
                       "--no-tearsheet")  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "what was kept of yahoo's bars of AAPL was damaged, and was fetched again" in told["stamps"]
    run = load_run(told["folder"])
    assert run.warnings == []
    assert str(file) in run.manifest["data"]["record"]["notes"][0]


@pytest.mark.parametrize(
    ("start", "end", "line"),
    [
        ("2024-03-28", "2023-03-28", "start 2024-03-28 lies after end 2023-03-28"),
        ("2024-03-30", "2024-03-31", "XNYS has no session from 2024-03-30 to 2024-03-31; ask for other dates"),
    ],
)
def test_a_span_without_a_session_is_told_with_the_reason(command, start, end, line):
    code, out, err = command("data", "fetch", "yahoo", "--symbols", "SPY", "--start", start, "--end", end)
    assert (code, out, err) == (2, "", f"error: {line}\n")


@pytest.fixture
def aside(command, yahoo, home):
    """A superseded file of MSFT, a damaged one of AAPL that is 40 days old, and what a killed writer left."""
    fetch = ("data", "fetch", "yahoo", "--symbols", "AAPL,MSFT", *SPAN, "--set", f"data.url={yahoo.url}")
    command(*fetch)
    folder = home / "logs" / "cache" / "yahoo" / "1d-adjusted"
    (folder / "AAPL.parquet").write_bytes(b"damaged")
    halves = yahoo_server.bars("MSFT", first="2019-01-02", last="2019-12-31") * 0.5
    yahoo.rows["MSFT"] = {str(day.date()): (*row[:4], row[3], row[4]) for day, *row in halves.itertuples()}
    command(*fetch, "--refresh")
    for file in (folder / "damaged").iterdir():
        name, _, suffix = file.name.rpartition(".")
        moment = pd.Timestamp.now("UTC") - pd.Timedelta(days=40)
        file.rename(file.with_name(f"AAPL.{moment:%Y%m%dT%H%M%S}-{name[-6:]}.{suffix}"))
    (folder / ".MSFT.parquet.0123abcd.writing").write_bytes(b"half")
    return folder


def sizes(*folders):
    return sum(file.stat().st_size for folder in folders for file in folder.iterdir())


def test_prune_removes_what_stands_aside_and_leaves_what_is_in_use(command, aside, home):
    used = {file: file.read_bytes() for file in aside.glob("*.parquet")}
    size = sizes(aside / "superseded", aside / "damaged") + 4
    code, out, err = command("data", "prune", "--dry-run")
    lines = [
        "1 superseded file in yahoo/1d-adjusted: MSFT",
        "1 damaged file in yahoo/1d-adjusted: AAPL",
        "leftover yahoo/1d-adjusted/.MSFT.parquet.0123abcd.writing",
        f"1 superseded file, 1 damaged file and 1 leftover, {size:,} bytes, in {home / 'logs' / 'cache'}",
    ]
    assert (code, out, err) == (0, "".join(f"would remove {line}\n" for line in lines), "")
    assert sizes(aside / "superseded", aside / "damaged") + 4 == size
    code, out, err = command("data", "prune")
    assert (code, out, err) == (0, "".join(f"removed {line}\n" for line in lines), "")
    assert list((aside / "superseded").iterdir()) == list((aside / "damaged").iterdir()) == []
    assert {file: file.read_bytes() for file in aside.glob("*.parquet")} == used
    assert not list(aside.glob(".*"))
    assert command("data", "prune")[1].startswith(
        "removed 0 superseded files, 0 damaged files and 0 leftovers, 0 bytes"
    )


def test_prune_by_age_counts_from_when_files_were_put_aside(command, aside):
    code, out, _ = command("data", "prune", "--older-than", "41", "--dry-run")
    assert (code, out.splitlines()[-1].startswith("would remove 0 superseded files, 0 damaged files and 1")) == (
        0,
        True,
    )
    command("data", "prune", "--older-than", "39")
    assert list((aside / "damaged").iterdir()) == []
    (superseded,) = (aside / "superseded").iterdir()
    code, out, _ = command("data", "prune", "--older-than", "0")
    assert out.startswith("removed 1 superseded file in yahoo/1d-adjusted: MSFT\n")
    assert not superseded.exists()


def test_what_cannot_be_removed_is_told_in_one_line(command, aside, monkeypatch):
    (aside / ".MSFT.parquet.0123abcd.writing").unlink()

    def refuse(self, missing_ok=False):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    code, out, err = command("data", "prune")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {aside / 'superseded' / 'MSFT.'}")
    assert err.endswith(" cannot be removed: Permission denied\n")
