"""pyfolio's tables of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from quantstrats.reports.tables import Form, Table, as_text, span_text, table_of

if TYPE_CHECKING:
    from quantstrats.reports.daily import Daily

_PERCENT = "{:z.2%}"
_AMOUNT = "{:z,.2f}"


def performance(daily: Daily) -> Table:
    """Return pyfolio's performance statistics."""
    from pyfolio import plotting, timeseries

    stats = timeseries.perf_stats(
        daily.returns,
        factor_returns=daily.benchmark,
        positions=daily.positions,
        transactions=daily.transactions,
        turnover_denom="portfolio_value",
    )
    forms = {name: _PERCENT if name in plotting.STAT_FUNCS_PCT else "{:z.2f}" for name in stats.index}
    rows = [[str(name), as_text(float(value), forms[name])] for name, value in stats.items()]
    return Table("Performance statistics", ["", "Strategy"], rows, note="by days, annualised with 252 of them")


def drawdowns(daily: Daily, top: int = 10) -> Table | None:
    """Return pyfolio's table of the worst drawdowns, or None where there was none."""
    from pyfolio import timeseries

    if not bool((daily.wealth < daily.wealth.cummax()).any()):
        return None
    table = timeseries.gen_drawdown_table(daily.returns, top=top).dropna(subset=["Peak date"])
    table = table.sort_values("Net drawdown in %", ascending=False, ignore_index=True)
    table.index = pd.RangeIndex(1, len(table) + 1)
    forms: dict[str, Form] = {"Net drawdown in %": "{:z.2f}", "Duration": "{:,.0f} days"}
    note = "duration in working days, from peak to recovery; a dash where there was none yet"
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
    counted = stats["summary"].drop(index="Percent profitable")
    profitable = stats["summary"].loc[["Percent profitable"]]
    tables = [
        _stats(counted, "Round trips", "{:,.0f}", profitable),
        _stats(stats["pnl"], "Profit and loss, after commission", _AMOUNT),
        _stats(stats["duration"], "Duration", span_text),
        _stats(stats["returns"], "Return on the equity", _PERCENT),
    ]
    symbols = table_of(
        stats["symbols"].T, "Return on the equity by symbol", forms=dict.fromkeys(stats["symbols"].index, _PERCENT)
    )
    return [*tables, symbols] if len(symbols.rows) > 1 else tables


def _stats(stats: pd.DataFrame, title: str, form: Form, percentages: pd.DataFrame | None = None) -> Table:
    table = table_of(stats, title, forms=dict.fromkeys(stats.columns, form))
    if percentages is not None:
        more = table_of(percentages, title, forms=dict.fromkeys(percentages.columns, _PERCENT))
        table.rows.extend(more.rows)
    names = [[row[0].replace("round_trips", "round trips"), *row[1:]] for row in table.rows]
    return Table(table.title, table.columns, names, table.note)
