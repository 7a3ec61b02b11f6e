"""Pages: a text that a notebook displays."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd
import pytest

from quantstrats import tearsheet
from quantstrats.reports.page.page import Page

A_WHILE = 20.0  # seconds
DRAWN = "[...document.querySelector('iframe').contentDocument.querySelectorAll('{}')]"


@pytest.fixture(scope="module")
def sheet(make_run, random_equity):
    """A tear sheet of a short run with all kinds of charts."""
    index = pd.bdate_range("2015-01-02", periods=60)
    close = 100.0 + np.arange(60.0)
    fields = {"open": close - 0.5, "high": close + 1.0, "low": close - 1.0, "close": close}
    bars = pd.concat({field: pd.DataFrame({"A": values}, index=index) for field, values in fields.items()}, axis=1)
    trips = [("A", 3, 9, 5.0), ("A", 12, 20, -3.0)]
    run = make_run(random_equity(60), trips=trips, bars=bars.rename_axis(["field", "symbol"], axis=1))
    return tearsheet(run)


def test_a_page_is_a_text_that_says_little_of_itself():
    page = Page("<p>" + "x" * 2_500_000)
    assert isinstance(page, str)
    assert page.startswith("<p>")
    assert repr(page) == "<Page of 2.5 MB>"


def test_a_notebook_gets_a_frame_that_holds_the_page():
    body = '<p title="a&amp;b">it\'s "quoted" & <b>bold</b></p>'
    page = Page(f"<head><title>a</title></head>{body}")
    frame = page._repr_html_()
    (source,) = re.findall(r'^<iframe srcdoc="([^"]*)" style="[^"]*"></iframe>$', frame)
    assert html.unescape(source) == f'<head>\n<base href="about:srcdoc"><title>a</title></head>{body}'


def test_a_tear_sheet_is_such_a_page(sheet):
    assert isinstance(sheet, Page)
    assert len(repr(sheet)) < 50
    assert sheet.startswith("<!DOCTYPE html>")


@pytest.fixture
def notebook(browser, sheet, tmp_path):
    """A page that shows the tear sheet as a notebook does."""
    path = tmp_path / "notebook.html"
    frame = sheet._repr_html_()
    path.write_text(f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>N</title><p>Out[1]:</p>{frame}')
    with browser.open(path) as page:
        page.wait_for("document.querySelector('iframe').contentDocument.documentElement.dataset.ready")
        yield page


def test_in_a_notebook_its_charts_are_drawn_and_nothing_is_said(notebook, sheet):
    charts = sheet.count('<div class="plot"')
    assert charts >= 5
    assert notebook.evaluate(f"{DRAWN.format('.plot')}.length") == charts
    assert notebook.evaluate(f"{DRAWN.format('.plot')}.every(plot => plot.querySelector('svg.main-svg'))")
    assert notebook.evaluate(f"{DRAWN.format('.plot .scatterlayer .trace')}.length") > charts / 2
    assert notebook.messages == []
    assert notebook.requests == []


def test_in_a_notebook_its_links_lead_within_the_frame(notebook):
    frame = "document.querySelector('iframe')"
    notebook.evaluate(f"{frame}.contentDocument.querySelector('nav a[href=\"#glossary\"]').click()")
    notebook.wait_for(f"{frame}.contentWindow.scrollY > 500", A_WHILE)
    assert notebook.evaluate(f"{frame}.contentDocument.querySelectorAll('.plot').length") > 0
    assert notebook.messages == []
