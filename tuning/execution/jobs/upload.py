"""What a Ray job uploads of a checkout, and whether Ray takes that much."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tuning.records.home import ROOT

MOST_MIB = 100.0  # what Ray takes; it packs files as they are


class UploadUnknown(RuntimeError):
    """There is no git, or no checkout."""


def uploaded(root: Path = ROOT) -> list[Path]:
    """The files under `root`, a git checkout, that Ray would send: it honours .gitignore and .rayignore.

    Raises `UploadUnknown` where that is no checkout, or there is no git.
    """
    ignored = f"--exclude-from={root / '.rayignore'}"
    committed = _listed(root) - _listed(root, "--cached", "--ignored", ignored)
    found = (root / name for name in committed | _listed(root, "--others", "--exclude-standard", ignored))
    return sorted(path for path in found if path.is_file())


def require_small(root: Path = ROOT, most_mib: float = MOST_MIB) -> None:
    """Raises `ValueError` where Ray would refuse what a job uploads of `root`, with the largest files.

    Where nothing can be listed nothing is raised: Ray looks itself.
    """
    try:
        sizes = {path: path.stat().st_size for path in uploaded(root)}
    except UploadUnknown:
        return
    total = sum(sizes.values()) / 2**20
    if total < most_mib:
        return
    largest = sorted(sizes, key=lambda path: -sizes[path])[:3]
    named = ", ".join(f"{path.relative_to(root)} ({sizes[path] / 2**20:.0f} MiB)" for path in largest)
    raise ValueError(
        f"The job would upload {total:.0f} MiB of {root}; Ray takes less than {most_mib:g} MiB. The largest "
        f"are {named}. Name what a job does not need in .rayignore, or move it out of the checkout."
    )


def _listed(root: Path, *options: str) -> set[str]:
    try:
        asked = subprocess.run(
            ["git", "ls-files", "-z", *options], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        raise UploadUnknown(
            f"The upload of a Ray job cannot be listed: it needs git and a checkout, and git says of {root}: {reason.strip()}"
        ) from None
    return set(filter(None, asked.stdout.split("\0")))
