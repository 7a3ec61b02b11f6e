"""What counts as a number where a user may have given anything."""

from __future__ import annotations

from numbers import Integral, Real

from quantstrats.errors import ConfigError


def number(what: str, value: object) -> float:
    """Return a number as a float; NaN and infinity are numbers, truth values and texts are not.

    Raises
    ------
    ConfigError
        Beginning with ``what``.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigError(f"{what} is {value!r}; give a number")
    try:
        return float(value)
    except OverflowError:
        return float("inf")  # no bound lets either infinity pass


def is_count(value: object) -> bool:
    """Tell whether a value is a whole number and no truth value."""
    return isinstance(value, Integral) and not isinstance(value, bool)
