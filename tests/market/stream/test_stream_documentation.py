"""What docs/data.md shows of live bars brings them, from real servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quantstrats.market.sources import alpaca_client
from quantstrats.market.stream import streaming

from ..sources.alpaca_server import KEY, SECRET, AlpacaServer
from .stream_server import StreamServer

TEXT = (Path(__file__).parents[3] / "docs" / "data.md").read_text()
(SHOWN,) = re.findall(r"```python\n(.*?)```", TEXT.partition("## Live bars")[2].partition("\n## ")[0], flags=re.DOTALL)
BAR = {"t": "2024-11-20T14:30:00Z", "o": 99.0, "h": 101.0, "l": 98.0, "c": 100.0, "v": 5}


class Seen(Exception):  # noqa: N818 - it is no error
    """A bar was printed."""


def printed(code):
    """Run code until it prints, and return what."""

    def keep(*words):
        raise Seen(words)

    with pytest.raises(Seen) as seen:
        exec(compile(code, "data.md", "exec"), {"print": keep})
    return [str(word) for word in seen.value.args[0]]


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name, value in (("APCA_API_KEY_ID", KEY), ("APCA_API_SECRET_KEY", SECRET)):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(alpaca_client, "PATIENCE", {"retries": 0, "backoff": 0.01, "per_minute": None, "timeout": 5.0})


def test_the_example_prints_bars_that_are_streamed(monkeypatch):
    async def script(server, connection, number):
        await server.welcome(connection)
        await server.send(connection, {"T": "b", "S": "MSFT", **BAR})
        await server.forever(connection)

    monkeypatch.setattr(streaming, "_PUBLISHED", 0.0)
    monkeypatch.setattr(streaming, "_UNSURE", 0.0)
    with StreamServer(script) as server:
        monkeypatch.setattr(streaming, "_HOST", server.url.removesuffix("/v2/iex"))
        assert printed(SHOWN) == ["MSFT", "2024-11-20 14:30:00+00:00", "100.0", "live"]


def test_the_example_prints_bars_that_are_asked_for(monkeypatch):
    (polling,) = re.findall(r"BarPolling\(\[.*\)\)", TEXT)
    begin = "since=datetime(2024, 11, 20, 14, 30, tzinfo=UTC)"
    code = SHOWN.replace('BarStream(["AAPL", "MSFT"])', f"{polling[:-1]}, {begin})")
    assert code != SHOWN
    with AlpacaServer() as server:
        server.bars["5Min"] = {"AAPL": [BAR]}
        monkeypatch.setattr(alpaca_client, "_data_client", _at(server.url, alpaca_client._data_client))
        told = printed(f"from datetime import UTC, datetime\n{code}")
    assert told == ["AAPL", "2024-11-20 14:30:00+00:00", "100.0", "backfilled"]


def _at(url, make):
    return lambda crypto, _: make(crypto, url)
