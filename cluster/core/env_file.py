"""`python -m cluster.core.env_file EXAMPLE`: writes the file of secrets that an example describes, with values of its own.

`cluster/compose/.env.example` becomes `cluster/compose/.env`: each `NAME=` without a value gets a random one, all else stays.
Only its owner can read the file; git, Ray's upload and the image leave it out.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

ENDING = ".example"
_EMPTY = re.compile(r"^([A-Za-z][A-Za-z0-9_]*)=$", re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    """Write the file. Returns 1 where it exists: its values belong to databases that know them."""
    parser = argparse.ArgumentParser(prog="python -m cluster.core.env_file", description=__doc__)
    parser.add_argument("example", type=Path, metavar="EXAMPLE", help=f"a file whose name ends in {ENDING}")
    example: Path = parser.parse_args(arguments).example
    if not example.name.endswith(ENDING):
        parser.error(f"{example}: expected a file whose name ends in {ENDING}.")
    target = example.with_name(example.name.removesuffix(ENDING))
    try:
        text = filled(example.read_text(encoding="utf-8"))
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target} is there already, and is kept: what was started with its secrets knows them.", file=sys.stderr)
        return 1
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"{target}: {len(_EMPTY.findall(example.read_text(encoding='utf-8')))} secrets, for your eyes only.")
    return 0


def filled(example: str, random: Callable[[int], str] = secrets.token_hex) -> str:
    """`example` with a value for each variable that has none.

    `random(n)` gives n bytes in hex. The id of a key of S3 is GK and 12 bytes, as Garage wants it.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return f"{name}=GK{random(12)}" if name.endswith("KEY_ID") else f"{name}={random(32)}"

    return _EMPTY.sub(value, example)


if __name__ == "__main__":
    sys.exit(main())
