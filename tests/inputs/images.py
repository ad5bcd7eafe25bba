"""Image modes: every depth, number of channels and format of a picture, whole and broken."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tests.inputs.case import Case, Check, Family, gives, is_refused, of_bytes, pictures, read, require_same

PICTURE = pictures(1)[0]
GREY = np.repeat(np.asarray(Image.fromarray(PICTURE).convert("L"))[:, :, None], 3, axis=2)
BLACK_AND_WHITE = np.repeat(np.where(GREY[:, :, :1] < 128, 0, 255).astype(np.uint8), 3, axis=2)
ORIENTATION, ON_ITS_SIDE = 0x0112, 6  # how cameras note that they were held so


def saved(name: str, mode: str = "RGB", **settings) -> Callable[[Path], Path]:
    """Writes the drawn picture in a mode of Pillow's."""

    def make(folder: Path) -> Path:
        picture = Image.fromarray(PICTURE)
        picture = picture.quantize(16) if mode == "P" else picture.convert(mode, dither=Image.Dither.NONE)
        picture.save(folder / name, **settings)
        return folder / name

    return make


def of_pixels(name: str, pixels: Callable[[], np.ndarray]) -> Callable[[Path], Path]:
    """Writes pixels, RGB or grey, of any depth."""
    return lambda folder: encoded(folder / name, pixels())


def encoded(path: Path, pixels: np.ndarray) -> Path:
    bgr = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, bgr)[1].tobytes())
    return path


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


def cut_off(ending: str) -> Callable[[Path], Path]:
    """Writes the first half of a file of noise."""

    def make(folder: Path) -> Path:
        path = encoded(folder / f"a{ending}", noise())
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path

    return make


def is_picture(expected: np.ndarray = PICTURE, *, within: float = 0.0) -> Check:
    return gives(lambda: [expected], within=within)


def transparent(name: str, **settings) -> Callable[[Path], Path]:
    """Writes the drawn picture, all of it nearly transparent."""

    def make(folder: Path) -> Path:
        picture = Image.fromarray(PICTURE).convert("RGBA")
        picture.putalpha(10)
        picture.save(folder / name, **settings)
        return folder / name

    return make


def held(name: str, **settings) -> Callable[[Path], Path]:
    """Writes the drawn picture on its side, and the mark that the camera was held so."""

    def make(folder: Path) -> Path:
        exif = Image.Exif()
        exif[ORIENTATION] = ON_ITS_SIDE
        Image.fromarray(np.ascontiguousarray(np.rot90(PICTURE))).save(folder / name, exif=exif, **settings)
        return folder / name

    return make


def moving(name: str, **settings) -> Callable[[Path], Path]:
    """Writes the drawn clip as one image."""

    def make(folder: Path) -> Path:
        first, *others = map(Image.fromarray, pictures())
        first.save(folder / name, save_all=True, append_images=others, duration=40, **settings)
        return folder / name

    return make


def with_preview(folder: Path) -> Path:
    first = Image.fromarray(PICTURE)
    first.save(folder / "a.tif", save_all=True, append_images=[first.resize((48, 32))])
    return folder / "a.tif"


def as_other(name: str, kind: str, **settings) -> Callable[[Path], Path]:
    """Writes the drawn picture as another kind than its name says."""
    content = io.BytesIO()
    Image.fromarray(PICTURE).save(content, kind, **settings)
    return of_bytes(name, content.getvalue())


def frames_of(**pixels: np.ndarray) -> Callable[[Path], Path]:
    """Writes a clip as a folder of frames."""

    def make(folder: Path) -> Path:
        for number, (ending, frame) in enumerate(pixels.items()):
            encoded(folder / "P1_a" / f"{number}.{ending.partition('_')[0]}", frame)
        return folder / "P1_a"

    return make


def bits_of_a_camera(bits: int) -> np.ndarray:
    return GREY[..., 0].astype(np.uint16) << (bits - 8)


def each(frames: list[np.ndarray]) -> Check:
    return gives(lambda: frames)


def first_stays(path: Path) -> str:
    """Two sizes in a clip: each frame is read at its own."""
    found, reading = read(path)
    require_same(found, [PICTURE, PICTURE[:32, :48]])
    return str(reading)


DARK, BRIGHT = GREY[..., 0] // 8, GREY[..., 0]

