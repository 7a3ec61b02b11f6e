"""Options that the commands about data share, and what they say put together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from quantstrats.settings.data import DataAsked

Source = Annotated[str | None, typer.Option("--data", metavar="SOURCE", help="Source of the bars (default: sample).")]
Symbols = Annotated[
    str | None,
    typer.Option(metavar="A,B|@FILE|sp500", help="Symbols with commas, a file with one a line, or a list's name."),
]
Start = Annotated[str | None, typer.Option(metavar="DATE", help="First session, as in 2015-01-31.")]
End = Annotated[str | None, typer.Option(metavar="DATE", help="Last session (default: the last that is over).")]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="A configuration in YAML; its block data counts.")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="BLOCK.KEY=VALUE", help="A setting, as in data.interval=5m; may be repeated."),
]
Interval = Annotated[
    str | None, typer.Option(metavar="LENGTH", help="Length of a bar as the source calls it, as in 1d; data.interval.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no vendor: use what is kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print all as JSON.")]


def asked_of(
    config: Path | None,
    assignments: list[str] | None,
    *,
    source: str | None,
    symbols: str | None,
    start: str | None,
    end: str | None,
    interval: str | None = None,
    repair: str | None = None,
    offline: bool = False,
) -> DataAsked:
    """Return which data the options of a command ask for.

    Raises
    ------
    ConfigError
        If the configuration or a setting does not fit.
    """
    from quantstrats.settings.configfile import parse_assignments
    from quantstrats.settings.settings import read_data_settings

    flags = {
        "data.source": source,
        "data.symbols": symbols,
        "data.start": start,
        "data.end": end,
        "data.interval": interval,
        "data.repair": None if repair is None else parse_assignments([f"data.repair={repair}"])[0][1],
        "data.offline": True if offline else None,
    }
    return read_data_settings(config, assignments or [], flags)
