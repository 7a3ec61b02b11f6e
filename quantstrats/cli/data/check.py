"""``quantstrats data check``: what is wrong with bars, and what a repair would do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantstrats.cli.data import options

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.market.quality.report import QualityReport
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
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Compare with the bars of another source as well: its name, or '{source: files, path: other.csv}'.",
        ),
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

    The bars of which side series are made (data.side) are looked at too.

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
    allowed, other = _tolerances(tolerances or []), _other_source(against)
    with progress_line(), printed_aside():
        plugins = installed_plugins()
        data = asked.data
        report = quality_asked(
            asked.made_source(plugins), data.symbols, data.start, data.end, repair=data.repair, offline=data.offline
        )
        beside = _beside(asked, plugins)
    if not as_json:
        typer.echo("\n".join([report.as_text(), *(f"\ndata.side.{n}: {r.as_text()}" for n, r in beside.items())]))
    plain = report.as_plain() if as_json else {}
    if as_json and beside:
        plain["side"] = {name: each.as_plain() for name, each in beside.items()}
    if other is not None:
        with progress_line(), printed_aside():
            differences = _differences(asked, other, allowed, plugins)
        if as_json:
            plain["differences"] = _records(differences)
        else:
            typer.echo("\n".join(["", *_difference_lines(differences)]))
    if as_json:
        print_json(plain)
    if any(each.impossible_left for each in (report, *beside.values())):
        raise typer.Exit(1)


def _beside(asked: DataAsked, plugins: Plugins) -> dict[str, QualityReport]:
    """Return what is wrong with the bars of which side series are made, by the series' name."""
    from quantstrats.loading import quality_asked, span_asked

    first, last = span_asked(asked.data.start, asked.data.end)
    found = {}
    for name, plan in asked.side_plans(plugins).items():
        if plan.bars is not None:
            start, policy = plan.bars.since(plan.source, first), plan.bars.repair
            found[name] = quality_asked(
                plan.source, [plan.bars.symbol], start, last, repair=policy, offline=asked.data.offline
            )
    return found


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


def _other_source(against: str | None) -> dict[str, Any] | None:
    """Return the source to compare with, as ``{"source": name, **parameters}``."""
    import yaml

    from quantstrats.errors import ConfigError
    from quantstrats.plainyaml import load_yaml

    if against is None or not against.lstrip().startswith("{"):
        return None if against is None else {"source": against}
    try:
        told = load_yaml(against)
    except yaml.YAMLError:
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("source"), str):
        raise ConfigError(f"--against {against!r} is no source; give a name, or '{{source: files, path: other.csv}}'")
    return told


def _differences(
    asked: DataAsked, other: dict[str, Any], tolerances: dict[str, float], plugins: Plugins
) -> pd.DataFrame:
    """Return where the bars differ from those of another source of the same symbols and span.

    Bars that cannot be are left out on both sides, unless the configuration says otherwise. The exchange and the
    length of bars are those of the first source, unless the other says them.
    """
    from dataclasses import fields, replace

    from quantstrats.loading import load_market
    from quantstrats.market.quality.reconcile import reconcile

    repair = asked.data.repair or "drop"
    whole = replace(asked.data, repair=repair, holdout=None, open_holdout=False)
    market = replace(asked, data=whole).load(plugins)
    span = market.session[0].date(), market.session[-1].date()
    mine, params = asked.made_source(plugins), dict(other)
    name = params.pop("source")
    takes = {each.name for each in fields(plugins.find("source", name).cls)}
    shared: dict[str, Any] = {
        key: getattr(mine, key) for key in ("calendar", "interval") if key in takes and hasattr(mine, key)
    }
    theirs = load_market(
        {"name": name, **shared, **params},
        list(market.symbols),
        *span,
        repair=repair,
        offline=asked.data.offline,
        plugins=plugins,
    )
    return reconcile(market, theirs, tolerances)


def _difference_lines(differences: pd.DataFrame) -> list[str]:
    from quantstrats.cli.texts import count

    if differences.empty:
        return ["the other source has the same bars, within the tolerances"]
    lines = [f"{count(len(differences), 'value')} beyond the tolerances"]
    lines.append(f"  {'symbol':<10}{'time':<22}{'field':<8}{'value':>13}{'other':>13}{'difference':>12}")
    shown = differences.head(_SHOWN)
    labels = [str(time)[:19].removesuffix(" 00:00:00") for time in shown["time"]]
    columns = (shown[name] for name in ("symbol", "field", "value", "other", "difference"))
    for time, symbol, field, value, other, difference in zip(labels, *columns, strict=True):
        numbers = f"{_number(value, ',.7g'):>13}{_number(other, ',.7g'):>13}{_number(difference, '.2%'):>12}"
        lines.append(f"  {symbol:<10}{time:<22}{field:<8}{numbers}")
    if len(differences) > _SHOWN:
        lines.append(f"  and {len(differences) - _SHOWN:,} more (--json lists all)")
    return lines


def _number(value: float, form: str) -> str:
    return format(value, form) if value == value else "-"


def _records(differences: pd.DataFrame) -> list[dict[str, Any]]:
    import json

    records: list[dict[str, Any]] = json.loads(differences.to_json(orient="records", date_format="iso"))
    return records
