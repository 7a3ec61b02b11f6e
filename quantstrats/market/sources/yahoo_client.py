"""Yahoo asked through yfinance: politely, at any address, in silence, and with errors that say what is wrong."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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


class _AskedError(Exception):
    """What yfinance asks for: an address and its parameters."""

    def __init__(self, url: str, params: dict[str, Any]) -> None:
        super().__init__(url)
        self.url = url
        self.params = params


@dataclass(frozen=True)
class Question:
    """What Yahoo is asked for, and how.

    Attributes
    ----------
    symbol : str
        As Yahoo calls it.
    start, end : Timestamp
        From this instant up to that one, not included; with a time zone.
    interval : str
        Length of a bar, as yfinance calls it.
    adjusted : bool
        For dividends too; for splits they are anyway.
    url : str
        The address that yfinance asks.
    params : dict
        What it sends.
    """

    symbol: str
    start: pd.Timestamp
    end: pd.Timestamp
    interval: str
    adjusted: bool
    url: str = ""
    params: dict[str, Any] = field(default_factory=dict)


# What came of asking all questions about a symbol: the answers, None where there are no bars; or what is wrong with it.
Outcome = list[tuple[Question, Any]] | NoSymbolError | MalformedError


class Client:
    """One conversation with Yahoo, with cookies of its own.

    Bars come in three steps: :meth:`question` finds out what yfinance would send, :meth:`ask_all` sends it, and
    :meth:`read` lets yfinance make bars of the answer. Only the middle one may be called in several threads: the others
    change settings of the whole process, those of warnings above all, as pandas itself does.

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

    def question(
        self, symbol: str, start: pd.Timestamp, end: pd.Timestamp, interval: str, *, adjusted: bool
    ) -> Question:
        """Return a question as yfinance would ask it; see :class:`Question` for the parameters."""
        question = Question(symbol, start, end, interval, adjusted)
        try:
            with _tamed():
                self._history(question, _Connection(self._data, None))
        except _AskedError as asked:
            return replace(question, url=asked.url, params=asked.params)
        raise _odd(symbol, LookupError("nothing was asked for"))

    def ask_all(self, asked: tuple[str, Sequence[Question]]) -> tuple[str, Outcome]:
        """Ask all questions about a symbol, until there is no use in it.

        Parameters
        ----------
        asked : tuple of str and sequence of Question
            The symbol as the user names it, and the questions.

        Returns
        -------
        tuple of str and Outcome
            The symbol, and the answers; or what is wrong with this symbol alone.

        Raises
        ------
        UnavailableError
            If there is no answer, or Yahoo refuses.
        """
        symbol, questions = asked
        try:
            with _silent():
                return symbol, [(question, self._ask(question)) for question in questions]
        except (NoSymbolError, MalformedError) as error:
            return symbol, error

    def _ask(self, question: Question) -> Any:
        from yfinance.exceptions import YFRateLimitError

        failure: Exception
        try:
            answer = self._data.get(question.url, question.params, _TIMEOUT)
        except _NoBarsError:
            return None
        except (NoSymbolError, UnavailableError, StoppedError):
            raise
        except YFRateLimitError:
            failure = UnavailableError(f"{_asked(question.symbol)}: that is too many requests; try again later")
        except Exception as error:
            failure = _odd(question.symbol, error)
        else:
            if answer.status_code < 400:
                return answer
            failure = refusal(_asked(question.symbol), answer)
        raise failure

    def read(self, question: Question, answer: Any) -> pd.DataFrame | None:
        """Return the bars of an answer; None if there are none.

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
        """
        from yfinance.exceptions import YFTickerMissingError

        if answer is None:
            return None
        failure: Exception
        try:
            with _tamed():
                frame = self._history(question, _Connection(self._data, answer))
            bars = frame.rename(columns=str.lower)[list(_FIELDS)].astype("float64")
            if question.adjusted and question.interval == "1d" and len(bars):
                # Without these yfinance would give unadjusted closes for adjusted ones.
                _ = answer.json()["chart"]["result"][0]["indicators"]["adjclose"]
        except YFTickerMissingError:
            if (absent := _absence(question.symbol, answer)) is None:
                return None
            failure = absent
        except Exception as error:
            failure = _odd(question.symbol, error)
        else:
            return bars
        raise failure

    def _history(self, question: Question, connection: _Connection) -> pd.DataFrame:
        from yfinance.scrapers.history import PriceHistory

        # Instants need no zone of the symbol, which yfinance would ask for first, symbol by symbol.
        prices = PriceHistory(connection, question.symbol, "UTC", session=self._data._session)
        frame: pd.DataFrame = prices.history(
            start=question.start,
            end=question.end,
            interval=question.interval,
            auto_adjust=question.adjusted,
            actions=False,
            timeout=_TIMEOUT,
        )
        return frame

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
            failure = refusal(_asked(symbol), error.response)
        except OSError as error:
            failure = unreachable(_asked(symbol), error)
        else:
            _refuse_error(symbol, response)
            return response
        raise failure

    def _address(self, url: str) -> str:
        if self._url is None:
            return url
        asked, own = urlsplit(url), urlsplit(self._url)
        return asked._replace(scheme=own.scheme, netloc=own.netloc, path=own.path.rstrip("/") + asked.path).geturl()


