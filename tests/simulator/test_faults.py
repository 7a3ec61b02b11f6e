"""Faults as the exchange and its server ask for them, without a socket: what happens, when, and what the log says."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantstrats.errors import ConfigError
from quantstrats.simulator.events import OrderEvent
from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.faults.faults import faults_of
from quantstrats.simulator.orders import Changes
from quantstrats.simulator.protocol.trade_updates import trade_update_json
from quantstrats.simulator.settings import Settings
from quantstrats.simulator.times import NS, new_york_ns

from .exchanges import QUIET, RISING, at, buy, sell, story, to_bar
from .running import tape_of_minutes

NOON = new_york_ns(date(2024, 3, 1), 12)


class Links:
    """The connections of a server that is not there."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.sent, self.done = [], []

    def send(self, stream, account, content):
        self.sent.append((self.exchange.now, content))

    def restart(self):
        self.done.append("restart")


def run(*entries, prices=QUIET, seed=0, **more):
    """Return faults, the exchange that they begin with, its account and its links."""
    faults = faults_of({"faults": list(entries)}, seed)
    exchange = Exchange(tape_of_minutes(tuple(prices)), Settings(**more), faults.trouble)
    links = Links(exchange)
    faults.begin(exchange, links)
    return faults, exchange, exchange.account_ids[0], links


def asked(faults, times, request="POST /v2/orders", body=b"", account="x"):
    """Return the statuses with which so many requests go wrong, None for those that do not."""
    method, path = request.split()
    found = [faults.on_request(method, path, account, NOON, body) for _ in range(times)]
    return [each and each.status for each in found]


def update(n, event="new"):
    order = {"id": f"o{n}", "symbol": "A", "client_order_id": f"c{n}"}
    return {"stream": "trade_updates", "data": {"event": event, "execution_id": f"e{n}", "order": order}}


def bar(close=100.0, symbol="A"):
    return {"T": "b", "S": symbol, "o": 100.0, "h": 101.0, "l": 99.0, "c": close, "v": 5, "n": 4, "vw": 100.0, "t": 7}


def frames(faults, messages, stream="trade_updates"):
    """Return what is sent instead of messages, each with what it becomes."""
    return [[each.content for each in faults.on_frame(stream, "x", message)] for message in messages]


def error(**on):
    return {"fault": "http_error", "status": 503, "on": on}


def test_the_nth_request_alone_goes_wrong():
    faults, *_ = run(error(request="POST /v2/orders", nth=3))
    assert asked(faults, 5) == [None, None, 503, None, None]


def test_other_requests_are_not_counted():
    faults, *_ = run(error(request="POST /v2/orders", nth=2))
    assert asked(faults, 1) == [None]
    assert asked(faults, 3, "GET /v2/orders") == [None] * 3
    assert asked(faults, 1) == [503]


@pytest.mark.parametrize(
    ("on", "statuses"),
    [
        ({}, [503] * 6),
        ({"every": 2}, [None, 503] * 3),
        ({"skip": 2, "times": 3}, [None, None, 503, 503, 503, None]),
        ({"skip": 1, "every": 3}, [None, None, None, 503, None, None]),
        ({"rate": 0}, [None] * 6),
        ({"rate": 1}, [503] * 6),
        ({"since": "2024-03-01T17:00:00Z"}, [503] * 6),
        ({"since": "2024-03-01T17:00:01Z"}, [None] * 6),
        ({"until": "2024-03-01T17:00:00Z"}, [None] * 6),
        ({"at": "2024-03-01T16:00:00Z"}, [503, *[None] * 5]),
        ({"request": "/v2/orders"}, [503] * 6),
        ({"request": "* /v2/*"}, [503] * 6),
        ({"request": "DELETE /v2/orders"}, [None] * 6),
        ({"symbol": "A"}, [503] * 6),
        ({"symbol": "B"}, [None] * 6),
    ],
    ids=str,
)
def test_occasions_are_chosen_as_the_script_says(on, statuses):
    faults, *_ = run(error(**on))
    assert asked(faults, 6, body=b'{"symbol":"A","qty":"1"}') == statuses


