"""What a plugin's class says about itself: its summary, and its parameters with types, defaults and help."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
import types
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from quantstrats.config import describe
from quantstrats.errors import ConfigError

NEEDED = "(needed)"
_SECTION = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a plugin.

    Attributes
    ----------
    name : str
        Its name.
    type : str
        Its type as text: ``"int"``, ``"week | month"``, ``"Signal | None"``.
    needed : bool
        Whether it has no default.
    default : object
        Its default as plain data; None where it is needed.
    help : str
        What the class's documentation says of it, in one line; empty if nothing.
    """

    name: str
    type: str
    needed: bool
    default: Any
    help: str

    @property
    def default_text(self) -> str:
        """The default as a configuration would write it."""
        if self.needed:
            return NEEDED
        return self.default if isinstance(self.default, str) and self.default else json.dumps(self.default)


def parameters_of(cls: type) -> list[Parameter]:
    """Return the parameters of a plugin's class (a dataclass) in the order of its fields."""
    helps = _help_of_parameters(cls)
    try:
        hints = get_type_hints(cls, include_extras=True)
    except Exception:  # a type that is imported for type checking alone, or any other slip of its author
        hints = {}
    return [
        Parameter(
            name=field.name,
            type=_type_text(hints.get(field.name, field.type)),
            needed=_is_needed(field),
            default=_default(field),
            help=helps.get(field.name, ""),
        )
        for field in dataclasses.fields(cls)
        if field.init
    ]


def summary_of(cls: type) -> str:
    """Return the first paragraph of a class's documentation in one line; empty if it has none."""
    return _one_line(_documentation(cls).split("\n\n")[0])


def body_of(cls: type) -> str:
    """Return a class's documentation without its numpydoc sections; empty if it has none."""
    text = _documentation(cls)
    section = _SECTION.search(text)
    return _without_marks(text[: section.start()] if section else text).strip()


def _documentation(cls: type) -> str:
    text = inspect.cleandoc(vars(cls).get("__doc__") or "")
    # A dataclass without a docstring gets its signature for one.
    return "" if text.startswith(f"{cls.__name__}(") else text


def _help_of_parameters(cls: type) -> dict[str, str]:
    """Return what the numpydoc sections "Parameters" of a class and its bases say, the class's own above all."""
    helps: dict[str, str] = {}
    for ancestor in reversed(cls.__mro__):
        text = _documentation(ancestor) if ancestor is not object else ""
        parts = _SECTION.split(text)
        for title, body in zip(parts[1::2], parts[2::2], strict=True):
            if title == "Parameters":
                helps |= _entries(body)
    return helps


def _entries(section: str) -> dict[str, str]:
    """Return the entries of a section: ``name : type`` at its margin, and under it the help."""
    entries: dict[str, list[str]] = {}
    names: list[str] = []
    for line in inspect.cleandoc(section).splitlines():
        if line and not line[0].isspace():
            names = [name.strip().lstrip("*") for name in line.partition(":")[0].split(",")]
            entries.update({name: [] for name in names})
        else:
            for name in names:
                entries[name].append(line)
    return {name: _one_line(" ".join(lines)) for name, lines in entries.items()}


def _one_line(text: str) -> str:
    return " ".join(_without_marks(text).split())


def _without_marks(text: str) -> str:
    """Return text without what marks code in it."""
    return re.sub(r"(:[a-z:]+:(?=`))?`+~?([^`]*)`+", r"\2", text)


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _default(field: dataclasses.Field[Any]) -> Any:
    if _is_needed(field):
        return None
    value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    holder = dataclasses.make_dataclass("Holder", ["value"])(value)
    try:
        plain = describe(holder)["value"]
    except ConfigError:  # an object that no configuration can carry
        return repr(value)
    # JSON knows no infinity, and reads its name as text where YAML writes .inf.
    return f".{plain}".replace(".-", "-.") if isinstance(plain, float) and not math.isfinite(plain) else plain


def _type_text(hint: Any) -> str:
    if isinstance(hint, str):
        return hint
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type_text(arguments[0])
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin in (Union, types.UnionType):
        return " | ".join(map(_type_text, arguments))
    if hint is Ellipsis:
        return "..."
    if hint is None or hint is type(None):
        return "None"
    name = getattr(hint, "__name__", str(hint))
    return f"{name}[{', '.join(map(_type_text, arguments))}]" if arguments else name
