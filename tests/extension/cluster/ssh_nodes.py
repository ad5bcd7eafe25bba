"""`python -m cluster.ssh_nodes HOST...`: prints the commands that join machines over ssh to a Ray head started here."""

from __future__ import annotations

import argparse
import shlex
import socket


def main() -> None:
    """Print the commands, for a shell."""
    parser = argparse.ArgumentParser(prog="python -m cluster.ssh_nodes", description=__doc__)
    parser.add_argument("hosts", nargs="+", metavar="HOST", help="a machine with fertune at the same path as here")
    parser.add_argument("--port", type=int, default=6379, help="port of the head (default: %(default)s)")
    given = parser.parse_args()
    print(f"ray start --head --port={given.port}")
    for host in given.hosts:
        print(shlex.join(["ssh", host, f"ray start --address={socket.gethostname()}:{given.port}"]))


if __name__ == "__main__":
    main()