def test_an_account_is_named_by_its_key_or_its_id():
    for name in ("PKSIMULATOR", run()[2]):
        faults, _, account, _ = run(error(account=name))
        assert asked(faults, 1, account="another") == [None]
        assert asked(faults, 1, account=account) == [503]


def test_each_fault_is_logged_with_its_cause():
    faults, *_ = run(error(nth=2), {"fault": "drop", "on": {"event": "fill"}})
    asked(faults, 1)
    faults.on_request("POST", "/v2/orders", "x", NOON, b"", "r2")
    frames(faults, [update(1), update(2, "fill")])
    first, second = faults.log
    assert (first["n"], first["fault"], first["entry"], first["account"]) == (1, "http_error", 1, "x")
    assert first["cause"] == {"request": "POST /v2/orders", "request_id": "r2"}
    assert first["did"] == "answered 503; it was not done"
    assert first["script"] == error(nth=2)
    assert (second["fault"], second["entry"], second["cause"]["execution_id"]) == ("drop", 2, "e2")
    assert second["at"] == "2024-03-01T09:00:00Z"
    assert faults.counts == {"http_error": 1, "drop": 1}
    json.dumps(list(faults.log))


def test_the_log_can_go_to_a_file_and_begins_anew_with_another_exchange(tmp_path):
    faults = faults_of({"faults": [error()]}, file=tmp_path / "log")
    for _ in range(2):
        exchange = Exchange(tape_of_minutes(tuple(QUIET)), Settings(), faults.trouble)
        faults.begin(exchange)
        asked(faults, 3)
        assert len(faults.log) == 3
    faults.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line["n"] for line in lines] == [1, 2, 3]


def test_two_faults_of_one_request_happen_together():
    faults, *_ = run(
        {"fault": "slow", "seconds": 0.5},
        {"fault": "http_error", "status": 504, "when": "after"},
        {"fault": "late_404", "seconds": 3},
    )
    fault = faults.on_request("POST", "/v2/orders", "x", NOON)
    assert (fault.when, fault.status, fault.delay_s, fault.late_404_s) == ("after", 504, 0.5, 3)


RATES = [error(rate=0.3), {**error(rate=0.3), "when": "after"}, {"fault": "drop", "on": {"rate": 0.5}}]


def drawn(entries, seed=0, of=None):
    """Return which of a hundred requests an entry hits."""
    faults, *_ = run(*entries, seed=seed)
    number = entries.index(of) + 1
    hit = []
    for _ in range(100):
        before = len(faults.log)
        asked(faults, 1)
        hit.append(any(line["entry"] == number for line in list(faults.log)[before:]))
    return hit


@settings(max_examples=20, deadline=None)
@given(st.permutations(RATES), st.integers(0, 5), st.booleans())
def test_another_entry_or_another_order_moves_no_fault(entries, seed, with_more):
    wanted = RATES[0]
    more = [{"fault": "reset", "on": {"rate": 0.5}}] if with_more else []
    assert drawn(more + entries, seed, wanted) == drawn([wanted], seed, wanted)


def test_the_order_of_keys_does_not_matter():
    turned = {"on": {"rate": 0.3}, "status": 503, "fault": "http_error"}
    assert drawn([turned], of=turned) == drawn([RATES[0]], of=RATES[0])


def test_another_seed_gives_other_faults_and_equal_entries_draw_apart():
    wanted = RATES[0]
    assert drawn([wanted], 1, wanted) != drawn([wanted], 2, wanted)
    faults, *_ = run(wanted, wanted)
    asked(faults, 200)
    both = [line["entry"] for line in faults.log]
    assert both.count(1) != 0 != both.count(2)
    assert sum(pair == (1, 2) for pair in pairwise(both)) < both.count(1)


def test_the_scripts_own_seed_goes_before_that_of_the_exchange():
    def statuses(seed):
        faults = faults_of({"seed": 3, "faults": [error(rate=0.3)]}, seed)
        faults.begin(Exchange(tape_of_minutes(tuple(QUIET)), Settings(), faults.trouble))
        return asked(faults, 50)

    assert statuses(1) == statuses(2)


# Streams.


