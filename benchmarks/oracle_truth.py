"""Predicted direction of knock-outs against the true one, on simulated worlds with paired counterfactual cells.

``python benchmarks/oracle_truth.py [-o FILE.csv] [--worlds 3] [--cells 800]``

Each world is a mechanistic simulation; a counterfactual knock-out is the same cell with and without it. Networks:
the true edges, the world's motif network (right in some 40 % of its edges), GRNBoost2's, and the true one rewired.
Baselines: no change, mean shift (the mean true shift of the other knock-outs), the neighbours' mean (each cell moves to
the mean of its neighbours on the embedding), and the slope on the knocked-out gene. Measured per knock-out: the cosine
of mean predicted and mean true shift, the same within each cell type (mean over types), and the share of the genes that
truly move whose sign is right. A predictor that cannot answer (no edge of the factor was kept) counts as no change.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import reguloom as rl
from reguloom.manifold import nearest


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Return the cosine of two shifts; 0 if one of them is none."""
    size = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / size) if size > 0 else 0.0


def measures(predicted: np.ndarray, true: np.ndarray, own: int, types: np.ndarray) -> dict[str, float]:
    """Return cosines and sign accuracy of the shift of cells × genes, the knocked-out gene left out."""
    rest = np.arange(true.shape[1]) != own
    predicted, true = predicted[:, rest], true[:, rest]
    mean, goal = predicted.mean(axis=0), true.mean(axis=0)
    moved = np.abs(goal) > 0.1 * np.abs(goal).max()
    each = [cosine(predicted[types == one].mean(axis=0), true[types == one].mean(axis=0)) for one in np.unique(types)]
    return {
        "cosine": cosine(mean, goal),
        "cosine by type": float(np.mean(each)),
        "sign": float((np.sign(mean[moved]) == np.sign(goal[moved])).mean()),
    }


def rewired(network: rl.Network, seed: int) -> rl.Network:
    """Return the network with every gene's number of edges kept and its partners exchanged."""
    from reguloom.oracle._kernels import rewire

    source, target = network.source.astype(np.int64), network.target.astype(np.int64)
    present = np.zeros((len(network.regulators), len(network.targets)), dtype=bool)
    present[source, target] = True
    rewire(source, target, present, np.full(len(network.regulators), -1), 50 * len(source), seed)
    return rl.Network.from_edges(network.regulators[source], network.targets[target])


def one_world(seed: int, n_cells: int, wiring: str) -> pd.DataFrame:
    """Return the measures of every network and baseline in one world."""
    world = rl.datasets.world(wiring, n_cells, rng=seed)
    adata = world.adata
    genes = list(adata.var_names)
    active = sorted(set(world.network.regulators[world.network.source]))
    boosted = rl.grn.infer(adata, list(world.tfs), rng=seed)
    networks = {
        "true network": world.network,
        "motif network": world.base_network,
        "GRNBoost2": boosted.top(2 * len(world.network)),
        "rewired network": rewired(world.network, seed),
    }
    models = {}
    for name, network in networks.items():
        models[name] = rl.oracle.fit(adata, network, groupby="cell_type", normalize=True, p=None, n_bootstrap=0)
    truth = {}
    for tf in active[:8]:
        pair = world.counterfactual(rl.Perturbation.knockout(tf))
        truth[tf] = np.log1p(pair.X) - np.log1p(pair.layers["control"])
    near, _ = nearest(adata.obsm["X_pca"][:, :2].astype(np.float64), 30)
    types = adata.obs["cell_type"].astype(str).to_numpy()
    return pd.DataFrame(list(_rows(models, truth, genes, near, types, f"{wiring}{seed}")))


def _rows(
    models: dict[str, rl.oracle.Oracle],
    truth: dict[str, np.ndarray],
    genes: list[str],
    near: np.ndarray,
    types: np.ndarray,
    world: str,
) -> Iterator[dict[str, object]]:
    """Yield one row per knock-out and predictor."""
    reference = next(iter(models.values())).expression
    still = np.zeros_like(reference)
    drift = reference[near].mean(axis=1) - reference
    for tf, true in truth.items():
        own = genes.index(tf)
        others = [shift.mean(axis=0) for name, shift in truth.items() if name != tf]
        slope = np.cov(reference, rowvar=False)[own] / max(reference[:, own].var(ddof=1), 1e-12)
        answers = {"no change": still, "mean shift": still + np.mean(others, axis=0), "neighbours' mean": drift,
                   "correlation": -reference[:, [own]] * slope}  # fmt: skip
        for name, model in models.items():
            able = tf in model.regulators
            answers[name] = model.predict(rl.Perturbation.knockout(tf)).delta if able else still
        for name, answer in answers.items():
            yield {"world": world, "tf": tf, "predictor": name, **measures(answer, true, own, types)}


def main() -> None:
    """Run the worlds and print the means with their standard errors over worlds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--worlds", type=int, default=3)
    parser.add_argument("--cells", type=int, default=800)
    parser.add_argument("--wiring", default="M")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    table = pd.concat([one_world(seed, options.cells, options.wiring) for seed in range(options.worlds)])
    if options.output:
        table.to_csv(options.output, index=False)
    by_world = table.groupby(["predictor", "world"])[["cosine", "cosine by type", "sign"]].mean()
    shown = by_world.groupby("predictor").agg(["mean", "sem"]).round(3)
    print(f"{table['tf'].nunique()} factors, {table['world'].nunique()} worlds of {options.cells} cells")
    print(shown.sort_values(("cosine", "mean"), ascending=False).to_string())


if __name__ == "__main__":
    main()
