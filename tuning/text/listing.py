"""What `list` and `status --all` show: names of extensions, registered models, studies in a line. Nothing heavy is imported."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tuning.records.home import elsewhere

NOT_ASKED = "No cluster was asked: $RAY_ADDRESS names none. RAY_ADDRESS=auto finds the one on this machine."


def show_listed(what: str, found: Sequence[Any], as_json: bool) -> None:
    """A line for each name, and of registered models (`models`) what a person reads of each."""
    if what == "models":
        show_models(found, as_json)
        return
    for name in found:
        print(json.dumps({"name": name}) if as_json else name)


def show_models(found: Sequence[Any], as_json: bool) -> None:
    """A line for each registered model and its champion, and below it an override and what is left of the error level."""
    for one in found:
        print(json.dumps(dataclasses.asdict(one)) if as_json else "\n".join(model_lines(one)))
    if not found and not as_json:
        print("No model is registered. Run a study, and `promote` it.")


def model_lines(model: Any) -> list[str]:
    """What a person reads of a registered model."""
    from tuning.text.quantities import percent

    if model.version is None:
        told = [f"{model.name}: no champion"]
    else:
        limits = f" ({percent(model.low)} to {percent(model.high)})" if None not in (model.low, model.high) else ""
        accuracy = f", {percent(model.accuracy)} on the holdout{limits}" if model.accuracy is not None else ""
        told = [f"{model.name} version {model.version}: {model.trial_id} of study {model.study}{accuracy}"]
    if model.override:
        told.append(f"  {model.override.told}")
    several = len(model.error_budgets) > 1
    return told + [f"  {f'{one.salt}: ' if several else ''}{one.told}" for one in model.error_budgets]


def show_overview(home: Path, found: Any, as_json: bool) -> None:
    """Who runs on the cluster, and each study of the home in a line; as data an object for each."""
    if as_json:
        for where, told in (("cluster", found.on_cluster), ("home", found.studies)):
            for one in told:
                print(json.dumps({"of": where, **dataclasses.asdict(one)}))
        if found.unreachable:
            print(json.dumps({"of": "cluster", "unreachable": found.unreachable}))
        return
    told = overview_lines(found) or [f"No study was begun under {home}.{elsewhere(home)}"]
    print("\n".join([*told, *([] if found.asked else [NOT_ASKED])]))


def overview_lines(found: Any, now: float | None = None) -> list[str]:
    """For people: a line for each study, first of the cluster and then of the home."""
    told = [f"The cluster: {found.unreachable}"] if found.unreachable else []
    if found.on_cluster:
        told.append("On the cluster:")
    for one in found.on_cluster:
        whose = ", ".join([one.user, one.priority, *([] if one.here else ["another home"])])
        slots = f"{one.held} of {one.wanted} slots of {one.slot}"
        told.append(f"  {one.study} ({whose}): {one.waits_for or slots}")
    if found.studies:
        told.append("Of this home:")
    for known in found.studies:
        trials = ", ".join(f"{count} {state.lower()}" for state, count in known.trials.items()) or "no trial"
        when = "" if known.last_event_at is None else f"; {known.last_event}, {_ago(now, known.last_event_at)}"
        beside = f"; {known.told}" if known.told else ""
        told.append(f"  {known.study}: {known.state}, {trials}{when}{beside}")
    return told


def _ago(now: float | None, then: float) -> str:
    seconds = max((time.time() if now is None else now) - then, 0)
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
