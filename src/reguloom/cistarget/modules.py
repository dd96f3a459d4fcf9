"""Co-expression modules from a network: the strategies of SCENIC (Aibar et al. 2017, doi:10.1038/nmeth.4463)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, warn
from reguloom.cistarget.module import Module
from reguloom.core import Expression, Network
from reguloom.core.correlation import edge_correlation

if TYPE_CHECKING:
    from typing import TypeAlias

    from anndata import AnnData

    Data: TypeAlias = AnnData | pd.DataFrame | Expression


@dataclass(frozen=True)
class _Edges:
    """The network as arrays; names are sorted, so that codes are in alphabetical order."""

    tfs: NDArray[np.object_]
    targets: NDArray[np.object_]
    tf: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float64]


def modules(
    network: Network,
    data: Data | None = None,
    *,
    layer: str | None = None,
    mask_var: str | None = None,
    thresholds: Sequence[float] = (0.75, 0.90),
    top_n_targets: Sequence[int] = (50,),
    top_n_regulators: Sequence[int] = (5, 10, 50),
    top_sd: Sequence[float] = (),
    min_genes: int = 20,
    absolute_thresholds: bool = False,
    rho_dichotomize: bool = True,
    keep_only_activating: bool = True,
    rho_threshold: float = 0.03,
    rho_mask_dropouts: bool = False,
) -> list[Module]:
    """Make co-expression modules from a network, by every strategy at once.

    Edges are split by the sign of the correlation between factor and target. In each part, a module per factor
    holds its targets above a weight threshold (taken over the whole network), or its strongest targets, or the
    targets that have the factor among their strongest regulators. The factor joins its module with weight 1.

    Parameters
    ----------
    network
        Edges with importances. If it has a ``regulation`` column or signs, these decide; else `data` is needed.
    data
        Expression, cells × genes, for the Pearson correlation of each edge over all cells.
    layer, mask_var
        Which layer and which genes of an AnnData are used.
    thresholds
        Quantiles of the weights above which a target is kept (``weight>75.0%``).
    top_n_targets
        Numbers of strongest targets kept per factor (``top50``).
    top_n_regulators
        Numbers of strongest factors kept per target (``top5perTarget``).
    top_sd
        Targets of at least mean + k standard deviations of their factor's weights (``top1sd``), as R's SCENIC adds
        with ``(1, 3)``.
    min_genes
        Smallest module that is kept, the factor counted.
    absolute_thresholds
        Whether `thresholds` are weights, not quantiles (R's SCENIC: 0.001 and 0.005).
    rho_dichotomize
        Whether edges are split into activating and repressing ones.
    keep_only_activating
        Whether repressing modules are left out.
    rho_threshold
        Correlations of at most this size count as none, and their edges are dropped.
    rho_mask_dropouts
        Whether the correlation is taken over the cells that express both genes.

    Returns
    -------
    The modules: sign by sign, strategy by strategy, factors in alphabetical order.

    Raises
    ------
    InputError
        If the network is empty, a threshold is out of range, or signs are needed and there is no way to get them.
    """
    _check(network, thresholds, absolute=absolute_thresholds)
    edges, kept = _as_edges(network)
    parts: list[tuple[tuple[str, ...], NDArray[np.int64]]] = [((), np.arange(len(edges.weight)))]
    if rho_dichotomize:
        regulation = _regulation(
            network, data, layer=layer, mask_var=mask_var, threshold=rho_threshold, mask_dropouts=rho_mask_dropouts
        )[kept]
        parts = [(("activating",), np.flatnonzero(regulation > 0))]
        if not keep_only_activating:
            parts.append((("repressing",), np.flatnonzero(regulation < 0)))
    found: list[Module] = []
    for sign, rows in parts:
        for context, name, chosen in _strategies(
            edges, rows, thresholds, top_n_targets, top_n_regulators, top_sd, absolute_thresholds
        ):
            found.extend(_by_tf(edges, chosen, frozenset((*sign, context)), name, min_genes))
    return found


def _check(network: Network, thresholds: Sequence[float], *, absolute: bool) -> None:
    """Refuse an empty network and quantiles outside 0 to 1."""
    if len(network) == 0:
        msg = "the network has no edges, so it has no modules; check the inference or the filters before."
        raise InputError(msg)
    wrong = [value for value in thresholds if not absolute and not 0 <= value < 1]
    if wrong:
        msg = f"thresholds holds {wrong}; accepted are quantiles from 0 to 1, or weights with absolute_thresholds."
        raise InputError(msg)


def _as_edges(network: Network) -> tuple[_Edges, NDArray[np.int64]]:
    """Return the edges, repeated ones once (the strongest), and their positions in the network."""
    tfs, tf_code = np.unique(np.asarray(network.regulators, dtype=object), return_inverse=True)
    targets, target_code = np.unique(np.asarray(network.targets, dtype=object), return_inverse=True)
    tf, target = tf_code[network.source].astype(np.int64), target_code[network.target].astype(np.int64)
    weight = np.abs(np.asarray(network.weight, dtype=np.float64))
    strongest = np.argsort(-weight, kind="stable")
    _, first = np.unique((tf * len(targets) + target)[strongest], return_index=True)
    kept = np.sort(strongest[first])
    return _Edges(tfs, targets, tf[kept], target[kept], weight[kept]), kept


def _regulation(
    network: Network,
    data: Data | None,
    *,
    layer: str | None,
    mask_var: str | None,
    threshold: float,
    mask_dropouts: bool,
) -> NDArray[np.int8]:
    """Return the sign of each edge: as it stands in the network, or from the correlation in `data`."""
    if "regulation" in network.extra:
        return np.sign(network.extra["regulation"].to_numpy(dtype=np.float64)).astype(np.int8)
    if np.any(network.sign):
        return network.sign
    if data is None:
        msg = (
            "the network has no regulation column and no signs; give the expression as well (data=, or "
            "--expression_mtx_fname), run add-cor before, or set rho_dichotomize=False."
        )
        raise InputError(msg)
    expression = Expression.of(data, layer=layer, mask_var=mask_var)
    rho = edge_correlation(network, expression, mask_dropouts=mask_dropouts)
    n_missing = int(np.isnan(rho).sum())
    if n_missing == len(rho):
        msg = "no edge of the network has a correlation in the expression; do the two share their genes?"
        raise InputError(msg)
    if n_missing:
        warn(f"{n_missing} of {len(rho)} edges have no correlation (gene absent or constant) and are in no module.")
    return (rho > threshold).astype(np.int8) - (rho < -threshold).astype(np.int8)


def _strategies(
    edges: _Edges,
    rows: NDArray[np.int64],
    thresholds: Sequence[float],
    top_n_targets: Sequence[int],
    top_n_regulators: Sequence[int],
    top_sd: Sequence[float],
    absolute: bool,
) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
    """Yield context, pattern of the name and chosen edges (in the order of the genes) of each strategy."""
    weight = edges.weight[rows]
    for level in thresholds:
        # over all edges, those of the other sign included
        cut = level if absolute else np.quantile(edges.weight, level)
        context = f"weight>{level:.3f}" if absolute else f"weight>{level * 100}%"
        yield context, "Regulon for {}", rows[weight > cut]
    for n in top_n_targets:
        order = np.lexsort((-weight, edges.tf[rows]))
        yield f"top{n}", "Regulon for {}", rows[order[_position_in_group(edges.tf[rows[order]]) < n]]
    for n in top_n_regulators:
        yield f"top{n}perTarget", "{}", rows[_top_regulators(edges.target[rows], weight, n)]
    for k in top_sd:
        yield f"top{k:g}sd", "Regulon for {}", rows[weight >= _mean_plus_sd(edges, k)[edges.tf[rows]]]


def _position_in_group(sorted_codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0, 1, 2 ... within each run of equal codes."""
    starts = np.flatnonzero(np.r_[np.ones(1, dtype=bool), sorted_codes[1:] != sorted_codes[:-1]][: len(sorted_codes)])
    return np.arange(len(sorted_codes)) - np.repeat(starts, np.diff(np.r_[starts, len(sorted_codes)]))


def _top_regulators(target: NDArray[np.int64], weight: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Return the positions of the `n` strongest edges of each target.

    They are ordered by target, then by falling weight; but where nothing is cut and each target's edges are
    sorted already, the given order stays. That is the reference's order of genes in a module.
    """
    order = np.lexsort((-weight, target))
    chosen = order[_position_in_group(target[order]) < n]
    sorted_within = np.array_equal(order, np.argsort(target, kind="stable"))
    return np.sort(chosen) if sorted_within and len(chosen) == len(target) else chosen


def _mean_plus_sd(edges: _Edges, k: float) -> NDArray[np.float64]:
    """Return mean + k sample standard deviations of each factor's weights, shape ``(n_tfs,)``."""
    groups = pd.Series(edges.weight).groupby(edges.tf)
    level = groups.mean() + k * groups.std().fillna(0.0)
    return level.reindex(np.arange(len(edges.tfs)), fill_value=np.inf).to_numpy(dtype=np.float64)


def _by_tf(
    edges: _Edges, chosen: NDArray[np.int64], context: frozenset[str], name: str, min_genes: int
) -> Iterator[Module]:
    """Yield one module per factor that has enough genes among the chosen edges."""
    chosen = chosen[np.argsort(edges.tf[chosen], kind="stable")]
    starts = np.unique(edges.tf[chosen], return_index=True)[1]
    for start, stop in zip(starts, [*starts[1:], len(chosen)], strict=False):
        rows = chosen[start:stop]
        tf = edges.tfs[edges.tf[rows[0]]]
        genes, weights = edges.targets[edges.target[rows]], edges.weight[rows]
        itself = genes == tf
        if itself.any():
            weights = np.where(itself, 1.0, weights)
        else:
            genes, weights = np.append(genes, tf), np.append(weights, 1.0)
        if len(genes) >= min_genes:
            yield Module(tf=tf, name=name.format(tf), context=context, genes=genes, weights=weights)
