"""Vendors are asked again where it may help, and what goes wrong is one line without a key."""

from __future__ import annotations

import itertools
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from quantstrats.market.sources.polite import read_json, refusal, session, unreachable, without_secrets
from quantstrats.market.sources.remote import UnavailableError

CANARY = "cAnArY0123456789"


class Scripted(BaseHTTPRequestHandler):
    """Answers one after another: (status, text, headers), "drop" or "midway"; the last one for ever."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.command, self.path, dict(self.headers), time.monotonic()))
        step = self.server.script.pop(0) if len(self.server.script) > 1 else self.server.script[0]
        if step == "drop":
            self.close_connection = True
            return
        if isinstance(step, float):
            time.sleep(step)
            self.close_connection = True
            return
        status, text, headers = (200, '{"a": 1}', {"Content-Length": "100"}) if step == "midway" else step
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text.encode())), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())
        self.close_connection = step == "midway"

    def do_POST(self):
        self.do_GET()

    def log_message(self, *arguments):
        pass


FINE = (200, '{"a": 1}', {})


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    server.daemon_threads = True
    server.asked, server.script = [], [FINE]
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def pauses(server):
    times = [at for *_, at in server.asked]
    return [later - earlier for earlier, later in itertools.pairwise(times)]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_vendor_is_asked_again_after_growing_pauses(server, status):
    server.script = [(status, "busy", {})] * 2 + [FINE]
    assert session(backoff=0.04).get(f"{server.url}/x").json() == {"a": 1}
    first, second = pauses(server)
    assert first >= 0.03
    assert second >= 0.06


def test_a_vendor_says_how_long_to_wait(server):
    server.script = [(429, "busy", {"Retry-After": "0.2"}), FINE]
    session(backoff=0.001).get(server.url)
    assert pauses(server)[0] >= 0.2


def test_a_vendor_says_until_when_to_wait_by_a_date_that_is_past(server):
    server.script = [(503, "busy", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), FINE]
    assert session(backoff=0.001).get(server.url).status_code == 200


@pytest.mark.parametrize("trouble", ["drop", "midway"])
def test_a_connection_that_breaks_is_made_again(server, trouble):
    server.script = [trouble, trouble, FINE]
    assert session(backoff=0.001).get(server.url).json() == {"a": 1}
    assert len(server.asked) == 3


def test_a_vendor_that_stays_busy_gives_its_last_answer(server):
    server.script = [(429, "too many", {})]
    answer = session(retries=2, backoff=0.001).get(server.url)
    assert (answer.status_code, answer.text, len(server.asked)) == (429, "too many", 3)


def test_an_order_is_never_sent_twice(server):
    server.script = [(503, "busy", {})]
    assert session(backoff=0.001).post(server.url, json={}).status_code == 503
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_asking_again_cannot_help_is_asked_once(server, status):
    server.script = [(status, "no", {})]
    assert session().get(server.url).status_code == status
    assert len(server.asked) == 1


def test_no_answer_at_all_is_one_line_without_the_key(server):
    server.script = ["drop"]
    polite = session(retries=1, backoff=0.001, headers={"X-Api-Key": CANARY})
    with pytest.raises(UnavailableError) as caught:
        polite.get(f"{server.url}/series", params={"api_key": CANARY})
    assert str(caught.value) == "127.0.0.1/series: the connection broke off; check the network, or try again later"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert len(server.asked) == 2


def test_nobody_at_the_address_is_one_line():
    with pytest.raises(UnavailableError, match=r"^127.0.0.1/x: the connection is refused; check the network"):
        session(retries=0).get("http://127.0.0.1:9/x")


def test_a_silent_vendor_is_not_waited_for_for_ever(server):
    server.script = [1.0]
    with pytest.raises(UnavailableError, match="there is no answer in time"):
        session(retries=0, timeout=0.05).get(server.url)


def test_a_rate_holds_for_the_session(server):
    polite, began = session(per_minute=1200, headers={"User-Agent": "quantstrats me@example.org"}), time.monotonic()
    for _ in range(4):
        polite.get(server.url)
    *_, last = server.asked[-1]
    assert last - began >= 3 * 0.05
    assert {headers["User-Agent"] for _, _, headers, _ in server.asked} == {"quantstrats me@example.org"}


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ((401, '{"error_message": "Bad key."}', {}), "x: the answer is HTTP 401 (Bad key.); check FRED_API_KEY"),
        ((403, "<html>Forbidden</html>", {}), "x: the answer is HTTP 403 (it is an HTML page); check FRED_API_KEY"),
        ((400, "wrong  date\n", {}), "x: the answer is HTTP 400 (wrong date); change what is asked for"),
        ((429, "", {}), "x: the answer is HTTP 429 (it is empty); that is too many requests; try again later"),
        ((502, " <!DOCTYPE html>", {}), "x: the answer is HTTP 502 (it is an HTML page); try again later"),
        ((200, "<html>soon</html>", {}), "x: the answer is HTTP 200 (it is an HTML page); try again later"),
        ((200, "", {}), "x: the answer is HTTP 200 (it is empty); try again later"),
        ((200, '{"a": [1, 2', {}), "x: the answer is HTTP 200 (it is no JSON); try again later"),
    ],
)
def test_an_answer_that_is_none_is_told_in_one_line(server, step, told):
    server.script = [step]
    with pytest.raises(UnavailableError) as caught:
        read_json(session(retries=0).get(server.url), "x", denied="check FRED_API_KEY")
    assert str(caught.value) == told


def test_a_good_answer_is_plain_data(server):
    assert read_json(session().get(server.url), "x") == {"a": 1}


def test_a_key_that_the_vendor_repeats_is_not_told(server):
    server.script = [(400, f'{{"error_message": "Bad Request. {CANARY} is not registered, nor {CANARY}2."}}', {})]
    answer = session().get(server.url, params={"api_key": CANARY, "file_type": "json"})
    told = str(refusal("source 'fred'", answer))
    assert CANARY not in told
    words = "Bad Request. ... is not registered, nor ...2."
    assert told == f"source 'fred': the answer is HTTP 400 ({words}); change what is asked for"
    server.script = [(403, f"no such account: {CANARY}", {})]
    answer = session(headers={"APCA-API-SECRET-KEY": CANARY}).get(server.url)
    assert CANARY not in str(refusal("source 'alpaca'", answer))


@pytest.mark.parametrize(
    "text",
    [
        f"Max retries exceeded with url: /fred?series_id=A&api_key={CANARY}&file_type=json (Caused by X)",
        f"https://x.org/?token={CANARY}",
        f"https://me:{CANARY}@x.org/",
        f"{{'APCA-API-KEY-ID': '{CANARY}', 'APCA-API-SECRET-KEY': \"{CANARY}\"}}",
        f"Authorization: Bearer {CANARY}",
        f"apikey%3D{CANARY}",
        f"password = {CANARY}",
    ],
)
def test_keys_are_left_out_of_texts(text):
    cleaned = without_secrets(text)
    assert CANARY not in cleaned
    assert "..." in cleaned or "//x.org" in cleaned


def test_other_texts_stay_as_they_are():
    text = "KeyError: 'adjclose' of AAPL at https://x.org/a?interval=1d&events=div"
    assert without_secrets(text) == text


def test_an_unknown_trouble_is_told_without_its_key():
    told = str(unreachable("x", OSError(f"strange thing with api_key={CANARY}")))
    assert told == "x: OSError: strange thing with api_key=...; check the network, or try again later"
