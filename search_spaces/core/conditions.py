"""Parameters that exist only under another's value: what a study may say of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ray.tune.search.sample import Categorical, Domain, Integer

from trainables.core.config import OnlyIf


def joined(first: OnlyIf, second: OnlyIf) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Both at once: a parameter needs what either says."""
    found = {key: {other: tuple(values) for other, values in needs.items()} for key, needs in first.items()}
    for key, needs in second.items():
        for other, values in needs.items():
            before = found.setdefault(key, {}).get(other, values)
            found[key][other] = tuple(value for value in values if value in before)
    return found


def needed_by(key: str, only_if: OnlyIf) -> Iterator[str]:
    """Every parameter that the existence of `key` depends on, what is needed first before what needs it."""
    for other in only_if.get(key, {}):
        yield from needed_by(other, only_if)
        yield other


def check_conditions(only_if: OnlyIf, parameters: Mapping[str, Domain], changed: Collection[str]) -> None:
    """Raises `ValueError` for what a study's `only_if` cannot say.

    `parameters` are searched, `changed` are set by the variants of its design.
    """
    for key, needs in only_if.items():
        if key not in parameters:
            raise ValueError(f"{key}: `only_if` says when it exists, but it is not searched; add it to `parameters`.")
        for other, values in needs.items():
            if other not in parameters and other not in changed:
                raise ValueError(
                    f"{key} exists only under values of {other}, which is not searched: such a condition holds always or "
                    f"never. Search {other} too, or leave the condition out."
                )
            if isinstance(values, str) or not isinstance(values, Collection) or not values:
                raise ValueError(
                    f"The values of {other} under which {key} exists were given as {values!r}; a tuple of at least one "
                    "value is allowed."
                )
            if other in parameters:
                _check_values(key, other, values, parameters[other])


def check_no_circle(only_if: OnlyIf) -> None:
    """Raises `ValueError` where parameters exist only under one another."""

    def visit(key: str, way: tuple[str, ...]) -> None:
        if key in way:
            circle = " -> ".join((*way[way.index(key) :], key))
            raise ValueError(
                f"The conditions go in a circle, each existing only under the next: {circle}. Leave one of them out."
            )
        for other in only_if.get(key, {}):
            visit(other, (*way, key))

    for key in only_if:
        visit(key, ())


def _check_values(key: str, other: str, values: Collection[Any], domain: Domain) -> None:
    if isinstance(domain, Categorical):
        wrong = [value for value in values if value not in domain.categories]
        allowed = ", ".join(map(repr, domain.categories))
    elif isinstance(domain, Integer):
        wrong = [value for value in values if value not in range(domain.lower, domain.upper)]
        allowed = f"{domain.lower} to {domain.upper - 1}"
    else:
        raise ValueError(
            f"{key} exists only under values of {other}, which is continuous; a condition needs a choice or whole numbers."
        )
    if wrong:
        raise ValueError(
            f"{key} exists only under {other} {wrong[0]!r}, which is never tried; {other} is of {allowed}."
        )
