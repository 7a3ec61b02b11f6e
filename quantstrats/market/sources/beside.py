"""SidePlan: a side series as a configuration describes it, and how it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.errors import ConfigError, DataError, PluginError, QuantstratsError, in_one_line
from quantstrats.making import From, described, made
from quantstrats.market.quality.repair import with_word_as_default
from quantstrats.market.side import SideSeries
from quantstrats.market.sources.bars_of import BarsOf
from quantstrats.market.sources.base import SideSource, Source
from quantstrats.market.sources.loaded_side import LoadedSide
from quantstrats.warned import heard

if TYPE_CHECKING:
    from quantstrats.plugins import Plugins


@dataclass(frozen=True)
class SidePlan:
    """A side series by its name, and where it comes from.

    Attributes
    ----------
    name : str
        What strategies call it.
    source : Source
        What loads it.
    bars : BarsOf or None
        Which numbers, where the source has bars.
    """

    name: str
    source: Source
    bars: BarsOf | None = None

    def load(self, symbols: Sequence[str], start: date | None = None, end: date | None = None) -> LoadedSide:
        """Return the series, and what was found in the bars that it is made of.

        Parameters
        ----------
        symbols : sequence of str
            The market's.
        start, end : date, optional
            First and last session of the market; what was known before the first is there too.

        Raises
        ------
        DataError
            If it cannot be had, what is found in its bars is refused, or nothing of it was known by the last session.
        """
        who = f"data.side.{self.name}: source {self.source.name!r}"
        try:
            loaded = heard(who, type(self.source).__module__, self._loaded, symbols, start, end)
        except QuantstratsError as error:
            raise type(error)(f"data.side.{self.name}: {self._in_its_keys(str(error))}") from error.__cause__
        # A stranger's source may raise anything; the one who asked for it wants to know whose it was.
        except (Exception, SystemExit) as error:
            raise DataError(f"{who} failed: {in_one_line(error)}") from error
        if not isinstance(loaded.series, SideSeries):
            raise DataError(f"{who} returned {type(loaded.series).__name__}, not a SideSeries")
        self._refuse_unknown_until(loaded.series, end)
        return replace(loaded, stamps=tuple(f"side series {self.name!r}: {stamp}" for stamp in loaded.stamps))

    def described(self, plugins: Plugins) -> dict[str, Any]:
        """Return it as the plain data of which :func:`side_plan` makes it again.

        Raises
        ------
        ConfigError
            If a parameter holds something that plain data cannot carry.
        """
        plain = described(self.source, plugins)
        return {"source": plain.pop("name"), **plain, **({} if self.bars is None else self.bars.as_plain())}

    def _loaded(self, symbols: Sequence[str], start: date | None, end: date | None) -> LoadedSide:
        if self.bars is not None:
            return self.bars.load(self.source, start, end)
        if not isinstance(self.source, SideSource):
            raise DataError(f"source {self.source.name!r} has bars; say of which symbol, as in symbol: SPY")
        return LoadedSide(self.source.load_side(symbols, start, end))

    def _in_its_keys(self, told: str) -> str:
        """Return a message of the source with its keys as the user sets them here: data.side.vix.path for data.path.

        Other keys of ``data`` (``data.offline``) are none of its own.
        """
        own = {each.name for each in (*fields(self.source), *fields(BarsOf))}  # type: ignore[arg-type]  # a dataclass
        keys = "|".join(map(re.escape, own))
        # Not within a path or an address.
        return re.sub(rf"(?<![\w./-])data\.(?=(?:{keys})\b(?![/.]\w))", f"data.side.{self.name}.", told)

    def _refuse_unknown_until(self, series: SideSeries, end: date | None) -> None:
        """Refuse a series of which nothing is known by the last session: it would be missing in every row."""
        import pandas as pd

        if isinstance(series.known_at, str) or end is None:
            return
        first = series.known_at.min()
        if not first < pd.Timestamp(end, tz="UTC") + pd.Timedelta(days=2):  # wherever the exchange is
            since = "it has no values" if pd.isna(first) else f"its first value is known from {first:%Y-%m-%d} on"
            raise DataError(f"data.side.{self.name}: {since}, after the market's last session {end}; leave it out")


def side_plan(name: str, thing: Any, plugins: Plugins, folder: Path | None = None) -> SidePlan:
    """Return the plan of a side series from what a configuration says under ``data.side``.

    Parameters
    ----------
    name : str
        What strategies call it.
    thing : mapping, str or SideSource
        ``{"source": ..., **parameters}``; of a source with bars, the keys ``symbol``, ``field``, ``delay`` and
        ``repair`` say which numbers, from when on, and what is done about wrong ones; all others are its parameters.
        Or a source's name, or the source itself. What was said elsewhere, within it, stands in a
        :class:`~quantstrats.making.From`.
    plugins : Plugins
        Where to look for the source.
    folder : Path, optional
        Where relative paths start from, as of :func:`~quantstrats.making.made`.

    Raises
    ------
    PluginError, ConfigError
        If there is no such source, or a parameter does not exist or does not fit; it names ``data.side.<name>``.
    """
    try:
        return _plan(name, thing, plugins, folder)
    except (ConfigError, PluginError) as error:
        raise type(error)(f"data.side.{name}: {error}") from error.__cause__


def _plan(name: str, thing: Any, plugins: Plugins, folder: Path | None) -> SidePlan:
    if isinstance(thing, From):
        return _plan(name, thing.value, plugins, thing.folder)
    if isinstance(thing, SideSource):
        return SidePlan(name, made("source", thing, plugins))
    if isinstance(thing, str):
        thing = {"source": thing}
    if not isinstance(thing, Mapping):
        raise ConfigError(f"it is {thing!r:.60}; it holds keys and values, as in {{source: fred, series: CPIAUCSL}}")
    params = dict(thing)
    source = params.pop("source", None)
    called, start = (source.value, source.folder) if isinstance(source, From) else (source, folder)
    if not isinstance(called, str):
        raise ConfigError("it has no source; name one, as in source: fred")
    if "name" in params:
        raise ConfigError("it has no key 'name'; the source is named by source")
    if issubclass(plugins.find("source", called, start).cls, SideSource):
        return SidePlan(name, made("source", {"name": source, **params}, plugins, folder))
    bars = _bars_of(called, params)
    return SidePlan(name, made("source", {"name": source, **params}, plugins, folder), bars)


def _bars_of(source: str, params: dict[str, Any]) -> BarsOf:
    """Take out of a source's parameters what says which of its numbers are meant."""
    own = {each.name: _bare(params.pop(each.name)) for each in fields(BarsOf) if each.name in params}
    if type(own.get("symbol")) is int:  # 700 is a name in Hong Kong
        own["symbol"] = str(own["symbol"])
    if "symbol" not in own:
        raise ConfigError(f"source {source!r} has bars; say of which symbol, as in symbol: SPY")
    if "repair" in own:
        own["repair"] = with_word_as_default(own["repair"])
    texts = {key: value for key, value in own.items() if key != "repair"}
    if not all(isinstance(value, str) or (value is None and key == "delay") for key, value in texts.items()):
        raise ConfigError("symbol, field and delay are texts, as in {symbol: ^VIX, field: close, delay: 15min}")
    return BarsOf(**own)


def _bare(value: Any) -> Any:
    """Return plain data without the marks of where it was said."""
    if isinstance(value, From):
        return _bare(value.value)
    return {key: _bare(item) for key, item in value.items()} if isinstance(value, Mapping) else value
