"""The data of a study: found again or prepared, cut into folds and a holdout, and a new version of both (decision 0014)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from trainables.core import files
from trainables.core.faces.ways import KEY as CROPPING
from trainables.core.prepared.fingerprint import FORMAT_VERSION
from trainables.core.prepared.remaining import data_then, former_sides
from trainables.core.prepared.splits import (
    HOLDOUT_SHARE,
    Sides,
    Splits,
    load_splits,
    make_splits,
    prepared_then,
    salt_of,
)
from trainables.core.prepared.stored import Prepared
from trainables.core.wording import counted
from trainables.data.core.dataset import DataError
from trainables.data.core.layout import listed
from tuning.execution.face_sizes import FaceSizes, asked_for
from tuning.execution.preparation import (
    CLUSTER_BY,
    ClipListener,
    draw,
    kept_clusters,
    kept_spelling,
    prepare_dataset,
    tell,
)

_MOST_NAMED = 10
VOTES = "votes"  # in the facts of a ledger: whether the votes of annotators are part of the study's data


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyData:
    """The faces of a study, what its ledger is to remember of them, and what a person should know; `""` for nothing."""

    prepared: Prepared
    facts: dict[str, Any]
    note: str = ""


def data_of(
    study: Study,
    facts: Mapping[str, Any],
    root: Path | None,
    home: Path,
    listener: ClipListener,
    *,
    keep_spelling: bool = False,
    cluster_by: str = "",
    new_data: bool = False,
) -> StudyData:
    """The faces of a study whose ledger knows `facts`, as they are under `root` now; without one they are drawn.

    They are cropped as when it was begun. Where the folder is gone, and where an earlier version began the study, it goes on
    with the faces that were prepared then, as long as they are in `home`; not if it is to have `new_data`. Raises
    `ValueError` for a study that asks for a larger `image_size` than its faces have, or for votes that are not known.
    """
    kept = kept_spelling(study.dataset, facts, keep_spelling)
    clustered = kept_clusters(facts, cluster_by, new_data=new_data)
    sizes = FaceSizes(
        study=study,
        facts=facts,
        home=home,
        root=root,
        keep_spelling=kept,
        cluster_by=clustered,
        new_data=new_data,
        on_hashed=listener.files_read,
    )
    sizes.require_known()
    earlier = "dataset_fingerprint" in facts and facts.get("data_format", 0) < FORMAT_VERSION
    same_root = facts.get("data_root") == _told(root)
    if same_root and not new_data:
        gone = root is not None and not root.exists()
        found = prepared_then(home, facts["dataset_fingerprint"]) if earlier or gone else None
        if found is not None:
            _require_votes(study, found)
            tell(found, listener)
            return StudyData(prepared=found, facts={}, note=_goes_on(study, root) if root else "")
    note = _goes_on_without(study) if earlier and root and not same_root and not new_data else ""
    votes = new_data or facts.get(VOTES, "dataset_fingerprint" not in facts)  # versions up to 0.2 read none
    how: dict[str, Any] = {"keep_spelling": kept, "crop_size_of": sizes.crop_size_of, "cropping": sizes.cropping}
    how |= {"cluster_by": clustered}
    prepared = prepare_dataset(study.dataset, root or draw(study, home), home, listener, votes=votes, **how)
    _require_votes(study, prepared)
    known = {
        "keep_spelling": kept,
        VOTES: votes,
        "data_format": FORMAT_VERSION,
        CROPPING: sizes.cropping,
        **({CLUSTER_BY: clustered} if clustered or CLUSTER_BY in facts else {}),
        **sizes.remembered(prepared),
    }
    return StudyData(prepared=prepared, facts=known, note=note)


def cut(study: Study, prepared: Prepared, path: Path, *, home: Path | None = None, new_data: bool = False) -> Splits:
    """The study's folds and holdout: those at `path`, else cut from `prepared` and saved there.

    Those of other data are cut anew where the study is to have `new_data`: whoever was held out stays so, whoever was
    not is not, and newcomers go by their hash; the former splits are kept beside. What the former data were is found in
    `home`. Raises `DataError` where the splits are of other data or share a subject, and `ValueError` where the study
    asks for others by now: results on them would not be comparable.
    """
    whole, leaky = study.design is not None, study.folds == "random_leaky"
    kind: dict[str, Any] = {
        "salt": salt_of(prepared.name, study.registered_model),
        "holdout_share": 0.0 if whole else HOLDOUT_SHARE,
        "leaky": leaky,
    }
    if not path.exists():
        make_splits(prepared, **kind).save(path)
    splits = load_splits(path)
    if (not splits.holdout, splits.leaky) != (whole, leaky):
        was, now = _describe_cut(not splits.holdout, splits.leaky), _describe_cut(whole, leaky)
        raise ValueError(
            f"Study {study.name} was begun with {was}, and is to have {now} now. Its trials would not be comparable; "
            "save the study under another name."
        )
    if splits.fingerprint != prepared.fingerprint:
        then = data_then(home, splits) if home else None
        if not new_data:
            raise DataError(_other_data(study, splits, then[0] if then else None, prepared))
        if then is None and not whole:
            raise DataError(
                f"Study {study.name} cannot go on with new data: the faces it was begun on (fingerprint "
                f"{splits.fingerprint[:12]}) are gone from the home, and with them who was held out. Give it the data it began "
                "with once more, if this version prepared them; else save the study under another name."
            )
        before = Sides.of(then[1], then[0]) | former_sides(path.parent, home) if then and home else None
        splits.save(path.with_name(files.FORMER_SPLITS.format(fingerprint=splits.fingerprint[:12])))
        splits = make_splits(prepared, **kind, before=before)
        splits.save(path)
    splits.require_disjoint(prepared.groups)
    return splits


def _require_votes(study: Study, prepared: Prepared) -> None:
    """Raises `ValueError` for a study that would learn from votes where none are known."""
    if True in asked_for(study, "soft_labels") and not any(prepared.votes):
        raise ValueError(
            f"Study {study.name} asks for soft_labels, but no votes are known for the clips of {prepared.name}, or were not "
            "when it was begun. They are read from fer2013_plus, from dfew with its annotation.xlsx, and from columns such as "
            "`votes:happy` of clips_csv. A study that was begun without goes on with them by --new-data; else set "
            "soft_labels to False."
        )


def _other_data(study: Study, splits: Splits, then: Prepared | None, now: Prepared) -> str:
    differs = f" {_differences(then, now)}" if then else ""
    return (
        f"Study {study.name} was begun on other data (fingerprint {splits.fingerprint[:12]}, now "
        f"{now.fingerprint[:12]}).{differs} Give it the data it began with, or go on with these as a new version of the study: "
        "--new-data."
    )


def _differences(then: Prepared, now: Prepared) -> str:
    """Which clips and people are new, and which are gone, by name."""
    clips, people = (set(then.clip_ids), set(now.clip_ids)), (_named(then), _named(now))
    new, gone = (
        [_counted(clips[b] - clips[a], "clip", "clips"), _counted(people[b] - people[a], "person", "people")]
        for a, b in ((0, 1), (1, 0))
    )
    told = [
        f"{what}: {', '.join(filter(None, names))}." for what, names in (("New", new), ("Gone", gone)) if any(names)
    ]
    return " ".join(told) or "The clips and people are the same by name; their files, labels or folds are not."


def _named(prepared: Prepared) -> set[str]:
    return {subject for subject in prepared.subjects if subject}


def _counted(names: Collection[str], unit: str, units: str) -> str:
    return f"{counted(len(names), unit, units)} ({listed(sorted(names), _MOST_NAMED)})" if names else ""


def _told(root: Path | None) -> str:
    """As a ledger has it."""
    return str(root.absolute()) if root else ""


def _goes_on(study: Study, root: Path) -> str:
    if not root.exists():
        return f"{root} is not here: the faces that were prepared from it are."
    return (
        f"{study.name} was begun by an earlier version and goes on with the faces that were prepared then; what changed in "
        f"{root} since is not looked at."
    )


def _goes_on_without(study: Study) -> str:
    return (
        f"{study.name} was begun by an earlier version, which told data apart otherwise. Without --data-root it goes on with "
        "the faces that were prepared then."
    )


def _describe_cut(whole: bool, leaky: bool) -> str:
    folds = "folds dealt at random by clip" if leaky else "the published folds"
    return f"{folds} and {'no holdout' if whole else 'a locked holdout'}"
