"""How large the faces of a study are stored: as large as it asks for, or it is refused before anything is cropped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

from search_spaces.core.study import Study
from search_spaces.core.values import ends
from trainables.core.faces.ways import NEWEST, Cropping, cropping_of
from trainables.core.prepared.cache import CROP_SIZE, default_crop_size, prepared_for
from trainables.core.prepared.splits import prepared_then
from trainables.core.prepared.stored import Prepared, face_size_of, margin_size, stored_sizes
from trainables.data.core.dataset import Dataset
from tuning.execution.preparation import draw, drawn_root, read_dataset, takes_spelling
from tuning.records.home import in_shell

SMALLEST, LARGEST = 16, 512  # px of a face, without its margin


def require_face_size(face_size: int) -> None:
    """Raises `ValueError` for a size in px that faces are not prepared at."""
    if isinstance(face_size, bool) or not isinstance(face_size, Integral) or not SMALLEST <= face_size <= LARGEST:
        raise ValueError(
            f"--face-size was given as {face_size!r}; whole numbers of px from {SMALLEST} to {LARGEST} are allowed."
        )


def largest_image_size(study: Study) -> int:
    """The largest `image_size` in px that a trial of `study` can have, also a variant, a first point or a control."""
    return int(max(asked_for(study, "image_size")))


def asked_for(study: Study, key: str) -> list[Any]:
    """The values of the setting `key` that trials of `study` can have, also variants, first points and controls.

    Of a range of numbers they are its ends alone.
    """
    if key in study.parameters:
        common = list(ends(study.parameters[key]))
        if study.exists_only_if.get(key):  # elsewhere it has its default
            common.append(study.defaults[key])
    else:
        common = [study.settings.get(key, study.defaults[key])]
    variants = [{}] if study.design is None else study.design.variants.values()
    values = [value for changes in variants for value in ([changes[key]] if key in changes else common)]
    return values + [point[key] for point in (*study.first_points, *study.controls.values()) if key in point]


@dataclasses.dataclass(frozen=True, kw_only=True)
class FaceSizes:
    """The stored size of the faces of `study`, whose ledger knows `facts`, and whether it is enough.

    A study that was begun keeps the size that it has. One that is new or is to have `new_data`, and asks for more, takes the
    smallest preparation of exactly the data under `root` that is large enough. `root` is `None` where faces are drawn, or
    nobody said where the data is.
    """

    study: Study
    facts: Mapping[str, Any]
    home: Path
    root: Path | None
    keep_spelling: bool = False
    cluster_by: str = ""
    new_data: bool = False
    on_hashed: Callable[[int, int], None] | None = None

    @property
    def cropping(self) -> Cropping:
        """How the faces of the study are cropped: as they were when it was begun, with new data too."""
        return cropping_of(self.facts) if "dataset_fingerprint" in self.facts else NEWEST

    @property
    def needed(self) -> int:
        """The largest `image_size` that the study asks for, in px."""
        return largest_image_size(self.study)

    def require_known(self) -> None:
        """Raises `ValueError` for a study that was begun and asks for more than its faces have, if the home knows that."""
        served = self._served
        if served is not None and self.needed > served:
            raise ValueError(self._widened(served))

    def require(self) -> None:
        """Raises what a run would, for a plan: without the data, as far as that can be known."""
        self.require_known()
        if self._served is not None:
            return
        root = self.root or drawn_root(self.study, self.home)
        if self.root is None and self.needed > face_size_of(CROP_SIZE):
            sizes = map(face_size_of, stored_sizes(self.home, self.study.dataset))
            if root is not None:
                draw(self.study, self.home)  # so that the command which is named finds them
            elif not any(size >= self.needed for size in sizes):
                raise ValueError(self._too_small(face_size_of(CROP_SIZE)))
        if root is not None and root.exists():
            asked: dict[str, Any] = {"keep_spelling": self.keep_spelling, "cluster_by": self.cluster_by}
            self.crop_size_of(read_dataset(self.study.dataset, root, **asked))

    def crop_size_of(self, dataset: Dataset) -> int:
        """The side in px at which the crops of `dataset` are stored. Raises `ValueError` where the study asks for more."""
        crop_size = self.facts.get("crop_size") or default_crop_size(dataset)
        if self.needed <= face_size_of(crop_size):
            return crop_size
        if self._stays:
            self.require_known()
            if self._served is None:
                raise ValueError(self._widened(face_size_of(crop_size)))
            return crop_size  # of an earlier version, which showed networks the margin too
        larger = prepared_for(dataset, self.home, self.needed, cropping=self.cropping, on_hashed=self.on_hashed)
        if larger is None and self.cropping != NEWEST:
            return margin_size(self.needed)  # `prepare` crops in the newest way alone
        if larger is None:
            raise ValueError(self._too_small(face_size_of(crop_size)))
        return larger

    def remembered(self, prepared: Prepared) -> dict[str, int]:
        """What the ledger is to know of it. A study of an earlier version stays one."""
        return {} if self._stays and "crop_size" not in self.facts else {"crop_size": prepared.crop_size}

    @property
    def _stays(self) -> bool:
        """Whether the study keeps the faces that it was begun on."""
        return "dataset_fingerprint" in self.facts and not self.new_data

    @property
    def _served(self) -> int | None:
        """The largest `image_size` that the faces of a study serve that was begun; `None` where only the data can tell."""
        if not self._stays:
            return None
        if "crop_size" in self.facts:
            return face_size_of(self.facts["crop_size"])
        then = prepared_then(self.home, self.facts["dataset_fingerprint"])
        return None if then is None else then.face_size

    def _widened(self, served: int) -> str:
        return (
            f"Study {self.study.name} was begun on faces prepared for an image_size of {served} px at most, and asks for "
            f"{self.needed} px now. Prepare larger ones with `{self._command}`, then go on with these as a new version of its "
            "data (--new-data), or save the study under another name."
        )

    def _too_small(self, served: int) -> str:
        return (
            f"Study {self.study.name} asks for an image_size of {self.needed} px; faces of {self.study.dataset} are prepared "
            f"for {served} px at most, unless said otherwise. Prepare larger ones first with `{self._command}`, or choose an "
            "image_size of at most that."
        )

    @property
    def _command(self) -> str:
        """The command that prepares the faces as large as is asked for. Raises `ValueError` where none does."""
        if self.needed > LARGEST:
            raise ValueError(
                f"Study {self.study.name} asks for an image_size of {self.needed} px; at most {LARGEST} px are allowed, the "
                "largest size that faces are prepared at."
            )
        root = self.root or drawn_root(self.study, self.home) or "DIR"
        words = ["prepare", self.study.dataset, "--data-root", str(root), "--face-size", str(self.needed)]
        spelling = ["--keep-spelling"] if self.keep_spelling and takes_spelling(self.study.dataset) else []
        clusters = ["--cluster-by", self.cluster_by] if self.cluster_by else []
        return in_shell(self.home, *words, *spelling, *clusters)
