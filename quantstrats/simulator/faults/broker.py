"""Faults of what the broker does with an order; the exchange asks for them at each step of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from quantstrats.simulator.faults.answers import check_seconds
from quantstrats.simulator.trouble import Trouble

if TYPE_CHECKING:
    from quantstrats.simulator.orders import Order

K = TypeVar("K")


@dataclass(frozen=True, kw_only=True)
class PartialFill:
    """A fill takes at most this share of what is left of the order."""

    fault: ClassVar[str] = "partial_fill"
    occasion: ClassVar[str] = "order"

    share: Decimal = Decimal("0.5")

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share is {self.share}; give a part over 0 and below 1")


@dataclass(frozen=True, kw_only=True)
class Reject:
    """An order that was accepted is rejected when it reaches the market; exits are for ``reject_leg``."""

    fault: ClassVar[str] = "reject"
    occasion: ClassVar[str] = "order"

    reason: str = "rejected by the exchange"

    def is_meant(self, order: Order) -> bool:
        """Tell whether an order is no exit."""
        return order.parent is None


@dataclass(frozen=True, kw_only=True)
class RejectLeg:
    """An exit of a bracket, OCO or OTO order is rejected when it activates: the profit, the stop, or any."""

    fault: ClassVar[str] = "reject_leg"
    occasion: ClassVar[str] = "order"

    leg: Literal["profit", "stop", "any"] = "any"
    reason: str = "rejected by the exchange"

    def is_meant(self, order: Order) -> bool:
        """Tell whether an order is such an exit."""
        if order.parent is None:
            return False
        return self.leg == "any" or (self.leg == "profit") == (order.type == "limit")


@dataclass(frozen=True, kw_only=True)
class FillBeforeCancel:
    """An order whose cancel was asked for is filled before that arrives: the cancel is rejected."""

    fault: ClassVar[str] = "fill_before_cancel"
    occasion: ClassVar[str] = "order"


@dataclass(frozen=True, kw_only=True)
class FillBeforeReplace:
    """An order whose replacement was asked for is filled before that arrives: the replacement is rejected."""

    fault: ClassVar[str] = "fill_before_replace"
    occasion: ClassVar[str] = "order"


@dataclass(frozen=True, kw_only=True)
class Overfill:
    """An order's last fill is for so many shares more than were asked for."""

    fault: ClassVar[str] = "overfill"
    occasion: ClassVar[str] = "order"

    qty: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if not 0 < self.qty <= 10**9:
            raise ValueError(f"qty is {self.qty}; give shares over 0")


@dataclass(frozen=True, kw_only=True)
class LateActivities:
    """A fill appears among the activities so many simulated seconds late."""

    fault: ClassVar[str] = "late_activities"
    occasion: ClassVar[str] = "order"

    seconds: float = 60.0

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds, over_zero=True)


class Troublesome(Trouble):
    """What the exchange asks, answered by a script.

    Parameters
    ----------
    ask : callable
        Yields, for a kind of fault and an order, those of the script that happen to it now, each with a function that
        logs what it did.
    """

    def __init__(self, ask: Callable[[type[Any], Order], Iterator[tuple[Any, Callable[[str], None]]]]) -> None:
        self._ask = ask

    def rejects(self, order: Order) -> str | None:
        """Return a reason to reject an order that reaches the market, or an exit that activates."""
        reason = None
        for kind in (Reject, RejectLeg):
            for fault, log in self._ask(kind, order):
                if reason is None:
                    reason = fault.reason
                    log(f"rejected: {reason}")
        return reason

    def share(self, order: Order) -> Decimal | None:
        """Return which share of an order's rest one fill may take at most."""
        least = None
        for fault, log in self._ask(PartialFill, order):
            least = fault.share if least is None else min(least, fault.share)
            log(f"may fill {fault.share} of the rest")
        return least

    def fills_before_cancel(self, order: Order) -> bool:
        """Tell whether an open order is filled at the instant at which its cancel arrives."""
        return self._is_filled_first(FillBeforeCancel, order, "cancel")

    def fills_before_replace(self, order: Order) -> bool:
        """Tell whether an open order is filled at the instant at which its replacement arrives."""
        return self._is_filled_first(FillBeforeReplace, order, "replacement")

    def overfills(self, order: Order) -> Decimal:
        """Return how many shares beyond its quantity an order's last fill takes."""
        shares = Decimal(0)
        for fault, log in self._ask(Overfill, order):
            shares += fault.qty
            log(f"filled {fault.qty} shares too many")
        return shares

    def activity_delay(self, order: Order) -> float:
        """Return how many seconds later than usual a fill appears among the activities."""
        latest = 0.0
        for fault, log in self._ask(LateActivities, order):
            latest = max(latest, fault.seconds)
            log(f"its activity appears {fault.seconds:g} s late")
        return latest

    def _is_filled_first(self, kind: type[Any], order: Order, what: str) -> bool:
        # Not any(): each of them counts the occasion.
        told = [log(f"filled before its {what} arrives") for _, log in self._ask(kind, order)]
        return bool(told)
