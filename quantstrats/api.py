"""backtest: everything below, in order."""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.announcer import Announcer
from quantstrats.calls import warmup_of
from quantstrats.config import describe
from quantstrats.engines import engine_named
from quantstrats.engines.execution import Account, Execution
from quantstrats.errors import ConfigError, SignalError, in_one_line
from quantstrats.evaluation import check_needs, details_of
from quantstrats.events import RunStarted
from quantstrats.failures import failure_log
from quantstrats.fits import Fits
from quantstrats.guard import GuardReport, check_lookahead, check_mode
from quantstrats.hashing import hash_frame, hash_plain
from quantstrats.history import first_row
from quantstrats.home import logs_folder
from quantstrats.ledger import Ledger
from quantstrats.making import described, made
from quantstrats.market.market import Market
from quantstrats.market.universe import Universe
from quantstrats.plugins import Plugins
from quantstrats.portfolio.costs import Costs
from quantstrats.portfolio.risk import RiskPolicy
from quantstrats.portfolio.schedule import Schedule
from quantstrats.progress import stage
from quantstrats.provenance import describe_code, describe_installation
from quantstrats.reports.benchmark import EQUAL_WEIGHT, benchmark_returns
from quantstrats.reports.metrics import measure
from quantstrats.runs import Run, content_hashes, new_run_id, returns_of
from quantstrats.settings import Settings, read_settings, settings_of
from quantstrats.signals import Details, Signal
from quantstrats.strategy import Strategy

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.portfolio.allocation import Allocator

DEFAULT_CASH = 100_000.0

# A plugin's object, its name, or its name and parameters: {"name": "top_quantile", "quantile": 0.1}.
Named = str | Mapping[str, Any]


