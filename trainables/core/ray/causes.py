"""Why something of Ray's died, in a sentence: its own words are a paragraph, and name what one could look for."""

from __future__ import annotations

import re

_LONGEST = 200  # characters of one sentence


def cause(error: BaseException | str) -> str:
    """The first sentence of what Ray says of an exit, else of the last line of `error`; it ends with a full stop."""
    text = str(error).strip() or type(error).__name__
    found = re.search(r"Worker exit detail: (.*)", text)
    line = (found.group(1) if found else text.splitlines()[-1]).strip()
    return re.split(r"(?<=[.!?])\s", line)[0][:_LONGEST].rstrip(".") + "."
