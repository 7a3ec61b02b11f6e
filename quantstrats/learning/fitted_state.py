"""A fitted signal as bytes and back, in formats that cannot run code: arrays, Parquet, UBJSON, skops, torch weights.

A zip file holds ``state.json``, which describes the signal's fields, and a file for each array or model in them. A
FittedModel or FittedRegression in a field, the recipe that it holds, and a FittedHiddenMarkov are described like the
signal itself, field by field.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import json
import sys
import zipfile
from collections.abc import Collection
from functools import cached_property
from typing import Any

from quantstrats.errors import in_one_line
from quantstrats.learning.formats import FORMATS, is_torch
from quantstrats.learning.plain_values import UnsafeStateError, described, from_plain, to_plain
from quantstrats.models.base import FittedModel, Model
from quantstrats.models.hidden_markov import FittedHiddenMarkov
from quantstrats.models.regression import FittedRegression, Regression
from quantstrats.signals import Signal

_STATE = "state.json"
_MODELS = (FittedModel, Model, FittedRegression, Regression, FittedHiddenMarkov)


def pack(signal: Signal | None, modules: Collection[str]) -> bytes:
    """Return a fitted signal as bytes.

    Parameters
    ----------
    signal : Signal or None
        What was fitted.
    modules : collection of str
        The learner's modules: only a class of one of them, or of quantstrats, can be made again.

    Raises
    ------
    UnsafeStateError
        If a field holds something that none of the formats carries, or the signal does not come back as it was.
    """
    files: dict[str, bytes] = {}
    try:
        state = json.dumps(None if signal is None else _packed_fields(signal, files))
    except UnsafeStateError:
        raise
    except (RecursionError, ValueError) as error:  # it holds itself, or a number of too many digits
        raise UnsafeStateError(f"it cannot be written ({in_one_line(error)})") from error
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as bundle:
        bundle.writestr(_STATE, state)
        for name, data in files.items():
            bundle.writestr(name, data)
    again = unpack(content.getvalue(), modules)
    if lost := sorted(_attributes(signal) - _attributes(again)):
        raise UnsafeStateError(f"attribute {lost[0]!r} of {type(signal).__name__} is no field; make it one")
    return content.getvalue()


def unpack(content: bytes, modules: Collection[str]) -> Signal | None:
    """Return a fitted signal.

    Parameters
    ----------
    content : bytes
        What ``pack`` returned.
    modules : collection of str
        The learner's modules: only a class of one of them, or of quantstrats, is made.

    Raises
    ------
    UnsafeStateError
        If the content is damaged, or asks for a class or model that may not be made.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            files = {name: bundle.read(name) for name in bundle.namelist()}
        state = json.loads(files[_STATE])
        return None if state is None else _Reading(files, modules).made(state, Signal)
    except UnsafeStateError:
        raise
    # A damaged file may fail anywhere in the libraries that read its parts.
    except Exception as error:
        raise UnsafeStateError(f"it cannot be read ({in_one_line(error)})") from error


def _attributes(signal: Signal | None) -> set[str]:
    """Return the names of what an object holds; not what it computes when asked and keeps."""
    return {
        name
        for name in getattr(signal, "__dict__", {})
        if not isinstance(getattr(type(signal), name, None), cached_property)
    }


def _packed_fields(thing: Any, files: dict[str, bytes]) -> dict[str, Any]:
    """Return the class of a dataclass and its fields."""
    cls = type(thing)
    if "<locals>" in cls.__qualname__:
        raise UnsafeStateError(f"class {cls.__name__} is defined inside a function; move it to its module")
    if not dataclasses.is_dataclass(cls):
        raise UnsafeStateError(f"class {cls.__name__} is no dataclass")
    state = {}
    for each in dataclasses.fields(thing):
        if not each.init:
            raise UnsafeStateError(f"field {each.name!r} is not given to the class when it is made")
        try:
            state[each.name] = _packed(getattr(thing, each.name), files)
        except UnsafeStateError as opaque:
            raise UnsafeStateError(f"field {each.name!r} holds {opaque}") from None
    return {"module": cls.__module__, "class": cls.__qualname__, "fields": state}


def _packed(value: Any, files: dict[str, bytes]) -> Any:
    """Return JSON that says what a value is; bulky ones go into files."""

    def other(value: Any) -> dict[str, Any]:
        if not isinstance(value, _MODELS):
            return _packed_file(value, files)
        try:
            return {"model": _packed_fields(value, files)}
        except UnsafeStateError as opaque:
            raise UnsafeStateError(f"{described(value)}: {opaque}") from None

    return other(value) if is_torch(value) else to_plain(value, other)


def _packed_file(value: Any, files: dict[str, bytes]) -> dict[str, str]:
    """Write a value into a file of its own."""
    for suffix, fits, write, _ in FORMATS:
        if fits(value):
            name = f"{len(files)}.{suffix}"
            try:
                files[name] = write(value)
            except UnsafeStateError:
                raise
            # What a library cannot write is told in as many ways as there are libraries.
            except Exception as error:
                raise UnsafeStateError(f"{described(value)}, which cannot be written ({in_one_line(error)})") from error
            return {"file": name}
    raise UnsafeStateError(f"{described(value)}, which no safe format carries")


@dataclasses.dataclass(frozen=True)
class _Reading:
    """What a stored signal is read from.

    Attributes
    ----------
    files : dict of str to bytes
        By name.
    modules : collection of str
        Those of the learner: only a class of one of them, or of quantstrats, is made.
    """

    files: dict[str, bytes]
    modules: Collection[str]

    def made(self, state: dict[str, Any], *bases: type) -> Any:
        """Return what a class of these bases makes of the fields."""
        name = state["module"]
        if name not in self.modules and name.partition(".")[0] != "quantstrats":
            raise UnsafeStateError(
                f"its class is of the module {name}, which is none of those that the learner imports"
            )
        if name.startswith("quantstrats.models."):  # nobody may have asked for this kind of model yet
            importlib.import_module(name)
        thing: Any = sys.modules.get(name)
        for attribute in state["class"].split("."):
            thing = getattr(thing, attribute, None)
        if not isinstance(thing, type) or not issubclass(thing, bases):
            what = "signal" if Signal in bases else "model"
            raise UnsafeStateError(f"{name} has no {what} {state['class']} any more")
        return thing(**{field: self.value(value) for field, value in state["fields"].items()})

    def value(self, value: Any) -> Any:
        """Return what JSON describes."""
        return from_plain(value, self._other)

    def _other(self, kind: str, content: Any) -> Any:
        if kind == "model":
            return self.made(content, *_MODELS)
        readers = {name: read for name, _, _, read in FORMATS}
        return readers[content.partition(".")[2]](self.files[content])
