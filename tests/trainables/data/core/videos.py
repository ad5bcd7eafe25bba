"""Videos written by hand, of plain frames whose brightness tells which they are."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 25
LEVELS = range(16, 208, 12)  # the brightness of 16 frames


def plain(levels: Iterable[int] = LEVELS, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """A frame of each brightness, its left quarter white."""
    frames = [np.full((height, width, 3), level, np.uint8) for level in levels]
    for frame in frames:
        frame[:, : width // 4] = 235
    return frames


def levels_of(frames: Iterable[np.ndarray], levels: Sequence[int] = LEVELS) -> list[int]:
    """Which of `levels` each frame shows, by its middle."""
    means = [float(frame[frame.shape[0] // 2, frame.shape[1] // 2].mean()) for frame in frames]
    return [int(np.abs(np.asarray(levels) - mean).argmin()) for mean in means]


def write(
    path: Path,
    frames: Sequence[np.ndarray] | None = None,
    codec: str = "libx264",
    *,
    pix_fmt: str = "yuv420p",
    times: Sequence[int] | None = None,
    stretch: Fraction | None = None,
    options: dict[str, str] | None = None,
    cover: np.ndarray | None = None,
) -> Path:
    """`frames` (default: 16 plain ones), RGB, as a video: `times` in ms, `stretch` of its pixels, a `cover` before it."""
    frames = plain() if frames is None else frames
    with av.open(f"file:{path}", "w") as container:
        if cover is not None:
            first = container.add_stream("mjpeg", rate=RATE)
            first.height, first.width, first.pix_fmt = *cover.shape[:2], "yuvj444p"
        stream = container.add_stream(codec, rate=RATE, options={"threads": "1", **(options or {})})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], pix_fmt
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if stretch is not None:
            stream.codec_context.sample_aspect_ratio = stretch
        if cover is not None:
            container.mux(first.encode(av.VideoFrame.from_ndarray(cover, format="rgb24")))
            container.mux(first.encode())
        for index, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            if times is not None:
                picture.pts, picture.time_base = times[index], Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def turn(path: Path, quarters: int) -> Path:
    """Writes into an mp4 that players are to turn it clockwise by so many quarters."""
    matrix = {1: (0, 1, -1, 0), 2: (-1, 0, 0, -1), 3: (0, -1, 1, 0)}[quarters]
    a, b, c, d = (value << 16 for value in matrix)
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def packets(path: Path) -> list[tuple[int, int]]:
    """Where in the file each packet of the first video lies, and how long it is, in bytes."""
    with av.open(f"file:{path}") as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def spoil(path: Path, which: Iterable[int]) -> Path:
    """Overwrites the content of these packets."""
    data = bytearray(path.read_bytes())
    found = packets(path)
    for index in which:
        start, size = found[index]
        data[start : start + size] = b"\xff" * size
    path.write_bytes(data)
    return path


def trim(path: Path, first: int) -> Path:
    """Has the edit list of an mp4 leave out the frames before `first`."""
    data = bytearray(path.read_bytes())
    start = data.index(b"elst") + 12
    length_ms, begins = struct.unpack(">2I", data[start : start + 8])
    with av.open(f"file:{path}") as container:
        ticks = int(1 / RATE / container.streams.video[0].time_base)
    data[start : start + 8] = struct.pack(">2I", length_ms - first * 1000 // RATE, begins + first * ticks)
    path.write_bytes(data)
    return path


def at_the_front(path: Path) -> Path:
    """The same video as an mp4 with its table of contents before its frames."""
    made = path.with_name(f"front_{path.stem}.mp4")
    with (
        av.open(f"file:{path}") as before,
        av.open(f"file:{made}", "w", options={"movflags": "faststart"}) as after,
    ):
        stream = after.add_stream_from_template(before.streams.video[0])
        for packet in before.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                after.mux(packet)
    return made
