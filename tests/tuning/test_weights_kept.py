"""At a search's end the weights go that nothing needs, with what interrupted work left; what anything needs stays."""

import dataclasses
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray import tune

from search_spaces.core.designs import named
from tests.support.ablation_driver import prepare_subjects, study_of, tuned_study
from tests.support.builders import make_trial
from tests.support.without_ray import METRICS, LoopRunner
from tests.tuning.execution.test_search_size import search_of
from trainables import res_rbg
from trainables.core import files
from trainables.core.config import make_config
from trainables.core.serving.classifier import Classifier
from tuning.ablate import ablate_variants
from tuning.execution.asked import require_fitting
from tuning.execution.session import Node
from tuning.records.ledger import Ledger
from tuning.records.left_over import needed
from tuning.run import run

WEAK = {**METRICS, "accuracy": 0.1, "uar": 0.1, "param_count": 99e6, "train_time_s": 99.0}
NEAR = {**METRICS, "accuracy": 0.7, "uar": 0.7}  # dominated, by less than 8 clips can tell


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_subjects(tmp_path_factory.mktemp("data"))


def leaving(*metrics):
    """A training that leaves all that one can leave, and has the metrics of its turn."""
    turns = iter(metrics)

    def train(spec):
        folder = Path(spec["folder"])
        folder.mkdir(parents=True, exist_ok=True)
        for name in (
            files.WEIGHTS,
            files.PREDICTIONS,
            files.CHECKPOINT,
            "best-0-1.pt",
            "last.7.tmp",
            "damaged.last.pt",
        ):
            (folder / name).write_bytes(b"1234")
        return next(turns)

    return train


def left(runner, name=files.WEIGHTS):
    return sorted(path.parent.name for path in (runner.folder / files.TRIALS).glob(f"*/{name}"))


def test_weights_that_nothing_needs_go_and_results_stay(prepared, tmp_path):
    with LoopRunner(search_of(), tmp_path, prepared, train=leaving(METRICS, WEAK, NEAR)) as runner:
        runner.search(3)
        assert left(runner) == ["search-0000", "search-0002"]
        assert len(left(runner, files.PREDICTIONS)) == 3
        assert runner.ledger.selection["front"] == ["search-0000"]
        assert not [name for name in ("*.pt", "*.tmp") if left(runner, name)]
        note = runner.listener.notes[-1]
    assert note == (
        "The weights of 1 of 3 trials are deleted, as nothing needs them: 28 B are free. Their results stay, and `confirm` "
        "trains any of them again; --keep-weights all keeps weights."
    )


def test_all_weights_stay_where_the_study_was_told_so_until_it_is_told_otherwise(prepared, tmp_path):
    with LoopRunner(search_of(), tmp_path, prepared, train=leaving(METRICS, WEAK, NEAR, WEAK)) as runner:
        runner.search(3, keep_weights="all")
        assert len(left(runner)) == 3
        runner.search(4)
        assert len(left(runner)) == 4
        assert not [note for note in runner.listener.notes if "deleted" in note]
        assert not left(runner, "*.tmp"), "what is no weights goes all the same"
        runner.search(4, keep_weights="needed")
        assert left(runner) == ["search-0000", "search-0002"]
        assert "The weights of 2 of 4 trials are deleted" in runner.listener.notes[-1]


def test_a_search_that_is_interrupted_keeps_all(prepared, tmp_path):
    def interrupted(spec):
        raise KeyboardInterrupt

    with LoopRunner(search_of(), tmp_path, prepared, train=leaving(METRICS, WEAK)) as runner:
        train = runner.train
        runner.train = lambda spec: (interrupted if spec["trial_id"] == "search-0002" else train)(spec)
        with pytest.raises(KeyboardInterrupt):
            runner.search(3)
        assert len(left(runner)) == 2
        assert needed(runner.ledger) >= {"search-0000", "search-0001"}
        runner.train = leaving(METRICS)
        runner.search(3)
        assert left(runner) == ["search-0000", "search-0002"]


def test_what_was_confirmed_promoted_or_cannot_be_trained_again_stays_when_a_search_is_extended(prepared, tmp_path):
    with LoopRunner(search_of(), tmp_path, prepared, train=leaving(METRICS, WEAK, WEAK, WEAK, WEAK)) as runner:
        runner.search(4, keep_weights="all")
        runner.ledger.note("promoted", name="task", version=1, of="search-0001")
        runner.ledger.note("incomparable", of="search-0002", reason="a range of its own")
        runner.search(5, keep_weights="needed")
        assert left(runner) == ["search-0000", "search-0001", "search-0002"]


def test_members_that_are_on_the_front_in_some_draws_stay(prepared, tmp_path):
    with LoopRunner(search_of(), tmp_path, prepared, train=leaving(METRICS, WEAK)) as runner:
        runner.search(2, keep_weights="all")
        runner.ledger.open_study(keep_weights="needed")
        assert needed(runner.ledger) == {"search-0000"}
        runner.ledger.select(["search-0000"], "search-0000", members=["search-0000", "search-0001"])
        assert needed(runner.ledger) == {"search-0000", "search-0001"}


