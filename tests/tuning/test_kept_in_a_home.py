"""Whoever looks after a home knows the trainings of champions that it keeps."""

import dataclasses
import os
import time

import mlflow
import pytest

from search_spaces.core.study import Study
from tests.support.builders import PEOPLE
from tests.support.hand_runner import NAME, faces
from tests.tuning.records.kept.by_hand import keep
from trainables.core import files
from tuning.evidence.configuration import configuration
from tuning.forget import forget, plan_forgetting
from tuning.prune import plan_prune, prune
from tuning.records import tags
from tuning.records.aliases import CHAMPION
from tuning.records.kept.store import kept_files
from tuning.records.ledger import Ledger
from tuning.records.mlflow_client import default_uri
from tuning.remove import remove
from tuning.status import status
from tuning.text.tables import print_status

SERVED = {"gru_hidden": 8, "epochs": 3}


@pytest.fixture
def home(people_home):
    """Version 2 of `smiles` is champion, and says of which configuration."""
    client = mlflow.MlflowClient(default_uri(people_home))
    for key, value in ((tags.TRAINABLE, "res_rbg"), (tags.PARAMETERS, '{"gru_hidden": 8, "epochs": 3}')):
        client.set_model_version_tag(NAME, "2", key, value)
    client.set_model_version_tag(NAME, "2", tags.WHOLE_BATCH, "true")
    return people_home


def predictions(home, phase):
    ledger = Ledger.read(home / NAME)
    return ledger.trial_folder(ledger.finished(phase)[0].trial_id) / files.PREDICTIONS


def kept(home, phase="search", **changes):
    given = {"configuration": configuration("res_rbg", SERVED), "fingerprint": faces(home).fingerprint}
    return keep(home, predictions(home, phase), **(given | changes))


def people_of(home, phase):
    from tuning.evidence.withdrawal import people_in

    return people_in(predictions(home, phase))


def listed(home):
    return {
        part.what: part.reason for part in plan_prune(home=home).parts if part.what.startswith(files.KEPT_TRAININGS)
    }


def test_forget_deletes_those_whose_predictions_hold_the_person(home):
    who = sorted(people_of(home, "search") & set(PEOPLE))[0]
    assert who not in people_of(home, "confirm")
    his, of_others = kept(home), kept(home, "confirm", fold=1)
    told = {trace.what: trace for trace in plan_forgetting(who, home=home).traces}
    assert "in 1 kept training of champions" in told[files.KEPT_TRAININGS].holds
    assert told[files.KEPT_TRAININGS].fate == "deleted"
    assert his.exists()
    forget(who, home=home)
    assert kept_files(home) == [of_others]


def test_forget_deletes_what_nobody_can_read(home):
    who = sorted(set(PEOPLE) & people_of(home, "search"))[0]
    damaged = kept(home, "confirm")
    damaged.write_bytes(b"half")
    forget(who, home=home)
    assert not damaged.exists()


def test_forget_finds_who_is_in_a_kept_training_alone(home):
    who = sorted(set(PEOPLE) & people_of(home, "search"))[0]
    path = kept(home)
    remove(NAME, home=home, force=True)
    for folder in (home / files.PREPARED).glob("[!.]*"):
        for found in folder.iterdir():
            found.unlink()
        folder.rmdir()
    assert path.exists()
    forget(who, home=home)
    assert not path.exists()


def test_forget_leaves_those_of_another_data_set(home):
    who = sorted(set(PEOPLE) & people_of(home, "search"))[0]
    mine, other = kept(home), kept(home, dataset="ck_plus", fold=1)
    forget(who, dataset=faces(home).name, home=home)
    assert not mine.exists()
    assert other.exists()


def test_prune_frees_those_of_who_is_champion_no_more_and_damaged_ones(home):
    serving, served_before = kept(home), kept(home, configuration=configuration("res_rbg", {"gru_hidden": 4}))
    damaged = kept(home, fold=1)
    damaged.write_bytes(b"half")
    assert listed(home) == {
        served_before.relative_to(home).as_posix(): "a kept training of a champion that is champion no more",
        damaged.relative_to(home).as_posix(): "a kept training that is damaged",
    }
    prune(home=home)
    assert kept_files(home) == [serving]


def test_prune_frees_all_where_nobody_is_champion(home):
    path = kept(home)
    mlflow.MlflowClient(default_uri(home)).delete_registered_model_alias(NAME, CHAMPION)
    assert list(listed(home)) == [path.relative_to(home).as_posix()]


def test_prune_leaves_them_while_a_study_runs(home):
    kept(home, configuration={})
    with Ledger.write(home / NAME):
        assert listed(home) == {}


def test_prune_frees_a_draft_that_nobody_writes_any_more(home):
    path = kept(home)
    fresh, old = path.with_name(".fresh.parquet.tmp"), path.with_name(".old.parquet.tmp")
    for draft in (fresh, old):
        draft.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    assert list(listed(home)) == [old.relative_to(home).as_posix()]


def test_status_counts_those_on_its_data(home, capsys):
    path = kept(home)
    kept(home, fingerprint="a" * 64)
    (found,) = status(NAME, home=home)
    assert found.disk[files.KEPT_TRAININGS] == path.stat().st_size
    from rich.console import Console

    print_status(
        dataclasses.replace(found, taken="3 of 3 trainings of the champion are taken from one."), Console(width=300)
    )
    shown = capsys.readouterr().out
    assert "kept trainings" in shown
    assert "3 of 3 trainings of the champion are taken from one." in shown


def test_remove_leaves_what_the_home_keeps(home):
    path = kept(home)
    remove(NAME, home=home, force=True)
    assert path.exists()


def test_no_study_may_have_the_name_of_their_folder():
    with pytest.raises(ValueError, match=files.KEPT_TRAININGS):
        Study(
            name=files.KEPT_TRAININGS,
            trainable="res_rbg",
            dataset="clip_folder",
            registered_model="smiles",
            parameters={},
        )
