"""`doctor`: checks of this machine, or of the cluster it points at, each with its fix."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainables.core.wording import first_line
from tuning.execution.devices.idle_times import measure_idle_times
from tuning.execution.reachable import SHORTER, START_RAY, given_address, trouble_starting
from tuning.execution.session import unreachable
from tuning.records.home import home_of
from tuning.records.home_check import home_looks
from tuning.records.mlflow_client import (
    database_path,
    default_uri,
    is_silence,
    make_client,
    registry_uri,
    shown_uri,
    without_password,
)
from tuning.text.errors import SERVICE, TOKEN

LEAST_DISK_GIB = 2.0
LEAST_SHARED_MIB = 256.0
FAILED_LOOK = "Fix what it says; `make setup` installs every package again."
PASSWORD = f"Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD; {SERVICE}."
MEANWHILE = "Studies run without it: their ledgers keep everything."
PACKAGES = ("ray", "torch", "torchvision", "mlflow", "optuna", "av", "opencv-python-headless", "facenet-pytorch")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at: what was `found`, and how to `fix` it (`""` where it is well)."""

    name: str
    found: str
    fix: str = ""


def doctor(*, home: str | Path | None = None) -> list[Finding]:
    """Look at everything that a study under `home` needs; no Ray is started.

    Nothing is changed but the idle times of this machine's devices, which are measured and kept in the home.
    """
    looks: dict[str, Callable[[], Finding]] = {
        "python": _python,
        "packages": _packages,
        "home": lambda: _home(home_of(home)),
        "devices": _devices,
        "idle times": lambda: _idle_times(home_of(home)),
        "shared memory": _shared_memory,
        "mlflow": lambda: _tracking(home_of(home)),
        "mlflow registry": lambda: _registry(home_of(home)),
        "ray": _ray,
        "ray token": _token,
    }
    with contextlib.suppress(ValueError):  # where there can be no home, the look at it says so
        looks |= {name: lambda look=look: Finding(**look()) for name, look in home_looks(home_of(home)).items()}
    return [_looked(name, look) for name, look in looks.items()]


def _looked(name: str, look: Callable[[], Finding]) -> Finding:
    """What `look` found; that it fails is a finding too, such as a torch that cannot be imported."""
    try:
        return look()
    except Exception as error:
        fix = "Run `make setup`, which installs every package again." if isinstance(error, ImportError) else FAILED_LOOK
        return Finding(
            name=name, found=f"cannot be checked ({type(error).__name__}: {first_line(error)[:200]})", fix=fix
        )


def _python() -> Finding:
    fix = "" if sys.version_info >= (3, 11) else "Install Python 3.11 or newer, then `make setup`."
    return Finding(name="python", found=f"{sys.version.split()[0]} at {sys.executable}", fix=fix)


def _packages() -> Finding:
    found, missing = [], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    fix = f"{', '.join(missing)} missing: run `make setup`." if missing else ""
    return Finding(name="packages", found=", ".join(found), fix=fix)


