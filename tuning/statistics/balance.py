"""Which folds and seeds of an ablation that is not complete can be compared: every variant on the same people and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Set

Cell = tuple[int, int]  # fold and seed of a training


def balanced(
    ended: Mapping[str, Set[Cell]], usable: Mapping[str, Set[Cell]], reference: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The folds and the seeds, all of them crossed, that leave the most trainings to pair with those of the `reference`.

    `ended` has by variant where trainings ended, `usable` where they have a result. What has not run yet may cost folds or
    seeds; a training that failed costs its variant the comparison and nobody else anything, else the failures of one
    variant would choose whom all are compared on. Without a usable run of the reference both are empty.
    """
    common = set(usable[reference])
    candidates = [_crossed(common)]
    # From the variant that came furthest to the one that came least far: each asks for more room to be left out.
    others = [name for name in ended if name != reference]
    for name in sorted(others, key=lambda name: -len(ended[name] & common)):
        common &= ended[name]
        candidates.append(_crossed(common))

    def paired(folds: tuple[int, ...], seeds: tuple[int, ...]) -> int:
        cells = {(fold, seed) for fold in folds for seed in seeds}
        return len(cells) * sum(cells <= usable[name] for name in others) if len(folds) > 1 else 0

    return max(candidates, key=lambda chosen: (paired(*chosen), len(chosen[0]), len(chosen[1])))


def _crossed(cells: Set[Cell]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """As many folds as there are complete with one seed, since folds are people, and all seeds that have these folds."""
    by_seed: dict[int, set[int]] = {}
    for fold, seed in cells:
        by_seed.setdefault(seed, set()).add(fold)
    found = [
        (folds, {seed for seed, others in by_seed.items() if folds <= others}) for _, folds in sorted(by_seed.items())
    ]
    folds, seeds = max(found, key=lambda one: (len(one[0]), len(one[1])), default=(set(), set()))
    return tuple(sorted(folds)), tuple(sorted(seeds))
