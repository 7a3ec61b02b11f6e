"""The browser that other tests look through: it hears, sees and does what a reader's would."""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from pathlib import Path

import pytest
from browser import Browser, BrowserError, PageError, find_chromium

PNG = b"\x89PNG\r\n\x1a\n"
PHONE = {"width": 390, "height": 844, "mobile": True}
TALL = 20_000
NOTHING_YET = 0.2


@pytest.fixture
def write(tmp_path):
    """Write a page with the body that is given."""

    def page_of(body):
        path = tmp_path / "page.html"
        head = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        )
        path.write_text(f"{head}<title>A page</title>{body}")
        return path

    return page_of


def png_size(path):
    picture = path.read_bytes()
    assert picture.startswith(PNG)
    return int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])


def test_a_clean_page_says_nothing_and_asks_for_nothing(browser, write):
    picture = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
    with browser.open(write(f'<h1 id="top">Fine</h1><img src="{picture}" alt=""><a href="#top">Up</a>')) as page:
        page.click("a")
        assert page.evaluate("location.hash") == "#top"
        assert page.evaluate("document.images[0].naturalWidth") == 1
        assert page.messages == []
        assert page.requests == []


def test_console_messages_are_heard_as_they_were_said(browser, write):
    with browser.open(write('<script>console.log("one", 2, NaN, null, [3]); console.error("four")</script>')) as page:
        assert page.messages == ["console.log: one 2 NaN null Array(1)", "console.error: four"]


def test_an_uncaught_error_is_heard_and_where_it_was_thrown(browser, write):
    with browser.open(write("<p>\n<script>\nnowhere.at.all()\n</script>")) as page:
        (message,) = page.messages
        assert message.startswith("uncaught: ReferenceError: nowhere is not defined")
        assert message.endswith("/page.html:3)")


def test_a_rejected_promise_is_heard(browser, write):
    with browser.open(write("<script>Promise.reject(new Error('late'))</script>")) as page:
        (message,) = page.messages
        assert message.startswith("uncaught: Error: late")


def test_what_is_said_after_the_page_was_loaded_is_heard(browser, write):
    with browser.open(write("<button onclick=\"console.warn('clicked')\">Say</button>")) as page:
        assert page.messages == []
        page.click("button")
        assert page.messages == ["console.warning: clicked"]


def test_a_frame_is_heard_like_the_page_itself(browser, write):
    frame = '<iframe sandbox="allow-scripts" srcdoc="<script>console.log(`within`)</script>"></iframe>'
    with browser.open(write(frame)) as page:
        assert page.messages == ["console.log: within"]


def test_a_dialog_is_heard_and_does_not_stop_the_page(browser, write):
    with browser.open(write("<script>alert('read me'); document.title = 'went on'</script>")) as page:
        assert page.messages == ["alert: read me"]
        assert page.evaluate("document.title") == "went on"


@pytest.mark.parametrize("url", ["https://example.invalid/x.png", "http://192.0.2.1/x.png"], ids=["name", "number"])
def test_a_request_to_the_network_is_noticed_and_goes_nowhere(browser, write, url):
    with browser.open(write(f'<img src="{url}" alt="">')) as page:
        assert page.requests == [url]
        assert page.messages == [f"network error: Failed to load resource: net::ERR_NAME_NOT_RESOLVED ({url})"]


def test_a_request_for_another_file_is_noticed(browser, write, tmp_path):
    (tmp_path / "beside.js").write_text("document.title = 'ran'")
    with browser.open(write('<script src="beside.js"></script>')) as page:
        assert page.requests == [(tmp_path / "beside.js").as_uri()]
        assert page.evaluate("document.title") == "ran"


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("1 + 1", 2),
        ("({a: [1, null, 'b']})", {"a": [1, None, "b"]}),
        ("new Promise(done => setTimeout(() => done('later'), 20))", "later"),
        ("undefined", None),
        ("-Infinity", float("-inf")),
    ],
    ids=["number", "object", "promise", "undefined", "infinity"],
)
def test_a_script_gives_its_value(browser, write, script, value):
    with browser.open(write("")) as page:
        assert page.evaluate(script) == value


