"""Network fit and one knock-out, ours and the original's, on the same data in one run; and a large simulated set.

``python benchmarks/oracle_speed.py COUNTS.h5ad BASE.parquet --peer PYTHON --groupby cell_type [--cells 800]``
``python benchmarks/oracle_speed.py --large 100000 3000``

PYTHON is the interpreter of an environment with the original. Both fit on one thread; CPU seconds are compared, as they
hardly depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import reguloom as rl


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return the result, and seconds of wall clock and CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def compare(options: argparse.Namespace) -> None:
    """Time both on some of the cells and genes of a real set."""
    from reguloom.core import Expression
    from reguloom.oracle._input import normalized

    adata = rl.io.read(options.counts)
    rng = np.random.default_rng(0)
    adata = adata[np.sort(rng.choice(adata.n_obs, min(options.cells, adata.n_obs), replace=False))].copy()
    # The original stops with an IndexError where a gene is detected in fewer cells or has a larger mean.
    usable = (np.asarray((adata.X > 0).sum(axis=0)).ravel() > 5) & (np.asarray(adata.X.mean(axis=0)).ravel() < 8)
    adata = adata[:, usable].copy()
    prior = rl.io.read_network(options.base).restrict(adata.var_names)
    tfs = set(prior.regulators[np.unique(prior.source)])
    spread = np.asarray(adata.X.toarray().var(axis=0)).ravel()
    order = np.argsort(-(spread + 1e9 * adata.var_names.isin(tfs)))[: options.genes]
    adata = adata[:, np.sort(order)].copy()
    logged = normalized(Expression.of(adata)).to_dense()
    adata.X = logged
    prior = prior.restrict(adata.var_names)
    rl.oracle.fit(adata, prior, groupby=options.groupby, n_bags=2, n_bootstrap=0)  # compile
    settings = {"groupby": options.groupby, "n_edges": options.n_edges, "n_jobs": 1}
    _, whole = timed(lambda: rl.oracle.fit(adata, prior, **settings))
    model, fit = timed(lambda: rl.oracle.fit(adata, prior, n_bootstrap=0, **settings))
    print(f"with intervals of every edge, which the original does not give: {whole['cpu']:.2f} CPU-s")
    near, prepared = timed(lambda: rl.manifold.Neighborhood.of(model.expression, adata.obsm["X_umap"]))
    knock_out = rl.Perturbation.knockout(options.gene)
    near.shift(model.predict(knock_out).delta)
    _, once = timed(lambda: near.shift(model.predict(knock_out).delta))
    ours = {"fit": fit, "neighbours (once)": prepared, "knock-out": once}
    print(
        f"{adata.n_obs} cells x {adata.n_vars} genes, {len(model.groups.categories)} groups, {len(prior)} prior edges"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        np.savez(
            path, counts=np.expm1(logged), genes=np.array(adata.var_names), cells=np.array(adata.obs_names),
            cluster=adata.obs[options.groupby].astype(str).to_numpy(), embedding=adata.obsm["X_umap"],
            edges_source=np.array(prior.regulators[prior.source]), edges_target=np.array(prior.targets[prior.target]),
            gene=options.gene, k=max(1, int(0.025 * adata.n_obs)), n_edges=options.n_edges, n_neighbors=200,
        )  # fmt: skip
        script = Path(__file__).with_name("oracle_peer.py")
        done = subprocess.run([options.peer, str(script), str(path)], stdout=subprocess.PIPE, text=True, check=True)
    theirs = json.loads(done.stdout.strip().splitlines()[-1])
    rows = [("network fit (impute, weigh, filter, refit)", fit, [theirs[n] for n in ("impute", "fit", "refit")]),
            ("one knock-out, to the shift on the embedding", once, [theirs["knock-out"]])]  # fmt: skip
    for name, mine, parts in rows:
        cpu, wall = (sum(part[kind] for part in parts) for kind in ("cpu", "wall"))
        print(f"{name}: ours {mine['cpu']:.2f} CPU-s ({mine['wall']:.2f} s), original {cpu:.1f} CPU-s ({wall:.1f} s): "
              f"{cpu / mine['cpu']:.0f} x ({wall / mine['wall']:.0f} x)")  # fmt: skip
    print(json.dumps({"ours": ours, "theirs": theirs}))


def large(n_cells: int, n_genes: int) -> None:
    """Fit, knock one gene out and score it, on simulated counts of a large size; print time and peak memory."""
    from anndata import AnnData
    from scipy.sparse import csr_matrix, vstack

    rng = np.random.default_rng(0)
    n_tfs, step = 100, 5000
    load = rng.gamma(0.3, 1.0, size=(12, n_genes))
    time_, parts = rng.random(n_cells), []
    for start in range(0, n_cells, step):
        t = time_[start : start + step, None]
        programs = np.exp(-((t - np.linspace(0, 1, 12)) ** 2) / 0.03)
        parts.append(csr_matrix(rng.poisson(0.25 * programs @ load).astype(np.float32)))
    names = [f"Tf{i}" if i < n_tfs else f"Gene{i}" for i in range(n_genes)]
    obs = pd.DataFrame({"time": time_, "state": np.char.add("s", (time_ * 5).astype(int).astype(str))})
    obs.index = obs.index.astype(str)
    adata = AnnData(vstack(parts, format="csr"), obs=obs, var=pd.DataFrame(index=names))
    adata.obsm["X_umap"] = np.column_stack([10 * time_, rng.normal(size=n_cells)])
    source, target = np.nonzero(rng.random((n_tfs, n_genes)) < 0.15)
    prior = rl.Network.from_edges(np.array(names)[source], np.array(names)[target])
    report("data", 0.0)
    start = time.perf_counter()
    model = rl.oracle.fit(adata, prior, groupby="state", normalize=True, n_bootstrap=10)
    report("fit", time.perf_counter() - start)
    start = time.perf_counter()
    field = rl.oracle.development(adata, pseudotime="time")
    score = rl.oracle.perturbation_score(model.predict(rl.Perturbation.knockout(model.regulators[0])), field)
    report(f"knock-out and score ({score})", time.perf_counter() - start)


def report(what: str, seconds: float) -> None:
    """Print time and peak memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what}: {seconds:.0f} s, peak {peak:.2f} GiB", flush=True)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", type=Path, nargs="?")
    parser.add_argument("base", type=Path, nargs="?")
    parser.add_argument("--peer", help="interpreter of an environment with the original")
    parser.add_argument("--groupby", default="cell_type")
    parser.add_argument("--cells", type=int, default=800)
    parser.add_argument("--genes", type=int, default=700)
    parser.add_argument("--n-edges", type=int, default=2000)
    parser.add_argument("--gene", default="Gata1")
    parser.add_argument("--large", type=int, nargs=2, metavar=("CELLS", "GENES"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    if options.large:
        large(*options.large)
    else:
        compare(options)


if __name__ == "__main__":
    main()
