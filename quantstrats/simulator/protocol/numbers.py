"""Numbers that clients send: JSON numbers or texts, to Decimal."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from quantstrats.simulator.protocol.errors import bad_field, malformed

# No order needs more; what has more would fill a line of a log with digits.
_LARGEST_EXPONENT, _MOST_DIGITS, _MOST_DECIMALS = 15, 40, 20
_LONGEST = 50


def decimal_of(value: Any, name: str) -> Decimal:
    """Return what a client sent as a number.

    Parameters
    ----------
    value : object
        As JSON is read, with fractions as Decimal: a number or a text.
    name : str
        Of the field, for messages.

    Raises
    ------
    Refused
        400 for another type; 422 for a text that is no number, and for what is not finite or far too large or small.
    """
    kind = type(value)
    if kind is str:
        return _checked(_from_text(value, name), name)
    if kind is int or kind is Decimal:
        return _checked(Decimal(value), name)
    raise malformed()


def optional_decimal(fields: dict[str, Any], name: str) -> Decimal | None:
    """Return a field as a number, None where it is null or not there; see :func:`decimal_of`."""
    value = fields.get(name)
    return None if value is None else decimal_of(value, name)


def _from_text(text: str, name: str) -> Decimal:
    # Decimal would also read underscores, blanks around it and digits of other scripts.
    if len(text) > _LONGEST or not text.isascii() or "_" in text or text.strip() != text:
        raise bad_field(f"invalid {name}: not a number")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise bad_field(f"invalid {name}: not a number") from None


def _checked(value: Decimal, name: str) -> Decimal:
    if not value.is_finite():
        raise bad_field(f"invalid {name}: not a number")
    _, digits, exponent = value.as_tuple()
    is_sane = value.adjusted() <= _LARGEST_EXPONENT and len(digits) <= _MOST_DIGITS
    if not is_sane or int(exponent) < -_MOST_DECIMALS:
        raise bad_field(f"invalid {name}: out of range")
    return value
