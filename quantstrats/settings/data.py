"""Which data a configuration asks for: the blocks ``data`` and ``universe``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.loading import load_market
from quantstrats.market.quality.repair import with_word_as_default
from quantstrats.market.sources.base import RowSource
from quantstrats.market.sources.beside import SidePlan, side_plan
from quantstrats.market.universe import Universe

if TYPE_CHECKING:
    from quantstrats.market.market import Market
    from quantstrats.market.sources.base import Source
    from quantstrats.plugins import Plugins
    from quantstrats.settings.blocks import Block


@dataclass(frozen=True)
class DataSettings:
    """The block ``data``: where bars come from, and which. All its other keys are the source's own parameters.

    Parameters
    ----------
    source : str, default "sample"
        Name of a source, or the path of a file with one.
    symbols : list of str, optional
        What to load; also as one text: names with commas, ``@file`` with a symbol on each line, or the name of a list,
        as ``sp500``. By default the source's usual content.
    start, end : date, optional
        First and last session, both included; by default all there is.
    side : dict, optional
        Side series by name, each with its source and that source's parameters.
    repair : str, or dict of str to str, optional
        What to do about what is found wrong with the bars: keep, fail, drop, mask or winsorise; for all rules, or rule
        by rule.
    resample : str, optional
        Length of longer bars to make of the source's, as in 1h or 1D.
    multiplier : dict of str to float, optional
        By symbol, how many units a contract has, of futures and the like.
    offline : bool, default False
        Ask no vendor, use what the cache has.
    holdout : float or date, optional
        What nobody shall optimise on: a share of the sessions at the end, or the first day that is held out.
    open_holdout : bool, default False
        Show it all the same, and count the run.
    """

    source: str = "sample"
    symbols: list[str] | str | None = None
    start: date | str | int | None = None  # a year alone is refused where the bars are loaded
    end: date | str | int | None = None
    side: dict[str, Any] | None = None
    repair: str | dict[str, str] | None = None
    resample: str | None = None
    multiplier: dict[str, float] | None = None
    offline: bool = False
    holdout: float | date | str | int | None = None
    open_holdout: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "repair", with_word_as_default(self.repair))


@dataclass(frozen=True)
class DataAsked:
    """Which data a configuration asks for.

    Attributes
    ----------
    data : DataSettings
        Which bars to load.
    source : Block
        The source's name and parameters, out of the block ``data``.
    side : Block
        What ``data.side`` says of each side series, by name.
    universe : Universe
        Which symbols may be held when.
    """

    data: DataSettings
    source: Block
    side: Block
    universe: Universe

    def load(self, plugins: Plugins) -> Market:
        """Load the bars that the block ``data`` describes.

        Raises
        ------
        PluginError, ConfigError, DataError
            If there is no such source, a key does not exist or does not fit, or the bars cannot be had.
        """
        data = self.data
        return load_market(
            self.made_source(plugins),
            data.symbols,
            # Numbers are among the types so that load_market can say what a date looks like.
            data.start,  # type: ignore[arg-type]
            data.end,  # type: ignore[arg-type]
            side=self.side_plans(plugins),
            repair=data.repair,
            resample=data.resample,
            multiplier=data.multiplier,
            offline=data.offline,
            holdout=data.holdout,
            open_holdout=data.open_holdout,
            plugins=plugins,
        )

    def made_source(self, plugins: Plugins) -> Source:
        """Return the source that the block ``data`` names, with its parameters.

        Raises
        ------
        PluginError, ConfigError
            If there is no such source, or a key does not exist or does not fit.
        """
        self._refuse_unknown_keys(plugins)
        source: Source = self.source.plugin("source", plugins)
        return source

    def side_plans(self, plugins: Plugins) -> dict[str, SidePlan]:
        """Return how each side series of ``data.side`` is loaded.

        Raises
        ------
        PluginError, ConfigError
            If there is no such source, or a key does not exist or does not fit.
        """
        return self.side.made(
            lambda values, folder: {name: side_plan(name, thing, plugins, folder) for name, thing in values.items()}
        )

    def check_needs(self, needs: Sequence[str], plugins: Plugins) -> None:
        """Refuse side series that a signal needs and that nothing here will bring, before any bar is loaded.

        Sources of rows bring none by themselves; what others bring is known once they are loaded.

        Raises
        ------
        DataError
            If one is missing.
        """
        if not isinstance(self.made_source(plugins), RowSource):
            return
        for need in needs:
            if need not in self.side.values:
                has = ", ".join(self.side.values) or "none"
                hint = did_you_mean(need, self.side.values)
                raise DataError(
                    f"the signal needs the side series {need!r}{hint} (the configuration has: {has}); "
                    f"say where it comes from in data.side.{need}"
                )

    def _refuse_unknown_keys(self, plugins: Plugins) -> None:
        """Refuse a key that is neither one of ``data`` nor a parameter of the source."""
        source = str(self.source.values["name"])
        params = [each.name for each in fields(self.source.offer("source", plugins).cls) if each.init]
        known = [*(each.name for each in fields(DataSettings)), *params]
        for key in self.source.values:
            if key not in known and key != "name":
                inside = f"{self.source.file}: " if self.source.file and key in self.source.in_file else ""
                takes = f"source {source!r} takes {', '.join(params)}" if params else f"source {source!r} takes none"
                raise ConfigError(f"{inside}block data has no key {key!r}{did_you_mean(key, known)} ({takes})")


def data_asked(block: Callable[[str], Block]) -> DataAsked:
    """Return which data the blocks of a configuration ask for; ``block`` gives one by its name.

    Raises
    ------
    ConfigError
        If a key does not exist or a value does not fit.
    """
    data, source = _data_and_source(_with_symbols_as_text(block("data")))
    return DataAsked(data.typed(DataSettings), source, data.inner("side"), block("universe").typed(Universe))


def _with_symbols_as_text(block: Block) -> Block:
    """Return the block ``data`` with symbols that look like numbers as the texts they are, as 700 in Hong Kong."""

    def as_text(value: Any) -> Any:
        if isinstance(value, list):
            return [as_text(item) for item in value]
        return str(value) if type(value) is int else value

    def of_key(key: str, value: Any) -> Any:
        if key == "multiplier" and isinstance(value, dict):
            return {as_text(symbol): units for symbol, units in value.items()}
        return as_text(value) if key == "symbols" else value

    in_file = {key: of_key(key, value) for key, value in block.in_file.items()}
    assigned = tuple((keys, of_key(keys[0], value) if len(keys) == 1 else value) for keys, value in block.assigned)
    return replace(block, in_file=in_file, assigned=assigned)


def _data_and_source(block: Block) -> tuple[Block, Block]:
    """Split the block ``data`` into its own keys and the source, whose name it calls ``source``."""
    own = {each.name for each in fields(DataSettings)}

    def split(of_source: bool) -> Block:
        in_file = {key: value for key, value in block.in_file.items() if (key not in own) == of_source}
        assigned = [(keys, value) for keys, value in block.assigned if (keys[0] not in own) == of_source]
        return replace(block, in_file=in_file, assigned=tuple(assigned))

    data, source = split(False), split(True)
    if "name" in source.values:
        raise ConfigError("block data has no key 'name'; the source is named by data.source")
    named = {"name": data.in_file.get("source", DataSettings.source)}
    renamed = [(("name",), value) for keys, value in data.assigned if keys == ("source",)]
    return data, replace(source, in_file={**named, **source.in_file}, assigned=(*renamed, *source.assigned))
