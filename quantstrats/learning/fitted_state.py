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
import math
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Collection
from datetime import date, datetime
from functools import cached_property
from typing import Any, cast

import numpy as np

from quantstrats.errors import in_one_line
from quantstrats.models.base import FittedModel, Model
from quantstrats.models.hidden_markov import FittedHiddenMarkov
from quantstrats.models.regression import FittedRegression, Regression
from quantstrats.signals import Signal

_STATE = "state.json"
_MODELS = (FittedModel, Model, FittedRegression, Regression, FittedHiddenMarkov)
# Beyond what skops trusts: classes of these modules, functions of those. Not more, since some of these packages'
# classes and functions run text that they are given (scipy.stats.rv_generic, numpy.testing.measure).
_MODEL_CLASSES = ("sklearn.", "numpy.dtype", "scipy.sparse.", "scipy.interpolate.")
_MODEL_FUNCTIONS = ("sklearn.feature_selection.", "sklearn.metrics.")


class UnsafeStateError(ValueError):
    """A fitted signal holds something that no safe format carries, or a stored one cannot be trusted."""


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
    """Return JSON that says what a value is; bulky ones go into files.

    A subclass of a plain type, a named tuple for instance, would come back as that type, so it is not taken for one.
    """
    kind = type(value)
    if value is None or kind in (bool, str, int):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind in (tuple, list):
        return {kind.__name__: [_packed(item, files) for item in value]}
    if kind is dict and not _is_torch(value):
        return {"dict": [[_packed(key, files), _packed(item, files)] for key, item in value.items()]}
    if isinstance(value, date):
        return _packed_time(value)
    if isinstance(value, _MODELS):
        try:
            return {"model": _packed_fields(value, files)}
        except UnsafeStateError as opaque:
            raise UnsafeStateError(f"{_a(value)}: {opaque}") from None
    return _packed_file(value, files)


def _packed_file(value: Any, files: dict[str, bytes]) -> dict[str, str]:
    """Write a value into a file of its own."""
    for suffix, fits, write, _ in _FORMATS:
        if fits(value):
            name = f"{len(files)}.{suffix}"
            try:
                files[name] = write(value)
            except UnsafeStateError:
                raise
            # What a library cannot write is told in as many ways as there are libraries.
            except Exception as error:
                raise UnsafeStateError(f"{_a(value)}, which cannot be written ({in_one_line(error)})") from error
            return {"file": name}
    raise UnsafeStateError(f"{_a(value)}, which no safe format carries")


def _a(value: Any) -> str:
    return f"a {type(value).__module__}.{type(value).__qualname__}"


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
        if not isinstance(value, dict):
            return value
        ((kind, content),) = value.items()
        if kind == "float":
            return float(content)
        if kind in ("tuple", "list"):
            return (tuple if kind == "tuple" else list)(self.value(item) for item in content)
        if kind == "dict":
            return {self.value(key): self.value(item) for key, item in content}
        if kind == "model":
            return self.made(content, *_MODELS)
        if kind in _TIMES:
            return _TIMES[kind](content)
        readers = {name: read for name, _, _, read in _FORMATS}
        return readers[content.partition(".")[2]](self.files[content])


def _packed_time(value: date) -> dict[str, str]:
    kind = type(value).__name__
    if kind not in _TIMES or _TIMES[kind](value.isoformat()) != value:
        raise UnsafeStateError(f"{_a(value)}, which no safe format carries")
    return {kind: value.isoformat()}


def _timestamp(text: str) -> Any:
    import pandas as pd

    return pd.Timestamp(text)


_TIMES = {"date": date.fromisoformat, "datetime": datetime.fromisoformat, "Timestamp": _timestamp}


def _is_array(value: Any) -> bool:
    # A masked array would lose its mask, and an array without dimensions comes back as a number.
    plain = type(value) is np.ndarray and value.ndim > 0
    return (plain or isinstance(value, np.generic)) and not value.dtype.hasobject


def _array_bytes(value: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, value, allow_pickle=False)
    return content.getvalue()


def _array(content: bytes) -> Any:
    values = np.load(io.BytesIO(content), allow_pickle=False)
    return values[()] if values.ndim == 0 else values


def _is_frame(value: Any) -> bool:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return all(isinstance(name, str) for name in value.columns)
    return isinstance(value, pd.Series) and (value.name is None or isinstance(value.name, str))


