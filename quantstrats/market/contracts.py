"""Contracts: bars of what is quoted by the unit and traded by the contract, as futures and lots of currencies are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.checks import number
from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.market.frames import FIELDS, PRICES

if TYPE_CHECKING:
    from quantstrats.market.market import Market


def checked_multiplier(multiplier: Mapping[str, float]) -> dict[str, float]:
    """Return by symbol how many units a contract has.

    Raises
    ------
    ConfigError
        If one is not a number above zero.
    """
    if not isinstance(multiplier, Mapping):
        raise ConfigError(f"multiplier is {multiplier!r}; give one for each symbol, as in {{ES: 50}}")
    units = {str(symbol): number(f"multiplier of {symbol}", value) for symbol, value in multiplier.items()}
    for symbol, value in units.items():
        if not 0.0 < value < float("inf"):
            raise ConfigError(f"multiplier of {symbol} is {value:g}; it is how many units a contract has, above 0")
    return units


def as_contracts(market: Market, multiplier: Mapping[str, float]) -> Market:
    """Return the bars of contracts: prices are what one contract is worth, volumes are contracts, as before.

    An account then buys whole contracts, pays the whole value of each (there is no margin), and gains what a contract
    gains. Returns are those of the quoted prices.

    Parameters
    ----------
    market : Market
        Bars as they are quoted.
    multiplier : mapping of str to float
        By symbol, how many units a contract has: 50 of the S&P 500 index for the future ES. Symbols that it lacks are
        traded by the unit.

    Raises
    ------
    ConfigError
        If one is not a number above zero.
    DataError
        If the market has no such symbol.
    """
    units = checked_multiplier(multiplier)
    arrays = {name: market.array(name).copy() for name in FIELDS}
    for symbol, value in units.items():
        if symbol not in market.symbols:
            raise DataError(f"multiplier names {symbol!r}, which has no bars{did_you_mean(symbol, market.symbols)}")
        column = market.symbols.get_loc(symbol)
        for name in PRICES:
            with np.errstate(over="ignore"):
                arrays[name][:, column] *= value
        if np.isinf(arrays["high"][:, column]).any():
            raise ConfigError(f"multiplier of {symbol} is {value:g}, which makes its prices infinite")
    told = ", ".join(f"{symbol} {value:g}" for symbol, value in units.items())
    stamp = f"prices are those of contracts ({told} units each), bought in full: there is no margin"
    return market.with_values(arrays).with_record({"multiplier": units}, [stamp])
