"""Repair: what is done about what was found in bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.errors import ConfigError, DataError, did_you_mean
from quantstrats.market.frames import FIELDS, PRICES, row_label
from quantstrats.market.quality.report import QualityReport, counted
from quantstrats.market.quality.rule import ACTIONS, NOT_REPAIRED
from quantstrats.market.quality.rules import BY_NAME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quantstrats.market.quality.block import Block
    from quantstrats.market.quality.rule import Hits, Rule

    Cells = tuple[NDArray[np.int32], NDArray[np.int32]]

_CHANGES = ("drop", "mask", "winsorise")
_DEFAULT = "default"


@dataclass(frozen=True)
class Repair:
    """What is done about what rules find in bars.

    - ``keep``: it is left as it is, and reported.
    - ``fail``: the bars are refused, with the first place.
    - ``drop``: the whole bar becomes missing.
    - ``mask``: only wrong values go. A volume becomes unknown, a high or low becomes the higher or lower one of open
      and close; where open or close is wrong itself, the bar becomes missing.
    - ``winsorise``: the wrong value becomes the nearest one that the rule allows, which is known from the bar and those
      before it; where the rule knows none, as ``mask``.

    Whatever is changed is still a bar afterwards, its open and close above zero and between low and high, for which a
    high or low may follow an open or close that was moved; or it is missing. No repair looks at later bars.

    One word stands for all rules that allow it, but for those on what is unusual and may well have happened (outlier,
    stale_price, zero_volume): to take real crashes out of the past is no repair, so these are changed only where they
    are named. What cannot be in a Market, as a price of zero, cannot be kept and fails instead. A missing bar, an
    unadjusted split, a reused symbol and a stretch of stale opens cannot be mended in one bar: they are kept. The word
    ``fail`` refuses every finding.

    Parameters
    ----------
    given : str, or mapping of str to str, optional
        A word; or actions by rule, with "default" for all others. By default, what cannot be a bar fails and what is
        doubtful is kept.

    Raises
    ------
    ConfigError
        If there is no such rule or action, or a rule that is named does not allow it.
    """

    given: str | Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        given = self.given
        if given is None:
            return
        if isinstance(given, str):
            _check_action("repair", given)
            return
        if not isinstance(given, Mapping):
            raise ConfigError(f"repair is {given!r}; give one of {', '.join(ACTIONS)}, or one for each rule")
        for name, action in given.items():
            if name != _DEFAULT and name not in BY_NAME:
                hint = did_you_mean(name, [*BY_NAME, _DEFAULT])
                raise ConfigError(f"repair: no rule called {name!r}{hint} (rules are {', '.join(BY_NAME)})")
            _check_action(f"repair of {name}", action)
            if name != _DEFAULT and action not in BY_NAME[name].actions:
                allowed = ", ".join(BY_NAME[name].actions)
                raise ConfigError(f"repair of {name} is {action!r}, which it does not allow; give one of {allowed}")

    @classmethod
    def of(cls, policy: Repair | str | Mapping[str, str] | None) -> Repair:
        """Return a policy as it is, or made from a word or a mapping."""
        return policy if isinstance(policy, Repair) else cls(policy)

    def action(self, rule: str) -> str:
        """Return what is done about what a rule, given by its name, finds."""
        known = BY_NAME[rule]
        if isinstance(self.given, Mapping):
            if rule in self.given:
                return self.given[rule]
            word = self.given.get(_DEFAULT)
        else:
            word = self.given
        if word not in known.actions or (known.kind == "unusual" and word in _CHANGES):
            return known.default
        return word

    def changes(self, found: Sequence[tuple[Rule, Hits]]) -> bool:
        """Tell whether anything that was found is to be changed."""
        return any(len(hits) and self.action(rule.name) in _CHANGES for rule, hits in found)

    def as_plain(self) -> str | dict[str, str] | None:
        """Return the policy as plain data, from which it can be made again."""
        return dict(self.given) if isinstance(self.given, Mapping) else self.given


def with_word_as_default(policy: Any) -> Any:
    """Return a policy as it was meant where ``--set`` gave a word, and then actions of single rules.

    What is looked into by a setting becomes a mapping, in which the word that stood there is called "name".
    """
    if not isinstance(policy, Mapping) or "name" not in policy:
        return policy
    return {_DEFAULT: policy["name"], **{rule: action for rule, action in policy.items() if rule != "name"}}


@dataclass(frozen=True)
class Failure:
    """What a policy refuses.

    Attributes
    ----------
    rule : str
        Name of the rule.
    what : str
        What is wrong, as in "high is below low".
    count : int
        How many bars are wrong so.
    row, column : int
        The first of them.
    field : str
        Which of its values is wrong.
    value : float
        That value; NaN where there is none.
    advice : str
        What may be done about it.
    """

    rule: str
    what: str
    count: int
    row: int
    column: int
    field: str
    value: float
    advice: str


def first_failure(policy: Repair, block: Block, found: Sequence[tuple[Rule, Hits]]) -> Failure | None:
    """Return what a policy refuses of what was found: the first rule that fails, or None."""
    for rule, hits in found:
        if not len(hits) or policy.action(rule.name) != "fail":
            continue
        [(_, hits)] = counted(block, [(rule, hits)])
        if not len(hits):
            continue
        cells = np.unique(hits.row.astype("int64") * hits.shape[1] + hits.column)
        count = len(cells) + int((hits.bars - 1).sum())
        field = FIELDS[hits.field[0]]
        repair = f"{{{rule.name}: keep}}" if rule.actions == NOT_REPAIRED else "drop"
        return Failure(
            rule.name,
            rule.text(field),
            count,
            int(hits.row[0]),
            int(hits.column[0]),
            field,
            float(hits.value[0]),
            f"mend the data, or set data.repair: {repair}",
        )
    return None


def apply_repair(policy: Repair, block: Block, found: Sequence[tuple[Rule, Hits]]) -> QualityReport:
    """Do what a policy says about what was found, in the arrays of the block.

    Parameters
    ----------
    policy : Repair
        What to do.
    block : Block
        The bars; their arrays are changed in place, if at all.
    found : sequence of (Rule, Hits)
        What :func:`quantstrats.market.quality.check.examine` found in them.

    Returns
    -------
    QualityReport
        Every finding with what was done about it.

    Raises
    ------
    DataError
        If the policy refuses something, with the rule, the number of bars and the first place.
    """
    failure = first_failure(policy, block, found)
    if failure is not None:
        raise DataError(_refusal(block, failure))
    told = counted(block, found)
    actions = [_actions(policy.action(rule.name), hits) for rule, hits in told]
    report = QualityReport.of_block(block, told, actions)
    if policy.changes(told):
        _change(block.values, told, actions)
    return report


def _actions(action: str, hits: Hits) -> NDArray[np.int8]:
    """Return what is done about each hit; where there is no bound, nothing can be moved to it."""
    actions = np.full(len(hits), ACTIONS.index(action), dtype="int8")
    if action == "winsorise":
        actions[np.isnan(hits.bound)] = ACTIONS.index("mask")
    return actions


def _change(
    values: dict[str, NDArray[np.float64]], found: Sequence[tuple[Rule, Hits]], actions: Sequence[NDArray[np.int8]]
) -> None:
    def chosen(action: str) -> list[tuple[Rule, Hits]]:
        number = ACTIONS.index(action)
        picked = [(rule, hits.only(done == number)) for (rule, hits), done in zip(found, actions, strict=True)]
        return [(rule, hits) for rule, hits in picked if len(hits)]

    # Of several rules that move one value the first one listed counts, hence is the last to write; but a point that is
    # put right comes before any bound.
    moved = chosen("winsorise")[::-1]
    for _, hits in sorted(moved, key=lambda pair: pair[0].name == "decimal_shift"):
        _winsorise(values, hits)
    masked = [hits for _, hits in chosen("mask")]
    gone = [_masked(values, hits) for hits in masked]
    changed = [(hits.row, hits.column) for _, hits in moved]
    changed += [(hits.row, hits.column) for hits in masked]
    gone += [_no_bar_any_more(values, cells) for cells in changed]
    gone += [(hits.row, hits.column) for _, hits in chosen("drop")]
    for cells in gone:
        for array in values.values():
            array[cells] = np.nan


def _winsorise(values: dict[str, NDArray[np.float64]], hits: Hits) -> None:
    cells = hits.row, hits.column
    # The prices of a bar without a range move together.
    flat = np.all([values[field][cells] == values["close"][cells] for field in PRICES], axis=0)
    for number, field in enumerate(FIELDS):
        mine = hits.field == number
        values[field][hits.row[mine], hits.column[mine]] = hits.bound[mine]
        if field in ("open", "close"):
            together = mine & flat
            for price in PRICES:
                values[price][hits.row[together], hits.column[together]] = hits.bound[together]


def _masked(values: dict[str, NDArray[np.float64]], hits: Hits) -> Cells:
    """Mask single values, and return the bars that go altogether."""
    for field, bounding in (("high", np.maximum), ("low", np.minimum)):
        mine = hits.field == FIELDS.index(field)
        cells = hits.row[mine], hits.column[mine]
        values[field][cells] = bounding(values["open"][cells], values["close"][cells])
    volume = hits.field == FIELDS.index("volume")
    values["volume"][hits.row[volume], hits.column[volume]] = np.nan
    whole = np.isin(hits.field, [FIELDS.index("open"), FIELDS.index("close")])
    return hits.row[whole], hits.column[whole]


def _no_bar_any_more(values: dict[str, NDArray[np.float64]], cells: Cells) -> Cells:
    """Let highs and lows follow open and close, and return the bars whose prices cannot be."""
    open_, close = values["open"][cells], values["close"][cells]
    high = np.maximum(values["high"][cells], np.maximum(open_, close))
    low = np.minimum(values["low"][cells], np.minimum(open_, close))
    # Written only where they change: prices that are one array would write over each other.
    for field, price in (("high", high), ("low", low)):
        moved = values[field][cells] != price
        values[field][cells[0][moved], cells[1][moved]] = price[moved]
    fit = (low > 0) & (high < np.inf)
    return cells[0][~fit], cells[1][~fit]


def _refusal(block: Block, failure: Failure) -> str:
    bars = "1 bar" if failure.count == 1 else f"{failure.count} bars"
    place = f"{row_label(block.grid.index[failure.row])} {block.symbols[failure.column]}"
    value = "" if np.isnan(failure.value) else f" ({failure.field} {failure.value:.6g})"
    return f"{failure.what} in {bars} ({failure.rule}), first at {place}{value}; {failure.advice}"


def _check_action(what: str, action: Any) -> None:
    if not isinstance(action, str) or action not in ACTIONS:
        raise ConfigError(f"{what} is {action!r}{did_you_mean(action, ACTIONS)} (one of {', '.join(ACTIONS)})")
