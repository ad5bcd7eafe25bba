"""Recommendation: which model to use, and the evidence for it."""

from __future__ import annotations

import shlex

from dashboards.core.data import ReportData
from dashboards.core.html import Html, caution, element, facts, join, missing, percent
from dashboards.core.panel import Panel
from trainables.core.training.metrics import METRICS
from trainables.core.wording import counted, first_line
from tuning.evidence.baselines import verdict
from tuning.evidence.holdout import Evidence
from tuning.evidence.model.override import override_in
from tuning.evidence.refusals import opponent
from tuning.records.front.told import how_sure, preferred
from tuning.records.ledger import Trial
from tuning.statistics.units import ONE
from tuning.text.quantities import by_seed, day, quantity, settings
from tuning.text.tables import LEAKY

_UNIT = "\u202f%"  # no line break parts it from its number


def panel(report: ReportData) -> Panel | None:
    """The recommended configuration, what it achieves on the holdout, and what would have to be done to know."""
    if report.is_ablation:
        return None  # it chooses nothing
    return Panel(title="Recommendation", order=10, lead=join([*cautions(report), _verdict(report)]))


def _verdict(report: ReportData) -> Html:
    chosen = report.recommended
    if chosen is None:
        return missing(_why_none(report))
    found = next((row for row in report.evidence if row.trial_id == chosen.trial_id and not row.variant), None)
    parts = [
        "The recommended model is ",
        element("strong", chosen.trial_id),
        f" ({settings(chosen.parameters)}). ",
        *(_confirmed(found) if found else _unconfirmed(report, chosen)),
        *_sure(report),
    ]
    return join([element("p", *parts, class_="verdict"), *_promotions(report), _numbers(report, chosen, found)])


def _confirmed(found: Evidence) -> list[object]:
    accuracy = found.accuracy
    whom = "whom" if found.units == "people" else "that"
    who = f"of {counted(found.num_subjects, ONE[found.units], found.units)} {whom} no choice has seen"
    if found.units == "clips":
        who = "that no choice has seen, whose people are not named"
    against = "" if found.beats_majority else " The interval does not exclude that, so it would not be promoted."
    return [
        "Its configuration has ",
        element("strong", percent(accuracy.mean)),
        f" accuracy on {counted(found.num_clips, 'clip')} {who} ({percent(accuracy.confidence, 0)} interval "
        f"{percent(accuracy.low)} to {percent(accuracy.high)}, {counted(len(found.seeds), 'fresh seed')}{_by_seed(found)}). "
        f"The majority baseline (always answering the commonest class) has {percent(found.majority)}.{against}",
    ]


def _by_seed(found: Evidence) -> str:
    return f", {told}" if (told := by_seed(found.by_seed)) else ""


def _unconfirmed(report: ReportData, chosen: Trial) -> list[object]:
    primary = report.objectives[0].metric
    value = quantity(primary).shown(chosen.metrics.get(primary, float("nan")))
    command = shlex.join(["python", "tune.py", "confirm", report.name])
    return [
        element("strong", "It is not confirmed."),
        f" In the search it had {quantity(primary).name} {value} on validation people. The best of "
        f"{counted(len(report.search), 'trial')} looks better than it is. ",
        report.evidence_problem or join(["To test it on the holdout: ", element("code", command), "."]),
    ]


def _sure(report: ReportData) -> list[object]:
    """By what it was chosen, and how often it would be, were people, seeds and clocks drawn anew."""
    if not (sure := how_sure(report.ledger)):
        return []
    by = preferred(report.ledger, report.objectives[0].metric)
    unmet = report.ledger.selection.get("unmet", "")
    return [f" It is {by}: {sure.replace(' %', _UNIT)}.", f" {unmet}" if unmet else ""]


def _numbers(report: ReportData, chosen: Trial, found: Evidence | None) -> Html:
    pairs = [("accuracy on the holdout", percent(found.accuracy.mean))] if found else []
    if "accuracy" in chosen.metrics:
        pairs.append(("accuracy on validation people", percent(chosen.metrics["accuracy"])))
    costs = [name for name, metric in METRICS.items() if metric.cost]
    keys = dict.fromkeys([*costs, *(objective.metric for objective in report.objectives)])
    pairs += [
        (quantity(key).name, quantity(key).shown(chosen.metrics[key]))
        for key in keys
        if key in chosen.metrics and key != "accuracy"
    ]
    return facts(pairs, class_="numbers")


def _promotions(report: ReportData) -> list[Html]:
    decided = [event for event in report.ledger.events if event["event"] in ("promoted", "refused")]
    if not decided:
        return []
    last = decided[-1]
    if last["event"] == "refused":
        when = f"on {day(last['time'])}, at test {last['look']}, against {opponent(last['against'])}"
        return [element("p", f"{last['of']} was refused promotion {when}.")]
    of = "it" if report.recommended and last["of"] == report.recommended.trial_id else last["of"]
    averages = f", as the mean of {count} trainings" if (count := last.get("num_members", 1)) > 1 else ""
    message = f"Version {last['version']} of {last['name']} was made from {of} on {day(last['time'])}{averages}."
    override = override_in(last)
    return [element("p", message), *([caution(f"It was {override.told}")] if override else [])]


def cautions(report: ReportData) -> list[Html]:
    """What a reader must know before anything else."""
    found = []
    if report.study.get("leaky"):
        found.append(caution(f"Leaky: {LEAKY[0].lower()}{LEAKY[1:]} Nothing of this study is promoted."))
    if report.study.get("smoke"):
        found.append(caution("This was a smoke run, cut short to see that it works; its figures mean nothing."))
    if report.drawn:
        found.append(
            caution("The faces are drawn by a program. Nothing here says how accurate a model is on real ones.")
        )
    if sentence := verdict(report.ledger):
        found.append(caution(sentence))
    for trial_id, reason in report.ledger.incomparable.items():
        found.append(caution(f"{trial_id} is incomparable: what it trained cannot be trained any more. {reason}"))
    if report.recommended is not None and not report.selection_is_current:
        found.append(caution("Trials have ended since the study last chose; its next run chooses anew."))
    return found


def _why_none(report: ReportData) -> str:
    if report.complete:
        return (
            "There is no recommendation yet: the study chooses when its search ends. The front below is that of the "
            f"{counted(len(report.complete), 'trial')} finished so far."
        )
    if not report.search:
        return "No trial has started yet, so there is nothing to recommend."
    failed = next((trial for trial in report.search if trial.error), None)
    because = f" The first error, of {failed.trial_id}: {first_line(failed.error)}" if failed else ""
    return f"No trial has finished with all its objectives, so there is nothing to recommend.{because}"