class _Connection:
    """What yfinance takes for its connection: it knows one answer; without one it tells what was asked for."""

    def __init__(self, data: Any, answer: Any) -> None:
        self._data = data
        self._answer = answer
        self._answered = False

    def get(self, url: str, params: dict[str, Any] | None = None, timeout: float = _TIMEOUT) -> Any:
        if self._answer is None:
            raise _AskedError(url, params or {})
        if self._answered:
            return self._data.get(url, params, timeout)
        self._answered = True
        return self._answer

    cache_get = get


def _asked(symbol: str) -> str:
    return f"source 'yahoo', {symbol}"


def _version() -> str:
    import yfinance

    return f"yfinance {yfinance.__version__}"


def _odd(symbol: str, error: Exception) -> MalformedError:
    told = f"{_version()} cannot read the answer ({without_secrets(in_one_line(error))})"
    return MalformedError(f"{_asked(symbol)}: {told}; update yfinance, or leave the symbol out")


def _absence(symbol: str, answer: Any) -> Exception | None:
    """Return why an answer has no bars; None if the symbol exists."""
    try:
        result = answer.json()["chart"]["result"]
        return None if result and result[0]["meta"] else NoSymbolError(symbol)
    except (ValueError, TypeError, LookupError) as error:
        return _odd(symbol, error)


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
    raise refusal(_asked(symbol), response)


_tamed_lock = threading.RLock()
_silence = threading.local()


@contextmanager
def _tamed() -> Iterator[None]:
    """Let yfinance raise what goes wrong, say nothing, and keep its files out of the user's home."""
    # Its settings are the process's own.
    with _tamed_lock, warnings.catch_warnings(), _silent():
        import yfinance
        from yfinance.config import YfConfig

        # It has the warnings of its own modules shown, whatever the user wants.
        warnings.filterwarnings("ignore", module=r"yfinance\.")
        yfinance.set_tz_cache_location(str(logs_folder() / "cache" / "yfinance"))
        hidden, YfConfig.debug.hide_exceptions = YfConfig.debug.hide_exceptions, False
        try:
            yield
        finally:
            YfConfig.debug.hide_exceptions = hidden


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what yfinance logs in this thread from everyone."""
    logging.getLogger("yfinance").addFilter(_is_heard)
    before, _silence.holds = getattr(_silence, "holds", False), True
    try:
        yield
    finally:
        _silence.holds = before


def _is_heard(_: logging.LogRecord) -> bool:
    return not getattr(_silence, "holds", False)
