"""The variational autoencoder of scGen, and its training.

Lotfollahi, Wolf & Theis, Nature Methods 16:715 (2019), doi:10.1038/s41592-019-0494-8; written from the paper and the
published hyperparameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from reguloom._torch.batches import shuffled
from reguloom._torch.optim import Adam
from reguloom._torch.trainer import Step, Task
from reguloom.core import PerturbationData
from reguloom.response._torch.fitting import device_of
from reguloom.response._torch.layers import blocks

if TYPE_CHECKING:
    from reguloom.response.scgen import SCGen

KL_WEIGHT, LEAST_VARIANCE = 5e-5, 1e-4
ASK = 2048


class ScgenNet(nn.Module):
    """Encoder to a mean and a variance, decoder without an output activation.

    Parameters
    ----------
    n_genes
        Width of the data.
    hidden, n_layers
        Of encoder and decoder.
    n_latent
        Of the latent space.
    dropout
        In both.
    """

    def __init__(self, n_genes: int, *, hidden: int, n_layers: int, n_latent: int, dropout: float) -> None:
        super().__init__()
        act = nn.LeakyReLU(0.01)
        self.encoder = blocks([n_genes, *[hidden] * n_layers], act, dropout)
        self.mean = nn.Linear(hidden, n_latent)
        self.log_variance = nn.Linear(hidden, n_latent)
        self.decoder = blocks([n_latent, *[hidden] * n_layers], act, dropout)
        self.out = nn.Linear(hidden, n_genes)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of the latent values of `x`."""
        inside = self.encoder(x)
        return self.mean(inside), torch.exp(self.log_variance(inside)) + LEAST_VARIANCE

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return expression for latent values `z`."""
        return self.out(self.decoder(z))

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """Return half the squared error, plus the weighted divergence from N(0, 1), averaged over the cells of `x`."""
        mean, variance = self.encode(x)
        z = mean + torch.sqrt(variance) * torch.randn_like(mean) if self.training else mean
        error = ((x - self.decode(z)) ** 2).sum(dim=1)
        divergence = 0.5 * (variance + mean**2 - 1 - torch.log(variance)).sum(dim=1)
        return (0.5 * error + 0.5 * KL_WEIGHT * divergence).mean()


class ScgenTask(Task):
    """All training cells, perturbed or not.

    Parameters
    ----------
    model, data, train, val
        Parameters, screen, positions of cells.
    module
        The network, on its device.
    """

    def __init__(
        self, model: SCGen, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64],
        *, module: ScgenNet,
    ) -> None:  # fmt: skip
        self.p, self.data, self.train, self.val, self.module = model.params, data, train, val, module
        self.device = device_of(module)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return Adam as scGen uses it."""
        adam = Adam(self.module.parameters(), self.p["lr"], eps=0.01, weight_decay=self.p["weight_decay"])
        return {"main": adam}

    def batches(self, epoch: int, rng: np.random.Generator) -> Iterable[Any]:
        """Yield positions of cells."""
        yield from shuffled(self.train, self.p["batch_size"], rng)

    def step(self, batch: Any, at: Step) -> dict[str, Any]:
        """Return the loss of a batch."""
        return {"loss": self.module.loss(torch.from_numpy(self.data.values(batch)).to(self.device))}

    def validate(self, epoch: int) -> dict[str, float]:
        """Return the loss of the cells that are kept back."""
        total = 0.0
        for start in range(0, len(self.val), ASK):
            part = self.val[start : start + ASK]
            total += len(part) * self.module.loss(torch.from_numpy(self.data.values(part)).to(self.device)).item()
        return {"val_loss": total / len(self.val)} if len(self.val) else {}


@torch.no_grad()
def encoded(module: ScgenNet, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the latent means of cells, ``(n_cells, n_latent)``.

    Parameters
    ----------
    module
        The network.
    values
        Log-normalised expression, ``(n_cells, n_genes)``.
    """
    module.eval()
    device = device_of(module)
    parts = [values[start : start + ASK] for start in range(0, len(values), ASK)]
    return np.concatenate([module.encode(torch.from_numpy(part).to(device))[0].cpu().numpy() for part in parts])


@torch.no_grad()
def decoded(module: ScgenNet, latent: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return expression for latent values, ``(n_cells, n_genes)``.

    Parameters
    ----------
    module
        The network.
    latent
        ``(n_cells, n_latent)``.
    """
    module.eval()
    device = device_of(module)
    parts = [latent[start : start + ASK].astype(np.float32) for start in range(0, len(latent), ASK)]
    return np.concatenate([module.decode(torch.from_numpy(part).to(device)).cpu().numpy() for part in parts])
