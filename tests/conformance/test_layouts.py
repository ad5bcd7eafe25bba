"""Every drawn layout: it is whole or not there, says that it is drawn, and the reader of that name loads it.

What one must have stands in the docstring of `drawing/layouts/`.
"""

import inspect
import json
from collections import Counter, defaultdict

import numpy as np
import pytest

from drawing.__main__ import main
from drawing.sequence import DIFFICULTIES, draw_clip, sample_subject
from drawing.tree import MARKER
from tests.support.drawn_trees import LAYOUTS, SIX, SUBJECTS, files, settings_of, table_of
from trainables.core import lookup
from trainables.data.core.dataset import DataError, require_disjoint

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("drawn trees")]  # drawn once for both modules of them

SEVEN = ["anger", "contempt", *SIX[1:]]
# Drawn clips never pass for someone's own, so another reader takes them.
# How many clips of four people can be read, and of how many frames (least, most).
READABLE = {
    "baum1s": (24, 4, 4),
    "ck_plus": (28, 3, 4),
    "ck_plus_48": (28, 3, 3),
    "clip_folder": (26, 1, 4),
    "dfew": (28, 4, 4),
    "drawn_faces": (24, 4, 4),
    "fer2013": (57, 1, 1),
    "fer2013_plus": (64, 1, 1),
    "oulu_casia": (24, 4, 4),
    "rml": (25, 1, 4),
}


def takes(name, setting):
    return setting in inspect.signature(lookup.load("drawing.layouts", name, "layout").write).parameters


TRAPPED = [name for name in LAYOUTS if takes(name, "traps")]

# What the clip of a path shows, by the first three letters that all sets share: a piece of the path, and the class.
SHOWN = {
    "baum1s": lambda root: {f"/{row[3]}.mp4": row[4] for row in table_of(root / "Annotations_BAUM1s.xlsx")[1:]},
    "ck_plus": lambda _: {
        f"/S{5 * subject + 5:03d}/{(place + subject) % 7 + 1:03d}/": name
        for subject in range(SUBJECTS)
        for place, name in enumerate(SEVEN)
    },
    "ck_plus_48": lambda _: {f"/CK+48/{name}": name for name in ("happy", *(name for name in SEVEN if name[0] != "h"))},
    "clip_folder": lambda _: {f"/{name}/": name for name in SIX},
    "dfew": lambda root: {
        f"/{row[7]:05d}/": ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")[int(np.argmax(row[:7]))]
        for row in table_of(root / "Annotation" / "annotation.xlsx")[1:]
    },
    "drawn_faces": lambda _: {f"/{name}/": name for name in SIX},
    "oulu_casia": lambda _: {f"/{name.capitalize()}/": name for name in SIX},
    "rml": lambda _: {f"/{name[:2]}{n}.avi": name for name in SIX for n in (1, 2)},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_says_that_it_is_drawn_and_with_which_settings(tree, name):
    marker = json.loads((tree(name) / MARKER).read_text())
    assert (marker["generator"], marker["layout"], marker["num_subjects"]) == ("fertune drawing", name, SUBJECTS)
    signature = inspect.signature(lookup.load("drawing.layouts", name, "layout").write)
    assert set(signature.parameters) - {"root", "on_progress"} <= set(marker)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_has_defaults_for_all_and_counts_its_clips(tmp_path, name):
    layout = lookup.load("drawing.layouts", name, "layout")
    assert all(
        p.default is not p.empty for p in inspect.signature(layout.write).parameters.values() if p.name != "root"
    )
    calls = []
    few = {"num_subjects": 3, "size": 32} | ({"num_frames": 3} if "num_frames" in settings_of(layout) else {})
    layout.write(tmp_path / "a", **few, on_progress=lambda done, total: calls.append((done, total)))
    assert calls == [(n, len(calls)) for n in range(1, len(calls) + 1)]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    layout.write(tmp_path / "a", **few, on_progress=lambda *_: pytest.fail("drawn again"))
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(ValueError, match=r"holds another drawing \(seed 0, not 1\)"):
        layout.write(tmp_path / "a", **few, seed=1)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"difficulty": "fiendish"}, "no difficulty 'fiendish'.*easy, medium, hard"),
        ({"num_subjects": 0}, "num_subjects is 0"),
    ],
)
def test_a_layout_names_wrong_settings_and_leaves_nothing(tmp_path, name, wrong, message):
    layout = lookup.load("drawing.layouts", name, "layout")
    with pytest.raises(ValueError, match=message):
        layout.write(tmp_path / "a", **settings_of(layout, **wrong))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_reader_of_that_name_loads_the_tree(tree, name):
    root = tree(name)
    dataset = lookup.load("trainables.data", name, "data set").load(root)
    assert dataset.drawn
    shown = SHOWN[name](root) if name in SHOWN else {}
    subjects_of = defaultdict(set)
    lengths = Counter()
    for sample in dataset.samples:
        try:
            frames = list(dataset.read(sample))
        except DataError:
            continue
        assert all(frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3 for frame in frames)
        lengths[len(frames)] += 1
        subjects_of[sample.label].add(sample.subject)
        path = sample.paths[0].as_posix()
        assert {word[:3].lower() for piece, word in shown.items() if piece in path} <= {
            dataset.classes[sample.label][:3]
        }
    assert set(subjects_of) == set(range(len(dataset.classes))), "a class has no clip that can be read"
    assert all(subjects == {None} or len(subjects) == SUBJECTS for subjects in subjects_of.values())
    if name in READABLE:
        assert (lengths.total(), min(lengths), max(lengths)) == READABLE[name]
    assert dataset.folds
    for fold in dataset.folds:
        require_disjoint(fold, [sample.subject or sample.clip_id for sample in dataset.samples], number=0)
        assert fold.train
        assert fold.validation
        assert fold.test


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("baum1s", {"table": "csv"}),
        ("dfew", {"form": "clip_224x224_16f"}),
        ("dfew", {"form": "clip_224x224_avi"}),
        ("dfew", {"form": "original"}),
        ("fer2013", {"form": "folders"}),
        ("rml", {"form": "packs"}),
        ("rml", {"form": "languages"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value.values()),
)
def test_the_reader_finds_the_same_clips_in_every_form(tree, name, form):
    reader = lookup.load("trainables.data", name, "data set")
    usual, other = reader.load(tree(name, traps=False)), reader.load(tree(name, traps=False, **form))
    assert other.classes == usual.classes
    assert Counter((s.label, s.subject) for s in other.samples) == Counter((s.label, s.subject) for s in usual.samples)
    assert len(list(other.read(other.samples[-1]))) >= 1


