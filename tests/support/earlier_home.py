"""A home as an earlier commit left it, made by that commit's own code: `python -m tests.support.earlier_home FOLDER`.

It holds a study of drawn faces with three search trials, one of them failed, the front confirmed, two versions
registered, the second champion; and a study that was interrupted in its only trial. Ledgers, MLflow store and prepared data
are as that code wrote them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

COMMIT = "7998b92"

# Runs in the earlier tree, with Tune as a loop in this process: what is written is that code's, where it was trained does not
# matter. Three people on a holdout prove nothing, so their accuracy is given as if there were more.
_SCRIPT = """
import contextlib, dataclasses, os, signal, sys
from pathlib import Path
from loop import Loop, tried
from tests.tiny_study import Quiet, tiny_study
from trainables.core.device import whereabouts
from trainables.core.group import Group
from trainables.core.trial import TrialSpec, run_trial
from tuning import gate, promotion, study_runner
from tuning.confirm import confirm
from tuning.evidence import evidence
from tuning.placement import Placement
from tuning.session import Node, Session
from tuning.statistics import Interval
from tuning.study_runner import Runner

def train(spec, report):
    group = Group()
    return tried(lambda: run_trial(TrialSpec(**spec), report, group), [whereabouts(group.device)])

study_runner.tune.Tuner = lambda _, tune_config, **__: Loop(tune_config.search_alg, tune_config.num_samples, train)
Runner._ray = lambda self: Session(nodes=(Node(num_cpus=1),))

with Runner(tiny_study(), Quiet(), home=Path(sys.argv[1]), placement=Placement(max_concurrent=1)) as runner:
    runner.search(3)
    confirm(runner, top=1)
    found = evidence(runner.ledger)[0]
    good = Interval(mean=0.9, low=0.8, high=1.0, confidence=0.95, method="as if more people had been confirmed on")
    gate.evidence = lambda ledger: [dataclasses.replace(found, accuracy=good)]
    gate.holdout_accuracy = lambda predictions, confidence: good
    promoted = gate.promote(runner)
    refit = runner.ledger.of_phase("refit")[0]
    promotion.log_and_register(
        tracking_uri=runner.tracker.uri,
        run_id=runner.tracker.run_id(refit.trial_id),
        model_folder=runner.folder / "trials" / refit.trial_id,
        name=promoted.name,
        tags={"again": "yes"},
        replacing=promoted.version,
    )

halted = tiny_study(name="halted", settings={**tiny_study().settings, "epochs": 12}, num_samples=1)
stopping = Quiet()
stopping.on_epoch = lambda trial: trial.curve[-1]["epoch"] == 2 and os.kill(os.getpid(), signal.SIGINT)
place = {"home": Path(sys.argv[1]), "placement": Placement(max_concurrent=1), "checkpoint_interval_s": 0.0}
with contextlib.suppress(KeyboardInterrupt), Runner(halted, stopping, **place) as runner:
    runner.search(1)
"""


def is_known() -> bool:
    """Whether this checkout has that commit: an archive without history, or a shallow clone, has not."""
    asked = ["git", "cat-file", "-e", f"{COMMIT}^{{commit}}"]
    try:
        return subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make(place: Path) -> Path:
    """The home, under `place`, which must be empty; takes half a minute."""
    code, home = place / "code", place / "home"
    code.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "support" / "loop.py", code)
    packed = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x"], cwd=code, input=packed, check=True)
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "MLFLOW_", "FERTUNE_"))
    }
    environment["PYTHONPATH"] = str(code)
    done = subprocess.run(
        [sys.executable, "-P", "-c", _SCRIPT, str(home)],
        cwd=code,
        env=environment,
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    return home


if __name__ == "__main__":
    print(make(Path(sys.argv[1]).absolute()))
