"""The trading endpoints without a socket: what they answer, field by field, and to whom."""

from __future__ import annotations

import base64
from datetime import date
from decimal import Decimal

import pytest

from quantstrats.simulator.ids import asset_id
from quantstrats.simulator.settings import AccountSettings, Action, AssetSettings, FillSettings
from quantstrats.simulator.times import new_york_ns

from .desks import KEYS, ask, desk_of, get, order
from .exchanges import QUIET, RISING, to_bar

ORDER_FIELDS = {
    *("id", "client_order_id", "created_at", "updated_at", "submitted_at", "filled_at", "expired_at", "expires_at"),
    *(
        "canceled_at",
        "failed_at",
        "replaced_at",
        "cancel_requested_at",
        "replaced_by",
        "replaces",
        "asset_id",
        "symbol",
    ),
    *("asset_class", "notional", "qty", "filled_qty", "filled_avg_price", "order_class", "order_type", "type", "side"),
    *("position_intent", "time_in_force", "limit_price", "stop_price", "trail_price", "trail_percent", "hwm", "status"),
    *("extended_hours", "legs"),
}


def open_desk(**more):
    """Make a desk whose exchange is open and has a bar."""
    desk = desk_of(**more)
    to_bar(desk.exchange)
    return desk


def test_an_order_is_told_with_every_field_and_texts_for_numbers():
    desk = open_desk()
    told = order(desk, type="limit", limit_price=90.5, qty=2, client_order_id="mine")
    assert set(told) >= ORDER_FIELDS
    assert (told["client_order_id"], told["symbol"], told["asset_id"]) == ("mine", "A", asset_id("A"))
    assert (told["qty"], told["limit_price"], told["filled_qty"]) == ("2", "90.5", "0")
    assert (told["order_class"], told["order_type"], told["type"], told["asset_class"]) == (
        "",
        "limit",
        "limit",
        "us_equity",
    )
    assert (told["status"], told["position_intent"], told["extended_hours"]) == ("pending_new", "buy_to_open", False)
    assert told["created_at"] == told["submitted_at"] == "2024-03-01T14:31:00Z"
    nothing = ("filled_at", "expired_at", "canceled_at", "failed_at", "replaced_at", "replaced_by", "replaces", "legs")
    assert [told[name] for name in (*nothing, "notional", "filled_avg_price", "stop_price", "hwm")] == [None] * 12


def test_an_order_may_name_its_asset_by_id():
    assert order(open_desk(), symbol=asset_id("B"))["symbol"] == "B"


def test_an_order_is_found_by_its_id_and_by_the_clients():
    desk = open_desk()
    made = order(desk, client_order_id="mine & yours")
    assert get(desk, f"/orders/{made['id']}")["id"] == made["id"]
    assert get(desk, "/orders:by_client_order_id?client_order_id=mine+%26+yours")["id"] == made["id"]
    assert get(desk, "/orders:by_client_order_id?client_order_id=other", 404)["code"] == 40410000
    assert get(desk, "/orders:by_client_order_id", 422)["code"] == 40010001
    for unknown in ("00000000-0000-4000-8000-000000000000", "x", "..", "%00"):
        assert get(desk, f"/orders/{unknown}", 404)["code"] == 40410000


def test_a_cancel_answers_nothing_and_its_repetition_422():
    desk = open_desk()
    made = order(desk, type="limit", limit_price=90)
    answered = ask(desk, "DELETE", f"/v2/orders/{made['id']}")
    assert (answered.status, answered.body) == (204, b"")
    assert "content-type" not in answered.headers
    to_bar(desk.exchange)
    assert get(desk, f"/orders/{made['id']}")["status"] == "canceled"
    assert ask(desk, "DELETE", f"/v2/orders/{made['id']}").status == 422
    assert ask(desk, "DELETE", "/v2/orders/unknown").status == 404


