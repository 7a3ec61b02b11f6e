"""``quantstrats simulate``: replay bars as a live market that Alpaca's clients connect to."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import date

    from quantstrats.market.market import Market
    from quantstrats.simulator.faults.faults import Faults
    from quantstrats.simulator.faults.script import Script
    from quantstrats.simulator.simulator import Simulator

PORT = 8765
STEP = "step"
_RANDOM_FROM, _RANDOM_DAYS, _RANDOM_PAST = "2024-03-01", 5, 5
_RANDOM_SYMBOLS = "AAPL,MSFT,SPY"
_NEEDED = ("starlette", "uvicorn", "websockets", "msgpack")
_LOOK_S = 0.1


def simulate(
    data: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="Source of the bars (default: minute bars drawn at random)."),
    ] = None,
    symbols: Annotated[
        str | None, typer.Option(metavar="A,B", help=f"Symbols with commas (at random: {_RANDOM_SYMBOLS}).")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="data.KEY=VALUE", help="A setting of the source; may be repeated."),
    ] = None,
    speed: Annotated[
        str,
        typer.Option(
            metavar="1|1000|max|step",
            help="Simulated seconds per second; as fast as clients read; or only by POST /advance at the control port.",
        ),
    ] = "1",
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            help="First session (a minute before its open), or the very instant as 2024-03-01T04:00:00-05:00. "
            "Earlier bars are the past.",
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Sessions (default: all there are; at random: 5).")
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What goes wrong, in YAML; see docs/simulator.md.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of all that is random.")] = 0,
    cash: Annotated[str, typer.Option(metavar="AMOUNT", help="Dollars of the account at the start.")] = "100000",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="For clients; 0: any that is free.")] = PORT,
    control_port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="For the control endpoints; 0: any that is free.")
    ] = 0,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Address of this machine that clients connect to.")
    ] = "127.0.0.1",
    log: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the logs (default: logs/simulations/TIME).")
    ] = None,
) -> None:
    """Replay bars as a live market that speaks Alpaca's protocol, until they end or Ctrl-C; then print a summary."""
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.simulated import Tally, greeting, summary
    from quantstrats.cli.strangers import printed_aside
    from quantstrats.simulator.faults.script import read_script
    from quantstrats.simulator.server.pacing import MAX

    _check_installed()
    pace, dollars = _speed(speed), _dollars(cash)
    script = None if faults is None else read_script(faults)
    with progress_line(), printed_aside():
        market, begin = _bars(data, symbols, settings or [], start, days, seed)
        folder = _folder(log)
        simulator, wrong = _simulator(market, begin, folder, script, seed, dollars, pace, host, port, control_port)
    tally = Tally()
    simulator.listeners.append(tally.hear)
    try:
        with _terminated_like_interrupted(), simulator:
            typer.echo(greeting(simulator, market, faults, wrong, waits=pace == MAX))
            _watch(simulator, tally)
            told = summary(simulator, tally, folder)
    finally:
        _close(simulator, wrong)
    typer.echo(told)


def _watch(simulator: Simulator, tally: Any) -> None:
    """Print a line for each session until the bars end or the user ends it."""
    with contextlib.suppress(KeyboardInterrupt):
        has_ended = False
        while not has_ended:
            has_ended = simulator.wait(_LOOK_S)
            for line in tally.lines(simulator):
                typer.echo(line)


def _check_installed() -> None:
    from importlib.util import find_spec

    from quantstrats.errors import PluginError

    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise PluginError(
            f"the simulated exchange needs {', '.join(missing)}, not installed: pip install 'quantstrats[simulator]'"
        )


def _speed(text: str) -> float | str | None:
    from quantstrats.errors import ConfigError
    from quantstrats.simulator.server.pacing import MAX, checked_speed

    try:
        return None if text == STEP else checked_speed(text if text == MAX else float(text))
    except ValueError:  # a ConfigError is one
        told = "give simulated seconds per real second, over 0, max, or step"
        raise ConfigError(f"--speed is {text!r}; {told}") from None


def _dollars(text: str) -> Any:
    from decimal import Decimal, InvalidOperation

    from quantstrats.errors import ConfigError

    try:
        dollars = Decimal(text)
    except InvalidOperation:
        dollars = Decimal("NaN")
    if not (dollars.is_finite() and 0 <= dollars <= 10**12):
        raise ConfigError(f"--cash is {text!r}; give dollars, as 100000")
    return dollars


