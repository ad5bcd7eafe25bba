"""Whether it was the disk that refused: no trial is to blame for that, and none of the others would fare better."""

from __future__ import annotations

import errno

REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)
_WORDS = "No space left on device"  # of libraries that raise an error of their own


def refusal(error: BaseException) -> int | None:
    """Of what `error` came of, the number (of `errno`) by which a disk refused to be written; `None` where none did."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.errno in REFUSALS:
            return found.errno
        if _WORDS in str(found):
            return errno.ENOSPC
        found = found.__cause__ or found.__context__
    return None
