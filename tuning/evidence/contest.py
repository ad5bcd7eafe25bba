"""A confirmed configuration against the present champion: the test on the same holdout people, with the same seeds."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

from tuning.confirm import confirm_champion
from tuning.evidence.champion import Champion, configuration_hash
from tuning.evidence.holdout import CHAMPION, Evidence, evidence, predictions_behind, runs_behind, study_at_starts
from tuning.execution.runner import Runner
from tuning.records.ledger import Ledger, Trial
from tuning.statistics import alpha_spending
from tuning.statistics.savings import Costs
from tuning.statistics.shortfall import more_seeds
from tuning.statistics.superiority import Candidate, Verdict, superiority

NUM_SEEDS = 2  # that evidence needs at least
SPENT = "fertune.margin_spent"  # tag: what accuracy may have been given up for less cost, in all
SINCE = "fertune.accuracy_reference"  # tag: since this version, the last that had to be superior, or the first


class Refused(ValueError):
    """A configuration may not become champion; the message says which condition failed and by how much.

    `verdict` is that of the test against the present champion, where it came to that.
    """

    def __init__(self, message: str, verdict: Verdict | None = None) -> None:
        super().__init__(message)
        self.verdict = verdict


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contest:
    """The verdicts of all challengers, that of the chosen one, and what the champion achieved beside them."""

    champion: Evidence
    verdicts: list[Verdict]
    chosen: Verdict


def contest_with(
    runner: Runner, found: Evidence, champion: Champion, *, alpha: float, margin: float, saving: float
) -> Contest:
    """Test all confirmed trials of the search against the champion. Raises `Refused` where the chosen one fails.

    Whoever confirms sees the accuracies of all, so all are tested with it, whether on the front or not. A refusal is written
    into the ledger: each further look at the same people has less of `alpha` left (`alpha_spending`). What earlier
    champions may have given up of the `margin` since the last one that was superior is not there to be given up again
    (docs/decisions/0009).
    """
    beside = _champion_beside(runner, found, champion)
    rows = [found] + [
        row
        for row in evidence(runner.ledger)
        if row.trial_id != found.trial_id
        and not row.variant
        and len(row.seeds) >= NUM_SEEDS
        and not champion.is_configuration(runner.study, row.parameters)
    ]
    questions = [
        alpha_spending.asked(configuration_hash(runner.study, row.parameters), champion.uri, row.seeds, beside.seeds)
        for row in rows
    ]
    base = _candidate(runner.ledger, beside)
    candidates = [
        _candidate(runner.ledger, row, alpha_spending.look_at(runner.ledger, question))
        for row, question in zip(rows, questions, strict=True)
    ]
    left = max(margin - _spent(champion), 0.0)
    try:
        verdicts = superiority(candidates, base, alpha=alpha, margin=left, saving=saving)
    except ValueError as error:
        raise Refused(f"{found.trial_id} cannot be tested against the present champion: {error}") from error
    chosen = verdicts[0]
    if not chosen.promoted:
        alpha_spending.note_refused(runner.ledger, found.trial_id, questions, against=champion.uri, look=chosen.look)
        others = f"Tested as one of {len(rows)} confirmed configurations (Holm)." if len(rows) > 1 else ""
        asked = alpha_spending.in_words(chosen.look, chosen.level, again=chosen.seeds_needed is not None)
        spent = ""
        if chosen.cheaper and left < margin:
            spent = (
                f"Of the margin of {100 * margin:g} points, {100 * (margin - left):.1f} may have been given up since "
                f"{champion.tags.get(SINCE, champion.uri)}."
            )
        seeds = more_seeds(runner.study.name, found.trial_id, chosen.seeds_needed)
        stays = f"Version {champion.version} of {champion.name} stays champion."
        raise Refused(" ".join(filter(None, [chosen.reason, spent, others, asked, seeds, stays])), chosen)
    return Contest(champion=beside, verdicts=verdicts, chosen=chosen)


def margin_tags(contest: Contest | None, champion: Champion | None) -> dict[str, str]:
    """What a version says of the accuracy that may have been given up on the way to it; none where it is superior."""
    if contest is None or champion is None or contest.chosen.superior:
        return {SPENT: "0"}
    spent = _spent(champion) + max(-contest.chosen.low, 0.0)
    return {SPENT: f"{spent:.6f}", SINCE: champion.tags.get(SINCE, champion.uri)}


def _champion_beside(runner: Runner, found: Evidence, champion: Champion) -> Evidence:
    """What the champion's configuration achieves with the seeds of `found`; trained where that is missing."""
    for gather in (lambda: evidence(runner.ledger), lambda: confirm_champion(runner, champion, found.seeds)):
        for row in gather():
            same = not row.variant and champion.is_configuration(runner.study, row.parameters)
            named = (row.trial_id, row.variant) == (champion.uri, CHAMPION)
            if (same or named) and set(found.seeds) <= set(row.seeds):
                return row
    raise Refused(
        f"The present champion ({champion.uri}) could not be trained again with all {len(found.seeds)} seeds of "
        f"{found.trial_id}, so there is nothing to compare with; `status` and `logs` of {runner.study.name} say why."
    )


def _spent(champion: Champion) -> float:
    return float(champion.tags.get(SPENT, "0"))


def _candidate(ledger: Ledger, row: Evidence, look: int = 1) -> Candidate:
    runs = runs_behind(ledger, row)
    return Candidate(
        name=row.trial_id,
        predictions=predictions_behind(ledger, row),
        costs=Costs(
            param_count=statistics.fmean(trial.metrics["param_count"] for trial in runs),
            train_times_s=tuple(trial.metrics.get("train_time_s", math.nan) for trial in runs),
            timed_on=timed_on(ledger, runs),
        ),
        look=look,
    )


def timed_on(ledger: Ledger, runs: Sequence[Trial]) -> str:
    """Under which conditions the times of `runs` were measured: device, workers, and how many trials could run at once."""
    at_once = study_at_starts(ledger, "concurrency")
    conditions = {
        (trial.device, len(trial.workers), str(at_once[trial.trial_id][-1] or "an unknown number")) for trial in runs
    }
    return " and ".join(
        f"{device or 'an unknown device'}, {workers} worker{'s' * (workers != 1)} a trial, {count} at once"
        for device, workers, count in sorted(conditions)
    )
