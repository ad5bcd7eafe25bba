"""What the controller of a slot makes of an end: whose fault it was, and whether to go on."""

import pytest
from ray.exceptions import RayActorError, RaySystemError
from ray.train import FailureConfig
from ray.train.v2._internal.exceptions import WorkerGroupStartupTimeoutError, WorkerHealthCheckFailedError
from ray.train.v2._internal.execution.failure_handling import FailureDecision
from ray.train.v2.api.exceptions import ControllerError, WorkerGroupError

from trainables.core.ray.trainer import MOST_IDLE_DEATHS, TrialFailed, _death, _Policy


def lost(words: str, *, preempted: bool = False) -> WorkerHealthCheckFailedError:
    """A worker that Ray's controller hears no more of."""
    return WorkerHealthCheckFailedError("a worker", failure=RayActorError(error_msg=words, preempted=preempted))


@pytest.mark.parametrize(
    ("failures", "reason", "own"),
    [
        ([lost("The actor died.", preempted=True)], "Its machine was taken back.", False),
        ([lost("The actor died because its node has died.")], "Its machine died.", False),
        (
            [lost("killed due to the node running low on memory")],
            "Ray ended its worker, since the machine ran out",
            True,
        ),
        ([lost("Worker unexpectedly exits")], "Its worker died: ", True),
        ([RaySystemError("gone")], "The queue of the study's trials died.", False),
        ([ValueError("a shape")], "Its worker ended: a shape", True),
        ([RuntimeError("connection reset"), lost("its node has died")], "Its machine died.", False),
        ([TrialFailed("t0", "turn", {"failed": "NonFiniteLoss"}), RuntimeError("reset")], "NonFiniteLoss", True),
    ],
)
def test_whose_fault_an_end_was(failures, reason, own):
    death = _death(WorkerGroupError("", dict(enumerate(failures))))
    assert death.reason.startswith(reason)
    assert death.own is own
    assert (death.failed is None) == (not isinstance(failures[0], TrialFailed))


def test_a_group_that_never_had_a_trial_is_not_formed_for_ever():
    error = WorkerGroupError("", {0: ValueError("no module named cv2")})
    policy = _Policy(FailureConfig(), lambda death: False)
    assert [policy.make_decision(error) for _ in range(MOST_IDLE_DEATHS + 1)] == [
        *[FailureDecision.RETRY] * MOST_IDLE_DEATHS,
        FailureDecision.RAISE,
    ]


def test_one_that_ray_has_no_place_for_waits_as_long_as_it_takes():
    policy = _Policy(FailureConfig(controller_failure_limit=3), lambda death: False)
    error = ControllerError(WorkerGroupStartupTimeoutError(2))
    assert {policy.make_decision(error) for _ in range(20)} == {FailureDecision.RETRY}
    assert policy.make_decision(ControllerError(ValueError("a bug"))) == FailureDecision.RAISE
