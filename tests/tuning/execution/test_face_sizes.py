"""How large the faces of a study are stored: what it takes and keeps, and what is refused before any is cropped."""

import shlex

import numpy as np
import pytest
from ray import tune

from search_spaces.core.designs import named
from tests.support.ablation_driver import study_of
from tests.support.builders import make_trial, of_earlier_version
from tests.support.command import call
from tests.support.stub_faces import StubFinder
from tests.support.trees import write_image
from trainables.core.prepared import cache
from tuning.ablate import ablate
from tuning.confirm import confirm
from tuning.cross_validate import cross_validate
from tuning.execution.study_data import data_of
from tuning.plan import plan
from tuning.prepare import prepare
from tuning.promote import promote
from tuning.records.ledger import Ledger
from tuning.run import run
from tuning.text.progress import Silent

LR = {"lr": tune.loguniform(1e-4, 1e-2)}
PEOPLE = ("Anna", "Ben", "Cid", "Dan")


def search_of(image_size=None, **changes):
    """A search of clips that reads `image_size` px."""
    settings = {} if image_size is None else {"image_size": image_size}
    return study_of(**({"design": None, "parameters": LR, "settings": settings, "dataset": "clip_folder"} | changes))


def add_person(clips, name, shade):
    for label in ("happy", "sad"):
        write_image(clips / label / f"{name}_1" / "1.png", np.full((40, 40, 3), shade + len(label), np.uint8))


@pytest.fixture
def stub(monkeypatch, tmp_path):
    """Faces are found by a stub that notes each clip; what it noted."""
    log = tmp_path / "log"
    monkeypatch.setattr(cache, "finder_for", lambda faces, cropping: StubFinder(log=log))
    return lambda: len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def clips(tmp_path, stub):
    """One clip of each class of four people."""
    for shade, name in enumerate(PEOPLE, start=1):
        add_person(tmp_path / "clips", name, 10 * shade)
    return tmp_path / "clips"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FERTUNE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def faces_of(study, root, home, facts=None, **asked):
    return data_of(study, facts or {}, root, home, Silent(), **asked)


def facts_of(found, root):
    """What the ledger of a study remembers that was begun on `found`."""
    return {"dataset_fingerprint": found.prepared.fingerprint, "data_root": str(root), **found.facts}


def command_in(error):
    """The arguments of the command that a refusal names."""
    words = shlex.split(str(error.value).split("`")[1])
    return words[words.index("prepare") :]


# What is prepared


@pytest.mark.parametrize("face_size", [15, 513, 0, -1, True, 224.0])
def test_sizes_that_no_face_is_prepared_at_are_refused(clips, home, face_size):
    with pytest.raises(
        ValueError, match=rf"--face-size was given as {face_size!r}; whole numbers of px from 16 to 512"
    ):
        prepare("clip_folder", clips, face_size=face_size, home=home)


def test_faces_are_prepared_at_the_size_that_is_asked_for(clips, home):
    usual, same, large = (prepare("clip_folder", clips, face_size=size, home=home) for size in (None, 128, 224))
    assert (usual.crop_size, usual.face_size, same.folder) == (160, 128, usual.folder)
    assert (large.crop_size, large.face_size, large.frames.shape[1:]) == (280, 224, (280, 280, 3))
    assert large.fingerprint != usual.fingerprint


def test_what_is_prepared_already_is_found_by_its_size_whatever_wrote_it(clips, home, stub):
    usual = of_earlier_version(prepare("clip_folder", clips, home=home))
    assert (usual.face_size, stub()) == (160, 8)
    found = prepare("clip_folder", clips, face_size=128, home=home)
    assert (found.folder, found.face_size, stub()) == (usual.folder, 160, 8)


# What a new study takes


def test_a_new_study_takes_the_usual_size_where_it_is_enough_whatever_else_there_is(clips, home):
    large = prepare("clip_folder", clips, face_size=224, home=home)
    found = faces_of(search_of(128), clips, home)
    assert (found.prepared.crop_size, found.facts["crop_size"]) == (160, 160)
    assert found.prepared.folder != large.folder


def test_a_new_study_that_asks_for_more_is_refused_until_there_is_more_and_nothing_is_cropped(clips, home, stub):
    with pytest.raises(
        ValueError, match=r"Study depths asks for an image_size of 224 px; faces of clip_folder .* for 128"
    ) as refused:
        faces_of(search_of(224), clips, home)
    assert stub() == 0
    assert command_in(refused) == ["prepare", "clip_folder", "--data-root", str(clips), "--face-size", "224"]
    assert call(*command_in(refused)).exit_code == 0
    found = faces_of(search_of(224), clips, home)
    assert (found.prepared.face_size, found.facts["crop_size"], stub()) == (224, 280, 8)