def _bars(
    data: str | None, symbols: str | None, settings: list[str], start: str | None, days: int | None, seed: int
) -> tuple[Market, int]:
    """Return the bars, and when the replay of them begins (nanoseconds since 1970, UTC)."""
    from quantstrats.errors import ConfigError
    from quantstrats.simulator.times import day_in_new_york, new_york_ns, parse_time

    try:
        asked = None if start is None else parse_time(start)
    except ValueError:
        raise ConfigError(f"--from is {start!r}; give a date as 2024-03-01, or a time with an offset") from None
    first = None if asked is None else day_in_new_york(asked)
    if data is None and not settings:
        market, first = _random_bars(symbols, first, days, seed)
    else:
        market = _loaded(data, symbols, settings)
    market, first = _cut(market, first, days)
    if asked is not None and asked != new_york_ns(day_in_new_york(asked)) and day_in_new_york(asked) == first:
        return market, asked
    return market, new_york_ns(first, 9, 29)


def _random_bars(symbols: str | None, first: date | None, days: int | None, seed: int) -> tuple[Market, date]:
    """Return minute bars drawn at random, those of some sessions before the first included."""
    from datetime import date, timedelta

    from quantstrats.errors import ConfigError
    from quantstrats.simulator.sample_bars import sample_minutes

    names = [name.strip() for name in (symbols or _RANDOM_SYMBOLS).split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise ConfigError(f"--symbols is {symbols!r}; give each symbol once, with commas between")
    if strange := [name for name in names if not re.fullmatch(r"[A-Z][A-Z0-9]*(\.[A-Z]+)?", name)]:
        raise ConfigError(f"--symbols has {strange[0]!r}; give stocks' symbols in capitals, as AAPL or BRK.B")
    first = date.fromisoformat(_RANDOM_FROM) if first is None else first
    past = first - timedelta(days=2 * _RANDOM_PAST)
    sessions = (_RANDOM_DAYS if days is None else days) + 2 * _RANDOM_PAST
    return sample_minutes(names, first=past, sessions=sessions, seed=seed), first


def _loaded(data: str | None, symbols: str | None, settings: list[str]) -> Market:
    from quantstrats.cli.data.options import asked_of
    from quantstrats.cli.strangers import installed_plugins

    asked = asked_of(None, settings, source=data, symbols=symbols, start=None, end=None)
    return asked.load(installed_plugins())


def _cut(market: Market, first: date | None, days: int | None) -> tuple[Market, date]:
    """Return the bars up to the last session, and the first session of the replay."""
    from quantstrats.errors import DataError

    sessions = [day.date() for day in market.session.unique()]
    ahead = [day for day in sessions if first is None or day >= first]
    if not ahead:
        raise DataError(f"--from {first}: the bars end on {sessions[-1]}; choose an earlier day")
    if days is not None:
        ahead = ahead[:days]
    return (market if ahead[-1] == sessions[-1] else market.between(None, ahead[-1])), ahead[0]


def _folder(log: Path | None) -> Path:
    """Return a new folder for the logs."""
    from datetime import datetime

    from quantstrats.errors import ConfigError
    from quantstrats.home import logs_folder

    folder = logs_folder() / "simulations" / f"{datetime.now():%Y%m%d-%H%M%S-%f}" if log is None else log
    if (folder / "wire.jsonl").exists():
        raise ConfigError(f"{folder} has the logs of another simulation; give --log another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("wire", "ledger", "faults"):
            (folder / f"{name}.jsonl").open("a").close()
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written ({error.strerror}); give --log another folder") from None
    return folder


def _simulator(
    market: Market,
    begin: int,
    folder: Path,
    script: Script | None,
    seed: int,
    dollars: Any,
    pace: float | str | None,
    host: str,
    port: int,
    control_port: int,
) -> tuple[Simulator, Faults | None]:
    from quantstrats.simulator.exchange import Exchange
    from quantstrats.simulator.faults.faults import faults_of
    from quantstrats.simulator.ledger import Ledger
    from quantstrats.simulator.server.pacing import MAX
    from quantstrats.simulator.server.wire_log import WireLog
    from quantstrats.simulator.settings import AccountSettings, Settings
    from quantstrats.simulator.simulator import Simulator
    from quantstrats.simulator.tape import tape_of
    from quantstrats.simulator.trouble import NO_TROUBLE

    wrong = faults_of(script, seed, folder / "faults.jsonl")
    usual = Settings().accounts[0]
    account = AccountSettings(key=usual.key, secret=usual.secret, cash=dollars)
    settings = Settings(seed=seed, accounts=(account,))
    trouble = NO_TROUBLE if wrong is None else wrong.trouble
    exchange = Exchange(tape_of(market), settings, trouble, Ledger(folder / "ledger.jsonl"), begin)
    made = Simulator(
        exchange,
        settings,
        wrong,
        host=host,
        port=port,
        control_port=control_port,
        speed=pace,
        wire_log=WireLog(folder / "wire.jsonl"),
        waits=pace == MAX,
    )
    return made, wrong


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let a request to terminate end it as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only the main one may ask for signals
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _close(simulator: Simulator, wrong: Faults | None) -> None:
    simulator.wire_log.close()
    simulator.ledger.close()
    if wrong is not None:
        wrong.close()
