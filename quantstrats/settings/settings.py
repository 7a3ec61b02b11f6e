"""Settings: a whole configuration as typed blocks, from a YAML file, ``--set block.key=value`` and flags."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quantstrats.errors import ConfigError, did_you_mean
from quantstrats.guard.check import check_mode
from quantstrats.portfolio.costs import Costs
from quantstrats.portfolio.risk import RiskPolicy
from quantstrats.portfolio.schedule import Schedule
from quantstrats.reports.metrics import check_risk_free
from quantstrats.settings.blocks import Assigned, Block
from quantstrats.settings.configfile import parse_assignments, read_yaml
from quantstrats.settings.data import DataAsked, data_asked

BLOCKS = ("data", "universe", "signal", "allocation", "schedule", "costs", "risk", "engine", "report")
_NAMED_BY_TEXT = ("signal", "allocation")  # "signal: sma_cross" is short for "signal: {name: sma_cross}"


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
class Settings(DataAsked):
    """A whole configuration: blocks that name plugins as they were given, all others typed.

    Attributes
    ----------
    data, source, side, universe
        Of :class:`DataAsked`.
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

    signal: Block
    allocation: Block
    schedule: Schedule
    costs: Costs
    risk: RiskPolicy
    engine: EngineSettings
    report: ReportSettings


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
    return _settings(*_read(file, assignments, flags or {}))


def read_data_settings(file: Path | None, assignments: Sequence[str], flags: Mapping[str, Any]) -> DataAsked:
    """Read which data a configuration asks for; it need not name a signal. See :func:`read_settings`.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a block or key does not exist or does not fit.
    """
    return data_asked(_blocks(*_read(file, assignments, flags)))


def settings_of(config: Mapping[str, Any]) -> Settings:
    """Return the settings that a mapping describes: the content of a configuration file.

    Raises
    ------
    ConfigError
        If a block or key does not exist or does not fit.
    """
    return _settings(config, [], None)


def _read(
    file: Path | None, assignments: Sequence[str], flags: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Assigned], Path | None]:
    content = read_yaml(file) if file is not None else {}
    flagged = [(tuple(path.split(".")), value) for path, value in flags.items() if value is not None]
    return content, [*parse_assignments(assignments), *flagged], file


def _settings(content: Mapping[str, Any], assigned: list[Assigned], file: Path | None) -> Settings:
    block = _blocks(content, assigned, file)
    _refuse_two_signals(block("signal"))
    asked = data_asked(block)
    allocation = block("allocation")
    return Settings(
        data=asked.data,
        source=asked.source,
        side=asked.side,
        universe=asked.universe,
        signal=block("signal"),
        allocation=replace(allocation, in_file={"name": "long_flat", **allocation.in_file}),
        schedule=block("schedule").typed(Schedule),
        costs=block("costs").typed(Costs),
        risk=block("risk").typed(RiskPolicy),
        engine=block("engine").typed(EngineSettings),
        report=block("report").typed(ReportSettings),
    )


def _blocks(content: Mapping[str, Any], assigned: list[Assigned], file: Path | None) -> Callable[[str], Block]:
    """Return what gives a block by its name; refuse unknown ones."""
    inside = f"{file}: " if file is not None else ""
    written = {_known(name, inside): _block_content(name, value, file) for name, value in content.items()}
    for keys, _ in assigned:
        _known(keys[0], "")

    def block(name: str) -> Block:
        own = tuple((keys[1:], value) for keys, value in assigned if keys[0] == name)
        return Block(name, written.get(name, {}), own, file)

    return block


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
