"""Universe: which symbols may be held when, by rules that a row can know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quantstrats.checks import is_count, number
from quantstrats.errors import ConfigError, DataError
from quantstrats.market.membership import read_membership

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

_LONGEST_WINDOW = 100_000


@dataclass(frozen=True)
class Universe:
    """Which symbols may be held when. Rules left at None ask for nothing; a symbol must pass all others.

    A missing bar decides nothing: the rules on prices judge by the bars that the last ``window`` rows have, and a
    symbol without any bar in them is outside. Where these rules are set, so is every symbol on the first
    ``window - 1`` rows of a market: more history might judge otherwise.

    Parameters
    ----------
    members : Path, optional
        CSV file with the columns symbol, start, end: the sessions from which and to which a symbol is a member, both
        included, as dates like 2015-12-31; an empty end means that it still is. A symbol may have several periods.
        Symbols that the file lacks are outside, those that the market lacks are left out of account.
    min_price : float, optional
        The last close must be at least this, in units of currency. Bars that are adjusted for later splits and
        dividends have prices that nobody could know at the time.
    min_dollar_volume : float, optional
        The median of close x volume over the last ``window`` rows must be at least this. At least half of these rows
        must have a volume.
    window : int, default 21
        Rows that the rules on prices look at.
    """

    members: Path | None = None
    min_price: float | None = None
    min_dollar_volume: float | None = None
    window: int = 21

    def __post_init__(self) -> None:
        if self.members is not None and not isinstance(self.members, str | Path):
            raise ConfigError(f"members is {self.members!r}; give the path of a CSV file")
        if self.members is not None:
            # A stored run names the file, and may be run again from elsewhere.
            object.__setattr__(self, "members", Path(self.members).absolute())
        for name in ("min_price", "min_dollar_volume"):
            least = getattr(self, name)
            if least is not None and not 0.0 < number(name, least) < float("inf"):
                raise ConfigError(f"{name} is {least}; it is an amount of money above 0")
        if not is_count(self.window) or not 1 <= self.window <= _LONGEST_WINDOW:
            raise ConfigError(f"window is {self.window!r}; it counts rows, at least 1, at most {_LONGEST_WINDOW}")

    def warmup(self) -> int:
        """Return how many rows, the last included, the mask of one row depends on."""
        return self.window if self._looks_at_bars else 1

    def check(self, market: Market) -> None:
        """Check that the rules can be judged on a market at all.

        Raises
        ------
        DataError
            If the file of members cannot be used or names none of the market's symbols, or volumes are asked for and
            there are none.
        """
        if self.members is not None and not set(read_membership(self.members)) & set(market.symbols):
            raise DataError(
                f"{self.members.name}: none of its symbols has bars, nothing could be held; "
                f"the bars are of {', '.join(market.symbols[:3])}{' ...' if len(market.symbols) > 3 else ''}"
            )
        if self.min_dollar_volume is not None and np.isnan(market.array("volume")).all():
            raise DataError("universe.min_dollar_volume needs volumes, which these bars lack; leave it out")

    def applied(self, market: Market) -> Market:
        """Return the market with its own universe, if it has one, narrowed by these rules.

        Raises
        ------
        DataError
            If the file of members cannot be used.
        """
        if self.members is None and not self._looks_at_bars:
            return market
        inside = np.ones(market.present.shape, dtype=bool)
        inside[: self.warmup() - 1] = False
        if market.universe is not None:
            inside &= market.universe.to_numpy()
        if self.members is not None:
            inside &= _is_member(read_membership(self.members), market)
        if self.min_price is not None:
            inside &= _last_close(market, self.window) >= self.min_price
        if self.min_dollar_volume is not None:
            inside &= _dollar_volume(market, self.window) >= self.min_dollar_volume
        return market.with_universe(pd.DataFrame(inside, index=market.index, columns=market.symbols))

    @property
    def _looks_at_bars(self) -> bool:
        return self.min_price is not None or self.min_dollar_volume is not None


def _is_member(periods: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]], market: Market) -> NDArray[np.bool_]:
    member = np.zeros(market.present.shape, dtype=bool)
    for column, symbol in enumerate(market.symbols):
        for start, end in periods.get(symbol, ()):
            first = market.session.searchsorted(start, side="left")
            member[first : market.session.searchsorted(end, side="right"), column] = True
    return member


def _last_close(market: Market, window: int) -> NDArray[np.float64]:
    """Return the newest close of the last ``window`` rows, NaN where they have none."""
    row = np.arange(len(market))[:, None]
    newest = np.maximum.accumulate(np.where(market.present, row, -window), axis=0)
    last = np.take_along_axis(market.array("close"), np.maximum(newest, 0), axis=0)
    return np.where(row - newest < window, last, np.nan)


def _dollar_volume(market: Market, window: int) -> NDArray[np.float64]:
    """Return the median of close x volume over the last ``window`` rows; NaN where half of them lack it."""
    traded = market.close * market.volume
    return traded.rolling(window, min_periods=(window + 1) // 2).median().to_numpy()
