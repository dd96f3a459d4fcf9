"""Carry the response to interferon from four cell types to the fifth: scGen beside the mean shift and no change.

    python benchmarks/response_kang.py [path of kang_ifnb.h5ad] [--out table.csv]

Every cell type is held out in turn (its control cells stay). The score is that of the original, the squared correlation
of gene means (`r2`), beside the correlation of changes (`pearson_delta`) and the mean squared error.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from reguloom import evaluate, response
from reguloom.core import PerturbationData
from reguloom.response._torch.tables import add_table


def scores(predicted: np.ndarray, observed: np.ndarray, control: np.ndarray) -> dict[str, float]:
    change = predicted - control
    delta = np.corrcoef(change, observed - control)[0, 1] if np.ptp(change) else np.nan
    r = np.corrcoef(predicted, observed)[0, 1]
    return {"r2": r**2, "pearson_delta": delta, "mse": float(((predicted - observed) ** 2).mean())}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("adata", type=Path, nargs="?", default=Path("../shared/data/response/kang_ifnb.h5ad"))
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--max-epochs", type=int, default=100)
    parser.add_argument("--hidden", type=int, default=800)
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    cells = anndata.read_h5ad(options.adata)
    data = PerturbationData.from_anndata(cells, perturbation="group_id", covariates="cluster_id", layer="logcounts")
    bulk = data.pseudobulk()
    # One training serves all three: they differ in what is done with the latent space.
    models = {
        "scgen": {},
        "scgen, residual": {"residual": True},
        "scgen, compat": {"compat": True},
    }
    rows = []
    for context in data.contexts:
        split = evaluate.split(data, "unseen-context", contexts=context)
        observed = bulk.means[bulk.position("stim", context)]
        control = bulk.means[bulk.position("control", context)]
        others = [bulk.delta[bulk.position("stim", one)] for one in data.contexts if one != context]
        simple = {"no change": control, "mean shift": control + np.mean(others, axis=0)}
        rows += [{"context": context, "model": name, **scores(one, observed, control)} for name, one in simple.items()]
        start = data.select(data.cells_of("control", context))
        begun = time.process_time()
        model = response.SCGen(max_epochs=options.max_epochs, hidden=options.hidden, batch_size=options.batch_size)
        model.fit(data, split)
        seconds = time.process_time() - begun
        learned = split.cells(data, "train")
        for name, settings in models.items():
            model.params.update({"residual": False, "compat": False, **settings})
            add_table(model.members_[0], "shifts", model._shifts(model.members_[0], data, learned, 0))
            predicted = model.predict(["stim"], start)
            values = predicted.control + predicted.delta[0]
            rows.append({"context": context, "model": name, **scores(values, observed, control),
                         "epochs": len(model.history_), "cpu_s": round(seconds, 1)})  # fmt: skip
        print(pd.DataFrame(rows).tail(2 + len(models)).to_string(index=False), flush=True)
    table = pd.DataFrame(rows)
    print(table.groupby("model")[["r2", "pearson_delta", "mse"]].mean().round(4))
    if options.out:
        table.to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
