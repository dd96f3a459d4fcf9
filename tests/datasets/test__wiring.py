from __future__ import annotations

import numpy as np

from reguloom._random import generator
from reguloom.datasets import _wiring


def test_cascades_have_no_cycles_and_masters_no_regulators():
    wiring = _wiring.draw(5, 40, 600, generator(0))
    assert (np.tril(wiring.tf_on_tf) == 0).all()
    assert not wiring.tf_on_tf[:, wiring.source_tf].any()
    assert wiring.tf_on_tf.any(axis=0).sum() > 10, "some TFs stand below others"


def test_unregulated_genes_have_no_regulators():
    wiring = _wiring.draw(5, 40, 600, generator(0))
    n_regulators = (wiring.tf_on_gene != 0).sum(axis=0)
    assert (n_regulators[wiring.marker >= 0] == 0).all()
    assert (wiring.marker >= 0).mean() > 0.05
    assert 0.7 < (n_regulators > 0).mean() < 0.9
    assert n_regulators.max() <= 4 and (n_regulators > 1).mean() > 0.2, "co-regulation"


def test_each_type_has_a_master_that_no_other_type_uses():
    wiring = _wiring.draw(4, 20, 100, generator(1))
    assert (wiring.program[:, :4] == np.eye(4, dtype=bool)).all()
    assert not wiring.program[:, ~wiring.source_tf].any()