CASES = [
    Case("8-bit colour: `.png`", "the same pixels", saved("a.png"), is_picture()),
    Case("a photograph: `.jpg`", "the same picture", saved("a.jpg", quality=95), is_picture(within=3)),
    Case(
        "a progressive `.jpg`", "the same picture", saved("a.jpg", quality=95, progressive=True), is_picture(within=3)
    ),
    Case("grey, 8 bits", "grey in three equal channels", saved("a.png", "L"), is_picture(GREY)),
    Case("grey with transparency", "grey, without it", saved("a.png", "LA"), is_picture(GREY)),
    Case("a palette of 16 colours (`.png`)", "its colours", saved("a.png", "P"), is_picture(within=2)),
    Case("a palette of 16 colours (`.bmp`)", "its colours", saved("a.bmp", "P"), is_picture(within=2)),
    Case(
        "black and white, 1 bit (`.png`)",
        "black and white",
        saved("a.png", "1"),
        is_picture(BLACK_AND_WHITE),
    ),
    Case("transparency in `.png`", "the colours below it", transparent("a.png"), is_picture()),
    Case(
        "transparency in `.webp`",
        "the colours below it",
        transparent("a.webp", lossless=True, exact=True),
        is_picture(),
    ),
    Case("16 bits a colour", "scaled to 8", of_pixels("a.png", lambda: PICTURE.astype(np.uint16) * 257), is_picture()),
    Case("16 bits of grey", "scaled to 8", of_pixels("a.tif", lambda: bits_of_a_camera(16)), is_picture(GREY)),
    Case(
        "10 bits of grey, stored in 16",
        "scaled to 8, not black",
        of_pixels("a.png", lambda: bits_of_a_camera(10)),
        is_picture(GREY),
    ),
    Case(
        "12 bits of grey, stored in 16",
        "scaled to 8, not black",
        of_pixels("a.tif", lambda: bits_of_a_camera(12)),
        is_picture(GREY),
    ),
    Case(
        "frames of 12 bits, some of them dark",
        "one scale for all: the dark ones stay dark",
        frames_of(png_dark=DARK.astype(np.uint16) << 4, png=BRIGHT.astype(np.uint16) << 4),
        each([np.dstack([DARK] * 3), GREY]),
    ),
    Case(
        "CMYK, as printers use it (`.jpg`)",
        "the same colours",
        saved("a.jpg", "CMYK", quality=95),
        is_picture(within=4),
    ),
    Case(
        "the mark of a camera that was held on its side (`.jpg`)",
        "turned upright",
        held("a.jpg", quality=95),
        is_picture(within=3),
    ),
    Case("the same mark in `.png`", "turned upright", held("a.png"), is_picture()),
    Case("`.tif`, compressed (LZW)", "the same pixels", saved("a.tif", compression="tiff_lzw"), is_picture()),
    Case("`.webp`", "the same picture", saved("a.webp", quality=95), is_picture(within=4)),
    Case("`.bmp`", "the same pixels", saved("a.bmp"), is_picture()),
    Case("`.ppm`", "the same pixels", saved("a.ppm"), is_picture()),
    Case("`.pgm`", "grey in three equal channels", saved("a.pgm", "L"), is_picture(GREY)),
    Case("an animated `.webp`", "a clip", moving("a.webp", lossless=True), gives()),
    Case("an animated `.png`", "a clip", moving("a.png"), gives()),
    Case("an animated `.avif`", "a clip", moving("a.avif", quality=95), gives(within=6)),
    Case("a `.tif` of several pages, as laboratory cameras write it", "a clip", moving("a.tif"), gives()),
    Case("a `.tif` with a small preview in it", "one picture", with_preview, is_picture()),
    Case("`.avif`", "the same picture", saved("a.avif", quality=95), is_picture(within=4)),
    Case("JPEG 2000 (`.jp2`)", "the same pixels", saved("a.jp2"), is_picture()),
    Case(
        "`.jfif`, as browsers save it", "the same picture", as_other("a.jfif", "JPEG", quality=95), is_picture(within=3)
    ),
    Case("a `.jpg` called `.png`", "read by its content", as_other("a.png", "JPEG", quality=95), is_picture(within=3)),
    Case(
        "an AVIF called `.jpg`, as downloads are",
        "read by its content",
        as_other("a.jpg", "AVIF", quality=95),
        is_picture(within=4),
    ),
    Case(
        "frames of two sizes in one clip",
        "each at its own; the face is cropped to one size",
        frames_of(png=PICTURE, png_small=PICTURE[:32, :48]),
        first_stays,
    ),
    Case(
        "frames of two kinds in one clip",
        "read in their order",
        frames_of(png=PICTURE, bmp=noise()),
        each([PICTURE, noise()]),
    ),
    Case(
        "a strip of 2 x 4,000 px",
        "read",
        of_pixels("a.png", lambda: np.tile(PICTURE[:, :2], (63, 1, 1))[:4000]),
        is_picture(np.tile(PICTURE[:, :2], (63, 1, 1))[:4000]),
    ),
    Case("one pixel", "read", of_pixels("a.png", lambda: PICTURE[:1, :1]), is_picture(PICTURE[:1, :1])),
    Case("a `.jpg` cut off", "refused, not half grey: “the image is truncated”", cut_off(".jpg"), is_refused),
    Case("a `.png` cut off", "refused, not half grey: “the image is truncated”", cut_off(".png"), is_refused),
    *(
        Case(f"a `{ending}` cut off", "refused: “not a readable image”", cut_off(ending), is_refused)
        for ending in (".bmp", ".tif", ".webp")
    ),
    Case(
        "32-bit numbers instead of pixels (`.tif`)",
        "refused: “not a readable image”",
        of_pixels("a.tif", lambda: PICTURE.astype(np.float32) / 255),
        is_refused,
    ),
    Case(
        "a telephone's HEIC called `.jpg`",
        "refused: “not a readable image”",
        of_bytes("a.jpg", b"\0\0\0\x18ftypheic" + bytes(100)),
        is_refused,
    ),
    Case("an empty image", "refused: “the file is empty (0 bytes)”", of_bytes("a.png", b""), is_refused),
    Case(
        "a text called `.jpg`",
        "refused: “not a readable image”",
        of_bytes("a.jpg", b"not what the name says"),
        is_refused,
    ),
]
FAMILY = Family(
    "Image modes",
    "Pictures become RGB in 8 bits. A picture that is refused ends its clip, which is named with the reason; the others go on.",
    CASES,
)
