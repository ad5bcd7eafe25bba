"""The machines of a Ray."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

KIND = "accelerator_type:"  # before the kind of its GPUs, in what Ray says that a machine has
GROUP = "ray.io/node-group"  # the label of what an autoscaler started
_HEAD = "node:__internal_head__"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Node:
    """What one machine of a Ray cluster has in all.

    `kind` is that of its GPUs, as Ray calls it (H100); `""` where it has none, or Ray cannot tell. `group` is what an
    autoscaler calls the machines of its type. What an autoscaler may start has no `node_id`, `host` and `ip` yet.
    """

    num_cpus: float
    num_gpus: float = 0.0
    kind: str = ""
    group: str = ""
    node_id: str = ""
    host: str = ""
    ip: str = ""

    @classmethod
    def of(cls, has: Mapping[str, float], **about: str) -> Self:
        """The machine that `has` these resources of Ray's."""
        gpus = has.get("GPU", 0.0)
        kind = next((name.removeprefix(KIND) for name in has if name.startswith(KIND)), "") if gpus else ""
        if _HEAD in has:
            about["group"] = ""  # no autoscaler starts another
        return cls(num_cpus=has.get("CPU", 0.0), num_gpus=gpus, kind=kind, **about)

    @classmethod
    def told(cls, node: Mapping[str, Any]) -> Self:
        """A machine of `ray.nodes()`."""
        about = {"node_id": node["NodeID"], "host": node["NodeManagerHostname"], "ip": node["NodeManagerAddress"]}
        return cls.of(node["Resources"], group=node.get("Labels", {}).get(GROUP, ""), **about)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.host} ({self.ip})" if self.host != self.ip else self.host