def backtest(
    signal: Signal | Named,
    market: Market,
    *,
    allocator: Allocator | Named = "long_flat",
    schedule: Schedule | None = None,
    costs: Costs | None = None,
    universe: Universe | None = None,
    risk: RiskPolicy | None = None,
    cash: float = DEFAULT_CASH,
    fractional: bool = False,
    engine: str = "backtrader",
    guard: str = "sampled",
    benchmark: str = EQUAL_WEIGHT,
    plugins: Plugins | None = None,
) -> Run:
    """Trade a signal on a market, and return all that came of it.

    Every run that begins is entered in the ledger, failed ones too; it is stored when its ``save`` is called.

    Parameters
    ----------
    signal : Signal, str or mapping
        The idea; or the name of an installed signal, or its name and parameters:
        ``{"name": "sma_cross", "fast": 10}``.
    market : Market
        The bars.
    allocator : Allocator, str or mapping, default "long_flat"
        What turns forecasts into weights; named like the signal.
    schedule : Schedule, optional
        When decisions fall and which targets are traded; by default every bar, and what has changed.
    costs : Costs, optional
        What trading costs; by default 10 basis points of commission and 5 of slippage.
    universe : Universe, optional
        Which symbols may be held when, beside the market's own universe; by default all.
    risk : RiskPolicy, optional
        What ends trading; by default only an account of which nothing is left.
    cash : float, default 100000
        What the account starts with, in units of currency.
    fractional : bool, default False
        Whether parts of a share can be traded.
    engine : str, default "backtrader"
        What executes the targets.
    guard : {"sampled", "full", "off"}, default "sampled"
        How many rows the look-ahead guard recomputes: a sample, every one, or none, which is stamped on the run.
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
    if not isinstance(market, Market):
        raise ConfigError(f"market is of type {type(market).__name__}; make one with Market.from_frames or load_market")
    strategy = Strategy(
        signal=made("signal", signal, plugins),
        allocator=made("allocator", allocator, plugins),
        schedule=_typed("schedule", Schedule, schedule),
        costs=_typed("costs", Costs, costs),
        universe=_typed("universe", Universe, universe),
        risk=_typed("risk", RiskPolicy, risk),
    )
    strategy.universe.check(market)
    account = Account(cash, fractional, strategy.costs, strategy.schedule, strategy.risk)
    execute = engine_named(engine)
    check_needs(strategy.signal, market)
    if not isinstance(benchmark, str):
        raise ConfigError(
            f"benchmark is of type {type(benchmark).__name__}; give equal_weight, none, or a symbol's name"
        )
    compared = benchmark_returns(market, benchmark)
    mode = check_mode(guard)
    config = _config(strategy, market, account, engine, guard, benchmark, plugins)
    run_id, ledger, announcer = new_run_id(strategy.signal.name), Ledger(), Announcer(plugins)
    began = datetime.now(UTC)
    with ledger.trial(run_id, config, market.content_hash) as trial, failure_log(run_id):
        announcer.tell("run_started", run=RunStarted(run_id, trial, "backtest", copy.deepcopy(config)))
        fits, seen = Fits(logs_folder() / "fits"), strategy.universe.applied(market)
        with stage("forecasting"):
            forecast = strategy.forecast(market, fits)
        checked = check_lookahead(
            strategy.signal,
            seen,
            forecast,
            mode=mode,
            seed=int(hash_plain([config, market.content_hash])[:8], 16),
            since=strategy.universe.warmup() - 1,
            fits=fits,
        )
        targets = strategy.decide(forecast, market)
        execution = execute(market, targets, account, announcer)
        results = _results(market, targets, execution)
        details, trouble = _details(strategy.signal, seen, fits)
        doubts = [*_doubts(market, strategy, targets, execution), *trouble, *fits.notes]
        run = Run(
            run_id=run_id,
            config=config,
            manifest={
                "run_id": run_id,
                "trial": trial,
                "started_at": began.isoformat(timespec="seconds"),
                "config_hash": hash_plain(config),
                "content": content_hashes(**results),
                "guard": asdict(checked),
                "fits": {"made": fits.made, "recalled": fits.recalled},
                **_provenance(strategy, market, seen, checked, plugins),
            },
            **results,
            benchmark=compared,
            metrics=_metrics(results, account.cash, compared, market.bars_per_year),
            details=details,
            log=_log(began, config, [*doubts, *execution.events]),
        )
        ledger.finish(trial, run.manifest["content"]["all"], run.metrics)
    if announcer.hears("run_finished"):
        announcer.tell("run_finished", run=copy.deepcopy(run))  # what a listener does to it concerns nobody else
    run.log.extend(_line("warning", failure) for failure in announcer.failures)
    return run


def backtest_config(config: Mapping[str, Any] | str | Path, *, plugins: Plugins | None = None) -> Run:
    """Trade what a whole configuration describes, and return all that came of it.

    Parameters
    ----------
    config : mapping, str or Path
        The path of a YAML file, in which relative paths start from its folder; or the content of one. A stored run's
        ``config.yaml`` is one.
    plugins : Plugins, optional
        Where to look for names, and who hears the announcements; by default all that is installed.

    Returns
    -------
    Run
        Not stored yet.

    Raises
    ------
    QuantstratsError
        With one line on what is wrong, where, and what to do.
    """
    if not isinstance(config, Mapping | str | Path):
        raise ConfigError(f"config is of type {type(config).__name__}; give a mapping, or the path of a YAML file")
    settings = settings_of(config) if isinstance(config, Mapping) else read_settings(Path(config))
    return backtest_settings(settings, plugins=plugins)


def backtest_settings(settings: Settings, *, plugins: Plugins | None = None) -> Run:
    """Trade what settings that were read describe; see :func:`backtest_config`."""
    plugins = plugins or Plugins.installed()
    # What can be wrong without any bar is told before bars are loaded.
    signal = settings.signal.plugin("signal", plugins)
    allocator = settings.allocation.plugin("allocator", plugins)
    engine_named(settings.engine.name)
    with stage("loading bars"):
        market = settings.load(plugins)
    return backtest(
        signal,
        market,
        allocator=allocator,
        schedule=settings.schedule,
        costs=settings.costs,
        universe=settings.universe,
        risk=settings.risk,
        cash=settings.engine.cash,
        fractional=settings.engine.fractional,
        engine=settings.engine.name,
        guard=settings.engine.guard,
        benchmark=settings.report.benchmark,
        plugins=plugins,
    )


def _typed(what: str, cls: type, value: Any) -> Any:
    if value is None:
        return cls()
    if not isinstance(value, cls):
        raise ConfigError(f"{what} is {value!r}; give a {cls.__name__}, as in {cls.__name__}()")
    return value


def _config(
    strategy: Strategy, market: Market, account: Account, engine: str, guard: str, benchmark: str, plugins: Plugins
) -> dict[str, Any]:
    first, last = market.session[0], market.session[-1]
    span = {"start": str(first.date()), "end": str(last.date())}
    return {
        "data": {**market.origin, "symbols": list(market.symbols), **span},
        "universe": describe(strategy.universe),
        "signal": described(strategy.signal, plugins),
        "allocation": described(strategy.allocator, plugins),
        "schedule": describe(strategy.schedule),
        "costs": describe(strategy.costs),
        "risk": describe(strategy.risk),
        "engine": {"name": engine, "cash": account.cash, "fractional": account.fractional, "guard": guard},
        "report": {"benchmark": benchmark},
    }


def _provenance(
    strategy: Strategy, market: Market, seen: Market, guard: GuardReport, plugins: Plugins
) -> dict[str, Any]:
    """Return what the run stands on, beside its configuration; ``seen`` is the market within the universe."""
    stamps = [*market.stamps]
    if not strategy.signal.scale_free:
        scale = "depends on the scale of prices: it may change with a split adjustment"
        stamps.append(f"signal {strategy.signal.name!r} {scale}")
    if strategy.universe.min_price is not None:
        stamps.append(
            "universe.min_price judges the bars as they are: adjusted ones know of later splits and dividends"
        )
    if guard.mode == "off":
        stamps.append("the look-ahead guard was off: nobody checked that the forecast could be had at its time")
    return {
        "plugin": describe_code(strategy.signal, plugins),
        "allocator": describe_code(strategy.allocator, plugins),
        "data": {
            "hash": market.content_hash,
            "parts": dict(market.content_hashes),
            "origin": dict(market.origin),
            "calendar": market.calendar.name,
            "side_series": list(market.side),
            "universe": None if seen.universe is None else hash_frame(seen.universe),
        },
        "stamps": stamps,
        "installation": describe_installation(),
    }


def _results(market: Market, targets: pd.DataFrame, execution: Execution) -> dict[str, Any]:
    """Return a Run's frames; positions are valued at the last close that was."""
    prices = market.close.ffill()
    values = (execution.shares * prices).where(execution.shares != 0.0, 0.0)
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


