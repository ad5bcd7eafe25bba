"""Tables and lines of a study's results: its front, its state, what to type next, what was predicted and exported."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from search_spaces.core.study import Objective
from trainables.core.baselines.record import told
from trainables.core.wording import counted, first_line, size
from tuning.evidence.model.override import override_in
from tuning.records.front.told import how_sure, likeliest_first, members_of, preferred, probability_of
from tuning.records.home import elsewhere, in_shell
from tuning.records.ledger import Ledger, Trial, first_error
from tuning.text.phases import PHASE_TITLES
from tuning.text.progress import TerminalListener
from tuning.text.quantities import percent, quantity
from tuning.text.shown import Shown

if TYPE_CHECKING:  # seconds of imports, for an export alone
    from trainables.core.serving.onnx import Exported

LEAKY = (
    "Clips were dealt to folds at random, so the same people are in training and in test. These accuracies are too high. "
    "They say nothing about people whom a model has not seen."
)


def titled(title: str, leaky: bool) -> str:
    """The `title` of a table, marked where clips were dealt at random (docs/decisions/0007)."""
    return f"{title}; leaky: clips dealt at random" if leaky else title


def front_table(
    front: Sequence[Trial],
    objectives: Sequence[Objective],
    recommended: str | None,
    *,
    probabilities: Mapping[str, float] | None = None,
    leaky: bool = False,
) -> Table:
    """The Pareto front, the recommended member marked, with the `probabilities` to be on it; `leaky` as `titled` has it."""
    title = titled("Pareto front (validation clips)" if leaky else "Pareto front (validation people)", leaky)
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("")
    table.add_column("trial", no_wrap=True)
    of_front = quantity("front_probability")
    if probabilities:
        table.add_column(of_front.name, justify="right", no_wrap=True)
    keys = list(dict.fromkeys(key for trial in front for key in trial.parameters))
    for key in keys:
        table.add_column(key, justify="right")
    for objective in objectives:
        arrow = {"max": "↑", "min": "↓"}[objective.direction]
        table.add_column(f"{quantity(objective.metric).name} {arrow}", justify="right", no_wrap=True)
    for trial in front:
        mark = "★" if trial.trial_id == recommended else ""
        values = [quantity(objective.metric).typed(trial.metrics[objective.metric]) for objective in objectives]
        likely = [of_front.typed(probabilities.get(trial.trial_id, math.nan))] if probabilities else []
        table.add_row(mark, trial.trial_id, *likely, *(str(trial.parameters.get(key, "")) for key in keys), *values)
    return table


def show_exported(exported: Exported, as_json: bool) -> None:
    """What was written, and what it costs."""
    if as_json:
        print(json.dumps(dataclasses.asdict(exported), default=str))
        return
    int8 = exported.int8
    members = f"{exported.num_members} networks averaged, " if exported.num_members > 1 else ""
    lines = [
        f"{exported.path}: {members}{exported.size_mb:.1f} MiB, {exported.latency_ms:.1f} ms a clip on this CPU, differs "
        f"from the model by at most {exported.max_difference:.1g}",
        f"{int8.path}: 8 bits, {int8.size_mb:.1f} MiB, {int8.latency_ms:.1f} ms a clip",
    ]
    if int8.accuracy_change is None or int8.agreement is None:
        lines.append("  what 8 bits cost in accuracy is not known: the data of its study is not here")
    else:
        lines.append(
            f"  accuracy changes by {100 * int8.accuracy_change:+.1f} points on {int8.num_clips} validation clips, and "
            f"{percent(int8.agreement)} of the answers stay the same"
        )
    print("\n".join(lines))


def print_front(ledger: Ledger, objectives: Sequence[Objective], shown: Shown) -> None:
    """The front of a search, or on standard error why there is none."""
    exact, recommended = ledger.selection.get("front", []), ledger.selection.get("recommended")
    names = dict.fromkeys([*exact, *members_of(ledger)])
    front, leaky = likeliest_first(ledger, [ledger.trials[trial_id] for trial_id in names]), ledger.leaky
    if not front:
        because = first_error(ledger.of_phase("search"))
        print(f"No trial finished, so there is no front.{because}", file=sys.stderr)
    elif shown.as_json:
        for trial in front:
            if trial.trial_id in {
                *exact,
                recommended,
            }:  # a script reads the exact front; `status --json` has the members
                print(json.dumps(front_json(ledger, trial)))
    else:
        probabilities = ledger.selection.get("front_probability")
        shown.console.print(front_table(front, objectives, recommended, probabilities=probabilities, leaky=leaky))
        shown.listener.say(f"★ recommended: {preferred(ledger, objectives[0].metric)}. ↑ more is better, ↓ less.")
        if sure := how_sure(ledger):
            shown.listener.say(f"How sure: {recommended} is {sure}.")
        if probabilities:
            beside = [trial_id for trial_id in names if trial_id not in exact]
            told = f" Beside the measured front: {', '.join(beside)}." if beside else ""
            shown.listener.say(f"The probability to be on the front counts people, seeds and clocks.{told}")
        if failed := [trial for trial in ledger.of_phase("search") if trial.state == "FAILED"]:
            shown.listener.say(
                f"{len(failed)} of {counted(len(ledger.of_phase('search')), 'trial')} failed and will not be tried again "
                f"({failed[0].trial_id}: {first_line(failed[0].error)}). After a mend, --extend {len(failed)} tries others in "
                "their place."
            )


def show_status(home: Path, found: Sequence[Any], as_json: bool) -> None:
    """How each study stands; one that is damaged does not hide the others."""
    console = Console() if sys.stdout.isatty() else Console(width=150)
    if not found and not as_json:
        print(f"No study was begun under {home}.{elsewhere(home)}")
    for one in found:
        if as_json:
            told = {"study": one.study, "damaged": one.damaged} if one.damaged else dataclasses.asdict(one)
            print(json.dumps({key: value for key, value in told.items() if one.damaged or key != "damaged"}))
        elif one.damaged:
            print(f"{one.study}: {one.damaged}")
        else:
            print_status(one, console)


def print_status(found: Any, console: Console) -> None:
    """How one study stands."""
    console.print(titled(found.study, found.leaky), style="bold", highlight=False)
    if found.waits_for:
        console.print(f"  {found.waits_for}", highlight=False, markup=False, soft_wrap=True)
    if found.data_version > 1:
        console.print(f"  on version {found.data_version} of its data", highlight=False)
    for phase, states in found.trials.items():
        listed = ", ".join(f"{count} {state.lower()}" for state, count in states.items())
        console.print(f"  {PHASE_TITLES[phase]}: {listed}", highlight=False)
    if found.baselines:
        console.print(f"  {told(found.baselines)}", highlight=False, soft_wrap=True)
    if found.recommended:
        console.print(f"  front: {_listed(found)}; recommended {found.recommended}", highlight=False, soft_wrap=True)
        if found.sureness_told:
            told_sure = f"  {found.recommended}: {found.sureness_told}, by the preference {found.prefer}"
            console.print(told_sure, highlight=False, soft_wrap=True)
    if found.race:
        console.print(f"  race: {found.race.told}", highlight=False, soft_wrap=True)
    for promoted in found.promoted:
        averages = f", the mean of {count} trainings" if (count := promoted.get("num_members", 1)) > 1 else ""
        console.print(f"  promoted: {promoted['name']} version {promoted['version']}{averages}", highlight=False)
        if override := override_in(promoted):
            console.print(f"    {override.told}", highlight=False, markup=False, soft_wrap=True)
    if found.taken:
        console.print(f"  {found.taken}", highlight=False, soft_wrap=True)
    if found.error_budget is not None:
        console.print(f"  {found.error_budget.told}", highlight=False, soft_wrap=True)
    parts = [f"{kind.replace('_', ' ')} {size(count)}" for kind, count in found.disk.items() if count]
    console.print(f"  disk: {', '.join(parts) or size(0)}", highlight=False)
    for trial_id, reason in found.incomparable.items():
        console.print(f"  incomparable: {trial_id}. {reason}", highlight=False)


def say_next(
    home: Path, listener: TerminalListener, commands: Sequence[Sequence[str]], compare: Sequence[str] = ()
) -> None:
    """What a person may want to type into a shell now, as it must be typed there; then where MLflow compares trials.

    Each of `commands` are arguments of `tune.py`.
    """
    listener.say("What next:")
    for command in commands:
        listener.say(f"  {in_shell(home, *command)}")
    for line in compare:
        listener.say(line)


def show_predictions(predictions: Iterable[Any], as_json: bool, *, with_box: bool = False) -> bool:
    """Each prediction as it comes, `with_box` where its face is; tells whether every clip was answered."""
    answered = True
    for one in predictions:
        answered = answered and not one.error
        print(_prediction_json(one) if as_json else _prediction_line(one, with_box=with_box), flush=True)
    return answered


def show_findings(findings: Sequence[Any], as_json: bool) -> bool:
    """What `doctor` found; tells whether all is well."""
    for finding in findings:
        if as_json:
            print(json.dumps(dataclasses.asdict(finding)))
        else:
            print(f"{'fix' if finding.fix else 'ok':<4} {finding.name}: {finding.found}")
            if finding.fix:
                print(f"     {finding.fix}")
    return not any(finding.fix for finding in findings)


def front_json(ledger: Ledger, trial: Trial) -> dict[str, Any]:
    """A trial of the front as data: on the exact one (`pareto`), with the probability that it belongs there."""
    probability = probability_of(ledger, trial)
    return {
        "trial_id": trial.trial_id,
        "recommended": trial.trial_id == ledger.selection.get("recommended"),
        "pareto": trial.trial_id in ledger.selection.get("front", []),
        "front_probability": None if math.isnan(probability) else probability,
        "chosen_in": ledger.selection.get("sureness", {}).get(trial.trial_id),
        "leaky": ledger.leaky,
        "parameters": trial.parameters,
        "metrics": trial.metrics,
    }


def _listed(found: Any) -> str:
    """The front of a study's status, the likeliest first."""
    known = found.front_probability
    names = dict.fromkeys([*found.front, *found.members])
    ordered = sorted(names, key=lambda name: -known.get(name, math.inf))
    return ", ".join(f"{name} ({percent(known[name], 0)})" if name in known else name for name in ordered)


def _prediction_json(one: Any) -> str:
    keys = ("path", "error") if one.error else ("path", "label", "probabilities", "model", "clip")
    return json.dumps({key: getattr(one, key) for key in keys})


def _prediction_line(one: Any, *, with_box: bool) -> str:
    if one.error:
        return f"{one.path}: error: {one.error}"
    box = (one.clip or {}).get("box") if with_box else None
    at = ", face at x {left} to {right}, y {top} to {bottom} px of frame {frame}".format(**box) if box else ""
    remarks = "".join(f"; {remark}" for remark in (one.clip or {}).get("remarks", ()))
    return f"{one.path}: {one.label} ({percent(one.probabilities[one.label])}){at}{remarks}"
