"""Network inference scored with `reguloom.evaluate` on DREAM4 and BEELINE: intervals, p-values, baselines in the table.

``python benchmarks/dream4.py FOLDER [-o FILE.csv] [--methods grnboost2 genie3] [--sets DREAM4-10 DREAM4-100 beeline]``

FOLDER holds ``dream4.tar.gz`` and ``beeline``. Each method runs with three seeds, scored together. The last table is
the mean over the networks of a set: the ratio to chance with the interval of that mean, and on how many networks the
method beats chance (p < 0.05). ``grn_accuracy.py`` compares the implementations themselves.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from grn_accuracy import beeline

import reguloom as rl

METHODS = ("grnboost2", "genie3")
SETS = ("DREAM4-10", "DREAM4-100", "beeline")
SEEDS = (0, 1, 2)


def cases(folder: Path, sets: list[str]) -> Iterator[tuple[str, str, pd.DataFrame, rl.Network]]:
    """Yield set, network, cells × genes and truth."""
    for size in (10, 100):
        for number in range(1, 6):
            if f"DREAM4-{size}" in sets:
                data = rl.evaluate.read_dream4(folder / "dream4.tar.gz", size=size, number=number)
                yield f"DREAM4-{size}", data.name, data.samples(), data.truth
    if "beeline" in sets:
        for name, cells, _, answer in beeline(folder):
            edges = sorted(answer)
            truth = rl.Network.from_edges([a for a, _ in edges], [b for _, b in edges])
            yield name.split("_")[0], name, cells, truth


def score(cells: pd.DataFrame, truth: rl.Network, methods: list[str]) -> pd.DataFrame:
    """Return the table of one network."""
    genes = list(cells.columns)
    found = {method: [rl.grn.infer(cells, genes, method=method, rng=seed) for seed in SEEDS] for method in methods}
    return rl.evaluate.network(found, truth, cells, tfs=genes, genes=genes)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return the mean ratio to chance over the networks of each set, with its interval."""
    rows = table[table["metric"] == "auprc"].copy()
    rows["half"] = (rows["high"] - rows["low"]) / 2 / rows["chance"]
    groups = rows.groupby(["set", "method"], sort=False)
    made = groups.agg(auprc=("value", "mean"), ratio=("ratio", "mean"), networks=("ratio", "size"))
    # DREAM4's networks are independent, so their errors average out; BEELINE's replicates share one truth.
    half = groups["half"].apply(lambda one: np.sqrt((one**2).sum()) / len(one))
    half = half.where(half.index.get_level_values("set").str.startswith("DREAM4"), groups["half"].mean())
    made["interval"] = [f"{a - b:.2f}-{a + b:.2f}" for a, b in zip(made["ratio"], half, strict=True)]
    made["beat chance"] = groups["p"].apply(lambda one: int((one < 0.05).sum()))
    return made


def main() -> None:
    """Score every method on every network, print and store the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=SETS)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    parts, duals = [], []
    for group, name, cells, truth in cases(options.folder, options.sets):
        start = time.perf_counter()
        table = score(cells, truth, options.methods)
        parts.append(table.assign(set=group, network=name))
        print(f"{name}: {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)
    for size in (10, 100):
        if f"DREAM4-{size}" in options.sets:
            for number in range(1, 6):
                data = rl.evaluate.read_dream4(options.folder / "dream4.tar.gz", size=size, number=number)
                duals.append(data.score_dual_knockouts().assign(set=f"DREAM4-{size}"))
    table = pd.concat(parts, ignore_index=True)
    print(summary(table).round(3).to_string())
    if duals:
        print("\ndual knock-outs: error and what noise alone makes of it (empty: the archive lacks the answer)")
        print(pd.concat(duals).groupby(["set", "method"], sort=False)[["rmse", "noise"]].mean().round(4).to_string())
    if options.output:
        table.to_csv(options.output, index=False)


if __name__ == "__main__":
    main()
