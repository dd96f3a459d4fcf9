"""Links, motifs and onsets of temporal modules against the truth of simulated time courses.

Run ``python benchmarks/temporal_elements.py --worlds 3``; the figures in docs/howto/temporal_elements.md come from it.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import reguloom as rl
from reguloom.datasets.time_course import DRIVERS

NAMES = {"transient": "C1", "early": "C2", "repressed": "C3", "late": "C4"}


def links(world: rl.datasets.TimeWorld) -> pd.DataFrame:
    """Return, by kind of peak, how many are called, how p-values lie and how strong correlations are."""
    found = rl.temporal.links(world.adata, world.accessibility, world.genes)
    about = world.accessibility.var.loc[found["peak"]]
    own = about["gene"].to_numpy() == found["gene"].to_numpy()
    found["kind"] = np.where(own, about["kind"].astype(str), "of another gene")
    return found.groupby("kind").agg(
        pairs=("p", "size"), p_below_05=("p", lambda p: (p < 0.05).mean()), called=("q", lambda q: (q < 0.05).mean()),
        r=("r", "mean"), r_with_time=("r_with_time", "mean"),
    )  # fmt: skip


def motifs(world: rl.datasets.TimeWorld) -> pd.DataFrame:
    """Return the enrichment of the drivers and of permuted labels, against all genes and against those that move."""
    modules = world.truth["module"].map(lambda name: NAMES.get(name, name))
    sets = rl.temporal.gene_sets(modules)
    dealt = rl.temporal.permuted_sets(sets, 50, rng=0)
    moving = modules.index[modules != "static"]
    rows = []
    for name, ranks, share in (
        ("all genes", world.rankings, 0.05),
        ("genes that move", rl.temporal.rankings_within(world.rankings, moving), 0.25),
    ):
        options = {"rank_threshold": min(1500, ranks.shape[1] - 1), "auc_threshold": share}
        options |= {"filter_for_annotation": False, "nes_threshold": 1.5}
        true = rl.cistarget.enrich(sets, ranks, world.annotations, **options)
        null = rl.cistarget.enrich(dealt, ranks, world.annotations, **options).groupby("TF")["NES"].max()
        for tf, module in DRIVERS.items():
            rows_of = true[(true["TF"] == NAMES[module]) & true["MotifID"].str.startswith(f"world__{tf}_")]
            best = float(rows_of["NES"].max()) if len(rows_of) else float("nan")
            rows.append({"background": name, "driver": tf, "nes": best, "permuted_median": float(null.median()),
                         "permuted_95": float(null.quantile(0.95))})  # fmt: skip
    return pd.DataFrame(rows)


def onsets(world: rl.datasets.TimeWorld) -> pd.DataFrame:
    """Return the verdict on each driver and on the decoy."""
    timing = rl.temporal.timing(world.adata, time="time")
    factors = {module: [tf for tf, driven in DRIVERS.items() if driven == module] for module in DRIVERS.values()}
    factors["early"].append("MAFB")
    return rl.temporal.precedence(timing, world.truth["module"], factors)[["module", "factor", "lead", "verdict"]]


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=None, help="JSON")
    args = parser.parse_args()
    warnings.simplefilter("ignore", rl.ValidityWarning)
    parts: dict[str, list[pd.DataFrame]] = {"links": [], "motifs": [], "onsets": []}
    for seed in range(args.worlds):
        world = rl.datasets.time_course(n_cells=300, rng=seed)
        for name, measure in (("links", links), ("motifs", motifs), ("onsets", onsets)):
            parts[name].append(measure(world).assign(seed=seed))
    tables = {
        "links": pd.concat(parts["links"]).groupby(level=0).mean().drop(columns="seed"),
        "motifs": pd.concat(parts["motifs"]).groupby(["background", "driver"]).mean().drop(columns="seed"),
        "onsets": pd.concat(parts["onsets"])
        .groupby(["module", "factor", "verdict"])
        .size()
        .rename("worlds")
        .to_frame(),
    }
    for table in tables.values():
        print(table.round(3).to_string(), end="\n\n")
    if args.out is not None:
        args.out.write_text(json.dumps({name: table.reset_index().to_dict("list") for name, table in tables.items()}))


if __name__ == "__main__":
    main()
