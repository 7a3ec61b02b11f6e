"""A run's figures in a few lines: the same in a notebook as in a terminal."""

from __future__ import annotations

import dataclasses
import html
import re
from html.parser import HTMLParser

import pytest
from IPython.core.formatters import DisplayFormatter

from quantstrats import backtest
from quantstrats.runs.summary import summary

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def short(nasdaq):
    return backtest("sma_cross", nasdaq.between("2009-01-01", "2010-12-31"))


def displayed(run):
    """Return what a notebook shows: IPython's own choice among the ways in which an object can show itself."""
    data, _ = DisplayFormatter(active_types=["text/plain", "text/html"]).format(run)
    return data["text/html"]


def words(page):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


class Balanced(HTMLParser):
    """Keeps which elements are open, and the name of every element and attribute that it meets."""

    def __init__(self):
        super().__init__()
        self.open, self.names = [], set()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.names |= {tag, *(name for name, _ in attrs)}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_notebook_shows_every_figure_of_the_text_summary(short):
    shown, text = words(displayed(short)), summary(short)
    for line in text.splitlines():
        for part in re.split(r" {2,}", line.strip().removeprefix("! ")):
            assert part in ("strategy", "benchmark") or part in shown, part
    assert short.run_id in shown


def test_a_run_without_a_benchmark_has_one_column(nasdaq):
    run = backtest("buy_and_hold", nasdaq.between("2010-01-01", "2010-06-30"), benchmark="none")
    assert "Benchmark" not in displayed(run)
    assert all(row.count("<td") == 1 for row in displayed(run).split("</tr>")[:-1])


def test_what_strangers_named_is_shown_as_text(short):
    manifest = {**short.manifest, "stamps": [HOSTILE]}
    config = {**short.config, "data": {**short.config["data"], "symbols": [HOSTILE]}}
    log = [{"time": "", "level": "warning", "message": HOSTILE}]
    page = displayed(dataclasses.replace(short, manifest=manifest, config=config, log=log))
    parser = Balanced()
    parser.feed(page)
    assert not parser.open
    assert not parser.names & {"img", "src", "onerror", "script"}
    assert words(page).count(HOSTILE) == 3


def test_the_html_sets_no_colour_so_that_it_suits_dark_and_light(short):
    assert not re.search(r"colou?r|background", displayed(short).replace("border-collapse", ""))


def test_many_warnings_are_cut_with_their_number(short):
    log = [{"time": "", "level": "warning", "message": f"warning {number}"} for number in range(8)]
    shown = words(displayed(dataclasses.replace(short, log=log)))
    assert "warning 4" in shown
    assert "warning 5" not in shown
    assert "and 3 more like these in run.log" in shown


def test_a_figure_that_an_older_run_lacks_is_a_dash(short):
    metrics = {name: value for name, value in short.metrics.items() if name != "annual_turnover"}
    old = dataclasses.replace(short, metrics=metrics)
    assert re.search(r"Annual turnover +-$", summary(old), flags=re.MULTILINE)
    assert "Annual turnover -" in words(displayed(old))


def test_a_risk_free_rate_is_told(short):
    assert "Risk-free rate" not in summary(short) + displayed(short)
    rated = dataclasses.replace(short, config={**short.config, "report": {"benchmark": "none", "risk_free": 0.025}})
    assert re.search(r"^Risk-free rate +2\.50% a year$", summary(rated), flags=re.MULTILINE)
    assert "Risk-free rate: 2.50% a year" in words(displayed(rated))
    old = dataclasses.replace(short, config={**short.config, "report": {"benchmark": "none"}})
    assert "Risk-free rate" not in summary(old)
