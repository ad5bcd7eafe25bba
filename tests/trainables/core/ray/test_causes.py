"""Why something of Ray's died, in a sentence."""

import pytest

from trainables.core.ray.causes import cause

DIED = """The actor died unexpectedly before finishing this task.
\tclass_name: RayTrainWorker
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker unexpectedly \
exits with a connection error code 2. End of file. Some potential root causes include: (1) The process is killed by SIGKILL."""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (DIED, "Worker unexpectedly exits with a connection error code 2."),
        ("Training failed:\nNo module named cv2", "No module named cv2."),
        ("x" * 500, "x" * 200 + "."),
        (ValueError(), "ValueError."),
    ],
)
def test_it_is_one_sentence(text, told):
    assert cause(text) == told
