"""Two hosts on one machine: the second has a network namespace of its own, and a cable that can be pulled.

Where no namespace may be made, both share the machine's loopback and a cut network is stood in for: the processes of the
second host are stopped (SIGSTOP) as long as it lasts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import subprocess
from collections.abc import Generator

STAND_IN = "SIGSTOP of all processes of the second node, as no network namespace may be made here"


@dataclasses.dataclass(frozen=True)
class Network:
    """The addresses of the two hosts. `namespace` is `""` where there is no cable to pull, and `why_not` says why."""

    head: str = "127.0.0.1"
    node: str = "127.0.0.1"
    namespace: str = ""
    why_not: str = ""

    def on_second_host(self, command: list[str]) -> list[str]:
        """`command` as it runs on the second host."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *command] if self.namespace else command

    def pull(self) -> None:
        """Nothing passes between the hosts any more; each still reaches itself."""
        _ip("link", "set", f"{self.namespace}a", "down")

    def plug(self) -> None:
        _ip("link", "set", f"{self.namespace}a", "up")


@contextlib.contextmanager
def two_hosts() -> Generator[Network]:
    """A bridge, a namespace and the cable between them until the block ends."""
    number = os.getpid() % 4_000
    name, net = f"ch{number}", f"10.{200 + number // 250}.{number % 250}"
    with contextlib.ExitStack() as undoing:
        try:
            if not shutil.which("nsenter"):
                raise FileNotFoundError("nsenter")
            # The head's address is the bridge's, which stays up: with the cable it would lose its way to itself.
            _ip("link", "add", f"{name}br", "type", "bridge")
            undoing.callback(_ip, "link", "del", f"{name}br")
            _ip("addr", "add", f"{net}.1/24", "dev", f"{name}br")
            _ip("link", "set", f"{name}br", "up")
            _ip("netns", "add", name)
            undoing.callback(_ip, "netns", "del", name)  # and the cable with it
            _ip("link", "add", f"{name}a", "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", f"{name}a", "master", f"{name}br")
            _ip("link", "set", f"{name}a", "up")
            for given in (("addr", "add", f"{net}.2/24", "dev", "eth0"), ("link", "set", "eth0", "up")):
                _ip("-n", name, *given)
            _ip("-n", name, "link", "set", "lo", "up")
        except (OSError, subprocess.CalledProcessError) as error:
            undoing.close()
            said = error.stderr.decode() if isinstance(error, subprocess.CalledProcessError) else str(error)
            yield Network(why_not=said.strip())
            return
        yield Network(f"{net}.1", f"{net}.2", name)


def _ip(*given: str) -> None:
    subprocess.run(["ip", *given], check=True, capture_output=True, timeout=20)
