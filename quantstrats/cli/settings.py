"""The settings of a backtest as typed blocks, from ``--set block.key=value``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any

from quantstrats.config import build, parse_settings
from quantstrats.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from quantstrats.market.market import Market
    from quantstrats.plugins import Plugins
    from quantstrats.runs import Run

BLOCKS = ("data", "signal", "allocation", "schedule", "costs", "engine", "report")


@dataclass(frozen=True)
class DataSettings:
    """The block ``data``, but for the source's own parameters: where bars come from, and which."""

    source: str = "sample"
    symbols: list[str] | str | None = None
    start: date | str | None = None
    end: date | str | None = None


@dataclass(frozen=True)
class EngineSettings:
    """The block ``engine``: what executes, with how much cash, in which sizes."""

    name: str = "backtrader"
    cash: float = 100_000.0
    fractional: bool = False


@dataclass(frozen=True)
class ReportSettings:
    """The block ``report``: what the run is compared with."""

    benchmark: str = "equal_weight"


def read_blocks(settings: list[str], flags: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every block's settings; flags (``"engine.cash"``: value) win over ``--set``, unset ones are None.

    Raises
    ------
    ConfigError
        If a block does not exist or a setting cannot be read.
    """
    blocks: dict[str, dict[str, Any]] = {block: {} for block in BLOCKS}
    for block, values in parse_settings(settings).items():
        if block not in blocks:
            known = ", ".join(BLOCKS)
            raise ConfigError(f"no block {block!r} of settings{did_you_mean(block, BLOCKS)} (there are: {known})")
        blocks[block].update(values)
    for path, value in flags.items():
        if value is not None:
            block, key = path.split(".")
            blocks[block][key] = value
    return blocks


def load(blocks: dict[str, dict[str, Any]], plugins: Plugins) -> Market:
    """Load the bars that the block ``data`` describes."""
    from quantstrats.loading import load_market

    own = {field.name for field in fields(DataSettings)}
    data = build(DataSettings, {key: value for key, value in blocks["data"].items() if key in own}, "block data")
    params = {key: value for key, value in blocks["data"].items() if key not in own}
    if "plugins" in params:  # load_market's own, no parameter of any source
        raise ConfigError("block data has no parameter 'plugins'")
    symbols = [part.strip() for part in data.symbols.split(",")] if isinstance(data.symbols, str) else data.symbols
    return load_market(data.source, symbols, data.start, data.end, plugins=plugins, **params)


def run(name: str, blocks: dict[str, dict[str, Any]], market: Market, plugins: Plugins) -> Run:
    """Backtest the signal called ``name`` as the blocks describe."""
    from quantstrats.api import backtest
    from quantstrats.portfolio.costs import Costs
    from quantstrats.portfolio.schedule import Schedule

    engine = build(EngineSettings, blocks["engine"], "block engine")
    return backtest(
        {**blocks["signal"], "name": name},
        market,
        allocator={"name": "long_flat", **blocks["allocation"]},
        schedule=build(Schedule, blocks["schedule"], "block schedule"),
        costs=build(Costs, blocks["costs"], "block costs"),
        cash=engine.cash,
        fractional=engine.fractional,
        engine=engine.name,
        benchmark=build(ReportSettings, blocks["report"], "block report").benchmark,
        plugins=plugins,
    )
