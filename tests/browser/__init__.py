"""Headless Chromium for tests: what a page says, asks for, shows and saves.

Loaded by tests/conftest.py, which offers the fixture ``browser``: tests import what else they need from ``browser``.
"""

from .browser import NO_CHROMIUM, Browser, find_chromium
from .page import Page, PageError
from .pipe import BrowserError

__all__ = ["NO_CHROMIUM", "Browser", "BrowserError", "Page", "PageError", "find_chromium"]
