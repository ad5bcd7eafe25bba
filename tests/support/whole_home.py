"""A home with all that a home holds, in seconds and without Ray: a searched, confirmed and promoted study, tracked.

Its model is a real network and its store MLflow's own; only the trainings are written by hand. The data root that its
ledger names was never on this machine.
"""

import dataclasses
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from tests.support.builders import RES_RBG, SETTINGS, prepare_random
from tests.support.hand_runner import HandRunner
from tests.support.mlflow_store import new_store
from trainables import res_rbg
from trainables.core import files
from trainables.core.config import make_config
from trainables.core.training.trial import write_model
from tuning.confirm import confirm_search
from tuning.promote import promote_winner
from tuning.records.tracking import Tracker

NAME = "smiles"
GONE = "/nowhere/clips"
SKILLS = {8: 0.95, 4: 0.7}


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
    """Write study `smiles` under `home`, its champion too where it is `promoted`; the study."""
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
