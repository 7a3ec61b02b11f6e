"""Parameters: from plain data to typed objects and back."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from operator import attrgetter
from pathlib import PurePath
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from quantstrats.errors import ConfigError, did_you_mean, in_one_line

T = TypeVar("T")


def validated(hint: Any, value: Any, where: str) -> Any:
    """Return a value as its type hint wants it; text is converted where that loses nothing.

    Parameters
    ----------
    hint : type hint
        What the value must be.
    value : object
        Plain data, or an object already.
    where : str
        How to call the place in an error: ``"signal 'momentum', parameter 'lookback'"``.

    Raises
    ------
    ConfigError
        If the value does not fit.
    """
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if isinstance(value, bool) and (int in members or float in members) and bool not in members:
        raise ConfigError(f"{where}: a number is needed, not a truth value (given: {value!r})")
    # Dataclasses bring a configuration of their own, and pydantic refuses another.
    config = None if dataclasses.is_dataclass(hint) else ConfigDict(arbitrary_types_allowed=True)
    try:
        return TypeAdapter(hint, config=config).validate_python(value)
    except ValidationError as invalid:
        error = invalid.errors()[0]
        message = error["msg"].removeprefix("Value error, ")
        if error["type"] in {"tuple_type", "list_type"} and isinstance(error["input"], str):
            message = f"a list is needed: [{error['input']}]"
        raise ConfigError(f"{where}: {message} (given: {value!r})") from None


def build(cls: type[T], params: Mapping[str, Any], what: str, convert: Callable[[Any, Any, str], Any] = validated) -> T:
    """Make ``cls`` (a dataclass) from plain data, checking names and types.

    Parameters
    ----------
    cls : type
        A dataclass; its fields are the parameters.
    params : mapping
        Values by field name. Text is converted to the field's type where that loses nothing.
    what : str
        How to call it in an error: ``"signal 'momentum'"``.
    convert : callable, optional
        What makes a field's value of its type hint, the value given and the place's name for an error.

    Raises
    ------
    ConfigError
        If a name is unknown, a value does not fit, or a field without default is missing.
    """
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for name in params:
        if name not in fields:
            takes = f"it takes {', '.join(fields)}" if fields else "it takes none"
            raise ConfigError(f"{what} has no parameter {name!r}{did_you_mean(name, fields)} ({takes})")
    missing = dataclasses.MISSING
    for name, field in fields.items():
        if name not in params and field.default is missing and field.default_factory is missing:
            raise ConfigError(f"{what} needs the parameter {name!r}")
    try:
        hints = get_type_hints(cls)
    except NameError as unknown:
        raise ConfigError(f"{what}: {unknown} where it types its fields; import it outside TYPE_CHECKING") from None
    values = {name: convert(hints[name], value, f"{what}, parameter {name!r}") for name, value in params.items()}
    try:
        return cls(**values)
    except (ValueError, TypeError, KeyError) as invalid:
        raise ConfigError(f"{what}: {invalid if isinstance(invalid, ValueError) else in_one_line(invalid)}") from None


def describe(thing: Any, name_of: Callable[[Any], str] = attrgetter("name")) -> dict[str, Any]:
    """Return a named dataclass as plain data: ``{"name": ..., **fields}``, nested for a field that is a dataclass.

    Parameters
    ----------
    thing : dataclass
        What is described.
    name_of : callable, optional
        What gives the name of a dataclass that has one; by default its attribute ``name``.

    Raises
    ------
    ConfigError
        If a field holds something that plain data cannot carry.
    """
    described: dict[str, Any] = {"name": name_of(thing)} if hasattr(thing, "name") else {}
    for field in dataclasses.fields(thing):
        if field.init:
            try:
                described[field.name] = _plain(getattr(thing, field.name), name_of)
            except TypeError as opaque:
                who = described.get("name", type(thing).__name__)
                raise ConfigError(
                    f"{who!r}: field {field.name!r} holds {opaque}, which a configuration cannot carry; "
                    "use numbers, texts, dates, paths, lists or mappings of these"
                ) from None
    return described


def _plain(value: Any, name_of: Callable[[Any], str]) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return describe(value, name_of)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, name_of) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_plain(item, name_of) for item in value), key=repr)
    if isinstance(value, list | tuple):
        return [_plain(item, name_of) for item in value]
    if isinstance(value, Enum):
        return _plain(value.value, name_of)
    if isinstance(value, PurePath):
        return str(value)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return _plain(value.tolist(), name_of)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__}")
