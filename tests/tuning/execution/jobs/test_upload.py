"""What Ray would refuse is told before it is sent. What is sent: tests/cluster/test_upload.py."""

import subprocess

import pytest

from tuning.execution.jobs.upload import require_small


def test_a_checkout_that_is_too_large_is_refused_with_its_largest_files(tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "clips.bin").write_bytes(b"x" * 3 * 2**20)
    (tmp_path / ".rayignore").write_text("")
    require_small(tmp_path)
    with pytest.raises(
        ValueError, match=r"would upload 3 MiB of .*; Ray takes less than 2 MiB. .* clips.bin \(3 MiB\)"
    ):
        require_small(tmp_path, most_mib=2)
    (tmp_path / ".rayignore").write_text("clips.bin\n")
    require_small(tmp_path, most_mib=2)


def test_where_nothing_can_be_listed_ray_looks_itself(tmp_path):
    require_small(tmp_path, most_mib=0)
