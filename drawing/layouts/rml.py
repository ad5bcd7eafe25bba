"""Drawn faces in the layout of the RML emotion data set (Wang and Guan, IEEE Transactions on Multimedia 2008).

`s1/an1.avi`: eight people, six classes told by the first two letters of the file (an di fe ha sa su), numbered without
padding, 720:480. Form `packs` puts four people each under `rml-1`, `rml-2`..., form `languages` puts the clips of a
person into one folder per language; copies in all three forms are about. The videos are motion JPEG.

Traps: one more clip of the first person stops early (its header promises more frames than there are), the `._` twin of
a video, a `.DS_Store`.
"""

from __future__ import annotations

from pathlib import Path

from drawing.action_units import SIX_EXPRESSIONS
from drawing.media import save_video
from drawing.shots import Progress, Shot, draw_shots, everyone, widened
from drawing.traps import add_ds_store, add_twin, cut_short
from drawing.tree import check_at_least, check_choice, write_tree

FORMS = ("plain", "packs", "languages")
LANGUAGES = ("english", "mandarin")


def write(
    root: Path,
    *,
    difficulty: str = "medium",
    num_subjects: int = 8,
    clips_per_class: int = 1,
    num_frames: int = 8,
    size: int = 120,
    seed: int = 0,
    form: str = "plain",
    traps: bool = True,
    on_progress: Progress | None = None,
) -> None:
    """Draws `num_subjects` people with `clips_per_class` videos of `num_frames` frames, `size` px high.

    Raises `ValueError` for settings too small, an unknown form, and for a `root` that holds anything else.
    """
    check_choice("form of RML", form, FORMS)
    check_at_least(num_subjects=(num_subjects, 1), clips_per_class=(clips_per_class, 1))
    check_at_least(num_frames=(num_frames, 2), size=(size, 32))

    def draw(folder: Path) -> None:
        shots = everyone(num_subjects, SIX_EXPRESSIONS, num_frames, takes=clips_per_class)
        broken = Shot(subject=0, expression="anger", take=clips_per_class, num_frames=num_frames)
        drawn_size = 2 * round(size / 2)
        for shot, square in draw_shots(
            [*shots, broken] if traps else shots,
            difficulty=difficulty,
            size=drawn_size,
            seed=seed,
            on_progress=on_progress,
        ):
            path = folder / _place(shot, form)
            save_video(path, widened(square, 720 / 480))
            if shot == broken:
                cut_short(path)
                add_twin(path)
        if traps:
            add_ds_store(folder)

    write_tree(
        root,
        "rml",
        draw,
        difficulty=difficulty,
        num_subjects=num_subjects,
        clips_per_class=clips_per_class,
        num_frames=num_frames,
        size=size,
        seed=seed,
        form=form,
        traps=traps,
    )


def _place(shot: Shot, form: str) -> Path:
    subject, name = f"s{shot.subject + 1}", f"{shot.expression[:2]}{shot.take + 1}.avi"
    if form == "packs":
        return Path(f"rml-{shot.subject // 4 + 1}", subject, name)
    if form == "languages":
        return Path(subject, LANGUAGES[shot.take % len(LANGUAGES)], name)
    return Path(subject, name)
