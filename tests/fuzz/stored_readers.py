"""Readers of what the library itself wrote, and of what runs are made from: models, oracles, fields, records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from reguloom import activity, io, oracle, pipeline, response, vectorfield
from reguloom._errors import InputError
from reguloom.cistarget.merge_shards import read_shard, write_shard
from reguloom.cli.build_db import _read_scores as read_scores
from reguloom.core import Network, Perturbation, Provenance
from reguloom.core.provenance import plain
from reguloom.grn._checkpoint import Checkpoint as NetworkCheckpoint
from reguloom.grn._problem import TargetEdges
from reguloom.mechanistic import boolode
from reguloom.oracle._checkpoint import Checkpoint as ScreenCheckpoint
from reguloom.oracle.base_network import _connections, _factors, _peaks, _windows
from reguloom.pipeline._config_file import example
from reguloom.pipeline._manifest import Manifest
from reguloom.report._source import open_source
from reguloom.resources.registry import _read as read_registry
from reguloom.vectorfield.storage import from_uns, to_uns

from .screen_readers import make_screen
from .target import Target

RUN = b"""title = "Run"
output = "out"
seed = 1

[input]
expression = "cells.h5ad"
groupby = "cell_type"
basis = "umap"

[grn]
tfs = "tfs.txt"
method = "grnboost2"

[ctx]
rankings = ["a.feather", "b.feather"]
annotations = "motifs.tbl"
nes_threshold = 3.0

[oracle]
network = "regulons"
pseudotime = "pseudotime"
"""
REGISTRY = (
    b'base_url = "file:///tmp/"\nterms = "free"\n\n[resources.mine]\nkind = "tfs"\npath = "tfs.txt"\n'
    b'species = "human"\nsha256 = "00"\n'
)


def targets(folder: Path) -> Iterator[Target]:
    """Yield the readers; the seeds of binary files are written below `folder`."""
    yield Target("read_config", pipeline.read_config, ".toml", (RUN, example().encode()))
    yield Target("run manifest", _manifest, ".json", (_run_record(),))
    yield Target("registry", read_registry, ".toml", (REGISTRY,))
    yield Target("Provenance.from_json", lambda path: Provenance.from_json(_text(path)), ".json",
                 (Provenance("grnboost2", {"n": 1, "names": ["a"]}, 0).to_json().encode(),))  # fmt: skip
    yield from _oracles(folder)
    yield from _fields(folder)
    yield from _models(folder)
    yield from _work_files(folder)
    yield from _base_networks()
    yield from _simulated()
    yield from _sources(folder)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def _manifest(path: Path) -> Any:
    """Open the folder of a run whose record is broken."""
    folder = path.parent / "run"
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_bytes(path.read_bytes())
    made = Manifest(folder, {"matrix": "00"}, name="manifest.json", costs=True)
    return made.is_done("grn", made.key("grn", {"method": "x"}), ["grn/network.parquet"])


def _run_record() -> bytes:
    stage = {"fingerprint": "00ff", "params": {"method": "x"}, "wall_s": 1.5, "outputs": ["grn/network.parquet"]}
    return json.dumps({"inputs": {"matrix": "00"}, "stages": {"grn": stage}, "versions": {}}).encode()


def _world() -> tuple[ad.AnnData, Network]:
    """Return cells of two groups and a network."""
    rng = np.random.default_rng(0)
    names = ["Tf0", "Tf1", "A", "B", "C"]
    values = rng.gamma(2.0, 0.5, size=(24, len(names))).astype(np.float32)
    obs = pd.DataFrame({"group": ["x", "y"] * 12}, index=[f"c{i}" for i in range(24)])
    adata = ad.AnnData(values, obs=obs, var=pd.DataFrame(index=names))
    adata.obsm["X_umap"], adata.obsm["X_pca"] = values[:, :2].copy(), values[:, 2:].copy()
    return adata, Network.from_edges(["Tf0", "Tf0", "Tf1", "Tf1"], ["A", "B", "B", "C"])


def _oracles(folder: Path) -> Iterator[Target]:
    """Yield the readers of fitted oracles and of predictions."""
    adata, network = _world()
    model = oracle.fit(adata, network, groupby="group", n_neighbors=3, p=None, n_bootstrap=2, n_jobs=1)
    model.write(folder / "oracle.h5ad")
    oracle.write_prediction(model.predict(Perturbation.knockout("Tf0")), folder / "prediction.h5ad")
    for name, read in (("oracle", oracle.Oracle.read), ("prediction", oracle.read_prediction)):
        yield Target(f"oracle.read ({name})", read, ".h5ad", ((folder / f"{name}.h5ad").read_bytes(),), binary=True)
    yield Target("report source (oracle)", _source, ".h5ad", ((folder / "oracle.h5ad").read_bytes(),), binary=True)


def _fields(folder: Path) -> Iterator[Target]:
    """Yield the readers of fields, ours and Dynamo's."""
    adata, _ = _world()
    adata.obsm["velocity_pca"] = np.tanh(adata.obsm["X_pca"])
    field = vectorfield.fit(adata, basis="pca", n_control=8, n_jobs=1)
    field.to_adata(adata)
    adata.write_h5ad(folder / "field.h5ad")
    yield Target("field (h5ad)", lambda path: vectorfield.VectorField.from_adata(io.read(path)), ".h5ad",
                 ((folder / "field.h5ad").read_bytes(),), binary=True)  # fmt: skip
    yield Target("field", lambda path: from_uns(_slots(path)), ".json", (_as_json(to_uns(field)),))
    other = _world()[0]
    other.uns["VecFld_pca"] = {"X": field.states, "Y": field.velocities, "X_ctrl": field.control_points,
                               "C": field.coefficients, "beta": 0.1, "P": np.ones(len(field.states))}  # fmt: skip

    def of_dynamo(path: Path) -> Any:
        other.uns["VecFld_pca"] = _slots(path)
        return vectorfield.VectorField.from_dynamo(other)

    yield Target("field (dynamo)", of_dynamo, ".json", (_as_json(other.uns["VecFld_pca"]),))


