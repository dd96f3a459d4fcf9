"""Links find enhancers that follow their gene, not those that follow the hour, and their null is a null."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.temporal.links import links
from reguloom.temporal.links_metacells import make_metacells, unit


@pytest.fixture(scope="module")
def world():
    return rl.datasets.time_course(n_cells=220, n_genes=240, n_database_genes=300, n_random_motifs=5, rng=3)


@pytest.fixture(scope="module")
def found(world):
    table = links(world.adata, world.accessibility, world.genes, n_metacells=300, n_neighbors=60)
    about = world.accessibility.var.loc[table["peak"]]
    own = about["gene"].to_numpy() == table["gene"].to_numpy()
    return table.assign(kind=np.where(own, about["kind"].astype(str), "other"))


def test_linked_peaks_are_found(found):
    share = found.assign(hit=found["q"] < 0.05).groupby("kind")["hit"].mean()
    assert share["linked"] > 0.12  # half of the genes have no state that cells differ in
    assert share[["time_only", "unlinked", "other"]].max() < 0.02
    called = found[found["q"] < 0.05]
    assert called["kind"].isin(["linked", "promoter"]).mean() > 0.75


def test_time_is_taken_out(found):
    """Enhancers that follow the hour alone correlate strongly, unless what a time has in common is taken out."""
    by_hour = found[found["kind"] == "time_only"]
    assert by_hour["r_with_time"].abs().mean() > 0.4
    assert by_hour["r"].abs().mean() < 0.15


def test_the_null_is_a_null(found):
    p = found.loc[found["kind"].isin(["time_only", "unlinked"]), "p"]
    assert 0.02 < (p < 0.05).mean() < 0.08
    assert 0.42 < p.mean() < 0.6


def test_the_table(found, world):
    assert found["distance"].abs().max() <= 250_000
    assert found["strong"].equals(found["r"].abs() > 0.2)
    assert found["r"].abs().min() < 0.01  # weak pairs are not hidden
    near = found[found["kind"] == "promoter"]
    assert near["distance"].abs().max() <= 250
    assert set(found.attrs) == {"n_cells", "n_metacells", "n_linked", "notes"}


def test_same_seed_same_bytes_on_any_number_of_threads(world):
    some = list(world.adata.var_names[:12])
    options = {"only": some, "n_metacells": 100, "n_neighbors": 40}
    first, second = (links(world.adata, world.accessibility, world.genes, n_jobs=n, **options) for n in (1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert set(first["gene"]) <= set(some)


def test_correlation_by_hand(world):
    """One pair, from the counts."""
    stratum = world.adata.obs["time"].astype("category").cat.codes.to_numpy(np.int64)
    meta = make_metacells(world.adata.X, stratum, n_metacells=60, n_neighbors=40, max_overlap=0.8, root=0)
    values = []
    for matrix, column in ((world.adata.X, 7), (world.accessibility.X, 30)):
        sums = meta.member.toarray() @ matrix.toarray()
        total = sums.sum(axis=1)
        values.append(np.log1p(sums[:, column] / total * np.median(total)))
    frame = pd.DataFrame({"a": values[0], "b": values[1], "s": meta.stratum})
    within = frame[["a", "b"]] - frame.groupby("s")[["a", "b"]].transform("mean")
    mine, other = meta.residuals(world.adata.X)[0][:, 7], meta.residuals(world.accessibility.X)[0][:, 30]
    assert mine @ other == pytest.approx(np.corrcoef(within["a"], within["b"])[0, 1], abs=1e-9)


def test_metacells_share_few_cells_and_stay_within_their_time(world):
    stratum = world.adata.obs["time"].astype("category").cat.codes.to_numpy(np.int64)
    meta = make_metacells(world.adata.X, stratum, n_metacells=200, n_neighbors=30, max_overlap=0.5, root=0)
    member = meta.member.toarray()
    assert (member.sum(axis=1) == 30).all()
    shared = member @ member.T - np.diag(member.sum(axis=1))
    assert shared.max() <= 15
    for row, own in zip(member, meta.stratum, strict=True):
        assert (stratum[row > 0] == own).all()


def test_peaks_of_a_genes_own_activity_are_left_out(world):
    activity = rl.temporal.gene_activity(world.accessibility, world.genes)
    some = list(activity.var_names[:30])
    table = links(activity, world.accessibility, world.genes, only=some, n_metacells=120, n_neighbors=40)
    pairs = set(map(tuple, activity.uns["gene_peaks"].to_numpy().tolist()))
    assert not pairs & set(zip(table["gene"], table["peak"], strict=True))
    assert any("left out" in note for note in table.attrs["notes"])


def test_small_data_are_called_small(world):
    few = world.adata.obs.groupby("time").head(30).index
    with pytest.warns(rl.ValidityWarning, match="too small to conclude"):
        table = links(world.adata[few], world.accessibility, world.genes, only=["IRF1", "Gene050"])
    assert "too small" in table.attrs["notes"][0]


def test_one_chromosome_still_has_a_null(world):
    chrom = world.accessibility.var["chrom"] == "chr1"
    one = world.accessibility[:, chrom.to_numpy()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = links(world.adata, one, world.genes, n_metacells=60, n_neighbors=40)
    assert any("one chromosome" in note for note in table.attrs["notes"])
    assert table["p"].notna().any()


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda w: (w.adata[:, :].copy(), _renamed(w.accessibility)), rl.InputError, "of the same cells"),
        (lambda w: (w.adata[:4], w.accessibility), rl.InputError, "4 of 4 cells"),
    ],
)
def test_what_does_not_fit_is_refused(world, change, error, says):
    rna, atac = change(world)
    with pytest.raises(error, match=says):
        links(rna, atac, world.genes)
    with pytest.raises(rl.MissingKeyError, match="'day'"):
        links(world.adata, world.accessibility, world.genes, time="day")
    with pytest.raises(rl.EmptyResultError, match="no peak lies within"):
        links(world.adata, world.accessibility, world.genes, only=["nobody"])


def _renamed(adata):
    other = adata.copy()
    other.obs_names = [f"x{name}" for name in other.obs_names]
    return other


def test_unit_columns():
    made = unit(np.array([[3.0, 0.0], [4.0, 0.0]]))
    assert made[:, 0].tolist() == [0.6, 0.8]
    assert made[:, 1].tolist() == [0.0, 0.0]
