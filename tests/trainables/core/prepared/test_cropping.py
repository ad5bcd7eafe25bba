"""Faces found in several processes: from a script as people write it, and where a clip kills one."""

import dataclasses
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.support.stub_faces import NUM_CLIPS, StubFinder, dataset_of
from tests.trainables.data.core import videos
from trainables.core.prepared.cropping import cropped_clips
from trainables.core.prepared.stored import Dropped
from trainables.data.core.frames import read_frames
from trainables.data.core.video import Reading

SCRIPT = """
import sys
from pathlib import Path
from tests.support.stub_faces import StubFinder, dataset_of
from trainables.core.prepared.cropping import cropped_clips

print("read once", flush=True)
dataset = dataset_of(Path(sys.argv[1]))
{more}
found = list(cropped_clips(dataset, StubFinder(), 32, num_processes=2))
print(len(found), "clips")
"""
OWN_READER = """
import dataclasses
given = dataset.read
def read(sample): return given(sample)
dataset = dataclasses.replace(dataset, read=read)
"""


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", OWN_READER], ids=["as it is", "with a reader of its own"])
def test_a_script_needs_no_guard_of_its_main_part(more, root, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(more=more))
    command = [sys.executable, str(script), str(root)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == f"read once\n{NUM_CLIPS} clips\n"


def killing(sample):
    """A reader that ends the process it is in by a fault, as a decoder can."""
    if "killer" in sample.clip_id:
        os.kill(os.getpid(), signal.SIGSEGV)
    return read_frames(sample)


@pytest.mark.slow
def test_a_clip_that_kills_its_process_is_dropped_by_name_and_no_other_is(root):
    given = dataset_of(root)
    samples = [dataclasses.replace(given.samples[i % NUM_CLIPS], clip_id=f"clip {i}") for i in range(9)]
    for number in (1, 7):
        samples[number] = dataclasses.replace(samples[number], clip_id=f"killer {number}")
    dataset = dataclasses.replace(given, samples=samples, read=killing)
    outcomes = list(cropped_clips(dataset, StubFinder(), 32, num_processes=2))
    dropped = {number: outcome for number, outcome in enumerate(outcomes) if isinstance(outcome, Dropped)}
    assert {number: outcome.clip_id for number, outcome in dropped.items()} == {1: "killer 1", 7: "killer 7"}
    assert dropped[1].reason.startswith("the process that read it was killed")
    whole = list(cropped_clips(given, StubFinder(), 32, num_processes=1))
    for number, outcome in enumerate(outcomes):
        if number not in dropped:
            np.testing.assert_array_equal(outcome.frames, whole[number % NUM_CLIPS].frames)


def test_what_came_of_reading_a_clip_stands_with_it(root, tmp_path):
    given = dataset_of(root)
    path = videos.spoil(videos.write(tmp_path / "a.mp4", options={"g": "1", "bf": "0"}), [5])
    video = dataclasses.replace(given.samples[0], paths=(path,))
    dataset = dataclasses.replace(given, samples=[video, given.samples[1]])
    first, second = cropped_clips(dataset, StubFinder(), 32, num_processes=1)
    assert first.reading == Reading(15, 16, num_damaged=1)
    assert second.reading == Reading(3, 3)


@pytest.mark.slow
def test_of_few_videos_one_that_kills_its_process_is_dropped_too(root, tmp_path):
    given = dataset_of(root)
    video = videos.write(tmp_path / "a.mp4")
    names = ("a", "killer", "b")
    samples = [dataclasses.replace(given.samples[0], clip_id=name, paths=(video,)) for name in names]
    outcomes = cropped_clips(dataclasses.replace(given, samples=samples, read=killing), StubFinder(), 32)
    assert [isinstance(outcome, Dropped) and outcome.clip_id for outcome in outcomes] == [False, "killer", False]