def test_of_larger_faces_the_smallest_that_are_enough_are_taken(clips, home, stub):
    for face_size in (300, 200, 150):
        prepare("clip_folder", clips, face_size=face_size, home=home)
    cropped = stub()
    assert faces_of(search_of(180), clips, home).prepared.face_size == 200
    assert faces_of(search_of(150), clips, home).prepared.face_size == 150
    with pytest.raises(ValueError, match="image_size of 302 px"):
        faces_of(search_of(302), clips, home)
    assert stub() == cropped


def test_larger_faces_of_other_files_are_none(clips, home):
    prepare("clip_folder", clips, face_size=224, home=home)
    add_person(clips, "Eve", 90)
    with pytest.raises(ValueError, match="--face-size 224"):
        faces_of(search_of(224), clips, home)
    prepare("clip_folder", clips, face_size=224, home=home)
    assert len(faces_of(search_of(224), clips, home).prepared) == 10


def test_larger_faces_of_other_spellings_are_none_and_the_command_says_so(clips, home):
    add_person(clips, "anna", 90)
    prepare("clip_folder", clips, face_size=224, home=home)
    with pytest.raises(ValueError, match="--face-size 224 --keep-spelling`") as refused:
        faces_of(search_of(224), clips, home, keep_spelling=True)
    assert call(*command_in(refused)).exit_code == 0
    assert faces_of(search_of(224), clips, home, keep_spelling=True).prepared.face_size == 224


def test_beyond_the_largest_size_no_command_is_named(clips, home):
    with pytest.raises(ValueError, match=r"image_size of 600 px; at most 512 px are allowed"):
        faces_of(search_of(600), clips, home)


def test_a_home_of_ones_own_is_part_of_the_command(clips, tmp_path):
    with pytest.raises(ValueError, match=f"`FERTUNE_HOME={tmp_path} .* prepare clip_folder"):
        faces_of(search_of(224), clips, tmp_path)


# What a study that was begun keeps


def test_a_study_keeps_the_size_that_it_was_begun_at(clips, home):
    prepare("clip_folder", clips, face_size=224, home=home)
    facts = facts_of(faces_of(search_of(224), clips, home), clips)
    narrowed = faces_of(search_of(64), clips, home, facts)
    assert (narrowed.prepared.fingerprint, narrowed.facts["crop_size"]) == (facts["dataset_fingerprint"], 280)
    prepare("clip_folder", clips, face_size=160, home=home)
    assert faces_of(search_of(150), clips, home, facts).prepared.crop_size == 280
    add_person(clips, "Eve", 90)
    grown = faces_of(search_of(64), clips, home, facts, new_data=True).prepared
    assert (len(grown), grown.crop_size) == (10, 280)


def test_a_study_that_asks_for_more_than_it_was_begun_on_goes_on_with_new_data_alone(clips, home, stub):
    facts = facts_of(faces_of(search_of(112), clips, home), clips)
    with pytest.raises(
        ValueError, match=r"begun on faces prepared for .* 128 px at most.*224 px now.*another"
    ) as refused:
        faces_of(search_of(224), clips, home, facts)
    with pytest.raises(ValueError, match="--face-size 224"):
        faces_of(search_of(224), clips, home, facts, new_data=True)
    assert stub() == 8
    assert call(*command_in(refused)).exit_code == 0
    with pytest.raises(ValueError, match="go on with these as a new version of its data"):
        faces_of(search_of(224), clips, home, facts)
    found = faces_of(search_of(224), clips, home, facts, new_data=True)
    assert (found.prepared.face_size, found.facts["crop_size"]) == (224, 280)


def test_a_study_that_follows_no_head_makes_larger_faces_itself_as_no_command_does(clips, home, stub):
    begun = faces_of(search_of(112), clips, home)
    facts = {"dataset_fingerprint": begun.prepared.fingerprint, "data_root": str(clips), "data_format": 2}
    found = faces_of(search_of(224), clips, home, facts, new_data=True)
    assert (found.prepared.face_size, found.facts["cropping"], stub()) == (224, "fixed_box", 16)


