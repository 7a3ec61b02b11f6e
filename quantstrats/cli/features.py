"""``quantstrats features``: which features there are; ``show`` tells all about one and draws it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantstrats.cli.data import options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from quantstrats.features.definition import Feature
    from quantstrats.features.spec import Spec
    from quantstrats.market.market import Market
    from quantstrats.plugins import Plugins

features_app = typer.Typer(rich_markup_mode=None)

_SCALES = {
    "free": "free: a split changes nothing",
    "price": "in units of price: a split changes it",
    "log": "a logarithm of price: a split adds the same to all values",
    "volume": "in shares: a split changes it",
    "money": "in units of currency: not comparable among symbols",
    "price per share traded": "in price per share traded: a split changes it twice",
    "price squared per share traded": "in price squared per share traded: a split changes it three times",
}
_NAMED = 6  # symbols in a message
_NEEDS = {
    "volume": "volume",
    "ranges": "highs and lows, not closes alone",
    "sector": "the side series 'sector'",
}


@features_app.callback(invoke_without_command=True)
def features(
    context: typer.Context,
    family: Annotated[str | None, typer.Option(metavar="NAME", help="List those of one family alone.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """List every feature, family by family; 'show NAME' tells all about one and draws it."""
    if context.invoked_subcommand:
        return
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import installed_plugins, printed_aside
    from quantstrats.cli.texts import print_json
    from quantstrats.errors import ConfigError, did_you_mean
    from quantstrats.features.catalogue import offered, shipped

    with progress_line(), printed_aside():
        others, troubles = offered(installed_plugins())
    for trouble in troubles:
        typer.echo(trouble.line, err=True)
    listed: dict[str, Feature] = {**shipped(), **others}
    families = list(dict.fromkeys(each.family for each in listed.values()))
    if family is not None:
        if family not in families:
            hint = did_you_mean(family, families)
            raise ConfigError(f"no family of features called {family!r}{hint} (there are: {', '.join(families)})")
        listed = {name: each for name, each in listed.items() if each.family == family}
    if as_json:
        print_json([_as_data(name, each) for name, each in listed.items()])
        return
    typer.echo("\n".join(_listing(listed)))


@features_app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A feature, as in rsi, 'rsi(window=7)' or rsi@week.", show_default=False),
    ],
    symbol: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="On whose of the loaded bars to draw it (default: the first).")
    ] = None,
    config: options.Config = None,
    source: options.Source = None,
    symbols: options.Symbols = None,
    start: options.Start = None,
    end: options.End = None,
    interval: options.Interval = None,
    assignments: options.Assignments = None,
    bars: Annotated[int, typer.Option(min=2, max=5000, metavar="N", help="How many of the last bars to draw.")] = 250,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to put the picture, a PNG (default: logs/pictures).")
    ] = None,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
) -> None:
    """Tell all about a feature: formula, source, parameters, warm-up, scale; and draw it.

    It is drawn on the bars that the options ask for; by default on the sample's, or, where it looks across symbols, on
    synthetic ones.
    """
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import installed_plugins, printed_aside
    from quantstrats.cli.texts import path_in_short, print_json

    with progress_line(), printed_aside():
        plugins = installed_plugins()
        spec = _spec(name, plugins)
        asked = {"source": source, "symbols": symbols, "start": start, "end": end, "interval": interval}
        given = any(value is not None for value in (*asked.values(), config)) or bool(assignments)
        if given and symbols is None and not spec.feature.across:
            asked["symbols"] = symbol  # what looks across symbols needs the others too
        market = _asked_for(asked, config, assignments, offline, plugins) if given else _usual(spec, symbol, plugins)
        file = _draw(spec, market, symbol or str(market.symbols[0]), bars, out, plugins)
    if as_json:
        print_json({**_as_data(spec.feature.name, spec.feature), "picture": str(file.absolute())})
        return
    typer.echo("\n".join(_lines(spec)))
    typer.echo(f"{'picture':<12}{path_in_short(file)}")


def _spec(name: str, plugins: Plugins) -> Spec:
    from quantstrats.features.spec import specs_of

    (spec,) = specs_of([name], plugins)
    return spec


def _asked_for(
    asked: dict[str, Any], config: Path | None, assignments: list[str] | None, offline: bool, plugins: Plugins
) -> Market:
    data = options.asked_of(config, assignments, offline=offline, **asked)
    return data.load(plugins)


def _usual(spec: Spec, symbol: str | None, plugins: Plugins) -> Market:
    """Return bars on which the feature can be drawn where none are asked for: the sample's, or synthetic ones."""
    import pandas as pd

    from quantstrats.loading import load_market
    from quantstrats.market.side import SideSeries

    if not spec.feature.across:
        return load_market("sample", [symbol or "NASDAQ"], plugins=plugins)
    market = load_market("synthetic", plugins=plugins, count=6)
    made_up = pd.Series(["one", "other"] * 3, index=market.symbols)
    return market.with_side({"sector": SideSeries(made_up, "assumed")})


