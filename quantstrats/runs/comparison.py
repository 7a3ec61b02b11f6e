"""Comparison of two Runs: the first difference between them, or none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from quantstrats.hashing import hash_frame
from quantstrats.runs.labels import risk_free_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.runs.run import Run

_FRAMES = ("targets", "orders", "transactions", "trades", "positions", "equity", "benchmark")
_ROW = {"orders": "order", "transactions": "fill", "trades": "round trip"}
# Where a row tells of two instants, the columns that were settled at the first of them.
_EARLY = {"orders": ("decided", "symbol", "size", "reason"), "trades": ()}
_INSTANTS = {"orders": ("decided", "changed"), "trades": ("opened", "closed")}
_NOTHING = "nothing"


@dataclass(frozen=True)
class Difference:
    """Where two Runs part.

    Attributes
    ----------
    part : str
        "data", "config", one of the frames, or "metrics".
    where : str
        The part of the data, the key, the row with its time and column.
    old, new : str
        Both values; "nothing" where one has none.
    """

    part: str
    where: str
    old: str
    new: str

    def __str__(self) -> str:
        """Return the difference in one line."""
        return f"{self.part}, {self.where}: was {self.old}, is {self.new}"

    def as_dict(self) -> dict[str, str]:
        """Return plain data."""
        return asdict(self)


class _Found(NamedTuple):
    """A difference in a frame with the time at which it came about."""

    time: pd.Timestamp
    difference: Difference


def first_difference(old: Run, new: Run) -> Difference | None:
    """Return the first difference between two Runs, or None if there is none.

    First what they stand on: data, then configuration (a setting that one of them does not know is none; nor is a
    column of orders, fills or round trips that only the new one knows, or a metric that only one does). Then the
    earliest difference by the time of its bar, and within a bar in the order in which one thing leads to another:
    targets, orders, fills, round trips, positions, equity, benchmark. Last the metrics. Numbers count as equal if
    their float64 bytes are, whichever type carries them, so 1 equals 1.0 and -0.0 differs from 0.0; every missing
    value equals every other. What a signal shows beside its forecast, and the log, are not compared.
    """
    standing = _data_difference(old.manifest, new.manifest) or _mapping_difference(
        "config", _flat(old.config), _flat(new.config)
    )
    if standing:
        return standing
    found = [hit for name in _FRAMES for hit in _frame_difference(name, getattr(old, name), getattr(new, name))]
    if found:
        return min(found, key=lambda hit: hit.time).difference  # the first of those at the same time: _FRAMES' order
    return _mapping_difference("metrics", old.metrics, new.metrics)


def notes(old: Run, new: Run) -> list[str]:
    """Return what else differs between two Runs: code, plugins, packages, and what only one version knows."""
    told: list[str] = []
    for role in ("plugin", "allocator"):
        told += _provider_notes(role, old.manifest.get(role, {}), new.manifest.get(role, {}))
    told += _revision_notes(old.manifest, new.manifest)
    was, now = (run.manifest.get("installation", {}) for run in (old, new))
    if was.get("quantstrats") != now.get("quantstrats"):
        told.append(f"quantstrats: was {was.get('quantstrats')}, is {now.get('quantstrats')}")
    elif was.get("code_hash") != now.get("code_hash"):
        told.append("quantstrats: same version, other code")
    if was.get("python") != now.get("python"):
        told.append(f"Python: was {was.get('python')}, is {now.get('python')}")
    told += [
        f"package {name}: was {before or _NOTHING}, is {after or _NOTHING}"
        for name, before, after in _pairs(was.get("packages", {}), now.get("packages", {}))
        if before != after
    ]
    for name, before, after in _pairs(_flat(old.config), _flat(new.config)):
        if before is _ABSENT and after is not None:
            told.append(f"setting {name}: not known to the stored run, is {_shown(after)}")
        elif after is _ABSENT and before is not None:
            told.append(f"setting {name}: was {_shown(before)}, is not known any more")
    for name in _ROW:
        known, now_known = (list(map(str, getattr(run, name).columns)) for run in (old, new))
        told += _unknown_notes(name, "column", "columns", known, now_known)
    told += _unknown_notes("metrics", "figure", "figures", old.metrics, new.metrics)
    return told


def differing_settings(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Return the settings in which some Runs differ, by dotted path: the value of each, None where it has none."""
    # Whoever does not know the risk-free rate, as an older version, takes none.
    flat = [_flat(run.config) | {"report.risk_free": risk_free_of(run.config)} for run in runs]
    values = {key: [each.get(key) for each in flat] for key in dict.fromkeys(key for each in flat for key in each)}
    return {key: each for key, each in values.items() if any(_differs(each[0], other) for other in each[1:])}


