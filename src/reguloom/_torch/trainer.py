"""The one training loop: batches, steps, validation, early stopping, checkpoints, and going on after a kill.

A model describes itself in a :class:`Task`; the :class:`Trainer` does the rest. The smallest task::

    class Fit(Task):
        def __init__(self, module, x, y):
            self.module, self.x, self.y = module, x, y

        def optimizers(self):
            return {"main": Adam(self.module.parameters(), lr=1e-3)}

        def batches(self, epoch, rng):
            return shuffled(np.arange(len(self.x)), 32, rng)

        def step(self, batch, at):
            return {"loss": ((self.module(self.x[batch]) - self.y[batch]) ** 2).mean()}

    trained = Trainer(Fit(module, x, y), max_epochs=20, seed=0, folder="run").run()

Random numbers are seeded anew at the beginning of each epoch, with a child seed made of the epoch's number: nothing
that was drawn before decides what comes after, and a run that is killed and taken up again from its last checkpoint
ends with the same bytes as one that was left alone.
"""

from __future__ import annotations

import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from reguloom._errors import EmptyResultError, InputError
from reguloom._files import atomic_write
from reguloom._logging import logger
from reguloom._progress import Progress
from reguloom._random import child_seed
from reguloom._torch.checkpoint import (
    below,
    optimizer_parts,
    prefixed,
    read_checkpoint,
    restore_optimizer,
    write_checkpoint,
)
from reguloom._torch.device import repeatable, seeded
from reguloom.core.provenance import plain

LAST, BEST, HISTORY = "last.safetensors", "best.safetensors", "history.csv"


