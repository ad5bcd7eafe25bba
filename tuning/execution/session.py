"""Starting or joining Ray. Nothing else in fertune calls `ray.init`.

`$RAY_ADDRESS` (set inside every Ray job) names a cluster to join; without it a local one is started and shut down again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import logging
import os
import secrets
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from tuning.execution.devices.autoscaling import autoscaler_pod, could_start, is_here, limits_at
from tuning.execution.devices.nodes import Node
from tuning.execution.reachable import SHORTER, START_RAY, given_address, trouble_joining, trouble_starting
from tuning.records.home import ROOT

# Measured to matter: Ray Train polls every 2 s, and starts helpers that a slot has no use for.
SETTINGS = {
    "PYTHONPATH": str(ROOT),
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_ENABLE_STATE_TRACKING": "1",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "300",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "86400",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # the ledger and the driver's notes tell them
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Session:
    """A connection to Ray: its machines, what others used of them when it was opened, and where its dashboard is.

    `could_grow` are the machines that an autoscaler may add, and `here` is the id of the one that this process is on.
    """

    nodes: tuple[Node, ...]
    could_grow: tuple[Node, ...] = ()
    here: str = ""
    dashboard_url: str = ""  # where there is one
    busy_cpus: float = 0.0
    busy_gpus: float = 0.0
    is_own: bool = False  # started here, for this alone

    @property
    def machines(self) -> tuple[Node, ...]:
        """Those that there are, and those that there may be."""
        return self.nodes + self.could_grow

    @property
    def num_cpus(self) -> float:
        return sum(node.num_cpus for node in self.nodes)

    @property
    def num_gpus(self) -> float:
        return sum(node.num_gpus for node in self.nodes)

    @property
    def wait(self) -> str:
        """A sentence on what others have taken; `""` where all is free."""
        if self.busy_cpus < 1 and self.busy_gpus < 0.01:
            return ""
        cpus, gpus = max(self.busy_cpus, 0), max(self.busy_gpus, 0)
        return (
            f"Other work holds {cpus:g} of {self.num_cpus:g} CPUs and {gpus:g} of {self.num_gpus:g} GPUs: trials that do not "
            "fit beside it wait until it ends."
        )


def look_ahead() -> tuple[Node, ...]:
    """The machines that there are to run on, known before Ray is joined or started.

    Raises `ConnectionError` where no Ray answers at `$RAY_ADDRESS`, which Ray itself would wait minutes for, and
    `ValueError` where none can start here.
    """
    _require_ray()
    if address := _found(given_address()):
        return _nodes_at(address)
    from ray._private.resource_and_label_spec import ResourceAndLabelSpec

    own = ResourceAndLabelSpec().resolve(is_head=True)
    return (Node.of({"CPU": own.num_cpus or 0.0, "GPU": own.num_gpus or 0.0, **(own.resources or {})}),)


def session_ahead(nodes: tuple[Node, ...]) -> Session:
    """What a session will find where `look_ahead` found `nodes`."""
    return Session(nodes=nodes, could_grow=_could_grow(nodes))


def _nodes_at(address: str, patience_s: float = 30.0) -> tuple[Node, ...]:
    """The machines of the Ray at `address`. A head answers seconds before its own machine is one of them."""
    from ray._raylet import GcsClient  # ty: ignore[import-not-found]  seconds

    client, deadline = GcsClient(address=address), time.monotonic() + patience_s
    while True:
        nodes = client.get_all_node_info(timeout=30).values()
        alive = [node for node in nodes if node.state == node.ALIVE]
        if alive or time.monotonic() > deadline:
            return tuple(Node.of(node.resources_total, group=node.node_type_name) for node in alive)
        time.sleep(0.5)


def alive_nodes() -> tuple[Node, ...]:
    """The machines of the Ray that this process has joined, as they are now."""
    import ray

    return tuple(Node.told(node) for node in ray.nodes() if node["Alive"])


def _could_grow(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The machines that the autoscaler of the Ray at `$RAY_ADDRESS` may add to `nodes`; none where its limits are unknown.

    Ray itself keeps them nowhere: they are read where the autoscaler reads them, from its file, where it runs on this
    machine, or from Kubernetes in a pod of KubeRay's.
    """
    address = _found(given_address())
    if not address or not is_here(address):
        return ()
    with contextlib.suppress(Exception):  # private to Ray, and somebody else's file: without them it does not grow
        if pod := autoscaler_pod():
            from ray.autoscaler._private.kuberay.autoscaling_config import AutoscalingConfigProducer

            return could_start(nodes, AutoscalingConfigProducer(*pod)())
        if limits := limits_at(address):
            return could_start(nodes, limits)
    return ()


def unreachable(address: str) -> str:
    """Why the Ray at `address`, or any on this machine for `auto`, cannot be joined; `""` where a Ray answers."""
    found = _found(address)
    return trouble_joining(found) if found else "finds no Ray on this machine"