def test_all_cancels_and_closings_are_told_one_by_one():
    desk = open_desk(prices=RISING)
    order(desk, qty=3)
    to_bar(desk.exchange)
    resting = order(desk, type="limit", limit_price=90)
    closed = ask(desk, "DELETE", "/v2/positions")
    assert closed.status == 207
    # Not allowed with an order to buy open: a wash trade.
    (row,) = closed.json
    assert (row["symbol"], row["status"], row["body"]["code"]) == ("A", 403, 40310000)
    canceled = ask(desk, "DELETE", "/v2/orders")
    assert (canceled.status, canceled.json) == (207, [{"id": resting["id"], "status": 200}])
    to_bar(desk.exchange)
    closed = ask(desk, "DELETE", "/v2/positions?cancel_orders=true")
    (row,) = closed.json
    assert (closed.status, row["symbol"], row["status"]) == (207, "A", 200)
    assert (row["body"]["side"], row["body"]["qty"]) == ("sell", "3")


def test_a_position_is_told_with_every_field():
    desk = open_desk(prices=RISING)
    order(desk, qty=10)
    to_bar(desk.exchange)
    order(desk, side="sell", qty=4, type="limit", limit_price=200)
    (told,) = get(desk, "/positions")
    # Bought at 100; the second bar closes at 102.
    assert told == get(desk, "/positions/A") == get(desk, f"/positions/{asset_id('A')}")
    assert (told["qty"], told["qty_available"], told["side"]) == ("10", "6", "long")
    assert (told["avg_entry_price"], told["cost_basis"], told["market_value"]) == ("100", "1000", "1020")
    assert (told["unrealized_pl"], told["unrealized_plpc"], told["current_price"]) == ("20", "0.02", "102")
    assert (told["asset_id"], told["asset_class"], told["exchange"]) == (asset_id("A"), "us_equity", "NASDAQ")
    assert told["asset_marginable"] is True
    assert {"unrealized_intraday_pl", "unrealized_intraday_plpc", "lastday_price", "change_today"} <= set(told)
    assert get(desk, "/positions/B", 404) == {"code": 40410000, "message": "position does not exist"}
    assert get(desk, "/positions/nothing", 404)["code"] == 40410000


def test_a_position_is_closed_by_quantity_or_by_percent():
    desk = open_desk(prices=RISING)
    order(desk, qty=10)
    to_bar(desk.exchange)
    assert ask(desk, "DELETE", "/v2/positions/A?qty=4").json["qty"] == "4"
    assert ask(desk, "DELETE", "/v2/positions/A?percentage=20").json["qty"] == "2"
    for query in ("qty=1&percentage=1", "qty=x", "qty=NaN", "percentage=-1", "percentage=101", "qty=0"):
        assert ask(desk, "DELETE", f"/v2/positions/A?{query}").status == 422


def test_an_account_is_told_with_dollars_as_texts():
    desk = open_desk(accounts=(AccountSettings(key="K", secret="S", cash=Decimal("5000.50")),))
    told = ask(desk, "GET", "/v2/account", headers=[(b"apca-api-key-id", b"K"), (b"apca-api-secret-key", b"S")]).json
    assert (told["cash"], told["equity"], told["buying_power"], told["multiplier"]) == (
        "5000.5",
        "5000.5",
        "10001",
        "2",
    )
    assert (told["status"], told["currency"], told["account_number"][:2]) == ("ACTIVE", "USD", "PA")
    assert (told["trading_blocked"], told["shorting_enabled"], told["balance_asof"]) == (False, True, "2024-03-01")
    assert not {"pattern_day_trader", "daytrade_count", "daytrading_buying_power"} & set(told)


def test_old_wire_profiles_have_the_old_fields():
    desk = open_desk(profile=date(2026, 1, 1))
    assert get(desk, "/account")["pattern_day_trader"] is False
    assert get(desk, "/account")["daytrade_count"] == 0
    assert get(desk, "/account/configurations")["pdt_check"] == "entry"
    assert "easy_to_borrow" in get(desk, "/assets/A")
    assert "borrow_status" not in get(desk, "/assets/A")
    late = open_desk(profile=date(2026, 10, 1))
    assert "pattern_day_trader" not in get(late, "/account")
    assert "easy_to_borrow" not in get(late, "/assets/A")
    assert get(late, "/assets/A")["borrow_status"] == "easy_to_borrow"


def test_a_configuration_is_set_and_holds():
    desk = open_desk()
    assert get(desk, "/account/configurations")["suspend_trade"] is False
    answered = ask(desk, "PATCH", "/v2/account/configurations", {"suspend_trade": True, "no_shorting": True})
    assert (answered.json["suspend_trade"], answered.json["no_shorting"]) == (True, True)
    assert get(desk, "/account")["trade_suspended_by_user"] is True
    assert order(desk, 403)["code"] == 40310000
    assert ask(desk, "PATCH", "/v2/account/configurations", b"[]").status == 400


