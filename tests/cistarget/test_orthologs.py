from __future__ import annotations

import pandas as pd
import pytest

from reguloom import io
from reguloom._errors import InputError
from reguloom.cistarget.orthologs import annotations_by_orthology, write_annotations


@pytest.fixture
def orthologs():
    rows = [("G000", "gata1a", 80), ("G000", "gata1b", 50), ("G001", "spi1", 90), ("nobody", "x", 100)]
    return pd.DataFrame(rows, columns=["source", "target", "identity"])


def test_annotations_are_carried_over_and_survive_the_file(world, orthologs, tmp_path):
    carried = annotations_by_orthology(world.annotations, orthologs, species="mouse")
    assert set(carried["TF"]) == {"gata1a", "gata1b", "spi1"}
    mine = carried[carried["TF"] == "gata1b"].set_index("MotifID")
    source = world.annotations[world.annotations["TF"] == "G000"].set_index("MotifID")
    assert (mine["OrthologousIdentity"] == source["OrthologousIdentity"] * 0.5).all()
    assert "by orthology to G000 of mouse" in mine["Annotation"].iloc[0]
    write_annotations(carried, tmp_path / "fish.tbl", species="mouse")
    back = io.read_motif_annotations(tmp_path / "fish.tbl")
    pd.testing.assert_frame_equal(back, carried[list(back.columns)], check_dtype=False)


def test_tables_that_do_not_fit(world, orthologs):
    with pytest.raises(InputError, match="lacks the columns"):
        annotations_by_orthology(world.annotations, orthologs.rename(columns={"target": "to"}))
    with pytest.raises(InputError, match="annotated factors"):
        annotations_by_orthology(world.annotations, orthologs.assign(source="nobody"))
