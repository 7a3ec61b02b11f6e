"""The pytest plugin: what a test of a plugin author gets, and what a run of pytest pays for it."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

from quantstrats.simulator.sample_bars import sample_minutes

from .running import simulator

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True, scope="module")
def _everything_is_loaded():
    # What is imported within a run of pytester is forgotten after it, which compiled modules do not survive.
    with simulator() as running:
        httpx.get(running.url)


LOADED = ("-p", "no:quantstrats", "-p", "quantstrats.simulator.fixture", "-p", "no:cacheprovider", "-W", "error")


def test_a_test_has_an_exchange_whose_clock_it_moves(pytester):
    pytester.makepyfile(
        """
        import httpx

        def test_trading(alpaca_exchange):
            while alpaca_exchange.advance().completed_at is None:
                pass
            headers = {"APCA-API-KEY-ID": alpaca_exchange.key, "APCA-API-SECRET-KEY": alpaca_exchange.secret}
            order = {"symbol": "SPY", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
            with httpx.Client(base_url=alpaca_exchange.url, headers=headers) as client:
                order = client.post("/v2/orders", json=order).json()
                step = alpaca_exchange.advance()
                assert client.get(f"/v2/orders/{order['id']}").json()["status"] == "filled"
                assert set(step.bars) == {"AAPL", "MSFT", "SPY"}
                alpaca_exchange.reset()
                assert client.get("/v2/orders?status=all").json() == []
        """
    )
    pytester.runpytest_inprocess(*LOADED).assert_outcomes(passed=1)


def test_a_marker_or_the_factory_choose_bars_and_settings(pytester):
    pytester.makepyfile(
        """
        import pytest
        from quantstrats.simulator.sample_bars import sample_minutes
        from quantstrats.simulator.settings import AccountSettings, Settings

        @pytest.mark.alpaca_exchange(market=sample_minutes(["ONE"]), settings=Settings(seed=3))
        def test_marked(alpaca_exchange):
            assert alpaca_exchange.exchange.tape.symbols == ("ONE",)
            assert alpaca_exchange.exchange.settings.seed == 3

        def test_made(make_alpaca_exchange):
            settings = Settings(accounts=(AccountSettings(key="K", secret="S"),))
            first, second = make_alpaca_exchange(), make_alpaca_exchange(settings=settings)
            assert first.url != second.url
            assert (second.key, second.secret) == ("K", "S")
        """
    )
    pytester.runpytest_inprocess(*LOADED, "--strict-markers").assert_outcomes(passed=2)


def test_a_failure_of_the_exchange_itself_is_the_tests(pytester):
    pytester.makepyfile(
        """
        def test_breaks(alpaca_exchange):
            alpaca_exchange.failures.append(KeyError("a bug"))
        """
    )
    result = pytester.runpytest_inprocess(*LOADED)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the simulated exchange itself has failed*"])


def test_without_the_extra_tests_are_skipped_and_told_why(pytester, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette", None)
    pytester.makepyfile("def test_trading(alpaca_exchange): pass")
    result = pytester.runpytest_inprocess(*LOADED, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*starlette is not installed: pip install 'quantstrats*simulator*'*"])


def test_a_run_of_pytest_pays_nothing_for_the_plugin():
    code = (
        "import sys, pytest; before = set(sys.modules); import quantstrats.simulator.fixture;"
        "heavy = {'pandas', 'numpy', 'starlette', 'uvicorn', 'msgpack', 'asyncio', 'pydantic'};"
        "print(sorted((set(sys.modules) - before) & heavy))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_sample_bars_are_seeded_whole_cents_of_the_real_calendar():
    # 3 July 2024 is a half-day, the 4th a holiday.
    import datetime

    market = sample_minutes(["A"], first=datetime.date(2024, 7, 3), sessions=2)
    assert len(market.index) == 210 + 390
    assert [day.day for day in market.session.unique()] == [3, 5]
    again = sample_minutes(["A"], first=datetime.date(2024, 7, 3), sessions=2)
    assert market.close.equals(again.close)
    assert not market.close.equals(sample_minutes(["A"], first=datetime.date(2024, 7, 3), seed=1).close)
    assert ((market.close * 100).round(6) % 1 == 0).all(axis=None)
    assert (market.high >= market.low).all(axis=None)
