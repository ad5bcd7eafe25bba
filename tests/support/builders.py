"""Small things that several tests build: random prepared faces, their splits, a trial that trains in a blink."""

import contextlib
import json
import shutil
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

import trainables
from tests.support.stub_faces import StubFinder
from trainables.core import files
from trainables.core.phases import Phase
from trainables.core.prepared.cache import prepare
from trainables.core.prepared.splits import make_splits
from trainables.core.prepared.stored import Prepared, open_prepared
from trainables.core.serving.classifier import Classifier
from trainables.core.training import costs
from trainables.core.training.metrics import METRICS
from trainables.core.training.trial import Stopped, TrialSpec, run_trial
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Dataset, Fold, Sample
from tuning.records.ledger import Trial

CLASSES = ("happy", "sad")
PEOPLE = ("Anna", "ben", "cara", "dan", "eve", "finn")
UNUSABLE = ("happy/Anna_09.mp4", "sad/ben_09.mp4")
SETTINGS = {"image_size": 32, "num_frames": 3, "batch_size": 4, "epochs": 2}
RES_RBG = {"backbone": "resnet18", "rbg_depth": 1, "gru_hidden": 8}


@contextlib.contextmanager
def tiny_trainable() -> Generator[None]:
    """`extension/tiny.py` is a trainable like any other, torch computes in one thread, a latency is measured once."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs, "LATENCY_BUDGET_S", 0.0)
        patch.setattr(trainables, "__path__", [*trainables.__path__, str(Path(__file__).parent / "extension")])
        yield
    torch.set_num_threads(threads)


def prepare_random(storage: Path, *, num_subjects: int = 10, num_folds: int = 3) -> Prepared:
    """Random clips of 2 to 4 frames, one of each class from every subject; no file but the cache.

    In fold k every `num_folds`-th subject from k on is tested, the ones after them validate.
    """
    rng = np.random.default_rng(0)
    samples, frames = [], {}
    for subject in range(num_subjects):
        for label, name in enumerate(CLASSES):
            clip_id = f"{name}/P{subject:02d}"
            samples.append(Sample(clip_id=clip_id, label=label, subject=f"P{subject:02d}", paths=()))
            frames[clip_id] = rng.integers(1, 256, (int(rng.integers(2, 5)), 40, 40, 3), np.uint8)
    groups = [
        tuple(i for i, sample in enumerate(samples) if int(sample.subject[1:]) % num_folds == k)
        for k in range(num_folds)
    ]
    folds = []
    for k in range(num_folds):
        after = (k + 1) % num_folds
        train = tuple(sorted(i for j, group in enumerate(groups) if j not in (k, after) for i in group))
        folds.append(Fold(train=train, validation=groups[after], test=groups[k]))
    dataset = Dataset(
        name="random", classes=CLASSES, samples=samples, folds=folds, read=lambda sample: iter(frames[sample.clip_id])
    )
    return prepare(dataset, storage, crop_size=40, finder=StubFinder(), num_processes=1)


def prepare_people(
    storage: Path,
    people: Sequence[str | None] = PEOPLE,
    *,
    name: str = "clip_folder",
    copies: Mapping[str, str] | None = None,
    folds: Sequence[Fold] | None = None,
    notes: Sequence[str] = (),
    crop_size: int = 24,
) -> Prepared:
    """Clips `happy/<person>_01.mp4` and `sad/<person>_02.mp4` of 2 to 4 frames; `None` names nobody.

    `UNUSABLE` clips are dropped and listed. `copies` gives ids of clips that have the frames of another. Three folds test
    every third person each.
    """
    rng = np.random.default_rng(0)
    samples, frames = [], {}
    for number, person in enumerate(people):
        for label, clip in enumerate((f"happy/{person or number}_01.mp4", f"sad/{person or number}_02.mp4")):
            samples.append(Sample(clip_id=clip, label=label, subject=person, paths=()))
            frames[clip] = rng.integers(1, 256, (int(rng.integers(2, 5)), 24, 24, 3), np.uint8)
    for copy, original in (copies or {}).items():
        frames[copy] = frames[original]
    groups = [tuple(i for i in range(len(samples)) if i // 2 % 3 == k) for k in range(3)]
    cut = [Fold(train=groups[k], validation=groups[(k + 1) % 3], test=groups[(k + 2) % 3]) for k in range(3)]
    for clip in UNUSABLE:
        samples.append(Sample(clip_id=clip, label=CLASSES.index(clip.split("/")[0]), subject=None, paths=()))
        frames[clip] = np.zeros((2, 24, 24, 3), np.uint8)
    dataset = Dataset(
        name=name,
        classes=CLASSES,
        samples=samples,
        folds=list(folds or cut),
        read=lambda sample: iter(frames[sample.clip_id]),
        notes=tuple(notes),
    )
    prepared = prepare(dataset, storage, crop_size=crop_size, finder=StubFinder(), num_processes=1)
    listed = "".join(f"{clip.clip_id},{clip.reason}\r\n" for clip in prepared.dropped)
    (prepared.folder / files.DROPPED).write_text(f"clip,reason\r\n{listed}", encoding="utf-8")
    return prepared


def of_earlier_version(prepared: Prepared) -> Prepared:
    """`prepared` as a version left it that did not say for which `image_size` its crops are."""
    path = prepared.folder / files.INDEX
    index = json.loads(path.read_text())
    del index["face_size"]
    path.write_text(json.dumps(index))
    return open_prepared(prepared.folder)


def corrupted(prepared: Prepared, clips: tuple[int, ...], folder: Path, *, frames: bool = True) -> Prepared:
    """A copy in which `clips` have the wrong label each and, with `frames`, other frames; it claims to be the same."""
    shutil.copytree(prepared.folder, folder)
    index = json.loads((folder / "index.json").read_text())
    for clip in clips:
        index["labels"][clip] = (index["labels"][clip] + 1) % len(prepared.classes)
    (folder / "index.json").write_text(json.dumps(index))
    if frames:
        for path in folder.glob("frames*.npy"):
            stored = np.load(path, mmap_mode="r+")
            for clip in clips:
                part = slice(prepared.offsets[clip], prepared.offsets[clip + 1])
                stored[part] = 255 - stored[part]
            stored.flush()
    return open_prepared(folder)


def make_spec(
    prepared: Prepared,
    folder: Path,
    *,
    phase: Phase = "search",
    folds: tuple[int, ...] = (0,),
    seed: int = 0,
    num_epochs: int | None = None,
    splits: Path | None = None,
    trainable: str = "tiny",
    **parameters: object,
) -> TrialSpec:
    """A trial with `SETTINGS`, changed by `parameters`, on `prepared`; its splits lie beside its `folder` unless given."""
    if splits is None:
        splits = folder.parent / "splits.json"
        folder.parent.mkdir(parents=True, exist_ok=True)
        make_splits(prepared, salt="test").save(splits)
    return TrialSpec(
        trial_id="search-0000",
        study="test",
        phase=phase,
        trainable=trainable,
        parameters={**SETTINGS, **parameters},
        prepared=str(prepared.folder),
        splits=str(splits),
        folds=folds,
        seed=seed,
        folder=str(folder),
        num_epochs=num_epochs,
    )


def train(spec: TrialSpec, stop_after: int | None = None) -> tuple[list[dict[str, float]], dict[str, float]]:
    """The curve and the metrics of a trial run here; after `stop_after` epochs the listener wants no more."""
    curve: list[dict[str, float]] = []

    def report(row):
        curve.append(dict(row))
        return row["epoch"] != stop_after

    return curve, run_trial(spec, report, Group())


def assert_resumed_equals_uninterrupted(prepared: Prepared, place: Path, stop_after: int, **settings: object) -> None:
    """A trial with `settings` of `make_spec` that is stopped after some epochs ends, resumed, as one that was not."""
    whole, metrics = train(make_spec(prepared, place / "whole", **settings))
    spec = make_spec(prepared, place / "halted", **settings)
    with pytest.raises(Stopped):
        train(spec, stop_after=stop_after)
    rest, resumed = train(spec)
    assert rest == whole[stop_after:]
    assert untimed(resumed) == untimed(metrics)
    models = [Classifier.load(place / name, device="cpu").model.state_dict() for name in ("whole", "halted")]
    assert same_weights(*models)


def same_weights(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Equal to the last bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def untimed(metrics: dict[str, float]) -> dict[str, float]:
    """The metrics that no clock enters."""
    return {key: value for key, value in metrics.items() if key not in METRICS or not METRICS[key].by_device}


def make_trial(number: int = 0, **fields: object) -> Trial:
    """A search trial as a driver hands it to the ledger."""
    given = {
        "trial_id": f"search-{number:04d}",
        "phase": "search",
        "parameters": {"rbg_depth": number % 4, "lr": 0.001},
        "seed": number,
        "folds": (0,),
    }
    return Trial(**{**given, **fields})
