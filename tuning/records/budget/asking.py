"""Asking and settling questions in the registry: paid before the answers are read, by one process at a time.

A store in a file is locked beside the file, with the lock of the aliases. A server has no lock, so the list is read right
before the question is written and right after. Where somebody else appeared in between, the question is taken back and asked
again at what is left then. Of all who went on the last to write has seen all others, so together they never pay more than
there was. Until that is sure the question stands there as `asking`, and counts: whoever dies in between has paid.
"""

from __future__ import annotations

import dataclasses
import random
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import mlflow
from mlflow.exceptions import MlflowException

from tuning.records.aliases import guarded
from tuning.records.budget.question import MOST_NAMED, Question, people_hash, questions_in
from tuning.records.mlflow_client import registry_uri
from tuning.records.mlflow_store import pointed_at, shown_registry

MOST_TRIES = 10
PAUSE_S = 0.3  # before the second try at most; it doubles with each
LONGEST_PAUSE_S = 20.0


def questions(tracking_uri: str, name: str, salt: str) -> list[Question]:
    """All questions to the people of `salt` about the registered model `name`; none where there is no such model yet."""
    with pointed_at(tracking_uri):
        return _questions(mlflow.MlflowClient(), name, people_hash(salt))


def ask(
    tracking_uri: str,
    name: str,
    salt: str,
    key: str,
    level_after: Callable[[list[Question]], float],
    *,
    study: str = "",
    challenger: str = "",
    tell: Callable[[str], None] = lambda message: None,
) -> Question:
    """The question `key`, paid for: at the level `level_after` the questions before it, or as it was asked before.

    `tell` hears once that a race was lost. Raises `TimeoutError` where others kept asking meanwhile, and `ConnectionError`.
    """
    people = people_hash(salt)
    named = {"study": study[:MOST_NAMED], "challenger": challenger[:MOST_NAMED], "salt": salt[:MOST_NAMED]}
    with _writing(tracking_uri, name) as client:
        _create(client, name)
        for attempt in range(MOST_TRIES):
            before = _questions(client, name, people)
            if known := _asked(before, key):
                return known
            level = level_after(before)
            given = {"people": people, "key": key, "nonce": secrets.token_hex(4), **named}
            mine = Question(**given, level=level, state="asking", asked_at=time.time())
            if level > 0:  # else those who ask right now paid for all that there is
                client.set_registered_model_tag(name, mine.tag, mine.value)
                after = [one for one in _questions(client, name, people) if one.tag != mine.tag]
                if _paid(after) == _paid(before):
                    paid = dataclasses.replace(mine, state="asked")
                    client.set_registered_model_tag(name, paid.tag, paid.value)
                    return paid
                client.delete_registered_model_tag(name, mine.tag)
            if attempt == 0:
                tell(
                    f"Somebody else asked about {name} in the same moment; the question is asked again at what is left."
                )
            time.sleep(random.uniform(0, min(PAUSE_S * 2**attempt, LONGEST_PAUSE_S)))
    raise TimeoutError(
        f"The question of {challenger or key} about {name} could not be asked in {MOST_TRIES} tries: others ask in "
        f"{shown_registry(tracking_uri)} meanwhile. Nothing was paid; try again."
    )


def settle(tracking_uri: str, name: str, salt: str, key: str, *, promoted: bool) -> Question:
    """Write down how the question `key` ended. One that ended in a promotion stays so: what it earned may be spent by now.

    Raises `ValueError` for one that was not asked.
    """
    with _writing(tracking_uri, name) as client:
        found = _asked(_questions(client, name, people_hash(salt)), key)
        if found is None:
            raise ValueError(
                f"The question {key} was not asked about {name}, so it cannot be settled. `ask` comes first."
            )
        ended = dataclasses.replace(found, state="promoted" if promoted else "refused")
        if found.state not in ("promoted", ended.state):
            client.set_registered_model_tag(name, ended.tag, ended.value)
            return ended
    return found


@contextmanager
def _writing(tracking_uri: str, name: str) -> Generator[mlflow.MlflowClient]:
    """A client for the registry, while nobody else who shares its file writes about `name`."""
    with pointed_at(tracking_uri), guarded(registry_uri(tracking_uri), name):
        yield mlflow.MlflowClient()


def _create(client: mlflow.MlflowClient, name: str) -> None:
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _questions(client: mlflow.MlflowClient, name: str, people: str) -> list[Question]:
    try:
        stated = client.get_registered_model(name).tags
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return []
        raise
    return questions_in(stated, people)


def _asked(known: list[Question], key: str) -> Question | None:
    return next((one for one in known if one.key == key and one.state != "asking"), None)


def _paid(known: list[Question]) -> dict[str, float]:
    return {one.tag: one.level for one in known}
