"""The glossary of a page has every figure that the page shows, by the name that it is shown by."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd
import pytest

from quantstrats import backtest, compare
from quantstrats.reports.daily import by_days
from quantstrats.reports.drawing import quiet
from quantstrats.reports.glossary import COMPARISON_GLOSSARY, GLOSSARY, NOTATION
from quantstrats.reports.pyfolio_tables import drawdowns, performance
from quantstrats.reports.tearsheet import tearsheet
from quantstrats.runs.labels import COMPARED, FINAL_EQUITY, RISK, TRADING

TERMS = {entry.term: entry for entry in GLOSSARY}
# Tables whose rows are no figures: symbols, letters of runs, settings, and what is numbered.
NO_FIGURES = {
    "Largest long positions",
    "Largest short positions",
    "Return on the equity by symbol",
    "Worst drawdowns",
    "Refused orders",
    "Events and warnings",
    "Correlation of daily returns",
    "Tracking error to A",
    "What differs",
}


@pytest.fixture(scope="module")
def run(nasdaq):
    return backtest("sma_cross", nasdaq.between("2009-01-01", "2010-12-31"), guard="off")


def explained(page):
    """Return the terms of a page's glossary."""
    glossary = re.search(r'<section id="glossary">.*?</section>', page, re.DOTALL).group()
    return [html.unescape(term) for term in re.findall(r"<dt>(.*?)</dt>", glossary)]


def tables_of(page):
    """Return headers and names of the rows of each table on a page, by its caption; the trade log is no such table."""
    found = {}
    for table in re.findall(r'<figure class="table">(.*?)</figure>', page, re.DOTALL):
        caption = html.unescape(re.search(r"<figcaption>(.*?)</figcaption>", table).group(1))
        headers, names = (
            [html.unescape(cell) for cell in re.findall(rf'<th scope="{scope}">(.*?)</th>', table)]
            for scope in ("col", "row")
        )
        found[caption] = (headers[1:], names)
    return found


def shown_by(page):
    """Return the names of all figures in the tables of a page."""
    return {name for caption, (_, names) in tables_of(page).items() if caption not in NO_FIGURES for name in names}


@pytest.mark.parametrize("glossary", [GLOSSARY, COMPARISON_GLOSSARY], ids=["tear sheet", "comparison"])
def test_every_term_is_explained_once(glossary):
    assert len({entry.term for entry in glossary}) == len(glossary)
    for entry in glossary:
        assert entry.meaning.endswith(".")
        assert entry.unit


def test_a_tear_sheet_explains_each_figure_of_its_tables(run):
    page = tearsheet(run)
    shown, terms = shown_by(page), explained(page)
    assert len(shown) > 50
    assert {"Gross loss", "Median duration", "Median returns losing", "Costs", "Daily turnover"} <= shown
    assert shown <= set(terms)
    assert set(tables_of(page)["Worst drawdowns"][0]) <= set(terms)
    assert set(tables_of(page)["Largest long positions"][0]) <= set(terms)
    assert terms == [entry.term for entry in GLOSSARY]


def test_a_comparison_explains_each_figure_of_its_tables(run, nasdaq):
    other = backtest("buy_and_hold", nasdaq.between("2009-01-01", "2010-12-31"), guard="off")
    page = compare([run, other])
    terms, tables = explained(page), tables_of(page)
    assert {"Mean return a year", "Sortino ratio", "Costs"} <= shown_by(page) <= set(terms)
    assert set(tables["B less A"][0]) == {"Difference", "95% interval", "Beyond zero"}
    assert {*tables["B less A"][0], "Correlation", "Tracking error to A"} <= set(terms)
    assert terms == [entry.term for entry in COMPARISON_GLOSSARY]
    assert '<a href="#glossary">' in page


def test_a_page_explains_nothing_that_only_the_other_shows():
    compared = {entry.term for entry in COMPARISON_GLOSSARY}
    assert not {"Beyond zero", "Tracking error to A"} & set(TERMS)
    assert not {"Omega ratio", "Gross loss", "Depth"} & compared


