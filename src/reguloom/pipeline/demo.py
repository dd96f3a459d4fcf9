"""The demo: a run on a simulated world whose network is known, scored against the truth and a correlation baseline."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reguloom._errors import InputError
from reguloom._files import check_output
from reguloom._progress import stage
from reguloom.pipeline._config_file import make_config, write_config
from reguloom.pipeline._regulon_work import RegulonFiles
from reguloom.pipeline.config import RunConfig
from reguloom.pipeline.run import run

if TYPE_CHECKING:
    from reguloom.core import Network, Regulons
    from reguloom.datasets import World

BASELINE = "spearman"
#: A thousand genes are not needed to show how it works.
WORLD: dict[str, Any] = {
    "n_genes": 800,
    "n_tfs": 40,
    "n_peaks": 1600,
    "n_database_genes": 20_000,
    "motif_precision": 0.7,
}
#: The world's database holds many genes that no cell expresses, so leading edges are sought among fewer ranks.
RANK_THRESHOLD = 1500
#: Enough to see how a screen is judged; a hundred draws make smooth p-values.
SCREEN: dict[str, Any] = {"nulls": ["rewired"], "n_null": 20, "n_bootstrap": 20}


@dataclass(frozen=True)
class DemoResult:
    """What the demo found, as tables.

    Parameters
    ----------
    edges
        All TF–gene pairs ranked by each inference method: average precision with its 95 % interval, early precision.
    regulons
        Called targets with and without motifs: numbers, precision, recall.
    activity
        Per cell type: the most specific regulon, and the place of its TF among the truly most active ones.
    correlation
        Median correlation with the TFs' true activity: of the regulons' AUCell, and of the TFs' own counts.
    folder
        Where the files are.
    """

    edges: pd.DataFrame
    regulons: pd.DataFrame
    activity: pd.DataFrame
    correlation: pd.DataFrame
    folder: Path


def run_demo(
    output: str | os.PathLike[str],
    *,
    n_cells: int = 2500,
    seed: int = 0,
    n_jobs: int | None = None,
    force: bool = False,
) -> DemoResult:
    """Make a world, run every stage on its files, and compare what came out with the truth.

    Parameters
    ----------
    output
        Folder: ``input/`` gets the world's files, ``run.toml`` the configuration, ``result/`` the run's files,
        ``recovery.csv`` the comparison, and ``report.html`` all of it on one page.
    n_cells
        Cells to simulate.
    seed
        Seed of the world and of the run.
    n_jobs
        Number of threads; changes nothing but the time.
    force
        Whether files that exist may be replaced.

    Returns
    -------
    The tables.

    Raises
    ------
    InputError
        If the folder cannot be written to, or holds another run.
    """
    from reguloom import datasets, report

    folder = Path(output).resolve()
    check_output(folder / "recovery.csv", force=force)
    with stage("simulating a world with a known network"):
        world = datasets.world("L", n_cells, rng=seed, n_jobs=n_jobs, **WORLD)
        paths = world.write(folder / "input", force=True)
    config = _configuration(folder, paths, seed)
    run(config, force=force, n_jobs=n_jobs)
    result = _score(world, config, n_jobs)
    with stage("the report"):
        title = "Demo: a simulated world whose network is known"
        report.build(folder, folder / "report.html", title=title, groupby="cell_type", force=True)
    return result


def _configuration(folder: Path, paths: Mapping[str, Path], seed: int) -> RunConfig:
    """Return the run, written beside its folder as well, so that it can be changed and run again."""
    names = {name: str(path.relative_to(folder)) for name, path in paths.items()}
    content = {
        "title": "demo",
        "output": "result",
        "seed": seed,
        "input": {"expression": names["expression"], "groupby": "cell_type", "basis": "pca"},
        "grn": {"tfs": names["tfs"]},
        "ctx": {"rankings": [names["rankings"]], "annotations": names["annotations"],
                "rank_threshold": RANK_THRESHOLD},
        "aucell": {},
        "binarize": {},
        "rss": {},
        "oracle": {"network": "regulons", "pseudotime": "pseudotime", **SCREEN},
    }  # fmt: skip
    config = make_config(content, folder=folder)
    write_config(config, folder / "run.toml")
    return config


def _score(world: World, config: RunConfig, n_jobs: int | None) -> DemoResult:
    """Compare the files of the run with the truth, and with the baseline put through the same steps."""
    from reguloom import grn, io

    files, folder = RegulonFiles.staged(config.output), config.output.parent
    network = io.read_network(files.adjacencies)
    regulons = io.read_regulons(files.motifs)
    with stage("the baseline: rank correlation through the same motif step"):
        baseline = grn.infer(world.adata, world.tfs, method=BASELINE, n_jobs=n_jobs)
        pruned = _prune(baseline, world, config, n_jobs)
    edges = _against_truth(
        world, {"GRNBoost2": network, "|Spearman| (baseline)": baseline, "any order": _chance(world)}
    )
    called = _against_truth(world, {"GRNBoost2 + motifs": regulons, "|Spearman| + motifs (baseline)": pruned})
    # The same number of strongest edges, so that precision and recall can be compared.
    n_called = int(called["n_edges"].iloc[0])
    both = {"GRNBoost2, no motifs": network, "|Spearman|, no motifs (baseline)": baseline}
    plain = _against_truth(world, both, top=n_called)
    called.insert(0, "n_regulons", [len(regulons), len(pruned)])
    table = pd.concat([called, plain])
    auc = io.read_table(files.aucell)
    result = DemoResult(
        edges=edges[["auprc", "low", "high", "early_precision"]],
        regulons=table[["n_regulons", "n_edges", "n_correct", "precision", "recall"]],
        activity=_specific(world, io.read_table(files.rss)),
        correlation=_correlation(world, auc),
        folder=folder,
    )
    joined = pd.concat({"edges": result.edges.T, "regulons": result.regulons.T}).T
    joined.columns = [f"{part}_{name}" for part, name in joined.columns]
    io.write_table(joined, folder / "recovery.csv", index_label="method", force=True)
    return result


def _against_truth(
    world: World, predicted: Mapping[str, Network | Regulons], *, top: int | None = None
) -> pd.DataFrame:
    """Return one row for each prediction: the area under the precision-recall curve, its interval, and the calls."""
    from reguloom import evaluate

    table = evaluate.network(
        predicted,
        world.network,
        tfs=world.tfs,
        genes=[str(gene) for gene in world.adata.var_names],
        metrics=("auprc", "early_precision", "precision", "recall"),
        top=top,
        n_permutations=0,
    )
    wide = table.pivot(index="method", columns="metric", values="value").loc[list(predicted)]
    wide = wide.reindex(columns=wide.columns.union(["precision", "recall"]))
    area = table[table["metric"] == "auprc"].set_index("method")
    wide[["low", "high"]] = area[["low", "high"]]
    wide["n_edges"] = area["n_predicted"].clip(upper=top)
    wide["n_correct"] = (wide["recall"].fillna(1.0) * area["n_true"]).round().astype(int)
    return wide.rename_axis(index=None, columns=None)


def _prune(network: Network, world: World, config: RunConfig, n_jobs: int | None) -> Regulons:
    """Put a network through the motif step of the run."""
    from reguloom import cistarget

    ctx = config.ctx
    if ctx is None:
        msg = "the demo's run has a motif step."
        raise InputError(msg)
    return cistarget.prune(
        network,
        world.adata,
        rankings=ctx.rankings,
        annotations=ctx.annotations,
        rank_threshold=ctx.rank_threshold,
        n_jobs=n_jobs,
    )


def _chance(world: World) -> Network:
    """Return every candidate edge with the same weight: what no method at all would give."""
    from reguloom.core import Network

    genes = [str(gene) for gene in world.adata.var_names]
    return Network.from_edges(np.repeat(world.tfs, len(genes)), genes * len(world.tfs))


def _specific(world: World, rss: pd.DataFrame) -> pd.DataFrame:
    """Return each type's most specific regulon, and where its TF stands among the types' true activities."""
    types = world.adata.obs["cell_type"].astype(str)
    mean = world.activity.groupby(types.to_numpy()).mean()
    specific = (mean - mean.mean()).rank(axis=1, ascending=False)
    rows = []
    for kind, scores in rss.iterrows():
        name = str(scores.idxmax())
        tf = name.partition("(")[0]
        rows.append((str(kind), name, scores[name], int(specific.loc[str(kind), tf]), len(world.tfs)))
    columns = ["cell type", "most specific regulon", "RSS", "true rank of its TF", "of"]
    return pd.DataFrame(rows, columns=columns).set_index("cell type")


def _correlation(world: World, auc: pd.DataFrame) -> pd.DataFrame:
    """Return how well regulon activity, and the TF's own counts, follow the TF's true activity."""
    from reguloom.core import Expression

    tfs = [name.removesuffix("(+)") for name in auc.columns if name.endswith("(+)")]
    true = world.activity[tfs].to_numpy()
    own = Expression.of(world.adata).select_genes(np.array(tfs)).to_dense()
    pairs = {"AUCell of the regulon": auc[[f"{tf}(+)" for tf in tfs]].to_numpy(), "the TF's own counts": np.log1p(own)}
    medians = {
        name: np.median([_pearson(values[:, i], true[:, i]) for i in range(len(tfs))]) for name, values in pairs.items()
    }
    return pd.DataFrame({"median correlation with the TF's true activity": medians})


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Return Pearson's correlation, 0 for a constant."""
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
