"""Gene modules and timing against published modules and planted ones, every baseline in the same table.

``python benchmarks/temporal_truth.py SET [-o FILE.json] [--data FOLDER] [--seeds 3]
[--first 0] [--cells 16] [--modules K]``

SET is ``grandprix``, ``moanin``, ``idrem``, ``kouno``, ``guo``, ``windram``, or a simulated design (``uneven``,
``dense``, ``cell_types``, ``conditions``, ``crossed``, ``varying``). R files are read with the package rdata, which is
no dependency.

Readout and options are the defaults of `reguloom.temporal.fit`; what was fixed when is told beside the results. Each
set is one call for each seed; ``--modules true`` gives the number of published modules, otherwise it is chosen.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import reguloom as rl

#: Shalek et al. 2014: inflammatory genes answer before the core antiviral ones.
EARLY, LATE = ("IIIc", "IIId"), "Id"
DESIGNS = ("uneven", "dense", "cell_types", "conditions", "crossed", "varying")


def read_r(path: Path) -> dict[str, Any]:
    import rdata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rdata.read_rda(path)


def cells(values: np.ndarray, genes: list[str], hours: np.ndarray) -> Any:
    from anndata import AnnData

    obs = pd.DataFrame({"hours": np.asarray(hours, float)}, index=[f"c{i}" for i in range(len(hours))])
    return AnnData(np.asarray(values, np.float32), obs=obs, var=pd.DataFrame(index=genes))


def grandprix(folder: Path) -> tuple[Any, dict[str, Any], pd.Series]:
    table = pd.read_csv(folder / "grandprix" / "ShalekTrainingData.csv", index_col=0)
    meta = pd.read_csv(folder / "grandprix" / "ShalekCellMeta.csv", index_col=0).set_index("cell")
    modules = pd.read_csv(folder / "delorean" / "Shalek-2014-Supp-Table-3.csv")
    truth = modules.drop_duplicates("GENE").set_index("GENE")["CLUSTER"].reindex(table.index).dropna()
    kept = truth.groupby(truth).transform("size") >= 5
    adata = cells(table.to_numpy().T, list(table.index), meta["obstime"].reindex(table.columns).to_numpy())
    return adata, {"time": "hours"}, truth[kept]


def moanin(folder: Path) -> tuple[Any, dict[str, Any], None]:
    made = read_r(folder / "moanin" / "exampleData.rda")
    table, meta = made["testData"], made["testMeta"]
    course = rl.temporal.TimeCourse.from_samples(
        table, meta["Timepoint"].to_numpy(float), tracks=list(meta["Group"].astype(str)),
        replicates=list(meta["Replicate"]),
    )  # fmt: skip
    return course, {}, None


def idrem(folder: Path) -> tuple[Any, dict[str, Any], None]:
    table = pd.read_csv(folder / "idrem" / "example_expression_data_file.txt", sep="\t", index_col=0)
    table = table[~table.index.duplicated()]
    days = [10.5, 11.5, 12.5, 13.5, 14.5, 16.5, 22.0, 25.0, 28.0, 75.0]
    course = rl.temporal.TimeCourse.from_samples(table, 24.0 * np.array(days), likelihood="gaussian")
    return course, {}, None


def delorean(name: str, folder: Path) -> tuple[Any, dict[str, Any], None]:
    """Return cells that DeLorean was tried on."""
    made = read_r(folder / "delorean" / f"{name.capitalize()}DeLorean.rda")
    table, meta = np.asarray(made[f"{name}.expr"]), made[f"{name}.cell.meta"]
    adata = cells(table.T, list(made[f"{name}.gene.meta"]["gene"].astype(str)), meta["obstime"].to_numpy(float))
    return adata, {"time": "hours"}, None


def windram(folder: Path) -> tuple[Any, dict[str, Any], None]:
    made = read_r(folder / "delorean" / "WindramDeLorean.rda")
    names = {name.split(".", 1)[1]: one for name, one in made.items() if "." in name}
    table, meta = names["expr"], names["cell.meta"]
    genes = list(names["gene.meta"].iloc[:, 0].astype(str))
    tracks = list(meta["condition"].astype(str)) if "condition" in meta else None
    course = rl.temporal.TimeCourse.from_samples(
        np.asarray(table), meta["obstime"].to_numpy(float), genes=genes, tracks=tracks
    )
    return course, {}, None


def simulated(design: str, seed: int, n_cells: int, *, permute: bool = False) -> tuple[Any, dict[str, Any], pd.Series]:
    world = rl.datasets.time_course(
        design, n_cells=n_cells, n_genes=600, n_database_genes=700, n_random_motifs=5, permute_time=permute, rng=seed
    )
    options = {"time": "time", "groupby": "cell_type", "condition": "condition", "batch": "replicate"}
    truth = world.truth["module"]
    return world.adata, options, truth[truth != "static"]


SETS: dict[str, Callable[[Path], tuple[Any, dict[str, Any], pd.Series | None]]] = {
    "grandprix": grandprix, "moanin": moanin, "idrem": idrem, "kouno": partial(delorean, "kouno"),
    "guo": partial(delorean, "guo"), "windram": windram,
}  # fmt: skip


def auroc(early: np.ndarray, late: np.ndarray) -> float:
    """Return how often a late gene's time is later than an early gene's."""
    difference = late[:, None] - early[None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def timing_auroc(data: Any, options: dict[str, Any], truth: pd.Series) -> dict[str, float]:
    """Return the AUROC of early against late genes by each time; no network is used."""
    table = rl.temporal.timing(data, **options).set_index("gene")
    module = truth.reindex(table.index)
    return {
        name: auroc(table[name][module.isin(EARLY)].to_numpy(), table[name][module == LATE].to_numpy())
        for name in ("half_time", "centre", "onset", "peak")
    }


def one(name: str, folder: Path, seed: int, modules: str | None, method: str, n_cells: int) -> dict[str, Any]:
    """Return the table of one call."""
    data, options, truth = simulated(name, seed, n_cells) if name in DESIGNS else SETS[name](folder)
    k = None if modules is None else int(truth.nunique()) if modules == "true" else int(modules)
    start = time.process_time()
    result = rl.temporal.fit(data, **options, method=method, n_modules=k, truth=truth, rng=seed)
    row: dict[str, Any] = {
        "set": name, "seed": seed, "cpu_s": time.process_time() - start, "genes": len(result.modules),
        "dynamic": int(result.genes["dynamic"].sum()), "modules": len(result.names),
        "unassigned": int((result.modules == "unassigned").sum()), "verdict": result.banner,
        "benchmark": result.benchmark.round(4).to_dict("records"), "notes": list(result.notes),
    }  # fmt: skip
    if name == "grandprix":
        row["timing_auroc"] = timing_auroc(data, options, truth)
    if name in DESIGNS:
        flat, options, _ = simulated(name, seed, n_cells, permute=True)
        null = rl.temporal.fit(flat, **options, method="kmeans", rng=seed)
        row["permuted"] = {"dynamic": float(null.genes["dynamic"].mean()), "modules": len(null.names)}
    return row


def main() -> None:
    """Run one set and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=[*SETS, *DESIGNS])
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/temporal"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--modules")
    parser.add_argument("--method", default="vrnn")
    options = parser.parse_args()
    rows = []
    for seed in range(options.first, options.first + options.seeds):
        rows.append(one(options.set, options.data, seed, options.modules, options.method, options.cells))
        print(pd.DataFrame(rows[-1]["benchmark"]).to_string(index=False))
        print({name: value for name, value in rows[-1].items() if name != "benchmark"}, flush=True)
        if options.output:
            options.output.write_text(json.dumps(rows, indent=1))
    table = pd.concat([pd.DataFrame(row["benchmark"]).assign(seed=row["seed"]) for row in rows])
    if table.shape[1] == 1:
        print("no gene moves")
        return
    shown = table.groupby("method", sort=False).agg(["mean", "std"]).drop(columns="seed").round(4)
    print(shown.to_string())


if __name__ == "__main__":
    main()
