"""What a Run holds beside its frames, put together from what was asked and what came of it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from quantstrats.calls import warmup_of
from quantstrats.config import describe
from quantstrats.errors import SignalError, in_one_line
from quantstrats.evaluation import details_of
from quantstrats.hashing import hash_frame
from quantstrats.learning.learner import Learner
from quantstrats.learning.windows import first_row
from quantstrats.making import described
from quantstrats.market.holdout import span_of
from quantstrats.provenance import describe_code, describe_installation
from quantstrats.signals import Details, Signal, parts_of
from quantstrats.warned import heard

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.engines.execution import Account, Execution
    from quantstrats.guard.check import GuardReport
    from quantstrats.learning.fits import Fits
    from quantstrats.market.market import Market
    from quantstrats.market.universe import Universe
    from quantstrats.plugins import Plugins
    from quantstrats.strategy import Strategy

# Of a Run's bars: 24 MB in memory, and less on disk.
_MOST_KEPT_PRICES = 3_000_000
_IDLE = 0.1  # part of the bars, and more than a year of them, without an opinion: from there on it is told


def configuration(
    strategy: Strategy,
    market: Market,
    account: Account,
    engine: str,
    guard: str,
    report: dict[str, Any],
    plugins: Plugins,
) -> dict[str, Any]:
    """Return the complete configuration as plain data, by blocks; such a file runs again."""
    return {
        "data": {**market.origin, "symbols": list(market.symbols), **span_of(market)},
        "universe": {**describe(strategy.universe), "basis": _basis(strategy, market)},
        "signal": described(strategy.signal, plugins),
        "allocation": described(strategy.allocator, plugins),
        "schedule": describe(strategy.schedule),
        "costs": describe(strategy.costs),
        "risk": describe(strategy.risk),
        "engine": {"name": engine, "cash": account.cash, "fractional": account.fractional, "guard": guard},
        "report": report,
    }


def _basis(strategy: Strategy, market: Market) -> str | None:
    """Return how the symbols were chosen, where more is known than that they were named."""
    if strategy.universe.basis is not None or strategy.universe.members is not None:
        return strategy.universe.basis
    basis = market.record.get("symbols", {}).get("basis")
    return str(basis) if basis == "todays_list" else None


def foundation(
    strategy: Strategy, market: Market, seen: Market, guard: GuardReport, held: list[str], plugins: Plugins
) -> dict[str, Any]:
    """Return what a run stands on beside its configuration.

    ``seen`` is the market within the universe, ``held`` what reports must say of its hold-out.
    """
    return {
        "plugin": _plugin(strategy.signal, plugins),
        "allocator": describe_code(strategy.allocator, plugins),
        "data": {
            "hash": market.content_hash,
            "parts": dict(market.content_hashes),
            "origin": dict(market.origin),
            "record": dict(market.record),
            "calendar": market.calendar.name,
            "bar": None if market.bar is None else str(market.bar),
            "bars_per_year": market.bars_per_year,
            "sector": _sectors(market),
            "side_series": list(market.side),
            "universe": None if seen.universe is None else hash_frame(seen.universe),
        },
        "stamps": [*held, *_stamps(strategy, market, guard)],
        "installation": describe_installation(),
    }


def _sectors(market: Market) -> dict[str, str]:
    """Return the sector of each symbol, where the market has the static side series ``sector``."""
    if "sector" not in market.side or not market.side.series["sector"].is_assumed:
        return {}
    known = market.side["sector"]
    return {str(symbol): str(sector) for symbol, sector in known.dropna().items()}


def _plugin(signal: Signal, plugins: Plugins) -> dict[str, Any]:
    """Describe the code of a signal, and of its parts within."""
    parts = {name: _plugin(part, plugins) for name, part in parts_of(signal).items()}
    return {**describe_code(signal, plugins), **({"parts": parts} if parts else {})}


def _stamps(strategy: Strategy, market: Market, guard: GuardReport) -> list[str]:
    """Return what every report must say: of the bars, of the signal and its parts, of what was not checked."""
    stamps = [universe_stamp(strategy.universe, market), *market.stamps]
    for signal in _with_parts(strategy.signal):
        if not signal.scale_free:
            scale = "depends on the scale of prices: it may change with a split adjustment"
            stamps.append(f"signal {signal.name!r} {scale}")
    if strategy.universe.min_price is not None:
        stamps.append(
            "universe.min_price judges the bars as they are: adjusted ones know of later splits and dividends"
        )
    beside = "beside its market: nobody checked when those values were known"
    stamps += [f"the signal reads {name} {beside}" for name in guard.beside]
    if guard.mode == "off":
        stamps.append("the look-ahead guard was off: nobody checked that the forecast could be had at its time")
    return stamps


def universe_stamp(universe: Universe, market: Market) -> str:
    """Return how the symbols of a market that may be held were chosen."""
    symbols = market.record.get("symbols", {})
    listed = " of ".join(filter(None, (symbols.get("origin"), symbols.get("date"))))
    return universe.stamp(list(market.symbols), symbols.get("basis"), listed)


def _with_parts(signal: Signal) -> list[Signal]:
    return [signal, *(inner for part in parts_of(signal).values() for inner in _with_parts(part))]


def results(market: Market, targets: pd.DataFrame, execution: Execution) -> dict[str, Any]:
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


def kept_bars(market: Market, transactions: pd.DataFrame, overlays: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the bars that a Run keeps for price charts: rows x (field, symbol).

    Of close-only bars that is the close. Symbols whose traded value was largest come first; those that were never
    traded are kept only if they have overlays, or if nothing was traded at all, and as many as find room.
    """
    import pandas as pd

    fields = ("open", "high", "low", "close") if market.has_ranges else ("close",)
    value = (transactions["amount"].abs() * transactions["price"]).groupby(transactions["symbol"]).sum()
    ranked = value.sort_values(ascending=False, kind="stable").index.tolist()
    drawn = {symbol for frame in overlays.values() for symbol in frame.columns}
    others = [symbol for symbol in market.symbols if symbol in drawn or not ranked]
    room = max(1, _MOST_KEPT_PRICES // (len(fields) * len(market)))
    kept = market.select(list(dict.fromkeys([*ranked, *others]))[:room])
    bars: pd.DataFrame = pd.concat({field: getattr(kept, field) for field in fields}, axis=1, names=["field", "symbol"])
    return bars


def doubts(market: Market, strategy: Strategy, targets: pd.DataFrame, execution: Execution) -> list[str]:
    """Return what makes a user wonder: no position at all, years without an opinion, a position without a price."""
    found = []
    first = first_row(strategy.signal, market.timeline, strategy.universe.warmup() - 1)
    wants = "; ".join([f"its warm-up is {warmup_of(strategy.signal)}", *_trainings(strategy.signal)])
    if not targets.fillna(0.0).to_numpy().any():
        short = f": {len(market)} bars are too few for a forecast ({wants})" if first >= len(market) else ""
        found.append(f"no decision asked for a position{short}")
    elif execution.orders.empty:
        found.append("every decision asked for less than one share: start with more cash, or trade fractions of shares")
    if max(market.bars_per_year, _IDLE * len(market)) < first < len(market):
        since = market.session[first].date()
        found.append(f"no opinion before {since} ({wants}): the figures count {first:,} bars without one")
    held = execution.shares.columns[execution.shares.iloc[-1] != 0.0]
    for symbol in held:
        last = market.session[market.present[:, market.symbols.get_loc(symbol)]][-1]
        if last < market.session[-1]:
            found.append(f"{symbol} has no bar after {last.date()} and did not end: it is held at that close")
    return found


def _trainings(signal: Signal) -> list[str]:
    """Return what a learner, and each one within a signal, is trained on before its first forecast."""
    found = []
    for each in _with_parts(signal):
        if isinstance(each, Learner):
            who = "it" if each is signal else f"its part {each.name!r}"
            rows = f"from {each.train} on" if isinstance(each.train, date) else f"on {each.train} rows"
            found.append(f"{who} is trained {rows}, and first fitted where a {each.refit} begins")
    return found


def drawn_details(strategy: Strategy, market: Market, forecast: pd.DataFrame, fits: Fits) -> tuple[Details, list[str]]:
    """Return what the signal wants to show, drawn; or nothing and why, since the figures stand without it.

    ``market`` is the one within the universe, on which ``forecast`` was asked.
    """
    signal = strategy.signal
    try:
        details = details_of(signal, market, fits, since=strategy.universe.warmup() - 1, forecast=forecast)
        drawn = {
            name: heard(f"signal {signal.name!r}", type(signal).__module__, _drawn, picture)
            for name, picture in details.pictures.items()
        }
        return replace(details, pictures=drawn), []
    except SignalError as error:
        return Details(), [str(error)]
    # A figure is a stranger's object, and drawing it may fail in any way.
    except (Exception, SystemExit) as error:
        return Details(), [f"signal {signal.name!r}: a picture of its details cannot be drawn: {in_one_line(error)}"]


def _drawn(picture: Any) -> bytes:
    if isinstance(picture, bytes):
        return picture
    png = io.BytesIO()
    picture.savefig(png, format="png", bbox_inches="tight")
    return png.getvalue()


def log_lines(began: datetime, signal: str, warnings: list[str]) -> list[dict[str, str]]:
    """Return the log of a run that finished: its begin, its warnings, its end."""
    start = {"time": began.isoformat(timespec="seconds"), "level": "info"}
    return [
        {**start, "message": f"backtest of {signal} began"},
        *(log_line("warning", warning) for warning in warnings),
        log_line("info", "backtest finished"),
    ]


def log_line(level: str, message: str) -> dict[str, str]:
    """Return one line of a run's log, of now."""
    return {"time": datetime.now(UTC).isoformat(timespec="seconds"), "level": level, "message": message}
