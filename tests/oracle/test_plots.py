"""What the plots draw, and that they draw it on any scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.quiver import Quiver

from reguloom import oracle, pl
from reguloom._errors import InputError, MissingKeyError
from reguloom.core import Perturbation


@pytest.fixture(scope="module")
def score(model, field, world):
    return oracle.perturbation_score(
        model.predict(Perturbation.knockout("Tf0")), field, lineages=world[0].obs["state"].astype(str), n_neighbors=40
    )


@pytest.fixture(scope="module")
def table(model, field):
    return oracle.screen(model, field, n_null=5, n_bootstrap=5, n_neighbors=40)


def quivers(figure) -> list[Quiver]:
    return [one for ax in figure.axes for one in ax.collections if isinstance(one, Quiver)]


def test_flow_has_a_panel_for_each_field(score, world) -> None:
    figure = pl.oracle_flow(score, groups=world[0].obs["state"])
    assert [ax.get_title() for ax in figure.axes] == ["groups", "development", "Tf0=0: simulated shift"]
    assert {text.get_text() for text in figure.axes[0].texts} == {"a", "b", "stem"}
    assert len(quivers(figure)) == 2
    assert len(quivers(pl.oracle_flow(score, at="cells"))) == 2
    with pytest.raises(InputError, match="grid, cells"):
        pl.oracle_flow(score, at="points")


@pytest.mark.parametrize("factor", [1e-2, 2e3])
def test_arrows_are_as_long_on_every_scale(score, model, world, factor: float) -> None:
    adata = world[0].copy()
    adata.obsm["X_umap"] = factor * adata.obsm["X_umap"]
    field = oracle.development(adata, pseudotime="time", n_neighbors=40, n_grid=20)
    other = oracle.perturbation_score(model.predict(Perturbation.knockout("Tf0")), field, n_neighbors=40)
    one, two = (quivers(pl.oracle_flow(each))[-1] for each in (score, other))
    assert np.allclose(factor * one.U, two.U, rtol=1e-3, atol=1e-4 * factor)


def test_no_shift_is_said(score, model, field) -> None:
    from dataclasses import replace

    still = replace(score, grid=score.grid.assign(flow_x=0.0, flow_y=0.0))
    assert [text.get_text() for text in pl.oracle_flow(still).axes[-1].texts] == ["no shift"]


def test_the_score_map_is_symmetric_about_zero(score) -> None:
    figure = pl.perturbation_score(score, lineage="a")
    tiles = next(one for one in figure.axes[0].collections if isinstance(one, PolyCollection))
    assert tiles.get_clim()[0] == -tiles.get_clim()[1] < 0
    assert len(tiles.get_array()) == score.grid["kept"].sum()
    assert "a" in figure.axes[1].get_title()
    with pytest.raises(MissingKeyError, match="no lineage 'c'"):
        pl.perturbation_score(score, lineage="c")


def test_ranking_volcano_and_heatmap(table) -> None:
    ranking = pl.tf_ranking(table, lineage="a", n=5)
    assert len(ranking.axes[0].get_yticklabels()) == 5
    assert "a" in ranking.axes[0].get_title()
    assert "of 6 with q < 0.05" in pl.tf_volcano(table).axes[0].get_title()
    heat = pl.tf_heatmap(table).axes[0]
    assert [text.get_text() for text in heat.get_xticklabels()] == ["all", "a", "b", "stem"]
    assert heat.images[0].get_clim()[0] == -heat.images[0].get_clim()[1]
    with pytest.raises(InputError, match=r"oracle\.screen"):
        pl.tf_ranking(table.drop(columns="net"))
    with pytest.raises(InputError, match="rewired"):
        pl.tf_volcano(table.drop(columns="p"))
    with pytest.raises(MissingKeyError, match="no lineage"):
        pl.tf_ranking(table, lineage="c")


def test_dose_and_development(model, field, tmp_path: Path) -> None:
    figure = pl.dose_curve(oracle.dose_response(model, field, "Tf0", n_doses=3))
    assert figure.axes[0].get_xlabel() == "level of Tf0"
    with pytest.raises(InputError, match="dose_response"):
        pl.dose_curve(pd.DataFrame({"gene": ["a"]}))
    made = pl.development(field)
    made.savefig(tmp_path / "a.png")
    made.savefig(tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
