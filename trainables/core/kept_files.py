"""What a study leaves in a home: of each file who writes it, who reads it, whether it may be deleted and what is lost then.

`docs/files.md` is generated from this by `make docs`; the names are those of `trainables/core/files.py`.
"""

from __future__ import annotations

import dataclasses

from trainables.core import files

_STUDY = "<study>/"
_TRIAL = f"<study>/{files.TRIALS}/<trial>/"
_PREPARED = f"{files.PREPARED}/<folder>/"


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


KEPT = (
    Kept(
        files.DATABASE,
        "",
        "MLflow's store: experiments, runs, registered models, aliases",
        ("tuning/records/moved_home.py", "tuning/records/tracking.py"),
        ("tuning/records/mlflow_client.py", "tuning/records/home_check.py"),
        False,
        "the registry: which models there are and who is champion. Runs are written again from the ledgers",
    ),
    Kept(
        files.REGISTRY_LOCK,
        "",
        "the lock of whoever moves the aliases of a registered model",
        ("tuning/records/aliases.py",),
        ("tuning/records/aliases.py",),
        True,
        "nothing",
    ),
    Kept(
        files.ARTIFACTS,
        "",
        "MLflow's files: registered models with their code, evidence and card; predictions of runs",
        ("tuning/records/tracking.py",),
        ("tuning/records/tracking.py", "tuning/records/moved_home.py"),
        False,
        "every registered model",
        is_folder=True,
    ),
    Kept(
        files.DRAWN,
        "",
        "drawn faces, a folder for each study of them",
        ("tuning/execution/preparation.py",),
        (
            *("tuning/demo.py", "tuning/evidence/fold_sizes.py", "tuning/execution/preparation.py", "tuning/prune.py"),
            *("tuning/records/left_over.py",),
        ),
        True,
        "minutes: they are drawn again, the same, when the study goes on",
        is_folder=True,
    ),
    Kept(
        files.PREPARED_LOCK,
        f"{files.PREPARED}/",
        "the lock of whoever prepares that folder",
        ("trainables/core/prepared/stored.py",),
        ("trainables/core/prepared/stored.py",),
        True,
        "nothing",
    ),
    Kept(
        files.INDEX,
        _PREPARED,
        "the clips of a data set: labels, subjects, folds, what was dropped and why",
        ("trainables/core/prepared/cache.py",),
        ("trainables/core/prepared/stored.py",),
        True,
        "the time to find the faces again, for which the data set must still be there. Delete the whole folder",
    ),
    Kept(
        files.DROPPED,
        _PREPARED,
        "the clips that were dropped, each with the reason; where none was, there is no such file",
        ("tuning/execution/preparation.py",),
        (),
        True,
        "nothing: the next command that prepares this data writes it again",
    ),
    Kept(
        files.FRAMES,
        _PREPARED,
        "the faces, uint8 `(num_frames, H, W, 3)`",
        ("trainables/core/prepared/cache.py",),
        ("trainables/core/prepared/stored.py",),
        True,
        "as with `index.json`",
    ),
    Kept(
        files.FRAMES_AT,
        _PREPARED,
        "the same faces at another size",
        ("trainables/core/prepared/stored.py",),
        ("trainables/core/prepared/stored.py",),
        True,
        "seconds: they are resized again",
    ),
    Kept(
        files.LEDGER,
        _STUDY,
        "every event of the study, one a line; only ever appended to",
        ("tuning/records/ledger.py",),
        (
            "tuning/records/ledger.py",
            "tuning/records/home.py",
            "tuning/stop.py",
            "tuning/prune.py",
            "tuning/records/moved_home.py",
            "tuning/remove.py",
        ),
        False,
        "the study",
    ),
    Kept(
        files.LOCK,
        _STUDY,
        "the lock of the one process that writes the ledger",
        ("tuning/records/ledger.py",),
        (
            *("tuning/records/ledger.py", "tuning/prune.py", "tuning/records/left_over.py", "tuning/records/owner.py"),
            *("tuning/remove.py",),
        ),
        True,
        "nothing",
    ),
    Kept(
        files.OWNER,
        _STUDY,
        "which process writes the ledger, or wrote it last",
        ("tuning/records/owner.py",),
        ("tuning/records/owner.py", "tuning/stop.py"),
        True,
        "nothing",
    ),
    Kept(
        files.SPLITS,
        _STUDY,
        "the folds, and who is locked away as holdout",
        ("tuning/execution/runner.py",),
        (
            *("tuning/execution/runner.py", "tuning/evidence/ablation.py", "tuning/evidence/fold_sizes.py"),
            *("tuning/export.py", "tuning/prune.py"),
        ),
        False,
        "that all trials of the study had the same people in training and in test",
    ),
    Kept(
        files.FORMER_SPLITS,
        _STUDY,
        "the folds and the holdout of data that the study went on from, by their fingerprint",
        ("tuning/execution/study_data.py",),
        ("tuning/execution/study_data.py",),
        False,
        "who was on which side then: somebody who comes back may come back on another",
    ),
    Kept(
        files.TRACKED,
        _STUDY,
        "how many events of the ledger MLflow has, and at which address",
        ("tuning/records/tracking.py",),
        ("tuning/records/tracking.py",),
        True,
        "seconds: the next command on the study writes all events to MLflow again, which changes nothing there",
    ),
    Kept(
        files.RAY,
        _STUDY,
        "what Ray Tune and Ray Train write of themselves",
        ("tuning/execution/runner.py",),
        ("tuning/prune.py",),
        True,
        "nothing: a study goes on from its ledger",
        is_folder=True,
    ),
    Kept(
        files.CHECKPOINT,
        _TRIAL,
        "what a trial that is not through goes on from",
        ("trainables/core/training/trial.py",),
        ("trainables/core/training/trial.py", "tuning/execution/bookkeeper.py", "tuning/prune.py"),
        True,
        "the epochs of a trial that was interrupted: it begins anew. One that finished needs it no more",
    ),
    Kept(
        files.DAMAGED + files.CHECKPOINT,
        _TRIAL,
        "a checkpoint that could not be read, set aside",
        ("trainables/core/training/trial.py",),
        ("tuning/records/left_over.py",),
        True,
        "nothing",
    ),
    Kept(
        files.WEIGHTS,
        _TRIAL,
        "the trained network (not of ablations and nested cross-validation)",
        ("trainables/core/training/trial.py",),
        ("trainables/core/serving/classifier.py", "tuning/records/registry.py", "tuning/prune.py"),
        True,
        "that network. A registered model has its own copy; a refit that is not registered yet cannot be",
    ),
    Kept(
        files.MODEL,
        _TRIAL,
        "its configuration, its classes, and the data that it is of",
        ("trainables/core/training/trial.py",),
        (
            *("trainables/core/serving/classifier.py", "trainables/core/serving/onnx.py", "tuning/records/registry.py"),
            *("tuning/export.py",),
        ),
        True,
        "as with `model.safetensors`",
    ),
    Kept(
        files.PREDICTIONS,
        _TRIAL,
        "clip, subject, fold, seed, split, label and logits of every clip that it was scored on",
        ("trainables/core/training/trial.py",),
        ("tuning/evidence/holdout.py", "tuning/records/tracking.py"),
        False,
        "the evidence: intervals, ablations and promotions are computed from it",
    ),
    Kept(
        files.CONFUSION,
        _TRIAL,
        "its confusion matrix",
        ("trainables/core/training/trial.py",),
        ("tuning/records/tracking.py",),
        True,
        "nothing, once MLflow has its copy",
    ),
    Kept(
        files.ROBUSTNESS,
        _TRIAL,
        "accuracy under occlusion and rotation (confirmations)",
        ("trainables/core/training/robustness.py",),
        ("tuning/records/artifacts.py", "tuning/records/tracking.py"),
        True,
        "the curves in the report, and the line on disturbed faces in the model card",
    ),
    Kept(
        files.TRACEBACK,
        _TRIAL,
        "where a failed trial failed",
        ("tuning/execution/bookkeeper.py",),
        ("tuning/logs.py",),
        True,
        "the traceback; the ledger keeps the error's first line",
    ),
    Kept(
        files.EVIDENCE,
        _TRIAL,
        "what a promotion rests on (refits)",
        ("tuning/evidence/evidence_file.py",),
        (),
        True,
        "nothing, once the model is registered: its copy lies under `artifacts/`",
    ),
    Kept(
        files.MODEL_CARD,
        _TRIAL,
        "what the model is for, was tested on, and its limits (refits)",
        ("tuning/promote.py",),
        (),
        True,
        "as with `evidence.json`",
    ),
)
