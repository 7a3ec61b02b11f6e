"""Vendors asked over HTTP: at a pace, again where it may help, and with what goes wrong in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter

from quantstrats.errors import in_one_line
from quantstrats.market.sources.pace import Pace, Patience, attempts, is_passing
from quantstrats.market.sources.remote import UnavailableError

# What a vendor answers when the same question may well be answered later.
PASSING = frozenset({429, 500, 502, 503, 504})
_MOST_SAID = 200
_KEYLIKE = r"[\w.-]*(?:key|token|secret|passw|crumb|signature|authorization|cookie)[\w.-]*"
_SECRET = re.compile(
    rf"(?i)\b(?!\w*Error\b)({_KEYLIKE})(\s*=\s*|%3D|[\"']?\s*:\s*)[\"']?(?:(?:Bearer|Basic)\s+)?[^&\s\"',;)}}>]+"
)
_SHORTEST_SECRET = 4  # a shorter value may be part of any word
# What a connection's error is about, by words of its class and text; the first that fits.
_KINDS = (
    (r"resolv|getaddrinfo|Name or service|nodename", "there is no such host"),
    (r"proxy", "the proxy fails"),
    (r"certificate|\bSSL|TLS", "no safe connection can be made"),
    (r"refused|couldn't connect|could not connect|failed to connect", "the connection is refused"),
    (r"time(?:d)?\s?-?out", "there is no answer in time"),
    (r"reset|aborted|broken|incomplete|closed|empty reply|chunked|partial|prematurely", "the connection broke off"),
)


class BusyError(Exception):
    """An answer that is worth another attempt.

    Attributes
    ----------
    response : object
        The answer, of requests or curl_cffi.
    retry_after : float or None
        Seconds that the vendor asks to wait.
    """

    def __init__(self, response: Any) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response = response
        self.retry_after = _seconds(response.headers.get("Retry-After"))


class PoliteAdapter(HTTPAdapter):
    """Sends requests at a pace, with a limit of time, and GETs again where that may help.

    An answer that stays busy (429, 5xx) is returned as it is.

    Parameters
    ----------
    patience : Patience
        How often GETs are sent again.
    pace : Pace
        When requests may be sent.
    timeout : float
        Seconds to wait for a connection, and for each part of an answer, where the caller sets no limit.
    """

    def __init__(self, patience: Patience, pace: Pace, timeout: float) -> None:
        super().__init__(max_retries=0)
        self.patience = patience
        self.pace = pace
        self.timeout = timeout

    def send(
        self,
        request: Any,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Any:
        """Send one request.

        Raises
        ------
        UnavailableError
            If there is no answer.
        """
        limit = self.timeout if timeout is None else timeout

        def once() -> Any:
            response = super(PoliteAdapter, self).send(request, stream, limit, verify, cert, proxies)
            if not stream:
                _ = response.content  # a connection may break midway too
            if request.method == "GET" and response.status_code in PASSING:
                raise BusyError(response)
            return response

        def passing(error: Exception) -> bool:
            return request.method == "GET" and (isinstance(error, BusyError) or is_passing(error))

        try:
            return attempts(once, passing=passing, patience=self.patience, pace=self.pace)
        except BusyError as error:
            return error.response
        except OSError as error:
            parts = urlsplit(request.url)
            failure = unreachable(f"{parts.hostname}{parts.path}", error)
        # Out of the handler: what it caught holds the request with all its keys.
        raise failure


def session(
    *,
    retries: int = 5,
    backoff: float = 1.0,
    per_minute: float | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 30.0,
) -> requests.Session:
    """Return a session that asks politely: see :class:`PoliteAdapter`.

    Parameters
    ----------
    retries : int
        How often a GET is sent again after 429, 500, 502, 503 or 504, or where the connection fails.
    backoff : float
        Seconds before the first retry, about; each pause is twice as long as the one before. ``Retry-After`` holds
        where it is longer. None is longer than a minute.
    per_minute : float, optional
        The most requests in a minute.
    headers : mapping, optional
        Sent with each request.
    timeout : float
        Seconds to wait for a connection, and for each part of an answer.
    """
    polite = requests.Session()
    adapter = PoliteAdapter(Patience(retries, backoff), Pace(per_minute), timeout)
    polite.mount("https://", adapter)
    polite.mount("http://", adapter)
    polite.headers.update(headers or {})
    return polite


def unreachable(asked: str, error: BaseException) -> UnavailableError:
    """Return the error for a request without an answer; it holds no key.

    Parameters
    ----------
    asked : str
        The source, and what it was asked for: ``source 'fred', series DGS10``.
    error : exception
        Of requests, urllib3 or curl_cffi, or an OSError.
    """
    whole = f"{type(error).__name__}: {error}"  # the reason stands last, after a long address
    known = (kind for words, kind in _KINDS if re.search(words, whole, re.IGNORECASE))
    kind = next(known, None) or without_secrets(in_one_line(error))
    return UnavailableError(f"{asked}: {kind}; check the network, or try again later")


def refusal(asked: str, response: Any, *, denied: str = "") -> UnavailableError:
    """Return the error for an answer that is none; it holds no key.

    Parameters
    ----------
    asked : str
        The source, and what it was asked for.
    response : object
        The answer, of requests or curl_cffi.
    denied : str, optional
        What to do about 401 and 403: ``check FRED_API_KEY``.
    """
    status = response.status_code
    if status in (401, 403):
        advice = denied or "the vendor does not want to be asked from here; try again later"
    elif status == 429:
        advice = "that is too many requests; try again later"
    elif status < 400 or status >= 500:
        advice = "try again later"
    else:
        advice = "change what is asked for"
    said = _said(response)
    return UnavailableError(f"{asked}: the answer is HTTP {status}{f' ({said})' if said else ''}; {advice}")


def read_json(response: Any, asked: str, *, denied: str = "") -> Any:
    """Return the answer's JSON as plain data; see :func:`refusal` for the parameters.

    Raises
    ------
    UnavailableError
        If the answer is an error, empty, an HTML page, or no JSON.
    """
    if response.status_code < 400:
        try:
            return response.json()
        except ValueError:
            pass
    raise refusal(asked, response, denied=denied)


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text with the values of keys, tokens and passwords left out, and all of ``secrets``."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "...")
    return re.sub(r"//[^/@\s]+@", "//", _SECRET.sub(r"\1\2...", text))


def _said(response: Any) -> str:
    """Return what the answer says of itself, in a few words."""
    text = (response.text or "").strip()
    if not text:
        return "it is empty"
    if text.startswith("<"):
        return "it is an HTML page"
    found = re.search(r'"(?:error_message|message|description|error)"\s*:\s*"([^"]+)"', text)
    if found is None and response.status_code < 400:
        return "it is no JSON"
    said = " ".join((found[1] if found else text).split())
    said = without_secrets(said, _secrets_of(response))
    return said if len(said) <= _MOST_SAID else f"{said[:_MOST_SAID]}..."


def _secrets_of(response: Any) -> set[str]:
    """Return the keys that were sent with the request: vendors like to repeat them."""
    request = getattr(response, "request", None)
    query = parse_qsl(urlsplit(str(getattr(response, "url", ""))).query)
    headers = dict(getattr(request, "headers", None) or {}).items()
    return {str(value) for name, value in (*query, *headers) if re.fullmatch(_KEYLIKE, name, re.IGNORECASE)}


def _seconds(text: str | None) -> float | None:
    """Return what ``Retry-After`` says, a number of seconds or a date."""
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
