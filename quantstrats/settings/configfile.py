"""Configuration as text: YAML files, and ``block.key=value``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from quantstrats.errors import ConfigError, did_you_mean
from quantstrats.plainyaml import load_yaml


def read_yaml(file: Path) -> dict[str, Any]:
    """Return what a YAML file holds: blocks by name.

    Raises
    ------
    ConfigError
        If there is no such file, or it is not UTF-8 text, not YAML, or holds something else than named blocks.
    """
    text = _text_of(file)
    try:
        content = load_yaml(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(_told(file, error)) from None
    if content is None:
        raise ConfigError(f"{file} is empty; a configuration names at least a signal, as in 'signal: sma_cross'")
    if not isinstance(content, dict):
        raise ConfigError(f"{file} holds no blocks but {_kind(content)}; write blocks, as in 'signal: sma_cross'")
    return content


def parse_assignments(assignments: Iterable[str]) -> list[tuple[tuple[str, ...], Any]]:
    """Turn ``["signal.fast=10"]`` into ``[(("signal", "fast"), 10)]``.

    A key may have more parts, as in ``signal.primary.fast``. Values are read as YAML, so ``10`` is a number, ``true``
    a truth value and ``[1, 2]`` a list. What is no YAML, as ``%m/%d/%Y``, is text.

    Raises
    ------
    ConfigError
        If one is not of the form ``block.key=value``, or its value is a list, a mapping or a quoted text that
        does not end.
    """
    parsed = []
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        keys = tuple(part.strip() for part in path.split("."))
        if not equals or len(keys) < 2 or not all(keys):
            raise ConfigError(f"setting {assignment!r} is not of the form block.key=value, as in signal.fast=10")
        try:
            value = load_yaml(text)
        except (yaml.YAMLError, RecursionError):
            if text.lstrip().startswith(("[", "{", '"', "'")):
                raise ConfigError(f"setting {assignment!r}: the value cannot be read; quote it as YAML wants") from None
            value = text.strip()  # such as %m/%d/%Y
        parsed.append((keys, value))
    return parsed


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        beside = [path.name for path in file.parent.iterdir()] if file.parent.is_dir() else []
        raise ConfigError(f"there is no file {file}{did_you_mean(file.name, beside)}") from None
    except IsADirectoryError:
        raise ConfigError(f"{file} is a folder; give a configuration file in it") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}") from None


def _told(file: Path, error: yaml.YAMLError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return f"{file} is nested too deeply"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{file}, line {error.problem_mark.line + 1}: {error.problem or error.context}"
    return f"{file} is not YAML: {' '.join(str(error).split())}"


def _kind(content: object) -> str:
    return "a list" if isinstance(content, list) else f"the value {content!r:.40}"
