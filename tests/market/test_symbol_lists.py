"""Which symbols a text means; and a list by its name: fetched from a real server, kept for a day, told from rubbish."""

from __future__ import annotations

import csv
import json
import os
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from quantstrats import Market, Plugins
from quantstrats.errors import ConfigError, DataError
from quantstrats.market.cache.offline import only_cached
from quantstrats.market.sources import sectors
from quantstrats.market.sources.beside import side_plan
from quantstrats.market.sources.sectors import Sectors
from quantstrats.market.symbols import SymbolList, sectors_of_list, symbols_of

HEAD = "Symbol,Security,GICS Sector,CIK\n"
TODAY = datetime.now(UTC).date().isoformat()
YESTERDAY = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()


def constituents(count, first=0):
    """Return a table of so many members; the third is in another sector, and has a comma in its name."""
    lines = [f"S{number},Company {number},Industrials,{number}\n" for number in range(first, first + count)]
    lines[2] = f'S{first + 2},"Two, Inc.",Energy,2\n'
    return HEAD + "".join(lines)


@pytest.fixture
def server(monkeypatch):
    """A server that answers with ``server.answer`` (status, text) and keeps what it was asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, text = self.server.answer
            self.server.asked.append(self.path)
            content = text if isinstance(text, bytes) else text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answer = [], (200, constituents(503))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.setenv("QUANTSTRATS_SP500_URL", f"http://127.0.0.1:{server.server_port}/constituents.csv")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def kept(home):
    """The file in which the list is kept."""
    return home / "logs" / "cache" / "lists" / "sp500.json"


def made_older(kept):
    content = json.loads(kept.read_text())
    kept.write_text(json.dumps(content | {"day": YESTERDAY}))


def refusal(text="sp500"):
    with pytest.raises((DataError, ConfigError)) as told:
        symbols_of(text)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_names_are_a_fixed_basket_in_their_order():
    assert symbols_of(" TLT, SPY,BRK.B") == SymbolList(("TLT", "SPY", "BRK.B"), "fixed_basket")
    assert symbols_of("SPY") == symbols_of(["SPY"]) == symbols_of(("SPY",))


def test_what_was_worked_out_already_is_left_as_it_is():
    found = symbols_of("A,B")
    assert symbols_of(found) is found


def test_only_the_exact_word_is_a_list_and_names_one_by_one_are_symbols_whatever_they_are(server):
    assert symbols_of("SP500").symbols == ("SP500",)
    assert symbols_of(["sp500"]).symbols == ("sp500",)
    assert symbols_of("sp500,A").symbols == ("sp500", "A")
    assert server.asked == []


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        ("", "symbols is '', one of them without a name; give names, as in 'SPY,TLT'"),
        ("A,,B", "symbols is 'A,,B', one of them without a name"),
        ("A,B,A", "symbols names 'A' twice; name it once"),
        ([], "symbols names none; name at least one, or leave it out"),
        ([1, 2], r"symbols is \[1, 2\]; give a list of names, as in \['NASDAQ'\]"),
        (3, "symbols is 3; give a list of names"),
    ],
)
def test_names_that_are_none_are_told(symbols, message):
    with pytest.raises(ConfigError, match=message):
        symbols_of(symbols)


def test_a_file_has_a_symbol_on_each_line_of_its_first_column(tmp_path):
    text = '\ufeffTicker,name\n\n# my favourites\nSPY,"S&P, in one"\n TLT \nSYMBOL\nBRK.B # the cheaper one\n"NA",x\n'
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
    found = symbols_of(f"@{tmp_path / 'mine.csv'}")
    assert found == SymbolList(("SPY", "TLT", "SYMBOL", "BRK.B", "NA"), "fixed_basket", "mine.csv")


def test_a_file_without_a_header_is_read_from_its_first_line(tmp_path, monkeypatch):
    (tmp_path / "mine.txt").write_text("A\r\nB\r\n")
    monkeypatch.chdir(tmp_path)
    assert symbols_of("@mine.txt").symbols == ("A", "B")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"A\n\nB\nA\n", "mine.txt: A stands in lines 1 and 4; drop one of them"),
        (b"A\nB\0\n", "mine.txt line 2 is no text; write a symbol on each line"),
        (b"A\n" + b"B" * 200_000, "mine.txt line 2 is no text"),
        (b"# nothing\nsymbol\n", "mine.txt names no symbol; write one on each line"),
        (b"\x89PNG\xff", "mine.txt is no text file in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path, content, message):
    (tmp_path / "mine.txt").write_bytes(content)
    assert message in refusal(f"@{tmp_path / 'mine.txt'}")


def test_a_file_that_is_not_there_is_told(tmp_path):
    assert f"there is no file {tmp_path / 'gone'}" in refusal(f"@{tmp_path / 'gone'}")
    assert "cannot be read: Is a directory" in refusal(f"@{tmp_path}")


def test_a_list_is_todays_and_says_of_which_day_and_from_where(server):
    found = symbols_of("sp500")
    assert found.symbols[:3] == ("S0", "S1", "S2")
    assert len(found.symbols) == 503
    assert (found.basis, found.origin, found.date) == ("todays_list", "S&P 500", TODAY)
    assert found.address.endswith("/constituents.csv")


def test_a_list_is_asked_for_once_a_day(server, kept):
    symbols_of("sp500")
    assert symbols_of("sp500").symbols[0] == "S0"
    assert server.asked == ["/constituents.csv"]
    made_older(kept)
    server.answer = (200, constituents(450, first=7))
    again = symbols_of("sp500")
    assert (again.symbols[0], again.date) == ("S7", TODAY)
    assert len(server.asked) == 2


def test_offline_takes_the_kept_list_with_its_own_day_and_asks_nobody(server, kept):
    symbols_of("sp500")
    made_older(kept)
    with only_cached(True):
        assert symbols_of("sp500").date == YESTERDAY
    assert len(server.asked) == 1


def test_offline_without_a_kept_list_is_told(server):
    with only_cached(True):
        assert "is not in the cache, and offline nobody is asked; leave out --offline once" in refusal()
    assert server.asked == []


def test_a_list_of_another_address_is_not_taken_for_this_one(server, monkeypatch):
    symbols_of("sp500")
    monkeypatch.setenv("QUANTSTRATS_SP500_URL", f"http://127.0.0.1:{server.server_port}/other.csv")
    symbols_of("sp500")
    assert server.asked == ["/constituents.csv", "/other.csv"]


@pytest.mark.parametrize(
    ("status", "text", "message"),
    [
        (200, "<!DOCTYPE html><title>Sign in</title>", "the answer is an HTML page, not the list; try again later"),
        (200, "", r"the answer lacks the column 'Symbol' (it has: none)"),
        (200, constituents(503).replace("Symbol", "Ticker"), "lacks the column 'Symbol' (it has: Ticker, Security"),
        (200, constituents(503).replace("GICS Sector", "Sector"), "lacks the column 'GICS Sector'"),
        (200, constituents(399), "the answer has 399 symbols, the list at least 400; try again later"),
        (200, constituents(450) + "S9,Half a li", "the answer has the line 'S9,Half a li', which is none"),
        (200, b"\xff\xfe" + constituents(450).encode("utf-16-le"), "the answer is no text in UTF-8"),
        (404, "404: Not Found", "the answer is HTTP 404 (404: Not Found); change what is asked for"),
    ],
)
def test_an_answer_that_is_not_the_list_is_told_and_the_kept_one_untouched(server, kept, status, text, message):
    symbols_of("sp500")
    made_older(kept)
    before = kept.read_bytes()
    server.answer = (status, text)
    told = refusal()
    assert message in told
    assert told.startswith(f"list 'sp500' from http://127.0.0.1:{server.server_port}/constituents.csv")
    assert told.endswith(f"--offline takes the list of {YESTERDAY}, which is kept")
    assert kept.read_bytes() == before
    assert [path.name for path in kept.parent.iterdir()] == ["sp500.json"]


def test_a_first_answer_that_is_not_the_list_keeps_nothing(server, kept):
    server.answer = (200, "<html>")
    assert refusal().endswith("try again later")
    assert not kept.exists()


def test_a_kept_list_that_is_damaged_is_fetched_again(server, kept):
    symbols_of("sp500")
    for rubbish in ("", "{", "[]", '{"address": 3}', kept.read_text()[:-4000] + '"}'):
        kept.write_text(rubbish)
        assert len(symbols_of("sp500").symbols) == 503
    assert len(server.asked) == 6


def test_a_server_that_is_not_there_is_told(monkeypatch, server):
    port = server.server_port
    monkeypatch.setenv("QUANTSTRATS_SP500_URL", "http://127.0.0.1:9/x.csv")
    assert "the connection is refused; check the network, or try again later" in refusal()
    monkeypatch.setenv("QUANTSTRATS_SP500_URL", f"127.0.0.1:{port}/x.csv")
    assert "list 'sp500' from 127.0.0.1" in refusal()


def test_a_busy_server_is_asked_again(server):
    server.answer = (503, "busy")
    assert "HTTP 503" in refusal()
    assert len(server.asked) == 3


def test_the_lists_sectors_are_a_static_map(server):
    side = sectors_of_list()
    assert side.is_assumed
    assert side.values["S2"] == "Energy"
    assert side.values.value_counts().to_dict() == {"Industrials": 502, "Energy": 1}
    with pytest.raises(ConfigError, match=r"no list of symbols called 'sp5000' \(there are: sp500\)"):
        sectors_of_list("sp5000")


def test_the_lists_sectors_are_a_side_series_of_the_markets_symbols(server):
    days = pd.bdate_range("2015-11-23", "2015-11-25")
    close = pd.DataFrame(1.0, index=days, columns=["S2", "S3", "ZZ"])
    plugins = Plugins()
    plugins.register(sectors)
    plan = side_plan("sector", {"source": "sectors"}, plugins)
    assert plan.described(plugins) == {"source": "sectors", "of": "sp500"}
    series = plan.load(list(close), days[0].date(), days[-1].date()).series
    market = Market.from_frames(close=close, side={"sector": series})
    assert market.side["sector"].fillna("none").to_dict() == {"S2": "Energy", "S3": "Industrials", "ZZ": "none"}
    assert "side series 'sector' is static and assumed known at all times" in market.stamps
    assert len(Sectors().load_side([]).values) == 503


def test_what_becomes_of_other_symbols_in_the_list_does_not_change_a_market(server, kept):
    before = Sectors().load_side(["S7"]).content_hash()
    made_older(kept)
    server.answer = (200, constituents(450, first=7))
    again = Sectors().load_side(["S7"])
    assert len(server.asked) == 2
    assert again.content_hash() == before


def test_sectors_that_cannot_be_had_are_told(server):
    with pytest.raises(DataError, match="no symbol of the market is in the S&P 500; leave it out"):
        Sectors().load_side(["ZZ"])
    with pytest.raises(ConfigError, match=r"of is 'sp50'; did you mean 'sp500'\? \(it is sp500\)"):
        Sectors("sp50")


def test_a_real_table_of_constituents_is_read(server):
    folder = os.environ.get("QUANTSTRATS_TEST_DATA")
    if not folder:
        pytest.skip("needs real market data: QUANTSTRATS_TEST_DATA is not set")
    text = (Path(folder) / "sp500_constituents_2026.csv").read_text()
    server.answer = (200, text)
    wanted = [row["Symbol"] for row in csv.DictReader(text.splitlines())]
    assert list(symbols_of("sp500").symbols) == wanted
    assert {"AAPL", "BRK.B"} < set(wanted)
