"""QualityReport: what was found in bars, and what was done about it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from quantstrats.market.frames import FIELDS
from quantstrats.market.quality.gaps import counted_missing
from quantstrats.market.quality.rule import ACTIONS
from quantstrats.market.quality.rules import BY_NAME

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from quantstrats.market.quality.block import Block
    from quantstrats.market.quality.rule import Hits, Rule

# A finding takes this many bytes: reports of many symbols stay small beside their bars.
_FINDING = np.dtype(
    [
        ("rule", "i2"),
        ("symbol", "i4"),
        ("time", "i8"),
        ("field", "i1"),
        ("action", "i1"),
        ("value", "f8"),
        ("expected", "f8"),
        ("bars", "i4"),
    ]
)
# A part of bars missing that every report tells of.
_MANY_MISSING = 0.01
# Places of each rule that a text shows.
_SHOWN = 3
_DONE = {"keep": "kept", "drop": "dropped", "mask": "masked", "winsorise": "winsorised"}


@dataclass(frozen=True, eq=False)
class QualityReport:
    """What was found in bars, in order of time.

    Attributes
    ----------
    bars : int
        How many bars were looked at.
    symbols : tuple of str
        Whose.
    rules : tuple of Rule
        Those that found something.
    instants : bool
        Whether times are instants in UTC, of intraday bars, and not dates of sessions.
    found : structured array
        The findings: positions in ``rules``, ``symbols``, ``FIELDS`` and ``ACTIONS``, times in nanoseconds, values.
    """

    bars: int
    symbols: tuple[str, ...]
    rules: tuple[Rule, ...]
    instants: bool
    found: NDArray[np.void]

    @classmethod
    def of_block(
        cls, block: Block, found: Sequence[tuple[Rule, Hits]], actions: Sequence[NDArray[np.int8]]
    ) -> QualityReport:
        """Return what was found in a block of bars.

        Parameters
        ----------
        block : Block
            The bars, before anything is done about them.
        found : sequence of (Rule, Hits)
            What a report counts of what was found.
        actions : sequence of array of int8
            What is done about each hit, as positions in ``ACTIONS``.
        """
        tables = []
        for number, (_, hits) in enumerate(found):
            table = np.empty(len(hits), dtype=_FINDING)
            table["rule"], table["symbol"], table["field"] = number, hits.column, hits.field
            table["time"] = block.grid.index.as_unit("ns").asi8[hits.row]
            table["action"] = actions[number]
            table["value"], table["expected"], table["bars"] = hits.value, hits.expected, hits.bars
            tables.append(table)
        bars = int(np.count_nonzero(~np.isnan(block.values["close"])))
        symbols = tuple(str(symbol) for symbol in block.symbols)
        rules = tuple(rule for rule, _ in found)
        return cls._in_order(bars, symbols, rules, block.grid.index.tz is not None, tables)

    @classmethod
    def of_rows(
        cls,
        rule: str,
        symbols: Sequence[str] | NDArray[np.object_],
        labels: pd.DatetimeIndex,
        field: str,
        values: NDArray[np.float64],
        action: str,
    ) -> QualityReport:
        """Return what one rule found in rows that never became bars.

        Parameters
        ----------
        rule : str
            Its name.
        symbols, labels, values : sequences
            The symbol, time and value of each row.
        field : str
            The field of the values.
        action : str
            What is done about them.
        """
        names = tuple(dict.fromkeys(str(symbol) for symbol in symbols))
        position = {name: number for number, name in enumerate(names)}
        table = np.empty(len(labels), dtype=_FINDING)
        table["rule"] = 0
        table["symbol"] = [position[str(symbol)] for symbol in symbols]
        table["time"] = labels.as_unit("ns").asi8
        table["field"], table["action"] = FIELDS.index(field), ACTIONS.index(action)
        table["value"], table["expected"], table["bars"] = values, np.nan, 1
        return cls._in_order(0, names, (BY_NAME[rule],), labels.tz is not None, [table])

    @classmethod
    def joined(cls, reports: Iterable[QualityReport]) -> QualityReport:
        """Put reports on several blocks together, in order of time."""
        parts = list(reports)
        if len(parts) == 1:
            return parts[0]
        symbols = {name: None for part in parts for name in part.symbols}
        names = {rule.name: rule for part in parts for rule in part.rules}
        order = {name: number for number, name in enumerate(BY_NAME)}
        rules = tuple(sorted(names.values(), key=lambda rule: order.get(rule.name, len(order))))
        column = {name: number for number, name in enumerate(symbols)}
        row = {rule.name: number for number, rule in enumerate(rules)}
        tables = []
        for part in parts:
            if len(part.found):
                table = part.found.copy()
                table["symbol"] = np.array([column[name] for name in part.symbols])[part.found["symbol"]]
                table["rule"] = np.array([row[rule.name] for rule in part.rules])[part.found["rule"]]
                tables.append(table)
        instants = any(part.instants for part in parts)
        return cls._in_order(sum(part.bars for part in parts), tuple(symbols), rules, instants, tables)

    @classmethod
    def _in_order(
        cls,
        bars: int,
        symbols: tuple[str, ...],
        rules: tuple[Rule, ...],
        instants: bool,
        tables: Sequence[NDArray[np.void]],
    ) -> QualityReport:
        found = np.concatenate([*tables, np.empty(0, dtype=_FINDING)])
        used = np.unique(found["rule"])
        found["rule"] = np.searchsorted(used, found["rule"])
        order = np.lexsort((found["field"], found["symbol"], found["rule"], found["time"]))
        found = found[order]
        found.flags.writeable = False
        return cls(bars, symbols, tuple(rules[number] for number in used), instants, found)

    def before(self, time: pd.Timestamp, bars: int) -> QualityReport:
        """Return what was found before a time, among so many bars."""
        table = self.found[self.found["time"] < time.as_unit("ns").value]
        return self._in_order(bars, self.symbols, self.rules, self.instants, [table])

    @property
    def findings(self) -> pd.DataFrame:
        """The findings: rule, symbol, time, field, value, expected, action, and how many bars each stands for."""
        import pandas as pd

        return pd.DataFrame(
            {
                "rule": self._named("rule", [rule.name for rule in self.rules]),
                "symbol": self._named("symbol", self.symbols),
                "time": self._times,
                "field": self._named("field", FIELDS),
                "value": self.found["value"],
                "expected": self.found["expected"],
                "action": self._named("action", ACTIONS),
                "bars": self.found["bars"],
            }
        )

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many bars each rule found, by its name; rules that found nothing are left out."""
        total = np.bincount(self.found["rule"], self.found["bars"], len(self.rules)).astype("int64")
        return {rule.name: int(count) for rule, count in zip(self.rules, total, strict=True)}

    @property
    def impossible_left(self) -> int:
        """How many findings of what cannot be a bar are left as they are."""
        impossible = [number for number, rule in enumerate(self.rules) if rule.kind == "impossible"]
        left = np.isin(self.found["action"], [ACTIONS.index("keep"), ACTIONS.index("fail")])
        return int(np.count_nonzero(np.isin(self.found["rule"], impossible) & left))

    def one_line(self) -> str:
        """Return how many bars each rule found, as in "10 decimal_shift, 286 zero_volume"; nothing for nothing."""
        return ", ".join(f"{count} {name}" for name, count in self.counts.items())

    def stamps(self) -> tuple[str, ...]:
        """Return what every report on these bars must say: what was changed, and which likely faults were left."""
        said = []
        changed = self._said(lambda _, action: action not in ("keep", "fail"))
        if changed:
            said.append(f"bars were repaired: {changed}")
        left = self._said(lambda rule, action: rule.kind == "impossible" and action == "keep")
        if left:
            said.append(f"bars that cannot be were kept: {left}")
        doubtful = self._said(lambda rule, action: rule.kind == "doubtful" and action == "keep")
        if doubtful:
            said.append(f"likely faults in the bars were kept: {doubtful} (quantstrats data check lists them)")
        missing = self.counts.get("missing_bar", 0)
        if missing > _MANY_MISSING * (self.bars + missing):
            share = missing / (self.bars + missing)
            said.append(
                f"{missing:,} of {self.bars + missing:,} bars ({share:.1%}) are missing where the exchange was open: "
                "nothing was traded, the data lacks them, or data.calendar is not the exchange's"
            )
        return tuple(said)

    def _said(self, chosen: Any) -> str:
        words = [
            f"{count} {rule.name}"
            + (f" {_DONE.get(action, action)}" if action != "keep" else f" (first {self._first_place(rule)})")
            for rule in self.rules
            for action, count in self._actions(rule).items()
            if chosen(rule, action)
        ]
        return ", ".join(words)

    def _first_place(self, rule: Rule) -> str:
        first = int(np.flatnonzero(self.found["rule"] == self.rules.index(rule))[0])
        return f"{self._label(self._times[first])} {self.symbols[self.found['symbol'][first]]}"

    def as_text(self, width: int = 80) -> str:
        """Return a table of the rules that found something, with the first places of each."""
        what = "nothing found" if not len(self.found) else f"{len(self.rules)} rules found something"
        if len(self.rules) == 1:
            what = "1 rule found something"
        bars = f"{self.bars:,} bar{'' if self.bars == 1 else 's'}"
        symbols = f"{len(self.symbols):,} symbol{'' if len(self.symbols) == 1 else 's'}"
        lines = [f"{bars} of {symbols}: {what}"]
        if self.rules:
            lines += ["", f"{'rule':<18}{'bars':>9}{'symbols':>9}  {'kind':<12}action"]
        for number, rule in enumerate(self.rules):
            lines += self._rule_lines(number, rule)
        if self.impossible_left:
            findings = "1 finding" if self.impossible_left == 1 else f"{self.impossible_left:,} findings"
            lines += ["", f"Bars that cannot be ({findings}): a backtest refuses them, unless"]
            lines += ["data.repair says what to do about them, as in --set data.repair=drop"]
        return "\n".join(
            textwrap.shorten(line, width, placeholder="...") if len(line) > width else line for line in lines
        )

    def _rule_lines(self, number: int, rule: Rule) -> list[str]:
        rows = np.flatnonzero(self.found["rule"] == number)
        actions = self._actions(rule)
        done = next(iter(actions)) if len(actions) == 1 else ", ".join(f"{a} {count}" for a, count in actions.items())
        symbols = len(np.unique(self.found["symbol"][rows]))
        lines = [f"{rule.name:<18}{self.counts[rule.name]:>9,}{symbols:>9,}  {rule.kind:<12}{done}", f"  {rule.text()}"]
        times = self._times[rows[:_SHOWN]]
        lines += [f"    {_told(self.found[row], time, self.symbols)}" for row, time in zip(rows, times, strict=False)]
        if len(rows) > _SHOWN:
            lines.append(f"    and {len(rows) - _SHOWN:,} more")
        return lines

    def as_plain(self) -> dict[str, Any]:
        """Return the report as plain data, every finding included."""
        columns = self.findings
        columns["time"] = [self._label(time) for time in self._times]
        findings = [
            {str(key): _number(value) for key, value in finding.items()}
            for finding in columns.to_dict(orient="records")
        ]
        return {"bars": self.bars, "symbols": len(self.symbols), "counts": dict(self.counts), "findings": findings}

    def as_record(self) -> dict[str, Any]:
        """Return the report as plain data without the single findings, but for the first of each rule."""
        rules = {}
        for number, rule in enumerate(self.rules):
            rows = np.flatnonzero(self.found["rule"] == number)
            rules[rule.name] = {
                "bars": self.counts[rule.name],
                "symbols": len(np.unique(self.found["symbol"][rows])),
                "actions": dict(self._actions(rule)),
                "first": self._first_place(rule),
            }
        return {"bars": self.bars, "symbols": len(self.symbols), "rules": rules}

    def _actions(self, rule: Rule) -> Mapping[str, int]:
        """Return how many bars of a rule each action was taken on."""
        mine = self.found[self.found["rule"] == self.rules.index(rule)]
        total = np.bincount(mine["action"], mine["bars"], len(ACTIONS)).astype("int64")
        return {action: int(count) for action, count in zip(ACTIONS, total, strict=True) if count}

    def _named(self, column: str, names: Sequence[str]) -> NDArray[np.object_]:
        named: NDArray[np.object_] = np.array([*names, None], dtype=object)[self.found[column]]
        return named

    @cached_property
    def _times(self) -> pd.DatetimeIndex:
        import pandas as pd

        return pd.DatetimeIndex(self.found["time"].astype("datetime64[ns]"), tz="UTC" if self.instants else None)

    def _label(self, time: pd.Timestamp) -> str:
        return time.isoformat() if self.instants else str(time.date())


