"""scGen: a perturbation is a shift in the latent space of an autoencoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import MissingKeyError
from reguloom._random import child_seed
from reguloom.core import Expression, PerturbationData
from reguloom.response._base import ResponseModel
from reguloom.response._sources import Resolved, Sources
from reguloom.response._state import Cells
from reguloom.response._vocabulary import trained_vocabulary
from reguloom.response.gene_graphs import Annotation

if TYPE_CHECKING:
    from anndata import AnnData


class SCGen(ResponseModel):
    """Latent-space arithmetic: what a perturbation does in the contexts where it was seen, carried to others.

    An autoencoder is trained on all cells; the difference between the latent means of perturbed and control cells is
    added to the latent values of other control cells, and decoded. Lotfollahi, Wolf & Theis, Nature Methods 2019.

    Parameters
    ----------
    n_latent, hidden, n_layers, dropout
        Of the network.
    lr, weight_decay, batch_size, max_epochs, patience
        Of training; it ends when the loss of the validation cells has not improved for `patience` epochs.
    restrict_to
        Contexts that the shift is taken from; all where the perturbation was seen if None.
    residual
        Whether the change is the difference of two decodings, of the cell with and without the shift, so that what
        the decoder loses of a cell cancels: the default. False is the published method, decoding minus the cell
        itself, and the default with `compat`.
    annotation
        Terms of genes (GMT, GAF, JSON or a mapping), by which unseen genes are likened to seen ones.
    n_members
        Members of an ensemble.
    compat
        Take the shift as scgen 2.1 does: contexts are drawn with replacement up to the size of the largest, and
        controls of all contexts count, also of those without a perturbed cell, so that the shift holds a difference
        between contexts; and measure the change from the cell itself. By default only contexts that have both kinds of
        cells count, all the same.
    """

    name = "scgen"
    citations = ("doi:10.1038/s41592-019-0494-8",)

    def __init__(
        self,
        *,
        n_latent: int = 100,
        hidden: int = 800,
        n_layers: int = 2,
        dropout: float = 0.2,
        lr: float = 1e-3,
        weight_decay: float = 1e-6,
        batch_size: int = 32,
        max_epochs: int = 100,
        patience: int | None = 25,
        restrict_to: Sequence[str] | None = None,
        residual: bool | None = None,
        annotation: Annotation | None = None,
        n_members: int = 1,
        compat: bool = False,
    ) -> None:
        params = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**params)

    def latent(self, adata: AnnData, *, layer: str | None = None) -> pd.DataFrame:
        """Return the latent means of cells.

        Parameters
        ----------
        adata
            Any cells with the model's genes, log-normalised.
        layer
            Layer to use in place of ``X``.
        """
        from reguloom.response._torch.scgen import encoded

        values, cells = self._values(adata, layer)
        found = encoded(self.members_[0], values)
        return pd.DataFrame(found, index=cells, columns=[f"latent{i}" for i in range(found.shape[1])])

    def remove_batch(self, adata: AnnData, *, batch: str, layer: str | None = None, groupby: str) -> AnnData:
        """Return the cells without the differences between batches, decoded from the corrected latent space.

        In each group of cells the latent mean of every batch is moved onto that of the largest one; groups with one
        batch stay.

        Parameters
        ----------
        adata
            Cells with the model's genes, log-normalised.
        batch
            Column of ``adata.obs`` with the batch.
        layer
            Layer to use in place of ``X``.
        groupby
            Column with the cell type.

        Returns
        -------
        A new AnnData: ``X`` decoded, ``obsm['latent']`` shifted, ``obsm['corrected_latent']`` encoded again.

        Raises
        ------
        MissingKeyError
            If a column is not there.
        """
        from anndata import AnnData as Made

        from reguloom.response._torch.scgen import decoded, encoded

        for name in (batch, groupby):
            if name not in adata.obs:
                msg = f"adata.obs has no column {name!r}; it has {list(adata.obs)[:12]}."
                raise MissingKeyError(msg)
        values, _ = self._values(adata, layer)
        latent = encoded(self.members_[0], values)
        for group in adata.obs[groupby].astype(str).unique():
            inside = (adata.obs[groupby].astype(str) == group).to_numpy()
            batches = adata.obs[batch].astype(str).to_numpy()
            names, sizes = np.unique(batches[inside], return_counts=True)
            target = latent[inside & (batches == names[sizes.argmax()])].mean(axis=0)
            for name in names:
                here = inside & (batches == name)
                latent[here] += target - latent[here].mean(axis=0)
        corrected = decoded(self.members_[0], latent)
        made = Made(corrected, obs=adata.obs.copy(), var=pd.DataFrame(index=self.state.genes.astype(str)))
        made.obsm["latent"] = latent
        made.obsm["corrected_latent"] = encoded(self.members_[0], corrected)
        return made

    def shift(self, perturbation: str) -> pd.Series:
        """Return the latent shift of a training `perturbation`, given by its label."""
        labels = [one.label for one in self.state.conditions]
        if perturbation not in labels:
            msg = f"{perturbation!r} was not trained on; there are {labels[:10]}."
            raise MissingKeyError(msg)
        found = _array(self.members_[0].shifts)[labels.index(perturbation)]
        return pd.Series(found, index=[f"latent{i}" for i in range(len(found))], name=perturbation)

    def _values(self, adata: AnnData, layer: str | None) -> tuple[NDArray[np.float32], pd.Index]:
        """Return expression of the model's genes."""
        expression = Expression.of(adata, layer=layer)
        return expression.select_genes(self.state.genes).to_dense(np.float32), expression.cells

    def _sources(self, data: PerturbationData, train: NDArray[np.int64], seed: int) -> tuple[Sources, dict[str, Any]]:
        """Return the trained targets as the vocabulary."""
        return trained_vocabulary(data, train, seed, annotation=self.params["annotation"]), {}

    def _network(self) -> Any:
        """Return an untrained network, with a place for the shifts."""
        from reguloom.response._torch.scgen import ScgenNet
        from reguloom.response._torch.tables import add_table

        p = self.params
        net = ScgenNet(len(self.state.genes), hidden=p["hidden"], n_layers=p["n_layers"], n_latent=p["n_latent"],
                       dropout=p["dropout"])  # fmt: skip
        return add_table(net, "shifts", np.zeros((len(self.state.conditions), p["n_latent"]), dtype=np.float32))

    def _train(
        self, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64], run: Any
    ) -> tuple[Any, pd.DataFrame]:
        """Train the autoencoder, then measure the shifts."""
        from reguloom.response._torch.fitting import fitted
        from reguloom.response._torch.scgen import ScgenTask
        from reguloom.response._torch.tables import add_table

        module, history = fitted(self, data, run, lambda net: ScgenTask(self, data, train, val, module=net),
                                 monitor="val_loss" if len(val) else None)  # fmt: skip
        return add_table(module, "shifts", self._shifts(module, data, np.union1d(train, val), run.seed)), history

    def _shifts(self, module: Any, data: PerturbationData, cells: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
        """Return the latent shift of every training perturbation, ``(n_conditions, n_latent)``."""
        from reguloom.response._torch.scgen import encoded

        latent = np.concatenate([encoded(module, data.values(cells[at : at + 4096]))
                                 for at in range(0, len(cells), 4096)])  # fmt: skip
        condition, context = data.condition_codes[cells], data.context_codes[cells]
        allowed = self.params["restrict_to"]
        kept = (
            np.ones(len(cells), dtype=bool) if allowed is None else np.isin(np.array(data.contexts)[context], allowed)
        )
        made = []
        for one in self.state.conditions:
            rng = np.random.default_rng(child_seed(seed, "shift", one.label))
            stimulated, control = kept & (condition == data.conditions.index(one)), kept & (condition == 0)
            measure = resampled_shift if self.params["compat"] else matched_shift
            made.append(measure(latent, context, stimulated, control, rng))
        return np.array(made, dtype=np.float32)

    def _latent_shift(self, module: Any, resolved: Resolved) -> NDArray[np.float64]:
        """Return the shift of each perturbation: its own if it was trained, else the sum of those of its genes."""
        shifts = _array(module.shifts).astype(np.float64)
        trained = self.state.sources.resolve(self.state.conditions).design
        # A gene that was only seen in combinations has its share of their shifts: the least-squares solution.
        by_gene = np.linalg.lstsq(trained.astype(np.float64), shifts, rcond=None)[0]
        single = trained.sum(axis=1) == 1
        for gene in np.flatnonzero(trained[single].sum(axis=0)):
            by_gene[gene] = shifts[single & (trained[:, gene] > 0)].mean(axis=0)
        made = resolved.design.astype(np.float64) @ by_gene
        for i, row in enumerate(resolved.design):
            same = (trained == row).all(axis=1)
            if same.any():
                made[i] = shifts[same].mean(axis=0)
        return made

    def _effects(self, module: Any, resolved: Resolved, cells: Cells) -> Iterator[NDArray[np.floating]]:
        """Yield the decoded cells with the shift, minus the cells (or their decoding)."""
        from reguloom.response._torch.scgen import decoded, encoded

        start = cells.dense()
        latent = encoded(module, start)
        residual = not self.params["compat"] if self.params["residual"] is None else self.params["residual"]
        origin = decoded(module, latent) if residual else start
        for shift in self._latent_shift(module, resolved):
            yield decoded(module, latent + shift) - origin

    def _embedding(self, module: Any, resolved: Resolved) -> NDArray[np.floating]:
        """Return the latent shifts."""
        return self._latent_shift(module, resolved)


def matched_shift(
    latent: NDArray[np.float32],
    context: NDArray[Any],
    stimulated: NDArray[np.bool_],
    control: NDArray[np.bool_],
    rng: np.random.Generator | None = None,
) -> NDArray[np.float64]:
    """Return the mean over contexts of the difference between their perturbed and their control cells.

    Parameters
    ----------
    latent
        Latent values, ``(n_cells, n_latent)``.
    context
        Context of each cell.
    stimulated, control
        Which cells are perturbed, and which are controls.
    rng
        Not used.
    """
    both = np.intersect1d(context[stimulated], context[control])
    pairs = [(latent[stimulated & (context == one)], latent[control & (context == one)]) for one in both]
    if not pairs:
        if not stimulated.any() or not control.any():
            return np.zeros(latent.shape[1])
        pairs = [(latent[stimulated], latent[control])]
    return np.mean([a.mean(axis=0, dtype=np.float64) - b.mean(axis=0, dtype=np.float64) for a, b in pairs], axis=0)


def resampled_shift(
    latent: NDArray[np.float32],
    context: NDArray[Any],
    stimulated: NDArray[np.bool_],
    control: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the difference of means after drawing contexts up to equal size; parameters as :func:`matched_shift`."""
    drawn = []
    for mask in (stimulated, control):
        groups = [np.flatnonzero(mask & (context == one)) for one in np.unique(context[mask])]
        if not groups:
            return np.zeros(latent.shape[1])
        most = max(map(len, groups))
        drawn.append(np.concatenate([rng.choice(group, most) for group in groups]))
    n = min(map(len, drawn))
    first, second = (latent[rng.choice(cells, n, replace=False)].mean(axis=0, dtype=np.float64) for cells in drawn)
    return first - second


def _array(tensor: Any) -> NDArray[Any]:
    """Return a tensor as an array."""
    return np.asarray(tensor.detach().cpu().numpy())
