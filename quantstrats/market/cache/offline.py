"""Offline: the cache alone, no network."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager

_offline = contextvars.ContextVar("offline", default=False)


@contextmanager
def only_cached(offline: bool) -> Iterator[None]:
    """Keep all that happens meanwhile from asking any vendor, if ``offline``."""
    token = _offline.set(offline or _offline.get())
    try:
        yield
    finally:
        _offline.reset(token)


def is_offline() -> bool:
    """Tell whether vendors must not be asked now."""
    return _offline.get()
