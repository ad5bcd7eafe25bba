"""Reading frames: every kind of image, broken files, and finding clips among what operating systems leave behind."""

import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.support.trees import write_image, write_video
from trainables.data.core.dataset import DataError, Sample
from trainables.data.core.frames import num_frames_announced, read_frames, read_image, read_video


def test_a_colour_image_comes_as_rgb(tmp_path):
    assert read_image(write_image(tmp_path / "a.png"))[0, 0].tolist() == [255, 128, 0]


@pytest.mark.parametrize(
    ("image", "first"),
    [
        (np.full((5, 6), 77, np.uint8), [77, 77, 77]),
        (np.full((5, 6), 77 * 257, np.uint16), [77, 77, 77]),
        (np.full((5, 6, 4), (10, 20, 30, 128), np.uint8), [30, 20, 10]),
        (np.full((5, 6, 3), 200 * 257, np.uint16), [200, 200, 200]),
    ],
    ids=["grey", "grey 16 bit", "with alpha", "colour 16 bit"],
)
def test_every_depth_and_number_of_channels_becomes_rgb_uint8(tmp_path, image, first):
    read = read_image(write_image(tmp_path / "a.png", image))
    assert (read.dtype, read.shape) == (np.uint8, (5, 6, 3))
    assert read[0, 0].tolist() == first


def test_a_palette_image_becomes_rgb(tmp_path):
    from PIL import Image

    Image.new("RGB", (6, 5), (200, 30, 60)).quantize(4).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[0, 0].tolist() == [200, 30, 60]


def test_an_empty_image_is_named(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(DataError, match=r"a\.png.*empty"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_image_is_refused_rather_than_half_grey(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = write_image(tmp_path / f"a{suffix}", noise)
    read_image(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match="truncated"):
        read_image(path)


def test_a_text_file_called_image_or_video_is_refused_by_name(tmp_path):
    for name, read in (("a.jpg", read_image), ("a.mp4", lambda path: list(read_video(path)))):
        (tmp_path / name).write_text("not what the name says")
        with pytest.raises(DataError, match=f"{name}.*not a readable"):
            read(tmp_path / name)


def test_a_video_comes_frame_by_frame_in_order(tmp_path):
    frames = list(read_video(write_video(tmp_path / "100% (1).avi")))
    assert len(frames) == 12
    assert frames[0].shape == (48, 64, 3)
    assert np.diff([frame.mean() for frame in frames]).min() > 10


def test_a_video_without_its_table_of_contents_is_refused(tmp_path, faces):
    whole = next((faces / "smiles" / "smile").glob("*.mp4")).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut\.mp4"):
        list(read_video(tmp_path / "cut.mp4"))


def test_a_video_that_stops_early_yields_what_there_is(tmp_path):
    path = write_video(tmp_path / "a.avi", 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 0 < len(list(read_video(path))) < 40


def test_a_sample_without_files_is_named():
    with pytest.raises(DataError, match="happy/P1_a"):
        list(read_frames(Sample(clip_id="happy/P1_a", label=0, subject="P1", paths=())))


def test_how_many_frames_a_video_announces(tmp_path):
    path = write_video(tmp_path / "a.avi", 40)
    assert num_frames_announced(path) == 40
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert num_frames_announced(path) == 40
    path.write_text("no video")
    assert num_frames_announced(path) == 0


def test_broken_videos_are_told_by_an_error_and_not_on_stderr(tmp_path):
    (tmp_path / "fake.mp4").write_text("not what the name says")
    whole = write_video(tmp_path / "cut.avi", 40).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    spoilt = bytearray(whole)
    spoilt[3000::37] = b"\x55" * len(spoilt[3000::37])
    (tmp_path / "spoilt.avi").write_bytes(spoilt)
    code = (
        "import sys; from pathlib import Path\n"
        "from trainables.data.core.dataset import DataError; from trainables.data.core.frames import read_video\n"
        "import numpy as np; from drawing.media import save_video\n"
        "save_video(Path(sys.argv[1]).with_name('drawn.mp4'), np.zeros((2, 32, 32, 3), np.uint8))\n"
        "for path in map(Path, sys.argv[1:]):\n"
        "    try: print(len(list(read_video(path))))\n"
        "    except DataError: print('told')"
    )
    paths = [str(tmp_path / name) for name in ("fake.mp4", "cut.avi", "spoilt.avi")]
    done = subprocess.run([sys.executable, "-c", code, *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "told"
    assert len(done.stdout.split()) == 3
    assert done.stderr == ""
