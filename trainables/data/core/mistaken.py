"""Folders of clips that are laid out otherwise than `<class>/<subject>_<anything>`, and would be read the wrong way round."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from trainables.data.core.dataset import DataError, Sample
from trainables.data.core.finding import list_folders, list_videos
from trainables.data.core.layout import listed
from trainables.data.core.spelling import same

_PARTS = re.compile(
    r"(train(ing|set)?|test(ing|set)?|val(id|idation|set)?|dev(el|elopment)?|eval(uation)?|holdout|"
    r"(public|private)[ _-]?test|(fold|split|part|set|cv)[ _-]?\d+)([ _-]?(set|data|split|part|clips|videos|images))?"
)
_PERSON = re.compile(r"(p|s|id|sub|subj|subject|person|people|participant|actor|actress|user|speaker|face)[ _-]?\d+")
# What cameras, telephones and people who count their takes write first.
_TAKE = re.compile(
    r"(take|clip|video|vid|movie|mov|img|image|pic|frame|seq|sequence|trial|rec|recording|shot|scene|session|sample|"
    r"mvi|dsc|dscf|dscn|pxl|gopr|gx|gh|mah|wa|whatsapp|screen|screenrecording|cam|camera|webcam|untitled)[ -]?\d*"
)
_EXPRESSIONS = re.compile(
    r"(ang(er|ry)?|contempt(uous)?|disgust(ed)?|fear(ful)?|afraid|happ(y|iness)|joy(ful)?|sad(ness)?|surprised?|neutral|"
    r"calm|smil(e|ing)|pain(ful)?|bor(ed|edom)|confus(ed|ion)|anxi(ous|ety)|excite(d|ment)|frustrat(ed|ion)|"
    r"negative|positive|onset|apex|offset)[ -]?\d*"
)


def require_no_parts(root: Path, folders: Sequence[Path], expected: str) -> None:
    """Raises `DataError` where the `folders` of `root` are parts (train, test) and not classes, naming what is in them."""
    parts = [folder for folder in folders if _PARTS.fullmatch(same(folder.name))]
    if len(parts) < 2 and len(parts) < len(folders):
        return
    inside = sorted({same(one.name) for part in parts for one in (*list_folders(part), *list_videos(part))})
    people = sorted({name.partition("_")[0] for name in inside})
    are = "are parts" if len(parts) > 1 else "is a part"
    would = _would([folder.name for folder in folders], people)
    raise DataError(
        f"{root}: {listed([folder.name for folder in parts])} {are} of a data set. {would} Put the clips of a class from "
        f"all parts into one folder: folds are cut here, by person. Expected: {expected}."
    )


def require_no_other_layout(root: Path, samples: Sequence[Sample], expected: str) -> None:
    """Raises `DataError` where folders are plainly people, or what stands before the `_` is plainly no person.

    `samples` have the clip id `<folder>/<subject>_<anything>`; of those that name no subject nothing is said. The message
    names the classes and people it would make.
    """
    folders = list(dict.fromkeys(folder_of(sample) for sample in samples))
    samples = [sample for sample in samples if sample.subject]
    if not samples:
        return
    people = list(dict.fromkeys(str(sample.subject) for sample in samples))
    would = _would(folders, people)
    if _people_on_top(folders, people):
        raise DataError(
            f"{root}: the folders are people, and the clips are called by their class. {would} Expected: {expected}."
        )
    if all(same(str(sample.subject)) == same(folder_of(sample)) for sample in samples):
        raise DataError(f"{root}: the clips are called by their class, not by a person. {would} Expected: {expected}.")
    if all(_TAKE.fullmatch(same(person)) for person in people):
        raise DataError(
            f"{root}: what stands before the first _ numbers the takes and names no person. {would} Put the person first, "
            f"such as P01_{people[0]}. Expected: {expected}."
        )
    if len(people) == len(samples) and all(person.strip().isdecimal() for person in people):
        raise DataError(
            f"{root}: what stands before the first _ numbers the clips and names no person. {would} Put the person first, "
            f"such as P01_{people[0]}; where each clip does show somebody else, P{people[0]} says so. Expected: {expected}."
        )


def folder_of(sample: Sample) -> str:
    """The name of the folder that a clip of this layout lies in."""
    return sample.clip_id.partition("/")[0]


def suspicions(samples: Sequence[Sample], classes: Sequence[str]) -> tuple[str, ...]:
    """What may be another layout, or may be right: sentences for a person to judge."""
    shown: dict[str, set[int]] = {}
    samples = [sample for sample in samples if sample.subject]
    if not samples:
        return ()
    for sample in samples:
        shown.setdefault(str(sample.subject), set()).add(sample.label)
    notes = []
    if len(classes) > len(shown):
        notes.append(
            f"there are more classes ({len(classes)}) than people ({len(shown)}): is each folder a class, and not a person?"
        )
    if all(len(labels) == 1 for labels in shown.values()):
        notes.append(
            "every person shows one class only: a model may learn who it is instead of what is shown; or do the names begin "
            "with the number of a take, and not of a person?"
        )
    return tuple(notes)


def _people_on_top(folders: Sequence[str], people: Sequence[str]) -> bool:
    def are(pattern: re.Pattern[str], names: Sequence[str]) -> bool:
        return all(pattern.fullmatch(same(name)) for name in names)

    if are(_EXPRESSIONS, people):
        return not any(_EXPRESSIONS.fullmatch(same(folder)) for folder in folders)
    return (
        len(folders) > len(people) and are(_PERSON, folders) and not any(_PERSON.fullmatch(same(one)) for one in people)
    )


def _would(classes: Sequence[str], people: Sequence[str]) -> str:
    return f"Read so, the classes would be {listed(classes, 10)}, and the people {listed(people, 10) or 'none'}."
