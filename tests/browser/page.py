"""A page: what it says and asks for, its scripts' values, its pictures."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .pipe import ANSWER_SECONDS, BrowserError, Json, Pipe, ProtocolError

WITHIN_THE_PAGE = ("data:", "blob:", "about:")

POINT_OF = """(selector => {
    const element = document.querySelector(selector);
    if (!element) return {error: "is not there"};
    element.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
    const box = element.getClientRects()[0];
    if (!box || !box.width || !box.height) return {error: "is not shown"};
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const top = document.elementFromPoint(x, y);
    if (!top) return {error: "is outside of what is shown"};
    if (!element.contains(top)) return {error: "is covered by " + top.outerHTML.slice(0, 80)};
    return {x, y};
})"""


class PageError(BrowserError):
    """A script that was evaluated in a page threw."""


class Page:
    """One page in a window of its own; a context manager that closes it."""

    def __init__(self, pipe: Pipe, downloads: Path) -> None:
        self._pipe = pipe
        self._messages: list[str] = []
        self._requests: list[str] = []
        self._address = "about:blank"
        self._loaded = self._mobile = False
        self._begun: dict[str, Path] = {}
        self._arrived: list[Path] = []
        self._downloads = downloads
        # A context is like a profile: neither storage nor cookies of another page are seen.
        self._context = pipe.call("Target.createBrowserContext", {"disposeOnDetach": True})["browserContextId"]
        new = {"url": "about:blank", "browserContextId": self._context}
        self.target: str = pipe.call("Target.createTarget", new)["targetId"]
        attach = {"targetId": self.target, "flatten": True}
        self._session: str = pipe.call("Target.attachToTarget", attach)["sessionId"]
        pipe.listeners[self._session] = self._hear
        for domain in ("Inspector", "Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self._call("Emulation.setFocusEmulationEnabled", {"enabled": True})
        allow = {"behavior": "allow", "browserContextId": self._context, "downloadPath": str(downloads)}
        pipe.call("Browser.setDownloadBehavior", allow | {"eventsEnabled": True})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def messages(self) -> list[str]:
        """What the page said so far: console messages, uncaught errors, the browser's own remarks, dialogs."""
        self.evaluate("0")
        return list(self._messages)

    @property
    def requests(self) -> list[str]:
        """URLs that the page asked for so far, but for itself and what it holds (data:, blob:, about:)."""
        self.evaluate("0")
        return list(self._requests)

    def load(self, url: str) -> None:
        """Go to a URL and wait until it is loaded, pictures and scripts included."""
        self._address, self._loaded = url, False
        failure = self._call("Page.navigate", {"url": url}).get("errorText")
        if failure:
            raise BrowserError(f"{url}: {failure}")
        self._pipe.wait(lambda: self._loaded, f"{url} to be loaded", self._session)

    def evaluate(self, script: str, seconds: float = ANSWER_SECONDS) -> Any:
        """Evaluate an expression in the page and return its value; a promise is awaited.

        Parameters
        ----------
        script : str
            JavaScript whose value JSON can hold. NaN within an array or an object comes as None, as JSON has it.
        seconds : float, default 120
            How long the page may take.

        Raises
        ------
        PageError
            With what the script threw.
        BrowserError
            Where there is no answer, or the page is gone.
        """
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = self._pipe.call("Runtime.evaluate", asked, self._session, seconds)
        if "exceptionDetails" in answer:
            raise PageError(_thrown(answer["exceptionDetails"]))
        result = answer["result"]
        # Numbers that JSON lacks: NaN, Infinity, -Infinity, -0.
        return float(result["unserializableValue"]) if "unserializableValue" in result else result.get("value")

    def wait_for(self, condition: str, seconds: float = 30.0) -> None:
        """Wait until an expression is true; raise BrowserError, with what the page said, where it never is."""
        deadline = time.monotonic() + seconds
        while not self._holds(condition):
            if time.monotonic() > deadline:
                raise BrowserError(f"not true within {seconds:g} s: {condition} ({self._said()})")
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """Click an element as a user does: in its middle, where nothing may lie over it."""
        point = self.evaluate(f"{POINT_OF}({json.dumps(selector)})")
        if "error" in point:
            raise BrowserError(f"cannot click {selector}: it {point['error']}")
        self._call("Input.dispatchMouseEvent", {"type": "mouseMoved", **point})
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", {"type": kind, "button": "left", "clickCount": 1, **point})

    def download(self, selector: str, seconds: float = ANSWER_SECONDS) -> Path:
        """Click an element and return the file that is saved by it, which lasts as long as the page."""
        before = len(self._arrived)
        self.click(selector)
        try:
            self._pipe.wait(lambda: len(self._arrived) > before, f"a file by {selector}", self._session, seconds)
        except BrowserError as error:
            raise BrowserError(f"{error} ({self._said()})") from error
        return self._arrived[before]

    def resize(self, width: int, height: int, *, mobile: bool | None = None) -> None:
        """Give the window another size in CSS pixels; ``mobile`` as in ``Browser.open``, by default as before."""
        self._mobile = self._mobile if mobile is None else mobile
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": self._mobile}
        self._call("Emulation.setDeviceMetricsOverride", size)
        self._call("Emulation.setTouchEmulationEnabled", {"enabled": self._mobile})
        self._settle()

    def emulate(self, *, dark: bool = False, printed: bool = False) -> None:
        """Say what the reader prefers, and whether the page is laid out for paper."""
        preferred = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        media = {"media": "print" if printed else "", "features": [preferred]}
        self._call("Emulation.setEmulatedMedia", media)
        self._settle()

    def screenshot(self, path: Path, *, full: bool = True) -> None:
        """Write a PNG of the whole page, or, where ``full`` is false, of what the window shows."""
        self._settle()
        wanted: Json = {"format": "png"}
        if full:
            whole = self._call("Page.getLayoutMetrics")["cssContentSize"]
            wanted |= {"captureBeyondViewport": True, "clip": {**whole, "scale": 1}}
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", wanted)["data"]))

    def pdf(self, path: Path) -> None:
        """Write the page as it would be printed, with its backgrounds, on the paper that it asks for."""
        wanted = {"printBackground": True, "preferCSSPageSize": True}
        path.write_bytes(base64.b64decode(self._call("Page.printToPDF", wanted)["data"]))

    def close(self) -> None:
        """Close the page; one that is gone already is no error."""
        self._pipe.listeners.pop(self._session, None)
        if self._pipe.running:
            with contextlib.suppress(BrowserError):
                self._pipe.call("Target.disposeBrowserContext", {"browserContextId": self._context})

    def hear_download(self, event: str, told: Json) -> None:
        """Note what the browser tells of downloads, where it is one of this page."""
        if event == "Browser.downloadWillBegin" and told["frameId"] == self.target:
            self._begun[told["guid"]] = self._downloads / told["suggestedFilename"]
        elif event == "Browser.downloadProgress" and told["state"] == "completed" and told["guid"] in self._begun:
            self._arrived.append(self._begun.pop(told["guid"]))

    def _call(self, method: str, params: Json | None = None) -> Json:
        return self._pipe.call(method, params, self._session)

    def _said(self) -> str:
        return f"the page said: {'; '.join(self._messages) or 'nothing'}"

    def _holds(self, condition: str) -> bool:
        try:
            return bool(self.evaluate(f"Promise.resolve({condition}).then(Boolean)"))
        except ProtocolError:  # between two pages there is nothing to evaluate in
            return False

    def _settle(self) -> None:
        """Wait until a change of size or colours is laid out and drawn."""
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")

    def _hear(self, event: str, told: Json) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Network.requestWillBeSent":
            self._asked_for(told["request"]["url"])
        elif event == "Network.webSocketCreated":
            self._asked_for(told["url"])
        elif event == "Runtime.consoleAPICalled":
            self._messages.append(f"console.{told['type']}: {' '.join(map(_shown, told['args']))}")
        elif event == "Runtime.exceptionThrown":
            self._messages.append(f"uncaught: {_thrown(told['exceptionDetails'])}")
        elif event == "Log.entryAdded":
            entry = told["entry"]
            where = f" ({entry['url']})" if "url" in entry else ""
            self._messages.append(f"{entry['source']} {entry['level']}: {entry['text']}{where}")
        elif event == "Page.javascriptDialogOpening":
            # Until it is answered the page stands still.
            self._messages.append(f"{told['type']}: {told['message']}")
            self._pipe.send("Page.handleJavaScriptDialog", {"accept": True}, self._session)

    def _asked_for(self, url: str) -> None:
        if not url.startswith(WITHIN_THE_PAGE) and url != self._address.partition("#")[0]:
            self._requests.append(url)


def _shown(value: Json) -> str:
    """Return an argument of a console message as text."""
    if "value" in value:
        return value["value"] if isinstance(value["value"], str) else json.dumps(value["value"])
    return str(value.get("description") or value.get("unserializableValue") or value["type"])


def _thrown(details: Json) -> str:
    """Return an error with its stack, or what else was thrown."""
    what = _shown(details["exception"]) if "exception" in details else str(details["text"])
    return f"{what} ({details['url']}:{details['lineNumber'] + 1})" if "url" in details else what
