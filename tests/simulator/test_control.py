"""The control endpoints: each does what it says, and each mistake is one line."""

from __future__ import annotations

import httpx
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")

from .exchanges import RISING
from .running import keys, listener, post_order, simulator, to_bar


@pytest.fixture
def control():
    """A simulator and a client of its control endpoints."""
    with simulator(prices=RISING) as running, httpx.Client(base_url=running.control_url) as client:
        yield running, client


def test_the_clock_is_moved_by_steps_and_to_an_instant(control):
    running, client = control
    opened = client.post("/advance").json()
    assert (opened["time"], opened["completed_at"], opened["bars"]) == ("2024-03-01T14:30:00Z", None, {})
    assert opened["events"] == [{"at": "2024-03-01T14:30:00Z", "what": "session", "session": "open"}]
    bar = client.post("/advance", json={}).json()
    assert (bar["completed_at"], bar["row"], bar["ended"]) == ("2024-03-01T14:31:00Z", 0, False)
    assert bar["bars"] == {"A": [100.0] * 4 + [10_000.0], "B": [200.0] * 4 + [10_000.0]}
    order = post_order(running)
    moved = client.post("/advance", json={"to": "2024-03-01T09:32:30-05:00"}).json()
    assert moved["time"] == "2024-03-01T14:32:30Z"
    assert moved["row"] == 1
    told = [each for each in moved["events"] if each["what"] == "order"]
    assert [each["event"] for each in told] == ["new", "fill"]
    assert {each["order_id"] for each in told} == {order["id"]}
    assert (told[-1]["price"], told[-1]["qty"]) == ("100", "1")


def test_the_state_tells_clock_accounts_and_streams(control):
    running, client = control
    to_bar(running)
    post_order(running)
    post_order(running, type="limit", limit_price="50")
    to_bar(running)
    with listener(running):
        state = client.get("/state").json()
    assert (state["time"], state["row"], state["rows"], state["is_open"]) == ("2024-03-01T14:32:00Z", 1, 4, True)
    (account,) = state["accounts"].values()
    # Bought at 100, the price is 102.
    assert account == {"cash": "99900", "equity": "100002", "positions": {"A": "1"}, "open_orders": 1}
    assert state["streams"] == {"trade_updates": 1}
    assert (state["faults"], state["failures"], state["halted"]) == (0, [], {})
    assert client.get("/faults").json() == []


def test_a_reset_starts_over(control):
    running, client = control
    to_bar(running)
    post_order(running)
    state = client.post("/reset").json()
    assert (state["row"], state["time"]) == (-1, "2024-03-01T09:00:00Z")
    assert next(iter(state["accounts"].values()))["open_orders"] == 0


def test_a_halt_keeps_orders_waiting(control):
    running, client = control
    to_bar(running)
    assert client.post("/halt", json={"symbol": "A"}).status_code == 200
    order = post_order(running)
    to_bar(running)
    url = f"{running.url}/v2/orders/{order['id']}"
    assert httpx.get(url, headers=keys(running)).json()["status"] == "new"
    client.post("/resume", json={"symbol": "A"})
    to_bar(running)
    assert httpx.get(url, headers=keys(running)).json()["status"] == "filled"


