"""The formats in which an array, a table or a model is a file: none of them can run code when it is read."""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections import OrderedDict
from typing import Any, NoReturn, cast

import numpy as np

from quantstrats.learning.plain_values import UnsafeStateError, described, from_plain, to_plain

# Beyond what skops trusts: classes of these modules, functions of those. Not more, since some of these packages'
# classes and functions run text that they are given (scipy.stats.rv_generic, numpy.testing.measure).
_MODEL_CLASSES = ("sklearn.", "numpy.dtype", "scipy.sparse.", "scipy.interpolate.")
_MODEL_FUNCTIONS = ("sklearn.feature_selection.", "sklearn.metrics.")


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
        raise UnsafeStateError(f"{described(value)} that does not come back from Parquet as it was")
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
        if not may_be_had(name):
            raise UnsafeStateError(f"a model with {name}, which no safe format carries")
    return wanted


def may_be_had(name: str) -> bool:
    """Tell whether a stored model may name this type or function."""
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
        raise UnsafeStateError(f"{described(value)}, which no safe format carries")
    if isinstance(value, xgboost.Booster):
        booster, parameters = value, {}
    else:
        # The model alone does not say which number stands for a missing value, and more.
        booster, parameters = value.get_booster(), value.get_params()

    def refuse(parameter: Any) -> NoReturn:
        raise UnsafeStateError(f"{described(value)} with {described(parameter)}, which no safe format carries")

    header = [type(value).__name__, to_plain(parameters, refuse)]
    return json.dumps(header).encode() + b"\n" + bytes(booster.save_raw("ubj"))


def _xgboost(content: bytes) -> Any:
    import xgboost

    header, _, model = content.partition(b"\n")
    name, parameters = json.loads(header)
    cls = getattr(xgboost, name)
    if cls is not xgboost.Booster and not (isinstance(cls, type) and issubclass(cls, xgboost.XGBModel)):
        raise UnsafeStateError(f"xgboost has no model {name!r}")
    made = cls(**from_plain(parameters))
    made.load_model(bytearray(model))
    return made


def is_torch(value: Any) -> bool:
    """Tell whether a value is a tensor, or the weights of a network by name."""
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
FORMATS = (
    ("npy", _is_array, _array_bytes, _array),
    ("parquet", _is_frame, _frame_bytes, _frame),
    ("skops", _is_sklearn, _sklearn_bytes, _sklearn),
    ("ubj", _is_xgboost, _xgboost_bytes, _xgboost),
    ("pt", is_torch, _torch_bytes, _torch),
)
