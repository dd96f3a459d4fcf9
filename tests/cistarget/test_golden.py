"""Number for number against pySCENIC 0.12.1: modules, motif table (correct and as published) and regulons."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from reguloom import cistarget, io

CASES = {
    "correct": (None, "reg_fixed_alignment.csv", "regulons_fixed.json"),
    "as published": ("pyscenic-0.12", "reg_pyscenic0.12.1_AS_IS_BUGGY.csv", "regulons_buggy.json"),
}


@pytest.fixture(scope="module")
def golden(shared):
    return shared / "golden" / "pyscenic" / "pbmc100"


@pytest.fixture(scope="module")
def modules(golden):
    return cistarget.modules(io.read_network(golden / "adj_with_rho.tsv.gz"), keep_only_activating=False)


def test_modules_are_identical_and_in_the_same_order(golden, modules):
    expected = json.loads((golden / "modules_all.json").read_text())
    assert len(modules) == len(expected) == 414
    for ours, theirs in zip(modules, expected, strict=True):
        assert (ours.tf, ours.name, sorted(ours.context)) == (theirs["tf"], theirs["name"], theirs["context"])
        assert list(ours.to_dict().items()) == list(theirs["gene2weight"].items())


def test_modules_from_expression_hold_the_same_genes(golden, modules):
    network = io.read_network(golden / "adj_grnboost2_seed777_sklearn1.2.2.tsv.gz")
    expression = pd.read_csv(golden / "expr.csv.gz", index_col=0)
    ours = cistarget.modules(network, expression, keep_only_activating=False)
    assert [one.genes.tolist() for one in ours] == [one.genes.tolist() for one in modules]


@pytest.fixture(scope="module", params=CASES, ids=lambda name: name.replace(" ", "-"))
def case(request, golden, modules):
    compat, table, regulons = CASES[request.param]
    ours = cistarget.enrich(
        modules,
        golden / "synth.genes_vs_motifs.rankings.feather",
        golden / "synth_motifs.tbl",
        compat=compat,
        n_jobs=2,
    )
    return ours, io.read_motif_table(golden / table), json.loads((golden / regulons).read_text())


def test_motif_table_is_identical(case):
    ours, theirs, _ = case
    assert len(ours) == len(theirs) == 357
    for name in ("TF", "MotifID", "MotifSimilarityQvalue", "OrthologousIdentity", "Annotation", "RankAtMax"):
        assert ours[name].tolist() == theirs[name].tolist(), name
    for name in ("AUC", "NES"):
        assert (ours[name] - theirs[name]).abs().max() < 1e-12, name
    assert ours["TargetGenes"].tolist() == theirs["TargetGenes"].tolist()
    # the golden run called the database "synth"; the name of ours is the file's
    renamed = [["synth" if name.startswith("synth") else name for name in row] for row in ours["Context"]]
    assert [set(row) for row in renamed] == [set(row) for row in theirs["Context"]]


def test_regulons_are_identical(case):
    ours, _, theirs = case
    regulons = cistarget.regulons_from_motifs(ours)
    assert regulons.names == [one["name"] for one in theirs]
    for mine, other in zip(regulons, theirs, strict=True):
        assert list(mine.to_dict().items()) == list(other["gene2weight"].items())
        assert mine.score == pytest.approx(other["score"], rel=1e-12)
        assert f"{mine.motifs[0]}.png" in other["context"]


def test_the_published_release_takes_targets_from_other_motifs(golden):
    right = io.read_motif_table(golden / CASES["correct"][1]).set_index(["TF", "Context", "MotifID"])
    wrong = io.read_motif_table(golden / CASES["as published"][1]).set_index(["TF", "Context", "MotifID"])
    both = right.join(wrong.add_suffix("_wrong"))
    assert (both["RankAtMax"] != both["RankAtMax_wrong"]).mean() > 0.8
