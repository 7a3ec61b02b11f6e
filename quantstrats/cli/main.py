"""The command line's way in and out: exit codes, and one line for every error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

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

            code = app(args=arguments, prog_name="quantstrats", standalone_mode=False)
    except KeyboardInterrupt:
        _leave(EXIT_INTERRUPTED, "interrupted")
    except Exception as error:
        _leave(*_told(error))
    if code == EXIT_INTERRUPTED:  # typer makes it of Ctrl-C
        _leave(EXIT_INTERRUPTED, "interrupted")
    sys.exit(code)


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

    if (line := _usage_line(error)) is not None:
        return EXIT_WRONG_INPUT, line
    if isinstance(error, QuantstratsError):
        wrong_input = isinstance(error, ConfigError | DataError | EngineError | PluginError | RunNotFoundError)
        return EXIT_WRONG_INPUT if wrong_input else EXIT_FAILURE, f"error: {error}"
    # Whatever else happens is a fault of ours: the user gets one line, and whoever mends it the whole story.
    line = f"error: this should not have happened: {in_one_line(error)}{_kept_traceback(error)}"
    return EXIT_FAILURE, line


def _usage_line(error: Any) -> str | None:
    """Return the line for a command line that cannot be understood; None for another error."""
    import typer

    usage_error = typer.BadParameter.__base__ or typer.BadParameter  # older versions of typer have it from click
    is_one = isinstance(error, usage_error)
    if not is_one:
        return None
    if type(error).__name__ == "NoArgsIsHelpError":  # no word was given: it holds the help
        return str(error.format_message())
    message = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.command_path if error.ctx else "quantstrats"
    return f"error: {message[:1].lower()}{message[1:]} ({command} --help tells what there is)"


def _leave(code: int, line: str) -> NoReturn:
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
