"""What would end the work of a study later is found out before a face is prepared."""

import pytest
import torch

from tests.support.builders import make_trial
from tests.support.tiny_study import Quiet, tiny_study
from trainables.models.backbones import frame_network
from tuning.confirm import confirm
from tuning.cross_validate import cross_validate, plan_cross_validation
from tuning.demo import demo
from tuning.execution import runner as module
from tuning.execution.devices.placement import Placement
from tuning.execution.runner import Runner
from tuning.promote import promote
from tuning.records.ledger import Ledger
from tuning.run import run


class Prepared(Exception):
    """Faces were asked for."""


@pytest.fixture(autouse=True)
def _prepares_nothing(monkeypatch):
    def prepare(*_, **__):
        raise Prepared

    monkeypatch.setattr(module, "data_of", prepare)
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    for name in ("RAY_ADDRESS", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)


def enter(home, study=None, **given):
    with Runner(study or tiny_study(), Quiet(), home=home, **given):
        pass


def begun(home, **event):
    with Ledger.write(home / tiny_study().name) as ledger:
        ledger.open_study(settings=dict(tiny_study().settings))
        ledger.start(make_trial(8, trial_id="search-0000", phase="search", **event))
        ledger.end("search-0000", "FINISHED", {"accuracy": 0.9, "train_time_s": 1.0, "param_count": 1.0})
        ledger.select(["search-0000"], "search-0000")


def test_a_study_whose_workers_had_a_batch_each_takes_no_trials_that_share_one(tmp_path):
    folder, two = tmp_path / tiny_study().name, [{"host": "one"}, {"host": "two"}]
    with Ledger.write(folder) as ledger:
        ledger.open_study(settings=dict(tiny_study().settings))
        ledger.start(make_trial(8, trial_id="search-0000"))
        ledger.end("search-0000", "FINISHED", {"accuracy": 0.9}, workers=two[:1])
    with pytest.raises(Prepared):
        enter(tmp_path)
    with Ledger.write(folder) as ledger:
        ledger.start(make_trial(8, trial_id="search-0001"))
        ledger.end("search-0001", "FINISHED", {"accuracy": 0.9}, workers=two)
    with pytest.raises(
        ValueError, match=r"ran on 2 workers\. Now `batch_size` is the whole batch.*2 times the `batch_size`"
    ):
        enter(tmp_path)
    with pytest.raises(Prepared):
        enter(tmp_path, trains=False)
    with Ledger.write(folder) as ledger:
        ledger.open_study(whole_batch=True)
    with pytest.raises(Prepared):
        enter(tmp_path)


def test_where_nothing_is_in_the_way_the_faces_come_next(tmp_path):
    with pytest.raises(Prepared):
        enter(tmp_path)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "localhost", "ray://127.0.0.1:9", "127.0.0.1:99999"])
def test_a_bad_address_of_ray(tmp_path, monkeypatch, address):
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(
        ConnectionError, match=rf"^Ray at {address} \(\$RAY_ADDRESS\) .* Start it with `ray start --head`, or"
    ):
        enter(tmp_path)


