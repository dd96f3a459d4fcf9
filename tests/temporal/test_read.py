"""Every layout comes in as cells or samples × genes with hours, or is refused in one sentence."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.temporal.read import as_course, read


@pytest.fixture(scope="module")
def world():
    return rl.datasets.time_course("cell_types", 15, 60, n_database_genes=100, n_random_motifs=5)


def _original(world, path, time="Time_numeric", cell="PseudoCellID"):
    """Write cells as VRNN_Gene_Clustering reads them."""
    table = world.adata.to_df().rename(columns={"Gene06": "HLA.B"}).astype(int)
    obs = world.adata.obs
    about = pd.DataFrame({cell: obs.index, time: obs["time"], "CellType": obs["cell_type"].astype(str)}, obs.index)
    pd.concat([about, table], axis=1).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(("time", "cell"), [("Time_numeric", "PseudoCellID"), ("Time_numerics", "Cell_ID")])
def test_the_original_csv(world, tmp_path, time, cell, caplog):
    caplog.set_level(logging.INFO, "reguloom")
    adata = read(_original(world, tmp_path / "cells.csv", time, cell))
    assert adata.shape == world.adata.shape
    assert np.array_equal(adata.X.toarray(), world.adata.X.toarray())
    assert adata.obs_names.tolist() == world.adata.obs_names.tolist()
    assert "HLA-B" in adata.var_names
    assert "HLA.B -> HLA-B" in caplog.text
    assert adata.uns["temporal_input"]["kind"] == "cells"
    course = as_course(adata, groupby="CellType")
    assert (course.likelihood, list(course.tracks), course.grid.tolist()) == (
        "nb",
        ["alpha", "beta"],
        [0, 3, 6, 12, 24],
    )
    assert any("HLA.B to HLA-B" in note for note in course.notes)


def test_the_order_of_cells_does_not_matter(world, tmp_path):
    path = _original(world, tmp_path / "cells.csv")
    shuffled = pd.read_csv(path).sample(frac=1, random_state=1)
    shuffled.to_csv(tmp_path / "shuffled.csv", index=False)
    first, second = (as_course(read(one), groupby="CellType") for one in (path, tmp_path / "shuffled.csv"))
    assert np.array_equal(first.totals, second.totals)


def test_pooling_is_refused(world, tmp_path):
    adata = read(_original(world, tmp_path / "cells.csv"))
    with pytest.raises(rl.InputError, match="groupby='CellType'"):
        as_course(adata)
    assert any("pooled" in note for note in as_course(adata, pool=True).notes)


def test_h5ad_with_units(world, tmp_path):
    made = world.adata.copy()
    made.obs["collected"] = [f"{hours * 60:g}min" for hours in made.obs.pop("time")]
    made.write_h5ad(tmp_path / "cells.h5ad")
    adata = read(tmp_path / "cells.h5ad", time="collected")
    assert sorted(set(adata.obs["time"])) == [0, 3, 6, 12, 24]
    with pytest.raises(rl.MissingKeyError, match="name it with time="):
        read(tmp_path / "cells.h5ad")


def _bulk(tmp_path, name="table.tsv", header=("0h", "1h", "4h", "1d"), **columns):
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(8, 1, (5, len(header))).round(3), [f"g{i}" for i in range(5)], list(header))
    for key, value in columns.items():
        frame.insert(0, key, value)
    frame.to_csv(tmp_path / name, sep="\t" if name.endswith("tsv") else ",", index_label="gene")
    return frame, tmp_path / name


def test_genes_by_time(tmp_path):
    frame, path = _bulk(tmp_path)
    course = as_course(read(path))
    assert course.grid.tolist() == [0, 1, 4, 24]
    assert np.array_equal(course.totals, frame.to_numpy())
    assert (course.likelihood, list(course.genes)) == ("gaussian", list(frame.index))


def test_stem_tables_have_a_column_of_spots(tmp_path):
    frame, path = _bulk(tmp_path, header=("0", "0.5", "2"))
    table = pd.read_csv(path, sep="\t").rename(columns={"gene": "Gene Symbol"})
    table.insert(0, "SPOT", [f"ID_{i}" for i in range(5)])
    table.to_csv(tmp_path / "stem.txt", sep="\t", index=False)
    adata = read(tmp_path / "stem.txt")
    assert adata.var_names.tolist() == list(frame.index)
    assert adata.obs["time"].tolist() == [0, 0.5, 2]


def test_files_of_replicates(tmp_path):
    _, first = _bulk(tmp_path, "a.tsv")
    _, second = _bulk(tmp_path, "b.tsv")
    course = as_course(read([first, second]))
    assert course.n_bins == 8
    assert course.has_replicates


def test_replicates_and_conditions_in_the_header(tmp_path):
    header = [f"{what}_{hours}h_rep{i}" for what in ("LPS", "PAM") for hours in (0, 4) for i in (1, 2)]
    _, path = _bulk(tmp_path, header=header)
    adata = read(path)
    with pytest.raises(rl.InputError, match="--condition condition"):
        as_course(adata)
    course = as_course(adata, condition="condition")
    assert list(course.tracks) == ["LPS", "PAM"]
    assert course.replicate.tolist() == [0, 1] * 4


def test_missing_values_are_masked(tmp_path):
    frame, path = _bulk(tmp_path)
    frame.iloc[2, 1] = np.nan
    frame.to_csv(path, sep="\t", index_label="gene")
    mask = as_course(read(path)).mask
    assert not mask[2, 1]
    assert mask.sum() == 19


def test_a_table_of_samples(tmp_path):
    header = [f"GSM{i}" for i in range(12)]
    frame, path = _bulk(tmp_path, "expr.csv", header=header)
    samples = pd.DataFrame({"Group": list("KM") * 6, "Timepoint": np.repeat([0, 3, 6], 4), "Replicate": 1}, header)
    samples["Replicate"] = [1, 1, 2, 2] * 3
    samples.sample(frac=1, random_state=0).to_csv(tmp_path / "samples.csv")
    course = as_course(read(path, samples=tmp_path / "samples.csv"), condition="Group")
    assert (list(course.tracks), course.n_bins, course.grid.tolist()) == (["K", "M"], 12, [0, 3, 6])
    first = course.totals[:, (course.track == 0) & (course.times == 3) & (course.replicate == 1)]
    assert np.array_equal(first[:, 0], frame["GSM6"])
    frame.T.to_csv(tmp_path / "turned.csv")
    turned = as_course(read(tmp_path / "turned.csv", samples=tmp_path / "samples.csv"), condition="Group")
    assert np.array_equal(turned.totals, course.totals)


def test_many_samples_of_a_time_are_cells(tmp_path):
    header = [f"c{i}" for i in range(60)]
    _, path = _bulk(tmp_path, "expr.csv", header=header)
    pd.DataFrame({"obstime": np.repeat([0, 1, 4], 20)}, header).to_csv(tmp_path / "cells.csv")
    adata = read(path, samples=tmp_path / "cells.csv")
    assert adata.uns["temporal_input"]["kind"] == "cells"
    assert as_course(adata).n_bins == 3
    assert as_course(read(path, samples=tmp_path / "cells.csv", bulk=True)).n_bins == 60


def test_triplets_of_peaks(world, tmp_path):
    peaks = world.accessibility[:40]
    coo = peaks.X.tocoo()
    table = pd.DataFrame(
        {"Peak": peaks.var_names[coo.col], "Cell": peaks.obs_names[coo.row], "Count": coo.data.astype(int)}
    )
    table.to_csv(tmp_path / "peaks.csv", index=False)
    pd.DataFrame({"timepoint": ["T0", "T1"] * 20}, peaks.obs_names).to_csv(tmp_path / "cells.csv")
    world.genes.to_csv(tmp_path / "genes.csv")
    given = {"samples": tmp_path / "cells.csv", "times": {"T0": 0, "T1": "24h"}}
    with pytest.raises(rl.InputError, match="--genes FILE"):
        read(tmp_path / "peaks.csv", **given)
    adata = read(tmp_path / "peaks.csv", genes=tmp_path / "genes.csv", **given)
    assert set(adata.obs["time"]) == {0, 24}
    promoter = peaks.var_names[(peaks.var["kind"] == "promoter") & (peaks.var["gene"] == "IRF1")][0]
    assert (adata[:, "IRF1"].X.toarray().ravel() >= peaks[:, promoter].X.toarray().ravel()).all()


@pytest.mark.parametrize(
    ("text", "options", "error", "says"),
    [
        ("a,b,c\nx,1,2\n", {}, rl.InputError, "no time among them"),
        ("gene,0h,Adult\nx,1,2\n", {}, rl.InputError, r"\['Adult'\] name no time"),
        ("gene,0h,4h\nx,1,high\n", {}, rl.InputError, "'4h' holds 'high' in line 2"),
        ("gene,0h,4h\nx,1,2\n", {"times": ["0", "1", "2"]}, rl.InputError, "3 times were given"),
        ("Time_numeric,IRF1,CXCL9\n0,1,2\n3,low,2\n3,1,2\n", {}, rl.InputError, "'IRF1' holds 'low' in line 3"),
        ("Time_numeric,IRF1,CXCL9\n0,1,2\n3,,2\n", {}, rl.InputError, "'IRF1' lacks 1 values"),
        ("Time_numeric,CellType\n0,a\n3,b\n", {}, rl.InputError, "none left for genes"),
        ("Time_numeric,IRF1\nT1,1\nT2,2\n", {}, rl.InputError, "--times T1=24h"),
        ("Time_numeric,IRF1\n0,1\n3,2\n", {"time": "day"}, rl.MissingKeyError, "no column 'day'"),
        ("Time_numeric,IRF1\n0,1\n3,2\n", {"metadata": ["sex"]}, rl.MissingKeyError, "no column 'sex'"),
        ("gene,0h\n", {}, rl.InputError, "0 rows"),
    ],
)
def test_bad_tables(text, options, error, says, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(error, match=says):
        read(tmp_path / "t.csv", **options)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_what_is_read_survives_files(world, tmp_path, suffix):
    import anndata

    adata = read(_original(world, tmp_path / "cells.csv"))
    path = tmp_path / f"back.{suffix}"
    getattr(adata, f"write_{suffix}")(path)
    back = getattr(anndata, f"read_{suffix}")(path)
    first, second = (as_course(one, groupby="CellType") for one in (adata, back))
    assert np.array_equal(first.totals, second.totals)
    assert first.notes == second.notes
