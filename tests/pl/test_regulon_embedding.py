from __future__ import annotations

import numpy as np
import pytest

import reguloom as rl
from reguloom import pl


def points(panel):
    return panel.collections[0]


def test_one_panel_per_regulon_in_order_after_the_groups(adata):
    figure = pl.regulon_embedding(adata, ["Tf03(+)", "Tf01"], groupby="kind")
    assert [ax.get_title() for ax in figure.axes if ax.get_title()][:3] == ["kind", "Tf03(+)", "Tf01(+)"]


def test_most_active_cells_are_on_top_and_extremes_are_clipped(adata):
    adata.obsm["aucell"].iloc[7, 3] = 50.0
    panel = pl.regulon_embedding(adata, "Tf03", quantile=0.9).axes[0]
    drawn = points(panel).get_array()
    assert (np.diff(drawn) >= 0).all()
    top = np.quantile(adata.obsm["aucell"]["Tf03(+)"], 0.9)
    assert drawn[-1] == pytest.approx(top) and points(panel).get_clim() == pytest.approx((0, top))
    last = points(panel).get_offsets()[-1]
    assert np.allclose(last, adata.obsm["X_umap"][7])


def test_default_choice_stands_out_in_each_group(adata):
    figure = pl.regulon_embedding(adata, groupby="kind")
    titles = [ax.get_title() for ax in figure.axes if ax.get_title().startswith("Tf")]
    assert len(titles) == 8 and {int(t[2:4]) % 3 for t in titles[:3]} == {0, 1, 2}


def test_without_groups_the_most_variable_come_first(adata):
    adata.obsm["aucell"]["Tf05(+)"] *= 10
    assert pl.regulon_embedding(adata).axes[0].get_title() == "Tf05(+)"


def test_group_names_stand_at_their_cells(adata):
    panel = pl.regulon_embedding(adata, "Tf01", groupby="kind").axes[0]
    text = next(t for t in panel.texts if t.get_text() == "NK")
    middle = np.median(adata.obsm["X_umap"][(adata.obs["kind"] == "NK").to_numpy()], axis=0)
    assert np.allclose(text.get_position(), middle)


def test_many_groups_go_to_a_legend(adata):
    adata.obs["fine"] = [f"group {i % 20}" for i in range(90)]
    figure = pl.regulon_embedding(adata, "Tf01", groupby="fine")
    assert [t.get_text() for t in figure.legends[0].texts] == sorted({f"group {i}" for i in range(20)})


def test_missing_values_and_constant_regulons(adata):
    adata.obsm["aucell"]["Tf00(+)"] = np.nan
    adata.obsm["aucell"]["Tf01(+)"] = 0.0
    figure = pl.regulon_embedding(adata, ["Tf00", "Tf01"])
    figure.canvas.draw()


def test_basis_without_prefix_and_given_axes(adata):
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert pl.regulon_embedding(adata, "Tf01", basis="umap", ax=ax) is ax.figure
    assert len(ax.collections) == 1
    with pytest.raises(rl.InputError, match="one panel"):
        pl.regulon_embedding(adata, ["Tf01", "Tf02"], ax=ax)


def test_what_is_missing_is_named_with_what_is_close(adata):
    with pytest.raises(rl.MissingKeyError, match=r"no regulon 'tf01\(\+\)'.*Tf01\(\+\)"):
        pl.regulon_embedding(adata, "tf01(+)")
    with pytest.raises(rl.MissingKeyError, match="X_umap"):
        pl.regulon_embedding(adata, basis="X_tsne")
    with pytest.raises(rl.MissingKeyError, match="it has aucell"):
        pl.regulon_embedding(adata, key="aucel")
    with pytest.raises(rl.MissingKeyError, match="kind"):
        pl.regulon_embedding(adata, groupby="kinds")
    with pytest.raises(rl.InputError, match="quantile"):
        pl.regulon_embedding(adata, quantile=99)
