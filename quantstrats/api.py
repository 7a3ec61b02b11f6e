"""backtest: everything below, in order."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantstrats.announcer import Announcer
from quantstrats.assembly import (
    configuration,
    doubts,
    drawn_details,
    foundation,
    kept_bars,
    log_line,
    log_lines,
    results,
)
from quantstrats.engines import engine_named
from quantstrats.engines.execution import Account
from quantstrats.errors import ConfigError
from quantstrats.evaluation import check_needs
from quantstrats.events import RunStarted
from quantstrats.guard.check import check_lookahead, check_mode
from quantstrats.hashing import hash_plain
from quantstrats.learning.fits import Fits, fits_folder
from quantstrats.loading import examined
from quantstrats.making import made
from quantstrats.market.holdout import rows_kept
from quantstrats.market.market import Market
from quantstrats.market.universe import Universe
from quantstrats.plugins import Plugins
from quantstrats.portfolio.costs import Costs
from quantstrats.portfolio.risk import RiskPolicy
from quantstrats.portfolio.schedule import Schedule
from quantstrats.progress import stage
from quantstrats.reports.benchmark import EQUAL_WEIGHT, benchmark_returns
from quantstrats.reports.metrics import check_risk_free, measure
from quantstrats.runs import holdout
from quantstrats.runs.failures import failure_log
from quantstrats.runs.ledger import Ledger, recomputing
from quantstrats.runs.run import Run, content_hashes, new_run_id, returns_of
from quantstrats.settings.settings import Settings, read_settings, settings_of
from quantstrats.signals import needs_of
from quantstrats.strategy import Strategy
from quantstrats.warned import Warned, heard_so_far, listening

if TYPE_CHECKING:
    from quantstrats.portfolio.allocation import Allocator
    from quantstrats.signals import Signal

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
    risk_free: float = 0.0,
    plugins: Plugins | None = None,
    fits: Fits | None = None,
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
    risk_free : float, default 0
        Annual risk-free rate as a fraction, 0.02 for 2%: that of the Sharpe and Sortino ratios and of alpha.
    plugins : Plugins, optional
        Where to look for names, and who hears the announcements; by default all that is installed.
    fits : Fits, optional
        Where learners' fits are kept; by default the cache in ``logs/fits``. ``Fits()`` makes each anew.

    Returns
    -------
    Run

    Raises
    ------
    QuantstratsError
        With one line on what is wrong, where, and what to do.
    """
    warned = heard_so_far()
    with listening(warned):
        plugins = plugins or Plugins.installed()
        if not isinstance(market, Market):
            raise ConfigError(
                f"market is of type {type(market).__name__}; make one with Market.from_frames or load_market"
            )
        market = examined(market)
        strategy = Strategy(
            signal=made("signal", signal, plugins),
            allocator=made("allocator", allocator, plugins),
            schedule=_typed("schedule", Schedule, schedule),
            costs=_typed("costs", Costs, costs),
            universe=_typed("universe", Universe, universe),
            risk=_typed("risk", RiskPolicy, risk),
        )
        strategy.universe.check(market)
        strategy.costs.check(market)
        account = Account(cash, fractional, strategy.costs, strategy.schedule, strategy.risk)
        execute = engine_named(engine)
        check_needs(strategy.signal, market)
    if not isinstance(benchmark, str):
        raise ConfigError(
            f"benchmark is of type {type(benchmark).__name__}; give equal_weight, none, or a symbol's name"
        )
    compared = benchmark_returns(market, benchmark)
    mode, rate = check_mode(guard), check_risk_free(risk_free)
    report = {"benchmark": benchmark, "risk_free": rate}
    config = configuration(strategy, market, account, engine, guard, report, plugins)
    run_id, ledger, announcer = new_run_id(strategy.signal.name), Ledger(), Announcer(plugins)
    began = datetime.now(UTC)
    with ledger.trial(run_id, config, market.content_hash) as trial, failure_log(run_id, warned), listening(warned):
        held = holdout.begin_run(market, run_id, strategy.signal.name)
        announcer.tell("run_started", run=RunStarted(run_id, trial, "backtest", copy.deepcopy(config)))
        seen = strategy.universe.applied(market)
        fits = Fits(fits_folder()) if fits is None else fits
        with stage("forecasting"):
            forecast = strategy.forecast(market, fits)
        with listening(Warned()), recomputing():  # it asks the same again, and on bars that never were
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
        frames = results(market, targets, execution)
        details, trouble = drawn_details(strategy, seen, forecast, fits)
        found = doubts(market, strategy, targets, execution)
        warnings = [*found, *trouble, *fits.notes, *execution.events, *warned.lines()]
        run = Run(
            run_id=run_id,
            config=config,
            manifest={
                "run_id": run_id,
                "trial": trial,
                "started_at": began.isoformat(timespec="seconds"),
                "config_hash": hash_plain(config),
                "content": content_hashes(**frames),
                "guard": {**asdict(checked), "beside": list(checked.beside)},
                "fits": fits.record,
                **foundation(strategy, market, seen, checked, held, plugins),
            },
            **frames,
            benchmark=compared,
            metrics=measure(
                **{name: frame for name, frame in frames.items() if name != "targets"},
                returns=returns_of(execution.equity, account.cash),
                cash=account.cash,
                benchmark=compared,
                bars_per_year=market.bars_per_year,
                risk_free=rate,
                kept=rows_kept(market),
            ),
            bars=kept_bars(market, execution.transactions, details.overlays),
            details=details,
            log=log_lines(began, config["signal"]["name"], warnings),
        )
        ledger.finish(trial, run.manifest["content"]["all"], run.metrics)
    if announcer.hears("run_finished"):
        warned = Warned()
        with listening(warned):
            announcer.tell("run_finished", run=copy.deepcopy(run))  # what a listener does to it concerns nobody else
        run.log.extend(log_line("warning", warning) for warning in warned.lines())
    run.log.extend(log_line("warning", failure) for failure in announcer.failures)
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


def backtest_settings(settings: Settings, *, plugins: Plugins | None = None, fits: Fits | None = None) -> Run:
    """Trade what settings that were read describe; see :func:`backtest_config`, and :func:`backtest` for ``fits``."""
    with listening(heard_so_far()):
        plugins = plugins or Plugins.installed()
        # What can be wrong without any bar is told before bars are loaded.
        signal = settings.signal.plugin("signal", plugins)
        allocator = settings.allocation.plugin("allocator", plugins)
        engine_named(settings.engine.name)
        settings.check_needs(needs_of(signal), plugins)
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
            risk_free=settings.report.risk_free,
            plugins=plugins,
            fits=fits,
        )


def _typed(what: str, cls: type, value: Any) -> Any:
    if value is None:
        return cls()
    if not isinstance(value, cls):
        raise ConfigError(f"{what} is {value!r}; give a {cls.__name__}, as in {cls.__name__}()")
    return value
