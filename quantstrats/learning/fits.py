"""Fits: what learners learned, each slice once; a cache, so that absent means fitted again."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.atomic import write_whole
from quantstrats.calls import call, warmup_of
from quantstrats.config import describe
from quantstrats.errors import SignalError
from quantstrats.hashing import hash_parts, hash_plain
from quantstrats.home import logs_folder
from quantstrats.learning.learner import Learner
from quantstrats.signals import Signal, parts_of

if TYPE_CHECKING:
    from quantstrats.market.market import Market
    from quantstrats.models.base import FittedModel
    from quantstrats.models.hidden_markov import FittedHiddenMarkov


def fits_folder() -> Path:
    """Return the folder in which all runs keep their fits."""
    return logs_folder() / "fits"


def old_fits(older_than: timedelta, folder: Path | None = None) -> list[Path]:
    """Return the stored fits that no run has made or used for so long.

    Parameters
    ----------
    older_than : timedelta
        How long.
    folder : Path, optional
        Where they are; by default :func:`fits_folder`.
    """
    since = (datetime.now(UTC) - older_than).timestamp()
    found = []
    for file in sorted((folder or fits_folder()).glob("*/*.zip")):
        with suppress(OSError):  # someone else removed it
            found += [file] if file.is_file() and file.stat().st_mtime < since else []
    return found


class Fits:
    """The fitted signals of a run, and of those before it where a folder keeps them.

    A fit is known by the hash of its learner (class, fields and code), of the slice with its parts and side series,
    and of all installed versions. It is written as soon as it is made, so that an interruption loses one at most.
    Where a file of that code has changed since the process began, the hash may not be of what runs: then fits are
    neither kept nor used again until a process starts anew.

    Parameters
    ----------
    folder : Path, optional
        Where fits are kept between processes; None keeps them for this object's life alone.

    Attributes
    ----------
    made, recalled : int
        How many fits were made, and how many came from the folder.
    notes : list of str
        Why a fit could not be kept or used again, each reason once; and which fits learned nothing.
    outcomes : dict of str to int
        What came of the models in the fitted signals' fields, by outcome; "nothing learned" where ``fit`` returned no
        signal.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.made = 0
        self.recalled = 0
        self.notes: list[str] = []
        self.outcomes: dict[str, int] = {}
        self._fitted: dict[tuple[type, str], Signal | None] = {}

    def fitted(self, learner: Learner, market: Market) -> Signal | None:
        """Return the signal that the learner makes of exactly these rows; None where it learns nothing.

        Raises
        ------
        SignalError
            If ``fit`` fails, or returns something else than a signal that can serve.
        """
        key = self._key(learner, market)
        place = type(learner), key  # what was typed at a prompt has no source by which the key could know it
        if place not in self._fitted:
            known, signal = self._recall(learner, key)
            if known:
                self.recalled += 1
            else:
                signal = self._fit(learner, market)
                self._keep(learner, key, signal)
            self._count(learner, market, signal)
            self._fitted[place] = signal
        return self._fitted[place]

    @property
    def record(self) -> dict[str, Any]:
        """How many fits were made and recalled, and what came of their models: for a Run's manifest."""
        outcomes = {"outcomes": dict(sorted(self.outcomes.items()))} if self.outcomes else {}
        return {"made": self.made, "recalled": self.recalled, **outcomes}

    def _count(self, learner: Learner, market: Market, signal: Signal | None) -> None:
        """Count what came of the models of a fit, and note those that learned nothing."""
        if signal is None:
            self.outcomes["nothing learned"] = self.outcomes.get("nothing learned", 0) + 1
            self._note(f"learner {learner.name!r} learned nothing {_span(market)}: fit() returned None")
        for model in _models(signal):
            self.outcomes[model.outcome] = self.outcomes.get(model.outcome, 0) + 1
            if model.outcome != "fitted":
                said = "; ".join(model.notes)
                self._note(f"learner {learner.name!r} learned nothing {_span(market)}: {model.outcome} ({said})")

    def _fit(self, learner: Learner, market: Market) -> Signal | None:
        signal = call(learner, "fit", market, on=_span(market))
        self.made += 1
        _check_fitted(learner, signal)
        return signal  # type: ignore[no-any-return]  # checked above

    def _key(self, learner: Learner, market: Market) -> str:
        from quantstrats.provenance import hash_reachable_code, hash_versions

        describe(learner)  # refuses what has no content to be known by, such as a function
        return hash_parts(
            {
                "learner": hash_plain(_typed(learner)),
                "code": hash_plain([hash_reachable_code(cls) for cls in _classes(learner)]),
                "versions": hash_versions(),
                "slice": market.learning_hash,
            }
        )

    def _path(self, learner: Learner, key: str) -> Path | None:
        from quantstrats.provenance import edited_code, has_source

        if self.folder is None or not all(has_source(cls) for cls in _classes(learner)):
            return None
        if edited := next((file for cls in _classes(learner) for file in edited_code(cls)), None):
            self._note(
                f"fits of {learner.name!r} are not kept between runs: {edited.name} has changed since this process "
                "began; start a new one"
            )
            return None
        return self.folder / key[:2] / f"{key}.zip"

    def _recall(self, learner: Learner, key: str) -> tuple[bool, Signal | None]:
        from quantstrats.learning.fitted_state import unpack
        from quantstrats.learning.plain_values import UnsafeStateError
        from quantstrats.provenance import reachable_modules

        path = self._path(learner, key)
        if path is None:
            return False, None
        try:
            signal = unpack(path.read_bytes(), reachable_modules(type(learner)))
            _check_fitted(learner, signal)
            with suppress(OSError):  # a cache of someone else's may be read all the same
                os.utime(path)  # when it was last used is what old_fits goes by
        except (FileNotFoundError, NotADirectoryError):
            return False, None
        except OSError as error:
            self._note(f"a stored fit of {learner.name!r} was not used: {error.strerror or error}")
            return False, None
        except (UnsafeStateError, SignalError) as spoilt:
            self._note(f"a stored fit of {learner.name!r} was not used: {spoilt}")
            return False, None
        return True, signal

    def _keep(self, learner: Learner, key: str, signal: Signal | None) -> None:
        from quantstrats.learning.fitted_state import pack
        from quantstrats.learning.plain_values import UnsafeStateError
        from quantstrats.provenance import reachable_modules

        path = self._path(learner, key)
        if path is None:
            return
        try:
            content = pack(signal, reachable_modules(type(learner)))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except UnsafeStateError as opaque:
            self._note(f"fits of {learner.name!r} are not kept between runs: {opaque}")
        except OSError as error:
            self._note(f"fits of {learner.name!r} are not kept between runs: {error.strerror or error}")

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _span(market: Market) -> str:
    return f"on the bars {market.session[0].date()} to {market.session[-1].date()}"


