"""What a worker of a slot does: it takes trial after trial from the study's queue. Torch is imported in here alone."""

from __future__ import annotations

import gc
import socket
import traceback
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError

if TYPE_CHECKING:
    from trainables.core.training.workers import Group


def work(config: Mapping[str, Any]) -> None:
    """The loop of one worker of `slot`: take a trial from `queue`, run it with `threads` threads, say how it ended."""
    import torch

    from trainables.core.ray.trainer import TrialFailed, join
    from trainables.core.training.workers import is_lost

    if not Path(config["folder"]).is_dir():  # a machine that joined after all others were asked
        raise FileNotFoundError(
            f"{socket.gethostname()} does not see {config['folder']}, which all machines have to share."
        )
    group = join()
    queue, slot, done = config["queue"], config["slot"], ""
    name = group.agree(uuid.uuid4().hex)  # of this group; the one that replaces it after a death has another
    node = ray.get_runtime_context().get_node_id()
    torch.set_num_threads(config["threads"])
    while (taken := ray.get(queue.take.remote(slot, name, done, node))) is not None:
        done, spec = taken
        last = _run(spec, done, queue, group)
        gc.collect()
        lost = "failed" in last and is_lost(group.device)
        if group.device.type == "cuda" and not lost:
            torch.cuda.empty_cache()
        if "failed" in last and group.world_size > 1:
            # The other ranks wait in a collective: only a new group frees them. Or one of them died, and this is what the
            # rest saw of it: the controller knows.
            raise TrialFailed(spec["trial_id"], done, last)
        if group.leads:
            ray.get(queue.report.remote(spec["trial_id"], done, last | {"done": True}))
        if lost:
            raise RuntimeError(last["failed"])  # the GPU answers this process no more
    if group.world_size > 1:
        torch.distributed.destroy_process_group()


def _run(spec: dict[str, Any], turn: str, queue: Any, group: Group) -> dict[str, Any]:
    """The last report of a trial in its `turn`: its metrics, the study's baselines where it is them, or why there are none."""
    from trainables.core.baselines.record import BASELINES
    from trainables.core.full_disk import refusal
    from trainables.core.training.trial import Stopped, TrialSpec, run_trial
    from trainables.core.training.workers import whereabouts

    workers = group.gather(whereabouts(group.device))

    def report(row: Mapping[str, Any]) -> bool:
        go_on = ray.get(queue.report.remote(spec["trial_id"], turn, dict(row))) if group.leads else True
        return group.agree(go_on)

    try:
        if spec["trial_id"] == BASELINES:
            from trainables.core.baselines.measure import measure_baselines  # scikit-learn, a second

            return {"baselines": measure_baselines(TrialSpec(**spec), group), "workers": workers}
        return {"metrics": run_trial(TrialSpec(**spec), report, group), "workers": workers}
    except Stopped:
        return {"stopped": True}
    except RayError:  # nobody hears this worker any more
        raise
    except Exception as error:  # any error of a trial is the trial's result; the study goes on
        failed = {"failed": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc(), "workers": workers}
        refused = refusal(error)
        return failed if refused is None else {**failed, "refused": refused}
