"""Prices meet orders: each print is matched against the orders at the market."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.simulator import exits
from quantstrats.simulator.lifecycle import fill, finish, wanted
from quantstrats.simulator.matching import Trade, arrives, moved
from quantstrats.simulator.quiet import quiet_between
from quantstrats.simulator.tape import PRINTS
from quantstrats.simulator.valuation import power_of

if TYPE_CHECKING:
    from quantstrats.simulator.book import Book
    from quantstrats.simulator.floor import Floor
    from quantstrats.simulator.orders import Order

_AUCTIONS = frozenset({"opg", "cls"})
_AT_ONCE = frozenset({"ioc", "fok"})


def on_print(floor: Floor, row: int, place: int) -> None:
    """Let one of a row's four prices print: match it against what rests, symbol by symbol.

    A row's first price is a jump from the price before, since nothing is known of the way; the others are reached
    through all prices between.
    """
    # One row's four prices are wanted one after the other.
    if floor.row_prints is None or floor.row_prints[0] != row:
        floor.row_prints = row, floor.tape.print_prices(row), floor.tape.print_volume(row)
    _, every_price, volume = floor.row_prints
    prices = every_price[place]
    before = floor.last
    known = ~np.isnan(prices)
    floor.last = np.where(known, prices, before)
    floor.printed_at[known] = floor.now
    floor.capacity.prints(volume)
    session = floor.session
    auction = None
    if session is not None:
        auction = "opg" if place == 0 and floor.now == session.open else None
        auction = "cls" if place == PRINTS - 1 and floor.now == session.close else auction
    for symbol in list(floor.resting):
        column = floor.column(symbol)
        if known[column] and symbol not in floor.halted:
            came_from, price = float(before[column]), float(prices[column])
            jumped = symbol in floor.jumps
            if not jumped and _is_quiet(floor, symbol, came_from, price):
                continue
            floor.jumps.discard(symbol)
            _match(floor, symbol, came_from, price, jumped or place == 0, auction)
            floor.quiet.pop(symbol, None)


def settle(floor: Floor) -> None:
    """Draw the consequences of what has just come to the market or ended, until there are none."""
    while floor.ended or floor.fresh:
        if floor.ended:
            order = floor.ended.popleft()
            exits.follow(floor, floor.books[order.account], order)
        else:
            _attempt(floor, floor.fresh.popleft())


def closing_auction(floor: Floor) -> None:
    """At the close: the last price is the auction's where a symbol's last bar is missing.

    Nothing is known of how much trades in it, so nothing limits it. What printed at the close is matched by then.
    """
    session = floor.session
    if session is None:
        return
    for symbol in list(floor.resting):
        price, printed_at = floor.at(symbol), floor.printed_at[floor.column(symbol)]
        if price is None or symbol in floor.halted or not session.open <= printed_at < session.close:
            continue
        for order in list(floor.resting[symbol].values()):
            trade = arrives(order, price, 0) if order.time_in_force == "cls" and not order.is_final else None
            if trade is not None:
                _execute(floor, floor.books[order.account], order, trade.price, is_limited=False)
                settle(floor)


def force(floor: Floor, book: Book, order: Order) -> None:
    """Fill the rest of an order at the current price, whatever its limits say; nothing where no price is known."""
    price = floor.price(order.symbol)
    if price is not None and not order.is_final:
        qty = wanted(order, price)
        qty = qty if order.opens else min(qty, _closable(book, order))
        if qty > 0:
            fill(floor, book, order, qty, price, is_last=True)


def _is_quiet(floor: Floor, symbol: str, before: float, price: float) -> bool:
    """Tell whether nothing happens to the orders of a symbol on the way to a price."""
    between = floor.quiet.get(symbol)
    if between is None:
        between = floor.quiet[symbol] = quiet_between(floor.resting[symbol].values(), floor.spread_bps)
    # False where there was no price before, which is NaN.
    return between[0] < min(before, price) and max(before, price) < between[1] and before == before


def _match(floor: Floor, symbol: str, before: float, price: float, gap: bool, auction: str | None) -> None:
    came_from = None if before != before else before  # NaN differs from itself
    for order in list(floor.resting[symbol].values()):
        is_for = order.time_in_force
        if order.is_final or (is_for in _AUCTIONS and is_for != auction):
            continue
        in_auction = is_for == auction
        trade = moved(order, came_from, price, gap or in_auction, 0 if in_auction else floor.spread_bps)
        # What this fill brings to the market sees only what is left of the way.
        floor.path = _place(trade, order, came_from, price, floor.spread_bps) if not gap else price
        _trade(floor, order, trade)
        settle(floor)
        floor.path = None


def _attempt(floor: Floor, order: Order) -> None:
    """Let an order that has just come to the market trade at the current price, and on the rest of a running print."""
    price = floor.at(order.symbol)
    if order.is_final or price is None:
        return
    if order.symbol in floor.halted:
        _trade(floor, order, None)
        return
    if not _is_trading(floor, order):
        return
    if order.time_in_force in _AUCTIONS:
        return
    here = price if floor.path is None else floor.path
    trade = arrives(order, here, floor.spread_bps)
    if trade is None and here != price:
        trade = moved(order, here, price, False, floor.spread_bps)
    _trade(floor, order, trade)


def _is_trading(floor: Floor, order: Order) -> bool:
    """Tell whether the last price is one at which an order can trade: not that of the evening before."""
    printed_at = floor.printed_at[floor.column(order.symbol)]
    if floor.session is not None:
        return bool(printed_at >= floor.session.open)
    session = floor.sessions.at(floor.now)
    return order.extended_hours and session is not None and bool(printed_at >= session.first)


def _trade(floor: Floor, order: Order, trade: Trade | None) -> None:
    """Fill what an order gets of a trade; what must trade at once and does not is canceled."""
    book = floor.books[order.account]
    if trade is not None:
        _execute(floor, book, order, trade.price)
    if order.time_in_force in _AT_ONCE and not order.is_final:
        finish(floor, book, order, "canceled")


def _execute(floor: Floor, book: Book, order: Order, price: Decimal, *, is_limited: bool = True) -> None:
    all_wanted = wanted(order, price)
    most = all_wanted if order.opens else min(all_wanted, _closable(book, order))
    if most <= 0:
        # Something else has closed the position; the other side of zero would be a position that nobody asked for.
        finish(floor, book, order, "canceled", reason="there is no position left to close")
        return
    if _is_unpaid(order) and price * most > power_of(floor, book):
        finish(floor, book, order, "rejected", reason="insufficient buying power")
        return
    asked = _share(floor, order, most)
    qty = asked
    if is_limited:
        qty = floor.capacity.take(floor.column(order.symbol), asked, all_or_none=order.time_in_force == "fok")
    if not qty:
        return
    is_last = qty == all_wanted or (order.notional is not None and qty == most)
    extra = floor.trouble.overfills(order) if is_last else Decimal(0)
    fill(floor, book, order, qty + extra, price, is_last=is_last)
    if not order.is_final:
        exits.shrink(floor, book, order)


def _is_unpaid(order: Order) -> bool:
    """Tell whether an order came before its symbol's first price, so that nothing could be reserved for it."""
    return order.opens and order.notional is None and not order.reserve_price


def _share(floor: Floor, order: Order, most: Decimal) -> Decimal:
    """Return how many of the shares the broker lets one fill take."""
    share = floor.trouble.share(order)
    if share is None or share >= 1 or most <= 1 or order.time_in_force == "fok":
        return most
    return max((most * share).to_integral_value(ROUND_FLOOR), Decimal(1))


def _closable(book: Book, order: Order) -> Decimal:
    held = book.qty(order.symbol)
    return max(held if order.side == "sell" else -held, Decimal(0))


def _place(trade: Trade | None, order: Order, before: float | None, price: float, spread_bps: float) -> float:
    """Return where on the way to a price an order traded: half a spread from what it paid."""
    if trade is None or before is None:
        return price
    half = spread_bps / 20_000
    middle = float(trade.price) / (1 + half if order.side == "buy" else 1 - half)
    return min(max(middle, min(before, price)), max(before, price))
