"""`remove`: a study goes for good, with its folder and what MLflow holds of it; the models that others are served stay."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from trainables.core.wording import counted
from tuning.records import disposal
from tuning.records.home import Named, home_of, name_of, not_begun, study_folders
from tuning.records.left_over import REMOVED, Part, num_bytes
from tuning.records.moved_home import open_store
from tuning.records.owner import locked


@dataclasses.dataclass(frozen=True, kw_only=True)
class Removed:
    """What goes of a study, or went, and the registered `models` that stay with the runs that they need."""

    study: str
    parts: tuple[Part, ...]
    models: tuple[str, ...]

    @property
    def num_bytes(self) -> int:
        """What all parts take on the disk."""
        return sum(part.num_bytes for part in self.parts)


def plan_removal(study: str | Named, *, home: str | Path | None = None) -> Removed:
    """What `remove` will take away; nothing is changed.

    Prepared faces are shared and stay, so do a drawn data set and the kept trainings of champions: `prune` frees what
    nothing needs afterwards.
    Raises `ValueError` for a study that was not begun or that runs, and `ConnectionError` where MLflow does not answer.
    """
    place, study = home_of(home), name_of(study)
    folder, uri = _folder(place, study), open_store(place)
    with locked(folder):
        return _plan(folder, disposal.tracked(uri, study))


def remove(study: str | Named, *, home: str | Path | None = None, force: bool = False) -> Removed:
    """Remove the folder of `study` (ledger, trials, weights) and its experiment in MLflow; what went.

    What a registered version needs stays: its run, its logged model, their experiment. Without `force` a study behind one
    is refused whole. On a server the runs are deleted as far as its owner can restore them.
    Raises `ValueError` for that, and as `plan_removal` does. Whoever dies on the way calls again.
    """
    place, study = home_of(home), name_of(study)
    folder, uri = _folder(place, study), open_store(place)
    with locked(folder):
        tracked = disposal.tracked(uri, study)
        planned = _plan(folder, tracked)
        if planned.models and not force:
            raise ValueError(
                f"Study {study} is behind {', '.join(planned.models)}, whose ledger and evidence would go. To remove the "
                "study alone and keep what is registered, with the runs it needs, use --force."
            )
        if tracked is not None:
            disposal.delete(uri, tracked)
        going = place / f".{study}{REMOVED}"
        if going.exists():  # of a study of that name whose removal was cut short
            shutil.rmtree(going)
        shutil.rmtree(folder.rename(going))
    return planned


def _plan(folder: Path, tracked: disposal.Tracked | None) -> Removed:
    parts = [Part(what=folder.name, reason="ledger, trials and weights", num_bytes=num_bytes(folder))]
    if tracked is not None:
        rest = tracked.without_versions()
        what = f"{counted(len(rest.runs), 'run')} in MLflow"
        reason = f"of experiment fertune/{folder.name}"
        parts.append(Part(what=what, reason=reason, num_bytes=rest.num_bytes))
    versions = tracked.versions if tracked else ()
    return Removed(study=folder.name, parts=tuple(parts), models=tuple(version.title for version in versions))


def _folder(home: Path, study: str) -> Path:
    """The folder of a study that was begun, also where its first run ended before it wrote an event."""
    if study not in {folder.name for folder in study_folders(home)}:
        raise not_begun(home, study)
    return home / study
