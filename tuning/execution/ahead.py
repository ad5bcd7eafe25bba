"""What is ahead of a study: the trials of a search, the folds and the trainings of an ablation, in order."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from search_spaces.core.study import Study
from trainables.core.wording import counted
from tuning.execution.search.named import name_for, num_ahead
from tuning.execution.search.space import Space
from tuning.execution.seeds import ABLATION_SEED
from tuning.records.ledger import Ledger, Trial
from tuning.records.selection import best_by_variant, searches_of
from tuning.records.trial import identity

NUM_SEEDS = 3  # of each variant on each fold


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ahead:
    """What a study is to train: `num_trainings` models in all, of which `num_done` are (a trial on three folds is three).

    `num_searched` search trials are ahead, and `num_ablated` trainings of an ablation; `None` is what cannot be known yet.
    `words` are for people.
    """

    num_trainings: int | None
    num_done: int
    words: str
    num_searched: int
    num_ablated: int | None

    @property
    def num_left(self) -> int | None:
        """The models that are not trained yet."""
        return None if self.num_trainings is None else self.num_trainings - self.num_done

    @property
    def num_trials(self) -> int | None:
        """All that are ahead."""
        return None if self.num_ablated is None else self.num_searched + self.num_ablated

    @property
    def most_at_once(self) -> int | None:
        """How many could run at once: the searches of variants end before the first training that compares them."""
        return None if self.num_ablated is None else max(self.num_searched, self.num_ablated)


def ahead_of(
    study: Study,
    ledger: Ledger,
    *,
    search_size: int,
    folds: tuple[int, ...] | None,
    seeds: int,
    searcher: str | None = None,
) -> Ahead:
    """What is ahead of a search of `search_size` trials, or of an ablation on `folds` (`None`: nobody knows) with `seeds`.

    A search is that of `searcher`, else of the one that it had.
    """
    if study.design is None:
        return _of_search(study, ledger, search_size, name_for(study, searcher or ledger.study.get("searcher")))
    return _of_ablation(study, ledger, folds, seeds)


def default_seeds(study: Study) -> int:
    """How many seeds each variant has on each fold where nobody says."""
    return 1 if study.is_smoke else NUM_SEEDS


def chosen_folds(study: Study, folds: tuple[int, ...] | None, num_folds: int) -> tuple[int, ...]:
    """The folds to train on of the `num_folds` there are, each once: `folds`, or all, or two in a smoke run.

    Raises `ValueError` for a fold that there is not, and for none.
    """
    if folds is None:
        return tuple(range(min(num_folds, 2) if study.is_smoke else num_folds))
    unknown = sorted(fold for fold in folds if not 0 <= fold < num_folds)
    if unknown or not folds:
        given = ", ".join(map(str, unknown)) or "none"
        raise ValueError(f"Folds were given as {given}; the data set has folds 0 to {num_folds - 1}.")
    return tuple(sorted(set(folds)))


def trainings(compared: Mapping[str, Mapping[str, Any]], folds: tuple[int, ...], seeds: int) -> list[Trial]:
    """What an ablation trains, in order; `compared` maps a variant to its settings."""
    return [
        Trial(phase="ablation", parameters=dict(found), seed=ABLATION_SEED + number, folds=(fold,), variant=name)
        for number in range(seeds)
        for fold in folds
        for name, found in compared.items()
    ]


def lacking_searches(study: Study, trials: list[Trial]) -> dict[str, int]:
    """How many search trials each variant lacks beside `trials`; one that has more than its share makes up for no other.

    A variant of fewer configurations than the design gives it trials needs no more than these.
    """
    assert study.design is not None
    return {
        name: Space(study, changes).num_new(
            study.design.tune_each, [chosen_of(study, trial) for trial in trials if trial.variant == name]
        )
        for name, changes in study.design.variants.items()
    }


def chosen_of(study: Study, trial: Trial) -> Trial:
    """`trial` with what a searcher chose of it, without its variant's changes."""
    chosen = {key: value for key, value in trial.parameters.items() if key in study.parameters}
    return dataclasses.replace(trial, parameters=chosen)


def _of_search(study: Study, ledger: Ledger, search_size: int, searcher: str) -> Ahead:
    begun, folds = ledger.of_phase("search"), len(study.search_folds)
    num_new = num_ahead(searcher, study, search_size, begun)
    most = len(begun) + num_new
    words = f"{counted(min(search_size, most), 'trial')} on {counted(folds, 'fold')}"
    if most < search_size:
        words, search_size = f"{words}, all configurations that there are", most
    return Ahead(
        num_trainings=search_size * folds,
        num_done=min(len(ledger.finished("search")), search_size) * folds,
        words=words,
        num_searched=num_new + sum(trial.halted for trial in begun),
        num_ablated=0,
    )


def _of_ablation(study: Study, ledger: Ledger, folds: tuple[int, ...] | None, seeds: int) -> Ahead:
    design = study.design
    assert design is not None
    lacking, searched = 0, 0
    compared: Mapping[str, Mapping[str, Any]] = design.variants
    on = "all folds" if folds is None else counted(len(folds), "fold")
    words = f"{len(design.variants)} variants x {on} x {counted(seeds, 'seed')}"
    if design.tune_each:
        ended = [trial for trial in searches_of(ledger, design) if trial.ended]
        done = Counter(trial.variant for trial in ended)
        searched = sum(min(count, design.tune_each) for count in done.values()) * len(study.search_folds)
        lacking = sum(lacking_searches(study, ended).values())
        compared = best_by_variant(ledger, study)
        words += f", after {counted(design.tune_each, 'search trial')} for each variant"
    if folds is None:
        words = f"{words}; give --data-root to count the folds"
        return Ahead(num_trainings=None, num_done=searched, words=words, num_searched=lacking, num_ablated=None)
    finished = {identity(study, trial) for trial in ledger.finished("ablation")}
    trained = sum(identity(study, trial) in finished for trial in trainings(compared, folds, seeds))
    total = len(design.variants) * len(folds) * seeds
    return Ahead(
        num_trainings=total + searched + lacking * len(study.search_folds),
        num_done=trained + searched,
        words=words,
        num_searched=lacking,
        num_ablated=total - trained,
    )
