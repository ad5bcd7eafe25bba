"""Champion aliases: the two aliases of a registered model, moved by one process at a time.

A registry has no compare-and-set, so a store in a file is guarded by a lock beside it. On a server the champion is asked
for right before and right after it is set; two machines that set it within the same milliseconds end with one champion,
and the one that lost is told so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from typing import Any
from urllib.parse import quote

from filelock import FileLock, Timeout

from trainables.core import files
from tuning.records import tags
from tuning.records.mlflow_client import database_path

CHAMPION = "champion"  # also the variant under which a study trains the present champion again
PREVIOUS = "previous"
PATIENCE_S = 600.0  # a promotion that uploads large weights holds the lock for so long at most


class ChampionChanged(RuntimeError):
    """Somebody else moved the alias since it was looked at; the message says from what to what."""


@contextlib.contextmanager
def guarded(uri: str, name: str) -> Generator[None]:
    """Nobody else who shares a store in a file at `uri` moves the aliases of `name` while the block lasts.

    Raises `TimeoutError` where somebody holds on to them.
    """
    database = database_path(uri)
    if database is None:
        yield
        return
    lock = FileLock(database.with_name(files.REGISTRY_LOCK.format(database=database.name, model=quote(name, safe=""))))
    try:
        lock.acquire(timeout=PATIENCE_S)
    except Timeout:
        raise TimeoutError(
            f"Another process has been changing the champion of {name} for {PATIENCE_S:.0f} s."
        ) from None
    try:
        yield
    finally:
        lock.release()


def make_champion(client: Any, name: str, version: int, *, replacing: int | None) -> None:
    """Give `version` of `name` the alias `champion`; the version `replacing`, which had it, becomes `previous`.

    `replacing` is `None` where there was no champion. What is champion already stays so. Whoever dies in between leaves
    the old champion, and may try again.
    Raises `ChampionChanged` where another version is champion by now.
    """
    present = champion_version(client, name)
    if present == version:
        return
    require_unchanged(name, present, replacing)
    if replacing is not None:
        client.set_registered_model_alias(name, PREVIOUS, str(replacing))
    client.set_registered_model_alias(name, CHAMPION, str(version))
    require_unchanged(name, champion_version(client, name), version)


def swap(client: Any, name: str) -> int:
    """Let `previous` and `champion` of `name` change places; the version that is champion now.

    The other says so in its tag `fertune.rolled_back`. What a call that died left half done is completed, and nothing else.
    Raises `ValueError` where there are not two of them, and `ChampionChanged`.
    """
    new, old = _to_swap(client, name)
    client.set_registered_model_tag(name, tags.SWAPPING, f"{new} {old}")
    client.set_registered_model_alias(name, CHAMPION, str(new))
    client.set_registered_model_alias(name, PREVIOUS, str(old))
    require_unchanged(name, champion_version(client, name), new)
    client.set_model_version_tag(name, str(old), tags.ROLLED_BACK, time.strftime("%Y-%m-%dT%H:%M:%S%z"))
    client.delete_model_version_tag(name, str(new), tags.ROLLED_BACK)
    client.delete_registered_model_tag(name, tags.SWAPPING)
    return new


def _to_swap(client: Any, name: str) -> tuple[int, int]:
    """Who is to be champion of `name`, and who previous: those of a rollback that died, else those who change places."""
    before = aliases(client, name)
    if CHAMPION not in before:
        raise ValueError(f"No version of {name} is champion, so there is nothing to roll back.")
    new, old = before.get(PREVIOUS), before[CHAMPION]
    begun = tuple(map(int, client.get_registered_model(name).tags.get(tags.SWAPPING, "").split()))
    if begun and old == begun[0] and new in begun:  # it died after it had moved `champion`
        return begun[0], begun[1]
    if new is None or new == old:
        raise ValueError(
            f"Version {old} of {name} is its only champion so far: there is no previous one to restore. Another version "
            "becomes champion by `promote`."
        )
    return new, old


def champion_name(registered_model: str, dataset: str, *, drawn: bool) -> str:
    """The name that a study's champion gets: a model of drawn faces may not pass for one of the data set they imitate."""
    return f"{registered_model}-drawn" if drawn and dataset != "drawn_faces" else registered_model


def champion_uri(name: str) -> str:
    """What names the champion of `name`, whoever that is."""
    return f"models:/{name}@{CHAMPION}"


def require_unchanged(name: str, present: int | None, expected: int | None) -> None:
    """Raises `ChampionChanged` where `present`, the champion of `name` as of now, is not the `expected` version."""
    if present != expected:
        was, now = (f"version {version}" if version is not None else "no version" for version in (expected, present))
        raise ChampionChanged(f"Another process changed the champion of {name} meanwhile: {was} became {now}.")


def champion_version(client: Any, name: str) -> int | None:
    """The version of `name` that is champion; `None` where none is."""
    return aliases(client, name).get(CHAMPION)


def aliases(client: Any, name: str) -> dict[str, int]:
    """The versions by alias: a store in a database gives versions as numbers, a server as strings."""
    return {alias: int(version) for alias, version in client.get_registered_model(name).aliases.items()}
