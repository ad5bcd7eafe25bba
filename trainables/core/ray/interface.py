"""Which interface of this machine has an address."""

from __future__ import annotations

import psutil


def interface_of(address: str) -> str:
    """The name of the network interface that has the IP `address`, `""` where none has."""
    for name, found in psutil.net_if_addrs().items():
        if any(one.address == address for one in found):
            return name
    return ""
