"""``quantstrats data show``: a symbol's bars, as facts and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantstrats.cli.data import options

if TYPE_CHECKING:
    from quantstrats.market.market import Market


def show(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="The symbol, as its source calls it.")],
    config: options.Config = None,
    source: options.Source = None,
    start: options.Start = None,
    end: options.End = None,
    interval: options.Interval = None,
    assignments: options.Assignments = None,
    bars: Annotated[int, typer.Option(min=2, max=2000, metavar="N", help="How many of the last bars to draw.")] = 120,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to put the picture, a PNG (default: logs/pictures).")
    ] = None,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
) -> None:
    """Show a symbol's bars: the facts, what is doubtful about them, and a candlestick picture of the last ones."""
    from quantstrats.atomic import write_whole
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import installed_plugins, printed_aside
    from quantstrats.cli.texts import path_in_short, print_json
    from quantstrats.errors import ConfigError
    from quantstrats.home import logs_folder
    from quantstrats.reports.candles import candlestick_png

    asked = options.asked_of(
        config,
        assignments,
        source=source,
        symbols=symbol,
        start=start,
        end=end,
        interval=interval,
        offline=offline,
    )
    with progress_line(), printed_aside():
        market = asked.load(installed_plugins())
        png = candlestick_png(market, symbol, bars)
    file = out or logs_folder() / "pictures" / _file_name(market, symbol)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, png)
    except OSError as error:
        raise ConfigError(f"--out {file} cannot be written ({error.strerror}); give another file") from None
    facts = _facts(market, symbol)
    if as_json:
        print_json({**facts, "picture": str(file.absolute())})
        return
    typer.echo("\n".join(_lines(facts)))
    typer.echo(f"Picture     {path_in_short(file)}")


def _file_name(market: Market, symbol: str) -> str:
    from urllib.parse import quote

    length = "" if market.bar is None else f"-{_length(market)}"
    name = f"{market.origin['source']}-{symbol}{length}"
    return f"{quote(name, safe='')}.png"


def _length(market: Market) -> str:
    """Return how long a bar is, as in ``1D`` or ``5min``."""
    return "1D" if market.bar is None else f"{market.bar.total_seconds() / 60:g}min"


def _facts(market: Market, symbol: str) -> dict[str, Any]:
    """Return what is known of a symbol's bars, as plain data."""
    import numpy as np

    there = market.present[:, 0]
    close, volume = market.array("close")[there, 0], market.array("volume")[there, 0]
    session = market.session[there]
    returns = np.diff(np.log(close))
    known = ~np.isnan(volume)
    traded = close[known] * volume[known]
    inside = market.session <= session[-1]
    inside &= market.session >= session[0]
    return {
        "symbol": symbol,
        "source": market.origin["source"],
        "calendar": market.calendar.name,
        "bar": _length(market),
        "first": str(session[0].date()),
        "last": str(session[-1].date()),
        "bars": int(there.sum()),
        "missing": int((inside & ~there).sum()),
        "last_close": float(close[-1]),
        "lowest_close": float(close.min()),
        "highest_close": float(close.max()),
        "median_dollar_volume": float(np.median(traded)) if len(traded) else None,
        "annual_volatility": float(returns.std(ddof=1) * market.bars_per_year**0.5) if len(returns) > 1 else None,
        "largest_rise": float(np.expm1(returns.max())) if len(returns) else None,
        "largest_fall": float(np.expm1(returns.min())) if len(returns) else None,
        "kept": market.record.get("cache", {}).get(symbol),
        "notes": list(market.stamps),
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    import textwrap

    from quantstrats.cli.texts import count, percent

    volume = facts["median_dollar_volume"]
    rows = [
        ("Source", f"{facts['source']}, sessions of {facts['calendar']}, bars of {facts['bar']}"),
        ("Span", f"{facts['first']} to {facts['last']}, {count(facts['bars'], 'bar')}, {facts['missing']:,} missing"),
        (
            "Close",
            f"{facts['last_close']:,.10g} (from {facts['lowest_close']:,.10g} to {facts['highest_close']:,.10g})",
        ),
        ("Traded", "volume is not known" if volume is None else f"{volume:,.0f} a bar at the median (close x volume)"),
        ("Volatility", f"{percent(facts['annual_volatility'])} a year"),
        ("Extremes", f"{percent(facts['largest_fall'])} and {percent(facts['largest_rise'])} from bar to bar"),
    ]
    if facts["kept"]:
        rows.append(("Kept bars", f"hash {facts['kept']}"))
    lines = [facts["symbol"], *(f"{name:<12}{text}" for name, text in rows)]
    for note in facts["notes"]:
        lines += textwrap.wrap(note, 80, initial_indent="! ", subsequent_indent="  ")
    return lines
