"""GEARS: gene and perturbation embeddings on two graphs, and a decoder with weights of its own for every gene.

Roohani, Huang & Leskovec, Nature Biotechnology 2024, doi:10.1038/s41587-023-01905-6.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from scipy.sparse import csr_array
from torch import nn

from reguloom.response._torch.layers import GraphConvolution, batch_normed

POSITION_WEIGHT = 0.2


class GearsNet(nn.Module):
    """The network. Weights carry the names of the original, so that its state can be loaded.

    Parameters
    ----------
    coexpression
        Normalised graph between the measured genes, ``(n_genes, n_genes)``.
    annotation
        Normalised graph between genes that can be perturbed, ``(n_nodes, n_nodes)``.
    hidden
        Width.
    n_layers
        Graph convolutions on each graph.
    compat
        Apply the co-expression graph to the first cell of each batch only, as the original does by mistake.
    uncertainty
        Whether there is a head for the logarithm of the variance.
    n_contexts
        Of the data; with several, each has an embedding that joins that of the perturbation.
    """

    sim_layers: Any
    layers_emb_pos: Any

    def __init__(
        self,
        coexpression: csr_array,
        annotation: csr_array,
        *,
        hidden: int = 64,
        n_layers: tuple[int, int] = (1, 1),
        compat: bool = False,
        uncertainty: bool = False,
        n_contexts: int = 1,
    ) -> None:
        super().__init__()
        n_genes, n_nodes = coexpression.shape[0], annotation.shape[0]
        self.n_genes, self.compat = n_genes, compat
        self.gene_emb = nn.Embedding(n_genes, hidden)
        self.emb_pos = nn.Embedding(n_genes, hidden)
        self.pert_emb = nn.Embedding(n_nodes, hidden)
        self.bn_emb = nn.BatchNorm1d(hidden)
        self.layers_emb_pos = nn.ModuleList(GraphConvolution(coexpression, hidden, hidden) for _ in range(n_layers[0]))
        self.sim_layers = nn.ModuleList(GraphConvolution(annotation, hidden, hidden) for _ in range(n_layers[1]))
        self.emb_trans_v2 = batch_normed([hidden, hidden, hidden])
        self.pert_fuse = batch_normed([hidden, hidden, hidden])
        self.bn_pert_base = nn.BatchNorm1d(hidden)
        self.recovery_w = batch_normed([hidden, 2 * hidden, hidden])
        self.cross_gene_state = batch_normed([n_genes, hidden, hidden])
        self.indv_w1 = nn.Parameter(nn.init.xavier_normal_(torch.empty(n_genes, hidden, 1)))
        self.indv_b1 = nn.Parameter(nn.init.xavier_normal_(torch.empty(n_genes, 1)))
        self.indv_w2 = nn.Parameter(nn.init.xavier_normal_(torch.empty(1, n_genes, hidden + 1)))
        self.indv_b2 = nn.Parameter(nn.init.xavier_normal_(torch.empty(1, n_genes)))
        self.uncertainty_w = batch_normed([hidden, 2 * hidden, hidden, 1]) if uncertainty else None
        self.context_emb = nn.Embedding(n_contexts, hidden) if n_contexts > 1 else None

    def forward(
        self, design: torch.Tensor, context: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return what each cell's expression changes by, and the logarithm of the variance if there is a head.

        Parameters
        ----------
        design
            Weights of the perturbed genes of each cell, ``(n_cells, n_nodes)``; a row of zeros is a control.
        context
            Number of each cell's context, -1 for one that was not seen; not seen at all if None.
        """
        embedded = self.perturbations(design, context)
        trunk = self._trunk(len(design))
        # Genes come before cells in memory, so that each gene's own weights meet its rows without a copy.
        if self.compat:
            states = self.bn_pert_base((trunk + embedded[:, None, :]).transpose(0, 1).reshape(-1, trunk.shape[-1]))
        else:
            genes, cells = grid_normed(self.bn_pert_base, trunk[0], embedded)
            states = (genes[:, None, :] + cells[None]).reshape(-1, trunk.shape[-1])
        flat = torch.relu_(states)
        recovered = self.recovery_w(flat).reshape(self.n_genes, len(design), -1)
        own = (torch.bmm(recovered, self.indv_w1)[:, :, 0] + self.indv_b1).T
        across = self.cross_gene_state(own)
        change = own * self.indv_w2[0, :, 0] + across @ self.indv_w2[0, :, 1:].T + self.indv_b2
        if self.uncertainty_w is None:
            return change, None
        return change, self.uncertainty_w(flat).reshape(self.n_genes, len(design)).T

    def perturbations(self, design: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        """Return the embedding of each cell's perturbation, ``(n_cells, hidden)``; zeros for controls.

        Parameters
        ----------
        design, context
            As in :meth:`forward`.
        """
        nodes = _within_unit_ball(self.pert_emb)
        for layer in self.sim_layers[:-1]:
            nodes = torch.relu(layer(nodes))
        nodes = self.sim_layers[-1](nodes)
        perturbed = torch.nonzero((design != 0).any(dim=1)).ravel()
        made = torch.zeros((len(design), nodes.shape[1]), dtype=nodes.dtype, device=nodes.device)
        if not len(perturbed):
            return made
        summed = design[perturbed] @ nodes
        if self.context_emb is not None:
            where = _within_unit_ball(self.context_emb)
            own = torch.full((len(design),), -1, device=design.device) if context is None else context
            own = own[perturbed]
            # One that was not seen is like the average of those that were.
            summed = summed + torch.where((own >= 0)[:, None], where[own.clamp(min=0)], where.mean(dim=0))
        # Batch normalisation needs two rows while training.
        fused = self.pert_fuse(torch.cat([summed, summed]) if len(perturbed) == 1 else summed)
        return made.index_put((perturbed,), fused[: len(perturbed)])

    def _trunk(self, n_cells: int) -> torch.Tensor:
        """Return the state of each gene before any perturbation, ``(1 or n_cells, n_genes, hidden)``."""
        copies = n_cells if self.compat else 1
        genes = _within_unit_ball(self.gene_emb).repeat(copies, 1)
        base = torch.relu(self.bn_emb(genes))
        position = _within_unit_ball(self.emb_pos)
        base = base + POSITION_WEIGHT * self._positions(position, copies)
        return self.emb_trans_v2(base).reshape(copies, self.n_genes, -1)

    def _positions(self, position: torch.Tensor, copies: int) -> torch.Tensor:
        """Return position embeddings after the graph; in `compat`, copies after the first see only themselves."""
        first, other = position, position
        for layer in self.layers_emb_pos[:-1]:
            first, other = torch.relu(layer(first)), torch.relu(layer.lin(other))
        last = self.layers_emb_pos[-1]
        if copies == 1:
            return last(first)
        return torch.cat([last(first), last.lin(other).repeat(copies - 1, 1)])


def grid_normed(norm: nn.BatchNorm1d, genes: torch.Tensor, cells: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two tables whose sums over all pairs are the batch-normalised sums of `genes` and `cells`.

    Over all pairs of a row of one and a row of the other the mean of the sum is the sum of the means, and the variance
    the sum of the variances: the large table of all pairs need not be read to be normalised.

    Parameters
    ----------
    norm
        Whose weights and running statistics are used and, in training, updated.
    genes, cells
        ``(n_genes, hidden)`` and ``(n_cells, hidden)``.
    """
    mean, variance = cast(torch.Tensor, norm.running_mean), cast(torch.Tensor, norm.running_var)
    if norm.training:
        running, momentum = (mean, variance), float(norm.momentum or 0.1)
        mean = genes.mean(dim=0) + cells.mean(dim=0)
        variance = genes.var(dim=0, unbiased=False) + cells.var(dim=0, unbiased=False)
        n = len(genes) * len(cells)
        with torch.no_grad():
            cast(torch.Tensor, norm.num_batches_tracked).add_(1)
            running[0].lerp_(mean, momentum)
            running[1].lerp_(variance * n / max(n - 1, 1), momentum)
    scale = norm.weight / torch.sqrt(variance + norm.eps)
    return (genes - mean) * scale + norm.bias, cells * scale


def _within_unit_ball(embedding: nn.Embedding) -> torch.Tensor:
    """Shrink rows longer than 1, in place as the original does at each look-up, and return the weights."""
    with torch.no_grad():
        norm = embedding.weight.norm(dim=1, keepdim=True)
        embedding.weight.mul_(torch.where(norm > 1, 1 / (norm + 1e-7), torch.ones_like(norm)))
    return embedding.weight


def gears_loss(
    predicted: torch.Tensor,
    observed: torch.Tensor,
    *,
    condition: torch.Tensor,
    used: torch.Tensor,
    control: torch.Tensor,
    direction: float = 0.1,
    focus: float = 2.0,
    log_variance: torch.Tensor | None = None,
    regularisation: float = 1.0,
    compat: bool = False,
    sharpness: float | None = None,
) -> torch.Tensor:
    """Return the autofocus loss with the direction term, averaged over perturbations (equation 7 of the paper).

    Parameters
    ----------
    predicted, observed
        Expression, ``(n_cells, n_genes)``.
    condition
        Number of each cell's perturbation, ``(n_cells,)``.
    used
        Which genes count for a perturbation, ``(n_conditions, n_genes)``, 0 and 1.
    control
        Mean expression of control cells, ``(n_genes,)`` or one row per cell.
    direction
        Weight of the direction term.
    focus
        Errors are raised to the power ``2 + focus``; 2 in the paper.
    log_variance
        From the uncertainty head.
    regularisation
        Weight of the uncertainty.
    compat
        With uncertainty: multiply the error by ``1 + exp(-s)``, as the original does. Otherwise the head learns the
        variance of the residuals by a Gaussian likelihood, and leaves the means alone.
    sharpness
        Replace the sign in the direction term by ``tanh(sharpness x)``, which has a gradient; the sign has none.
    """
    error = predicted - observed
    focused = error.abs() ** (2 + focus)
    if log_variance is not None and compat:
        focused = focused * (1 + regularisation * torch.exp(-log_variance))
    elif log_variance is not None:
        squared = error.detach() ** 2
        focused = focused + regularisation * 0.5 * (squared * torch.exp(-log_variance) + log_variance)
    sign = torch.sign if sharpness is None else lambda x: torch.tanh(sharpness * x)
    focused = focused + direction * (sign(observed - control) - sign(predicted - control)) ** 2
    mask = used[condition]
    per_cell = (focused * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
    groups, member = torch.unique(condition, return_inverse=True)
    counts = torch.bincount(member, minlength=len(groups)).to(per_cell.dtype)
    return (per_cell / counts[member]).sum() / len(groups)
