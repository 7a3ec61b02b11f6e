"""Facts of companies against a server on this machine that speaks the SEC's protocol and keeps what it was asked."""

from __future__ import annotations

import re
import warnings
from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from quantstrats import Market
from quantstrats.errors import ConfigError, DataError
from quantstrats.market.cache.checked import read_checked, write_checked
from quantstrats.market.cache.offline import only_cached
from quantstrats.market.sources import sec
from quantstrats.market.sources.remote import UnavailableError
from quantstrats.market.sources.sec import Sec

from .fred_server import Answer
from .sec_server import BLOCKED, Company, SecServer

NAN = float("nan")
EPS = "EarningsPerShareDiluted"
# Sessions of New York around Thanksgiving 2015 (the 26th); the 27th ends at 13:00, 18:00 UTC.
NOVEMBER = pd.to_datetime(["2015-11-23", "2015-11-24", "2015-11-25", "2015-11-27", "2015-11-30", "2015-12-01"])
Q1, Q2, Q3 = ("2015-01-01", "2015-03-31"), ("2015-04-01", "2015-06-30"), ("2015-07-01", "2015-09-30")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retries as always, a hundred times quicker."""
    monkeypatch.setattr(sec, "PATIENCE", {"retries": 3, "backoff": 0.01, "per_minute": None, "timeout": 2.0})
    monkeypatch.setenv("QUANTSTRATS_CONTACT", "Jane Doe jane@example.com")


@pytest.fixture
def server():
    with SecServer() as running:
        yield running


@pytest.fixture
def apple(server):
    """A company with symbol AAPL; add to its facts."""
    server.companies.append(Company(320193, ["AAPL"]))
    return server.companies[0]


def quarter(company, period, value, filed, tag=EPS, **more):
    return company.report(tag, period[1], value, filed, start=period[0], **more)


def loaded(server, symbols=("AAPL",), end=None, **params):
    return Sec(**{"fact": EPS, **params}, url=server.url).load_side(list(symbols), None, end)


def seen(side, symbol="AAPL", days=NOVEMBER):
    close = pd.DataFrame(1.0, index=days, columns=["AAPL", "BRK.B"])
    return Market.from_frames(close=close, side={"x": side}).side["x"][symbol].tolist()


def nearly(*values):
    return pytest.approx(list(values), nan_ok=True)


def test_a_session_sees_what_was_filed_before_its_day_and_a_half_day_too(server, apple):
    quarter(apple, Q1, 1.0, "2015-04-28")
    quarter(apple, Q2, 2.0, "2015-11-24")
    quarter(apple, Q3, 3.0, "2015-11-25")
    # Filed on the 24th, seen on the 25th; on the 25th (the 26th is a holiday), seen at the early close of the 27th.
    assert seen(loaded(server)) == [1, 1, 2, 3, 3, 3]


def test_a_filing_on_a_half_day_is_seen_by_the_next_session(server, apple):
    quarter(apple, Q3, 3.0, "2015-11-27")
    assert seen(loaded(server)) == nearly(NAN, NAN, NAN, NAN, 3, 3)


def test_an_amendment_of_the_newest_period_replaces_it_and_one_of_an_older_period_does_not(server, apple):
    quarter(apple, Q2, 2.0, "2015-08-05")
    quarter(apple, Q3, 3.0, "2015-11-04")
    quarter(apple, Q3, 2.5, "2015-11-24", form="10-Q/A")
    quarter(apple, Q2, 99.0, "2015-11-25", form="10-Q/A")
    assert seen(loaded(server)) == [3, 3, 2.5, 2.5, 2.5, 2.5]


def test_an_amendment_filed_on_the_same_day_is_what_counts(server, apple):
    quarter(apple, Q3, 2.5, "2015-11-24", form="10-Q/A", accn="0000000001-15-000001")
    quarter(apple, Q3, 3.0, "2015-11-24", accn="0000000002-15-000001")
    assert seen(loaded(server)) == nearly(NAN, NAN, 2.5, 2.5, 2.5, 2.5)


def test_a_number_that_is_reported_again_for_comparison_is_no_news(server, apple):
    quarter(apple, Q3, 3.0, "2015-11-04")
    quarter(apple, Q3, 3.0, "2016-11-04")
    side = loaded(server)
    assert side.values["AAPL"].tolist() == [3.0]
    assert side.known_at.tolist() == [pd.Timestamp("2015-11-05 05:00", tz="UTC")]


@pytest.mark.parametrize(
    ("period", "value"),
    [("quarter", 2.0), ("year", 4.0), ("instant", 5.0)],
)
def test_a_period_is_told_by_its_length(server, apple, period, value):
    apple.report(EPS, "2015-09-30", 1.0, "2015-11-04", start="2015-08-01")  # two months
    apple.report(EPS, "2015-09-30", 2.0, "2015-11-04", start="2015-07-01")
    apple.report(EPS, "2015-09-30", 3.0, "2015-11-04", start="2015-01-01")  # nine months
    apple.report(EPS, "2015-09-30", 4.0, "2015-11-04", start="2014-10-01")
    apple.report(EPS, "2015-09-30", 5.0, "2015-11-04")
    assert loaded(server, period=period).values["AAPL"].tolist() == [value]


@pytest.mark.parametrize(
    ("start", "end", "period", "counts"),
    [
        ("2015-01-01", "2015-03-20", "quarter", False),  # 79 days
        ("2015-01-01", "2015-03-21", "quarter", True),
        ("2015-01-01", "2015-04-10", "quarter", True),  # 100 days
        ("2015-01-01", "2015-04-11", "quarter", False),
        ("2014-01-01", "2014-12-15", "year", False),  # 349 days
        ("2014-01-01", "2014-12-16", "year", True),
        ("2014-01-01", "2015-01-15", "year", True),  # 380 days
        ("2014-01-01", "2015-01-16", "year", False),
    ],
)
def test_lengths_of_periods_count_both_ends(server, apple, start, end, period, counts):
    apple.report(EPS, end, 1.0, "2015-11-04", start=start)
    if counts:
        assert loaded(server, period=period).values["AAPL"].tolist() == [1.0]
    else:
        with pytest.raises(DataError, match=f"but not as period: {period}"):
            loaded(server, period=period)


def test_other_forms_count_only_where_they_are_asked_for(server, apple):
    quarter(apple, Q2, 2.0, "2015-08-05")
    quarter(apple, Q3, 3.0, "2015-11-04", form="8-K")
    assert loaded(server).values["AAPL"].tolist() == [2.0]
    assert loaded(server, forms=("8-K",)).values["AAPL"].tolist() == [3.0]


def test_a_period_that_ends_after_its_filing_is_a_slip_and_does_not_hide_what_follows(server, apple):
    apple.report(EPS, "2105-06-30", 9.0, "2015-08-05", start="2105-04-01")
    apple.report(EPS, "0215-06-30", 9.0, "2015-08-05", start="0215-04-01")
    quarter(apple, Q3, 3.0, "2015-11-04")
    assert loaded(server).values["AAPL"].tolist() == [3.0]


def test_tags_are_tried_in_order_period_by_period(server, apple):
    quarter(apple, Q1, 10.0, "2015-04-28", tag="SalesRevenueNet", unit="USD")
    quarter(apple, Q2, 20.0, "2015-07-28", tag="SalesRevenueNet", unit="USD")
    quarter(apple, Q2, 21.0, "2015-07-28", tag="Revenues", unit="USD")
    quarter(apple, Q3, 30.0, "2015-10-28", tag="Revenues", unit="USD")
    # Said once more under the other tag: of this period, Revenues has spoken.
    quarter(apple, Q3, 35.0, "2015-11-24", tag="SalesRevenueNet", unit="USD")
    side = loaded(server, fact=("Revenues", "SalesRevenueNet"))
    assert side.values["AAPL"].tolist() == [10.0, 21.0, 30.0]
    assert [str(day.date()) for day in side.values.index] == [Q1[1], Q2[1], Q3[1]]


def test_dollars_are_meant_where_no_unit_is_named(server, apple):
    quarter(apple, Q3, 3.0, "2015-11-04", tag="Revenues", unit="CNY")
    quarter(apple, Q3, 0.5, "2015-11-04", tag="Revenues", unit="USD")
    assert loaded(server, fact="Revenues").values["AAPL"].tolist() == [0.5]
    assert loaded(server, fact="Revenues", unit="CNY").values["AAPL"].tolist() == [3.0]


def test_several_usual_units_are_told(server, apple):
    quarter(apple, Q3, 0.5, "2015-11-04", tag="Revenues", unit="USD")
    quarter(apple, Q3, 7.0, "2015-11-04", tag="Revenues", unit="shares")
    with pytest.raises(DataError, match=r"AAPL reported Revenues in USD and in shares; set unit: USD"):
        loaded(server, fact="Revenues")


def test_symbols_are_found_with_dots_and_dashes_and_two_of_one_company_are_asked_once(server, apple):
    server.companies.append(Company(1067983, ["BRK-B", "BRK-A"]))
    quarter(server.companies[1], Q3, 4.0, "2015-11-04")
    quarter(apple, Q3, 3.0, "2015-11-04")
    side = loaded(server, ["BRK.B", "AAPL", "BRK-A"])
    assert side.values[["BRK.B", "BRK-A", "AAPL"]].to_numpy().tolist() == [[4.0, 4.0, 3.0]]
    assert sorted(server.asked) == ["CIK0000320193.json", "CIK0001067983.json", "company_tickers.json"]
    assert seen(side, "BRK.B") == [4.0] * 6


def test_symbols_without_facts_are_missing_and_named(server, apple):
    server.companies.append(Company(884394, ["SPY"], None))
    quarter(apple, Q3, 3.0, "2015-11-04")
    with pytest.warns(UserWarning, match=r"source 'sec': no EarningsPerShareDiluted \(quarter\) of SPY, NOPE"):
        side = loaded(server, ["SPY", "AAPL", "NOPE"])
    assert list(side.values) == ["AAPL"]


def test_a_company_that_is_gone_is_named_by_its_number(server):
    server.companies.append(Company(719413, []))
    quarter(server.companies[0], Q3, 3.0, "2015-11-04")
    side = loaded(server, ["HMNY"], ciks={"HMNY": 719413})
    assert side.values["HMNY"].tolist() == [3.0]
    assert server.asked == ["CIK0000719413.json"]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"fact": "EarningPerShareDiluted"}, "reported no EarningPerShareDiluted of us-gaap; did you mean 'Earnings"),
        ({"period": "year"}, "but not as period: year (of periods, in forms 10-Q); set either"),
        ({"period": "instant"}, "but not as period: instant"),
        ({"forms": ("20-F",)}, "but not as period: quarter (of periods, in forms 10-Q); set either"),
        ({"unit": "EUR"}, f"AAPL reported {EPS} in USD/shares; set unit"),
    ],
)
def test_what_nobody_reported_is_told_with_what_there_is(server, apple, params, told):
    quarter(apple, Q3, 3.0, "2015-11-04")
    with pytest.raises(DataError) as caught:
        loaded(server, **params)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_symbols_that_the_sec_does_not_know_are_told(server, apple):
    with pytest.raises(DataError, match=r"knows none of the symbols AAPLE, XX; .* ciks: \{AAPL: 320193\}"):
        loaded(server, ["AAPLE", "XX"])


def test_funds_have_no_facts(server):
    server.companies.append(Company(884394, ["SPY"], None))
    with pytest.raises(DataError, match="it has no facts of SPY; funds have none"):
        loaded(server, ["SPY"])


def test_who_asks_is_told_with_each_request(server, apple):
    quarter(apple, Q3, 3.0, "2015-11-04")
    loaded(server)
    assert [each.headers["user-agent"] for each in server.log] == ["quantstrats Jane Doe jane@example.com"] * 2


@pytest.mark.parametrize("contact", [None, "", "Jane Doe", "Jané jane@example.com"])
def test_a_missing_contact_is_told_before_anything_is_asked(server, apple, monkeypatch, contact):
    monkeypatch.delenv("QUANTSTRATS_CONTACT")
    if contact is not None:
        monkeypatch.setenv("QUANTSTRATS_CONTACT", contact)
    with pytest.raises(DataError, match="the SEC wants to know who asks; set QUANTSTRATS_CONTACT"):
        loaded(server)
    assert server.log == []


def test_line_breaks_in_the_contact_are_no_headers(server, apple, monkeypatch):
    monkeypatch.setenv("QUANTSTRATS_CONTACT", "Jane\r\nX-Evil: 1 jane@example.com")
    quarter(apple, Q3, 3.0, "2015-11-04")
    loaded(server)
    assert "x-evil" not in server.log[0].headers


def test_no_more_than_eight_requests_are_sent_in_a_second(server, monkeypatch):
    assert sec.PATIENCE is not None
    monkeypatch.setitem(sec.PATIENCE, "per_minute", 480.0)
    server.companies = [quarter(Company(number, [f"S{number}"]), Q3, 1.0, "2015-11-04") for number in range(1, 5)]
    loaded(server, ["S1", "S2", "S3", "S4"])
    times = [each.at for each in server.log]
    assert len(times) == 5
    assert times[-1] - times[0] >= 4 / 8 - 0.02


def test_a_block_is_told_with_what_to_do(server, apple):
    server.faults.append(Answer(403, BLOCKED, {"Content-Type": "text/html"}))
    with pytest.raises(UnavailableError) as caught:
        loaded(server)
    assert str(caught.value) == (
        "source 'sec', list of symbols: the answer is HTTP 403 (it is an HTML page); check that QUANTSTRATS_CONTACT "
        "holds a name and an address, or try again in ten minutes"
    )


@pytest.mark.parametrize(
    "fault",
    [
        Answer(429, b"slow down", {"Retry-After": "0.05"}),
        Answer(503, b"<html>", {"Content-Type": "text/html"}),
        Answer(200, b'{"cik": 320193, "facts": {', missing=5),
    ],
    ids=["too many requests", "an HTML page", "an answer that breaks off"],
)
def test_what_passes_is_asked_again(server, apple, fault):
    quarter(apple, Q3, 3.0, "2015-11-04")
    server.faults.extend([fault, None, fault])
    assert loaded(server).values["AAPL"].tolist() == [3.0]
    assert server.asked == ["company_tickers.json"] * 2 + ["CIK0000320193.json"] * 2


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Answer(200, b'{"cik": 3201'), "the answer is HTTP 200 (it is no JSON); try again later"),
        (Answer(200, b"<html>maintenance</html>"), "the answer is HTTP 200 (it is an HTML page); try again later"),
        (Answer(200, []), "the answer does not hold facts as the SEC gives them; try again later"),
        (
            Answer(200, {"facts": {"us-gaap": {EPS: {"units": {"USD": [{"end": "2015-09-30", "val": 1.0}]}}}}}),
            "the answer does not hold facts as the SEC gives them; try again later",
        ),
    ],
)
def test_a_broken_answer_is_told_and_not_kept(server, apple, home, fault, told):
    server.faults.extend([None, fault])
    with pytest.raises(UnavailableError) as caught:
        loaded(server)
    assert str(caught.value) == f"source 'sec', company CIK0000320193: {told}"
    assert [file.stem for file in home.rglob("*.parquet")] == ["tickers"]


@pytest.mark.parametrize("body", [[], {}, {"0": {"ticker": "AAPL"}}, {"0": 7}])
def test_a_broken_list_of_symbols_is_told_and_not_kept(server, apple, home, body):
    server.faults.append(Answer(200, body))
    with pytest.raises(UnavailableError, match=r"list of symbols: the answer (is no list of|has no) symbols"):
        loaded(server)
    assert not list(home.rglob("*.parquet"))


def test_a_fact_without_a_value_is_left_out(server, apple):
    quarter(apple, Q2, 2.0, "2015-08-05")
    quarter(apple, Q3, None, "2015-11-04")
    assert loaded(server).values["AAPL"].tolist() == [2.0]


def test_another_fact_of_the_same_companies_asks_nothing(server, apple):
    quarter(apple, Q3, 3.0, "2015-11-04")
    apple.report("Assets", "2015-09-30", 290.0, "2015-11-04", unit="USD")
    loaded(server)
    asked = len(server.log)
    assert loaded(server, fact="Assets", period="instant").values["AAPL"].tolist() == [290.0]
    assert len(server.log) == asked


def test_what_arrived_before_the_network_was_lost_is_kept_and_a_second_run_goes_on(server, apple):
    server.companies.append(quarter(Company(1067983, ["BRK-B"]), Q3, 4.0, "2015-11-04"))
    quarter(apple, Q3, 3.0, "2015-11-04")
    server.faults.extend([None, None] + [Answer(503, b"")] * 4)
    with pytest.raises(UnavailableError, match="company CIK0001067983: the answer is HTTP 503"):
        loaded(server, ["AAPL", "BRK.B"])
    asked = len(server.log)
    assert loaded(server, ["AAPL", "BRK.B"]).values.to_numpy().tolist() == [[3.0, 4.0]]
    assert server.asked[asked:] == ["CIK0001067983.json"]


def older(home, days):
    for file in home.rglob("*.parquet"):
        table, facts = read_checked(file)
        fetched = datetime.fromisoformat(facts["fetched"]) - timedelta(days=days)
        write_checked(file, table, {**facts, "fetched": fetched.isoformat()})


def test_answers_of_yesterday_are_asked_for_again_by_sessions_of_today_and_not_by_older_ones(server, apple, home):
    quarter(apple, Q2, 2.0, "2015-08-05")
    loaded(server)
    older(home, 1)
    quarter(apple, Q3, 3.0, "2015-11-04")
    assert loaded(server, end=date(2015, 12, 1)).values["AAPL"].tolist() == [2.0]
    assert len(server.log) == 2
    assert loaded(server).values["AAPL"].tolist() == [2.0, 3.0]
    assert len(server.log) == 4


def test_a_symbol_that_an_old_list_lacks_is_looked_for_in_that_of_today(server, apple, home):
    quarter(apple, Q3, 3.0, "2015-11-04")
    loaded(server)
    older(home, 30)
    server.companies.append(quarter(Company(1326801, ["META"]), Q3, 4.0, "2015-11-04"))
    assert loaded(server, ["AAPL", "META"], end=date(2015, 12, 1)).values.to_numpy().tolist() == [[3.0, 4.0]]
    assert server.asked[2:] == ["company_tickers.json", "CIK0001326801.json"]


def test_a_kept_list_serves_where_that_of_today_cannot_be_had(server, apple, home):
    quarter(apple, Q3, 3.0, "2015-11-04")
    loaded(server)
    older(home, 30)
    server.faults.extend([Answer(503, b"")] * 4)
    with pytest.warns(UserWarning, match="of NEW"):
        side = loaded(server, ["AAPL", "NEW"], end=date(2015, 12, 1))
    assert side.values["AAPL"].tolist() == [3.0]


def test_offline_uses_the_cache_alone(server, apple, monkeypatch):
    quarter(apple, Q3, 3.0, "2015-11-04")
    online = loaded(server)
    asked = len(server.log)
    monkeypatch.delenv("QUANTSTRATS_CONTACT")
    with only_cached(True), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loaded(server).content_hash() == online.content_hash()
    with only_cached(True), pytest.warns(UserWarning, match="no .* of NEW"):
        loaded(server, ["AAPL", "NEW"])
    assert len(server.log) == asked


def test_offline_tells_what_is_missing(server, apple):
    with (
        only_cached(True),
        pytest.raises(DataError, match=r"the SEC's list of symbols is not in the cache .* --offline"),
    ):
        loaded(server)
    with only_cached(True), pytest.raises(DataError, match=r"company CIK0000320193 of the SEC is not in the cache"):
        loaded(server, ciks={"AAPL": 320193})
    assert server.log == []


def test_a_damaged_file_is_put_aside_and_asked_for_again(server, apple, home):
    quarter(apple, Q3, 3.0, "2015-11-04")
    first = loaded(server)
    file = home / "logs" / "cache" / "sec" / "cik0000320193.parquet"
    content = bytearray(file.read_bytes())
    content[40] ^= 0xFF
    file.write_bytes(content)
    with pytest.warns(UserWarning, match=r"cik0000320193\.parquet is damaged"):
        again = loaded(server)
    assert again.content_hash() == first.content_hash()
    assert server.asked[2:] == ["CIK0000320193.json"]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"fact": ""}, "fact is empty"),
        ({"fact": ()}, "fact is empty"),
        ({"fact": EPS, "period": "month"}, "period is 'month'; it is 'quarter', 'year' or 'instant'"),
        ({"fact": EPS, "forms": ()}, "forms is empty"),
        ({"fact": EPS, "ciks": {"AAPL": 0}}, "ciks, AAPL: 0 is no number of a company"),
        ({"fact": EPS, "url": "http://example.com"}, "it is https://"),
    ],
)
def test_parameters_that_do_not_fit_are_told(params, told):
    with pytest.raises(ConfigError, match=re.escape(told)):
        Sec(**params)
