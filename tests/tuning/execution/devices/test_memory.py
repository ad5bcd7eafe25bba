"""What a study needs of the memory that there is, told and measured before its first trial; a device is stood for."""

import dataclasses

import pytest
from ray import tune

from search_spaces.core.designs import sweep
from tests.support.tiny_study import tiny_study
from trainables.core.training.memory.fitting import DoesNotFit
from trainables.core.training.memory.forecast import GIB, forecast
from tuning.execution.devices import memory as module
from tuning.execution.devices.memory import Room, foreseen, need_of, trial_memory
from tuning.execution.devices.placement import Placement, memory_share
from tuning.execution.session import Node, Session

SESSION = Session(nodes=(Node(num_cpus=2),))
SETTINGS = {
    "backbone": "resnet18",
    "attention": "none",
    "rbg_depth": 0,
    "gru_hidden": 8,
    "num_frames": 2,
    "image_size": 32,
}
SEARCH = tiny_study(parameters={"batch_size": tune.choice([8, 512])}, settings=SETTINGS, first_points=())
ABLATION = tiny_study(
    design=sweep("batch_size", [8, 512]), settings=SETTINGS, parameters={}, first_points=(), controls={}
)


def taken(batch_size, parts, gaps=None, device="cpu"):
    config = SEARCH.config({"batch_size": batch_size})
    return forecast("res_rbg", config, device, parts=parts).num_bytes(gaps)


def room(num_bytes, device="cpu"):
    """One in which a worker may take `num_bytes`."""
    usable = {"cpu": 0.85, "cuda": 0.95}[device]
    return Room(device=device, capacity=int(num_bytes / usable) + 2, share=1.0)


@pytest.fixture
def device(monkeypatch):
    """A device of the room that is put here, and what was asked of it; `steps` answers for a measured step."""
    stood = {"room": room(64 * GIB), "asked": [], "step": lambda *given: 0}

    def on_device(placement, gpus, work, *given):
        stood["asked"].append((work.__name__, *given))
        if work.__name__ == "capacity_here":
            return stood["room"].device, stood["room"].capacity, stood["room"].bfloat16
        return stood["step"](*given)

    monkeypatch.setattr(module, "on_device", on_device)
    monkeypatch.setattr(module, "_room_here", lambda kind, share: stood["room"])
    return stood


def begin(study, phase="search", gpus=0.0, placement=None, known=None):
    """What trials are told of memory, and the notes."""
    notes = []
    where = (placement or Placement(), SESSION, 2, gpus, known or {})
    told, remembered = trial_memory(study, phase, *where, tell=notes.append)
    if "memory_gaps" in remembered:
        assert remembered["memory_gaps"]["cuda" if gpus else "cpu"] == told["memory_gaps"]
    return told, notes


def test_what_is_plenty_is_neither_measured_nor_told(device):
    assert begin(SEARCH) == ({"memory_share": 0.5}, [])
    assert device["asked"] == []


def test_the_largest_configuration_of_a_search_is_told_where_it_is_not_plenty(device):
    device["room"] = room(taken(512, 0))
    told, (note,) = begin(SEARCH)
    assert "res_rbg resnet18 on batches of 512 clips of 2 frames of 32 px" in note
    assert note.endswith("it fits.")
    ((name, trainable, config, about),) = device["asked"]
    assert (name, trainable, config.batch_size, about["parts"]) == ("step_here", "res_rbg", 512, 0)
    assert told["memory_gaps"] == 1.0


def test_what_was_measured_decides(device):
    device["room"] = room(taken(512, 0, 1.4))
    device["step"] = lambda trainable, config, about: 1.6 * forecast(trainable, config, "cpu", **about).step
    told, (note,) = begin(SEARCH)
    assert told["memory_gaps"] == pytest.approx(1.6)
    assert "by forecast and measurement" in note
    assert "computed again" in note


def test_where_the_measuring_process_dies_the_forecast_stands(device):
    def die(*given):
        raise RuntimeError("killed")

    device["room"], device["step"] = room(taken(512, 0)), die
    told, (died, note) = begin(SEARCH)
    assert "memory_gaps" not in told
    assert died.endswith("the forecast stands. killed")
    assert "by forecast, not measured yet" in note
    assert note.endswith("it fits.")


def test_where_the_measuring_process_runs_out_of_memory_more_is_computed_again(device):
    def die(*given):
        raise MemoryError("killed")

    device["room"], device["step"] = room(taken(512, 0) + GIB), die
    told, (died, note) = begin(SEARCH)
    assert "ran out of memory" in died
    assert taken(512, 0, told["memory_gaps"]) > device["room"].num_bytes
    assert "computed again" in note


def test_where_no_device_is_free_trials_look_for_themselves(device, monkeypatch):
    def held(*given):
        raise TimeoutError("No device was free within 120 s.")

    monkeypatch.setattr(module, "on_device", held)
    told, (note,) = begin(SEARCH, gpus=1.0)
    assert told == {"memory_share": 1.0}
    assert "No device was free within 120 s. Each trial looks for itself." in note


def test_later_phases_go_by_what_was_measured_and_nested_search_is_looked_at(device):
    device["room"] = room(GIB / 2)
    assert begin(SEARCH, "confirm", known={"cpu": 1.1, "cuda": 1.2}) == ({"memory_share": 0.5, "memory_gaps": 1.1}, [])
    with pytest.raises(DoesNotFit):
        begin(SEARCH, "nested_search")


