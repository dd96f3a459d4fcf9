"""Readers of time courses: every layout, the tables that explain them, and fitted modules."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from reguloom import temporal
from reguloom.cli._temporal_motifs import read_times
from reguloom.cli._temporal_options import read_labels
from reguloom.temporal.read import as_course
from reguloom.temporal.read_peaks import read_places

from .target import Target

CELLS = (
    b"Cell_ID,Time_numeric,CellType,Gata1,HLA.B,Spi1\nc1,0,T,1,2,0\nc2,0,T,0,1,5\nc3,2,B,3,0,1\nc4,2,T,1,1,1\n"
    b"c5,6,T,0,4,2\nc6,6,B,2,2,0\n"
)
WORDS = b"cell,Time,Gata1,Spi1\nc1,unstimulated,1,2\nc2,30min,0,1\nc3,day 2,3,0\nc4,E10.5,1,1\nc5,90,2,1\n"
HEADER = b"gene\t0h\t30min\t4h_rep1\t4h_rep2\nGata1\t1\t2.5\t0\t1\nSpi1\t0\t0\t3\t4\nKlf1\t2\t1\t1\t\n"
SPOTS = b"SPOT,Gene Symbol,LPS_0h,LPS_4h,LPS_1d\n1,Gata1,0.1,-1,2\n2,Spi1,0,3,1e-2\n"
SAMPLES = b"sample,time,condition,replicate\ns1,0h,a,1\ns2,2h,a,1\ns3,0h,b,2\ns4,2h,b,2\n"
MATRIX = b"gene,s1,s2,s3,s4\nGata1,1,2,3,4\nSpi1,4,3,2,1\n"
PEAKS = b"Peak,Cell,Count\nchr1_100_600,s1,2\nchr1_900_1500,s2,1\nchr2-5-50,s3,4\nchr1_100_600,s4,1\n"
GENES = b"chrom,start,end,strand,gene\nchr1,500,1000,+,Gata1\nchr2,1,40,-,Spi1\n"
BED = b"chr1\t500\t1000\tGata1\t0\t+\nchr2\t1\t40\tSpi1\t0\t-\n# end\n"
GTF = (
    b'#!genome x\nchr1\tx\tgene\t501\t1000\t.\t+\t.\tgene_id "E1"; gene_name "Gata1";\n'
    b'chr1\tx\texon\t501\t700\t.\t+\t.\tgene_id "E1";\nchr2\tx\tgene\t2\t40\t.\t-\t.\tgene_id "E2";\n'
)


def targets(folder: Path) -> Iterator[Target]:
    """Yield the readers of time courses; the seeds of binary files are written below `folder`."""
    yield Target("temporal.read (cells)", temporal.read, ".csv", (CELLS, WORDS))
    yield Target("temporal.read (genes x time)", temporal.read, ".tsv", (HEADER, SPOTS.replace(b",", b"\t")))
    yield Target("temporal.read (csv.gz)", temporal.read, ".csv.gz", (gzip.compress(CELLS, mtime=0),), binary=True)
    yield Target("temporal.read (matrix)", _with("samples.csv", SAMPLES, "samples"), ".csv", (MATRIX,))
    yield Target("temporal.read (samples)", _of("matrix.csv", MATRIX, "samples"), ".csv", (SAMPLES,))
    yield Target("temporal.read (peaks)", _peaks, ".csv", (PEAKS,))
    yield Target("temporal course of cells", lambda path: as_course(temporal.read(path), pool=True), ".csv", (CELLS,))
    for suffix, data in ((".csv", GENES), (".bed", BED), (".gtf", GTF)):
        yield Target(f"temporal places ({suffix[1:]})", read_places, suffix, (data,))
    labels = b"Gene,Cluster\nGata1,C1\nSpi1,C2\nKlf1,C1\n"
    yield Target("temporal labels", read_labels, ".csv", (labels, labels.replace(b",", b"\t")))
    times = b"gene,track,half_time,onset,module\nGata1,all,2.5,1,C1\nSpi1,all,,3,C2\n"
    yield Target("temporal times", read_times, ".csv", (times,))
    _cells().write_h5ad(folder / "course.h5ad")
    yield Target("temporal.read (h5ad)", temporal.read, ".h5ad", ((folder / "course.h5ad").read_bytes(),), binary=True)
    yield Target("temporal result", temporal.TemporalModules.read, ".h5ad", (_result(folder),), binary=True)


def _with(name: str, data: bytes, option: str) -> Callable[[Path], Any]:
    """Return a reader that has a sound second file as an option."""
    return lambda path: temporal.read(path, **{option: _beside(path, name, data)})


def _of(name: str, data: bytes, option: str) -> Callable[[Path], Any]:
    """Return a reader of a sound file whose option is the broken one."""
    return lambda path: temporal.read(_beside(path, name, data), **{option: path})


def _peaks(path: Path) -> Any:
    """Read a table of peak, cell and count, with sound tables of cells and of genes."""
    cells, genes = _beside(path, "cells.csv", SAMPLES), _beside(path, "genes.csv", GENES)
    return temporal.read(path, samples=cells, genes=genes)


def _beside(path: Path, name: str, data: bytes) -> Path:
    """Write a sound file beside a broken one."""
    made = path.with_name(f"sound-{name}")
    made.write_bytes(data)
    return made


def _cells() -> ad.AnnData:
    values = np.arange(24, dtype=np.float32).reshape(6, 4) % 5
    obs = pd.DataFrame({"time": ["0h", "0h", "2h", "2h", "6h", "6h"]}, index=[f"c{i}" for i in range(6)])
    return ad.AnnData(csr_matrix(values), obs=obs, var=pd.DataFrame(index=["Gata1", "Spi1", "Klf1", "HLA-A"]))


def _result(folder: Path) -> bytes:
    """Return the file of a small result."""
    hours = np.repeat([0.0, 1.0, 2.0, 4.0, 8.0], 2)
    rng = np.random.default_rng(0)
    early, late = np.exp(-hours), hours / 8
    table = np.array([(early if i < 6 else late) * 5 + 0.05 * rng.normal(size=len(hours)) for i in range(12)])
    path = folder / "course.tsv"
    header = [f"{hour:g}h_rep{i % 2 + 1}" for i, hour in enumerate(hours)]
    pd.DataFrame(table, [f"g{i}" for i in range(12)], header).to_csv(path, sep="\t", index_label="gene")
    course = as_course(temporal.read(path, bulk=True))
    result = temporal.fit(course, method="kmeans", n_modules=2, rng=0)
    result.write(folder / "modules")
    return (folder / "modules" / "result.h5ad").read_bytes()
