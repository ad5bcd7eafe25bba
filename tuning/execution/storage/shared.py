"""Whether all machines of a cluster see the files of a study, asked before its first trial."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trainables.core import files
from trainables.core.prepared.node_copy import ON_NODE, VARIABLE
from trainables.core.wording import counted, first_line
from tuning.execution.devices.nodes import Node
from tuning.execution.session import Session, alive_nodes
from tuning.execution.storage.probe import Answer, Asked, appears, code_here, content_of, look, write

PATIENCE_S = 60.0  # for an answer: a process has to start, on a machine that may be busy
SHARE = (
    "Set $FERTUNE_HOME to a folder of a file system that all machines share, mounted under the same path on each, or unset "
    "RAY_ADDRESS to run on this machine alone."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """What came of asking `node`: its `answer`, or `None` and why; and whether what it wrote is `seen` here."""

    node: Node
    answer: Answer | None
    error: str = ""
    seen: bool = False


# Asks each machine, and answers for each in turn what it said, or why it said nothing.
Ask = Callable[[Sequence[Node], Asked], Iterable[tuple[Node, "Answer | str"]]]


def require_shared(
    session: Session, folder: Path, prepared: Path, tell: Callable[[str], None], *, ask: Ask | None = None
) -> None:
    """Raises `ValueError` where a machine of `session` does not see the study's `folder` or its `prepared` data.

    The sentence names each such machine. Where there are workers on this machine alone, nothing is started. Another code
    than here is told.
    """
    others = [node for node in session.nodes if node.node_id != session.here and (node.num_cpus or node.num_gpus)]
    if not others:
        return
    token = secrets.token_hex(8)
    asked = Asked(folder=str(folder), token=token, prepared=str(prepared), content=content_of(prepared))
    write(folder, token, "")
    try:
        looks = [_looked(node, said, asked) for node, said in (ask or _ask)(others, asked)]
    finally:
        for left in folder.glob(files.PROBE.format(token="*", name="*")):  # those of a driver that was killed too
            with contextlib.suppress(OSError):
                left.unlink()
    if wrong := refusal(looks, folder, prepared):
        raise ValueError(wrong)
    here = code_here()
    codes: dict[str, list[str]] = {}
    for one in looks:
        if one.answer and one.answer.code != here:
            codes.setdefault(one.answer.code, []).append(one.node.name)
    for code, names in codes.items():
        tell(
            f"{', '.join(names)}: the code is fertune {code}, and {here} on this machine. Trials may differ by machine."
        )


def refusal(looks: Sequence[Look], folder: Path, prepared: Path) -> str:
    """Why a study cannot run on the machines that were asked, and what to do; `""` where it can."""
    troubles = [words for one in looks if (words := _trouble(one, folder, prepared))]
    if not troubles:
        return ""
    begin = (
        f"Study {folder.name} needs its files on every machine, and {counted(len(troubles), 'machine')} of the cluster"
    )
    end = SHARE if any(one.answer for one in looks if _trouble(one, folder, prepared)) else _ALIVE
    return f"{begin} cannot be used: {'; '.join(troubles)}. {end}"


_ALIVE = "Mend the Ray on it or end it there, and begin again; or unset RAY_ADDRESS to run on this machine alone."


def node_data(session: Session, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """What a `TrialSpec` says of copies of the data on the disks of machines: of one machine alone none are made."""
    if len(session.machines) < 2:
        return {}
    return {"local_data": environment.get(VARIABLE) or ON_NODE}


def _trouble(asked: Look, folder: Path, prepared: Path) -> str:
    name, answer = asked.node.name, asked.answer
    if answer is None:
        return f"{name} {asked.error}"
    if not answer.sees:
        return f"{name} does not see {folder}"
    if answer.trouble:
        return f"{name} cannot write into {folder} ({answer.trouble})"
    if not asked.seen:
        return f"what {name} writes into {folder} does not come here"
    return "" if answer.has_data else f"{name} does not see the prepared faces {prepared}, or sees others there"


def _looked(node: Node, said: Answer | str, asked: Asked) -> Look:
    if isinstance(said, str):
        return Look(node=node, answer=None, error=said)
    written = Path(asked.folder) / files.PROBE.format(token=asked.token, name=node.node_id)
    return Look(node=node, answer=said, seen=said.sees and not said.trouble and appears(written, asked.token))


def _ask(nodes: Sequence[Node], asked: Asked) -> Iterable[tuple[Node, Answer | str]]:
    """All at once, through Ray. A machine that has left is passed over, even one that Ray has not missed yet."""
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from trainables.core.ray.slots import is_gone

    answers = {}
    for node in nodes:
        if is_gone(node.node_id):
            continue
        there = NodeAffinitySchedulingStrategy(node.node_id, soft=False)
        task = ray.remote(num_cpus=0, max_calls=1, max_retries=0)(look)
        answers[node] = task.options(scheduling_strategy=there).remote(asked, node.node_id)
    if not answers:
        return
    answered, silent = ray.wait(list(answers.values()), num_returns=len(answers), timeout=PATIENCE_S)
    for answer in silent:
        ray.cancel(answer, force=True)
    alive = {node.node_id for node in alive_nodes()}
    for node, answer in answers.items():
        if node.node_id not in alive:
            continue
        if answer not in answered:
            yield node, f"did not answer within {PATIENCE_S:g} s"
            continue
        try:
            yield node, ray.get(answer)
        except RayError as error:
            yield node, f"cannot run fertune ({first_line(str(getattr(error, 'cause', None) or error))})"
