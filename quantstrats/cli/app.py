"""The command ``quantstrats`` and its commands."""

from __future__ import annotations

import typer

from quantstrats._version import __version__
from quantstrats.cli.backtest import backtest
from quantstrats.cli.plugins import plugins_app

app = typer.Typer(
    name="quantstrats",
    help="Trading-strategy plugins on Backtrader: backtest a signal, see what is installed.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    # typer loads pydantic to check a --help that was not given, a tenth of a second, unless it has a default.
    context_settings={"default_map": {"help": False, "plugins": {"help": False}}},
)
app.command(short_help="Backtest a signal and store the run with its tear sheet.")(backtest)
app.add_typer(plugins_app, name="plugins", short_help="List what is installed, and what cannot load; show one.")


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    """Trading-strategy plugins on Backtrader: backtest a signal, see what is installed."""
    if show:
        typer.echo(f"quantstrats {__version__}")
        raise typer.Exit
