"""The status page: what it tells, that it needs nothing else, and how it looks in a browser."""

from __future__ import annotations

import re

import httpx
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.faults.faults import faults_of
from quantstrats.simulator.settings import Settings
from quantstrats.simulator.simulator import Simulator

from .exchanges import RISING
from .running import post_order, tape_of_minutes, to_bar

FAULTS = {"faults": [{"fault": "http_error", "status": 503, "on": {"request": "GET /v2/account"}}]}


@pytest.fixture
def running():
    """A simulator after two minutes, with a fill, an open order, a halt and a fault."""
    faults = faults_of(FAULTS)
    exchange = Exchange(tape_of_minutes(tuple(RISING)), Settings(), faults.trouble)
    with Simulator(exchange, Settings(), faults) as made:
        to_bar(made)
        post_order(made, qty="10")
        to_bar(made)
        post_order(made, type="limit", limit_price="90.5", qty="3")
        made.ask(lambda exchange: exchange.halt("B", "T1"))
        httpx.get(f"{made.url}/v2/account", headers={"APCA-API-KEY-ID": made.key, "APCA-API-SECRET-KEY": made.secret})
        yield made
    assert made.failures == []


def test_it_tells_what_is_held_what_is_open_what_was_filled_and_what_went_wrong(running):
    told = httpx.get(f"{running.url}/status.json").json()
    assert (told["clock"], told["is_open"], told["session"]) == ("Fri 2024-03-01 09:32:00", True, "09:30 to 16:00")
    assert (told["row"], told["rows"], told["speed"], told["halted"]) == (2, 4, None, {"B": "T1"})
    [account] = told["accounts"]
    # Bought 10 at 100, the minute's first price; its last is 102.
    assert (account["equity"], account["cash"], account["start"]) == ("100020", "99000", "100000")
    [position] = account["positions"]
    assert (position["symbol"], position["qty"], position["price"], position["gain"]) == ("A", "10", "102", "20")
    [order] = account["orders"]
    assert (order["symbol"], order["qty"], order["price"], order["status"]) == ("A", "3", "limit 90.5", "pending_new")
    [fill] = told["fills"]
    assert (fill["at"], fill["qty"], fill["price"]) == ("Fri 2024-03-01 09:31:00", "10", "100")
    [fault] = told["faults"]
    assert (fault["fault"], fault["what"]) == ("http_error", "GET /v2/account")
    assert told["fault_counts"] == {"http_error": 1}


def test_a_reset_empties_it(running):
    running.reset()
    told = httpx.get(f"{running.url}/status.json").json()
    assert (told["row"], told["fills"], told["fill_count"], told["faults"], told["fault_counts"]) == (0, [], 0, [], {})


def test_it_shows_no_keys_and_asks_nobody_else(running):
    page, told = httpx.get(running.url), httpx.get(f"{running.url}/status.json")
    assert running.secret not in page.text + told.text
    assert running.key not in page.text + told.text
    assert not re.search(r"https?://", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("dark", [False, True])
def test_it_refreshes_itself_in_a_browser(running, browser, dark):
    with browser.open(running.url, dark=dark, width=900) as page:
        page.wait_for("document.querySelectorAll('td').length > 20")
        shown = page.evaluate("document.body.innerText")
        for word in ("Fri 2024-03-01 09:32:00 New York", "open", "100,020.00", "limit 90.5", "http_error", "halted: B"):
            assert word in shown
        to_bar(running)
        page.wait_for("document.getElementById('clock').textContent.includes('09:33:00')")
        assert page.messages == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
