"""`python -m drawing --layout drawn_faces --out DIR` draws a data set, `--sheet FILE` a contact sheet."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drawing.sequence import DIFFICULTIES
from drawing.sheet import write_sheet
from trainables.core import lookup


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code: 0 drawn, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m drawing", description=f"Draws faces; layouts: {_layouts()}.")
    parser.add_argument("--layout", default="drawn_faces", help=f"one of: {_layouts()} (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="folder to draw into: new, empty, or drawn before with equal settings")
    parser.add_argument("--difficulty", choices=list(DIFFICULTIES), help="default: medium; for a sheet easy")
    parser.add_argument("--subjects", type=int, default=24, help="number of people (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="default: 0; for a sheet 143")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet (PNG) to this file")
    chosen = parser.parse_args(arguments)
    if chosen.out is None and chosen.sheet is None:
        parser.error("nothing to draw: give --out DIR, --sheet FILE, or both")
    settings = {name: getattr(chosen, name) for name in ("difficulty", "seed") if getattr(chosen, name) is not None}
    try:
        if chosen.out is not None:
            layout = lookup.load("drawing.layouts", chosen.layout, "layout")
            layout.write(chosen.out, num_subjects=chosen.subjects, on_progress=_show_progress, **settings)
            print(f"{chosen.out}: {chosen.subjects} drawn subjects")
        if chosen.sheet is not None:
            write_sheet(chosen.sheet, **settings)
            print(chosen.sheet)
    except (ValueError, OSError) as error:
        print(f"drawing: {error}", file=sys.stderr)
        return 2
    return 0


def _layouts() -> str:
    return ", ".join(lookup.names("drawing.layouts"))


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} clips", end="\n" if done == total else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
