"""The trainer: one model, one fold, plain PyTorch. It knows neither Ray nor MLflow, and nothing about who listens.

The loop is read from the top: `Training.run_epoch` trains one epoch and validates, `_keep_if_best` remembers the
checkpoint with the lowest validation loss (the earliest on ties), `Training.state` is what a resumed run needs.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainables.core.config import TrainerConfig
from trainables.core.prepared.batches import Clips, batches
from trainables.core.training.augmentation.augment import augment, num_copies, ramped, to_input
from trainables.core.training.augmentation.mixup import mixed
from trainables.core.training.averaging import Average
from trainables.core.training.epoch import Epoch
from trainables.core.training.features import Features, FromFeatures
from trainables.core.training.fine_tuning import FineTuning
from trainables.core.training.layout import channels_last
from trainables.core.training.losses import Loss
from trainables.core.training.memory.recomputed import recomputed
from trainables.core.training.metrics import scores
from trainables.core.training.optimizer import optimizer_of, schedule_of
from trainables.core.training.precision import autocast
from trainables.core.training.predictions import Predictions
from trainables.core.training.targets import Targets
from trainables.core.training.timing.reference import Reference
from trainables.core.training.timing.schedule import Estimate, scheduled
from trainables.core.training.workers import Group
from trainables.data.core.dataset import Fold

# From stored frames uint8 (B, T, S, S, 3) and which clips they are of to a network's input.
View = Callable[[Tensor, list[int]], Tensor]

AUXILIARY_WEIGHT = 0.3  # of the loss of an auxiliary head (Szegedy et al., CVPR 2015, section 5)


class NonFiniteLoss(ArithmeticError):
    """The loss became infinite or not a number; the message names the epoch, the learning rate and what helps."""


class Training:
    """A model being trained on one fold, epoch by epoch.

    `fold.test` is never read here. With an empty `fold.validation` (a refit) the last epoch is the chosen one.
    Same `seed`, same thread count: the same numbers to the last bit on a CPU, resumed or not. The group shares each batch
    (docs/decisions/0021): the schedule, the order of the clips and the gradients do not depend on how many workers it has.
    `after_step` is called on every rank after each step, when `state` may be asked for. `parts`, which changes no number, is
    how much of a step is computed again instead of kept (`trainables/core/training/memory/recomputed.py`).
    """

    def __init__(
        self, model: nn.Module, clips: Clips, fold: Fold, config: TrainerConfig, *, seed: int, group: Group
    ) -> None:
        self.clips, self.fold, self.config, self.seed, self.group = clips, fold, config, seed, group
        self.bare = channels_last(model.to(group.device))
        self.tuning = FineTuning(self.bare, config)
        self.tuning.begin(0)
        self.features = Features.of(self.bare, clips, config, self.tuning, group.device)
        self.model = group.wrap(FromFeatures(self.bare) if self.features else self.bare)
        self.copies = num_copies(config.augmentation)
        self.clips_per_epoch = len(fold.train) * self.copies
        self.steps_per_epoch = math.ceil(self.clips_per_epoch / config.batch_size)
        self.optimizer = optimizer_of(self.bare, config, self.tuning)
        self.schedule = schedule_of(self.optimizer, config, self.steps_per_epoch)
        self.average = Average(self.bare, config.ema_decay) if config.ema_decay else None
        self.order = self._order()
        self.targets = Targets.of(clips, fold, config)
        self.loss = Loss.of(config, self.targets.counts, group.device)
        self.curve: list[dict[str, float]] = []
        self.step_times_s: list[float] = []
        self.references: list[tuple[int, float]] = []
        self.reference = Reference(group)
        self.best: dict[str, Any] = {}
        self.after_step: Callable[[], object] = lambda: None
        self.parts = 0
        self._running: Epoch | None = None
        self._unfinished: dict[str, Any] | None = None  # of an epoch that was begun before this training was

    def run_epoch(self) -> dict[str, float]:
        """Train one epoch and validate; returns the row of the curve that it adds. Raises `NonFiniteLoss`."""
        row = self.train_epoch()
        if self.fold.validation:
            predictions = self._validated()
            self._require_finite(predictions.loss)
            row |= scores(predictions, "epoch")
        self.curve.append(row)
        self._keep_if_best(row)
        return row

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.curve)

    @property
    def chosen_from(self) -> nn.Module:
        """The network that is validated and kept: the average of the weights where there is one, else the trained one."""
        return self.average.model if self.average else self.bare

    @property
    def train_time(self) -> Estimate:
        """Device-seconds of optimisation for the full schedule."""
        phases = [round(epochs * self.steps_per_epoch) for epochs, _ in self.tuning.phases(self.config.epochs)]
        return scheduled(self.step_times_s, self.references, phases, self.reference.idle_s, self.group.world_size)

    def restore_best(self) -> nn.Module:
        """The model with the weights of the chosen epoch."""
        self.bare.load_state_dict(self.best["weights"])
        return self.bare

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs, also within an epoch; loads with `weights_only=True`. Every rank must ask.

        Between epochs random numbers are not in it: every epoch seeds its own from seed, epoch and rank.
        """
        averaged = {"average": self.average.model.state_dict()} if self.average else {}
        return averaged | {
            "model": self.bare.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "curve": self.curve,
            "step_times_s": self.step_times_s,
            "references": self.references,
            "best": self.best,
            "unfinished": self._running and self._running.state(),
            "world_size": self.group.world_size,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from `state()`, whatever the number of workers was. Raises `ValueError` for another schedule.

        A step of fewer workers takes as many device-seconds, and so longer.
        """
        curve, unfinished = state["curve"], state.get("unfinished")
        num_steps = len(curve) * self.steps_per_epoch + (unfinished["num_steps"] if unfinished else 0)
        if state["schedule"]["last_epoch"] != num_steps:
            raise ValueError(
                f"it has done {state['schedule']['last_epoch']} steps where batches of {self.config.batch_size} clips are "
                f"{num_steps}: each of several workers had batches of its own, as they did in earlier versions"
            )
        self.bare.load_state_dict(state["model"])
        if self.average:
            self.average.model.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        longer = state.get("world_size", self.group.world_size) / self.group.world_size
        if unfinished:
            times_s = [seconds * longer for seconds in unfinished["step_times_s"]]
            self._unfinished = {**unfinished, "step_times_s": times_s}
        self.step_times_s = [seconds * longer for seconds in state["step_times_s"]]
        self.references = [(after, seconds) for after, seconds in state.get("references", ())]
        self.curve, self.best = curve, state["best"]

    def train_epoch(self) -> dict[str, float]:
        """Train one epoch and do nothing else; `train_loss` and `train_accuracy`, of mixed clips by the larger part.

        No step waits for the device: the epoch's sums and times are read once, after its last step.
        Raises `NonFiniteLoss`.
        """
        group, config = self.group, self.config
        epoch = self._running = Epoch(self.seed, self.epoch, group, self.reference, self._unfinished)
        self._unfinished = None
        self._unfreeze(epoch, anew=True)
        changes = ramped(config, self.epoch)
        jitter = epoch.generator if config.augmentation == "random" else None  # the others always show the same frames
        # Copy c of training clip i stands in place i * copies + c.
        whole = batches(range(self.clips_per_epoch), config.batch_size, shuffle=epoch.order, **self.order)
        for batch in itertools.islice(whole, epoch.num_steps, None):
            self._unfreeze(epoch)
            mine = batch[group.rank :: group.world_size]
            places = mine or batch[:1]  # who has no clip takes part in every sum, with one that counts for nothing
            indices = [self.fold.train[place // self.copies] for place in places]
            copies = torch.tensor(places) % self.copies
            how = {"copies": copies} if self.features else {"jitter": jitter}
            shown, lengths, labels = _batch(self.features or self.clips, indices, group.device, **how)
            epoch.begin()
            inputs = shown if self.features else augment(shown, lengths, changes, epoch.generator, copies)
            loss_of = self.loss
            if config.mixup_alpha:
                inputs, mixture = mixed(inputs, lengths, config.mixup_alpha, epoch.generator)
                loss_of = functools.partial(mixture.of, self.loss)
            self.optimizer.zero_grad(set_to_none=True)
            targets, weights = self.targets.of_batch(indices, labels)
            with group.one_batch(self.bare, counts=bool(mine)), recomputed(self.bare, self.parts):
                with autocast(config, group.device):
                    logits, *auxiliary = as_tuple(self.model(inputs, lengths))
                loss = loss_of(logits, targets, weights)
                aside = [AUXILIARY_WEIGHT * loss_of(other, targets, weights) for other in auxiliary]
                share = group.world_size * len(mine) / len(batch)  # the group's gradient is the mean of its workers'
                (sum(aside, loss) * share).backward()
            nn.utils.clip_grad_norm_(self.bare.parameters(), config.gradient_clip)
            self.optimizer.step()
            self.schedule.step()
            if self.average:
                self.average.update(self.bare, self.schedule.last_epoch)
            epoch.end()
            right = (logits.detach().argmax(dim=1) == labels).sum()
            epoch.add(loss, right * bool(mine), len(mine))
            self.after_step()
        for model in dict.fromkeys((self.bare, self.chosen_from)):
            group.share_buffers(model)
        loss_sum, right_sum, clips_sum = epoch.sums()
        self.references += epoch.references(after=len(self.step_times_s))
        self.step_times_s += epoch.step_times_s()
        self._running = None
        self._require_finite(loss_sum)
        return {"train_loss": float(loss_sum / clips_sum), "train_accuracy": float(right_sum / clips_sum)}

    def _validated(self) -> Predictions:
        """Predictions for the validation clips, of a frozen trunk out of its features."""
        model, clips, view = self.chosen_from, self.clips, None
        if self.features:
            model, clips, view = FromFeatures(model), self.features, lambda features, _: features
        return predict(model, clips, self.fold.validation, self.config, self.group, view)

    def _unfreeze(self, epoch: Epoch, *, anew: bool = False) -> None:
        """Let those stages be trained that are from the next step on; with `anew`, the network was in evaluation."""
        others = self.tuning.begin(self.epoch + epoch.num_steps / self.steps_per_epoch)
        if others:
            self.model = self.group.wrap(self.bare)  # what was wrapped waits for the gradients that there were
        if others or anew:
            self.model.train()
            self.tuning.set_modes()

    def _order(self) -> dict[str, list[Any]]:
        """What `batches` is told of the clips to train on, each as often as it has copies."""
        told = {"subject": ("together", self.clips.people), "class": ("balanced", self.clips.labels.tolist())}
        if self.config.batch_by not in told:
            return {}
        name, of_all = told[self.config.batch_by]
        return {name: [of_all[i] for i in self.fold.train for _ in range(self.copies)]}

    def _keep_if_best(self, row: dict[str, float]) -> None:
        chosen_by = row.get("val_loss", -float(self.epoch))  # without validation the last epoch wins
        if not self.best or chosen_by < self.best["chosen_by"]:
            weights = {name: tensor.detach().cpu().clone() for name, tensor in self.chosen_from.state_dict().items()}
            self.best = {"chosen_by": chosen_by, "epoch": self.epoch, "weights": weights, "row": row}

    def _require_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise NonFiniteLoss(
                f"The loss became {loss} in epoch {self.epoch + 1} at learning rate {self.config.lr:g}. "
                "A smaller `lr` or `gradient_clip`, or precision float32, helps."
            )


def predict(
    model: nn.Module,
    clips: Clips | Features,
    indices: tuple[int, ...],
    config: TrainerConfig,
    group: Group,
    view: View | None = None,
) -> Predictions:
    """Logits of clips `indices`, without augmentation; the group shares the work, every rank gets all of it.

    Shards may be uneven: nothing is padded or repeated, so the confusion matrix does not depend on the group's size.
    `view(frames, indices)` stands for `to_input` where the model is to see something else of the stored frames.
    """
    model.eval()
    rows: list[np.ndarray] = []
    mine: list[int] = []
    with torch.inference_mode():
        for batch in batches(indices[group.rank :: group.world_size], config.batch_size, shuffle=None):
            mine += batch
            frames, lengths, _ = _batch(clips, batch, group.device)
            # Outside autocast: in bfloat16 the places that a view samples at are off by up to 0.6 px at 224 px.
            inputs = to_input(frames, config.image_size) if view is None else view(frames, batch)
            with autocast(config, group.device):
                rows.append(model(inputs, lengths).float().cpu().numpy())
    logits = np.concatenate(rows) if rows else np.zeros((0, config.num_classes), np.float32)
    gathered = group.gather((mine, logits))
    found = np.concatenate([np.asarray(part, np.int64) for part, _ in gathered])
    order = np.argsort(found, kind="stable")
    found, logits = found[order], np.concatenate([part for _, part in gathered])[order]
    return Predictions(indices=found, labels=clips.labels[found], logits=logits)


def _batch(clips: Clips | Features, indices: Any, device: torch.device, **how: Any) -> tuple[Tensor, ...]:
    # Out of pinned memory a copy runs beside the work that the device has; out of any other, the processor waits for it.
    frames, lengths = clips.batch(indices, pinned=device.type == "cuda", **how)
    labels = torch.from_numpy(clips.labels[np.asarray(indices)])
    # The lengths stay on the CPU: a model that packs or selects by them would make the device wait.
    return frames.to(device, non_blocking=True), lengths, labels.to(device, non_blocking=True)


def as_tuple(outputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What a model answers in training: its logits, and those of its auxiliary heads where it has any."""
    return outputs if isinstance(outputs, tuple) else (outputs,)
