"""Who a drawn face is: the proportions and colours that stay the same in all clips of one subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]  # RGB, 0 to 255

SKINS: tuple[Colour, ...] = (
    (246, 214, 190), (238, 198, 168), (226, 180, 146), (208, 158, 122), (184, 132, 98), (154, 106, 78), (122, 82, 60),
)  # fmt: skip
HAIRS: tuple[Colour, ...] = (
    (38, 30, 28), (62, 42, 32), (96, 62, 40), (140, 92, 52), (196, 154, 96), (152, 74, 42), (138, 134, 132),
)  # fmt: skip
IRISES: tuple[Colour, ...] = ((74, 48, 32), (100, 68, 40), (84, 104, 72), (78, 112, 140), (104, 118, 124))
CLOTHES: tuple[Colour, ...] = (
    (62, 84, 116), (128, 62, 66), (72, 104, 88), (196, 186, 168), (92, 80, 112), (52, 56, 62), (182, 128, 74),
)  # fmt: skip
BACKGROUNDS: tuple[Colour, ...] = (
    (206, 212, 218), (222, 214, 202), (196, 208, 200), (212, 202, 212), (186, 196, 210), (228, 226, 220),
)  # fmt: skip
HAIR_STYLES = ("short", "parted", "long", "bun", "curly", "cropped")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Colours; lengths as factors of an average face, or as offsets from it in half head heights.

    `hairline` is a place on the face (y), `brow_tilt` and `eye_tilt` are rises in half head heights; `stubble` and
    `age` run from 0 to 1.
    """

    skin: Colour
    hair: Colour
    hair_style: str
    iris: Colour
    lips: Colour
    clothes: Colour
    background: Colour
    head_width: float
    jaw: float
    hairline: float
    brow_offset: float
    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    eye_spacing: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    nose_width: float
    nose_length: float
    mouth_width: float
    mouth_offset: float
    lip_thickness: float
    stubble: float
    age: float


def sample_identity(rng: np.random.Generator, spread: float = 1.0) -> Identity:
    """A random face; `spread` scales how far its proportions stray from the average (0 = all alike but for colours)."""

    def around(mean: float, deviation: float) -> float:
        return mean + spread * deviation * float(np.clip(rng.normal(), -2.0, 2.0))

    def pick(choices: tuple) -> tuple:
        return choices[int(rng.integers(len(choices)))]

    depth = float(rng.beta(1.1, 1.3)) * (len(SKINS) - 1)
    skin = _between(SKINS, depth)
    dark_hair_only = depth > 3.2
    hair = pick(HAIRS[:2]) if dark_hair_only else pick(HAIRS)
    style = HAIR_STYLES[int(rng.integers(len(HAIR_STYLES)))]
    red = np.array([178.0, 74.0, 78.0]) if depth < 3.2 else np.array([120.0, 48.0, 50.0])
    lips = 0.52 * np.array(skin) + 0.48 * red * rng.uniform(0.88, 1.08)
    return Identity(
        skin=skin,
        hair=hair,
        hair_style=style,
        iris=pick(IRISES[:2]) if dark_hair_only else pick(IRISES),
        lips=_colour(lips),
        clothes=pick(CLOTHES),
        background=pick(BACKGROUNDS),
        head_width=around(1.0, 0.035),
        jaw=around(1.0, 0.05),
        hairline=around(-0.62, 0.04),
        brow_offset=around(0.0, 0.018),
        brow_thickness=float(np.clip(around(1.0, 0.22), 0.5, 1.6)),
        brow_arch=around(1.0, 0.3),
        brow_tilt=around(0.0, 0.016),
        eye_spacing=around(1.0, 0.035),
        eye_width=around(1.0, 0.05),
        eye_height=around(1.0, 0.08),
        eye_tilt=around(0.0, 0.012),
        nose_width=around(1.0, 0.1),
        nose_length=around(1.0, 0.05),
        mouth_width=around(1.0, 0.07),
        mouth_offset=around(0.0, 0.018),
        lip_thickness=float(np.clip(around(1.0, 0.16), 0.6, 1.5)),
        stubble=float(rng.uniform(0.3, 1.0)) if style in ("short", "cropped") and rng.random() < 0.45 else 0.0,
        age=float(rng.beta(1.3, 2.2)),
    )


def _between(colours: tuple[Colour, ...], position: float) -> Colour:
    """The colour at a fractional `position` in the list."""
    low = min(int(position), len(colours) - 2)
    mixed = np.array(colours[low]) + (position - low) * (np.array(colours[low + 1]) - np.array(colours[low]))
    return _colour(mixed)


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = values.tolist()
    return red, green, blue
