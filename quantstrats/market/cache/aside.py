"""What stands aside in the cache: files that others replaced, and files that were damaged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from quantstrats.market.cache.cache import SUPERSEDED_FOLDER
from quantstrats.market.cache.checked import DAMAGED_FOLDER

if TYPE_CHECKING:
    from quantstrats.market.cache.cache import BarCache

_SUPERSEDED = re.compile(r"(?P<name>.+)\.[0-9a-f]{64}\.parquet")
_DAMAGED = re.compile(r"(?P<name>.+)\.(?P<moment>\d{8}T\d{6})-[0-9a-f]{6}\.(parquet|txt)")


@dataclass(frozen=True)
class Aside:
    """A file that was put aside.

    Attributes
    ----------
    kind : {"superseded", "damaged"}
        Why.
    name : str
        Whose it is: a symbol, or what an answer is called.
    file : Path
        Where it is.
    put_at : datetime
        When it was put there (UTC).
    size : int
        Bytes.
    """

    kind: Literal["superseded", "damaged"]
    name: str
    file: Path
    put_at: datetime
    size: int


def put_aside(cache: BarCache) -> Iterator[Aside]:
    """Yield the files that were put aside; of a damaged one, the text that says why is another.

    Files in the same folders whose names are of another kind are nobody's to remove, and are left out.
    """
    for file in sorted(cache.folder.glob(f"*/*/{SUPERSEDED_FOLDER}/*")):
        # It was written there, and never again.
        if named := _SUPERSEDED.fullmatch(file.name):
            yield from _found("superseded", named["name"], file, None)
    # Answers of vendors of side series have no folder of a variant.
    for pattern in (f"*/{DAMAGED_FOLDER}/*", f"*/*/{DAMAGED_FOLDER}/*"):
        for file in sorted(cache.folder.glob(pattern)):
            # It was moved there, with the time at which it was written: its name says when.
            if named := _DAMAGED.fullmatch(file.name):
                moment = datetime.strptime(named["moment"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
                yield from _found("damaged", named["name"], file, moment)


def _found(kind: Literal["superseded", "damaged"], name: str, file: Path, put_at: datetime | None) -> Iterator[Aside]:
    try:
        status = file.stat()
    except FileNotFoundError:  # someone removed it meanwhile
        return
    yield Aside(kind, unquote(name), file, put_at or datetime.fromtimestamp(status.st_mtime, UTC), status.st_size)
