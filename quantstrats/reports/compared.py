"""Several Runs side by side, as data: on one span, with their differences and how sure these are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from quantstrats.errors import ConfigError
from quantstrats.market.calendar import Calendar
from quantstrats.reports.cautions import cautions, setting_text, span_text
from quantstrats.reports.daily import daily_returns
from quantstrats.reports.metrics import rate_per_bar
from quantstrats.research.bootstrap import LEAST_PERIODS, PairedDifferences, paired_differences, statistics
from quantstrats.runs.comparison import differing_settings
from quantstrats.runs.labels import described_text, plain_name, risk_free_of
from quantstrats.runs.run import Run

LETTERS = "ABCDEFGH"
# Of the statistics whose differences are told: label, name, format.
STATISTIC_LABELS = (
    ("Mean return a year", "mean_return", "{:z.2%}"),
    ("Annual return", "annual_return", "{:z.2%}"),
    ("Annual volatility", "annual_volatility", "{:z.2%}"),
    ("Sharpe ratio", "sharpe", "{:z.2f}"),
    ("Sortino ratio", "sortino", "{:z.2f}"),
    ("Maximum drawdown", "max_drawdown", "{:z.2%}"),
)
# Likewise of all figures on the common span.
LEVEL_LABELS = (("Total return", "total_return", "{:z.2%}"), *STATISTIC_LABELS)
_NOT_ANNUALISED = ("total_return", "max_drawdown")
LIMITS = (
    "An interval holds for runs that were chosen beforehand: the best of many trials looks better than it is.",
    "Where volatile and calm times last long, the interval of a difference in volatility is too narrow.",
    "A maximum drawdown hangs on the order of the days; its interval is of other orders, and may not hold it.",
)


@dataclass(frozen=True, eq=False)
class Compared:
    """One of the Runs of a comparison.

    Attributes
    ----------
    letter : str
        Its name within the comparison.
    run : Run
        The run itself.
    returns : Series
        Its return of each session, over its whole span.
    left_out : int
        How many of its sessions lie before or after the common span.
    """

    letter: str
    run: Run
    returns: pd.Series
    left_out: int

    @property
    def signal(self) -> str:
        """Its signal in a few words."""
        return described_text(self.run.config["signal"])

    @property
    def label(self) -> str:
        """Its letter and the name of its signal."""
        return f"{self.letter} {plain_name(self.run.config['signal']['name'])}"

    @property
    def span(self) -> str:
        """Its first and last session, and how many there are."""
        return span_text(self.returns.index)

    @property
    def doubts(self) -> list[str]:
        """What its report must say, and the warnings of its log."""
        return [*self.run.manifest["stamps"], *self.run.warnings]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two or more Runs on the sessions that all of them have; the first is what the others are compared with.

    Attributes
    ----------
    runs : tuple of Compared
        In the order in which they were given.
    returns : DataFrame
        Common sessions x letters: the return since the common session before.
    figures : DataFrame
        On the common span, statistic x letters: ``total_return`` and the statistics of the bootstrap. Where there are
        fewer common sessions than intervals need, what is annualised is NaN: it would say more than they do.
    differences : dict of str to PairedDifferences
        By letter, of all but the first: its differences to the first, with their intervals. Empty where there are
        fewer common sessions than intervals need.
    correlation : DataFrame
        Of the returns, letters x letters; NaN for returns that never change.
    tracking_error : Series
        By letter, of all but the first: annualised standard deviation of the difference of the returns; NaN likewise.
    settings : DataFrame
        What differs in their configurations, as text: path of the setting x letters.
    cautions : list of str
        What makes the comparison less than it looks.
    days_per_year : float
        With which figures on the common span are annualised.
    """

    runs: tuple[Compared, ...]
    returns: pd.DataFrame
    figures: pd.DataFrame
    differences: dict[str, PairedDifferences]
    correlation: pd.DataFrame
    tracking_error: pd.Series
    settings: pd.DataFrame
    cautions: list[str]
    days_per_year: float

    @property
    def letters(self) -> list[str]:
        """The names of the runs."""
        return [each.letter for each in self.runs]

    @property
    def span(self) -> str:
        """The first and last common session, and how many there are."""
        return span_text(self.returns.index)

    @property
    def is_whole(self) -> bool:
        """Whether the common span's days are those of every run, so that their own figures can be compared as such."""
        return not any(each.left_out or _is_intraday(each.run) for each in self.runs)

    def doubts(self) -> list[tuple[str, str]]:
        """Return what the runs' own reports say, each once, after the letters of the runs that it is about."""
        about: dict[str, list[str]] = {}
        for each in self.runs:
            for doubt in dict.fromkeys(each.doubts):
                about.setdefault(doubt, []).append(each.letter)
        return [(" ".join(letters), doubt) for doubt, letters in about.items()]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data that strict JSON can carry; what is undefined is None."""
        return {
            "runs": {each.letter: _plain_run(each) for each in self.runs},
            "start": str(self.returns.index[0].date()),
            "end": str(self.returns.index[-1].date()),
            "sessions": len(self.returns),
            "figures": {letter: _plain(self.figures[letter]) for letter in self.figures},
            "differences": {letter: _plain_differences(found) for letter, found in self.differences.items()},
            "correlation": {letter: _plain(self.correlation[letter]) for letter in self.correlation},
            "tracking_error": _plain(self.tracking_error),
            "settings": {str(key): _plain(row) for key, row in self.settings.iterrows()},
            "cautions": self.cautions,
        }


def compared(runs: Sequence[Run]) -> Comparison:
    """Lay Runs side by side.

    Parameters
    ----------
    runs : sequence of Run
        Two to eight, each once; the first is the reference. Their returns are compounded to days, and to the sessions
        that all of them have, so that no return within the common span is lost.

    Raises
    ------
    ConfigError
        If there are fewer or more, one is there twice, or no session is common to all.
    """
    _check(runs)
    daily = [daily_returns(run) for run in runs]
    common = _common_sessions(runs, [each.index for each in daily])
    entries = tuple(
        Compared(letter, run, returns, int(((returns.index < common[0]) | (returns.index > common[-1])).sum()))
        for letter, run, returns in zip(LETTERS, runs, daily, strict=False)
    )
    returns = pd.DataFrame({each.letter: _on_sessions(each.returns, common) for each in entries})
    days_per_year = min(Calendar(run.manifest["data"]["calendar"]).bars_per_year(None) for run in runs)
    risk_free = rate_per_bar(risk_free_of(runs[0].config), days_per_year)
    first, others = returns["A"], [each.letter for each in entries[1:]]
    enough = len(common) >= LEAST_PERIODS
    apart = returns[others].sub(first, axis=0).std(ddof=1) * math.sqrt(days_per_year)
    return Comparison(
        runs=entries,
        returns=returns,
        figures=_figures(returns, days_per_year, risk_free),
        differences={
            letter: paired_differences(first, returns[letter], periods_per_year=days_per_year, risk_free=risk_free)
            for letter in others
            if enough
        },
        correlation=returns.corr(),
        tracking_error=apart if enough else apart * math.nan,
        settings=_settings(entries),
        cautions=cautions(entries, common),
        days_per_year=days_per_year,
    )


def check_number(runs: int) -> None:
    """Refuse to compare so many runs.

    Raises
    ------
    ConfigError
        If there are fewer than two, or more than a chart can show.
    """
    if runs < 2:
        one = "; 'quantstrats report ID' is about one" if runs else ", and none is given"
        raise ConfigError(f"a comparison needs two runs or more{one}")
    if runs > len(LETTERS):
        raise ConfigError(f"{runs} runs are more than charts can show; compare {len(LETTERS)} at most")


def difference_texts(row: Mapping[str, float], form: str) -> tuple[str, str, str]:
    """Return one of ``PairedDifferences`` as text: the difference, its interval, the share beyond zero.

    Differences of percentages are percentage points (pp); a dash stands for what is undefined.
    """
    points = form.endswith("%}")
    scale, unit = (100.0, " pp") if points else (1.0, "")
    difference, low, high = (f"{row[name] * scale:+z.2f}" for name in ("difference", "low", "high"))
    return (
        f"{difference}{unit}" if math.isfinite(row["difference"]) else "-",
        f"{low} to {high}{unit}" if math.isfinite(row["low"]) else "-",
        f"{row['opposite']:.1%}" if math.isfinite(row["opposite"]) else "-",
    )


def _check(runs: Sequence[Run]) -> None:
    if isinstance(runs, Run):
        raise ConfigError("a comparison is of several runs; give a list of them, as in compare([first, second])")
    if wrong := next((each for each in runs if not isinstance(each, Run)), None):
        raise ConfigError(f"a comparison is of runs, not of {type(wrong).__name__}; load_run(id) gives a stored one")
    check_number(len(runs))
    ids = [run.run_id for run in runs]
    if twice := next((run_id for run_id in ids if ids.count(run_id) > 1), None):
        raise ConfigError(f"run {twice} is given twice; name each run once")


def _common_sessions(runs: Sequence[Run], indexes: list[pd.Index]) -> pd.DatetimeIndex:
    common = indexes[0]
    for run, index in zip(runs[1:], indexes[1:], strict=True):
        common = common.intersection(index)
        if not len(common):
            if len(runs) == 2:
                spans = [span_text(each) for each in indexes]
                who = f"runs {runs[0].run_id} ({spans[0]}) and {run.run_id} ({spans[1]}) have"
            else:
                who = f"run {run.run_id} ({span_text(index)}) and those named before it have"
            raise ConfigError(f"{who} no session in common")
    return pd.DatetimeIndex(common)


def _on_sessions(returns: pd.Series, common: pd.DatetimeIndex) -> pd.Series:
    """Return the return on each common session since the one before; on the first, that of the day."""
    within = returns[(returns.index >= common[0]) & (returns.index <= common[-1])]
    if len(within) == len(common):
        return within
    until = common[common.searchsorted(pd.DatetimeIndex(within.index))]
    return (1.0 + within).groupby(until).prod() - 1.0


def _figures(returns: pd.DataFrame, days_per_year: float, risk_free: float) -> pd.DataFrame:
    rows = statistics(returns.to_numpy("float64").T.copy(), days_per_year, risk_free)
    total = (1.0 + returns).prod() - 1.0
    figures = pd.DataFrame({"total_return": total.to_numpy(), **rows}, index=returns.columns).T
    if len(returns) < LEAST_PERIODS:
        figures[~figures.index.isin(_NOT_ANNUALISED)] = math.nan
    return figures


def _settings(entries: Sequence[Compared]) -> pd.DataFrame:
    found = differing_settings([each.run for each in entries])
    rows = [[setting_text(value) for value in values] for values in found.values()]
    return pd.DataFrame(rows, index=pd.Index(found, dtype=object), columns=[each.letter for each in entries])


def _is_intraday(run: Run) -> bool:
    return pd.DatetimeIndex(run.equity.index).tz is not None


def _plain_run(each: Compared) -> dict[str, Any]:
    return {
        "run_id": each.run.run_id,
        "signal": each.run.config["signal"],
        "start": str(each.returns.index[0].date()),
        "end": str(each.returns.index[-1].date()),
        "sessions_left_out": each.left_out,
        "metrics": {name: _plain_value(value) for name, value in each.run.metrics.items()},
        "doubts": each.doubts,
    }


def _plain_differences(found: PairedDifferences) -> dict[str, Any]:
    rows = {str(name): _plain(row) for name, row in found.table.iterrows()}
    return {"statistics": rows, "replications": found.replications, "block": found.block}


def _plain(values: pd.Series) -> dict[str, Any]:
    return {str(name): _plain_value(value) for name, value in values.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
