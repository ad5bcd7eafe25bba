"""Which study it is: two homes never mix, and one home is the same from everywhere."""

import os
import shutil
import string

import pytest

from tuning.execution.sharing.key import StudyKey, home_identity


def test_a_home_has_one_identity_for_ever_and_from_every_path(tmp_path):
    (tmp_path / "seen").symlink_to(tmp_path / "home")
    assert home_identity(tmp_path / "home") == home_identity(tmp_path / "home") == home_identity(tmp_path / "seen")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["home-id"]


def test_two_homes_differ_and_a_copy_is_another_home(tmp_path):
    known = home_identity(tmp_path / "home")
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    assert len({known, home_identity(tmp_path / "other"), home_identity(tmp_path / "copy")}) == 3


@pytest.mark.parametrize("links", [True, False])
def test_of_two_that_write_it_at_once_both_read_the_same(tmp_path, monkeypatch, links):
    """Also where the file system has no hard links."""
    link, others = os.link, []

    def beaten(draft, path):
        if not others:
            others.append(1)
            others.append(home_identity(tmp_path))  # another driver, in between
        if not links:
            raise OSError(95, "Operation not supported")
        link(draft, path)

    monkeypatch.setattr(os, "link", beaten)
    assert home_identity(tmp_path) == others[1]


def test_slugs_name_actors_and_do_not_collide():
    keys = [("h", "demo"), ("h2", "demo"), ("h", "demo-smoke"), ("h", "demo smoke"), ("h", "démo"), ("h", "x" * 200)]
    slugs = [StudyKey(home=home, study=study).slug for home, study in keys]
    assert len(set(slugs)) == len(slugs)
    assert slugs[0].startswith("demo-")
    for slug in slugs:
        assert set(slug) <= {*string.ascii_letters, *string.digits, "-"}
        assert len(slug) <= 60