def _models(folder: Path) -> Iterator[Target]:
    """Yield the readers of trained models; without PyTorch, of the linear one alone."""
    screen, split = make_screen()
    small: dict[str, tuple[Any, dict[str, Any]]] = {"linear": (response.Linear, {"n_dims": 2})}
    if find_spec("torch") is not None:
        small |= {
            "gears": (response.GEARS, {"hidden": 4, "max_epochs": 1, "n_neighbors": 3}),
            "cpa": (response.CPA, {"hidden": 4, "n_latent": 2, "max_epochs": 1, "adversary_hidden": 4}),
            "scgen": (response.SCGen, {"hidden": 4, "n_latent": 2, "max_epochs": 1}),
            "latent-additive": (response.LatentAdditive, {"hidden": 4, "n_latent": 2, "max_epochs": 1}),
        }
    for name, (kind, options) in small.items():
        place = folder / f"model-{name}"
        kind(**options).fit(screen, split).save(place)
        files = {path.name: path.read_bytes() for path in sorted(place.iterdir())}
        for part, data in files.items():
            # The words beside the weights tell which kind of model it is, of every kind but the linear in the same way.
            if part != "model.json" or name == "linear":
                suffix = Path(part).suffix
                yield Target(f"response.load ({name}{suffix})", _model(files, part), suffix, (data,), binary=True)


def _model(files: dict[str, bytes], broken: str) -> Callable[[Path], Any]:
    """Return the reader of a model one of whose files is broken."""

    def read(path: Path) -> Any:
        place = path.parent / "model"
        place.mkdir(exist_ok=True)
        for name, data in files.items():
            (place / name).write_bytes(path.read_bytes() if name == broken else data)
        return response.load(place, device="cpu")

    return read


def _work_files(folder: Path) -> Iterator[Target]:
    """Yield the readers of what unfinished work leaves behind."""
    edges = [TargetEdges(0, np.array([1, 2], np.int32), np.array([0.5, 0.1]), np.array([1, -1], np.int8), 3, 0)]
    with NetworkCheckpoint(folder / "grn", {"seed": 0}, shard=(1, 1), resume=False) as work:
        work.append(0, edges)
        work.append(1, edges)
    log = (folder / "grn" / "part-1-of-1.bin").read_bytes()
    yield Target("grn checkpoint", _network_checkpoint, ".bin", (log,), binary=True)
    yield Target("grn checkpoint (run)", _network_run, ".json", ((folder / "grn" / "run.json").read_bytes(),))
    lines = b'{"key": "00"}\n{"name": "Tf0", "value": [1.5, "a"]}\n{"name": "Tf1", "value": null}\n'
    yield Target("screen checkpoint", lambda path: ScreenCheckpoint(path, "00", resume=True), ".jsonl", (lines,))
    table = pd.DataFrame({"TF": ["A"], "MotifID": ["m"], "NES": [3.5], "Context": [("activating", "db")],
                          "TargetGenes": [[("B", 1.0)]], "database_position": [0], "module_position": [0]})  # fmt: skip
    table.attrs = {"shard": "1/2", "run": "00"}
    write_shard(table, folder / "shard.parquet")
    yield Target("ctx shard", read_shard, ".parquet", ((folder / "shard.parquet").read_bytes(),), binary=True)
    scores = b"motif,G1,G2\nm1,0.5,1\nm2,2,1e-3\n"
    yield Target("score table", read_scores, ".csv", (scores,))