def test_a_dropped_message_never_comes():
    faults, *_ = run({"fault": "drop", "on": {"event": "fill", "nth": 1}})
    told = [update(1), update(2, "fill"), update(3, "fill")]
    assert frames(faults, told) == [[told[0]], [], [told[2]]]


def test_a_duplicate_comes_twice():
    faults, *_ = run({"fault": "duplicate", "on": {"nth": 1}})
    assert frames(faults, [update(1), update(2)]) == [[update(1)] * 2, [update(2)]]


def test_a_message_put_behind_the_next_two_comes_after_them():
    faults, *_ = run({"fault": "reorder", "by": 2, "on": {"nth": 1}})
    first, second, third = update(1), update(2), update(3)
    assert frames(faults, [first, second, third]) == [[], [second], [third, first]]


def test_a_message_that_no_other_passes_comes_by_itself():
    faults, exchange, _, links = run({"fault": "reorder", "seconds": 30})
    frames(faults, [update(1)])
    then = exchange.now
    exchange.advance_to(then + 60 * NS)
    assert links.sent == [(then + 30 * NS, update(1))]


def test_a_late_message_comes_when_the_clock_gets_there_and_others_do_not_wait():
    faults, exchange, _, links = run({"fault": "delay", "seconds": 5, "on": {"nth": 1}})
    assert frames(faults, [update(1), update(2)]) == [[], [update(2)]]
    then = exchange.now
    exchange.advance_to(then + 4 * NS)
    assert links.sent == []
    exchange.advance_to(then + 5 * NS)
    assert links.sent == [(then + 5 * NS, update(1))]


def test_a_mute_stream_tells_nothing_for_a_while():
    faults, exchange, *_ = run({"fault": "mute", "seconds": 60, "on": {"nth": 2}})
    assert frames(faults, [update(1), update(2), update(3)]) == [[update(1)], [], []]
    exchange.advance_to(exchange.now + 60 * NS)
    assert frames(faults, [update(4)]) == [[update(4)]]
    assert len(faults.log) == 1


@pytest.mark.parametrize("shape", ["half", "noise", "other"])
def test_a_malformed_message_is_none(shape):
    faults, *_ = run({"fault": "malformed", "shape": shape, "keeps": True})
    bad, good = frames(faults, [update(1)])[0]
    assert isinstance(bad, bytes)
    assert good == update(1)
    if shape == "other":
        assert "data" not in json.loads(bad)
    else:
        with pytest.raises(ValueError, match=r".*"):
            json.loads(bad)


def test_the_last_messages_come_again_to_whom_listens_again():
    faults, *_ = run({"fault": "replay", "messages": 2})
    assert faults.on_listen("trade_updates", "x") == []
    frames(faults, [update(n) for n in range(4)])
    assert faults.on_listen("trade_updates", "x") == [update(2), update(3)]
    assert faults.on_listen("trade_updates", "another") == []


def test_faults_of_the_stream_of_orders_leave_the_bars_alone():
    faults, *_ = run({"fault": "drop"})
    assert frames(faults, [bar()], "iex") == [[bar()]]
    faults, *_ = run({"fault": "drop", "on": {"stream": "iex"}})
    assert frames(faults, [bar()], "iex") == [[]]
    assert frames(faults, [bar()], "sip") == [[bar()]]


def test_connections_are_refused_as_often_as_the_script_says():
    faults, *_ = run({"fault": "refuse", "status": 406, "on": {"stream": "iex", "skip": 1, "times": 2}})
    assert [faults.on_connect("iex", "x") for _ in range(4)] == [None, 406, 406, None]
    assert faults.on_connect("trade_updates", "x") is None


# Bars.


def test_a_missing_bar_is_left_out_and_a_day_or_a_halt_is_not():
    faults, *_ = run({"fault": "missing_bar", "on": {"symbol": "A"}})
    others = [{**bar(), "T": "d"}, bar(symbol="B")]
    assert frames(faults, [bar(), *others], "iex") == [[], [others[0]], [others[1]]]


