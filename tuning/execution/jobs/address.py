"""Where jobs are submitted, and the token that is asked for there: known within seconds, before anything is sent."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests

NAMES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
WHERE_A_TOKEN_IS_LOOKED_FOR = "RAY_AUTH_TOKEN, a file named by RAY_AUTH_TOKEN_PATH, or ~/.ray/auth_token"
_HELPS = "The address is that of the head's dashboard, http://HOST:8265 where nobody changed its port."
_PATIENCE_S = (4.0, 10.0)  # to connect, and for an answer


class NoHead(ConnectionError):
    """No Ray that takes jobs from here answers at an address; the message says why."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Head:
    """A cluster's head, as those who submit jobs see it. `token` is `""` where none is asked for."""

    address: str
    token: str = dataclasses.field(default="", repr=False)

    @property
    def headers(self) -> Mapping[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def find_head(given: str | None = None) -> Head:
    """The head at `given`, else at `$RAY_API_SERVER_ADDRESS` or `$RAY_ADDRESS`.

    There is no default: at Ray's own a study may run that somebody began on this machine alone, and its Ray ends with it. A
    token of this shell goes only to a head that asks for one. Raises `ValueError` for what is no address of that kind and
    `NoHead` where no Ray answers, or it does not take the token.
    """
    address, source = _address(given)
    answer = _asked(address, source, {})
    if answer.status_code != 401:
        _require_ray(answer, address, source)
        return Head(address=address)
    token = _token()
    if not token:
        raise NoHead(f"Ray at {address} asks for a token, and there is none in {WHERE_A_TOKEN_IS_LOOKED_FOR}.")
    head = Head(address=address, token=token)
    answer = _asked(address, source, head.headers)
    if answer.status_code in (401, 403):
        raise NoHead(
            f"Ray at {address} does not take the token of this shell. It is looked for in {WHERE_A_TOKEN_IS_LOOKED_FOR}, in "
            "this order."
        )
    _require_ray(answer, address, source)
    return head


def _address(given: str | None) -> tuple[str, str]:
    """The address, and where it comes from, to stand in brackets."""
    named = [("--address", given), *((f"${name}", os.environ.get(name)) for name in NAMES)]
    source, found = next(((name, value.strip()) for name, value in named if value and value.strip()), ("", ""))
    if not found:
        raise ValueError(
            "No cluster is named. Give the address of its dashboard by --address or RAY_API_SERVER_ADDRESS; after "
            "`ray start --head` on this machine that is http://127.0.0.1:8265."
        )
    if not found.startswith(("http://", "https://")) or not found.partition("://")[2].strip("/"):
        raise ValueError(
            f"{found} ({source}) is no address to submit jobs to: that of the dashboard is needed, http://HOST:8265 where "
            "nobody changed its port. Give it by --address or RAY_API_SERVER_ADDRESS."
        )
    return found.rstrip("/"), source


def _asked(address: str, source: str, headers: Mapping[str, str]) -> requests.Response:
    import requests  # a second

    try:
        return requests.get(f"{address}/api/version", headers=dict(headers), timeout=_PATIENCE_S, allow_redirects=False)
    except requests.Timeout:
        reason = "does not answer within seconds"
    except requests.ConnectionError as error:
        reason = f"does not answer: {_innermost(error)}"
    except (requests.RequestException, ValueError) as error:
        reason = f"cannot be asked: {error}"
    raise NoHead(f"Ray at {address} ({source}) {reason}. {_HELPS}") from None


def _require_ray(answer: requests.Response, address: str, source: str) -> None:
    try:
        is_ray = answer.status_code == 200 and "ray_version" in answer.json()
    except ValueError:
        is_ray = False
    if not is_ray:
        raise NoHead(f"{address} ({source}) is answered by no Ray. {_HELPS}")


def _innermost(error: BaseException) -> str:
    """The words of the system: those of requests hold the address once more, and names of its classes."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        inner = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        seen = inner if isinstance(inner, BaseException) else seen.__cause__ or seen.__context__
    return "no connection"


def _token() -> str:
    if token := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return token
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or os.path.expanduser("~/.ray/auth_token"))
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        return ""
