"""Every reader of a user's file, with small valid files of each of its formats to break."""

from __future__ import annotations

import gzip
import io as streams
import tarfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import feather, parquet
from scipy.sparse import csr_matrix

import reguloom as rl
from reguloom import io, motifs
from reguloom.mechanistic import boolode

from . import course_readers, screen_readers, stored_readers
from .target import Target


def text_targets() -> Iterator[Target]:
    """Yield the readers of text."""
    matrix = b"Cell,Gata1,Spi1,HLA-A\nc1,1,0,2.5\nc2,0,3,1\nc3,4,0,0\n"
    turned = b"gene\tc1\tc2\tc3\nGata1\t1\t0\t4\nSpi1\t0\t3\t0\n"
    edges = b"TF,target,importance\nGata1,Klf1,2.5\nSpi1,Irf8,1e-3\n", b"source,target,weight,sign\nA,B,1,-1\nB,C,2,1\n"
    gmt = b"Gata1(+)\tgata1\tKlf1\tEpor\nSpi1(-)\t\tIrf8\tCsf1r\n"
    yield Target("read (csv)", io.read, ".csv", (matrix, b"x;y\n1;2\n3;4\n", turned.replace(b"\t", b",")))
    yield Target("read (tsv)", io.read, ".tsv", (turned, matrix.replace(b",", b"\t")))
    yield Target(
        "read_network", io.read_network, ".csv", (*edges, b"cell_state,coef_mean,source,target,p\na,.1,A,B,1\n")
    )
    yield Target("read_genes", io.read_genes, ".txt", (b"Gata1\nSpi1\n\n# a comment\nKlf1\n",))
    yield Target("read_regulons (gmt)", io.read_regulons, ".gmt", (gmt,))
    yield Target(
        "read_regulons (json)", io.read_regulons, ".json", (_written_regulons(".json"), b'{"Gata1(+)": ["Klf1"]}')
    )
    yield Target("read_regulons (yaml)", io.read_regulons, ".yaml", (_written_regulons(".yaml"),))
    yield Target("read_motif_table", io.read_motif_table, ".csv", (_motif_table(),))
    yield Target("read_motif_annotations", io.read_motif_annotations, ".tbl", (_annotations(),))
    yield Target("read_table", io.read_table, ".csv", (matrix,))
    yield Target("read_motifs (jaspar)", motifs.read_motifs, ".jaspar",
                 (b">MA1 x\nA [1 2 3]\nC [3 2 1]\nG [0 0 4]\nT [4 4 0]\n", b">x\n1 2\n3 4\n5 6\n7 8\n"))  # fmt: skip
    yield Target("read_motifs (meme)", motifs.read_motifs, ".meme",
                 (b"MEME version 4\n\nALPHABET= ACGT\n\nMOTIF m1 x\n"
                  b"letter-probability matrix: alength= 4 w= 2 nsites= 20\n"
                  b" 0.1 0.2 0.3 0.4\n 0.25 0.25 0.25 0.25\n",))  # fmt: skip
    yield Target("read_motifs (transfac)", motifs.read_motifs, ".transfac",
                 (b"AC M1\nXX\nID x\nPO A C G T\n01 1 2 3 4\n02 4 3 2 1\nXX\n//\n",))  # fmt: skip
    yield Target("read_motifs (cb)", motifs.read_motifs, ".cb", (b">m1\n1 2 3 4\n4 3 2 1\n>m2\n1 1 1 1\n",))
    yield Target("read_fasta", motifs.read_fasta, ".fa", (b">a x\nACGTNacgt\nAC\n>b\nGGGG\n",))
    yield from _rule_targets()


