"""Where trials go: as many as fit the machines of a cluster, each worker whole on one of them."""

import pytest

from tuning.execution.devices.placement import CPU, Fit, Placement, memory_share, of_study, slots_of
from tuning.execution.session import Node, Session

ONE = Session(nodes=(Node(num_cpus=8, num_gpus=2),))
FOUR = Session(nodes=(Node(num_cpus=3, num_gpus=1),) * 4)


@pytest.mark.parametrize(
    ("session", "placement", "count", "slots"),
    [
        (ONE, Placement(), 10, (2, 1.0)),
        (ONE, Placement(), 1, (1, 1.0)),
        (ONE, Placement(gpus_per_worker=0.5), 10, (4, 0.5)),
        (ONE, Placement(gpus_per_worker=0.6), 10, (2, 0.6)),  # one on each GPU: what is left of both is no third
        (ONE, Placement(gpus_per_worker=1 / 3), 10, (6, 1 / 3)),
        (ONE, Placement(gpus_per_worker=0, cpus_per_worker=2), 10, (4, 0)),
        (ONE, Placement(gpus_per_worker=0, max_concurrent=3), 10, (3, 0)),
        (ONE, Placement(gpus_per_worker=0), 2, (2, 0)),
        (FOUR, Placement(), 10, (4, 1.0)),
        (FOUR, Placement(workers=2), 10, (2, 1.0)),
        (FOUR, Placement(gpus_per_worker=0, cpus_per_worker=2), 10, (4, 0)),  # and not six: 12 CPUs, three to a machine
    ],
)
def test_trials_fill_the_cluster(session, placement, count, slots):
    fit = slots_of(placement, session, count)
    assert (fit.slots, fit.gpus_per_worker) == slots


@pytest.mark.parametrize(
    ("session", "placement", "fit"),
    [
        (ONE, Placement(workers=9, gpus_per_worker=0), "on one machine, which fit 8 such workers"),
        (ONE, Placement(workers=2, gpus_per_worker=2), "on one machine, which fit 1 such workers"),
        (FOUR, Placement(gpus_per_worker=2), "4 GPUs in all, on 4 machines, which fit 0 such workers"),
        (
            FOUR,
            Placement(gpus_per_worker=0, cpus_per_worker=4),
            "12 CPUs and 4 GPUs in all, on 4 machines, which fit 0",
        ),
        (Session(nodes=()), Placement(), "0 CPUs and 0 GPUs in all"),
    ],
)
def test_a_trial_that_can_never_be_placed_says_so(session, placement, fit):
    with pytest.raises(ValueError, match=f"cannot be placed: Ray has .*{fit}"):
        slots_of(placement, session, 1)


def test_a_worker_has_a_share_of_one_gpu_or_whole_ones():
    with pytest.raises(ValueError, match=r"cannot have 1\.5 GPUs: .* \(0\.25, 0\.5\), or whole ones"):
        slots_of(Placement(gpus_per_worker=1.5), ONE, 1)


H100, A100 = Node(num_cpus=8, num_gpus=2, kind="H100"), Node(num_cpus=8, num_gpus=1, kind="A100")
MIXED = Session(nodes=(A100, H100))


def fit_of(session, count=10, told=None, **placement):
    return slots_of(Placement(**placement), session, count, [].append if told is None else told.append)


def test_of_several_kinds_the_one_that_most_fits_on_is_taken_and_told():
    told = []
    fit = fit_of(MIXED, told=told)
    assert fit == Fit(slots=2, gpus_per_worker=1.0, accelerator_type="H100", device_kind="H100")
    (words,) = told
    assert words.startswith("Ray has GPUs of 2 kinds: A100 (1 worker fit), H100 (2 workers fit).")
    assert "this study runs on H100" in words


def test_a_kind_that_is_asked_for_is_taken_without_a_word():
    told = []
    fit = fit_of(MIXED, told=told, device_kind="a100")
    assert fit == Fit(slots=1, gpus_per_worker=1.0, accelerator_type="A100", device_kind="A100")
    assert fit_of(MIXED, device_kind="cpu") == Fit(slots=10, device_kind=CPU)
    assert told == []


