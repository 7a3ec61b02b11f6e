"""Section: a part of a page under a heading."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from quantstrats.reports.drawing import Picture

if TYPE_CHECKING:
    from quantstrats.reports.charts.chart import Chart
    from quantstrats.reports.tables import Table
    from quantstrats.reports.tradelog import TradeLog


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading.

    Attributes
    ----------
    key : str
        What links to it name.
    title : str
        Its heading.
    notes : list of str
        Lines below the heading.
    shown : list of Chart or Picture
        In order; those that are left out have their reason below.
    choices : list of Chart
        Charts of which a reader chooses one.
    tables : list of Table
        Below these.
    log : TradeLog or None
        The last.
    """

    key: str
    title: str
    notes: list[str] = field(default_factory=list)
    shown: list[Chart | Picture] = field(default_factory=list)
    choices: list[Chart] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    log: TradeLog | None = None

    @property
    def charts(self) -> list[Chart]:
        """Interactive charts."""
        return [each for each in self.shown if not isinstance(each, Picture) and not each.left_out]

    @property
    def pictures(self) -> list[Picture]:
        """Pictures that were drawn."""
        return [each for each in self.shown if isinstance(each, Picture) and not each.left_out]

    @property
    def missing(self) -> list[Chart | Picture]:
        """What cannot be shown for this run."""
        return [each for each in self.shown if each.left_out]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show under the heading."""
        return not (self.notes or self.shown or self.choices or self.tables or self.log)
