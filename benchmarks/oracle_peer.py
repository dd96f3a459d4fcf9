"""The network fit and one knock-out of the original, timed; run by ``oracle_speed.py`` in the original's environment.

``python benchmarks/oracle_peer.py FILE.npz`` where FILE holds ``counts`` (normalised, cells × genes), ``genes``,
``cells``, ``cluster``, ``embedding``, ``edges_source``, ``edges_target``, ``gene`` (to knock out), ``k``.
Prints one line of JSON: seconds of wall clock and CPU by step.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
os.environ["TQDM_DISABLE"] = "1"


def main() -> None:
    """Run the steps of the original's tutorial."""
    import anndata
    import celloracle as co

    data = np.load(sys.argv[1], allow_pickle=True)
    times = {}

    def timed(name, work):
        wall, cpu = time.perf_counter(), sum(os.times()[:4])
        result = work()
        times[name] = {"wall": time.perf_counter() - wall, "cpu": sum(os.times()[:4]) - cpu}
        return result

    obs = pd.DataFrame({"cluster": pd.Categorical(data["cluster"].astype(str))}, index=data["cells"].astype(str))
    adata = anndata.AnnData(
        data["counts"].astype(np.float32), obs=obs, var=pd.DataFrame(index=data["genes"].astype(str))
    )
    adata.obsm["X_umap"] = data["embedding"]
    adata.uns["cluster_colors"] = ["#000000"] * obs["cluster"].cat.categories.size
    edges = pd.DataFrame({"source": data["edges_source"].astype(str), "target": data["edges_target"].astype(str)})
    oracle = co.Oracle()
    oracle.import_anndata_as_raw_count(adata, cluster_column_name="cluster", embedding_name="X_umap")
    oracle.import_TF_data(TFdict={t: list(rows["source"]) for t, rows in edges.groupby("target")})
    oracle.perform_PCA()
    k = int(data["k"])
    timed(
        "impute",
        lambda: oracle.knn_imputation(n_pca_dims=50, k=k, balanced=True, b_sight=k * 8, b_maxl=k * 4, n_jobs=2),
    )
    links = timed("fit", lambda: oracle.get_links("cluster", alpha=10, verbose_level=0, n_jobs=1))
    links.filter_links(p=0.001, weight="coef_abs", threshold_number=int(data["n_edges"]))
    oracle.get_cluster_specific_TFdict_from_Links(links_object=links)
    timed("refit", lambda: oracle.fit_GRN_for_simulation(alpha=10, use_cluster_specific_TFdict=True))

    def knock_out():
        oracle.simulate_shift(perturb_condition={str(data["gene"]): 0.0}, n_propagation=3)
        oracle.estimate_transition_prob(
            n_neighbors=int(data["n_neighbors"]), knn_random=True, sampled_fraction=1, threads=2
        )
        oracle.calculate_embedding_shift(sigma_corr=0.05)

    timed("knock-out", knock_out)
    import resource

    times["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps(times))


if __name__ == "__main__":
    main()
