from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch

import reguloom as rl
from reguloom import pl
from reguloom.core import Network, Regulons
from reguloom.pl import _style

SOURCE = ["A"] * 30 + ["B"] * 10 + ["C", "A"]
TARGET = [f"gene{i}" for i in range(30)] + [f"gene{i}" for i in range(25, 35)] + ["gene1", "B"]
NETWORK = Network.from_edges(SOURCE, TARGET, np.linspace(42, 1, 42), sign=[1] * 30 + [-1] * 10 + [0, 1])


def arrows(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]


def test_strongest_targets_and_edges_among_what_is_shown(texts):
    figure = pl.network(NETWORK, ["A"], n_targets=5, n_labels=3)
    assert len(arrows(figure)) == 5
    assert [t for t in texts(figure) if t.startswith("gene")] == ["gene0", "gene1", "gene2"]
    both = pl.network(NETWORK, ["A", "B"], n_targets=10)
    # ten of A, ten of B, A -> B, and A's weaker edges to five targets that B brings in
    assert len(arrows(both)) == 10 + 10 + 1 + 5


def test_signs_are_coloured_and_named_in_the_legend():
    figure = pl.network(NETWORK, ["B", "C"])
    colors = {to_hex(one.get_edgecolor()) for one in arrows(figure)}
    assert colors == {_style.DOWN.lower(), _style.UNSIGNED.lower()}
    assert [t.get_text() for t in figure.axes[0].get_legend().texts] == ["represses", "regulates"]


def test_default_is_the_heaviest_regulators(texts):
    assert {"A", "B", "C"} <= set(texts(pl.network(NETWORK)))


def test_layout_depends_on_the_seed_alone():
    def places(**options):
        return [one.get_path().vertices.tolist() for one in arrows(pl.network(NETWORK, ["A", "B"], **options))]

    assert places() == places(rng=0) == places(seed=0)
    assert places() != places(rng=1)


def test_labels_keep_apart(boxes_apart, texts):
    figure = pl.network(NETWORK, ["A", "B"])
    boxes_apart(figure, [name for name in texts(figure) if name.startswith("gene")])


def test_takes_regulons_and_their_names(texts):
    regulons = Regulons.from_dict({"Gata1(+)": {"Klf1": 2.0, "Gata1": 1.0}, "Spi1(-)": {"Klf1": 1.0}})
    figure = pl.network(regulons, ["Gata1(+)", "Spi1"])
    assert {"Gata1", "Spi1", "Klf1"} <= set(texts(figure))
    assert len(arrows(figure)) == 2, "no edge of a TF to itself"


def test_errors():
    with pytest.raises(rl.MissingKeyError, match="no regulator 'D'"):
        pl.network(NETWORK, "D")
    with pytest.raises(rl.InputError, match="nothing to draw"):
        pl.network(NETWORK.top(0))