def test_one_kind_is_asked_of_ray_too_since_another_may_join():
    assert fit_of(Session(nodes=(H100,))).accelerator_type == "H100"


@pytest.mark.parametrize(
    ("placement", "words"),
    [
        ({"device_kind": "B200"}, "Ray has no B200, .*: it has A100 and H100 and CPU"),
        ({"device_kind": "CPU", "gpus_per_worker": 1}, "--device-kind CPU and --gpus-per-worker 1 do not go together"),
        (
            {"device_kind": "H100", "gpus_per_worker": 0},
            "--device-kind H100 and --gpus-per-worker 0 do not go together",
        ),
        ({"device_kind": "A100", "workers": 2}, "which fit 1 such workers of the kind A100"),
    ],
)
def test_a_kind_that_cannot_be_had_is_refused(placement, words):
    with pytest.raises(ValueError, match=words):
        fit_of(MIXED, **placement)


def test_a_kind_of_gpu_where_there_is_none_is_refused():
    with pytest.raises(ValueError, match=r"Ray has no H100, .*: it has CPU"):
        fit_of(Session(nodes=(Node(num_cpus=2),)), device_kind="H100")


def test_gpus_that_ray_cannot_tell_are_taken_as_they_are():
    assert fit_of(ONE) == Fit(slots=2, gpus_per_worker=1.0, accelerator_type=None, device_kind="")


def test_gpus_that_stay_idle_are_told():
    told = []
    fit_of(MIXED, told=told, device_kind=CPU)
    assert told == ["The GPUs of this Ray stay idle: the study runs on CPUs, as it was begun or as --device-kind says."]


def test_an_autoscaler_s_machines_count_and_unknown_gpus_of_it_are_of_the_one_kind_there_is():
    grows = Session(nodes=(Node(num_cpus=0),), could_grow=(Node(num_cpus=2),) * 3)
    assert fit_of(grows).slots == 6
    assert fit_of(grows, max_concurrent=4).slots == 4
    assert memory_share(Placement(), grows, 6, 0.0) == 0.5
    fit = fit_of(Session(nodes=(H100,), could_grow=(Node(num_cpus=8, num_gpus=1),)))
    assert (fit.slots, fit.accelerator_type, fit.device_kind) == (3, None, "H100")
    fit = fit_of(Session(nodes=(H100, A100), could_grow=(Node(num_cpus=8, num_gpus=1),)))
    assert (fit.slots, fit.accelerator_type) == (2, "H100")


def test_what_does_not_even_fit_what_may_be_started_is_refused():
    grows = Session(nodes=(Node(num_cpus=0),), could_grow=(Node(num_cpus=2),) * 3)
    with pytest.raises(ValueError, match=r"on one machine and 3 more that its autoscaler may start, which fit 0"):
        fit_of(grows, cpus_per_worker=4)


def test_a_study_keeps_the_kind_that_it_was_begun_on():
    assert of_study(Placement(), "smiles", {}) == Placement()
    assert of_study(Placement(), "smiles", {"device_kind": "H100"}).device_kind == "H100"
    assert of_study(Placement(device_kind="cpu"), "smiles", {"device_kind": CPU}).device_kind == CPU
    assert of_study(Placement(device_kind="A100"), "smiles", {"device_kind": ""}).device_kind == "A100"


@pytest.mark.parametrize(
    ("begun", "asked", "words"),
    [
        ("H100", {"device_kind": "A100"}, "begun on H100 and is to go on with A100: .* another name to run it on A100"),
        ("H100", {"gpus_per_worker": 0}, "begun on H100 and is to go on with CPUs"),
        ("H100", {"device_kind": "cpu"}, "begun on H100 and is to go on with CPUs"),
        (CPU, {"gpus_per_worker": 0.5}, "begun on CPUs and is to go on with GPUs"),
    ],
)
def test_another_kind_for_a_study_that_was_begun_is_refused(begun, asked, words):
    with pytest.raises(ValueError, match=f"Study smiles was {words}"):
        of_study(Placement(**asked), "smiles", {"device_kind": begun})


def test_a_priority_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="--priority was given as 'High'; allowed are low, normal, high"):
        Placement(priority="High")
