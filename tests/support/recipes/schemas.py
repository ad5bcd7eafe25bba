"""What a manifest is held against: the schemas of those who will read it, at their strictest."""

from __future__ import annotations

import functools
import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import botocore.validate
import click
import jsonschema
import kubernetes_validate
import mlflow
import ray
from check_jsonschema.builtin_schemas import get_builtin_schema
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.scripts.scripts import start

from tests.conftest import ROOT

KUBERAY = ROOT.parent / "shared" / "schemas"
NO_KUBERAY = "the schemas of KubeRay are not beside this clone"
Refusal = Callable[[dict[str, Any]], str]
# Resources may have any name; these are those that a recipe asks for.
QUANTITIES = {"cpu", "memory", "storage", "ephemeral-storage", "nvidia.com/gpu"}
RESOURCES = {"CPU", "GPU", "memory", "object_store_memory"}
# The part of Garage's configuration that a recipe uses; Garage passes over what it does not know.
GARAGE = {
    "": {"metadata_dir", "data_dir", "db_engine", "replication_factor", "rpc_bind_addr", "rpc_public_addr", "s3_api"},
    "s3_api": {"api_bind_addr", "s3_region"},
}


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
    return _unknown_quantity(document)


def kuberay(document: dict[str, Any]) -> str:
    """Why KubeRay's schema, made strict, refuses a RayCluster or a RayJob; its metadata are those of every kind."""
    same = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": document.get("metadata")}
    return (
        _first_error(_kuberay(str(document.get("kind", "")).lower()), document)
        or core(same)
        or _unknown_quantity(document)
        or next(filter(None, map(ray_start, _values_of("rayStartParams", document))), "")
    )


def ray_start(parameters: dict[str, str]) -> str:
    """Why `ray start` refuses what KubeRay makes of `rayStartParams`: `--name=value`, and `--name` for true."""
    words = [f"--{name}" if value == "true" else f"--{name}={value}" for name, value in parameters.items()]
    try:
        start.make_context("ray start", words)
    except click.ClickException as error:
        return error.format_message()
    return ""


def compose(document: dict[str, Any]) -> str:
    """Why the schema of compose files refuses `document`."""
    return _first_error(_compose(), document)


def launcher(document: dict[str, Any]) -> str:
    """Why Ray's cluster launcher refuses `document`, which stays as it is."""
    try:
        validate_config(prepare_config(json.loads(json.dumps(document))))
    except (jsonschema.ValidationError, ValueError, KeyError, AttributeError, TypeError, RuntimeError) as error:
        return str(error) or type(error).__name__
    return (
        _first_error(_provider(), document["provider"])
        or next(
            (error for kind in document["available_node_types"].values() if (error := _machine(document, kind))), ""
        )
        or next(
            (f"{name}: no command uses it" for name in document["file_mounts"] if name not in _commands(document)), ""
        )
    )


def settings(path: Path) -> Refusal:
    """The check that a file of settings wants. Raises `KeyError` for one that no check knows."""
    return {"garage.toml": garage, "mlflow_auth.ini": mlflow_users}[path.name]


def garage(document: dict[str, Any]) -> str:
    """What of the settings of Garage is not known, or not there."""
    found = {"": set(document), "s3_api": set(document.get("s3_api", {}))}
    return next((f"{sorted(found[part] ^ GARAGE[part])}" for part in GARAGE if found[part] != GARAGE[part]), "")


def mlflow_users(document: dict[str, Any]) -> str:
    """What of the settings of MLflow's users MLflow does not read."""
    unknown = set(document) ^ {"mlflow"} | set(document.get("mlflow", {})) - _read_by_mlflow()
    return f"unknown, or not there: {sorted(unknown)}" if unknown else ""


def of_kubernetes(document: dict[str, Any]) -> Refusal:
    """The check that an object wants."""
    return kuberay if is_kuberay(document) else core


def _first_error(validator: jsonschema.Draft202012Validator, document: dict[str, Any]) -> str:
    return next((error.message for error in validator.iter_errors(document)), "")


def _values_of(key: str, node: Any) -> Iterator[dict[str, Any]]:
    """What stands under `key`, wherever it is."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key and isinstance(value, dict):
                yield value
            yield from _values_of(key, value)


def _unknown_quantity(document: dict[str, Any]) -> str:
    asked = {name for key in ("requests", "limits") for found in _values_of(key, document) for name in found}
    return f"unknown resources: {sorted(asked - QUANTITIES)}" if asked - QUANTITIES else ""


def _commands(document: dict[str, Any]) -> str:
    return " ".join(command for name, some in document.items() if name.endswith("_commands") for command in some)


@functools.cache
def _read_by_mlflow() -> set[str]:
    """The settings of users, from the one file of MLflow that names them, without starting its server's packages."""
    file = Path(mlflow.__file__).parent / "server" / "auth" / "config.py"
    return set(runpy.run_path(str(file))["AuthConfig"]._fields)


@functools.cache
def _provider() -> jsonschema.Draft7Validator:
    """What Ray knows of a provider, and nothing else: it leaves the rest to the code of each cloud."""
    schema = Path(ray.__file__).parent / "autoscaler" / "ray-schema.json"
    known = json.loads(schema.read_text(encoding="utf-8"))["properties"]["provider"]
    return jsonschema.Draft7Validator({**known, "required": ["type", "region"], "additionalProperties": False})


def _machine(document: dict[str, Any], kind: dict[str, Any]) -> str:
    """Why EC2 would not take a kind of machine, or Ray its resources."""
    if document["provider"]["type"] != "aws":
        return f"no check knows the machines of {document['provider']['type']}"
    if unknown := set(kind["resources"]) - RESOURCES:
        return f"unknown resources: {sorted(unknown)}"
    # Ray chooses one of `SubnetIds`.
    asked = {name: value for name, value in kind["node_config"].items() if name != "SubnetIds"}
    asked |= {"MinCount": 1, "MaxCount": 1}
    return botocore.validate.ParamValidator().validate(asked, _run_instances()).generate_report()


@functools.cache
def _run_instances() -> Any:
    return botocore.session.get_session().get_service_model("ec2").operation_model("RunInstances").input_shape


@functools.cache
def _kuberay(kind: str) -> jsonschema.Draft202012Validator:
    path: Path = KUBERAY / f"{kind}s.v1.json"
    schema = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"not": {}}
    return jsonschema.Draft202012Validator({"required": ["apiVersion", "kind", "metadata", "spec"], **schema})


@functools.cache
def _compose() -> Any:
    schema = get_builtin_schema("vendor.compose-spec")
    return jsonschema.validators.validator_for(schema)(schema)
