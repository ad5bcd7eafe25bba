"""An interface is found by an address that it has."""

import psutil

from trainables.core.ray.interface import interface_of


def test_an_interface_is_found_by_its_address():
    loopback = interface_of("127.0.0.1")
    assert "127.0.0.1" in {one.address for one in psutil.net_if_addrs()[loopback]}
    assert interface_of("203.0.113.1") == ""
