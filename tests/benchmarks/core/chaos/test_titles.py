"""How `benchmarks.chaos` finds the processes of a study, and ends those that it started."""

import os

import pytest

from benchmarks.core.chaos import titles
from benchmarks.core.chaos.cluster import kill, kill_family, new_family, wait
from cluster.local import processes

TITLES = ("ray::RayTrainWorker.execute", "ray::TrialQueue.take", "ray::ResourceTrainable.train", "ray::IDLE")


@pytest.fixture
def family(tmp_path):
    """Sleepers with the titles of Ray's workers, in a session of their own."""
    asleep = " ".join(f"(exec -a {title} sleep 60) &" for title in TITLES)
    family = processes.start(
        ["bash", "-c", f"{asleep} wait"], environment=os.environ, family=new_family(tmp_path), log=tmp_path / "log"
    )
    assert wait(lambda: len(titles.of_jobs([family])) == len(TITLES) - 1, 20)
    yield family
    kill_family(family)


@pytest.mark.parametrize(("kind", "title"), [("worker", TITLES[0]), ("mailbox", TITLES[1]), ("slot", TITLES[2])])
def test_a_process_is_found_by_its_kind(family, kind, title):
    assert [titles.command_line(one)[0] for one in titles.of_kind(kind, [family])] == [title]
    assert titles.of_kind("controller", [family]) == []


def test_what_a_job_leaves_is_told_and_rays_own_are_not(family):
    assert sorted(words.split()[1] for words in titles.of_jobs([family])) == sorted(TITLES[:3])


def test_one_or_all_are_killed_and_nobody_else(family, stranger):
    (victim,) = titles.of_kind("worker", [family])
    kill(victim, None)
    assert wait(lambda: not titles.of_kind("worker", [family]), 20)
    assert titles.of_kind("mailbox", [family])
    kill_family(family)
    assert processes.members(family) == set()
    assert stranger.poll() is None
