"""The command ``quantstrats``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from quantstrats._version import __version__
from quantstrats.cli.backtest import backtest
from quantstrats.cli.plugins import plugins
from quantstrats.errors import ConfigError, DataError, EngineError, PluginError, QuantstratsError

EXIT_FAILURE = 1
EXIT_WRONG_INPUT = 2
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
