"""A factor that comes after its module is told from one that comes before, and from one that does not move."""

from __future__ import annotations

import pandas as pd
import pytest

import reguloom as rl
from reguloom.temporal.precedence import precedence
from reguloom.temporal.timing import timing as times_of


@pytest.fixture
def timing():
    rows = {
        "a": (1.0, 0.5, 1.5), "b": (1.2, 0.6, 2.0), "late1": (8.0, 6.0, 12.0), "late2": (9.0, 7.0, 12.0),
        "first": (0.2, 0.0, 0.4), "second": (0.9, 0.0, 3.0), "third": (1.4, 0.5, 3.0), "tardy": (7.0, 6.0, 12.0),
        "flat": (3.0, 0.0, 24.0),
    }  # fmt: skip
    table = pd.DataFrame(rows, index=["onset", "onset_low", "onset_high"]).T.rename_axis("gene").reset_index()
    return table.assign(track="all")


@pytest.fixture
def modules(timing):
    return pd.Series({"a": "C1", "b": "C1", "late1": "C2", "late2": "C2", "first": "C1", "second": "C1", "third": "C1",
                      "tardy": "C2", "flat": "static"})  # fmt: skip


def test_verdicts(timing, modules):
    factors = {"C1": ["first", "second", "third", "tardy", "flat", "unseen"], "C2": ["first"], "static": ["first"]}
    found = precedence(timing, modules, factors).set_index(["module", "factor"])
    assert found["verdict"].to_dict() == {
        ("C1", "first"): "before",
        ("C1", "second"): "not after",
        ("C1", "third"): "unresolved",
        ("C1", "tardy"): "after",
        ("C1", "flat"): "does not move",
        ("C1", "unseen"): "not measured",
        ("C2", "first"): "before",
    }
    assert found.loc[("C2", "first"), "lead"] == pytest.approx(8.0 - 0.2)
    assert found.loc[("C1", "flat"), "tf_onset"] != found.loc[("C1", "flat"), "tf_onset"]


def test_what_is_dynamic_may_be_given(timing, modules):
    found = precedence(timing, modules, {"C1": ["flat"]}, dynamic=pd.Series({"flat": True}))
    assert found["verdict"].tolist() == ["unresolved"]


def test_the_world_s_cascade():
    """IRF1 is early and may drive late genes; MAFB is late and may not drive early ones."""
    world = rl.datasets.time_course(n_cells=120, n_genes=120, n_database_genes=200, n_random_motifs=5)
    table = times_of(world.adata, time="time", n_draws=20)
    found = precedence(table, world.truth["module"], {"late": ["IRF1", "TF08"], "early": ["MAFB"]})
    assert found["verdict"].tolist() == ["before", "does not move", "after"]


def test_bad_tables(timing, modules):
    with pytest.raises(rl.InputError, match="no column 'onset'"):
        precedence(timing.drop(columns="onset"), modules, {})
    with pytest.raises(rl.InputError, match="no track 'x'"):
        precedence(timing, modules, {}, track="x")
    assert precedence(timing, modules, {"C9": ["a"]}).empty
