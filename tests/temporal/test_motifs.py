"""Motifs of modules: the background decides, the contrast tells early from late, permuted labels find nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import reguloom as rl
from reguloom.datasets.time_course import DRIVERS
from reguloom.temporal.motifs import gene_sets, motif_contrast, permuted_sets, rankings_within

NAMES = {"transient": "C1", "early": "C2", "repressed": "C3", "late": "C4"}


@pytest.fixture(scope="module")
def world():
    return rl.datasets.time_course(n_cells=4, n_database_genes=2000, rng=2)


@pytest.fixture(scope="module")
def modules(world):
    return world.truth["module"].map(lambda name: NAMES.get(name, name))


def _enrich(sets, ranks, world, **options):
    depth = {"rank_threshold": ranks.shape[1] - 1, "auc_threshold": 0.2, "nes_threshold": 2.0, **options}
    return rl.cistarget.enrich(sets, ranks, world.annotations, filter_for_annotation=False, **depth)


def test_sets(modules):
    made = gene_sets(pd.concat([modules, pd.Series({"a": "C10", "b": "unassigned"})]), min_genes=1)
    assert list(made) == ["C1", "C2", "C3", "C4", "C10"]
    assert made["C4"] == modules.index[modules == "C4"].tolist()
    assert list(gene_sets(modules, min_genes=47)) == [n for n in NAMES.values() if (modules == n).sum() >= 47]


def test_ranks_within_a_background(world, modules):
    genes = modules.index[modules != "static"]
    made = rankings_within(world.rankings, genes)
    assert made.shape == (len(world.rankings), len(genes))
    motif = world.rankings.index[3]
    assert made.loc[motif].sort_values().index.tolist() == world.rankings.loc[motif, genes].sort_values().index.tolist()
    assert sorted(made.loc[motif]) == list(range(len(genes)))


def test_a_file_gives_the_same(world, tmp_path):
    paths = world.write(tmp_path)
    genes = list(world.truth.index[:150])
    from_file = rankings_within(paths["rankings"], genes)
    pd.testing.assert_frame_equal(from_file, rankings_within(world.rankings, genes), check_names=False)


def test_the_drivers_lead_among_the_genes_that_move(world, modules):
    sets = gene_sets(modules)
    ranks = rankings_within(world.rankings, modules.index[modules != "static"])
    found = _enrich(sets, ranks, world)
    best = found.sort_values("NES", ascending=False).groupby("TF")["MotifID"].first()
    for tf, module in DRIVERS.items():
        assert best[NAMES[module]].startswith(f"world__{tf}_"), module


def test_permuted_labels_find_nothing_and_the_whole_genome_would(world, modules):
    """Against all genes any set of genes that move has strong motifs; among themselves it has none."""
    sets = gene_sets(modules)
    dealt = permuted_sets(sets, 10, rng=0)
    assert sorted(map(len, dealt.values())) == sorted([len(one) for one in sets.values()] * 10)
    ranks = rankings_within(world.rankings, [gene for members in sets.values() for gene in members])
    within = _enrich(dealt, ranks, world).groupby("TF")["NES"].max()
    whole = _enrich(dealt, world.rankings, world, rank_threshold=1000, auc_threshold=0.05).groupby("TF")["NES"].max()
    assert whole.median() > 4.5
    assert within.median() < 3.5


@pytest.mark.filterwarnings("ignore::reguloom.ValidityWarning")
def test_early_against_late(world, modules):
    sets = gene_sets(modules)
    found = motif_contrast(world.rankings, sets["C2"], sets["C4"], annotations=world.annotations)
    called = found[found["q"] < 0.05]
    names = called["motif"].str.extract("world__(.*)_", expand=False)
    # MAFB's motif does stand at early genes; that MAFB itself comes late is for `precedence` to say
    assert set(names.dropna()) == {"STAT1", "IRF1", "MAFB"}
    assert names.isna().sum() <= 0.1 * len(called)
    assert set(names.iloc[:8]) == {"STAT1", "IRF1"}
    assert (called.loc[names == "STAT1", "auroc"] > 0.7).all()
    assert (called.loc[names == "IRF1", "auroc"] < 0.3).all()
    assert called["factors"].iloc[0] == "STAT1"


@pytest.mark.filterwarnings("ignore::reguloom.ValidityWarning")
def test_a_contrast_of_nothing_finds_nothing(world, modules):
    rng = np.random.default_rng(1)
    both = rng.permutation(modules.index[modules.isin(["C2", "C4"])].to_numpy())
    found = motif_contrast(world.rankings, both[:45], both[45:])
    assert (found["q"] < 0.05).mean() < 0.02
    assert (found["p"] < 0.05).mean() < 0.12  # motifs of one factor are alike


def test_the_contrast_is_mann_whitney(world):
    first, second = list(world.truth.index[:40]), list(world.truth.index[40:100])
    found = motif_contrast(world.rankings, first, second).set_index("motif")
    for motif in world.rankings.index[:5]:
        ranks = world.rankings.loc[motif]
        own = stats.mannwhitneyu(ranks[first], ranks[second], method="asymptotic", use_continuity=False)
        assert found.loc[motif, "auroc"] == pytest.approx(1 - own.statistic / (40 * 60))
        assert found.loc[motif, "p"] == pytest.approx(own.pvalue, rel=1e-6)


def test_what_cannot_be_is_refused(world):
    with pytest.raises(rl.InputError, match="use one species and naming"):
        rankings_within(world.rankings, ["nobody", "noone"])
    with pytest.raises(rl.InputError, match="in both sets"):
        motif_contrast(world.rankings, ["IRF1", "STAT1"], ["IRF1"])
    with pytest.raises(rl.InputError, match="at least 3 of each"), pytest.warns(rl.ValidityWarning, match="too small"):
        motif_contrast(world.rankings, ["IRF1", "STAT1"], ["FOS", "BCL6", "MAFB"])
    with pytest.warns(rl.ValidityWarning, match="too small to conclude"):
        rankings_within(world.rankings, world.truth.index[:30])
