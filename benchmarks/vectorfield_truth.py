"""Fields against known truth: simulated wirings, and dyngen cells with true velocities; beside baselines and shuffles.

``python benchmarks/vectorfield_truth.py [--dyngen bifurcating.h5ad] [-o FILE.json]``

On simulated wirings (Hill kinetics, signed edges) velocities and expression carry noise. Scored are the cosine to the
true velocity on held-out cells, the AUROC of true edges by the size of the Jacobian, the share of true edges whose sign
is right, and the share of genes whose response to each knock-out (paired counterfactual cells: the same cell with and
without the gene) has the right sign.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

import reguloom as rl
from reguloom import vectorfield as vf
from reguloom.vectorfield.fit import cosines
from reguloom.vectorfield.jacobian import group_means

N_TFS, N_GENES, N_CELLS = 8, 30, 1500


class Wiring:
    """Genes regulated by a few TFs: production is a product of Hill functions, decay is first order."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.sign = np.zeros((N_GENES, N_TFS))
        for gene in range(N_GENES):
            chosen = rng.choice([t for t in range(N_TFS) if t != gene], 2, replace=False)
            self.sign[gene, chosen] = rng.choice([-1, 1], 2, p=[0.45, 0.55])
        self.top, self.half = rng.uniform(2, 4, N_GENES), rng.uniform(0.6, 1.4, (N_GENES, N_TFS))
        self.decay = rng.uniform(0.6, 1.4, N_GENES)

    def velocity(self, x: np.ndarray, off: int | None = None) -> np.ndarray:
        """Return velocities; a gene that is off stays where it is."""
        tf = x[:, None, :N_TFS]
        rise = tf**2 / (self.half**2 + tf**2)
        parts = np.where(self.sign > 0, rise, np.where(self.sign < 0, 1 - rise, 1.0))
        made = self.top * (0.05 + 0.95 * parts.prod(axis=2)) - self.decay * x
        if off is not None:
            made[:, off] = 0.0
        return made

    def run(self, x: np.ndarray, time: np.ndarray | float, off: int | None = None, n_steps: int = 60) -> np.ndarray:
        """Return the cells after a time."""
        dt = np.asarray(time) / n_steps
        for _ in range(n_steps):
            x = np.maximum(x + dt * self.velocity(x, off), 0)
        return x

    def cells(self, seed: int) -> np.ndarray:
        """Return cells on their way from random states."""
        rng = np.random.default_rng(seed)
        return self.run(rng.uniform(0, 3.5, (N_CELLS, N_GENES)), rng.uniform(0, 2.0, (N_CELLS, 1)))


def auroc(score: np.ndarray, truth: np.ndarray) -> float:
    from scipy.stats import rankdata

    ranks, n = rankdata(score), int(truth.sum())
    return float((ranks[truth].sum() - n * (n + 1) / 2) / (n * (len(truth) - n)))


def network_scores(table: np.ndarray, wiring: Wiring) -> dict[str, float]:
    """Score targets × TFs against the true edges; a gene's own decay is no edge."""
    other = ~np.eye(N_GENES, N_TFS, dtype=bool)
    edge = wiring.sign != 0
    return {
        "edge_auroc": auroc(np.abs(table[other]), edge[other]),
        "edge_sign": float((np.sign(table[edge]) == wiring.sign[edge]).mean()),
    }


