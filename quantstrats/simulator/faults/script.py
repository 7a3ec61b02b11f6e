"""The fault script: what goes wrong and when, read from YAML or given as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from quantstrats.errors import ConfigError, did_you_mean
from quantstrats.simulator.faults import acts, answers, broker, clock, frames
from quantstrats.simulator.faults.occasions import CLOCK_EVENTS, COMMON, KEYS, ORDER_EVENTS, On
from quantstrats.simulator.times import NS, new_york_ns, parse_time

STREAMS = ("trade_updates", "iex", "sip")
_MOMENTS = ("at", "since", "until")


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """A connection to a stream is refused: 406 or 407 (market data), 429 or 503."""

    fault = "refuse"
    occasion = "connection"

    status: int = 429

    def __post_init__(self) -> None:
        if self.status not in (406, 407, 429, 503):
            raise ValueError(f"status is {self.status}; give one of 406, 407, 429, 503")


KINDS: dict[str, type[Any]] = {
    kind.fault: kind
    for kind in (
        answers.HttpError,
        answers.Reset,
        answers.Hang,
        answers.Slow,
        answers.Truncated,
        answers.Html,
        answers.Late404,
        answers.FillBeforeAnswer,
        answers.StalePositions,
        frames.Drop,
        frames.Duplicate,
        frames.Reorder,
        frames.Delay,
        frames.Mute,
        frames.Malformed,
        frames.Replay,
        frames.EdgeBar,
        frames.MissingBar,
        frames.LateBar,
        frames.DuplicateBar,
        frames.CorrectedBar,
        frames.NanBar,
        Refuse,
        broker.PartialFill,
        broker.Reject,
        broker.RejectLeg,
        broker.FillBeforeCancel,
        broker.FillBeforeReplace,
        broker.Overfill,
        broker.LateActivities,
        acts.Disconnect,
        acts.Restart,
        acts.Halt,
        acts.Split,
        acts.Dividend,
        acts.Bust,
        acts.Correct,
        acts.ForeignOrder,
        clock.Skew,
        clock.Jump,
    )
}


@dataclass(frozen=True)
class Entry:
    """One line of a script: what goes wrong, when, and the entry itself on one line."""

    number: int
    kind: Any
    on: On
    text: str
    # Tells equal entries apart, so that each has random numbers of its own.
    copy: int = 0


@dataclass(frozen=True)
class Script:
    """What goes wrong.

    Attributes
    ----------
    entries : tuple of Entry
        In the order of the file.
    seed : int or None
        Of what is drawn; None for that of the exchange.
    """

    entries: tuple[Entry, ...] = ()
    seed: int | None = None


def read_script(given: str | Path | Mapping[str, Any]) -> Script:
    """Return a fault script.

    Parameters
    ----------
    given : str, Path or mapping
        A YAML file, or what it says: ``{"seed": 7, "faults": [{"fault": "drop", "on": {...}}, ...]}``.

    Raises
    ------
    ConfigError
        If the file cannot be read; with its name and the number of the entry for what does not exist or fit.
    """
    if isinstance(given, Mapping):
        return _script(given, "faults")
    return _script(_content(Path(given)), str(given))


def _content(file: Path) -> Mapping[str, Any]:
    import yaml

    from quantstrats.plainyaml import load_yaml

    try:
        content = load_yaml(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}; give a fault script") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8 text; save it as UTF-8") from None
    except RecursionError:
        raise ConfigError(f"{file} is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{file}{line}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, Mapping):
        raise ConfigError(f"{file} holds no fault script; write 'faults:' and under it '- fault: drop' and the like")
    return content


def _script(content: Mapping[str, Any], where: str) -> Script:
    for key in content:
        if key not in ("seed", "faults"):
            raise ConfigError(f"{where} has no key {key!r}{did_you_mean(key, ('seed', 'faults'))} (seed, faults)")
    seed, listed = content.get("seed"), content.get("faults")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise ConfigError(f"{where}: seed is {seed!r:.40}; give a whole number")
    if not isinstance(listed, list):
        raise ConfigError(f"{where}: faults is {listed!r:.40}; give a list of '- fault: drop' and the like")
    entries: list[Entry] = []
    seen: dict[str, int] = {}
    for number, each in enumerate(listed, 1):
        kind, on = _made(each, f"{where}, entry {number}")
        text = json.dumps(each, sort_keys=True, default=str)
        entries.append(Entry(number, kind, on, text, seen.get(text, 0)))
        seen[text] = seen.get(text, 0) + 1
    return Script(tuple(entries), seed)


def _made(entry: Any, where: str) -> tuple[Any, On]:
    """Return the fault of an entry, and when it happens."""
    from quantstrats.config import build

    if not isinstance(entry, Mapping) or not isinstance(entry.get("fault"), str):
        raise ConfigError(f"{where} is {entry!r:.60}; give the name of a fault and more, as in {{fault: drop}}")
    name, wanted = entry["fault"], entry.get("on")
    kind = KINDS.get(name)
    if kind is None:
        raise ConfigError(f"{where}: no fault called {name!r}{did_you_mean(name, KINDS)} (docs/simulator.md has all)")
    where = f"{where} ({name})"
    made = build(kind, {key: value for key, value in entry.items() if key not in ("fault", "on")}, where)
    on = build(On, _wanted({} if wanted is None else wanted, kind, f"{where}, on"), f"{where}, on")
    _check_words(on, kind, f"{where}, on")
    if hasattr(made, "check"):
        try:
            made.check(on)
        except ValueError as error:
            raise ConfigError(f"{where} {error}") from None
    return made, on


def _wanted(wanted: Any, kind: type[Any], where: str) -> dict[str, Any]:
    """Return what an entry says of when, with instants as numbers; only what its kind of fault can be chosen by."""
    if not isinstance(wanted, Mapping):
        raise ConfigError(f"{where} is {wanted!r:.60}; give keys and values, as in {{nth: 3}}")
    known = (*KEYS[kind.occasion], *(COMMON if kind.occasion != "window" else _MOMENTS))
    for key in wanted:
        if key not in known:
            raise ConfigError(f"{where} has no key {key!r}{did_you_mean(key, known)} (it takes {', '.join(known)})")
    return {key: _instant(value, f"{where}, {key}") if key in _MOMENTS else value for key, value in wanted.items()}


def _instant(value: Any, where: str) -> int:
    try:
        if isinstance(value, datetime):
            if value.tzinfo is not None:
                return parse_time(value.isoformat())
            # A time without a zone is New York's.
            midnight = new_york_ns(value.date(), value.hour, value.minute)
            return midnight + value.second * NS + value.microsecond * 1000
        if isinstance(value, date):
            return new_york_ns(value)
        return parse_time(value)
    except (ValueError, TypeError):
        told = f"{value!r:.60}; give a time, as 2024-03-01T10:31:00-05:00"
        raise ConfigError(f"{where} is {told}, or without an offset for New York's clock") from None


def _check_words(on: On, kind: type[Any], where: str) -> None:
    events = ORDER_EVENTS + (CLOCK_EVENTS if kind.occasion == "act" else ())
    streams = {"bar": STREAMS[1:], "replay": STREAMS[:1]}.get(kind.occasion, STREAMS)
    for name, known in (("event", events), ("stream", streams), ("side", ("buy", "sell"))):
        value = getattr(on, name)
        if value is not None and value not in known:
            raise ConfigError(f"{where}, {name}: {value!r} is none{did_you_mean(value, known)} ({', '.join(known)})")
