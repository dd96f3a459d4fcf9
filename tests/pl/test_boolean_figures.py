from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch

from reguloom import InputError, MissingKeyError, Perturbation, mechanistic, pl
from reguloom.core import Network
from reguloom.mechanistic import BooleanNetwork
from reguloom.pl import _style

NETWORK = BooleanNetwork.from_rules(
    {"Gata1": "!Spi1", "Spi1": "!Gata1", "Klf1": "Gata1 & !Fli1", "Fli1": "Gata1 & !Klf1"}
)


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_attractors():
    found = NETWORK.attractors("synchronous")
    figure = pl.attractors(found)
    axes = figure.axes[0]
    assert sorted(label.get_text() for label in axes.get_yticklabels()) == sorted(NETWORK.genes)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[0] == "A1"
    assert labels[-1].endswith("\n2")
    assert f"{found.to_frame()['basin_share'].iloc[0]:.0%}" in words(figure)
    kept = pl.attractors(found.levels(), order_genes=False)
    assert [label.get_text() for label in kept.axes[0].get_yticklabels()] == list(NETWORK.genes)
    with pytest.raises(InputError, match="values 0 to 1"):
        pl.attractors(found.levels() * 2)


def test_wiring():
    figure = pl.wiring(NETWORK.to_network())
    arrows = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == 6
    assert {to_hex(arrow.get_edgecolor()) for arrow in arrows} == {_style.UP.lower(), _style.DOWN.lower()}
    assert set(NETWORK.genes) <= set(words(figure))
    loop = Network.from_edges(["a", "a", "b"], ["a", "b", "a"], sign=[1, 0, -1])
    assert len(pl.wiring(loop, layout="spring").axes[0].patches) == 3
    with pytest.raises(InputError, match="accepted are auto"):
        pl.wiring(loop, layout="tree")
    with pytest.raises(InputError, match="1 to 120"):
        pl.wiring(loop.take([]))


def test_state_graph():
    table = mechanistic.transition_table(NETWORK)
    figure = pl.state_graph(table, names={"A1": "erythroid"})
    n_lines = sum(len(one.get_segments()) for one in figure.axes[0].collections if isinstance(one, LineCollection))
    assert n_lines == (table["steps"] > 0).sum()
    n_states = sum(len(one.get_offsets()) for one in figure.axes[0].collections if not isinstance(one, LineCollection))
    assert n_states == 16
    assert any(text.startswith("erythroid") for text in words(figure))
    with pytest.raises(InputError, match="lacks"):
        pl.state_graph(table.drop(columns="steps"))


def test_fates():
    table = mechanistic.perturb(NETWORK, [Perturbation.knockout("Gata1"), Perturbation.overexpress("Spi1")])
    figure = pl.fates(table, names={"A1": "erythroid"})
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_legend().texts] == ["control", "Gata1=0", "Spi1=max"]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert "erythroid" in labels
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    assert all(sum(each) == pytest.approx(1.0) for each in heights)
    with pytest.raises(MissingKeyError, match="has no perturbation"):
        pl.fates(table, "Klf1=0")
    with pytest.raises(InputError, match="lacks"):
        pl.fates(pd.DataFrame({"probability": [1.0]}))
    estimated = table.assign(lower=table["probability"] - 0.01, upper=table["probability"] + 0.01)
    assert len(pl.fates(estimated, "Gata1=0").axes[0].lines) > 0  # whiskers
