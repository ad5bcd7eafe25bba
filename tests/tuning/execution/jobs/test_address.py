"""A head is found, and asked whether it wants a token, before anything is sent."""

import contextlib
import http.server
import socket
import threading

import pytest

from tests.tuning.execution.jobs.fake_head import FakeHead
from tuning.execution.jobs import address
from tuning.execution.jobs.address import NoHead, find_head

TOKEN = "0123456789abcdef" * 4


def test_the_one_that_is_given_counts_before_those_of_the_environment(monkeypatch, head):
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://127.0.0.1:9")
    assert find_head(head.address + "/").address == head.address
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", head.address)
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:9")
    assert find_head().address == head.address
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS")
    monkeypatch.setenv("RAY_ADDRESS", head.address)
    assert find_head().address == head.address


def test_without_an_address_nobody_is_asked():
    """At Ray's default address a study of this machine may run, whose Ray ends with it."""
    with pytest.raises(ValueError, match=r"^No cluster is named\. Give the address of its dashboard by --address"):
        find_head()


@pytest.mark.parametrize("given", ["10.0.0.1:6379", "auto", "ray://h:10001", "http://", "ftp://h"])
def test_what_is_no_address_of_a_dashboard_is_said_to_be_one(monkeypatch, given):
    monkeypatch.setenv("RAY_ADDRESS", given)
    with pytest.raises(ValueError, match=r"\(\$RAY_ADDRESS\) is no address to submit jobs to: .* http://HOST:8265"):
        find_head()


@contextlib.contextmanager
def listening(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_nobody_a_stranger_and_one_who_says_nothing_are_told_apart(monkeypatch):
    monkeypatch.setattr(address, "_PATIENCE_S", (0.3, 0.3))
    with pytest.raises(NoHead, match=r"does not answer: Connection refused. The address is"):
        find_head("http://127.0.0.1:9")
    with pytest.raises(NoHead, match=r"cannot be asked: .* label empty or too long"):
        find_head(f"http://{'a' * 64}.example:8265")
    with listening(http.server.BaseHTTPRequestHandler) as stranger, pytest.raises(NoHead, match="answered by no Ray"):
        find_head(stranger)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(NoHead, match="does not answer within seconds"),
    ):
        find_head(f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_a_token_goes_to_a_head_that_asks_for_one_and_to_no_other(monkeypatch, head):
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    assert not find_head(head.address).token
    assert set(head.asked) == {""}
    with FakeHead(token=TOKEN).running() as guarded:
        found = find_head(guarded.address)
        assert (found.token, found.headers) == (TOKEN, {"Authorization": f"Bearer {TOKEN}"})
        assert TOKEN not in repr(found)


def test_a_token_is_looked_for_where_ray_looks(monkeypatch, tmp_path):
    with FakeHead(token=TOKEN).running() as guarded:
        with pytest.raises(NoHead, match="asks for a token, and there is none in RAY_AUTH_TOKEN, a file named by"):
            find_head(guarded.address)
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").write_text(TOKEN + "\n")
        assert find_head(guarded.address).token == TOKEN
        (tmp_path / "other").write_text("another")
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "other"))
        with pytest.raises(NoHead, match="does not take the token of this shell") as raised:
            find_head(guarded.address)
        assert "another" not in str(raised.value)
        monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
        assert find_head(guarded.address).token == TOKEN
