"""Reading videos: containers and codecs, what is damaged or cut, pixels that are not square, uneven times, odd names."""

import os
import subprocess
import sys
from fractions import Fraction

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.support.trees import write_video
from tests.trainables.data.core import videos
from trainables.data.core.dataset import DataError
from trainables.data.core.video import Reading, read_video


def read(path):
    """The frames of a video, and what came of it."""
    frames, reading = [], read_video(path)
    while True:
        try:
            frames.append(next(reading))
        except StopIteration as end:
            return frames, end.value


def by_opencv(path):
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    frames = []
    while True:
        found, bgr = capture.read()
        if not found:
            return frames
        frames.append(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mp4", "libx265", "yuv420p"),
        ("a.mp4", "libsvtav1", "yuv420p"),
        ("a.mp4", "mpeg4", "yuv420p"),
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.m4v", "mpeg4", "yuv420p"),
        ("a.3gp", "mpeg4", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.avi", "ffv1", "bgr0"),
        ("a.mkv", "libx264", "yuv444p"),
        ("a.webm", "libvpx", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.mpg", "mpeg2video", "yuv420p"),
        ("a.ts", "mpeg2video", "yuv420p"),
        ("a.mts", "libx264", "yuv420p"),
        ("a.m2ts", "libx264", "yuv420p"),
        ("a.mxf", "mpeg2video", "yuv422p"),
        ("a.wmv", "wmv2", "yuv420p"),
        ("a.flv", "flv", "yuv420p"),
        ("a.gif", "gif", "gray"),
    ],
)
def test_every_frame_of_a_container_is_read_in_order(tmp_path, name, codec, pix_fmt):
    frames, reading = read(videos.write(tmp_path / name, codec=codec, pix_fmt=pix_fmt))
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    assert videos.levels_of(frames) == list(range(16))
    assert reading == Reading(16, 16)
    assert reading.seconds == pytest.approx(0.64, abs=0.02)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "size"),
    [
        ("a.mp4", "libx264", "yuv420p", (64, 48)),
        ("a.mkv", "libx264", "yuv444p", (61, 47)),
        ("a.avi", "ffv1", "yuv420p", (61, 47)),
        ("a.avi", "mjpeg", "yuvj420p", (64, 48)),
        ("a.mov", "prores_ks", "yuv422p10le", (64, 48)),
    ],
)
def test_the_pixels_are_those_of_opencv(tmp_path, name, codec, pix_fmt, size):
    rng = np.random.default_rng(0)
    noise = [cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), size) for _ in range(3)]
    path = videos.write(tmp_path / name, noise, codec, pix_fmt=pix_fmt)
    np.testing.assert_array_equal(read(path)[0], by_opencv(path))


def test_the_pixels_of_real_clips_are_those_of_opencv(faces):
    path = faces / "smiles" / "smile" / "P001_smile.mp4"
    np.testing.assert_array_equal(read(path)[0], by_opencv(path))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_video_is_turned_upright_as_opencv_turns_it(tmp_path, quarters):
    path = videos.turn(videos.write(tmp_path / "a.mp4"), quarters)
    frames, _ = read(path)
    assert frames[0].shape == ((64, 48, 3) if quarters % 2 else (48, 64, 3))
    np.testing.assert_array_equal(frames, by_opencv(path))


