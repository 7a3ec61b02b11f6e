"""Series of FRED against a server on this machine that speaks its protocol and keeps what it was asked."""

from __future__ import annotations

import socket
import traceback
import warnings
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantstrats import Market
from quantstrats.errors import ConfigError, DataError
from quantstrats.market.cache.checked import read_checked, write_checked
from quantstrats.market.cache.offline import only_cached
from quantstrats.market.sources import fred
from quantstrats.market.sources.fred import Fred, joined, windows
from quantstrats.market.sources.remote import UnavailableError

from .fred_server import KEY, Answer, FredServer, valid_within

NAN = float("nan")
# Sessions of New York around Thanksgiving 2015 (the 26th); the 27th ends at 13:00, 18:00 UTC.
NOVEMBER = pd.to_datetime(["2015-11-23", "2015-11-24", "2015-11-25", "2015-11-27", "2015-11-30", "2015-12-01"])
# An index: September and October, each with a revision.
INDEX = [
    ("2015-09-01", "2015-10-15", "100.5"),
    ("2015-09-01", "2015-11-24", "101.5"),
    ("2015-10-01", "2015-11-25", "102.5"),
    ("2015-09-01", "2015-11-30", "999.0"),
    ("2015-10-01", "2015-11-30", "103.5"),
]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retries as always, a hundred times quicker."""
    monkeypatch.setattr(fred, "PATIENCE", {"retries": 3, "backoff": 0.01, "per_minute": None, "timeout": 2.0})
    monkeypatch.setenv("FRED_API_KEY", KEY)


@pytest.fixture
def server():
    with FredServer() as running:
        running.series["INDEX"] = list(INDEX)
        yield running


def loaded(server, series="INDEX", end=None):
    return Fred(series, url=server.url).load_side(["A"], None, end)


def seen(side, days=NOVEMBER):
    close = pd.DataFrame(1.0, index=days, columns=["A"])
    return Market.from_frames(close=close, side={"x": side}).side["x"].tolist()


def older(home, name, days):
    """Make the kept answer one that was fetched so many days ago."""
    file = home / "logs" / "cache" / "fred" / f"{name}.parquet"
    table, facts = read_checked(file)
    fetched = datetime.fromisoformat(facts["fetched"]) - timedelta(days=days)
    write_checked(file, table, {**facts, "fetched": fetched.isoformat()})
    return file


def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def test_a_session_sees_what_was_released_before_its_day_and_a_half_day_too(server):
    # Before the first sessions: 100.5. Released on the 24th, seen on the 25th; on the 25th (the 26th is a holiday),
    # seen at the early close of the 27th; on the 30th, seen on 1 December. 999.0 is about an older month.
    assert seen(loaded(server)) == [100.5, 100.5, 101.5, 102.5, 102.5, 103.5]


def test_a_release_on_a_half_day_is_seen_by_the_next_session(server):
    server.series["INDEX"] = [("2015-10-01", "2015-11-27", "7")]
    assert seen(loaded(server)) == pytest.approx([NAN, NAN, NAN, NAN, 7, 7], nan_ok=True)


def test_a_release_on_a_holiday_is_seen_by_the_half_day_after_it(server):
    server.series["INDEX"] = [("2015-10-01", "2015-11-26", "7")]
    assert seen(loaded(server)) == pytest.approx([NAN, NAN, NAN, 7, 7, 7], nan_ok=True)


def test_a_release_is_known_from_midnight_in_new_york_in_winter_and_in_summer(server):
    server.series["INDEX"] = [("2015-06-01", "2015-07-15", "1"), ("2015-10-01", "2015-11-25", "2")]
    known = loaded(server).known_at
    assert known.tolist() == [pd.Timestamp("2015-07-16 04:00", tz="UTC"), pd.Timestamp("2015-11-26 05:00", tz="UTC")]


def test_a_missing_value_leaves_the_one_before(server):
    server.series["INDEX"] = [("2015-09-01", "2015-10-15", "1.5"), ("2015-10-01", "2015-11-24", ".")]
    side = loaded(server)
    assert side.values.tolist() == [1.5]
    assert seen(side) == [1.5] * 6


def test_all_vintages_are_asked_for_with_the_dates_of_vintages_first(server):
    loaded(server, "index")
    first, second = server.log
    assert first.path == "/fred/series/vintagedates"
    assert first.params == {
        "series_id": "INDEX",
        "api_key": KEY,
        "file_type": "json",
        "realtime_start": "1776-07-04",
        "realtime_end": "9999-12-31",
        "limit": "10000",
        "offset": "0",
    }
    assert second.path == "/fred/series/observations"
    assert second.params == {
        "series_id": "INDEX",
        "api_key": KEY,
        "file_type": "json",
        "output_type": "1",
        "realtime_start": "2015-10-15",
        "realtime_end": "9999-12-31",
        "limit": "100000",
        "offset": "0",
    }


def test_more_than_two_thousand_vintages_are_asked_for_in_spans_that_leave_no_day_out(server):
    days = pd.date_range("2000-01-03", periods=4500, freq="D")
    rate = [
        (str(day.date()), str((day + pd.Timedelta("1D")).date()), f"{number}.25") for number, day in enumerate(days)
    ]
    server.series["RATE"] = rate
    side = loaded(server, "RATE")
    spans = [(each.params["realtime_start"], each.params["realtime_end"]) for each in server.log[1:]]
    assert len(spans) == 3
    assert spans[0][0] == "2000-01-04"
    assert spans[-1][1] == "9999-12-31"
    for (_, end), (begin, _) in pairwise(spans):
        assert date.fromisoformat(begin) - date.fromisoformat(end) == timedelta(days=1)
    # Every day once, released when it was, though the first days stand in all three answers.
    assert side.values.index.tolist() == days.tolist()
    assert side.values.tolist() == [number + 0.25 for number in range(4500)]
    local = side.known_at.tz_convert("America/New_York").tz_localize(None)
    assert (local == days + pd.Timedelta("2D")).all()


def test_pages_are_asked_for_until_all_is_there(server):
    server.most_rows = 2
    side = loaded(server)
    asked = [(each.path.rpartition("/")[2], each.params["offset"]) for each in server.log]
    vintages = [("vintagedates", "0"), ("vintagedates", "2")]
    assert asked == [*vintages, ("observations", "0"), ("observations", "2"), ("observations", "4")]
    assert len(side.values) == 5


@st.composite
def histories(draw):
    days = st.dates(date(2015, 1, 1), date(2015, 3, 1))
    keys = draw(st.sets(st.tuples(st.sampled_from(["2014-10-01", "2014-11-01", "2014-12-01"]), days), min_size=1))
    history, values = [], {}
    for about, released in sorted(keys, key=lambda key: (key[0], key[1])):
        changed = draw(st.sampled_from([value for value in ("1", "2", "3", ".") if value != values.get(about)]))
        values[about] = changed
        history.append((about, str(released), changed))
    return history


@given(histories(), st.integers(1, 7))
def test_however_the_vintages_are_split_the_joined_observations_are_the_same(history, most):
    vintages = sorted({released for _, released, _ in history})
    split = [
        row
        for first, last in windows(vintages, most)
        for row in valid_within(history, date.fromisoformat(first), date.fromisoformat(last))
    ]
    whole = joined(valid_within(history, date(1776, 7, 4), date(9999, 12, 31)))
    assert joined(split).equals(whole)
    for first, last in windows(vintages, most):
        assert 1 <= sum(first <= day <= last for day in vintages) <= most


@pytest.mark.parametrize(
    "fault",
    [
        Answer(429, {"error_code": 429, "error_message": "Too Many Requests.  Exceeded Rate Limit"}),
        Answer(503, b"<html><body>Service Unavailable</body></html>", {"Content-Type": "text/html"}),
        Answer(200, b'{"count": 5, "vintage_dates": ["2015-10-15"]}', missing=10),
    ],
    ids=["too many requests", "an HTML page", "an answer that breaks off"],
)
def test_what_passes_is_asked_again(server, fault):
    server.faults.extend([fault, None, fault])
    assert len(loaded(server).values) == 5
    assert [each.path for each in server.log] == ["/fred/series/vintagedates"] * 2 + ["/fred/series/observations"] * 2


@pytest.mark.parametrize("as_date", [False, True], ids=["seconds", "a date"])
def test_retry_after_is_waited_for(server, as_date):
    wait = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True) if as_date else "0.4"
    server.faults.append(Answer(429, {"error_message": "Too Many Requests."}, {"Retry-After": wait}))
    loaded(server)
    assert server.log[1].at - server.log[0].at >= 0.35


def test_requests_are_spread_over_the_minute(server, monkeypatch):
    monkeypatch.setitem(fred.PATIENCE, "per_minute", 300.0)
    loaded(server)
    assert server.log[1].at - server.log[0].at >= 0.19


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Answer(500, b"<html><h1>Oops</h1></html>"), "the answer is HTTP 500 (it is an HTML page); try again later"),
        (Answer(200, b'{"count": 5, "vintage_d'), "the answer is HTTP 200 (it is no JSON); try again later"),
        (Answer(200, b""), "the answer is HTTP 200 (it is empty); try again later"),
        (Answer(200, []), "the answer is no list of values; try again later"),
        (Answer(200, {"count": 3}), "the answer has no vintage_dates from 0 on; try again later"),
        (
            Answer(200, {"count": 3, "vintage_dates": []}),
            "the answer has no vintage_dates from 0 on; try again later",
        ),
        (Answer(403, b"denied"), "the answer is HTTP 403 (denied); check FRED_API_KEY"),
    ],
)
def test_an_answer_that_stays_wrong_is_told_in_one_line(server, fault, told):
    server.faults.extend([fault] * 4)
    with pytest.raises(UnavailableError) as caught:
        loaded(server)
    assert str(caught.value) == f"source 'fred', series INDEX: {told}"


@pytest.mark.parametrize(
    "row",
    [
        {"date": "2015-09-01", "realtime_start": "2015-10-15", "value": "n/a"},
        {"date": "09/01/2015", "realtime_start": "2015-10-15", "value": "1"},
        {"date": "2015-09-01", "value": "1"},
        "2015-09-01",
    ],
)
def test_observations_of_another_form_are_told_and_not_kept(server, home, row):
    server.faults.extend([None, Answer(200, {"count": 1, "observations": [row]})])
    with pytest.raises(UnavailableError, match="does not hold observations as FRED gives them; try again later"):
        loaded(server)
    assert not list(home.rglob("*.parquet"))


def test_an_unknown_series_is_told(server):
    with pytest.raises(DataError) as caught:
        loaded(server, "INDX")
    assert str(caught.value) == "source 'fred' has no series 'INDX'; look for its name at fred.stlouisfed.org"
    assert len(server.log) == 1


def test_a_series_without_values_is_told(server):
    server.series["EMPTY"] = []
    with pytest.raises(DataError, match="series EMPTY: it has no values; choose another series"):
        loaded(server, "EMPTY")


def test_a_key_that_fred_does_not_know_is_told_and_not_shown(server, monkeypatch):
    monkeypatch.setenv("FRED_API_KEY", "canary-wrong")
    with pytest.raises(DataError) as caught:
        loaded(server)
    assert str(caught.value) == "source 'fred': FRED does not know the key; check FRED_API_KEY in the environment"


def test_a_missing_key_is_told_before_anything_is_asked(server, monkeypatch):
    monkeypatch.delenv("FRED_API_KEY")
    with pytest.raises(DataError, match="needs a key; set FRED_API_KEY in the environment"):
        loaded(server)
    assert server.log == []


@pytest.mark.parametrize("trouble", ["no server", "repeated by the server", "breaks off"])
def test_the_key_is_in_no_message_no_traceback_and_no_file(server, home, trouble):
    url = server.url if trouble != "no server" else f"http://127.0.0.1:{closed_port()}"
    if trouble == "repeated by the server":
        server.faults.append(Answer(400, {"error_message": f"Bad Request.  What is {KEY}?"}))
    if trouble == "breaks off":
        server.faults.extend([Answer(200, b"{}" * 50, missing=20)] * 4)
    source = Fred("INDEX", url=url)
    with pytest.raises(UnavailableError) as caught:
        source.load_side(["A"])
    told = "".join(traceback.format_exception(caught.value))
    for text in (str(caught.value), told, repr(source)):
        assert "canary" not in text
    loaded(server)
    assert not any(b"canary" in file.read_bytes() for file in home.rglob("*") if file.is_file())


def test_a_second_run_asks_nothing(server):
    first = loaded(server)
    asked = len(server.log)
    second = loaded(server)
    assert len(server.log) == asked
    assert second.content_hash() == first.content_hash()
    assert seen(second) == seen(first)


def test_an_answer_of_yesterday_is_asked_for_again_by_a_session_of_today(server, home):
    loaded(server)
    older(home, "index", 1)
    server.series["INDEX"].append(("2015-10-01", "2015-12-15", "104.5"))
    assert loaded(server).values.tolist()[-1] == 104.5
    assert len(server.log) == 4


def test_an_old_answer_serves_sessions_up_to_the_day_on_which_it_was_fetched(server, home):
    loaded(server)
    older(home, "index", 400)
    asked = len(server.log)
    loaded(server, end=date(2015, 12, 1))
    assert len(server.log) == asked


def test_an_answer_of_another_address_is_none(server, home):
    loaded(server)
    with FredServer() as other:
        other.series["INDEX"] = [("2015-09-01", "2015-10-15", "5")]
        assert loaded(other).values.tolist() == [5.0]


def test_offline_uses_the_cache_alone(server):
    online = loaded(server)
    asked = len(server.log)
    with only_cached(True):
        assert loaded(server).content_hash() == online.content_hash()
    assert len(server.log) == asked


def test_offline_tells_what_is_missing(server, monkeypatch):
    monkeypatch.delenv("FRED_API_KEY")
    with (
        only_cached(True),
        pytest.raises(DataError, match=r"series INDEX of FRED is not in the cache .*without --offline"),
    ):
        loaded(server)
    assert server.log == []


def test_offline_warns_of_an_answer_that_is_older_than_the_market(server, home):
    loaded(server)
    older(home, "index", 3)
    with only_cached(True), pytest.warns(UserWarning, match="series INDEX of FRED is that of .*, 3 days old"):
        loaded(server)
    with only_cached(True), warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded(server, end=date(2015, 12, 1))


def test_an_older_answer_is_not_used_in_silence_when_the_network_is_down(server, home):
    loaded(server)
    older(home, "index", 8)
    server.faults.extend([Answer(503, b"<html>")] * 4)
    with pytest.raises(UnavailableError) as caught:
        loaded(server)
    line = str(caught.value)
    assert "HTTP 503" in line
    assert line.endswith("8 days old, which data.offline: true uses")


@pytest.mark.parametrize("place", [10, -200, -1])
def test_a_damaged_file_is_put_aside_and_asked_for_again(server, home, place):
    first = loaded(server)
    file = home / "logs" / "cache" / "fred" / "index.parquet"
    content = bytearray(file.read_bytes())
    content[place] ^= 0xFF
    file.write_bytes(content)
    with pytest.warns(UserWarning, match=r"index\.parquet is damaged: .* it was moved to"):
        again = loaded(server)
    assert again.content_hash() == first.content_hash()
    assert len(server.log) == 4
    aside = list((file.parent / "damaged").glob("index*.parquet"))
    assert [each.read_bytes() for each in aside] == [bytes(content)]


def test_a_damaged_file_offline_is_told(server, home):
    loaded(server)
    file = home / "logs" / "cache" / "fred" / "index.parquet"
    file.write_bytes(file.read_bytes()[:50])
    with (
        only_cached(True),
        pytest.warns(UserWarning, match="damaged"),
        pytest.raises(DataError, match="not in the cache"),
    ):
        loaded(server)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"series": "../index"}, "series is '../index'; give FRED's name of it"),
        ({"series": ""}, "series is ''"),
        ({"series": "A", "url": "http://example.com"}, "url is 'http://example.com'; it is https://"),
        ({"series": "A", "url": "http://127.0.0.1.example.com"}, "it is https://"),
    ],
)
def test_parameters_that_do_not_fit_are_told(params, told):
    with pytest.raises(ConfigError) as caught:
        Fred(**params)
    assert told in str(caught.value)


def test_it_has_no_bars():
    with pytest.raises(DataError, match="has no bars but a side series"):
        Fred("CPIAUCSL").load()