def test_assets_are_listed_and_found_by_symbol_or_id():
    desk = desk_of(assets={"B": AssetSettings(shortable=False, easy_to_borrow=False, exchange="NYSE")})
    assert [asset["symbol"] for asset in get(desk, "/assets")] == ["A", "B"]
    assert [asset["symbol"] for asset in get(desk, "/assets?exchange=NYSE&status=active")] == ["B"]
    assert get(desk, "/assets?asset_class=crypto") == []
    told = get(desk, f"/assets/{asset_id('B')}")
    assert (told["symbol"], told["class"], told["exchange"], told["status"]) == ("B", "us_equity", "NYSE", "active")
    assert (told["shortable"], told["easy_to_borrow"], told["borrow_status"]) == (False, False, "not_shortable")
    assert get(desk, "/assets/NONE", 404)["code"] == 40410000


def test_the_clock_tells_new_yorks_time():
    desk = desk_of()
    desk.exchange.advance_to(new_york_ns(date(2024, 3, 1), 9, 30) + 500_000_000)
    told = get(desk, "/clock")
    assert told["timestamp"] == "2024-03-01T09:30:00.5-05:00"
    assert told["is_open"] is True
    # Over the weekend; the clocks go forward a week later.
    assert told["next_open"] == "2024-03-04T09:30:00-05:00"
    assert told["next_close"] == "2024-03-01T16:00:00-05:00"


def test_the_calendar_has_half_days_and_no_holidays():
    desk = desk_of()
    told = get(desk, "/calendar?start=2024-07-03&end=2024-07-05")
    assert told == [
        {"date": "2024-07-03", "open": "09:30", "close": "13:00", "session_open": "0400", "session_close": "1700"},
        {"date": "2024-07-05", "open": "09:30", "close": "16:00", "session_open": "0400", "session_close": "2000"},
    ]
    assert len(get(desk, "/calendar?start=2024-01-01&end=2024-12-31")) == 252
    assert get(desk, "/calendar?start=0001-01-01&end=0001-12-31") == []
    assert get(desk, "/calendar?start=9999-01-01") == []
    assert len(get(desk, "/calendar")) > 8000
    for query in ("start=2024-07-05&end=2024-07-03", "start=x", "start=2024-13-01"):
        assert get(desk, f"/calendar?{query}", 422)["code"] == 40010001


def test_fills_are_listed_a_page_at_a_time():
    desk = open_desk(prices=QUIET * 2)
    made = []
    for _ in range(5):
        made.append(order(desk)["id"])
        to_bar(desk.exchange)
    lines = get(desk, "/account/activities")
    assert [line["order_id"] for line in lines] == made[::-1]
    first = lines[-1]
    assert first["id"].startswith("20240301093100000::")
    assert (first["activity_type"], first["type"], first["side"], first["symbol"]) == ("FILL", "fill", "buy", "A")
    assert (first["price"], first["qty"], first["cum_qty"], first["leaves_qty"]) == ("100", "1", "1", "0")
    assert (first["transaction_time"], first["order_status"]) == ("2024-03-01T14:31:00Z", "filled")
    assert not {"client_order_id", "execution_id"} & set(first)
    token, seen = "", []
    while page := get(desk, f"/account/activities/FILL?direction=asc&page_size=2&page_token={token}"):
        assert len(seen) < 5, "the pages have no end"
        seen += [line["order_id"] for line in page]
        token = page[-1]["id"]
    assert seen == made
    assert [line["order_id"] for line in get(desk, f"/account/activities?order_id={made[2]}")] == [made[2]]
    after = get(desk, "/account/activities?after=2024-03-01T14:33:00Z&until=2024-03-01T14:35:00Z")
    assert [line["order_id"] for line in after] == [made[3]]
    assert len(get(desk, "/account/activities?date=2024-03-01")) == 5
    assert get(desk, "/account/activities?date=2024-03-02") == []
    assert get(desk, "/account/activities?activity_types=DIV,SPLIT") == []
    assert get(desk, "/account/activities?category=non_trade_activity") == []
    wrong = (
        "page_size=0",
        "page_size=101",
        "page_token=x",
        "direction=up",
        "date=2024-03-01&after=2024-03-01",
        "category=x",
    )
    for query in wrong:
        assert get(desk, f"/account/activities?{query}", 422)["code"] == 40010001


