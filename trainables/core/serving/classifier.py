"""A trained model at work: from files to class names. Needs neither Ray nor MLflow."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from trainables.core import files, lookup
from trainables.core.config import TrainerConfig, recorded_config
from trainables.core.faces.finders import finder_for
from trainables.core.faces.ways import NEWEST, Cropping, cropping_of
from trainables.core.prepared.batches import frame_positions
from trainables.core.prepared.keyframes import GREY_SIZE, keyframes, redundancy
from trainables.core.prepared.stored import margin_size
from trainables.core.prepared.told import Told, all_cropped, cropped
from trainables.core.serving.averaged import built
from trainables.core.training.augmentation.augment import to_input
from trainables.core.training.precision import autocast
from trainables.data.core.dataset import DataError, Faces, Sample
from trainables.data.core.finding import samples_of
from trainables.data.core.frames import read_frames


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction:
    """The answer for one clip: a class name and the probability of each class, or the sentence why there is none.

    `clip` is what is told of the clip that was answered for (`trainables/core/prepared/told.py`).
    """

    path: str
    label: str | None = None
    probabilities: dict[str, float] | None = None
    error: str | None = None
    clip: dict[str, Any] | None = None


class Classifier:
    """A model with what it needs to read files: its config, its classes, the size of its face crops, a device.

    Faces are cropped as those were that it was trained on. A model that was trained on given face crops (`faces` is `given`)
    takes whatever it reads for such crops too, if it shows a face.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        config: TrainerConfig,
        *,
        classes: tuple[str, ...],
        crop_size: int,
        device: torch.device,
        faces: Faces = "find",
        cropping: Cropping = NEWEST,
    ) -> None:
        self.model = model.to(device).eval()
        self.config = config
        self.classes = classes
        self.crop_size = crop_size
        self.device = device
        self.faces = faces
        self.finder = finder_for(faces, cropping)

    @classmethod
    def load(cls, folder: Path, device: str | None = None) -> Classifier:
        """The classifier in `folder` (`model.json`, `model.safetensors`), on a GPU where there is one.

        The folder is a trial's, or holds the average of several (`averaged.py`).

        Raises `ValueError` for a folder that holds no model, or one whose files do not belong together.
        """
        chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        described, weights = _read(Path(folder))
        module = lookup.load("trainables", described["trainable"], "trainable")
        config = recorded_config(module.Config, described["config"])
        # Built without memory, so that nothing is initialised, or read from a file of pretrained weights, in vain.
        with torch.device("meta"):
            model = built(lambda: module.build_model(config), described)
        try:
            model.load_state_dict(weights, assign=True)
        except RuntimeError as error:
            raise ValueError(f"{folder}: the weights do not fit the settings in model.json. {error}") from error
        assert not any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())), "a tensor is not stored"
        return cls(
            model,
            config,
            classes=tuple(described["classes"]),
            crop_size=described["crop_size"],
            device=chosen,
            faces=described.get("faces", "find"),
            cropping=cropping_of(described),
        )

    def predict(self, paths: Iterable[str | Path], *, every_face: bool = False) -> list[Prediction]:
        """One prediction a clip, in the order of `paths`: videos, images, folders of frames, or folders of these.

        With `every_face` it is one for each person in a clip, and `clip["box"]` says where that one is. What cannot be read,
        or shows no face, gets a prediction with its `error`; the others are not held up by it.
        """
        predictions = []
        for path in paths:
            try:
                samples = samples_of(Path(path))
            except (DataError, OSError) as error:
                predictions.append(Prediction(path=str(path), error=str(error)))
                continue
            for sample in samples:
                predictions.extend(self._predict_everyone(sample) if every_face else [self._predict_clip(sample)])
        return predictions

    def _predict_clip(self, sample: Sample) -> Prediction:
        try:
            clip = cropped(self.finder.crop_shown, read_frames(sample), self.crop_size)
        except (DataError, OSError) as error:
            return Prediction(path=sample.clip_id, error=str(error))
        return self._answer(sample, clip.frames, Told.of(clip).to_json())

    def _predict_everyone(self, sample: Sample) -> list[Prediction]:
        try:
            clips = all_cropped(self.finder.crop_everyone, read_frames(sample), self.crop_size)
        except (DataError, OSError) as error:
            return [Prediction(path=sample.clip_id, error=str(error))]
        predictions = []
        for clip in clips:
            told = Told.of(clip).to_json()
            told["remarks"] = Told.of(dataclasses.replace(clip, other_shares=())).remarks()  # each is about one person
            if self.faces == "given":
                told["remarks"].append(
                    "a face that was found here, framed otherwise than those that the model was trained on"
                )
            predictions.append(self._answer(sample, clip.frames, told))
        return predictions

    def _answer(self, sample: Sample, crops: np.ndarray, told: dict[str, Any]) -> Prediction:
        probabilities = self._probabilities(crops)
        return Prediction(
            path=sample.clip_id,
            label=self.classes[int(probabilities.argmax())],
            probabilities=dict(zip(self.classes, probabilities.tolist(), strict=True)),
            clip=told,
        )

    def _probabilities(self, crops: np.ndarray) -> np.ndarray:
        """Class probabilities `(K,)` of face crops uint8 `(T, S, S, 3)`, seen exactly as the trainer evaluates them."""
        chosen = _at_size(crops[self._positions(crops)], margin_size(self.config.image_size))
        frames = np.zeros((1, self.config.num_frames, *chosen.shape[1:]), np.uint8)
        frames[0, : len(chosen)] = chosen
        with torch.inference_mode(), autocast(self.config, self.device):
            inputs = to_input(torch.from_numpy(frames).to(self.device), self.config.image_size)
            logits = self.model(inputs, torch.tensor([len(chosen)]))
        return logits[0].float().double().softmax(dim=0).cpu().numpy()

    def _positions(self, crops: np.ndarray) -> np.ndarray:
        """Which of the frames the network reads, int64 `(T,)`, chosen as `Clips` does."""
        if self.config.frame_selection == "even":
            return frame_positions(len(crops), self.config.num_frames)
        small = _at_size(crops, margin_size(GREY_SIZE))
        coefficients = redundancy(small, np.array([0, len(small)]), self.config.redundancy_threshold)
        return keyframes(coefficients, self.config.num_frames)


def _at_size(crops: np.ndarray, pixels: int) -> np.ndarray:
    """What `Prepared.at_size` gives of crops uint8 `(T, S, S, 3)`, which it never enlarges."""
    if pixels >= crops.shape[1]:
        return crops
    return np.stack([cv2.resize(crop, (pixels, pixels), interpolation=cv2.INTER_AREA) for crop in crops])


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    try:
        described = json.loads((folder / files.MODEL).read_text())
        return described, load_file(folder / files.WEIGHTS)
    except (OSError, json.JSONDecodeError, SafetensorError) as error:
        raise ValueError(
            f"{folder}: there is no model that can be read; model.json and model.safetensors belong here. {error}"
            f"{files.without_weights(folder)}"
        ) from error
