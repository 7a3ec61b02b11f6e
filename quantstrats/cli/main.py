"""The command ``quantstrats``."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import typer

from quantstrats._version import __version__
from quantstrats.cli.backtest import backtest
from quantstrats.cli.plugins import plugins
from quantstrats.errors import ConfigError, DataError, EngineError, PluginError, QuantstratsError, in_one_line
from quantstrats.home import logs_folder

EXIT_FAILURE = 1
EXIT_WRONG_INPUT = 2
EXIT_INTERRUPTED = 130
_WRONG_INPUT = (ConfigError, DataError, EngineError, PluginError)

app = typer.Typer(
    name="quantstrats",
    help="Trading-strategy plugins on Backtrader: backtest a signal, see what is installed.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command(short_help="Backtest a signal and store the run with its tear sheet.")(backtest)
app.command(short_help="List what is installed, and what cannot load.")(plugins)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    """Trading-strategy plugins on Backtrader: backtest a signal, see what is installed."""
    if show:
        typer.echo(f"quantstrats {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 0 fine, 2 wrong input, 1 failure, 130 interrupted."""
    try:
        app(args=arguments, prog_name="quantstrats")
    except QuantstratsError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(EXIT_WRONG_INPUT if isinstance(error, _WRONG_INPUT) else EXIT_FAILURE)
    except SystemExit as leaving:
        if leaving.code == EXIT_INTERRUPTED:
            typer.echo("interrupted", err=True)
        raise
    # Whatever else happens is a fault of ours: the user gets one line, and whoever mends it the whole story.
    except Exception as error:
        typer.echo(f"error: this should not have happened: {in_one_line(error)}{_kept_traceback()}", err=True)
        sys.exit(EXIT_FAILURE)


def _kept_traceback() -> str:
    """Keep the traceback in logs/crash.log, and say so; say nothing if that cannot be written."""
    file = logs_folder() / "crash.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(traceback.format_exc(), encoding="utf-8")
    except OSError:
        return ""
    return f" (see {file})"
