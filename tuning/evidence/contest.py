"""Challenger against champion: the test of confirmed configurations on the same holdout people, with the same seeds."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Collection, Sequence

from search_spaces.core.study import Study
from trainables.core.wording import counted
from tuning.evidence import refusals
from tuning.evidence.champion import Champion
from tuning.evidence.configuration import configuration_hash, earlier_hashes
from tuning.evidence.holdout import Evidence, Holdout, study_at_starts
from tuning.evidence.race import Raced
from tuning.records import tags
from tuning.records.aliases import CHAMPION
from tuning.records.home import in_shell
from tuning.records.ledger import Ledger, Trial
from tuning.records.selection import incomparable
from tuning.records.trial import refusal_of
from tuning.statistics.alpha_spending import describe_look
from tuning.statistics.savings import Costs
from tuning.statistics.superiority import Candidate, Verdict, superiority

NUM_SEEDS = 2  # that evidence needs at least


class Refused(ValueError):
    """A configuration may not become champion; the message says which condition failed and by how much.

    `verdict` is that of the test against the present champion, where it came to that, `rows` are all that was confirmed,
    `race` is how it was chosen.
    """

    def __init__(self, message: str, verdict: Verdict | None = None) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.rows: tuple[Evidence, ...] = ()
        self.race: Raced | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Promotion:
    """What was registered: `version` of `name`, on which evidence; `verdict` is `None` for a first champion.

    `evidence_sha256` is that of the registered `evidence.json`, `""` of a champion of before there was one. `already` says
    that the version was champion before, and nothing was done. `num_members` trainings answer in it.
    `rows` are all that was confirmed, `race` is the last one of the study, `notes` what to know beside.
    """

    name: str
    version: int
    uri: str
    evidence: Evidence
    verdict: Verdict | None = None
    evidence_sha256: str = ""
    already: bool = False
    num_members: int = 1
    rows: tuple[Evidence, ...] = ()
    race: Raced | None = None
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contest:
    """The verdicts of all challengers, that of the chosen one, and what the champion achieved beside them."""

    champion: Evidence
    verdicts: list[Verdict]
    chosen: Verdict


def require_comparable(study: Study, ledger: Ledger, trial_id: str | None) -> None:
    """Raises `Refused` where `trial_id` is of before and cannot be trained today; of a race, such members are left out."""
    trial = ledger.trials.get(trial_id or "")
    if trial and (reason := refusal_of(study, trial)):
        raise Refused(f"{incomparable(trial, reason)} Choose another trial (--trial).")


def champion_beside(holdout: Holdout, study: Study, champion: Champion, seeds: Sequence[int]) -> Evidence | None:
    """What the champion's configuration achieved with all of `seeds`; `None` where it was not trained with them."""
    for row in holdout.rows():
        same = not row.variant and champion.is_configuration(study, row.parameters)
        named = (row.trial_id, row.variant) == (champion.uri, CHAMPION)
        if (same or named) and set(seeds) <= set(row.seeds):
            return row
    return None


def contest(
    holdout: Holdout,
    study: Study,
    found: Evidence,
    champion: Champion,
    beside: Evidence,
    *,
    alpha: float,
    margin: float,
    saving: float,
    num_members: int = 1,
) -> Contest:
    """Test all confirmed trials of the search against the champion. Raises `Refused` where `found` fails.

    Each would be a model of `num_members` trainings, the champion is one of its own number, and costs are of all members.
    `beside` is what the champion achieved on the same people; where its search chose on some of them, these are left out
    (`Champion.common`). Whoever confirms sees the accuracies of all, so all are tested with it, whether on the front or not.
    A refusal is written into the ledger: each further look at the same people has less of `alpha` left (`alpha_spending`).
    What earlier champions may have given up of the `margin` since the last one that was
    superior is not there to be given up again (docs/decisions/0009).
    """
    ledger = holdout.ledger
    rows = [found] + [
        row
        for row in holdout.rows()
        if row.trial_id != found.trial_id
        and not row.variant
        and len(row.seeds) >= NUM_SEEDS
        and not champion.is_configuration(study, row.parameters)
    ]
    questions = [
        refusals.question(configuration_hash(study, row.parameters), champion.uri, row.seeds, beside.seeds)
        for row in rows
    ]
    earlier = earlier_hashes(study, ledger.of_phase("search"))
    candidates = [
        _candidate(holdout, row, champion.common, num_members, refusals.look_at(ledger, question, earlier))
        for row, question in zip(rows, questions, strict=True)
    ]
    left = max(margin - _spent(champion), 0.0)
    try:
        base = _candidate(holdout, beside, champion.common, champion.num_members)
        verdicts = superiority(candidates, base, alpha=alpha, margin=left, saving=saving)
    except ValueError as error:
        raise Refused(f"{found.trial_id} cannot be tested against the present champion: {error}") from error
    achieved = holdout.row_among(beside, champion.common)
    if champion.common is not None:
        verdicts = [_on_some_people(verdict, achieved, found) for verdict in verdicts]
    chosen = verdicts[0]
    if not chosen.promoted:
        refusals.note_refused(ledger, found.trial_id, questions, earlier, against=champion.uri, look=chosen.look)
        raise Refused(_refusal(ledger, found, champion, chosen, num_tested=len(rows), margin=margin, left=left), chosen)
    return Contest(champion=achieved, verdicts=verdicts, chosen=chosen)


