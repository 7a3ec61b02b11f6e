"""``quantstrats plugins``: what is installed, and what could not be loaded."""

from __future__ import annotations

import dataclasses
import inspect
import textwrap

import typer


def plugins() -> None:
    """List every signal, source, allocator, broker and report, and why one cannot load."""
    from quantstrats.plugins import KINDS, Plugins

    found = Plugins.installed()
    width = max((len(offer.name) for offer in found.offers), default=0)
    for kind in KINDS:
        offers = sorted((offer for offer in found.offers if offer.kind == kind), key=lambda offer: offer.name)
        if not offers:
            continue
        typer.echo(f"{kind}s")
        for offer in offers:
            about = (inspect.getdoc(offer.cls) or "").split("\n")[0].replace("`", "")
            fields = ", ".join(
                f.name if f.default is dataclasses.MISSING else f"{f.name}={f.default}"
                for f in dataclasses.fields(offer.cls)
                if f.init
            )
            takes = f" Takes {fields}." if fields else ""
            who = f"{offer.provider} {offer.version}".strip()
            typer.echo(
                textwrap.fill(
                    f"{offer.name:<{width}}  {about}{takes} [{who}]",
                    initial_indent="  ",
                    subsequent_indent=" " * (width + 4),
                    width=80,
                )
            )
        typer.echo()
    for trouble in found.troubles:
        typer.echo(f"skipped: {trouble.plugin} of {trouble.provider}: {trouble.reason}", err=True)
