"""backtest and load_market: everything below, in order."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

from quantstrats.announcer import Announcer
from quantstrats.config import build, describe
from quantstrats.engines import engine_named
from quantstrats.engines.execution import Account, Execution
from quantstrats.errors import ConfigError
from quantstrats.evaluation import check_needs, details_of
from quantstrats.events import RunStarted
from quantstrats.hashing import hash_plain
from quantstrats.ledger import Ledger
from quantstrats.plugins import Plugins
from quantstrats.portfolio.allocation import Allocator
from quantstrats.portfolio.costs import Costs
from quantstrats.portfolio.schedule import Schedule
from quantstrats.provenance import describe_code, describe_installation
from quantstrats.reports.benchmark import EQUAL_WEIGHT, benchmark_returns
from quantstrats.reports.metrics import measure
from quantstrats.runs import Run, content_hashes, new_run_id, returns_of
from quantstrats.strategy import Strategy

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.market import Market
    from quantstrats.market.sources.base import Source
    from quantstrats.signals import Details, Signal

DEFAULT_CASH = 100_000.0


def load_market(
    source: str = "sample",
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
    source : str, default "sample"
        Name of an installed source.
    symbols : sequence of str, optional
        What to load; by default the source's usual content.
    start, end : str or date, optional
        First and last session, both included.
    plugins : Plugins, optional
        Where to look for the source; by default all that is installed.
    **params
        The source's own parameters.

    Raises
    ------
    PluginError, ConfigError, DataError
        If there is no such source, a parameter does not fit, or the bars cannot be had.
    """
    plugins = plugins or Plugins.installed()
    loader = cast("Source", build(plugins.find("source", source).cls, params, f"source {source!r}"))
    if isinstance(symbols, str):
        raise ConfigError(f"symbols is {symbols!r}; give a list, as in [{symbols!r}]")
    first, last = _day(start, "start"), _day(end, "end")
    if first and last and first > last:
        raise ConfigError(f"start {first} lies after end {last}")
    return loader.load(symbols, first, last).with_origin({"source": source, **params})


def backtest(
    signal: Signal | str,
    market: Market,
    *,
    allocator: Allocator | str = "long_flat",
    schedule: Schedule | None = None,
    costs: Costs | None = None,
    cash: float = DEFAULT_CASH,
    fractional: bool = False,
    engine: str = "backtrader",
    benchmark: str = EQUAL_WEIGHT,
    plugins: Plugins | None = None,
) -> Run:
    """Trade a signal on a market, and return all that came of it.

    Every call is entered in the ledger, failed ones too; the Run is stored when its ``save`` is called.

    Parameters
    ----------
    signal : Signal or str
        The idea, or the name of an installed signal with its default parameters.
    market : Market
        The bars.
    allocator : Allocator or str, default "long_flat"
        What turns forecasts into weights.
    schedule : Schedule, optional
        When decisions fall and which targets are traded; by default every bar, and what has changed.
    costs : Costs, optional
        What trading costs; by default 10 basis points of commission and 5 of slippage.
    cash : float, default 100000
        What the account starts with, in units of currency.
    fractional : bool, default False
        Whether parts of a share can be traded.
    engine : str, default "backtrader"
        What executes the targets.
    benchmark : str, default "equal_weight"
        Equal-weight buy-and-hold of the same symbols, a symbol's name, or "none".
    plugins : Plugins, optional
        Where to look for names, and who hears the announcements; by default all that is installed.

    Returns
    -------
    Run

    Raises
    ------
    QuantstratsError
        With one line on what is wrong, where, and what to do.
    """
    plugins = plugins or Plugins.installed()
    strategy = Strategy(
        signal=build(plugins.signal(signal), {}, f"signal {signal!r}") if isinstance(signal, str) else signal,
        allocator=_allocator(allocator, plugins),
        schedule=schedule or Schedule(),
        costs=costs or Costs(),
    )
    try:
        account = Account(float(cash), fractional, strategy.costs, strategy.schedule)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    execute = engine_named(engine)
    warmup = check_needs(strategy.signal, market)
    compared = benchmark_returns(market, benchmark)
    config = _config(strategy, market, account, engine, benchmark)
    run_id, ledger, announcer = new_run_id(strategy.signal.name), Ledger(), Announcer(plugins)
    began = datetime.now(UTC)
    with ledger.trial(run_id, config, market.content_hash) as trial:
        announcer.tell("run_started", run=RunStarted(run_id, trial, "backtest", config))
        targets = strategy.targets(market)
        execution = execute(market, targets, account, announcer)
        results = _results(market, targets, execution)
        run = Run(
            run_id=run_id,
            config=config,
            manifest={
                "run_id": run_id,
                "trial": trial,
                "started_at": began.isoformat(timespec="seconds"),
                "engine": engine,
                "plugin": describe_code(strategy.signal, plugins),
                "allocator": describe_code(strategy.allocator, plugins),
                "config_hash": hash_plain(config),
                "data": {"hash": market.content_hash, "origin": dict(market.origin)},
                "stamps": _stamps(market, strategy.signal),
                "installation": describe_installation(),
                "content": content_hashes(**results),
            },
            **results,
            benchmark=compared,
            metrics=_metrics(results, account.cash, compared, market.bars_per_year),
            details=_rendered(details_of(strategy.signal, market)),
            log=_log(began, config, [*_doubts(market, warmup, targets, execution), *execution.events]),
        )
        ledger.finish(trial, run.manifest["content"]["all"], run.metrics)
    announcer.tell("run_finished", run=run)
    run.log.extend(_line("warning", failure) for failure in announcer.failures)
    return run


