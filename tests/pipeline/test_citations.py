"""Citations follow from what was run."""

from __future__ import annotations

import anndata
import numpy as np
import pytest

import reguloom as rl


def test_all_methods_have_a_doi_or_a_venue() -> None:
    lines = rl.citations()
    assert len(lines) == len(set(lines)) >= 6
    assert all("doi:" in line for line in lines)


def test_a_network_cites_its_method() -> None:
    made = rl.Provenance(method="grnboost2")
    network = rl.Network.from_edges(["A"], ["B"], provenance=made)
    assert rl.citations(network) == ["Moerman et al., Bioinformatics 35:2159 (2019), doi:10.1093/bioinformatics/bty916"]


def test_an_adata_cites_what_is_stored_in_it() -> None:
    adata = anndata.AnnData(np.ones((2, 2), dtype=np.float32))
    assert rl.citations(adata) == []
    rl.Network.from_edges(["A"], ["B"], provenance=rl.Provenance(method="genie3")).to_adata(adata)
    assert any("Huynh-Thu" in line for line in rl.citations(adata))


def test_an_object_without_a_record_is_refused() -> None:
    with pytest.raises(rl.InputError, match="no record"):
        rl.citations(rl.Network.from_edges(["A"], ["B"]))
    with pytest.raises(rl.InputError, match="no method 'nothing'"):
        rl.citations("nothing")


def test_what_another_program_keeps_under_our_names_is_passed_over() -> None:
    adata = anndata.AnnData(np.ones((2, 2), dtype=np.float32))
    for held in (np.arange(3), "text", 1.5, {"provenance": ""}):
        adata.uns.update({"grn": held, "regulons": held, "aucell": held})
        assert rl.citations(adata) == []
