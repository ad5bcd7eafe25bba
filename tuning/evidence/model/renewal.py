"""The present champion's configuration, promoted again: on data that have grown, or as more trainings than it has."""

from __future__ import annotations

from pathlib import Path

from trainables.core.prepared.splits import Splits
from trainables.core.prepared.stored import Prepared
from tuning.evidence.champion import Champion, chosen_on
from tuning.evidence.chosen_on import chosen_names
from tuning.evidence.holdout import Evidence
from tuning.records import tags


def renewed(found: Evidence, champion: Champion, count: int, *, has_data: bool) -> str:
    """A sentence on the configuration of the present champion that is trained again, with `count` seeds.

    `has_data`: on the same data, as more are to be averaged; else on data that have grown.
    """
    why = (
        f"it is trained again on data that have grown{f', with {count} seeds' if count > 1 else ''}"
        if not has_data
        else f"the answers of {count} trainings are averaged where they were of {champion.num_members}"
    )
    return (
        f"{found.trial_id} is the configuration of the present champion (version {champion.version}), so it is not tested "
        f"against it: {why}."
    )


def has_grown(champion: Champion, prepared: Prepared, splits: Splits, tracking_uri: str, home: Path) -> bool:
    """Whether a refit now is trained on everybody whom the search of `champion` had, and on others too."""
    names = chosen_names(prepared, splits)
    try:
        return chosen_on(champion, tracking_uri, home).less_than(names)
    except ValueError:
        return False


def same_configuration(found: Evidence, champion: Champion, prepared: Prepared) -> str:
    """Why the configuration of the present champion is not promoted again on data that are others."""
    before, now = champion.tags.get(tags.DATASET_FINGERPRINT, "unknown"), prepared.fingerprint
    return (
        f"{found.trial_id} is the configuration of the present champion (version {champion.version} of {champion.name}). A "
        f"configuration is not tested against itself, so version {champion.version} stays champion. The data was prepared "
        f"anew since: the champion's has fingerprint {before[:12]}, this study's {now[:12]}. It would be trained again if "
        "the data had only grown: with everybody whom the champion's search had, and more people. To serve what is "
        "trained on these, promote another trial (--trial) or register under another name (`registered_model` of the study)."
    )
