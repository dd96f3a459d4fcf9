"""Training GEARS, and asking it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from reguloom._random import child_seed
from reguloom._torch.batches import shuffled
from reguloom._torch.trainer import Step, Task
from reguloom.core import PerturbationData
from reguloom.response._torch.fitting import Run, device_of, fitted
from reguloom.response._torch.gears import GearsNet, gears_loss
from reguloom.response._validation import held

if TYPE_CHECKING:
    from reguloom.response.gears import GEARS

#: Perturbations that are computed at once when the model is asked.
ASK = 16


class GearsTask(Task):
    """Perturbed cells paired with controls.

    Parameters
    ----------
    model
        Whose parameters are used.
    data, train, val
        The screen, and positions of cells.
    module
        The network, on its device.
    seed
        Of the pairing, where it is fixed.
    """

    def __init__(
        self, model: GEARS, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64],
        *, module: GearsNet, seed: int,
    ) -> None:  # fmt: skip
        self.model, self.data, self.train, self.module = model, data, train, module
        self.device = device_of(module)
        self.p = model.params
        whole = data.pseudobulk()
        shape = (len(data.conditions), data.n_genes)
        total = np.zeros(shape)
        np.add.at(total, whole.condition_codes, whole.means)
        used = (total != 0).astype(np.float32)
        used[0] = 1.0
        self.used = torch.from_numpy(used).to(self.device)
        control = np.zeros((len(data.contexts), data.n_genes), dtype=np.float32)
        control[whole.context_codes] = whole.control
        self.control = torch.from_numpy(control).to(self.device)
        self.design = model.state.sources.resolve(data.conditions).design
        self.held = held(data, val)
        self.fixed = data.matched_controls(train, np.random.default_rng(child_seed(seed, "pairs")))

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return Adam."""
        return {"main": torch.optim.Adam(self.module.parameters(), self.p["lr"], weight_decay=self.p["weight_decay"])}

    def schedulers(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        """Return the decay after every epoch."""
        return {"main": torch.optim.lr_scheduler.StepLR(optimizers["main"], 1, self.p["lr_decay"])}

    def batches(self, epoch: int, rng: np.random.Generator) -> Iterable[Any]:
        """Yield positions of cells and of their controls; a control cell is its own control."""
        partners = self.fixed if self.p["compat"] else self.data.matched_controls(self.train, rng)
        partners = np.where(self.data.is_control[self.train], self.train, partners)
        for batch in shuffled(np.arange(len(self.train)), self.p["batch_size"], rng, drop_last=True):
            yield self.train[batch], partners[batch]

    def step(self, batch: Any, at: Step) -> dict[str, Any]:
        """Return the loss of a batch."""
        cells, partners = batch
        condition = self.data.condition_codes[cells]
        design = torch.from_numpy(self.design[condition]).to(self.device)
        change, log_variance = self.module(design)
        start = torch.from_numpy(self.data.values(partners)).to(self.device)
        observed = torch.from_numpy(self.data.values(cells)).to(self.device)
        loss = gears_loss(
            start + change,
            observed,
            condition=torch.from_numpy(condition.astype(np.int64)).to(self.device),
            used=self.used,
            control=self.control[torch.from_numpy(self.data.context_codes[cells].astype(np.int64)).to(self.device)],
            direction=self.p["direction"],
            log_variance=log_variance,
            regularisation=self.p["regularisation"],
            compat=self.p["compat"],
            sharpness=self.p["direction_sharpness"],
        )
        return {"loss": loss}

    def validate(self, epoch: int) -> dict[str, float]:
        """Return the errors of mean changes."""
        if not len(self.held):
            return {}
        return self.held.scores(changes(self.module, self.design[self.held.condition])[0])


def train_gears(
    model: GEARS, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64], run: Run
) -> tuple[GearsNet, pd.DataFrame]:
    """Return a trained network and its history.

    Parameters
    ----------
    model, data, train, val
        As for :class:`GearsTask`.
    run
        How it is trained.
    """

    def task(module: Any) -> GearsTask:
        return GearsTask(model, data, train, val, module=module, seed=run.seed)

    monitor = "val_mse_de" if (~data.is_control[val]).any() else None
    return fitted(model, data, run, task, monitor=monitor, clip_value=1.0)


@torch.no_grad()
def changes(module: GearsNet, design: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Return the change under each perturbation, ``(n, n_genes)``, and the logarithms of the variance.

    Parameters
    ----------
    module
        The network.
    design
        Weights of the perturbed genes, ``(n, n_nodes)``.
    """
    module.eval()
    device = device_of(module)
    made, logs = [], []
    # The original's defect gives the first cell of a batch the graph, and the others none: ask as it trains mostly.
    quirk, module.compat = module.compat, False
    try:
        for start in range(0, len(design), ASK):
            change, log_variance = module(torch.from_numpy(design[start : start + ASK]).to(device))
            made.append(change.cpu().numpy())
            if log_variance is not None:
                logs.append(log_variance.cpu().numpy())
    finally:
        module.compat = quirk
    return np.concatenate(made), np.concatenate(logs) if logs else None


@torch.no_grad()
def embeddings(module: GearsNet, design: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the fused embedding of each perturbation, ``(n, hidden)``; parameters as for :func:`changes`."""
    module.eval()
    device = device_of(module)
    return module.perturbations(torch.from_numpy(design).to(device)).cpu().numpy()
