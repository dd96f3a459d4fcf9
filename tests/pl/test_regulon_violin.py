from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PathCollection

import reguloom as rl
from reguloom import pl


def medians(ax):
    dots = [one.get_offsets()[0].tolist() for one in ax.collections if isinstance(one, PathCollection)]
    return dict(dots)


def test_a_violin_per_group_with_its_median(adata):
    figure = pl.regulon_violin(adata, ["Tf01", "Tf02"], groupby="kind")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["Tf01(+)", "Tf02(+)"]
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["B", "NK", "T"]
    expected = adata.obsm["aucell"]["Tf01(+)"].groupby(adata.obs["kind"], observed=True).median()
    found = medians(figure.axes[0])
    assert [found[0.0], found[1.0], found[2.0]] == pytest.approx(expected.tolist())


def test_violins_stay_within_the_data(adata):
    ax = pl.regulon_violin(adata, "Tf01", groupby="kind").axes[0]
    body = ax.collections[0].get_paths()[0].vertices
    values = adata.obsm["aucell"].loc[(adata.obs["kind"] == "B").to_numpy(), "Tf01(+)"]
    assert body[:, 1].min() >= values.min() and body[:, 1].max() <= values.max()


def test_split_draws_two_halves(adata):
    side = np.where(np.arange(90) < 45, "control", "treated")
    figure = pl.regulon_violin(adata, "Tf01", groupby="kind", split=side)
    ax = figure.axes[0]
    assert len(medians(ax)) == 6
    values = adata.obsm["aucell"]["Tf01(+)"]
    left = values[(side == "control") & (adata.obs["kind"] == "NK").to_numpy()].median()
    assert medians(ax)[0.9] == pytest.approx(left)
    assert [text.get_text() for text in ax.get_legend().texts] == ["control", "treated"]
    with pytest.raises(rl.InputError, match="exactly two"):
        pl.regulon_violin(adata, "Tf01", groupby="kind", split="kind")


def test_tiny_groups_are_points(adata):
    groups = ["lone", *["rest"] * 89]
    ax = pl.regulon_violin(adata, "Tf01", groupby=groups).axes[0]
    assert ax.collections[0].get_offsets().tolist() == [[0.0, adata.obsm["aucell"]["Tf01(+)"].iloc[0]]]


def test_stored_colours_are_used(adata):
    adata.uns["kind_colors"] = ["#ff0000", "#00ff00", "#0000ff"]
    ax = pl.regulon_violin(adata, "Tf01", groupby="kind").axes[0]
    assert ax.collections[0].get_facecolor()[0][:3].tolist() == [1, 0, 0]


def test_long_names_do_not_overlap(adata, boxes_apart):
    names = [f"a group with quite a long name, number {i}" for i in range(15)]
    figure = pl.regulon_violin(adata, "Tf01", groupby=[names[i % 15] for i in range(90)])
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert all(label.get_rotation() > 0 for label in figure.axes[0].get_xticklabels()) and len(set(labels)) == 15
