"""Yahoo asked through yfinance: politely, at any address, in silence, and with errors that say what is wrong."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from quantstrats.errors import in_one_line
from quantstrats.home import logs_folder
from quantstrats.market.sources.pace import Pace, Patience, StoppedError, attempts, is_passing
from quantstrats.market.sources.polite import PASSING, BusyError, refusal, unreachable, without_secrets
from quantstrats.market.sources.remote import UnavailableError

if TYPE_CHECKING:
    import pandas as pd

_CHART = "/v8/finance/chart/"
_FIELDS = ("open", "high", "low", "close", "volume")
_TIMEOUT = 30.0  # seconds


class NoSymbolError(Exception):
    """Yahoo has no such symbol."""


class MalformedError(UnavailableError):
    """Yahoo's answer has another shape than yfinance expects."""


class _NoBarsError(Exception):
    """The symbol exists and has no bars in the span."""


class Client:
    """One conversation with Yahoo, with cookies of its own; threads may share it.

    Parameters
    ----------
    url : str or None
        Another address to ask in place of every one of Yahoo's.
    patience : Patience
        How often a question is asked again.
    pace : Pace
        When questions may be asked.
    """

    def __init__(self, url: str | None, patience: Patience, pace: Pace) -> None:
        self._url = url
        self._patience = patience
        self._pace = pace
        self._last = threading.local()
        with _tamed():
            from yfinance.data import YfData

            # Past the class's own caller, which keeps one object for the whole process: with it, two addresses would
            # share cookies and answers.
            self._data = type.__call__(YfData)
        # Yahoo refuses what does not look like a browser: yfinance's own session does.
        self._send = self._data._session.request
        self._data._session.request = self._request
        # A cookie costs one request; yfinance's database of them, used by several threads, would cost more.
        self._data._load_cookie_curlCffi = self._has_cookie
        self._data._save_cookie_curlCffi = bool

    def bars(
        self, symbol: str, start: pd.Timestamp, end: pd.Timestamp, interval: str, *, adjusted: bool
    ) -> pd.DataFrame | None:
        """Return bars from one instant up to another, not included; None if the symbol has none there.

        Parameters
        ----------
        symbol : str
            As Yahoo calls it.
        start, end : Timestamp
            With a time zone.
        interval : str
            As yfinance calls it.
        adjusted : bool
            For dividends too; for splits they are anyway.

        Returns
        -------
        DataFrame
            Columns open, high, low, close, volume; labels in the exchange's time zone: midnights for daily bars.

        Raises
        ------
        NoSymbolError
            If Yahoo has no such symbol.
        MalformedError
            If the answer has another shape than it should.
        UnavailableError
            If there is no answer, or Yahoo refuses.
        """
        from yfinance.exceptions import YFRateLimitError, YFTickerMissingError
        from yfinance.scrapers.history import PriceHistory

        asked = f"source 'yahoo', {symbol}"
        self._last.response = None
        try:
            with _tamed():
                # Instants need no zone of the symbol, which yfinance would ask for first, symbol by symbol.
                frame = PriceHistory(self._data, symbol, "UTC", session=self._data._session).history(
                    start=start, end=end, interval=interval, auto_adjust=adjusted, actions=False, timeout=_TIMEOUT
                )
            bars = self._bars(frame, adjusted=adjusted and interval == "1d")
        except _NoBarsError:
            return None
        except (NoSymbolError, UnavailableError, StoppedError):
            raise
        except YFTickerMissingError:
            failure = self._failure(asked)
        except YFRateLimitError:
            failure = UnavailableError(f"{asked}: that is too many requests; try again later")
        except Exception as error:
            failure = self._odd(asked, error)
        else:
            return bars
        if failure is None:
            return None
        raise failure

    def _has_cookie(self) -> bool:
        """Tell whether the usual cookie is there; the other way to one leads past Yahoo's consent page."""
        return self._data._cookie_strategy == "basic" and len(self._data._session.cookies) > 0

    def _request(self, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        """Send what yfinance sends; see that an answer about bars is one before yfinance makes something of it."""
        address = self._address(url)
        # How to get bars is for yfinance to know; what it does without.
        if _CHART not in address:
            self._pace.wait()
            return self._send(method, address, *arguments, **options)
        symbol = urlsplit(url).path.rpartition("/")[2]

        def once() -> Any:
            response = self._send(method, address, *arguments, **options)
            if response.status_code in PASSING or (response.status_code < 400 and not _is_json(response)):
                raise BusyError(response)
            return response

        def passing(error: Exception) -> bool:
            return isinstance(error, BusyError) or is_passing(error)

        failure: UnavailableError
        try:
            response = attempts(once, passing=passing, patience=self._patience, pace=self._pace)
        except BusyError as error:
            failure = refusal(f"source 'yahoo', {symbol}", error.response)
        except OSError as error:
            failure = unreachable(f"source 'yahoo', {symbol}", error)
        else:
            self._last.response = response
            _refuse_error(symbol, response)
            return response
        raise failure

    def _address(self, url: str) -> str:
        if self._url is None:
            return url
        asked, own = urlsplit(url), urlsplit(self._url)
        return asked._replace(scheme=own.scheme, netloc=own.netloc, path=own.path.rstrip("/") + asked.path).geturl()

    def _bars(self, frame: pd.DataFrame, *, adjusted: bool) -> pd.DataFrame:
        bars = frame.rename(columns=str.lower)
        bars = bars[list(_FIELDS)].astype("float64")
        if adjusted and len(bars):
            # Without these yfinance would give unadjusted closes for adjusted ones.
            _ = self._last.response.json()["chart"]["result"][0]["indicators"]["adjclose"]
        return bars

    def _failure(self, asked: str) -> Exception | None:
        """Return why yfinance has no bars; None if the symbol exists."""
        response = self._last.response
        if response is None or response.status_code >= 400:
            return UnavailableError(f"{asked}: no answer") if response is None else refusal(asked, response)
        try:
            result = response.json()["chart"]["result"]
            return None if result and result[0]["meta"] else NoSymbolError(asked)
        except (ValueError, TypeError, LookupError) as error:
            return self._odd(asked, error)

    def _odd(self, asked: str, error: Exception) -> UnavailableError:
        response = self._last.response
        if response is not None and response.status_code >= 400:
            return refusal(asked, response)
        import yfinance

        told = f"yfinance {yfinance.__version__} cannot read the answer ({without_secrets(in_one_line(error))})"
        return MalformedError(f"{asked}: {told}; update yfinance, or leave the symbol out")


def _is_json(response: Any) -> bool:
    text = response.content.strip()
    return bool(text.startswith(b"{") and text.endswith(b"}"))


def _refuse_error(symbol: str, response: Any) -> None:
    """Raise what Yahoo says of a symbol or a span, so that yfinance does not go on asking in other ways."""
    if response.status_code not in (400, 404, 422):
        return
    try:
        words = str(response.json()["chart"]["error"]["description"])
    except (ValueError, TypeError, LookupError):
        return
    if response.status_code == 404:
        raise NoSymbolError(symbol)
    # A span before the symbol's first bar.
    if re.search(r"data doesn.t exist", words, re.IGNORECASE):
        raise _NoBarsError
    raise refusal(f"source 'yahoo', {symbol}", response)


_tamed_lock = threading.Lock()
_tamed_by = 0
_hidden = True


@contextmanager
def _tamed() -> Iterator[None]:
    """Let yfinance raise what goes wrong instead of logging it, and keep its files out of the user's home.

    Its settings are the process's own, hence counted: they are put back when the last thread is done.
    """
    global _tamed_by, _hidden
    import yfinance
    from yfinance.config import YfConfig

    logger = logging.getLogger("yfinance")
    with _tamed_lock:
        if not _tamed_by:
            yfinance.set_tz_cache_location(str(logs_folder() / "cache" / "yfinance"))
            _hidden, YfConfig.debug.hide_exceptions = YfConfig.debug.hide_exceptions, False
            logger.disabled = True
        _tamed_by += 1
    # yfinance has the warnings of its own modules shown, whatever the user wants. Each time anew, since others put the
    # filters back that they found.
    warnings.filterwarnings("ignore", module=r"yfinance\.")
    try:
        yield
    finally:
        with _tamed_lock:
            _tamed_by -= 1
            if not _tamed_by:
                YfConfig.debug.hide_exceptions = _hidden
                logger.disabled = False
