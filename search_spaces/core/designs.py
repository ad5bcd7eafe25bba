"""Enumerated designs: the variants of an ablation, written out beforehand, and how they are compared.

A variant is a name and its changes to the study's settings. All variants are trained on the same folds with the same
seeds, so that their differences are paired.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from trainables.core import lookup

Kind = Literal["named", "leave_one_out", "add_one_in", "factorial", "sweep"]
Changes = Mapping[str, Any]
_FIRST: Any = object()  # stands for the first value of a sweep: `None` may be a value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Design:
    """Variants to compare: `variants` maps a name to changes of the settings, `reference` names what the rest is set against.

    `coding` says for each variant which component is in it (1) and which is not (-1); effects are computed from it.
    Empty where variants have no components. With `tune_each`, every variant gets so many search trials on validation
    data, the same number for all, and the best of them is what is compared.

    Raises `ValueError` for fewer than two variants, two that are the same, and an unknown reference.
    """

    kind: Kind = "named"
    variants: Mapping[str, Changes]
    reference: str
    coding: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    tune_each: int = 0

    def __post_init__(self) -> None:
        if len(self.variants) < 2:
            raise ValueError(
                f"A design compares two variants or more; given: {', '.join(self.variants) or 'none'}. "
                "A single configuration is no ablation."
            )
        if self.reference not in self.variants:
            raise lookup.UnknownName(lookup.unknown("variant", self.reference, list(self.variants)))
        seen: dict[str, str] = {}
        for name, changes in self.variants.items():
            written = repr(sorted(changes.items()))
            if written in seen:
                raise ValueError(f"The variants {seen[written]!r} and {name!r} are the same: {dict(changes)}.")
            seen[written] = name
        if self.tune_each < 0:
            raise ValueError(
                f"tune_each was given as {self.tune_each}; a number of search trials is allowed, 0 for none."
            )

    @property
    def components(self) -> tuple[str, ...]:
        """What the variants have or lack, in the order given."""
        return tuple(next(iter(self.coding.values()), {}))

    def contrast(self, *components: str) -> dict[str, float]:
        """Weights by variant whose sum with the variants' results is an effect; for a full factorial.

        With one component it is its main effect: the mean with it minus the mean without it, over all settings of the
        others. With several it is their interaction: how much the effect of one changes with another, halved once for
        each further component (the sign table of Box, Hunter and Hunter, Statistics for Experimenters, chapter 5).

        Raises `ValueError` where the design is no factorial and for an unknown component.
        """
        if self.kind != "factorial":
            raise ValueError(
                f"Effects need a full factorial; this design is {self.kind}. Write it with `factorial(...)`."
            )
        if not components:
            raise ValueError(
                f"Name one component for its main effect, several for their interaction: {', '.join(self.components)}."
            )
        for component in components:
            if component not in self.components:
                raise lookup.UnknownName(lookup.unknown("component", component, list(self.components)))
        weights = {}
        for name, present in self.coding.items():
            sign = 1
            for component in components:
                sign *= present[component]
            weights[name] = 2 * sign / len(self.coding)
        return weights

    def effects(self) -> dict[tuple[str, ...], dict[str, float]]:
        """The contrasts that a factorial is compared by besides its variants: main effects, interactions of two.

        They are named by their components. Empty for any other design.
        """
        if self.kind != "factorial":
            return {}
        sets = [*itertools.combinations(self.components, 1), *itertools.combinations(self.components, 2)]
        return {components: self.contrast(*components) for components in sets}

    def facts(self) -> dict[str, Any]:
        """The design as plain values, as a ledger remembers it."""
        return {
            "kind": self.kind,
            "reference": self.reference,
            "variants": {name: dict(changes) for name, changes in self.variants.items()},
            "coding": {name: dict(present) for name, present in self.coding.items()},
            "tune_each": self.tune_each,
        }


def named(variants: Mapping[str, Changes], *, reference: str, tune_each: int = 0) -> Design:
    """Variants written out by hand, such as the rows of a published table."""
    return Design(variants=variants, reference=reference, tune_each=tune_each)


def leave_one_out(full: Changes, components: Mapping[str, Changes], *, tune_each: int = 0) -> Design:
    """The `full` model and, for each component, the model without it; `components` holds the changes that take one out.

    The reference is `full`. Raises `ValueError` for a component that changes nothing of `full`.
    """
    variants: dict[str, Changes] = {"full": full}
    coding = {"full": dict.fromkeys(components, 1)}
    for component, changes in components.items():
        _require_change(component, full, changes)
        variants[f"without_{component}"] = {**full, **changes}
        coding[f"without_{component}"] = {name: -1 if name == component else 1 for name in components}
    return Design(kind="leave_one_out", variants=variants, reference="full", coding=coding, tune_each=tune_each)


def add_one_in(base: Changes, components: Mapping[str, Changes], *, tune_each: int = 0) -> Design:
    """The `base` model and, for each component, the base with it alone; `components` holds the changes that put one in.

    The reference is `base`. Raises `ValueError` for a component that changes nothing of `base`.
    """
    variants: dict[str, Changes] = {"base": base}
    coding = {"base": dict.fromkeys(components, -1)}
    for component, changes in components.items():
        _require_change(component, base, changes)
        variants[f"with_{component}"] = {**base, **changes}
        coding[f"with_{component}"] = {name: 1 if name == component else -1 for name in components}
    return Design(kind="add_one_in", variants=variants, reference="base", coding=coding, tune_each=tune_each)


def factorial(base: Changes, components: Mapping[str, Changes], *, tune_each: int = 0) -> Design:
    """Every combination of the components, 2 to the power of their number; `components` holds what puts one in.

    The reference is `base`, where none is in; the others are called by what is in them, such as `masking+gate`.

    Raises `ValueError` for a component that changes nothing of `base`, where two change the same parameter, and where
    two variants or effects would have the same name.
    """
    owners: dict[str, str] = {}
    for component, changes in components.items():
        _require_change(component, base, changes)
        for key in changes:
            if key in owners:
                raise ValueError(
                    f"The components {owners[key]!r} and {component!r} both change {key}, so they cannot be combined; "
                    "compare them with `named(...)` or `add_one_in(...)`."
                )
            owners[key] = component
    variants: list[tuple[str, Changes]] = []
    coding: dict[str, dict[str, int]] = {}
    for levels in itertools.product((-1, 1), repeat=len(components)):
        present = dict(zip(components, levels, strict=True))
        chosen = [component for component, level in present.items() if level > 0]
        name = "+".join(chosen) or "base"
        changed = {key: value for component in chosen for key, value in components[component].items()}
        variants.append((name, {**base, **changed}))
        coding[name] = present
    effects = {" x ".join(pair) for pair in itertools.combinations(components, 2)}
    for name in effects & set(components):
        raise ValueError(f"The component {name!r} is called as an interaction of two others; give it another name.")
    return Design(kind="factorial", variants=_by_name(variants), reference="base", coding=coding, tune_each=tune_each)


def sweep(parameter: str, values: Sequence[Any], *, reference: Any = _FIRST, tune_each: int = 0) -> Design:
    """One parameter over `values`, everything else as set; the variants are called `parameter=value`.

    `reference` is one of the values, the first unless given. Raises `ValueError` for two values that are written alike.
    """
    if not values:
        raise ValueError(f"A sweep of {parameter} needs values; none are given.")
    variants = _by_name([(f"{parameter}={value}", {parameter: value}) for value in values])
    chosen = values[0] if reference is _FIRST else reference
    return Design(kind="sweep", variants=variants, reference=f"{parameter}={chosen}", tune_each=tune_each)


def _by_name(variants: Sequence[tuple[str, Changes]]) -> dict[str, Changes]:
    """The variants by name. Raises `ValueError` where two have the same: the second would replace the first."""
    found: dict[str, Changes] = {}
    for name, changes in variants:
        if name in found:
            raise ValueError(
                f"Two variants are called {name!r}: {dict(found[name])} and {dict(changes)}. Every variant needs a name of "
                "its own: name the components otherwise, give each value once, or write the design with `named(...)`."
            )
        found[name] = changes
    return found


def _require_change(component: str, settings: Changes, changes: Changes) -> None:
    if all(key in settings and settings[key] == value for key, value in changes.items()):
        raise ValueError(
            f"The component {component!r} changes nothing: {dict(changes)} is what the model without that change has."
        )
