"""Refit: what a learner learned at one refit, and on what it was asked, for the learner's details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market
    from quantstrats.signals import Signal


@dataclass(frozen=True, eq=False)
class Refit:
    """What a learner learned at one refit, and on what it was asked.

    Attributes
    ----------
    start, stop : Timestamp
        Labels of the first and the last row that the fit served.
    signal : Signal or None
        What was learned; None where nothing was.
    market : Market
        The slice on which it was asked: the served rows, ``warmup() - 1`` rows before them, the symbols listed by then.
    """

    start: pd.Timestamp
    stop: pd.Timestamp
    signal: Signal | None
    market: Market
