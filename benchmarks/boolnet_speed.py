"""Synchronous attractors side by side with R's BoolNet, on shared models and random networks; prints a table and JSON.

Run: ``python benchmarks/boolnet_speed.py --models FOLDER_OR_FILE... --output boolnet_speed.json``. BoolNet is used if
``Rscript`` finds it (Debian: ``apt install r-cran-boolnet``). Both tools get the same files, are warmed up once, and
the best of several calls counts; reading the file is left out on both sides. States and basins are compared as well.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from reguloom import mechanistic
from reguloom._errors import ReguloomError

RANDOM = (16, 18, 20, 22, 24, 26)
MAX_BOOLNET = 22
"""Free genes up to which BoolNet is asked; beyond it takes gigabytes."""
R_CODE = """
suppressMessages(library(BoolNet))
files <- commandArgs(trailingOnly = TRUE)
for (file in files) {
  net <- loadNetwork(file)
  best <- Inf
  spent <- 0
  for (i in 1:5) {
    if (spent > 20) break
    t <- as.numeric(system.time(a <- getAttractors(net, type = "synchronous", method = "exhaustive"))["elapsed"])
    if (t < 0.02) t <- as.numeric(system.time(for (j in 1:20)
      getAttractors(net, type = "synchronous", method = "exhaustive"))["elapsed"]) / 20
    best <- min(best, t)
    spent <- spent + t
  }
  sizes <- sapply(a$attractors, function(x) x$basinSize)
  lengths <- sapply(a$attractors, function(x) ncol(x$involvedStates))
  cat(basename(file), best, paste(sort(paste0(lengths, ":", sizes)), collapse = ","), sep = "\\t")
  cat("\\n")
}
"""


def connected(n: int) -> mechanistic.BooleanNetwork:
    """Return a random network in which every gene regulates another, so that none can be left out."""
    draws = np.random.default_rng(n)
    genes = [f"G{i}" for i in range(n)]
    tables = {}
    for i, gene in enumerate(genes):
        others = draws.choice([j for j in range(n) if j != (i + 1) % n], 2, replace=False)
        source = mechanistic.random_network(3, 3, rng=1000 * n + i)
        tables[gene] = ([genes[(i + 1) % n], *(genes[j] for j in others)], source.truth_table("G1"))
    return mechanistic.BooleanNetwork.from_tables(tables)


def networks(folders: list[Path]) -> dict[str, mechanistic.BooleanNetwork]:
    found = {}
    for path in (one for folder in folders for one in (sorted(folder.glob("*")) if folder.is_dir() else [folder])):
        if path.suffix not in (".bnet", ".txt") or any(word in path.name for word in ("_ics", "_strengths", "inputs")):
            continue
        try:
            network = mechanistic.read(path)
        except ReguloomError:
            continue
        if len(network.free) <= MAX_BOOLNET and not network.is_temporal:
            found[path.stem] = network
    for n in RANDOM:
        found[f"random n={n} k=3"] = connected(n)
    return found


def ours(network: mechanistic.BooleanNetwork, update: str) -> tuple[float, str]:
    best, spent = np.inf, 0.0
    network.attractors(update, max_attractors=1 << 22)  # BoolNet, too, makes its tables when the file is read
    for i in range(50):
        start = time.perf_counter()
        found = network.attractors(update, max_attractors=1 << 22)
        taken = time.perf_counter() - start
        best, spent = min(best, taken), spent + taken
        if spent > (10 if i > 2 else 20) or (spent > 1 and i > 5):
            break
    return best, ",".join(sorted(f"{one.size}:{one.basin}" for one in found))


def boolnet(networks: dict[str, mechanistic.BooleanNetwork]) -> dict[str, tuple[float, str]]:
    if shutil.which("Rscript") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for i, (name, network) in enumerate(networks.items()):
            if len(network.free) <= MAX_BOOLNET:
                path = Path(folder) / f"model{i}.txt"
                mechanistic.write(network, path)
                names[path.name] = name
        script = Path(folder) / "time.R"
        script.write_text(R_CODE)
        paths = [str(Path(folder) / name) for name in names]
        done = subprocess.run(["Rscript", str(script), *paths], capture_output=True, text=True, check=False)
    made = {}
    for line in done.stdout.splitlines():
        file, seconds, sizes = line.split("\t")
        made[names[file]] = (float(seconds), ",".join(sorted(sizes.split(","))))
    if done.returncode:
        print(done.stderr[-500:])
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, nargs="*", default=[])
    parser.add_argument("--output", type=Path, default=Path("boolnet_speed.json"))
    arguments = parser.parse_args()
    models = networks(arguments.models)
    ours(next(iter(models.values())), "synchronous")
    theirs = boolnet(models)
    rows = []
    print(f"{'model':42} {'free':>4} {'ours s':>9} {'BoolNet s':>9} {'ratio':>7}  same  {'async s':>8}")
    for name, network in models.items():
        seconds, sizes = ours(network, "synchronous")
        slow = ours(network, "asynchronous")[0] if len(network.free) <= 20 else None
        other, other_sizes = theirs.get(name, (None, None))
        same = None if other is None else sizes == other_sizes
        rows.append({"model": name, "free_genes": len(network.free), "reguloom_seconds": seconds,
                     "boolnet_seconds": other, "same_attractors_and_basins": same,
                     "asynchronous_seconds": slow})  # fmt: skip
        ratio = "" if other is None else f"{other / seconds:7.1f}"
        print(f"{name:42} {len(network.free):4} {seconds:9.4f} {other if other is not None else '':>9} {ratio:>7}  "
              f"{'' if same is None else same!s:5} {'' if slow is None else f'{slow:8.4f}'}")  # fmt: skip
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "load": os.getloadavg()[0]}
    arguments.output.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