def _models(value: Any) -> Iterator[FittedModel | FittedHiddenMarkov]:
    """Yield the fitted models in the fields of a signal, in tuples and dicts of them too."""
    from quantstrats.models.base import FittedModel
    from quantstrats.models.hidden_markov import FittedHiddenMarkov

    if isinstance(value, FittedModel | FittedHiddenMarkov):
        yield value
        return
    inside: list[Any] = []
    if isinstance(value, Signal) and dataclasses.is_dataclass(value):
        inside = [getattr(value, each.name) for each in dataclasses.fields(value)]
    elif isinstance(value, dict):
        inside = list(value.values())
    elif isinstance(value, list | tuple):
        inside = list(value)
    for item in inside:
        yield from _models(item)


def _classes(value: Any) -> Iterator[type]:
    """Yield the class of a learner and of each dataclass in its fields; its parts are known by their forecasts."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield type(value)
        inside = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, dict):
        inside = list(value.values())
    else:
        inside = list(value) if isinstance(value, list | tuple) else []
    for item in inside:
        if not isinstance(item, Signal):
            yield from _classes(item)


def _typed(value: Any) -> Any:
    """Return plain data that differs wherever two fields' values, or their types, do; a configuration's does not.

    A signal among the fields is a part: it is known by its forecasts, and here by its fields alone.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.init]
        inside: Any = [[name, _typed(getattr(value, name))] for name in fields]
    elif isinstance(value, Mapping):
        inside = [[_typed(key), _typed(item)] for key, item in value.items()]  # their order may matter to fit
    elif isinstance(value, set | frozenset):
        inside = sorted(json.dumps(_typed(item)) for item in value)
    elif isinstance(value, list | tuple):
        inside = [_typed(item) for item in value]
    elif isinstance(value, Enum):
        inside = value.name
    elif type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        inside = [str(value.dtype), str(value.shape), _typed(value.tolist())]
    else:
        inside = repr(value)  # of numbers, texts, dates and paths it says all
    return [f"{type(value).__module__}.{type(value).__qualname__}", inside]


def _check_fitted(learner: Learner, signal: object) -> None:
    who = f"learner {learner.name!r}: fit()"
    if signal is None:
        return
    if not isinstance(signal, Signal) or isinstance(signal, Learner):
        raise SignalError(f"{who} returned {type(signal).__name__}, not a Signal (or None, where nothing is learned)")
    if signal.resets is not None:
        raise SignalError(f"{who} returned a signal with resets; it starts afresh at each refit as it is")
    if parts_of(signal):
        raise SignalError(f"{who} returned a signal with parts; name them in the learner and use market.parts")
    if warmup_of(signal) > warmup_of(learner):
        raise SignalError(
            f"{who} returned a signal with a warm-up of {warmup_of(signal)} rows; "
            f"the learner's own, {warmup_of(learner)}, must be at least that"
        )
