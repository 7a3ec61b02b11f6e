"""Where the exchange can be made to misbehave: what it asks at each step. As it stands here, nothing goes wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantstrats.simulator.orders import Order


class Trouble:
    """What a broker may do to an order that no client likes; subclasses say when.

    The exchange asks once at each occasion, in a fixed order, so that a seeded subclass is reproducible. An order that
    is passed must not be changed.
    """

    def rejects(self, order: Order) -> str | None:  # noqa: ARG002 - for subclasses
        """Return a reason to reject an order that was accepted and now reaches the market (or a leg that activates)."""
        return None

    def share(self, order: Order) -> Decimal | None:  # noqa: ARG002 - for subclasses
        """Return which share (over 0, up to 1) of an order's rest one fill may take at most; None for all."""
        return None

    def fills_before_cancel(self, order: Order) -> bool:  # noqa: ARG002 - for subclasses
        """Tell whether an open order is filled at the current price at the instant at which its cancel arrives."""
        return False

    def fills_before_replace(self, order: Order) -> bool:  # noqa: ARG002 - for subclasses
        """Tell whether an open order is filled at the current price at the instant at which its replacement arrives."""
        return False

    def overfills(self, order: Order) -> Decimal:  # noqa: ARG002 - for subclasses
        """Return how many shares beyond the order's quantity its last fill takes: 0 for none."""
        return Decimal(0)

    def activity_delay(self, order: Order) -> float:  # noqa: ARG002 - for subclasses
        """Return how many seconds later than usual a fill of an order appears among the activities."""
        return 0.0


NO_TROUBLE = Trouble()