def test_a_tuned_ablation_begins_where_each_variant_has_a_configuration_that_fits(device):
    about = {"settings": SETTINGS, "first_points": (), "controls": {}}
    design = dataclasses.replace(sweep("num_frames", [1, 2]), tune_each=2)
    tuned = tiny_study(design=design, parameters=SEARCH.parameters, **about)
    device["room"] = room(taken(8, 1))
    _, (note,) = begin(tuned)
    assert "Trials that do not fit are refused, each by name." in note
    design = dataclasses.replace(sweep("image_size", [32, 512]), tune_each=2)
    with pytest.raises(DoesNotFit, match=r"Not even the smallest configuration of variant .*512.* fits"):
        begin(tiny_study(design=design, parameters=SEARCH.parameters, **about))


def test_a_gpu_is_asked_what_it_has_and_always_measured(device):
    device["room"] = room(64 * GIB, "cuda")
    told, notes = begin(SEARCH, gpus=0.5)
    assert [name for name, *_ in device["asked"]] == ["capacity_here", "step_here"]
    assert told == {"memory_share": 0.5, "memory_gaps": 1.0}
    assert notes == []


def test_a_search_begins_where_its_smallest_configuration_fits(device):
    device["room"] = room(taken(8, 1))
    told, (note,) = begin(SEARCH)
    assert told == {"memory_share": 0.5}
    assert "Trials that do not fit are refused, each by name." in note
    assert "with batch_size 256 it would take" in note.lower()


def test_a_search_of_which_nothing_fits_and_an_ablation_of_which_a_variant_does_not_are_refused(device):
    device["room"] = room(GIB / 2)
    with pytest.raises(DoesNotFit, match=r"Not even the smallest configuration fits: .* batches of 8 clips"):
        begin(SEARCH)
    device["room"] = room(taken(8, 1))
    with pytest.raises(DoesNotFit, match="batches of 512 clips"):
        begin(ABLATION, "ablation")


def test_configurations_that_were_trained_before_are_not_looked_at_again(device):
    device["room"] = room(GIB / 2)
    assert begin(SEARCH, "confirm") == ({"memory_share": 0.5}, [])


def test_folds_of_a_search_stand_side_by_side():
    one, three = (tiny_study(search_folds=folds) for folds in ((0,), (0, 1, 2)))
    assert need_of(three, room(64 * GIB)).num_bytes > 1.3 * need_of(one, room(64 * GIB)).num_bytes
    assert need_of(ABLATION, room(64 * GIB)).num_bytes == pytest.approx(taken(512, 0))


@pytest.mark.parametrize(
    ("nodes", "placement", "slots", "gpus", "share"),
    [
        ((Node(num_cpus=4),), Placement(), 4, 0.0, 0.25),
        ((Node(num_cpus=4),), Placement(max_concurrent=1), 1, 0.0, 1.0),
        ((Node(num_cpus=4),), Placement(cpus_per_worker=2), 2, 0.0, 0.5),
        ((Node(num_cpus=4),), Placement(workers=2), 1, 0.0, 0.5),
        ((Node(num_cpus=2), Node(num_cpus=8)), Placement(), 10, 0.0, 0.125),  # by the machine with the most workers
        ((Node(num_cpus=8, num_gpus=2),), Placement(), 2, 1.0, 1.0),
        ((Node(num_cpus=8, num_gpus=2),), Placement(gpus_per_worker=0.25), 8, 0.25, 0.25),
        ((Node(num_cpus=8, num_gpus=2),), Placement(gpus_per_worker=2), 1, 2.0, 1.0),
    ],
)
def test_the_memory_of_a_machine_is_shared_by_its_workers_and_that_of_a_gpu_by_its_shares(
    nodes, placement, slots, gpus, share
):
    assert memory_share(placement, Session(nodes=nodes), slots, gpus) == share


def test_a_dry_run_says_what_there_is_and_what_will_happen(device, monkeypatch):
    monkeypatch.setattr(module, "look_ahead", lambda: (Node(num_cpus=2),))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    device["room"] = room(taken(512, 1))
    told = foreseen(SEARCH, Placement(), 10, {})
    assert told["memory_gib"] == pytest.approx(taken(512, 0) / GIB)
    assert told["memory_room_gib"] == pytest.approx(taken(512, 1) / GIB)
    assert told["memory_parts"] == 1
    assert "its numbers stay the same." in told["memory_told"]
    assert "by forecast, not measured yet" in told["memory_told"]
    assert foreseen(SEARCH, Placement(), 10, {"cpu": 1.1})["memory_gib"] == pytest.approx(taken(512, 0, 1.1) / GIB)
    device["room"] = room(GIB / 2)
    assert foreseen(SEARCH, Placement(), 10, {})["memory_parts"] is None


def test_a_dry_run_goes_on_where_the_process_on_the_device_dies(monkeypatch):
    def die(*given):
        raise RuntimeError("killed")

    monkeypatch.setattr(module, "look_ahead", lambda: (Node(num_cpus=2),))
    monkeypatch.setattr(module, "_room_here", die)
    assert foreseen(SEARCH, Placement(), 10, {}) == {"memory_told": "unknown: killed"}


def test_a_dry_run_says_why_it_cannot_know(monkeypatch):
    def away():
        raise ConnectionError("Ray at 10.0.0.1:6379 does not answer.")

    monkeypatch.setattr(module, "look_ahead", away)
    assert foreseen(SEARCH, Placement(), 10, {}) == {"memory_told": "unknown: Ray at 10.0.0.1:6379 does not answer."}


@pytest.mark.slow
def test_a_process_of_ray_measures_a_step(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with module.open_session():
        assert module.on_device(Placement(), 0.0, module.capacity_here)[0] == "cpu"
        config = SEARCH.config({"batch_size": 512})
        step = module.on_device(Placement(), 0.0, module.step_here, "res_rbg", config, {"workers": 1, "parts": 0})
    assert 0.7 < step / forecast("res_rbg", config, "cpu").step < 2.5
