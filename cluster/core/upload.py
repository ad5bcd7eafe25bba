"""What `ray job submit --working-dir .` uploads: `python -m cluster.core.upload` prints its size."""

from __future__ import annotations

import sys
from pathlib import Path

from tuning.execution.jobs.upload import UploadUnknown, uploaded

ROOT = Path(__file__).resolve().parents[2]
LIMIT_MIB = 5.0


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
