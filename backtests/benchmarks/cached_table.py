"""A vendor whose bars stand in a file, for benchmarks of the cache: everything but the network is real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import pandas as pd

from quantstrats.market.sources.remote import Download, RemoteSource


@dataclass(frozen=True)
class Tabled(RemoteSource):
    """Daily bars out of a long Parquet table, as a vendor would give them.

    Parameters
    ----------
    path : str
        The table.
    """

    name: ClassVar[str] = "tabled"

    path: str = ""

    @property
    def interval(self) -> str:
        """Daily."""
        return "1d"

    @property
    def bar(self) -> None:
        """Daily."""

    @property
    def variant(self) -> str:
        """Daily."""
        return "1d"

    def download(self, symbols: Sequence[str], first: date | None, last: date) -> Iterator[Download]:
        """Give each symbol's rows of the span."""
        table = pd.read_parquet(self.path).set_index("date")
        for symbol, rows in table.groupby("symbol"):
            if symbol in symbols:
                inside = rows.loc[str(first or "") or None : str(last)]
                yield Download(str(symbol), inside.drop(columns="symbol"))