def found_in(block: Block, found: Sequence[tuple[Rule, Hits]]) -> QualityReport:
    """Return what was found in a block of bars about which nothing is done, with what is done about it by default."""
    counted_hits = counted(block, found)
    usual = [np.full(len(hits), ACTIONS.index(rule.default), dtype="int8") for rule, hits in counted_hits]
    return QualityReport.of_block(block, counted_hits, usual)


def counted(block: Block, found: Sequence[tuple[Rule, Hits]]) -> list[tuple[Rule, Hits]]:
    """Return what a report counts of what was found: bars missing after a symbol's last one are none that it had."""
    return [(rule, counted_missing(block, hits) if rule.name == "missing_bar" else hits) for rule, hits in found]


def _told(finding: np.void, time: pd.Timestamp, symbols: Sequence[str]) -> str:
    at = time.date() if time.tz is None else time.strftime("%Y-%m-%d %H:%M UTC")
    place = f"{at} {symbols[finding['symbol']]}"
    if np.isnan(finding["value"]):
        return place if finding["bars"] == 1 else f"{place}: {finding['bars']} bars"
    expected = "" if np.isnan(finding["expected"]) else f", expected {finding['expected']:.6g}"
    return f"{place}: {FIELDS[finding['field']]} {finding['value']:.6g}{expected}"


def _number(value: Any) -> Any:
    """Return a number as JSON can hold it."""
    if isinstance(value, float):
        return float(f"{value:.12g}") if np.isfinite(value) else None if np.isnan(value) else str(value)
    return value
