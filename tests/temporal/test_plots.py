"""Figures of time courses say what the result holds: order, names, true distances, and who is missing."""

from __future__ import annotations

import hashlib
import io
import logging
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.temporal.noise import estimate_noise
from reguloom.temporal.profile import Profile
from reguloom.temporal.timing import timing

NAMES = {"transient": "C1", "early": "C2", "repressed": "C3", "late": "C4"}


@pytest.fixture(scope="module")
def result():
    """What a fit returns, with the true modules in the place of found ones."""
    world = rl.datasets.time_course("conditions", 40, 120, n_database_genes=200, n_random_motifs=5)
    course = rl.temporal.as_course(world.adata, condition="condition", batch="replicate")
    modules = world.truth["module"].map(lambda name: NAMES.get(name, name))
    moving = modules.index[modules != "static"]
    member = pd.get_dummies(modules[moving]).astype(float) * 0.8 + 0.05
    k = np.arange(1, 6)
    selection = pd.DataFrame(
        {"n_modules": k, "held_out": [-3, -2.5, -2.2, -2.0, -2.01], "se": 0.01, "stability": [1, 0.9, 0.9, 0.95, 0.4]}
    ).assign(candidate=lambda t: t["stability"] > 0.6, chosen=k == 4)
    return SimpleNamespace(
        profile=Profile.of(course, estimate_noise(course)), modules=modules, timing=timing(course, n_draws=10),
        membership=member, selection=selection, latent=None,
    )  # fmt: skip


def _lines(ax):
    return [line for line in ax.get_lines() if len(line.get_xdata()) > 2]


def test_courses_are_means_over_true_time(result):
    figure = rl.pl.temporal_courses(result)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == [f"{name}, {(result.modules == name).sum()} genes" for name in NAMES.values()]
    profile = result.profile
    rows = np.flatnonzero((result.modules == "C4").to_numpy())
    line = _lines(figure.axes[3])[0]
    assert line.get_xdata().tolist() == [0, 3, 6, 12, 24]
    assert np.allclose(line.get_ydata(), profile.shape[rows, 0].mean(axis=0))
    assert len(_lines(figure.axes[0])) == 2  # a line for each condition


def test_labels_of_the_axis_do_not_touch():
    from reguloom.pl._temporal import _with_room

    days = np.array([10.5, 11.5, 12.5, 13.5, 14.5, 16.5, 22, 25, 28, 75])
    assert _with_room(days, 1.6) == [10.5, 28, 75]
    assert _with_room(days, 30.0) == days.tolist()
    assert _with_room(np.array([0.0, 3, 6, 12, 24]), 1.6) == [0, 3, 6, 12, 24]
    assert _with_room(np.array([2.0]), 1.0) == [2.0]


def test_genes_by_name_are_never_shifted(result, caplog):
    """A missing name is said, and every other gene keeps its own course."""
    caplog.set_level(logging.WARNING, "reguloom")
    figure = rl.pl.temporal_genes(result, ["NOBODY", "IRF1", "MAFB"])
    assert "1 of 3 genes are not in the time course: NOBODY" in caplog.text
    assert [ax.get_title().split()[0] for ax in figure.axes] == ["IRF1", "MAFB"]
    for ax, gene in zip(figure.axes, ["IRF1", "MAFB"], strict=True):
        values = result.profile.values[result.profile.genes.get_loc(gene), 0]
        assert np.allclose(_lines(ax)[0].get_ydata(), values - values[0])
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert "not measured: NOBODY" in texts
    with pytest.raises(rl.MissingKeyError, match="no gene 'NOBODY'"):
        rl.pl.temporal_genes(result, "NOBODY")


def test_random_genes_come_from_their_module(result):
    figure = rl.pl.temporal_genes(result, n=2)
    labels = [ax.get_title().split() for ax in figure.axes]
    assert [module for _, module in labels] == ["C1", "C1", "C2", "C2", "C3", "C3", "C4", "C4"]
    assert all(result.modules[gene] == module for gene, module in labels)
    again = rl.pl.temporal_genes(result, n=2)
    assert [ax.get_title() for ax in again.axes] == [ax.get_title() for ax in figure.axes]


