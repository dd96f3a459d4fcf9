"""Points by group in the first two components, the same every time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reguloom import InputError, pl

LATENT = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 5)), index=[f"c{i}" for i in range(30)])


def test_groups_and_names() -> None:
    figure = pl.latent_space(LATENT, groups=["a", "b", "b"] * 10, names=True)
    ax = figure.axes[0]
    assert [one.get_offsets().shape[0] for one in ax.collections] == [10, 20]
    assert len(ax.texts) == 30
    many = pl.latent_space(LATENT, groups=[f"g{i}" for i in range(30)])
    assert many.axes[0].get_legend().get_texts()[-1].get_text() == "18 more"


def test_points_are_principal_components() -> None:
    points = pl.latent_space(LATENT).axes[0].collections[0].get_offsets()
    values = LATENT.to_numpy() - LATENT.to_numpy().mean(axis=0)
    largest = np.linalg.svd(values)[1][:2]
    assert np.linalg.norm(points, axis=0) == pytest.approx(largest)
    turned = pl.latent_space(-LATENT).axes[0].collections[0].get_offsets()
    assert np.allclose(np.abs(points), np.abs(turned))


def test_too_little_is_refused() -> None:
    with pytest.raises(InputError, match="three rows"):
        pl.latent_space(LATENT.iloc[:2])
    with pytest.raises(InputError, match="one group for each"):
        pl.latent_space(LATENT, groups=["a"])
