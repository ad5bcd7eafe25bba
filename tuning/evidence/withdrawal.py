"""What a study holds of a person who withdraws, read from its files, and the study without it."""

from __future__ import annotations

import contextlib
import dataclasses
import html
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from trainables.core import files
from trainables.core.prepared.splits import Splits, load_splits
from trainables.core.prepared.withdrawn import Held, Person, redacted
from trainables.data.core.dataset import DataError
from tuning.evidence.holdout import study_at_starts
from tuning.records.kept.store import Damaged, facts_of, kept_files
from tuning.records.ledger import Ledger, Trial

WORDS = ("error", "words", "reason")  # what an event of a ledger says in sentences, which may name a clip
PAGES = {".html", ".csv", ".tsv", ".md", ".tex"}  # what shows a study, and can be made anew


@dataclasses.dataclass(frozen=True, kw_only=True)
class InStudy:
    """What the study in `folder` holds of a person.

    `rows` counts his rows by file of predictions; of `unreadable` ones nobody knows. `texts` name a clip of his and are
    rewritten, `pages` are deleted, Ray's own results among them. `weights` are trials trained on him that left a network or a
    checkpoint. `prepared` says that the study was begun on data that holds him; `data_root` where its clips were.
    """

    folder: Path
    dataset: str
    clip_ids: frozenset[str]
    rows: Mapping[Path, int]
    unreadable: tuple[Path, ...]
    texts: tuple[Path, ...]
    pages: tuple[Path, ...]
    weights: tuple[str, ...]
    prepared: bool
    data_root: str
    drawn: bool

    @property
    def is_concerned(self) -> bool:
        """Whether it holds anything of him."""
        return bool(self.rows or self.texts or self.pages or self.weights or self.prepared)


def in_study(folder: Path, held: Sequence[Held], person: Person) -> InStudy:
    """What the study in `folder` holds of `person`, of whom the prepared data hold `held`.

    Raises `ValueError` for a damaged ledger.
    """
    ledger = Ledger.read(folder)
    known = {event.get("dataset_fingerprint") for event in ledger.events if event["event"] == "study"}
    mine = [one for one in held if known & one.positions.keys()]
    clip_ids = {clip for one in mine for clip in one.clip_ids}
    rows, unreadable = predictions_in((folder / files.TRIALS).glob(f"*/{files.PREDICTIONS}"), person, clip_ids)
    clip_ids |= {clip for path in rows for subject, clip in _rows(path) if person.owns(subject, clip)}
    texts = [folder / files.LEDGER, *(folder / files.TRIALS).glob(f"*/{files.TRACEBACK}")]
    splits, began = _splits(folder), study_at_starts(ledger, "dataset_fingerprint")
    positions = {key: set(value) for one in mine for key, value in one.positions.items()}
    return InStudy(
        folder=folder,
        dataset=ledger.study.get("dataset", ""),
        clip_ids=frozenset(clip_ids),
        rows=rows,
        unreadable=unreadable,
        texts=tuple(path for path in texts if path.exists() and _without(path, clip_ids) != _text(path)),
        pages=(*pages_in(folder, clip_ids), *_of_ray(folder, clip_ids)),
        weights=tuple(
            trial.trial_id
            for trial in ledger.trials.values()
            if _left_weights(ledger, trial)
            and any(
                positions.get(key, set()) & _trained_on(splits[key], trial)
                for key in began[trial.trial_id]
                if key in splits
            )
        ),
        prepared=bool(mine),
        data_root=ledger.study.get("data_root", ""),
        drawn=bool(ledger.study.get("drawn")),
    )


def role_in(folder: Path, fingerprint: str, held: Sequence[Held]) -> str:
    """What the person was to a model of the study in `folder`, of data with that `fingerprint`.

    `trained`: it was trained on him. `tested`: he was locked away, and it was tested on him. `""`: neither. `unknown`: its
    splits, or the data that they were cut from, are gone.
    """
    splits = _splits(folder).get(fingerprint)
    mine = [one.positions[fingerprint] for one in held if fingerprint in one.positions]
    if splits is None or not mine:
        return "unknown"
    indices = {index for clips in mine for index in clips}
    if indices & {index for fold in splits.folds for part in dataclasses.astuple(fold) for index in part}:
        return "trained"
    return "tested" if indices & set(splits.holdout) else ""


def predictions_in(
    paths: Iterable[Path], person: Person, clip_ids: Collection[str]
) -> tuple[dict[Path, int], tuple[Path, ...]]:
    """How many rows each of `paths` has of the person, where it has any, and those that cannot be read."""
    found, unreadable = {}, []
    for path in sorted(paths):
        try:
            count = sum(_his(path, person, clip_ids))
        except (OSError, ValueError, KeyError):
            unreadable.append(path)
            continue
        if count:
            found[path] = count
    return found, tuple(unreadable)


