"""Containers and codecs: what cameras, telephones and programs write, whole and broken."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tests.inputs import recorded
from tests.inputs.case import Case, Check, Family, gives, is_refused, of_bytes, pictures, read, require_same
from tests.inputs.recorded import video, with_sound
from tests.trainables.data.core import videos


def whole(name: str, codec: str, given: str, happens: str = "read whole", *, within: float = 6, **settings) -> Case:
    """A video of which every frame is read, within a tolerance of its codec."""
    return Case(given, happens, video(name, codec, **settings), gives(within=within))


def turned(quarters: int) -> Case:
    def check(path: Path) -> str:
        frames, reading = read(path)
        require_same(frames, [np.rot90(frame, -quarters) for frame in pictures()], 6)
        return str(reading)

    return Case(
        f"a telephone's video with the mark that it is to be turned by {90 * quarters} degrees",
        "turned upright",
        lambda folder: videos.turn(video("a.mp4", "libx264")(folder), quarters),
        check,
    )


def stretched(path: Path) -> str:
    frames, reading = read(path)
    wide = [cv2.resize(frame, (192, 64), interpolation=cv2.INTER_LINEAR) for frame in pictures()]
    require_same(frames, wide, 6)
    return str(reading)


def cut_off_is_told(path: Path) -> str:
    frames, reading = read(path)
    require_same(frames, pictures(48)[: len(frames)], 6)
    assert (reading.num_frames, reading.num_expected) == (30, 48)
    return str(reading)


def of_eight(first: int) -> Check:
    return gives(lambda: pictures()[first:], within=6)


def picture_as(ending: str) -> Callable[[Path], Path]:
    return of_bytes("a.mp4", cv2.imencode(ending, pictures()[0][..., ::-1])[1].tobytes())


WHOLE = [
    whole("a.mp4", "libx264", "`.mp4` with H.264, as telephones and cameras write it"),
    whole("a.mp4", "libx265", "`.mp4` with H.265 (HEVC), as newer telephones write it"),
    whole("a.mov", "libx265", "`.mov` with H.265 in 10 bits", "read whole, in 8 bits", pix_fmt="yuv420p10le"),
    whole("a.mp4", "libsvtav1", "`.mp4` with AV1, as downloads and the newest telephones have it"),
    whole("a.m4v", "mpeg4", "`.m4v` with MPEG-4"),
    whole("a.webm", "libvpx-vp9", "`.webm` with VP9"),
    whole("a.webm", "libvpx", "`.webm` with VP8, as browsers record it", within=8),
    whole("a.webm", "libvpx-vp9", "`.webm` with transparency", "read whole, without it", pix_fmt="yuva420p"),
    whole("a.mov", "prores_ks", "`.mov` with ProRes, 10 bits", "read whole, in 8 bits", pix_fmt="yuv422p10le"),
    whole("a.mov", "mjpeg", "`.mov` with motion JPEG", pix_fmt="yuvj420p"),
    whole(
        "a.mov",
        "qtrle",
        "`.mov` of a screen recorder (QuickTime Animation)",
        "read whole, exact",
        within=0,
        pix_fmt="rgb24",
    ),
    whole("a.avi", "mjpeg", "`.avi` with motion JPEG, as laboratory cameras write it", pix_fmt="yuvj420p"),
    whole("a.avi", "mpeg4", "`.avi` with DivX or Xvid (MPEG-4)"),
    whole("a.avi", "rawvideo", "`.avi` without compression", "read whole, exact", within=0, pix_fmt="bgr24"),
    whole("a.mkv", "libx264", "`.mkv` with H.264 in full colour (4:4:4)", pix_fmt="yuv444p"),
    whole("a.mkv", "ffv1", "`.mkv` with FFV1, as archives keep it", "read whole, exact", within=0, pix_fmt="bgr0"),
    whole("a.3gp", "mpeg4", "`.3gp` of an old telephone"),
    whole("a.ts", "libx264", "`.ts`, a recorded broadcast"),
    whole("a.mts", "libx264", "`.mts` or `.m2ts` of a camcorder"),
    whole("a.mpg", "mpeg1video", "`.mpg` with MPEG-1, as old databases have it"),
    whole("a.vob", "mpeg2video", "`.vob` of a DVD (MPEG-2)"),
    whole("a.wmv", "wmv2", "`.wmv` of Windows"),
    whole("a.flv", "flv", "`.flv` of the web of old"),
    whole("a.mxf", "mpeg2video", "`.mxf` of a studio", pix_fmt="yuv422p"),
    whole("a.y4m", "rawvideo", "`.y4m`, uncompressed"),
    whole("a.gif", "gif", "`.gif` that moves", "read whole, in its 256 colours", within=24, pix_fmt="rgb8"),
]
STREAMS = [
    Case(
        "frames with sides of odd length",
        "read whole",
        video("a.mkv", "libx264", frames=pictures(8, 95, 63), pix_fmt="yuv444p"),
        gives(lambda: pictures(8, 95, 63), within=6),
    ),
    Case("colours by the standard of HD (BT.709)", "the same colours", recorded.of_colours(1, 1), gives(within=6)),
    Case(
        "HDR, as newer telephones film (BT.2020, HLG)",
        "as stored, not toned for a screen: somewhat pale",
        recorded.of_colours(9, 1, curve=18),
        gives(within=6),
    ),
    Case(
        "interlaced, as camcorders film",
        "as stored, both half pictures woven",
        video("a.mpg", "mpeg2video", options={"flags": "+ildct+ilme"}),
        gives(within=6),
    ),
    Case(
        "colours in full range, as telephones write them",
        "the same colours",
        recorded.of_colours(5, 2),
        gives(within=6),
    ),
    Case(
        "a sound track longer than the video",
        "read whole; the sound is not missed",
        lambda folder: with_sound(folder / "a.mkv", seconds=3),
        gives(within=6),
    ),
    Case(
        "an `.mp4` in fragments, as browsers and streams record it",
        "read whole",
        lambda folder: with_sound(folder / "a.mp4", seconds=0.3, options={"movflags": "frag_keyframe+empty_moov"}),
        gives(within=6),
    ),
    Case(
        "a recording that does not say how long it is",
        "read whole",
        lambda folder: with_sound(folder / "a.mkv", seconds=0.3, options={"live": "1"}),
        gives(within=6),
    ),
    Case(
        "a cover picture before the video",
        "the video is read, the cover is not",
        video("a.mkv", "libx264", cover=np.full((200, 200, 3), 255, np.uint8)),
        gives(within=6),
    ),
    Case("two videos in one file", "the one with more frames is read", recorded.two_videos, gives(within=6)),
    Case(
        "pixels that are not square (2 to 1)",
        "widened to square ones",
        video("a.mp4", "libx264", stretch=Fraction(2)),
        stretched,
    ),
    turned(1),
    turned(2),
    turned(3),
    Case(
        "an `.mp4` trimmed by an edit list",
        "from where the trimmed video begins, whole",
        lambda folder: videos.trim(video("a.mp4", "libx264")(folder), 3),
        of_eight(3),
    ),
    Case(
        "the wrong ending: a Matroska file called `.mp4`",
        "read whole, by its content",
        video("a.mkv", "libx264", as_name="a.mp4"),
        gives(within=6),
    ),
    Case("a picture called `.mp4`", "one frame", picture_as(".png"), gives(lambda: pictures()[:1])),
]
BROKEN = [
    Case(
        "damaged packets in the middle",
        "every frame that decodes, told: “6 of 8 frames, 2 damaged packets”",
        recorded.damaged,
        gives(lambda: [*pictures()[:3], *pictures()[5:]], within=6, whole=False),
    ),
    Case(
        "a file cut off, its table of contents in front",
        "what there is, told: “30 of 48 frames”",
        recorded.cut_off,
        cut_off_is_told,
    ),
    Case(
        "an `.mp4` cut off, its table of contents lost with the end",
        "refused: “not a readable video (truncated, or not a video at all)”",
        recorded.without_its_end,
        is_refused,
    ),
    Case(
        "a video in which every packet is damaged",
        "refused: “the video opens, but no frame of it can be decoded (codec h264)”",
        recorded.all_damaged,
        is_refused,
    ),
    Case(
        "a protected (encrypted) video",
        "refused: “no frame of it can be decoded (codec h264)”",
        recorded.locked,
        is_refused,
    ),
    Case(
        "a codec that nothing here decodes",
        "refused, by name: “nothing here decodes its codec (zzz1)”",
        recorded.of_an_unknown_codec,
        is_refused,
    ),
    Case(
        "sound with a cover picture",
        "refused: “the file holds no video”",
        lambda folder: recorded.sound_alone(folder, cover=pictures()[0]),
        is_refused,
    ),
    Case("sound alone", "refused: “the file holds no video”", recorded.sound_alone, is_refused),
    Case("an empty file", "refused: “the file is empty (0 bytes)”", of_bytes("a.mp4", b""), is_refused),
    Case(
        "a text called `.mp4`",
        "refused: “not a readable video”",
        of_bytes("a.mp4", b"not what the name says"),
        is_refused,
    ),
    Case(
        "a playlist called `.mp4`",
        "refused; no other file and no address is opened: “not a readable video”",
        of_bytes("a.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/b.ts\n#EXT-X-ENDLIST\n"),
        is_refused,
    ),
]
FAMILY = Family(
    "Containers and codecs",
    "Videos are read by FFmpeg's libraries, which come with the installation. A video that is refused is one dropped clip, "
    "named with the reason; the others go on.",
    [*WHOLE, *STREAMS, *BROKEN],
)
