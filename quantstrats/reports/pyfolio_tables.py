"""The tables of pyfolio's tear sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from quantstrats.reports.drawdowns import worst_drawdowns
from quantstrats.reports.metrics import ratios
from quantstrats.reports.tables import Form, Table, as_text, span_text, table_of

if TYPE_CHECKING:
    from quantstrats.reports.daily import Daily

_PERCENT = "{:z.2%}"
_AMOUNT = "{:z,.2f}"


def performance(daily: Daily) -> Table:
    """Return pyfolio's performance statistics, annualised by the market's days and over its risk-free rate."""
    from pyfolio import plotting

    stats = performance_stats(daily)
    percentages = {*plotting.STAT_FUNCS_PCT, "Alpha"}  # which pyfolio shows as a fraction
    forms = {name: _PERCENT if name in percentages else "{:z.2f}" for name in stats.index}
    rows = [[str(name), as_text(float(value), forms[name])] for name, value in stats.items()]
    notes = [f"by days, annualised with {daily.days_per_year:.0f} of them"]
    if daily.risk_free:
        notes.append(f"risk-free rate {daily.risk_free:.2%} a year")
    if daily.intraday:
        notes.append("volatility, ratios and drawdown of bars within the day are other numbers")
    return Table("Performance statistics", ["", "Strategy"], rows, note="; ".join(notes))


def performance_stats(daily: Daily) -> pd.Series:
    """Return the numbers of pyfolio's ``perf_stats``, by its names.

    pyfolio takes 252 days a year and no risk-free rate for granted, and its alpha and beta the benchmark to be known
    every day. These rows are empyrical's, asked for what the run has; for 252 days and no rate they are the same.
    """
    import empyrical
    from pyfolio import timeseries

    returns, yearly, rate = daily.returns, {"annualization": daily.days_per_year}, daily.risk_free_per_day
    stats: pd.Series = timeseries.perf_stats(
        returns,
        positions=daily.positions,
        transactions=daily.transactions,
        turnover_denom="portfolio_value",
    )
    stats["Annual return"] = empyrical.annual_return(returns, **yearly)
    stats["Annual volatility"] = empyrical.annual_volatility(returns, **yearly)
    stats["Sharpe ratio"], stats["Sortino ratio"] = ratios(returns, rate, daily.days_per_year)
    stats["Calmar ratio"] = empyrical.calmar_ratio(returns, **yearly)
    if daily.benchmark is not None:
        known = daily.benchmark.notna()
        pairs = returns[known], daily.benchmark[known]
        stats["Alpha"], stats["Beta"] = empyrical.alpha_beta(*pairs, risk_free=rate, **yearly)
    return stats


def drawdowns(daily: Daily, top: int = 10) -> Table | None:
    """Return a table of the worst drawdowns, or None where there was none.

    It is pyfolio's, with the start of the account as a height too, and days of the calendar.
    """
    worst = worst_drawdowns(daily.returns, top)
    if worst.empty:
        return None
    named = {
        "depth": "Depth",
        "peak": "Peak",
        "valley": "Valley",
        "recovery": "Recovery",
        "days_to_valley": "Days to valley",
        "days_to_recovery": "Days to recovery",
    }
    table = worst[list(named)].rename(columns=named)
    table.index = pd.RangeIndex(1, len(table) + 1)
    forms: dict[str, Form] = {"Depth": _PERCENT, "Days to valley": "{:,.0f}", "Days to recovery": "{:,.0f}"}
    note = "calendar days, from peak to valley and from there to recovery; a dash where there was none yet"
    return table_of(table, "Worst drawdowns", forms=forms, note=note)


def top_positions(daily: Daily) -> list[Table]:
    """Return pyfolio's tables of the largest long and short positions of all time."""
    from pyfolio import pos

    if not daily.has_positions:
        return []
    longs, shorts, _ = pos.get_top_long_short_abs(pos.get_percent_alloc(daily.positions))
    named = (("Largest long positions", longs), ("Largest short positions", shorts))
    return [
        table_of(sizes.to_frame("Largest part of the equity"), title, forms={"Largest part of the equity": _PERCENT})
        for title, sizes in named
        if len(sizes)
    ]


def round_trips(daily: Daily) -> list[Table]:
    """Return pyfolio's statistics of round trips; none where there was no round trip."""
    from pyfolio import round_trips as pyfolio_round_trips

    if daily.round_trips.empty:
        return []
    stats = pyfolio_round_trips.gen_round_trip_stats(daily.round_trips)
    for name in ("pnl", "returns", "symbols"):
        stats[name] = _without_strangers(stats[name])
    # The run's own win rate counts those without profit as won, as Backtrader does: one page has one of them.
    counted = stats["summary"].drop(index="Percent profitable")
    tables = [
        _stats(counted, "Round trips", "{:,.0f}"),
        _stats(stats["pnl"], "Profit and loss, after commission", _AMOUNT),
        _stats(stats["duration"], "Duration", span_text),
        _stats(stats["returns"], "Return on the equity", _PERCENT),
    ]
    by_symbol = stats["symbols"].T.rename(columns=lambda name: name.replace("round_trips", "round trips"))
    symbols = table_of(by_symbol, "Return on the equity by symbol", forms=dict.fromkeys(by_symbol.columns, _PERCENT))
    return [*tables, symbols] if len(symbols.rows) > 1 else tables


def _without_strangers(stats: pd.DataFrame) -> pd.DataFrame:
    """Return statistics without a gain that is called the largest loss, or a loss that is called the largest gain."""
    gains = stats.index == "Largest winning trade"
    losses = stats.index == "Largest losing trade"
    wrong = (gains[:, None] & (stats < 0.0).to_numpy()) | (losses[:, None] & (stats > 0.0).to_numpy())
    return stats.mask(wrong)


def _stats(stats: pd.DataFrame, title: str, form: Form) -> Table:
    table = table_of(stats, title, forms=dict.fromkeys(stats.columns, form))
    names = [[row[0].replace("round_trips", "round trips"), *row[1:]] for row in table.rows]
    return Table(table.title, table.columns, names, table.note)
