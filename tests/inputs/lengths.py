"""Lengths and rates: from one frame to many, at even times and at uneven ones, and what a file says of both."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.inputs.case import Case, Check, Family, gives, is_refused, pictures, read, require_same
from tests.support import trees
from tests.trainables.data.core import videos
from trainables.core.faces.finders import finder_for
from trainables.core.prepared.batches import frame_positions

MOST = 256  # frames of a clip that are kept
EVEN = [40 * number for number in range(16)]
SLOWER = [*range(0, 400, 40), *range(400, 1360, 160)]  # 10 frames at 25 a second, then 6 at 6.25
HELD = [*range(10), *(level for level in range(10, 15) for _ in range(4)), 15]


def video(name: str = "a.mp4", codec: str = "libx264", **settings) -> Callable[[Path], Path]:
    """Writes 16 plain frames, each brighter than the one before, or other `frames`, as a video."""
    return lambda folder: videos.write(folder / name, codec=codec, **settings)


def at_rate(given: str, rate: Fraction) -> Case:
    """A video of 16 frames at that rate, in frames a second."""
    times = [round(1000 * number / rate) for number in range(16)]
    return Case(given, "every frame, in order", video("a.mkv", times=times), shows(range(16)))


def shows(levels: Sequence[int], *, uneven: bool = False, said: str = "16 of 16 frames") -> Check:
    """Checks which of the 16 frames are read, in their order, some several times."""

    def check(path: Path) -> str:
        frames, reading = read(path)
        assert videos.levels_of(frames) == list(levels)
        assert (reading.uneven, str(reading)) == (uneven, said)
        return str(reading)

    return check


def of_numbers(num_frames: int) -> Callable[[Path], Path]:
    """Writes frames whose brightness counts them, as a video without loss."""
    frames = [np.full((16, 16, 3), number % 256, np.uint8) for number in range(num_frames)]
    return lambda folder: videos.write(folder / "a.mkv", frames, "ffv1", pix_fmt="bgr0")


def keeps(num_frames: int, every: int) -> Check:
    """Checks that of so many frames every one, every second or every fourth is kept, from the first on."""

    def check(path: Path) -> None:
        frames, _ = read(path)
        assert len(frames) == num_frames
        kept = finder_for("given").crop_clip(iter(frames), 20).frames
        assert kept[:, 10, 10, 0].tolist() == [number % 256 for number in range(0, num_frames, every)]
        assert len(kept) <= MOST

    return check


def network_takes(num_available: int, num_frames: int, expected: Sequence[int]) -> Check:
    """Checks which of a clip's frames a network of so many frames is shown."""

    def check(path: Path) -> None:
        assert len(read(path)[0]) == num_available
        assert frame_positions(num_available, num_frames).tolist() == list(expected)

    return check


def pictures_shown_for(*milliseconds: int) -> Callable[[Path], Path]:
    """Writes an animated picture."""

    def make(folder: Path) -> Path:
        first, *others = map(Image.fromarray, videos.plain())
        first.save(folder / "a.gif", save_all=True, append_images=others, duration=list(milliseconds))
        return folder / "a.gif"

    return make


