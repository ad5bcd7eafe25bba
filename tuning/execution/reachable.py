"""What may be wrong with Ray's address, or the folder of its sockets, as it can be known before Ray is joined or started."""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from pathlib import Path

START_RAY = "Start it with `ray start --head`, or unset RAY_ADDRESS to run on this machine alone."
SHORTER = "Set RAY_TMPDIR to a short path that can be written, such as /tmp."
LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107  # bytes of a path (unix(7))
_PATIENCE_S = 10.0


def given_address() -> str:
    """`$RAY_ADDRESS`; `""` where a Ray is to be started on this machine."""
    address = os.environ.get("RAY_ADDRESS", "").strip()
    return "" if address == "local" else address


def trouble_joining(address: str) -> str:
    """Why the Ray at `address` cannot be joined, to follow that address in a sentence; `""` where a Ray answers."""
    if "://" in address:
        return "is for `ray job submit` or Ray Client; a study joins Ray itself, at HOST:PORT such as 10.0.0.1:6379"
    found = re.fullmatch(r"\[?([^\s\[\]]+?)\]?:(\d+)", address)
    if not found or not 0 < int(found[2]) < 2**16:
        return "is not HOST:PORT, such as 10.0.0.1:6379"
    try:
        with socket.create_connection((found[1], int(found[2])), timeout=3):
            pass
    except (OSError, UnicodeError) as error:  # a name that no host can have
        return f"does not answer: {getattr(error, 'strerror', None) or error}"
    return "" if os.environ.get("RAY_USE_TLS", "0") not in ("", "0") or _is_ray(address) else "is answered by no Ray"


def trouble_starting() -> str:
    """Why Ray cannot start on this machine, to follow "Ray" in a sentence; `""` where nothing is known to be in the way.

    Its sockets lie under `$RAY_TMPDIR`, else `$TMPDIR`, else /tmp; the kernel bounds the length of their paths.
    """
    named = next((name for name in ("RAY_TMPDIR", "TMPDIR") if name in os.environ), "")
    folder = Path(os.environ[named] if named else "/tmp", "ray")
    where = f"under {folder.parent}" + (f" (${named})" if named else "")
    begun = time.strftime("session_%Y-%m-%d_%H-%M-%S_000000_")
    longest = len(os.fsencode(folder / f"{begun}{os.getpid()}" / "sockets" / "plasma_store"))
    if longest > LONGEST_SOCKET:
        return f"keeps sockets {where}, whose paths would have {longest} bytes; {LONGEST_SOCKET} are allowed"
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return f"keeps sockets {where}, which cannot be written"
    return ""


def _is_ray(address: str) -> bool:
    """Whether who answers at `address` is asked for its health as every server of Ray is, and says something."""
    import grpc  # Ray speaks it

    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=_PATIENCE_S)
        except grpc.RpcError as error:  # one that refuses without a token answers too
            code = error.code()  # ty: ignore[missing-attribute]
            return code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    return True
