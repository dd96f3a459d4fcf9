"""Simulated worlds: what is in them, and that what they state is so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.datasets import SimulatedWorld, world
from reguloom.mechanistic import BooleanNetwork

KNOCKOUT = rl.Perturbation.knockout


@pytest.fixture(scope="module")
def small() -> SimulatedWorld:
    return world("S", 400, rng=2)


def pairs(network: rl.Network) -> set[tuple[str, str]]:
    frame = network.to_frame()
    return set(zip(frame["source"].astype(str), frame["target"].astype(str), strict=True))


def test_slots(small):
    adata = small.adata
    assert adata.shape == (400, 20) and small.accessibility.shape == (400, 40)
    for counts in (adata.X, adata.layers["spliced"], adata.layers["unspliced"], small.accessibility.X):
        assert counts.format == "csr" and (counts.data == np.rint(counts.data)).all()
    assert {"true_spliced", "true_unspliced", "velocity", "velocity_unspliced"} <= set(adata.layers)
    assert list(adata.obsm["protein"].columns) == small.tfs == list(small.activity.columns)
    assert adata.var["is_tf"].sum() == 8
    assert adata.obs["pseudotime"].between(0, 1).all()
    assert len(adata.uns["fates"]) == 2 and adata.uns["fates"]["share"].min() > 0.15
    assert set(adata.obs["cell_type"]) == {"progenitor", "alpha", "beta"}


def test_progenitors_come_first(small):
    time = small.adata.obs.groupby("cell_type", observed=True)["time"].median()
    assert time["progenitor"] < 0.5 * time.drop("progenitor").min()


def test_true_edges_are_those_of_the_rules(small):
    assert pairs(small.network) == pairs(small.model.network.to_network())
    own = {(s, t) for s, t in pairs(small.network) if s != t}
    assert pairs(small.regulons.to_network()) == own
    table = small.model.network.to_network().to_frame().set_index(["source", "target"])["sign"]
    ours = small.network.to_frame().set_index(["source", "target"])["sign"]
    pd.testing.assert_series_equal(ours.sort_index(), table.sort_index(), check_index_type=False, check_dtype=False)


@pytest.mark.parametrize(("precision", "recall"), [(0.4, 0.8), (0.9, 0.5), (1.0, 1.0)])
def test_motif_table_has_the_stated_precision_and_recall(precision, recall):
    made = world("S", 20, n_genes=60, n_tfs=12, n_peaks=150, motif_precision=precision, motif_recall=recall)
    sites = set(zip(made.accessibility.uns["sites"]["tf"], made.accessibility.uns["sites"]["peak"], strict=True))
    hits = set(zip(made.motifs["tf"], made.motifs["peak"], strict=True))
    assert len(hits & sites) / len(hits) == pytest.approx(precision, abs=0.01) == made.stated["motif_precision"]
    assert len(hits & sites) / len(sites) == pytest.approx(recall, abs=0.01) == made.stated["motif_recall"]
    base, true = pairs(made.base_network), {(s, t) for s, t in pairs(made.network) if s != t}
    assert len(base & true) / len(base) == pytest.approx(made.stated["base_precision"])
    assert len(base & true) / len(true) == pytest.approx(made.stated["base_recall"])


def test_database_ranks_genes_with_a_motif_first(small):
    annotated = small.annotations[small.annotations["motif_similarity_qvalue"] == 0]
    found = small.motifs[small.motifs["gene"] != ""].groupby("tf")["gene"].agg(set)
    own = annotated[annotated["#motif_id"].str.startswith("world__")].drop_duplicates("gene_name")
    for motif, tf in own[["#motif_id", "gene_name"]].itertuples(index=False):
        if tf in found and motif.split("__")[1].startswith(tf):
            assert small.rankings.loc[motif, sorted(found[tf])].median() < 0.1 * small.rankings.shape[1]


def test_counts_follow_concentrations(small):
    truth, counts = small.adata.layers["true_spliced"], small.adata.X.toarray()
    for gene in np.flatnonzero(counts.mean(axis=0) > 0.5):
        assert np.corrcoef(truth[:, gene], counts[:, gene])[0, 1] > 0.2
    ratio = counts.sum() / (small.adata.layers["true_spliced"] * small.assay.level).sum()
    assert ratio == pytest.approx(small.assay.capture * small.assay.molecules, rel=0.1)


def test_peaks_open_with_their_activators(small):
    sites = small.accessibility.uns["sites"]
    single = sites[~sites["peak"].duplicated(keep=False) & (sites["sign"] > 0)]
    protein, accessible = small.adata.obsm["protein"], small.accessibility.to_df("true_accessibility")
    moving = [(row.tf, row.peak) for row in single.itertuples() if protein[row.tf].std() > 1]
    assert moving
    for tf, peak in moving:
        assert np.corrcoef(protein[tf], accessible[peak])[0, 1] > 0.5


def test_velocity_points_where_cells_go(small):
    forked = small.counterfactual(rl.Perturbation(), duration=0.1)
    ahead = forked.layers["control"] - forked.layers["before"]
    along = (small.adata.layers["velocity"] * ahead).sum(axis=1)
    assert (along > 0).mean() > 0.6, "a step of the noisy path, against the drift alone"
    assert (forked.layers["delta"] == 0).all()


def test_jacobian_and_small_knockdown_agree_in_sign(small):
    jacobian = small.jacobian()
    assert jacobian.shape == (400, len(small.network))
    tf = small.tfs[2]
    forked = small.counterfactual(rl.Perturbation.knockdown(tf, 0.02), duration=2.0)
    targets = [target for source, target in jacobian.columns if source == tf and target not in small.tfs]
    assert targets
    for target in targets:
        # one cell's noise, which depends on its rates, can hide its drift; the mean over cells can not
        slope, delta = jacobian[(tf, target)], forked[:, target].layers["delta"]
        assert np.sign(delta.mean()) == -np.sign(slope.mean())
        strong = slope.abs().to_numpy() > slope.abs().max() / 3
        assert (np.sign(delta.ravel()[strong]) == -np.sign(slope[strong])).mean() > 0.85


def test_interventions_as_populations_and_as_pairs(small):
    left, right = small.tfs[2], small.tfs[3]
    double = KNOCKOUT(left) | KNOCKOUT(right)
    screen = small.perturb([KNOCKOUT(left), rl.Perturbation.overexpress(left), double], n_cells=120, sampling="end")
    assert screen.n_obs == 480 and set(screen.layers) == set(small.adata.layers)
    protein = screen.obsm["protein"].groupby(screen.obs["perturbation"], observed=True).mean()
    assert protein.loc[f"{left}=0", left] < 0.1 and protein.loc[f"{left}=0", right] > 10
    assert protein.loc[f"{left}=max", left] > 10 > protein.loc[f"{left}=max", right]
    assert protein.loc[double.label, [left, right]].max() < 0.1
    forked = small.counterfactual(KNOCKOUT(left), small.adata.obs_names[:50], duration=40.0)
    assert forked.n_obs == 50 and (forked[:, left].layers["delta"] <= 1e-6).all()
    late = small.perturb(KNOCKOUT(left), n_cells=50, onset=1e4)
    assert late.obsm["protein"][left].groupby(late.obs["perturbation"], observed=True).mean().min() > 1


def test_same_seed_same_bytes(small):
    again, other = world("S", 400, rng=2, n_jobs=1), world("S", 400, seed=3)
    assert (again.adata.X != small.adata.X).nnz == 0 and (again.accessibility.X != small.accessibility.X).nnz == 0
    assert again.adata.layers["true_spliced"].tobytes() == small.adata.layers["true_spliced"].tobytes()
    pd.testing.assert_frame_equal(again.rankings, small.rankings)
    pd.testing.assert_frame_equal(again.motifs, small.motifs)
    assert (other.adata.X != small.adata.X).nnz > 0


def test_from_a_given_network(tmp_path):
    rules = {"P": "1", "A": "P and not B", "B": "P and not A"}
    network = BooleanNetwork.from_rules(rules)
    exact = world(network, 60, initial={"P": 2.0})
    assert list(exact.adata.var_names) == ["P", "A", "B"]
    path = tmp_path / "fork.bnet"
    rl.mechanistic.write(network, path)
    larger = world(path, 60, n_genes=12, initial={"P": 2.0})
    assert larger.adata.n_vars == 12 and set(larger.tfs) == {"P", "A", "B"}
    assert world(network.to_network(), 20, initial={"P": 2.0}).adata.n_vars == 3


def test_written_worlds_are_read_again(small, tmp_path):
    paths = small.write(tmp_path)
    again = rl.io.read(paths["expression"])
    assert (again.X != small.adata.X).nnz == 0
    pd.testing.assert_frame_equal(again.obsm["protein"], small.adata.obsm["protein"], check_index_type=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wiring": "XL"}, "accepted are S, M, L"),
        ({"n_genes": 5}, "do not fit"),
        ({"motif_precision": 0.0}, "precision"),
        ({"form": "mrna"}, "'spliced'"),
        ({"n_database_genes": 3}, "at least as many"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(rl.InputError, match=message):
        world(**{"n_cells": 10, **options})