def _draw(spec: Spec, market: Market, symbol: str, bars: int, out: Path | None, plugins: Plugins) -> Path:
    from urllib.parse import quote

    from quantstrats.atomic import write_whole
    from quantstrats.errors import ConfigError
    from quantstrats.features.computing import compute
    from quantstrats.home import logs_folder
    from quantstrats.reports.feature_picture import feature_png

    _check_symbol(market, symbol)
    values = compute(market, [spec.label], plugins=plugins)[spec.label][symbol].to_numpy()
    _check_values(spec, market, symbol, values, bars)
    png = feature_png(market, symbol, spec.label, values, bars)
    file = out or logs_folder() / "pictures" / f"feature-{quote(spec.label, safe='()=,')}.png"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, png)
    except OSError as error:
        raise ConfigError(f"--out {file} cannot be written ({error.strerror}); give another file") from None
    return file


def _check_symbol(market: Market, symbol: str) -> None:
    from quantstrats.errors import DataError, did_you_mean

    if symbol not in market.symbols:
        some = ", ".join(market.symbols[:_NAMED]) + (", ..." if len(market.symbols) > _NAMED else "")
        raise DataError(
            f"no bars of symbol {symbol!r}{did_you_mean(symbol, market.symbols)} are loaded (there are: {some}); "
            "load others with --data and --symbols"
        )


def _check_values(spec: Spec, market: Market, symbol: str, values: NDArray[np.float64], bars: int) -> None:
    """Refuse to draw nothing."""
    import numpy as np

    from quantstrats.errors import DataError

    there = np.flatnonzero(market.present[:, market.symbols.get_loc(symbol)])[-bars:]
    if not np.isfinite(values[there]).any():
        alone = spec.feature.across and len(market.symbols) == 1
        mend = "it looks across symbols, load several with --symbols" if alone else "load more bars, or other ones"
        raise DataError(
            f"nothing to draw: {spec.label} has no value on the last {len(there):,} bars of {symbol}; {mend}"
        )


def _listing(listed: dict[str, Feature]) -> list[str]:
    """Return a line per feature, families apart, within 80 columns."""
    from quantstrats.cli.texts import WIDTH, cut

    width = min(max(len(name) for name in listed), 26)
    lines: list[str] = []
    family = ""
    for name, each in listed.items():
        if each.family != family:
            family = each.family
            lines += ["", family] if lines else [family]
        shown = f"  {name:<{width}}  "
        lines.append(shown + cut(each.summary, WIDTH - len(shown)))
    count = f"{len(listed)} feature{'' if len(listed) == 1 else 's'}"
    return [*lines, "", f"{count}; quantstrats features show NAME tells all of one, and draws it."]


def _lines(spec: Spec) -> list[str]:
    import textwrap

    from quantstrats.cli.texts import WIDTH

    each = spec.feature
    body = each.documentation.split("\n\n")
    lines = [f"{each.name}  ({each.family})", ""]
    for paragraph in body:
        lines += [*textwrap.wrap(" ".join(paragraph.split()), WIDTH, break_on_hyphens=False), ""]
    facts = [
        ("source", each.source),
        ("scale", _SCALES[each.scale]),
        ("needs", ", ".join(_NEEDS[need] for need in each.needs) or "nothing but bars"),
        ("warm-up", _warmup(spec)),
        ("looks at", "all symbols" if each.across else "each symbol by itself"),
    ]
    if each.fitted:
        facts.append(("fitted", "a model, again and again: slow, computed only where it is named"))
    for label, text in facts:
        lines += textwrap.wrap(text, WIDTH, initial_indent=f"{label:<12}", subsequent_indent=" " * 12)
    if each.parameters:
        shown = ", ".join(f"{name}={value!r}" for name, value in spec.values.items())
        lines += textwrap.wrap(shown, WIDTH, initial_indent=f"{'parameters':<12}", subsequent_indent=" " * 12)
    asked = f"features.compute(market, [{spec.label!r}])"
    return [*lines, f"{'in Python':<12}{asked}"]


def _warmup(spec: Spec) -> str:
    bars, rows = spec.feature.bars(**spec.values), spec.warmup
    kind = f"bars of {spec.bar}" if spec.bar else "rows"
    return f"{rows:,} {kind}" + ("" if bars == rows else f", of which {bars:,} must have a bar")


def _as_data(name: str, each: Feature) -> dict[str, Any]:
    return {
        "name": name,
        "family": each.family,
        "summary": each.summary,
        "documentation": each.documentation,
        "source": each.source,
        "scale": each.scale,
        "needs": list(each.needs),
        "across": each.across,
        "fitted": each.fitted,
        "parameters": dict(each.parameters),
        "bars": each.bars(),
        "warmup": each.warmup(),
    }