def test_heatmap_is_ordered_by_half_time(result):
    figure = rl.pl.temporal_heatmap(result, genes=["IRF1"])
    image = figure.axes[1].get_images()[0].get_array()
    size = result.timing.assign(s=result.timing["change"].abs()).sort_values("s", ascending=False)
    half = size.drop_duplicates("gene").set_index("gene")["half_time"]
    members = [half[result.modules.index[result.modules == name]] for name in NAMES.values()]
    order = [gene for part in members for gene in part.sort_values(kind="stable").index]
    rows = result.profile.genes.get_indexer(order)
    assert image.shape == (len(order), 5)
    assert np.allclose(np.sort(image[:, 0]), np.sort(result.profile.shape[rows, 0, 0]))
    assert np.allclose(image[:3], result.profile.shape[rows[:3], 0])
    assert [text.get_text() for text in figure.axes[-2].texts if text.get_text() == "IRF1"]


def test_timing(result, caplog):
    table = result.timing
    figure = rl.pl.temporal_timing(table, ["MAFB", "IRF1", "NOBODY"])
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert shown == ["IRF1", "MAFB"]
    assert "NOBODY" in caplog.text
    place = figure.axes[0].get_yticks()
    assert place[0] > place[1]  # the earlier one on top
    with pytest.raises(rl.MissingKeyError, match="no track 'x'"):
        rl.pl.temporal_timing(table, track="x")
    with pytest.raises(rl.MissingKeyError, match="no column 'onset'"):
        rl.pl.temporal_timing(table.drop(columns="onset"))


@pytest.mark.parametrize(("method", "color"), [("pca", "module"), ("tsne", "half_time")])
def test_the_map_keeps_modules_apart(result, method, color):
    figure = rl.pl.temporal_latent(result, method=method, color=color)
    n = sum(len(one.get_offsets()) for one in figure.axes[0].collections)
    assert n == (result.modules != "static").sum()
    assert "shapes" in figure.axes[0].get_title()


def test_number_and_stability(result):
    upper, lower = rl.pl.temporal_number(result).axes
    assert upper.get_title() == "4 modules"
    assert _lines(lower)[0].get_ydata().tolist() == result.selection["stability"].tolist()
    image = rl.pl.temporal_stability(result).axes[0].get_images()[0].get_array()
    assert image.shape[0] == len(result.membership)
    assert image[0, 1] > 0.7 > 0.3 > image[0, -1]
    with pytest.raises(rl.InputError, match="no number of modules was chosen"):
        rl.pl.temporal_number(result.selection.iloc[:0])


def test_motifs():
    table = pd.DataFrame(
        {
            "module": ["C1", "C2", "C10", "C2"], "factor": ["A", "B", "C", "D"], "nes": [3.0, 4.0, 5.0, 6.0],
            "p_permuted": [0.5, 0.1, 0.01, 0.01], "verdict": ["before", "after", "does not move", "unresolved"],
        }
    )  # fmt: skip
    ax = rl.pl.temporal_motifs(table).axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["C1", "C2", "C10"]
    assert [label.get_text() for label in ax.get_yticklabels()][::-1] == ["A", "D", "B", "C"]
    with pytest.raises(rl.InputError, match="no motif passed"):
        rl.pl.temporal_motifs(table.iloc[:0])


def test_same_result_same_picture(result):
    digests = []
    for _ in range(2):
        buffer = io.BytesIO()
        rl.pl.temporal_courses(result).savefig(buffer, format="png")
        digests.append(hashlib.sha256(buffer.getvalue()).hexdigest())
    assert digests[0] == digests[1]


@pytest.mark.parametrize("draw", ["temporal_courses", "temporal_genes", "temporal_heatmap", "temporal_stability"])
def test_without_modules_it_is_said(result, draw):
    flat = SimpleNamespace(**{**vars(result), "modules": pd.Series("static", index=result.modules.index)})
    with pytest.raises(rl.InputError, match="there are no modules"):
        getattr(rl.pl, draw)(flat)
    with pytest.raises(rl.InputError, match=r"what temporal\.fit returned"):
        getattr(rl.pl, draw)(pd.DataFrame())
