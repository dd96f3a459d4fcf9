"""Would the same method say the same again? Agreement of networks from other seeds, cells or samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, root_seed
from reguloom.evaluate._agreement import Settings, agreement
from reguloom.evaluate._candidates import Candidates, NetworkLike, as_network, used
from reguloom.evaluate.network import COLUMNS

#: Share of the pairs that is compared where nothing else is asked for.
_SHARE = 20


@accepts_seed
def stability(
    runs: Sequence[NetworkLike] | Mapping[str, Sequence[NetworkLike]],
    *,
    tfs: Iterable[str] | None = None,
    genes: Iterable[str] | None = None,
    top: int | None = None,
    n_bootstrap: int = 1000,
    n_permutations: int = 200,
    confidence: float = 0.95,
    rng: SeedLike = 0,
) -> pd.DataFrame:
    """Compare runs of one method with each other, in the columns of :func:`network`.

    ======================  ==========================================================================================
    metric                  what it is
    ======================  ==========================================================================================
    ``stability_spearman``  rank correlation of the signed weights over all pairs, 0 where a run has no edge
    ``stability_jaccard``   share of the edges among the `top` strongest of either run that both have; of edges that
                            tie at the end, those of the first pairs are taken
    ======================  ==========================================================================================

    Parameters
    ----------
    runs
        Two or more networks; or a mapping of methods to such.
    tfs, genes
        The pairs compared; if left out, all sources and all genes that any run names.
    top
        Strongest edges compared; if left out, one in twenty of all pairs, or as many as the shortest run has.
    n_bootstrap, n_permutations
        Samples for the intervals, and for the null in which one run's edges lie anywhere (drawn from the known
        distributions of such overlaps and rank correlations).
    confidence
        Of the intervals.
    rng
        Seed.

    Returns
    -------
    pandas.DataFrame
        ``value`` is the median over pairs of runs, as in BEELINE; ``low, high`` a bootstrap over regulators, whose
        edges are not independent; ``n_true`` is the number of pairs of runs, ``n_predicted`` the edges compared.

    Raises
    ------
    InputError
        If a method has fewer than two runs.
    """
    methods = runs if isinstance(runs, Mapping) else {"predicted": runs}
    networks = {str(name): [as_network(one) for one in several] for name, several in methods.items()}
    single = [name for name, several in networks.items() if len(several) < 2]
    if single:
        msg = f"{single[0]!r} has {len(networks[single[0]])} run; stability compares two or more of one method."
        raise InputError(msg)
    every = [one for several in networks.values() for one in several]
    sources = dict.fromkeys(name for one in every for name in used(one.regulators, one.source)) if tfs is None else tfs
    targets = sources if genes is None else genes
    if genes is None:
        targets = dict.fromkeys([*sources, *(name for one in every for name in used(one.targets, one.target))])
    candidates = Candidates(pd.Index(dict.fromkeys(sources)), pd.Index(dict.fromkeys(targets)))
    settings = Settings(candidates, n_bootstrap, n_permutations, confidence, root_seed(rng))
    rows: list[tuple[object, ...]] = []
    for name, several in networks.items():
        edges = [candidates.edges(one) for one in several]
        size = top or max(1, min(candidates.n // _SHARE, *(len(one) for one in edges)))
        rows += [(name, *row, False) for row in agreement(edges, size, settings)]
    return pd.DataFrame(rows, columns=list(COLUMNS))
