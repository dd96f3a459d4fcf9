"""Area under the precision-recall curve on networks with a known answer: ours, scikit-learn's trees, the baselines.

``python benchmarks/grn_accuracy.py FOLDER [-o FILE.json] [--arboreto PYTHON]``

FOLDER holds ``dream4.tar.gz`` (DREAM4 in silico, size 100: steady states
and time series together), ``beeline`` (five networks, three
replicates of 2,000 cells) and ``mDC`` (383 dendritic cells; ChIP and STRING as the answer). PYTHON is an environment
with arboreto on scikit-learn 1.2.2; without it the column is left out, and ``reference`` (scikit-learn's trees under
our stopping rule) stands for it. The table shows means over ``--seeds``; the file also holds half their range. On
networks of five to eleven genes one seed differs from the next by up to 0.08: compare means of many.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

METHODS = ("grnboost2", "reference", "arboreto", "genie3", "pearson", "spearman", "partial_correlation")
SAMPLES = ("wildtype", "knockouts", "knockdowns", "timeseries")
RANDOM = {"grnboost2", "reference", "arboreto", "genie3"}
ARBORETO = """
import sys
import pandas as pd
from arboreto.core import SGBM_KWARGS, infer_partial_network, to_tf_matrix
cells = pd.read_csv(sys.argv[1], index_col=0)
tfs = [line.strip() for line in open(sys.argv[2])]
matrix, names = to_tf_matrix(cells.to_numpy(), list(cells.columns), tfs)
parts = [infer_partial_network("GBM", SGBM_KWARGS, matrix, names, gene, cells[gene].to_numpy(), seed=int(sys.argv[3]))
         for gene in cells.columns]
pd.concat([part for part in parts if len(part)]).to_csv(sys.argv[4], index=False)
"""


def dream4(folder: Path) -> Iterator[tuple[str, pd.DataFrame, list[str], set]]:
    """Yield the five networks of size 100 with their multifactorial data."""
    base = "lightlyProcessedDownloadedData"
    with tarfile.open(folder / "dream4.tar.gz") as archive:
        names = archive.getnames()

        def read(name: str, **options) -> pd.DataFrame:
            return pd.read_csv(io.BytesIO(archive.extractfile(name).read()), sep="\t", **options)

        for i in range(1, 6):
            # The multifactorial data belong to another challenge with other networks, whose answer is not here.
            parts = [f"{base}/insilico_size100_{i}/{name}.tsv" for name in SAMPLES]
            gold = f"{base}/insilico_size100_{i}/goldStandard.tsv"
            if {*parts, gold} <= set(names):
                answer = read(gold, header=None)
                cells = pd.concat([read(part) for part in parts], ignore_index=True).drop(
                    columns="Time", errors="ignore"
                )
                yield f"DREAM4-{i}", cells, list(cells.columns), _edges(answer[answer[2] == 1][[0, 1]])


def beeline(folder: Path) -> Iterator[tuple[str, pd.DataFrame, list[str], set]]:
    """Yield BEELINE's sets; every gene may regulate."""
    for path in sorted((folder / "beeline").glob("*/*_2000_*")):
        expression, answer = path / "ExpressionData.csv.gz", path / "refNetwork.csv"
        if expression.exists() and answer.exists():
            cells = pd.read_csv(expression, index_col=0).T
            yield path.name, cells, list(cells.columns), _edges(pd.read_csv(answer)[["Gene1", "Gene2"]])


def dendritic(folder: Path) -> Iterator[tuple[str, pd.DataFrame, list[str], set]]:
    """Yield the real dendritic cells with each of the three answers."""
    cells = pd.read_csv(folder / "mDC" / "expression.csv.gz", index_col=0).T
    for kind in ("specific", "non-specific", "string"):
        edges = pd.read_csv(folder / "mDC" / f"{kind}_network.csv.gz")
        edges = edges[edges["Gene1"].isin(cells.columns) & edges["Gene2"].isin(cells.columns)]
        yield f"mDC-{kind}", cells, sorted(set(edges["Gene1"])), _edges(edges[["Gene1", "Gene2"]])


def _edges(table: pd.DataFrame) -> set:
    """Return edges without those of a gene on itself."""
    return {(str(a), str(b)) for a, b in table.to_numpy() if a != b}


def auprc(scores: pd.DataFrame, tfs: list[str], genes: list[str], answer: set) -> float:
    """Return the average precision over all pairs of a regulator and another gene."""
    from sklearn.metrics import average_precision_score

    found = dict(zip(zip(scores["TF"], scores["target"], strict=True), scores["importance"], strict=True))
    pairs = [(a, b) for a in tfs for b in genes if a != b]
    return float(average_precision_score([pair in answer for pair in pairs], [found.get(pair, 0.0) for pair in pairs]))


def run(method: str, cells: pd.DataFrame, tfs: list[str], seed: int, arboreto: str | None) -> pd.DataFrame:
    """Return the adjacencies that a method finds."""
    from reguloom import grn

    if method == "arboreto":
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            cells.to_csv(folder / "x.csv")
            (folder / "tfs.txt").write_text("\n".join(tfs))
            command = [arboreto, "-c", ARBORETO, *(str(folder / n) for n in ("x.csv", "tfs.txt")), str(seed)]
            subprocess.run([*command, str(folder / "out.csv")], check=True, capture_output=True)
            return pd.read_csv(folder / "out.csv")
    frame = grn.infer(cells, tfs, method=method, rng=seed).to_frame()
    return frame.rename(columns={"source": "TF", "weight": "importance"}).astype({"TF": str, "target": str})


def main() -> None:
    """Score every method on every set, print the table, store it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arboreto", default=os.environ.get("REGULOOM_PEER_ARBORETO"), metavar="PYTHON")
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--sets", default="", help="only sets whose name starts so")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    methods = [name for name in options.methods if name != "arboreto" or options.arboreto]
    rows = []
    for reader in (dream4, beeline, dendritic):
        for name, cells, tfs, answer in reader(options.folder):
            if not name.startswith(options.sets):
                continue
            n_pairs = len(tfs) * (cells.shape[1] - 1)
            row = {"set": name, "cells": cells.shape[0], "genes": cells.shape[1], "prevalence": len(answer) / n_pairs}
            for method in methods:
                seeds = range(options.seeds if method in RANDOM else 1)
                values = [auprc(run(method, cells, tfs, seed, options.arboreto), tfs, list(cells.columns), answer)
                          for seed in seeds]  # fmt: skip
                row[method] = float(np.mean(values))
                row[f"{method}_spread"] = (max(values) - min(values)) / 2
            rows.append(row)
            print(name, f"prevalence {row['prevalence']:.3f}",
                  " ".join(f"{m} {row[m]:.3f}" for m in methods), file=sys.stderr, flush=True)  # fmt: skip
    table = pd.DataFrame(rows)
    group = table["set"].str.replace(r"(-\d|_2000_\d)$", "", regex=True)
    shown = table[["prevalence", *methods]].groupby(group, sort=False).mean()
    print(shown.round(3).to_string())
    if options.output:
        options.output.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