@pytest.mark.parametrize(
    ("label", "key"), [(label, key) for label, key, _ in (*COMPARED, FINAL_EQUITY, *TRADING, *RISK)]
)
def test_every_figure_of_the_summary_is_explained_under_its_key(label, key):
    assert TERMS[label].key == key


def test_every_row_of_the_statistics_and_column_of_the_drawdowns_is_explained(run):
    with quiet():
        daily = by_days(run)
        shown = [row[0] for row in performance(daily).rows] + drawdowns(daily).columns[1:]
    assert len(shown) == 17 + 6
    assert set(shown) <= set(TERMS)


def test_every_key_is_one_of_metrics(run):
    assert {entry.key for entry in GLOSSARY} - {""} <= set(run.metrics)


def test_what_else_a_page_shows_is_explained():
    others = {"Exposure", "Turnover", "Effective number of positions", "Rolling figures"}
    assert others <= set(TERMS)


def test_the_symbols_of_formulas_are_explained():
    for symbol in ("r is", "b is", "N is", "R is", "f = (1 + R)^(1/N) - 1", "Wealth is"):
        assert symbol in NOTATION


def test_the_formulas_are_what_is_measured(run):
    """Worked out from the glossary's words alone."""
    r, b, n = run.returns.to_numpy(), run.benchmark.to_numpy(), 252
    wealth = np.append(1.0, np.cumprod(1 + r))
    beta = np.cov(r, b)[0, 1] / np.var(b, ddof=1)
    equity, net = run.equity, run.trades["pnl_net"]
    traded = (run.transactions["amount"].abs() * run.transactions["price"]).sum()
    by_words = {
        "Total return": np.prod(1 + r) - 1,
        "Annual return": np.prod(1 + r) ** (n / len(r)) - 1,
        "Annual volatility": np.std(r, ddof=1) * np.sqrt(n),
        "Sharpe ratio": np.mean(r) / np.std(r, ddof=1) * np.sqrt(n),
        "Sortino ratio": np.mean(r) / np.sqrt(np.mean(np.minimum(r, 0) ** 2)) * np.sqrt(n),
        "Maximum drawdown": min(now / max(wealth[: place + 1]) - 1 for place, now in enumerate(wealth)),
        "Win rate": (net >= 0).sum() / len(net),
        "Profit factor": net[net > 0].sum() / -net[net < 0].sum(),
        "Average exposure": (run.positions.drop(columns="cash").abs().sum(axis=1) / equity).mean(),
        "Annual turnover": traded / equity.mean() / (len(r) / n),
        "Beta": beta,
        "Alpha": (1 + np.mean(r - beta * b)) ** n - 1,
        "Tracking error": np.std(r - b, ddof=1) * np.sqrt(n),
        "Information ratio": np.mean(r - b) / np.std(r - b, ddof=1) * np.sqrt(n),
        "Skew": np.mean((r - r.mean()) ** 3) / np.std(r) ** 3,
        "Kurtosis": np.mean((r - r.mean()) ** 4) / np.std(r) ** 4 - 3,
    }
    found = {term: run.metrics[TERMS[term].key] for term in by_words}
    assert found == pytest.approx(by_words)
    with quiet():
        shown = dict(performance(by_days(run)).rows)
    gains, losses = np.maximum(r, 0).sum(), np.maximum(-r, 0).sum()
    line = np.corrcoef(np.arange(len(r)), np.log(wealth[1:]))[0, 1]
    statistics = {
        "Omega ratio": f"{gains / losses:.2f}",
        "Tail ratio": f"{abs(np.quantile(r, 0.95)) / abs(np.quantile(r, 0.05)):.2f}",
        "Stability": f"{line**2:.2f}",
        "Daily value at risk": f"{np.mean(r) - 2 * np.std(r, ddof=1):.2%}",
        "Daily turnover": f"{_daily_turnover(run):.2%}",
    }
    assert {name: shown[name] for name in statistics} == statistics


def _daily_turnover(run):
    traded = (run.transactions["amount"].abs() * run.transactions["price"]).groupby(level=0).sum()
    return (pd.Series(traded, index=run.equity.index).fillna(0.0) / run.equity).mean()
