from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom import pl


def frame(n_groups: int = 4, n_regulons: int = 40, *, long: bool = False) -> pd.DataFrame:
    values = np.random.default_rng(0).beta(2, 8, (n_groups, n_regulons))
    stem = "RegulatorWithAVeryLongName" if long else "Tf"
    return pd.DataFrame(values, [f"group {i}" for i in range(n_groups)], [f"{stem}{i}(+)" for i in range(n_regulons)])


def named(panel):
    return [text.get_text() for text in panel.texts]


def test_labels_are_the_top_regulons_of_each_group():
    scores = frame()
    figure = pl.rss(scores, n_top=6)
    assert [ax.get_title() for ax in figure.axes] == list(scores.index)
    for ax, group in zip(figure.axes, scores.index, strict=True):
        assert named(ax) == list(scores.loc[group].nlargest(6).index)
        marked = ax.collections[1].get_offsets()
        assert np.allclose(marked[:, 1], scores.loc[group].nlargest(6)) and np.allclose(marked[:, 0], range(1, 7))
        assert len(ax.collections[0].get_offsets()) == 34


@pytest.mark.parametrize(("n_regulons", "n_top"), [(6, 5), (40, 5), (40, 12), (200, 8)])
def test_labels_keep_apart(boxes_apart, n_regulons, n_top):
    scores = frame(2, n_regulons).round(2)  # ties on purpose
    figure = pl.rss(scores, n_top=n_top)
    for ax in figure.axes:
        boxes_apart(figure, named(ax))


def test_labels_stay_above_the_curve_and_below_the_title():
    figure = pl.rss(frame(3, 200, long=True), n_top=8)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    for ax in figure.axes:
        rest = ax.transData.transform(ax.collections[0].get_offsets())
        for text in ax.texts:
            from matplotlib.text import Text

            box = Text.get_window_extent(text, renderer)
            inside = (rest[:, 0] > box.x0) & (rest[:, 0] < box.x1) & (rest[:, 1] > box.y0 + 2) & (rest[:, 1] < box.y1)
            assert not inside.any(), text.get_text()
            assert box.y1 < ax.title.get_window_extent(renderer).y0 + 1
            assert box.x1 < figure.bbox.x1 + 1


def test_reads_adata_and_chosen_groups(adata):
    figure = pl.rss(adata, groupby="kind", groups=["T", "B"])
    assert [ax.get_title() for ax in figure.axes] == ["T", "B"]
    assert figure.axes[0].get_ylabel() == "specificity (RSS)"


def test_few_regulons_and_constant_scores():
    flat = pd.DataFrame(0.3, ["a"], ["X(+)", "Y(+)"])
    panel = pl.rss(flat).axes[0]
    assert named(panel) == ["X(+)", "Y(+)"]
    assert len(pl.rss(flat[["X(+)"]]).axes) == 1


def test_errors(adata):
    with pytest.raises(rl.InputError, match="groupby is missing"):
        pl.rss(adata)
    with pytest.raises(rl.MissingKeyError, match="rss_kind"):
        pl.rss(adata, groupby="sort")
    with pytest.raises(rl.MissingKeyError, match="no group 'group 9'"):
        pl.rss(frame(), groups="group 9")
    with pytest.raises(rl.InputError, match="not empty"):
        pl.rss(frame().iloc[:0])
