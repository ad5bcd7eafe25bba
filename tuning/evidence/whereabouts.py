"""What a home holds of a person who withdraws: found in prepared faces, studies and MLflow, and told."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import glob
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Literal

from trainables.core import files, lookup
from trainables.core.prepared.remaining import twins_of
from trainables.core.prepared.withdrawn import (
    Held,
    Person,
    held_in,
    only_writer,
    people_of,
    read_index,
    redacted,
    without,
)
from trainables.core.wording import counted
from trainables.data.core.dataset import DataError
from trainables.data.core.spelling import same
from tuning.evidence.withdrawal import InStudy, in_study, kept_of, pages_in, people_in, predictions_in, role_in
from tuning.records import disposal
from tuning.records.home import known_studies
from tuning.records.kept.store import kept_files
from tuning.records.mlflow_client import shown_uri
from tuning.records.owner import locked

Fate = Literal["rewritten", "deleted", "stays"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trace:
    """Something in a home that holds a person: `what` it is (a path in the home), what of him, and what becomes of it."""

    what: str
    holds: str
    fate: Fate
    dataset: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A registered version, by its title, and what the person was to it, as `role_in` says."""

    title: str
    study: str
    role: str
    is_champion: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What `home` holds of `subject`, or held, and which models know him.

    `studies` were begun on data that changes; `data_roots` are where their clips were. `twins` are pairs of clips with the
    same frames, one of them under another name. `elsewhere` tells of what is out of reach.
    """

    subject: str
    home: Path
    datasets: tuple[str, ...]
    traces: tuple[Trace, ...]
    models: tuple[Model, ...]
    studies: tuple[str, ...]
    data_roots: tuple[str, ...]
    twins: tuple[tuple[str, str], ...]
    elsewhere: tuple[str, ...]

    @property
    def champions(self) -> tuple[str, ...]:
        """The champions that were trained on him."""
        return tuple(model.title for model in self.models if model.is_champion and model.role == "trained")


@dataclasses.dataclass(kw_only=True)
class Found:
    """What `home` holds of a person, by the place where it lies."""

    home: Path
    person: Person
    held: list[Held]
    unfinished: list[Path]
    studies: list[InStudy]
    pages: tuple[Path, ...]
    models: list[Model]
    elsewhere: list[str]
    kept: dict[Path, int] = dataclasses.field(default_factory=dict)  # trainings of champions, with the rows of each
    copies: list[tuple[InStudy, dict[Path, int]]] = dataclasses.field(default_factory=list)
    errors: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)  # by study and run of MLflow

    def told(self) -> Forgotten:
        begun = [study for study in self.studies if study.prepared]
        named = {held.dataset for held in self.held} | {study.dataset for study in self.studies if study.rows}
        return Forgotten(
            subject=self.person.name,
            home=self.home,
            datasets=tuple(sorted(named)),
            traces=tuple(self._traces()),
            models=tuple(self.models),
            studies=tuple(study.folder.name for study in begun),
            data_roots=tuple(sorted({study.data_root for study in begun if study.data_root})),
            twins=tuple(pair for held in self.held for pair in twins_of(held)),
            elsewhere=tuple(self.elsewhere),
        )

    def _traces(self) -> Iterator[Trace]:
        for held in self.held:
            clips = f"{counted(len(held.indices), 'clip')} of {held.num_clips} ({counted(held.num_frames, 'frame')})"
            unusable = f"{counted(len(held.dropped), 'unusable clip')} in the list"
            parts = [*([clips] if held.indices else []), *([unusable] if held.dropped else [])]
            spelled = f", as {', '.join(map(repr, held.spellings))}" if len(held.spellings) > 1 else ""
            kept = without(read_index(held.folder), self.person) is not None
            yield self._trace(held.folder, ", ".join(parts) + spelled, "rewritten" if kept else "deleted", held.dataset)
        for path in self.unfinished:
            dataset = next(held.dataset for held in self.held if path.name.startswith(f".{held.dataset}-"))
            yield self._trace(path, "an unfinished preparation, which may hold the person", "deleted", dataset)
        for study in self.studies:
            if study.rows:
                yield self._trace(study.folder / files.TRIALS, _rows(study.rows, "file"), "rewritten", study.dataset)
            for path in study.texts:
                yield self._trace(path, "words that name a clip", "rewritten", study.dataset)
            for path in study.pages:
                yield self._trace(path, "a page that names a clip", "deleted", study.dataset)
            if study.weights:
                holds = f"weights of {counted(len(study.weights), 'trial')} trained on the person"
                yield self._trace(study.folder / files.TRIALS, holds, "stays", study.dataset)
        for study, copies in self.copies:
            yield self._trace(self.home / files.ARTIFACTS, _rows(copies, "copy", "copies"), "rewritten", study.dataset)
        if self.kept:
            holds = (
                f"{counted(sum(self.kept.values()), 'row')} in {counted(len(self.kept), 'kept training')} of champions"
            )
            yield self._trace(self.home / files.KEPT_TRAININGS, holds, "deleted", "")
        for name, errors in self.errors.items():
            holds = f"{counted(len(errors), 'error')} in words that name a clip"
            yield Trace(what=f"fertune/{name} in MLflow", holds=holds, fate="rewritten", dataset="")
        for path in self.pages:
            yield self._trace(path, "a page that names a clip", "deleted", "")

    def _trace(self, path: Path, holds: str, fate: Fate, dataset: str) -> Trace:
        return Trace(what=path.relative_to(self.home).as_posix(), holds=holds, fate=fate, dataset=dataset)


def look(home: Path, uri: str, person: Person, dataset: str | None) -> Found:
    """What `home`, with its MLflow at `uri`, holds of `person`, of all data sets or of `dataset`.

    Raises `ValueError` where nothing is of him (with the nearest names), for a data set that is not known here and for
    prepared data that nobody can be taken out of; `ConnectionError` where MLflow does not answer.
    """
    known = _Known()
    held, elsewhere = _prepared(home, person, dataset, known)
    studies = list(_studies(home, held, person, dataset, known, elsewhere))
    kept = kept_of(home, person, dataset, {clip for one in held for clip in one.clip_ids})
    if not (held or studies or any(kept.values())):
        raise known.nobody(home, person, dataset)
    clip_ids = {clip for study in studies for clip in study.clip_ids} | {clip for one in held for clip in one.clip_ids}
    found = Found(
        home=home,
        person=person,
        held=held,
        unfinished=[
            path
            for name in sorted({one.dataset for one in held})
            for path in sorted((home / files.PREPARED).glob(f".{glob.escape(name)}-*"))
            if path.is_dir()
        ],
        studies=studies,
        pages=pages_in(home, clip_ids),
        models=_models(home, uri, held, studies),
        elsewhere=elsewhere,
        kept=kept,
    )
    for study in studies:
        _tracked(found, uri, study)
    return found


@contextlib.contextmanager
def alone(found: Found) -> Generator[None]:
    """Nobody else writes what is found meanwhile. Raises `ValueError` where somebody does."""
    drafts = [path.parent / path.name[1:].rsplit(".", 2)[0] for path in found.unfinished]
    with contextlib.ExitStack() as stack:
        for study in found.studies:
            stack.enter_context(locked(study.folder))
        for folder in dict.fromkeys([*(held.folder for held in found.held), *drafts]):
            stack.enter_context(only_writer(folder))
        yield


def _rows(rows: Mapping[Path, int], noun: str, plural: str = "") -> str:
    return f"{counted(sum(rows.values()), 'row')} in {counted(len(rows), noun, plural)} of predictions"


def _prepared(home: Path, person: Person, dataset: str | None, known: _Known) -> tuple[list[Held], list[str]]:
    """What is prepared of the person, and sentences on what cannot be read. Drawn faces are nobody's."""
    held, elsewhere = [], []
    for folder in sorted(path for path in (home / files.PREPARED).glob("[!.]*-*") if path.is_dir()):
        try:
            index = read_index(folder)
        except DataError as error:
            elsewhere.append(str(error))
            continue
        known.datasets.add(index["name"])
        if index.get("drawn") or dataset not in (None, index["name"]):
            continue
        known.names.update(people_of(index))
        known.owners.update(zip(index["clip_ids"], index["subjects"], strict=True))
        if (one := held_in(folder, index, person)) is not None:
            held.append(one)
    return held, elsewhere