def _rule_targets() -> Iterator[Target]:
    """Yield the readers of Boolean networks and of what belongs to them."""
    network = rl.mechanistic.from_text("A, B & !C\nB, A | (C & !B)\nC, C\n", format="bnet")
    written = {
        kind: rl.mechanistic.to_text(network, format=kind).encode()
        for kind in ("bnet", "boolnet", "aeon", "sbml", "boolode")
    }
    extra = b"targets, factors\nA, all(B, C) , 0.6\nA, maj(A,B,C), 0.4\nB, timeis(3) | A[-2]\nC, sumgt(A, B, 1)\n"
    suffixes = {"bnet": ".bnet", "boolnet": ".boolnet", "aeon": ".aeon", "sbml": ".sbml", "boolode": ".txt"}
    for kind, data in written.items():
        seeds = (data, extra) if kind == "boolnet" else (data,)
        yield Target(f"mechanistic.read ({kind})", rl.mechanistic.read, suffixes[kind], seeds)
    yield Target("boolode.read_initial", boolode.read_initial, ".txt", (b"Genes\tValues\n['g1','g2']\t[1, 0.5]\n",))
    yield Target(
        "boolode.read_strengths", boolode.read_strengths, ".txt", (b"Gene1\tGene2\tStrength\ng1\tg2\t10\ng2\tg1\t2\n",)
    )


def binary_targets(folder: Path) -> Iterator[Target]:
    """Yield the readers of binary files; the seeds are written below `folder`."""
    yield Target("read_rankings (v1)", _rankings, ".feather", (_feather_v1(folder),), binary=True)
    yield Target("read_rankings (v2)", _rankings, ".feather", _feathers(folder), binary=True)
    yield Target("read_network (parquet)", io.read_network, ".parquet", _parquets(folder), binary=True)
    yield Target("read_table (parquet)", io.read_table, ".parquet", (_table_parquet(folder),), binary=True)
    yield Target("read_10x (tar)", io.read_10x, ".tar.gz", (_tar(),), binary=True)
    yield Target(
        "read (csv.gz)", io.read, ".csv.gz", (gzip.compress(b"Cell,A,B\nc1,1,2\nc2,3,4\n", mtime=0),), binary=True
    )


def hdf5_targets(folder: Path) -> Iterator[Target]:
    """Yield the readers of HDF5 files."""
    adata = _cells()
    adata.write_h5ad(folder / "seed.h5ad")
    io.write(adata, folder / "seed.loom", force=True)
    _tenx_h5(folder / "seed.h5")
    _gradient(folder / "seed.gradient")
    for name, read in (("seed.h5ad", io.read), ("seed.loom", io.read), ("seed.h5", io.read_10x),
                       ("seed.gradient", rl.oracle.read_gradient)):  # fmt: skip
        path = folder / name
        label = "read_10x (h5)" if path.suffix == ".h5" else f"read ({path.suffix[1:]})"
        yield Target(label, read, path.suffix, (path.read_bytes(),), binary=True)


def every_target(folder: Path) -> list[Target]:
    """Return all readers."""
    old = (*text_targets(), *binary_targets(folder), *hdf5_targets(folder))
    later = (module.targets(folder) for module in (course_readers, screen_readers, stored_readers))
    return [*old, *(target for targets in later for target in targets)]


def _rankings(path: Path) -> Any:
    """Open a ranking database and load what it holds."""
    return io.read_rankings(path).load()


def _cells() -> ad.AnnData:
    values = np.arange(12, dtype=np.float32).reshape(3, 4) % 5
    obs = pd.DataFrame({"cell_type": pd.Categorical(["a", "b", "a"])}, index=["c1", "c2", "c3"])
    return ad.AnnData(csr_matrix(values), obs=obs, var=pd.DataFrame(index=["Gata1", "Spi1", "Klf1", "HLA-A"]))


def _written(write: Callable[[Path], None], suffix: str) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"seed{suffix}"
        write(path)
        return path.read_bytes()


def _written_regulons(suffix: str) -> bytes:
    regulons = io.as_regulons({"Gata1(+)": ["Klf1", "Epor"], "Spi1(-)": ["Irf8"]})
    return _written(lambda path: io.write_regulons(regulons, path), suffix)


def _motif_table() -> bytes:
    columns = (
        "AUC",
        "NES",
        "MotifSimilarityQvalue",
        "OrthologousIdentity",
        "Annotation",
        "Context",
        "TargetGenes",
        "RankAtMax",
    )
    header = (
        ",,"
        + ",".join(["Enrichment"] * len(columns))
        + "\n,,"
        + ",".join(columns)
        + "\nTF,MotifID"
        + "," * len(columns)
        + "\n"
    )
    context = "\"frozenset({'activating', 'db'})\""
    rows = (
        f"Gata1,m1,0.05,3.5,0.0,1.0,gene is directly annotated,{context},\"[('Klf1', 1.5), ('Epor', 0.5)]\",120\n"
        f"Spi1,m2,0.04,4.1,0.0,1.0,gene is directly annotated,{context},\"[('Irf8', 1.0)]\",80\n"
    )
    return (header + rows).encode()


