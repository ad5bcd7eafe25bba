"""Helpers for messages: the first line of an error, a counted noun, bytes."""

from __future__ import annotations


def first_line(message: object) -> str:
    """The first line of an error's message; `""` where there is none."""
    return next(iter(str(message).splitlines()), "")


def counted(number: float, noun: str, plural: str = "") -> str:
    """`1 trial`, `2 trials`, `1,200 people`, `0.5 GPUs`."""
    return f"{number:,.10g} {noun if number == 1 else plural or f'{noun}s'}"


def size(num_bytes: float) -> str:
    """Bytes as people read them: `512 B`, `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if num_bytes < 1024:
            return f"{num_bytes:.0f} B" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1024
    return f"{num_bytes:.1f} TiB"
