"""When an order trades and at what price: by hand, and against a walk of one cent at a time."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats.simulator.matching import Capacity, arrives, buy_stop_limit, exact, moved, quote
from quantstrats.simulator.orders import Order

D = Decimal


def order_of(side="buy", kind="market", *, number=1, status="new", **more):
    fields = dict.fromkeys(("limit_price", "stop_price", "trail_price", "trail_percent"))
    fields |= {name: D(str(value)) if name in fields or name == "hwm" else value for name, value in more.items()}
    return Order(
        id=f"order {number}",
        number=number,
        account="A",
        client_order_id=f"client {number}",
        symbol="AAA",
        asset_id="asset",
        side=side,
        type=kind,
        time_in_force="day",
        order_class="simple",
        qty=D(100),
        notional=None,
        extended_hours=False,
        position_intent=f"{side}_to_open",
        status=status,
        created_at=0,
        updated_at=0,
        submitted_at=0,
        expires_at=None,
        **fields,
    )


def price(trade):
    return None if trade is None else trade.price


CONTINUOUS, GAP = False, True


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize(("before", "gap"), [(10.0, CONTINUOUS), (10.0, GAP), (None, GAP), (None, CONTINUOUS)])
def test_a_market_order_trades_at_the_price(side, before, gap):
    assert price(moved(order_of(side), before, 10.25, gap, 0.0)) == D("10.25")


@pytest.mark.parametrize(
    ("side", "limit", "before", "now", "gap", "expected"),
    [
        # A path from above down to or through a buy's limit trades at the limit, a jump below it at the better price.
        ("buy", 10, 11.0, 9.0, CONTINUOUS, 10),
        ("buy", 10, 11.0, 10.0, CONTINUOUS, 10),
        ("buy", 10, 11.0, 10.01, CONTINUOUS, None),
        ("buy", 10, 11.0, 9.0, GAP, 9),
        ("buy", 10, 11.0, 10.0, GAP, 10),
        ("buy", 10, 11.0, 10.5, GAP, None),
        ("buy", 10, None, 9.5, CONTINUOUS, "9.5"),
        ("sell", 10, 9.0, 11.0, CONTINUOUS, 10),
        ("sell", 10, 9.0, 10.0, CONTINUOUS, 10),
        ("sell", 10, 9.0, 9.99, CONTINUOUS, None),
        ("sell", 10, 9.0, 11.0, GAP, 11),
        ("sell", 10, 9.0, 9.5, GAP, None),
        # What rests within its limit found nobody: it trades with who comes, at the price, or on the way out.
        ("buy", 10, 9.0, 9.5, CONTINUOUS, "9.5"),
        ("buy", 10, 9.0, 8.5, CONTINUOUS, "8.5"),
        ("buy", 10, 9.0, 11.0, CONTINUOUS, 10),
        ("buy", 10, 9.0, 11.0, GAP, None),
        ("sell", 10, 11.0, 10.5, CONTINUOUS, "10.5"),
        ("sell", 10, 11.0, 9.0, CONTINUOUS, 10),
    ],
)
def test_a_limit_trades_where_the_path_crosses_it_or_better(side, limit, before, now, gap, expected):
    order = order_of(side, "limit", limit_price=limit)
    assert price(moved(order, before, now, gap, 0.0)) == (None if expected is None else D(str(expected)))


@pytest.mark.parametrize(
    ("side", "stop", "before", "now", "gap", "expected"),
    [
        ("buy", 10, 9.0, 11.0, CONTINUOUS, 10),
        ("buy", 10, 9.0, 10.0, CONTINUOUS, 10),
        ("buy", 10, 9.0, 9.99, CONTINUOUS, None),
        ("buy", 10, 9.0, 8.0, CONTINUOUS, None),
        ("buy", 10, 9.0, 10.4, GAP, "10.4"),
        ("sell", 10, 11.0, 9.0, CONTINUOUS, 10),
        ("sell", 10, 11.0, 10.0, CONTINUOUS, 10),
        ("sell", 10, 11.0, 10.01, CONTINUOUS, None),
        ("sell", 10, 11.0, 12.0, CONTINUOUS, None),
        ("sell", 10, 11.0, 7.0, GAP, 7),
    ],
)
def test_a_stop_trades_at_the_stop_or_where_the_price_jumped_to(side, stop, before, now, gap, expected):
    order = order_of(side, "stop", stop_price=stop)
    assert price(moved(order, before, now, gap, 0.0)) == (None if expected is None else D(str(expected)))
    assert order.triggered == (expected is not None)


@pytest.mark.parametrize(
    ("stop", "limit"), [("10", "10.40"), ("49.99", "51.9896"), ("50", "51.25"), ("100", "102.5"), ("0.5", "0.52")]
)
def test_a_buy_stop_trades_up_to_four_percent_above_below_fifty_dollars_and_two_and_a_half_from_there(stop, limit):
    assert buy_stop_limit(D(stop)) == D(limit)
    at_the_limit, beyond = order_of("buy", "stop", stop_price=stop), order_of("buy", "stop", stop_price=stop)
    assert price(moved(at_the_limit, 0.1, float(limit), GAP, 0.0)) == D(limit)
    assert moved(beyond, 0.1, float(limit) + 0.01, GAP, 0.0) is None
    assert beyond.triggered
    assert beyond.stop_limit == D(limit)
    # From there on it is a limit order: not at a higher price, at the limit when the price comes back to it.
    assert moved(beyond, float(limit) + 0.01, float(limit) + 5, CONTINUOUS, 0.0) is None
    assert price(moved(beyond, float(limit) + 5, 0.2, CONTINUOUS, 0.0)) == D(limit)


def test_a_sell_stop_has_no_limit():
    order = order_of("sell", "stop", stop_price=10)
    assert price(moved(order, 11.0, 1.0, GAP, 0.0)) == D(1)
    assert order.stop_limit is None
    # Its rest is a market order.
    assert price(moved(order, 1.0, 12.0, CONTINUOUS, 0.0)) == D(12)


@pytest.mark.parametrize(
    ("side", "stop", "limit", "moves", "expected"),
    [
        # Reached on the path: at the stop, which the limit allows.
        ("buy", 10, 10.5, [(9.0, 12.0, CONTINUOUS)], [10]),
        # Jumped past the limit: it waits and trades at the limit when the price is back.
        ("buy", 10, 10.5, [(9.0, 12.0, GAP), (12.0, 11.0, CONTINUOUS), (11.0, 10.0, CONTINUOUS)], [None, None, 10.5]),
        ("buy", 10, 10.5, [(9.0, 10.2, GAP)], [10.2]),
        ("buy", 10, 10.5, [(9.0, 12.0, GAP), (12.0, 9.0, GAP)], [None, 9]),
        # A limit below the stop: triggered on the way up, traded on the way down.
        ("buy", 10, 9.5, [(9.0, 12.0, CONTINUOUS), (12.0, 9.0, CONTINUOUS)], [None, 9.5]),
        # Not before the stop, however good the price.
        ("buy", 10, 10.5, [(9.0, 8.0, CONTINUOUS), (8.0, 9.9, CONTINUOUS)], [None, None]),
        ("sell", 10, 9.5, [(11.0, 8.0, CONTINUOUS)], [10]),
        ("sell", 10, 9.5, [(11.0, 8.0, GAP), (8.0, 9.4, CONTINUOUS), (9.4, 9.6, CONTINUOUS)], [None, None, 9.5]),
        ("sell", 10, 10.5, [(11.0, 9.0, CONTINUOUS), (9.0, 12.0, CONTINUOUS)], [None, 10.5]),
    ],
)
def test_a_stop_limit_is_a_limit_order_once_it_is_triggered(side, stop, limit, moves, expected):
    order = order_of(side, "stop_limit", stop_price=stop, limit_price=limit)
    got = [price(moved(order, *move, 0.0)) for move in moves]
    assert got == [None if each is None else D(str(each)) for each in expected]


@pytest.mark.parametrize(
    ("side", "trail", "moves", "expected", "hwm", "stop"),
    [
        ("sell", {"trail_price": 1}, [(10.0, 12.0, CONTINUOUS)], None, 12, 11),
        ("sell", {"trail_price": 1}, [(10.0, 12.0, CONTINUOUS), (12.0, 11.5, CONTINUOUS)], None, 12, 11),
        ("sell", {"trail_price": 1}, [(10.0, 12.0, CONTINUOUS), (12.0, 9.0, CONTINUOUS)], 11, 12, 11),
        ("sell", {"trail_price": 1}, [(10.0, 12.0, CONTINUOUS), (12.0, 9.0, GAP)], 9, 12, 11),
        ("sell", {"trail_price": 1}, [(10.0, 9.5, CONTINUOUS), (9.5, 9.0, CONTINUOUS)], 9, 10, 9),
        ("sell", {"trail_percent": 5}, [(10.0, 20.0, GAP), (20.0, 15.0, CONTINUOUS)], 19, 20, 19),
        ("buy", {"trail_price": 1}, [(10.0, 8.0, CONTINUOUS)], None, 8, 9),
        ("buy", {"trail_price": 1}, [(10.0, 8.0, CONTINUOUS), (8.0, 9.5, CONTINUOUS)], 9, 8, 9),
        ("buy", {"trail_percent": 10}, [(10.0, 8.0, CONTINUOUS), (8.0, 9.0, GAP)], 9, 8, "8.8"),
    ],
)
def test_a_trailing_stop_follows_the_best_price_and_trades_when_the_price_turns(
    side, trail, moves, expected, hwm, stop
):
    order = order_of(side, "trailing_stop", **trail)
    *first, last = (price(moved(order, *move, 0.0)) for move in moves)
    assert first == [None] * len(first)
    assert last == (None if expected is None else D(expected))
    assert (order.hwm, order.stop_price) == (D(hwm), D(stop))
    assert order.triggered == (expected is not None)


def test_a_trailing_buy_stop_has_no_limit_for_it_becomes_a_market_order():
    order = order_of("buy", "trailing_stop", trail_price=1)
    assert arrives(order, 10.0, 0.0) is None
    assert price(moved(order, 10.0, 20.0, GAP, 0.0)) == D(20)
    assert price(moved(order, 20.0, 25.0, CONTINUOUS, 0.0)) == D(25)


def test_a_trailing_stop_begins_at_the_price_on_arrival():
    order = order_of("sell", "trailing_stop", trail_percent=10)
    assert arrives(order, 20.0, 0.0) is None
    assert (order.hwm, order.stop_price) == (D(20), D(18))
    # One that replaces another keeps its best price, and a narrower trail may be reached at once.
    heir = order_of("sell", "trailing_stop", trail_percent=1, hwm=20)
    assert price(arrives(heir, 19.0, 0.0)) == D(19)


@pytest.mark.parametrize(
    ("order", "now", "expected"),
    [
        (order_of("buy"), 10.0, 10),
        (order_of("buy", "limit", limit_price=10), 9.5, 9.5),
        (order_of("buy", "limit", limit_price=10), 10.5, None),
        (order_of("sell", "limit", limit_price=10), 10.5, 10.5),
        (order_of("sell", "limit", limit_price=10), 9.5, None),
        (order_of("buy", "stop", stop_price=10), 10.1, 10.1),
        (order_of("buy", "stop", stop_price=10), 11.0, None),  # beyond the 4%
        (order_of("buy", "stop", stop_price=10), 9.9, None),
        (order_of("sell", "stop", stop_price=10), 9.9, 9.9),
        (order_of("sell", "stop_limit", stop_price=10, limit_price=9.5), 9.7, 9.7),
        (order_of("sell", "stop_limit", stop_price=10, limit_price=9.5), 9.4, None),
    ],
    ids=str,
)
def test_what_is_marketable_on_arrival_trades_at_the_price(order, now, expected):
    assert price(arrives(replace(order, legs=[]), now, 0.0)) == (None if expected is None else D(str(expected)))


def test_without_a_price_nothing_trades_on_arrival():
    order = order_of("sell", "trailing_stop", trail_price=1)
    assert arrives(order, None, 0.0) is None
    assert order.hwm is None


@pytest.mark.parametrize(
    ("order", "before", "now", "gap", "expected"),
    [
        # 100 basis points: the ask lies half a percent above the price, the bid half a percent below.
        (order_of("buy"), 99.0, 100.0, CONTINUOUS, "100.5"),
        (order_of("sell"), 99.0, 100.0, CONTINUOUS, "99.5"),
        # A limit needs the ask, not the price: the price has to fall to 99.5024... for an ask of 100.
        (order_of("buy", "limit", limit_price=100), 101.0, 99.6, CONTINUOUS, None),
        (order_of("buy", "limit", limit_price=100), 101.0, 99.5, CONTINUOUS, "100"),
        (order_of("buy", "limit", limit_price=100), 101.0, 99.0, GAP, "99.495"),
        (order_of("sell", "limit", limit_price=100), 99.0, 100.4, CONTINUOUS, None),
        (order_of("sell", "limit", limit_price=100), 99.0, 100.6, CONTINUOUS, "100"),
        # A stop is reached by the price, and trades against the quote there.
        (order_of("buy", "stop", stop_price=100), 99.0, 101.0, CONTINUOUS, "100.5"),
        (order_of("sell", "stop", stop_price=100), 101.0, 99.0, CONTINUOUS, "99.5"),
        (order_of("sell", "stop", stop_price=100), 101.0, 90.0, GAP, "89.55"),
        (order_of("buy", "stop_limit", stop_price=100, limit_price="100.4"), 99.0, 101.0, CONTINUOUS, None),
        (order_of("buy", "stop_limit", stop_price=100, limit_price="100.6"), 99.0, 101.0, CONTINUOUS, "100.5"),
    ],
    ids=str,
)
def test_buys_trade_at_the_ask_and_sells_at_the_bid(order, before, now, gap, expected):
    got = price(moved(replace(order, legs=[]), before, now, gap, 100.0))
    assert got == (None if expected is None else D(expected))


def test_a_quote_lies_around_the_price():
    assert quote(100.0, 10.0) == (D("99.95"), D("100.05"))
    assert quote(0.1, 0.0) == (D("0.1"), D("0.1"))


def test_a_price_is_what_its_shortest_text_shows():
    assert exact(0.1) == D("0.1")
    assert exact(np.float64(0.1) + np.float64(0.2)) == D("0.30000000000000004")


# -- invariants ------------------------------------------------------------------------------------------------------

CENTS = st.integers(900, 1100)
DOLLARS = CENTS.map(lambda cents: D(cents) / 100)
KINDS = ("market", "limit", "stop", "stop_limit", "trailing_stop")


@st.composite
def orders(draw, kinds=KINDS):
    kind = draw(st.sampled_from(kinds))
    fields = {}
    if kind in ("limit", "stop_limit"):
        fields["limit_price"] = draw(DOLLARS)
    if kind in ("stop", "stop_limit"):
        fields["stop_price"] = draw(DOLLARS)
    if kind == "trailing_stop":
        fields["trail_price"] = draw(st.integers(1, 100).map(lambda cents: D(cents) / 100))
    return order_of(draw(st.sampled_from(["buy", "sell"])), kind, **fields)


# First price, then moves: (price, whether it jumped).
PATHS = st.tuples(CENTS, st.lists(st.tuples(CENTS, st.booleans()), max_size=8))


def fills(order, first, moves, spread_bps=0.0):
    """Each trade that the order is offered, as (before, price, gap, trade); it never takes one."""
    trade = arrives(order, first / 100, spread_bps)
    offered = [(None, first, True, trade)] if trade else []
    before = first
    for now, gap in moves:
        trade = moved(order, before / 100, now / 100, gap, spread_bps)
        offered += [(before, now, gap, trade)] if trade else []
        before = now
    return offered


class Walker:
    """An order as a clerk keeps it who sees one price after another and looks only at the last."""

    def __init__(self, order):
        self.buys = order.side == "buy"
        self.kind = order.type
        self.limit, self.stop, self.trail = order.limit_price, order.stop_price, order.trail_price
        self.best = None
        self.waits = order.type in ("stop", "stop_limit", "trailing_stop")
        if order.type == "stop" and self.buys:
            self.limit = self.stop * D("1.04")

    def way(self, before, now):
        """Every cent on the way, and the limit, which for a stop need not be whole cents."""
        low, high = sorted((before, now))
        points = {D(cents) / 100 for cents in range(low, high + 1)}
        if self.limit is not None and D(low) / 100 < self.limit < D(high) / 100:
            points.add(self.limit)
        return sorted(points, reverse=now < before)

    def sees(self, price):
        """The price at which it trades, or None."""
        if self.kind == "trailing_stop" and self.waits:
            self.best = price if self.best is None else (min if self.buys else max)(self.best, price)
            self.stop = self.best + self.trail if self.buys else self.best - self.trail
        if self.waits and (price >= self.stop if self.buys else price <= self.stop):
            self.waits = False
        if self.waits:
            return None
        allowed = self.limit is None or (price <= self.limit if self.buys else price >= self.limit)
        return price if allowed else None


@given(orders(("limit", "stop", "stop_limit", "trailing_stop")), PATHS)
def test_the_first_trade_is_that_of_a_walk_of_one_cent_at_a_time(order, path):
    first, moves = path
    walker = Walker(order)
    expected = walker.sees(D(first) / 100)
    before = first
    for now, gap in moves:
        for price in [D(now) / 100] if gap else walker.way(before, now):
            expected = expected or walker.sees(price)
        before = now
    offered = fills(order, first, moves)
    assert (offered[0][3].price if offered else None) == expected


@given(orders(("limit", "stop_limit")), PATHS, st.sampled_from([0.0, 5.0, 200.0]))
def test_no_trade_is_worse_than_its_limit(order, path, spread_bps):
    for *_, trade in fills(order, *path, spread_bps):
        assert trade.price <= order.limit_price if order.side == "buy" else trade.price >= order.limit_price


@given(orders(("stop",)), PATHS, st.sampled_from([0.0, 5.0, 200.0]))
def test_a_stop_never_begins_at_a_better_price_than_its_own_and_a_buy_stop_keeps_its_limit(order, path, spread_bps):
    first, moves = path
    before = None
    for now, gap in [(first, True), *moves]:
        waited = not order.triggered
        trade = moved(order, before, now / 100, gap, spread_bps)
        before = now / 100
        if trade is None:
            continue
        assert order.side == "sell" or trade.price <= order.stop_price * D("1.04")
        if waited:
            assert trade.price >= order.stop_price if order.side == "buy" else trade.price <= order.stop_price


@given(orders(), PATHS)
def test_nothing_trades_at_a_price_that_the_path_does_not_touch(order, path):
    for before, now, gap, trade in fills(order, *path):
        touched = (now, now) if gap else sorted((before, now))
        assert D(touched[0]) / 100 <= trade.price <= D(touched[1]) / 100


@given(orders(), PATHS, st.sampled_from([5.0, 200.0]))
def test_no_trade_is_better_than_the_quote_on_the_path(order, path, spread_bps):
    for before, now, gap, trade in fills(order, *path, spread_bps):
        quotes = [quote(cents / 100, spread_bps) for cents in ([now] if gap else [before, now])]
        if order.side == "buy":
            assert trade.price >= min(ask for _, ask in quotes)
        else:
            assert trade.price <= max(bid for bid, _ in quotes)


@given(orders(("trailing_stop",)), PATHS)
def test_the_best_price_of_a_trailing_stop_never_worsens_and_its_stop_keeps_its_distance(order, path):
    first, moves = path
    arrives(order, first / 100, 0.0)
    seen = [order.hwm]
    before = first
    for now, gap in moves:
        was_triggered = order.triggered
        moved(order, before / 100, now / 100, gap, 0.0)
        before = now
        seen.append(order.hwm)
        assert order.stop_price == order.hwm + (order.trail_price if order.side == "buy" else -order.trail_price)
        if was_triggered:
            assert seen[-1] == seen[-2]
    assert seen == sorted(seen, reverse=order.side == "buy")


@given(orders(("stop", "stop_limit", "trailing_stop")), PATHS)
def test_what_is_triggered_stays_triggered(order, path):
    first, moves = path
    states = [arrives(order, first / 100, 0.0) is not None or order.triggered]
    before = first
    for now, gap in moves:
        assert moved(order, before / 100, now / 100, gap, 0.0) is None or order.triggered
        states.append(order.triggered)
        before = now
    assert states == sorted(states)


# -- quantities ------------------------------------------------------------------------------------------------------


def capacity(volume, participation=1.0, partial_rate=0.0, seed=0):
    shares = Capacity(1, participation, partial_rate, Random(seed))
    shares.prints(np.array([float(volume)]))
    return shares


def test_what_prints_is_traded_first_come_first_served():
    shares = capacity(1000, 0.29)
    assert shares.left(0) == 290
    assert [shares.take(0, D(200)), shares.take(0, D(200)), shares.take(0, D(1))] == [200, 90, 0]
    shares.prints(np.array([10.0]))
    assert shares.take(0, D(200)) == 2


def test_a_part_has_no_fraction_of_its_own():
    assert capacity(7.3).take(0, D("10.5")) == 7
    assert capacity(7.3).take(0, D("7.25")) == D("7.25")
    assert capacity(0.7).take(0, D("10.5")) == 0


def test_all_or_none_takes_all_or_none():
    shares = capacity(10, partial_rate=1.0)
    assert [shares.take(0, D(11), all_or_none=True), shares.take(0, D(10), all_or_none=True)] == [0, 10]
    assert shares.left(0) == 0


@pytest.mark.parametrize("participation", [1.0, 0.0])
def test_where_no_volume_is_known_nothing_is_limited(participation):
    shares = capacity(np.inf, participation)
    assert [shares.take(0, D(10) ** 12), shares.take(0, D("0.000000001"))] == [D(10) ** 12, D("0.000000001")]


def test_before_the_first_print_there_is_nothing_to_trade():
    assert Capacity(2, 1.0, 0.0, Random(0)).take(1, D(1)) == 0


def test_about_every_tenth_fill_is_split_and_the_same_seed_splits_the_same():
    taken, again = (
        [shares.take(0, D(100)) for _ in range(2000)] for shares in (capacity(np.inf, 1.0, 0.1, 7) for _ in range(2))
    )
    assert taken == again
    split = [each for each in taken if each != 100]
    assert 150 < len(split) < 250
    assert all(1 <= each < 100 and each == int(each) for each in split)


@given(
    st.floats(0, 1e6),
    st.floats(0, 1),
    st.lists(st.tuples(st.integers(1, 10**15).map(lambda shares: D(shares) / 10**9), st.booleans()), max_size=20),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_never_more_is_traded_than_is_left(volume, participation, wanted, partial_rate, seed):
    shares = capacity(volume, participation, partial_rate, seed)
    left = whole = shares.left(0)
    for each, all_or_none in wanted:
        taken = shares.take(0, each, all_or_none=all_or_none)
        assert 0 <= taken <= min(each, left)
        assert taken == each or taken == int(taken)
        assert not all_or_none or taken in (0, each)
        if partial_rate == 0 and each <= left:
            assert taken == each
        left -= taken
        assert shares.left(0) == left
    assert float(whole) == pytest.approx(volume * participation)


@given(st.integers(0, 40))
def test_orders_are_served_in_the_order_in_which_they_ask(volume):
    shares = capacity(volume)
    book = [order_of("buy", "limit", limit_price=10, number=number) for number in range(6)]
    served = [shares.take(0, D(10)) for order in book if moved(order, 11.0, 9.0, GAP, 0.0)]
    assert served == [min(10, max(0, volume - 10 * number)) for number in range(6)]
