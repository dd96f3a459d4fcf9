"""Control cell and perturbation meet by addition in a latent space; the cheap strong reference among learned models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from reguloom._random import child_seed
from reguloom._torch.batches import shuffled
from reguloom._torch.optim import Adam
from reguloom._torch.trainer import Step, Task
from reguloom.core import PerturbationData
from reguloom.response._torch.fitting import device_of
from reguloom.response._torch.layers import blocks
from reguloom.response._validation import held

if TYPE_CHECKING:
    from reguloom.response.latent_additive import LatentAdditive

#: Control cells of a context by which a group is predicted in validation.
FEW = 64


class AdditiveNet(nn.Module):
    """``softplus(decoder(encoder(x, context) + perturbation(p)))``.

    Parameters
    ----------
    n_genes, n_contexts
        Of the data.
    features
        What the perturbation is described by: one row for each gene of the vocabulary.
    hidden, n_latent, dropout
        Of the three networks of two layers.
    """

    features: torch.Tensor

    def __init__(
        self, n_genes: int, n_contexts: int, features: NDArray[np.float32],
        *, hidden: int, n_latent: int, dropout: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.n_contexts = n_contexts
        self.register_buffer("features", torch.from_numpy(features))
        act = nn.ReLU()
        self.encoder = nn.Sequential(blocks([n_genes + n_contexts, hidden], act, dropout), nn.Linear(hidden, n_latent))
        self.perturbation = nn.Sequential(
            blocks([features.shape[1], hidden], act, dropout, norm=False), nn.Linear(hidden, n_latent, bias=False)
        )
        self.decoder = nn.Sequential(blocks([n_latent, hidden], act, dropout), nn.Linear(hidden, n_genes))

    def embed(self, design: torch.Tensor) -> torch.Tensor:
        """Return the latent shift of perturbations ``(n, n_vocabulary)``; none for controls."""
        nothing = self.perturbation(torch.zeros_like(self.features[:1]))
        return self.perturbation(design @ self.features) - nothing

    def forward(self, x: torch.Tensor, context: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Return expression of cells `x` of a context (-1: none) under a latent shift, ``(n_cells, n_genes)``."""
        known = functional.one_hot(context.clamp(min=0), self.n_contexts) * (context >= 0)[:, None]
        latent = self.encoder(torch.cat([x, known.to(x.dtype)], dim=1))
        return functional.softplus(self.decoder(latent + shift))


class AdditiveTask(Task):
    """Perturbed cells predicted from matched controls.

    Parameters
    ----------
    model, data, train, val
        Parameters, screen, positions of cells.
    module
        The network, on its device.
    seed
        Of the control cells used in validation.
    """

    def __init__(
        self, model: LatentAdditive, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64],
        *, module: AdditiveNet, seed: int,
    ) -> None:  # fmt: skip
        self.p, self.data, self.train, self.module = model.params, data, train, module
        self.device = device_of(module)
        self.design = model.state.sources.resolve(data.conditions).design
        self.held = held(data, val)
        rng = np.random.default_rng(child_seed(seed, "validation"))
        self.starts = [np.sort(rng.permutation(data.control_pool(int(one)).cells)[:FEW])
                       for one in range(len(data.contexts))]  # fmt: skip

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return Adam."""
        return {"main": Adam(self.module.parameters(), self.p["lr"], weight_decay=self.p["weight_decay"])}

    def batches(self, epoch: int, rng: np.random.Generator) -> Iterable[Any]:
        """Yield positions of cells and of controls drawn anew."""
        partners = self.data.matched_controls(self.train, rng)
        for batch in shuffled(np.arange(len(self.train)), self.p["batch_size"], rng):
            yield self.train[batch], partners[batch]

    def step(self, batch: Any, at: Step) -> dict[str, Any]:
        """Return the squared error of a batch."""
        cells, partners = batch
        x, y = (torch.from_numpy(self.data.values(one)).to(self.device) for one in (partners, cells))
        design = torch.from_numpy(self.design[self.data.condition_codes[cells]]).to(self.device)
        context = torch.from_numpy(self.data.context_codes[cells].astype(np.int64)).to(self.device)
        return {"loss": ((self.module(x, context, self.module.embed(design)) - y) ** 2).mean()}

    def validate(self, epoch: int) -> dict[str, float]:
        """Return the errors of mean changes."""
        if not len(self.held):
            return {}
        made = np.empty(self.held.change.shape)
        for context in np.unique(self.held.context):
            here = np.flatnonzero(self.held.context == context)
            start = self.data.values(self.starts[context])
            codes = np.full(len(start), context)
            found = additive_changes(self.module, self.design[self.held.condition[here]], start, codes)
            made[here] = np.stack([one.mean(axis=0) for one in found])
        return self.held.scores(made)


@torch.no_grad()
def additive_changes(
    module: AdditiveNet, design: NDArray[np.float32], start: NDArray[np.float32], context: NDArray[Any]
) -> list[NDArray[np.float32]]:
    """Return what each perturbation changes in each cell: ``(n_cells, n_genes)`` for each row of `design`.

    Parameters
    ----------
    module
        The network.
    design
        Weights of the perturbed genes, ``(n, n_vocabulary)``.
    start, context
        Control cells, and the number of their context.
    """
    module.eval()
    device = device_of(module)
    x, codes = torch.from_numpy(start).to(device), torch.from_numpy(np.asarray(context, dtype=np.int64)).to(device)
    shifts = module.embed(torch.from_numpy(design).to(device))
    untouched = module(x, codes, torch.zeros_like(shifts[:1]))
    return [(module(x, codes, shift[None]) - untouched).cpu().numpy() for shift in shifts]


@torch.no_grad()
def additive_embeddings(module: AdditiveNet, design: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the latent shifts of perturbations, ``(n, n_latent)``.

    Parameters
    ----------
    module, design
        As for :func:`additive_changes`.
    """
    module.eval()
    return module.embed(torch.from_numpy(design).to(device_of(module))).cpu().numpy()