@pytest.mark.parametrize(
    "script", ["nowhere.at.all", "Promise.reject(new ReferenceError('nowhere is not defined'))"], ids=["now", "later"]
)
def test_a_script_that_throws_raises_with_its_error(browser, write, script):
    with browser.open(write("")) as page, pytest.raises(PageError, match="ReferenceError: nowhere is not defined"):
        page.evaluate(script)


def test_a_condition_is_waited_for(browser, write):
    with browser.open(write("<script>setTimeout(() => document.title = 'ready', 100)</script>")) as page:
        page.wait_for("document.title === 'ready'")
        page.wait_for("document.querySelector('script')")  # what JavaScript takes for true is true


def test_a_condition_that_never_holds_is_told_with_what_the_page_said(browser, write):
    with browser.open(write("<script>console.log('no data')</script>")) as page:
        told = r"not true within 0\.2 s: window\.ready \(the page said: console\.log: no data\)"
        with pytest.raises(BrowserError, match=told):
            page.wait_for("window.ready", NOTHING_YET)


def test_a_page_that_hangs_fails_and_can_be_closed(browser, write):
    with (
        browser.open(write("")) as page,
        pytest.raises(BrowserError, match=r"Runtime\.evaluate: no answer within 0\.2 s"),
    ):
        page.evaluate("(() => { for (;;); })()", NOTHING_YET)
    with browser.open(write("<title>Next</title>")) as page:
        assert page.messages == []


def test_a_page_that_never_falls_silent_fails_too(browser, write):
    with browser.open(write("")) as page:
        page.evaluate("void setInterval(() => { for (let i = 0; i < 100; i++) console.log(i) }, 0)")
        with pytest.raises(BrowserError, match=r"no answer within 0\.2 s"):
            page.evaluate("new Promise(() => 0)", NOTHING_YET)


@pytest.mark.parametrize("narrow", [False, True], ids=["desktop", "phone"])
def test_the_page_sees_the_window_that_was_asked_for(browser, write, narrow):
    size = PHONE if narrow else {"width": 1280, "height": 800}
    with browser.open(write(""), **size) as page:
        assert page.evaluate("[innerWidth, innerHeight]") == [size["width"], size["height"]]
        assert page.evaluate("matchMedia('(pointer: coarse)').matches") is narrow
        page.resize(600, 500)
        assert page.evaluate("[innerWidth, innerHeight]") == [600, 500]
        assert page.evaluate("matchMedia('(pointer: coarse)').matches") is narrow


def test_the_page_sees_the_colours_and_the_paper_that_were_asked_for(browser, write):
    seen = "[matchMedia('(prefers-color-scheme: dark)').matches, matchMedia('print').matches]"
    with browser.open(write("")) as page:
        assert page.evaluate(seen) == [False, False]
        page.emulate(printed=True)
        assert page.evaluate(seen) == [False, True]
    with browser.open(write(""), dark=True) as page:
        assert page.evaluate(seen) == [True, False]


@pytest.mark.parametrize(
    "saving",
    [
        '<a download="trades.csv" href="data:text/csv,a%2Cb%0A1%2C2">Save</a>',
        '<a onclick="href = window.URL.createObjectURL(new Blob([`a,b\\n1,2`]))" download="trades.csv">Save</a>',
    ],
    ids=["data", "blob"],
)
def test_a_download_arrives(browser, write, saving):
    with browser.open(write(saving)) as page:
        saved = page.download("a")
        assert saved.name == "trades.csv"
        assert saved.read_text() == "a,b\n1,2"
        assert page.messages == []
        assert page.requests == []


