"""What ``quantstrats simulate`` prints: where to connect, a line for each session, a summary."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from quantstrats.cli.texts import WIDTH, count, cut, path_in_short, symbols_in_short

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from quantstrats.market.market import Market
    from quantstrats.simulator.events import Event
    from quantstrats.simulator.exchange import Exchange
    from quantstrats.simulator.faults.faults import Faults
    from quantstrats.simulator.simulator import Simulator

_EVENTS = {"fill": "fills", "partial_fill": "fills", "rejected": "rejected", "canceled": "canceled"}


class Tally:
    """Counts what happens, session by session. It hears on the servers' thread and is read on another."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self.sessions = 0
        self._time = 0
        self._number = 0
        self._session: Counter[str] = Counter()
        self._closed: deque[tuple[int, Counter[str]]] = deque()
        self._faults = 0
        self._has_heading = False

    def hear(self, event: Event) -> None:
        """Count an event."""
        from quantstrats.simulator.events import OrderEvent, SessionEvent

        if event.time < self._time:  # somebody has let it start over
            self.total.clear()
            self._session.clear()
            self.sessions = self._number = self._faults = 0
        self._time = event.time
        if isinstance(event, OrderEvent):
            self._count("orders", max(event.order.number - self._number, 0))
            self._number = max(self._number, event.order.number)
            if event.event in _EVENTS:
                self._count(_EVENTS[event.event], 1)
        elif isinstance(event, SessionEvent) and event.what == "close":
            self.sessions += 1
            self._closed.append((event.time, self._session))
            self._session = Counter()

    def lines(self, simulator: Simulator) -> list[str]:
        """Return the lines of the sessions that have closed since it was asked last."""
        lines = []
        while self._closed:
            time, counted = self._closed.popleft()
            lines += self._heading()
            lines.append(self._line(simulator, time, counted))
        return lines

    def _heading(self) -> list[str]:
        if self._has_heading:
            return []
        self._has_heading = True
        return ["", f"{'session':<12}{'orders':>9}{'fills':>9}{'rejected':>10}{'faults':>9}{'equity':>20}"]

    def _line(self, simulator: Simulator, time: int, counted: Counter[str]) -> str:
        from quantstrats.simulator.times import day_in_new_york

        so_far = 0 if simulator.faults is None else simulator.faults.counts.total()
        faults, self._faults = max(so_far - self._faults, 0), so_far
        equity = simulator.ask(lambda exchange: _equity_at(exchange, time))
        return (
            f"{day_in_new_york(time)!s:<12}{counted['orders']:>9,}{counted['fills']:>9,}{counted['rejected']:>10,}"
            f"{faults:>9,}{equity:>20,.2f}"
        )

    def _count(self, what: str, number: int) -> None:
        self.total[what] += number
        self._session[what] += number


def greeting(simulator: Simulator, market: Market, script: Path | None, faults: Faults | None, *, waits: bool) -> str:
    """Return where clients connect, with which keys, and what they meet."""
    exchange = simulator.exchange
    tape, first = exchange.tape, exchange.started_at
    bars = "daily bars" if tape.daily else f"bars of {_minutes(tape)}"
    span = f"{_day(first)} to {tape.session_days[-1]}"
    past = exchange.row + 1
    speed = "as fast as clients read"
    if simulator.speed is None:
        speed = "stands until POST /advance"
    elif isinstance(simulator.speed, float):
        speed = f"speed {simulator.speed:,.10g}"
    lines = [
        f"Simulated exchange: {symbols_in_short(list(market.symbols))}, {bars}, {span}",
        "",
        f"REST        {simulator.url}",
        f"Orders      {simulator.stream_url}",
        f"Bars        {simulator.data_stream_url('iex')} (or /v2/sip)",
        f"Key         {simulator.key}",
        f"Secret      {simulator.secret}",
        f"Status      {simulator.url}/ in a browser",
        f"Control     {simulator.control_url}",
        f"Reach       {simulator.reach}",
        f"Clock       {speed}, from {_clock(first)} New York",
    ]
    if past:
        lines.append(f"Past        {count(past, 'bar')} before that, for clients that ask")
    if faults is not None and script is not None:
        entries = len(faults.script.entries)
        told = f"{entries} {'entry' if entries == 1 else 'entries'} of {path_in_short(script)}"
        lines.append(f"Faults      {told}")
    lines.append("")
    lines.append("The clock stands until a client connects." if waits else "Ctrl-C ends it.")
    return "\n".join(lines)


def summary(simulator: Simulator, tally: Tally, folder: Path) -> str:
    """Return what has happened, and where all of it is written."""
    exchange = simulator.exchange
    begin = sum(each.cash for each in exchange.settings.accounts)
    equity = simulator.ask(_equity)
    total = tally.total
    how = "the bars have ended" if simulator.ended else f"ended at {_clock(simulator.ask(lambda e: e.now))} New York"
    became = f"{count(total['fills'], 'fill')}, {total['canceled']:,} canceled, {total['rejected']:,} rejected"
    lines = [
        "",
        f"Sessions    {tally.sessions}, {how}",
        f"Orders      {total['orders']:,}: {became}",
        f"Equity      {equity:,.2f}, {equity - begin:+,.2f} since the start",
    ]
    if simulator.faults is not None:
        lines += _faults(simulator.faults)
    if simulator.failures:
        lines.append(f"Failures    {len(simulator.failures)} of the exchange itself; please report them:")
        lines += [cut(f"            {type(each).__name__}: {each}", WIDTH) for each in simulator.failures[:3]]
    lines.append(f"Wire log    {path_in_short(folder / 'wire.jsonl')}")
    lines.append(f"Ledger      {path_in_short(folder / 'ledger.jsonl')}")
    if simulator.faults is not None:
        lines.append(f"Fault log   {path_in_short(folder / 'faults.jsonl')}")
    return "\n".join(lines)


def _faults(faults: Any) -> list[str]:
    import textwrap

    told = ", ".join(f"{name} {number:,}" for name, number in sorted(faults.counts.items()))
    lines = textwrap.wrap(f"{faults.counts.total():,}{': ' if told else ''}{told}", WIDTH - 12)
    idle = ", ".join(f"{entry.number} ({entry.kind.fault})" for entry in faults.idle)
    if idle:
        lines += textwrap.wrap(f"never happened: entry {idle}", WIDTH - 12)
    return [f"{'Faults' if not place else '':<12}{line}" for place, line in enumerate(lines)]


def _equity(exchange: Exchange) -> Decimal:
    from decimal import Decimal

    return sum((exchange.account(account).equity for account in exchange.account_ids), Decimal(0))


def _equity_at(exchange: Exchange, time: int) -> Decimal:
    """Return the equity at the close at an instant; that of now where it is forgotten."""
    from decimal import Decimal

    at_close = [dict(exchange.history(account)).get(time) for account in exchange.account_ids]
    known = [each for each in at_close if each is not None]
    return sum(known, Decimal(0)) if len(known) == len(at_close) else _equity(exchange)


def _minutes(tape: Any) -> str:
    minutes = int((tape.ends[0] - tape.starts[0]) // 60_000_000_000)
    return count(minutes, "minute")


def _clock(time: int) -> str:
    from quantstrats.simulator.times import new_york

    return f"{new_york(time):%a %Y-%m-%d %H:%M:%S}"


def _day(time: int) -> str:
    return _clock(time)[4:14]
