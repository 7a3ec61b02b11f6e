"""The trade log: every round trip, newest first, to be searched and sorted on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantstrats.reports.page.chartdata import script_json
from quantstrats.reports.roundtrips import with_fills
from quantstrats.reports.tables import Form, Table, table_of
from quantstrats.reports.times import clock_texts

if TYPE_CHECKING:
    from quantstrats.runs.run import Run

_FIRST, _MOST = 20, 5_000
_AMOUNT, _PRICE = "{:z,.2f}", "{:,.6g}"
_NAMED = {
    "symbol": "Symbol",
    "side": "Side",
    "opened": "Opened",
    "closed": "Closed",
    "bars": "Bars",
    "size": "Size",
    "entry": "Entry",
    "exit": "Exit",
    "return": "Return",
    "pnl": "Profit",
    "commission": "Commission",
    "pnl_net": "Net profit",
}
_FORMS: Mapping[str, Form] = {
    "Bars": "{:,}",
    "Size": "{:,.10g}",
    "Entry": _PRICE,
    "Exit": _PRICE,
    "Return": "{:z.2%}",
    "Profit": _AMOUNT,
    "Commission": _AMOUNT,
    "Net profit": _AMOUNT,
}


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
    numbers : tuple of str
        The columns that hold numbers.
    """

    name: str
    table: Table
    rows_json: str
    numbers: tuple[str, ...]


def trade_log(run: Run) -> TradeLog | None:
    """Return the trade log of a run; None where no round trip has ended."""
    if run.trades.empty:
        return None
    times = {name: clock_texts(run, run.trades[name]) for name in ("opened", "closed")}
    trades = with_fills(run).assign(**times)[list(_NAMED)].rename(columns=_NAMED).iloc[::-1]
    trades.index = trades.index + 1
    note = f"the last {_MOST:,} of {len(trades):,}; all are in trades.parquet in the run's folder"
    whole = table_of(trades, "Trade log", forms=_FORMS, most_rows=_MOST)
    first = Table("Trade log", ["Number", *whole.columns[1:]], whole.rows[:_FIRST], note if len(trades) > _MOST else "")
    return TradeLog(f"trades-{run.run_id}.csv", first, script_json(whole.rows), ("Number", *_FORMS))
