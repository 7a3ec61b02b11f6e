"""Feature: one formula over bars, and what is known of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

from quantstrats.errors import ConfigError, PluginError, QuantstratsError, did_you_mean, in_one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Scale = Literal["free", "price", "log", "volume", "money", "price per share traded", "price squared per share traded"]
# How a value changes where a split multiplies all prices by k and divides volumes by k: the power of k. Of "log" it is
# none: there a split adds the same to all values.
POWERS: Mapping[Scale, int] = {
    "free": 0,
    "price": 1,
    "volume": -1,
    "money": 0,
    "price per share traded": 2,
    "price squared per share traded": 3,
}
SCALES: tuple[Scale, ...] = (*POWERS, "log")
NEEDS = ("volume", "ranges", "sector")
# What a parameter may be, by the type of its default, in the words of messages.
_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}

_SPARE = 1.25  # rows that a warm-up counts for each bar it takes: up to a fifth of them may have no bar


@dataclass(frozen=True, eq=False)
class Feature:
    """One formula over bars, with what its users must know. Made by :func:`feature`.

    Two features are the same only where they are one: others may bear the same name, of another plugin.

    Attributes
    ----------
    name : str
        The name by which it is asked for.
    family : str
        What it is listed under: the module it stands in.
    function : callable
        The formula. It gets the :class:`~quantstrats.features.bars.Bars` of some symbols, or, where ``across`` is
        true, the whole Market; and its parameters by keyword.
    across : bool
        Whether it looks at several symbols at once, or at side series.
    source : str
        Author, year, and where in it the formula stands.
    scale : str
        How values change where a split multiplies prices by k and divides volumes by k: ``"free"`` not at all;
        ``"price"`` by k; ``"log"``, of the logarithm of a price, by one number that is added to all; ``"volume"`` by
        1/k; ``"money"`` not by a split, but with the currency (price times volume); ``"price per share traded"`` by k
        squared; ``"price squared per share traded"`` by k cubed.
    needs : tuple of str
        What not every market has: ``"volume"``; ``"ranges"``, highs and lows apart from the close; ``"sector"``, the
        side series of that name.
    fitted : bool
        Whether a model is fitted again and again on the way: costly, and computed only where it is named.
    parameters : mapping of str to object
        Their defaults by name.
    """

    name: str
    family: str
    function: Callable[..., Any] = field(repr=False)
    across: bool
    source: str
    scale: Scale
    needs: tuple[str, ...]
    fitted: bool
    parameters: Mapping[str, Any]
    reach: Callable[..., int] = field(repr=False)

    @property
    def documentation(self) -> str:
        """What it says of itself, as plain text: its first line, and the rest."""
        return (inspect.getdoc(self.function) or "").replace("``", "")

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return self.documentation.partition("\n")[0]

    def checked(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters, those given and the defaults of the others.

        Raises
        ------
        ConfigError
            If there is no such parameter, or its value is of another type or makes no sense.
        PluginError
            If the function that tells how many bars it takes fails.
        """
        for name, value in parameters.items():
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                hint = did_you_mean(name, self.parameters)
                raise ConfigError(f"feature {self.name!r} has no parameter {name!r}{hint} (it has: {known})")
            _check_type(self.name, name, value, self.parameters[name])
        values = {**self.parameters, **parameters}
        values = {name: _like(value, self.parameters[name]) for name, value in values.items()}
        try:
            _reached(self.name, self.reach, values)
        except ValueError as error:
            raise ConfigError(f"feature {self.name!r}: {error}") from None
        return values

    def bars(self, **parameters: Any) -> int:
        """Return how many bars of a symbol, the last included, its value rests on; of a formula across, rows."""
        return max(1, int(self.reach(**{**self.parameters, **parameters})))

    def warmup(self, **parameters: Any) -> int:
        """Return on how many rows, the last included, the value of a row may depend.

        A value counts bars, not rows: it rests on the last ``bars`` bars of the symbol, and is missing where these do
        not lie within the warm-up, which has a quarter more rows.
        """
        bars = self.bars(**parameters)
        return bars if self.across or bars == 1 else int(-(-bars * _SPARE // 1))


def feature(
    *,
    source: str,
    bars: Callable[..., int] | int | None = None,
    rows: Callable[..., int] | int | None = None,
    scale: Scale = "free",
    needs: tuple[str, ...] = (),
    fitted: bool = False,
    family: str = "",
) -> Callable[[Callable[..., Any]], Feature]:
    """Make a feature of a function.

    A function of the bars of each symbol by itself says ``bars``; one that looks across symbols, or at side series,
    gets the Market and says ``rows``::

        @feature(source="Wilder (1978), New Concepts in Technical Trading Systems", bars=lambda window: ...)
        def rsi(bars: Bars, window: int = 14) -> Array:
            \"\"\"Relative strength index: ...\"\"\"

    Called with a Bars from another feature, its values are computed once and shared.

    Parameters
    ----------
    source : str
        Author, year and place of the formula.
    bars : int, or callable of the parameters
        On how many bars of a symbol, the last included, a value rests. Of a recursive formula so many that what came
        before them weighs less than 1e-9. It raises ValueError where the parameters make no sense.
    rows : int, or callable of the parameters
        The same for a function of the Market, in rows.
    scale, needs, fitted, family
        See :class:`Feature`; the family is the function's module, unless it is given.

    Raises
    ------
    PluginError
        If what is said of the function does not fit it: no such scale or need, a parameter without a default or with
        one that is no number, text, or true or false, or no number of bars for the defaults.
    """
    if (bars is None) == (rows is None):
        raise PluginError("a feature says either bars (each symbol by itself) or rows (across symbols)")
    if unknown := [need for need in needs if need not in NEEDS]:
        raise PluginError(f"a feature cannot need {unknown[0]!r}{did_you_mean(unknown[0], NEEDS)}")
    if scale not in SCALES:
        hint = did_you_mean(scale, SCALES)
        raise PluginError(f"a feature has no scale {scale!r}{hint} (it can be {', '.join(SCALES)})")

    def make(function: Callable[..., Any]) -> Feature:
        name, given = function.__name__, rows if bars is None else bars
        parameters = _defaults(function)
        reach = given if callable(given) else _constant(given or 1)
        try:
            _reached(name, reach, parameters)
        except ValueError as error:
            raise PluginError(f"feature {name!r} refuses its own defaults: {error}") from None
        return Feature(
            name=name,
            family=family or function.__module__.rpartition(".")[2],
            function=function,
            across=bars is None,
            source=source,
            scale=scale,
            needs=needs,
            fitted=fitted,
            parameters=parameters,
            reach=reach,
        )

    return make


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the parameters of a formula behind its bars, by name, with their defaults."""
    defaults = {}
    for each in list(inspect.signature(function).parameters.values())[1:]:
        where = f"feature {function.__name__!r}: parameter {each.name!r}"
        if each.default is inspect.Parameter.empty:
            raise PluginError(f"{where} has no default")
        if type(each.default) not in _KINDS:
            raise PluginError(f"{where} has the default {each.default!r}; it can be {', '.join(_KINDS.values())}")
        defaults[each.name] = each.default
    return defaults


def _constant(value: int) -> Callable[..., int]:
    return lambda **_: value


def _reached(name: str, reach: Callable[..., int], parameters: Mapping[str, Any]) -> int:
    """Return how many bars or rows a feature says that it takes; a ValueError of its own passes through."""
    try:
        count = reach(**parameters)
    except (ValueError, QuantstratsError):
        raise
    # A stranger's function may raise anything; whoever asks for the feature wants to know which it was.
    except Exception as error:
        shown = ", ".join(f"{key}={value!r}" for key, value in parameters.items())
        raise PluginError(
            f"feature {name!r} cannot tell its bars or rows for ({shown}): {in_one_line(error)}"
        ) from error
    if isinstance(count, bool) or not isinstance(count, Integral):
        raise PluginError(f"feature {name!r} says that it takes {count!r} bars or rows; it must be a whole number")
    return int(count)


def _check_type(feature_name: str, name: str, value: Any, default: Any) -> None:
    kind = type(default)
    fits = isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        fits = True
    if not fits:
        raise ConfigError(
            f"feature {feature_name!r}: {name} is {value!r}; give {_KINDS[kind]}, as its default {default!r}"
        )
    if kind in (int, float) and not -1e12 < value < 1e12:
        raise ConfigError(f"feature {feature_name!r}: {name} is {value!r}; give a usual number")


def _like(value: Any, default: Any) -> Any:
    return float(value) if isinstance(default, float) else value
