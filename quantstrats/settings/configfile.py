"""Configuration as text: YAML files, and ``block.key=value``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from quantstrats.errors import ConfigError, did_you_mean

_BOOL = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key stands once, and truth values are ``true`` and ``false`` alone.

    YAML 1.1 takes ``off`` (a mode of the guard) and ``ON`` (a symbol) for truth values as well; YAML 1.2 does not.
    """

    # Resolvers are kept by a value's first letter.
    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL or first in "tTfF"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping, and refuse it where one key stands twice."""
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key.value!r} stands twice", problem_mark=key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else key)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make the value of a node; one that cannot be, such as the 30th of February, is told with its line."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from None


def read_yaml(file: Path) -> dict[str, Any]:
    """Return what a YAML file holds: blocks by name.

    Raises
    ------
    ConfigError
        If there is no such file, or it is not UTF-8 text, not YAML, or holds something else than named blocks.
    """
    text = _text_of(file)
    try:
        content = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
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
    a truth value and ``[1, 2]`` a list.

    Raises
    ------
    ConfigError
        If one is not of the form ``block.key=value``, or its value is no YAML.
    """
    parsed = []
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        keys = tuple(part.strip() for part in path.split("."))
        if not equals or len(keys) < 2 or not all(keys):
            raise ConfigError(f"setting {assignment!r} is not of the form block.key=value, as in signal.fast=10")
        try:
            value = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
        except (yaml.YAMLError, RecursionError):
            raise ConfigError(f"setting {assignment!r}: the value cannot be read; quote it as YAML wants") from None
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