class Task(ABC):
    """What a model tells the trainer. Subclasses set `module` and say what a step is.

    Attributes
    ----------
    module
        Everything that is learned, on its device. Its ``state_dict`` is what a checkpoint keeps.
    manual
        Set to True for manual optimisation (several optimizers, adversaries): then ``step`` calls ``at.update``
        itself, as often as it wants, and what it returns is only recorded.
    """

    module: Any  # an nn.Module; each task knows its own kind
    manual: bool = False

    @abstractmethod
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the optimizers by name; with automatic optimisation there is one. Called once."""

    def schedulers(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        """Return learning-rate schedulers of `optimizers` by name; each takes one step after every epoch."""
        return {}

    @abstractmethod
    def batches(self, epoch: int, rng: np.random.Generator) -> Iterable[Any]:
        """Return the batches of one epoch.

        Parameters
        ----------
        epoch
            From 0.
        rng
            A generator for this epoch alone; draw everything random about the batches from it.
        """

    @abstractmethod
    def step(self, batch: Any, at: Step) -> Mapping[str, Any]:
        """Return what one batch gives: ``"loss"``, which is minimised, and other values to record.

        Parameters
        ----------
        batch
            One of :meth:`batches`.
        at
            Where the run stands, and :meth:`Step.update` for manual optimisation.
        """

    def validate(self, epoch: int) -> Mapping[str, float]:
        """Return validation metrics by name (``"val_loss"`` ...). Called in evaluation mode, without gradients.

        Parameters
        ----------
        epoch
            From 0.
        """
        return {}


@dataclass
class Step:
    """Where a run stands when a step is taken.

    Parameters
    ----------
    epoch, batch
        Numbers of the epoch and of the batch in it, from 0.
    """

    epoch: int
    batch: int
    _trainer: Trainer = field(repr=False)

    def update(self, loss: torch.Tensor, optimizer: str = "main") -> None:
        """Go one step down the gradient of `loss` with the parameters of one optimizer; all gradients start from 0.

        Parameters
        ----------
        loss
            A scalar.
        optimizer
            Its name in :meth:`Task.optimizers`.

        Raises
        ------
        EmptyResultError
            If the loss is not finite.
        """
        self._trainer.update(loss, optimizer, self.epoch)


@dataclass(frozen=True)
class Trained:
    """How a training run ended.

    Parameters
    ----------
    history
        One row per epoch: ``epoch`` (from 0), the means of what the steps returned, validation metrics, ``lr``. It
        holds no times, so that it has the same bytes every time.
    best_epoch
        Number of the epoch whose weights the module now has.
    best_value
        Its value of the monitored metric; NaN if nothing is monitored.
    stopped
        ``"patience"`` or ``"max_epochs"``.
    """

    history: pd.DataFrame
    best_epoch: int
    best_value: float
    stopped: str


class Trainer:
    """Trains a task.

    Parameters
    ----------
    task
        What is trained.
    max_epochs
        The most passes over the data.
    seed
        Root seed of the run; give each member of an ensemble ``child_seed(root, "member", number)``.
    monitor
        Name of the metric that decides which epoch is best: one that ``validate`` or ``step`` returns. None keeps the
        last epoch.
    mode
        ``"min"`` or ``"max"``.
    patience
        How many validations without improvement end the run; None never ends it early.
    min_delta
        What counts as an improvement.
    validate_every
        Epochs between validations.
    clip_norm, clip_value
        Clip the gradient before each step, by its norm or each entry by its value.
    n_jobs
        CPU threads. One by default: the result then has the same bytes everywhere (see ``device.repeatable``).
    folder
        Where ``last.safetensors`` (all that is needed to go on), ``best.safetensors`` (weights alone) and
        ``history.csv`` are written; None writes nothing.
    resume
        Whether to go on with what is in the folder; starts anew if it is empty.
    identity
        What the run is of: parameters, fingerprint of the data. A folder with another identity is refused.
    checkpoint_seconds
        The last epoch is written when so many seconds have passed since it was last written, and at the end.
    description
        What the progress line says.

    Raises
    ------
    InputError
        If a setting is not possible.
    """

    def __init__(
        self,
        task: Task,
        *,
        max_epochs: int,
        seed: int = 0,
        monitor: str | None = None,
        mode: str = "min",
        patience: int | None = None,
        min_delta: float = 0.0,
        validate_every: int = 1,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        n_jobs: int | None = 1,
        folder: str | os.PathLike[str] | None = None,
        resume: bool = False,
        identity: Mapping[str, Any] | None = None,
        checkpoint_seconds: float = 10.0,
        description: str = "training",
    ) -> None:
        if max_epochs < 1 or validate_every < 1 or (patience is not None and patience < 1):
            msg = (
                f"max_epochs is {max_epochs}, validate_every {validate_every}, patience {patience}; "
                "each is at least 1 (patience may be None)."
            )
            raise InputError(msg)
        if mode not in ("min", "max"):
            msg = f"mode is {mode!r}; accepted are 'min' and 'max'."
            raise InputError(msg)
        self.task, self.max_epochs, self.seed = task, max_epochs, seed
        self.monitor, self.mode, self.patience, self.min_delta = monitor, mode, patience, min_delta
        self.validate_every, self.clip_norm, self.clip_value = validate_every, clip_norm, clip_value
        self.n_jobs, self.resume, self.description = n_jobs, resume, description
        self.folder = None if folder is None else Path(folder)
        # Through JSON and back, as it will be compared.
        self.identity = json.loads(json.dumps(plain({**(identity or {}), "seed": seed})))
        self.checkpoint_seconds = checkpoint_seconds
        self.epoch, self.waited = 0, 0
        self.best_epoch, self.best_value = -1, float("nan")
        self.history: list[dict[str, float]] = []
        self._best: dict[str, torch.Tensor] = {}
        self._written = time.monotonic()

    def run(self) -> Trained:
        """Train to the end, and leave the best weights in the module.

        Raises
        ------
        InputError
            If the folder holds another run, or one and `resume` is off.
        EmptyResultError
            If the loss is no longer finite.
        """
        with repeatable(self.n_jobs), seeded(child_seed(self.seed, "start")):
            self._optimizers = self.task.optimizers()
            self._schedulers = self.task.schedulers(self._optimizers)
            self._take_up()
            with Progress(self.max_epochs, self.description) as progress:
                progress.skip(self.epoch)
                while not self._finished():
                    self._run_epoch()
                    self._save(final=False)
                    progress.advance()
            self._save(final=True)
            self.task.module.load_state_dict(self._best)
            self.task.module.eval()
        return Trained(
            pd.DataFrame(self.history), self.best_epoch, self.best_value,
            "max_epochs" if self.epoch >= self.max_epochs else "patience",
        )  # fmt: skip

    def update(self, loss: torch.Tensor, optimizer: str, epoch: int) -> None:
        """Take one optimisation step; see :meth:`Step.update`.

        Parameters
        ----------
        loss, optimizer, epoch
            As there.
        """
        if not torch.isfinite(loss):
            msg = (
                f"the loss is {loss.item()} in epoch {epoch + 1}; lower the learning rate, or look for "
                "extreme values in the data."
            )
            raise EmptyResultError(msg)
        chosen = self._optimizers[optimizer]
        self.task.module.zero_grad(set_to_none=True)
        loss.backward()
        parameters = [one for group in chosen.param_groups for one in group["params"] if one.grad is not None]
        if self.clip_value is not None:
            nn.utils.clip_grad_value_(parameters, self.clip_value)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, self.clip_norm)
        chosen.step()

    def _finished(self) -> bool:
        """Tell whether the run is at its end."""
        return self.epoch >= self.max_epochs or (self.patience is not None and self.waited >= self.patience)

    def _run_epoch(self) -> None:
        """Train one epoch, validate, and note whether it is the best so far."""
        epoch, module = self.epoch, self.task.module
        torch.manual_seed(child_seed(self.seed, "epoch", epoch))
        rng = np.random.default_rng(child_seed(self.seed, "batches", epoch))
        module.train()
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        for number, batch in enumerate(self.task.batches(epoch, rng)):
            at = Step(epoch, number, self)
            values = self.task.step(batch, at)
            if not self.task.manual:
                at.update(values["loss"])
            for name, value in values.items():
                number_only = value.item() if isinstance(value, torch.Tensor) else float(value)
                sums[name] = sums.get(name, 0.0) + number_only
                counts[name] = counts.get(name, 0) + 1
        row = {"epoch": float(epoch), **{name: sums[name] / counts[name] for name in sums}}
        last = epoch + 1 == self.max_epochs
        if last or (epoch + 1) % self.validate_every == 0:
            module.eval()
            with torch.no_grad():
                row.update({name: float(value) for name, value in self.task.validate(epoch).items()})
            self._compare(row)
        rates = {name: one.param_groups[0]["lr"] for name, one in self._optimizers.items()}
        row.update({"lr" if name == "main" else f"lr_{name}": rate for name, rate in rates.items()})
        for scheduler in self._schedulers.values():
            scheduler.step()
        self.history.append(row)
        self.epoch += 1

    def _compare(self, row: Mapping[str, float]) -> None:
        """Keep the weights if they are the best so far, or count one more disappointment."""
        if self.monitor is not None and self.monitor not in row:
            msg = f"the metric {self.monitor!r} is not among {sorted(row)}; monitor one of these, or None."
            raise InputError(msg)
        value = float("nan") if self.monitor is None else row[self.monitor]
        sign = 1.0 if self.mode == "min" else -1.0
        better = self.monitor is None or not self._best or sign * (self.best_value - value) > self.min_delta
        if better or np.isnan(self.best_value):
            self.best_epoch, self.best_value, self.waited = self.epoch, value, 0
            self._best = {name: one.detach().clone() for name, one in self.task.module.state_dict().items()}
        else:
            self.waited += 1

    # ------------------------------------------------------------------------------------------------- checkpoints

    def _take_up(self) -> None:
        """Go on with the run in the folder, if there is one and it is the same."""
        if self.folder is None or not (self.folder / LAST).exists():
            return
        if not self.resume:
            msg = f"{self.folder / LAST} holds a run already; give --resume (resume=True) to go on, or another folder."
            raise InputError(msg)
        device = next(self.task.module.parameters()).device
        tensors, state = read_checkpoint(self.folder / LAST, device)
        found = state["identity"]
        differing = sorted(key for key in {*found, *self.identity} if found.get(key) != self.identity.get(key))
        if differing:
            msg = (
                f"the checkpoint in {self.folder} belongs to another run (different: {', '.join(differing)}); "
                "give another folder, or remove this one."
            )
            raise InputError(msg)
        self.task.module.load_state_dict(below("module", tensors))
        self._best = below("best", tensors)
        for name, optimizer in self._optimizers.items():
            restore_optimizer(optimizer, below(f"optimizer.{name}", tensors), state["optimizers"][name])
        for name, scheduler in self._schedulers.items():
            scheduler.load_state_dict(state["schedulers"][name])
        self.epoch, self.waited, self.history = state["epoch"], state["waited"], state["history"]
        self.best_epoch, self.best_value = state["best_epoch"], state["best_value"]
        logger.info("%s: going on after epoch %d of %d", self.description, self.epoch, self.max_epochs)

    def _save(self, *, final: bool) -> None:
        """Write the run as it stands, if it is time."""
        if self.folder is None or not (final or time.monotonic() - self._written >= self.checkpoint_seconds):
            return
        if not self._best:
            # Nothing has been validated yet; the weights so far are the best there are.
            self._best = {name: one.detach().clone() for name, one in self.task.module.state_dict().items()}
        tensors = {**prefixed("module", self.task.module.state_dict()), **prefixed("best", self._best)}
        optimizers = {}
        for name, optimizer in self._optimizers.items():
            parts, optimizers[name] = optimizer_parts(optimizer)
            tensors.update(prefixed(f"optimizer.{name}", parts))
        state = {
            "identity": self.identity,
            "epoch": self.epoch,
            "waited": self.waited,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "best_value": self.best_value,
            "optimizers": optimizers,
            "schedulers": {name: one.state_dict() for name, one in self._schedulers.items()},
        }
        write_checkpoint(self.folder / LAST, tensors, state)
        best = {"epoch": self.best_epoch, "value": self.best_value, "identity": self.identity}
        write_checkpoint(self.folder / BEST, self._best, best)
        with atomic_write(self.folder / HISTORY) as temporary:
            pd.DataFrame(self.history).to_csv(temporary, index=False, lineterminator="\n")
        self._written = time.monotonic()
