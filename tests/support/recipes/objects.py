"""The objects of Kubernetes that recipes apply, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.support.recipes import found

OBJECTS = [(path, document) for path in found.files("kubernetes") for document in found.documents(path)]
SECRET = re.compile(r"password|token|secret|_key|access_key", re.IGNORECASE)
NOT_SECRET = re.compile(r"_PATH$|^AWS_DEFAULT_REGION$|automountServiceAccountToken")


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every map in an object, itself first."""
    if isinstance(node, dict):
        yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(item)


def ray_specs() -> list[dict]:
    """The specification of every Ray cluster on Kubernetes."""
    return [document["spec"] for _, document in OBJECTS if document["kind"] == "RayCluster"]


def pods(node: Any) -> list[dict]:
    """Every specification of a pod in an object."""
    return [one for one in walk(node) if "containers" in one]


def containers(node: Any) -> list[dict]:
    """Every container in an object, wherever it is."""
    return [one for pod in pods(node) for one in pod["containers"] + pod.get("initContainers", [])]


def labels() -> list[dict]:
    """The labels of every pod."""
    templates = [node for _, document in OBJECTS for node in walk(document) if "containers" in node.get("spec", {})]
    return [template["metadata"]["labels"] for template in templates if "metadata" in template]
