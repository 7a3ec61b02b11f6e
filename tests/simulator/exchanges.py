"""Small exchanges for the tests of the state machine: made of the prices of a few minutes."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd

from quantstrats import Market
from quantstrats.simulator.events import OrderEvent
from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.orders import Request
from quantstrats.simulator.settings import Settings
from quantstrats.simulator.tape import tape_of
from quantstrats.simulator.times import new_york_ns
from quantstrats.simulator.trouble import NO_TROUBLE

DAY = "2024-03-01"  # a Friday
QUIET = [(100, 100, 100, 100)] * 5
RISING = [(100, 100, 100, 100), (100, 103, 99, 102), (102, 106, 101, 105), (105, 111, 104, 110)]


def minutes(prices, days=(DAY,), volume=10_000.0):
    """Make one-minute bars from (open, high, low, close) of each minute of each day, for A; B costs twice as much."""
    starts = [
        pd.date_range(f"{day} 09:30", periods=len(prices), freq="min", tz="America/New_York").tz_convert("UTC")
        for day in days
    ]
    index = pd.DatetimeIndex(np.concatenate(starts)).as_unit("ns")
    rows = np.array(list(prices) * len(days), dtype="float64")
    frames = {
        field: pd.DataFrame({"A": rows[:, column], "B": rows[:, column] * 2}, index=index)
        for column, field in enumerate(("open", "high", "low", "close"))
    }
    frames["volume"] = frames["close"] * 0.0 + volume
    return Market.from_frames(**frames, bar="1min")


def exchange(prices=QUIET, days=(DAY,), volume=10_000.0, trouble=NO_TROUBLE, **settings):
    """Make an exchange and the id of its first account."""
    made = Exchange(tape_of(minutes(prices, days, volume)), Settings(**settings), trouble)
    return made, made.account_ids[0]


def to_bar(made, count=1):
    """Advance until so many bars more are complete; return what happened."""
    events = []
    target = made.row + count
    while made.row < target:
        events += made.advance()
    return events


def at(made, hour, minute, day=None):
    """Move the clock to a time in New York on the exchange's first day, or a given one."""
    return made.advance_to(new_york_ns(day or made.tape.session_days[0], hour, minute))


def buy(qty=10, **more):
    """Ask to buy: a market order for the day where nothing else is said."""
    return asked("buy", qty, **more)


def sell(qty=10, **more):
    """Ask to sell."""
    return asked("sell", qty, **more)


def asked(side, qty=10, symbol="A", kind=None, tif="day", **more):
    for name in ("limit_price", "stop_price", "trail_price", "trail_percent", "take_profit", "notional"):
        if more.get(name) is not None:
            more[name] = Decimal(str(more[name]))
    if "stop_loss" in more and not isinstance(more["stop_loss"], tuple):
        more["stop_loss"] = (Decimal(str(more["stop_loss"])), None)
    stop, limit = more.get("stop_price") is not None, more.get("limit_price") is not None
    if kind is None:
        kind = {(False, False): "market", (False, True): "limit", (True, False): "stop", (True, True): "stop_limit"}[
            stop, limit
        ]
    qty = None if qty is None else Decimal(str(qty))
    return Request(symbol=symbol, side=side, type=kind, time_in_force=tif, qty=qty, **more)


def story(events, order_id=None):
    """Return the names of what became of orders, in order."""
    return [e.event for e in events if isinstance(e, OrderEvent) and order_id in {None, e.order.id}]
