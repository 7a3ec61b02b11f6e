"""All rules by which bars are examined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantstrats.market.quality import gaps, moves, prints, ranges, stale, volumes
from quantstrats.market.quality.rule import NOT_KEPT, Rule

if TYPE_CHECKING:
    from quantstrats.market.quality.part import Part
    from quantstrats.market.quality.rule import Hits

RULES: tuple[Rule, ...] = (
    *ranges.RULES,
    *prints.RULES,
    *moves.RULES,
    *stale.RULES,
    *volumes.RULES,
    *gaps.RULES,
)


def _nothing(part: Part) -> Hits:
    """Find nothing: such rows do not come as far as to be bars."""
    return part.joined()


# What is found while rows are read; whatever is done about it but failing, the row is left out.
ROW_RULES: tuple[Rule, ...] = (
    Rule("duplicate", "the same time and symbol stand again", "impossible", "bar", _nothing, NOT_KEPT),
    Rule("off_session", "the time is none at which the exchange has a bar", "impossible", "bar", _nothing, NOT_KEPT),
    Rule("adjusted_close", "the adjusted close is not a price", "impossible", "close", _nothing, NOT_KEPT),
)

BY_NAME = {rule.name: rule for rule in (*ROW_RULES, *RULES)}
