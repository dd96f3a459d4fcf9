"""Make ``src/reguloom/activity/dip_quantiles.csv``: quantiles of sqrt(n) * dip for uniform samples of size n.

Run ``python benchmarks/aucell_dip_table.py`` (a few minutes on one core) after a change to the dip; the seed is
fixed, so the same code gives the same file.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from reguloom.activity._dip_kernels import simulate_dips

SIZES = (4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50, 75, 100, 150, 200, 350, 500, 1000, 2000, 5000, 10000, 20000)
PROBABILITIES = (
    *(0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98),
    *(0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999),
)
TARGET = Path(__file__).parents[1] / "src" / "reguloom" / "activity" / "dip_quantiles.csv"


def main() -> None:
    """Simulate and write the table."""
    rows = {}
    for n in SIZES:
        n_samples = 200_000 if n <= 1000 else 40_000
        rows[n] = np.sqrt(n) * np.quantile(simulate_dips(n, n_samples, n), PROBABILITIES)
        print(n, n_samples, np.round(rows[n][[15, 19]], 4), file=sys.stderr, flush=True)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[f"{p:g}" for p in PROBABILITIES])
    table.to_csv(TARGET, index_label="n", float_format="%.6f", lineterminator="\n")


if __name__ == "__main__":
    main()
