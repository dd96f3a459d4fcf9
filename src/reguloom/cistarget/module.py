"""A co-expression module: a set of weighted genes, perhaps of a transcription factor, to be tested for motifs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom.core import Regulons


@dataclass(frozen=True, eq=False)
class Module:
    """A gene set with weights.

    Parameters
    ----------
    tf
        The transcription factor whose motifs count, or None for a plain gene set, for which every motif counts.
    name
        Name of the module; need not be unique.
    context
        How it was made: ``activating`` or ``repressing``, and the strategy, such as ``top50``.
    genes
        Names of the genes, shape ``(n_genes,)``, each once.
    weights
        Weight of each gene, shape ``(n_genes,)``: the importance of its edge, and 1 for the factor itself.
    """

    tf: str | None
    name: str
    genes: np.ndarray
    weights: NDArray[np.float64]
    context: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Check that there is one weight per gene."""
        if len(self.genes) != len(self.weights):
            msg = f"module {self.name!r} has {len(self.genes)} genes and {len(self.weights)} weights; give one each."
            raise InputError(msg)

    def __len__(self) -> int:
        """Return the number of genes."""
        return len(self.genes)

    def to_dict(self) -> dict[str, float]:
        """Return gene → weight."""
        return dict(zip(self.genes.tolist(), self.weights.tolist(), strict=True))


ModulesLike: TypeAlias = Sequence[Module] | Module | Regulons | Mapping[str, object]
"""What :func:`~reguloom.cistarget.enrich` takes: modules, one module, regulons, or gene sets by name."""


def as_modules(modules: ModulesLike) -> list[Module]:
    """Return modules as they are, and regulons or gene sets as modules without a transcription factor.

    Parameters
    ----------
    modules
        Modules; one module; regulons; or name → genes, or name → gene → weight.

    Raises
    ------
    InputError
        If there is none, or one is something else.
    """
    if isinstance(modules, Module):
        found = [modules]
    elif isinstance(modules, Regulons):
        found = [_plain(one.name, one.to_dict()) for one in modules]
    elif isinstance(modules, Mapping):
        found = [_plain(str(name), genes) for name, genes in modules.items()]
    else:
        found = list(modules)
    if not found:
        msg = "there is no module to test; lower min_genes or the thresholds that make the modules."
        raise InputError(msg)
    wrong = next((one for one in found if not isinstance(one, Module)), None)
    if wrong is not None:
        msg = f"a module is a {type(wrong).__name__}; accepted are Modules, Regulons, or a mapping name -> genes."
        raise InputError(msg)
    return found


def _plain(name: str, genes: object) -> Module:
    """Return a gene set without a transcription factor; repeated genes count once."""
    if isinstance(genes, str) or not hasattr(genes, "__iter__"):
        msg = f"gene set {name!r} is a {type(genes).__name__}; give a list of genes, or a mapping gene -> weight."
        raise InputError(msg)
    weights = dict(genes) if isinstance(genes, Mapping) else dict.fromkeys(genes, 1.0)
    return Module(
        tf=None,
        name=name,
        genes=np.array([str(gene) for gene in weights], dtype=object),
        weights=np.array(list(weights.values()), dtype=np.float64),
    )
