"""Reading videos: every frame that can be decoded, upright, with square pixels, at even times.

The one place that opens a video, with PyAV (FFmpeg's libraries). Pixels are those that OpenCV gives of the same file.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import av.logging
import cv2
import numpy as np
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from trainables.core.wording import counted
from trainables.data.core.dataset import DataError
from trainables.data.core.image import require_content

LEAST_STRETCH = 1.01  # pixels less oblong than this are square: encoders round
MOST_STRETCH = 4  # and beyond it the file is wrong about itself
MOST_HELD = 100  # usual intervals for which a frame is held at most; what is longer is a jump of the clock
COUNTED_BY_DURATION = ("matroska", "flv")  # containers that announce a duration and no number of frames


@dataclass(frozen=True)
class Reading:
    """What came of reading a clip: frames decoded, frames that its files announce or hold packets of, damaged packets.

    `uneven` says that frames came at uneven times and were taken at even ones, some twice and some not at all. `seconds` is
    the time that its frames take, 0 where they tell none.
    """

    num_frames: int = 0
    num_expected: int = 0
    num_damaged: int = 0
    uneven: bool = False
    seconds: float = field(default=0.0, compare=False)  # two readings are equal where the same came of them

    def __add__(self, other: Reading) -> Reading:
        return Reading(
            self.num_frames + other.num_frames,
            self.num_expected + other.num_expected,
            self.num_damaged + other.num_damaged,
            self.uneven or other.uneven,
            self.seconds + other.seconds,
        )

    @property
    def is_incomplete(self) -> bool:
        """Whether frames are missing or damaged."""
        return self.num_damaged > 0 or self.num_frames < self.num_expected

    def __str__(self) -> str:
        damaged = f", {counted(self.num_damaged, 'damaged packet')}" if self.num_damaged else ""
        return f"{self.num_frames} of {counted(self.num_expected, 'frame')}{damaged}"


def read_video(path: Path) -> Generator[np.ndarray, None, Reading]:
    """The frames of a video, RGB uint8 `(H, W, 3)`; what came of it is returned at the end.

    Damaged packets are passed over. Of several streams the one with the most frames is read, never a cover picture.
    Raises `DataError` where the file is missing, empty, not a video, or holds no frame that can be decoded.
    """
    require_content(path)
    with _opened(path) as container:
        packets = _Packets.of(container, path)
    repeats = even_repeats(packets.times)
    num_frames = num_damaged = 0
    with _opened(path) as container:
        stream = container.streams.video[packets.place]
        stream.codec_context.thread_count = 1
        for packet in _demuxed(container, [stream]):
            try:
                pictures = [(frame.pts, _picture(frame, stream.sample_aspect_ratio)) for frame in packet.decode()]
            except (av.FFmpegError, cv2.error):
                num_damaged += 1
                continue
            num_frames += len(pictures)
            for time, picture in pictures:
                for _ in range(repeats.get(time, 1)):
                    yield picture
    if num_frames == 0:
        raise DataError(f"{path}: the video opens, but no frame of it can be decoded (codec {packets.codec}).")
    # Some packets bring no frame in a whole file either: only where some are damaged is a frame missing for that.
    undecoded = max(packets.num_packets - num_frames, 0) if num_damaged else 0
    num_expected = num_frames + undecoded + packets.num_missing
    return Reading(num_frames, num_expected, num_damaged, bool(repeats), packets.seconds)


def length_of(times: Sequence[int]) -> float:
    """How long frames that begin at `times` last, in the unit of these; the last one as long as the others. 0 of one."""
    return (max(times) - min(times)) * len(times) / (len(times) - 1) if len(times) > 1 else 0.0


def even_repeats(times: Sequence[int]) -> dict[int, int]:
    """How often each frame is shown at even times, by its time; nothing where the frames come at even times already.

    They do where none is more than one mean interval off its place. Else the even interval is the median one.
    """
    times = sorted(set(times))
    if len(times) < 3:
        return {}
    gaps = np.diff(times)
    places = np.linspace(times[0], times[-1], len(times))
    if np.abs(times - places).max() <= gaps.mean():
        return {}
    usual = float(np.median(gaps))
    ends = np.floor(np.cumsum(np.minimum(gaps, MOST_HELD * usual)) / usual + 0.5).astype(int)
    return dict(zip(times, [*np.diff(ends, prepend=0).tolist(), 1], strict=True))


@dataclass(frozen=True)
class _Packets:
    """What a video holds, as its packets tell without being decoded: `place` is that of its stream among the videos."""

    place: int
    codec: str
    times: list[int]
    seconds: float
    num_packets: int  # of frames that are to be shown: an edit list discards others
    num_missing: int  # frames that the container announces and has no packets of

    @classmethod
    def of(cls, container: InputContainer, path: Path) -> _Packets:
        videos = container.streams.video
        pictures = Disposition.attached_pic
        shown: dict[int, list[int | None]] = {s.index: [] for s in videos if not s.disposition & pictures}
        if not shown:
            raise DataError(f"{path}: the file holds no video.")
        by_index = {stream.index: stream for stream in videos}
        num_all = dict.fromkeys(shown, 0)
        end = 0.0  # s
        for packet in _demuxed(container, list(container.streams)):
            if packet.pts is not None and packet.time_base is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            index = packet.stream.index
            if index not in shown or (packet.size == 0 and packet.dts is None):
                continue
            num_all[index] += 1
            if packet.size and not packet.is_discard:
                shown[index].append(packet.pts)
        index = max(shown, key=lambda index: (len(shown[index]), _area(by_index[index])))
        stream = by_index[index]
        if stream.codec_context is None:
            raise DataError(f"{path}: nothing here decodes its codec ({_unknown_codec(path)}).")
        times = [time for time in shown[index] if time is not None]
        return cls(
            place=videos.index(stream),
            codec=stream.codec_context.name,
            times=times if len(times) == len(shown[index]) else [],
            seconds=length_of(times) * float(stream.time_base or 0),
            num_packets=len(shown[index]),
            num_missing=_missing(container, stream, num_all[index], end),
        )


def _missing(container: InputContainer, stream: VideoStream, num_packets: int, end: float) -> int:
    """How many frames the container announces beyond the `num_packets` that it holds, up to `end` seconds."""
    announced = stream.frames
    if not announced and container.duration and end and container.format.name.startswith(COUNTED_BY_DURATION):
        start = (container.start_time or 0) / av.time_base
        duration = container.duration / av.time_base - max(start, 0)  # it counts from 0, wherever the frames begin
        announced = round(num_packets * duration / max(end - start, 1e-3))
    missing = announced - num_packets
    return missing if missing > max(1, announced // 20) else 0  # some headers hold estimates


def _demuxed(container: InputContainer, streams: Sequence[Stream]) -> Iterator[av.Packet]:
    """The packets of `streams`, and at the end one for each that is empty: it makes a decoder give what it holds back."""
    try:
        yield from container.demux(*streams)
    except av.FFmpegError:  # what lies behind cannot be found
        for stream in streams:
            last = av.Packet()
            last.stream = stream
            yield last


def _picture(frame: av.VideoFrame, stretch: Fraction | None) -> np.ndarray:
    """A frame as RGB uint8 `(H, W, 3)`, upright, its pixels square."""
    # To OpenCV's order and with its interpolation, so that the pixels are OpenCV's.
    bgr = frame.to_ndarray(format="bgr24", interpolation="BICUBIC", threads=1)
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    if stretch and LEAST_STRETCH <= max(stretch, 1 / stretch) <= MOST_STRETCH:
        shape = max(round(frame.width * stretch), frame.width), max(round(frame.height / stretch), frame.height)
        rgb = cv2.resize(rgb, shape, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(np.rot90(rgb, frame.rotation // 90))


def _opened(path: Path) -> InputContainer:
    # A `:` in a name would be the end of a protocol's; and no other file or address is opened, whatever this one says.
    try:
        return av.open(f"file:{path}", metadata_errors="ignore", options={"protocol_whitelist": "file"})
    except PermissionError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    except av.FFmpegError as error:
        raise DataError(f"{path}: not a readable video (truncated, or not a video at all).") from error


def _area(stream: VideoStream) -> int:
    return stream.codec_context.width * stream.codec_context.height if stream.codec_context else 0


def _unknown_codec(path: Path) -> str:
    """What a file calls a codec that FFmpeg has no decoder of; FFmpeg says it in its log alone."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture() as said, _opened(path):
            words = " ".join(text for _, _, text in said)
    finally:
        av.logging.set_level(before)
    found = re.search(r"Video: none \((\w+)", words)
    return found[1] if found else "unknown"
