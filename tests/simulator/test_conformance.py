"""alpaca-py's own clients, unmodified, against the exchange: orders of each kind and what becomes of them."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("uvicorn", reason="uvicorn is not installed: extra simulator")
alpaca = pytest.importorskip("alpaca", reason="alpaca-py is not installed: extra live")

from alpaca.common.enums import Sort  # noqa: E402
from alpaca.common.exceptions import APIError  # noqa: E402
from alpaca.data.enums import Adjustment, DataFeed  # noqa: E402
from alpaca.data.historical import StockHistoricalDataClient  # noqa: E402
from alpaca.data.requests import StockBarsRequest, StockLatestBarRequest  # noqa: E402
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit  # noqa: E402
from alpaca.trading.client import TradingClient  # noqa: E402
from alpaca.trading.enums import (  # noqa: E402
    ActivityType,
    OrderClass,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    QueryOrderStatus,
    TimeInForce,
)
from alpaca.trading.models import TradeActivity  # noqa: E402
from alpaca.trading.requests import (  # noqa: E402
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

from quantstrats import Market  # noqa: E402
from quantstrats.simulator.exchange import Exchange  # noqa: E402
from quantstrats.simulator.settings import AccountSettings, FillSettings, Settings  # noqa: E402
from quantstrats.simulator.simulator import Simulator  # noqa: E402
from quantstrats.simulator.tape import tape_of  # noqa: E402

from .exchanges import QUIET, RISING, minutes  # noqa: E402
from .running import to_bar  # noqa: E402

BUY, SELL, DAYS, GTC = OrderSide.BUY, OrderSide.SELL, TimeInForce.DAY, TimeInForce.GTC


@pytest.fixture
def running():
    """Start an exchange on bars and give a client for it; all are stopped in the end."""
    with contextlib.ExitStack() as stack:

        def start(market, **settings):
            made = Settings(**settings)
            simulator = Simulator(Exchange(tape_of(market), made), made)
            simulator.start()
            stack.callback(simulator.stop)
            client = TradingClient(simulator.key, simulator.secret, url_override=simulator.url)
            return simulator, client

        yield start


def market_order(side=BUY, qty=10, **more):
    return MarketOrderRequest(symbol="A", qty=qty, side=side, time_in_force=more.pop("time_in_force", DAYS), **more)


def test_a_market_order_is_acknowledged_and_fills_at_the_next_bars_open(running):
    simulator, client = running(minutes(RISING))
    simulator.advance()
    step = simulator.advance()
    while step.completed_at is None:
        step = simulator.advance()
    order = client.submit_order(market_order())
    assert order.status in {OrderStatus.PENDING_NEW, OrderStatus.NEW, OrderStatus.ACCEPTED}
    assert order.filled_avg_price is None
    assert client.get_order_by_id(order.id).status != OrderStatus.FILLED
    simulator.advance()
    filled = client.get_order_by_id(order.id)
    assert filled.status == OrderStatus.FILLED
    assert Decimal(filled.filled_avg_price) == 100
    assert Decimal(filled.filled_qty) == 10
    position = client.get_open_position("A")
    assert (position.side, Decimal(position.qty), Decimal(position.avg_entry_price)) == (PositionSide.LONG, 10, 100)
    # close of the second bar: 102
    assert Decimal(position.unrealized_pl) == 20
    assert Decimal(client.get_account().cash) == 99_000
    assert Decimal(client.get_account().equity) == 100_020


def test_an_order_before_the_open_waits_for_it(running):
    simulator, client = running(minutes(RISING))
    order = client.submit_order(market_order())
    assert order.status == OrderStatus.ACCEPTED
    assert not client.get_clock().is_open
    to_bar(simulator)
    assert Decimal(client.get_order_by_id(order.id).filled_avg_price) == 100


@pytest.mark.parametrize(
    ("request_", "price"),
    [
        (LimitOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=DAYS, limit_price=99.5), 99.5),
        (StopOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=DAYS, stop_price=102.5), 102.5),
        (StopLimitOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=GTC, stop_price=101, limit_price=101.5), 101),
        (MarketOrderRequest(symbol="A", notional=250, side=BUY, time_in_force=DAYS), 100),
        (MarketOrderRequest(symbol="A", qty=0.5, side=BUY, time_in_force=DAYS), 100),
        (LimitOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=TimeInForce.FOK, limit_price=101), 100),
        (LimitOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=TimeInForce.IOC, limit_price=101), 100),
        (LimitOrderRequest(symbol="A", qty=1, side=SELL, time_in_force=DAYS, limit_price=102.75), 102.75),
    ],
    ids=lambda each: (
        type(each).__name__ + "-" + getattr(each, "time_in_force", "") if not isinstance(each, float | int) else ""
    ),
)
def test_each_type_fills_where_its_price_is_reached(running, request_, price):
    # The second bar: 100, down to 99, up to 103, 102.
    simulator, client = running(minutes(RISING))
    to_bar(simulator)
    order = client.submit_order(request_)
    to_bar(simulator)
    filled = client.get_order_by_id(order.id)
    assert filled.status == OrderStatus.FILLED
    assert Decimal(filled.filled_avg_price) == Decimal(str(price))
    if request_.notional:
        assert Decimal(filled.filled_qty) == Decimal("2.5")


def test_a_trailing_stop_follows_and_sells(running):
    simulator, client = running(minutes([*RISING, (110, 110, 104, 104)]))
    to_bar(simulator)
    client.submit_order(market_order())
    to_bar(simulator)
    order = client.submit_order(
        TrailingStopOrderRequest(symbol="A", qty=10, side=SELL, time_in_force=GTC, trail_price=5.5)
    )
    to_bar(simulator, 2)
    resting = client.get_order_by_id(order.id)
    assert resting.status == OrderStatus.NEW
    assert Decimal(resting.hwm) == 111
    to_bar(simulator)
    sold = client.get_order_by_id(order.id)
    assert sold.status == OrderStatus.FILLED
    # From 110 down to 104, past 111 - 5.5.
    assert Decimal(sold.filled_avg_price) == Decimal("105.5")


def test_orders_on_the_open_and_on_the_close(running):
    frames = {"open": [100.0, 50], "high": [112.0, 51], "low": [99.0, 49], "close": [110.0, 50], "volume": [1e6, 1e6]}
    days = pd.DatetimeIndex(["2024-03-01", "2024-03-04"])
    market = Market.from_frames(**{name: pd.DataFrame({"A": values}, days) for name, values in frames.items()})
    simulator, client = running(market)
    opening = client.submit_order(market_order(time_in_force=TimeInForce.OPG))
    closing = client.submit_order(market_order(time_in_force=TimeInForce.CLS))
    low = client.submit_order(
        LimitOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=TimeInForce.OPG, limit_price=90)
    )
    simulator.advance_to("2024-03-01T17:00:00-05:00")
    assert Decimal(client.get_order_by_id(opening.id).filled_avg_price) == 100
    assert Decimal(client.get_order_by_id(closing.id).filled_avg_price) == 110
    assert client.get_order_by_id(low.id).status in {OrderStatus.CANCELED, OrderStatus.EXPIRED}


def test_what_a_day_leaves_open_expires_and_what_is_good_till_cancelled_stays(running):
    simulator, client = running(minutes(QUIET))
    day, good = (
        client.submit_order(LimitOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=tif, limit_price=90))
        for tif in (DAYS, GTC)
    )
    simulator.advance_to("2024-03-01T16:30:00-05:00")
    assert client.get_order_by_id(day.id).status == OrderStatus.EXPIRED
    assert client.get_order_by_id(day.id).expired_at is not None
    assert client.get_order_by_id(good.id).status == OrderStatus.NEW
    assert [order.id for order in client.get_orders()] == [good.id]


def test_volume_splits_a_fill(running):
    # A quarter of 400 shares at each of a bar's four prices, half of that for us.
    simulator, client = running(minutes(QUIET, volume=400.0), fills=FillSettings(participation=0.5))
    to_bar(simulator)
    order = client.submit_order(market_order(qty=250))
    to_bar(simulator)
    partly = client.get_order_by_id(order.id)
    assert (partly.status, Decimal(partly.filled_qty)) == (OrderStatus.PARTIALLY_FILLED, 200)
    to_bar(simulator)
    assert client.get_order_by_id(order.id).status == OrderStatus.FILLED
    fills = client.get("/account/activities/FILL", {"direction": "asc"})
    parsed = [TradeActivity(**each) for each in fills]
    assert [each.qty for each in parsed] == [50] * 5
    assert [each.cum_qty for each in parsed] == [50, 100, 150, 200, 250]
    assert [each.leaves_qty for each in parsed] == [200, 150, 100, 50, 0]
    assert {each.activity_type for each in parsed} == {ActivityType.FILL}


def test_a_cancel_and_its_refusal(running):
    simulator, client = running(minutes(QUIET))
    to_bar(simulator)
    order = client.submit_order(LimitOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=DAYS, limit_price=90))
    client.cancel_order_by_id(order.id)
    to_bar(simulator)
    assert client.get_order_by_id(order.id).status == OrderStatus.CANCELED
    assert client.get_order_by_id(order.id).canceled_at is not None
    with pytest.raises(APIError) as refused:
        client.cancel_order_by_id(order.id)
    assert (refused.value.status_code, refused.value.code) == (422, 42210000)
    with pytest.raises(APIError) as unknown:
        client.cancel_order_by_id(uuid.uuid4())
    assert (unknown.value.status_code, unknown.value.code) == (404, 40410000)


def test_a_replacement_is_another_order(running):
    simulator, client = running(minutes(RISING))
    to_bar(simulator)
    order = client.submit_order(LimitOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=DAYS, limit_price=90))
    simulator.advance()
    new = client.replace_order_by_id(order.id, ReplaceOrderRequest(qty=2, limit_price=95, client_order_id="second"))
    assert new.id != order.id
    assert (new.replaces, Decimal(new.limit_price), Decimal(new.qty)) == (order.id, 95, 2)
    to_bar(simulator)
    old = client.get_order_by_id(order.id)
    assert (old.status, old.replaced_by) == (OrderStatus.REPLACED, new.id)
    assert client.get_order_by_client_id("second").id == new.id
    assert client.get_order_by_id(new.id).status == OrderStatus.NEW


def bracket(**more):
    return MarketOrderRequest(
        symbol="A",
        qty=10,
        side=BUY,
        time_in_force=DAYS,
        order_class=OrderClass.BRACKET,
        take_profit=TakeProfitRequest(limit_price=105),
        stop_loss=StopLossRequest(stop_price=95, **more),
    )


def test_a_bracket_takes_its_profit_and_cancels_the_stop(running):
    simulator, client = running(minutes(RISING))
    to_bar(simulator)
    order = client.submit_order(bracket())
    assert order.order_class == OrderClass.BRACKET
    assert {leg.type for leg in order.legs} == {OrderType.LIMIT, OrderType.STOP}
    assert {leg.status for leg in order.legs} == {OrderStatus.HELD}
    to_bar(simulator)
    nested = client.get_order_by_id(order.id, GetOrderByIdRequest(nested=True))
    assert nested.status == OrderStatus.FILLED
    profit, stop = sorted(nested.legs, key=lambda leg: leg.type)
    assert profit.status == OrderStatus.NEW
    to_bar(simulator)
    assert client.get_order_by_id(profit.id).status == OrderStatus.FILLED
    assert Decimal(client.get_order_by_id(profit.id).filled_avg_price) == 105
    assert client.get_order_by_id(stop.id).status == OrderStatus.CANCELED
    assert client.get_all_positions() == []
    assert Decimal(client.get_account().cash) == 100_050


def test_a_brackets_stop_limits_the_loss(running):
    simulator, client = running(minutes([(100, 100, 100, 100), (100, 101, 99, 100), (94, 94, 93, 94)]))
    to_bar(simulator)
    order = client.submit_order(bracket())
    to_bar(simulator, 2)
    nested = client.get_order_by_id(order.id, GetOrderByIdRequest(nested=True))
    stop = next(leg for leg in nested.legs if leg.type == OrderType.STOP)
    # The bar opens past the stop.
    assert (stop.status, Decimal(stop.filled_avg_price)) == (OrderStatus.FILLED, 94)
    assert Decimal(client.get_account().cash) == 99_940


def test_one_cancels_the_other_and_one_triggers_the_other(running):
    simulator, client = running(minutes([*RISING, (110, 110, 94, 95)]))
    to_bar(simulator)
    client.submit_order(
        MarketOrderRequest(
            symbol="A",
            qty=10,
            side=BUY,
            time_in_force=DAYS,
            order_class=OrderClass.OTO,
            stop_loss=StopLossRequest(stop_price=90),
        )
    )
    to_bar(simulator)
    (stop,) = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN))
    assert (stop.type, Decimal(stop.stop_price), Decimal(stop.qty)) == (OrderType.STOP, 90, 10)
    client.cancel_order_by_id(stop.id)
    to_bar(simulator)
    either = client.submit_order(
        LimitOrderRequest(
            symbol="A",
            qty=10,
            side=SELL,
            time_in_force=DAYS,
            order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=120),
            stop_loss=StopLossRequest(stop_price=100),
        )
    )
    assert either.order_class == OrderClass.OCO
    to_bar(simulator, 2)
    assert client.get_all_positions() == []
    # Bought at 100, stopped out at 100 on the way from 110 to 94.
    assert Decimal(client.get_account().cash) == 100_000
    assert client.get_orders() == []


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (market_order(qty=100_000), 403, 40310000),
        (market_order(side=SELL, qty=0.5), 403, 40310000),
        (MarketOrderRequest(symbol="NONE", qty=1, side=BUY, time_in_force=DAYS), 422, None),
        (LimitOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=DAYS, limit_price=90.001), 422, 42210000),
        (LimitOrderRequest(symbol="A", qty=0.5, side=BUY, time_in_force=GTC, limit_price=90), 422, 42210000),
        (market_order(extended_hours=True), 422, None),
        (market_order(client_order_id="x" * 129), 422, None),
    ],
    ids=["buying power", "fractional short", "symbol", "tick", "fractional and gtc", "extended hours", "long id"],
)
def test_what_breaks_a_rule_is_refused(running, request_, status, code):
    simulator, client = running(minutes(QUIET))
    to_bar(simulator)
    with pytest.raises(APIError) as refused:
        client.submit_order(request_)
    assert refused.value.status_code == status
    assert code is None or refused.value.code == code
    assert refused.value.message
    assert client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL)) == []


def test_the_same_client_order_id_is_refused_the_second_time(running):
    simulator, client = running(minutes(QUIET))
    to_bar(simulator)
    client.submit_order(market_order(client_order_id="mine"))
    with pytest.raises(APIError) as refused:
        client.submit_order(market_order(client_order_id="mine"))
    assert (refused.value.status_code, refused.value.code) == (422, 40010001)
    assert len(client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))) == 1


def test_a_short_is_sold_bought_back_and_never_crosses_zero(running):
    simulator, client = running(minutes(RISING))
    to_bar(simulator)
    client.submit_order(market_order(side=SELL, qty=10))
    to_bar(simulator)
    short = client.get_open_position("A")
    assert (short.side, Decimal(short.qty), Decimal(short.market_value)) == (PositionSide.SHORT, -10, -1020)
    with pytest.raises(APIError) as refused:
        client.submit_order(market_order(qty=11))
    assert (refused.value.status_code, refused.value.code) == (403, 40310000)
    order = client.close_position("A")
    assert order.side == BUY
    to_bar(simulator)
    # Sold at 100, bought back at 102.
    assert Decimal(client.get_account().cash) == 99_980
    with pytest.raises(APIError) as nothing:
        client.get_open_position("A")
    assert (nothing.value.status_code, nothing.value.code) == (404, 40410000)


def test_positions_are_closed_in_part_and_all_at_once(running):
    simulator, client = running(minutes(QUIET))
    to_bar(simulator)
    for symbol in "AB":
        client.submit_order(MarketOrderRequest(symbol=symbol, qty=10, side=BUY, time_in_force=DAYS))
    to_bar(simulator)
    client.close_position("A", ClosePositionRequest(percentage="40"))
    client.close_position("B", ClosePositionRequest(qty="1"))
    to_bar(simulator)
    held = {position.symbol: Decimal(position.qty) for position in client.get_all_positions()}
    assert held == {"A": 6, "B": 9}
    closed = client.close_all_positions(cancel_orders=True)
    assert {(each.symbol, each.status) for each in closed} == {("A", 200), ("B", 200)}
    to_bar(simulator)
    assert client.get_all_positions() == []
    assert Decimal(client.get_account().cash) == 100_000


def test_all_orders_are_cancelled_at_once(running):
    simulator, client = running(minutes(QUIET))
    to_bar(simulator)
    orders = [
        client.submit_order(LimitOrderRequest(symbol="A", qty=1, side=BUY, time_in_force=DAYS, limit_price=price))
        for price in (90, 91)
    ]
    answered = client.cancel_orders()
    assert {(each.id, each.status) for each in answered} == {(order.id, 200) for order in orders}
    to_bar(simulator)
    assert client.get_orders() == []


def test_orders_are_listed_by_status_time_symbol_and_side(running):
    simulator, client = running(minutes(QUIET))
    made = []
    for symbol, side, price in (("A", BUY, 90), ("B", SELL, 220), ("A", BUY, 91)):
        to_bar(simulator)
        request = LimitOrderRequest(symbol=symbol, qty=1, side=side, time_in_force=GTC, limit_price=price)
        made.append(client.submit_order(request))
    first, second, third = (order.id for order in made)

    def listed(**wanted):
        return [order.id for order in client.get_orders(GetOrdersRequest(**wanted))]

    assert listed() == [third, second, first]
    assert listed(direction=Sort.ASC, limit=2) == [first, second]
    assert listed(symbols=["B"]) == [second]
    assert listed(side=SELL) == [second]
    assert listed(after=made[0].submitted_at) == [third, second]
    assert listed(until=made[1].submitted_at) == [first]
    assert listed(status=QueryOrderStatus.CLOSED) == []


def test_account_clock_calendar_and_assets_parse(running):
    simulator, client = running(minutes(QUIET), accounts=(AccountSettings(key="K", secret="S", cash=Decimal(5000)),))
    account = client.get_account()
    assert (Decimal(account.cash), Decimal(account.buying_power), account.multiplier) == (5000, 10_000, "2")
    assert account.status.value == "ACTIVE"
    clock = client.get_clock()
    assert clock.next_open == datetime(2024, 3, 1, 14, 30, tzinfo=UTC)
    assert clock.next_close == datetime(2024, 3, 1, 21, 0, tzinfo=UTC)
    to_bar(simulator)
    assert client.get_clock().is_open
    assert client.get_clock().timestamp == datetime(2024, 3, 1, 14, 31, tzinfo=UTC)
    days = client.get_calendar(GetCalendarRequest(start=date(2024, 7, 1), end=date(2024, 7, 5)))
    assert [(day.date.day, day.close.hour) for day in days] == [(1, 16), (2, 16), (3, 13), (5, 16)]
    assert {asset.symbol for asset in client.get_all_assets(GetAssetsRequest())} == {"A", "B"}
    asset = client.get_asset("A")
    assert asset.tradable
    assert client.get_asset(asset.id).symbol == "A"
    history = client.get_portfolio_history()
    assert history.base_value == 5000
    assert client.get_account_configurations().no_shorting is False


def test_keys_that_are_wrong_are_refused(running):
    simulator, _ = running(minutes(QUIET))
    with pytest.raises(APIError) as refused:
        TradingClient(simulator.key, "wrong", url_override=simulator.url).get_account()
    assert refused.value.status_code in {401, 403}


def test_bars_are_paged_and_are_those_of_the_market_to_the_last_bit(running):
    rng = np.random.default_rng(1)
    closes = 100 * np.exp(rng.normal(0, 0.01, 40).cumsum())
    market = minutes([(c, c * 1.01, c * 0.99, c * 1.005) for c in closes])
    simulator, _ = running(market)
    to_bar(simulator, 30)
    client = StockHistoricalDataClient(simulator.key, simulator.secret, url_override=simulator.url)
    request = StockBarsRequest(
        symbol_or_symbols=["A", "B"],
        timeframe=TimeFrame.Minute,
        start=datetime(2024, 3, 1, 14, 35, tzinfo=UTC),
        feed=DataFeed.IEX,
        adjustment=Adjustment.RAW,
    )
    bars = client.get_stock_bars(request).data
    # Bars that are not complete yet are nobody's.
    assert [len(bars[symbol]) for symbol in "AB"] == [25, 25]
    for symbol in "AB":
        for field in ("open", "high", "low", "close", "volume"):
            told = [getattr(bar, field) for bar in bars[symbol]]
            assert told == getattr(market, field)[symbol].iloc[5:30].tolist()
        assert [bar.timestamp for bar in bars[symbol]] == list(market.index[5:30])
    limited = client.get_stock_bars(request.model_copy(update={"limit": 30})).data
    assert [len(limited[symbol]) for symbol in "AB"] == [25, 5]
    # Pages of 7 rows, as the wire has them.
    params = {"symbols": "A,B", "timeframe": "1Min", "start": "2024-03-01T14:35:00Z", "limit": 7}
    pages, token = [], None
    while True:
        page = client.get("/stocks/bars", {**params, "page_token": token} if token else params)
        pages.append(sum(len(rows) for rows in page["bars"].values()))
        token = page["next_page_token"]
        if token is None:
            break
    assert pages == [7, 7, 7, 7, 7, 7, 7, 1]
    latest = client.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="A"))["A"]
    assert latest.close == market.close["A"].iloc[29]
    five = client.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols="A", timeframe=TimeFrame(5, TimeFrameUnit.Minute), start=datetime(2024, 3, 1, tzinfo=UTC)
        )
    ).data["A"]
    assert five[0].high == market.high["A"].iloc[:5].max()
    assert (five[1].open, five[1].close) == (market.open["A"].iloc[5], market.close["A"].iloc[9])
