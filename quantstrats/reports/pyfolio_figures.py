"""pyfolio's figures of a run.

Each is drawn by the plotting function that pyfolio's tear sheets call, on axes of its own. The tear sheets
themselves print, need pyplot and leave figures open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from quantstrats.reports.drawdowns import from_start, worst_drawdowns
from quantstrats.reports.drawing import Drawing
from quantstrats.reports.rolling import rolling_beta, rolling_sharpe, rolling_volatility

if TYPE_CHECKING:
    from quantstrats.reports.daily import Daily

# pyfolio draws no round trips below the first; above the second, its one line per trade takes seconds.
_FEWEST_TRIPS, _MOST_TRIPS = 5, 500
_FEWEST_RETURNS = 5
_NEW_YORK_HOURS = (9 * 60 + 30, 16 * 60)
_LONGEST_NAME = 18
_FEWEST_TICKS, _MOST_TICKS = 4, 9


def returns_figures(daily: Daily) -> list[Drawing]:
    """Return the figures of pyfolio's returns tear sheet."""
    from pyfolio import plotting

    returns, benchmark, wealth = daily.returns, daily.compared, daily.wealth
    count, half_year = len(returns), daily.half_year
    started = from_start(returns)
    months, years = _periods(returns.index, "M"), _periods(returns.index, "Y")
    two = _unless(count >= 2, "needs two days")
    half = _unless(count > half_year, f"needs more than {half_year} days; the run has {count:,}")
    fell = _unless(not worst_drawdowns(returns, top=1).empty, "there was no drawdown")
    lowest = wealth.min() if benchmark is None else min(wealth.min(), (1.0 + benchmark).cumprod().min())
    several = _unless(months >= 2, "needs two months")
    matched = _matched(returns, benchmark)
    return [
        Drawing(
            "Cumulative returns",
            lambda ax: _plot_cumulative(ax, returns, benchmark),
            two,
            wide=True,
            height=3.6,
        ),
        Drawing(
            "Cumulative returns, logarithmic scale",
            lambda ax: _plot_logarithmic(ax, returns, benchmark),
            two or _unless(lowest > 0.0, "a logarithm needs a value above zero on every day"),
        ),
        Drawing(
            "Cumulative returns at the benchmark's volatility",
            lambda ax: _plot_cumulative(ax, returns, benchmark, volatility_match=True),
            two or matched,
        ),
        Drawing("Daily returns", lambda ax: plotting.plot_returns(returns, ax=ax), two),
        Drawing(
            "Rolling beta to the benchmark",
            lambda ax: _plot_rolling_beta(ax, daily),
            half or _unless(benchmark is not None, "the run has no benchmark"),
        ),
        Drawing(
            "Rolling volatility, 6 months",
            lambda ax: _plot_rolling_volatility(ax, daily),
            half,
        ),
        Drawing("Rolling Sharpe ratio, 6 months", lambda ax: _plot_rolling_sharpe(ax, daily), half),
        Drawing("Top 5 drawdown periods", lambda ax: _plot_periods(ax, started), fell),
        Drawing("Drawdown", lambda ax: plotting.plot_drawdown_underwater(started, ax=ax), fell),
        Drawing(
            "Monthly returns (%)",
            lambda ax: _plot_months(ax, returns),
            several,
            height=max(3.0, 0.6 + 0.24 * years),
        ),
        Drawing(
            "Annual returns",
            lambda ax: plotting.plot_annual_returns(returns, ax=ax),
            _unless(years >= 2, "needs two years"),
            height=max(3.0, 0.6 + 0.24 * years),
        ),
        Drawing(
            "Distribution of monthly returns",
            lambda ax: plotting.plot_monthly_returns_dist(returns, ax=ax),
            several,
        ),
        Drawing(
            "Return quantiles",
            lambda ax: _plot_quantiles(ax, returns),
            _unless(count >= _FEWEST_RETURNS, f"needs {_FEWEST_RETURNS} days"),
        ),
    ]


