"""What is wrong with Ray's address, or with its folder, is known before it is joined or started."""

import http.server
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tuning.execution import reachable, session
from tuning.execution.reachable import given_address, trouble_joining, trouble_starting
from tuning.execution.session import look_ahead


@pytest.fixture(autouse=True)
def _of_nobody(monkeypatch):
    for name in ("RAY_ADDRESS", "RAY_TMPDIR", "RAY_USE_TLS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("given", "taken"), [("", ""), ("local", ""), (" 10.0.0.1:6379\n", "10.0.0.1:6379")])
def test_an_address_is_taken_as_ray_takes_it(monkeypatch, given, taken):
    monkeypatch.setenv("RAY_ADDRESS", given)
    assert given_address() == taken


@pytest.mark.parametrize(
    ("address", "trouble"),
    [
        *(
            (address, "is not HOST:PORT, such as")
            for address in ("localhost", "a b:1", "h:99999", "h:0", "h:port", ":6379")
        ),
        *(
            (address, "is for `ray job submit` or Ray Client;")
            for address in ("ray://h:10001", "http://127.0.0.1:8265")
        ),
        ("127.0.0.1:9", "does not answer: Connection refused"),
        ("[::1]:9", "does not answer: "),
        (f"{'a' * 64}.example:6379", "does not answer: "),
    ],
)
def test_an_address_at_which_no_ray_can_be_joined_is_said_to_be_one(address, trouble):
    assert trouble_joining(address).startswith(trouble)


def test_who_answers_is_asked_whether_it_is_a_ray(monkeypatch):
    monkeypatch.setattr(reachable, "_PATIENCE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert trouble_joining(f"127.0.0.1:{silent.getsockname()[1]}") == "is answered by no Ray"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert trouble_joining(f"127.0.0.1:{server.server_port}") == "is answered by no Ray"
        monkeypatch.setenv("RAY_USE_TLS", "1")  # certificates are Ray's business
        assert trouble_joining(f"127.0.0.1:{server.server_port}") == ""
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def head():
    """The address of a server that speaks as one of Ray's does, to those who bring no token."""
    server = grpc.server(ThreadPoolExecutor(1))  # it knows no method, and says so
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


def test_a_ray_is_known_by_its_speech_whatever_it_says(head, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert trouble_joining(head) == ""


def test_auto_is_a_ray_on_this_machine_or_none(monkeypatch, head):
    from ray._private import services

    monkeypatch.setattr(services, "find_bootstrap_address", lambda folder: None)
    monkeypatch.setattr(services, "find_gcs_addresses", set)
    assert session.unreachable("auto") == "finds no Ray on this machine"
    monkeypatch.setattr(services, "find_gcs_addresses", lambda: {head})
    assert session.unreachable("auto") == ""


@pytest.mark.parametrize("name", ["TMPDIR", "RAY_TMPDIR"])
def test_a_folder_too_long_for_sockets_is_refused_with_a_remedy(monkeypatch, tmp_path, name):
    session_folder = (
        len("/ray/session_2026-01-01_00-00-00_000000_") + len(str(os.getpid())) + len("/sockets/plasma_store")
    )
    longest = "/" + "a" * (reachable.LONGEST_SOCKET - session_folder - 1)
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("a" * 100)))
    monkeypatch.setenv(name, longest)
    assert trouble_starting() == ""
    monkeypatch.setenv(name, f"{longest}a")
    with pytest.raises(
        ValueError, match=rf"\(\${name}\), whose paths would have 108 bytes; 107 are allowed\. Set RAY_TMP"
    ):
        look_ahead()


def test_a_folder_that_cannot_be_made_is_refused(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(reachable, "LONGEST_SOCKET", 1000)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "file"))
    assert trouble_starting() == f"keeps sockets under {tmp_path / 'file'} ($RAY_TMPDIR), which cannot be written"


def test_what_this_machine_has_is_known_before_ray_starts(monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    (node,) = look_ahead()
    assert node.num_cpus >= 1


def test_what_a_cluster_has_is_known_before_it_is_joined(monkeypatch, head):
    import ray._raylet
    from ray.core.generated.gcs_pb2 import GcsNodeInfo

    answers = iter([False, True])  # the head is up before its own machine is part of it

    class Client:
        def __init__(self, address):
            assert address == head

        def get_all_node_info(self, timeout):
            if not next(answers):
                return {}
            alive = GcsNodeInfo(state=GcsNodeInfo.ALIVE, resources_total={"CPU": 8.0, "GPU": 1.0})
            return {1: alive, 2: GcsNodeInfo(state=GcsNodeInfo.DEAD, resources_total={"CPU": 64.0})}

    monkeypatch.setattr(ray._raylet, "GcsClient", Client)
    monkeypatch.setenv("RAY_ADDRESS", head)
    assert look_ahead() == (session.Node(num_cpus=8.0, num_gpus=1.0),)