@pytest.mark.parametrize("name", TRAPPED)
def test_without_traps_there_is_no_litter(tree, name):
    root = tree(name, traps=False)
    assert [path for path in root.rglob("*") if path.name.startswith(".") or path.name == "Thumbs.db"] == []
    assert [path for path in root.rglob("*") if path.is_dir() and not any(path.iterdir())] == []


# The command line


def test_the_command_draws_any_layout_and_lists_them(tmp_path, capsys):
    out = tmp_path / "a"
    assert main(["--layout", "ck_plus", "--out", str(out), "--subjects", "1", "--frames", "3", "--size", "32"]) == 0
    assert capsys.readouterr().out == f"{out}: 1 drawn subjects\n"
    assert len(files(out, "cohn-kanade-images/*/*")) == 8
    assert main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == LAYOUTS


def test_the_command_names_the_nearest_layout_and_the_settings_it_has(tmp_path, capsys):
    assert main(["--layout", "ck_puls", "--out", str(tmp_path / "a")]) == 2
    assert "no layout named 'ck_puls'. Did you mean 'ck_plus'?" in capsys.readouterr().err
    assert main(["--layout", "fer2013", "--out", str(tmp_path / "a"), "--frames", "3"]) == 2
    assert "fer2013 has no setting num_frames; it has: difficulty, num_subjects" in capsys.readouterr().err
    assert main(["--layout", "dfew", "--out", str(tmp_path / "a"), "--form", "gif"]) == 2
    assert "no form of DFEW 'gif'; there are: clip_224x224" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_neutral_clip_stays_at_rest():
    world = DIFFICULTIES["easy"]
    subject = sample_subject(np.random.default_rng(0), world)
    moved = {
        name: np.ptp(
            draw_clip(np.random.default_rng(1), subject, name, world, num_frames=4, size=32).action_units, axis=0
        )
        for name in ("neutral", "contempt")
    }
    assert moved["neutral"].max() < 0.1 < 0.5 < moved["contempt"].max()
