"""A logistic regression on frozen features of a clip's first and last frame, of their difference, and of the mean."""

from __future__ import annotations

import time
import warnings
from collections.abc import Hashable, Sequence

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trainables.core.baselines.clips import affordable, frames_of
from trainables.core.baselines.features import Features, faces_of
from trainables.core.prepared.stored import Prepared

BUDGET_S = 20.0  # for all features
TIMED = 16  # clips by which it is known how long all take
MOST_COMPONENTS = 256
STRENGTHS = 10.0 ** np.arange(-5, 2)  # `C` of the regression, from much regularisation to little


def features_of(
    prepared: Prepared, indices: Sequence[int], features: Features, *, num_frames: int, budget_s: float, seed: int
) -> dict[int, np.ndarray]:
    """Features `(4 D,)` by clip, of as many of `indices` as there is time for, drawn at random where not of all."""
    order = np.random.default_rng(seed).permutation(np.asarray(indices)).tolist()
    found = {order[0]: _of_clip(prepared, order[0], features, num_frames)}  # with what is built on first use
    started = time.perf_counter()
    for index in order[1:TIMED]:
        found[index] = _of_clip(prepared, index, features, num_frames)
    each_s = (time.perf_counter() - started) / (TIMED - 1)
    for index in order[TIMED : affordable(each_s, budget_s, TIMED)]:
        found[index] = _of_clip(prepared, index, features, num_frames)
    return found


def answers(
    train: np.ndarray, labels: Sequence[int], people: Sequence[Hashable], tested: np.ndarray, num_classes: int
) -> np.ndarray:
    """Logits `(M, num_classes)` of `tested` `(M, D)`, by a regression on `train` `(N, D)` with `labels` and `people` `(N,)`.

    Features are standardised, and reduced to `MOST_COMPONENTS` principal components at most. How much is regularised is
    chosen by cross-validation by person within `train`. Raises `ValueError` where `labels` are all of one class.
    """
    components = min(MOST_COMPONENTS, len(train) - 1, train.shape[1])
    prepare = make_pipeline(StandardScaler(), PCA(components, random_state=0)).fit(train)
    regression = LogisticRegression(C=0.01, max_iter=1000)
    given, folds = (prepare.transform(train), np.asarray(labels)), min(5, len(set(people)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fold without a class, or a fit that would take longer
        if folds > 1:
            search = GridSearchCV(regression, {"C": STRENGTHS}, cv=GroupKFold(folds), error_score=0.0)
            regression.C = search.fit(*given, groups=np.asarray(people)).best_params_["C"]
        regression.fit(*given)
    logits = np.full((len(tested), num_classes), -1e3, np.float32)
    logits[:, regression.classes_] = regression.predict_log_proba(prepare.transform(tested))
    return logits


def _of_clip(prepared: Prepared, index: int, features: Features, num_frames: int) -> np.ndarray:
    frames = torch.from_numpy(frames_of(prepared, index, num_frames))
    found = features.of(faces_of(frames, prepared)).numpy()
    return np.concatenate([found[0], found[-1], found[-1] - found[0], found.mean(axis=0)])
