"""What a manifest is held against: the schemas of those who will read it, at their strictest."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
from check_jsonschema.builtin_schemas import get_builtin_schema
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.conftest import ROOT

KUBERAY = ROOT.parent / "shared" / "schemas"
NO_KUBERAY = "the schemas of KubeRay are not beside this clone"
Refusal = Callable[[dict[str, Any]], str]


def is_kuberay(document: dict[str, Any]) -> bool:
    return str(document.get("apiVersion", "")).startswith("ray.io/")


def core(document: dict[str, Any]) -> str:
    """Why Kubernetes would refuse an object of one of its own kinds; empty where it would not."""
    try:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    except (
        kubernetes_validate.ValidationError,
        kubernetes_validate.SchemaNotFoundError,
        kubernetes_validate.InvalidSchemaError,
        KeyError,
    ) as error:
        return str(error)
    return ""


def kuberay(document: dict[str, Any]) -> str:
    """Why KubeRay's schema, made strict, refuses a RayCluster or a RayJob; its metadata are those of every kind."""
    same = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": document.get("metadata")}
    return _first_error(_kuberay(str(document.get("kind", "")).lower()), document) or core(same)


def compose(document: dict[str, Any]) -> str:
    """Why the schema of compose files refuses `document`."""
    return _first_error(_compose(), document)


def launcher(document: dict[str, Any]) -> str:
    """Why Ray's cluster launcher refuses `document`, which stays as it is."""
    try:
        validate_config(prepare_config(json.loads(json.dumps(document))))
    except (jsonschema.ValidationError, ValueError, KeyError, AttributeError, TypeError, RuntimeError) as error:
        return str(error) or type(error).__name__
    return ""


def of_kubernetes(document: dict[str, Any]) -> Refusal:
    """The check that an object wants."""
    return kuberay if is_kuberay(document) else core


def _first_error(validator: jsonschema.Draft202012Validator, document: dict[str, Any]) -> str:
    return next((error.message for error in validator.iter_errors(document)), "")


@functools.cache
def _kuberay(kind: str) -> jsonschema.Draft202012Validator:
    path: Path = KUBERAY / f"{kind}s.v1.json"
    schema = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"not": {}}
    return jsonschema.Draft202012Validator({"required": ["apiVersion", "kind", "metadata", "spec"], **schema})


@functools.cache
def _compose() -> Any:
    schema = get_builtin_schema("vendor.compose-spec")
    return jsonschema.validators.validator_for(schema)(schema)