def _studies(
    home: Path, held: list[Held], person: Person, dataset: str | None, known: _Known, elsewhere: list[str]
) -> Iterator[InStudy]:
    for name in known_studies(home):
        try:
            study = in_study(home / name, held, person)
        except ValueError as error:
            elsewhere.append(f"Study {name} was not searched: {error}")
            continue
        known.datasets.add(study.dataset)
        if study.drawn or not (study.prepared or dataset in (None, study.dataset)):
            continue
        known.files += study.folder.glob(f"{files.TRIALS}/*/{files.PREDICTIONS}")
        elsewhere += [f"{path} cannot be read: delete it where it may hold the person." for path in study.unreadable]
        if study.is_concerned:
            yield study


def _models(home: Path, uri: str, held: list[Held], studies: list[InStudy]) -> list[Model]:
    names = {study.folder.name for study in studies}
    found = []
    for version in sorted(disposal.registered(uri), key=lambda version: version.title):
        if version.study in names or any(version.fingerprint in one.positions for one in held):
            here = version.study in known_studies(home)
            role = role_in(home / version.study, version.fingerprint, held) if here else "unknown"
            found += [
                Model(title=version.title, study=version.study, role=role, is_champion=version.is_champion)
            ] * bool(role)
    return found


def _tracked(found: Found, uri: str, study: InStudy) -> None:
    """Adds what MLflow holds of a study: copies of predictions on this machine, and errors that name a clip."""
    tracked = disposal.tracked(uri, study.folder.name)
    if tracked is None:
        return
    here = [folder / "artifacts" / files.PREDICTIONS for folder in tracked.runs.values() if folder]
    copies, unreadable = predictions_in([path for path in here if path.exists()], found.person, study.clip_ids)
    if copies:
        found.copies.append((study, copies))
    found.elsewhere += [f"{path} cannot be read: delete it where it may hold the person." for path in unreadable]
    errors = {run: redacted(text, study.clip_ids) for run, text in tracked.errors.items()}
    if changed := {run: text for run, text in errors.items() if text != tracked.errors[run]}:
        found.errors[study.folder.name] = changed
    if study.rows and None in tracked.runs.values():
        found.elsewhere.append(
            f"MLflow at {shown_uri(uri)} keeps {files.PREDICTIONS} of fertune/{study.folder.name} out of reach: delete these "
            "artifacts there."
        )


