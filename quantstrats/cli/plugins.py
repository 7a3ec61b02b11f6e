"""``quantstrats plugins``: what is installed and what could not be loaded; ``show`` tells all about one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from quantstrats.parameters import Parameter
    from quantstrats.plugins import Offer, Plugins

_WIDTH = 80

plugins_app = typer.Typer(rich_markup_mode=None)


@plugins_app.callback(invoke_without_command=True)
def plugins(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print all as JSON.")] = False
) -> None:
    """List every signal, source, allocator, broker and report, and why one cannot load; 'show NAME' tells more."""
    if context.invoked_subcommand:
        return
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import printed_aside
    from quantstrats.plugins import KINDS, Plugins

    with progress_line(), printed_aside():
        found = Plugins.installed()
        offers = [offer for kind in KINDS for offer in _of_kind(found, kind)]
        data = [_as_data(found, offer) for offer in offers] if as_json else []
    if as_json:
        from dataclasses import asdict

        _print_json({"plugins": data, "troubles": [asdict(trouble) for trouble in found.troubles]})
        return
    width = max((len(found.reference(offer.kind, offer.cls)) for offer in found.offers), default=0)
    for kind in KINDS:
        if listed := [offer for offer in offers if offer.kind == kind]:
            typer.echo(f"{kind}s")
            for offer in listed:
                _list(found, offer, min(width, 24))
            typer.echo()
    typer.echo("quantstrats plugins show NAME tells all about one.")
    for trouble in found.troubles:
        typer.echo(trouble.line, err=True)


@plugins_app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a plugin, or the path of a file with one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell all about one: documentation, provider, version, file, parameters, and how to set them."""
    from quantstrats.cli.progress import progress_line
    from quantstrats.cli.strangers import installed_plugins, printed_aside

    with progress_line(), printed_aside():
        found = installed_plugins()
        offers = found.all_named(name)
        data = [_as_data(found, offer) for offer in offers]
    if as_json:
        _print_json(data)
        return
    for number, offer in enumerate(offers):
        if number:
            typer.echo(f"\n{'-' * _WIDTH}\n")
        _show(found, offer)


def _asked(found: Plugins, offer: Offer) -> str:
    """Return the shortest name by which a user asks for an offer from here."""
    import os
    from pathlib import Path

    name = found.reference(offer.kind, offer.cls)
    near = os.path.relpath(offer.provider) if offer.from_file else ".."
    if near.startswith(".."):
        return name
    alone = sum((each.kind, each.provider) == (offer.kind, offer.provider) for each in found.offers) == 1
    return f"./{Path(near).as_posix()}" + ("" if alone else f":{offer.name}")


def _of_kind(found: Plugins, kind: str) -> list[Offer]:
    return sorted(
        (offer for offer in found.offers if offer.kind == kind), key=lambda offer: (offer.name, offer.provider)
    )


def _list(found: Plugins, offer: Offer, width: int) -> None:
    """Print a name with what it is beside it, and below that who provides it and what it takes."""
    from quantstrats.parameters import parameters_of, summary_of

    name = found.reference(offer.kind, offer.cls)
    takes = ", ".join(f"{each.name}={each.default_text}" for each in parameters_of(offer.cls))
    facts = "; ".join(filter(None, (f"{offer.provider} {offer.version}".strip(), takes)))
    margin = " " * (width + 4)
    lines = [*_wrapped(summary_of(offer.cls), margin), *_wrapped(facts, margin)]
    if len(name) <= width:
        lines[0] = f"  {name:<{width}}  {lines[0].strip()}"
    else:
        typer.echo(f"  {name}")
    typer.echo("\n".join(lines))


def _show(found: Plugins, offer: Offer) -> None:
    import shlex

    from quantstrats.parameters import body_of, parameters_of

    name, parameters = _asked(found, offer), parameters_of(offer.cls)
    typer.echo("\n".join([f"{offer.kind} {offer.name}", "", *_paragraphs(body_of(offer.cls)), ""]))
    facts = _facts(offer)
    for label, value in facts.items():
        typer.echo("\n".join(_wrapped(value, " " * 10, f"{label:<10}")))
    typer.echo("\nparameters" if parameters else "\nno parameters")
    if parameters:
        rows = [[each.name, each.type, each.default_text, each.help or "(not described)"] for each in parameters]
        typer.echo("\n".join(_table([["name", "type", "default", "help"], *rows])))
    block = _BLOCKS.get(offer.kind)
    if issubclass(offer.cls, _side_source()):
        typer.echo("\non the command line")
        typer.echo("\n".join(f"  {line}" for line in _side_commands(shlex.quote(name), parameters)))
        typer.echo("\nin a configuration file")
        typer.echo("\n".join(f"  {line}" for line in _side_yaml(name, parameters)))
    elif block:
        typer.echo("\non the command line")
        typer.echo("\n".join(f"  {line}" for line in _commands(offer.kind, shlex.quote(name), parameters)))
        typer.echo("\nin a configuration file")
        typer.echo("\n".join(f"  {line}" for line in _yaml(block, name, parameters)))


# In which block of a configuration a kind stands, and under which key its name.
_BLOCKS = {"signal": ("signal", "name"), "source": ("data", "source"), "allocator": ("allocation", "name")}