def kept_of(home: Path, person: Person, dataset: str | None, clip_ids: Collection[str]) -> dict[Path, int]:
    """Kept trainings of champions that hold the person, of all data sets or of `dataset`, with his rows in each.

    Damaged ones, of which nobody knows, are among them, with none.
    """
    paths = []
    for path in kept_files(home):
        try:
            of = facts_of(path)["training"]["dataset"]
        except Damaged:
            of = dataset
        paths += [path] * (dataset in (None, of))
    found, unreadable = predictions_in(paths, person, clip_ids)
    return found | dict.fromkeys(unreadable, 0)


def people_in(path: Path) -> set[str]:
    """Whom the predictions in `path` name. Empty for a file that cannot be read."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        return {name for name in pq.read_table(path, columns=["subject"])["subject"].to_pylist() if name}
    return set()


def drop_rows(path: Path, person: Person, clip_ids: Collection[str]) -> None:
    """Write the predictions in `path` anew without the rows of the person; where none is left, delete them."""
    table = pq.read_table(path)
    kept = table.filter([not his for his in _his(path, person, clip_ids)])
    if not kept.num_rows:
        path.unlink()
        return
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    pq.write_table(kept, temporary)
    temporary.replace(path)


def erase(found: InStudy, person: Person) -> None:
    """Take the person out of all of a study's files but its weights. The caller holds the study's lock."""
    for path in found.pages:
        path.unlink(missing_ok=True)
    for path in found.texts:
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        temporary.write_bytes(_without(path, found.clip_ids).encode("utf-8", "surrogateescape"))
        temporary.replace(path)
    for path in found.rows:
        drop_rows(path, person, found.clip_ids)


def pages_in(folder: Path, clip_ids: Collection[str]) -> tuple[Path, ...]:
    """The pages and tables that lie in `folder` and name one of the clips."""
    if not clip_ids:
        return ()
    written = {form for clip in clip_ids for form in (clip, html.escape(clip), json.dumps(clip)[1:-1])}
    return tuple(path for path in sorted(folder.glob("*")) if path.suffix in PAGES and _names_any(_text(path), written))


def _of_ray(folder: Path, clip_ids: Collection[str]) -> Iterator[Path]:
    """Ray's own results that name one: packed ones too, so that any place in a file counts."""
    for path in sorted((folder / files.RAY).rglob("*") if clip_ids else ()):
        if path.is_file() and any(clip in _text(path) for clip in clip_ids):
            yield path


def _names_any(text: str, clip_ids: Collection[str]) -> bool:
    there = [clip for clip in clip_ids if clip in text]
    return bool(there) and redacted(text, there) != text


def _rows(path: Path) -> list[tuple[str | None, str]]:
    """Subject and clip of each row of a file of predictions."""
    table = pq.read_table(path, columns=["clip_id", "subject"])
    return list(zip(table["subject"].to_pylist(), table["clip_id"].to_pylist(), strict=True))


def _his(path: Path, person: Person, clip_ids: Collection[str]) -> list[bool]:
    """Of each row of a file of predictions whether it is of the person."""
    return [person.owns(subject, clip) or clip in clip_ids for subject, clip in _rows(path)]


def _splits(folder: Path) -> dict[str, Splits]:
    """The splits of a study by the fingerprint of the data: those of today, and of its data before that."""
    found = {}
    for path in folder.glob(f"{Path(files.SPLITS).stem}*.json"):
        with contextlib.suppress(DataError):
            splits = load_splits(path)
            found[splits.fingerprint] = splits
    return found


def _left_weights(ledger: Ledger, trial: Trial) -> bool:
    folder = ledger.trial_folder(trial.trial_id)
    return (folder / files.WEIGHTS).exists() or any(path.suffix == ".pt" for path in files.checkpoint_files(folder))


def _trained_on(splits: Splits, trial: Trial) -> set[int]:
    """Also those whose clips chose its epoch."""
    views = [splits.view(trial.phase, fold) for fold in trial.folds if fold < len(splits.folds)]
    return {index for view in views for index in (*view.train, *view.validation)}


def _without(path: Path, clip_ids: Collection[str]) -> str:
    """The text in `path` without the ids; of a ledger those lines alone are changed whose words name a clip."""
    text = _text(path)
    if path.name != files.LEDGER or not clip_ids:
        return redacted(text, clip_ids)
    *lines, torn = text.split("\n")
    return "\n".join([*(_said_without(line, clip_ids) for line in lines), torn])


def _said_without(line: str, clip_ids: Collection[str]) -> str:
    event = json.loads(line)
    words = {key: redacted(event[key], clip_ids) for key in WORDS if isinstance(event.get(key), str)}
    return json.dumps({**event, **words}) if any(event[key] != said for key, said in words.items()) else line


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")
