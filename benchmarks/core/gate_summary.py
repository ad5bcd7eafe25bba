"""What a calibration of the gate says: rates of false promotion, and power beside an oracle's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from benchmarks.core.gate_worlds import NOT_HELD, RACERS, WORLDS, World
from tuning.statistics.gate.alpha_investing import next_level, wealth

EFFECTS = {"half": 0.5, "four fifths": 0.8}  # an oracle's power at the effects of that name
TEN_POINTS = 0.10
Row = Mapping[str, Any]


def sizes_of(rows: Sequence[Row], world: World) -> dict[str, float]:
    """How much better a challenger is where the oracle has each power, by the spread of `rows` without an effect."""
    spread = _spread(rows)
    threshold = stats.norm.isf(next_level(wealth([], 0)) / RACERS)
    found = {effect: float(threshold + stats.norm.ppf(power)) * spread for effect, power in EFFECTS.items()}
    return found | {"ten points": TEN_POINTS}


def _spread(rows: Sequence[Row]) -> float:
    """The standard deviation of a configuration's difference to the champion that nobody chose."""
    return float(np.std([float(row["reference"]) for row in rows]))


def has_power(world: World) -> bool:
    """Whether power is measured: where one race asks one question, and somebody can be better."""
    return world.story == "race" and not world.required


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """By world: the rate of false promotions with its one-sided 95 % upper bound, and power beside an oracle's."""
    found: dict[str, Any] = {}
    for world in WORLDS:
        mine = [row for row in rows if row["world"] == world.name]
        null = [row for row in mine if row["effect"] == "false"]
        if not null:
            continue
        hits = sum(row["promoted"] != "" for row in null)
        high = float(proportion_confint(hits, len(null), alpha=0.1, method="beta")[1])
        one: dict[str, Any] = {"num_studies": len(null), "false": hits / len(null), "false_high": high}
        threshold = stats.norm.isf(next_level(wealth([], 0)) / RACERS)
        for effect in (*EFFECTS, "ten points"):
            better = [row for row in mine if row["effect"] == effect]
            if not better:
                continue
            spread = _spread(better)
            right = [str(row["winner"]) == "1" for row in better]
            gate = float(np.mean([str(row["promoted"]) == "1" for row in better]))
            oracle = float(
                np.mean(
                    [
                        won and float(row["difference"]) > threshold * spread
                        for won, row in zip(right, better, strict=True)
                    ]
                )
            )
            size = float(better[0]["size"])
            one[effect] = {"size": size, "gate": gate, "oracle": oracle, "ratio": gate / oracle if oracle else None}
        found[world.name] = one
    return found


def verdict(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The worst figures over the worlds that count; a world of clusters counts where 20 % of those better by 10 points pass."""
    held = {
        world.name: found[world.name]
        for world in WORLDS
        if world.name in found
        and world.name not in NOT_HELD
        and (world.units == "people" or found[world.name].get("ten points", {}).get("gate", 0.0) >= 0.2)
    }
    ratios = {
        f"{world.name}, {effect}": found[world.name][effect]["ratio"]
        for world in WORLDS
        if world.name in held and world.units == "people"
        for effect in EFFECTS
        if effect in found[world.name]
    }
    worst_false = max(held, key=lambda name: held[name]["false"])
    worst_power = min(ratios, key=lambda name: ratios[name]) if ratios else ""
    return {
        "num_worlds": len(held),
        "worst_false": held[worst_false]["false"],
        "worst_false_world": worst_false,
        "worst_false_high": max(one["false_high"] for one in held.values()),
        "worst_power_ratio": ratios.get(worst_power),
        "worst_power_world": worst_power,
    }


def print_table(found: Mapping[str, Mapping[str, Any]]) -> None:
    print(
        "| world | false, % | at most | gate / oracle at 50 % | at 80 % | +10 points |\n|---|---:|---:|---:|---:|---:|"
    )
    for name, one in found.items():
        cells = [f"{100 * one['false']:.1f}", f"{100 * one['false_high']:.1f}"]
        for effect in EFFECTS:
            here = one.get(effect)
            cells.append(
                f"{100 * here['gate']:.0f} / {100 * here['oracle']:.0f} (+{100 * here['size']:.1f})" if here else ""
            )
        ten = one.get("ten points")
        cells.append(f"{100 * ten['gate']:.0f}" if ten else "")
        print(f"| {name} | {' | '.join(cells)} |")