def test_a_corrected_bar_is_wrong_at_first_and_right_later():
    faults, exchange, _, links = run({"fault": "corrected_bar", "by_bps": 200, "seconds": 30})
    [[wrong]] = frames(faults, [bar(100.0)], "iex")
    assert (wrong["T"], wrong["c"], wrong["h"], wrong["l"]) == ("b", 102.0, 102.0, 99.0)
    then = exchange.now
    exchange.advance_to(then + 30 * NS)
    assert links.sent == [(then + 30 * NS, {**bar(100.0), "T": "u"})]


def test_a_bar_is_told_again_beyond_the_close_or_before_the_open():
    faults, *_ = run({"fault": "edge_bar"}, {"fault": "edge_bar", "minutes": -1, "on": {"symbol": "B"}})
    last = {**bar(), "t": "2024-03-01T20:59:00Z"}
    assert frames(faults, [last], "iex") == [[last, {**last, "t": "2024-03-01T21:00:00Z"}]]
    first = {**bar(symbol="B"), "t": "2024-03-01T14:30:00Z"}
    assert {each["t"] for each in frames(faults, [first], "iex")[0]} >= {"2024-03-01T14:29:00Z"}


def test_a_bar_lacks_values():
    faults, *_ = run({"fault": "nan_bar", "values": ["c", "v"]})
    assert frames(faults, [bar()], "iex") == [[{**bar(), "c": None, "v": None}]]
    faults, *_ = run({"fault": "nan_bar", "absent": True})
    without = {name: value for name, value in bar().items() if name != "c"}
    assert frames(faults, [bar()], "iex") == [[without]]


def test_bars_come_late_or_twice():
    faults, exchange, _, links = run({"fault": "late_bar", "seconds": 9, "on": {"nth": 1}}, {"fault": "duplicate_bar"})
    assert frames(faults, [bar(1.0), bar(2.0)], "sip") == [[], [bar(2.0)] * 2]
    exchange.advance_to(exchange.now + 9 * NS)
    assert [content for _, content in links.sent] == [bar(1.0)]


# The broker.


def traded(*entries, prices=QUIET, wanted=None, **more):
    """Return faults, exchange, account and order: one to buy 10 shares that has met the market at 9:31:01."""
    faults, exchange, account, links = run(*entries, prices=prices, **more)
    to_bar(exchange)
    exchange.advance_to(exchange.now + NS)  # within a minute an order takes effect at once
    order = exchange.submit(account, wanted or buy(10))
    return faults, exchange, account, exchange.order(account, order.id), links


def test_a_fill_takes_a_share_only():
    faults, exchange, _, order, _ = traded({"fault": "partial_fill", "share": 0.3, "on": {"times": 1}})
    assert (order.status, order.filled_qty) == ("partially_filled", 3)
    to_bar(exchange)
    assert (order.status, order.filled_qty) == ("filled", 10)
    told = {"order_id": order.id, "client_order_id": order.client_order_id, "symbol": "A"}
    assert faults.log[0]["cause"] == told


def test_an_accepted_order_is_rejected():
    faults, _, _, order, _ = traded({"fault": "reject", "reason": "no locate", "on": {"side": "buy"}})
    assert order.status == "rejected"
    assert faults.counts == {"reject": 1}


def bracket():
    return buy(10, order_class="bracket", take_profit=Decimal(110), stop_loss=(Decimal(90), None))


@pytest.mark.parametrize(("leg", "rejected"), [("profit", "limit"), ("stop", "stop")])
def test_a_leg_of_a_bracket_is_rejected(leg, rejected):
    _, exchange, account, order, _ = traded({"fault": "reject_leg", "leg": leg}, wanted=bracket())
    assert order.status == "filled"
    legs = [exchange.order(account, each) for each in order.legs]
    assert [each.type for each in legs if each.status == "rejected"] == [rejected]


@pytest.mark.parametrize("fault", ["fill_before_cancel", "fill_before_replace"])
def test_a_fill_comes_before_a_cancel_or_a_replacement(fault):
    _, exchange, account, order, _ = traded({"fault": fault}, wanted=buy(10, limit_price=90))
    assert order.status == "new"
    if fault == "fill_before_cancel":
        exchange.cancel(account, order.id)
    else:
        new = exchange.replace(account, order.id, Changes(limit_price=Decimal(91)))
        assert exchange.order(account, new.id).status == "rejected"
    assert (order.status, order.filled_qty) == ("filled", 10)


