"""The wire log: what it holds, what it never holds, and that it is the same each time."""

from __future__ import annotations

import json

from quantstrats.simulator.server.wire_log import WireLog

from .desks import KEYS, ask, desk_of, get, order
from .exchanges import to_bar


def session(log=None):
    """Run a client of every endpoint that changes something, with mistakes in between."""
    desk = desk_of(wire_log=log)
    to_bar(desk.exchange)
    made = order(desk, type="limit", limit_price=90)
    order(desk, qty=5)
    ask(desk, "POST", "/v2/orders", b"{")
    ask(desk, "POST", "/v2/orders", b'{\n"symbol": "A"\n}')
    ask(desk, "GET", "/v2/account", headers=[(b"apca-api-key-id", b"PKSIMULATOR"), (b"apca-api-secret-key", b"wrong")])
    to_bar(desk.exchange)
    ask(desk, "DELETE", f"/v2/orders/{made['id']}")
    get(desk, "/positions")
    get(desk, "/stocks/bars?symbols=A&timeframe=1Min")
    return desk


def test_each_request_and_answer_is_a_line_of_json():
    lines = [json.loads(line) for line in session().wire_log.lines()]
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    assert [line["kind"] for line in lines] == ["request", "answer"] * (len(lines) // 2)
    assert all(request["id"] == told["id"] for request, told in zip(lines[::2], lines[1::2], strict=True))
    first, told = lines[:2]
    assert (first["method"], first["path"], first["query"], first["at"]) == (
        "POST",
        "/v2/orders",
        "",
        "2024-03-01T14:31:00Z",
    )
    assert (first["body"]["limit_price"], told["status"], told["body"]["limit_price"]) == (90, 200, "90")
    broken = next(line for line in lines if line["body"] == "{")
    assert broken["kind"] == "request"
    assert any(line["body"] == {"symbol": "A"} for line in lines)
    canceled = [line for line in lines if line.get("status") == 204]
    assert [line["body"] for line in canceled] == [None]
    assert [line["account"] for line in lines if line.get("status") == 401] == [None]
    assert lines[-2]["query"] == "symbols=A&timeframe=1Min"


def test_the_same_client_leaves_the_same_log_byte_for_byte():
    assert session().wire_log.lines() == session().wire_log.lines()


def test_keys_and_secrets_are_never_in_it():
    text = "\n".join(session().wire_log.lines())
    for _, value in (*KEYS, (b"", b"wrong")):
        assert value.decode() not in text


def test_a_file_holds_the_same_lines(tmp_path):
    log = WireLog(tmp_path / "wire.jsonl")
    session(log)
    log.close()
    assert (tmp_path / "wire.jsonl").read_text().splitlines() == session().wire_log.lines()
    assert log.lines() == []


def test_memory_is_bounded_and_the_oldest_lines_go():
    log = WireLog(keep=1000)
    for _ in range(100):
        log.frame(0, None, "frame_in", "iex", '{"action":"auth"}')
    lines = [json.loads(line) for line in log.lines()]
    assert lines[-1]["n"] == 100
    assert 0 < sum(map(len, log.lines())) <= 1000
    log.clear()
    log.frame(0, None, "frame_in", "iex", b"\xff{")
    (line,) = (json.loads(each) for each in log.lines())
    assert (line["n"], line["body"], line["stream"], line["at"]) == (1, "�{", "iex", "1970-01-01T00:00:00Z")
