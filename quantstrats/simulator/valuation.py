"""What a book is worth at the last prices."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from quantstrats.simulator.account import (
    INITIAL_MARGIN,
    LONG_MAINTENANCE,
    SHORT_MAINTENANCE,
    Account,
    Position,
    buying_power,
)
from quantstrats.simulator.ids import asset_id
from quantstrats.simulator.orders import Refused

if TYPE_CHECKING:
    from quantstrats.simulator.book import Book, Holding
    from quantstrats.simulator.floor import Floor

_NOTHING = Decimal(0)


def sides_of(floor: Floor, book: Book) -> tuple[Decimal, Decimal]:
    """Return the dollars of longs (positive or 0) and of shorts (negative or 0)."""
    long, short = _NOTHING, _NOTHING
    for _, holding, price in book.values(floor.price):
        if holding.qty > 0:
            long += holding.qty * price
        else:
            short += holding.qty * price
    return long, short


def equity_of(floor: Floor, book: Book) -> Decimal:
    """Return what an account is worth, in dollars."""
    return book.cash + sum(sides_of(floor, book), _NOTHING)


def power_of(floor: Floor, book: Book, without: Decimal = _NOTHING) -> Decimal:
    """Return the buying power in dollars, as if ``without`` dollars less were reserved."""
    long, short = sides_of(floor, book)
    equity, multiplier = book.cash + long + short, book.settings.multiplier
    return buying_power(equity, long - short, book.cash, multiplier, book.reserved - without)


def account_of(floor: Floor, book: Book, created_at: int) -> Account:
    """Return an account as it is now."""
    long, short = sides_of(floor, book)
    equity, gross, cash, settings = book.cash + long + short, long - short, book.cash, book.settings
    powers = [
        buying_power(equity, gross, cash, multiplier, book.reserved)
        for multiplier in (settings.multiplier, min(settings.multiplier, 2), 1)
    ]
    return Account(
        id=book.id,
        key=settings.key,
        created_at=created_at,
        cash=cash,
        long_market_value=long,
        short_market_value=short,
        equity=equity,
        last_equity=book.last_equity,
        initial_margin=gross * INITIAL_MARGIN,
        maintenance_margin=maintenance(long, short),
        last_maintenance_margin=book.last_maintenance,
        reserved=book.reserved,
        buying_power=powers[0],
        regt_buying_power=powers[1],
        non_marginable_buying_power=powers[2],
        multiplier=settings.multiplier,
        shorting_enabled=settings.shorting and settings.multiplier > 1 and not book.no_shorting,
        trading_blocked=book.blocked,
        trade_suspended_by_user=book.suspended,
        no_shorting=book.no_shorting,
    )


def maintenance(long: Decimal, short: Decimal) -> Decimal:
    """Return the maintenance margin of longs and (negative) shorts, in dollars."""
    return long * LONG_MAINTENANCE - short * SHORT_MAINTENANCE


def positions_of(floor: Floor, book: Book) -> list[Position]:
    """Return what an account holds now, by symbol."""
    return [_position(floor, book, symbol, holding, price) for symbol, holding, price in book.values(floor.price)]


def position_of(floor: Floor, book: Book, symbol: str) -> Position:
    """Return what an account holds of a symbol now.

    Raises
    ------
    Refused
        404 where it holds nothing.
    """
    holding = book.holdings.get(symbol)
    if holding is None:
        raise Refused(404, 40410000, "position does not exist")
    price = floor.price(symbol)
    return _position(floor, book, symbol, holding, holding.average if price is None else price)


def _position(floor: Floor, book: Book, symbol: str, holding: Holding, price: Decimal) -> Position:
    qty, average = holding.qty, holding.average
    free = max(abs(qty) - book.held_for_orders(symbol), _NOTHING)
    close = float(floor.closes[floor.tape.column(symbol)])
    lastday = Decimal(repr(close)) if close == close else average  # NaN differs from itself
    # What was opened since the previous close has gained nothing before it.
    base = average if holding.since > floor.closed_at or close != close else lastday
    return Position(
        symbol=symbol,
        asset_id=asset_id(symbol),
        side="long" if qty > 0 else "short",
        qty=qty,
        qty_available=free if qty > 0 else -free,
        avg_entry_price=average,
        cost_basis=qty * average,
        market_value=qty * price,
        current_price=price,
        lastday_price=lastday,
        unrealized_pl=qty * (price - average),
        unrealized_intraday_pl=qty * (price - base),
    )
