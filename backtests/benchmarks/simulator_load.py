"""How much the simulated exchange bears: ``python backtests/benchmarks/simulator_load.py``.

The server runs in a process of its own, the clients are alpaca-py's, unmodified, in other processes; all share the
cores that the machine has. Printed are: orders a second, from one client and from several at once; the time of a
minute's bar until a client has read all symbols; a hundred clients with an account and an order stream each, and
whether each was told of its own fills and of no other's; and the server's memory over a simulated year.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import time
from collections import Counter
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before numpy is loaded

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

RICH = Decimal(10**12)
MB = 1 << 20


def minute_bars(symbols: int, sessions: int) -> Any:
    """Return a Market of random minutes from 2 January 2024 on."""
    from quantstrats import Market
    from quantstrats.market.calendar import Calendar

    first = pd.Timestamp("2024-01-02", tz="UTC")
    days = Calendar("XNYS").sessions(pd.Timestamp("2024-01-02"), pd.Timestamp("2025-12-31"))[:sessions]
    grid = Calendar("XNYS").grid(first, days[-1].tz_localize("UTC") + pd.Timedelta(days=1), pd.Timedelta("1min"))
    rng = np.random.default_rng(1)
    names = [f"S{number:03d}" for number in range(symbols)]
    close = 100 * np.exp(rng.normal(0, 2e-4, (len(grid.index), symbols)).cumsum(axis=0))
    frames = {field: pd.DataFrame(close, grid.index, names) for field in ("open", "high", "low", "close")}
    return Market.from_frames(**frames, volume=frames["close"] * 0 + 1e6, bar="1min")


def keys(accounts: int) -> list[tuple[str, str]]:
    """Return what each account signs in with."""
    return [(f"PK{number:06d}", f"secret-{number}") for number in range(accounts)]


def serve(talk: Connection, symbols: int, sessions: int, accounts: int) -> None:
    """Run an exchange that writes its logs to files, and do what is asked through the pipe."""
    from quantstrats.simulator.exchange import Exchange
    from quantstrats.simulator.ledger import Ledger
    from quantstrats.simulator.server.wire_log import WireLog
    from quantstrats.simulator.settings import AccountSettings, Settings
    from quantstrats.simulator.simulator import Simulator
    from quantstrats.simulator.tape import tape_of

    each = tuple(AccountSettings(key=key, secret=secret, cash=RICH) for key, secret in keys(accounts))
    settings = Settings(accounts=each)
    tape = tape_of(minute_bars(symbols, sessions))
    with TemporaryDirectory() as folder:
        ledger, wire_log = Ledger(Path(folder) / "ledger.jsonl"), WireLog(Path(folder) / "wire.jsonl")
        with Simulator(Exchange(tape, settings, ledger=ledger), settings, wire_log=wire_log) as simulator:
            talk.send((simulator.url, simulator.stream_url, simulator.data_stream_url(), len(tape)))
            while (asked := talk.recv()) != "stop":
                bars = 0
                while bars < asked and not simulator.ended:
                    bars += simulator.advance().completed_at is not None
                talk.send(resident())
        ledger.close()
        wire_log.close()


def resident() -> int:
    """Return the memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Server:
    """An exchange in a process of its own."""

    def __init__(self, symbols: int = 1, sessions: int = 1, accounts: int = 1) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._talk, theirs = spawn.Pipe()
        self._process = spawn.Process(target=serve, args=(theirs, symbols, sessions, accounts))
        self._process.start()
        self.url, self.stream_url, self.data_stream_url, self.bars = self._talk.recv()

    def advance(self, bars: int = 1) -> int:
        """Let so many bars complete; return the server's memory in bytes."""
        self._talk.send(bars)
        return self._talk.recv()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._talk.send("stop")
        self._process.join(20)


def post_orders(url: str, key: str, secret: str, count: int, start: Any, done: Any) -> None:
    """Post limit orders that rest, one after the other, and tell how long each took."""
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import OrderSide, TimeInForce
    from alpaca.trading.requests import LimitOrderRequest

    client = TradingClient(key, secret, url_override=url)
    request = LimitOrderRequest(
        symbol="S000", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, limit_price=50.0
    )
    client.get_account()
    start.wait()
    took = []
    began = time.perf_counter()
    for _ in range(count):
        sent = time.perf_counter()
        client.submit_order(request)
        took.append(time.perf_counter() - sent)
    done.put((began, time.perf_counter(), took))


def orders_a_second(clients: int, count: int) -> tuple[float, float, float]:
    """Return orders a second of all clients together, and the median and 99th percentile of one order in seconds."""
    spawn = multiprocessing.get_context("spawn")
    with Server(accounts=clients) as server:
        server.advance()
        start, done = spawn.Barrier(clients), spawn.Queue()
        running = [
            spawn.Process(target=post_orders, args=(server.url, key, secret, count, start, done))
            for key, secret in keys(clients)
        ]
        for process in running:
            process.start()
        told = [done.get() for _ in running]
        for process in running:
            process.join()
    spent = max(end for _, end, _ in told) - min(began for began, _, _ in told)
    took = sorted(each for *_, times in told for each in times)
    return clients * count / spent, statistics.median(took), took[int(0.99 * len(took))]