def test_a_folder_too_long_for_rays_sockets(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", f"/tmp/{'a' * 100}")
    with pytest.raises(ValueError, match=r"107 are allowed\. Set RAY_TMPDIR to a short path"):
        enter(tmp_path)


def test_a_placement_that_never_fits(tmp_path):
    with pytest.raises(ValueError, match=r"A trial of 1 worker with 100,000 CPUs and 0 GPUs each cannot be placed"):
        enter(tmp_path, placement=Placement(cpus_per_worker=100_000, gpus_per_worker=0))


def test_a_kind_of_device_that_the_study_was_not_begun_on(tmp_path):
    with Ledger.write(tmp_path / tiny_study().name) as ledger:
        ledger.open_study(settings=dict(tiny_study().settings), device_kind="H100")
    with pytest.raises(ValueError, match="was begun on H100 and is to go on with CPUs"):
        enter(tmp_path, placement=Placement(gpus_per_worker=0))
    with pytest.raises(ValueError, match="Ray has no H100"):
        enter(tmp_path)


def test_a_seed_that_no_study_may_begin_with(tmp_path):
    with pytest.raises(ValueError, match=r"seed is 1000; 0 to 999 are allowed"):
        enter(tmp_path, tiny_study(seed=1000))
    begun(tmp_path, seed=1000 * 100_000)
    with pytest.raises(Prepared):
        enter(tmp_path, tiny_study(seed=1000))


def test_settings_that_changed(tmp_path):
    begun(tmp_path)
    with pytest.raises(ValueError, match="epochs was 3 and is 5"):
        enter(tmp_path, tiny_study(settings={**tiny_study().settings, "epochs": 5}))


def test_weights_are_told_once_and_one_that_is_not_there_ends_it(tmp_path):
    path = tmp_path / "own.pth"
    torch.save(frame_network("expression_net", "none")[0].state_dict(), path)
    settings = {**tiny_study().settings, "backbone": "expression_net", "weights": str(path)}
    runner = Runner(tiny_study(settings=settings), Quiet(), home=tmp_path / "home")
    with pytest.raises(Prepared), runner:
        pass
    (told,) = runner.notes
    assert told.startswith(f"expression_net starts from {path}, trained on pictures that are not known here: ")
    path.unlink()
    with pytest.raises(ValueError, match="there is no file"):
        enter(tmp_path / "home", tiny_study(settings=settings))


@pytest.mark.parametrize("uri", ["localhost:5000", "http://127.0.0.1:99999"])
def test_an_address_where_there_can_be_no_mlflow(tmp_path, monkeypatch, uri):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(ValueError, match=f"^MLFLOW_TRACKING_URI is '{uri}', where there can be no MLflow"):
        enter(tmp_path)


def test_an_mlflow_that_is_away_is_told_at_once_and_ends_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:s3cret@127.0.0.1:9")
    listener = Quiet()
    runner = Runner(tiny_study(), listener, home=tmp_path)
    with pytest.raises(Prepared), runner:
        pass
    assert listener.notes == [
        "MLflow at http://127.0.0.1:9 does not answer (Connection refused): the ledger keeps what it misses."
    ]
    assert runner.notes == listener.notes, "whoever listens to nothing finds them in what is returned"


def test_a_registry_that_the_main_job_will_need_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://127.0.0.1:9")
    with pytest.raises(ConnectionError, match=r"registry of MLflow at http://127\.0\.0\.1:9 does not answer"):
        demo(home=tmp_path)


def test_what_a_verb_asks_of_the_ledger(tmp_path, monkeypatch):
    begun(tmp_path)
    study, given = tiny_study(), {"home": tmp_path}
    with pytest.raises(ValueError, match=r"has 1 trial\. Go on with --resume"):
        run(study, **given)
    with pytest.raises(ValueError, match="There is no finished search trial 'search-0009'"):
        confirm(study, trial_id="search-0009", **given)
    with pytest.raises(ValueError, match="151 seeds were given; at most 150 are allowed"):
        confirm(study, seeds=151, **given)
    with pytest.raises(ValueError, match="0 trials and 2 seeds were given"):
        cross_validate(study, num_samples=0, **given)
    with pytest.raises(ValueError, match="There is no finished search trial 'search-0009'"):
        promote(study, trial_id="search-0009", **given)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://127.0.0.1:9")
    with pytest.raises(
        ConnectionError, match=r"^The registry of MLflow at http://127\.0\.0\.1:9 does not answer\. Start"
    ):
        promote(study, **given)


def test_a_plan_needs_no_ray(tmp_path, monkeypatch):
    begun(tmp_path)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(Prepared):
        plan_cross_validation(tiny_study(), num_samples=2, home=tmp_path)
    with pytest.raises(ConnectionError):
        cross_validate(tiny_study(), num_samples=2, home=tmp_path)
