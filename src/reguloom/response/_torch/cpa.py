"""The compositional perturbation autoencoder: latent = basal state + perturbation + context.

Lotfollahi et al., Molecular Systems Biology 19:e11517 (2023), doi:10.15252/msb.202211517; written from the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from reguloom.response._torch.layers import blocks
from reguloom.response._torch.likelihood import expected_log1p, gauss_log_likelihood, nb_log_likelihood

DOSE_CURVES = ("logsigm", "sigm", "linear")
LEAST_VARIANCE = 1e-4


@dataclass(frozen=True)
class Inputs:
    """A batch of cells.

    Parameters
    ----------
    values
        Counts for ``nb``, log-normalised expression for ``gauss``, ``(n_cells, n_genes)``.
    scale
        Factor that normalises the counts of each cell, ``(n_cells,)``; unused for ``gauss``.
    context, batch
        Numbers, -1 for none, ``(n_cells,)``.
    """

    values: torch.Tensor
    scale: torch.Tensor
    context: torch.Tensor
    batch: torch.Tensor


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
        ``nb`` or ``gauss``.
    n_latent, hidden, n_layers, dropout
        Of encoder and decoder.
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
        dose: str,
        control_embedding: bool,
        adversary_hidden: int,
        adversary_layers: int,
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        act = nn.ReLU()
        self.encoder = nn.Sequential(blocks([n_genes, *[hidden] * n_layers], act, dropout), nn.Linear(hidden, n_latent))
        self.decoder = blocks([n_latent, *[hidden] * n_layers], act, dropout)
        self.mean = nn.Linear(hidden, n_genes)
        self.log_variance = nn.Linear(hidden, n_genes) if likelihood == "gauss" else None
        self.log_theta = nn.Parameter(torch.zeros(n_genes))
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
        """Return the state of cells before anything is added, ``(n_cells, n_latent)``."""
        return self.encoder(torch.log1p(cells.values) if self.likelihood == "nb" else cells.values)

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

    def decode(self, z: torch.Tensor, cells: Inputs) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean and the inverse dispersion (``nb``) or variance (``gauss``) of each value.

        Parameters
        ----------
        z
            Latent states.
        cells
            Whose totals counts are decoded to.
        """
        inside = self.decoder(z)
        if self.log_variance is not None:
            return self.mean(inside), torch.exp(self.log_variance(inside)) + LEAST_VARIANCE
        share = torch.softmax(self.mean(inside), dim=1)
        return share * cells.values.sum(dim=1, keepdim=True), torch.exp(self.log_theta)[None]

    def reconstruction_loss(self, z: torch.Tensor, cells: Inputs) -> torch.Tensor:
        """Return minus the log-likelihood of `cells` given latent states `z`, summed over genes, mean over cells."""
        mean, spread = self.decode(z, cells)
        density = nb_log_likelihood if self.likelihood == "nb" else gauss_log_likelihood
        return -density(cells.values, mean, spread).sum(dim=1).mean()

    def log_expression(self, z: torch.Tensor, cells: Inputs) -> torch.Tensor:
        """Return expected log-normalised expression; parameters as for :meth:`decode`."""
        mean, spread = self.decode(z, cells)
        if self.likelihood == "gauss":
            return mean
        return expected_log1p(mean, spread, cells.scale[:, None]).to(mean.dtype)
