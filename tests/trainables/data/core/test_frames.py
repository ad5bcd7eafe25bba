"""Reading the frames of a clip: of every kind, in one shape."""

import numpy as np
import pytest

from tests.support.trees import write_image
from tests.trainables.data.core import videos
from trainables.data.core.dataset import DataError, Sample
from trainables.data.core.frames import read_frames
from trainables.data.core.video import Reading


def read(*paths):
    """The frames of a clip, and what came of it."""
    frames, reading = [], read_frames(Sample(clip_id="a", label=0, subject=None, paths=paths))
    while True:
        try:
            frames.append(next(reading))
        except StopIteration as end:
            return frames, end.value


def test_a_sample_without_files_is_named():
    with pytest.raises(DataError, match="happy/P1_a"):
        list(read_frames(Sample(clip_id="happy/P1_a", label=0, subject="P1", paths=())))


def test_an_empty_folder_of_frames_is_named(tmp_path):
    with pytest.raises(DataError, match="holds no image"):
        read(tmp_path)


def test_several_videos_are_one_clip(tmp_path):
    paths = [videos.write(tmp_path / f"{name}.mp4") for name in "ab"]
    frames, reading = read(*paths)
    assert videos.levels_of(frames) == [*range(16)] * 2
    assert reading == Reading(32, 32)
    assert reading.seconds == pytest.approx(1.28)


def test_frames_of_two_shapes_in_one_video_keep_theirs(tmp_path):
    small, large = videos.plain(range(16, 64, 12)), videos.plain(range(64, 112, 12), 48, 64)
    parts = [videos.write(tmp_path / f"{n}.h264", part, options={"bf": "0"}) for n, part in enumerate((small, large))]
    (tmp_path / "both.mkv").write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, _ = read(tmp_path / "both.mkv")
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 4 + [(64, 48, 3)] * 4


@pytest.mark.parametrize(("name", "kind"), [("a.webp", "WEBP"), ("a.png", "PNG")])
def test_an_animated_image_is_a_clip(tmp_path, name, kind):
    from PIL import Image

    pictures = [Image.fromarray(frame) for frame in videos.plain()]
    pictures[0].save(tmp_path / name, kind, save_all=True, append_images=pictures[1:], duration=40)
    frames, reading = read(tmp_path / name)
    assert videos.levels_of(frames) == list(range(16))
    assert reading == Reading(16, 16)
    assert reading.seconds == pytest.approx(0.64)


def test_an_animated_image_is_taken_at_even_times(tmp_path):
    from PIL import Image

    pictures = [Image.fromarray(frame) for frame in videos.plain()]
    durations = [40] * 10 + [160] * 6
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=durations)
    frames, reading = read(tmp_path / "a.webp")
    assert videos.levels_of(frames) == [*range(10), *np.repeat(range(10, 15), 4), 15]
    assert reading.uneven


def test_a_picture_that_does_not_move_is_one_frame(tmp_path):
    assert len(read(write_image(tmp_path / "a.png"))[0]) == 1
    assert len(read(write_image(tmp_path / "a.webp"))[0]) == 1