def test_what_another_study_starts_from_stays(prepared, tmp_path):
    def begun(name, **facts):
        with Ledger.write(tmp_path / name) as ledger:
            ledger.open_study(**facts)
            return ledger

    with LoopRunner(search_of(), tmp_path, prepared, train=leaving(METRICS, *[WEAK] * 5)) as runner:
        runner.search(5, keep_weights="all")
        trials = runner.folder / files.TRIALS
        begun("fixed", settings={"weights": str(trials / "search-0001" / files.WEIGHTS)})
        searched = begun("searched", settings={"weights": "imagenet"})
        with Ledger.write(searched.folder) as ledger:
            ledger.start(make_trial(0, parameters={"weights": f"{trials}/../trials/search-0003/{files.WEIGHTS}"}))
        chosen = [str(trials / name / files.WEIGHTS) for name in ("search-0004", "gone")]
        begun("yet", **(space := {"space": study_of(design=None, parameters={"weights": tune.choice(chosen)}).space()}))
        assert chosen[0] in space["space"]["weights"]
        variants = named({"scratch": {}, "own": {"weights": str(trials / "search-0002")}}, reference="scratch")
        begun("variants", design=variants.facts())
        (tmp_path / "damaged").mkdir()
        (tmp_path / "damaged" / files.LEDGER).write_text("{}\n")
        runner.search(6, keep_weights="needed")
    assert left(runner) == [f"search-{number:04d}" for number in range(5)]


def test_whoever_needs_weights_that_went_is_told_what_trains_them_again(prepared, tmp_path):
    with LoopRunner(search_of(), tmp_path, prepared, train=leaving(METRICS, WEAK)) as runner:
        runner.search(2)
    folder = runner.folder / files.TRIALS / "search-0001"
    (folder / files.MODEL).write_text("{}")
    again = r"`confirm depths --trial search-0001` trains its configuration again"
    with pytest.raises(ValueError, match=again):
        Classifier.load(folder)
    config = make_config(res_rbg.Config, {"backbone": "resnet18", "weights": str(folder / files.WEIGHTS)})
    with pytest.raises(ValueError, match=again):
        res_rbg.build_model(config)
    for other in (runner.folder / files.TRIALS / "search-0000", tmp_path):
        assert files.without_weights(other) == ""


@pytest.mark.parametrize(("study", "words"), [(search_of(), "3 trials"), (study_of(), "45 trials")])
def test_a_run_that_the_disk_cannot_hold_is_refused_before_anything_is_prepared(tmp_path, monkeypatch, study, words):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1000))
    monkeypatch.setattr("tuning.execution.devices.placement.look_ahead", lambda: (Node(num_cpus=64),))
    with pytest.raises(ValueError, match=f"^{words} at once may take .* of the disk, and 1000 B are free"):
        run(study, home=tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] in (
        ["ledger.jsonl", "ledger.owner"],
        ["ledger.owner", "ledger.jsonl"],
    )


def test_where_it_cannot_be_judged_all_stay(prepared, tmp_path):
    with LoopRunner(search_of(), tmp_path, prepared, train=leaving(METRICS, WEAK)) as runner:
        runner.search(2, keep_weights="all")
        runner.ledger.open_study(keep_weights="needed")
    assert needed(Ledger.read(runner.folder)) == {"search-0000"}
    with Ledger.write(runner.folder) as ledger:
        ledger.open_study(objectives=[["f1_macro", "max"], ["param_count", "min"]])
        assert needed(ledger) == {"search-0000", "search-0001"}, "nobody knows how much it varies"
        ledger.open_study(objectives=[["gone", "max"]])
        assert needed(ledger) == {"search-0000", "search-0001"}, "a metric of another version"
        ledger.open_study(objectives=[["param_count", "min"]])
        assert needed(ledger) == {"search-0000"}
        runner.splits_path.unlink()
        assert needed(ledger) == {"search-0000", "search-0001"}


def test_the_searches_of_variants_are_judged_each_by_itself(prepared, tmp_path):
    found = [METRICS, WEAK, WEAK, WEAK, WEAK, WEAK]
    with LoopRunner(tuned_study(), tmp_path, prepared, train=leaving(*found, *[METRICS] * 12)) as runner:
        ablate_variants(runner, folds=(0,), seeds=1)
        kept = {runner.ledger.trials[name].variant for name in left(runner) if name.startswith("search")}
    assert kept == {"rbg_depth=0", "rbg_depth=1"}
    assert left(runner).count("search-0002") == 0, "worse than the first of its variant"


def test_variants_whose_searches_are_interrupted_remember_that_all_weights_stay(prepared, tmp_path):
    def stopped(spec):
        if spec["trial_id"] == "search-0004":
            raise KeyboardInterrupt
        return train(spec)

    train = leaving(METRICS, WEAK, WEAK, WEAK)
    with LoopRunner(tuned_study(), tmp_path, prepared, train=stopped) as runner:
        with pytest.raises(KeyboardInterrupt):
            ablate_variants(runner, folds=(0,), seeds=1, keep_weights="all")
        runner.train = leaving(WEAK, WEAK, *[METRICS] * 2)
        ablate_variants(runner, folds=(0,), seeds=1)
        assert [name for name in left(runner) if name.startswith("search")] == [f"search-{i:04d}" for i in range(6)]


def test_what_trained_on_earlier_data_stays_as_nothing_could_train_it_again(prepared, tmp_path):
    with LoopRunner(search_of(), tmp_path, prepared, train=leaving(METRICS, WEAK, METRICS, WEAK)) as runner:
        runner.search(2, keep_weights="all")
        runner.ledger.open_study(dataset_fingerprint="of the next version")
        runner.prepared = dataclasses.replace(prepared, fingerprint="of the next version")
        runner.search(2, keep_weights="needed")
        assert runner.ledger.data_version == 2
        assert left(runner) == ["search-0000", "search-0001", "search-0002"]


@pytest.mark.parametrize(
    ("study", "given", "words"),
    [
        (search_of(), "none", "--keep-weights was given as 'none'; allowed are needed and all"),
        (study_of(), "all", "searches nothing"),
    ],
)
def test_what_cannot_be_kept_is_refused(study, given, words):
    with pytest.raises(ValueError, match=words):
        require_fitting(study, keep_weights=given)