def margin_tags(found: Contest | None, champion: Champion | None) -> dict[str, str]:
    """What a version says of the accuracy that may have been given up on the way to it; none where it is superior.

    One that was not tested, the champion's configuration on grown data, says what the champion does.
    """
    if champion is None or (found is not None and found.chosen.superior):
        return {tags.MARGIN_SPENT: "0"}
    if found is None:
        said = {key: champion.tags[key] for key in (tags.ACCURACY_REFERENCE,) if key in champion.tags}
        return {tags.MARGIN_SPENT: champion.tags.get(tags.MARGIN_SPENT, "0"), **said}
    spent = _spent(champion) + max(-found.chosen.low, 0.0)
    since = champion.tags.get(tags.ACCURACY_REFERENCE, champion.uri)
    return {tags.MARGIN_SPENT: f"{spent:.6f}", tags.ACCURACY_REFERENCE: since}


def more_seeds(ledger: Ledger, trial_id: str, seeds: int | None) -> str:
    """The command that trains more seeds of `trial_id` and, beside it, of the champion."""
    home, study = ledger.folder.parent, ledger.folder.name
    command = in_shell(home, "confirm", study, "--trial", trial_id, "--seeds", str(seeds or "N"))
    return f"`{command}` trains more seeds."


def timed_on(ledger: Ledger, runs: Sequence[Trial]) -> str:
    """Under which conditions the times of `runs` were measured: device, workers, and how many trials could run at once."""
    at_once = study_at_starts(ledger, "concurrency")
    conditions = {
        (trial.device, len(trial.workers), str(at_once[trial.trial_id][-1] or "an unknown number")) for trial in runs
    }
    return " and ".join(
        f"{device or 'an unknown device'}, {counted(workers, 'worker')} a trial, {count} at once"
        for device, workers, count in sorted(conditions)
    )


def _refusal(
    ledger: Ledger,
    found: Evidence,
    champion: Champion,
    verdict: Verdict,
    *,
    num_tested: int,
    margin: float,
    left: float,
) -> str:
    others = f"Tested as one of {num_tested} confirmed configurations (Holm)." if num_tested > 1 else ""
    spent = ""
    if verdict.cheaper and left < margin:
        spent = (
            f"Of the margin of {100 * margin:g} points, {100 * (margin - left):.1f} may have been given up since "
            f"{champion.tags.get(tags.ACCURACY_REFERENCE, champion.uri)}."
        )
    asked = describe_look(verdict.look, verdict.level, again=verdict.seeds_needed is not None)
    seeds = more_seeds(ledger, found.trial_id, verdict.seeds_needed)
    stays = f"Version {champion.version} of {champion.name} stays champion."
    return " ".join(filter(None, [verdict.reason, spent, others, asked, seeds, stays]))


def _spent(champion: Champion) -> float:
    return float(champion.tags.get(tags.MARGIN_SPENT, "0"))


def _on_some_people(verdict: Verdict, tested: Evidence, found: Evidence) -> Verdict:
    """Says how many people of the holdout were `tested`, of all whom `found` was confirmed on."""
    who = f"{tested.num_subjects} of the {found.num_subjects} {found.units} of the holdout"
    return dataclasses.replace(
        verdict, reason=f"{verdict.reason} Tested on {who}: on the others the champion's search chose."
    )


def _candidate(
    holdout: Holdout, row: Evidence, among: Collection[str] | None, num_members: int, look: int = 1
) -> Candidate:
    runs = holdout.runs(row)
    return Candidate(
        name=row.trial_id,
        predictions=holdout.predictions(row, among),
        costs=Costs(
            param_count=num_members * statistics.fmean(trial.metrics["param_count"] for trial in runs),
            train_times_s=tuple(num_members * trial.metrics.get("train_time_s", math.nan) for trial in runs),
            timed_on=timed_on(holdout.ledger, runs),
        ),
        look=look,
    )
