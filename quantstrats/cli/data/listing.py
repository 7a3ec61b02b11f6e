"""``quantstrats data list``: what is kept of vendors' bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantstrats.cli.data import options  # noqa: TC001 - typer reads the types when it runs

if TYPE_CHECKING:
    from quantstrats.market.cache.cache import Entry

_SHOWN = 12


def list_cached(
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="Only what is kept of this source, symbol by symbol.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List what is kept of vendors' bars in logs/cache: spans, when it was fetched, revisions, damage."""
    from quantstrats.cli.texts import print_json
    from quantstrats.market.cache.cache import BarCache

    cache = BarCache()
    entries = [entry for entry in cache.entries() if source is None or entry.source == source]
    if as_json:
        print_json([_plain(entry) for entry in entries])
        return
    if not entries:
        of = f" of {source}" if source else ""
        typer.echo(f"nothing{of} is kept in {cache.folder} (quantstrats data fetch asks a vendor)")
        return
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.source, entry.variant), []).append(entry)
    for (name, variant), group in groups.items():
        typer.echo("\n".join(_lines(name, variant, group, every=source is not None)))


def _lines(source: str, variant: str, entries: list[Entry], *, every: bool) -> list[str]:
    from quantstrats.cli.texts import WIDTH, count, cut

    size = sum(entry.file.stat().st_size for entry in entries if entry.file.exists())
    shown_size = f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
    lines = [f"{source} {variant}: {count(len(entries), 'symbol')}, {shown_size}"]
    sound = [(entry.symbol, entry.facts) for entry in entries if entry.facts is not None]
    shown = sound if every else sound[:_SHOWN]
    for symbol, facts in shown:
        ends = [str(bar.date()) for bar in (facts.first_bar, facts.last_bar) if bar is not None]
        span = f"{' to '.join(ends) or 'no bars':<24}{facts.rows:>9,} bars"
        revised = f", revised {len(facts.revisions)}x" if facts.revisions else ""
        lines.append(f"  {symbol:<10}{span}  fetched {facts.fetched_at:%Y-%m-%d}{revised}"[:WIDTH])
    if len(shown) < len(sound):
        lines.append(f"  and {len(sound) - len(shown):,} more (quantstrats data list {source} lists all)")
    return lines + [f"  ! {cut(f'{entry.symbol}: {entry.trouble}', WIDTH - 4)}" for entry in entries if entry.trouble]


def _plain(entry: Entry) -> dict[str, Any]:
    named = {"source": entry.source, "variant": entry.variant, "symbol": entry.symbol, "file": str(entry.file)}
    if entry.facts is None:
        return {**named, "trouble": entry.trouble}
    facts = entry.facts
    bars = {"first_bar": facts.first_bar, "last_bar": facts.last_bar}
    return {
        **named,
        "rows": facts.rows,
        **{name: None if bar is None else bar.isoformat() for name, bar in bars.items()},
        "fetched_at": facts.fetched_at.isoformat(),
        "content": facts.content,
        "revisions": [revision.as_plain() for revision in facts.revisions],
    }
