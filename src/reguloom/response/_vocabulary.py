"""The vocabulary of models whose places for genes are those of the training perturbations."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._random import generator
from reguloom.core import PerturbationData
from reguloom.response._sources import Sources, make_sources
from reguloom.response.gene_graphs import Annotation

#: Cells that co-expression is computed from.
MOST_CELLS = 3000


def trained_vocabulary(
    data: PerturbationData,
    train: NDArray[np.int64],
    seed: int,
    *,
    annotation: Annotation | None = None,
    embeddings: pd.DataFrame | None = None,
    embedded: bool = False,
) -> Sources:
    """Return the targets of training cells, and what stands in for other genes.

    Parameters
    ----------
    data, train
        The screen, and positions of training cells.
    seed
        Decides which cells co-expression is computed from, if there are many.
    annotation, embeddings
        What is known of genes.
    embedded
        Whether every gene with an embedding has a place of its own.

    Raises
    ------
    InputError
        If training targets lack an embedding that they need.
    """
    codes = np.unique(data.condition_codes[train])
    trained = sorted({gene for code in codes for gene in data.conditions[code].genes})
    names = trained
    if embedded and embeddings is not None:
        missing = sorted(set(trained) - set(embeddings.index.astype(str)))
        if missing:
            msg = f"{len(missing)} training perturbations have no embedding, such as {missing[:3]}; add rows for them."
            raise InputError(msg)
        names = sorted(set(embeddings.index.astype(str)))
    few = np.sort(generator(seed, "coexpression").permutation(train)[:MOST_CELLS])
    return make_sources(
        pd.Index(names, dtype=object), trained, annotation=annotation,
        embeddings=None if embedded else embeddings, genes=data.genes, values=data.sparse_values(few),
    )  # fmt: skip
