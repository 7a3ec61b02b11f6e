"""Signal: a trading idea. Details: what it shows beside its forecast."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market

Period = Literal["week", "month", "quarter", "year"]


@dataclass(frozen=True)
class Details:
    """What a signal wants to show beside its forecast.

    Attributes
    ----------
    overlays : mapping of str to DataFrame
        Lines for the price chart, rows x symbols, in units of price.
    tables : mapping of str to DataFrame
        Tables for the tear sheet.
    pictures : mapping of str to matplotlib Figure, or PNG bytes
        Pictures for the tear sheet.
    """

    overlays: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    pictures: Mapping[str, Any] = field(default_factory=dict)


class Signal(ABC):
    """A trading idea. A subclass is a frozen dataclass; its fields are its parameters.

    A field that holds a Signal, or a tuple of them, makes a composition: the framework evaluates those parts first
    and hands their forecasts over as ``market.parts["field"]`` (``market.parts["field[0]"]`` for a tuple).

    Attributes
    ----------
    name : str
        The name by which users ask for it.
    needs : tuple of str
        Side series that the market must have.
    resets : {"week", "month", "quarter", "year"}, optional
        Set it where state outlives ``warmup`` (hysteresis, recursive filters): each period is then evaluated
        afresh, on the rows from ``warmup() - 1`` before its first row on.
    scale_free : bool
        False where multiplying all prices by a constant changes the forecast.
    dtype : {"float64", "float32"}
        "float32" where the signal calculates in single precision: the guard then compares more loosely.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    resets: ClassVar[Period | None] = None
    scale_free: ClassVar[bool] = True
    dtype: ClassVar[Literal["float64", "float32"]] = "float64"

    @abstractmethod
    def warmup(self) -> int:
        """Return how many rows, the last included, the forecast of one row may depend on."""

    @abstractmethod
    def forecast(self, market: Market) -> pd.DataFrame:
        """Return a number per row x symbol; row t may use only rows <= t.

        The sign is the direction, the size the conviction, 0 is flat, NaN is no opinion. Symbols that are left
        out have no opinion.
        """

    def details(self, market: Market) -> Details:  # noqa: ARG002 - for subclasses to use
        """Return overlays, tables and pictures for the tear sheet; nothing by default.

        ``market.forecast`` is the signal's whole forecast, and of a learner ``market.refits`` what was learned at each
        refit, so that what is shown can be what was traded.
        """
        return Details()


def parts_of(signal: Signal) -> dict[str, Signal]:
    """Return the parts of a composition by the name under which ``market.parts`` has their forecasts."""
    parts: dict[str, Signal] = {}
    if not dataclasses.is_dataclass(signal):
        return parts
    for part in dataclasses.fields(signal):
        value = getattr(signal, part.name)
        if isinstance(value, Signal):
            parts[part.name] = value
        elif isinstance(value, tuple | list):
            parts |= {f"{part.name}[{i}]": item for i, item in enumerate(value) if isinstance(item, Signal)}
    return parts


def needs_of(signal: Signal) -> tuple[str, ...]:
    """Return the side series that the signal or any of its parts needs, each once."""
    # Text in place of a tuple is refused where the signal is asked.
    needs = dict.fromkeys(() if isinstance(signal.needs, str) else signal.needs)
    for part in parts_of(signal).values():
        needs |= dict.fromkeys(needs_of(part))
    return tuple(needs)
