"""Decimal numbers: how they are written, and the steps on which prices and shares lie."""

from __future__ import annotations

from decimal import Decimal

CENT = Decimal("0.01")
SMALLEST_SHARE = Decimal("1e-9")
_HUNDREDTH_OF_A_CENT = Decimal("0.0001")


def number(value: Decimal) -> str:
    """Return a number as plain text without needless zeros: ``Decimal("100.50")`` is ``"100.5"``."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tick_of(price: Decimal) -> Decimal:
    """Return the step on which orders' prices lie: a cent from $1 on, a hundredth of a cent below."""
    return CENT if price >= 1 else _HUNDREDTH_OF_A_CENT
