"""Decimal numbers as the wire and the logs write them."""

from __future__ import annotations

from decimal import Decimal


def number(value: Decimal) -> str:
    """Return a number as plain text without needless zeros: ``Decimal("100.50")`` is ``"100.5"``."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
