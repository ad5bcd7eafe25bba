"""Searchers by name: fertune's own, Optuna's, and any sampler of Optuna's by its import path."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
from optuna.samplers import BaseSampler

from search_spaces.core.study import Study
from tuning.execution.search.foreseen import can_foresee
from tuning.execution.search.model_searcher import ModelSearcher
from tuning.execution.search.optuna_searcher import OptunaSearcher
from tuning.execution.search.space import Space, all_tried
from tuning.records.ledger import Ledger, Trial

OWN, DEFAULT = "ehvi", "optuna:tpe"  # until figures of real studies stand behind it
_OPTUNA = {
    "optuna:tpe": optuna.samplers.TPESampler,
    "optuna:nsga2": optuna.samplers.NSGAIISampler,
    "optuna:gp": optuna.samplers.GPSampler,
    "optuna:random": optuna.samplers.RandomSampler,
}


def require_searcher(name: str) -> None:
    """Raises `ValueError` for what is no searcher: what was given, and what is allowed."""
    if name != OWN:
        _sampler_type(name)


def name_for(study: Study, asked: str | None, tell: Callable[[str], None] = lambda words: None) -> str:
    """The searcher of `study` where `asked` was asked for, or nothing; another, which is told, where that cannot search it."""
    name = asked or DEFAULT
    require_searcher(name)
    if name != OWN or can_foresee(study):
        return name
    objectives = ", ".join(objective.metric for objective in study.objectives)
    tell(
        f"{DEFAULT} searches {study.name}: {OWN} needs one objective that only a trial can tell, and others that are "
        f"known before it begins; the objectives are {objectives}."
    )
    return DEFAULT


def searcher_of(
    name: str,
    study: Study,
    *,
    num_samples: int,
    begun: Sequence[Trial],
    first: Sequence[Trial] = (),
    changes: Mapping[str, Any] | None = None,
    again: bool = False,
) -> ModelSearcher | OptunaSearcher:
    """The searcher `name`, one of `name_for`. `again`: points may be tried with another seed, where it can tell which."""
    given: dict[str, Any] = {"num_samples": num_samples, "begun": list(begun), "first": first, "changes": changes}
    if name == OWN:
        return ModelSearcher(study, **given, again=again)
    if name == "optuna:tpe":
        return OptunaSearcher(study, **given)
    sampler_type, seed = _sampler_type(name), study.seed + len(begun)
    known = inspect.signature(sampler_type).parameters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = sampler_type(**({"seed": seed} if "seed" in known else {}))
    return OptunaSearcher(study, **given, sampler=sampler)


def num_ahead(name: str, study: Study, num_samples: int, begun: Sequence[Trial]) -> int:
    """How many trials a search of `num_samples` may still begin after those `begun`, at most."""
    if name == OWN:
        return max(0, num_samples - len(begun))
    return Space(study).num_new(num_samples, begun)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
    """A search that goes on: the `name` of its searcher, this, and how many trials may be begun anew, at most."""

    study: str
    name: str
    searcher: ModelSearcher | OptunaSearcher
    num_new: int

    def all_tried(self, num_trials: int) -> str:
        """The sentence for its end with `num_trials`, because nothing is left to try."""
        return all_tried(self.study, num_trials, again=self.name == OWN)


def search_of(study: Study, ledger: Ledger, num_samples: int, asked: str | None, tell: Callable[[str], None]) -> Search:
    """The search of `ledger` on its way to `num_samples` trials: with what was `asked` for, else what it had.

    Raises `ValueError` for what is no searcher. It is told where there are fewer trials to try.
    """
    begun = ledger.of_phase("search")
    name = name_for(study, asked or ledger.study.get("searcher"), tell)
    given: dict[str, Any] = {"num_samples": num_samples, "begun": begun, "first": ledger.former_front}
    found = Search(
        study=study.name,
        name=name,
        searcher=searcher_of(name, study, **given, again=True),
        num_new=num_ahead(name, study, num_samples, begun),
    )
    if len(begun) + found.num_new < num_samples:
        tell(found.all_tried(len(begun) + found.num_new))
    return found


def _sampler_type(name: str) -> type[BaseSampler]:
    if name in _OPTUNA:
        return _OPTUNA[name]
    module, _, cls = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), cls) if module and cls else None
    except (ImportError, AttributeError, ValueError):
        found = None
    if not (isinstance(found, type) and issubclass(found, BaseSampler)):
        raise ValueError(
            f"The searcher was given as {name!r}; allowed are {', '.join((OWN, *_OPTUNA))}, and any sampler of Optuna's "
            "by its import path, such as optuna.samplers:QMCSampler."
        )
    return found
