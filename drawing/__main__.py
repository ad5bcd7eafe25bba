"""`python -m drawing --layout drawn_faces --out DIR` draws a data set, `--sheet FILE` a sheet, `--scenes DIR` scenes."""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drawing.scenes import SCENES, write_scenes
from drawing.sequence import DIFFICULTIES
from drawing.sheet import write_sheet
from drawing.tree import MARKER
from trainables.core import lookup
from trainables.core.streams import take_any_text


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code: 0 drawn, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m drawing", description=f"Draws faces; layouts: {_layouts()}.")
    parser.add_argument("--layout", default="drawn_faces", help=f"one of: {_layouts()} (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="folder to draw into: new, empty, or drawn before with equal settings")
    parser.add_argument("--difficulty", choices=list(DIFFICULTIES), help="default: medium; for a sheet easy")
    parser.add_argument("--subjects", type=int, help="number of people (default: the layout's own)")
    parser.add_argument("--frames", type=int, help="frames of a clip (default: the layout's own)")
    parser.add_argument("--size", type=int, help="height of a frame in px (default: the layout's own)")
    parser.add_argument("--form", help="for layouts that copies come in several forms of")
    parser.add_argument("--seed", type=int, help="default: 0; for a sheet 143")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet (PNG) to this file")
    parser.add_argument(
        "--scenes", type=Path, help="write clips of people who walk, change places, lie, to this folder"
    )
    parser.add_argument("--list", action="store_true", help="name the layouts, with a line on each")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        print("\n".join(f"{name:12} {_first_line(name)}" for name in lookup.names("drawing.layouts")))
        return 0
    if chosen.out is None and chosen.sheet is None and chosen.scenes is None:
        parser.error("nothing to draw: give --out DIR, --sheet FILE or --scenes DIR")
    settings = {name: getattr(chosen, name) for name in ("difficulty", "seed") if getattr(chosen, name) is not None}
    sizes = {"num_subjects": chosen.subjects, "num_frames": chosen.frames, "size": chosen.size, "form": chosen.form}
    try:
        if chosen.out is not None:
            write = lookup.load("drawing.layouts", chosen.layout, "layout").write
            given = {name: value for name, value in sizes.items() if value is not None}
            _check_settings(chosen.layout, write, given)
            write(chosen.out, on_progress=_show_progress, **settings, **given)
            print(f"{chosen.out}: {json.loads((chosen.out / MARKER).read_text())['num_subjects']} drawn subjects")
        if chosen.sheet is not None:
            write_sheet(chosen.sheet, **settings)
            print(chosen.sheet)
        if chosen.scenes is not None:
            asked = {"seed": chosen.seed, "num_frames": chosen.frames, "height": chosen.size}
            write_scenes(chosen.scenes, **{name: value for name, value in asked.items() if value is not None})
            print(f"{chosen.scenes}: {len(SCENES)} drawn scenes")
    except (ValueError, OSError) as error:
        print(f"drawing: {error}", file=sys.stderr)
        return 2
    return 0


def _layouts() -> str:
    return ", ".join(lookup.names("drawing.layouts"))


def _first_line(layout: str) -> str:
    return (lookup.load("drawing.layouts", layout, "layout").__doc__ or "").splitlines()[0]


def _check_settings(layout: str, write: Callable[..., None], given: dict[str, Any]) -> None:
    """Raises `ValueError` for a setting that the layout does not have: stills have no number of frames."""
    for name in given:
        if name not in (known := inspect.signature(write).parameters):
            has = ", ".join(key for key in known if key not in ("root", "on_progress"))
            raise ValueError(f"The layout {layout} has no setting {name}; it has: {has}.")


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} clips", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    take_any_text()
    sys.exit(main())