def test_the_last_fill_is_for_more_than_was_asked():
    _, exchange, account, order, _ = traded({"fault": "overfill", "qty": 2})
    assert (order.filled_qty, exchange.position(account, "A").qty) == (12, 12)


def test_an_activity_is_seen_late():
    _, exchange, account, *_ = traded({"fault": "late_activities", "seconds": 60})
    assert exchange.activities(account) == []
    exchange.advance_to(exchange.now + 60 * NS)
    assert [each.activity_type for each in exchange.activities(account)] == ["FILL"]


# Acts.


def test_a_fill_is_taken_back_after_a_while():
    faults, exchange, account, order, _ = traded({"fault": "bust", "after_s": 5, "on": {"event": "fill"}})
    then = exchange.now
    assert exchange.position(account, "A").qty == 10
    events = exchange.advance_to(then + 5 * NS)
    assert story(events, order.id) == ["trade_bust"]
    assert exchange.positions(account) == []
    assert faults.log[0]["cause"]["event"] == "fill"


def test_a_fill_gets_another_price():
    _, exchange, account, *_ = traded({"fault": "correct", "by": -0.5, "on": {"event": "fill"}})
    exchange.advance_to(exchange.now)
    assert exchange.position(account, "A").avg_entry_price == Decimal("99.5")


def test_a_halt_comes_at_its_instant_and_ends():
    faults, exchange, *_ = run(
        {"fault": "halt", "symbol": "A", "seconds": 90, "on": {"at": "2024-03-01T14:31:10Z"}}, prices=QUIET
    )
    at(exchange, 9, 31)
    assert exchange.halted == {}
    exchange.advance_to(new_york_ns(date(2024, 3, 1), 9, 31) + 10 * NS)
    assert exchange.halted == {"A": "T1"}
    exchange.advance_to(exchange.now + 90 * NS)
    assert exchange.halted == {}
    assert faults.log[0]["at"] == "2024-03-01T14:31:10Z"


def test_a_split_and_a_dividend_change_what_is_held():
    _, exchange, account, *_ = traded(
        {"fault": "split", "ratio": 2, "after_s": 1, "on": {"event": "fill"}},
        {"fault": "dividend", "dollars": 0.25, "after_s": 2, "on": {"event": "fill"}},
    )
    exchange.advance_to(exchange.now + 2 * NS)
    assert exchange.position(account, "A").qty == 20
    assert exchange.account(account).cash == 100_000 - 1000 + 5


def test_another_client_of_the_account_places_an_order():
    _, exchange, account, *_ = run(
        {"fault": "foreign_order", "symbol": "B", "qty": 3, "on": {"event": "bar", "nth": 1}}
    )
    to_bar(exchange, 2)
    [order] = exchange.orders(account)
    assert (order.foreign, order.symbol, order.filled_qty) == (True, "B", 3)


def test_an_act_that_cannot_be_is_logged_as_nothing():
    faults, exchange, *_ = run({"fault": "bust", "on": {"event": "open"}})
    to_bar(exchange)
    assert faults.log[0]["did"] == "nothing: there is no fill"
    faults, exchange, *_ = run({"fault": "foreign_order", "symbol": "A", "qty": 10**8, "on": {"event": "bar"}})
    to_bar(exchange, 2)
    assert faults.log[0]["did"].startswith("nothing: insufficient buying power")


def test_connections_are_cut_before_or_after_a_client_hears_of_an_event():
    for lost, order_of_things in ((True, ["cut", "told"]), (False, ["told", "cut"])):
        entry = {"fault": "disconnect", "stream": "trade_updates", "lost": lost, "on": {"event": "fill"}}
        faults = faults_of({"faults": [entry]})
        exchange = Exchange(tape_of_minutes(tuple(QUIET)), Settings())
        links, happened = Links(exchange), []
        links.cut = lambda *which, happened=happened, **how: happened.append(("cut", *which, how))
        # As the streams do, before the faults begin.
        exchange.listeners.append(lambda event, happened=happened: happened.append(("told", *story([event]))))
        faults.begin(exchange, links)
        to_bar(exchange)
        exchange.advance_to(exchange.now + NS)
        [account] = exchange.account_ids
        exchange.submit(account, buy(1))
        assert [each[0] for each in happened[-2:]] == order_of_things
        assert ("told", "fill") in happened
        assert ("cut", "trade_updates", account, {"lost": lost}) in happened