def position_figures(daily: Daily) -> list[Drawing]:
    """Return the figures of pyfolio's positions tear sheet."""
    from pyfolio import plotting, pos

    returns = daily.returns
    positions = daily.positions.rename(columns=_short_names(daily.positions.columns))
    if not daily.has_positions:
        return [Drawing("Positions", _nothing, "nothing was held at the end of any day")]
    shares = pos.get_percent_alloc(positions)
    drawings: list[tuple[str, Callable[[Any], object]]] = [
        ("Exposure", lambda ax: plotting.plot_exposures(returns, positions, ax=ax)),
        ("Allocation over time, largest 10 positions", lambda ax: _plot_top(ax, returns, shares)),
        ("Largest and median position", lambda ax: _plot_concentration(ax, positions)),
        ("Number of holdings", lambda ax: plotting.plot_holdings(returns, shares, ax=ax)),
        ("Long and short holdings", lambda ax: plotting.plot_long_short_holdings(returns, shares, ax=ax)),
        ("Gross leverage", lambda ax: plotting.plot_gross_leverage(returns, positions, ax=ax)),
    ]
    few = _unless(len(positions) >= 2, "needs two days")
    return [Drawing(title, draw, few) for title, draw in drawings]


def transaction_figures(daily: Daily) -> list[Drawing]:
    """Return the figures of pyfolio's transactions tear sheet."""
    from pyfolio import plotting

    fills, positions = daily.transactions, daily.positions
    times: Any = daily.times
    if fills.empty:
        return [Drawing("Transactions", _nothing, "nothing was traded")]
    two = _unless(len(positions) >= 2, "needs two days")
    return [
        Drawing("Daily turnover, as a part of the equity", lambda ax: _plot_turnover(ax, daily), two),
        Drawing("Shares traded per day", lambda ax: _plot_volume(ax, daily.returns, fills), two),
        Drawing(
            "Distribution of daily turnover",
            lambda ax: _plot_turnover_distribution(ax, positions, fills),
            two,
        ),
        Drawing(
            "Transaction times in New York, as parts of the amount traded",
            lambda ax: plotting.plot_txn_time_hist(fills.set_axis(times, axis=0), ax=ax),
            _untimely(times),
        ),
    ]


def round_trip_figures(daily: Daily) -> list[Drawing]:
    """Return the figures of pyfolio's round trip tear sheet."""
    from pyfolio import plotting

    trips = daily.round_trips
    if len(trips) < _FEWEST_TRIPS:
        return [Drawing("Round trips", _nothing, f"needs {_FEWEST_TRIPS} round trips; the run has {len(trips)}")]
    shown = trips.assign(symbol=trips["symbol"].map(_short_names(trips["symbol"].unique()))).tail(_MOST_TRIPS)
    last = f", last {_MOST_TRIPS}" if len(trips) > _MOST_TRIPS else ""
    wins, losses = (trips["pnl"] > 0.0).sum(), (trips["pnl"] <= 0.0).sum()
    returns = trips["returns"].dropna() * 100.0
    rows = min(shown["symbol"].nunique(), 16)
    return [
        Drawing(
            f"When positions were open, up to 16 symbols{last}",
            lambda ax: _plot_lifetimes(ax, shown),
            wide=True,
            height=1.4 + 0.22 * rows,
        ),
        Drawing(
            "Probability of a profitable trade",
            lambda ax: plotting.plot_prob_profit_trade(trips.copy(), ax=ax),
            _unless(bool(wins and losses), "needs both a gain and a loss"),
        ),
        Drawing("Holding time", lambda ax: _histogram(ax, trips["duration"].dt.total_seconds() / 86_400, "days")),
        Drawing("Profit and loss of a round trip", lambda ax: _histogram(ax, trips["pnl"], "units of currency")),
        Drawing(
            "Return of a round trip on the equity",
            lambda ax: _histogram(ax, returns, "%"),
            _unless(len(returns) > 0, "the account was gone"),
        ),
    ]


def _plot_cumulative(
    ax: Any, returns: pd.Series, benchmark: pd.Series | None, *, volatility_match: bool = False, logy: bool = False
) -> None:
    from pyfolio import plotting

    plotting.plot_rolling_returns(
        returns, factor_returns=benchmark, volatility_match=volatility_match, logy=logy, ax=ax
    )
    lines = {"Backtest": "Strategy", "Benchmark": "Benchmark"}
    for line in ax.get_lines():
        line.set_label(lines.get(line.get_label(), "_"))
    _legend_above(ax)


