"""Every baseline, and the learned models if they are asked for, on Norman & McFaline and on Kang: the tables."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

import reguloom as rl
from reguloom.core import PerturbationData
from reguloom.evaluate.response_baselines import ContextTransfer


def fully_seen_doubles(data: PerturbationData) -> rl.evaluate.Split:
    """Hold out the doubles both of whose singles are there."""
    singles = {label for label in data.condition_labels if "+" not in label}
    doubles = [one for one in data.condition_labels if "+" in one and set(one.split("+")) <= singles]
    train = tuple((label, "all") for label in data.condition_labels if label not in doubles)
    return rl.evaluate.Split("fully seen doubles", train, (), tuple((label, "all") for label in doubles))


def norman(folder: Path, models: dict[str, object], gene_sets: Path | None) -> dict[str, object]:
    """Return the tables of the K562 screen: fully seen doubles, and combinations held out three times."""
    adata = anndata.read_h5ad(folder / "norman_mcfaline_devel.h5ad")
    data = PerturbationData.from_anndata(adata[adata.obs["cell_type"] == "k562"].copy())
    embeddings = {} if gene_sets is None else {"GO": gene_sets}
    found: dict[str, object] = {}
    for name, split in (("doubles", fully_seen_doubles(data)), ("combinations", "unseen-combination"),
                        ("simulation", "simulation")):  # fmt: skip
        start = time.process_time()
        scores = rl.evaluate.response(models, data, split, embeddings=embeddings)
        found[name] = {"headline": scores.headline, "cpu_s": round(time.process_time() - start, 1),
                       "table": scores.table().round(4).reset_index().to_dict("records")}  # fmt: skip
        print(name, scores.headline, scores.table().iloc[:, :6].round(3).to_string(), sep="\n")
    return found


def kang(folder: Path) -> dict[str, object]:
    """Return r² of means before and after the mean shift of the other cell types, and the correlation of changes."""
    adata = anndata.read_h5ad(folder / "kang_ifnb.h5ad")
    data = PerturbationData.from_anndata(adata, perturbation="group_id", covariates="cluster_id", layer="logcounts")
    bulk, rows = data.pseudobulk(), {}
    for context in data.contexts:
        split = rl.evaluate.split(data, "unseen-context", contexts=context, val_share=0.0)
        real, control = (bulk.means[bulk.position(label, context)] for label in (data.condition_labels[1], "control"))
        said = ContextTransfer().fit(data, split).predict([data.conditions[1]], contexts=[context])
        shift = said.delta[0]
        rows[context] = {
            "r2_no_change": np.corrcoef(control, real)[0, 1] ** 2,
            "r2_shift": np.corrcoef(control + shift, real)[0, 1] ** 2,
            "pearson_delta": np.corrcoef(shift, real - control)[0, 1],
        }
    table = pd.DataFrame(rows).T
    print(table.round(3).to_string())
    return table.round(4).to_dict("index")


def size() -> dict[str, object]:
    """Return time and peak memory of all baselines on a screen as large as Norman's: 91,000 cells x 5,000 genes."""
    import resource

    from scipy.sparse import csr_matrix

    n, g, per = 91_000, 5_000, 500
    random = np.random.default_rng(0)
    indices = np.sort((np.arange(n * per, dtype=np.int32) * 10 % g).reshape(n, per), axis=1)
    values = random.integers(1, 9, n * per, dtype=np.int8).astype(np.float32)
    matrix = csr_matrix((values, indices.ravel(), np.arange(0, n * per + 1, per)), shape=(n, g))
    singles = [f"g{i}" for i in range(105)]
    pairs = [f"{a}+{b}" for a, b in zip(singles, singles[1:] + singles[:1], strict=True)] + [
        f"{a}+{b}" for a, b in zip(singles[:26], singles[30:56], strict=True)]  # fmt: skip
    labels = np.array(["control", *singles, *pairs])[np.arange(n) % (1 + len(singles) + len(pairs))]
    obs = pd.DataFrame({"perturbation": labels}, index=np.arange(n).astype(str))
    adata = anndata.AnnData(matrix, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(g)]))
    start, cpu = time.perf_counter(), time.process_time()
    rl.evaluate.response({}, adata, "simulation", n_splits=1, n_bootstrap=200)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    found = {"wall_s": round(time.perf_counter() - start, 1), "cpu_s": round(time.process_time() - cpu, 1),
             "peak_gb": round(peak, 2)}  # fmt: skip
    print(found)
    return found


def main() -> None:
    """Run what is asked for and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="Folder with norman_mcfaline_devel.h5ad and kang_ifnb.h5ad.")
    parser.add_argument("--models", nargs="*", default=[], help="Learned models, such as gears cpa.")
    parser.add_argument("--gene-sets", type=Path, default=None, help="GMT file.")
    parser.add_argument("--size", action="store_true", help="Time a screen of Norman's size, and nothing else.")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "results" / "response_norman.json")
    asked = parser.parse_args()
    known = rl.response.models() if asked.models else {}
    results: dict[str, object] = (
        {"size": size()}
        if asked.size
        else {
            "norman": norman(asked.data, {name: known[name] for name in asked.models}, asked.gene_sets),
            "kang": kang(asked.data),
        }
    )
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