def test_a_download_that_does_not_come_is_told(browser, write):
    with (
        browser.open(write("<a href='#'>Save</a>")) as page,
        pytest.raises(BrowserError, match="a file by a: not within"),
    ):
        page.download("a", NOTHING_YET)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "it is not there"),
        ("<a style='display: none'>Go</a>", "it is not shown"),
        ("<a>Go</a><div style='position: fixed; inset: 0'></div>", "it is covered by <div style"),
    ],
    ids=["missing", "hidden", "covered"],
)
def test_what_a_reader_cannot_click_is_not_clicked(browser, write, body, why):
    with browser.open(write(body)) as page, pytest.raises(BrowserError, match=f"cannot click a: {why}"):
        page.click("a")


def test_what_lies_far_below_is_scrolled_to_and_clicked(browser, write):
    far = f"<button style='margin-top: {TALL}px' onclick='document.title = `clicked`'>Go</button>"
    with browser.open(write(far)) as page:
        page.click("button")
        assert page.evaluate("document.title") == "clicked"


def test_a_screenshot_holds_the_window_or_the_whole_page(browser, write, tmp_path):
    with browser.open(write(f"<body style='margin: 0'><div style='height: {TALL}px'></div>"), width=300) as page:
        page.screenshot(tmp_path / "window.png", full=False)
        page.screenshot(tmp_path / "whole.png")
        assert png_size(tmp_path / "window.png") == (300, 800)
        assert png_size(tmp_path / "whole.png") == (300, TALL)


def test_a_page_can_be_printed(browser, write, tmp_path):
    with browser.open(write("<p>One<p style='break-before: page'>Two")) as page:
        page.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF-")


def test_pages_share_no_storage(browser, write):
    path = write("")
    with browser.open(path) as first, browser.open(path) as second:
        first.evaluate("localStorage.setItem('theme', 'dark')")
        assert first.evaluate("localStorage.getItem('theme')") == "dark"
        assert second.evaluate("localStorage.getItem('theme')") is None


def test_a_page_that_is_not_there_is_told(browser, tmp_path):
    with pytest.raises(BrowserError, match=r"missing\.html: net::ERR_FILE_NOT_FOUND"):
        browser.open(tmp_path / "missing.html")


def test_a_page_whose_process_crashes_is_told(browser, write):
    with browser.open(write("")) as page:
        with pytest.raises(BrowserError):
            page.load("chrome://crash")
        with pytest.raises(BrowserError, match="the page's process crashed"):
            page.evaluate("new Promise(() => 0)")


def test_a_browser_that_ends_is_told_and_the_next_page_has_another(browser, write):
    with browser.open(write("")) as page:
        os.killpg(browser.pid, signal.SIGKILL)
        with pytest.raises(BrowserError, match="Chromium ended with status -9"):
            page.evaluate("new Promise(() => 0)")
    with browser.open(write("")) as page:
        assert page.evaluate("1") == 1


def program_of(folder, name, text):
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_a_browser_that_does_not_start_is_told_with_its_last_words(tmp_path):
    broken = Browser(str(program_of(tmp_path, "chromium", "echo no display >&2; exit 7")))
    with pytest.raises(BrowserError, match="Chromium ended with status 7: no display"):
        broken.open("about:blank")


def test_a_stub_in_place_of_a_browser_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_chromium() is None
    program_of(tmp_path, "chromium", "exit 1")
    assert find_chromium() is None
    real = program_of(tmp_path, "google-chrome", "echo Google Chrome 1")
    assert find_chromium() == str(real)


def test_a_program_that_never_tells_its_version_is_no_browser(tmp_path, monkeypatch):
    program_of(tmp_path, "chromium", "while :; do :; done")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("browser.browser.ANSWER_SECONDS", 0.1)
    assert find_chromium() is None


def test_nothing_is_left_of_a_closed_browser(browser, write, monkeypatch):
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        another = Browser(browser.program)
        page = another.open(write("<script>localStorage.setItem('a', 'b')</script>"))
        process = another.pid
        another.close()
        assert list(Path(folder).iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    with pytest.raises(BrowserError, match="this browser was closed"):
        page.evaluate("1")
