"""What a ledger keeps of its selection, and in words how sure it is. One of an earlier version has the exact front alone."""

from __future__ import annotations

import math
from collections.abc import Iterable

from search_spaces.core.preference import preference_of
from trainables.core.training.metrics import METRICS
from tuning.records.ledger import Ledger, Trial


def members_of(ledger: Ledger) -> list[str]:
    """Who is on the front in one draw of five or more; the exact front where the ledger does not say."""
    return ledger.selection.get("members", ledger.selection.get("front", []))


def probability_of(ledger: Ledger, trial: Trial) -> float:
    """How probable it is that a trial belongs on the front; NaN where that is not known."""
    return ledger.selection.get("front_probability", {}).get(trial.trial_id, math.nan)


def likeliest_first(ledger: Ledger, trials: Iterable[Trial]) -> list[Trial]:
    """`trials` by the probability of being on the front, those without one last; equal ones as they were."""

    def key(trial: Trial) -> float:
        probability = probability_of(ledger, trial)
        return math.inf if math.isnan(probability) else -probability

    return sorted(trials, key=key)


def preferred(ledger: Ledger, first: str) -> str:
    """By what the recommended one was chosen, in words, where `first` is the metric of the first objective."""
    prefer, known = preference_of(ledger.selection.get("prefer")), METRICS.get(first)
    label = known.label if known else first
    is_rate = known is not None and known.share_of_clips
    among = f"those within one standard error of the best {label}" if is_rate else "them"
    return {
        "knee": f"the best compromise (knee) among {among}",
        "accuracy": f"the best {label}",
        "small": f"the fewest parameters among {among}",
        "limits": f"the best {label} of those that keep to {prefer.words}",
        "weights": f"the best by {prefer.words}, each scaled from the worst of the front to its best",
    }[prefer.kind]


def how_sure(ledger: Ledger) -> str:
    """`chosen in 62 % of the draws; next: search-0003, 21 %`; `""` where the ledger does not say."""
    shares, recommended = ledger.selection.get("sureness"), ledger.selection.get("recommended")
    if shares is None or recommended is None:
        return ""
    own = shares.get(recommended, 0.0)
    told = f"chosen in {100 * own:.0f} % of the draws"
    others = [(name, share) for name, share in shares.items() if name != recommended]
    if not others:
        return told
    name, share = max(others, key=lambda one: one[1])
    return f"{told}; {'next' if share <= own else 'more often'}: {name}, {100 * share:.0f} %"
