"""A typo in each key of a manifest that its reader knows: `replicas` becomes `replicasx`, once at every place."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

# Maps whose keys anybody may choose: a typo there is another name, and no schema can know better.
FREE = {
    "kubernetes": {
        "labels",
        "annotations",
        "matchLabels",
        "data",
    },  # those that matter: tests/conformance/test_recipe_objects.py
    "compose": {"services", "environment", "networks", "volumes", "secrets", "args", "options", "depends_on"},
    "launcher": {"available_node_types"},
    "settings": set(),
}


def typos(document: dict[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each place whose key is known, and the document with that key misspelt."""
    for way in _ways(document, FREE[kind]):
        changed = copy.deepcopy(document)
        holder: Any = changed
        for step in way[:-1]:
            holder = holder[step]
        holder[f"{way[-1]}x"] = holder.pop(way[-1])
        yield ".".join(map(str, way)), changed


def _ways(node: Any, free: set[str], way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _ways(item, free, (*way, index))
    elif isinstance(node, dict):
        is_free = bool(way) and (way[-1] in free or _selects_by_labels(way, node))
        for key, value in node.items():
            if str(key).startswith("x-"):
                continue
            if not is_free:
                yield (*way, key)
            yield from _ways(value, free, (*way, key))


def _selects_by_labels(way: tuple[str | int, ...], node: dict[str, Any]) -> bool:
    """Whether `node` is the selector of a Service, which names labels without a word of its own."""
    return way[-1] == "selector" and not set(node) & {"matchLabels", "matchExpressions"}
