"""Finding extensions by file name: a module lying directly in an extension package is one extension."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from types import ModuleType


class UnknownName(ValueError):
    """A name that no extension carries; the message holds the nearest match and the list of what there is."""


def names(package: str) -> list[str]:
    """The extensions of `package` (such as `"trainables.data"`), sorted, without importing any of them."""
    path = importlib.import_module(package).__path__
    return sorted(module.name for module in pkgutil.iter_modules(path) if not module.ispkg)


def load(package: str, name: str, kind: str) -> ModuleType:
    """The module of extension `name` in `package`; `kind` is the word for it in messages ("study", "data set").

    Raises `UnknownName` where there is no such file.
    """
    known = names(package)
    if name not in known:
        raise UnknownName(unknown(kind, name, known))
    return importlib.import_module(f"{package}.{name}")


def unknown(kind: str, given: str, allowed: list[str]) -> str:
    """The sentence for an unknown name: what was given, the nearest match, what is allowed."""
    nearest = difflib.get_close_matches(given, allowed, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    there_are = f"There are: {', '.join(allowed)}." if allowed else "There are none."
    return f"There is no {kind} named {given!r}.{hint} {there_are}"