def _facts(offer: Offer) -> dict[str, str]:
    facts = {"provider": f"{offer.provider} {offer.version}".strip()}
    if file := _file(offer.cls):
        facts["file"] = file
    if offer.kind == "signal":
        cls: Any = offer.cls
        facts["needs"] = ", ".join(cls.needs) or "no side series"
        if cls.resets:
            facts["resets"] = f"each {cls.resets}"
        if hasattr(cls, "fit"):
            facts["learner"] = "fitted anew each period that refit names"
        if not cls.scale_free:
            facts["scale"] = "depends on the scale of prices"
    return facts


def _file(cls: type) -> str:
    """Return the file of a class, by the shorter of its paths."""
    import inspect
    import os

    try:
        file = inspect.getsourcefile(cls)
    except TypeError:
        return ""
    return min(file, os.path.relpath(file), key=len) if file else ""


def _commands(kind: str, name: str, parameters: list[Parameter]) -> list[str]:
    import shlex

    block, key = _BLOCKS[kind]
    start = {
        "signal": f"quantstrats backtest {name}",
        "source": f"quantstrats backtest SIGNAL --data {name}",
        "allocator": f"quantstrats backtest SIGNAL --set {block}.{key}={name}",
    }[kind]
    if not parameters:
        return [start]
    # One that must be given, else the last: the class's own, where others come from its base.
    shown = next((each for each in parameters if each.needed), parameters[-1])
    value = "VALUE" if shown.needed else shlex.quote(shown.default_text)
    setting = f"--set {block}.{shown.name}={value}"
    whole = f"{start} {setting}"
    return [whole] if len(whole) <= _WIDTH - 2 else [f"{start} \\", f"    {setting}"]


def _yaml(block: tuple[str, str], name: str, parameters: list[Parameter]) -> list[str]:
    import yaml

    values = {each.name: "VALUE" if each.needed else each.default for each in parameters}
    text: str = yaml.safe_dump(
        {block[0]: {block[1]: name, **values}}, sort_keys=False, allow_unicode=True, width=_WIDTH
    )
    return text.splitlines()


def _side_source() -> type:
    from quantstrats.market.sources.base import SideSource

    return SideSource


def _side_commands(name: str, parameters: list[Parameter]) -> list[str]:
    """Return how a side series of this source is put beside bars; NAME is what a signal calls it."""
    import shlex

    needed = [each.name for each in parameters if each.needed] or [each.name for each in parameters[:1]]
    settings = [f"--set data.side.NAME.{key}=VALUE" for key in needed]
    lines = [f"    --set data.side.NAME.source={shlex.quote(name)}", *(f"    {setting}" for setting in settings)]
    return " \\\n".join(["quantstrats backtest SIGNAL", *lines]).splitlines()


def _side_yaml(name: str, parameters: list[Parameter]) -> list[str]:
    import yaml

    values = {each.name: "VALUE" if each.needed else each.default for each in parameters}
    content = {"data": {"side": {"NAME": {"source": name, **values}}}}
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text.splitlines()


def _as_data(found: Plugins, offer: Offer) -> dict[str, Any]:
    from dataclasses import asdict

    from quantstrats.parameters import body_of, parameters_of, summary_of

    data: dict[str, Any] = {
        "kind": offer.kind,
        "name": offer.name,
        "reference": found.reference(offer.kind, offer.cls),
        "provider": offer.provider,
        "version": offer.version,
        "file": _file(offer.cls),
        "summary": summary_of(offer.cls),
        "documentation": body_of(offer.cls),
        "parameters": [asdict(each) for each in parameters_of(offer.cls)],
    }
    if offer.kind == "signal":
        cls: Any = offer.cls
        data |= {"needs": list(cls.needs), "resets": cls.resets, "scale_free": cls.scale_free}
        data["learner"] = hasattr(cls, "fit")
    return data


def _print_json(data: Any) -> None:
    import json

    typer.echo(json.dumps(data, indent=2))


def _wrapped(text: str, margin: str, first: str | None = None) -> list[str]:
    import textwrap

    start = margin if first is None else first
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=margin, break_on_hyphens=False) or [
        start
    ]


def _paragraphs(text: str) -> list[str]:
    """Return documentation wrapped anew, but for what is indented, a list or a table."""
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        as_it_is = any(line.startswith((" ", "-", "*", "|", ">")) for line in paragraph.splitlines())
        lines += ["", *(paragraph.splitlines() if as_it_is else _wrapped(paragraph, ""))]
    return lines[1:] if text else ["(no documentation)"]


def _table(rows: list[list[str]]) -> list[str]:
    """Return rows of cells, each wrapped within its column; the last column takes what is left."""
    import textwrap
    from itertools import zip_longest

    most = (_WIDTH, 20, 16)  # a name is never broken
    widths = [min(limit, max(len(row[column]) for row in rows)) for column, limit in enumerate(most)]
    widths.append(_WIDTH - 2 - sum(widths) - 2 * len(widths))
    lines = []
    for row in rows:
        cells = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(row, widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            padded = "  ".join(f"{part:<{width}}" for part, width in zip(parts, widths, strict=True))
            lines.append(f"  {padded}".rstrip())
    return lines