def knockout_signs(responses: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of genes whose mean response to each knock-out has the right sign, where there is one."""
    strong = np.abs(truth) > 0.1 * np.abs(truth).max()
    return float((np.sign(responses[strong]) == np.sign(truth[strong])).mean())


def simulated(seed: int, noise: float = 1.0) -> pd.DataFrame:
    wiring = Wiring(seed)
    x = wiring.cells(seed)
    rng = np.random.default_rng(seed + 100)
    truth = wiring.velocity(x)
    seen = np.maximum(x + 0.1 * rng.normal(size=x.shape), 0)
    v = truth + noise * truth.std() * rng.normal(size=x.shape)
    test = rng.random(N_CELLS) < 0.2
    names = [f"G{i}" for i in range(N_GENES)]
    vt = np.linalg.svd(seen - seen.mean(axis=0), full_matrices=False)[2]
    paired = np.array([knocked(wiring, x, tf) for tf in range(N_TFS)])

    def fitted(velocities: np.ndarray, **options: object) -> vf.VectorField:
        adata = AnnData(seen[~test], var=pd.DataFrame(index=names))
        adata.varm["PCs"], adata.obsm["X_pca"] = vt.T, (seen[~test] - seen.mean(axis=0)) @ vt.T
        adata.obsm["velocity_pca"] = velocities[~test] @ vt.T
        return vf.fit(adata, **options)

    def of_field(field: vf.VectorField) -> dict[str, float]:
        aimed = field((seen[test] - seen.mean(axis=0)) @ vt.T) @ field.space.loadings.T
        means, _ = group_means(field)
        table = np.einsum("ei,ij,rj->er", field.space.loadings, means[0], field.space.loadings[:N_TFS])
        made = field.predict([rl.Perturbation.knockout(names[tf]) for tf in range(N_TFS)])
        responses = np.asarray(made.delta)
        responses[np.arange(N_TFS), np.arange(N_TFS)] = 0
        scores = {"cosine": float(cosines(aimed, truth[test]).mean()), **network_scores(table, wiring)}
        return scores | {"knockout_sign": knockout_signs(responses, paired)}

    def of_correlation() -> dict[str, float]:
        table = np.corrcoef(seen.T)[:, :N_TFS]
        return {"cosine": np.nan, **network_scores(table, wiring), "knockout_sign": knockout_signs(-table.T, paired)}

    def of_mean() -> dict[str, float]:
        aimed = np.tile(v[~test].mean(axis=0), (int(test.sum()), 1))
        shift = np.array([seen[seen[:, t] <= np.quantile(seen[:, t], 0.1)].mean(axis=0) for t in range(N_TFS)])
        shift -= seen.mean(axis=0)
        return {
            "cosine": float(cosines(aimed, truth[test]).mean()),
            "edge_auroc": np.nan,
            "edge_sign": np.nan,
            "knockout_sign": knockout_signs(shift, paired),
        }

    shuffled = v[rng.permutation(N_CELLS)]
    rows = {
        "ours": of_field(fitted(v)),
        "original's defaults": of_field(fitted(v, compat="dynamo")),
        "shuffled velocity": of_field(fitted(shuffled)),
        "correlation": of_correlation(),
        "mean shift": of_mean(),
    }
    return pd.DataFrame(rows).T


def knocked(wiring: Wiring, x: np.ndarray, tf: int) -> np.ndarray:
    """Return the mean difference between paired cells with and without a TF, after a short time."""
    off = x.copy()
    off[:, tf] = 0
    delta = (wiring.run(off, 0.5, off=tf) - wiring.run(x, 0.5)).mean(axis=0)
    delta[tf] = 0
    return delta


def dyngen(path: Path) -> pd.DataFrame:
    """Held-out cosine to the true velocity in the PCA of dyngen cells, by five folds."""
    import anndata

    adata = anndata.read_h5ad(path)
    true = np.asarray(adata.uns.pop("gt_velocities").todense())
    adata = adata[np.isfinite(true).all(axis=1)].copy()
    true = true[np.isfinite(true).all(axis=1)]
    adata.layers["true"] = true
    vf.prepare(adata, n_genes=adata.n_vars, n_components=10)
    truth = (adata.layers["true"] / (1 + adata.layers["Ms"])) @ adata.varm["PCs"]
    vf.velocity(adata, method="stochastic")
    inputs = {"true velocities in": truth}
    for name in ("tangent", "linear"):
        vf.project(adata, method=name, key_added="v")
        inputs[f"estimated, {name}"] = adata.obsm["v"]
    vf.project(adata, method="pearson", key_added="v")
    rows = {}
    x, fold = adata.obsm["X_pca"], np.random.default_rng(0).integers(5, size=adata.n_obs)
    for name, v in inputs.items():
        rows[f"{name}: ours"] = folds(x, v, truth, fold)
        rows[f"{name}: original's constants"] = folds(x, v, truth, fold, compat="dynamo")
        scaled = v / np.linalg.norm(v, axis=1).max() / 2
        rows[f"{name}: original's constants, scaled to unit length"] = folds(x, scaled, truth, fold, compat="dynamo")
        rows[f"{name}: shuffled"] = folds(x, v[np.random.default_rng(1).permutation(len(v))], truth, fold)
        rows[f"{name}: mean velocity"] = float(cosines(np.tile(v.mean(axis=0), (len(v), 1)), truth).mean())
    rows["original's pipeline (pearson kernel, its constants)"] = folds(
        x, adata.obsm["v"], truth, fold, compat="dynamo"
    )
    return pd.DataFrame({"cosine": rows})


def folds(x: np.ndarray, v: np.ndarray, truth: np.ndarray, fold: np.ndarray, **options: object) -> float:
    aimed = np.zeros_like(v)
    for one in range(5):
        train = AnnData(np.zeros((int((fold != one).sum()), 1)))
        train.obsm["X_flat"], train.obsm["velocity_flat"] = x[fold != one], v[fold != one]
        aimed[fold == one] = vf.fit(train, basis="flat", **options)(x[fold == one])
    return float(cosines(aimed, truth).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dyngen", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables = {
            "simulated": pd.concat([simulated(s) for s in range(asked.seeds)]).groupby(level=0, sort=False).mean()
        }
        if asked.dyngen:
            tables["dyngen"] = dyngen(asked.dyngen)
    for name, table in tables.items():
        print(name, table.round(3).to_string(), sep="\n")
    if asked.output:
        asked.output.write_text(json.dumps({name: table.to_dict("index") for name, table in tables.items()}, indent=1))


if __name__ == "__main__":
    main()
