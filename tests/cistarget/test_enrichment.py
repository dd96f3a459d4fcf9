from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reguloom._errors import InputError, ValidityWarning
from reguloom.cistarget import Module, enrich, enrichment
from reguloom.core import Regulons

DEPTH = {"rank_threshold": 150}


def test_planted_targets_are_found(world):
    table = enrich(world.modules, world.ranks, world.annotations, **DEPTH)
    best = table.sort_values("NES").groupby("TF").tail(1).set_index("TF")
    assert sorted(best.index) == sorted(world.planted)
    for tf, genes in world.planted.items():
        found = {gene for gene, _ in best.loc[tf, "TargetGenes"]}
        assert len(found & set(genes)) >= 12
    assert set(table["Context"].iloc[0]) == {"activating", "top50", "world"}


def test_every_thread_count_and_block_size_gives_the_same(world, monkeypatch):
    one = enrich(world.modules, world.ranks, world.annotations, weighted_recovery=True, n_jobs=1, **DEPTH)
    monkeypatch.setattr(enrichment, "CELLS_PER_AUC_BLOCK", 80)
    monkeypatch.setattr(enrichment, "MODULES_PER_EDGE_BLOCK", 1)
    other = enrich(world.modules, world.ranks, world.annotations, weighted_recovery=True, n_jobs=3, **DEPTH)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_reading_few_genes_at_a_time_gives_the_same(world, monkeypatch):
    from reguloom.cistarget import _rankings

    one = enrich(world.modules, world.ranks, world.annotations, **DEPTH)
    monkeypatch.setattr(_rankings, "READ_CELLS", 1)
    pd.testing.assert_frame_equal(one, enrich(world.modules, world.ranks, world.annotations, **DEPTH))


def test_weights_change_the_area_and_equal_weights_do_not(world):
    plain = enrich(world.modules, world.ranks, world.annotations, **DEPTH)
    weighted = enrich(world.modules, world.ranks, world.annotations, weighted_recovery=True, **DEPTH)
    assert not np.allclose(plain["AUC"].iloc[:3], weighted["AUC"].iloc[:3])
    alike = [Module(m.tf, m.name, m.genes, np.full(len(m), 2.0), m.context) for m in world.modules]
    same = enrich(alike, world.ranks, world.annotations, weighted_recovery=True, **DEPTH)
    np.testing.assert_allclose(same["NES"], plain["NES"], rtol=1e-12)
    assert same["RankAtMax"].tolist() == plain["RankAtMax"].tolist()


def test_a_module_that_lacks_a_fifth_of_its_genes_is_skipped(world):
    module = world.modules[0]
    genes = np.array([*module.genes[:16], "x1", "x2", "x3", "x4"], dtype=object)
    kept = Module(module.tf, "kept", genes, np.ones(20), module.context)
    lost = Module(module.tf, "lost", np.append(genes, "x5"), np.ones(21), module.context)
    options = {"nes_threshold": -9, "filter_for_annotation": False, **DEPTH}
    # 1 - 16/20 is 0.19999999999999996 in binary, and the reference keeps such a module
    assert len(enrich([kept], world.ranks, **options)) == 80
    assert enrich([kept, lost], world.ranks, **options)["TF"].size == 80
    assert enrich([lost], world.ranks, **options).empty
    assert len(enrich([lost], world.ranks, max_unmapped=0.5, **options)) == 80


def test_several_databases_come_one_after_the_other(world):
    other = world.ranks.iloc[::-1].copy()
    other.attrs["name"] = "other"
    both = enrich(world.modules, [world.ranks, other], world.annotations, **DEPTH)
    single = enrich(world.modules, world.ranks, world.annotations, **DEPTH)
    pd.testing.assert_frame_equal(both.iloc[: len(single)], single)
    assert all("other" in context for context in both["Context"].iloc[len(single) :])
    assert sorted(both["NES"].iloc[len(single) :]) == pytest.approx(sorted(single["NES"]))


def test_without_the_filter_every_enriched_motif_is_reported(world):
    some = enrich(world.modules, world.ranks, world.annotations, nes_threshold=1.5, **DEPTH)
    every = enrich(
        world.modules, world.ranks, world.annotations, nes_threshold=1.5, filter_for_annotation=False, **DEPTH
    )
    assert len(every) > len(some)
    annotated = every[every["Annotation"] != ""].reset_index(drop=True)
    pd.testing.assert_frame_equal(annotated, some)
    assert every.loc[every["Annotation"] == "", "MotifSimilarityQvalue"].isna().all()


