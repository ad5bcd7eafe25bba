"""A promotion by override: somebody promotes what the gate refuses, and says why (docs/decisions/0033)."""

from __future__ import annotations

import dataclasses
import getpass
import os
import unicodedata
from collections.abc import Mapping
from typing import Any

from tuning.records import tags

MOST_REASON = 500  # characters
MOST_USER = 100
MOST_SAID = 2000  # of what the gate said that the version is tagged with; the evidence has all of it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Override:
    """Why (`reason`) and by whom (`user`) something was promoted although the gate refused it; `refused` is what that said."""

    reason: str
    user: str
    refused: str = ""

    @classmethod
    def of_tags(cls, stated: Mapping[str, str]) -> Override | None:
        """What a registered version says of its own; `None` where it passed the gate."""
        if tags.OVERRIDE not in stated:
            return None
        given = {"user": stated.get(tags.OVERRIDE_USER, "unknown"), "refused": stated.get(tags.OVERRIDDEN, "")}
        return cls(reason=stated[tags.OVERRIDE], **given)

    @property
    def tags(self) -> dict[str, str]:
        """What the version is tagged with."""
        said = self.refused if len(self.refused) <= MOST_SAID else f"{self.refused[: MOST_SAID - 3]}..."
        return {tags.OVERRIDE: self.reason, tags.OVERRIDE_USER: self.user, tags.OVERRIDDEN: said}

    @property
    def told(self) -> str:
        """Plainly, for whoever lists, reads or serves the model."""
        return f"promoted by override: {self.reason} ({self.user}); the gate said: {self.refused}"


def override_of(reason: str | None) -> Override | None:
    """The override for the `reason` that is given, by the user of this process; `None` where none is.

    Raises `ValueError` for a reason or a name of a user that is empty, too long, or has characters that a terminal obeys.
    """
    if reason is None:
        return None
    return Override(
        reason=_plain(reason, "--override", MOST_REASON, "why this is promoted although the gate refuses it"),
        user=_plain(_user(), "The name of this user (LOGNAME, USER)", MOST_USER, "a name that can be written down"),
    )


def override_in(facts: Mapping[str, Any]) -> Override | None:
    """That of the `facts` of `evidence.json`; evidence of before says nothing of it."""
    return Override(**found) if (found := facts.get("override")) else None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may know no name
        return f"user id {os.getuid()}"


def _plain(text: str, what: str, most: int, needed: str) -> str:
    stripped = text.strip()
    odd = sorted(
        {f"U+{ord(one):04X}" for one in stripped if unicodedata.category(one)[0] == "C" or one in "\u2028\u2029"}
    )
    if stripped and not odd and len(stripped) <= most:
        return stripped
    given = (
        "an empty text" if not stripped else f"a text with {', '.join(odd)}" if odd else f"{len(stripped)} characters"
    )
    raise ValueError(
        f"{what} was given as {given}. Needed are 1 to {most} characters in one line, none of them a control character: "
        f"{needed}."
    )
