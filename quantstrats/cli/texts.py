"""How the commands that list things write figures, names and plain data, for a terminal of 80 columns."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

WIDTH = 80
_MOST_SYMBOLS = 3


def percent(value: Any) -> str:
    """Return a fraction as ``"12.30%"``, or a dash where it is undefined."""
    return f"{value:.2%}" if _is_number(value) else "-"


def ratio(value: Any) -> str:
    """Return a ratio with two digits, or a dash where it is undefined."""
    return f"{value:.2f}" if _is_number(value) else "-"


def cut(text: str, width: int) -> str:
    """Return the text in one line of at most ``width`` characters, with dots where it was cut."""
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 3].rstrip()}..."


def count(number: int, what: str) -> str:
    """Return ``"1 run"`` or ``"2 runs"``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def plain_name(name: str) -> str:
    """Return the plain name of a plugin of a file, as of ``"/path/my_signal.py:reversal"``; others as they are."""
    return name.rpartition(":")[2] if os.sep in name else name


def signal_with_parameters(described: Mapping[str, Any]) -> str:
    """Return ``"sma_cross(fast=10, slow=50)"``; a part of a composition stands in its place."""
    parameters = ", ".join(f"{name}={_value(value)}" for name, value in described.items() if name != "name")
    name = plain_name(str(described.get("name", "?")))
    return f"{name}({parameters})" if parameters else name


def symbols_in_short(symbols: list[str]) -> str:
    """Return few symbols by name and many by their number."""
    return ", ".join(symbols) if len(symbols) <= _MOST_SYMBOLS else f"{len(symbols)} symbols"


def path_in_short(path: Path) -> str:
    """Return the path from here, where that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)


def print_json(data: Any) -> None:
    """Print plain data as JSON that every reader takes."""
    typer.echo(json.dumps(data, indent=2, allow_nan=False))


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and "name" in value:
        return signal_with_parameters(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