def _annotations() -> bytes:
    header = ("#motif_id\tmotif_name\tmotif_description\tsource_name\tsource_version\tgene_name"
              "\tmotif_similarity_qvalue\tsimilar_motif_id\tsimilar_motif_description\torthologous_identity\torthologous_gene_name"
              "\torthologous_species\tdescription\n")  # fmt: skip
    rows = "m1\tm1\tx\tjaspar\t1\tGata1\t0\tNone\tNone\t1\tNone\tNone\tgene is directly annotated\n"
    return (header + rows + rows.replace("Gata1", "Spi1")).encode()


def _ranks() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        np.array([rng.permutation(6) for _ in range(3)], dtype=np.int16), columns=[f"G{i}" for i in range(6)]
    )


def _feather_v1(folder: Path) -> bytes:
    ranks = _ranks()
    # Text as the format knows it, whatever the installed pandas makes of it.
    columns = {"features": pa.array(["m1", "m2", "m3"], pa.string())}
    table = pa.table(columns | {name: ranks[name].to_numpy() for name in ranks})
    path = folder / "seed.v1.feather"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        feather.write_feather(table, path, version=1)
    return path.read_bytes()


def _feathers(folder: Path) -> tuple[bytes, ...]:
    made = []
    for codec in ("zstd", "uncompressed"):
        path = folder / f"seed.{codec}.feather"
        feather.write_feather(_ranks().assign(motifs=["m1", "m2", "m3"]), path, compression=codec)
        made.append(path.read_bytes())
    return tuple(made)


def _parquets(folder: Path) -> tuple[bytes, ...]:
    edges = pd.DataFrame({"source": ["A", "B"], "target": ["B", "C"], "weight": [1.0, 2.0]})
    base = pd.DataFrame(
        {"peak_id": ["chr1_1_2", "chr1_5_9"], "gene_short_name": ["X", "Y"], "Gata1": [1.0, 0.0], "Spi1": [0.0, 1.0]}
    )
    made = []
    for name, frame in (("edges", edges), ("base", base)):
        path = folder / f"seed.{name}.parquet"
        parquet.write_table(pa.table(frame), path)
        made.append(path.read_bytes())
    return tuple(made)


def _table_parquet(folder: Path) -> bytes:
    path = folder / "seed.table.parquet"
    pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}, index=["c1", "c2"]).to_parquet(path)
    return path.read_bytes()


def _tar() -> bytes:
    parts = {
        "x/matrix.mtx": b"%%MatrixMarket matrix coordinate integer general\n%\n2 3 2\n1 1 4\n2 3 1\n",
        "x/barcodes.tsv": b"c1\nc2\nc3\n",
        "x/genes.tsv": b"E1\tGata1\nE2\tSpi1\n",
    }
    buffer = streams.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, streams.BytesIO(data))
    return buffer.getvalue()


def _tenx_h5(path: Path) -> None:
    matrix = csr_matrix(np.array([[1, 0], [0, 2], [3, 4]], dtype=np.int32))
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        for name, values in (("data", matrix.data), ("indices", matrix.indices), ("indptr", matrix.indptr)):
            group[name] = values
        group["shape"] = np.array([2, 3], dtype=np.int32)
        group["barcodes"] = np.array([b"c1", b"c2", b"c3"])
        features = group.create_group("features")
        features["id"], features["name"] = np.array([b"E1", b"E2"]), np.array([b"Gata1", b"Spi1"])
        features["feature_type"] = np.array([b"Gene Expression"] * 2)


def _gradient(path: Path) -> None:
    x, y = np.meshgrid(np.arange(3.0), np.arange(3.0))
    points = np.c_[x.ravel(), y.ravel()]
    with h5py.File(path, "w") as file:
        file["embedding"], file["gridpoints_coordinates"] = points[:5], points
        file["mass_filter"], file["pseudotime"] = np.zeros(9, dtype=bool), np.arange(5.0)
        file["pseudotime_on_grid"], file["ref_flow"] = np.arange(9.0), np.ones((9, 2))
