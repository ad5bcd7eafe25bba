"""What there is to say of a file that a study leaves in a home."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Kept:
    """A file of a home, or a folder that others fill.

    `where` is the folder it lies in, relative to the home and ending in `/`; `written_by` and `read_by` are modules, relative
    to the root of the checkout. `deletable` holds while nothing runs; `lost` is what is lost with it.
    """

    name: str
    where: str
    holds: str
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    deletable: bool
    lost: str
    is_folder: bool = False

    @property
    def path(self) -> str:
        """Relative to the home; what differs from one to another stands in `<>`, and a folder ends in `/`."""
        return self.where + self.name.replace("{", "<").replace("}", ">") + "/" * self.is_folder