def test_a_dividend_is_a_line_of_the_statement():
    action = Action(symbol="A", on=date(2024, 3, 4), dividend=Decimal("0.25"))
    desk = open_desk(days=("2024-03-01", "2024-03-04"), actions=(action,))
    order(desk, qty=10)
    desk.exchange.advance_to(new_york_ns(date(2024, 3, 4), 9, 31))
    (line,) = get(desk, "/account/activities/DIV")
    assert (line["activity_type"], line["symbol"], line["date"]) == ("DIV", "A", "2024-03-04")
    assert (line["net_amount"], line["qty"], line["per_share_amount"]) == ("2.5", "10", "0.25")


def test_a_late_statement_lists_a_fill_later():
    desk = open_desk(activity_delay=90.0)
    made = order(desk)
    to_bar(desk.exchange)
    assert get(desk, f"/orders/{made['id']}")["status"] == "filled"
    assert get(desk, "/account/activities") == []
    to_bar(desk.exchange)
    assert [line["order_id"] for line in get(desk, "/account/activities")] == [made["id"]]


def test_orders_are_listed_as_the_query_says():
    desk = open_desk(prices=QUIET * 2)
    made = []
    for symbol, side, limit in (("A", "buy", 90), ("B", "buy", 190), ("A", "sell", 110), ("A", "buy", 91)):
        made.append(
            order(desk, symbol=symbol, side=side, type="limit", limit_price=limit)["id"] if side == "buy" else None
        )
        to_bar(desk.exchange)
    first, second, _, third = made

    def listed(query):
        return [each["id"] for each in get(desk, f"/orders?{query}")]

    assert listed("") == [third, second, first]
    assert listed("direction=asc&limit=2") == [first, second]
    assert listed("symbols=B,C") == [second]
    assert listed("side=sell") == []
    assert listed(f"after_order_id={first}&direction=asc") == [second, third]
    assert listed(f"before_order_id={third}") == [second, first]
    # Exclusive on both sides: sent at 14:31, 14:32 and 14:34.
    assert listed("after=2024-03-01T14:31:00Z&until=2024-03-01T14:34:00Z") == [second]
    ask(desk, "DELETE", f"/v2/orders/{second}")
    to_bar(desk.exchange)
    assert listed("status=closed") == [second]
    assert listed("status=all") == [third, second, first]
    for query in (
        "limit=0",
        "limit=501",
        "status=x",
        "direction=x",
        "side=x",
        "after=x",
        "after_order_id=x",
        "nested=2",
    ):
        assert get(desk, f"/orders?{query}", 422)["code"] == 40010001


