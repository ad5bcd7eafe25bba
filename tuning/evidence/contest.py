"""Challenger against champion: the test of what both answered in the folds of a race, at the level that is left for it."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Collection, Mapping
from typing import Any

from search_spaces.core.study import Study
from trainables.core.wording import counted
from tuning.evidence import refusals
from tuning.evidence.champion import Champion
from tuning.evidence.configuration import configuration_hash, earlier_hashes
from tuning.evidence.gate.answers import candidate, seeds_in_all
from tuning.evidence.gate.error_budget import ErrorBudget
from tuning.evidence.holdout import Evidence
from tuning.evidence.model.override import Override
from tuning.evidence.race import Raced
from tuning.records import tags
from tuning.records.budget.question import key_hash
from tuning.records.front.course import EVENT, Course
from tuning.records.home import in_shell
from tuning.records.ledger import Ledger, Trial
from tuning.records.selection import incomparable
from tuning.records.trial import refusal_of
from tuning.statistics.gate.alpha_investing import next_level
from tuning.statistics.gate.superiority import MARGIN, Candidate, Verdict, superiority
from tuning.statistics.shortfall import settled_by
from tuning.statistics.units import Units

FEWEST_PEOPLE = 5  # that a gate tests
NUM_SEEDS = 2  # that evidence needs at least


class Refused(ValueError):
    """A configuration may not become champion; the message says which condition failed and by how much.

    `verdict` is that of the test against the present champion, where it came to that, `rows` are all that was confirmed,
    `race` is how it was chosen. An override may pass it where it is `overridable` (docs/decisions/0033): then `gate` is in one
    sentence what the gate said, and what it had measured is kept, in `tested` or in `over_majority`.
    """

    def __init__(
        self,
        message: str,
        verdict: Verdict | None = None,
        *,
        overridable: bool = False,
        gate: str = "",
        tested: Contest | None = None,
        over_majority: dict[str, float] | None = None,
    ) -> None:
        super().__init__(message)
        self.verdict, self.overridable, self.tested, self.over_majority = verdict, overridable, tested, over_majority
        self.gate = gate or (verdict.reason if verdict else message)
        self.rows: tuple[Evidence, ...] = ()
        self.race: Raced | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Promotion:
    """What was registered: `version` of `name`, on which evidence; `verdict` is `None` for a first champion.

    `evidence_sha256` is that of the registered `evidence.json`, `""` of a champion of before there was one. `already` says
    that the version was champion before, and nothing was done. `num_members` trainings answer in it.
    `override` says why it was promoted although the gate refused it. `rows` are all that was confirmed, `race` is the last one
    of the study, `notes` what to know beside.
    """

    name: str
    version: int
    uri: str
    evidence: Evidence
    verdict: Verdict | None = None
    evidence_sha256: str = ""
    already: bool = False
    num_members: int = 1
    override: Override | None = None
    rows: tuple[Evidence, ...] = ()
    race: Raced | None = None
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contest:
    """The verdict on the challenger, and what the champion (`champion`, its URI) answered on the same clips.

    `num_left_out` are the clips of the recorded set, `key` is that of the question in the error budget.
    """

    champion: str
    champion_accuracy: float
    champion_seeds: tuple[int, ...]
    verdict: Verdict
    num_left_out: int
    key: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sides:
    """The trainings that a gate compares, by fold and seed, and how many of each answer together."""

    course: Course
    challenger: Mapping[int, Mapping[int, Trial]]
    champion: Mapping[int, Mapping[int, Trial]]
    num_members: int
    left_out: Collection[str]
    units: Units


def require_comparable(study: Study, ledger: Ledger, trial_id: str | None) -> None:
    """Raises `Refused` where `trial_id` is of before and cannot be trained today; of a race, such members are left out."""
    trial = ledger.trials.get(trial_id or "")
    if trial and (reason := refusal_of(study, trial)):
        raise Refused(f"{incomparable(trial, reason)} Choose another trial (--trial).")


def contest(
    ledger: Ledger,
    study: Study,
    found: Evidence,
    champion: Champion,
    sides: Sides,
    budget: ErrorBudget,
    *,
    margin: float,
    saving: float,
) -> Contest:
    """Test `found`, the winner of a race, against the champion on what both answered in its folds.

    The family is everybody who entered a race of the study on these people, dropouts included. The level is paid for before the
    answers are read (`ErrorBudget`), once for the same question. Each would be a model of as many trainings as answer
    together, and costs are of all of them. A question that is passed earns level back once the model is registered.

    What earlier champions may have given up of the `margin` since the last one that was superior is not there to be given up
    again (docs/decisions/0009).

    Raises `Refused` where `found` fails; a refusal is written into the ledger.
    """
    one = _candidate(ledger, found.trial_id, sides, sides.num_members)
    other = _candidate(ledger, champion.uri, sides, champion.num_members)
    left = max(margin - spent_of(champion), 0.0)
    entered = _entered(ledger, study, champion) | {configuration_hash(study, found.parameters)}
    key = key_hash(_question(study, found, champion, sides, one, entered, margin=left, saving=saving))
    _require_level(budget, key)
    pair = f"{configuration_hash(study, found.parameters)} against {champion.uri}"
    level = budget.ask(key, study=study.name, challenger=pair)
    test: dict[str, Any] = {"level": level, "family": len(entered), "margin": left, "saving": saving}
    test |= {"later": next_level(budget.left), "more_seeds": max(sides.num_members, champion.num_members) == 1}
    verdict = superiority(one, other, **test, test_over_train=sides.course.test_over_train)
    seeds = {side: seeds_in_all(trained) for side, trained in (("ours", sides.challenger), ("theirs", sides.champion))}
    tested = Contest(
        champion=champion.uri,
        champion_accuracy=float(other.correct.mean()),
        champion_seeds=tuple(seeds["theirs"]),
        verdict=verdict,
        num_left_out=len(sides.left_out),
        key=key,
    )
    if not verdict.promoted:
        budget.settle(key, promoted=False)
        earlier = earlier_hashes(study, ledger.of_phase("search"))
        ours = configuration_hash(study, found.parameters)
        asked = refusals.question(ours, champion.uri, seeds["ours"], seeds["theirs"])
        look = sum(one.study == study.name for one in budget.questions)
        refusals.note_refused(ledger, found.trial_id, [asked], earlier, against=champion.uri, look=look)
        message = _refusal(ledger, found, champion, tested, sides, budget, margin=margin, left=left)
        raise Refused(message, verdict, overridable=True, tested=tested)
    return tested


def margin_tags(found: Contest | None, champion: Champion | None) -> dict[str, str]:
    """What a version says of the accuracy that may have been given up on the way to it; none where it is superior.

    One that was not tested, the champion's configuration on grown data, says what the champion does.
    """
    if champion is None or (found is not None and found.verdict.superior):
        return {tags.MARGIN_SPENT: "0"}
    if found is None:
        said = {key: champion.tags[key] for key in (tags.ACCURACY_REFERENCE,) if key in champion.tags}
        return {tags.MARGIN_SPENT: champion.tags.get(tags.MARGIN_SPENT, "0"), **said}
    spent = spent_of(champion) + max(-found.verdict.low, 0.0)
    since = champion.tags.get(tags.ACCURACY_REFERENCE, champion.uri)
    return {tags.MARGIN_SPENT: f"{spent:.6f}", tags.ACCURACY_REFERENCE: since}


def _question(
    study: Study,
    found: Evidence,
    champion: Champion,
    sides: Sides,
    tested: Candidate,
    entered: Collection[str],
    **test: float,
) -> dict[str, object]:
    """Everything that is asked: the same answers of the same clips in the same test are the same question."""
    return {
        "challenger": configuration_hash(study, found.parameters),
        "seeds": seeds_in_all(sides.challenger),
        "members": sides.num_members,
        "champion": champion.uri,
        "champion_seeds": seeds_in_all(sides.champion),
        "entered": sorted(entered),
        "clips": tested.answers[["clip_id", "subject", "fold"]].astype(str).sort_values("clip_id").to_numpy().tolist(),
        **{name: round(value, 6) for name, value in test.items()},
    }


def _require_level(budget: ErrorBudget, key: str) -> None:
    """Raises `Refused` for a new question where nothing is left to ask it at."""
    if next_level(budget.left) <= 0 and all(one.key != key for one in budget.questions):
        raise Refused(_sentence(budget.balance.told), overridable=True)


def _entered(ledger: Ledger, study: Study, champion: Champion) -> set[str]:
    """The configurations that entered a race on these people, but for the champion's own."""
    members = {name for event in ledger.events_of_data() if event["event"] == EVENT for name in event["members"]}
    parameters = [ledger.trials[name].parameters for name in members]
    return {configuration_hash(study, one) for one in parameters if not champion.is_configuration(study, one)}


