"""The hold-out's locks: which runs opened it, and how often it was opened before.

A strategy that was chosen by what it made on the hold-out was optimised on it. Nobody can forbid that, so it is
counted. The same hold-out is what shares a symbol and a session with it: neither a symbol more or less, nor another
share or first day, nor the same symbols from another source make a fresh one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.atomic import locked, write_whole
from quantstrats.errors import RunError, in_one_line
from quantstrats.hashing import hash_plain
from quantstrats.home import logs_folder
from quantstrats.market.holdout import HoldOut

if TYPE_CHECKING:
    from quantstrats.market.market import Market

_SUFFIX = ".jsonl"
# Under a symbol, other parameters of this source draw other bars; but for these, and for what is done to the bars.
_DRAWN = "synthetic"
_SAME_BARS = ("count", "bars", "side", "repair", "resample", "multiplier")
_looking_again: ContextVar[bool] = ContextVar("looking_again", default=False)


@dataclass(frozen=True)
class Opening:
    """One run that opened a hold-out.

    Attributes
    ----------
    run_id : str
        The run.
    opened_at : str
        When it began: an instant in UTC.
    signal : str
        What it traded.
    source : str
        Where its bars came from.
    symbols : list of str
        What it saw of the hold-out.
    first, last : str
        The sessions that it saw of it.
    drawn : dict
        What the bars were drawn by, where they were drawn at random; else empty.
    """

    run_id: str
    opened_at: str
    signal: str
    source: str
    symbols: list[str]
    first: str
    last: str
    drawn: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for day in (self.first, self.last):
            date.fromisoformat(day)
        datetime.fromisoformat(self.opened_at)
        if not isinstance(self.symbols, list) or not self.symbols:
            raise ValueError("it names no symbols")

    def meets(self, other: Opening) -> bool:
        """Tell whether both see one bar, or one like it."""
        same_days = self.first <= other.last and other.first <= self.last
        return same_days and self.drawn == other.drawn and not set(self.symbols).isdisjoint(other.symbols)


@contextmanager
def looking_again() -> Iterator[None]:
    """Count no opening inside: a run that was counted is run again for verification."""
    token = _looking_again.set(True)
    try:
        yield
    finally:
        _looking_again.reset(token)


def holdouts_folder() -> Path:
    """Return the folder that holds a lock file for each hold-out that was opened."""
    return logs_folder() / "holdouts"


def begin_run(market: Market, run_id: str, signal: str) -> list[str]:
    """Enter a run that begins, if it opens a hold-out, and return what its reports must say of the hold-out.

    Parameters
    ----------
    market : Market
        The bars that it sees.
    run_id : str
        Its id.
    signal : str
        The name of its signal.

    Raises
    ------
    RunError
        If a lock file cannot be read or written; the run must not go on.
    """
    held = HoldOut.of(market)
    if held is None:
        return []
    opening = _opening(market, held, run_id, signal)
    if not held.is_in(market):
        before = [each for each in openings() if each.meets(opening)]
        return [f"{held.text}{_told(before)}"]
    since = f"the hold-out from {opening.first} on"
    if _looking_again.get():
        return [f"{since} was looked at again, to verify a run that had opened it"]
    return [f"{since} was opened by this run, for the {_ordinal(_enter(opening))} time"]


def openings() -> list[Opening]:
    """Return all openings of all hold-outs, oldest first.

    Raises
    ------
    RunError
        If a lock file cannot be read.
    """
    try:
        files = sorted(holdouts_folder().glob(f"*{_SUFFIX}"))
    except OSError as error:
        raise _unusable(holdouts_folder(), error) from error
    return sorted((each for file in files for each in _read(file)), key=lambda each: each.opened_at)


def _opening(market: Market, held: HoldOut, run_id: str, signal: str) -> Opening:
    """Return the opening that a run is, or would be if it were shown what is held out."""
    source = str(market.origin.get("source"))
    drawn = {key: value for key, value in market.origin.items() if key not in _SAME_BARS}
    shown = held.is_in(market)
    return Opening(
        run_id=run_id,
        opened_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        signal=signal,
        source=source,
        symbols=[str(symbol) for symbol in market.symbols],
        first=max(held.first, market.session[0].date()).isoformat() if shown else held.first.isoformat(),
        last=market.session[-1].date().isoformat() if shown else held.last.isoformat(),
        drawn=drawn if source.rpartition(":")[2] == _DRAWN else {},
    )


def _enter(opening: Opening) -> int:
    """Add an opening to its lock file and return its number among those of the same hold-out, from 1 on."""
    folder = holdouts_folder()
    file = folder / f"{opening.first}-{hash_plain([sorted(opening.symbols), opening.drawn])[:12]}{_SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):  # nobody counts or writes meanwhile, so no opening is lost and no number given twice
            number = sum(each.meets(opening) for each in openings()) + 1
            lines = file.read_bytes().splitlines() if file.exists() else []
            write_whole(file, b"".join(line + b"\n" for line in [*lines, json.dumps(asdict(opening)).encode()]))
    except OSError as error:
        raise _unusable(file, error) from error
    return number


def _read(file: Path) -> Iterator[Opening]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise _unusable(file, error) from error
    for number, line in enumerate(lines, start=1):
        try:
            yield _of_plain(json.loads(line))
        except (ValueError, TypeError) as error:
            raise RunError(
                f"the hold-out's lock file {file} is damaged in line {number} ({in_one_line(error)}); nothing was "
                "written to it: mend the line, or put a copy back"
            ) from error


def _of_plain(told: Mapping[str, Any]) -> Opening:
    if not isinstance(told, dict):
        raise TypeError("it holds no mapping")
    return Opening(**told)


def _unusable(place: Path, error: Exception) -> RunError:
    return RunError(
        f"the hold-out's lock file {place} cannot be used: {in_one_line(error)}; set QUANTSTRATS_HOME to a folder that "
        "can be read and written"
    )


def _told(before: list[Opening]) -> str:
    if not before:
        return ""
    day = before[-1].opened_at[:10]
    return f"; it was opened {'once,' if len(before) == 1 else f'{len(before):,} times, last'} on {day}"


def _ordinal(number: int) -> str:
    """Return ``"first"``, ``"2nd"``, ``"11th"``."""
    if number == 1:
        return "first"
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"
