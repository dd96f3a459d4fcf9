"""The network as VRNN_Gene_Clustering describes it, for comparison; written from its description.

It differs from Chung's form in three ways that matter: the decoder reads h_t, which already holds x_t, so the latent
is not needed; the divergence weighs next to nothing (1e-6); and values enter as they are, so that the level of a gene
is what its latent tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from reguloom._random import child_seed
from reguloom._torch.batches import shuffled
from reguloom._torch.device import repeatable, resolve_device, seeded
from reguloom._torch.optim import Adam
from reguloom._torch.trainer import Step, Task, Trainer

N_HIDDEN, N_LATENT, N_LAYER = 32, 64, 64
LR, BATCH, EPOCHS, BETA = 1e-4, 400, 2000, 1e-6
SHARE_TRAINED = 0.8


class OriginalVRNN(nn.Module):
    """An LSTM cell over one value per time; 64 latent dimensions for each."""

    def __init__(self) -> None:
        super().__init__()
        self.posterior = _layers(1 + N_HIDDEN, 2 * N_LATENT)
        self.prior = _layers(N_HIDDEN, 2 * N_LATENT)
        self.cell = nn.LSTMCell(1 + N_LATENT, N_HIDDEN)
        self.decoder = _layers(N_HIDDEN + N_LATENT, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return squared errors, divergences, both ``(n_genes,)``, and the draws of z, ``(n_genes, T, 64)``.

        Parameters
        ----------
        x
            ``(n_genes, n_times)``.
        """
        h = x.new_zeros(len(x), N_HIDDEN)
        c = x.new_zeros(len(x), N_HIDDEN)
        error, divergence, draws = x.new_zeros(len(x)), x.new_zeros(len(x)), []
        for t in range(x.shape[1]):
            now = x[:, t : t + 1]
            mean, logvar = self.posterior(torch.cat([now, h], dim=1)).chunk(2, dim=1)
            prior_mean, prior_logvar = self.prior(h).chunk(2, dim=1)
            # Not in the original, which ends in NaN on large values.
            logvar, prior_logvar = logvar.clamp(-10.0, 10.0), prior_logvar.clamp(-10.0, 10.0)
            z = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
            h, c = self.cell(torch.cat([now, z], dim=1), (h, c))
            decoded = self.decoder(torch.cat([h, z], dim=1))
            error = error + (now - decoded)[:, 0] ** 2
            ratio = (logvar.exp() + (mean - prior_mean) ** 2) / prior_logvar.exp()
            divergence = divergence + 0.5 * (prior_logvar - logvar + ratio - 1.0).sum(dim=1)
            draws.append(z)
        return error, divergence, torch.stack(draws, dim=1)


def _layers(n_in: int, n_out: int) -> nn.Sequential:
    """Return two layers with a rectifier between."""
    return nn.Sequential(nn.Linear(n_in, N_LAYER), nn.ReLU(), nn.Linear(N_LAYER, n_out))


class _Fit(Task):
    """Four fifths of the genes are trained on; the loss of the others is recorded and decides nothing."""

    def __init__(self, module: OriginalVRNN, x: torch.Tensor, order: NDArray[np.int64]) -> None:
        self.module, self.x = module, x
        n = max(2, round(SHARE_TRAINED * len(order)))
        self.trained, self.others = order[:n], torch.from_numpy(order[n:])

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return Adam."""
        return {"main": Adam(self.module.parameters(), lr=LR)}

    def batches(self, epoch: int, rng: np.random.Generator) -> Iterable[torch.Tensor]:
        """Return batches of genes."""
        for batch in shuffled(self.trained, BATCH, rng):
            yield torch.from_numpy(batch)

    def step(self, batch: torch.Tensor, at: Step) -> Mapping[str, torch.Tensor]:
        """Return half the squared error, and a millionth of the divergence."""
        error, divergence, _ = self.module(self.x[batch])
        loss = (0.5 * error + BETA * divergence).mean()
        return {"loss": loss, "nll": 0.5 * error.mean().detach(), "kl_z": divergence.mean().detach()}

    def validate(self, epoch: int) -> Mapping[str, float]:
        """Return the loss of the genes that are not trained on."""
        if not len(self.others):
            return {}
        error, divergence, _ = self.module(self.x[self.others])
        return {"val_loss": float((0.5 * error + BETA * divergence).mean())}


@dataclass(frozen=True, eq=False)
class FittedOriginal:
    """A trained network.

    Parameters
    ----------
    module
        The network.
    history
        One row per epoch.
    device
        Where it is.
    """

    module: OriginalVRNN
    history: pd.DataFrame
    device: torch.device

    def latent(self, values: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
        """Return one random draw of z, averaged over time, ``(n_genes, 64)``: another seed, another answer.

        Parameters
        ----------
        values
            ``(n_genes, n_times)``.
        seed
            Of the draw.
        """
        x = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(self.device)
        with repeatable(1), seeded(seed), torch.no_grad():
            return self.module(x)[2].mean(dim=1).cpu().numpy().astype(np.float64)


def fit_original(
    values: NDArray[np.float64], *, seed: int, max_epochs: int = EPOCHS, device: str | None = "cpu"
) -> FittedOriginal:
    """Train the network on mean values.

    Parameters
    ----------
    values
        ``(n_genes, n_times)``.
    seed
        Of weights, batches and draws.
    max_epochs
        Passes over the genes.
    device
        Where to compute.
    """
    place = resolve_device(device)
    with seeded(child_seed(seed, "weights")):
        module = OriginalVRNN().to(place)
    x = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(place)
    order = np.random.default_rng(child_seed(seed, "genes")).permutation(len(values)).astype(np.int64)
    task = _Fit(module, x, order)
    trained = Trainer(
        task, max_epochs=max_epochs, seed=seed, validate_every=50, clip_norm=5.0, description="VRNN (original)"
    ).run()
    return FittedOriginal(module, trained.history, place)
