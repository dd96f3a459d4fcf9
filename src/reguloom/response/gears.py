"""GEARS: responses to unseen genes and combinations, by way of graphs between genes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import block_diag, csr_array, eye_array

from reguloom._errors import InputError
from reguloom._random import generator
from reguloom.core import PerturbationData
from reguloom.response._base import ResponseModel
from reguloom.response._sources import Resolved, Sources, make_sources
from reguloom.response._state import Cells
from reguloom.response.gene_graphs import Annotation, annotation_graph, coexpression_graph, normalised

#: Cells that the correlations between genes are computed from; more change little and take long.
MOST_CELLS = 5000


class GEARS(ResponseModel):
    """Graph-enhanced gene activation and repression simulator.

    Every measured gene and every gene that can be perturbed has an embedding, and so has every context if there are
    several; graphs (co-expression, shared annotation) carry what is learned of one gene to others, and a decoder with
    weights for each gene tells the change that is added to a control cell. Roohani, Huang & Leskovec, Nature
    Biotechnology 2024.

    Parameters
    ----------
    annotation
        Terms of genes: a GMT, GAF or JSON file, or a mapping. Without it the graph between perturbed genes is
        co-expression.
    hidden
        Width.
    n_neighbors
        Neighbours of a gene in each graph.
    coexpression_threshold
        Least absolute correlation of neighbours.
    annotation_threshold
        Least Jaccard index of neighbours.
    n_layers
        Graph convolutions: co-expression graph, annotation graph.
    direction
        Weight of the direction term of the loss.
    focus
        The error of a gene is raised to the power ``2 + focus``. By default 0, so that what is learned is the mean
        change. The original's 2 leads elsewhere wherever cells with and without transcripts of a gene are mixed.
    direction_sharpness
        Replaces the sign in it by ``tanh(sharpness x)``, which has a gradient; None keeps the sign, which has none.
    uncertainty
        Whether a head learns the variance of each gene (``obs['uncertainty']``).
    regularisation
        Weight of the uncertainty in the loss.
    lr, weight_decay, lr_decay, lr_step
        Of Adam; the learning rate is multiplied by `lr_decay` after so many updates, whatever the size of the screen.
    batch_size, cells_each
        Perturbations (in a context) in a batch, and how many cells of each stand together. The change is computed once
        for each perturbation, so that more cells cost little and take noise from the gradient.
    max_epochs, patience
        Of training; None goes on for ten steps of the learning rate. The best epoch is the one with the lowest squared
        error of mean changes in validation.
    n_members
        Members of an ensemble.
    compat
        Follow cell-gears 0.1.2 to the letter: the co-expression graph acts on the first cell of each batch alone,
        each cell stands alone and keeps one control for all epochs, contexts are not told apart, the focus is 2, the
        learning rate falls after every epoch (20 by default), the best epoch is that of the 20 strongest genes, genes
        outside the graph are left out, and with `uncertainty` the error is multiplied by ``1 + exp(-s)``.
    """

    name = "gears"
    citations = ("doi:10.1038/s41587-023-01905-6",)

    def __init__(
        self,
        *,
        annotation: Annotation | None = None,
        hidden: int = 64,
        n_neighbors: int = 20,
        coexpression_threshold: float = 0.4,
        annotation_threshold: float = 0.1,
        n_layers: tuple[int, int] = (1, 1),
        direction: float = 0.1,
        focus: float | None = None,
        direction_sharpness: float | None = None,
        uncertainty: bool = False,
        regularisation: float = 1.0,
        lr: float = 1e-3,
        weight_decay: float = 5e-4,
        lr_decay: float = 0.5,
        lr_step: int = 205,
        batch_size: int = 32,
        cells_each: int = 8,
        max_epochs: int | None = None,
        patience: int | None = None,
        n_members: int = 1,
        compat: bool = False,
    ) -> None:
        params = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        super().__init__(**params)

    def _sources(self, data: PerturbationData, train: NDArray[np.int64], seed: int) -> tuple[Sources, dict[str, Any]]:
        """Build both graphs; genes that are perturbed and not annotated get a node of their own."""
        p = self.params
        shown = _graph_cells(data, train, compat=p["compat"], seed=seed)
        values = data.sparse_values(shown)
        genes = coexpression_graph(values, threshold=p["coexpression_threshold"], n_neighbors=p["n_neighbors"])
        if p["annotation"] is None:
            if p["compat"]:
                msg = "compat=True needs annotation=: the original always has a graph of shared terms."
                raise InputError(msg)
            nodes, graph = data.genes.astype(object), genes
        else:
            wanted = {*data.genes, *data.targets}
            nodes, graph = annotation_graph(p["annotation"], wanted, threshold=p["annotation_threshold"],
                                            n_neighbors=p["n_neighbors"])  # fmt: skip
        perturbed = {gene for code in np.unique(data.condition_codes[train]) for gene in data.conditions[code].genes}
        alone = [] if p["compat"] else sorted(perturbed - set(nodes))
        if alone:
            nodes = nodes.append(pd.Index(alone, dtype=object))
            graph = csr_array(block_diag([graph, eye_array(len(alone))], format="csr"))
        sources = make_sources(nodes, perturbed & set(nodes), genes=data.genes,
                               values=None if p["compat"] else values)  # fmt: skip
        extra: dict[str, Any] = {}
        for name, one in (("coexpression", normalised(genes)), ("annotation", normalised(graph))):
            extra |= {f"{name}.{part}": getattr(one, part) for part in ("data", "indices", "indptr")}
        return sources, extra

    def _network(self) -> Any:
        """Return an untrained network on the graphs of the state."""
        from reguloom.response._torch.gears import GearsNet

        p, extra = self.params, self.state.extra
        graphs = [csr_array(tuple(extra[f"{name}.{part}"] for part in ("data", "indices", "indptr")), shape=(n, n))
                  for name, n in (("coexpression", len(self.state.genes)),
                                  ("annotation", len(self.state.sources.vocabulary)))]  # fmt: skip
        return GearsNet(*graphs, hidden=p["hidden"], n_layers=tuple(p["n_layers"]), compat=p["compat"],
                        uncertainty=p["uncertainty"],
                        n_contexts=1 if p["compat"] else len(self.state.contexts))  # fmt: skip

    def _train(
        self, data: PerturbationData, train: NDArray[np.int64], val: NDArray[np.int64], run: Any
    ) -> tuple[Any, pd.DataFrame]:
        """Train one member."""
        from reguloom.response._torch.gears_task import train_gears

        return train_gears(self, data, self._settle(data, train, self.state.sources), val, run)

    def _effects(self, module: Any, resolved: Resolved, cells: Cells) -> Iterator[NDArray[np.floating]]:
        """Yield one change for all cells of a context: what is added does not depend on the control cell."""
        from reguloom.response._torch.gears_task import changes

        contexts, member = np.unique(cells.context, return_inverse=True)
        made = [changes(module, resolved.design, np.full(len(resolved.design), one))[0] for one in contexts]
        for of_contexts in zip(*made, strict=True):
            yield np.stack(of_contexts)[member if len(contexts) > 1 else [0]]

    def _embedding(self, module: Any, resolved: Resolved) -> NDArray[np.floating]:
        """Return the fused embedding of each perturbation."""
        from reguloom.response._torch.gears_task import embeddings

        return embeddings(module, resolved.design)

    def _uncertainty(self, resolved: Resolved) -> dict[str, NDArray[np.floating]]:
        """Return the mean standard deviation over genes; in `compat` the original's ``exp(-mean s)``."""
        if not self.params["uncertainty"]:
            return {}
        from reguloom.response._torch.gears_task import changes

        found = [changes(module, resolved.design)[1] for module in self.members_]
        logs = np.mean([one for one in found if one is not None], axis=0)
        if self.params["compat"]:
            return {"uncertainty": np.exp(-logs.mean(axis=1))}
        return {"uncertainty": np.exp(0.5 * logs).mean(axis=1)}


def _graph_cells(data: PerturbationData, train: NDArray[np.int64], *, compat: bool, seed: int) -> NDArray[np.int64]:
    """Return the cells that correlations come from: training controls and, as the original does, single genes."""
    few = np.array([len(one.genes) <= 1 for one in data.conditions])
    chosen = train[few[data.condition_codes[train]]]
    if compat or len(chosen) <= MOST_CELLS:
        return chosen
    return np.sort(generator(seed, "graph").permutation(chosen)[:MOST_CELLS])
