"""Write the table of all features into docs/features.md anew: ``python docs/feature_table.py``."""

from __future__ import annotations

from pathlib import Path

from quantstrats import features

PAGE = Path(__file__).with_name("features.md")
HEADING = "## All of them\n"


def table() -> str:
    """Return a table for each family: name and parameters, what it is, whose it is."""
    lines: list[str] = []
    family = ""
    for name, each in features.shipped().items():
        if each.family != family:
            family = each.family
            lines += ["", f"### {family}", "", "| feature | is | source |", "|---|---|---|"]
        takes = ", ".join(f"{key}={value!r}" for key, value in each.parameters.items())
        shown = f"{name}({takes})" if takes else name
        lines.append(
            "| " + " | ".join(text.replace("|", "\\|") for text in (f"`{shown}`", each.summary, each.source)) + " |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    before = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
    PAGE.write_text(before + HEADING + table(), encoding="utf-8")
