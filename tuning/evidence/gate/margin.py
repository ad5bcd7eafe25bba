"""The margin that a cheaper challenger may lose: written down before any training of a race, with the power it has."""

from __future__ import annotations

import itertools
import statistics

import numpy as np

from tuning.evidence.holdout import predictions_of
from tuning.records.ledger import Ledger
from tuning.statistics.gate.gain import chance_to_pass, variance_of_people
from tuning.statistics.pairing import judged

EVENT = "margin"
MOST_COMPARED = 6  # search trials, the most accurate: pairs of them tell how much people's differences vary


def note_margin(ledger: Ledger, margin: float, *, num_people: int, level: float, family: int) -> str:
    """Write `margin` down, once, with the chance that it lets an equal and cheaper challenger pass; what it says in words.

    `num_people` are those that the gate will test, at `level` over a `family` of racers. `""` where it stands there already.
    """
    variance = _of_person(ledger)
    chance = None if variance is None else chance_to_pass(margin, variance, num_people, level / family)
    facts = {"margin": margin, "num_people": num_people, "level": level, "family": family, "chance": chance}
    events = [event for event in ledger.events_of_data() if event["event"] == EVENT]
    if events and all(events[-1].get(key) == value for key, value in facts.items()):
        return ""
    ledger.note(EVENT, **facts)
    told = f"A cheaper challenger may lose {100 * margin:g} points; more or fewer later is another question."
    if chance is not None:
        told += (
            f" One that is equal passes with that in about {100 * chance:.0f} % of such races of {num_people} people."
        )
    return told


def _of_person(ledger: Ledger) -> float | None:
    """The variance of a person's difference between two trials of the search; `None` where no two differ on the same clips."""
    trials = [trial for trial in ledger.finished("search") if predictions_of(ledger, trial).exists()]
    trials = sorted(trials, key=lambda trial: -trial.metrics.get("accuracy", 0.0))[:MOST_COMPARED]
    tables = [judged(predictions_of(ledger, trial)).set_index("clip_id").sort_index() for trial in trials]
    found = []
    for one, other in itertools.combinations(tables, 2):
        people = np.unique(one["subject_id"].astype(str), return_inverse=True)[1]
        if one.index.equals(other.index) and people.max() > 0:
            found.append(variance_of_people((one["correct"] - other["correct"]).to_numpy(dtype=float), people))
    return statistics.fmean(found) if any(found) else None  # trials that all agree tell nothing
