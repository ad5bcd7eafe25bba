"""Ports of one's own are free, of different numbers, and none of those that Ray gives its workers."""

import socket

from cluster.core.ports import free_ports


def test_ports_are_free_and_beyond_those_of_rays_workers():
    found = free_ports(4)
    assert len({port for port in found if port > 20_000}) == 4
    for port in found:
        with socket.create_server(("127.0.0.1", port)):
            pass