async def bars_read(server: Server, symbols: int, minutes: int) -> list[float]:
    """Return for each minute the seconds from the step to the last bar that alpaca-py's client has handed over."""
    from alpaca.data.live import StockDataStream

    read = 0
    complete = asyncio.Event()

    async def handle(_: object) -> None:
        nonlocal read
        read += 1
        if read % symbols == 0:
            complete.set()

    key, secret = keys(1)[0]
    stream = StockDataStream(key, secret, url_override=server.data_stream_url)
    stream.subscribe_bars(handle, "*")
    running = asyncio.create_task(stream._run_forever())
    while not stream._running:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    took = []
    for _ in range(minutes):
        complete.clear()
        began = time.perf_counter()
        await asyncio.to_thread(server.advance)
        await asyncio.wait_for(complete.wait(), 60)
        took.append(time.perf_counter() - began)
    await stream.stop_ws()
    running.cancel()
    return took


async def many_clients(server: Server, clients: int, orders: int) -> tuple[float, int, int]:
    """Let each client listen and trade on its own account.

    Returns
    -------
    seconds : float
        From the first order to the last fill that was read.
    told, others : int
        Fills that their own client was told of, and fills that another was.
    """
    import httpx
    import websockets

    told, others = Counter(), 0
    ready = asyncio.Semaphore(0)
    everything = asyncio.Event()

    async def listen(key: str, secret: str) -> None:
        nonlocal others
        async with websockets.connect(server.stream_url) as socket:
            await socket.send(json.dumps({"action": "authenticate", "data": {"key_id": key, "secret_key": secret}}))
            await socket.recv()
            await socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
            await socket.recv()
            ready.release()
            async for frame in socket:
                message = json.loads(frame)["data"]
                if message["event"] == "fill":
                    mine = message["order"]["client_order_id"].startswith(key)
                    told[key] += mine
                    others += not mine
                    if sum(told.values()) == clients * orders:
                        everything.set()

    async def trade(client: httpx.AsyncClient, key: str, secret: str) -> None:
        headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
        order = {"symbol": "S000", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
        for number in range(orders):
            body = order | {"client_order_id": f"{key}-{number}"}
            answer = await client.post(f"{server.url}/v2/orders", headers=headers, json=body)
            answer.raise_for_status()

    listening = [asyncio.create_task(listen(*each)) for each in keys(clients)]
    for _ in listening:
        await ready.acquire()
    began = time.perf_counter()
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=clients), timeout=60) as client:
        await asyncio.gather(*(trade(client, *each) for each in keys(clients)))
    await asyncio.to_thread(server.advance)
    await asyncio.wait_for(everything.wait(), 60)
    spent = time.perf_counter() - began
    for task in listening:
        task.cancel()
    return spent, sum(told.values()), others


def memory_over(sessions: int, parts: int = 4) -> list[tuple[int, int, float]]:
    """Return after each part of the sessions the bars so far, resident bytes and seconds."""
    import requests

    found = []
    with Server(symbols=5, sessions=sessions) as server:
        key, secret = keys(1)[0]
        client = requests.Session()
        client.headers.update({"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret})
        server.advance(30)
        bars, began = 30, time.perf_counter()
        for part in range(1, parts + 1):
            while bars < server.bars * part // parts - 30:
                side = "buy" if bars // 30 % 2 else "sell"
                order = {"symbol": "S000", "qty": "1", "side": side, "type": "market", "time_in_force": "day"}
                client.post(f"{server.url}/v2/orders", json=order, timeout=60)
                client.get(f"{server.url}/v2/positions", timeout=60)
                memory = server.advance(30)
                bars += 30
            found.append((bars, memory, time.perf_counter() - began))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=4000, help="of each client")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--many", type=int, default=100, help="clients at once, with a stream each")
    parser.add_argument("--sessions", type=int, default=252, help="of which memory is looked at")
    asked = parser.parse_args()

    print(f"alpaca-py's TradingClient, limit orders that rest; {os.cpu_count()} cores for server and clients")
    for clients in asked.clients:
        rate, middle, late = orders_a_second(clients, asked.orders // clients)
        times = f"{1e3 * middle:.2f} ms an order (p99 {1e3 * late:.2f})"
        print(f"  {clients} client{'s' * (clients > 1)}: {rate:>7,.0f} orders/s, {times}")

    with Server(symbols=asked.symbols) as server:
        took = sorted(asyncio.run(bars_read(server, asked.symbols, asked.minutes)))
        at = [1e3 * took[int(share * (len(took) - 1))] for share in (0.5, 0.99)]
        print(f"alpaca-py's StockDataStream, {asked.symbols} symbols a minute, {len(took)} minutes")
        print(f"  from the step to the last bar in its handler: {at[0]:.0f} ms (p99 {at[1]:.0f})")

    with Server(accounts=asked.many) as server:
        server.advance()
        spent, told, others = asyncio.run(many_clients(server, asked.many, 10))
        print(f"{asked.many} accounts at once (httpx and websockets), 10 market orders each")
        print(f"  {told} of {10 * asked.many} fills told to their own client, {others} to another, in {spent:.1f} s")

    print(f"Memory over {asked.sessions} sessions of minutes, 5 symbols, an order and a question every half hour")
    for bars, memory, seconds in memory_over(asked.sessions):
        print(f"  after {bars:>7,} bars: {memory / MB:>5.0f} MiB, {seconds:>5.0f} s")


if __name__ == "__main__":
    main()
