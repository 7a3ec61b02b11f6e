"""A headless Chromium, as tests want it: by itself, without a network, and without a trace."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from .page import Page
from .pipe import ANSWER_SECONDS, BrowserError, Json, Pipe

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
NO_CHROMIUM = f"no Chromium on the PATH ({', '.join(PROGRAMS)}); on Debian: apt-get install chromium"

FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # root may not have one, as in most containers
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have little of it
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-extensions",
    "--disable-sync",
    # The same pixels on every machine, as far as its fonts allow.
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    # A page that is not in front is measured and drawn like one that is.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    # Frames stay in their page's process, so that the page's session hears what they say.
    "--disable-features=IsolateSandboxedIframes",
    # Whatever a page asks for, nothing leaves this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)


def find_chromium() -> str | None:
    """Return the path of the first Chromium that tells its version in time; None if there is none.

    A name on the PATH is not enough: some distributions put a stub there, which says how to install one.
    """
    for program in filter(None, map(shutil.which, PROGRAMS)):
        try:
            told = subprocess.run([program, "--version"], capture_output=True, timeout=ANSWER_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            continue
        if told.returncode == 0:
            return program
    return None


class Browser:
    """A headless Chromium with a profile of its own; it starts with the first page, and again after a crash.

    Parameters
    ----------
    program : str
        Path of the executable, as ``find_chromium`` returns it.
    """

    def __init__(self, program: str) -> None:
        self.program = program
        self._folder: Path | None = None
        self._pipe: Pipe | None = None
        self._pages: dict[str, Page] = {}

    def open(
        self,
        address: Path | str,
        *,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        mobile: bool = False,
    ) -> Page:
        """Open a page in a window of its own, with storage of its own, and wait until it is loaded.

        Parameters
        ----------
        address : Path or str
            A file, or a URL.
        width, height : int
            The window, in CSS pixels, one of which is one pixel of a screenshot.
        dark : bool, default False
            Whether the page is told that its reader prefers dark colours.
        mobile : bool, default False
            Whether it is shown as on a phone: the viewport element counts, and a finger is the pointer.

        Raises
        ------
        BrowserError
            Where the page cannot be loaded.
        """
        pipe = self._running()
        page = Page(pipe, Path(tempfile.mkdtemp(prefix="downloads-", dir=self._folder)))
        self._pages[page.target] = page
        try:
            page.resize(width, height, mobile=mobile)
            page.emulate(dark=dark)
            page.load(address.resolve().as_uri() if isinstance(address, Path) else address)
        except BrowserError:
            page.close()
            raise
        return page

    @property
    def pid(self) -> int:
        """The main process of the browser that runs."""
        return self._running().pid

    def close(self) -> None:
        """End the browser, if it runs, and remove all it wrote."""
        if self._pipe is not None:
            self._pipe.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder, self._pipe, self._pages = None, None, {}

    def _running(self) -> Pipe:
        if self._pipe is not None and self._pipe.running:
            return self._pipe
        self.close()
        # Not within a test's folder: the path of a socket that Chromium makes in here may have 107 bytes, no more.
        self._folder = Path(tempfile.mkdtemp(prefix="chromium-"))
        command = (self.program, *FLAGS, f"--user-data-dir={self._folder / 'profile'}", "about:blank")
        self._pipe = Pipe(command, self._folder)
        self._pipe.listeners[None] = self._hear
        try:
            self._pipe.call("Browser.getVersion")
        except BrowserError:
            self.close()
            raise
        return self._pipe

    def _hear(self, event: str, told: Json) -> None:
        # Downloads are told of the browser, and say in which page they began only when they begin.
        for page in self._pages.values():
            page.hear_download(event, told)