def test_a_restart_leaves_requests_unanswered_until_it_is_over():
    faults, exchange, _, links = run({"fault": "restart", "down_s": 10, "on": {"request": "POST /v2/orders"}})
    first = faults.on_request("POST", "/v2/orders", "x", exchange.now)
    assert (first.reset, first.when, links.done) == (True, "before", ["restart"])
    assert faults.on_request("GET", "/v2/account", "x", exchange.now).reset
    assert faults.on_connect("iex", "x") == 503
    exchange.advance_to(exchange.now + 10 * NS)
    assert faults.on_request("GET", "/v2/account", "x", exchange.now) is None
    assert faults.on_connect("iex", "x") is None


# The clock.


def test_the_clock_is_off_while_the_script_says_so():
    faults, *_ = run(
        {"fault": "skew", "seconds": -2.5, "on": {"until": "2024-03-01T15:00:00Z"}},
        {"fault": "jump", "seconds": 60, "on": {"at": "2024-03-01T14:00:00Z"}},
    )
    hours = [new_york_ns(date(2024, 3, 1), hour) for hour in (8, 9, 10)]
    assert [faults.clock_offset(each) / NS for each in hours] == [-2.5, 57.5, 60]
    assert faults.counts == {"skew": 1, "jump": 1}


def test_what_was_done_has_the_clocks_time_and_what_will_be_has_not():
    faults, exchange, account, order, _ = traded({"fault": "skew", "seconds": 90})
    event = OrderEvent(time=exchange.now, account=account, event="fill", execution_id="e", order=order.copy())
    message = trade_update_json(event)
    [frame] = faults.on_frame("trade_updates", account, message)
    right, told = message["data"]["order"], frame.content["data"]["order"]
    assert (right["filled_at"], told["filled_at"]) == ("2024-03-01T14:31:01Z", "2024-03-01T14:32:31Z")
    assert told["expires_at"] == right["expires_at"]
    assert frame.content["data"]["timestamp"] == "2024-03-01T14:32:31Z"
    body = json.dumps(right, separators=(",", ":")).encode()
    assert json.loads(faults.on_answer("/v2/orders/1", body, exchange.now)) == told
    assert faults.on_answer("/v2/stocks/bars", body, exchange.now) == body


# Positions of a while ago.


def test_positions_are_those_of_a_while_ago():
    faults, exchange, account, *_ = traded({"fault": "stale_positions", "seconds": 60}, prices=RISING)
    bought = exchange.now

    def held(path="/v2/positions"):
        status, body = faults.on_request("GET", path, account, exchange.now).told
        return status, json.loads(body)

    assert held() == (200, [])
    assert held("/v2/positions/A")[0] == 404
    exchange.advance_to(bought + 30 * NS)
    exchange.submit(account, sell(4))
    exchange.advance_to(bought + 60 * NS)
    assert [each["qty"] for each in held()[1]] == ["10"]
    exchange.advance_to(bought + 90 * NS)
    assert held("/v2/positions/A")[1]["qty"] == "6"
    assert faults.on_request("GET", "/v2/account", account, exchange.now) is None


# What the bars do not have.


def test_a_script_for_other_bars_is_refused():
    with pytest.raises(ConfigError, match=r"faults, entry 1: there are no bars of XYZ"):
        run({"fault": "drop", "on": {"symbol": "XYZ"}})
    with pytest.raises(ConfigError, match=r"faults, entry 1: 2020-01-02T.* is before the beginning, 2024-03-01"):
        run({"fault": "restart", "on": {"at": "2020-01-02T15:00:00Z"}})


def test_entries_that_have_not_happened_are_known():
    faults, *_ = run(error(nth=1), error(nth=9))
    asked(faults, 3)
    assert [entry.number for entry in faults.idle] == [2]