def test_exits_are_rows_of_their_own_or_nested():
    desk = open_desk(prices=QUIET * 2)
    exits = {"take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "90"}}
    made = order(desk, order_class="bracket", **exits)
    assert made["order_class"] == "bracket"
    profit, stop = made["legs"]
    assert {(leg["type"], leg["status"]) for leg in made["legs"]} == {("limit", "held"), ("stop", "held")}
    flat = get(desk, "/orders?status=all")
    assert {each["id"] for each in flat} == {made["id"], profit["id"], stop["id"]}
    assert [each["legs"] for each in flat] == [None] * 3
    (nested,) = get(desk, "/orders?nested=true")
    assert [leg["id"] for leg in nested["legs"]] == [profit["id"], stop["id"]]
    to_bar(desk.exchange)
    # The entry is filled; it is listed among the open ones for the sake of its exits.
    (nested,) = get(desk, "/orders?nested=true&status=open")
    assert nested["status"] == "filled"
    assert [leg["status"] for leg in nested["legs"]] == ["new", "new"]
    assert get(desk, f"/orders/{made['id']}")["legs"] is None
    assert len(get(desk, f"/orders/{made['id']}?nested=true")["legs"]) == 2


def test_a_replacement_names_what_it_replaces():
    desk = open_desk(prices=QUIET * 2)
    made = order(desk, type="limit", limit_price=90)
    to_bar(desk.exchange)
    new = ask(desk, "PATCH", f"/v2/orders/{made['id']}", {"limit_price": "91", "qty": "2"})
    assert (new.status, new.json["replaces"], new.json["limit_price"], new.json["qty"]) == (200, made["id"], "91", "2")
    to_bar(desk.exchange)
    old = get(desk, f"/orders/{made['id']}")
    assert (old["status"], old["replaced_by"]) == ("replaced", new.json["id"])
    assert ask(desk, "PATCH", f"/v2/orders/{made['id']}", {"limit_price": "92"}).status == 422
    assert ask(desk, "PATCH", "/v2/orders/unknown", {"limit_price": "92"}).status == 404
    assert ask(desk, "PATCH", f"/v2/orders/{new.json['id']}", b"nothing").status == 400


def test_partial_fills_show_their_average():
    # A quarter of 40,000 shares at each of four prices, a ten-thousandth of that for us: 1 share each.
    desk = open_desk(prices=[(100, 100, 100, 100), (100, 103, 99, 102)], fills=FillSettings(participation=0.0004))
    made = order(desk, qty=3)
    to_bar(desk.exchange)
    told = get(desk, f"/orders/{made['id']}")
    # 100, then 99, then 103.
    assert (told["status"], told["filled_qty"]) == ("filled", "3")
    assert Decimal(told["filled_avg_price"]) == pytest.approx(Decimal(302) / 3, abs=Decimal("1e-12"))
    assert len(told["filled_avg_price"].partition(".")[2]) <= 18


def test_equity_over_time_is_told_in_parallel_arrays():
    desk = open_desk(prices=RISING, days=("2024-03-01", "2024-03-04"))
    order(desk, qty=10)
    desk.exchange.advance_to(new_york_ns(date(2024, 3, 4), 17))
    told = get(desk, "/account/portfolio/history?timeframe=1D")
    assert told["timestamp"] == [new_york_ns(date(2024, 3, day)) // 10**9 for day in (1, 4)]
    # Ten bought at 100; both days close at 110.
    assert (told["equity"], told["profit_loss"], told["base_value"]) == ([100_100, 100_100], [100, 100], 100_000)
    assert told["profit_loss_pct"] == [0.001, 0.001]
    assert told["timeframe"] == "1D"
    minutes = get(desk, "/account/portfolio/history?timeframe=1Min&start=2024-03-01&end=2024-03-02")
    assert minutes["timestamp"][:2] == [1709303400, 1709303460]
    # After the first bar, then 102, 105, 110.
    assert minutes["equity"][:4] == [100_000, 100_020, 100_050, 100_100]
    wrong = ("period=1X", "period=0D", "period=D", "timeframe=2Min", "start=x", "start=2024-03-05&end=2024-03-01")
    for query in wrong:
        assert get(desk, f"/account/portfolio/history?{query}", 422)["code"] == 40010001


def test_the_headers_tell_the_request_and_the_limit():
    desk = desk_of(requests_per_minute=2)
    first, second, third = (ask(desk, "GET", "/v2/clock") for _ in range(3))
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert (first.headers["x-ratelimit-limit"], first.headers["x-ratelimit-remaining"]) == ("2", "1")
    # The end of the simulated minute: 09:01 UTC.
    assert first.headers["x-ratelimit-reset"] == "1709283660"
    assert (first.status, second.status, third.status) == (200, 200, 429)
    assert third.json == {"code": 42910000, "message": "too many requests."}
    assert third.headers["x-ratelimit-remaining"] == "0"
    desk.exchange.advance_to(desk.exchange.now + 60 * 10**9)
    assert ask(desk, "GET", "/v2/clock").status == 200


def test_keys_open_their_own_account_only():
    accounts = tuple(
        AccountSettings(key=key, secret=f"{key}-secret", cash=Decimal(cash)) for key, cash in (("K", 1), ("L", 2))
    )
    desk = desk_of(accounts=accounts)

    def cash(*headers):
        answered = ask(desk, "GET", "/v2/account", headers=headers)
        return answered.json["cash"] if answered.status == 200 else answered.status

    assert cash((b"apca-api-key-id", b"K"), (b"apca-api-secret-key", b"K-secret")) == "1"
    assert cash((b"apca-api-key-id", b"L"), (b"apca-api-secret-key", b"L-secret")) == "2"
    assert cash((b"authorization", b"Basic " + base64.b64encode(b"L:L-secret"))) == "2"
    assert cash() == 401
    assert cash((b"apca-api-key-id", b"K"), (b"apca-api-secret-key", b"L-secret")) == 401
    assert cash((b"apca-api-key-id", b"K")) == 401
    assert cash((b"apca-api-key-id", b"\xff"), (b"apca-api-secret-key", b"\xff")) == 401
    for value in (b"Basic !!", b"Basic " + base64.b64encode(b"\xff\xff"), b"Bearer x", b""):
        assert cash((b"authorization", value)) == 401


def test_orders_of_another_account_are_not_there():
    accounts = tuple(AccountSettings(key=key, secret="s") for key in ("PKSIMULATOR", "L"))
    desk = open_desk(accounts=accounts)
    mine = [(b"apca-api-key-id", b"PKSIMULATOR"), (b"apca-api-secret-key", b"s")]
    other = [(b"apca-api-key-id", b"L"), (b"apca-api-secret-key", b"s")]
    body = {"symbol": "A", "qty": 1, "side": "buy", "type": "limit", "limit_price": 90, "time_in_force": "day"}
    made = ask(desk, "POST", "/v2/orders", body, headers=mine).json
    assert ask(desk, "GET", f"/v2/orders/{made['id']}", headers=other).status == 404
    assert ask(desk, "DELETE", f"/v2/orders/{made['id']}", headers=other).status == 404
    assert ask(desk, "GET", "/v2/orders", headers=other).json == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/nothing", 404, 40410000),
        ("GET", "/v1/account", 404, 40410000),
        ("GET", "/v2/", 404, 40410000),
        ("GET", "/v2/orders/", 404, 40410000),
        ("GET", "/v2/orders/a/b", 404, 40410000),
        ("GET", "/v2/account/nothing", 404, 40410000),
        ("GET", "/v2/watchlists", 404, 40410000),
        ("PUT", "/v2/orders", 405, 40510000),
        ("HEAD", "/v2/account", 405, 40510000),
        ("OPTIONS", "/v2/orders", 405, 40510000),
        ("POST", "/v2/clock", 405, 40510000),
        ("DELETE", "/v2/account", 405, 40510000),
        ("PATCH", "/v2/orders", 405, 40510000),
    ],
)
def test_unknown_paths_and_methods_are_told_in_json(method, path, status, code):
    answered = ask(desk_of(), method, path)
    assert (answered.status, answered.json["code"]) == (status, code)
    assert answered.json["message"]


