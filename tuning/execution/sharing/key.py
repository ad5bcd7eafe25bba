"""Which study it is, of all homes that share a cluster: the identity of its home, and its name."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import secrets
from pathlib import Path

from trainables.core import files


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyKey:
    """A study of one home. Studies of one name in two homes are two, also where the homes have one path on two machines."""

    home: str
    study: str

    @classmethod
    def of(cls, home: Path, study: str) -> StudyKey:
        """The key of `study` under `home`, the same from every machine that sees the home."""
        return cls(home=home_identity(home), study=study)

    @property
    def slug(self) -> str:
        """For names and namespaces of Ray's actors: letters, digits and dashes; no other key has the same."""
        digest = hashlib.blake2b(f"{self.home}\0{self.study}".encode(), digest_size=8).hexdigest()
        return f"{re.sub('[^a-zA-Z0-9]+', '-', self.study).strip('-')[:40]}-{digest}"


def home_identity(home: Path) -> str:
    """What tells `home` from any other: a random id that is written into it once, and which file that is, unlike a copy's."""
    path = home / files.HOME_ID
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        draft.write_text(secrets.token_hex(16) + "\n", encoding="utf-8")
        try:
            os.link(draft, path)  # the first of several, over NFS too
        except FileExistsError:
            pass
        except OSError:  # no such links here
            if not path.exists():
                os.replace(draft, path)
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    return known_identity(home)


def known_identity(home: Path) -> str:
    """The identity of `home`; `""` where none was written yet."""
    path = home / files.HOME_ID
    if not path.exists():
        return ""
    return f"{path.read_text(encoding='utf-8').strip()}-{path.stat().st_ino:x}"
