from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom import pl
from reguloom.pl.regulon_heatmap import group_means


def mesh(figure):
    ax = next(ax for ax in figure.axes if ax.collections and ax.get_xticklabels())
    return ax, np.asarray(ax.collections[0].get_array())


def test_group_means_agree_with_pandas(adata):
    auc, kind = adata.obsm["aucell"], adata.obs["kind"]
    expected = auc.groupby(kind, observed=True).mean().T
    np.testing.assert_allclose(group_means(auc, pd.Categorical(kind), z_score=False), expected)
    z = (auc - auc.mean()) / auc.std(ddof=0)
    np.testing.assert_allclose(
        group_means(auc, pd.Categorical(kind), z_score=True), z.groupby(kind, observed=True).mean().T
    )


def test_rows_and_names_stay_together_after_clustering(adata):
    figure = pl.regulon_heatmap(adata, "kind")
    ax, values = mesh(figure)
    rows = [label.get_text() for label in ax.get_yticklabels()]
    columns = [label.get_text() for label in ax.get_xticklabels()]
    assert sorted(rows) == sorted(adata.obsm["aucell"].columns) and sorted(columns) == ["B", "NK", "T"]
    means = group_means(adata.obsm["aucell"], pd.Categorical(adata.obs["kind"]), z_score=True)
    np.testing.assert_allclose(values.reshape(len(rows), -1), means.loc[rows, columns])
    blocks = [int(name[2:4]) % 3 for name in rows]
    assert sum(a != b for a, b in zip(blocks, blocks[1:], strict=False)) == 2, "like regulons stand together"


def test_without_clustering_the_order_is_kept(adata):
    ax, _ = mesh(pl.regulon_heatmap(adata, "kind", cluster=False, regulons=["Tf05", "Tf01"]))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Tf05(+)", "Tf01(+)"]


def test_z_scores_are_symmetric_around_zero_and_one_group_is_shown_as_it_is(adata):
    ax, _ = mesh(pl.regulon_heatmap(adata, "kind", limit=1.5))
    assert ax.collections[0].get_clim() == (-1.5, 1.5)
    ax, values = mesh(pl.regulon_heatmap(adata, ["all"] * 90, cluster=False))
    np.testing.assert_allclose(values.ravel(), adata.obsm["aucell"].mean())


def test_many_regulons_name_the_most_specific(boxes_apart):
    rng = np.random.default_rng(0)
    auc = pd.DataFrame(rng.gamma(2, 0.02, (120, 200)), columns=[f"Tf{i}(+)" for i in range(200)])
    groups = [f"cluster {i % 12}" for i in range(120)]
    auc.loc[[i for i in range(120) if i % 12 == 3], "Tf77(+)"] = 1.0
    figure = pl.regulon_heatmap(auc, groups)
    ax, _ = mesh(figure)
    names = [text.get_text() for text in ax.texts]
    assert "Tf77(+)" in names and 30 < len(names) <= 48
    boxes_apart(figure, names)


@pytest.mark.parametrize("n_regulons", [1, 2, 3])
@pytest.mark.parametrize("n_groups", [1, 2, 4])
def test_small_and_constant_input(n_regulons, n_groups):
    auc = pd.DataFrame(np.zeros((8, n_regulons)), columns=[f"Tf{i}" for i in range(n_regulons)])
    pl.regulon_heatmap(auc, [f"g{i % n_groups}" for i in range(8)]).canvas.draw()


def test_long_group_names_are_not_cut_off(adata, tmp_path):
    from PIL import Image

    long = adata.obs["kind"].astype(str).to_numpy() + " cells with a really long description of what they are"
    pl.regulon_heatmap(adata, list(long)).savefig(tmp_path / "one.png")
    pixels = np.asarray(Image.open(tmp_path / "one.png").convert("L"))
    assert (
        (pixels[:3] == 255).all()
        and (pixels[-3:] == 255).all()
        and (pixels[:, :3] == 255).all()
        and (pixels[:, -3:] == 255).all()
    )


def test_errors(adata):
    with pytest.raises(rl.MissingKeyError, match="kind"):
        pl.regulon_heatmap(adata, "kin")
    with pytest.raises(rl.InputError, match="90 cells"):
        pl.regulon_heatmap(adata, ["a", "b"])
    with pytest.raises(rl.InputError, match="no obs"):
        pl.regulon_heatmap(adata.obsm["aucell"], "kind")
    with pytest.raises(rl.InputError, match="no cell has a group"):
        pl.regulon_heatmap(adata, [None] * 90)
