"""The clips of a data set are cropped on all machines of a cluster, whatever becomes of them meanwhile."""

import dataclasses
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import ray
from ray.cluster_utils import Cluster

from tests.support.ray_head import WITH_RAY
from tests.support.stub_faces import NUM_CLIPS, StubFinder, dataset_of, write_clips
from trainables.core.prepared.cropping import KILLED, cropped_clips
from trainables.core.prepared.stored import Dropped
from tuning.execution.cropping_on_nodes import _Cropper, crop_on_nodes

pytestmark = WITH_RAY


@dataclasses.dataclass
class Witness:
    """A stub that writes down which machine crops; a clip of three frames can be made to end its process."""

    log: Path
    deadly: bool = False
    seconds: float = 0.3
    settings = {"detector": "witness"}  # noqa: RUF012 (no field: what a finder's crops depend on)

    def crop_clip(self, frames, size):
        frames = list(frames)
        with self.log.open("a") as log:
            log.write(f"{ray.get_runtime_context().get_node_id()}\n")
        if self.deadly and len(frames) == 3:
            os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(self.seconds)
        return StubFinder().crop_clip(frames, size)

    def machines(self) -> list[str]:
        return self.log.read_text().split()


@pytest.fixture(scope="module")
def cluster():
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    found.add_node(num_cpus=1)
    yield found
    found.shutdown()


@pytest.fixture(autouse=True)
def _joined(cluster, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return dataset_of(write_clips(tmp_path_factory.mktemp("clips")))


def frames_of(outcomes):
    return [None if isinstance(outcome, Dropped) else outcome.frames.tolist() for outcome in outcomes]


def test_every_machine_crops_and_the_clips_come_in_order(dataset, tmp_path):
    witness = Witness(tmp_path / "log")
    found = list(crop_on_nodes(dataset, witness, 16))
    assert frames_of(found) == frames_of(cropped_clips(dataset, StubFinder(), 16))
    assert len(set(witness.machines())) == 2
    assert len(witness.machines()) == NUM_CLIPS
    assert not ray.is_initialized(), "whoever joins leaves again"


def test_a_clip_that_ends_its_process_is_dropped_and_no_other(dataset, tmp_path):
    found = list(crop_on_nodes(dataset, Witness(tmp_path / "log", deadly=True), 16))
    assert [one.reason for one in found if isinstance(one, Dropped)] == [KILLED]
    assert isinstance(found[1], Dropped)


def test_what_a_lost_machine_had_in_work_is_done_on_another(cluster, dataset, tmp_path):
    several = dataclasses.replace(dataset, samples=dataset.samples * 4)
    added = cluster.add_node(num_cpus=1)
    witness = Witness(tmp_path / "log")
    outcomes = crop_on_nodes(several, witness, 16)
    found = [next(outcomes)]
    while added.node_id not in witness.machines():
        found.append(next(outcomes))
    cluster.remove_node(added, allow_graceful=False)
    found += outcomes
    assert frames_of(found) == frames_of(cropped_clips(several, StubFinder(), 16))


def test_machines_without_the_files_are_told_and_the_clips_are_cropped_here(dataset, tmp_path):
    gone = [dataclasses.replace(one, paths=(tmp_path / "away.png",)) for one in dataset.samples]
    told = []
    found = list(crop_on_nodes(dataclasses.replace(dataset, samples=gone), StubFinder(), 16, tell=told.append))
    assert len(found) == NUM_CLIPS
    assert len(told) == 3
    assert "cannot read the files of the data" in told[0]
    assert told[-1] == f"No machine of the cluster is left to crop on: {NUM_CLIPS} more clips to crop here."


def test_a_machine_with_another_copy_of_the_files_is_one_without(tmp_path):
    paths = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    for path in paths:
        path.write_bytes(b"a face")
    cropper = _Cropper((None, None, 0))
    assert cropper.finds(dict.fromkeys(paths, 6))
    assert not cropper.finds({paths[0]: 6, paths[1]: 7})
    assert not cropper.finds({paths[0]: 6, tmp_path / "three.mp4": 6})


def test_the_processes_end_where_the_work_is_left_early(dataset, tmp_path):
    outcomes = crop_on_nodes(dataset, Witness(tmp_path / "log", seconds=0.1), 16)
    assert isinstance(next(outcomes).frames, np.ndarray)
    outcomes.close()
    assert not ray.is_initialized()


def test_on_one_machine_its_own_processes_crop(dataset, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS")
    found = list(crop_on_nodes(dataset, StubFinder(), 16))
    assert frames_of(found) == frames_of(cropped_clips(dataset, StubFinder(), 16))
