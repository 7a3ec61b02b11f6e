"""What each figure of a page is: formula and unit."""

from __future__ import annotations

from dataclasses import dataclass

NOTATION = (
    "r is the return of a bar (of a day, in tables and figures by days) as a fraction, after costs, the first one "
    "against the starting cash; b is the benchmark's. N is the number of bars in a year: 252 sessions (365 where the "
    "market never closes) times the bars of a usual session. R is the annual risk-free rate of the settings, and "
    "f = (1 + R)^(1/N) - 1 what it is per bar. mean, deviation (with n - 1), sum and product are over all bars. "
    "Wealth is the product of (1 + r) so far, 1 at the start."
)


@dataclass(frozen=True)
class Entry:
    """A term of a report.

    Attributes
    ----------
    term : str
        As the report shows it.
    meaning : str
        One sentence.
    formula : str
        In the notation of ``NOTATION``; empty where the sentence says it all.
    unit : str
        What its numbers count.
    key : str
        Its key in metrics.json; empty if it has none.
    """

    term: str
    meaning: str
    formula: str
    unit: str
    key: str = ""


# Of the tear sheet and of comparisons.
_BOTH = (
    # The account, beside its benchmark.
    Entry("Total return", "What the account gained over the whole run.", "product of (1 + r) - 1", "%", "total_return"),
    Entry(
        "Annual return",
        "The return of each year, if all years were the same, that makes the total return.",
        "(1 + total return)^(N / number of bars) - 1",
        "% a year",
        "annual_return",
    ),
    Entry(
        "Annual volatility",
        "How much returns differ from each other, for a year.",
        "deviation of r x sqrt(N)",
        "% a year",
        "annual_volatility",
    ),
    Entry(
        "Sharpe ratio",
        "Return above the risk-free rate for each unit of volatility (Sharpe 1994).",
        "mean of (r - f) / deviation of r x sqrt(N)",
        "ratio, for a year",
        "sharpe",
    ),
    Entry(
        "Sortino ratio",
        "Return above the risk-free rate for each unit of downside; bars without a loss count in the mean, as zero.",
        "mean of (r - f) / sqrt(mean of min(r - f, 0)^2) x sqrt(N)",
        "ratio, for a year",
        "sortino",
    ),
    Entry(
        "Maximum drawdown",
        "The deepest fall from a highest value so far, that of the start included.",
        "least of (wealth / highest wealth so far - 1)",
        "%",
        "max_drawdown",
    ),
    Entry("Final equity", "Cash and positions after the last bar.", "cash + sum of values", "currency", "final_equity"),
    # Trading.
    Entry(
        "Round trips",
        "Positions that were opened and closed again; what is still open at the end is none.",
        "",
        "number",
        "trades",
    ),
    Entry(
        "Win rate",
        "The part of the round trips that made no loss, after commission.",
        "round trips with net profit >= 0 / round trips",
        "%",
        "win_rate",
    ),
    Entry(
        "Profit factor",
        "What winning round trips made for each unit that losing ones lost; undefined without a loss.",
        "sum of net profits / -(sum of net losses)",
        "ratio",
        "profit_factor",
    ),
    Entry(
        "Average exposure",
        "How much of the equity was in positions, long and short ones added up.",
        "mean of (sum of |value of position| / equity)",
        "% of equity",
        "exposure",
    ),
    Entry(
        "Annual turnover",
        "How many times the equity was traded in a year, purchases and sales added up.",
        "traded value / mean of equity / years",
        "times a year",
        "annual_turnover",
    ),
    Entry(
        "Commission", "What the broker of the model took.", "sum of the commission of fills", "currency", "commission"
    ),
    Entry(
        "Slippage",
        "What fills cost against the open of their bar; it is part of their prices, so it is in the returns already.",
        "sum of shares x (price - open), shares below zero for sales",
        "currency",
        "slippage",
    ),
    Entry("Costs", "Commission and slippage.", "commission + slippage", "currency", "costs"),
    Entry("Orders", "Orders that were sent.", "", "number", "orders"),
    Entry("Orders refused", "Orders that lacked cash or margin.", "", "number", "orders_refused"),
)
_OF_ONE_RUN = (
    # Beside the benchmark, and the shape of returns.
    Entry("Benchmark", "What the run is compared with, without costs.", "", "as the strategy's"),
    Entry(
        "Alpha",
        "The return of a year that the benchmark does not explain (Jensen 1968).",
        "(1 + mean of ((r - f) - beta x (b - f)))^N - 1",
        "% a year",
        "alpha",
    ),
    Entry(
        "Beta",
        "How far returns follow the benchmark's: 1 is all the way, 0 not at all.",
        "covariance of r and b / variance of b",
        "ratio",
        "beta",
    ),
    Entry(
        "Tracking error",
        "How much returns differ from the benchmark's, for a year.",
        "deviation of (r - b) x sqrt(N)",
        "% a year",
        "tracking_error",
    ),
    Entry(
        "Information ratio",
        "Return above the benchmark's for each unit of tracking error.",
        "mean of (r - b) / deviation of (r - b) x sqrt(N)",
        "ratio, for a year",
        "information_ratio",
    ),
    Entry(
        "Skew",
        "Whether rare returns are gains (above 0) or losses.",
        "mean of (r - mean)^3 / s^3, s with n",
        "number",
        "skew",
    ),
    Entry(
        "Kurtosis",
        "Whether there are more extreme returns (above 0) than in a normal distribution.",
        "mean of (r - mean)^4 / s^4 - 3, s with n",
        "number",
        "kurtosis",
    ),
    Entry(
        "Value at risk",
        "The return that one bar in twenty falls below.",
        "5% quantile of r",
        "% a bar",
        "value_at_risk",
    ),
    Entry("Best bar", "The highest return of a bar.", "greatest r", "% a bar", "best_bar"),
    Entry("Worst bar", "The lowest return of a bar.", "least r", "% a bar", "worst_bar"),
    Entry(
        "Expected shortfall",
        "The mean of the worst twentieth of returns.",
        "mean of the lowest 5% of r",
        "% a bar",
        "expected_shortfall",
    ),
    # pyfolio's statistics, by days.
    Entry("Cumulative returns", "Total return, as pyfolio calls it.", "product of (1 + r) - 1", "%", "total_return"),
    Entry(
        "Max drawdown",
        "Maximum drawdown, as pyfolio calls it, by days.",
        "least of (wealth / highest wealth so far - 1)",
        "%",
        "max_drawdown",
    ),
    Entry(
        "Calmar ratio",
        "Annual return for each unit of the maximum drawdown.",
        "annual return / -(maximum drawdown)",
        "ratio, for a year",
        "calmar",
    ),
    Entry(
        "Stability",
        "How close the growth is to a constant rate: 1 is a straight line on a logarithmic scale.",
        "R^2 of a line through the logarithm of wealth",
        "0 to 1",
    ),
    Entry(
        "Omega ratio", "What gains add up to for each unit of losses.", "sum of max(r, 0) / sum of max(-r, 0)", "ratio"
    ),
    Entry(
        "Tail ratio",
        "How large good days are beside bad ones.",
        "|95% quantile of r| / |5% quantile of r|",
        "ratio",
    ),
    Entry(
        "Daily value at risk",
        "A loss of a bad day, were returns normally distributed; value at risk is the quantile itself.",
        "mean of r - 2 x deviation of r",
        "% a day",
    ),
    Entry(
        "Gross leverage",
        "Average exposure, as pyfolio calls it, at the end of days.",
        "mean of (sum of |value of position| / equity)",
        "fraction of equity",
        "exposure",
    ),
    Entry(
        "Daily turnover",
        "The part of the equity that is traded on a day, at the mean.",
        "mean of (traded value / equity)",
        "% of equity a day",
    ),
    # pyfolio's statistics of round trips.
    Entry("Total number of round trips", "Round trips, as pyfolio calls them.", "", "number", "trades"),
    Entry("Winning round trips", "Those with a net profit above zero.", "", "number"),
    Entry("Losing round trips", "Those with a net profit below zero.", "", "number"),
    Entry("Even round trips", "Those without profit or loss; the win rate counts them as won.", "", "number"),
    Entry("Total profit", "What all round trips made.", "sum of net profits and losses", "currency"),
    Entry("Gross profit", "What winning round trips made.", "sum of net profits > 0", "currency"),
    Entry("Gross loss", "What losing round trips lost.", "sum of net profits < 0", "currency"),
    Entry("Avg. trade net profit", "What a round trip made on average.", "mean of net profits", "currency"),
    Entry("Avg. winning trade", "What a winning round trip made on average.", "mean of net profits > 0", "currency"),
    Entry("Avg. losing trade", "What a losing round trip lost on average.", "mean of net profits < 0", "currency"),
    Entry(
        "Ratio Avg. Win:Avg. Loss",
        "How large a winning round trip is beside a losing one.",
        "average winning trade / -(average losing trade)",
        "ratio",
    ),
    Entry("Largest winning trade", "The best round trip.", "greatest net profit", "currency; % of equity"),
    Entry("Largest losing trade", "The worst round trip.", "least net profit", "currency; % of equity"),
    Entry("Avg duration", "How long round trips were held on average.", "mean of (closed - opened)", "time"),
    Entry("Median duration", "Half of the round trips were held longer.", "median of (closed - opened)", "time"),
    Entry("Longest duration", "The longest time that a round trip was held.", "", "time"),
    Entry("Shortest duration", "The shortest time that a round trip was held.", "", "time"),
    *(
        Entry(
            f"{average} returns {which}",
            f"What {told} made of the account, {'on average' if average == 'Avg' else 'in the middle one'}.",
            f"{'mean' if average == 'Avg' else 'median'} of (net profit / equity of the session before the end)",
            "% of equity",
        )
        for average in ("Avg", "Median")
        for which, told in (
            ("all round trips", "round trips"),
            ("winning", "winning round trips"),
            ("losing", "losing round trips"),
        )
    ),
    Entry("Largest part of the equity", "The most that a position was at the end of a day.", "value / equity", "%"),
    # Worst drawdowns.
    Entry("Depth", "The change from a drawdown's peak to its valley.", "wealth at valley / wealth at peak - 1", "%"),
    Entry(
        "Peak",
        "The last day at the highest value before a fall; the day before the first if it was the start.",
        "",
        "date",
    ),
    Entry("Valley", "The lowest day of a drawdown.", "", "date"),
    Entry("Recovery", "The first day as high as the peak again.", "", "date"),
    Entry("Days to valley", "From peak to valley.", "", "days of the calendar"),
    Entry("Days to recovery", "From valley to recovery.", "", "days of the calendar"),
    Entry(
        "Longest drawdown",
        "From a peak to its recovery, or to the end of the run.",
        "most days of any drawdown",
        "days of the calendar",
        "longest_drawdown_days",
    ),
    # Positions, and figures over time.
    Entry("Exposure", "Long, short and net value of positions.", "sum of values / equity", "fraction of equity"),
    Entry(
        "Turnover",
        "What was traded in a month, or on a day where the run is short, purchases and sales added up.",
        "traded value / mean of equity",
        "% of equity",
    ),
    Entry(
        "Effective number of positions",
        "How many positions of equal size would be as concentrated (Herfindahl).",
        "1 / sum of w^2, w = |value of position| / sum of |values of positions|",
        "number",
    ),
    Entry(
        "Rolling figures",
        "Volatility, Sharpe ratio and beta of the 6 or 12 months that end on a day: 126 and 252 days (182 and 365 "
        "where the market never closes).",
        "as the figure itself, over the window",
        "as the figure itself",
    ),
)
_OF_COMPARISONS = (
    Entry(
        "Common span", "The sessions that all runs have; figures on it are by days, all above A's R.", "", "sessions"
    ),
    Entry(
        "Mean return a year",
        "The mean of the returns, as if gains were taken out and losses made up for.",
        "mean of r x N",
        "% a year",
    ),
    Entry(
        "Difference", "A figure of a run, less that of A.", "figure of the run - figure of A", "as the figure, or pp"
    ),
    Entry(
        "95% interval",
        "Where the difference would lie in 95 of 100 other histories, drawn from this one in blocks of random length, "
        "the same of both runs, so that neighbouring days stay together (Politis and Romano 1994).",
        "2.5% and 97.5% quantile over the draws",
        "as the figure, or pp",
    ),
    Entry(
        "Beyond zero",
        "The share of the drawn differences on the other side of zero: near 0%, the sign is sure; at 50%, it is not.",
        "draws of the other sign / draws, those at zero by half",
        "%",
    ),
    Entry(
        "Correlation",
        "How closely the returns of two runs go together: 1 is in step, 0 not at all, -1 against each other.",
        "covariance of r and A's / product of their deviations",
        "-1 to 1",
    ),
    Entry(
        "Tracking error to A",
        "How much returns differ from A's, for a year.",
        "deviation of (r - A's) x sqrt(N)",
        "% a year",
    ),
    Entry("Growth of 1", "What one unit of currency has become.", "product of (1 + r) so far", "currency"),
    Entry("Wealth against A", "How far a run is ahead of A.", "wealth / wealth of A - 1", "%"),
)
GLOSSARY = (*_BOTH, *_OF_ONE_RUN)
COMPARISON_GLOSSARY = (*_BOTH, *_OF_COMPARISONS)
