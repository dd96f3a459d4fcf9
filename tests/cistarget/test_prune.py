from __future__ import annotations

import pandas as pd
import pytest

from reguloom._errors import EmptyResultError
from reguloom.cistarget import prune

DEPTH = {"rank_threshold": 150, "top_n_regulators": (), "thresholds": ()}


def test_regulons_carry_support_and_table(world):
    regulons = prune(world.network, rankings=world.ranks, annotations=world.annotations, **DEPTH)
    assert regulons.names == ["G000(+)", "G001(+)", "G002(+)"]
    assert {"n_motifs", "best_nes", "n_databases", "n_modules"} <= set(regulons.members.columns)
    assert regulons.motif_table is not None and len(regulons.motif_table) >= 3
    assert regulons.provenance.method == "cistarget"
    assert regulons.provenance.to_dict()["params"]["rank_threshold"] == 150


def test_repressors_are_there_when_asked_for(world):
    regulons = prune(
        world.network, rankings=world.ranks, annotations=world.annotations, keep_only_activating=False, **DEPTH
    )
    assert "G003(-)" in regulons
    assert regulons["G003(-)"].sign == -1


def test_a_table_of_edges_is_taken_too(world):
    frame = world.network.to_frame().rename(columns={"source": "TF", "weight": "importance", "sign": "regulation"})
    frame = frame.astype({"TF": str, "target": str})[["TF", "target", "importance", "regulation"]]
    ours = prune(frame, rankings=world.ranks, annotations=world.annotations, **DEPTH)
    theirs = prune(world.network, rankings=world.ranks, annotations=world.annotations, **DEPTH)
    pd.testing.assert_frame_equal(ours.members, theirs.members)


def test_no_module_is_an_empty_result(world):
    with pytest.raises(EmptyResultError, match="500 genes"):
        prune(world.network, rankings=world.ranks, annotations=world.annotations, min_genes=500)


def test_no_motif_gives_no_regulons(world):
    regulons = prune(world.network, rankings=world.ranks, annotations=world.annotations, nes_threshold=99, **DEPTH)
    assert len(regulons) == 0
