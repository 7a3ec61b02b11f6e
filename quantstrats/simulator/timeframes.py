"""Timeframes of bars as clients name them: 1Min, 5Min, 2Hour, 1Day, 1Week, 3Month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from quantstrats.simulator.times import MINUTE, new_york_ns

HOUR = 60 * MINUTE
_LENGTHS = {"Min": MINUTE, "Hour": HOUR}
_AMOUNTS = {
    "Min": range(1, 60),
    "Hour": range(1, 24),
    "Day": (1,),
    "Week": (1,),
    "Month": (1, 2, 3, 4, 6, 12),
}
_SHORT = {"T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}
_LONGEST = 10


@dataclass(frozen=True)
class Timeframe:
    """So many minutes, hours, days, weeks or months."""

    amount: int
    unit: str

    @property
    def length(self) -> int | None:
        """Nanoseconds, None for days and longer."""
        return self.amount * _LENGTHS[self.unit] if self.unit in _LENGTHS else None

    def first_day(self, day: date) -> date:
        """Return the first day of the day, week (from Monday) or months that a day lies in."""
        if self.unit == "Week":
            return day - timedelta(days=day.weekday())
        if self.unit == "Month":
            return date(day.year, (day.month - 1) // self.amount * self.amount + 1, 1)
        return day

    def label(self, start: int, day: date) -> int:
        """Return how the bar is labelled that holds what began at an instant of a session.

        Minutes and hours are counted from midnight in New York; days and longer are labelled with the midnight of
        their first day.
        """
        midnight = new_york_ns(self.first_day(day))
        length = self.length
        return midnight if length is None else midnight + (start - midnight) // length * length


def timeframe_of(text: str) -> Timeframe:
    """Return the timeframe that a text names.

    Raises
    ------
    ValueError
        If it names none.
    """
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = _SHORT.get(text[len(number) :], text[len(number) :])
    is_number = number.isascii() and number.isdigit() and len(text) <= _LONGEST
    if not is_number or unit not in _AMOUNTS or int(number) not in _AMOUNTS[unit]:
        raise ValueError("give 1-59Min, 1-23Hour, 1Day, 1Week or 1, 2, 3, 4, 6, 12Month")
    return Timeframe(int(number), unit)
