"""Feature: one formula over bars, and what is known of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from quantstrats.errors import ConfigError, PluginError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Scale = Literal["free", "price", "volume", "money", "price per share traded", "price squared per share traded"]
# How a value changes where a split multiplies all prices by k and divides volumes by k: the power of k.
POWERS: Mapping[Scale, int] = {
    "free": 0,
    "price": 1,
    "volume": -1,
    "money": 0,
    "price per share traded": 2,
    "price squared per share traded": 3,
}
NEEDS = ("volume", "ranges", "sector")

_SPARE = 1.25  # rows that a warm-up counts for each bar it takes: up to a fifth of them may have no bar


@dataclass(frozen=True)
class Feature:
    """One formula over bars, with what its users must know. Made by :func:`feature`.

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
        ``"price"`` by k; ``"volume"`` by 1/k; ``"money"`` not by a split, but with the currency (price times volume);
        ``"price per share traded"`` by k squared; ``"price squared per share traded"`` by k cubed.
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
            self.reach(**values)
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
    """
    if (bars is None) == (rows is None):
        raise PluginError("a feature says either bars (each symbol by itself) or rows (across symbols)")
    if unknown := [need for need in needs if need not in NEEDS]:
        raise PluginError(f"a feature cannot need {unknown[0]!r}{did_you_mean(unknown[0], NEEDS)}")

    def make(function: Callable[..., Any]) -> Feature:
        reach = rows if bars is None else bars
        names = list(inspect.signature(function).parameters.values())[1:]
        if lacking := [each.name for each in names if each.default is inspect.Parameter.empty]:
            raise PluginError(f"feature {function.__name__!r}: parameter {lacking[0]!r} has no default")
        return Feature(
            name=function.__name__,
            family=family or function.__module__.rpartition(".")[2],
            function=function,
            across=bars is None,
            source=source,
            scale=scale,
            needs=needs,
            fitted=fitted,
            parameters={each.name: each.default for each in names},
            reach=reach if callable(reach) else _constant(reach or 1),
        )

    return make


def _constant(value: int) -> Callable[..., int]:
    return lambda **_: value


def _check_type(feature_name: str, name: str, value: Any, default: Any) -> None:
    kind = type(default)
    fits = isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        fits = True
    if not fits:
        words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}[kind]
        raise ConfigError(f"feature {feature_name!r}: {name} is {value!r}; give {words}, as its default {default!r}")
    if kind in (int, float) and not -1e12 < value < 1e12:
        raise ConfigError(f"feature {feature_name!r}: {name} is {value!r}; give a usual number")


def _like(value: Any, default: Any) -> Any:
    return float(value) if isinstance(default, float) else value
