"""load_market: bars from an installed source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import ConfigError, DataError, QuantstratsError, in_one_line
from quantstrats.making import described, made
from quantstrats.market.cache.offline import only_cached
from quantstrats.market.contracts import as_contracts, checked_multiplier
from quantstrats.market.holdout import HoldOut, checked_holdout, held_out
from quantstrats.market.intake import market_of, quality_of
from quantstrats.market.market import Market
from quantstrats.market.quality.check import check_market
from quantstrats.market.quality.repair import Repair
from quantstrats.market.sources.base import RowSource
from quantstrats.market.sources.beside import SidePlan, side_plan
from quantstrats.market.symbols import SymbolList, symbols_of
from quantstrats.plugins import Plugins
from quantstrats.warned import heard

if TYPE_CHECKING:
    from quantstrats.market.quality.report import QualityReport
    from quantstrats.market.sources.base import Source


_LATE = 10  # days


def load_market(
    source: Source | str | Mapping[str, Any] = "sample",
    symbols: Sequence[str] | str | SymbolList | None = None,
    start: str | date | None = None,
    end: str | date | None = None,
    *,
    side: Mapping[str, Any] | None = None,
    repair: Repair | str | Mapping[str, str] | None = None,
    resample: str | None = None,
    multiplier: Mapping[str, float] | None = None,
    offline: bool = False,
    holdout: float | str | date | None = None,
    open_holdout: bool = False,
    plugins: Plugins | None = None,
    **params: Any,
) -> Market:
    """Load bars from a source, look for what is wrong with them, and put side series beside them.

    Parameters
    ----------
    source : Source, str or mapping, default "sample"
        Name of an installed source; its name and parameters; or the source itself.
    symbols : sequence of str, or str, optional
        What to load: names; a text of names with commas; ``"@file"`` with a symbol on each line; or the name of a
        list, as in ``"sp500"``. By default the source's usual content.
    start, end : str or date, optional
        First and last session, both included.
    side : mapping of str to mapping, optional
        Side series by name: ``{"vix": {"source": "yahoo", "symbol": "^VIX"}, "cpi": {"source": "fred", ...}}``.
    repair : str, or mapping of str to str, optional
        What to do about what is found wrong with the bars: ``keep``, ``fail``, ``drop``, ``mask`` or ``winsorise``, for
        all rules or rule by rule. By default what cannot be a bar is refused, and all else is kept and stamped.
    resample : str, optional
        Length of longer bars to make of the source's, as in ``1h`` or ``1D``.
    multiplier : mapping of str to float, optional
        By symbol, how many units a contract has, of futures and the like: ``{"ES": 50}``. Prices are then those of a
        contract.
    offline : bool, default False
        Ask no vendor: use what the cache has.
    holdout : float, str or date, optional
        What nobody shall optimise on: a share of the sessions at the end (0.2 is the last 20%), or the first day that
        is held out. No bar and no side value from its first session on is in the market.
    open_holdout : bool, default False
        Leave it in all the same: each backtest on this market opens the hold-out, and is counted.
    plugins : Plugins, optional
        Where to look for the source; by default all that is installed.
    **params
        The source's own parameters, where its name is given.

    Returns
    -------
    Market
        What was asked for and no more, even if the source gave more; with ``origin`` naming the source and all its
        parameters, defaults included, and ``record`` telling what was found in the bars and done about it.

    Raises
    ------
    PluginError, ConfigError, DataError
        If there is no such source, a parameter does not fit, or the bars cannot be had.
    """
    plugins = plugins or Plugins.installed()
    loader: Source = made("source", _named(source, params), plugins)
    policy = repair if isinstance(repair, Repair) else Repair.of(repair)
    if resample is not None and not isinstance(resample, str):
        raise ConfigError(f"resample is {resample!r}; give a length, as in '1h'")
    if not isinstance(offline, bool):
        raise ConfigError(f"offline is {offline!r}; give True or False")
    units = checked_multiplier({} if multiplier is None else multiplier)
    wanted = checked_holdout(holdout, open_holdout)
    plans = _side_plans(side, plugins)
    with only_cached(offline):
        chosen = None if symbols is None else symbols_of(symbols)
        market, report = _asked(loader, chosen, *span_asked(start, end), policy)
        held = None if wanted is None else held_out(market.session, wanted, opened=open_holdout)
        unseen = 0
        if held is not None and not open_holdout:
            unseen = len(market.symbols)
            market, report = _without(held, market, report)
            unseen -= len(market.symbols)
        if resample is not None:
            market = _resampled(market, resample)
        if units:
            market = as_contracts(market, units)
        market = _with_side(market, plans)
        if held is not None and not open_holdout:
            market = market.rows(0, len(market)).alone()  # side series may have brought values of later days
    described_source = described(loader, plugins)
    made_of = {
        "side": {name: plan.described(plugins) for name, plan in plans.items()},
        "repair": policy.as_plain(),
        "resample": resample,
        "multiplier": units,
    }
    origin = {"source": described_source.pop("name"), **described_source, **{k: v for k, v in made_of.items() if v}}
    record = {"quality": report.as_record(), "repair": policy.as_plain(), **_choice(chosen)}
    record |= {} if held is None else held.record
    stamps = [*_late(market, span_asked(start, end)[0]), *_left_out(unseen), *report.stamps()]
    return market.with_record(record, stamps).with_origin(origin)


def _without(held: HoldOut, market: Market, report: QualityReport) -> tuple[Market, QualityReport]:
    """Return the bars before what is held out, and what was found in them.

    Copied, since a view of all bars leads to the others; and without symbols that have no bar yet, since whoever knows
    of them knows what will be listed.
    """
    kept = market.between(None, held.kept_until)
    later = int(market.present[len(kept) :].sum())
    listed = kept.symbols[np.flatnonzero(kept.present.any(axis=0))]
    return kept.select(listed).alone(), report.before(market.index[len(kept)], report.bars - later)


def _left_out(symbols: int) -> list[str]:
    """Return what to say of symbols that have no bar before the hold-out."""
    if not symbols:
        return []
    which, are = ("symbol that has", "is") if symbols == 1 else ("symbols that have", "are")
    return [f"{symbols:,} {which} no bar before the hold-out {are} left out"]


def _resampled(market: Market, bar: str) -> Market:
    try:
        return market.resampled(bar)
    except DataError as error:
        raise DataError(f"data.resample: {error}; signals see weeks and months by market.longer('week')") from None


def _late(market: Market, start: date | None) -> list[str]:
    """Return what to say of bars that begin much later than was asked for."""
    first = market.session[0].date()
    if start is None or (first - start).days <= _LATE:
        return []
    return [f"bars begin on {first}, later than the start {start} that was asked for"]


def _side_plans(side: Mapping[str, Any] | None, plugins: Plugins) -> dict[str, SidePlan]:
    if side is None:
        return {}
    if not isinstance(side, Mapping):
        raise ConfigError(f"side is {side!r:.60}; give each series by name, as in {{'vix': {{'source': ...}}}}")
    return {name: plan if isinstance(plan, SidePlan) else side_plan(name, plan, plugins) for name, plan in side.items()}


def _with_side(market: Market, plans: Mapping[str, SidePlan]) -> Market:
    """Return the market with its side series beside it, and with what is known of their bars."""
    if not plans:
        return market
    first, last = market.session[0].date(), market.session[-1].date()
    beside = {name: plan.load(list(market.symbols), first, last) for name, plan in plans.items()}
    market = market.with_side({name: loaded.series for name, loaded in beside.items()})
    records = {name: dict(loaded.record) for name, loaded in beside.items() if loaded.record}
    stamps = [stamp for loaded in beside.values() for stamp in loaded.stamps]
    ended = {name: loaded.series.ended_note(market.decided_at) for name, loaded in beside.items()}
    stamps += [f"side series {name!r}: {note}" for name, note in ended.items() if note]
    return market.with_record({"side": records} if records else {}, stamps)


def _choice(chosen: SymbolList | None) -> dict[str, Any]:
    """Return how the symbols were chosen, as plain data."""
    if chosen is None:
        return {}
    told = {"basis": chosen.basis, "origin": chosen.origin, "date": chosen.date}
    return {"symbols": {**told, "address": chosen.address} if chosen.address else told}


def examined(market: Market) -> Market:
    """Return a market whose bars were looked at: those of :func:`load_market` as they are, others with their stamps."""
    if "quality" in market.record:
        return market
    _, report = check_market(market)
    return market.with_record({"quality": report.as_record()}, report.stamps())


def quality_asked(
    source: Source,
    symbols: Sequence[str] | str | SymbolList | None = None,
    start: str | int | date | None = None,
    end: str | int | date | None = None,
    *,
    repair: Repair | str | Mapping[str, str] | None = None,
    offline: bool = False,
) -> QualityReport:
    """Return what is wrong with the bars of a source, and what a repair would do about it.

    Parameters are those of :func:`load_market`; without a repair nothing is refused.

    Raises
    ------
    ConfigError, DataError
        If a parameter does not fit, the bars cannot be had, or the repair is to fail and does.
    """
    policy = repair if isinstance(repair, Repair) else Repair.of(repair)
    with only_cached(offline):
        chosen = None if symbols is None else symbols_of(symbols)
        first, last = span_asked(start, end)
        if isinstance(source, RowSource):
            supply = source.rows(None if chosen is None else list(chosen.symbols), first, last)
            return quality_of(supply, None if repair is None else policy)
        return _asked(source, chosen, first, last, policy)[1]


def span_asked(start: str | int | date | None, end: str | int | date | None) -> tuple[date | None, date | None]:
    """Return the first and the last day that a user asks for.

    Raises
    ------
    ConfigError
        If one is no date, or they stand the wrong way round.
    """
    first, last = day_asked(start, "start"), day_asked(end, "end")
    if first and last and first > last:
        raise ConfigError(f"start {first} lies after end {last}")
    return first, last


def _asked(
    loader: Source, chosen: SymbolList | None, start: date | None, end: date | None, repair: Repair
) -> tuple[Market, QualityReport]:
    """Return the source's bars, checked and repaired, and what was found in them."""
    who = f"source {loader.name!r}"
    symbols = None if chosen is None else list(chosen.symbols)
    try:
        if isinstance(loader, RowSource):
            supply = heard(who, type(loader).__module__, loader.rows, symbols, start, end)
            # Rows are read as they are taken in.
            market, report = heard(who, type(loader).__module__, market_of, supply, repair)
            return (market.between(start, end) if start or end else market), report
        market = heard(who, type(loader).__module__, loader.load, symbols, start, end)
    except QuantstratsError:
        raise
    # A stranger's source may raise anything; the one who asked for it wants to know whose it was.
    except (Exception, SystemExit) as error:
        raise DataError(f"{who} failed: {in_one_line(error)}") from error
    if not isinstance(market, Market):
        raise DataError(f"{who} returned {type(market).__name__}, not a Market")
    if symbols is not None and list(market.symbols) != symbols:
        market = market.select(symbols)
    if start or end:
        market = market.between(start, end)
    return check_market(market, repair)


def _named(source: Any, params: Mapping[str, Any]) -> Any:
    """Return the source with the parameters that stand beside it."""
    if not params:
        return source
    if "name" in params:
        raise ConfigError("load_market takes no parameter 'name'; the source's name stands first")
    if isinstance(source, str | Mapping):
        return {**({"name": source} if isinstance(source, str) else source), **params}
    raise ConfigError(f"the source is made already; give {', '.join(params)} where it is made")


def day_asked(day: str | int | date | None, what: str) -> date | None:
    """Return a day that a user asks for.

    Raises
    ------
    ConfigError
        If it is no date; the message begins with ``what``.
    """
    if day is None:
        return None
    if isinstance(day, date) and day == day:  # NaT is no day
        return day.date() if isinstance(day, datetime) else day
    try:
        return date.fromisoformat(day)  # type: ignore[arg-type]  # a number is refused like any other
    except (ValueError, TypeError):
        raise ConfigError(f"{what} is {day!r}; give a date as in 2015-12-31") from None