def _allocator(allocator: Allocator | str, plugins: Plugins) -> Allocator:
    if isinstance(allocator, Allocator):
        return allocator
    return cast("Allocator", build(plugins.find("allocator", allocator).cls, {}, f"allocator {allocator!r}"))


def _config(strategy: Strategy, market: Market, account: Account, engine: str, benchmark: str) -> dict[str, Any]:
    first, last = market.session[0], market.session[-1]
    span = {"start": str(first.date()), "end": str(last.date())}
    return {
        "data": {**market.origin, "symbols": list(market.symbols), **span, "calendar": market.calendar.name},
        "signal": describe(strategy.signal),
        "allocation": describe(strategy.allocator),
        "schedule": describe(strategy.schedule),
        "costs": describe(strategy.costs),
        "engine": {"name": engine, "cash": account.cash, "fractional": account.fractional},
        "report": {"benchmark": benchmark},
    }


def _results(market: Market, targets: pd.DataFrame, execution: Execution) -> dict[str, Any]:
    """Return a Run's frames; positions are valued at the last close that was."""
    prices = market.close.ffill()
    values = (execution.positions * prices).where(execution.positions != 0.0, 0.0)
    return {
        "equity": execution.equity,
        "positions": values.assign(cash=execution.cash),
        "transactions": execution.transactions,
        "orders": execution.orders,
        "trades": execution.trades,
        "targets": targets,
    }


def _metrics(results: dict[str, Any], cash: float, benchmark: pd.Series | None, bars_per_year: float) -> dict[str, Any]:
    frames = {name: frame for name, frame in results.items() if name != "targets"}
    returns = returns_of(results["equity"], cash)
    return measure(returns=returns, cash=cash, benchmark=benchmark, bars_per_year=bars_per_year, **frames)


def _stamps(market: Market, signal: Signal) -> list[str]:
    """Return what every report of the run must say."""
    scale = f"signal {signal.name!r} depends on the scale of prices: it may change with a split adjustment"
    return [*market.stamps, *([] if signal.scale_free else [scale])]


def _doubts(market: Market, warmup: int, targets: pd.DataFrame, execution: Execution) -> list[str]:
    """Return what makes a user wonder: a run without any position, a position without a price of today."""
    doubts = []
    if not targets.fillna(0.0).to_numpy().any():
        short = f": {len(market)} bars are fewer than the signal's warm-up of {warmup}" if len(market) < warmup else ""
        doubts.append(f"no decision asked for a position{short}")
    held = execution.positions.columns[execution.positions.iloc[-1] != 0.0]
    for symbol in held:
        last = market.session[market.present[:, market.symbols.get_loc(symbol)]][-1]
        if last < market.session[-1]:
            doubts.append(f"{symbol} has no bar after {last.date()} and did not end: it is held at that close")
    return doubts


def _rendered(details: Details) -> Details:
    """Return the details with every figure drawn, so that they are plain data."""
    pictures = {}
    for name, picture in details.pictures.items():
        if isinstance(picture, bytes):
            pictures[name] = picture
            continue
        drawn = io.BytesIO()
        picture.savefig(drawn, format="png", bbox_inches="tight")
        pictures[name] = drawn.getvalue()
    return replace(details, pictures=pictures)


def _log(began: datetime, config: dict[str, Any], events: list[str]) -> list[dict[str, str]]:
    start = {"time": began.isoformat(timespec="seconds"), "level": "info"}
    return [
        {**start, "message": f"backtest of {config['signal']['name']} began"},
        *(_line("warning", event) for event in events),
        _line("info", "backtest finished"),
    ]


def _line(level: str, message: str) -> dict[str, str]:
    return {"time": datetime.now(UTC).isoformat(timespec="seconds"), "level": level, "message": message}


def _day(day: str | date | None, what: str) -> date | None:
    if day is None or (isinstance(day, date) and not isinstance(day, datetime)):
        return day
    try:
        return date.fromisoformat(str(day)[:10])
    except ValueError:
        raise ConfigError(f"{what} is {day!r}; give a date as in 2015-12-31") from None
