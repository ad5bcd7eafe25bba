"""What every champion must beat: always answering the commonest class."""

from __future__ import annotations

from search_spaces.core.study import Study
from tuning.evidence import refusals
from tuning.evidence.configuration import configuration_hash, earlier_hashes
from tuning.evidence.contest import Refused
from tuning.evidence.holdout import Evidence, Holdout, holdout_accuracy
from tuning.records.home import in_shell
from tuning.records.ledger import Ledger
from tuning.statistics.alpha_spending import LATER_SHARE, describe_look
from tuning.statistics.shortfall import below_majority


def require_beats_majority(holdout: Holdout, study: Study, found: Evidence) -> dict[str, float]:
    """The look, and the lower bound that exceeds the majority baseline with the confidence of that look: 95 % at the first.

    Raises `Refused` where it does not; that is written into the ledger.
    """
    ledger, configuration = holdout.ledger, configuration_hash(study, found.parameters)
    question = refusals.question(configuration, refusals.MAJORITY, found.seeds)
    earlier = earlier_hashes(study, ledger.of_phase("search"))
    look, predictions = refusals.look_at(ledger, question, earlier), holdout.predictions(found)
    left = (1 - found.accuracy.confidence) * LATER_SHARE ** (look - 1)  # of two sides; the lower one counts
    accuracy = found.accuracy if look == 1 else holdout_accuracy(predictions, 1 - left)
    measured = {"look": look, "confidence": accuracy.confidence, "low": accuracy.low}
    if accuracy.low > found.majority:
        return measured
    refusals.note_refused(ledger, found.trial_id, [question], earlier, against=refusals.MAJORITY, look=look)
    later = holdout_accuracy(predictions, 1 - left * LATER_SHARE)
    ways, seeds = below_majority(accuracy, later, found.majority, predictions)
    said = (
        f"the lower bound of its accuracy on the holdout ({found.tested_on}) is {100 * accuracy.low:.1f} %, and the majority "
        f"baseline (always answering the commonest class) is {100 * found.majority:.1f} %."
    )
    raise Refused(
        f"{found.trial_id} is not promoted: {said} {ways} {describe_look(look, left / 2, again=seeds is not None)} "
        f"{_more_seeds(ledger, found.trial_id, seeds)}",
        overridable=True,
        gate=said,
        over_majority=measured,
    )


def _more_seeds(ledger: Ledger, trial_id: str, seeds: int | None) -> str:
    """The command that trains more seeds of `trial_id` for the holdout."""
    home, study = ledger.folder.parent, ledger.folder.name
    command = in_shell(home, "confirm", study, "--trial", trial_id, "--seeds", str(seeds or "N"))
    return f"`{command}` trains more seeds."
