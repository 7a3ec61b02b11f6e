"""What makes a comparison of Runs less than it looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quantstrats.research.bootstrap import LEAST_PERIODS
from quantstrats.runs.comparison import differing_settings
from quantstrats.runs.labels import described_text, plain_name

if TYPE_CHECKING:
    import pandas as pd

    from quantstrats.reports.compared import Compared
    from quantstrats.runs.run import Run

# Settings beside the costs that make runs hard to compare where they differ.
_STANDING = {
    "engine.cash": "cash at the start",
    "engine.fractional": "choice whether parts of a share are traded",
    "engine.name": "engines",
    "report.benchmark": "benchmarks",
    "report.risk_free": "risk-free rates",
}
_MOST_SETTING = 60  # characters


def cautions(entries: Sequence[Compared], common: pd.DatetimeIndex) -> list[str]:
    """Return what makes the comparison less than it looks."""
    return [
        *_span_cautions(entries, common),
        *_data_cautions(entries),
        *_standing_cautions(entries),
        *_loss_cautions(entries),
        *_code_cautions(entries),
        *([f"{_counted(len(common))} too few for intervals and yearly figures"] if len(common) < LEAST_PERIODS else []),
    ]


def _span_cautions(entries: Sequence[Compared], common: pd.DatetimeIndex) -> list[str]:
    found = []
    cut = [f"{each.left_out:,} of {len(each.returns):,} of {each.letter}" for each in entries if each.left_out]
    if cut:
        found.append(
            f"their spans differ: they are compared on {span_text(common)}; sessions left out: {', '.join(cut)}"
        )
    calendars = _groups({each.letter: each.run.manifest["data"]["calendar"] for each in entries})
    if len(calendars) > 1:
        found.append(f"their calendars differ, and with them when a day ends: {_told(calendars)}")
    return found


def _data_cautions(entries: Sequence[Compared]) -> list[str]:
    if len({each.run.manifest["data"].get("hash") for each in entries}) == 1:
        return []
    found = differing_settings([each.run for each in entries])
    asked = [key.removeprefix("data.") for key in found if key.startswith("data.")]
    if not asked:
        hashes = _told(_groups({each.letter: str(each.run.manifest["data"].get("hash"))[:12] for each in entries}))
        return [f"they asked for the same data and got others, which have changed between the runs: hash {hashes}"]
    if set(asked) <= {"start", "end"}:
        return ["their bars are of different spans, so no hash tells whether they agree where both have some"]
    return [f"they stand on different data: {', '.join(asked)} differ"]


def _standing_cautions(entries: Sequence[Compared]) -> list[str]:
    found, letters = differing_settings([each.run for each in entries]), [each.letter for each in entries]
    texts = {key: _told(_groups(dict(zip(letters, map(setting_text, found[key]), strict=True)))) for key in found}
    cautions = [f"different {what}: {texts[key]}" for key, what in _STANDING.items() if key in texts]
    if "report.risk_free" in texts:
        cautions.append("the ratios on the common span are with the risk-free rate of A")
    costs = [f"{key.removeprefix('costs.')} {text}" for key, text in texts.items() if key.startswith("costs.")]
    return [*([f"different costs: {'; '.join(costs)}"] if costs else []), *cautions]


def _loss_cautions(entries: Sequence[Compared]) -> list[str]:
    """Return which account is gone when: its own figures end with that day, those on the common span cannot."""
    lost = {each.letter: each.returns.index[each.returns <= -1.0] for each in entries}
    return [
        f"{letter} lost all on {days[0].date()}: the days after count as no return on the common span"
        for letter, days in lost.items()
        if len(days)
    ]


def _code_cautions(entries: Sequence[Compared]) -> list[str]:
    found = []
    signals: dict[str, dict[str, str]] = {}
    for each in entries:
        plugin = each.run.manifest.get("plugin", {})
        signals.setdefault(plain_name(each.run.config["signal"]["name"]), {})[each.letter] = str(
            plugin.get("code_hash")
        )[:12]
    for name, hashes in signals.items():
        if len(set(hashes.values())) > 1:
            found.append(f"signal {name!r} was other code: hash {_told(_groups(hashes))}")
    made = _groups({each.letter: _made_by(each.run) for each in entries})
    if len(made) > 1:
        found.append(f"they were made by different code of quantstrats: {_told(made)}")
    return found


def _made_by(run: Run) -> str:
    installation = run.manifest.get("installation", {})
    return f"{installation.get('quantstrats')} ({str(installation.get('code_hash'))[:8]})"


def _groups(values: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the letters by value."""
    groups: dict[str, list[str]] = {}
    for letter, value in values.items():
        groups.setdefault(value, []).append(letter)
    return groups


def _told(groups: Mapping[str, list[str]]) -> str:
    return ", ".join(f"{value} ({' '.join(letters)})" for value, letters in groups.items())


def _counted(sessions: int) -> str:
    return "1 common session is" if sessions == 1 else f"{sessions} common sessions are"


def span_text(sessions: pd.Index) -> str:
    """Return ``"2010-01-04 to 2018-12-31, 2,264 sessions"``."""
    number = "1 session" if len(sessions) == 1 else f"{len(sessions):,} sessions"
    return f"{sessions[0].date()} to {sessions[-1].date()}, {number}"


def setting_text(value: Any) -> str:
    """Return the value of a setting in a few words."""
    if value is None:
        return "-"
    text = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else described_text(value)
    if len(text) <= _MOST_SETTING:
        return text
    many = f"{len(value):,} values: " if isinstance(value, list) else ""
    return f"{many}{text[: _MOST_SETTING - len(many) - 3]}..."
