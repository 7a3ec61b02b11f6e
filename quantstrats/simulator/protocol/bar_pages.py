"""Bars of the past, a page at a time: sorted by symbol, then by time."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from quantstrats.simulator.protocol.bars import bars_json
from quantstrats.simulator.protocol.errors import bad_field
from quantstrats.simulator.protocol.queries import Query, count, instant, word, words
from quantstrats.simulator.timeframes import Timeframe, timeframe_of
from quantstrats.simulator.times import day_in_new_york, new_york_ns

if TYPE_CHECKING:
    from quantstrats.simulator.history import Bars, History

USUAL_LIMIT, MOST = 1000, 10_000
# Beyond it no label fits 64 bits.
_LAST_LABEL = 2**63 - 1
_ADJUSTMENTS = {
    "raw": frozenset[str](),
    "split": frozenset({"split"}),
    "dividend": frozenset({"dividend"}),
    "spin-off": frozenset[str](),
    "all": frozenset({"split", "dividend"}),
}


def bars_page(
    history: History, symbols: Sequence[str], row: int, now: int, query: Query
) -> tuple[dict[str, list[dict[str, Any]]], str | None]:
    """Return a page of bars and the token of the next one, None after the last.

    Parameters
    ----------
    history : History
        The bars.
    symbols : sequence of str
        Columns of the tape, sorted.
    row : int
        Last row that is complete.
    now : int
        Nanoseconds since 1970 (UTC).
    query : mapping of str to str
        ``timeframe``; ``start`` (the beginning of the day unless told otherwise) and ``end`` (now), both included;
        ``limit`` of all symbols together; ``adjustment``, one or several of raw, split, dividend, spin-off and all;
        ``sort`` asc or desc, within a symbol; ``page_token``.

    Raises
    ------
    Refused
        422 for a parameter that makes no sense.
    """
    timeframe, adjust = _timeframe(query), _adjustment(query)
    limit = count(query, "limit", USUAL_LIMIT, MOST)
    is_ascending = word(query, "sort", ("asc", "desc"), "asc") == "asc"
    start, end = _span(query, now)
    since = _place(query.get("page_token"))
    page: dict[str, list[dict[str, Any]]] = {}
    for symbol in symbols:
        first, last = start, end
        if since is not None:
            if symbol < since[0]:
                continue
            if symbol == since[0]:
                first, last = (since[1] + 1, end) if is_ascending else (start, since[1] - 1)
        bars = _found(history, symbol, timeframe, row, first, last, adjust)
        if len(bars) and limit == 0:
            return page, _token(*since) if since else None
        told = _cut(bars, limit, is_ascending)
        if told:
            page[symbol] = told
            limit -= len(told)
            edge = len(told) - 1 if is_ascending else len(bars) - len(told)
            since = symbol, int(bars.labels[edge])
            if len(told) < len(bars):
                return page, _token(*since)
    return page, None


def _found(
    history: History, symbol: str, timeframe: Timeframe, row: int, start: int, end: int, adjust: frozenset[str]
) -> Bars:
    try:
        return history.bars(symbol, timeframe, row, start, end, adjust)
    except ValueError as error:
        raise bad_field(f"invalid timeframe: {error}") from None


def _cut(bars: Bars, limit: int, is_ascending: bool) -> list[dict[str, Any]]:
    wanted = slice(0, limit) if is_ascending else slice(max(len(bars) - limit, 0), None)
    told = bars_json(bars.part(wanted))
    return told if is_ascending else told[::-1]


def _timeframe(query: Query) -> Timeframe:
    text = query.get("timeframe")
    if not text:
        raise bad_field("timeframe is required")
    try:
        return timeframe_of(text)
    except ValueError as error:
        raise bad_field(f"invalid timeframe: {error}") from None


def _adjustment(query: Query) -> frozenset[str]:
    adjust = frozenset[str]()
    for name in words(query, "adjustment") or ["raw"]:
        if name not in _ADJUSTMENTS:
            raise bad_field(f"invalid adjustment: must be one of {', '.join(_ADJUSTMENTS)}")
        adjust |= _ADJUSTMENTS[name]
    return adjust


def _span(query: Query, now: int) -> tuple[int, int]:
    start, end = instant(query, "start"), instant(query, "end")
    start = new_york_ns(day_in_new_york(now)) if start is None else start
    end = now if end is None else end
    if end < start:
        raise bad_field("end should not be before start")
    return start, end


def _token(symbol: str, label: int) -> str:
    return base64.urlsafe_b64encode(f"{label}|{symbol}".encode()).decode()


def _place(token: str | None) -> tuple[str, int] | None:
    """Return the symbol and label of the last bar of the page before."""
    if not token:
        return None
    try:
        label, _, symbol = base64.b64decode(token, altchars=b"-_", validate=True).decode().partition("|")
        place = int(label)
    except (binascii.Error, ValueError):
        raise bad_field("invalid page_token") from None
    if abs(place) >= _LAST_LABEL:
        raise bad_field("invalid page_token")
    return symbol, place
