"""The trade log: every round trip, newest first, to be searched and sorted on the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from quantstrats.reports.charts.times import times_of
from quantstrats.reports.tables import Form, Table, table_of

if TYPE_CHECKING:
    from quantstrats.runs.run import Run

_FIRST, _MOST = 20, 5_000
_AMOUNT = "{:z,.2f}"
_NAMED = {
    "symbol": "Symbol",
    "side": "Side",
    "opened": "Opened",
    "closed": "Closed",
    "bars": "Bars",
    "pnl": "Profit",
    "commission": "Commission",
    "pnl_net": "Net profit",
}
_FORMS: Mapping[str, Form] = {"Bars": "{:,}", "Profit": _AMOUNT, "Commission": _AMOUNT, "Net profit": _AMOUNT}


@dataclass(frozen=True)
class TradeLog:
    """The round trips of a run, as a page shows them.

    Attributes
    ----------
    name : str
        File name of the CSV file that a reader may take.
    table : Table
        The newest ones: what a page without scripts, or on paper, shows.
    rows_json : str
        All of them that find room, newest first, as JSON: a list of cells for each.
    """

    name: str
    table: Table
    rows_json: str


def trade_log(run: Run) -> TradeLog | None:
    """Return the trade log of a run; None where no round trip has ended."""
    if run.trades.empty:
        return None
    shown = {name: times_of(run, pd.DatetimeIndex(run.trades[name])) for name in ("opened", "closed")}
    trades = run.trades[list(_NAMED)].assign(**shown).rename(columns=_NAMED).iloc[::-1]
    trades.index = trades.index + 1
    note = f"the last {_MOST:,} of {len(trades):,}; all are in trades.parquet in the run's folder"
    whole = table_of(trades, "Trade log", forms=_FORMS, most_rows=_MOST)
    first = Table("Trade log", ["Number", *whole.columns[1:]], whole.rows[:_FIRST], note if len(trades) > _MOST else "")
    # No text in it can end the script element that holds it.
    rows = json.dumps(whole.rows, separators=(",", ":")).replace("<", "\\u003c")
    return TradeLog(f"trades-{run.run_id}.csv", first, rows)
