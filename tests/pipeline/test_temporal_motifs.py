"""Motifs of temporal modules in one call: drivers lead, permuted labels do not, onsets are held against modules."""

from __future__ import annotations

import pandas as pd
import pytest

import reguloom as rl
from reguloom.datasets.time_course import DRIVERS

NAMES = {"transient": "C1", "early": "C2", "repressed": "C3", "late": "C4"}


@pytest.fixture(scope="module")
def world():
    return rl.datasets.time_course(n_cells=80, n_database_genes=1500, n_random_motifs=80, rng=4)


@pytest.fixture(scope="module")
def modules(world):
    return world.truth["module"].map(lambda name: NAMES.get(name, name))


pytestmark = pytest.mark.filterwarnings("ignore::reguloom.ValidityWarning")  # a hundred genes are few


@pytest.fixture(scope="module")
def found(world, modules):
    timing = rl.temporal.timing(world.adata, time="time", n_draws=20)
    return rl.pipeline.temporal_motifs(
        modules, world.rankings, world.annotations, timing=timing, n_permutations=30, rng=0
    )


def test_drivers_lead(found):
    best = found.factors.drop_duplicates("module").set_index("module")
    for tf, module in DRIVERS.items():
        rows = found.factors[(found.factors["module"] == NAMES[module]) & (found.factors["factor"] == tf)]
        assert len(rows) == 1, tf
        assert rows["nes"].iloc[0] == best.loc[NAMES[module], "nes"]
        assert rows["p_permuted"].iloc[0] == pytest.approx(1 / 31)


def test_onsets(found):
    verdict = found.factors.set_index(["module", "factor"])["verdict"]
    assert verdict["C4", "IRF1"] == "before"
    assert verdict["C2", "STAT1"] in ("before", "not after", "unresolved")
    if ("C2", "MAFB") in verdict.index:
        assert verdict["C2", "MAFB"] == "after"


def test_the_contrast_takes_first_and_last(found, world, modules):
    assert found.contrasted == ("C1", "C4")
    assert found.contrast["factors"].iloc[0].split(";")[0] in ("FOS", "IRF1")
    other = rl.pipeline.temporal_motifs(
        modules, world.rankings, world.annotations, contrast=("C2", "C4"), n_permutations=0
    )
    leading = other.contrast.head(3)["motif"].str.extract("world__(.*)_", expand=False)
    assert set(leading) <= {"STAT1", "IRF1"}
    assert "p_permuted" not in other.motifs
    with pytest.raises(rl.InputError, match="takes two of the modules C1, C2, C3, C4"):
        rl.pipeline.temporal_motifs(modules, world.rankings, world.annotations, contrast=("C2", "C9"))


def test_files_seeds_and_threads_give_the_same(found, world, modules, tmp_path):
    paths = world.write(tmp_path)
    again = rl.pipeline.temporal_motifs(
        modules, paths["rankings"], paths["annotations"], n_permutations=30, rng=0, n_jobs=2
    )
    columns = ["module", "motif", "nes", "p_permuted"]
    pd.testing.assert_frame_equal(again.motifs[columns], found.motifs[columns])


def test_genes_that_no_database_has_are_told(world, modules):
    some = world.rankings.drop(columns=list(modules.index[modules == "C1"][:20]))
    part = rl.pipeline.temporal_motifs(modules, some, world.annotations, n_permutations=0)
    assert "20 of" in part.notes[0]
    few = modules[modules == "C1"].head(30)
    small = rl.pipeline.temporal_motifs(few, world.rankings, world.annotations, n_permutations=0)
    assert any("too small to conclude" in note for note in small.notes)
    assert small.contrasted is None
    with pytest.raises(rl.EmptyResultError, match="no module has 10 genes"):
        rl.pipeline.temporal_motifs(few.head(5), world.rankings, world.annotations)
