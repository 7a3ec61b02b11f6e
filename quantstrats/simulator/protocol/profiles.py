"""Dated wire profiles: the broker's fields as they were on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

# When the broker changed its wire, by its own announcements.
BORROW_STATUS_CAME = date(2026, 6, 5)
PATTERN_DAY_TRADER_WENT = date(2026, 7, 6)
EASY_TO_BORROW_WENT = date(2026, 9, 22)


@dataclass(frozen=True)
class Profile:
    """Which of the fields that came and went are there.

    Attributes
    ----------
    pattern_day_trader : bool
        Of an account pattern_day_trader, daytrade_count, daytrading_buying_power and bod_dtbp; of its configuration
        dtbp_check and pdt_check. They went on 2026-07-06.
    easy_to_borrow : bool
        Of an asset; it was to go on 2026-09-22. alpaca-py 0.44 cannot read an asset without it.
    borrow_status : bool
        Of an asset, since 2026-06-05: easy_to_borrow, hard_to_borrow or not_shortable.
    """

    pattern_day_trader: bool
    easy_to_borrow: bool
    borrow_status: bool


def profile_of(day: date | None) -> Profile:
    """Return the wire as it was on a day.

    Parameters
    ----------
    day : date or None
        None is the wire of the summer of 2026, the latest that each client of then and now can read: without the
        pattern-day-trader fields, with both fields of borrowing.
    """
    if day is None:
        return Profile(pattern_day_trader=False, easy_to_borrow=True, borrow_status=True)
    return Profile(
        pattern_day_trader=day < PATTERN_DAY_TRADER_WENT,
        easy_to_borrow=day < EASY_TO_BORROW_WENT,
        borrow_status=day >= BORROW_STATUS_CAME,
    )
