"""Text in pictures, by the fonts that come with OpenCV: the letters of Europe and of East Asia, on every machine."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from trainables.core.faces.crops import resized

ELLIPSIS = "…"
_FINE = 4  # letters are drawn so many times as large and shrunk: OpenCV puts each at a whole pixel


@dataclass(frozen=True, kw_only=True)
class Lettering:
    """How text looks: its size in px, its RGB colour, and a weight from 100 to 900."""

    size: int
    colour: tuple[int, int, int]
    weight: int = 400

    def width(self, text: str) -> int:
        """The width in px of `text`, which is `legible`."""
        return -(-cv2.getTextSize((1, 1), text, (0, 0), _font(), _FINE * self.size, self.weight)[2] // _FINE)

    def write(self, picture: np.ndarray, text: str, left: int, baseline: int) -> None:
        """Write `text`, which is `legible`, into the RGB `picture` `(H, W, 3)`.

        It needs room: 1.25 x its size above the baseline and half of it below.
        """
        above, below, width = round(1.25 * self.size), round(0.5 * self.size), self.width(text)
        fine = np.zeros((_FINE * (above + below), _FINE * width), np.uint8)
        cv2.putText(fine, text, (0, _FINE * above), 255, _font(), _FINE * self.size, self.weight)
        ink = resized(fine, (width, above + below))[..., None] / 255
        room = picture[baseline - above : baseline + below, left : left + width]
        room[:] = np.rint(room + (np.array(self.colour) - room) * ink)

    def shortened(self, text: str, width: int) -> str:
        """`text` made `legible`; where it is wider than `width` px, its middle is left out."""
        whole = legible(text)
        if self.width(whole) <= width:
            return whole
        lengths = range(len(whole) - 1, 0, -1)
        parts = (f"{whole[: (n + 1) // 2]}{ELLIPSIS}{whole[len(whole) - n // 2 :]}" for n in lengths)
        return next((part for part in parts if self.width(part) <= width), ELLIPSIS)

    def wrapped(self, text: str, width: int, most: int) -> list[str]:
        """`text` made `legible`, in lines of at most `width` px; of more than `most`, the end is left out."""
        lines: list[str] = []
        for word in text.split():
            for piece in self._pieces(legible(word), width):
                if lines and self.width(f"{lines[-1]} {piece}") <= width:
                    lines[-1] += f" {piece}"
                else:
                    lines.append(piece)
        if len(lines) > most:
            last = lines[most - 1]
            while last and self.width(last + ELLIPSIS) > width:
                last = last[:-1]
            lines[most - 1 :] = [last + ELLIPSIS]
        return lines

    def _pieces(self, word: str, width: int) -> Iterator[str]:
        """The word in pieces of at most `width` px, such as a path."""
        while len(word) > 1 and self.width(word) > width:
            fits = next((n for n in range(len(word) - 1, 1, -1) if self.width(word[:n]) <= width), 1)
            yield word[:fits]
            word = word[fits:]
        yield word


def legible(text: str) -> str:
    r"""`text` as the fonts can draw it; a character that they lack is written as in JSON: `\u0928`.

    So are signs that nobody sees, and letters that run from right to left, which OpenCV would put in the wrong order.
    """
    return "".join(map(_drawn, unicodedata.normalize("NFC", text)))


@functools.cache
def _drawn(character: str) -> str:
    if unicodedata.category(character) == "Zs":
        return " "
    if character.isascii():
        missing = not character.isprintable()
    else:
        runs_left = unicodedata.bidirectional(character) in ("R", "AL")
        loose = unicodedata.category(character).startswith("M")  # an accent without a letter to stand on
        missing = runs_left or loose or not character.isprintable() or _shape(character) == _shape("?")
    return character.encode("unicode_escape").decode() if missing else character


def _shape(character: str) -> bytes:
    picture = np.zeros((48, 96, 3), np.uint8)
    cv2.putText(picture, character, (24, 32), (255, 255, 255), _font(), 24)
    return picture.tobytes()


@functools.cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")
