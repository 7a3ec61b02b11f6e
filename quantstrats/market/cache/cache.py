"""BarCache: where the bars of vendors are kept, a file for each source, variant and symbol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from quantstrats.atomic import clear_leftovers, write_whole
from quantstrats.errors import DataError
from quantstrats.home import logs_folder
from quantstrats.market.cache.barfile import BarFacts, read_bar_facts

if TYPE_CHECKING:
    from quantstrats.market.sources.remote import RemoteSource

SUPERSEDED_FOLDER = "superseded"
_SUFFIX = ".parquet"


@dataclass(frozen=True)
class Entry:
    """A file of the cache.

    Attributes
    ----------
    source, variant, symbol : str
        Whose bars it holds, by its name.
    file : Path
        Where it is.
    facts : BarFacts or None
        What is known of its bars; None if it cannot be read.
    trouble : str
        Why it cannot be read, with its whole path; empty if it can.
    """

    source: str
    variant: str
    symbol: str
    file: Path
    facts: BarFacts | None
    trouble: str = ""

    @property
    def reason(self) -> str:
        """Why it cannot be read, for lines in which its symbol stands already."""
        return self.trouble.removeprefix(f"{self.file} ").removeprefix("is ")


class BarCache:
    """Bars of vendors on disk: ``<folder>/<source>/<variant>/<symbol>.parquet``, names quoted as in addresses.

    Parameters
    ----------
    folder : Path, optional
        By default ``cache`` in the folder ``logs``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or logs_folder() / "cache"

    def folder_of(self, source: RemoteSource) -> Path:
        """Return the folder with the bars of this source and variant."""
        return self.folder / _quoted(source.name) / _quoted(source.variant)

    def file(self, source: RemoteSource, symbol: str) -> Path:
        """Return where the bars of a symbol are, or would be."""
        return self.folder_of(source) / f"{_quoted(symbol)}{_SUFFIX}"

    def symbols(self, source: RemoteSource) -> list[str]:
        """Return the symbols of which there is a file, ascending."""
        return sorted(unquote(file.stem) for file in self.folder_of(source).glob(f"*{_SUFFIX}") if file.is_file())

    def entries(self) -> Iterator[Entry]:
        """Yield what there is; a file that cannot be read is named with the reason."""
        for file in sorted(self.folder.glob(f"*/*/*{_SUFFIX}")):
            source, variant, symbol = (unquote(name) for name in (*file.parts[-3:-1], file.stem))
            try:
                facts = read_bar_facts(file, symbol)
            except FileNotFoundError:  # someone moved it meanwhile
                continue
            except DataError as error:
                yield Entry(source, variant, symbol, file, None, str(error))
            else:
                yield Entry(source, variant, symbol, file, facts)

    def supersede(self, file: Path, facts: BarFacts) -> Path:
        """Keep a copy of a file that is about to be replaced by other bars, and return its place.

        It stands in the folder ``superseded`` beside the file, and is named after the symbol and the hash of its bars,
        by which a Run names what it saw.
        """
        place = file.parent / SUPERSEDED_FOLDER / f"{file.stem}.{facts.content}{_SUFFIX}"
        place.parent.mkdir(exist_ok=True)
        write_whole(place, file.read_bytes())
        return place

    def clear_leftovers(self, *, dry_run: bool = False) -> list[Path]:
        """Remove what killed writers left, here and in all folders below, and return it; or only say what would go."""
        # Each call looks into a folder and the folders in it.
        folders = [self.folder, *sorted(path for path in self.folder.glob("*/*") if path.is_dir())]
        return [left for folder in folders for left in clear_leftovers(folder, dry_run=dry_run)]


def _quoted(name: str) -> str:
    return quote(name, safe="")
