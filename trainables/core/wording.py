"""Small words that every room needs for its messages."""

from __future__ import annotations


def first_line(said: object) -> str:
    """The first line of what an error says; `""` where it says nothing."""
    return next(iter(str(said).splitlines()), "")


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 trial`, `2 trials`, `1,200 people`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
