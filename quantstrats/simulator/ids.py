"""Ids that look like the broker's and are the same for the same seed."""

from __future__ import annotations

import functools
import hashlib
import random
import uuid


class Ids:
    """A stream of UUIDs.

    Parameters
    ----------
    name : str
        Seeds it: the same name gives the same ids.
    """

    def __init__(self, name: str) -> None:
        self._random = random.Random(name)  # noqa: S311 - ids, not secrets

    def new(self) -> str:
        """Return the next one."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


@functools.cache
def asset_id(symbol: str) -> str:
    """Return the id of a symbol's asset: the same under every seed."""
    return _named(f"asset/{symbol}")


@functools.cache
def account_id(key: str) -> str:
    """Return the id of the account that signs in with ``key``: the same under every seed."""
    return _named(f"account/{key}")


def _named(name: str) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4))