def two_recordings(folder: Path) -> Path:
    """One broadcast behind another, whose clock begins anew."""
    halves = [videos.plain()[:8], videos.plain()[8:]]
    parts = [videos.write(folder / f"{place}.ts", half) for place, half in enumerate(halves)]
    (folder / "a.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    return folder / "a.ts"


def of_two_shapes(folder: Path) -> Path:
    """A stream that changes from wide to high."""
    shapes = [pictures(4), pictures(4, 64, 96)]
    parts = [videos.write(folder / f"{n}.h264", part, options={"bf": "0"}) for n, part in enumerate(shapes)]
    (folder / "a.mkv").write_bytes(b"".join(part.read_bytes() for part in parts))
    return folder / "a.mkv"


def promising(num_frames: int) -> Callable[[Path], Path]:
    """Writes a video of 16 frames whose header says another number."""

    def make(folder: Path) -> Path:
        path = videos.write(folder / "a.avi", codec="mjpeg", pix_fmt="yuvj420p")
        data = bytearray(path.read_bytes())
        for place in (data.index(b"avih") + 24, data.index(b"strh") + 40):
            data[place : place + 4] = struct.pack("<I", num_frames)
        path.write_bytes(data)
        return path

    return make


def before_zero(folder: Path) -> Path:
    with av.open(str(folder / "a.mkv"), "w", options={"avoid_negative_ts": "disabled"}) as container:
        stream = container.add_stream("libx264", rate=videos.RATE, options={"threads": "1"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time, frame in zip(EVEN, videos.plain(), strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = time - 200, Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return folder / "a.mkv"


def without_frames(folder: Path) -> Path:
    with av.open(str(folder / "a.avi"), "w") as container:
        stream = container.add_stream("libx264", rate=videos.RATE)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()
    return folder / "a.avi"


def jumps(path: Path) -> None:
    frames, reading = read(path)
    assert sorted(set(videos.levels_of(frames))) == list(range(16))
    assert reading.num_frames == 16
    assert len(frames) < 130


FEW = [
    Case(
        "a single picture",
        "a clip of one frame",
        lambda folder: trees.write_image(folder / "a.png", pictures(1)[0][..., ::-1]),
        gives(lambda: pictures(1)),
    ),
    Case(
        "a folder with one frame",
        "a clip of one frame",
        lambda folder: trees.write_image(folder / "a" / "1.png", pictures(1)[0][..., ::-1]).parent,
        gives(lambda: pictures(1)),
    ),
    Case("a video of one frame", "that frame", video(frames=pictures(1)), gives(lambda: pictures(1), within=6)),
    Case("a video of two frames", "both", video(frames=pictures(2)), gives(lambda: pictures(2), within=6)),
    Case(
        "a `.gif` that does not move",
        "a clip of one frame",
        video("a.gif", "gif", frames=videos.plain()[:1], pix_fmt="gray"),
        shows([0], said="1 of 1 frame"),
    ),
    Case(
        "a video without any frame",
        "refused: “the video opens, but no frame of it can be decoded (codec h264)”",
        without_frames,
        is_refused,
    ),
]
MANY = [
    Case("256 frames", "all are kept", of_numbers(256), keeps(256, 1)),
    Case("257 to 512 frames", "every second is kept", of_numbers(300), keeps(300, 2)),
    Case(
        "513 to 1,024 frames, and so on",
        "every fourth is kept, and so on: never more than 256",
        of_numbers(600),
        keeps(600, 4),
    ),
    Case(
        "a clip longer than the frames of a network",
        "frames at even distances, the first and the last among them",
        video(),
        network_takes(16, 4, [0, 5, 10, 15]),
    ),
    Case(
        "a clip shorter than the frames of a network",
        "all of it, and nothing invented",
        video(frames=videos.plain()[:3]),
        network_takes(3, 16, range(3)),
    ),
]
RATES = [
    at_rate("1 frame in 10 seconds", Fraction(1, 10)),
    at_rate("1 frame a second", Fraction(1)),
    at_rate("23.976 frames a second, as films on the web", Fraction(24_000, 1001)),
    at_rate("240 frames a second", Fraction(240)),
    Case(
        "times rounded to milliseconds (33, 67, 100, ...)",
        "every frame as it is",
        video("a.webm", "libvpx", times=[round(1000 * n / 30) for n in range(16)]),
        shows(range(16)),
    ),
    Case(
        "a clock that jitters by a tenth",
        "every frame as it is",
        video("a.webm", "libvpx", times=[time + 4 * (n % 3) for n, time in enumerate(EVEN)]),
        shows(range(16)),
    ),
    Case(
        "one frame left out by the camera",
        "every frame as it is",
        video("a.webm", "libvpx", times=[time + 40 * (n > 7) for n, time in enumerate(EVEN)]),
        shows(range(16)),
    ),
    Case(
        "a variable rate: 25 frames a second, then 6.25",
        "taken at even times, each slow frame four times; told",
        video("a.webm", "libvpx", times=SLOWER),
        shows(HELD, uneven=True),
    ),
    Case(
        "a `.gif` whose pictures are shown for different times",
        "taken at even times; told",
        pictures_shown_for(*[40] * 10, *[160] * 6),
        shows(HELD, uneven=True),
    ),
    Case("a `.gif` that gives no times", "every picture once", pictures_shown_for(*[0] * 16), shows(range(16))),
    Case(
        "a clock that jumps by hours",
        "no frame is held for longer than a hundred others",
        video("a.mkv", times=[time + 10_000_000 * (n > 7) for n, time in enumerate(EVEN)]),
        jumps,
    ),
    Case(
        "a clock that begins anew in the middle",
        "every frame, in the order of the file",
        two_recordings,
        shows(range(16)),
    ),
    Case(
        "times that begin after 5 seconds",
        "whole: nothing is said to be missing",
        video("a.mkv", times=[5000 + time for time in EVEN]),
        shows(range(16)),
    ),
    Case("times that begin before 0", "whole", before_zero, shows(range(16))),
    Case(
        "frames stored in another order than they are shown in",
        "in the order in which they are shown",
        video(options={"bf": "8", "b_strategy": "0"}),
        shows(range(16)),
    ),
]
SAID = [
    Case(
        "a header that promises more frames than there are",
        "what there is, told: “16 of 100 frames”",
        promising(100),
        shows(range(16), said="16 of 100 frames"),
    ),
    Case("a header that promises fewer frames than there are", "all that there are", promising(5), shows(range(16))),
    Case(
        "frames of two shapes in one video",
        "each in its own shape; the later are fitted into the first, not squeezed",
        of_two_shapes,
        lambda path: require_same(read(path)[0], [*pictures(4), *pictures(4, 64, 96)], 6),
    ),
]
FAMILY = Family(
    "Lengths and rates",
    "Every frame that can be decoded is read, and frames are taken at even times. Where fewer are decoded than a file "
    "announces, both numbers are told.",
    [*FEW, *MANY, *RATES, *SAID],
)