@pytest.mark.parametrize(
    ("stretch", "shape"),
    [
        (Fraction(2), (48, 128)),
        (Fraction(1, 2), (96, 64)),
        (Fraction(12, 11), (48, 70)),
        (Fraction(250, 251), (48, 64)),
        (Fraction(50), (48, 64)),
    ],
)
def test_pixels_become_square(tmp_path, stretch, shape):
    frames, _ = read(videos.write(tmp_path / "a.mp4", stretch=stretch))
    assert frames[0].shape == (*shape, 3)
    edge = int((frames[0][shape[0] // 2, :, 0] > 150).sum())
    assert edge == pytest.approx(shape[1] / 4, abs=2)


def test_a_cover_before_the_video_is_not_the_video(tmp_path):
    cover = np.full((200, 200, 3), 255, np.uint8)
    frames, reading = read(videos.write(tmp_path / "a.mkv", cover=cover))
    assert videos.levels_of(frames) == list(range(16))
    assert reading == Reading(16, 16)


def test_damaged_packets_are_passed_over_and_told(tmp_path):
    path = videos.write(tmp_path / "a.mp4", options={"g": "1", "bf": "0"})
    frames, reading = read(videos.spoil(path, [5, 6]))
    assert videos.levels_of(frames) == [0, 1, 2, 3, 4, *range(7, 16)]
    assert reading == Reading(14, 16, num_damaged=2)
    assert str(reading) == "14 of 16 frames, 2 damaged packets"


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mjpeg"), ("a.mp4", "libx264"), ("a.mkv", "libx264")])
def test_a_file_cut_off_yields_what_there_is_and_says_how_much_is_missing(tmp_path, name, codec):
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    frames = videos.plain([*videos.LEVELS] * 4)
    path = videos.write(tmp_path / name, frames, codec, pix_fmt=pix_fmt, options={"g": "8", "bf": "0"})
    if name == "a.mp4":
        path = videos.at_the_front(path)
    end = videos.packets(path)[39][0]
    path.write_bytes(path.read_bytes()[:end])
    frames, reading = read(path)
    assert len(frames) == reading.num_frames == pytest.approx(39, abs=1)
    assert reading.num_expected == pytest.approx(64, abs=2)
    assert reading.is_incomplete


def test_a_video_trimmed_by_an_edit_list_is_whole(tmp_path):
    frames, reading = read(videos.trim(videos.write(tmp_path / "a.mp4"), first=4))
    assert videos.levels_of(frames) == list(range(4, 16))
    assert reading == Reading(12, 12)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.mp4", "a.flv"])
def test_a_video_whose_times_do_not_begin_at_0_is_whole(tmp_path, name):
    codec = {"webm": "libvpx", "flv": "flv"}.get(name[2:], "libx264")
    path = videos.write(tmp_path / name, codec=codec, times=[5000 + 40 * number for number in range(16)])
    frames, reading = read(path)
    assert videos.levels_of(frames) == list(range(16))
    assert reading == Reading(16, 16)


def test_frames_at_uneven_times_are_taken_at_even_ones(tmp_path):
    times = [*range(0, 400, 40), *range(400, 1360, 160)]  # 10 frames at 25, then 6 at 6.25 frames a second
    frames, reading = read(videos.write(tmp_path / "a.webm", codec="libvpx", times=times))
    assert videos.levels_of(frames) == [*range(10), *np.repeat(range(10, 15), 4), 15]
    assert reading == Reading(16, 16, uneven=True)


@pytest.mark.parametrize(
    "times",
    [
        [round(i * 1000 / 30) for i in range(16)],  # a container that counts in milliseconds
        [i * 40 + (i % 3) * 4 for i in range(16)],  # a clock that jitters
        [i * 40 + 40 * (i > 7) for i in range(16)],  # one frame left out
    ],
    ids=["rounded", "jitter", "one left out"],
)
def test_frames_at_about_even_times_are_taken_as_they_are(tmp_path, times):
    frames, reading = read(videos.write(tmp_path / "a.webm", codec="libvpx", times=times))
    assert videos.levels_of(frames) == list(range(16))
    assert reading == Reading(16, 16)


def test_a_clock_that_jumps_does_not_hold_a_frame_for_hours(tmp_path):
    times = [i * 40 + 10_000_000 * (i > 7) for i in range(16)]
    frames, reading = read(videos.write(tmp_path / "a.mkv", times=times))
    assert len(frames) < 130
    assert sorted(set(videos.levels_of(frames))) == list(range(16))
    assert reading.num_frames == 16


@pytest.mark.parametrize(
    "name", [b"caf\xe9.mp4", b"100% (1).mp4", b"%05d.mp4", b"2024-01-02T10:30:05.mp4", b"-lead.mp4", b"a#b?c&d.mp4"]
)
def test_every_name_can_be_read_in_the_current_folder(tmp_path, monkeypatch, name):
    videos.write(tmp_path / "a.mp4").rename(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    monkeypatch.chdir(tmp_path)
    assert len(read(type(tmp_path)(os.fsdecode(name)))[0]) == 16


def test_a_codec_that_nothing_decodes_is_named(tmp_path):
    path = videos.write(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz1"))
    with pytest.raises(DataError, match=r"a\.mp4: nothing here decodes its codec \(zzz1\)"):
        read(path)


def test_a_video_of_which_nothing_can_be_decoded_is_refused_with_its_codec(tmp_path):
    path = videos.write(tmp_path / "a.mp4")
    with pytest.raises(DataError, match=r"no frame of it can be decoded \(codec h264\)"):
        read(videos.spoil(path, range(16)))


def test_a_playlist_that_is_called_a_video_opens_nothing_else(tmp_path):
    videos.write(tmp_path / "b.ts", codec="mpeg2video")
    (tmp_path / "a.mp4").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/b.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(DataError, match=r"a\.mp4"):
        read(tmp_path / "a.mp4")


def test_a_video_without_its_table_of_contents_is_refused(tmp_path):
    path = videos.write(tmp_path / "cut.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"cut\.mp4: not a readable video"):
        read(path)


def test_sound_alone_is_refused(tmp_path):
    import av

    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(DataError, match=r"a\.mkv: the file holds no video"):
        read(tmp_path / "a.mkv")


def test_broken_videos_are_told_by_an_error_and_not_on_stderr(tmp_path):
    (tmp_path / "fake.mp4").write_text("not what the name says")
    whole = write_video(tmp_path / "cut.avi", 40).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    spoilt = bytearray(whole)
    spoilt[3000::37] = b"\x55" * len(spoilt[3000::37])
    (tmp_path / "spoilt.avi").write_bytes(spoilt)
    code = (
        "import sys; from pathlib import Path\n"
        "from trainables.data.core.dataset import DataError; from trainables.data.core.video import read_video\n"
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
