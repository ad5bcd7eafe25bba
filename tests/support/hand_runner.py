"""A study whose trainings are written by hand: what `confirm` and `promote` ask for is there at once, without Ray."""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ray import tune

from search_spaces.core.study import Study
from tests.support.builders import RES_RBG, SETTINGS, make_trial, prepare_people, prepare_random
from tests.support.mlflow_store import new_store, register
from trainables import res_rbg
from trainables.core import files
from trainables.core.config import make_config
from trainables.core.phases import SCORED_ON
from trainables.core.prepared.splits import load_splits, make_splits
from trainables.core.prepared.stored import Prepared, open_prepared
from trainables.core.training.trial import write_model
from tuning.confirm import confirm_search
from tuning.execution.devices.placement import Placement
from tuning.execution.runner import Runner
from tuning.execution.session import Node, Session
from tuning.promote import promote_winner
from tuning.records.ledger import Ledger, Trial
from tuning.records.mlflow_client import default_uri
from tuning.records.tracking import Tracker
from tuning.records.trial import identity
from tuning.text.progress import Silent

DEVICE = "AMD EPYC"
NAME = "smiles"
GONE = "/nowhere/clips"
SKILLS = {8: 0.95, 4: 0.7}
CLIP = "happy/Anna_01.mp4"
FAILED_AT = f"ValueError: search-0002 gave no answer, as its logits are not numbers, for {CLIP}, happy/ben_01.mp4."
ONE = "people 10"  # under which one of the six `PEOPLE` is locked away, the last
FIFTH = "people 291"  # a salt under which a fifth of 60 people, and of 80, is locked away


def hand_store(home: Path, num_subjects: int = 80) -> dict[str, Any]:
    """What a `HandRunner` needs: prepared clips, a fifth of the people locked away, and an MLflow store of one experiment."""
    uri = new_store(home)
    experiment = mlflow.MlflowClient(uri).create_experiment("hand", artifact_location=str(home / "artifacts"))
    prepared = prepare_random(home, num_subjects=num_subjects)
    return {"prepared": prepared, "home": home, "uri": uri, "experiment": experiment}


@contextlib.contextmanager
def competing(store: Mapping[str, Any], registered: str) -> "Generator[Callable[..., HandRunner]]":
    """Begins studies that compete for the name `registered`, and closes them all at the end."""
    with contextlib.ExitStack() as opened:

        def begin(skills, *, name="one", **changes):
            runner = HandRunner(f"{registered}-{name}", skills, **{**store, "registered": registered, **changes})
            return opened.enter_context(runner)

        yield begin


