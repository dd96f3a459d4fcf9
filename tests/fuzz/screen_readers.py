"""Readers of what belongs to a screen of perturbations: splits, annotation, embeddings, predictions, challenges."""

from __future__ import annotations

import gzip
import io as streams
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from reguloom.cli._response_options import _table as read_embeddings
from reguloom.core import Perturbation, PerturbationData
from reguloom.evaluate import Split, read_dream4
from reguloom.evaluate._response_models import answer
from reguloom.evaluate._response_truth import Truth
from reguloom.evaluate.differential_expression import differential_expression
from reguloom.evaluate.response_baselines.embeddings import read_gene_sets, table_of
from reguloom.response.gene_graphs import read_annotation

from .target import Target

GMT = b"GO:1\tgrowth\tG00\tG01\tG02\nGO:2\t\tG01,0.5\tG03,1.0\n"
GAF = (
    b"!gaf-version: 2.2\nUniProt\tP1\tG00\tinvolved_in\tGO:1\tPMID:1\tIDA\t\tP\n"
    b"UniProt\tP2\tG01\tNOT|involved_in\tGO:2\tPMID:1\tIEA\t\tP\nUniProt\tP3\tG02\tpart_of\tGO:2\tx\tIDA\t\tC\n"
)
LABELS = b"control\nG00+ctrl\nctrl+G01\nG00+G01\nnon-targeting\nG03_G04\nKlf1-AS1\n"


def targets(folder: Path) -> Iterator[Target]:
    """Yield the readers; the seeds of binary files are written below `folder`."""
    screen, split = make_screen()
    yield Target("Split.from_json", Split.from_json, ".json", (split.to_json().encode(),))
    yield Target("perturbation labels", _labels, ".txt", (LABELS,))
    yield Target("read_annotation (gmt)", read_annotation, ".gmt", (GMT,))
    yield Target("read_annotation (gaf)", read_annotation, ".gaf", (GAF,))
    yield Target("read_annotation (json)", read_annotation, ".json", (b'{"G00": ["GO:1", "GO:2"], "G01": ["GO:1"]}',))
    yield Target("read_annotation (gaf.gz)", read_annotation, ".gaf.gz", (gzip.compress(GAF, mtime=0),), binary=True)
    yield Target("read_gene_sets", read_gene_sets, ".gmt", (GMT,))
    table = b"gene,d1,d2\nG00,1,2\nG01,-1,0.5\nG02,0,1e-3\n"
    yield Target("embeddings (csv)", table_of, ".csv", (table,))
    yield Target("embeddings (command)", read_embeddings, ".csv", (table,))
    answers = _answers(screen, split)
    yield Target("predictions (csv)", answers, ".csv", (_predicted_csv(screen),))
    _predicted(screen).write_h5ad(folder / "predicted.h5ad")
    yield Target("predictions (h5ad)", answers, ".h5ad", ((folder / "predicted.h5ad").read_bytes(),), binary=True)
    yield Target("read_dream4 (tar)", lambda path: read_dream4(path, size=10, number=1), ".tar.gz", (_dream4(),),
                 binary=True)  # fmt: skip
    yield Target("read_dream4 (file)", _dream4_file, ".tsv", _dream4_files())


def make_screen() -> tuple[PerturbationData, Split]:
    """Return a small screen and a split of it."""
    genes = [f"G{i:02d}" for i in range(8)]
    labels = np.repeat(["control", "G00", "G01", "G02", "G00+G01", "G01+G02"], 6)
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 0.5, size=(len(labels), len(genes))).astype(np.float32)
    obs = pd.DataFrame({"perturbation": labels}, index=[f"c{i}" for i in range(len(labels))])
    adata = ad.AnnData(values, obs=obs, var=pd.DataFrame(index=genes))
    screen = PerturbationData.from_anndata(adata, values="log")
    units = sorted(screen.pseudobulk().units)
    held = tuple(unit for unit in units if "+" in unit[0])
    return screen, Split("pairs", tuple(unit for unit in units if unit not in held), (), held, {"seen": held})


def _labels(path: Path) -> Any:
    """Read each line as the label of a perturbation."""
    text = path.read_bytes().decode("utf-8", errors="replace")
    return [Perturbation.parse(line) for line in text.split("\n") if line.strip()]


def _answers(screen: PerturbationData, split: Split) -> Callable[[Path], Any]:
    """Return the reader of another tool's predictions."""
    truth = Truth.of(screen, split, differential_expression(screen))
    return lambda path: answer(path, screen, split, truth, seed=0, name="other", device=None)


def _predicted_csv(screen: PerturbationData) -> bytes:
    rows = [",".join(["", *map(str, screen.genes)])]
    rows += [",".join([name, *(f"{0.1 * i:.1f}" for i in range(8))]) for name in ("G00+G01", "G01+G02")]
    return ("\n".join(rows) + "\n").encode()


def _predicted(screen: PerturbationData) -> ad.AnnData:
    names = ["G00+G01", "G00+G01", "G01+G02"]
    values = np.arange(24, dtype=np.float32).reshape(3, 8)
    return ad.AnnData(values, obs=pd.DataFrame({"perturbation": names}, index=["a", "b", "c"]),
                      var=pd.DataFrame(index=list(map(str, screen.genes))))  # fmt: skip


def _tables() -> dict[str, bytes]:
    """Return the files of a network of the challenge."""
    genes = [f"G{i}" for i in range(1, 11)]
    rng = np.random.default_rng(0)

    def table(n: int, *, time: bool = False) -> bytes:
        frame = pd.DataFrame(rng.random((n, 10)).round(3), columns=genes)
        if time:
            frame.insert(0, "Time", [0, 50] * (n // 2))
        return frame.to_csv(sep="\t", index=False).encode()

    edges = [f"G{i}\tG{j}\t{int(j == i + 1)}" for i in range(1, 11) for j in range(1, 11) if i != j]
    return {
        "wildtype": table(1), "knockouts": table(10), "knockdowns": table(10), "multifactorial": table(10),
        "timeseries": table(4, time=True), "dualknockouts": b"i\tj\n1\t2\n3\t4\n",
        "goldstandard": ("\n".join(edges) + "\n").encode(),
    }  # fmt: skip


def _member(kind: str) -> str:
    if kind == "goldstandard":
        return "insilico_size10_1/insilico_size10_1_goldStandard.tsv"
    return f"insilico_size10_1/insilico_size10_1_{'dualknockouts_indexes' if kind == 'dualknockouts' else kind}.tsv"


def _dream4() -> bytes:
    buffer = streams.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for kind, data in TABLES.items():
            info = tarfile.TarInfo(_member(kind))
            info.size = len(data)
            archive.addfile(info, streams.BytesIO(data))
    return buffer.getvalue()


def _dream4_files() -> tuple[bytes, ...]:
    """Return each file with its kind in its first line, since all of them are broken in turn."""
    return tuple(f"{kind}\n".encode() + data for kind, data in TABLES.items())


def _dream4_file(path: Path) -> Any:
    """Read an unpacked archive one of whose files is broken."""
    kind, _, data = path.read_bytes().partition(b"\n")
    place = path.parent / "unpacked"
    for name, sound in TABLES.items():
        file = place / _member(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data if name == kind.decode("utf-8", errors="replace") else sound)
    return read_dream4(place, size=10, number=1)


TABLES = _tables()