def _network_checkpoint(path: Path) -> Any:
    place = path.parent / "grn-work"
    place.mkdir(exist_ok=True)
    (place / "run.json").write_text('{"seed": 0}')
    (place / "part-1-of-1.bin").write_bytes(path.read_bytes())
    return NetworkCheckpoint(place, {"seed": 0}, shard=(1, 1), resume=True).finished()


def _network_run(path: Path) -> Any:
    place = path.parent / "grn-run"
    place.mkdir(exist_ok=True)
    (place / "run.json").write_bytes(path.read_bytes())
    return NetworkCheckpoint(place, {"seed": 0}, shard=(1, 1), resume=True)


def _base_networks() -> Iterator[Target]:
    """Yield the readers of what a base network is made from."""
    yield Target("peaks (bed)", _peaks, ".bed", (b"chr1\t100\t600\nchr2\t5\t900\n",))
    yield Target("peaks (csv)", _peaks, ".csv", (b'"x"\n"chr1_100_600"\n"chr2-5-900"\n',))
    yield Target("tss", _windows, ".bed", (b"chr1\t100\t200\tGata1\t0\t+\nchr2\t5\t6\tSpi1\t0\t-\n",))
    pairs = b"Peak1,Peak2,coaccess\nchr1_100_600,chr1_700_900,0.5\nchr2_5_90,chr2_100_200,\n"
    yield Target("co-accessible peaks", _connections, ".csv", (pairs,))
    yield Target("factors of motifs", _factors, ".tsv", (b"motif\tfactor\nm1\tGata1\nm2\tSpi1\n",))


def _simulated() -> Iterator[Target]:
    """Yield the reader of a folder of BoolODE."""
    tables = {
        "ExpressionData.csv": b",E0_1,E0_2,E1_1\nGata1,1,0.5,2\nSpi1,0,1,1e-3\n",
        "PseudoTime.csv": b",PseudoTime1,PseudoTime2\nE0_1,0,\nE0_2,0.5,\nE1_1,,1\n",
        "refNetwork.csv": b"Gene1,Gene2,Type\nGata1,Spi1,+\nSpi1,Gata1,-\n",
    }

    def reader(broken: str) -> Callable[[Path], Any]:
        def read(path: Path) -> Any:
            place = path.parent / "boolode"
            place.mkdir(exist_ok=True)
            for name, data in tables.items():
                (place / name).write_bytes(path.read_bytes() if name == broken else data)
            return boolode.read_boolode(place)

        return read

    for name, data in tables.items():
        yield Target(f"read_boolode ({name.removesuffix('.csv')})", reader(name), ".csv", (data,))


def _sources(folder: Path) -> Iterator[Target]:
    """Yield the readers of what a report is made from."""
    adata, network = _world()
    network.to_adata(adata)
    activity.aucell(adata, io.as_regulons({"Tf0(+)": ["A", "B"], "Tf1(+)": ["B", "C"]}), auc_threshold=0.5)
    adata.write_h5ad(folder / "cells.h5ad")
    yield Target("report source (cells)", _source, ".h5ad", ((folder / "cells.h5ad").read_bytes(),), binary=True)

    def cite(path: Path) -> Any:
        adata.uns = _slots(path)
        return pipeline.citations(adata)

    provenance = Provenance("grnboost2", {"n": 1}, 0).to_json()
    held = {"grn": {"provenance": provenance}, "regulons": {"provenance": provenance}, "aucell": {"thresholds": [1.0]}}
    yield Target("citations", cite, ".json", (_as_json(held),))


def _as_json(slots: dict[str, Any]) -> bytes:
    """Return the content of slots as JSON, arrays as lists."""
    return json.dumps(plain(slots)).encode()


def _slots(path: Path) -> dict[str, Any]:
    """Return slots that hold what a file says: what may lie in another program's, or a newer version's, file."""
    try:
        content = json.loads(path.read_bytes().decode("utf-8", errors="replace"))
    except (ValueError, RecursionError) as error:
        msg = f"no JSON: {error}"
        raise InputError(msg) from error
    if not isinstance(content, dict):
        msg = "no slots"
        raise InputError(msg)
    return {name: np.asarray(one) if _is_array(one) else one for name, one in content.items()}


def _is_array(value: Any) -> bool:
    """Tell whether a list holds numbers, or lists of as many numbers each."""
    if not isinstance(value, list):
        return False
    inner = [one for one in value if isinstance(one, list)]
    return len(inner) in (0, len(value)) and len({len(one) for one in inner}) < 2


def _source(path: Path) -> Any:
    """Open what a report is made from, and take every piece of it."""
    source = open_source(path)
    return source.regulons, source.activity, source.summary, source.oracle_cells, source.screen