@dataclasses.dataclass
class _Known:
    """Who and what a home names: for those who ask for somebody else."""

    datasets: set[str] = dataclasses.field(default_factory=set)
    names: set[str] = dataclasses.field(default_factory=set)
    owners: dict[str, str | None] = dataclasses.field(default_factory=dict)
    files: list[Path] = dataclasses.field(default_factory=list)

    def nobody(self, home: Path, person: Person, dataset: str | None) -> ValueError:
        """What to raise where nothing is of `person`."""
        if dataset is not None and dataset not in self.datasets:
            return ValueError(lookup.unknown(f"data set under {home}", dataset, sorted(filter(None, self.datasets))))
        names = self.names.union(*map(people_in, (*self.files, *kept_files(home))))
        if owner := self.owners.get(person.name):
            return ValueError(
                f"The clip {person.name} is of {owner!r}: give that name, and all clips of it are forgotten."
            )
        nearest = difflib.get_close_matches(same(person.name), sorted(map(same, names)), n=3, cutoff=0.6)
        close = sorted(name for name in names if same(name) in nearest)
        hint = f" The nearest: {', '.join(map(repr, close))}." if close else ""
        return ValueError(
            f"Nothing under {home} is of anybody named {person.name!r}.{hint} {counted(len(names), 'name')} of people, and of "
            "clips that name nobody, are known there."
        )
