"""The tags that fertune gives runs, experiments, registered models and their versions in MLflow: one name each.

They are stored, so a name here never changes.
"""

from __future__ import annotations

STUDY = "fertune.study"
TRIAL_ID = "fertune.trial_id"
LEDGER = "fertune.ledger"  # which ledger a run is of: a study begun anew has trials of the same ids
PHASE = "fertune.phase"
SPLIT = "fertune.split"
SELECTION = "fertune.selection"
SEED = "fertune.seed"
VARIANT = "fertune.variant"
OF = "fertune.of"
TAKEN_FROM = "fertune.taken_from"  # the study and its trial that trained it, of one that is kept of a champion
PARETO = "fertune.pareto"
STOPPED_EARLY = "fertune.stopped_early"
LEAKY = "fertune.leaky"
DEVICE = "fertune.device"
WORKERS = "fertune.workers"
CONCURRENCY = "fertune.concurrency"
DEATHS = "fertune.deaths"  # how often a trial was taken again as what ran it died, and how often by its own doing
ERROR = "fertune.error"  # of a trial, or of a study that an error ended
DATASET = "fertune.dataset"
DATASET_FINGERPRINT = "fertune.dataset_fingerprint"
GIT_COMMIT = "fertune.git_commit"
VERSION = "fertune.version"  # of fertune itself

# Of a registered version: what it is, and on what evidence.
TRAINABLE = "fertune.trainable"
PARAMETERS = "fertune.parameters"
WHOLE_BATCH = (
    "fertune.whole_batch"  # of a version whose `batch_size` is shared by all workers; before, it was that of each
)
CLASSES = "fertune.classes"
HOLDOUT = "fertune.holdout"
EVIDENCE_OF = "fertune.evidence_of"
EVIDENCE_SHA256 = "fertune.evidence_sha256"
CHOSEN_ON = "fertune.chosen_on"  # the SHA-256 of chosen_on.json, which says by hashes whom its search chose on
ACCURACY = "fertune.accuracy"
ACCURACY_LOW = "fertune.accuracy_low"
ACCURACY_HIGH = "fertune.accuracy_high"
NUM_MEMBERS = "fertune.num_members"  # how many trainings answer in it, the mean of their probabilities
ACCURACY_BY_SEED = "fertune.accuracy_by_seed"  # the lowest and the highest of its trainings
MARGIN_SPENT = "fertune.margin_spent"  # what accuracy may have been given up for less cost, in all
ACCURACY_REFERENCE = "fertune.accuracy_reference"  # since this version, the last that had to be superior, or the first
ROLLED_BACK = "fertune.rolled_back"  # when it ceased to be champion by a rollback
SWAPPING = "fertune.rollback"  # of a registered model while a rollback goes on: who is to be champion, and previous

# Of a version that was promoted although the gate refused it: why, by whom, and what the gate said.
OVERRIDE = "fertune.override"
OVERRIDE_USER = "fertune.override_user"
OVERRIDDEN = "fertune.overridden"

QUESTION = "fertune.question"  # of a registered model, with hashes of the people and of what was asked: one a question
