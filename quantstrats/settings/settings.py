"""Settings: a whole configuration as typed blocks, from a YAML file, ``--set block.key=value`` and flags."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.errors import ConfigError, did_you_mean
from quantstrats.guard.check import check_mode
from quantstrats.loading import load_market
from quantstrats.market.universe import Universe
from quantstrats.portfolio.costs import Costs
from quantstrats.portfolio.risk import RiskPolicy
from quantstrats.portfolio.schedule import Schedule
from quantstrats.reports.metrics import check_risk_free
from quantstrats.settings.blocks import Assigned, Block
from quantstrats.settings.configfile import parse_assignments, read_yaml

if TYPE_CHECKING:
    from quantstrats.market.market import Market
    from quantstrats.plugins import Plugins

BLOCKS = ("data", "universe", "signal", "allocation", "schedule", "costs", "risk", "engine", "report")
_NAMED_BY_TEXT = ("signal", "allocation")  # "signal: sma_cross" is short for "signal: {name: sma_cross}"


@dataclass(frozen=True)
class DataSettings:
    """The block ``data``: where bars come from, and which. All its other keys are the source's own parameters.

    Parameters
    ----------
    source : str, default "sample"
        Name of a source, or the path of a file with one.
    symbols : list of str, optional
        What to load, also as one text with commas; by default the source's usual content.
    start, end : date, optional
        First and last session, both included; by default all there is.
    """

    source: str = "sample"
    symbols: list[str] | str | None = None
    start: date | str | int | None = None  # a year alone is refused where the bars are loaded
    end: date | str | int | None = None


@dataclass(frozen=True)
class EngineSettings:
    """The block ``engine``: what executes, with how much cash, in which sizes, and how the signal is guarded.

    Parameters
    ----------
    name : str, default "backtrader"
        What executes the targets.
    cash : float, default 100000
        What the account starts with, in units of currency.
    fractional : bool, default False
        Whether parts of a share can be traded.
    guard : {"full", "sampled", "off"}, default "sampled"
        How much is done to find a signal that looks ahead.
    """

    name: str = "backtrader"
    cash: float = 100_000.0
    fractional: bool = False
    guard: str = "sampled"

    def __post_init__(self) -> None:
        check_mode(self.guard)


@dataclass(frozen=True)
class ReportSettings:
    """The block ``report``: what the run is compared with, and shown as.

    Parameters
    ----------
    benchmark : str, default "equal_weight"
        Equal-weight buy-and-hold of the same symbols, a symbol's name, or "none".
    risk_free : float, default 0
        Annual risk-free rate as a fraction: 0.02 is 2%.
    tearsheet : bool, default True
        Whether the command line stores a tear sheet with the run.
    """

    benchmark: str = "equal_weight"
    risk_free: float = 0.0
    tearsheet: bool = True

    def __post_init__(self) -> None:
        check_risk_free(self.risk_free)


@dataclass(frozen=True)
class Settings:
    """A whole configuration: blocks that name plugins as they were given, all others typed.

    Attributes
    ----------
    data : DataSettings
        Which bars to load.
    source : Block
        The source's name and parameters, out of the block ``data``.
    universe : Universe
        Which symbols may be held when.
    signal, allocation : Block
        The signal and the allocator, by name and parameters.
    schedule : Schedule
        When decisions fall and which targets are traded.
    costs : Costs
        What trading costs.
    risk : RiskPolicy
        What ends trading.
    engine : EngineSettings
        What executes, with how much cash.
    report : ReportSettings
        What the run is compared with.
    """

    data: DataSettings
    source: Block
    universe: Universe
    signal: Block
    allocation: Block
    schedule: Schedule
    costs: Costs
    risk: RiskPolicy
    engine: EngineSettings
    report: ReportSettings

    def load(self, plugins: Plugins) -> Market:
        """Load the bars that the block ``data`` describes.

        Raises
        ------
        PluginError, ConfigError, DataError
            If there is no such source, a key does not exist or does not fit, or the bars cannot be had.
        """
        self._refuse_unknown_keys(plugins)
        symbols = self.data.symbols
        if isinstance(symbols, str):
            symbols = [part.strip() for part in symbols.split(",") if part.strip()]
        source = self.source.plugin("source", plugins)
        # Numbers are among the types so that load_market can say what a date looks like.
        return load_market(source, symbols, self.data.start, self.data.end, plugins=plugins)  # type: ignore[arg-type]

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


def read_settings(
    file: Path | None, assignments: Sequence[str] = (), flags: Mapping[str, Any] | None = None
) -> Settings:
    """Read a configuration; flags win over assignments, these over the file, and that over the defaults.

    Parameters
    ----------
    file : Path, optional
        A YAML file of blocks; relative paths in it start from its folder.
    assignments : sequence of str
        As in ``signal.fast=10``; relative paths in them, and in flags, start from the working directory.
    flags : mapping, optional
        Values by ``"block.key"``; None is left out.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a block or key does not exist or does not fit.
    """
    content = read_yaml(file) if file is not None else {}
    flagged = [(tuple(path.split(".")), value) for path, value in (flags or {}).items() if value is not None]
    return _settings(content, [*parse_assignments(assignments), *flagged], file)


def settings_of(config: Mapping[str, Any]) -> Settings:
    """Return the settings that a mapping describes: the content of a configuration file.

    Raises
    ------
    ConfigError
        If a block or key does not exist or does not fit.
    """
    return _settings(config, [], None)


def _settings(content: Mapping[str, Any], assigned: list[Assigned], file: Path | None) -> Settings:
    inside = f"{file}: " if file is not None else ""
    written = {_known(name, inside): _block_content(name, value, file) for name, value in content.items()}
    for keys, _ in assigned:
        _known(keys[0], "")

    def block(name: str) -> Block:
        own = tuple((keys[1:], value) for keys, value in assigned if keys[0] == name)
        return Block(name, written.get(name, {}), own, file)

    _refuse_two_signals(block("signal"))
    data, source = _data_and_source(_with_symbols_as_text(block("data")))
    allocation = block("allocation")
    return Settings(
        data=data.typed(DataSettings),
        source=source,
        universe=block("universe").typed(Universe),
        signal=block("signal"),
        allocation=replace(allocation, in_file={"name": "long_flat", **allocation.in_file}),
        schedule=block("schedule").typed(Schedule),
        costs=block("costs").typed(Costs),
        risk=block("risk").typed(RiskPolicy),
        engine=block("engine").typed(EngineSettings),
        report=block("report").typed(ReportSettings),
    )


def _known(name: object, inside: str) -> str:
    if name in BLOCKS:
        return str(name)
    known = ", ".join(BLOCKS)
    raise ConfigError(f"{inside}no block {name!r} of settings{did_you_mean(name, BLOCKS)} (there are: {known})")


def _block_content(name: str, value: Any, file: Path | None) -> dict[str, Any]:
    inside = f"{file}: " if file is not None else ""
    if value is None:
        return {}
    if isinstance(value, str) and name in _NAMED_BY_TEXT:
        value = {"name": value}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{inside}block {name} is {value!r:.60}; it holds keys and values, as in '{name}: {{...}}'")
    for key in value:
        if not isinstance(key, str):
            raise ConfigError(f"{inside}block {name} has a key that is no text: {key!r}")
    return dict(value)


def _refuse_two_signals(block: Block) -> None:
    """Refuse a command line that asks for another signal than the file or than ``--set``."""
    named = [value for keys, value in block.assigned if keys == ("name",)]
    if "name" in block.in_file and named and not _same_plugin(named[-1], block.in_file["name"], block.file):
        raise ConfigError(
            f"{block.file} is about the signal {block.in_file['name']!r}, the command line names {named[-1]!r}; "
            "leave the name out, or write a configuration without one"
        )
    if len(set(map(str, named))) > 1:
        raise ConfigError(f"the command line names the signals {' and '.join(map(repr, named))}; name one")
    if "name" not in block.values:
        lacking = "no signal is named" if block.file is None else f"{block.file} names no signal"
        raise ConfigError(f"{lacking}; name one after the command, or in the configuration (signal: {{name: ...}})")


def _same_plugin(here: object, there: object, file: Path | None) -> bool:
    """Tell whether a name on the command line and one in the file mean one plugin; files start from two folders."""
    if not (isinstance(here, str) and isinstance(there, str) and file and ".py" in here and ".py" in there):
        return here == there
    return os.path.normpath(Path.cwd() / here) == os.path.normpath(file.absolute().parent / there)


def _with_symbols_as_text(block: Block) -> Block:
    """Return the block ``data`` with symbols that look like numbers as the texts they are, as 700 in Hong Kong."""

    def as_text(value: Any) -> Any:
        if isinstance(value, list):
            return [as_text(item) for item in value]
        return str(value) if type(value) is int else value

    in_file = {key: as_text(value) if key == "symbols" else value for key, value in block.in_file.items()}
    assigned = tuple((keys, as_text(value) if keys == ("symbols",) else value) for keys, value in block.assigned)
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