def test_wrong_keys_are_answered_before_anything_else():
    desk = desk_of()
    assert ask(desk, "GET", "/v2/nothing", headers=()).status == 401
    assert ask(desk, "GET", "/v2/account", headers=()).json == {
        "code": 40110000,
        "message": "request is not authorized",
    }
    page = ask(desk, "GET", "/v2/stocks/bars", headers=())
    assert (page.status, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert page.body.startswith(b"<html>")


@pytest.mark.parametrize("length", [2**20 + 1, 10**18])
def test_a_giant_body_is_refused_without_reading_it(length):
    desk = desk_of()
    answered = ask(desk, "POST", "/v2/orders", headers=[*KEYS, (b"content-length", str(length).encode())])
    assert (answered.status, answered.headers["connection"]) == (413, "close")
    assert answered.json["message"]
    assert '"status":413' in desk.wire_log.lines()[-1]


def test_a_giant_body_without_a_length_is_refused_too():
    assert ask(desk_of(), "POST", "/v2/orders", b"x" * (2**20 + 1)).status == 413
    assert ask(desk_of(), "POST", "/v2/orders", b"x" * 2**20).status == 400


def test_a_failure_of_the_server_itself_is_a_plain_500_and_is_kept(monkeypatch):
    desk = desk_of()
    monkeypatch.setattr(desk.exchange, "account", lambda _: 1 / 0)
    assert get(desk, "/account", 500) == {"code": 50010000, "message": "internal server error occurred"}
    assert isinstance(desk.failures[0], ZeroDivisionError)


def test_a_date_beyond_all_calendars_is_refused_like_any_that_makes_no_sense():
    desk = open_desk()
    assert get(desk, "/account/activities?date=9999-12-31", status=422)["message"] == "invalid date: too late"
