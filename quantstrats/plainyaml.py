"""YAML in which a value is what it looks like: numbers are decimal, truth values are ``true`` and ``false`` alone."""

from __future__ import annotations

import re
from typing import Any

import yaml

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)$")
_FLOAT = re.compile(
    r"(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key stands once, and a text that is no plain number or truth value stays text.

    YAML 1.1 takes ``off`` (a mode of the guard) and ``ON`` (a symbol) for truth values, 15:45 for 945, 0700 (a symbol)
    for 448 and 1_000 for a thousand; YAML 1.2 does not.
    """

    # Resolvers are kept by a value's first letter.
    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way
        first: [
            (tag, {f"{_TAG}int": _INT, f"{_TAG}float": _FLOAT}.get(tag, pattern))
            for tag, pattern in resolvers
            if tag != f"{_TAG}bool" or first in "tTfF"
        ]
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


def load_yaml(text: str) -> Any:
    """Return what YAML text says.

    Raises
    ------
    yaml.YAMLError, RecursionError
        If it is no YAML, names a key twice, or is nested too deeply.
    """
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
