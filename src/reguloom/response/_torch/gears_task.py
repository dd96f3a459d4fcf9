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
from reguloom._torch.optim import Adam
from reguloom._torch.trainer import Step, Task
from reguloom.core import PerturbationData
from reguloom.response._torch.fitting import Run, device_of, fitted
from reguloom.response._torch.gears import GearsNet, gears_loss
from reguloom.response._validation import held

if TYPE_CHECKING:
    from reguloom.response.gears import GEARS

#: Perturbations that are computed at once when the model is asked.
ASK = 16
#: Steps of the learning rate in a training whose epochs are not told: nothing is learned after the last ones.
STEPS, PUBLISHED_EPOCHS = 10, 20


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
        return {"main": Adam(self.module.parameters(), self.p["lr"], weight_decay=self.p["weight_decay"])}

    def schedulers(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Any]:
        """Return the decay."""
        every = epochs_of_step(self.p, self.data, self.train)
        return {"main": torch.optim.lr_scheduler.StepLR(optimizers["main"], every, self.p["lr_decay"])}

    def batches(self, epoch: int, rng: np.random.Generator) -> Iterable[Any]:
        """Yield positions of cells and of their controls; a control cell is its own control."""
        partners = self.fixed if self.p["compat"] else self.data.matched_controls(self.train, rng)
        partners = np.where(self.data.is_control[self.train], self.train, partners)
        one_each = np.arange(len(self.train))[:, None]
        groups = list(one_each) if self.p["compat"] else self._groups(rng)
        for some in shuffled(np.arange(len(groups)), self.p["batch_size"], rng, drop_last=True):
            batch = np.concatenate([groups[one] for one in some])
            yield self.train[batch], partners[batch]

    def _groups(self, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """Return cells of one perturbation and context together, a few at a time.

        The change is that of the perturbation and not of the cell, so that a batch can hold many cells at the cost of
        one for each perturbation, and its gradient has as much less noise.
        """
        order = rng.permutation(len(self.train))
        units = units_of(self.data, self.train[order])
        order = order[np.argsort(units, kind="stable")]
        made: list[NDArray[np.int64]] = []
        for cells in np.split(order, np.flatnonzero(np.diff(np.sort(units))) + 1):
            made += np.array_split(cells, -(-len(cells) // self.p["cells_each"]))
        return made

    def step(self, batch: Any, at: Step) -> dict[str, Any]:
        """Return the loss of a batch."""
        cells, partners = batch
        condition = self.data.condition_codes[cells]
        context = self.data.context_codes[cells].astype(np.int64)
        first = row = np.arange(len(cells))
        if not self.p["compat"]:
            _, first, row = np.unique(units_of(self.data, cells), return_index=True, return_inverse=True)
        design = torch.from_numpy(self.design[condition[first]]).to(self.device)
        change, log_variance = self.module(design, torch.from_numpy(context[first]).to(self.device))
        own = torch.from_numpy(row).to(self.device)
        change, log_variance = change[own], None if log_variance is None else log_variance[own]
        start = torch.from_numpy(self.data.values(partners)).to(self.device)
        observed = torch.from_numpy(self.data.values(cells)).to(self.device)
        loss = gears_loss(
            start + change,
            observed,
            condition=torch.from_numpy(condition.astype(np.int64)).to(self.device),
            used=self.used,
            control=self.control[torch.from_numpy(context).to(self.device)],
            direction=self.p["direction"],
            focus=(2.0 if self.p["compat"] else 0.0) if self.p["focus"] is None else self.p["focus"],
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
        return self.held.scores(changes(self.module, self.design[self.held.condition], self.held.context)[0])


def units_of(data: PerturbationData, cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one number for each perturbation in each context; controls are the same in all.

    Parameters
    ----------
    data, cells
        The screen, and positions of cells.
    """
    condition = data.condition_codes[cells].astype(np.int64)
    return np.where(condition == 0, 0, condition * len(data.contexts) + data.context_codes[cells])


def epochs_of_step(params: Mapping[str, Any], data: PerturbationData, train: NDArray[np.int64]) -> int:
    """Return the epochs between two steps of the learning rate: one in the original, whatever the size of the screen.

    Parameters
    ----------
    params
        Of the model.
    data, train
        The screen, and positions of cells.
    """
    if params["compat"]:
        return 1
    sizes = np.unique(units_of(data, train), return_counts=True)[1]
    n_groups = int(np.ceil(sizes / params["cells_each"]).sum())
    return max(1, round(params["lr_step"] / max(1, n_groups // params["batch_size"])))


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

    p = model.params
    epochs = p["max_epochs"] or (PUBLISHED_EPOCHS if p["compat"] else STEPS * epochs_of_step(p, data, train))
    monitor = "val_mse_de" if p["compat"] else "val_mse"
    monitored = monitor if (~data.is_control[val]).any() else None
    return fitted(model, data, run, task, monitor=monitored, clip_value=1.0, max_epochs=epochs)


@torch.no_grad()
def changes(
    module: GearsNet, design: NDArray[np.float32], context: NDArray[Any] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Return the change under each perturbation, ``(n, n_genes)``, and the logarithms of the variance.

    Parameters
    ----------
    module
        The network.
    design
        Weights of the perturbed genes, ``(n, n_nodes)``.
    context
        Number of the context of each, -1 for one that was not seen; none was if None.
    """
    module.eval()
    device = device_of(module)
    where = torch.from_numpy(np.full(len(design), -1) if context is None else np.asarray(context, dtype=np.int64))
    made, logs = [], []
    # The original's defect gives the first cell of a batch the graph, and the others none: ask as it trains mostly.
    quirk, module.compat = module.compat, False
    try:
        for start in range(0, len(design), ASK):
            part = slice(start, start + ASK)
            change, log_variance = module(torch.from_numpy(design[part]).to(device), where[part].to(device))
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
