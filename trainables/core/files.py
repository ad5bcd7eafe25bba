"""The names of what lies in a home, in a study's folder and in a trial's. Importing this costs nothing.

`kept_files.py` beside this says of each who writes it, who reads it and whether it may be deleted.
"""

from __future__ import annotations

from pathlib import Path

# In a home.
PREPARED = "prepared"
DRAWN = "drawn"
ARTIFACTS = "artifacts"
DATABASE = "mlflow.db"
IDLE_TIMES = "idle_times.json"
REGISTRY_LOCK = "{database}.{model}.lock"
KEPT_TRAININGS = "kept_trainings"
HOME_ID = "home-id"

# Of prepared faces, `<home>/prepared`.
PREPARED_LOCK = ".{folder}.lock"
DRAFT = ".{folder}.part"
HASHES = ".hashes.sqlite"
INDEX = "index.json"
FRAMES = "frames.npy"
DROPPED = "dropped.csv"
FRAMES_AT = "frames_{pixels}.npy"
FEATURES = "features_{key}.npy"

# In a study's folder, `<home>/<study>`.
LEDGER = "ledger.jsonl"
LOCK = "ledger.lock"
OWNER = "ledger.owner"
DAMAGED_LEDGER = "damaged.ledger.jsonl"  # what was set aside of one that others changed
SPLITS = "splits.json"
FORMER_SPLITS = "splits-{fingerprint}.json"
TRACKED = "tracked.json"
TRACKED_LOCK = "tracked.lock"
WAITS = "waits.json"
PROBE = ".seen-{token}-{name}"
TRIALS = "trials"
RAY = "ray"

# In a trial's folder.
CHECKPOINT = "last.pt"
BEST = "best-{fold}-{epoch}.pt"
WALL_TIME = "wall_time.json"
DAMAGED = "damaged."  # before the name of a file that was set aside
WEIGHTS = "model.safetensors"
MODEL = "model.json"
PREDICTIONS = "predictions.parquet"
CONFUSION = "confusion.json"
ROBUSTNESS = "robustness.json"
TRACEBACK = "error.txt"
EVIDENCE = "evidence.json"
CHOSEN_ON = "chosen_on.json"
MODEL_CARD = "MODEL_CARD.md"


def checkpoint_files(folder: Path) -> list[Path]:
    """Of the trial in `folder`, what it goes on from if it is interrupted: `CHECKPOINT`, `WALL_TIME`, the files of `BEST`."""
    single = [folder / name for name in (CHECKPOINT, WALL_TIME) if (folder / name).exists()]
    return [*single, *sorted(folder.glob(BEST.format(fold="*", epoch="*")))]


def trial_folder(study_folder: Path, trial_id: str) -> Path:
    """Where the files of a trial lie."""
    return study_folder / TRIALS / trial_id


def kept_trainings(home: Path, fingerprint: str) -> Path:
    """Where a home keeps trainings of champions on the data of that `fingerprint`."""
    return home / KEPT_TRAININGS / fingerprint[:12]


def without_weights(folder: Path) -> str:
    """A sentence, after a blank, on the search trial in `folder` if its weights went; `""` where that is not what it lacks."""
    is_search = folder.parent.name == TRIALS and folder.name.startswith("search-")
    if not is_search or (folder / WEIGHTS).exists() or not (folder / MODEL).exists():
        return ""
    return (
        " The weights of that trial are deleted: at its end a search keeps those that something needs, or with --keep-weights "
        f"all of them. `confirm {folder.parent.parent.name} --trial {folder.name}` trains its configuration again."
    )
