"""R's data files of published time courses as csv tables, which `reguloom temporal` reads.

Needs the package rdata (MIT licence; dependency group `bench`)::

    python benchmarks/temporal_from_r.py shared/data/temporal -o converted

Each file gives a table of genes x samples (or peak, cell, count) and one of the samples:
``moanin.csv`` with ``moanin_samples.csv``, ``kouno...``, ``guo...``, ``windram...``, ``cicero.csv`` with
``cicero_cells.csv`` and ``cicero_genes.csv``.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import pandas as pd


def tables(source: Path) -> dict[str, pd.DataFrame]:
    """Return every table, by the name of the file that it goes to."""
    moanin = _load(source / "moanin/exampleData.rda")
    found = {"moanin": moanin["testData"], "moanin_samples": moanin["testMeta"]}
    for name in ("kouno", "guo", "windram"):
        made = _load(source / f"delorean/{name.capitalize()}DeLorean.rda")
        cells = made[f"{name}.cell.meta"].astype({"cell": str}).set_index("cell")
        found |= {name: made[f"{name}.expr"].to_pandas(), f"{name}_samples": cells}
    found["cicero"] = _load(source / "cicero/cicero_data.rda")["cicero_data"]
    found["cicero_cells"] = _load(source / "cicero/cell_data.rda")["cell_data"].set_index("cell")
    found["cicero_genes"] = _load(source / "cicero/gene_annotation_sample.rda")["gene_annotation_sample"]
    return found


def _load(path: Path) -> dict[str, Any]:
    """Return the objects of one file."""
    import rdata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rdata tells of every class that it does not know
        return dict(rdata.read_rda(path))


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    for name, table in tables(args.source).items():
        table.to_csv(args.output / f"{name}.csv", index=name not in ("cicero", "cicero_genes"))


if __name__ == "__main__":
    main()