class HandRunner:
    """Stands for a `Runner` of a study of `prepared` under `home`.

    `skills` gives by `gru_hidden` the share of holdout clips that a configuration gets right, the same with every seed;
    its front are all searched trials, the first recommended. A search in `run` believes that it is right in `promised` more
    of the cases. Runs are written as MLflow runs of `experiment` at `uri`.
    """

    def __init__(
        self,
        name: str,
        skills: Mapping[int, float],
        *,
        prepared: Prepared,
        home: Path,
        uri: str,
        experiment: str = "",
        registered: str = "task",
        trainable: str = "res_rbg",
        seed: int = 0,
        salt: str = FIFTH,
    ) -> None:
        self.study = Study(
            name=name,
            trainable=trainable,
            dataset="clip_folder",
            registered_model=registered,
            parameters={"gru_hidden": tune.choice([4, 8, 16, 32, 64])},
            settings={"epochs": 3, "image_size": 16},
            seed=seed,
        )
        self.skills, self.prepared, self.home, self.folder = skills, prepared, home, home / name
        self.notes: list[str] = []
        self.splits = make_splits(prepared, salt=salt)
        self.tracker = SimpleNamespace(uri=uri, run_id=self._run_id)
        self.listener = Silent()
        self.ledger = Ledger.write(self.folder)
        self.asked: list[Trial] = []
        self.placement = Placement()
        self.fails, self.device_of, self.time_of = lambda trial: False, lambda trial: DEVICE, lambda trial: 10.0
        self.promised = 0.0  # what a search believes beyond the skill
        self._experiment = experiment

    def noted(self, message: str) -> None:
        self.notes.append(message)
        self.listener.noted(message)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ledger.close()

    def search(self, *hidden: int, said: float = 0.9) -> "HandRunner":
        """Finished search trials, on the front, which believe that they are right in `said` of the cases."""
        for number, width in enumerate(hidden):
            trial = Trial(
                trial_id=f"search-{number:04d}",
                phase="search",
                parameters={"gru_hidden": width},
                seed=self.study.seed * 100_000 + number,
                folds=(0,),
            )
            self._write(trial, said)
        members = [trial.trial_id for trial in self.ledger.of_phase("search")]
        self.ledger.select(members, members[0])
        return self

    def run_listed(self, phase, trials):
        """Write what is not there yet."""
        known = {identity(self.study, trial): trial for trial in self.ledger.of_phase(phase)}
        for trial in trials:
            trial = known.get(identity(self.study, trial), trial)
            if trial.state != "FINISHED":
                trial.trial_id = trial.trial_id or self.ledger.next_id(phase)
                self.asked.append(trial)
                self._write(trial, self.skills[trial.parameters["gru_hidden"]])

    run_in_turn = Runner.run_in_turn

    def session(self):
        return Session(nodes=(Node(num_cpus=1),))

    def run(self, phase, searcher, count, deadline=None):
        """Write up to `count` of what is proposed."""
        for _ in range(count):
            if (trial := searcher.ask()) is None:
                return
            trial.trial_id = trial.trial_id or self.ledger.next_id(phase)
            self.asked.append(trial)
            self._write(trial, min(1.0, self.skills[trial.parameters["gru_hidden"]] + self.promised))
            searcher.tell(self.ledger.trials[trial.trial_id])

    def _write(self, trial, skill):
        self.ledger.start(trial)
        if self.fails(trial):
            self.ledger.end(trial.trial_id, "FAILED", error="it diverged")
            return
        folder = self.folder / "trials" / trial.trial_id
        folder.mkdir(parents=True, exist_ok=True)
        view = self.splits.view(trial.phase, trial.folds[0])
        indices = view.validation if SCORED_ON[trial.phase] == "validation" else view.test
        if indices:
            self._predict(folder / "predictions.parquet", trial, np.array(indices), skill)
        else:
            (folder / "model.json").write_text(json.dumps({"classes": self.prepared.classes}))
            (folder / "model.safetensors").write_bytes(b"weights")
        width = trial.parameters["gru_hidden"]
        metrics = {"best_epoch": 2.0, "param_count": 1e5 * width, "accuracy": skill, "uar": skill}
        metrics["train_time_s"] = self.time_of(trial)
        workers = [{"host": "n", "device": self.device_of(trial), "gpus": ""}]
        self.ledger.end(trial.trial_id, "FINISHED", metrics, workers=workers)

    def _predict(self, path, trial, indices, skill):
        """Right in `skill` of the clips; which ones depends on the configuration, and shifts with the seed."""
        labels = self.prepared.labels[indices]
        order = np.random.default_rng(trial.parameters["gru_hidden"]).permutation(len(indices))
        wrong = np.roll(order, trial.seed % 7)[round(skill * len(indices)) :]
        answers = labels.copy()
        answers[wrong] = (labels[wrong] + 1) % len(self.prepared.classes)
        rows = {
            "clip_id": [self.prepared.clip_ids[index] for index in indices],
            "subject": [self.prepared.subjects[index] for index in indices],
            "fold": pa.array([trial.folds[0]] * len(indices), pa.int32()),
            "seed": pa.array([trial.seed] * len(indices), pa.int64()),
            "split": [SCORED_ON[trial.phase]] * len(indices),
            "label": pa.array(labels, pa.int32()),
            "logits": pa.array(list(np.eye(len(self.prepared.classes), dtype=np.float32)[answers])),
        }
        pq.write_table(pa.table(rows), path)

    def _run_id(self, trial_id):
        return mlflow.MlflowClient(self.tracker.uri).create_run(self._experiment).info.run_id


class WholeRunner(HandRunner):
    """A `HandRunner` whose refit is a network that answers."""

    def _write(self, trial, skill):
        super()._write(trial, skill)
        if trial.phase == "refit":
            given = {**SETTINGS, **RES_RBG, **trial.parameters, "num_classes": len(self.prepared.classes)}
            config = make_config(res_rbg.Config, given)
            folder = self.ledger.trial_folder(trial.trial_id)
            faces_given = dataclasses.replace(self.prepared, faces="given")  # nothing is a face in noise
            write_model(folder, res_rbg.build_model(config), "res_rbg", config, faces_given)