def _doubts(market: Market, strategy: Strategy, targets: pd.DataFrame, execution: Execution) -> list[str]:
    """Return what makes a user wonder: a run without any position, a position without a price of today."""
    doubts = []
    if not targets.fillna(0.0).to_numpy().any():
        first = first_row(strategy.signal, market.timeline, strategy.universe.warmup() - 1)
        warmup = f"its warm-up is {warmup_of(strategy.signal)}"
        short = f": {len(market)} bars are too few for a forecast ({warmup})" if first >= len(market) else ""
        doubts.append(f"no decision asked for a position{short}")
    elif execution.orders.empty:
        doubts.append(
            "every decision asked for less than one share: start with more cash, or trade fractions of shares"
        )
    held = execution.shares.columns[execution.shares.iloc[-1] != 0.0]
    for symbol in held:
        last = market.session[market.present[:, market.symbols.get_loc(symbol)]][-1]
        if last < market.session[-1]:
            doubts.append(f"{symbol} has no bar after {last.date()} and did not end: it is held at that close")
    return doubts


def _details(signal: Signal, market: Market, fits: Fits) -> tuple[Details, list[str]]:
    """Return what the signal wants to show, drawn; or nothing and why, since the figures stand without it."""
    try:
        details = details_of(signal, market, fits)
        return replace(details, pictures={name: _drawn(picture) for name, picture in details.pictures.items()}), []
    except SignalError as error:
        return Details(), [str(error)]
    # A figure is a stranger's object, and drawing it may fail in any way.
    except Exception as error:
        return Details(), [f"signal {signal.name!r}: a picture of its details cannot be drawn: {in_one_line(error)}"]


def _drawn(picture: Any) -> bytes:
    if isinstance(picture, bytes):
        return picture
    png = io.BytesIO()
    picture.savefig(png, format="png", bbox_inches="tight")
    return png.getvalue()


def _log(began: datetime, config: dict[str, Any], events: list[str]) -> list[dict[str, str]]:
    start = {"time": began.isoformat(timespec="seconds"), "level": "info"}
    return [
        {**start, "message": f"backtest of {config['signal']['name']} began"},
        *(_line("warning", event) for event in events),
        _line("info", "backtest finished"),
    ]


def _line(level: str, message: str) -> dict[str, str]:
    return {"time": datetime.now(UTC).isoformat(timespec="seconds"), "level": level, "message": message}