def _plot_logarithmic(ax: Any, returns: pd.Series, benchmark: pd.Series | None) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    _plot_cumulative(ax, returns, benchmark, logy=True)
    ticks = _logarithmic_ticks(*ax.get_ylim())
    # Within a small range, a logarithmic axis would bear no label.
    ax.yaxis.set_major_locator(FixedLocator(ticks) if len(ticks) >= _FEWEST_TICKS else MaxNLocator(6))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1000.0 else f"{value:.5g}"))


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten in a range; the powers alone, or each few of them, in a wide one."""
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.floor(np.log10(high)) + 1.0)
    ticks = [float(tick) for power in powers for tick in (power, 2.0 * power, 5.0 * power) if low <= tick <= high]
    if len(ticks) <= _MOST_TICKS:
        return ticks
    whole = [float(power) for power in powers if low <= power <= high]
    return whole[:: -(-len(whole) // _MOST_TICKS)]


def _plot_rolling_beta(ax: Any, daily: Daily) -> None:
    """Draw what pyfolio's plot_rolling_beta does, without its regression per day (seconds for 20 years)."""
    returns, benchmark = daily.returns, cast("pd.Series", daily.compared)
    for days, label, color in ((daily.half_year, "6 months", "steelblue"), (daily.year, "12 months", "#9aa3af")):
        beta = rolling_beta(returns, benchmark, days) if len(returns) >= days else returns * np.nan
        ax.plot(beta.index, beta.to_numpy(), color=color, label=label)
        if days == daily.half_year:
            ax.axhline(beta.mean(), color=color, linestyle="--", label="6 months, mean")
    ax.axhline(1.0, color="black", linestyle="--", linewidth=1.0)
    ax.set_ylabel("Beta")
    _legend_above(ax)


def _plot_rolling_volatility(ax: Any, daily: Daily) -> None:
    """Draw what pyfolio's plot_rolling_volatility does, annualised by the market's days."""
    days, year = daily.half_year, daily.days_per_year
    if daily.compared is not None:
        compared = rolling_volatility(daily.compared, days, year)
        ax.plot(compared.index, compared.to_numpy(), color="gray", alpha=0.7, label="Benchmark")
    volatility = rolling_volatility(daily.returns, days, year)
    _plot_with_mean(ax, volatility, "Volatility")
    ax.set_ylim(bottom=0.0)


def _plot_rolling_sharpe(ax: Any, daily: Daily) -> None:
    """Draw what pyfolio's plot_rolling_sharpe does, annualised by the market's days, over the risk-free rate."""
    sharpe = rolling_sharpe(daily.returns, daily.half_year, daily.days_per_year, daily.risk_free_per_day)
    _plot_with_mean(ax, sharpe, "Sharpe ratio")
    ax.axhline(0.0, color="black", linestyle="--", linewidth=1.0)


def _plot_with_mean(ax: Any, line: pd.Series, name: str) -> None:
    ax.plot(line.index, line.to_numpy(), color="orangered", alpha=0.8, label="Strategy")
    ax.axhline(line.mean(), color="steelblue", linestyle="--", label="Strategy, mean")
    ax.set_ylabel(name)
    _legend_above(ax)


def _plot_periods(ax: Any, returns: pd.Series) -> None:
    from pyfolio import plotting

    plotting.plot_drawdown_periods(returns, top=5, ax=ax)
    ax.get_legend().remove()  # one line needs none


def _legend_above(ax: Any) -> None:
    """Put the legend above the axes, where it covers no line."""
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, frameon=False, borderaxespad=0.2)


def _plot_months(ax: Any, returns: pd.Series) -> None:
    from pyfolio import plotting

    plotting.plot_monthly_returns_heatmap(returns, ax=ax, fmt=".1f", linewidths=0.5)
    for number in ax.texts:
        number.set_fontsize(7)
    ax.set(xlabel="", ylabel="")
    ax.tick_params(axis="both", length=0)
    ax.tick_params(axis="y", labelrotation=0)


def _plot_quantiles(ax: Any, returns: pd.Series) -> None:
    """Draw what pyfolio's plot_return_quantiles does, without its loop over weeks (seconds for 20 years)."""
    growth, index = 1.0 + returns, pd.DatetimeIndex(returns.index)
    weekly, monthly = (growth.groupby(index.to_period(period)).prod() - 1.0 for period in ("W", "M"))
    boxes = ax.boxplot(
        [returns.to_numpy(), weekly.to_numpy(), monthly.to_numpy()],
        tick_labels=["Daily", "Weekly", "Monthly"],
        widths=0.6,
        patch_artist=True,
        flierprops={"marker": ".", "markersize": 4, "markeredgecolor": "#7a8594"},
        medianprops={"color": "#1b2430"},
    )
    for box, color in zip(boxes["boxes"], ("#4c72b0", "#55a868", "#ccb974"), strict=True):
        box.set(facecolor=color, edgecolor="#3d4653")
    ax.set_ylabel("Returns")