def test_plain_gene_sets_and_regulons_need_no_annotations(world):
    sets = {"one": world.planted["G000"], "two": dict.fromkeys(world.planted["G001"], 2.0)}
    table = enrich(sets, world.ranks, **DEPTH)
    assert {"m03", "m10"} <= set(table["MotifID"])
    assert set(table["TF"]) <= {"one", "two"}
    pd.testing.assert_frame_equal(enrich(Regulons.from_dict(sets), world.ranks, **DEPTH), table)


def test_plain_gene_sets_learn_whose_motif_it_is(world):
    more = pd.concat([world.annotations, world.annotations[world.annotations["MotifID"] == "m03"].assign(TF="A")])
    table = enrich({"one": world.planted["G000"]}, world.ranks, more, **DEPTH).set_index("MotifID")
    assert table.loc["m03", "MotifTFs"] == "A;G000"
    assert "MotifTFs" not in enrich(world.modules, world.ranks, more, **DEPTH)


def test_compat_takes_curves_in_the_order_of_the_database(world):
    right = enrich(world.modules[:1], world.ranks, world.annotations, nes_threshold=1.0, **DEPTH)
    wrong = enrich(
        world.modules[:1], world.ranks, world.annotations, nes_threshold=1.0, compat="pyscenic-0.12", **DEPTH
    )
    every = enrich(world.modules[:1], world.ranks, filter_for_annotation=False, nes_threshold=1.0, **DEPTH)
    assert sorted(wrong["NES"]) == sorted(right["NES"])
    quality = list(zip(-wrong["MotifSimilarityQvalue"], wrong["OrthologousIdentity"], strict=True))
    assert quality == sorted(quality)
    assert wrong["RankAtMax"].tolist() == every["RankAtMax"].tolist()[: len(wrong)]


def test_a_small_database_cuts_the_rank_threshold(world):
    with pytest.warns(ValidityWarning, match="cut from 5000 to 399"):
        enrich(world.modules, world.ranks, world.annotations)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rank_threshold": 0}, "rank_threshold"),
        ({"auc_threshold": 1.5}, "auc_threshold"),
        ({"auc_threshold": 0.5}, "auc_threshold"),
        ({"auc_threshold": 0.001}, "auc_threshold"),
        ({"compat": "pyscenic"}, "pyscenic-0.12"),
    ],
)
def test_options_out_of_range(world, options, message):
    with pytest.raises(InputError, match=message):
        enrich(world.modules, world.ranks, world.annotations, **{**DEPTH, **options})


def test_input_that_does_not_fit_together(world):
    human = world.ranks.rename(columns=str.lower)
    with pytest.raises(InputError, match="case"):
        enrich(world.modules, human, world.annotations, **DEPTH)
    with pytest.raises(InputError, match="transcription factors"):
        enrich(world.modules, world.ranks, world.annotations.assign(TF="nobody"), **DEPTH)
    with pytest.raises(InputError, match="same collection"):
        enrich(world.modules, world.ranks, world.annotations.assign(MotifID="v9__x"), **DEPTH)
    with pytest.raises(InputError, match="need motif annotations"):
        enrich(world.modules, world.ranks, **DEPTH)
    with pytest.raises(InputError, match="scores"):
        enrich(world.modules, world.ranks.astype(float), world.annotations, **DEPTH)
    with pytest.raises(InputError, match="same rank"):
        enrich(world.modules, world.ranks.clip(upper=300), world.annotations, rank_threshold=350)
    with pytest.raises(InputError, match="called 'world'"):
        enrich(world.modules, [world.ranks, world.ranks], world.annotations, **DEPTH)
    with pytest.raises(InputError, match="no module"):
        enrich([], world.ranks, world.annotations, **DEPTH)


def test_repeated_annotations_count_once_by_their_best(world):
    worse = world.annotations.assign(MotifSimilarityQvalue=9e-4, Annotation="worse")
    both = pd.concat([worse, world.annotations])
    pd.testing.assert_frame_equal(
        enrich(world.modules, world.ranks, both, **DEPTH),
        enrich(world.modules, world.ranks, world.annotations, **DEPTH),
    )


def test_the_report_says_how_far_names_agree(world):
    table = enrich(world.modules, world.ranks, world.annotations, **DEPTH)
    report = pd.DataFrame(table.attrs["overlap"])
    assert report["what"].tolist() == ["genes", "transcription factors", "motifs"]
    assert report["percent"].tolist() == [100.0, 100.0, 100.0]
