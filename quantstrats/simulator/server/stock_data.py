"""The market data endpoints: bars of the past, the latest bars, quotes and trades, snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quantstrats.simulator.protocol.bar_pages import bars_page
from quantstrats.simulator.protocol.bars import bars_json
from quantstrats.simulator.protocol.errors import bad_field
from quantstrats.simulator.protocol.market import quote_json, trade_json
from quantstrats.simulator.protocol.queries import Query, word, words
from quantstrats.simulator.server.answers import Answer, answer

if TYPE_CHECKING:
    from quantstrats.simulator.server.desk import Call, Desk
    from quantstrats.simulator.server.trading import Endpoint

FEEDS = ("sip", "iex", "delayed_sip", "otc", "boats", "overnight")
# What the tape is: the others have no bars.
_SPOKEN = frozenset({"sip", "iex", "delayed_sip"})


def get_bars(desk: Desk, call: Call) -> Answer:
    """GET /v2/stocks/bars."""
    bars, token = bars_page(desk.history, _symbols(desk, call), desk.exchange.row, desk.exchange.now, call.query)
    return answer({"bars": bars, "next_page_token": token})


def get_bars_of_one(desk: Desk, call: Call) -> Answer:
    """GET /v2/stocks/{symbol}/bars."""
    symbols = _known(desk, [call.name], call.query)
    bars, token = bars_page(desk.history, symbols, desk.exchange.row, desk.exchange.now, call.query)
    return answer({"symbol": call.name, "bars": bars.get(call.name), "next_page_token": token})


def get_latest_bars(desk: Desk, call: Call) -> Answer:
    """GET /v2/stocks/bars/latest."""
    return _each(desk, call, "bars", _latest_bar)


def get_latest_bar(desk: Desk, call: Call) -> Answer:
    """GET /v2/stocks/{symbol}/bars/latest."""
    return _one(desk, call, "bar", _latest_bar)


def get_latest_quotes(desk: Desk, call: Call) -> Answer:
    """GET /v2/stocks/quotes/latest."""
    return _each(desk, call, "quotes", _quote)


def get_latest_quote(desk: Desk, call: Call) -> Answer:
    """GET /v2/stocks/{symbol}/quotes/latest."""
    return _one(desk, call, "quote", _quote)


def get_latest_trades(desk: Desk, call: Call) -> Answer:
    """GET /v2/stocks/trades/latest."""
    return _each(desk, call, "trades", _trade)


def get_latest_trade(desk: Desk, call: Call) -> Answer:
    """GET /v2/stocks/{symbol}/trades/latest."""
    return _one(desk, call, "trade", _trade)


def get_snapshots(desk: Desk, call: Call) -> Answer:
    """GET /v2/stocks/snapshots."""
    return answer({symbol: _snapshot(desk, symbol) for symbol in _symbols(desk, call)})


def get_snapshot(desk: Desk, call: Call) -> Answer:
    """GET /v2/stocks/{symbol}/snapshot."""
    known = _known(desk, [call.name], call.query)
    return answer({"symbol": call.name, **(_snapshot(desk, call.name) if known else {})})


def _snapshot(desk: Desk, symbol: str) -> dict[str, Any]:
    row, history = desk.exchange.row, desk.history
    return {
        "latestTrade": _trade(desk, symbol),
        "latestQuote": _quote(desk, symbol),
        "minuteBar": _latest_bar(desk, symbol),
        "dailyBar": next(iter(bars_json(history.session(symbol, row))), None),
        "prevDailyBar": next(iter(bars_json(history.session(symbol, row, back=1))), None),
    }


def _latest_bar(desk: Desk, symbol: str) -> dict[str, Any] | None:
    return next(iter(bars_json(desk.history.last(symbol, desk.exchange.row))), None)


def _quote(desk: Desk, symbol: str) -> dict[str, Any] | None:
    quote, time = desk.exchange.quote(symbol), desk.exchange.printed_at(symbol)
    return None if quote is None or time is None else quote_json(*quote, time)


def _trade(desk: Desk, symbol: str) -> dict[str, Any] | None:
    price, time = desk.exchange.last_price(symbol), desk.exchange.printed_at(symbol)
    return None if price is None or time is None else trade_json(price, time)


def _each(desk: Desk, call: Call, name: str, content_of: Any) -> Answer:
    found = {symbol: content_of(desk, symbol) for symbol in _symbols(desk, call)}
    return answer({name: {symbol: content for symbol, content in found.items() if content is not None}})


def _one(desk: Desk, call: Call, name: str, content_of: Any) -> Answer:
    known = _known(desk, [call.name], call.query)
    return answer({"symbol": call.name, name: content_of(desk, call.name) if known else None})


def _symbols(desk: Desk, call: Call) -> list[str]:
    asked = words(call.query, "symbols")
    if not asked:
        raise bad_field("symbols is required")
    return _known(desk, asked, call.query)


def _known(desk: Desk, asked: list[str], query: Query) -> list[str]:
    """Return the symbols that have bars, sorted; those that are not known have none, as with the broker."""
    feed = word(query, "feed", FEEDS, "sip")
    word(query, "currency", ("USD",), "USD")
    names = set(desk.exchange.tape.symbols) if feed in _SPOKEN else set[str]()
    return sorted(set(asked) & names)


ROUTES: dict[str, dict[str, Endpoint]] = {
    "/v2/stocks/bars": {"GET": get_bars},
    "/v2/stocks/bars/latest": {"GET": get_latest_bars},
    "/v2/stocks/quotes/latest": {"GET": get_latest_quotes},
    "/v2/stocks/trades/latest": {"GET": get_latest_trades},
    "/v2/stocks/snapshots": {"GET": get_snapshots},
    "/v2/stocks/*/bars": {"GET": get_bars_of_one},
    "/v2/stocks/*/bars/latest": {"GET": get_latest_bar},
    "/v2/stocks/*/quotes/latest": {"GET": get_latest_quote},
    "/v2/stocks/*/trades/latest": {"GET": get_latest_trade},
    "/v2/stocks/*/snapshot": {"GET": get_snapshot},
}
