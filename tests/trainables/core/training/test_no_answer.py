"""A network whose logits are not numbers has answered nothing: it fails with the clips named, and never as class 0."""

import dataclasses

import numpy as np
import pytest

from tests.support.builders import make_spec, train
from trainables.core.training import trial
from trainables.core.training.metrics import scores
from trainables.core.training.predictions import Predictions, require_answers


def test_logits_that_are_no_numbers_are_no_answer():
    logits = np.zeros((6, 3), np.float32)
    predictions = Predictions(indices=np.arange(10, 16), labels=np.zeros(6, np.int64), logits=logits)
    assert scores(predictions)["accuracy"] == 1.0
    logits[[1, 3], 2] = np.nan
    with pytest.raises(ValueError, match="no answer, as its logits are not numbers, for clip 11, clip 13\\."):
        scores(predictions)
    logits[4:] = np.nan
    names = [f"happy/P{number}" for number in range(20)]
    with pytest.raises(ValueError, match=r"^ablation-0003 gave .* happy/P11, happy/P13, happy/P14 and 1 more\."):
        require_answers(predictions, "ablation-0003", names)


@pytest.mark.usefixtures("tiny")
def test_a_trial_that_answers_no_number_fails_with_its_name_and_the_clips(prepared, tmp_path, monkeypatch):
    predict = trial.predict

    def spoilt(*arguments):
        found = predict(*arguments)
        logits = found.logits.copy()
        logits[0] = np.nan
        return dataclasses.replace(found, logits=logits)

    monkeypatch.setattr(trial, "predict", spoilt)
    spec = make_spec(prepared, tmp_path / "trial", phase="search")
    with pytest.raises(ValueError, match=rf"^{spec.trial_id} gave no answer, .* for \w+/P\d\d\.$"):
        train(spec)
    assert not (tmp_path / "trial" / "predictions.parquet").exists()
