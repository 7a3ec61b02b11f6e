"""``quantstrats data`` and its commands."""

from __future__ import annotations

import typer

from quantstrats.cli.data.check import check
from quantstrats.cli.data.fetch import fetch
from quantstrats.cli.data.listing import list_cached
from quantstrats.cli.data.prune import prune
from quantstrats.cli.data.screen import screen
from quantstrats.cli.data.show import show

data_app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Fetch bars, list what is kept of them, show, check and screen."
)
data_app.command(short_help="Ask a vendor for bars, or for a series beside them, and keep them.")(fetch)
data_app.command("list", short_help="List what is kept of vendors' bars.")(list_cached)
data_app.command(short_help="Show a symbol's bars: the facts, and a candlestick picture.")(show)
data_app.command(short_help="Look for what is wrong with bars, and say what a repair would do.")(check)
data_app.command(short_help="Remove files that were replaced or damaged, and leftovers.")(prune)
data_app.command(short_help="Judge symbols by the rules of a universe, as of a day.")(screen)
