"""Addresses to which keys and names may be sent."""

from __future__ import annotations

import re

from quantstrats.errors import ConfigError

_SECRET = re.compile(r"(https|wss)://|(http|ws)://(127\.0\.0\.1|localhost|\[::1\])([:/]|$)")


def check_url(url: str | None) -> None:
    """Refuse an address to which keys and names would travel readably.

    Raises
    ------
    ConfigError
        If it is neither https nor on this machine.
    """
    if url is not None and not _SECRET.match(url):
        raise ConfigError(f"url is {url!r}; it is https://..., since keys are sent to it")
