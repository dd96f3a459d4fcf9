"""The simulated time course is what it says: modules, timing, motifs, chromatin, designs and bytes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.datasets import _time_profiles

DESIGNS = list(_time_profiles.DESIGNS)


@pytest.fixture(scope="module")
def world():
    return rl.datasets.time_course(n_cells=60, n_genes=200, n_database_genes=600, n_random_motifs=20, rng=1)


def _bulk(world, times):
    """Return expression relative to that of static genes."""
    cells = world.adata.to_df()[world.adata.obs["time"].isin(times).to_numpy()].sum() + 0.5
    return cells / cells[world.truth["module"] == "static"].sum()


@pytest.mark.parametrize("design", DESIGNS)
def test_designs(design):
    made = rl.datasets.time_course(design, 6, 60, n_database_genes=100, n_random_motifs=5)
    plan = _time_profiles.DESIGNS[design]
    obs = made.adata.obs
    assert sorted(obs["time"].unique()) == list(plan.times)
    assert obs.groupby(["cell_type", "condition"], observed=True).ngroups == len(plan.tracks)
    assert made.curves.shape == (60, len(plan.times) * len(plan.tracks))
    assert obs["replicate"].nunique() == 2
    counts = made.adata.X.data
    assert counts.min() >= 1
    assert np.array_equal(counts, np.round(counts))


def test_same_seed_same_bytes(world):
    again = rl.datasets.time_course(n_cells=60, n_genes=200, n_database_genes=600, n_random_motifs=20, seed=1)
    other = rl.datasets.time_course(n_cells=60, n_genes=200, n_database_genes=600, n_random_motifs=20, rng=2)
    assert again.adata.X.data.tobytes() == world.adata.X.data.tobytes()
    assert again.accessibility.X.data.tobytes() == world.accessibility.X.data.tobytes()
    pd.testing.assert_frame_equal(again.rankings, world.rankings)
    assert other.adata.X.nnz != world.adata.X.nnz


def test_modules_move_as_they_say(world):
    """Measured in the counts, not in the truth."""
    module = world.truth["module"]
    change = {hour: np.log2(_bulk(world, [hour]) / _bulk(world, [0])).groupby(module).median() for hour in (3, 24)}
    assert change[3]["early"] > 1
    assert change[24]["early"] > 1
    assert change[3]["transient"] > 1
    assert abs(change[24]["transient"]) < 0.5
    assert change[3]["late"] < 0.4
    assert change[24]["late"] > 1
    assert change[24]["repressed"] < -1
    assert abs(change[24]["static"]) < 0.5


def test_timing_is_that_of_the_curves(world):
    """Half-times by brute force on one gene of each module."""
    hours = np.linspace(0, 24, 24_001)
    track = _time_profiles.Track()
    for name in ("early", "transient", "late", "repressed"):
        gene = world.truth.index[world.truth["module"] == name][-1]
        one = world.timing[world.timing["gene"] == gene].iloc[0]
        answers = _time_profiles.Answers(
            np.array([name], dtype=object), np.array([1.0]), np.array([world.truth.loc[gene, "amplitude"]])
        )
        size = np.abs(np.expm1(answers.log_fold(hours, track)[0]))
        half = hours[(size >= 0.5 * size.max()).argmax()]
        assert 0.6 * half < one["half_time"] < 1.6 * half  # its own tempo differs
        assert one["onset"] < one["half_time"] <= one["peak"]


def test_a_block_of_new_protein_silences_late_genes():
    made = rl.datasets.time_course("conditions", 6, 80, n_database_genes=100, n_random_motifs=5)
    module = made.truth["module"]
    free, blocked = (made.curves[name] for name in made.curves.columns.unique("track"))
    assert (free.loc[module == "late", 24.0] > 0.5).all()
    assert (blocked.loc[module == "late"] == 0).all(axis=None)
    assert (blocked.loc[module == "transient", 24.0] > free.loc[module == "transient", 24.0] + 0.3).all()


def test_motifs_point_at_what_their_factor_drives(world):
    """The drivers' motifs rank their module first; the decoy's points at early genes and its gene comes late."""
    best = world.rankings < 60
    for tf, module in (("STAT1", "early"), ("IRF1", "late"), ("MAFB", "early")):
        motif = next(name for name in world.rankings.index if name.startswith(f"world__{tf}_1"))
        share = best.loc[motif].reindex(world.truth.index).groupby(world.truth["module"]).mean()
        assert share[module] > 4 * share["static"], tf
    assert world.truth.loc["MAFB", "module"] == "late"
    assert world.truth.loc["IRF1", "module"] == "early"


def test_enhancers_follow_their_gene_from_cell_to_cell(world):
    """Within one hour, linked peaks correlate with their gene and those that follow the hour alone do not."""
    at = (world.adata.obs["time"] == 0).to_numpy()
    loud = world.truth.index[world.truth["level"] > 0.8]
    peaks = world.accessibility.var
    genes, openings = (
        table.div(table.sum(axis=1), axis=0) for table in (world.adata.to_df()[at], world.accessibility.to_df()[at])
    )
    found = {}
    for kind in ("linked", "time_only", "unlinked"):
        chosen = peaks[(peaks["kind"] == kind) & peaks["gene"].isin(loud)]
        found[kind] = np.mean([np.corrcoef(openings[p], genes[g])[0, 1] for p, g in chosen["gene"].items()])
    assert found["linked"] > 0.05
    assert abs(found["time_only"]) < 0.03
    assert abs(found["unlinked"]) < 0.03


def test_permuted_times_leave_nothing_moving():
    made = rl.datasets.time_course(n_cells=60, n_genes=200, n_database_genes=300, n_random_motifs=5, permute_time=True)
    change = np.log2(_bulk(made, [24]) / _bulk(made, [0])).groupby(made.truth["module"]).median()
    assert change.abs().max() < 0.5
    assert made.adata.obs["time"].value_counts().eq(60).all()


def test_depth_falls_where_it_should():
    made = rl.datasets.time_course("varying", 60, 100, n_database_genes=200, n_random_motifs=5)
    static = made.adata[:, (made.truth["module"] == "static").to_numpy()]
    depth = pd.Series(np.asarray(static.X.sum(axis=1)).ravel(), static.obs["time"].to_numpy()).groupby(level=0)
    assert depth.mean()[24] < 0.4 * depth.mean()[0]
    assert depth.size()[24] < 0.6 * depth.size()[0]


def test_files(world, tmp_path):
    import anndata

    paths = world.write(tmp_path / "new")
    back = anndata.read_h5ad(paths["expression"])
    assert (back.X != world.adata.X).nnz == 0
    assert pd.read_csv(paths["truth"], index_col=0, keep_default_na=False)["module"].equals(world.truth["module"])
    with pytest.raises(rl.InputError, match="exists already"):
        world.write(tmp_path / "new", force=False)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"design": "weekly"}, "'uneven'"),
        ({"n_genes": 10}, "n_genes >= 2 n_tfs"),
        ({"n_database_genes": 5}, "at least as many"),
    ],
)
def test_impossible_worlds_are_refused(options, says):
    with pytest.raises(rl.InputError, match=says):
        rl.datasets.time_course(**options)
