"""``quantstrats data prune``: remove what stands aside in the cache, and what killed processes left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from quantstrats.market.cache.aside import Aside


def prune(
    older_than: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="DAYS", help="Only what was put aside over DAYS ago (default: all)."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove bars that were replaced because the vendor revised them, damaged files, and what killed processes left.

    The bars that are in use stay.
    """
    from datetime import UTC, datetime

    from quantstrats.cli.texts import count
    from quantstrats.market.cache.aside import put_aside
    from quantstrats.market.cache.cache import BarCache

    cache = BarCache()
    now = datetime.now(UTC)
    leftovers = {path: _size(path) for path in cache.clear_leftovers(dry_run=True)}
    if not dry_run:
        leftovers = {path: leftovers.get(path, 0) for path in cache.clear_leftovers()}
    old = [
        each
        for each in put_aside(cache)
        if older_than is None or (now - each.put_at).total_seconds() > older_than * 86400.0
    ]
    if not dry_run:
        _remove(each.file for each in old)
    did = "would remove" if dry_run else "removed"
    for line in _lines(old, cache.folder):
        typer.echo(f"{did} {line}")
    for path in leftovers:
        typer.echo(f"{did} leftover {path.relative_to(cache.folder)}")
    number = {kind: count(sum(_is(each, kind) for each in old), f"{kind} file") for kind in ("superseded", "damaged")}
    size = sum(each.size for each in old) + sum(leftovers.values())
    typer.echo(
        f"{did} {number['superseded']}, {number['damaged']} and {count(len(leftovers), 'leftover')}, "
        f"{count(size, 'byte')}, in {cache.folder}"
    )


def _remove(files: Iterable[Path]) -> None:
    from quantstrats.errors import DataError

    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(f"{file} cannot be removed: {error.strerror or error}") from None


def _lines(old: list[Aside], folder: Path) -> list[str]:
    """Say what goes, a line for each folder."""
    from quantstrats.cli.texts import WIDTH, count, cut

    groups: dict[Path, list[Aside]] = {}
    for each in old:
        groups.setdefault(each.file.parent, []).append(each)
    lines = []
    for place, group in groups.items():
        files = count(sum(_is(each, each.kind) for each in group), f"{group[0].kind} file")
        whose = ", ".join(dict.fromkeys(each.name for each in group))
        room = WIDTH - len("would remove ")
        lines.append(cut(f"{files} in {place.parent.relative_to(folder)}: {whose}", room))
    return lines


def _is(each: Aside, kind: str) -> bool:
    """Tell whether it is a file of this kind, not the text beside one."""
    return each.kind == kind and each.file.suffix == ".parquet"


def _size(path: Path) -> int:
    """Return how many bytes a file has, or all files in a folder."""
    from contextlib import suppress

    size = 0
    for each in (path, *path.rglob("*")):
        with suppress(OSError):
            size += each.stat().st_size if each.is_file() else 0
    return size
