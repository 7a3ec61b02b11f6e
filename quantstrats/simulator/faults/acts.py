"""Faults that are acts: something is done at a time, a request or an event."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from quantstrats.simulator.faults.answers import check_seconds
from quantstrats.simulator.orders import Request
from quantstrats.simulator.times import NS

if TYPE_CHECKING:
    from quantstrats.simulator.faults.occasions import Occasion, On
    from quantstrats.simulator.faults.world import World


@dataclass(frozen=True, kw_only=True)
class Act:
    """Something that is done to the exchange, so many simulated seconds after its occasion (``after_s``)."""

    occasion: ClassVar[str] = "act"
    # Whether it waits until what happens now is over; what only touches connections need not.
    waits: ClassVar[bool] = True
    # What it needs where its occasion says nothing of it.
    needs: ClassVar[tuple[str, ...]] = ()

    after_s: float = 0.0

    def __post_init__(self) -> None:
        check_seconds("after_s", self.after_s)

    def check(self, on: On) -> None:
        """Raise ValueError where the act does not know when, or to what.

        Parameters
        ----------
        on : On
            When.
        """
        if on.at is None and on.request is None and on.event is None:
            raise ValueError("needs to know when: on: {at: ...}, {request: ...} or {event: ...}")
        if on.at is not None and (on.request is not None or on.event is not None):
            raise ValueError("takes one of at, request and event; with the others give since")
        missing = [name for name in self.needs if getattr(self, name) is None]
        # A completed bar is of no single symbol.
        if missing and on.event in (None, "bar", "open", "close"):
            raise ValueError(f"needs the parameter {missing[0]!r}, unless it follows the event of an order")


@dataclass(frozen=True, kw_only=True)
class Disconnect(Act):
    """Connections to a stream end, to all streams without one; ``lost``: with all that is on its way to them.

    After an event, with ``lost`` the client is not told of that event; without it, of nothing after that.
    """

    fault: ClassVar[str] = "disconnect"
    waits: ClassVar[bool] = False

    stream: Literal["trade_updates", "iex", "sip"] | None = None
    lost: bool = True

    def do(self, world: World, occasion: Occasion, on: On) -> str:  # noqa: ARG002
        """Do it, and return how the log tells it."""
        if world.links is not None:
            world.links.cut(self.stream, occasion.account, lost=self.lost)
        return f"cut {self.stream or 'all streams'}"


@dataclass(frozen=True, kw_only=True)
class Restart(Act):
    """The broker restarts: streams end, open requests stay unanswered.

    For ``down_s`` simulated seconds it answers nothing and takes no connection. What it knows of orders and positions
    stays. A request that it follows is one of those unanswered, and not seen.
    """

    fault: ClassVar[str] = "restart"
    waits: ClassVar[bool] = False

    down_s: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seconds("down_s", self.down_s)

    def do(self, world: World, occasion: Occasion, on: On) -> str:  # noqa: ARG002
        """Do it, and return how the log tells it."""
        if world.links is not None:
            world.links.restart()
        world.down_until = max(world.down_until, world.exchange.now + round(self.down_s * NS))
        return f"restarted, down for {self.down_s:g} s"


@dataclass(frozen=True, kw_only=True)
class Halt(Act):
    """Trading in a symbol stops for so many simulated seconds; without them for good."""

    fault: ClassVar[str] = "halt"
    needs: ClassVar[tuple[str, ...]] = ("symbol",)

    symbol: str | None = None
    seconds: float | None = 300.0
    reason: str = "T1"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seconds is not None:
            check_seconds("seconds", self.seconds, over_zero=True)

    def do(self, world: World, occasion: Occasion, on: On) -> str:  # noqa: ARG002
        """Do it, and return how the log tells it."""
        symbol, exchange = _symbol(self.symbol, occasion), world.exchange
        exchange.halt(symbol, self.reason)
        if self.seconds is None:
            return f"halted {symbol}"
        exchange.at(exchange.now + round(self.seconds * NS), lambda: exchange.resume(symbol))
        return f"halted {symbol} for {self.seconds:g} s"


@dataclass(frozen=True, kw_only=True)
class Split(Act):
    """A symbol splits now: so many shares for each."""

    fault: ClassVar[str] = "split"
    needs: ClassVar[tuple[str, ...]] = ("symbol",)

    ratio: Decimal
    symbol: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.ratio <= 10_000:
            raise ValueError(f"ratio is {self.ratio}; give shares after for each before, over 0")

    def do(self, world: World, occasion: Occasion, on: On) -> str:  # noqa: ARG002
        """Do it, and return how the log tells it."""
        symbol = _symbol(self.symbol, occasion)
        world.exchange.split(symbol, self.ratio)
        return f"split {symbol}: {self.ratio} for 1"


@dataclass(frozen=True, kw_only=True)
class Dividend(Act):
    """A symbol pays so many dollars a share now."""

    fault: ClassVar[str] = "dividend"
    needs: ClassVar[tuple[str, ...]] = ("symbol",)

    dollars: Decimal
    symbol: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.dollars <= 10**6:
            raise ValueError(f"dollars is {self.dollars}; give dollars a share, over 0")

    def do(self, world: World, occasion: Occasion, on: On) -> str:  # noqa: ARG002
        """Do it, and return how the log tells it."""
        symbol = _symbol(self.symbol, occasion)
        world.exchange.dividend(symbol, self.dollars)
        return f"{symbol} paid {self.dollars} a share"


@dataclass(frozen=True, kw_only=True)
class Bust(Act):
    """A fill is taken back: the one that it follows, or the last."""

    fault: ClassVar[str] = "bust"

    def do(self, world: World, occasion: Occasion, on: On) -> str:
        """Do it, and return how the log tells it."""
        fill = world.fill_of(occasion, on)
        if fill is None:
            return "nothing: there is no fill"
        world.exchange.bust(fill.execution_id)
        return f"took back {fill.qty} {fill.order.symbol} at {fill.price}, execution {fill.execution_id}"


@dataclass(frozen=True, kw_only=True)
class Correct(Act):
    """A fill gets another price: the one that it follows, or the last; by so many dollars a share more, or less."""

    fault: ClassVar[str] = "correct"

    by: Decimal = Decimal("0.01")

    def do(self, world: World, occasion: Occasion, on: On) -> str:
        """Do it, and return how the log tells it."""
        fill = world.fill_of(occasion, on)
        if fill is None or fill.price is None:
            return "nothing: there is no fill"
        price = max(fill.price + self.by, Decimal("0.0001"))
        world.exchange.correct(fill.execution_id, price)
        return f"{fill.qty} {fill.order.symbol} at {price} instead of {fill.price}, execution {fill.execution_id}"


@dataclass(frozen=True, kw_only=True)
class ForeignOrder(Act):
    """Another client of the same account places an order."""

    fault: ClassVar[str] = "foreign_order"
    needs: ClassVar[tuple[str, ...]] = ("symbol",)

    symbol: str | None = None
    side: Literal["buy", "sell"] = "buy"
    qty: Decimal = Decimal(1)
    type: Literal["market", "limit"] = "market"
    limit_price: Decimal | None = None
    time_in_force: Literal["day", "gtc"] = "day"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.qty <= 10**9:
            raise ValueError(f"qty is {self.qty}; give shares over 0")
        if (self.type == "limit") != (self.limit_price is not None):
            raise ValueError("a limit order has a limit_price, a market order none")

    def do(self, world: World, occasion: Occasion, on: On) -> str:  # noqa: ARG002
        """Do it, and return how the log tells it."""
        symbol = _symbol(self.symbol, occasion)
        account = occasion.account or world.exchange.account_ids[0]
        asked = Request(
            symbol=symbol,
            side=self.side,
            type=self.type,
            time_in_force=self.time_in_force,
            qty=self.qty,
            limit_price=self.limit_price,
        )
        order = world.exchange.submit(account, asked, foreign=True)
        return f"placed order {order.id}: {self.side} {self.qty} {symbol}"


def _symbol(given: str | None, occasion: Occasion) -> str:
    symbol: Any = given or occasion.symbol
    if not symbol:
        raise ValueError("no symbol is known")
    return str(symbol)
