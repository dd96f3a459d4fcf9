"""The compositional perturbation autoencoder: latent = basal state + perturbation + context.

Lotfollahi et al., Molecular Systems Biology 19:e11517 (2023), doi:10.15252/msb.202211517; written from the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from reguloom.response._torch.layers import blocks
from reguloom.response._torch.likelihood import (
    expected_log1p,
    gauss_log_likelihood,
    nb_log_likelihood,
    zinb_log_likelihood,
)

DOSE_CURVES = ("logsigm", "sigm", "linear")
LEAST_VARIANCE = 1e-4


@dataclass(frozen=True)
class Inputs:
    """A batch of cells.

    Parameters
    ----------
    values
        Counts for ``nb`` and ``zinb``, log-normalised expression for ``gauss``, ``(n_cells, n_genes)``.
    scale
        Factor that normalises the counts of each cell, ``(n_cells,)``; unused for ``gauss``.
    context, batch
        Numbers, -1 for none, ``(n_cells,)``.
    """

    values: torch.Tensor
    scale: torch.Tensor
    context: torch.Tensor
    batch: torch.Tensor


@dataclass(frozen=True)
class Decoded:
    """The distribution of each value, ``(n_cells, n_genes)``.

    Parameters
    ----------
    mean
        Of the counts, or of log-normalised expression.
    spread
        Inverse dispersion of the counts, or the variance.
    zeros
        Log-odds of a zero beside those of the negative binomial; None for none.
    counts
        Whether values are counts.
    """

    mean: torch.Tensor
    spread: torch.Tensor
    zeros: torch.Tensor | None = None
    counts: bool = True

    def variance(self) -> torch.Tensor:
        """Return the variance of each value."""
        if not self.counts:
            return self.spread
        within = self.mean + self.mean**2 / self.spread
        if self.zeros is None:
            return within
        kept = torch.sigmoid(-self.zeros)
        return kept * within + kept * (1 - kept) * self.mean**2

    def expected(self) -> torch.Tensor:
        """Return the expectation of each value."""
        return self.mean if self.zeros is None else self.mean * torch.sigmoid(-self.zeros)


class DoseCurves(nn.Module):
    """How strong each perturbation is at a dose; 0 at dose 0.

    Parameters
    ----------
    kind
        ``logsigm``: ``sigmoid(b log(1 + d) + a) - sigmoid(a)``; ``sigm``: the same in ``d``; ``linear``: ``d``.
    n
        Number of perturbations.
    """

    def __init__(self, kind: str, n: int) -> None:
        super().__init__()
        self.kind = kind
        self.slope = nn.Parameter(torch.ones(n))
        self.offset = nn.Parameter(torch.zeros(n))

    def forward(self, dose: torch.Tensor) -> torch.Tensor:
        """Return the strength for each `dose`, ``(n_rows, n)``."""
        if self.kind == "linear":
            return dose
        inside = torch.log1p(dose) if self.kind == "logsigm" else dose
        return torch.sigmoid(inside * self.slope + self.offset) - torch.sigmoid(self.offset)


class CpaNet(nn.Module):
    """Encoder, embeddings, decoder, and the adversaries that keep the basal state free of what was done.

    Parameters
    ----------
    n_genes, n_contexts, n_batches, n_conditions
        Of the data; conditions are classes of the adversary.
    features
        What genes of the vocabulary are described by, ``(n_vocabulary, n)``; None for embeddings that are learned.
    n_vocabulary
        Number of genes with a place.
    likelihood
        ``nb``, ``zinb`` or ``gauss``.
    n_latent, hidden, n_layers, dropout
        Of encoder and decoder.
    variational
        Whether basal states are drawn around a mean with a variance that the encoder tells.
    dose
        Kind of dose curve.
    control_embedding
        Whether the control has an embedding of its own.
    adversary_hidden, adversary_layers
        Of the classifiers.
    """

    features: torch.Tensor | None

    def __init__(
        self,
        n_genes: int,
        *,
        n_vocabulary: int,
        n_contexts: int,
        n_batches: int,
        n_conditions: int,
        features: NDArray[np.float32] | None,
        likelihood: str,
        n_latent: int,
        hidden: int,
        n_layers: int,
        dropout: float,
        variational: bool = False,
        dose: str,
        control_embedding: bool,
        adversary_hidden: int,
        adversary_layers: int,
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        act = nn.ReLU()
        self.encoder = nn.Sequential(blocks([n_genes, *[hidden] * n_layers], act, dropout), nn.Linear(hidden, n_latent))
        self.spread = nn.Linear(hidden, n_latent) if variational else None
        self.decoder = blocks([n_latent, *[hidden] * n_layers], act, dropout)
        self.mean = nn.Linear(hidden, n_genes)
        self.log_variance = nn.Linear(hidden, n_genes) if likelihood == "gauss" else None
        self.log_theta = nn.Parameter(torch.zeros(n_genes))
        self.zeros = nn.Linear(hidden, n_genes) if likelihood == "zinb" else None
        # The last row is the control's, where it has one.
        self.perturbation = nn.Embedding(n_vocabulary + 1, n_latent) if features is None else nn.Embedding(1, n_latent)
        self.from_features = None if features is None else nn.Linear(features.shape[1], n_latent, bias=False)
        self.register_buffer("features", None if features is None else torch.from_numpy(features))
        # Curves of their own would be untrained for genes that are only known by their features.
        self.doses = DoseCurves(dose, n_vocabulary if features is None else 1)
        self.control_embedding = control_embedding
        self.context = nn.Embedding(n_contexts, n_latent)
        self.batch = nn.Embedding(n_batches, n_latent)
        widths = [n_latent, *[adversary_hidden] * adversary_layers]
        self.adversaries = nn.ModuleDict(
            {name: nn.Sequential(blocks(widths, act, 0.1), nn.Linear(adversary_hidden, n_classes))
             for name, n_classes in (("condition", n_conditions), ("context", n_contexts), ("batch", n_batches))
             if n_classes > 1}
        )  # fmt: skip

    def basal(self, cells: Inputs) -> torch.Tensor:
        """Return the state of cells before anything is added, ``(n_cells, n_latent)``; while training a draw of it."""
        return self.encode(cells)[0]

    def encode(self, cells: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the basal states, and how far their distributions are from N(0, 1), a mean over cells (0 if fixed)."""
        inside = self.encoder[0](cells.values if self.likelihood == "gauss" else torch.log1p(cells.values))
        mean = self.encoder[1](inside)
        if self.spread is None:
            return mean, torch.zeros((), device=mean.device)
        variance = functional.softplus(self.spread(inside)) + LEAST_VARIANCE
        divergence = 0.5 * (variance + mean**2 - 1 - torch.log(variance)).sum(dim=1).mean()
        return mean + torch.sqrt(variance) * torch.randn_like(mean) if self.training else mean, divergence

    def perturbations(self, design: torch.Tensor, dose: torch.Tensor) -> torch.Tensor:
        """Return the latent embedding of perturbations; 0, or that of the control, for rows of zeros.

        Parameters
        ----------
        design, dose
            Weight and dose of each gene, ``(n_rows, n_vocabulary)``.
        """
        table = self.perturbation.weight[:-1] if self.from_features is None else self.from_features(self.features)
        made = (design * self.doses(dose)) @ table
        if not self.control_embedding:
            return made
        control = (design == 0).all(dim=1, keepdim=True)
        return torch.where(control, self.perturbation.weight[-1], made)

    def surroundings(self, context: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of context and batch, their means for what was not seen.

        Parameters
        ----------
        context, batch
            Numbers; -1 for what was not seen.
        """
        made = torch.zeros((len(context), self.context.weight.shape[1]), device=context.device)
        for table, code in ((self.context.weight, context), (self.batch.weight, batch)):
            made = made + torch.where((code >= 0)[:, None], table[code.clamp(min=0)], table.mean(dim=0))
        return made

    def decode(self, z: torch.Tensor, cells: Inputs) -> Decoded:
        """Return the distribution of each value.

        Parameters
        ----------
        z
            Latent states.
        cells
            Whose totals counts are decoded to.
        """
        inside = self.decoder(z)
        if self.log_variance is not None:
            return Decoded(self.mean(inside), torch.exp(self.log_variance(inside)) + LEAST_VARIANCE, counts=False)
        share = torch.softmax(self.mean(inside), dim=1)
        return Decoded(share * cells.values.sum(dim=1, keepdim=True), torch.exp(self.log_theta)[None],
                       None if self.zeros is None else self.zeros(inside))  # fmt: skip

    def log_likelihood(self, values: torch.Tensor, found: Decoded) -> torch.Tensor:
        """Return the log-likelihood of each value.

        Parameters
        ----------
        values
            What was measured.
        found
            Of :meth:`decode`.
        """
        if self.likelihood == "gauss":
            return gauss_log_likelihood(values, found.mean, found.spread)
        if found.zeros is not None:
            return zinb_log_likelihood(values, found.mean, found.spread, found.zeros)
        return nb_log_likelihood(values, found.mean, found.spread)

    def reconstruction_loss(self, z: torch.Tensor, cells: Inputs) -> torch.Tensor:
        """Return minus the log-likelihood of `cells` given latent states `z`, summed over genes, mean over cells."""
        return -self.log_likelihood(cells.values, self.decode(z, cells)).sum(dim=1).mean()

    def log_expression(self, z: torch.Tensor, cells: Inputs) -> torch.Tensor:
        """Return expected log-normalised expression; parameters as for :meth:`decode`."""
        found = self.decode(z, cells)
        if self.likelihood == "gauss":
            return found.mean
        expected = expected_log1p(found.mean, found.spread, cells.scale[:, None]).to(found.mean.dtype)
        return expected if found.zeros is None else expected * torch.sigmoid(-found.zeros)
