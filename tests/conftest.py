"""What every test shares: folders of real faces and networks, and one thread, so that processes on few cores do not spin."""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; what tests start inherits it

ROOT = Path(__file__).resolve().parents[1]
FACES = ROOT.parent / "shared" / "faces"
FACE_WEIGHTS = ROOT.parent / "shared" / "weights"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A module stays whole on one worker, so that what its tests share is made once; the longest group, Ray's, begins."""
    items.sort(key=lambda item: getattr(item.get_closest_marker("xdist_group"), "args", ()) != ("ray",))
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session")
def faces() -> Path:
    """The folder of real faces; tests on it say so where it is not beside the clone."""
    if not FACES.is_dir():
        pytest.skip("the real faces are not beside this clone")
    return FACES


@pytest.fixture(scope="session")
def face_weights() -> Path:
    """The folder of real face networks; tests on it say so where it is not beside the clone."""
    if not FACE_WEIGHTS.is_dir():
        pytest.skip("the real face networks are not beside this clone")
    return FACE_WEIGHTS


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Random clips of ten people in three folds, prepared once: who changes them takes a copy."""
    from tests.support.builders import prepare_random

    return prepare_random(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """`tree(layout, **settings)`: the root of a tiny drawn copy of that layout, drawn once."""
    from tests.support.drawn_trees import Trees

    return Trees(tmp_path_factory)


@pytest.fixture(scope="module")
def tiny():
    """A trainable of a blink, found by name like any other, and one thread, for a whole module."""
    from tests.support.builders import tiny_trainable  # torch is a matter of those who ask

    with tiny_trainable():
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """What a `HandRunner` needs, one for a module."""
    from tests.support.hand_runner import hand_store  # MLflow is a matter of those who ask

    return hand_store(tmp_path_factory.mktemp("home"))


@pytest.fixture
def begin(store, request):
    """Begins studies that compete for the name of the test."""
    from tests.support.hand_runner import competing

    with competing(store, request.node.name) as begin:
        yield begin


@pytest.fixture
def stranger():
    """A process that is none of fertune's business, in a session of its own."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def closed(monkeypatch) -> Callable[[Path], Path]:
    """`closed(folder)`: nobody may list `folder` from now on, not even root, who may list any."""
    folders, scandir, listdir = set(), os.scandir, os.listdir

    def refusing(real):
        def listing(folder="."):
            if str(folder) in folders:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
            return real(folder)

        return listing

    def close(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        folders.add(str(folder))
        return folder

    monkeypatch.setattr(os, "scandir", refusing(scandir))
    monkeypatch.setattr(os, "listdir", refusing(listdir))
    return close
