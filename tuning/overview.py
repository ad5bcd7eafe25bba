"""`status --all`: who runs on the cluster of `$RAY_ADDRESS` now, and every study of a home in a line."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuning.execution.reachable import given_address
from tuning.execution.sharing.key import known_identity
from tuning.execution.sharing.messages import beat_of
from tuning.execution.sharing.waits import read_waits
from tuning.records.home import home_of, known_studies
from tuning.records.ledger import Ledger
from tuning.records.owner import is_written
from tuning.text.errors import message_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnCluster:
    """A study that runs on the cluster now: whose it is, the slots that it holds, may hold and could use, and what one takes.

    `waits_for` is `""` where it does not wait; `here` says whether it is of this home.
    """

    study: str
    user: str
    host: str
    job: str
    priority: str
    held: int
    allowed: int
    wanted: int
    slot: str
    waits_for: str
    here: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """A study of the home: `running`, `waiting`, `interrupted` (some trials go on with --resume), `idle` or `damaged`.

    `trials` are counted by state; `last_event` is the last line of its ledger but for epochs, `last_event_at` when that was, in
    seconds of the epoch. `told` is what it waits for, or how its ledger is damaged.
    """

    study: str
    state: str
    trials: dict[str, int] = dataclasses.field(default_factory=dict)
    last_event: str = ""
    last_event_at: float | None = None
    told: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overview:
    """Studies `on_cluster`, those of the home, and why a cluster could not be asked: `""` where it was, or there is none.

    `asked` is whether `$RAY_ADDRESS` named a cluster.
    """

    on_cluster: list[OnCluster]
    studies: list[Known]
    unreachable: str = ""
    asked: bool = True


def overview(*, home: str | Path | None = None) -> Overview:
    """All studies that run on the cluster of `$RAY_ADDRESS`, anybody's, and all that were begun under `home`."""
    place = home_of(home)
    on_cluster: list[OnCluster] = []
    unreachable = ""
    if address := given_address():
        try:
            on_cluster = _on_cluster(known_identity(place))
        except Exception as error:  # the home is told of nevertheless
            unreachable = message_of(error)
    studies = [_known(place, name) for name in known_studies(place)]
    return Overview(on_cluster=on_cluster, studies=studies, unreachable=unreachable, asked=bool(address))


def as_told(one: Mapping[str, Any], identity: str) -> OnCluster:
    """What the keeper says of `one` study; `identity` is that of this home."""
    names = {field.name for field in dataclasses.fields(OnCluster)} - {"slot", "here"}
    slot = str(beat_of(one).slot)
    return OnCluster(**{name: one[name] for name in names}, slot=slot, here=one["home"] == identity)


def _on_cluster(identity: str) -> list[OnCluster]:
    from tuning.execution.session import open_session

    with open_session():
        from tuning.execution.sharing.keeper import studies_of_cluster  # Ray

        return [as_told(one, identity) for one in studies_of_cluster()]


def _known(home: Path, name: str) -> Known:
    folder = home / name
    try:
        ledger = Ledger.read(folder)
    except (ValueError, OSError) as error:
        return Known(study=name, state="damaged", told=message_of(error))
    last: dict[str, Any] = next((event for event in reversed(ledger.events) if event["event"] != "epoch"), {})
    running = is_written(folder)
    told = read_waits(folder) if running else ""
    state = "waiting" if told else "running" if running else "idle"
    if state == "idle" and any(trial.halted for trial in ledger.trials.values()):
        state = "interrupted"
    return Known(
        study=name,
        state=state,
        trials=dict(Counter(trial.state for trial in ledger.trials.values())),
        last_event=" ".join([last.get("event", ""), str(last.get("trial_id", ""))]).strip(),
        last_event_at=last.get("time"),
        told=told,
    )
