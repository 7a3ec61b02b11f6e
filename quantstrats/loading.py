"""load_market: bars from an installed source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from quantstrats.errors import ConfigError, DataError, QuantstratsError, in_one_line
from quantstrats.making import described, made
from quantstrats.market.market import Market
from quantstrats.plugins import Plugins
from quantstrats.warned import heard

if TYPE_CHECKING:
    from quantstrats.market.sources.base import Source


def load_market(
    source: Source | str | Mapping[str, Any] = "sample",
    symbols: Sequence[str] | None = None,
    start: str | date | None = None,
    end: str | date | None = None,
    *,
    plugins: Plugins | None = None,
    **params: Any,
) -> Market:
    """Load bars from a source.

    Parameters
    ----------
    source : Source, str or mapping, default "sample"
        Name of an installed source; its name and parameters; or the source itself.
    symbols : sequence of str, optional
        What to load; by default the source's usual content.
    start, end : str or date, optional
        First and last session, both included.
    plugins : Plugins, optional
        Where to look for the source; by default all that is installed.
    **params
        The source's own parameters, where its name is given.

    Returns
    -------
    Market
        What was asked for and no more, even if the source gave more; with ``origin`` naming the source and all its
        parameters, defaults included.

    Raises
    ------
    PluginError, ConfigError, DataError
        If there is no such source, a parameter does not fit, or the bars cannot be had.
    """
    plugins = plugins or Plugins.installed()
    loader: Source = made("source", _named(source, params), plugins)
    chosen = _symbols(symbols)
    first, last = _day(start, "start"), _day(end, "end")
    if first and last and first > last:
        raise ConfigError(f"start {first} lies after end {last}")
    try:
        market = heard(f"source {loader.name!r}", type(loader).__module__, loader.load, chosen, first, last)
    except QuantstratsError:
        raise
    # A stranger's source may raise anything; the one who asked for it wants to know whose it was.
    except (Exception, SystemExit) as error:
        raise DataError(f"source {loader.name!r} failed: {in_one_line(error)}") from error
    if not isinstance(market, Market):
        raise DataError(f"source {loader.name!r} returned {type(market).__name__}, not a Market")
    if chosen is not None and list(market.symbols) != chosen:
        market = market.select(chosen)
    if first or last:
        market = market.between(first, last)
    parameters = described(loader, plugins)
    return market.with_origin({"source": parameters.pop("name"), **parameters})


def _named(source: Any, params: Mapping[str, Any]) -> Any:
    """Return the source with the parameters that stand beside it."""
    if not params:
        return source
    if "name" in params:
        raise ConfigError("load_market takes no parameter 'name'; the source's name stands first")
    if isinstance(source, str | Mapping):
        return {**({"name": source} if isinstance(source, str) else source), **params}
    raise ConfigError(f"the source is made already; give {', '.join(params)} where it is made")


def _symbols(symbols: Sequence[str] | None) -> list[str] | None:
    if symbols is None:
        return None
    if isinstance(symbols, str) or not all(isinstance(symbol, str) for symbol in symbols):
        raise ConfigError(f"symbols is {symbols!r}; give a list of names, as in ['NASDAQ']")
    return list(symbols)


def _day(day: str | date | None, what: str) -> date | None:
    if day is None:
        return None
    if isinstance(day, date):
        return day.date() if isinstance(day, datetime) else day
    try:
        return date.fromisoformat(day)
    except (ValueError, TypeError):
        raise ConfigError(f"{what} is {day!r}; give a date as in 2015-12-31") from None