def _home(home: Path) -> Finding:
    there = next(place for place in (home, *home.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return Finding(
            name="home", found=f"{home}: {error.strerror}", fix="Set $FERTUNE_HOME to a folder that can be written."
        )
    free = shutil.disk_usage(there).free / 2**30
    fix = (
        ""
        if free >= LEAST_DISK_GIB
        else f"At least {LEAST_DISK_GIB:g} GiB free are advised: free some, or set $FERTUNE_HOME."
    )
    return Finding(name="home", found=f"{home}, {free:.1f} GiB free", fix=fix)


def _devices() -> Finding:
    import torch  # seconds

    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()  # not on macOS
    if not torch.cuda.is_available():
        fix = "torch sees no GPU although the machine has one: check its driver." if shutil.which("nvidia-smi") else ""
        return Finding(name="devices", found=f"{cpus} CPUs, no GPU", fix=fix)
    names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    return Finding(name="devices", found=f"{cpus} CPUs, {torch.cuda.device_count()} GPUs ({names})")


def _idle_times(home: Path) -> Finding:
    try:
        return Finding(name="idle times", found="; ".join(measure_idle_times(home)))
    except (OSError, ImportError) as error:  # the looks at the home and at the devices have the fix
        return Finding(name="idle times", found=f"not measured: {first_line(error)[:200]}")


def _shared_memory() -> Finding:
    place = Path("/dev/shm")
    if not place.exists():
        return Finding(name="shared memory", found="no /dev/shm on this system")
    free = shutil.disk_usage(place).free / 2**20
    fix = (
        ""
        if free >= LEAST_SHARED_MIB
        else f"Ray needs {LEAST_SHARED_MIB:g} MiB: in a container, run it with --shm-size=1g."
    )
    return Finding(name="shared memory", found=f"{free:.0f} MiB free in /dev/shm", fix=fix)


def _tracking(home: Path) -> Finding:
    return _asked("mlflow", default_uri(home), "MLFLOW_TRACKING_URI", lambda client: client.search_experiments)


def _registry(home: Path) -> Finding:
    tracking = default_uri(home)
    uri = registry_uri(tracking)
    if uri == tracking:
        return Finding(
            name="mlflow registry", found="no MLFLOW_REGISTRY_URI: models are registered where runs are tracked"
        )
    return _asked("mlflow registry", uri, "MLFLOW_REGISTRY_URI", lambda client: client.search_registered_models)


def _asked(name: str, uri: str, variable: str, question: Callable[[Any], Callable[..., object]]) -> Finding:
    """Whether MLflow at `uri`, which `variable` names, answers a `question`; a database that is not there yet is not made."""
    shown, database = shown_uri(uri), database_path(uri)
    if database and not database.exists():
        return Finding(name=name, found=f"{shown} (made by the first study)")
    meanwhile = MEANWHILE if variable == "MLFLOW_TRACKING_URI" else "`promote` and `predict` need it."
    try:
        question(make_client(uri))(max_results=1)
    except ImportError:
        raise
    except Exception as error:  # whatever MLflow raises
        message = without_password(first_line(error) or type(error).__name__, uri)
        refused = getattr(error, "error_code", "") in ("UNAUTHENTICATED", "PERMISSION_DENIED")
        does = "refuses this shell" if refused else "does not answer" if is_silence(error) else "fails"
        fix = PASSWORD if refused else f"Start that server, or unset {variable}."
        return Finding(name=name, found=f"{shown} {does}: {message[:200]}", fix=f"{fix} {meanwhile}")
    return Finding(name=name, found=f"{shown} answers")


def _ray() -> Finding:
    address = given_address()
    if not address:
        found = "no RAY_ADDRESS: studies start a Ray of their own"
        reason = trouble_starting()
        return Finding(name="ray", found=f"{found}, which {reason}" if reason else found, fix=SHORTER if reason else "")
    if reason := unreachable(address):
        return Finding(name="ray", found=f"{address} {reason}", fix=START_RAY)
    return Finding(name="ray", found=f"{address} answers")


def _token() -> Finding:
    path, mode = Path.home() / ".ray" / "auth_token", os.environ.get("RAY_AUTH_MODE", "")
    named = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or path)
    if mode == "token":
        if os.environ.get("RAY_AUTH_TOKEN"):
            return Finding(name="ray token", found="that of RAY_AUTH_TOKEN, and RAY_AUTH_MODE=token")
        if named.is_file() and named.read_text().strip():
            return Finding(name="ray token", found=f"{named}, and RAY_AUTH_MODE=token")
        found = f"RAY_AUTH_MODE is token, and there is no token in {named}"
        return Finding(name="ray token", found=found, fix=f"{TOKEN}. Or unset RAY_AUTH_MODE.")
    if path.exists():
        return Finding(
            name="ray token",
            found=f"{path} is there and RAY_AUTH_MODE is {mode or 'unset'}: a head started here asks for the token, "
            "and `ray job submit` would not send it",
            fix="export RAY_AUTH_MODE=token",
        )
    return Finding(name="ray token", found="none, none needed")
