"""plot: a run's charts as plotly figures, for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.errors import RunError, did_you_mean
from quantstrats.reports.charts.overview import overview
from quantstrats.reports.charts.prices import charted_symbols, price_chart
from quantstrats.runs.run import check_run

if TYPE_CHECKING:
    import plotly.graph_objects

    from quantstrats.runs.run import Run

_MOST_BARS, _MOST_FILLS = 20_000, 5_000


def plot(run: Run, symbol: str | None = None) -> plotly.graph_objects.Figure:
    """Return the price chart of a symbol with what was traded, as a plotly Figure; or the run's equity chart.

    Parameters
    ----------
    run : Run
        What :func:`quantstrats.backtest` returned, or a run that was loaded.
    symbol : str, optional
        Which symbol's bars, entries, exits, stops, overlays and weight to show; by default none: equity, drawdown and
        exposure against the benchmark.

    Returns
    -------
    plotly Figure
        In a notebook it shows itself; ``figure.write_html(...)`` stores it.

    Raises
    ------
    RunError
        If the run keeps no bars of the symbol, or it is given something else than a run.
    """
    check_run(run, "a plot")
    if symbol is None:
        return overview(run).figure()
    known = charted_symbols(run)
    if symbol not in known:
        has = (
            f"it keeps those of {', '.join(known[:5])}{' ...' if len(known) > 5 else ''}" if known else "it keeps none"
        )
        raise RunError(f"run {run.run_id} keeps no bars of {symbol!r}{did_you_mean(symbol, known)} ({has})")
    return price_chart(run, symbol, _MOST_BARS, _MOST_FILLS).figure()
