"""Faults: the running script. The server and the exchange ask it what goes wrong, and it logs what did."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.errors import ConfigError
from quantstrats.simulator.events import Event, OrderEvent
from quantstrats.simulator.faults.acts import Act, Disconnect
from quantstrats.simulator.faults.answers import RequestFault, StalePositions
from quantstrats.simulator.faults.broker import Troublesome
from quantstrats.simulator.faults.causes import of_event, of_frame, symbol_of
from quantstrats.simulator.faults.clock import nanoseconds, retimed, retimed_body
from quantstrats.simulator.faults.frames import Content, Frame, Replay, Way
from quantstrats.simulator.faults.occasions import Occasion, Trigger
from quantstrats.simulator.faults.script import Entry, Script, read_script
from quantstrats.simulator.faults.stale import Snapshots
from quantstrats.simulator.faults.world import Links, World
from quantstrats.simulator.orders import Refused
from quantstrats.simulator.times import rfc3339

if TYPE_CHECKING:
    from quantstrats.simulator.exchange import Exchange
    from quantstrats.simulator.orders import Order
    from quantstrats.simulator.trouble import Trouble

KEPT = 100_000
UNAVAILABLE = 503
_FILLS = ("fill", "partial_fill")


class Faults:
    """What goes wrong between the exchange and its clients, by a script. It begins anew with each exchange.

    The same script, seed and sequence of calls give the same faults: each entry counts and draws by itself, so that
    another entry, or another order of keys, moves none. Times are simulated ones, but for what makes a client wait for
    an answer (``slow``, ``hang``, ``fill_before_answer``), since the client's patience is real.

    Parameters
    ----------
    script : Script
        What goes wrong, and when.
    seed : int, optional
        Of what is drawn, where the script says none.
    file : Path or None, optional
        Where the log is written as well, a JSON line for each fault; it is replaced.

    Attributes
    ----------
    script
        As given.
    trouble : Trouble
        What the exchange asks: give it to the exchange.
    log : deque of dict
        Each fault that happened, the last 100,000: ``n`` (1, 2 ...), ``at`` (simulated time), ``fault``, ``entry`` (its
        number in the script), ``script`` (the entry itself), ``cause`` (which request, event or time) and ``did``.
    counts : Counter
        How often each fault has happened.
    """

    def __init__(self, script: Script, seed: int = 0, file: Path | None = None) -> None:
        self.script = script
        self.trouble: Trouble = Troublesome(self._of_order)
        self.log: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.counts: Counter[str] = Counter()
        self._seed = seed if script.seed is None else script.seed
        self._file = file.open("w", encoding="utf-8") if file else None
        self._world: World | None = None
        self._restart()

    def begin(self, exchange: Exchange, links: Links | None = None) -> None:
        """Begin anew, with an exchange that has not been moved yet, and the connections of its server.

        Raises
        ------
        ConfigError
            If the script names a symbol that the bars lack, or an instant before they begin.
        """
        self._check(exchange)
        self._world = World(exchange, links)
        self._restart()
        exchange.listeners.insert(0, self._hear)
        exchange.listeners.append(self._hear_last)
        for entry in self._acts:
            if entry.on.at is not None:
                exchange.at(entry.on.at, partial(self._at_its_time, entry))

    def on_request(
        self, method: str, path: str, account: str, now: int, body: bytes = b"", request_id: str = ""
    ) -> RequestFault | None:
        """Return what goes wrong with a request; None for nothing.

        Parameters
        ----------
        method, path : str
            Of the request.
        account : str
            Id of the account.
        now : int
            Nanoseconds since 1970 (UTC).
        body : bytes, optional
            As sent: the symbol of an order is looked for in it.
        request_id : str, optional
            As in the wire log.
        """
        cause = {"request": f"{method} {path}", "request_id": request_id}
        if self.world.down_until > now:
            return RequestFault(reset=True)
        if not self._requests and not self._acts_on_requests:
            return None
        occasion = Occasion(account=account, request=cause["request"], symbol=symbol_of(path, body), cause=cause)
        fault: RequestFault | None = None
        for entry in self._requests:
            if occasion.request.startswith(entry.kind.of) and self._triggers[entry.number].meets(occasion, now):
                found, did = self._answer(entry, path, occasion)
                self._note(entry, occasion, did)
                fault = found if fault is None else fault.with_also(found)
        for entry in self._acts_on_requests:
            if self._triggers[entry.number].meets(occasion, now):
                self._act(entry, occasion)
        if self.world.down_until > now:
            return RequestFault(reset=True)
        return fault

    def on_frame(self, stream: str, account: str | None, frame: dict[str, Any]) -> list[Frame]:
        """Return what is sent instead of a message of a stream: nothing, it, more of it, something else.

        Parameters
        ----------
        stream : str
            trade_updates, or the feed: iex, sip.
        account : str
            Id of the account whose clients it is for. It is asked once for all of them.
        frame : dict
            The message.
        """
        now = self.world.exchange.now
        way = self._way(stream, account)
        if stream == "trade_updates":
            offset = self.clock_offset(now)
            frame = retimed(frame, offset) if offset else frame
        if way.is_mute:
            return []
        way.recent.append(frame)
        waiting = way.waiting()
        contents = self._told(frame, way, of_frame(stream, account, frame), now)
        return [Frame(each) for each in contents + way.passed(waiting)]

    def on_connect(self, stream: str, account: str | None) -> int | None:
        """Return with which HTTP status, or error of the stream, a new connection is refused; None if it is not."""
        now = self.world.exchange.now
        if self.world.down_until > now:
            return UNAVAILABLE
        status: int | None = None
        occasion = Occasion(account=account, stream=stream, cause={"connection": stream})
        for entry in self._refusals:
            if self._triggers[entry.number].meets(occasion, now) and status is None:
                status = int(entry.kind.status)
                self._note(entry, occasion, f"refused with {status}")
        return status

    def on_listen(self, stream: str, account: str | None) -> list[dict[str, Any]]:
        """Return what a client is told again that begins to listen; nothing unless it has listened before."""
        recent = self._way(stream, account).recent
        if not recent:
            return []
        occasion = Occasion(account=account, stream=stream, cause={"listens_again": stream})
        messages = 0
        for entry in self._replays:
            if self._triggers[entry.number].meets(occasion, self.world.exchange.now):
                messages = max(messages, min(entry.kind.messages, len(recent)))
                self._note(entry, occasion, f"sent the last {min(entry.kind.messages, len(recent))} again")
        return list(recent)[len(recent) - messages :]

    def on_answer(self, path: str, body: bytes, now: int) -> bytes:
        """Return a good answer's body as the server's clock has it."""
        if not self._clocks or path.startswith("/v2/stocks") or path in ("/v2/clock", "/v2/calendar"):
            return body
        offset = self.clock_offset(now)
        return retimed_body(body, offset) if offset else body

    def clock_offset(self, now: int) -> int:
        """Return by how many nanoseconds what the server tells of the time is ahead."""
        total = 0
        for entry in self._clocks:
            if entry.on.is_during(now):
                total += nanoseconds(entry.kind.seconds)
                if not self._triggers[entry.number].fired:
                    self._triggers[entry.number].fired = 1
                    self._note(entry, Occasion(cause={"time": rfc3339(now)}), f"{entry.kind.seconds:+g} s")
        return total

    @property
    def idle(self) -> list[Entry]:
        """The entries of the script that have not happened yet."""
        return [entry for entry in self.script.entries if not self._triggers[entry.number].fired]

    @property
    def world(self) -> World:
        """What it works on.

        Raises
        ------
        RuntimeError
            If it has not begun.
        """
        if self._world is None:
            raise RuntimeError("the faults have not begun; call begin(exchange)")
        return self._world

    def close(self) -> None:
        """Finish the file of the log."""
        if self._file:
            self._file.close()
            self._file = None

    def _restart(self) -> None:
        self.log.clear()
        self.counts.clear()
        if self._file:
            self._file.seek(0)
            self._file.truncate()
        self._ways: dict[tuple[str, str | None], Way] = {}
        entries = self.script.entries
        self._triggers = {
            each.number: Trigger(each.on, f"{self._seed}/faults/{each.text}/{each.copy}") for each in entries
        }
        self._requests = [each for each in entries if each.kind.occasion == "request"]
        self._frames = [each for each in entries if each.kind.occasion in ("frame", "bar")]
        self._refusals = [each for each in entries if each.kind.occasion == "connection"]
        self._replays = [each for each in entries if isinstance(each.kind, Replay)]
        self._orders = [each for each in entries if each.kind.occasion == "order"]
        self._clocks = [each for each in entries if each.kind.occasion == "window"]
        self._acts = [each for each in entries if isinstance(each.kind, Act)]
        self._acts_on_requests = [each for each in self._acts if each.on.request is not None]
        self._acts_on_events = [each for each in self._acts if each.on.event is not None]
        stale = [each.kind.seconds for each in entries if isinstance(each.kind, StalePositions)]
        self._snapshots = Snapshots(max(stale)) if stale else None

    def _check(self, exchange: Exchange) -> None:
        for entry in self.script.entries:
            for symbol in (entry.on.symbol, getattr(entry.kind, "symbol", None)):
                if symbol is not None and symbol not in exchange.tape.symbols:
                    known = ", ".join(exchange.tape.symbols[:5])
                    raise ConfigError(f"faults, entry {entry.number}: there are no bars of {symbol} ({known} ...)")
            moment = entry.on.at
            if moment is not None and moment < exchange.started_at:
                begin = rfc3339(exchange.started_at)
                raise ConfigError(f"faults, entry {entry.number}: {rfc3339(moment)} is before the beginning, {begin}")

    # What the exchange does.

    def _hear(self, event: Event) -> None:
        """Hear of an event before the clients do."""
        if isinstance(event, OrderEvent) and event.event in _FILLS:
            self.world.fills.append(event)
            if self._snapshots is not None:
                self._snapshots.take(self.world.exchange, event.account)
        if self._acts_on_events:
            self._follow(event, is_last=False)

    def _hear_last(self, event: Event) -> None:
        """Hear of an event after the clients have been told."""
        if self._acts_on_events:
            self._follow(event, is_last=True)

    def _follow(self, event: Event, *, is_last: bool) -> None:
        occasion = of_event(event)
        if occasion is None:
            return
        for entry in self._acts_on_events:
            comes_last = isinstance(entry.kind, Disconnect) and not entry.kind.lost
            if comes_last == is_last and self._triggers[entry.number].meets(occasion, event.time):
                self._act(entry, occasion)

    def _of_order(self, kind: type[Any], order: Order) -> Iterator[tuple[Any, Callable[[str], None]]]:
        """Yield the faults of a kind that happen to an order now, each with what logs it."""
        for entry in self._orders:
            fault = entry.kind
            if not isinstance(fault, kind) or (hasattr(fault, "is_meant") and not fault.is_meant(order)):
                continue
            cause = {"order_id": order.id, "client_order_id": order.client_order_id, "symbol": order.symbol}
            occasion = Occasion(account=order.account, symbol=order.symbol, side=order.side, cause=cause)
            if self._triggers[entry.number].meets(occasion, self.world.exchange.now):
                yield fault, partial(self._note, entry, occasion)

    # What is done.

    def _answer(self, entry: Entry, path: str, occasion: Occasion) -> tuple[RequestFault, str]:
        if self._snapshots is not None and isinstance(entry.kind, StalePositions):
            then = self.world.exchange.now - nanoseconds(entry.kind.seconds)
            told = self._snapshots.answer(path, occasion.account or "", then)
            return RequestFault(when="after", told=told), f"answered the positions of {rfc3339(then)}"
        fault, did = entry.kind.answer()
        return fault, did

    def _told(self, frame: dict[str, Any], way: Way, occasion: Occasion, now: int) -> list[Content]:
        contents: list[Content] = [frame]
        for entry in self._frames:
            is_its = (frame.get("T") == "b") if entry.kind.occasion == "bar" else _is_of(entry, occasion.stream)
            if not is_its or not self._triggers[entry.number].meets(occasion, now):
                continue
            after: list[Content] = []
            for content in contents:
                if isinstance(content, bytes):
                    after.append(content)
                    continue
                sent, did = entry.kind.tell(content, way)
                self._note(entry, occasion, did)
                after += sent
            contents = after
        return contents

    def _at_its_time(self, entry: Entry) -> None:
        occasion = Occasion(account=self._account_of(entry), cause={"time": rfc3339(self.world.exchange.now)})
        self._triggers[entry.number].fired += 1
        self._act(entry, occasion)

    def _act(self, entry: Entry, occasion: Occasion) -> None:
        exchange, act = self.world.exchange, entry.kind
        if act.waits or act.after_s:
            exchange.at(exchange.now + nanoseconds(act.after_s), partial(self._do, entry, occasion))
        else:
            self._do(entry, occasion)

    def _do(self, entry: Entry, occasion: Occasion) -> None:
        try:
            did = entry.kind.do(self.world, occasion, entry.on)
        except Refused as refused:
            did = f"nothing: {refused.message}"
        self._note(entry, occasion, did)

    def _way(self, stream: str, account: str | None) -> Way:
        way = self._ways.get((stream, account))
        if way is None:
            exchange = self.world.exchange
            send = partial(self._send, stream, account)
            way = self._ways[stream, account] = Way(send, exchange.at, lambda: exchange.now)
        return way

    def _send(self, stream: str, account: str | None, content: Content) -> None:
        if self.world.links is not None:
            self.world.links.send(stream, account, content)

    def _account_of(self, entry: Entry) -> str | None:
        for account in self.world.exchange.account_ids:
            if entry.on.account is not None and entry.on.fits(Occasion(account=account)):
                return account
        return None

    def _note(self, entry: Entry, occasion: Occasion, did: str) -> None:
        name = entry.kind.fault
        self.counts[name] += 1
        line = {
            "n": self.counts.total(),
            "at": rfc3339(self.world.exchange.now),
            "fault": name,
            "entry": entry.number,
            "script": json.loads(entry.text),
            "account": occasion.account,
            "cause": dict(occasion.cause),
            "did": did,
        }
        self.log.append(line)
        if self._file:
            self._file.write(json.dumps(line) + "\n")


def faults_of(given: Any, seed: int = 0, file: Path | None = None) -> Faults | None:
    """Return running faults of a fault script: a path, or what it says; None of None, and faults as they are.

    Parameters
    ----------
    given : Faults, Script, str, Path, mapping or None
        What goes wrong.
    seed : int, optional
        Of what is drawn, where the script says none.
    file : Path or None, optional
        Where the log is written as well.

    Raises
    ------
    ConfigError
        As :func:`quantstrats.simulator.faults.script.read_script`.
    """
    if given is None or isinstance(given, Faults):
        return given
    script = given if isinstance(given, Script) else read_script(given)
    return Faults(script, seed, file)


def _is_of(entry: Entry, stream: str) -> bool:
    """Tell whether a fault of frames is of a stream: of orders, unless the script says another."""
    return (entry.on.stream or "trade_updates") == stream
