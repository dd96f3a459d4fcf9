"""Filtering of fitted edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reguloom._errors import EmptyResultError, MissingKeyError
from reguloom.core import Network
from reguloom.oracle import filter_links


def test_the_strongest_of_each_group_are_kept(model) -> None:
    kept = filter_links(model.links, p=None, n_edges=10).to_frame()
    assert kept.groupby("group", observed=True).size().tolist() == [10, 10, 10]
    for _, rows in model.links.to_frame().groupby("group", observed=True):
        best = rows.nlargest(10, "coef_abs")[["source", "target", "group"]].astype(str)
        assert set(map(tuple, best.to_numpy())) <= set(
            map(tuple, kept[["source", "target", "group"]].astype(str).to_numpy())
        )


def test_sources_targets_and_p(model) -> None:
    kept = filter_links(model.links, p=0.05, sources=["Tf0"], targets=["Gene00", "Gene06"]).to_frame()
    assert set(kept["source"]) == {"Tf0"}
    assert set(kept["target"]) <= {"Gene00", "Gene06"}
    assert (kept["p"] <= 0.05).all()


def test_what_cannot_be_filtered_is_refused(model, world) -> None:
    with pytest.raises(MissingKeyError, match="group"):
        filter_links(world[1])
    with pytest.raises(EmptyResultError, match="no edge"):
        filter_links(model.links, p=-1.0)


def test_the_originals_filter(golden: Path) -> None:
    links = Network.from_frame(pd.read_parquet(golden / "links_bagging20_alpha10.parquet"))
    theirs = pd.read_parquet(golden / "links_filtered.parquet")
    ours = filter_links(links, p=0.001, n_edges=600).to_frame()
    keys = [set(map(tuple, one.astype(str).to_numpy())) for one in
            (ours[["source", "target", "group"]], theirs[["source", "target", "cluster"]])]  # fmt: skip
    assert keys[0] == keys[1]
    assert np.isclose(ours["coef_abs"].min(), theirs["coef_abs"].min())
