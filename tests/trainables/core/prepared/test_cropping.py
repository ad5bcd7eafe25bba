"""Faces found in several processes, from a script as people write it."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.support.stub_faces import NUM_CLIPS

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
