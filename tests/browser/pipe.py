"""A browser's process and its debugging pipe.

JSON objects, each ended by a NUL byte, which the browser reads from its descriptor 3 and writes to its descriptor 4.
Methods and events are those of Chrome's DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Far more than is needed: a loaded machine must not fail a test, only a browser that hangs.
ANSWER_SECONDS = 120.0
CLOSING_SECONDS = 10.0
MOMENT = 0.2

# subprocess cannot say under which numbers descriptors are inherited; this does, and becomes the browser.
LAUNCHER = """
import os, sys
reads, writes, *command = sys.argv[1:]
for given, wanted in ((int(reads), 3), (int(writes), 4)):
    os.dup2(given, wanted)
    os.close(given)
os.execv(command[0], command)
"""
FIRST_FREE_DESCRIPTOR = 10  # no clash with 3 and 4

Json = dict[str, Any]


class BrowserError(Exception):
    """The browser cannot do what was asked, or did not answer."""


class ProtocolError(BrowserError):
    """The browser refused a command."""


class Pipe:
    """One browser process and the pipe to it: commands go out, answers and events come in.

    Parameters
    ----------
    command : sequence of str
        The program's path, and its arguments.
    folder : Path
        Where the browser may write.
    """

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._log = folder / "stderr.txt"
        self._numbers = itertools.count(1)
        self._begun = b""
        self._messages: deque[Json] = deque()
        self._crashed: set[str | None] = set()
        self.listeners: dict[str | None, Callable[[str, Json], None]] = {}
        theirs_in, ours_out = _pipe()
        ours_in, theirs_out = _pipe()
        self._in, self._out = ours_in, os.fdopen(ours_out, "wb", buffering=0)
        # Whatever it writes for itself, it writes into the folder.
        own = {name: str(folder) for name in ("HOME", "TMPDIR", "XDG_CONFIG_HOME")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", LAUNCHER, str(theirs_in), str(theirs_out), *command],
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | own,
                start_new_session=True,  # so that all its processes can be ended together
            )
        os.close(theirs_in)
        os.close(theirs_out)

    @property
    def pid(self) -> int:
        """The browser's main process, which leads the group of its processes."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the browser's main process lives."""
        return self._process.poll() is None

    def call(
        self, method: str, params: Json | None = None, session: str | None = None, seconds: float = ANSWER_SECONDS
    ) -> Json:
        """Send a command and return its result; events that come before it are told to their listeners."""
        number = self.send(method, params, session)
        late = f"{method}: no answer within {seconds:g} s"
        answer = self._hear_until(lambda message: message.get("id") == number, late, session, seconds)
        if "error" in answer:
            raise ProtocolError(f"{method}: {answer['error'].get('message')}")
        result: Json = answer["result"]
        return result

    def send(self, method: str, params: Json | None = None, session: str | None = None) -> int:
        """Send a command without waiting for its answer; return its number."""
        if self._out.closed:
            raise BrowserError("this browser was closed")
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params or {}}
        if session is not None:
            message["sessionId"] = session
        rest = memoryview(json.dumps(message).encode() + b"\0")
        try:
            while rest:
                rest = rest[self._out.write(rest) :]
        except OSError as error:
            raise BrowserError(self._ending()) from error
        return number

    def wait(self, happened: Callable[[], bool], what: str, session: str, seconds: float = ANSWER_SECONDS) -> None:
        """Hear events until something has happened; raise BrowserError where it does not in time."""
        if not happened():
            self._hear_until(lambda _: happened(), f"{what}: not within {seconds:g} s", session, seconds)

    def close(self) -> None:
        """End the browser and all its processes, politely at first."""
        with contextlib.suppress(BrowserError, subprocess.TimeoutExpired):
            self.send("Browser.close")
            self._process.wait(CLOSING_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._out.close()
        os.close(self._in)

    def _hear_until(self, done: Callable[[Json], bool], late: str, session: str | None, seconds: float) -> Json:
        """Tell listeners of all that comes, up to the message that is waited for, and return that one."""
        deadline = time.monotonic() + seconds
        while True:
            if session in self._crashed:
                raise BrowserError("the page's process crashed")
            if time.monotonic() > deadline:
                raise BrowserError(late)
            if not self._messages:
                self._read()
                continue
            message = self._messages.popleft()
            # An answer that nobody waits for any more has no method.
            if "method" in message:
                self._tell(message.get("sessionId"), message["method"], message["params"])
            if done(message):
                return message

    def _read(self) -> None:
        """Take in what has come; wait a moment where nothing has."""
        if select.select([self._in], [], [], MOMENT)[0]:
            data = os.read(self._in, 1 << 20)
            if not data:
                raise BrowserError(self._ending())
            *whole, self._begun = (self._begun + data).split(b"\0")
            self._messages.extend(map(json.loads, whole))
        elif not self.running:
            raise BrowserError(self._ending())

    def _tell(self, session: str | None, event: str, told: Json) -> None:
        if event == "Inspector.targetCrashed":
            self._crashed.add(session)
        if session in self.listeners:
            self.listeners[session](event, told)

    def _ending(self) -> str:
        try:
            code = self._process.wait(CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            return "Chromium closed its debugging pipe"
        last = self._log.read_text(errors="replace").strip().splitlines()[-3:]
        return f"Chromium ended with status {code}: {' | '.join(last) or 'it said nothing'}"


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE_DESCRIPTOR) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
