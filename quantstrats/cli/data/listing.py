"""``quantstrats data list``: what is kept of vendors' bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantstrats.cli.data import options  # noqa: TC001 - typer reads the types when it runs

if TYPE_CHECKING:
    from pathlib import Path

    from quantstrats.market.cache.cache import Entry

_SHOWN = 12


def list_cached(
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="Only what is kept of this source, symbol by symbol.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read every byte of them, to find damage anywhere.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """List what is kept of vendors' bars and series in logs/cache: spans, when it was fetched, revisions.

    Damage at the end of a file, where it says what it holds, is told; --verify looks at the rest as well, and
    leaves with 1 if there is any.
    """
    from quantstrats.cli.texts import print_json
    from quantstrats.market.cache.cache import BarCache

    cache = BarCache()
    entries = [entry for entry in cache.entries() if source is None or entry.source == source]
    if verify:
        entries = [_verified(entry) for entry in entries]
    damaged = verify and any(entry.trouble for entry in entries)
    if as_json:
        print_json([_plain(entry) for entry in entries])
        raise typer.Exit(1 if damaged else 0)
    answers = _answers(cache.folder, source)
    if not entries and not answers:
        of = f" of {source}" if source else ""
        typer.echo(f"nothing{of} is kept in {cache.folder} (quantstrats data fetch asks a vendor)")
        return
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        groups.setdefault((entry.source, entry.variant), []).append(entry)
    for (name, variant), group in groups.items():
        typer.echo("\n".join(_lines(name, variant, group, every=source is not None)))
    for name, files in answers.items():
        typer.echo("\n".join(_answer_lines(name, files, every=source is not None)))
    if damaged:
        raise typer.Exit(1)


def _lines(source: str, variant: str, entries: list[Entry], *, every: bool) -> list[str]:
    from quantstrats.cli.texts import WIDTH, count, cut

    size = sum(entry.file.stat().st_size for entry in entries if entry.file.exists())
    shown_size = f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
    lines = [f"{source} {variant}: {count(len(entries), 'symbol')}, {shown_size}"]
    lines.append(f"  {'symbol':<10}{'bars':<24}{'':>9}       fetched")
    sound = [(entry.symbol, entry.facts) for entry in entries if entry.facts is not None]
    shown = sound if every else sound[:_SHOWN]
    for symbol, facts in shown:
        ends = [str(bar.date()) for bar in (facts.first_bar, facts.last_bar) if bar is not None]
        span = f"{' to '.join(ends) or 'no bars':<24}{facts.rows:>9,} bars"
        revised = f"  revised {len(facts.revisions)}x" if facts.revisions else ""
        lines.append(f"  {symbol:<10}{span}  {facts.fetched_at:%Y-%m-%d}{revised}"[:WIDTH])
    if len(shown) < len(sound):
        lines.append(f"  and {len(sound) - len(shown):,} more (quantstrats data list {source} lists all)")
    return lines + [f"  ! {cut(f'{entry.symbol}: {entry.reason}', WIDTH - 4)}" for entry in entries if entry.reason]


def _answers(folder: Path, source: str | None) -> dict[str, list[Path]]:
    """Return the kept answers about side series, by source: they have no folder of their own for each variant."""
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*/*.parquet")):
        if source is None or file.parent.name == source:
            found.setdefault(file.parent.name, []).append(file)
    return found


def _answer_lines(source: str, files: list[Path], *, every: bool) -> list[str]:
    from datetime import UTC, datetime

    from quantstrats.cli.texts import WIDTH, count

    size = sum(file.stat().st_size for file in files)
    lines = [f"{source}: {count(len(files), 'answer')} about side series, {size / 1e3:,.0f} kB"]
    shown = files if every else files[:_SHOWN]
    for file in shown:
        day = datetime.fromtimestamp(file.stat().st_mtime, tz=UTC).date()
        lines.append(f"  {file.stem:<43}       {day}"[:WIDTH])
    if len(shown) < len(files):
        lines.append(f"  and {len(files) - len(shown):,} more (quantstrats data list {source} lists all)")
    return lines


def _verified(entry: Entry) -> Entry:
    """Return the entry once every byte of its file was looked at."""
    from dataclasses import replace

    from quantstrats.errors import DataError
    from quantstrats.market.cache.barfile import check_bars

    if entry.facts is None:
        return entry
    try:
        check_bars(entry.file, entry.symbol, None, None)
    except DataError as error:
        return replace(entry, facts=None, trouble=str(error))
    return entry


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
