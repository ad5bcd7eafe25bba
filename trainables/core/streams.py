"""Standard streams that take any text, whatever the terminal, the pipe or the locale makes of them."""

from __future__ import annotations

import codecs
import io
import os
import sys

SIGNS = {"★": "*", "↑": "^", "↓": "v", "±": "+-", "·": ".", "–": "-", "…": "..."}  # our own
_WRITTEN = "fertune.written"


def take_any_text() -> None:
    """What the encoding of standard output or error lacks is written by its code (`\\u00e9`), our own signs by a like one.

    A stream that was closed swallows what it is given, and no file that is opened later gets its number.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    codecs.register_error(_WRITTEN, _written)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "backslashreplace"):
            stream.reconfigure(errors=_WRITTEN)


def _written(error: UnicodeError) -> tuple[str | bytes, int]:
    """A handler of `codecs.register_error`: one sign after the other."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    if sign in SIGNS:
        return SIGNS[sign], error.start + 1
    one = UnicodeEncodeError(error.encoding, error.object, error.start, error.start + 1, error.reason)
    return codecs.backslashreplace_errors(one)
