"""Motif pruning against pySCENIC, as whole commands: seconds, CPU seconds, peak memory, and their ratios.

``python benchmarks/ctx_speed.py --peer PATH/TO/pyscenic/bin/pyscenic [--shared FOLDER] [-o ctx_speed.json]``

Both programs get the same files and the same number of workers, one after the other, each in a fresh process, so
that imports and reading count. ``golden``: 100 cells × 682 genes, 414 modules, 600 motifs × 8,146 genes.
``large``: 60 modules, 6,000 motifs × 20,000 genes. Without a peer only our side is measured.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

HEADER = (
    "#motif_id motif_name motif_description source_name source_version gene_name motif_similarity_qvalue"
    " similar_motif_id similar_motif_description orthologous_identity orthologous_gene_name orthologous_species"
    " description"
)


@dataclass(frozen=True)
class Case:
    """The input files of one run."""

    adjacencies: Path
    rankings: Path
    annotations: Path
    expression: Path


def measure(command: list[str], log: Path) -> dict[str, float]:
    """Run a command in its own process group; PSS of all its processes is sampled, so shared pages count once."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with log.open("wb") as handle:
        process = subprocess.Popen(command, stdout=handle, stderr=handle, start_new_session=True)
        peak = {"mb": 0.0}
        sampler = threading.Thread(target=_sample, args=(process, peak), daemon=True)
        sampler.start()
        code = process.wait()
    wall = time.perf_counter() - start
    sampler.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code != 0:
        tail = log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(command[:3])} ... ended with {code}:\n{tail}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(wall, 2), "cpu_s": round(cpu, 2), "peak_mb": round(peak["mb"], 1)}


def _sample(process: subprocess.Popen[bytes], peak: dict[str, float]) -> None:
    while process.poll() is None:
        peak["mb"] = max(peak["mb"], sum(_pss(pid) for pid in _group(process.pid)))
        time.sleep(0.05)


def _group(leader: int) -> list[int]:
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getpgid(int(entry.name)) == leader:
                    members.append(int(entry.name))
            except OSError:
                continue
    return members


