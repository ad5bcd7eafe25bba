"""A confirmed configuration against the present champion: the test on the same holdout people, with the same seeds."""

from __future__ import annotations

import dataclasses
import math
import statistics

from tuning.champion import Champion
from tuning.confirm import confirm_champion
from tuning.evidence import CHAMPION, Evidence, evidence, predictions_behind, runs_behind
from tuning.ledger import Ledger
from tuning.study_runner import Runner
from tuning.superiority import Candidate, Verdict, superiority

NUM_SEEDS = 2  # that evidence needs at least


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
    """Test all confirmed members of the front against the champion. Raises `Refused` where the chosen one fails."""
    beside = _champion_beside(runner, found, champion)
    front = runner.ledger.selection.get("front", [])
    rows = [found] + [
        row
        for row in evidence(runner.ledger)
        if row.trial_id in front
        and row.trial_id != found.trial_id
        and not row.variant
        and len(row.seeds) >= NUM_SEEDS
        and not champion.is_configuration(runner.study, row.parameters)
    ]
    base = _candidate(runner.ledger, beside)
    candidates = [_candidate(runner.ledger, row, beside) for row in rows]
    try:
        verdicts = superiority(candidates, base, alpha=alpha, margin=margin, saving=saving)
    except ValueError as error:
        raise Refused(f"{found.trial_id} cannot be tested against the present champion: {error}") from error
    chosen = verdicts[0]
    if not chosen.promoted:
        others = f" Tested as one of {len(rows)} confirmed members of the front (Holm)." if len(rows) > 1 else ""
        raise Refused(f"{chosen.reason}{others} Version {champion.version} of {champion.name} stays champion.", chosen)
    return Contest(champion=beside, verdicts=verdicts, chosen=chosen)


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


def _candidate(ledger: Ledger, row: Evidence, beside: Evidence | None = None) -> Candidate:
    """`row` for the test. Times on another kind of device than those of `beside` are not comparable, and save nothing."""
    runs = runs_behind(ledger, row)
    devices = {trial.device for trial in runs}
    comparable = beside is None or devices == {trial.device for trial in runs_behind(ledger, beside)}
    return Candidate(
        name=row.trial_id,
        predictions=predictions_behind(ledger, row),
        param_count=statistics.fmean(trial.metrics["param_count"] for trial in runs),
        train_time_s=statistics.fmean(trial.metrics["train_time_s"] for trial in runs) if comparable else math.nan,
    )
