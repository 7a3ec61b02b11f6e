"""AlpacaClient: alpaca-py's own data clients, with manners: keys from the environment, patience, errors in one line."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from quantstrats.errors import DataError
from quantstrats.market.sources.remote import UnavailableError

if TYPE_CHECKING:
    import pandas as pd

# Bars as Alpaca has them (t, o, h, l, c, v ...), by symbol.
RawBars: TypeAlias = dict[str, list[dict[str, Any]]]

KEY_VARIABLES = (("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"), ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"))
# Alpaca allows 200 requests a minute without a paid plan; the retries outlast that minute.
PATIENCE: dict[str, Any] = {"retries": 6, "backoff": 1.0, "per_minute": 190.0, "timeout": 30.0}
_WHERE = "source 'alpaca'"
_INSTALL = "alpaca-py is not installed; install it: pip install 'quantstrats[live]'"
_DENIED = "check APCA_API_KEY_ID and APCA_API_SECRET_KEY in the environment"
_NOT_SUBSCRIBED = "set data.feed: iex, which every account may use, or an earlier end"


class DeniedError(UnavailableError):
    """Alpaca refuses the keys, or what they may ask for; it will again."""


def keys() -> tuple[str, str]:
    """Return the key and its secret, out of the environment.

    Raises
    ------
    DeniedError
        If they are not there, or cannot be keys.
    """
    for names in KEY_VARIABLES:
        key, secret = (os.environ.get(name, "").strip() for name in names)
        if key and secret:
            if not re.fullmatch(r"[!-~]+", key + secret):
                raise DeniedError(f"{_WHERE}: {' or '.join(names)} has a character that no key has; copy it again")
            return key, secret
    first, second = KEY_VARIABLES[0]
    raise DeniedError(f"{_WHERE} needs keys; set {first} and {second} in the environment (a free account has them)")


class AlpacaClient:
    """Asks Alpaca for bars of stocks or of crypto.

    Parameters
    ----------
    crypto : bool
        Which of the two.
    url : str, optional
        Another address in place of Alpaca's own.
    feed, adjustment : str, optional
        Of stocks: whose trades, and what prices are adjusted for.

    Raises
    ------
    UnavailableError
        If there are no keys.
    DataError
        If alpaca-py is not installed.
    """

    def __init__(self, crypto: bool, url: str | None, feed: str | None = None, adjustment: str = "raw") -> None:
        self._crypto = crypto
        self._of_stocks = {} if crypto else {"feed": feed, "adjustment": adjustment}
        self._client = _data_client(crypto, url)

    def bars(
        self, symbols: Sequence[str], timeframe: tuple[int, str], start: pd.Timestamp, end: pd.Timestamp | None
    ) -> RawBars:
        """Return the bars of those symbols that have any; of symbols that Alpaca refuses to look for, none.

        Parameters
        ----------
        symbols : sequence of str
            As Alpaca calls them.
        timeframe : (int, str)
            Length of a bar: ``(5, "Min")``; units are Min, Hour, Day, Week and Month.
        start, end : Timestamp
            First and last instant at which a bar may begin, both included; without an end, until now.

        Raises
        ------
        UnavailableError
            If there is no answer, or one that makes no sense.
        """
        good = list(dict.fromkeys(symbols))
        while good:
            answer = self._answer(good, timeframe, start, end)
            if not isinstance(answer, str):
                return {symbol: rows for symbol, rows in answer.items() if rows}
            good.remove(answer)
        return {}

    def _answer(
        self, symbols: list[str], timeframe: tuple[int, str], start: pd.Timestamp, end: pd.Timestamp | None
    ) -> RawBars | str:
        """Return all pages of bars, or the symbol for which the whole request is refused."""
        from alpaca.common.exceptions import APIError

        try:
            return self._pages(symbols, timeframe, start, end)
        except APIError as error:
            if invalid := _invalid_symbol(error, symbols):
                return invalid
            failure = _refusal(error)
        except UnavailableError as error:
            failure = UnavailableError(f"{_WHERE}: {error}")
        except (ValueError, TypeError, LookupError, AttributeError):  # alpaca-py on another shape of answer
            failure = UnavailableError(f"{_WHERE}: Alpaca's answer holds no bars; try again later")
        # Out of the handler: what it caught holds the request with the keys in its headers.
        raise failure

    def _pages(
        self, symbols: list[str], timeframe: tuple[int, str], start: pd.Timestamp, end: pd.Timestamp | None
    ) -> RawBars:
        from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest
        from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

        wanted: dict[str, Any] = {
            "symbol_or_symbols": symbols,
            "timeframe": TimeFrame(timeframe[0], TimeFrameUnit(timeframe[1])),
            "start": start.to_pydatetime(),
            "end": None if end is None else end.to_pydatetime(),
            **self._of_stocks,
        }
        if self._crypto:
            return self._client.get_crypto_bars(CryptoBarsRequest(**wanted))  # type: ignore[no-any-return]
        return self._client.get_stock_bars(StockBarsRequest(**wanted))  # type: ignore[no-any-return]


def _data_client(crypto: bool, url: str | None) -> Any:
    """Return alpaca-py's client, whose answers are plain data."""
    try:
        # It imports its streams too, and what of websockets they use is no concern of a user's.
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
    except ModuleNotFoundError:
        raise DataError(f"{_WHERE}: {_INSTALL}") from None
    from quantstrats.market.sources.polite import session

    kind: Any = CryptoHistoricalDataClient if crypto else StockHistoricalDataClient
    client = kind(*keys(), raw_data=True, url_override=url.rstrip("/") if url else None)
    # The client's own session has no limit of time, and its retries wait three seconds whatever the vendor says.
    client._session = session(**PATIENCE)
    client._retry = 0
    unguarded = client.get

    def get(path: str, data: dict[str, Any]) -> Any:
        answer = unguarded(path, data)
        if answer.get("bars", ...) is None:  # as an empty answer may say it
            answer["bars"] = {}
        if (token := answer.get("next_page_token")) is not None and token == data.get("page_token"):
            raise UnavailableError("a page of the answer names itself as the next; try again later")
        return answer

    client.get = get
    return client


def _invalid_symbol(error: Any, symbols: Sequence[str]) -> str:
    """Return the symbol for which Alpaca refuses the whole request; empty if it refuses it for anything else."""
    found = re.search(r"invalid symbol:?\s*([^\s\",]+)", str(error))
    return found[1] if error.status_code == 400 and found and found[1] in symbols else ""


def _refusal(error: Any) -> UnavailableError:
    from quantstrats.market.sources.polite import refusal

    denied = _NOT_SUBSCRIBED if "subscription" in str(error) else _DENIED
    kind = DeniedError if error.status_code in (401, 403) else UnavailableError
    return kind(str(refusal(_WHERE, error.response, denied=denied)))
