"""What the account allows: buying power, shares to sell, shorts, and no trade with oneself."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from quantstrats.simulator.decimals import number
from quantstrats.simulator.matching import buy_stop_limit
from quantstrats.simulator.orders import Order, Refused, Request, opposite
from quantstrats.simulator.rules import BAD_FIELD, BAD_ORDER, FORBIDDEN, is_fractional
from quantstrats.simulator.valuation import equity_of, power_of

if TYPE_CHECKING:
    from quantstrats.simulator.book import Book
    from quantstrats.simulator.floor import Floor

SHORT_MINIMUM = Decimal(2000)
_SHORT_CUSHION = Decimal("1.03")
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Permission:
    """What an order that is allowed means for the account.

    Attributes
    ----------
    intent : str
        buy_to_open, buy_to_close, sell_to_open or sell_to_close.
    reserve_price : Decimal
        Dollars of buying power a share; 0 where it closes, and for an order by notional, which keeps that.
    hold_qty : Decimal
        Shares that a closing order by notional is thought to need.
    """

    intent: str
    reserve_price: Decimal
    hold_qty: Decimal


def check_asset(floor: Floor, request: Request) -> None:
    """Check that a symbol is known, tradable, and fractionable where parts of a share are asked for.

    Raises
    ------
    Refused
        422, or 403 for what is not fractionable.
    """
    symbol = request.symbol
    try:
        floor.tape.column(symbol)
    except KeyError:
        raise Refused(422, BAD_ORDER, f'asset "{symbol[:40]}" not found') from None
    asset = floor.asset(symbol)
    if not asset.tradable:
        raise Refused(422, BAD_ORDER, f'asset "{symbol}" is not tradable')
    if is_fractional(request) and not asset.fractionable:
        raise Refused(403, FORBIDDEN, f'asset "{symbol}" is not fractionable')


def check_unblocked(book: Book) -> None:
    """Check that the account may trade at all.

    Raises
    ------
    Refused
        403.
    """
    if book.blocked:
        raise Refused(403, FORBIDDEN, "account is blocked from trading")
    if book.suspended:
        raise Refused(403, FORBIDDEN, "new orders are rejected by user request")


def check_client_order_id_is_new(floor: Floor, book: Book, client_order_id: str | None) -> None:
    """Check that no other order has a client's id.

    Raises
    ------
    Refused
        422.
    """
    known = book.by_client.get(client_order_id) if client_order_id is not None else None
    if known is None:
        return
    first = book.orders[known]
    at_once = first.created_at == floor.now or first.status == "pending_new"
    if floor.settings.deduplicates or not at_once:
        raise Refused(422, BAD_FIELD, "client_order_id must be unique")


def permit(floor: Floor, book: Book, request: Request, replacing: Order | None = None) -> Permission:
    """Return what an order means for its account.

    Parameters
    ----------
    floor : Floor
        For the prices.
    book : Book
        The account.
    request : Request
        An order whose form is right.
    replacing : Order, optional
        The order in whose place it comes: what that one holds and reserves is free for it.

    Raises
    ------
    Refused
        403 for buying power, quantity, wash trades and accounts that may not short; 422 for symbols that cannot be
        sold short, and a position_intent that does not fit.
    """
    held = book.qty(request.symbol)
    closes = (held > 0 and request.side == "sell") or (held < 0 and request.side == "buy")
    intent = f"{request.side}_to_{'close' if closes else 'open'}"
    if request.position_intent not in {None, intent}:
        told = f"position intent mismatch, inferred: {intent}, specified: {request.position_intent}"
        raise Refused(422, BAD_ORDER, told)
    if request.order_class in {"bracket", "oto"} and closes:
        raise Refused(422, BAD_ORDER, f"{request.order_class} orders must be entry orders")
    if request.order_class == "oco" and not closes:
        raise Refused(422, BAD_ORDER, "oco orders must be exit orders")
    _check_wash(book, request, replacing)
    quote = floor.quote(request.symbol)
    if closes:
        return Permission(intent, _NOTHING, _check_shares(book, request, quote, replacing))
    if request.side == "sell":
        _check_short(floor, book, request)
    _check_other_way(book, request)
    price = _price_of(request, quote)
    cost = price * request.qty if request.qty is not None else request.notional or _NOTHING
    if is_fractional(request) and 0 < cost < 1:
        raise Refused(403, FORBIDDEN, "cost basis must be >= minimal amount of order 1")
    _check_power(floor, book, cost, replacing)
    return Permission(intent, price if request.qty is not None else _NOTHING, _NOTHING)


def _check_wash(book: Book, request: Request, replacing: Order | None) -> None:
    if request.order_class != "simple" or request.type == "trailing_stop":
        return
    for other in book.open(request.symbol, opposite(request.side)):
        is_exempt = other.order_class != "simple" or other.parent or other.type == "trailing_stop"
        if is_exempt or (replacing is not None and other.id == replacing.id):
            continue
        if request.limit_price is None or other.limit_price is None:
            reason = "opposite side market/stop order exists"
        elif (other.limit_price - request.limit_price) * (1 if request.side == "buy" else -1) <= 0:
            reason = "opposite side limit order exists"
        else:
            continue
        told = "potential wash trade detected. use complex orders"
        raise Refused(403, FORBIDDEN, told, reject_reason=reason, existing_order_id=other.id)


def _check_shares(
    book: Book, request: Request, quote: tuple[Decimal, Decimal] | None, replacing: Order | None
) -> Decimal:
    """Check that the shares to close are there and free; return how many an order by notional needs."""
    held = book.qty(request.symbol)
    spoken_for = book.held_for_orders(request.symbol, replacing.group if replacing else None)
    available = max(abs(held) - spoken_for, _NOTHING)
    wanted = request.qty
    if wanted is None:
        price = request.limit_price or request.stop_price or (quote[0] if quote else None)
        wanted = (request.notional or _NOTHING) / price if price else _NOTHING
    if wanted > available:
        raise Refused(
            403,
            FORBIDDEN,
            f"insufficient qty available for order (requested: {number(wanted)}, available: {number(available)})",
            available=number(available),
            existing_qty=number(held),
            held_for_orders=number(spoken_for),
            symbol=request.symbol,
        )
    return _NOTHING if request.qty is not None else wanted


def _check_short(floor: Floor, book: Book, request: Request) -> None:
    if is_fractional(request):
        raise Refused(403, FORBIDDEN, "fractional orders cannot be sold short")
    settings = book.settings
    if not settings.shorting or settings.multiplier == 1 or book.no_shorting:
        raise Refused(403, FORBIDDEN, "account is not allowed to short")
    if equity_of(floor, book) < SHORT_MINIMUM:
        raise Refused(403, FORBIDDEN, f"account is not allowed to short: equity is below {SHORT_MINIMUM}")
    asset = floor.asset(request.symbol)
    if not (asset.shortable and asset.easy_to_borrow):
        raise Refused(422, BAD_ORDER, f'asset "{request.symbol}" cannot be sold short')


def _check_other_way(book: Book, request: Request) -> None:
    """Check that no open order opens a position the other way: the two together could cross zero."""
    other_side = opposite(request.side)
    if any(other.opens for other in book.open(request.symbol, other_side)):
        told = {
            "buy": "cannot open a long buy while a short sell order is open",
            "sell": "cannot open a short sell while a long buy order is open",
        }
        raise Refused(403, FORBIDDEN, told[request.side])


def _check_power(floor: Floor, book: Book, cost: Decimal, replacing: Order | None) -> None:
    free = power_of(floor, book, without=book.reserves(replacing) if replacing else _NOTHING)
    if cost > free:
        told = {"buying_power": number(round(free, 2)), "cost_basis": number(round(cost, 2))}
        raise Refused(403, FORBIDDEN, "insufficient buying power", **told)


def _price_of(request: Request, quote: tuple[Decimal, Decimal] | None) -> Decimal:
    """Return the dollars a share that an opening order reserves; 0 where it is for notional, or no price is known."""
    ask = quote[1] if quote else _NOTHING
    if request.side == "sell":
        return max(request.limit_price or _NOTHING, ask * _SHORT_CUSHION)
    if request.limit_price is not None:
        return request.limit_price
    if request.stop_price is not None:
        return buy_stop_limit(request.stop_price)
    if request.trail_price is not None:
        return ask + request.trail_price
    if request.trail_percent is not None:
        return ask * (1 + request.trail_percent / 100)
    return ask
