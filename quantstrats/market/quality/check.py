"""Check bars: examine them by rules, and do about what is found what a policy says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from quantstrats.market.quality.block import Block
from quantstrats.market.quality.part import Part, some_columns
from quantstrats.market.quality.repair import Repair, apply_repair
from quantstrats.market.quality.report import QualityReport
from quantstrats.market.quality.rule import Hits
from quantstrats.market.quality.rules import RULES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.market import Market
    from quantstrats.market.quality.rule import Rule

# How many bars of a Market are copied at once, to be changed.
_MOST_CELLS = 1_000_000


def examine(block: Block, rules: Sequence[Rule] | None = None) -> list[tuple[Rule, Hits]]:
    """Return what rules find in bars; the bars are not changed.

    Parameters
    ----------
    block : Block
        The bars.
    rules : sequence of Rule, optional
        By default all there are.

    Returns
    -------
    list of (Rule, Hits)
        Every rule in the order given, whether or not it found something. Whether a row is hit depends on that row, the
        rows before it and the exchange's calendar alone.
    """
    chosen = RULES if rules is None else rules
    found: list[list[Hits]] = [[] for _ in chosen]
    columns = []
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for first, part in Part.split(block):
            columns.append(first)
            for number, rule in enumerate(chosen):
                found[number].append(rule.find(part))
    shape = len(block.grid.index), len(block.symbols)
    return [(rule, Hits.joined(shape, hits, columns)) for rule, hits in zip(chosen, found, strict=True)]


def check_market(
    market: Market, policy: Repair | str | Mapping[str, str] | None = None
) -> tuple[Market, QualityReport]:
    """Examine the bars of a Market, and do about what is found what a policy says.

    Parameters
    ----------
    market : Market
        The bars.
    policy : Repair, str or mapping, optional
        What to do; by default what is doubtful is kept. What cannot be in a Market is not in it.

    Returns
    -------
    Market, QualityReport
        The same Market if nothing changed, and what was found.

    Raises
    ------
    ConfigError
        If the policy names a rule or an action that is none.
    DataError
        If the policy refuses something, with the first place.
    """
    repair = Repair.of(policy)
    fields = {field: market.array(field) for field in ("open", "high", "low", "close", "volume")}
    changed: dict[str, NDArray[np.float64]] = {}
    reports = []
    width = max(_MOST_CELLS // len(market), 1)
    for first in range(0, len(market.symbols), width):
        columns = slice(first, first + width)
        symbols = [str(symbol) for symbol in market.symbols[columns]]
        block = Block(market.timeline.grid, symbols, market.bar, some_columns(fields, columns))
        found = examine(block)
        changes = repair.changes(found)
        if changes:
            block = Block(block.grid, symbols, market.bar, some_columns(fields, columns, copied=True))
        reports.append(apply_repair(repair, block, found))
        if changes:
            changed = changed or some_columns(fields, slice(None), copied=True)
            for field, array in block.values.items():
                changed[field][:, columns] = array
    report = QualityReport.joined(reports)
    return (market.with_values(changed) if changed else market), report
