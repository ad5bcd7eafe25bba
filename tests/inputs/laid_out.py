"""Clips laid out in folders by hand, each in a grey of its own, and checks of what is made of them."""

from __future__ import annotations

import functools
import os
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.inputs.case import Case, Check, labels, pictures, read, refusal, require_same, told
from tests.support import trees
from tests.trainables.data.core import videos
from trainables.data import clip_folder, oulu_casia
from trainables.data.core.dataset import Dataset, require_disjoint
from trainables.data.core.finding import list_images, samples_of

Folders = dict[str, list[str]]
PEOPLE = ("P1", "P2", "P3")
RIGHT: Folders = {name: [f"{person}_{name}" for person in PEOPLE] for name in ("happy", "sad")}


def shade(clip_id: str) -> int:
    """The level of grey that a clip is drawn in: its name's."""
    return zlib.crc32(os.fsencode(clip_id)) % 256


def draw(root: Path, clip_id: str) -> Path:
    """A clip of one frame, as a folder."""
    return trees.image(root / clip_id / "1.png", value=shade(clip_id)).parent


def clips(folders: Folders = RIGHT, *also: Callable[[Path], object]) -> Callable[[Path], Path]:
    """Writes clips by class, and what `also` writes among them."""

    def make(root: Path) -> Path:
        for folder, names in folders.items():
            for name in names:
                draw(root, f"{folder}/{name}")
        for write in also:
            write(root)
        return root

    return make


def beside(*names: str, content: str = "x") -> Callable[[Path], None]:
    """Writes files that are no clips."""

    def write(root: Path) -> None:
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)

    return write


def pictures_at(*names: str) -> Callable[[Path], None]:
    """Writes pictures where none is expected."""

    def write(root: Path) -> None:
        for name in names:
            trees.image(root / name)

    return write


def video_at(name: str) -> Callable[[Path], Path]:
    """Writes the drawn clip as a video."""
    return lambda root: videos.write(root / name, pictures())


def moving_at(name: str) -> Callable[[Path], None]:
    """Writes the drawn clip as one picture that moves."""

    def write(root: Path) -> None:
        first, *others = map(Image.fromarray, pictures())
        first.save(root / name, save_all=True, append_images=others, duration=40, lossless=True)

    return write


def link(name: str, to: str) -> Callable[[Path], None]:
    """Makes a link to what lies at `to` below the same root."""
    return lambda root: (root / name).symlink_to(root / to)


def require_whole(dataset: Dataset) -> None:
    """Every clip shows what it is called, and no fold tests a person whom it trains on."""
    for sample in dataset.samples:
        frames = list(dataset.read(sample))
        if len(frames) == 1:
            assert int(frames[0][0, 0, 0]) == shade(sample.clip_id)
        else:
            require_same(frames, pictures(), 6)
    for number, fold in enumerate(dataset.folds):
        require_disjoint(fold, [str(sample.subject) for sample in dataset.samples], number=number)


def gives(people: dict[str, list[str]], load: Callable[[Path], Dataset] = clip_folder.load) -> Check:
    """Checks classes and people: for each class, the people who show it, clip by clip."""

    def check(root: Path) -> str:
        dataset = load(root)
        assert dataset.classes == tuple(people)
        found: dict[str, list[str]] = {}
        for label, person in labels(dataset).values():
            found.setdefault(label, []).append(str(person))
        assert found == people
        require_whole(dataset)
        return told(dataset)

    return check


as_if_alone = gives({name: list(PEOPLE) for name in RIGHT})
is_refused = functools.partial(refusal, clip_folder.load)


def nothing_is_told(root: Path) -> str:
    assert as_if_alone(root) == ""
    return ""


def in_order(*names: str) -> Check:
    """Checks the order of frames, whatever order their names have as text."""

    def check(folder: Path) -> None:
        assert [path.name for path in list_images(folder)] == list(names)
        frames, _ = read(folder)
        assert [int(frame[0, 0, 0]) for frame in frames] == [20 * place for place in range(len(names))]

    return check


def frames_called(*names: str) -> Callable[[Path], Path]:
    def make(root: Path) -> Path:
        for place, name in enumerate(names):
            trees.image(root / name, value=20 * place)
        return root

    return make


def ordered(given: str, happens: str, *names: str) -> Case:
    return Case(given, happens, frames_called(*names), in_order(*names))


def called(name: bytes, *, num_frames: int = 8) -> Callable[[Path], Path]:
    """Writes the drawn clip as a video of that name."""

    def make(root: Path) -> Path:
        path = root / os.fsdecode(name)
        return videos.write(root / "a.mp4", pictures(num_frames)).rename(path)

    return make


def is_read_here(path: Path) -> None:
    """Checks that the name alone opens the video, from within its folder."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        (sample,) = samples_of(Path(path.name))
        require_same(read(sample.paths[0])[0], pictures(), 6)
    finally:
        os.chdir(before)


def dropped(name: str) -> Check:
    """Checks that all is read but one clip, and returns what is said of that one."""

    def check(root: Path) -> str:
        dataset = clip_folder.load(root)
        (sample,) = (sample for sample in dataset.samples if sample.clip_id == name)
        return refusal(lambda _: list(dataset.read(sample)), root)

    return check


def answers(*names: str) -> Check:
    """Checks for which clips `predict` would answer."""

    def check(root: Path) -> None:
        assert [os.path.relpath(sample.clip_id, root) for sample in samples_of(root)] == list(names)

    return check


def owners_preprocessed_copy(root: Path) -> Path:
    trees.oulu_casia(root)
    for light in ("NI", "VL"):
        (root / light).rename(root / f"{light}_Acropped")
    return root


def visible_light(root: Path) -> str:
    dataset = oulu_casia.load(root)
    assert len(dataset.samples) == 36
    assert {sample.paths[0].relative_to(root).parts[:2] for sample in dataset.samples} == {("VL_Acropped", "Strong")}
    return told(dataset)
