"""One name under several spellings: `Anna`, `anna` and `ANNA `; `Zoë` in one character for its `ë`, and in two."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

JOINED = " + "  # between the names of people who count as one


def merged(names: Sequence[str], *, keep: bool = False) -> tuple[list[str], tuple[str, ...]]:
    """The names, each in the first spelling that it has among them, and a note on every one that has several.

    Compared are the names without case, surrounding space and Unicode form (NFKC, so that `Ｐ０１`, as East Asian keyboards
    write it, is `P01`). A name with a single spelling stays as it is. `keep` keeps all spellings apart.
    """
    if keep:
        return list(names), ()
    spellings: dict[str, dict[str, None]] = {}
    for name in names:
        spellings.setdefault(same(name), {})[name] = None
    first = {key: next(iter(several)) for key, several in spellings.items()}
    notes = tuple(
        f"{_quoted(list(several))} are taken for one name" for several in spellings.values() if len(several) > 1
    )
    return [first[same(name)] for name in names], notes


def same(name: str) -> str:
    """What all spellings of a name have in common."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def members(name: str) -> list[str]:
    """The people whom a name stands for: several where a table joined them (`JOINED`)."""
    return name.split(JOINED)


def _quoted(spellings: Sequence[str]) -> str:
    """In quotes, and by their code points where two of them look alike."""
    looks = [unicodedata.normalize("NFC", name) for name in spellings]
    shown = [ascii(name) if looks.count(look) > 1 else repr(name) for name, look in zip(spellings, looks, strict=True)]
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