def damage(run: Run) -> list[str]:
    """Return the frames of a stored Run that are not what its manifest says was stored."""
    hashes = run.manifest.get("content", {})
    return [name for name in hashes if hasattr(run, name) and hash_frame(getattr(run, name)) != hashes[name]]


def _revision_notes(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the symbols whose vendor gave other bars since."""
    before, after = (each.get("data", {}).get("record", {}).get("cache", {}) for each in (was, now))
    revised = [symbol for symbol, content in before.items() if after.get(symbol, content) != content]
    if not revised:
        return []
    more = f" and {len(revised) - 10} more" if len(revised) > 10 else ""
    return [f"the bars kept of {', '.join(revised[:10])}{more} are others than they were then: later ones, or revised"]


class _Absent:
    """What stands for a key that is not there."""

    def __repr__(self) -> str:
        return _NOTHING

    def __bool__(self) -> bool:
        return False


_ABSENT = _Absent()


def _provider_notes(role: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    who = f"{role} {now.get('name') or was.get('name')}"
    if was.get("provider") != now.get("provider"):
        yield f"{who}: was provided by {was.get('provider')}, is by {now.get('provider')}"
    if was.get("version") != now.get("version"):
        yield f"{who}: was version {was.get('version') or 'unknown'}, is {now.get('version') or 'unknown'}"
    elif was.get("code_hash") != now.get("code_hash"):
        yield f"{who}: same version, other code"
    befores, afters = was.get("parts", {}), now.get("parts", {})
    for name in befores:
        if name in afters:
            yield from _provider_notes(f"{who}, part {name}", befores[name], afters[name])


def _unknown_notes(part: str, one: str, several: str, known: Iterable[str], now_known: Iterable[str]) -> Iterator[str]:
    """Yield a note on the names that only the new Run knows."""
    stored = set(known)
    if names := [name for name in now_known if name not in stored]:
        yield f"{part}: {one if len(names) == 1 else several} {', '.join(names)} not known to the stored run"


def _data_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference | None:
    was, now = old.get("data", {}), new.get("data", {})
    if was.get("hash") == now.get("hash"):
        return None
    # Runs of the first version have no hashes of the parts.
    if was.get("parts") and now.get("parts"):
        for part, before, after in _pairs(was["parts"], now["parts"]):
            if before != after:
                return Difference("data", f"hash of {part}", _short(before), _short(after))
    return Difference("data", "hash", _short(was.get("hash")), _short(now.get("hash")))


def _mapping_difference(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference | None:
    for key, before, after in _pairs(old, new):
        # What only one version of quantstrats knows says nothing about the run.
        if before is not _ABSENT and after is not _ABSENT and _differs(before, after):
            return Difference(part, key, _shown(before), _shown(after))
    return None


def _frame_difference(name: str, old: Any, new: Any) -> Iterator[_Found]:
    """Yield the frame's earliest difference, if it has one."""
    import pandas as pd

    if old is None or new is None:
        if (old is None) != (new is None):
            frame = new if old is None else old
            shown = (_NOTHING, "there") if old is None else ("there", _NOTHING)
            yield _Found(_instant(frame.index[0]), Difference(name, "the whole", *shown))
        return
    was, now = (frame.to_frame(name) if isinstance(frame, pd.Series) else frame for frame in (old, new))
    start = _instant(min((frame.index[0] for frame in (was, now) if len(frame) and name not in _INSTANTS), default=0))
    if name in _ROW:  # a column that only the new one has is a note; where columns are symbols, it is a position
        now = now[[column for column in now.columns if column in was.columns]]
    if list(map(str, was.columns)) != list(map(str, now.columns)):
        columns = [", ".join(map(str, frame.columns)) for frame in (was, now)]
        yield _Found(start, Difference(name, "columns", *columns))
        return
    rows = min(len(was), len(now))
    hits = [_column_difference(name, was, now, column, rows) for column in range(-1, was.shape[1])]
    found = [hit for hit in hits if hit is not None]
    if found:
        yield min(found, key=lambda hit: hit.time)
    elif len(was) != len(now):
        longer = was if len(was) > rows else now
        told = _told_row(longer.iloc[rows])
        values = (told, _NOTHING) if longer is was else (_NOTHING, told)
        time = _time_of(name, longer, rows, early=True)
        yield _Found(time, Difference(name, _told_place(name, longer, rows), *values))


def _column_difference(name: str, was: pd.DataFrame, now: pd.DataFrame, column: int, rows: int) -> _Found | None:
    """Return the first difference among the first ``rows`` values of a column, -1 for the index."""
    before, after = (
        (frame.index.to_series() if column < 0 else frame.iloc[:, column]).iloc[:rows] for frame in (was, now)
    )
    unequal = _unequal(before, after)
    if not unequal.any():
        return None
    label = "bar" if column < 0 and name not in _INSTANTS else "number" if column < 0 else str(was.columns[column])
    early = label in _EARLY.get(name, ())
    candidates = unequal.nonzero()[0] if name in _INSTANTS else [unequal.argmax()]  # the others are in order of time
    times = {int(row): min(_time_of(name, frame, int(row), early=early) for frame in (was, now)) for row in candidates}
    row = min(times, key=lambda candidate: times[candidate])
    time = times[row]
    where = f"{_told_place(name, was, row)}, {label}"
    return _Found(time, Difference(name, where, _shown(before.iloc[row]), _shown(after.iloc[row])))


def _unequal(was: pd.Series, now: pd.Series) -> NDArray[np.bool_]:
    """Tell which values differ; two missing ones never do."""
    import numpy as np

    kinds = _kind(was), _kind(now)
    gone = was.isna().to_numpy(), now.isna().to_numpy()
    if kinds[0] == kinds[1]:
        same = _comparable(was, kinds[0]) == _comparable(now, kinds[1])
    else:  # numbers and text never agree, but a column without any value may be of any kind
        same = np.zeros(len(was), dtype=bool)
    unequal: NDArray[np.bool_] = np.where(gone[0] | gone[1], gone[0] != gone[1], ~same)
    return unequal


def _kind(column: pd.Series) -> str:
    import pandas as pd

    if isinstance(column.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(column.dtype):
        return "time"
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return "number"
    return "text"


def _comparable(column: pd.Series, kind: str) -> NDArray[Any]:
    """Return values that are equal where the content hash takes them for equal."""
    import numpy as np
    import pandas as pd

    if kind == "number":
        return np.ascontiguousarray(column.to_numpy("float64", na_value=np.nan)).view("int64")
    if kind == "time":
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        return column.to_numpy("datetime64[ns]")
    return column.astype(str).to_numpy(dtype=object)


def _time_of(name: str, frame: pd.DataFrame, row: int, *, early: bool) -> pd.Timestamp:
    """Return when a row came about: its label, or one of the two instants that it tells of."""
    if name not in _INSTANTS:
        return _instant(frame.index[row])
    first, last = _INSTANTS[name]
    return _instant(frame[first if early else last].iloc[row])


def _instant(label: Any) -> pd.Timestamp:
    """Return a time in UTC that compares with all others; one that is missing comes last."""
    import pandas as pd

    time = pd.Timestamp(label)
    if pd.isna(time):
        return pd.Timestamp.max.tz_localize("UTC")
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")


def _told_place(name: str, frame: pd.DataFrame, row: int) -> str:
    if name not in _ROW:
        return _shown(frame.index[row])
    number = frame.index[row] if name == "orders" else row + 1
    when = _shown(frame[_INSTANTS[name][0]].iloc[row] if name in _INSTANTS else frame.index[row])
    return f"{_ROW[name]} {number} of {when}"


def _told_row(row: pd.Series) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in row.items())


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in [*old, *(key for key in new if key not in old)]:
        yield key, old.get(key, _ABSENT), new.get(key, _ABSENT)


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by their dotted path, as a file keeps them."""
    flat: dict[str, Any] = {}
    for key, value in json.loads(json.dumps(config, default=str)).items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        elif key == "name" and isinstance(value, str):
            flat[f"{prefix}{key}"] = value.rpartition(":")[2]  # whose it is stands among the notes on code
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _differs(old: Any, new: Any) -> bool:
    """Compare plain values; an undefined figure (NaN) is None once it was stored."""
    undefined = [value is None or value != value for value in (old, new)]
    return undefined[0] != undefined[1] if any(undefined) else bool(old != new)


def _short(content_hash: Any) -> str:
    return str(content_hash)[:12] if content_hash else _NOTHING


def _shown(value: Any) -> str:
    """Return a value as a reader knows it; numbers with all the digits that tell them apart."""
    import pandas as pd

    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value.tzinfo is None and value == value.normalize() else str(value)
    if value is _ABSENT:
        return _NOTHING
    if hasattr(value, "item"):
        value = value.item()
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "missing"
    return value if isinstance(value, str) else repr(value)
