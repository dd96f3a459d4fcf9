"""LatentAdditive: the cheap strong reference among learned models, also on embeddings of genes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom.core import PerturbationData
from reguloom.response._base import ResponseModel
from reguloom.response._sources import Resolved, Sources
from reguloom.response._state import Cells
from reguloom.response._vocabulary import trained_vocabulary
from reguloom.response.gene_graphs import Annotation


class LatentAdditive(ResponseModel):
    """Control cell and perturbation are encoded apart, added in a latent space, and decoded.

    With `embeddings` (of a protein or text model, or principal components of annotation) the perturbation is
    described by them, and every gene that has one can be asked for. The architecture is that of Wu et al.,
    PerturBench, arXiv 2024.

    Parameters
    ----------
    n_latent, hidden, dropout
        Of the networks, two layers each.
    lr, weight_decay, batch_size, max_epochs, patience
        Of training; the best epoch is the one with the lowest squared error of mean changes in validation.
    embeddings
        One row for each gene; standardised by columns. Without it each trained gene has a column of its own.
    annotation
        Terms of genes (GMT, GAF, JSON or a mapping), by which unseen genes are likened to seen ones.
    n_members
        Members of an ensemble.
    """

    name = "latent-additive"
    citations = ("doi:10.48550/arXiv.2408.10609",)

    def __init__(
        self,
        *,
        n_latent: int = 128,
        hidden: int = 256,
        dropout: float = 0.1,
        lr: float = 1e-3,
        weight_decay: float = 1e-6,
        batch_size: int = 256,
        max_epochs: int = 100,
        patience: int | None = 15,
        embeddings: pd.DataFrame | None = None,
        annotation: Annotation | None = None,
        n_members: int = 1,
    ) -> None:
        params = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**params)

    def _sources(self, data: PerturbationData, train: NDArray[np.int64], seed: int) -> tuple[Sources, dict[str, Any]]:
        """Return the genes that have a place, and what describes each."""
        table = self.params["embeddings"]
        sources = trained_vocabulary(data, train, seed, annotation=self.params["annotation"], embeddings=table,
                                     embedded=table is not None)  # fmt: skip
        return sources, {"features": features_of(sources.vocabulary, table)}

    def _network(self) -> Any:
        """Return an untrained network."""
        from reguloom.response._torch.latent_additive import AdditiveNet

        p = self.params
        return AdditiveNet(len(self.state.genes), len(self.state.contexts), self.state.extra["features"],
                           hidden=p["hidden"], n_latent=p["n_latent"], dropout=p["dropout"])  # fmt: skip

    def _train(
        self, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64], run: Any
    ) -> tuple[Any, pd.DataFrame]:
        """Train one member."""
        from reguloom.response._torch.fitting import fitted
        from reguloom.response._torch.latent_additive import AdditiveTask

        return fitted(self, data, run, lambda net: AdditiveTask(self, data, train, val, module=net, seed=run.seed),
                      monitor="val_mse" if len(val) else None)  # fmt: skip

    def _effects(self, module: Any, resolved: Resolved, cells: Cells) -> Iterator[NDArray[np.floating]]:
        """Yield the difference between two predictions of the same cell, so that errors of the decoder cancel."""
        from reguloom.response._torch.latent_additive import additive_changes

        start = cells.dense()
        for row in resolved.design:
            yield additive_changes(module, row[None], start, cells.context)[0]

    def _embedding(self, module: Any, resolved: Resolved) -> NDArray[np.floating]:
        """Return the latent shifts."""
        from reguloom.response._torch.latent_additive import additive_embeddings

        return additive_embeddings(module, resolved.design)


def features_of(vocabulary: pd.Index, embeddings: pd.DataFrame | None) -> NDArray[np.float32]:
    """Return what describes each gene: its embedding, standardised, or a column of its own.

    Parameters
    ----------
    vocabulary
        The genes.
    embeddings
        One row for each.
    """
    if embeddings is None:
        return np.eye(len(vocabulary), dtype=np.float32)
    table = embeddings.set_axis(embeddings.index.astype(str)).loc[list(vocabulary)].to_numpy(np.float64)
    spread = table.std(axis=0)
    return ((table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).astype(np.float32)
