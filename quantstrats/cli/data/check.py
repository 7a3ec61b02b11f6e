"""``quantstrats data check``: what is wrong with bars, and what a repair would do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantstrats.cli.data import options

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.plugins import Plugins
    from quantstrats.settings.data import DataAsked

_SHOWN = 20


def check(
    config: options.Config = None,
    source: options.Source = None,
    symbols: options.Symbols = None,
    start: options.Start = None,
    end: options.End = None,
    interval: options.Interval = None,
    assignments: options.Assignments = None,
    repair: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY", help="Say what this would do: keep, fail, drop, mask or winsorise; data.repair."
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Compare with the bars of another source as well.")
    ] = None,
    tolerances: Annotated[
        list[str] | None,
        typer.Option(
            "--tolerance", metavar="FIELD=FRACTION", help="What may differ, as in close=0.002; may be repeated."
        ),
    ] = None,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
) -> None:
    """Look for what is wrong with bars: missing, impossible or doubtful ones, by symbol and rule.

    It leaves with 1 if bars are found that cannot be and that no repair takes care of.
    """
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import installed_plugins, printed_aside
    from quantstrats.cli.texts import print_json
    from quantstrats.loading import quality_asked

    asked = options.asked_of(
        config,
        assignments,
        source=source,
        symbols=symbols,
        start=start,
        end=end,
        interval=interval,
        repair=repair,
        offline=offline,
    )
    with progress_line(), printed_aside():
        plugins = installed_plugins()
        data = asked.data
        report = quality_asked(
            asked.made_source(plugins), data.symbols, data.start, data.end, repair=data.repair, offline=data.offline
        )
        differences = None if against is None else _differences(asked, against, _tolerances(tolerances or []), plugins)
    if as_json:
        plain = report.as_plain()
        print_json(plain if differences is None else {**plain, "differences": _records(differences)})
    else:
        typer.echo(report.as_text())
        if differences is not None:
            typer.echo("\n".join(["", *_difference_lines(differences, against or "")]))
    if report.impossible_left:
        raise typer.Exit(1)


def _tolerances(given: list[str]) -> dict[str, float]:
    from quantstrats.errors import ConfigError

    found = {}
    for each in given:
        field, equals, text = each.partition("=")
        try:
            found[field.strip()] = float(text)
        except ValueError:
            equals = ""
        if not equals:
            raise ConfigError(f"--tolerance {each!r} is not of the form field=fraction, as in close=0.002")
    return found


def _differences(asked: DataAsked, against: str, tolerances: dict[str, float], plugins: Plugins) -> pd.DataFrame:
    """Return where the bars differ from those of another source of the same symbols and span."""
    from quantstrats.loading import load_market
    from quantstrats.market.quality.reconcile import reconcile

    market = asked.load(plugins)
    span = market.session[0].date(), market.session[-1].date()
    other = load_market(against, list(market.symbols), *span, offline=asked.data.offline, plugins=plugins)
    return reconcile(market, other, tolerances)


def _difference_lines(differences: pd.DataFrame, against: str) -> list[str]:
    from quantstrats.cli.texts import count

    if differences.empty:
        return [f"{against}: the same bars, within the tolerances"]
    lines = [f"{against}: {count(len(differences), 'value')} beyond the tolerances"]
    lines.append(f"  {'symbol':<10}{'time':<22}{'field':<8}{'value':>13}{'other':>13}{'difference':>12}")
    shown = differences.head(_SHOWN)
    labels = [str(time)[:19].removesuffix(" 00:00:00") for time in shown["time"]]
    columns = (shown[name] for name in ("symbol", "field", "value", "other", "difference"))
    for time, symbol, field, value, other, difference in zip(labels, *columns, strict=True):
        lines.append(f"  {symbol:<10}{time:<22}{field:<8}{value:>13,.7g}{other:>13,.7g}{difference:>12.2%}")
    if len(differences) > _SHOWN:
        lines.append(f"  and {len(differences) - _SHOWN:,} more (--json lists all)")
    return lines


def _records(differences: pd.DataFrame) -> list[dict[str, Any]]:
    import json

    records: list[dict[str, Any]] = json.loads(differences.to_json(orient="records", date_format="iso"))
    return records