def _candidate(ledger: Ledger, name: str, sides: Sides, num_members: int) -> Candidate:
    trainings = sides.champion if name not in ledger.trials else sides.challenger
    return candidate(
        ledger,
        name,
        trainings,
        seeds=seeds_in_all(trainings)[: num_members if num_members > 1 else None],
        num_members=num_members,
        left_out=sides.left_out,
        subjects_are=sides.units,
    )


def _refusal(
    ledger: Ledger,
    found: Evidence,
    champion: Champion,
    tested: Contest,
    sides: Sides,
    budget: ErrorBudget,
    *,
    margin: float,
    left: float,
) -> str:
    verdict = tested.verdict
    others = f"Tested as one of {verdict.family} that entered a race." if verdict.family > 1 else ""
    spent = ""
    if verdict.cheaper and left < margin:
        spent = (
            f"Of the margin of {100 * margin:g} points, {100 * (margin - left):.1f} may have been given up since "
            f"{champion.tags.get(tags.ACCURACY_REFERENCE, champion.uri)}."
        )
    stays = f"Version {champion.version} of {champion.name} stays champion."
    said = [
        verdict.reason,
        spent,
        others,
        _what_decides(ledger, found, verdict, sides, margin),
        _sentence(budget.balance.told),
        stays,
    ]
    return " ".join(filter(None, said))