def _frame_bytes(value: Any) -> bytes:
    import pandas as pd

    content = io.BytesIO()
    frame = value.copy(deep=False) if isinstance(value, pd.DataFrame) else value.to_frame(_SERIES)
    frame.attrs = {"series": [value.name] if isinstance(value, pd.Series) else None}
    frame.to_parquet(content)
    again = _frame(content.getvalue())
    if value.attrs or type(again) is not type(value) or not again.equals(value):
        raise UnsafeStateError(f"{_a(value)} that does not come back from Parquet as it was")
    return content.getvalue()


_SERIES = "series"


def _frame(content: bytes) -> Any:
    import pandas as pd

    frame = pd.read_parquet(io.BytesIO(content))
    named = frame.attrs.pop("series")
    return frame if named is None else frame[_SERIES].rename(named[0])


def _loaded(package: str) -> Any:
    """Return a package if anyone has imported it: without it nobody holds an object of it."""
    return sys.modules.get(package)


def _is_sklearn(value: Any) -> bool:
    return _loaded("sklearn.base") is not None and type(value).__module__.startswith("sklearn.")


def _sklearn_bytes(value: Any) -> bytes:
    skops = _skops()
    content = cast("bytes", skops.dumps(value))
    _check_models(skops, content)
    return content


def _sklearn(content: bytes) -> Any:
    skops = _skops()
    return skops.loads(content, trusted=_check_models(skops, content))


def _skops() -> Any:
    try:
        import skops.io
    except ModuleNotFoundError:
        raise UnsafeStateError("a scikit-learn model, which needs skops: pip install 'quantstrats[ml-cpu]'") from None
    return skops.io


def _check_models(skops: Any, content: bytes) -> list[str]:
    """Return the types and functions that a stored model needs beyond those that skops trusts, if all may be had."""
    wanted = cast("list[str]", skops.get_untrusted_types(data=content))
    for name in wanted:
        if not _may_be_had(name):
            raise UnsafeStateError(f"a model with {name}, which no safe format carries")
    return wanted


def _may_be_had(name: str) -> bool:
    if not f"{name}.".startswith(("sklearn.", "numpy.", "scipy.")):
        return False
    module, _, attribute = name.rpartition(".")
    thing = getattr(importlib.import_module(module), attribute, None)
    # By where it is defined: a module has more names than its own.
    home = f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"
    return home.startswith(_MODEL_CLASSES if isinstance(thing, type) else _MODEL_FUNCTIONS)


def _is_xgboost(value: Any) -> bool:
    xgboost = _loaded("xgboost")
    return xgboost is not None and isinstance(value, xgboost.Booster | xgboost.XGBModel)


def _xgboost_bytes(value: Any) -> bytes:
    import xgboost

    if getattr(xgboost, type(value).__name__, None) is not type(value):
        raise UnsafeStateError(f"{_a(value)}, which no safe format carries")
    if isinstance(value, xgboost.Booster):
        booster, parameters = value, {}
    else:
        # The model alone does not say which number stands for a missing value, and more.
        booster, parameters = value.get_booster(), value.get_params()
    files: dict[str, bytes] = {}
    header = [type(value).__name__, _packed(parameters, files)]
    if files:
        raise UnsafeStateError(f"{_a(value)} with parameters that are no plain numbers or texts")
    return json.dumps(header).encode() + b"\n" + bytes(booster.save_raw("ubj"))


def _xgboost(content: bytes) -> Any:
    import xgboost

    header, _, model = content.partition(b"\n")
    name, parameters = json.loads(header)
    cls = getattr(xgboost, name)
    if cls is not xgboost.Booster and not (isinstance(cls, type) and issubclass(cls, xgboost.XGBModel)):
        raise UnsafeStateError(f"xgboost has no model {name!r}")
    made = cls(**_Reading({}, ()).value(parameters))
    made.load_model(bytearray(model))
    return made


def _is_torch(value: Any) -> bool:
    torch = _loaded("torch")
    if torch is None:
        return False
    if type(value) in (dict, OrderedDict):
        return bool(value) and all(isinstance(item, torch.Tensor) for item in value.values())
    return isinstance(value, torch.Tensor)


def _torch_bytes(value: Any) -> bytes:
    import torch

    content = io.BytesIO()
    torch.save(value, content)
    return content.getvalue()


def _torch(content: bytes) -> Any:
    import torch

    return torch.load(io.BytesIO(content), weights_only=True)


# suffix, whether a value is of this format, how it is written, how it is read
_FORMATS = (
    ("npy", _is_array, _array_bytes, _array),
    ("parquet", _is_frame, _frame_bytes, _frame),
    ("skops", _is_sklearn, _sklearn_bytes, _sklearn),
    ("ubj", _is_xgboost, _xgboost_bytes, _xgboost),
    ("pt", _is_torch, _torch_bytes, _torch),
)
