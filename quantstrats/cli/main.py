"""The command line's way in and out: exit codes, and one line for every error."""

from __future__ import annotations

import sys
from collections.abc import Sequence

EXIT_FAILURE = 1
EXIT_WRONG_INPUT = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 0 fine, 2 wrong input, 1 failure, 130 interrupted."""
    # Imports stand inside, so that Ctrl-C during them is told like any other.
    try:
        from quantstrats.cli.interrupts import interrupts_heard

        with interrupts_heard():
            from quantstrats.cli.app import app

            app(args=arguments, prog_name="quantstrats")
    except KeyboardInterrupt:
        _leave(EXIT_INTERRUPTED, "interrupted")
    except SystemExit as leaving:
        if leaving.code == EXIT_INTERRUPTED:  # typer makes it of Ctrl-C
            _leave(EXIT_INTERRUPTED, "interrupted")
        raise
    except Exception as error:
        _leave(*_told(error))


def _told(error: Exception) -> tuple[int, str]:
    """Return the exit code and the line for an error."""
    from quantstrats.errors import (
        ConfigError,
        DataError,
        EngineError,
        PluginError,
        QuantstratsError,
        RunNotFoundError,
        in_one_line,
    )

    if isinstance(error, QuantstratsError):
        wrong_input = isinstance(error, ConfigError | DataError | EngineError | PluginError | RunNotFoundError)
        return EXIT_WRONG_INPUT if wrong_input else EXIT_FAILURE, f"error: {error}"
    # Whatever else happens is a fault of ours: the user gets one line, and whoever mends it the whole story.
    line = f"error: this should not have happened: {in_one_line(error)}{_kept_traceback(error)}"
    return EXIT_FAILURE, line


def _leave(code: int, line: str) -> None:
    """Say one line on stderr and leave."""
    sys.stderr.write(f"{line}\n")
    sys.exit(code)


def _kept_traceback(error: Exception) -> str:
    """Keep the traceback in logs/crash.log, and say so; say nothing if that cannot be written."""
    import traceback

    from quantstrats.home import logs_folder

    file = logs_folder() / "crash.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return ""
    return f" (see {file})"