def _what_decides(ledger: Ledger, found: Evidence, verdict: Verdict, sides: Sides, margin: float) -> str:
    """In one line, how many people, seeds and hours would settle it, and the command for more seeds."""
    seeds_are = "seeds of each"
    if verdict.seeds_needed:
        trials = [trial for side in (sides.challenger, sides.champion) for of in side.values() for trial in of.values()]
        more = len(sides.challenger) * sum(verdict.seeds_needed - now for now in verdict.num_seeds)
        hours = more * statistics.fmean(trial.metrics.get("wall_time_s", 0.0) for trial in trials) / 3600
        asked = ["--trial", found.trial_id, "--gate-seeds", str(verdict.seeds_needed)]
        asked += ["--margin", f"{margin:g}"] if margin != MARGIN else []
        command = in_shell(ledger.folder.parent, "promote", ledger.folder.name, *asked)
        took = f", {hours:.1f} hours of one trial at a time" if hours >= 0.05 else ""
        seeds_are += f" ({counted(more, 'training')} more{took}: `{command}`)"
    return settled_by(
        verdict.people_needed,
        verdict.seeds_needed,
        now=(verdict.num_people, min(verdict.num_seeds)),
        reachable=verdict.difference > verdict.required,
        subjects_are=verdict.subjects_are,
        seeds_are=seeds_are,
    )


def _sentence(told: str) -> str:
    return f"{told[0].upper()}{told[1:]}."


def spent_of(champion: Champion) -> float:
    """What of a margin may have been given up on the way to `champion`."""
    return float(champion.tags.get(tags.MARGIN_SPENT, "0"))
