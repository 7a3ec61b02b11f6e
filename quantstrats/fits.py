"""Fits: what learners learned, each slice once; a cache, so that absent means fitted again."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from quantstrats.calls import call, warmup_of
from quantstrats.config import describe
from quantstrats.errors import SignalError
from quantstrats.hashing import hash_parts, hash_plain
from quantstrats.learning import Learner
from quantstrats.signals import Signal, parts_of

if TYPE_CHECKING:
    from quantstrats.market.market import Market


class Fits:
    """The fitted signals of a run, and of those before it where a folder keeps them.

    A fit is known by the hash of its learner (class, fields and code), of the slice with its parts and side series,
    and of all installed versions. It is written as soon as it is made, so that an interruption loses one at most.

    Parameters
    ----------
    folder : Path, optional
        Where fits are kept between processes; None keeps them for this object's life alone.

    Attributes
    ----------
    made, recalled : int
        How many fits were made, and how many came from the folder.
    notes : list of str
        Why a fit could not be kept, one line for each learner.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.made = 0
        self.recalled = 0
        self.notes: list[str] = []
        self._fitted: dict[str, Signal | None] = {}

    def fitted(self, learner: Learner, market: Market) -> Signal | None:
        """Return the signal that the learner makes of exactly these rows; None where it learns nothing.

        Raises
        ------
        SignalError
            If ``fit`` fails, or returns something else than a signal that can serve.
        """
        key = self._key(learner, market)
        if key not in self._fitted:
            known, signal = self._recall(learner, key)
            if known:
                self.recalled += 1
            else:
                signal = self._fit(learner, market)
                self._keep(learner, key, signal)
            self._fitted[key] = signal
        return self._fitted[key]

    def _fit(self, learner: Learner, market: Market) -> Signal | None:
        span = f"on the bars {market.session[0].date()} to {market.session[-1].date()}"
        signal = call(learner, "fit", market, on=span)
        self.made += 1
        _check_fitted(learner, signal)
        return signal  # type: ignore[no-any-return]  # checked above

    def _key(self, learner: Learner, market: Market) -> str:
        from quantstrats.provenance import hash_reachable_code, hash_versions

        return hash_parts(
            {
                "learner": hash_plain(describe(learner)),
                "code": hash_reachable_code(type(learner)),
                "versions": hash_versions(),
                "slice": market.learning_hash,
            }
        )

    def _path(self, key: str) -> Path | None:
        return None if self.folder is None else self.folder / key[:2] / f"{key}.zip"

    def _recall(self, learner: Learner, key: str) -> tuple[bool, Signal | None]:
        from quantstrats.fitted_state import UnsafeStateError, unpack

        path = self._path(key)
        if path is None or not path.exists():
            return False, None
        try:
            signal = unpack(path.read_bytes(), type(learner).__module__)
            _check_fitted(learner, signal)
        except (OSError, UnsafeStateError, SignalError) as spoilt:
            self._note(f"a stored fit of {learner.name!r} was not used: {spoilt}")
            return False, None
        return True, signal

    def _keep(self, learner: Learner, key: str, signal: Signal | None) -> None:
        from quantstrats.fitted_state import UnsafeStateError, pack
        from quantstrats.provenance import has_source

        path = self._path(key)
        if path is None or not has_source(type(learner)):
            return
        try:
            content = pack(signal)
        except UnsafeStateError as opaque:
            self._note(f"fits of {learner.name!r} are not kept between runs: {opaque}")
            return
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(3)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            temporary.replace(path)
        except OSError as error:
            self._note(f"fits of {learner.name!r} are not kept between runs: {error.strerror or error}")
        finally:
            temporary.unlink(missing_ok=True)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


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
