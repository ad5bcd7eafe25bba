"""What `list` shows: names of extensions, and registered models. Nothing heavy is imported."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from tuning.text.quantities import percent


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