def _plot_concentration(ax: Any, positions: pd.DataFrame) -> None:
    from pyfolio import plotting

    plotting.plot_max_median_position_concentration(positions, ax=ax)
    for text in ax.get_legend().get_texts():
        text.set_text(text.get_text().replace("_", " "))


def _plot_volume(ax: Any, returns: pd.Series, fills: pd.DataFrame) -> None:
    from pyfolio import plotting

    plotting.plot_daily_volume(returns, fills, ax=ax)
    # A line between the days with trades would show trades on the days between.
    ax.lines[0].set(linestyle="", marker=".", markersize=4)
    ax.set_ylabel("Shares")


def _plot_lifetimes(ax: Any, trips: pd.DataFrame) -> None:
    from pyfolio import plotting

    plotting.plot_round_trip_lifetimes(trips, lsize=9, ax=ax)
    legend, colors = ax.get_legend(), {"b": "#3b78b5", "r": "#c0504d"}
    legend.set_loc("upper left")
    legend.set_bbox_to_anchor((1.0, 1.0))
    for line in ax.get_lines():
        line.set_color(colors[line.get_color()])
    for patch, color in zip(legend.get_patches(), colors.values(), strict=True):
        patch.set(facecolor=color, edgecolor=color)


def _plot_top(ax: Any, returns: pd.Series, shares: pd.DataFrame) -> None:
    from pyfolio import plotting

    plotting.show_and_plot_top_positions(returns, shares, show_and_plot=0, legend_loc="best", ax=ax)
    ax.set_xlabel("")


def _plot_turnover(ax: Any, daily: Daily) -> None:
    from pyfolio import plotting

    plotting.plot_turnover(daily.returns, daily.transactions, daily.positions, turnover_denom="portfolio_value", ax=ax)
    # pyfolio's fixed range, 0 to 2, suits neither a portfolio that moves by percents nor a leveraged one.
    ax.autoscale(axis="y")
    ax.set_ylim(bottom=0.0)


def _plot_turnover_distribution(ax: Any, positions: pd.DataFrame, fills: pd.DataFrame) -> None:
    from pyfolio import txn

    turnover = txn.get_turnover(positions, fills, "portfolio_value")
    traded = turnover[turnover > 0.0].replace(np.inf, np.nan).dropna()
    _histogram(ax, traded * 100.0, "% of the equity, days with trades")
    ax.set_ylabel("Days")


def _histogram(ax: Any, values: pd.Series, unit: str) -> None:
    ax.hist(values.to_numpy(dtype="float64"), bins=min(30, max(5, len(values) // 3)), color="steelblue", alpha=0.8)
    ax.set_xlabel(unit[0].upper() + unit[1:])
    ax.set_ylabel("Round trips")
    ax.locator_params(axis="x", nbins=6)


def _matched(returns: pd.Series, benchmark: pd.Series | None) -> str:
    if benchmark is None:
        return "the run has no benchmark"
    return _unless(float(returns.std()) > 0.0, "the returns do not vary")


def _untimely(times: pd.DatetimeIndex | None) -> str:
    if times is None:
        return "daily bars have no time of day"
    local = times.tz_convert("America/New_York")
    minutes = local.hour * 60 + local.minute
    opens, closes = _NEW_YORK_HOURS
    inside = ((minutes >= opens) & (minutes <= closes)).all()
    return _unless(bool(inside), "pyfolio counts only the hours from 9:30 to 16:00 in New York")


def _periods(index: pd.Index[Any], period: str) -> int:
    return int(pd.DatetimeIndex(index).to_period(period).nunique())


def _short_names(names: Iterable[str]) -> dict[str, str]:
    """Return names that a legend can hold; those that are cut bear a number, so that they stay different."""
    return {
        name: name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 5]}… {number}"
        for number, name in enumerate(names, start=1)
    }


def _unless(possible: bool, reason: str) -> str:
    return "" if possible else reason


def _nothing(ax: Any) -> None:
    """Draw nothing: for figures that are left out."""