def write_home(home: Path, *, promoted: bool = True) -> Study:
    """Write a home with all that a home holds, in seconds: study `smiles`, tracked, and its champion if `promoted`.

    The model is a real network and the store MLflow's own. The data root that the ledger names was never here.
    """
    home.mkdir(parents=True, exist_ok=True)
    store: dict[str, Any] = {"prepared": prepare_random(home, num_subjects=60), "home": home, "uri": new_store(home)}
    with WholeRunner(NAME, SKILLS, registered=NAME, **store) as runner:
        runner.ledger.open_study(**_facts(runner))
        runner.splits.save(runner.folder / files.SPLITS)
        with Tracker(runner.ledger, store["uri"], home) as tracker:
            runner.tracker = tracker
            runner.search(*SKILLS)
            if promoted:
                promote_winner(runner)
            else:
                confirm_search(runner, top=1)
    return runner.study


def _facts(runner: HandRunner) -> dict[str, Any]:
    study = runner.study
    return {
        "trainable": study.trainable,
        "dataset": study.dataset,
        "dataset_fingerprint": runner.prepared.fingerprint,
        "objectives": [[objective.metric, objective.direction] for objective in study.objectives],
        "space": {key: str(domain) for key, domain in study.parameters.items()},
        "settings": dict(study.settings),
        "classes": list(runner.prepared.classes),
        "data_root": GONE,
    }


def write_people_home(home: Path) -> Path:
    """Write a home with a study of six people, `write_people_study`, and a model `smiles` of three versions.

    The first two, the second champion, are of that study, and the third of one elsewhere.
    """
    new_store(home)
    prepared = prepare_people(home)
    write_people_study(home, prepared)
    register(home, NAME, prepared.fingerprint)
    register(home, NAME, prepared.fingerprint, champion=True)
    register(home, "elsewhere", "another")
    return home


def write_people_study(home: Path, prepared: Prepared, name: str = NAME, **facts: Any) -> None:
    """Two searched trials and one that failed at a clip, two confirmations and a refit, tracked; words that name the clip."""
    facts = {"dataset": prepared.name, "dataset_fingerprint": prepared.fingerprint, "data_root": GONE, **facts}
    given: dict[str, Any] = {"parameters": {"gru_hidden": 8}, "folds": (0,), "of": "search-0000"}
    of_home = {"prepared": prepared, "home": home, "uri": default_uri(home), "salt": ONE}
    with HandRunner(name, {8: 0.9, 4: 0.7}, **of_home) as runner:
        runner.ledger.open_study(objectives=[["accuracy", "max"]], **facts)
        runner.splits.save(runner.folder / files.SPLITS)
        with Tracker(runner.ledger, runner.tracker.uri, home):
            runner.search(8, 4)
            runner.ledger.start(make_trial(2, parameters={"gru_hidden": 8}))
            runner.ledger.end("search-0002", "FAILED", error=FAILED_AT)
            runner.run_listed("confirm", [Trial(phase="confirm", seed=seed, **given) for seed in (70, 71)])
            runner.run_listed("refit", [Trial(phase="refit", seed=90, **given)])
    trials = runner.folder / files.TRIALS
    for path, text in (
        (trials / "search-0000" / files.WEIGHTS, "weights"),
        (trials / "search-0002" / files.TRACEBACK, f"Traceback\n{FAILED_AT}"),
        (runner.folder / files.RAY / "result.json", FAILED_AT),
        (runner.folder / "smiles.html", f"<p>{FAILED_AT}</p>"),
        (runner.folder / "other.html", "<p>no clip</p>"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def locked_away(home: Path) -> str | None:
    """The person on the holdout of `write_people_study`."""
    splits = load_splits(home / NAME / files.SPLITS)
    return faces(home).subjects[splits.holdout[0]]


def faces(home: Path) -> Prepared:
    """The only prepared data of a home."""
    (folder,) = (home / files.PREPARED).glob("[!.]*")
    return open_prepared(folder)
