"""An exchange that begins within its bars: those before are the past."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from quantstrats.errors import DataError
from quantstrats.simulator.exchange import Exchange
from quantstrats.simulator.settings import Settings
from quantstrats.simulator.times import new_york_ns

from .exchanges import RISING, buy, to_bar
from .running import tape_of_minutes

DAYS = ("2024-03-01", "2024-03-04")
FRIDAY, MONDAY = date(2024, 3, 1), date(2024, 3, 4)


# The Market has a row for each of a session's 390 minutes; those after the fourth are empty.
def begin(day, hour, minute):
    made = Exchange(tape_of_minutes(tuple(RISING), DAYS), Settings(), start=new_york_ns(day, hour, minute))
    return made, made.account_ids[0]


def test_it_begins_on_a_later_day_with_the_bars_before_it_in_the_past():
    made, account = begin(MONDAY, 9, 29)
    assert made.now == made.started_at == new_york_ns(MONDAY, 9, 29)
    assert (made.row, made.last_price("A")) == (389, Decimal("110.0"))
    order = made.submit(account, buy(1))
    to_bar(made)
    assert (made.row, made.order(account, order.id).filled_avg_price) == (390, 100)
    assert made.position(account, "A").lastday_price == Decimal("110.0")


def test_it_begins_within_a_session():
    made, account = begin(MONDAY, 9, 32)
    assert (made.row, made.last_price("A")) == (391, 102)
    made.submit(account, buy(1))
    to_bar(made)
    assert (made.row, made.position(account, "A").lastday_price) == (392, 110)
    while made.advance():
        pass
    assert made.ended


def test_it_cannot_begin_after_the_last_bar():
    with pytest.raises(DataError, match="no bars to replay"):
        begin(MONDAY, 9, 34)