def _found(address: str) -> str:
    """`address`, or that of a Ray on this machine for `auto`."""
    if address != "auto":
        return address
    from ray._private import services

    return services.find_bootstrap_address(None) or next(iter(services.find_gcs_addresses()), "")


def _require_ray() -> None:
    address = given_address()
    if address and (reason := unreachable(address)):
        raise ConnectionError(f"Ray at {address} ($RAY_ADDRESS) {reason}. {START_RAY}")
    if not address and (reason := trouble_starting()):
        raise ValueError(f"Ray {reason}. {SHORTER}")


@contextlib.contextmanager
def open_session(*, verbose: bool = False) -> Generator[Session]:
    """Join the cluster of `$RAY_ADDRESS` or start a local one; leave it as it was found.

    Raises what `look_ahead` raises, and `TimeoutError` where a local one does not start.
    """
    address = given_address()
    _require_ray()
    os.environ.update({key: value for key, value in SETTINGS.items() if key != "PYTHONPATH"})
    import ray  # a second of imports

    level = logging.INFO if verbose else logging.ERROR
    logging.getLogger("ray").setLevel(level)
    _tame_lines_of_nodes(verbose)
    if address:
        settings = {"env_vars": SETTINGS | {"RAY_ADDRESS": address}}
        context = ray.init(address=address, runtime_env=settings, log_to_driver=verbose, logging_level=level)
    else:
        # A slot is half a dozen processes: on few cores Ray would take their number for a mistake, and warn.
        os.environ.setdefault("RAY_worker_maximum_startup_concurrency", str(max(4, os.cpu_count() or 1)))
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), before]))
        try:
            # Clips are read through the page cache: the object store carries messages only.
            context = _start(object_store_memory=200 * 2**20, log_to_driver=verbose, logging_level=level)
        finally:
            if before is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = before
    try:
        nodes, free = alive_nodes(), ray.available_resources()
        yield Session(
            nodes=nodes,
            could_grow=_could_grow_at(address),
            here=ray.get_runtime_context().get_node_id(),
            dashboard_url=f"http://{context.dashboard_url}" if context.dashboard_url else "",
            busy_cpus=sum(node.num_cpus for node in nodes) - free.get("CPU", 0.0) if address else 0.0,
            busy_gpus=sum(node.num_gpus for node in nodes) - free.get("GPU", 0.0) if address else 0.0,
            is_own=not address,
        )
    finally:
        _shut_down()


def as_now(session: Session) -> Session:
    """`session` with the machines that there are now; those of a Ray of one's own stay the same."""
    if session.is_own:
        return session
    return dataclasses.replace(session, nodes=alive_nodes(), could_grow=_could_grow_at(given_address()))


def _could_grow_at(address: str) -> tuple[Node, ...]:
    return _could_grow(_nodes_at(_found(address))) if address else ()  # which know their group


def _shut_down() -> None:
    """`ray.shutdown()`, during which nothing frees a reference to one of Ray's objects.

    The garbage collector runs in whichever thread asks for memory. Where that frees a reference while the main thread takes
    Ray down, Ray ends the process without a word.
    """
    import ray

    gc.collect()
    gc.disable()
    try:
        ray.shutdown()
    finally:
        gc.enable()


def _start(tries: int = 2, **settings: Any) -> Any:
    """A local Ray. Ray gives itself half a minute, and a cold or busy machine may need that to read its files alone."""
    import ray

    _make_token()
    try:
        return ray.init(address="local", **settings)
    except Exception as error:  # Ray names no class of its own
        if "timed out during startup" not in str(error):
            raise
        if tries == 1:
            raise TimeoutError(
                "Ray did not start on this machine, though it was tried twice for 30 s. Other work keeps the machine busy, or "
                "its disk is slow: try again when it is idle."
            ) from error
    _shut_down()
    return _start(tries - 1, **settings)


def _make_token() -> None:
    """The token that a Ray of one's own asks for, where Ray would look for it, if there is none.

    Ray makes one too, but others may read its file.
    """
    if os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        return
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return
    path = Path.home() / ".ray" / "auth_token"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        os.link(draft, path)  # whole at once, and the first of several drivers
    except FileExistsError:
        pass
    except OSError:  # no such links here
        if not path.exists():
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _tame_lines_of_nodes(verbose: bool) -> None:
    """What Ray says of its nodes goes to standard error, so that `--json` stays data; without one warning of no use.

    A slot is half a dozen processes. Ray takes their number for a mistake on few cores, and a joined Ray says so: nobody can
    act on that. Others, such as a worker killed for memory, come through.
    """
    from ray._private import worker

    show = getattr(worker.print_to_stdstream, "untamed", worker.print_to_stdstream)

    def shown(data: dict[str, Any], *given: Any, **named: Any) -> None:
        if verbose or not any("worker processes have been started" in line for line in data["lines"]):
            show({**data, "is_err": True}, *given, **named)

    shown.untamed = show  # ty: ignore[missing-attribute]
    worker.print_to_stdstream = shown  # ty: ignore[invalid-assignment]
