"""How much better a search believed its choice to be than a test found, with all sources of error."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from tuning.statistics.variance import Sources, numbered, weights_in_mean


def totals_by_subject(answers: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Right answers `(R, S)` of each person in each fold, and `(R,)` their clips, the person, the fold."""
    grouped = answers.groupby(["fold", "subject_id", "seed"])["correct"]
    right, clips = grouped.sum().unstack("seed"), grouped.size().unstack("seed")
    folds, subjects = (right.index.get_level_values(level).to_numpy() for level in ("fold", "subject_id"))
    return right.to_numpy(), clips.mean(axis=1).to_numpy(), subjects, folds


def optimism(validated: pd.DataFrame, tested: pd.DataFrame, found: Sources) -> Sources:
    """Validation minus test, the mean over folds. `found` are the sources of error of the test.

    A person who is validated on in one fold and tested in another is one person. Whom a fold trains on is the same for both,
    so nothing is added for that. What a seed does to all people of a fold comes from the tests, for the one seed of the
    search as for theirs.
    """
    mean, by_fold, influences = 0.0, np.zeros(found.num_folds), []
    # Searches of different folds had different seeds; here they are one training each.
    one_seed = validated.assign(seed=0)
    for sign, table in ((1, one_seed), (-1, tested)):
        right, clips, subjects, folds = totals_by_subject(table)
        places, scores = numbered(folds), right.mean(axis=1) / clips
        weights = weights_in_mean(clips, places)
        own = float(weights @ scores)
        mean, by_fold = mean + sign * own, by_fold + sign * found.num_folds * np.bincount(places, weights * scores)
        influences.append(pd.Series(sign * weights * (scores - own), index=subjects))
    by_subject = pd.concat(influences).groupby(level=0).sum()
    of_trainings = (1 + found.num_seeds) * found.of_trainings
    return dataclasses.replace(
        found,
        mean=mean,
        between_subjects=len(by_subject) / (len(by_subject) - 1) * float((by_subject**2).sum()),
        of_seeds=found.within_subjects + of_trainings,
        between_folds=float(by_fold.var(ddof=1)) / found.num_folds,
        num_subjects=len(by_subject),
    )
