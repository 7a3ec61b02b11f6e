"""The settings of a backtest as typed blocks, from ``--set block.key=value``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from quantstrats.config import build, parse_settings
from quantstrats.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from quantstrats.market.market import Market
    from quantstrats.plugins import Plugins
    from quantstrats.portfolio.allocation import Allocator
    from quantstrats.runs import Run
    from quantstrats.signals import Signal

BLOCKS = ("data", "signal", "allocation", "schedule", "costs", "engine", "report")


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
    from quantstrats.api import load_market

    data = dict(blocks["data"])
    symbols = data.pop("symbols", None)
    symbols = [part.strip() for part in symbols.split(",")] if isinstance(symbols, str) else symbols
    return load_market(data.pop("source", "sample"), symbols, plugins=plugins, **data)


def run(name: str, blocks: dict[str, dict[str, Any]], market: Market, plugins: Plugins) -> Run:
    """Backtest the signal called ``name`` as the blocks describe."""
    from quantstrats.api import backtest
    from quantstrats.portfolio.costs import Costs
    from quantstrats.portfolio.schedule import Schedule

    allocation = dict(blocks["allocation"])
    allocator = str(allocation.pop("name", "long_flat"))
    engine = build(EngineSettings, blocks["engine"], "block engine")
    return backtest(
        cast("Signal", build(plugins.signal(name), blocks["signal"], f"signal {name!r}")),
        market,
        allocator=cast(
            "Allocator", build(plugins.find("allocator", allocator).cls, allocation, f"allocator {allocator!r}")
        ),
        schedule=build(Schedule, blocks["schedule"], "block schedule"),
        costs=build(Costs, blocks["costs"], "block costs"),
        cash=engine.cash,
        fractional=engine.fractional,
        engine=engine.name,
        benchmark=build(ReportSettings, blocks["report"], "block report").benchmark,
        plugins=plugins,
    )
