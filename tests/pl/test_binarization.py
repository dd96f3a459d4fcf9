from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gaussian_kde

import reguloom as rl
from reguloom import pl
from reguloom.pl.binarization import kde


def test_threshold_line_bars_and_share(adata):
    figure = pl.binarization(adata, regulons=["Tf02", "Tf09"], bins=25)
    for ax, name in zip(figure.axes, ["Tf02(+)", "Tf09(+)"], strict=True):
        threshold = adata.uns["aucell"]["thresholds"].loc[name, "threshold"]
        values = adata.obsm["aucell"][name]
        line = next(one for one in ax.lines if one.get_linestyle() == "--")
        assert list(line.get_xdata()) == [threshold, threshold]
        assert sum(bar.get_height() for bar in ax.patches) == 90 and len(ax.patches) == 25
        assert f"{(values > threshold).mean():.0%} on" in ax.texts[0].get_text()
        colors = {bar.get_x() + bar.get_width() / 2 > threshold: bar.get_facecolor() for bar in ax.patches}
        assert colors[True] != colors[False]


def test_thresholds_as_mapping_series_or_table(adata):
    auc = adata.obsm["aucell"]
    for given in ({"Tf00(+)": 0.1}, pd.Series({"Tf00(+)": 0.1}), pd.DataFrame({"threshold": [0.1]}, index=["Tf00(+)"])):
        ax = pl.binarization(auc, given, "Tf00").axes[0]
        assert any(list(line.get_xdata()) == [0.1, 0.1] for line in ax.lines)


def test_default_draws_the_twelve_most_variable(adata):
    assert len(pl.binarization(adata).axes) == 12


def test_kde_agrees_with_scipy():
    values = np.random.default_rng(0).gamma(3, 0.02, 500)
    grid, height = kde(values, values.min(), values.max())
    reference = gaussian_kde(values, bw_method=len(values) ** -0.2 * values.std() / values.std(ddof=1))
    np.testing.assert_allclose(height, reference(grid), rtol=0.02, atol=0.02 * height.max())


def test_constant_regulon_and_threshold_outside():
    auc = pd.DataFrame({"A(+)": np.zeros(10), "B(+)": np.linspace(0, 1, 10)})
    figure = pl.binarization(auc, {"A(+)": 0.0, "B(+)": 2.0})
    figure.canvas.draw()
    assert "0% on" in figure.axes[0].texts[0].get_text()
    assert figure.axes[0].get_xlim()[1] > 0


def test_errors(adata):
    with pytest.raises(rl.MissingKeyError, match="threshold for"):
        pl.binarization(adata, {"Tf00(+)": 0.1}, ["Tf00", "Tf01"])
    with pytest.raises(rl.InputError, match="activity.binarize"):
        pl.binarization(adata.obsm["aucell"])
    del adata.uns["aucell"]["thresholds"]
    with pytest.raises(rl.MissingKeyError, match="run activity.binarize"):
        pl.binarization(adata)
    with pytest.raises(rl.MissingKeyError, match="column"):
        pl.binarization(adata, pd.DataFrame({"cut": [1.0]}, index=["Tf00(+)"]))
