"""Universe: which symbols may be held when, by rules that a row can know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import pandas as pd

from quantstrats.checks import is_count, number
from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.market.membership import read_membership
from quantstrats.market.ranking import best, dollar_volume, last_close, volatility

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market

_LONGEST_WINDOW = 100_000
SECTOR = "sector"  # the side series that the rule on sectors reads

Measure = Literal["dollar_volume", "volatility"]
Basis = Literal["point_in_time", "fixed_basket", "todays_list"]


@dataclass(frozen=True)
class Universe:
    """Which symbols may be held when. Rules left at None ask for nothing; a symbol must pass all others.

    A missing bar decides nothing: the rules on bars judge by what the last ``window`` rows have, and a symbol without
    any bar in them is outside. Where these rules are set, so is every symbol on the first ``window - 1`` rows of a
    market: more history might judge otherwise.

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
        Rows that the rules on bars look at.
    top : int, optional
        Of the symbols that pass all other rules and have not ended, only so many are held: those that are highest by
        the measure ``by``. Of equal ones the first in the market's order of symbols counts; one whose measure is not
        known, because half of the window is missing, has no rank.
    by : {"dollar_volume", "volatility"}, default "dollar_volume"
        What ``top`` compares: the median of close x volume over the last ``window`` rows, or the standard deviation of
        the simple returns from bar to bar within them.
    sectors : tuple of str, optional
        Only symbols of these sectors, as the side series ``sector`` names them; also one text with commas.
    basis : {"point_in_time", "fixed_basket", "todays_list"}, optional
        How the symbols were chosen, which every report must say: as of each date, by hand and with today's knowledge,
        or off a list as it stands today. By default what is known of them: point in time with ``members``, else by
        where they came from.
    """

    members: Path | None = None
    min_price: float | None = None
    min_dollar_volume: float | None = None
    window: int = 21
    top: int | None = None
    by: Measure = "dollar_volume"
    sectors: tuple[str, ...] | str | None = None
    basis: Basis | None = None

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
        self._check_choice()
        if self.sectors is not None:
            object.__setattr__(self, "sectors", _sectors(self.sectors))

    def _check_choice(self) -> None:
        for name, known in (("by", get_args(Measure)), ("basis", (*get_args(Basis), None))):
            value = getattr(self, name)
            if value not in known:
                words = [word for word in known if word]
                raise ConfigError(f"{name} is {value!r}{did_you_mean(value, words)} (it can be {', '.join(words)})")
        if self.top is None:
            return
        if not is_count(self.top) or self.top < 1:
            raise ConfigError(f"top is {self.top!r}; it counts symbols, at least 1")
        if self.by == "volatility" and self.window < 3:
            raise ConfigError(f"window is {self.window}; a volatility needs two returns, so at least 3 rows")

    def warmup(self) -> int:
        """Return how many rows, the last included, the mask of one row depends on."""
        return self.window if self._looks_at_bars else 1

    def check(self, market: Market) -> None:
        """Check that the rules can be judged on a market at all.

        Raises
        ------
        DataError
            If the file of members cannot be used or names none of the market's symbols, volumes are asked for and
            there are none, or sectors are asked for and the market does not tell them, or knows no such one.
        """
        if self.members is not None and not set(read_membership(self.members)) & set(market.symbols):
            raise DataError(
                f"{self.members.name}: none of its symbols has bars, nothing could be held; "
                f"the bars are of {', '.join(market.symbols[:3])}{' ...' if len(market.symbols) > 3 else ''}"
            )
        if np.isnan(market.array("volume")).all():
            if self.min_dollar_volume is not None:
                raise DataError("universe.min_dollar_volume needs volumes, which these bars lack; leave it out")
            if self.top is not None and self.by == "dollar_volume":
                raise DataError(
                    "universe.top compares dollar volumes, and these bars lack volumes; set universe.by: volatility"
                )
        if self.sectors is not None:
            known = sorted({str(name) for name in pd.unique(_sector_values(market).ravel()) if not pd.isna(name)})
            for sector in self.sectors:
                if sector not in known:
                    hint = did_you_mean(sector, known)
                    raise DataError(f"universe.sectors: no symbol is in {sector!r}{hint} (there are: {_named(known)})")

    def applied(self, market: Market) -> Market:
        """Return the market with its own universe, if it has one, narrowed by these rules.

        Raises
        ------
        DataError
            If the file of members cannot be used, or the market lacks the side series of sectors.
        """
        if self.members is None and self.sectors is None and not self._looks_at_bars:
            return market
        inside = np.ones(market.present.shape, dtype=bool)
        for passed in self.passed(market).values():
            inside &= passed
        return market.with_universe(pd.DataFrame(inside, index=market.index, columns=market.symbols))

    def passed(self, market: Market) -> dict[str, NDArray[np.bool_]]:
        """Return by rule which symbols pass it on each row, in the order in which the rules are asked.

        Arrays of bool that broadcast to rows x symbols. The rules bear the names of the fields; ``window`` stands for
        the first rows, whose window is not whole, and ``universe`` for the mask that the market itself has.

        Raises
        ------
        DataError
            If the file of members cannot be used, or the market lacks the side series of sectors.
        """
        passed: dict[str, NDArray[np.bool_]] = {}
        if self._looks_at_bars:
            passed["window"] = (np.arange(len(market)) >= self.window - 1)[:, None]
        if market.universe is not None:
            passed["universe"] = market.universe.to_numpy()
        if self.members is not None:
            passed["members"] = _is_member(read_membership(self.members), market)
        if self.sectors is not None:
            passed["sectors"] = np.isin(_sector_values(market), list(self.sectors))
        if self.min_price is not None:
            passed["min_price"] = last_close(market, self.window) >= self.min_price
        by_volume = self.top is not None and self.by == "dollar_volume"
        traded = dollar_volume(market, self.window) if by_volume or self.min_dollar_volume is not None else None
        if traded is not None and self.min_dollar_volume is not None:
            passed["min_dollar_volume"] = traded >= self.min_dollar_volume
        if self.top is not None:
            measure = traded if traded is not None and by_volume else volatility(market, self.window)
            eligible = _not_ended(market)
            for others in passed.values():
                eligible &= others
            passed["top"] = best(np.where(eligible, measure, np.nan), self.top)
        return passed

    def stamp(self, symbols: Sequence[str], basis: Basis | None = None, origin: str = "") -> str:
        """Return the line that every report on a run must bear: how the symbols that could be held were chosen.

        Parameters
        ----------
        symbols : sequence of str
            Those that have bars.
        basis : {"point_in_time", "fixed_basket", "todays_list"}, optional
            What is known of where they came from; it counts where neither ``basis`` nor ``members`` of the universe
            say it. By default a fixed basket.
        origin : str, optional
            Which list they came from, and of which day: ``"S&P 500 of 2026-11-28"``.
        """
        kind = self.basis or ("point_in_time" if self.members is not None else basis or "fixed_basket")
        if kind == "point_in_time":
            if self.members is None:
                return "universe: point-in-time choice of symbols, as declared"
            lacking = len(set(read_membership(self.members)) - set(symbols))
            every = len(read_membership(self.members))
            without = f", {lacking} of {every} without bars: survivorship bias" if lacking else ""
            return f"universe: point-in-time members of {self.members.name}{without}"
        if kind == "todays_list":
            survivors = "survivorship bias, names that left it are not in it"
            return f"universe: today's list{f' ({origin})' if origin else ''}: {survivors}"
        basket = "1 symbol" if len(symbols) == 1 else f"{len(symbols)} symbols"
        return f"universe: fixed basket of {basket}{f' ({origin})' if origin else ''}, chosen with today's knowledge"

    @property
    def _looks_at_bars(self) -> bool:
        return self.min_price is not None or self.min_dollar_volume is not None or self.top is not None


def _sectors(sectors: object) -> tuple[str, ...]:
    if isinstance(sectors, str):
        sectors = [sector.strip() for sector in sectors.split(",") if sector.strip()]
    if not isinstance(sectors, list | tuple) or not all(isinstance(sector, str) for sector in sectors):
        raise ConfigError(f"sectors is {sectors!r}; give a list of names, as in ['Energy', 'Utilities']")
    if not sectors:
        raise ConfigError("sectors names none, nothing could be held; name at least one or leave it out")
    return tuple(sectors)


def _sector_values(market: Market) -> NDArray[np.object_]:
    """Return each symbol's sector, as an array of objects that broadcasts to rows x symbols; NaN where unknown."""
    if SECTOR not in market.side:
        has = ", ".join(market.side) or "none"
        raise DataError(
            f"universe.sectors needs the side series {SECTOR!r}{did_you_mean(SECTOR, market.side)} "
            f"(the market has: {has}); add it in data.side"
        )
    joined = market.side[SECTOR]
    if isinstance(joined, pd.Series) and not market.side.series[SECTOR].is_assumed:
        raise DataError(f"universe.sectors: the side series {SECTOR!r} has one value for all; give one per symbol")
    return np.atleast_2d(joined.to_numpy(object))


def _named(sectors: list[str]) -> str:
    return ", ".join(sectors) or "none"


def _is_member(periods: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]], market: Market) -> NDArray[np.bool_]:
    member = np.zeros(market.present.shape, dtype=bool)
    for column, symbol in enumerate(market.symbols):
        for start, end in periods.get(symbol, ()):
            first = market.session.searchsorted(start, side="left")
            member[first : market.session.searchsorted(end, side="right"), column] = True
    return member


def _not_ended(market: Market) -> NDArray[np.bool_]:
    """Tell where a symbol is not known to have ended; the row of its last session does not know it yet."""
    there = np.ones(market.present.shape, dtype=bool)
    for symbol, day in market.ended.items():
        there[market.session.searchsorted(day, side="right") :, market.symbols.get_loc(symbol)] = False
    return there
