"""The ledger alone tells what is true: cash and shares add up line by line."""

from __future__ import annotations

import json
from decimal import Decimal

from quantstrats.simulator.decimals import number
from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.ledger import Ledger
from quantstrats.simulator.settings import Action, Settings
from quantstrats.simulator.tape import tape_of

from .exchanges import RISING, at, buy, minutes, sell, to_bar


def run(ledger):
    """Trade, pay a dividend, split, bust; close the ledger."""
    tape = tape_of(minutes(RISING, days=("2024-03-01", "2024-03-04")))
    actions = (
        Action(symbol="A", on=tape.session_days[-1], dividend=Decimal("0.5")),
        Action(symbol="A", on=tape.session_days[-1], ratio=Decimal("0.3")),
    )
    made = Exchange(tape, Settings(actions=actions), ledger=ledger)
    name = made.account_ids[0]
    to_bar(made)
    made.submit(name, buy(11, client_order_id="mine"))
    to_bar(made)
    made.submit(name, sell(3))
    made.submit(name, sell(2, symbol="B"))
    to_bar(made)
    made.bust(made.activities(name)[-1].execution_id)
    made.correct(made.activities(name)[0].execution_id, Decimal("100.25"))
    made.halt("A", "news")
    at(made, 9, 31, tape.session_days[-1])
    ledger.close()
    return made, name


def test_every_cash_line_adds_up_to_the_account(tmp_path):
    path = tmp_path / "ledger.jsonl"
    made, name = run(Ledger(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[0] == {"n": 1, "at": "2024-03-01T09:00:00Z", "what": "start", "account": name, "cash": "100000"}
    cash, held = Decimal(lines[0]["cash"]), {}
    moves = [line for line in lines if line["what"] == "cash"]
    for line in moves:
        cash += Decimal(line["amount"])
        held[line["symbol"]] = held.get(line["symbol"], Decimal(0)) + Decimal(line["shares"])
        assert (cash, held[line["symbol"]]) == (Decimal(line["cash"]), Decimal(line["position"]))
    assert [line["reason"] for line in moves] == ["fill", "fill", "fill", "bust", "correction", "dividend", "split"]
    assert cash == made.account(name).cash
    assert {symbol: qty for symbol, qty in held.items() if qty} == {
        position.symbol: position.qty for position in made.positions(name)
    }


def test_every_fill_is_in_the_ledger_with_its_order(tmp_path):
    path = tmp_path / "ledger.jsonl"
    run(Ledger(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    fills = [line for line in lines if line.get("event") == "fill"]
    assert [(line["side"], line["qty"], line["price"], line["position_qty"]) for line in fills] == [
        ("buy", "11", "100", "11"),
        ("sell", "3", "102", "8"),
        ("sell", "2", "204", "-2"),
    ]
    assert fills[0]["client_order_id"] == "mine"
    assert fills[0]["status"] == "filled"
    assert {line["what"] for line in lines} == {"start", "order", "cash", "bar", "status", "session"}


def test_a_ledger_in_memory_keeps_its_lines():
    ledger = Ledger()
    run(ledger)
    assert json.loads(ledger.lines()[0])["what"] == "start"
    assert ledger.lines() == ledger.lines()


def test_numbers_are_plain_text():
    texts = [number(Decimal(text)) for text in ("100.50", "1E+3", "0.000000001", "-2.00", "0")]
    assert texts == ["100.5", "1000", "0.000000001", "-2", "0"]
