"""Reading images: grey, palette, deep and animated ones, as RGB uint8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from trainables.data.core.dataset import DataError

DEPTHS = (8, 10, 12, 14, 16)  # bits of cameras, whose pictures are stored in 16


def read_images(paths: Sequence[Path]) -> Iterator[np.ndarray]:
    """The images of one clip as RGB uint8 `(H, W, 3)`, be they grey, palette, 16-bit or with an alpha channel (dropped).

    Pictures of 16 bits are scaled by the fewest bits that hold the brightest pixel of all: cameras of 12 store them so.
    Raises `DataError` where a file is missing, empty, truncated or not an image.
    """
    bits = 0
    for path in paths:
        bgr = _decoded(path)
        if bgr.dtype == np.uint16:
            bits = bits or _bits(paths)
            bgr = (bgr >> (bits - 8)).astype(np.uint8)
        yield cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def read_image(path: Path) -> np.ndarray:
    """One image as `read_images` reads it; the first picture of an animated one."""
    return next(read_images([path]))


def is_animated(path: Path) -> bool:
    """Whether a `.png` or `.webp` file holds several pictures; `False` where it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    if head.startswith(b"\x89PNG"):
        return b"acTL" in head.partition(b"IDAT")[0]
    return head.startswith(b"RIFF") and head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)


def read_animated(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """The pictures of an animated image, RGB uint8 `(H, W, 3)`, and the time in ms at which each is shown."""
    found, animation = cv2.imdecodeanimation(np.frombuffer(_content(path), np.uint8))
    if not found:
        raise DataError(f"{path}: not a readable image.")
    pictures = [cv2.cvtColor(frame, cv2.COLOR_BGRA2RGB) for frame in animation.frames]
    return pictures, [0, *np.cumsum(animation.durations)[:-1].tolist()]


def require_content(path: Path) -> None:
    """Raises `DataError` for a file that is missing, closed or empty."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    if size == 0:
        raise DataError(f"{path}: the file is empty (0 bytes).")


def _decoded(path: Path) -> np.ndarray:
    """The picture in a file, BGR uint8 or uint16 `(H, W, 3)`."""
    data = np.frombuffer(_content(path), np.uint8)
    try:
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        if bgr is not None and bgr.dtype not in (np.uint8, np.uint16):
            bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise DataError(f"{path}: not a readable image ({error.err}).") from error
    if bgr is None:
        raise DataError(f"{path}: not a readable image.")
    return bgr


def _bits(paths: Sequence[Path]) -> int:
    brightest = max(int(bgr.max()) for bgr in map(_decoded, paths) if bgr.dtype == np.uint16)
    return next(bits for bits in DEPTHS if brightest < 1 << bits)


def _content(path: Path) -> bytes:
    require_content(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from error
    if _is_truncated(data):
        raise DataError(f"{path}: the image is truncated.")
    return data


def _is_truncated(data: bytes) -> bool:
    # OpenCV decodes half a JPEG or PNG without complaint and fills the rest with grey, so the end marks are looked for.
    if data.startswith(b"\xff\xd8\xff"):
        # The end of image must follow the last start of scan: an EXIF thumbnail has an end mark of its own before it.
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"IEND" not in data[-4096:]
    return False
