"""What plugins say, or fail to say, while a command works: stderr has it, since stdout is for the result."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantstrats.plugins import Plugins


@contextlib.contextmanager
def printed_aside() -> Iterator[None]:
    """Send to stderr whatever is printed meanwhile, by child processes and native code as well."""
    try:
        sys.stdout.flush()
        result = os.dup(1)
        os.dup2(2, 1)
    except (OSError, AttributeError):  # one of the two is closed
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        for stream in (sys.stdout, sys.__stdout__):  # someone may have kept the latter
            with contextlib.suppress(OSError, AttributeError):
                stream.flush()  # type: ignore[union-attr]
        os.dup2(result, 1)
        os.close(result)


def installed_plugins() -> Plugins:
    """Load what is installed, and name on stderr what hung: whoever has waited for it wants to know why."""
    from quantstrats.plugins import Plugins

    found = Plugins.installed()
    for trouble in found.troubles:
        if trouble.hung:
            sys.stderr.write(f"{trouble.line}\n")
    return found
