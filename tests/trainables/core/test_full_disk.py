"""A disk that refuses is told from a trial that fails, whatever library met it."""

import errno

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from trainables.core.full_disk import refusal

FULL = "/dev/full"


def save_checkpoint():
    with open(FULL, "wb") as file:
        torch.save({"weights": torch.zeros(100_000)}, file)


def save_table():
    with open(FULL, "wb") as file:  # given a path, pyarrow would remove what is there
        pq.write_table(pa.table({"logits": np.random.default_rng(0).random(500_000)}), file)


def save_text():
    with open(FULL, "w") as file:
        file.write("words")


@pytest.mark.parametrize("save", [save_checkpoint, save_table, save_text])
def test_a_full_disk_is_found_behind_what_is_raised(save):
    with pytest.raises((OSError, RuntimeError)) as raised:
        save()
    assert refusal(raised.value) == errno.ENOSPC


def test_words_of_a_library_tell_too():
    class SafetensorError(Exception):
        pass

    assert refusal(SafetensorError("I/O error: No space left on device (os error 28)")) == errno.ENOSPC


def test_an_error_of_the_trial_is_none(tmp_path):
    assert refusal(ValueError("lr")) is None
    with pytest.raises(Exception, match="No such file") as raised:
        save_file({"weights": torch.zeros(2)}, tmp_path / "nowhere" / "model.safetensors")
    assert refusal(raised.value) is None
