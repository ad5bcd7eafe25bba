"""What `ray job submit --working-dir .` uploads: `python -m cluster.core.upload` prints its size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_MIB = 5.0


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


def main() -> int:
    """Print the size; returns 1 where it is above the limit, naming the largest files, or cannot be told."""
    try:
        sizes = {path: path.stat().st_size for path in uploaded(ROOT)}
    except UploadUnknown as error:
        print(error, file=sys.stderr)
        return 1
    total = sum(sizes.values()) / 2**20
    print(f"A Ray job uploads {len(sizes)} files, {total:.1f} MiB (limit {LIMIT_MIB:g} MiB)")
    if total <= LIMIT_MIB:
        return 0
    for path in sorted(sizes, key=lambda path: -sizes[path])[:5]:
        print(f"  {path.relative_to(ROOT)}: {sizes[path] / 2**20:.1f} MiB", file=sys.stderr)
    print("List what a job does not need in .rayignore.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
