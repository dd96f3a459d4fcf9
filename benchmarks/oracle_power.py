"""How often the screen's p-values find a factor whose knock-out truly matters, and how often one that does nothing.

``python benchmarks/oracle_power.py [-o FILE.csv] [--worlds 6] [--cells 800] [--nulls 60]``

Each world is a mechanistic simulation. A factor is *real* if the paired counterfactual knock-out changes the expression
of other genes, *inert* if it changes none. Priors: the true edges; the world's motif network (some 40 % of its edges
true), in which inert factors have edges too; and the motif network rewired, in which every edge is chance. Shown for
each prior and null: the share of factors with p < 0.05 and q < 0.05, over all cells and by lineage; and how often the
sign of the net score, and that of its excess over the null, is the sign of the true shift, projected and scored in the
same way, for all real factors and for those with p < 0.05.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import reguloom as rl
from reguloom.manifold import Neighborhood
from reguloom.oracle._fields import Lineage, take_lineages

NULLS = {"rewired": "p", "matched": "p_matched", "block": "p_block"}


def rewired(network: rl.Network, seed: int) -> rl.Network:
    """Return the network with every gene's number of edges kept and its partners exchanged."""
    from reguloom.oracle._kernels import rewire

    source, target = network.source.astype(np.int64), network.target.astype(np.int64)
    present = np.zeros((len(network.regulators), len(network.targets)), dtype=bool)
    present[source, target] = True
    own = network.targets.get_indexer(network.regulators).astype(np.int64)
    rewire(source, target, present, own, 50 * len(source), seed)
    return rl.Network.from_edges(network.regulators[source], network.targets[target])


def true_scores(
    world: rl.datasets.SimulatedWorld, model: rl.oracle.Oracle, field: rl.oracle.Development
) -> pd.DataFrame:
    """Return, by factor and lineage, the net score and the size of the true shift."""
    adata = world.adata
    near = Neighborhood.of(model.expression, field.embedding)
    lineages = [Lineage.of(name, mask, field) for name, mask in take_lineages(None, field, model.groups).items()]
    rows = []
    for tf in map(str, world.tfs):
        pair = world.counterfactual(rl.Perturbation.knockout(tf))
        shift = np.log1p(pair.X) - np.log1p(pair.layers["control"])
        shift[:, adata.var_names.get_loc(tf)] = 0.0
        arrows = near.shift(shift)
        for one in lineages:
            net = float((one.pull * arrows).sum())
            rows.append(
                {"gene": tf, "lineage": one.name, "true_net": net, "true_size": float(np.abs(shift[one.mask]).mean())}
            )
    return pd.DataFrame(rows)


def one_world(seed: int, n_cells: int, n_null: int) -> pd.DataFrame:
    """Return the screens of one world under each prior, with the truth beside them."""
    world = rl.datasets.world("M", n_cells, rng=seed)
    adata = world.adata
    field = rl.oracle.development(adata, pseudotime="pseudotime", basis="pca")
    priors = {"true": world.network, "motif": world.base_network, "rewired motif": rewired(world.base_network, seed)}
    tables, truth = [], None
    for name, prior in priors.items():
        model = rl.oracle.fit(adata, prior, groupby="cell_type", normalize=True, p=None, n_bootstrap=0)
        truth = true_scores(world, model, field) if truth is None else truth
        table = rl.oracle.screen(model, field, n_null=n_null, n_bootstrap=0, rng=seed)
        tables.append(table.merge(truth, on=["gene", "lineage"]).assign(prior=name, world=seed))
    return pd.concat(tables, ignore_index=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return power and false calls for each prior and null."""
    from reguloom.core.fdr import benjamini_hochberg

    table = table.assign(real=table.groupby(["world", "gene"])["true_size"].transform("max") > 0)
    rows = []
    for scope, part in (
        ("all cells", table[table["lineage"] == "all"]),
        ("lineages", table[table["lineage"] != "all"]),
    ):
        for prior in table["prior"].unique():
            for null, p in NULLS.items():
                some = part[(part["prior"] == prior) & part[p].notna()]
                if some.empty:
                    continue
                q = some.groupby(["world", "lineage"])[p].transform(benjamini_hochberg)
                excess = some["z"] if null == "rewired" else some["net"]
                right, beyond = (np.sign(one) == np.sign(some["true_net"]) for one in (some["net"], excess))
                for real in (True, False):
                    own = (some["real"] == real).to_numpy()
                    if not own.any():
                        continue
                    called = own & (q < 0.05).to_numpy()
                    likely = own & (some[p] < 0.05).to_numpy()
                    rows.append(
                        {
                            "scope": scope, "prior": prior, "null": null, "factors": "real" if real else "inert",
                            "n": int(own.sum()), "p<0.05": likely.sum() / own.sum(), "q<0.05": called.sum() / own.sum(),
                            "net right": right[own].mean() if real else np.nan,
                            "excess right": beyond[own].mean() if real else np.nan,
                            "net right, p<0.05": right[likely].mean() if real and likely.any() else np.nan,
                            "excess right, p<0.05": beyond[likely].mean() if real and likely.any() else np.nan,
                        }
                    )  # fmt: skip
    return pd.DataFrame(rows)


def main() -> None:
    """Run the worlds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--worlds", type=int, default=6)
    parser.add_argument("--cells", type=int, default=800)
    parser.add_argument("--nulls", type=int, default=60)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    table = pd.concat([one_world(seed, options.cells, options.nulls) for seed in range(options.worlds)])
    if options.output:
        table.to_csv(options.output, index=False)
    print(summary(table).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
