"""Videos recorded by hand: with sound, of several tracks, in the colours of a standard, broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition

from tests.inputs.case import pictures
from tests.trainables.data.core import videos

SOUND_RATE, SOUND_BLOCK = 48_000, 1024


def video(
    name: str, codec: str, *, frames: list[np.ndarray] | None = None, as_name: str = "", **settings
) -> Callable[[Path], Path]:
    """Writes the drawn clip as a video, and renames it `as_name`."""

    def make(folder: Path) -> Path:
        path = videos.write(folder / name, pictures() if frames is None else frames, codec, **settings)
        return path.rename(folder / as_name) if as_name else path

    return make


def with_sound(path: Path, *, seconds: float, options: dict[str, str] | None = None) -> Path:
    """The drawn clip as H.264 behind a track of silence."""
    with av.open(str(path), "w", options=options or {}) as container:
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        stream = container.add_stream("libx264", rate=videos.RATE, options={"threads": "1"})
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for frame in pictures():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
        for number in range(int(seconds * SOUND_RATE / SOUND_BLOCK)):
            silence = np.zeros((1, SOUND_BLOCK), np.float32)
            block = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            block.sample_rate, block.pts = SOUND_RATE, number * SOUND_BLOCK
            container.mux(sound.encode(block))
        container.mux(sound.encode())
    return path


def sound_alone(folder: Path, *, cover: np.ndarray | None = None) -> Path:
    """A track of silence, perhaps with the `cover` of a record."""
    with av.open(str(folder / "a.mp4"), "w") as container:
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        if cover is not None:
            picture = container.add_stream("mjpeg", rate=1)
            picture.height, picture.width, picture.pix_fmt = *cover.shape[:2], "yuvj420p"
            picture.disposition = Disposition.attached_pic
        block = av.AudioFrame.from_ndarray(np.zeros((1, SOUND_BLOCK), np.float32), format="fltp", layout="mono")
        block.sample_rate = SOUND_RATE
        container.mux(sound.encode(block))
        container.mux(sound.encode())
        if cover is not None:
            container.mux(picture.encode(av.VideoFrame.from_ndarray(cover, format="rgb24")))
            container.mux(picture.encode())
    return folder / "a.mp4"


def two_videos(folder: Path) -> Path:
    """A preview of three black frames before the video."""
    with av.open(str(folder / "a.mkv"), "w") as container:
        streams = [container.add_stream("libx264", rate=videos.RATE, options={"threads": "1"}) for _ in range(2)]
        for stream in streams:
            stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for stream, frames in zip(streams, ([np.zeros((64, 96, 3), np.uint8)] * 3, pictures()), strict=True):
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
    return folder / "a.mkv"


def of_colours(space: int, levels: int, *, curve: int = 1) -> Callable[[Path], Path]:
    """The drawn clip by the matrix, range and curve of a standard, which the file names."""

    def make(folder: Path) -> Path:
        with av.open(str(folder / "a.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=videos.RATE, options={"threads": "1", "bf": "0"})
            stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
            stream.codec_context.colorspace, stream.codec_context.color_range = space, levels
            stream.codec_context.color_trc = curve
            for number, frame in enumerate(pictures()):
                picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
                picture = picture.reformat(format="yuv420p", dst_colorspace=space, dst_color_range=levels)
                picture.pts = number
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        return folder / "a.mp4"

    return make


def damaged(folder: Path) -> Path:
    path = video("a.mp4", "libx264", options={"g": "1", "bf": "0"})(folder)
    return videos.spoil(path, [3, 4])


def all_damaged(folder: Path) -> Path:
    return videos.spoil(video("a.mp4", "libx264")(folder), range(8))


def cut_off(folder: Path) -> Path:
    path = videos.write(folder / "a.mp4", pictures(48), options={"g": "8", "bf": "0"})
    path = videos.at_the_front(path)
    path.write_bytes(path.read_bytes()[: videos.packets(path)[30][0]])
    return path


def without_its_end(folder: Path) -> Path:
    path = video("a.mp4", "libx264")(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def of_an_unknown_codec(folder: Path) -> Path:
    path = video("a.mp4", "libx264")(folder)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz1"))
    return path


def locked(folder: Path) -> Path:
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76a6c65c" * 4, "encryption_kid": "a7e61c37" * 4}
    # Else the cipher begins at random, and what it makes decodes now and then.
    return with_sound(folder / "a.mp4", seconds=0.3, options=key | {"fflags": "+bitexact"})