def _pss(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def golden_case(shared: Path, folder: Path) -> Case:
    """Return the files of the golden case; both programs compute the correlations."""
    source = shared / "golden" / "pyscenic" / "pbmc100"
    unpacked = {"adj_grnboost2_seed777_sklearn1.2.2.tsv": "adjacencies.tsv", "expr.csv": "expression.csv"}
    for name, plain in unpacked.items():
        with gzip.open(source / f"{name}.gz") as packed, (folder / plain).open("wb") as handle:
            shutil.copyfileobj(packed, handle)
    return Case(
        folder / "adjacencies.tsv",
        source / "synth.genes_vs_motifs.rankings.feather",
        source / "synth_motifs.tbl",
        folder / "expression.csv",
    )


def large_case(folder: Path, *, n_motifs: int = 6000, n_genes: int = 20000) -> Case:
    """Make a database of the size of the public ones, ten factors and their six modules each."""
    from reguloom import io

    rng = np.random.default_rng(0)
    genes, motifs = [f"G{i:05d}" for i in range(n_genes)], [f"m{i:05d}" for i in range(n_motifs)]
    scores = rng.random((n_motifs, n_genes), dtype=np.float32)
    edges, annotations = [], []
    for factor in range(10):
        targets = rng.choice(np.arange(100, n_genes), 1500, replace=False)
        for motif in range(factor, 30, 10):
            scores[motif, targets[:300]] += rng.random(300, dtype=np.float32)
            annotations.append((motifs[motif], genes[factor]))
        weights = np.sort(rng.exponential(3.0, len(targets)))[::-1]
        pairs = zip(targets, weights, strict=True)
        edges += [(genes[factor], genes[target], weight, 1, 0.5) for target, weight in pairs]
    ranks = np.argsort(np.argsort(-scores, axis=1), axis=1)
    rankings = folder / "large.genes_vs_motifs.rankings.feather"
    io.write_rankings(ranks, motifs, genes, rankings)
    table = pd.DataFrame(edges, columns=["TF", "target", "importance", "regulation", "rho"])
    table.sort_values("importance", ascending=False).to_csv(folder / "large.tsv", sep="\t", index=False)
    rows = [f"{m}\t{m}\t{m}\ts\t1\t{tf}\t0.0\tNone\tNone\t1.0\tNone\tNone\tdirect" for m, tf in annotations]
    (folder / "large.tbl").write_text("\n".join([HEADER.replace(" ", "\t"), *rows]) + "\n")
    # the peer asks for a matrix even where the correlations stand in the adjacencies
    counts = pd.DataFrame(rng.poisson(1.0, (20, n_genes)), [f"cell{i}" for i in range(20)], genes)
    counts.to_csv(folder / "large_expression.csv")
    return Case(folder / "large.tsv", rankings, folder / "large.tbl", folder / "large_expression.csv")


def commands(case: Case, folder: Path, peer: Path | None, workers: int) -> dict[str, list[str]]:
    adjacencies, rankings = str(case.adjacencies), str(case.rankings)
    options = ["--annotations_fname", str(case.annotations), "--expression_mtx_fname", str(case.expression)]
    options += ["--num_workers", str(workers), "--all_modules"]
    ours = [sys.executable, "-m", "reguloom.cli", "ctx", adjacencies, rankings, *options, "--force"]
    found = {"reguloom": [*ours, "-o", str(folder / "reguloom.csv")]}
    if peer is not None:
        theirs = [str(peer), "ctx", adjacencies, rankings, *options, "--mode", "custom_multiprocessing"]
        found["pyscenic"] = [*theirs, "-o", str(folder / "pyscenic.csv")]
    return found


def agreement(folder: Path) -> dict[str, object]:
    """Compare AUC and NES row by row; the peer's target genes are known to be misaligned."""
    from reguloom import io

    tables = []
    for name in ("reguloom", "pyscenic"):
        table = io.read_motif_table(folder / f"{name}.csv")
        tables.append(table.assign(Context=table["Context"].map(";".join)).set_index(["TF", "MotifID", "Context"]))
    both = tables[0].join(tables[1], rsuffix="_peer", how="inner")
    difference = (both["NES"] - both["NES_peer"]).abs().max() if len(both) else float("nan")
    return {"rows": [len(one) for one in tables], "rows_shared": len(both), "max_nes_difference": float(difference)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, default=os.environ.get("REGULOOM_PEER_PYSCENIC"))
    parser.add_argument("--shared", type=Path, default=os.environ.get("REGULOOM_SHARED", "../shared"))
    parser.add_argument("--cases", nargs="+", default=["golden", "large"], choices=["golden", "large"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path, default=Path("ctx_speed.json"))
    options = parser.parse_args()
    result: dict[str, object] = {"python": platform.python_version(), "workers": options.workers}
    print(f"{'case':8}{'program':12}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}")
    for name in options.cases:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            case = golden_case(options.shared, folder) if name == "golden" else large_case(folder)
            rows = {}
            for program, command in commands(case, folder, options.peer, options.workers).items():
                if program == "reguloom":
                    measure(command, folder / "warm.log")  # compiles the kernels once, as any second run finds them
                rows[program] = measure(command, folder / f"{program}.log")
                print(f"{name:8}{program:12}{rows[program]['wall_s']:9.2f}{rows[program]['cpu_s']:9.2f}"
                      f"{rows[program]['peak_mb']:9.0f}", flush=True)  # fmt: skip
            if "pyscenic" in rows:
                ours, theirs = rows["reguloom"], rows["pyscenic"]
                rows["ratio"] = {key: round(theirs[key] / ours[key], 1) for key in ours}
                rows["agreement"] = agreement(folder)  # type: ignore[assignment]
                print(f"{name:8}{'ratio':12}{rows['ratio']['wall_s']:9.1f}{rows['ratio']['cpu_s']:9.1f}"
                      f"{rows['ratio']['peak_mb']:9.1f}   {rows['agreement']}", flush=True)  # fmt: skip
            result[name] = rows
    options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
