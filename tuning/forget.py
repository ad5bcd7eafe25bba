"""`forget`: a person who withdraws goes from a home. What cannot be erased is named, with the champions trained on him."""

from __future__ import annotations

import shutil
from pathlib import Path

from trainables.core.prepared.withdrawn import Person, take_out
from tuning.evidence.whereabouts import Forgotten, alone, look
from tuning.evidence.withdrawal import drop_rows, erase
from tuning.records import disposal
from tuning.records.home import home_of
from tuning.records.moved_home import open_store


def plan_forgetting(
    subject: str, *, dataset: str | None = None, home: str | Path | None = None, keep_spelling: bool = False
) -> Forgotten:
    """What `forget` will erase, and what cannot be erased; nothing is changed. Raises as `forget` does."""
    place = home_of(home)
    found = look(place, open_store(place), Person(name=subject, keep_spelling=keep_spelling), dataset)
    with alone(found):
        return found.told()


def forget(
    subject: str, *, dataset: str | None = None, home: str | Path | None = None, keep_spelling: bool = False
) -> Forgotten:
    """Erase the person `subject` from a home, of all data sets or of `dataset`; what was erased, and what could not be.

    Prepared faces and predictions are written anew without him, pages that name a clip of his and kept
    trainings of champions whose predictions hold him are deleted. Data that he was
    in has another fingerprint then, so that no study goes on with it unasked. All spellings of a name count, unless
    `keep_spelling`; a clip that names nobody goes by its id. Weights, and all that lies outside of the home, stay.

    Raises `ValueError` for a name that nobody has here (with the nearest), where a study that holds him runs or his data is
    being prepared, and for data of another version that nobody can be taken out of; `ConnectionError` where MLflow does not
    answer. Whoever dies on the way calls again.
    """
    place, person = home_of(home), Person(name=subject, keep_spelling=keep_spelling)
    uri = open_store(place)
    with alone(look(place, uri, person, dataset)):
        found = look(place, uri, person, dataset)  # nobody changes it any more
        told = found.told()
        for path in found.pages:
            path.unlink(missing_ok=True)
        for path in found.kept:
            path.unlink(missing_ok=True)
        for errors in found.errors.values():
            disposal.correct_errors(uri, errors)
        for study, copies in found.copies:
            for path in copies:
                drop_rows(path, person, study.clip_ids)
        for study in found.studies:
            erase(study, person)
        for path in found.unfinished:
            shutil.rmtree(path)
        for held in found.held:  # last: by these the next call knows the clips
            take_out(held, person)
    return told