def test_splits_dividends_and_forced_fills_change_the_account(control):
    running, client = control
    to_bar(running)
    post_order(running, qty="10")
    to_bar(running)

    def account():
        return next(iter(client.get("/state").json()["accounts"].values()))

    client.post("/dividend", json={"symbol": "A", "dollars": "0.5"})
    assert account()["cash"] == "99005"
    client.post("/split", json={"symbol": "A", "ratio": 2})
    assert account()["positions"] == {"A": "20"}
    order = post_order(running, symbol="B", qty="5", type="limit", limit_price="50")
    to_bar(running)
    assert client.post("/overfill", json={"order_id": order["id"], "qty": "2"}).status_code == 200
    assert account()["positions"]["B"] == "7"
    order = post_order(running, symbol="B", type="limit", limit_price="50")
    to_bar(running)
    assert client.post("/reject", json={"order_id": order["id"], "reason": "late"}).status_code == 200
    assert account()["open_orders"] == 0


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/halt", {"symbol": "NONE"}, 404, "no symbol called 'NONE'"),
        ("/halt", {}, 422, "symbol: give a text"),
        ("/halt", {"symbol": 7}, 422, "symbol: give a text"),
        ("/split", {"symbol": "A"}, 422, "ratio: give a number over 0"),
        ("/split", {"symbol": "A", "ratio": 0}, 422, "ratio is 0; give a number over 0"),
        ("/split", {"symbol": "A", "ratio": "x"}, 422, "invalid ratio: not a number"),
        ("/dividend", {"symbol": "A", "dollars": [1]}, 400, "request body format is invalid"),
        ("/bust", {"execution_id": "none"}, 404, "execution not found for none"),
        ("/correct", {"execution_id": "none", "price": "1"}, 404, "execution not found for none"),
        ("/overfill", {"order_id": "none", "qty": 1}, 404, "order not found for none"),
        ("/reject", {"order_id": "none"}, 404, "order not found for none"),
        ("/advance", {"to": "soon"}, 422, "'soon' is no time; give RFC 3339, as 2024-03-01T14:30:00Z, or a date"),
        ("/advance", {"to": 7}, 422, "to: give a time as RFC 3339, as 2024-03-01T14:30:00Z"),
        ("/advance", {"to": "2000-01-01"}, 422, "the clock goes forward only"),
        ("/dance", {}, 404, "there is no /dance; see docs/simulator.md"),
    ],
)
def test_a_mistake_is_one_line(control, path, body, status, said):
    _, client = control
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.json()) == (status, {"error": said})


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"7", b"NaN", b"[" * 100_000])
def test_a_body_that_is_no_object_is_one_line(control, content):
    _, client = control
    answer = client.post("/halt", content=content)
    assert (answer.status_code, answer.json()) == (400, {"error": "request body format is invalid"})


def test_a_wrong_method_a_giant_body_and_a_web_page_are_refused(control):
    _, client = control
    assert client.get("/advance").json() == {"error": "/advance does not take GET"}
    assert client.post("/halt", content=b" " * (2**20 + 1)).status_code == 413
    # Any page in a browser could send this to any port of this machine.
    assert client.post("/reset", headers={"Origin": "http://example.com"}).status_code == 403


def test_clients_cannot_reach_the_clock_through_their_own_port(control):
    running, _ = control
    assert httpx.post(f"{running.url}/advance").status_code in {404, 405}
    assert httpx.post(f"{running.url}/v2/advance").status_code in {401, 404}


def test_another_fault_script_starts_over_with_it(control):
    running, client = control
    to_bar(running)
    script = {"seed": 1, "faults": [{"fault": "drop", "on": {"event": "new"}}]}
    assert client.post("/faults", json=script).json()["row"] == -1
    with listener(running) as stream:
        to_bar(running)
        post_order(running)
        to_bar(running)
        assert [stream.hear()["data"]["event"] for _ in range(2)] == ["pending_new", "fill"]
    assert client.get("/state").json()["faults"] == 1
    assert [each["fault"] for each in client.get("/faults").json()] == ["drop"]
    # It stays, unless another is given; a mistake changes nothing.
    wrong = client.post("/faults", json={"faults": [{"fault": "dropp"}]})
    assert wrong.status_code == 422
    assert "did you mean 'drop'" in wrong.json()["error"]
    assert client.get("/state").json()["row"] == 1
    client.post("/faults", json={"faults": []})
    with listener(running) as stream:
        to_bar(running)
        post_order(running)
        to_bar(running)
        assert [stream.hear()["data"]["event"] for _ in range(3)] == ["pending_new", "new", "fill"]
