from __future__ import annotations

import numpy as np
import pytest

from reguloom._errors import InputError, MissingKeyError
from reguloom.cistarget import enrich, recovery


def test_curves_of_the_most_enriched_motifs(world):
    module = world.modules[0]
    found = recovery(module, world.ranks, n_motifs=2, rank_threshold=150)
    table = enrich([module], world.ranks, filter_for_annotation=False, rank_threshold=150, nes_threshold=-99)
    best = table.sort_values("NES", ascending=False).head(2)
    assert found.motifs == best["MotifID"].tolist()
    np.testing.assert_allclose(found.nes, best["NES"])
    assert found.rank_at_max.tolist() == best["RankAtMax"].tolist()
    for curve, rank, targets in zip(found.curves, found.rank_at_max, found.targets, strict=True):
        assert curve[rank] == len(targets)
        above = curve - found.mean - 2 * found.sd
        assert above[rank] == pytest.approx(above.max())
    assert list(found.to_frame().columns) == ["mean", "sd", *found.motifs]


def test_motifs_by_name(world):
    found = recovery({"set": world.planted["G001"]}, world.ranks, motifs=["m10", "m00"], rank_threshold=150)
    assert found.motifs == ["m10", "m00"]
    assert found.nes[0] > 3 > found.nes[1]


def test_what_is_refused(world):
    with pytest.raises(MissingKeyError, match="nope"):
        recovery({"set": world.planted["G001"]}, world.ranks, motifs=["nope"], rank_threshold=150)
    with pytest.raises(InputError, match="one gene set"):
        recovery(world.modules, world.ranks, rank_threshold=150)
    with pytest.raises(InputError, match="none of the 1 genes"):
        recovery({"set": ["nope"]}, world.ranks, rank_threshold=150)