def test_a_study_of_an_earlier_version_goes_on_with_all_that_its_faces_show(clips, home, stub):
    before = of_earlier_version(prepare("clip_folder", clips, home=home))
    facts = {
        "dataset_fingerprint": before.fingerprint,
        "data_root": str(clips),
        "data_format": 2,
        "keep_spelling": False,
    }
    found = faces_of(search_of(150), clips, home, facts)
    assert (found.prepared.folder, found.prepared.face_size) == (before.folder, 160)
    assert "crop_size" not in found.facts, "it stays one of an earlier version"
    with pytest.raises(ValueError, match="160 px at most, and asks for 161 px now"):
        faces_of(search_of(161), clips, home, facts)
    with pytest.raises(ValueError, match=r"faces of clip_folder are prepared for 128 px"):
        faces_of(search_of(150), clips, home)  # a new one
    before.folder.rename(home / "away")
    with pytest.raises(ValueError, match="128 px at most, and asks for 150 px now"):
        faces_of(search_of(150), clips, home, facts)
    assert stub() == 8


# Before anything is trained


def begun(home, found, clips):
    with Ledger.write(home / "depths") as ledger:
        ledger.open_study(**facts_of(found, clips))


@pytest.mark.parametrize("verb", [run, plan])
def test_a_search_is_refused_before_it_begins(verb, clips, home, stub):
    with pytest.raises(ValueError, match="--face-size 224"):
        verb(search_of(224), data_root=clips)
    assert (stub(), (home / "depths" / "splits.json").exists()) == (0, False)


@pytest.mark.parametrize("verb", [run, ablate, plan])
def test_an_ablation_is_refused_for_one_of_its_variants(verb, clips, home, stub):
    design = named({"small": {"image_size": 112}, "large": {"image_size": 224}}, reference="small")
    with pytest.raises(ValueError, match="--face-size 224"):
        verb(search_of(design=design, parameters={}), data_root=clips)
    assert stub() == 0


@pytest.mark.parametrize("verb", ["run", "confirm", "cross_validate", "promote", "plan"])
def test_whatever_trains_refuses_a_study_that_was_widened(verb, clips, home, stub):
    begun(home, faces_of(search_of(112), clips, home), clips)
    with Ledger.write(home / "depths") as ledger:
        ledger.start(make_trial())
        ledger.end("search-0000", "FINISHED", {"accuracy": 0.9, "train_time_s": 1.0, "param_count": 1.0})
        ledger.select(["search-0000"], "search-0000")
    study = search_of(parameters=LR | {"image_size": tune.choice([112, 224])})
    verbs = {
        "run": lambda: run(study, resume=True),
        "confirm": lambda: confirm(study),
        "cross_validate": lambda: cross_validate(study, num_samples=2),
        "promote": lambda: promote(study),
        "plan": lambda: plan(study),
    }
    with pytest.raises(
        ValueError, match=r"was begun on faces prepared for an image_size of 128 px at most.*--new-data"
    ):
        verbs[verb]()
    assert stub() == 8


def test_a_plan_without_the_data_knows_the_faces_that_the_home_has(clips, home):
    with pytest.raises(ValueError, match="prepare clip_folder --data-root DIR --face-size 224"):
        plan(search_of(224))
    prepare("clip_folder", clips, face_size=224, home=home)
    assert plan(search_of(224)).num_trainings == 20
    assert plan(search_of(224), data_root=clips).num_trainings == 20


def test_a_plan_with_new_data_is_that_of_such_a_run(clips, home):
    begun(home, faces_of(search_of(112), clips, home), clips)
    prepare("clip_folder", clips, face_size=224, home=home)
    assert plan(search_of(224), new_data=True).num_trainings == 20


def test_drawn_faces_are_there_for_the_command_that_a_plan_names(home, stub):
    drawing = {"num_subjects": 6, "classes": ("happiness", "surprise"), "num_frames": 2, "size": 32}
    study = search_of(224, dataset="drawn_faces", drawing=drawing)
    with pytest.raises(ValueError, match="prepare drawn_faces") as refused:
        plan(study)
    assert call(*command_in(refused)).exit_code == 0
    assert plan(study).num_trainings == 20
    assert faces_of(study, None, home).prepared.face_size == 224
    assert stub() == 12


def test_a_study_that_the_usual_size_serves_is_planned_without_drawing(home):
    plan(search_of(112, dataset="drawn_faces"))
    assert not (home / "drawn").exists()
