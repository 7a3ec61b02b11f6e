"""The command ``quantstrats`` and its commands."""

from __future__ import annotations

import typer

from quantstrats._version import __version__
from quantstrats.cli.backtest import backtest
from quantstrats.cli.compare import compare
from quantstrats.cli.data.app import data_app
from quantstrats.cli.features import features_app
from quantstrats.cli.ledger import ledger
from quantstrats.cli.plugins import plugins_app
from quantstrats.cli.report import report
from quantstrats.cli.runs import runs_app
from quantstrats.cli.simulate import simulate
from quantstrats.cli.verify import verify

app = typer.Typer(
    name="quantstrats",
    help="Trading-strategy plugins on Backtrader: backtest a signal, see what is installed.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    # typer loads pydantic to check a --help that was not given, a tenth of a second, unless it has a default.
    context_settings={
        "default_map": {"help": False, "plugins": {"help": False}, "data": {"help": False}, "features": {"help": False}}
    },
)
app.command(short_help="Backtest a signal and store the run with its tear sheet.")(backtest)
app.add_typer(plugins_app, name="plugins", short_help="List what is installed, and what cannot load; show one.")
app.add_typer(data_app, name="data", short_help="Fetch bars, list, show, check and screen them.")
app.add_typer(features_app, name="features", short_help="List every feature of bars; show one with a picture.")
app.add_typer(runs_app, name="runs", short_help="List the stored runs; remove some.")
app.command(short_help="Make the tear sheet of a stored run again.")(report)
app.command(short_help="Compare stored runs side by side.")(compare)
app.command(short_help="Run a stored run again and name the first difference.")(verify)
app.command(short_help="List every trial, failed ones too.")(ledger)
app.command(short_help="Replay bars as a live market that Alpaca's clients connect to.")(simulate)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    """Trading-strategy plugins on Backtrader: backtest a signal, see what is installed."""
    if show:
        typer.echo(f"quantstrats {__version__}")
        raise typer.Exit
