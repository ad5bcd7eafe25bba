"""What the author of a study believes of its parameters, before any trial: weights of their choices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from ray.tune.search.sample import Categorical, Domain, Integer

from trainables.core import lookup

Prior = Mapping[str, Mapping[Any, float]]

NOT_NAMED = 0.1  # the weight of a choice that a prior does not name, of the least that it names
_MOST_NUMBERS = 100  # of a range of whole numbers whose weights may be given


def weights_of(prior: Prior, parameters: Mapping[str, Domain]) -> dict[str, dict[Any, float]]:
    """The weight of every choice of the parameters that `prior` names, the largest of each as 1."""
    found = {}
    for key, given in prior.items():
        rest, most = NOT_NAMED * min(given.values()), max(given.values())
        found[key] = {choice: given.get(choice, rest) / most for choice in _choices(parameters[key])}
    return found


def check_prior(prior: Any, parameters: Mapping[str, Domain]) -> None:
    """Raises `ValueError` for a prior that is none of `parameters`: what was wrong, what was given, what is allowed."""
    if not isinstance(prior, Mapping):
        raise ValueError(
            f"prior was given as {prior!r}; weights by parameter are allowed, such as {{'lr': {{0.001: 3}}}}."
        )
    for key, given in prior.items():
        if key not in parameters:
            raise lookup.UnknownName(lookup.unknown("searched parameter for a prior", key, list(parameters)))
        choices = _choices(parameters[key])
        if not choices:
            raise ValueError(f"The prior of {key} was given; allowed are those of choices, and {key} is a range.")
        if not isinstance(given, Mapping) or not given:
            raise ValueError(f"The prior of {key} was given as {given!r}; a weight for one choice at least is allowed.")
        allowed = ", ".join(map(repr, choices))
        for choice, weight in given.items():
            if choice not in choices:
                raise ValueError(f"The prior of {key} weighs {choice!r}, which is never tried; allowed are {allowed}.")
            if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 < float(weight) < math.inf:
                raise ValueError(
                    f"The prior of {key} gives {choice!r} the weight {weight!r}; finite numbers above 0 are allowed."
                )


def _choices(domain: Domain) -> list[Any]:
    if isinstance(domain, Categorical):
        return list(domain.categories)
    if isinstance(domain, Integer) and domain.upper - domain.lower <= _MOST_NUMBERS:
        return list(range(int(domain.lower), int(domain.upper)))
    return []
