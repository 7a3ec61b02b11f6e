"""The line of progress, on a real pseudo terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from quantstrats.cli.progress import line_of
from quantstrats.progress import Stage

LONG = """
import time
from quantstrats.cli.progress import progress_line
from quantstrats.progress import stage

with progress_line(), stage("forecasting"), stage("fitting {name}", total=40) as advance:
    for _ in range({pieces}):
        advance()
    time.sleep({seconds})
print("done")
"""


class Terminal:
    """A pseudo terminal of 60 columns that a child process has for its own, and what was written to it."""

    def __init__(self, command, **options):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        os.set_blocking(self._ours, False)
        self.written = b""

        def own_it():
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches it
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where the tests run in the background

        self.child = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=own_it, **options
        )
        os.close(theirs)

    def read_until(self, done, patience=60.0):
        until = time.monotonic() + patience
        while not done() and time.monotonic() < until:
            over = self.child.poll() is not None
            try:
                self.written += os.read(self._ours, 65536)
            except BlockingIOError:
                if over:
                    break
                time.sleep(0.02)
            except OSError:  # the child has closed its end
                break
        if not done():
            self.child.kill()
            self.child.wait()
            pytest.fail(f"the terminal shows {self.written!r}")

    def finish(self):
        self.read_until(lambda: self.child.poll() is not None)
        try:
            while more := os.read(self._ours, 65536):
                self.written += more
        except OSError:
            pass
        os.close(self._ours)
        return self.child.returncode

    def press(self, key):
        os.write(self._ours, key)

    def screen(self):
        """Return what a person sees in the end."""
        lines, column = [""], 0
        for letter in self.written.decode():
            if letter == "\r":
                column = 0
            elif letter == "\n":
                lines.append("")
            else:
                lines[-1] = lines[-1][:column] + letter + lines[-1][column + 1 :]
                column += 1
        return [line.rstrip() for line in lines]


def python(source):
    return [sys.executable, "-c", source]


def test_what_takes_long_shows_how_far_it_is_and_leaves_no_trace():
    terminal = Terminal(python(LONG.format(pieces=25, seconds=2.8, name="x")))
    assert terminal.finish() == 0
    assert re.search(rb"\rforecasting: fitting x  25/40  0:0\d elapsed, 0:0\d left\r", terminal.written)
    assert terminal.screen() == ["done", ""]


def test_nothing_is_shown_of_what_takes_less_than_two_seconds():
    terminal = Terminal(python(LONG.format(pieces=25, seconds=0.5, name="x")))
    assert terminal.finish() == 0
    assert terminal.written == b"done\r\n"


def test_a_line_never_wraps():
    terminal = Terminal(python(LONG.format(pieces=25, seconds=2.8, name="x" * 200)))
    assert terminal.finish() == 0
    assert terminal.screen() == ["done", ""]
    assert max(len(drawn) for drawn in terminal.written.decode().split("\r")) == 59


def test_a_pipe_shows_nothing():
    source = LONG.format(pieces=25, seconds=2.5, name="x")
    done = subprocess.run(python(source), capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


@pytest.fixture
def slow_signal(tmp_path):
    """Install a signal that needs three seconds, and return the environment that has it."""
    (tmp_path / "quantstrats_slow.py").write_text(
        "import time\n"
        "from dataclasses import dataclass\n"
        "from quantstrats import Signal, hookimpl\n"
        "@dataclass(frozen=True)\n"
        "class Slow(Signal):\n"
        "    name = 'slow'\n"
        "    seconds: float = 3.0\n"
        "    def warmup(self):\n"
        "        return 1\n"
        "    def forecast(self, market):\n"
        "        time.sleep(self.seconds)\n"
        "        return market.close * 0.0\n"
        "@hookimpl\n"
        "def register_signals(register):\n"
        "    register(Slow)\n"
    )
    info = tmp_path / "quantstrats_slow-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: quantstrats-slow\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[quantstrats]\nslow = quantstrats_slow\n")
    return os.environ | {"PYTHONPATH": str(tmp_path)}


SLOW_BACKTEST = ["-m", "quantstrats", "backtest", "slow", "--end", "1999-03-31", "--guard", "off", "--no-tearsheet"]


def test_a_backtest_says_what_it_is_at(slow_signal):
    terminal = Terminal([sys.executable, *SLOW_BACKTEST], env=slow_signal)
    assert terminal.finish() == 0
    assert b"\rforecasting  0:0" in terminal.written
    assert terminal.screen()[0] == "slow(seconds=3.0) on NASDAQ, 1999-01-04 to 1999-03-31, 61 ba"[:60] + "rs"


def test_ctrl_c_leaves_the_terminal_clean(slow_signal, home):
    command = [sys.executable, *SLOW_BACKTEST, "--set", "signal.seconds=60"]
    terminal = Terminal(command, env=slow_signal)
    terminal.read_until(lambda: b"forecasting" in terminal.written)
    terminal.press(b"\x03")
    assert terminal.finish() == 130
    shown = terminal.screen()
    # The terminal itself shows the key where the line stood.
    assert [line for line in shown if line and line != "^C"] == ["interrupted"]
    assert not list(home.glob("logs/runs/*"))


@pytest.mark.parametrize(
    ("stages", "line"),
    [
        ([], ""),
        ([Stage("loading bars", began=0.0)], "loading bars  1:05 elapsed"),
        ([Stage("fitting", done=7, began=0.0)], "fitting  7  1:05 elapsed"),
        ([Stage("trading", total=2520, began=0.0)], "trading  0/2,520  1:05 elapsed"),
        # 65 s for a quarter of the work: 195 s for the rest.
        ([Stage("trading", total=2520, done=630, began=0.0)], "trading  630/2,520  1:05 elapsed, 3:15 left"),
        ([Stage("a", began=0.0), Stage("b", 2, 1, began=60.0)], "a: b  1/2  0:05 elapsed, 0:05 left"),
        ([Stage("more than there was", 2, 3, began=0.0)], "more than there was  3/2  1:05 elapsed, 0:00 left"),
        ([Stage("overnight", began=-36_000.0)], "overnight  10:01:05 elapsed"),
    ],
)
def test_the_line_has_labels_pieces_and_times(stages, line):
    assert line_of(tuple(stages), now=65.0) == line
