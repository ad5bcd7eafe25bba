"""Every value that a study gives a setting, and where it stands: what cannot train is refused before the first trial."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from ray.tune.search.sample import Categorical, Domain, Float, Integer, LogUniform, Quantized

from search_spaces.core.designs import Design
from trainables.core.config import OnlyIf, TrainerConfig, has_effect, make_config
from trainables.core.ranges import refusal

_MOST_PAIRS = 5000  # of values beside one another


class Study(Protocol):
    """What is read of a study here."""

    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def smoke(self) -> Mapping[str, Any]: ...
    @property
    def first_points(self) -> tuple[Mapping[str, Any], ...]: ...
    @property
    def controls(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def design(self) -> Design | None: ...
    @property
    def config_type(self) -> type[TrainerConfig]: ...
    @property
    def defaults(self) -> dict[str, Any]: ...
    @property
    def exists_only_if(self) -> OnlyIf: ...


def ends(domain: Domain) -> tuple[Any, ...]:
    """Every choice of `domain`, or the least and the largest number that a searcher may draw of it; none of other domains."""
    if isinstance(domain, Categorical):
        return tuple(domain.categories)
    if not isinstance(domain, Float | Integer):
        return ()
    if isinstance(domain, Float):
        return float(domain.lower), float(domain.upper)  # both may be drawn
    sampler = domain.get_sampler()
    is_quantised = isinstance(sampler, Quantized) and not isinstance(sampler.sampler, LogUniform)
    return domain.lower, domain.upper if is_quantised else domain.upper - 1


def plain_fields(study: Study) -> dict[str, Any]:
    """The fields of `study` that state settings, with plain values for numpy scalars: a ledger takes nothing else."""
    found: dict[str, Any] = {field: _plain(getattr(study, field)) for field in ("parameters", "settings", "smoke")}
    found["first_points"] = tuple(map(_plain, study.first_points))
    found["controls"] = {name: _plain(changes) for name, changes in study.controls.items()}
    if study.design is not None:
        variants = {name: _plain(changes) for name, changes in study.design.variants.items()}
        found["design"] = dataclasses.replace(study.design, variants=variants)
    return found


def stated(study: Study) -> Iterator[tuple[str, str, Any]]:
    """Each value that `study` states: where it stands, the setting, the value."""
    for key, domain in study.parameters.items():
        yield from ((f"{key} is searched over {value!r}, which", key, value) for value in ends(domain))
    for where, settings in (
        ("What `settings` fixes", study.settings),
        ("What `smoke` fixes", study.smoke),
        *((f"Number {number} of `first_points`", point) for number, point in enumerate(study.first_points, start=1)),
        *((f"The control {name!r}", given) for name, given in study.controls.items()),
        *((f"The variant {name!r}", given) for name, given in _variants(study).items()),
    ):
        yield from ((where, key, value) for key, value in settings.items())


def check_values(study: Study) -> None:
    """Raises `ValueError` for values that no trial of `study` could be trained with: where they stand, what is allowed.

    Looks at every value by itself, then at every two beside one another, and at first points, controls and variants
    beside the rest.
    """
    config_type = study.config_type
    refused = [
        f"{where} cannot be trained. {said}"
        for where, key, value in stated(study)
        if (said := refusal(config_type, key, value))
    ]
    if refused:
        raise ValueError(" ".join(refused))
    for name, changes in _variants(study).items():
        _check_together(study, name, changes)
    for number, point in enumerate(study.first_points, start=1):
        _check_some(study, f"Number {number} of `first_points`", point)
    for name, changes in study.controls.items():
        _check_some(study, f"The control {name!r}", changes)


def _check_together(study: Study, variant: str, changes: Mapping[str, Any]) -> None:
    """Raises `ValueError` for searched values that `study`, with the `changes` of a `variant`, cannot train together."""
    config_type = study.config_type
    for keys, point in _points(study, changes):
        try:
            make_config(config_type, {**study.settings, **changes, **point})
        except ValueError as error:
            within = f" in the variant {variant!r}" if variant else ""
            if not point:
                raise ValueError(f"The variant {variant!r} cannot be trained. {error}") from error
            first, *others = (f"{key} is searched over {point[key]!r}" for key in (keys or point) if key in point)
            beside = "".join(f" while {other}" for other in others)
            raise ValueError(f"{first}{beside}, which cannot be trained{within}. {error}") from error


def _check_some(study: Study, where: str, changes: Mapping[str, Any]) -> None:
    """Raises `ValueError` for `changes` that can be trained beside no values of the rest of the space."""
    config_type, last = study.config_type, None
    for variant in _variants(study).values():
        for _, point in _points(study, {**variant, **changes}):
            try:
                make_config(config_type, {**study.settings, **variant, **point, **changes})
                return
            except ValueError as error:
                last = error
    raise ValueError(f"{where} cannot be trained. {last}") from last


def _variants(study: Study) -> Mapping[str, Mapping[str, Any]]:
    """The changes of each variant; a search is one without any."""
    return {"": {}} if study.design is None else study.design.variants


def _points(study: Study, changes: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Points of the space that show every value, and every two beside one another; and which keys each is about."""
    values = {key: found for key, domain in study.parameters.items() if key not in changes and (found := ends(domain))}
    first = {key: found[0] for key, found in values.items()}
    beside, only_if = {**study.defaults, **study.settings, **changes}, study.exists_only_if

    def point(chosen: Mapping[str, Any]) -> dict[str, Any]:
        """What exists beside the rest."""
        given = {**beside, **first, **chosen}
        return {key: given[key] for key in first if has_effect(key, given, only_if)}

    yield (), point({})
    for key in values:
        yield from (((key,), point({key: value})) for value in values[key][1:])
    pairs = (
        ((one, other), point({one: value, other: beside_it}))
        for one, other in itertools.combinations(values, 2)
        for value in values[one][1:]
        for beside_it in values[other][1:]
    )
    yield from itertools.islice(pairs, _MOST_PAIRS)


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain_value(value) for key, value in settings.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Categorical) and any(isinstance(one, np.generic) for one in value.categories):
        copied = copy.copy(value)
        copied.categories = [_plain_value(one) for one in value.categories]
        return copied
    return value.item() if isinstance(value, np.generic) else value
