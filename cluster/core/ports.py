"""Ports for servers of one's own."""

from __future__ import annotations

import contextlib
import socket


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, beyond those that Ray gives its workers (10002 to 19999)."""
    with contextlib.ExitStack() as held:
        ports = []
        while len(ports) < count:
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            if one.getsockname()[1] > 20_000:
                ports.append(one.getsockname()[1])
        return ports
