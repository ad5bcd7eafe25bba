"""Reading images: grey, palette, deep ones and those that hold several pictures, as RGB uint8."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import cv2
import numpy as np

from trainables.data.core.dataset import DataError
from trainables.data.core.passed_over import WHY_NOWHERE

# What stands before each picture of a GIF that moves: how long it is shown.
_GIF_PICTURE = re.compile(rb"\x00\x21\xf9\x04.{4}\x00[\x2c\x21]", re.DOTALL)
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
            bits = bits or _bits(map(_decoded, paths))
        yield cv2.cvtColor(_in_eight_bits(bgr, bits), cv2.COLOR_BGR2RGB)


def read_image(path: Path) -> np.ndarray:
    """One image as `read_images` reads it; the first picture of an animated one."""
    return next(read_images([path]))


def is_animated(path: Path) -> bool:
    """Whether an image file holds several pictures: frames or pages; `False` where it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            if head.startswith(b"GIF8"):
                return len(_GIF_PICTURE.findall(head + file.read())) > 1
            if head.startswith((b"II*\0", b"MM\0*")):
                return _has_pages(file, "<" if head.startswith(b"II") else ">")
    except (OSError, struct.error):
        return False
    if head.startswith(b"\x89PNG"):
        return b"acTL" in head.partition(b"IDAT")[0]
    if head[4:12] == b"ftypavis":
        return True
    return head.startswith(b"RIFF") and head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)


def read_animated(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """The pictures of an image that holds several, RGB uint8 `(H, W, 3)`, and the time in ms at which each is shown.

    Pages have no times; those of another size than the first are previews of it, and left out.
    """
    try:
        return _pictures(path)
    except cv2.error as error:
        raise DataError(f"{path}: not a readable image.") from error


def _pictures(path: Path) -> tuple[list[np.ndarray], list[int]]:
    data = np.frombuffer(_content(path), np.uint8)
    if data[:2].tobytes() in (b"II", b"MM"):
        found, pages = cv2.imdecodemulti(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        pages = [page for page in pages if page.shape == pages[0].shape and page.dtype == pages[0].dtype]
        if not found or pages[0].dtype not in (np.uint8, np.uint16):
            raise DataError(f"{path}: not a readable image.")
        bits = _bits(pages)
        return [cv2.cvtColor(_in_eight_bits(page, bits), cv2.COLOR_BGR2RGB) for page in pages], []
    found, animation = cv2.imdecodeanimation(data)
    if not found:
        raise DataError(f"{path}: not a readable image.")
    pictures = [cv2.cvtColor(frame, cv2.COLOR_BGRA2RGB) for frame in animation.frames]
    return pictures, [0, *np.cumsum(animation.durations)[:-1].tolist()]


def require_content(path: Path) -> None:
    """Raises `DataError` for a file that is missing, closed or empty."""
    try:
        size = path.stat().st_size
    except OSError as error:
        if path.is_symlink():
            raise DataError(f"{path}: a link that leads nowhere ({WHY_NOWHERE}).") from error
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


def _bits(pictures: Iterable[np.ndarray]) -> int:
    """The fewest bits that hold the brightest pixel of those of 16 bits."""
    brightest = max((int(bgr.max()) for bgr in pictures if bgr.dtype == np.uint16), default=0)
    return next(bits for bits in DEPTHS if brightest < 1 << bits)


def _in_eight_bits(bgr: np.ndarray, bits: int) -> np.ndarray:
    return bgr if bgr.dtype == np.uint8 else (bgr >> (bits - 8)).astype(np.uint8)


def _has_pages(file: IO[bytes], order: str) -> bool:
    """Whether the first two directories of a TIFF, of that byte `order`, are of pages of one size."""
    file.seek(4)
    sizes = []
    for _ in range(2):
        (place,) = struct.unpack(f"{order}I", file.read(4))
        if not place:
            return False
        file.seek(place)
        (num_entries,) = struct.unpack(f"{order}H", file.read(2))
        entries = [struct.unpack(f"{order}HHI4s", file.read(12)) for _ in range(num_entries)]
        sizes.append([value for tag, _, _, value in entries if tag in (256, 257)])  # width and height
    return sizes[0] == sizes[1]


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
