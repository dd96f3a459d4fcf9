"""Bad input, over every command: one clear sentence, the documented exit code, and nothing left behind.

Exit codes: 2 the command line, 3 the data, 4 a resource (a ranking database) that is cut short or corrupt, 6 nothing
passed. Negative values are no error: they are scaled data, and said to be so (`test_negative_values_are_allowed`).
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

TBL = "#motif_id motif_name motif_description source_name source_version gene_name motif_similarity_qvalue"
TBL += " similar_motif_id similar_motif_description orthologous_identity orthologous_gene_name orthologous_species"
HEADER = "\t".join([*TBL.split(), "description"])
SENTENCE = re.compile(r"error: .+[.']$")
LOG = re.compile(r"\d\d:\d\d:\d\d ")


def _table(folder: Path, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Write the good matrix, spoilt."""
    change(pd.read_csv(folder / "cells.csv", index_col=0)).to_csv(folder / name)


def _set(value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table = table.astype(object)
        table.iloc[4, 7] = value
        return table

    return change


def _cut(folder: Path, source: str, name: str) -> None:
    """Write the first half of a file."""
    content = (folder / source).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])


def _annotations(path: Path, tfs: list[str]) -> None:
    rows = [
        f"m{i}\tm{i}\tx\ts\t1\t{tf}\t0\tNone\tNone\t1\tNone\tNone\tgene is directly annotated"
        for i, tf in enumerate(tfs)
    ]
    path.write_text("\n".join([HEADER, *rows]) + "\n")


def _good(folder: Path) -> None:
    """Write one good file of each kind."""
    import anndata

    from reguloom import io

    rng = np.random.default_rng(7)
    genes = [f"Gene{i}" for i in range(40)]
    values = rng.poisson(rng.gamma(0.6, 1.5, size=40), size=(60, 40)).astype(np.float32)
    table = pd.DataFrame(values, [f"cell{i}" for i in range(60)], genes)
    table.to_csv(folder / "cells.csv")
    adata = anndata.AnnData(table)
    adata.obs["kind"] = pd.Categorical(["a", "b"] * 30)
    adata.obsm["aucell"] = pd.DataFrame(rng.random((60, 2)), adata.obs_names, ["Gene0(+)", "Gene1(+)"])
    adata.write_h5ad(folder / "cells.h5ad")
    io.write(adata, folder / "cells.loom")
    (folder / "tfs.txt").write_text("Gene0\nGene1\nGene2\n")
    (folder / "broken.bnet").write_text("targets, factors\nA, B & (C\n")
    edges = [f"Gene{i}\tGene{j}\t{1 + i + j}" for i in range(3) for j in range(3, 40)]
    (folder / "adj.tsv").write_text("\n".join(["TF\ttarget\timportance", *edges]) + "\n")
    sets = [f"Gene{i}(+)\tx\t" + "\t".join(genes[3 + i :: 3]) for i in range(3)]
    (folder / "regulons.gmt").write_text("\n".join(sets) + "\n")
    adata.obsm["aucell"].to_csv(folder / "auc.csv", index_label="Cell")
    adata.obs[["kind"]].to_csv(folder / "groups.csv")
    ranks = np.argsort(rng.random((30, 40)), axis=1).astype(np.int16)
    io.write_rankings(ranks, [f"m{i}" for i in range(30)], genes, folder / "db.genes_vs_motifs.rankings.feather")
    _annotations(folder / "motifs.tbl", genes[:3])


def _bad(folder: Path) -> None:
    """Write the bad files."""
    import anndata

    (folder / "folder").mkdir()
    (folder / "dir.tsv").mkdir()
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("cell,Gene0,Gene1\n")
    anndata.AnnData(np.zeros((0, 5), np.float32)).write_h5ad(folder / "no_cells.h5ad")
    for name, value in {"text": "abc", "nan": np.nan, "inf": np.inf}.items():
        _table(folder, f"{name}.csv", _set(value))
    _table(folder, "zero.csv", lambda table: table * 0)
    _table(folder, "negative.csv", lambda table: table - 1)
    _table(folder, "genes_twice.csv", lambda table: table.set_axis(["Gene0", "Gene0", *table.columns[2:]], axis=1))
    _table(folder, "cells_twice.csv", lambda table: table.set_axis(["cell0", "cell0", *table.index[2:]]))
    _table(folder, "ensembl.csv", lambda table: table.set_axis([f"ENSMUSG{i:011d}" for i in range(40)], axis=1))
    (folder / "human_tfs.txt").write_text("GENE0\nGENE1\nGENE2\n")
    (folder / "other_tfs.txt").write_text("Nanog\nOct4\n")
    (folder / "no_tfs.txt").write_text("\n\n")
    for source in ("cells.h5ad", "cells.loom", "db.genes_vs_motifs.rankings.feather"):
        _cut(folder, source, f"cut_{source}")
    (folder / "not.csv.gz").write_text("cell,Gene0\nc,1\n")
    with gzip.open(folder / "whole.csv.gz", "wb") as handle:
        handle.write((folder / "cells.csv").read_bytes())
    _cut(folder, "whole.csv.gz", "cut.csv.gz")
    (folder / "cells.xyz").write_text("cell,Gene0\nc,1\n")
    (folder / "wrong.tbl").write_text("motif\tgene\nm0\tGene0\n")
    (folder / "wrong_adj.tsv").write_text("regulator\tregulated\tscore\nGene0\tGene1\t2\n")
    (folder / "text_adj.tsv").write_text("TF\ttarget\timportance\nGene0\tGene1\thigh\n")
    _annotations(folder / "human.tbl", ["GENE0", "GENE1", "GENE2"])
    (folder / "human.gmt").write_text("GENE0(+)\tx\t" + "\t".join(f"GENE{i}" for i in range(10)) + "\n")
    (folder / "wrong.gmt").write_text("no tabs here\n")
    (folder / "wrong.json").write_text('{"Gene0(+)": ')
    (folder / "wrong.yaml").write_text("!!python/object/apply:os.system ['true']\n")
    (folder / "text_auc.csv").write_text("Cell,Gene0(+)\nc1,high\nc2,low\n")
    cells = pd.read_csv(folder / "cells.csv", index_col=0)
    about = pd.DataFrame({"Time_numeric": np.repeat([0, 3, 6], 20), "CellType": ["a", "b"] * 30}, cells.index)
    pd.concat([about, cells], axis=1).to_csv(folder / "course.csv", index=False)
    (folder / "no_times.csv").write_text("Time_numeric,Gene0\nT0,1\nT1,2\n")
    (folder / "text_course.csv").write_text("Time_numeric,Gene0,Gene1\n0,1,2\n3,high,4\n6,1,1\n")
    (folder / "old.tsv").write_text("mine\n")
    (folder / "file").write_text("")
    cells = f'[input]\nexpression = "{folder}/cells.h5ad"\n'
    runs = {
        "misspelt": cells.replace("expression", "expresion"),
        "text_seed": f'seed = "one"\n{cells}',
        "no_file": cells + '[grn]\ntfs = "none.txt"\n',
        "no_column": cells + 'groupby = "kinds"\n',
        "no_toml": "input: cells.h5ad\n",
    }
    for name, text in runs.items():
        (folder / f"{name}.toml").write_text(text)


@dataclass(frozen=True)
class Case:
    """A command line, its exit code, and what the sentence must hold: the offending value, and how to mend it."""

    line: str
    code: int
    names: str
    hint: str


GRN = "grn {in}/%s {in}/tfs.txt -o {out}/adj.tsv"
CTX = "ctx {in}/adj.tsv {in}/%s --annotations {in}/%s --expression_mtx_fname {in}/cells.csv --min_genes 5"
CTX += " -o {out}/reg.csv"
DB = "db.genes_vs_motifs.rankings.feather"
GOOD_GRN = "grn {in}/cells.csv {in}/tfs.txt -o "
PLAIN_CTX = "ctx {in}/adj.tsv {in}/" + DB + " --annotations {in}/motifs.tbl -o {out}/r.csv"
AUCELL = "aucell {in}/%s {in}/%s -o {out}/auc.csv"
RUN = "run {in}/%s -o {out}/run"
RESPONSE = "response train {in}/cells.h5ad --model linear --perturbation kind --control a"
EVALUATE = "evaluate {in}/cells.h5ad --perturbation kind --control a"
SCENIC = "scenic {in}/cells.h5ad --tfs {in}/tfs.txt --rankings {in}/" + DB + " --annotations {in}/motifs.tbl"

CASES = {
    # the matrix
    "missing matrix": Case(GRN % "none.h5ad", 3, "none.h5ad does not exist", "check the name"),
    "a folder": Case(GRN % "folder", 3, "{in}/folder", "matrix.mtx"),
    "an empty file": Case(GRN % "empty.csv", 3, "empty.csv is empty (0 bytes)", "cut short"),
    "no cells": Case(GRN % "no_cells.h5ad", 3, "empty (0 cells x 5 genes)", "check the input file"),
    "a header alone": Case(GRN % "header.csv", 3, "header.csv", "(needs|has|holds|only)"),
    "text in the matrix": Case(GRN % "text.csv", 3, "abc", "number"),
    "NaN": Case(GRN % "nan.csv", 3, "'Gene7' in cell 'cell4' is nan", "fill or drop"),
    "infinity": Case(GRN % "inf.csv", 3, "'Gene7' in cell 'cell4' is inf", "fill or drop"),
    "all zero": Case(GRN % "zero.csv", 3, "60 x 40 matrix is 0", "check the layer"),
    "genes twice": Case(GRN % "genes_twice.csv", 3, "Gene0", "make them unique"),
    "cells twice": Case(GRN % "cells_twice.csv", 3, "cell0", "make them unique"),
    "half an h5ad": Case(GRN % "cut_cells.h5ad", 3, "cut_cells.h5ad", "(copy|download|write|fetch)"),
    "half a loom": Case(GRN % "cut_cells.loom", 3, "cut_cells.loom", "(copy|download|write|fetch)"),
    "unknown suffix": Case(GRN % "cells.xyz", 3, "cells.xyz", "h5ad"),
    "gz that is none": Case(GRN % "not.csv.gz", 3, "not.csv.gz", "gz"),
    "half a gz": Case(GRN % "cut.csv.gz", 3, "cut.csv.gz", "(copy|download|write|fetch)"),
    "no such layer": Case(GRN % "cells.h5ad" + " --layer counts", 3, "'counts'", "it has|layer=None"),
    "no such attribute": Case(GRN % "cells.loom" + " --gene_attribute Symbol", 3, "Symbol", "Gene"),
    "NaN for aucell": Case(AUCELL % ("nan.csv", "regulons.gmt"), 3, "'cell4' holds a NaN", "fill or drop"),
    "text for aucell": Case(AUCELL % ("text.csv", "regulons.gmt"), 3, "abc", "number"),
    "a matrix of other genes": Case(
        "add_cor {in}/adj.tsv {in}/ensembl.csv -o {out}/a.tsv", 3, "Gene0", "give the matrix"
    ),
    # regulators
    "missing list": Case("grn {in}/cells.csv {in}/none.txt -o {out}/a.tsv", 3, "none.txt does not exist", "check"),
    "no regulators": Case("grn {in}/cells.csv {in}/no_tfs.txt -o {out}/a.tsv", 3, "no_tfs.txt", "one"),
    "no regulator found": Case("grn {in}/cells.csv {in}/other_tfs.txt -o {out}/a.tsv", 3, "0 of 2", "Nanog"),
    "another species": Case("grn {in}/cells.csv {in}/human_tfs.txt -o {out}/a.tsv", 3, "0 of 3", "use one species"),
    "ids for symbols": Case(GRN % "ensembl.csv", 3, "mouse Ensembl ids", "convert one to the other"),
    "turned round": Case(GRN % "cells.csv" + " --transpose", 3, "0 of 3", "the matrix has cell0, cell1, cell10"),
    # adjacencies
    "wrong columns": Case("add_cor {in}/wrong_adj.tsv {in}/cells.csv -o {out}/a.tsv", 3, "regulator", "target"),
    "text for a weight": Case("add_cor {in}/text_adj.tsv {in}/cells.csv -o {out}/a.tsv", 3, "high", "number"),
    "shards that are none": Case("merge {in}/wrong_adj.tsv -o {out}/a.tsv", 3, "regulator", "target"),
    # motifs
    "half a database": Case(CTX % ("cut_" + DB, "motifs.tbl"), 4, "cut_db", "(again|copy)"),
    "no database": Case(CTX % ("none.feather", "motifs.tbl"), 3, "none.feather does not exist", "check the name"),
    "wrong annotations": Case(CTX % (DB, "wrong.tbl"), 3, "wrong.tbl", "#motif_id"),
    "annotations of another species": Case(CTX % (DB, "human.tbl"), 3, "0 of 3", "use one species"),
    "no annotations": Case(f"ctx {{in}}/adj.tsv {{in}}/{DB} -o {{out}}/reg.csv", 2, "--annotations", "--no-pruning"),
    "modules that are a pickle": Case(PLAIN_CTX.replace("adj.tsv", "m.dat"), 2, "m.dat is a pickle", "use csv"),
    "no signs and no matrix": Case(PLAIN_CTX, 3, "no signs", "--expression_mtx_fname"),
    # regulons and activity
    "regulons of another species": Case(AUCELL % ("cells.csv", "human.gmt"), 3, "0 of", "use one species"),
    "a broken gmt": Case(AUCELL % ("cells.csv", "wrong.gmt"), 3, "wrong.gmt", "needs a name"),
    "a broken json": Case(AUCELL % ("cells.csv", "wrong.json"), 3, "wrong.json", "(JSON|json)"),
    "a yaml that runs code": Case(AUCELL % ("cells.csv", "wrong.yaml"), 3, "wrong.yaml", "(YAML|yaml|Regulon)"),
    "text in the activity": Case("binarize {in}/text_auc.csv -o {out}/b.csv", 3, "Gene0", "number"),
    "no activity inside": Case("binarize {in}/cells.h5ad --key other -o {out}/b.csv", 3, "'other'", "reguloom aucell"),
    "no such group column": Case("rss {in}/cells.h5ad --groupby tissue -o {out}/r.csv", 3, "'tissue'", "kind"),
    "no such column in the table": Case(
        "rss {in}/auc.csv --groups {in}/groups.csv --groupby tissue -o {out}/r.csv", 3, "'tissue'", "kind"
    ),  # fmt: skip
    "no groups": Case("rss {in}/auc.csv -o {out}/r.csv", 2, "--groups", "--groupby"),
    "a groupby for all of scenic": Case(SCENIC + " --groupby tissue -o {out}/all", 3, "'tissue'", "kind"),
    "no regulator for all of scenic": Case(
        SCENIC.replace("tfs.txt", "human_tfs.txt") + " -o {out}/all", 3, "0 of 3", "use one species"
    ),  # fmt: skip
    "half a database for all of scenic": Case(SCENIC.replace(DB, f"cut_{DB}") + " -o {out}/all", 4, "cut_db", "again"),
    "wrong annotations for all of scenic": Case(
        SCENIC.replace("motifs.tbl", "wrong.tbl") + " -o {out}/all", 3, "wrong.tbl", "#motif_id"
    ),  # fmt: skip
    # outputs
    "an output that exists": Case(GOOD_GRN + "{in}/old.tsv", 3, "old.tsv exists", "--force"),
    "an output below a file": Case(GOOD_GRN + "{in}/file/a.tsv", 3, "{in}/file", "folder"),
    "an output in /proc": Case("aucell {in}/cells.csv {in}/regulons.gmt -o /proc/none/auc.csv", 3, "/proc", "folder"),
    "an output that is a folder": Case(
        "grn {in}/cells.csv {in}/tfs.txt -o {in}/dir.tsv --force", 3, "dir.tsv is a folder", "name"
    ),
    "an unknown output suffix": Case(GOOD_GRN + "{out}/adj.xyz", 2, "adj.xyz", ".tsv"),
    "an unknown suffix for aucell": Case("aucell {in}/cells.csv {in}/regulons.gmt -o {out}/a.xyz", 2, "a.xyz", ".csv"),
    "an unknown suffix for ctx": Case((CTX % (DB, "motifs.tbl")).replace("reg.csv", "reg.xyz"), 2, "xyz", ".csv"),
    "an unknown suffix for merge": Case("merge {in}/adj.tsv -o {out}/a.xyz", 2, "a.xyz", ".tsv"),
    "an unknown suffix for add_cor": Case("add_cor {in}/adj.tsv {in}/cells.csv -o {out}/a.xyz", 2, "a.xyz", ".tsv"),
    "a matrix to gmt": Case("convert {in}/cells.csv {out}/x.gmt", 3, "x.gmt", ".h5ad"),
    # the command line
    "a bad seed": Case(GRN % "cells.csv" + " --seed -1", 2, "-1", "reguloom grn --help"),
    "a seed in words": Case(GRN % "cells.csv" + " --seed one", 2, "'one'", "reguloom grn --help"),
    "an unknown method": Case(GRN % "cells.csv" + " --method lasso", 2, "'lasso'", "grnboost2"),
    "no threads": Case(GRN % "cells.csv" + " --num_workers 0", 2, "0 is no number of threads", "give 1 or more"),
    "a shard too many": Case(GRN % "cells.csv" + " --shard 3/2", 2, "3/2", "I/N"),
    "resume what": Case(GRN % "cells.csv" + " --resume", 2, "--resume", "--checkpoint"),
    "a share above one": Case(AUCELL % ("cells.csv", "regulons.gmt") + " --auc_threshold 2", 2, "2", "range"),
    "a threshold of nothing": Case(CTX % (DB, "motifs.tbl") + " --auc_threshold 0", 2, "0", "range"),
    "an unknown resource": Case("resources fetch mm11", 3, "'mm11'", "reguloom resources list"),
    "a resource that is not there": Case("resources where mouse-tfs", 4, "mouse-tfs", "reguloom resources fetch"),
    "info on nothing": Case("info {in}/none.csv", 3, "none.csv does not exist", "check the name"),
    "a prediction that is no network": Case(
        "evaluate network {in}/wrong_adj.tsv --truth {in}/adj.tsv -o {out}/s.csv", 3, "wrong_adj.tsv", "accepted"
    ),
    "a prediction of another species": Case(
        "evaluate network {in}/human.gmt --truth {in}/adj.tsv -o {out}/s.csv", 3, "targets of human", "case"
    ),
    "a challenge cut short": Case("evaluate dream4 {in}/cut.csv.gz -o {out}/s.csv", 4, "cut.csv.gz", "again"),
    "a screen to evaluate without labels": Case(
        "evaluate {in}/cells.h5ad -o {out}/e", 3, "none of the columns", "say which one"
    ),
    "a split that leaves nothing": Case(EVALUATE + " -o {out}/e", 3, "leaves 0 to learn from", "k-fold"),
    "an evaluation of no model": Case(EVALUATE + " --models geers -o {out}/e", 2, "no model 'geers'", "gears"),
    "a parameter that no model has": Case(
        EVALUATE + " --models gears --option depth=3 -o {out}/e", 2, "no model has a parameter 'depth'", "hidden"
    ),
    "an unknown split to evaluate": Case(EVALUATE + " --split sideways -o {out}/e", 2, "'sideways'", "k-fold"),
    "a split in no file": Case(EVALUATE + " --split {in}/none.json -o {out}/e", 3, "none.json does not exist", "check"),
    "an evaluation below a file": Case(EVALUATE + " -o {in}/file", 3, "file", "folder"),
    "a rule with a bracket too many": Case(
        "boolean attractors {in}/broken.bnet", 3, "broken.bnet, line 2: the rule", "expected"
    ),
    "equations of a broken rule": Case("ode simulate {in}/broken.bnet -o {out}/s.h5ad", 3, "line 2", "expected"),
    "velocity of a matrix without it": Case(
        "vectorfield fit {in}/cells.h5ad -o {out}/v.h5ad", 3, "adata.layers has no 'spliced'", "velocity needs"
    ),
    "a screen without an embedding": Case(
        "oracle screen {in}/cells.h5ad --base-network {in}/adj.tsv --groupby kind --basis umap --pseudotime t"
        " -o {out}/screen",
        3,
        "no embedding 'umap'",
        "basis=",
    ),
    "a score of what is no prediction": Case(
        "oracle score {in}/cells.h5ad {in}/cells.h5ad --pseudotime t -o {out}/s.csv",
        4,
        "cells.h5ad holds no prediction",
        "write",
    ),
    "an oracle that is none": Case("oracle simulate {in}/cells.h5ad --ko A -o {out}/p.h5ad", 4, "cells.h5ad", "write"),
    "an oracle's prior that is not there": Case(
        "oracle fit {in}/cells.h5ad --base-network {in}/none.csv -o {out}/o.h5ad", 3, "none.csv does not exist", "check"
    ),
    "motifs that are not there": Case(
        "oracle base-grn {in}/tfs.txt --tss {in}/tfs.txt --genome {in}/tfs.txt --motifs {in}/none.meme"
        " --factors {in}/adj.tsv -o {out}/b.csv",
        3,
        "none.meme",
        "check the name",
    ),
    # a run: nothing begins before the whole configuration holds
    "a misspelt key of a run": Case(RUN % "misspelt.toml", 3, "unknown key input.expresion", "did you mean input.exp"),
    "text for a number of a run": Case(RUN % "text_seed.toml", 3, 'seed is "one"', "whole number"),
    "a missing file of a run": Case(RUN % "no_file.toml", 3, "{in}/none.txt does not exist", "check the name"),
    "a missing column of a run": Case(RUN % "no_column.toml", 3, "input.groupby is 'kinds'", "did you mean 'kind'"),
    "a run that is no TOML": Case(RUN % "no_toml.toml", 3, "no_toml.toml is no TOML", "--init"),
    "no run": Case(RUN % "none.toml", 3, "none.toml does not exist", "check the name"),
    "an assignment that is none": Case(RUN % "misspelt.toml --set seed", 3, "--set seed", "write section.key=value"),
    # responses
    "a screen without labels": Case(
        "response train {in}/cells.h5ad --model linear -o {out}/m", 3, "none of the columns", "say which one"
    ),
    "a screen without controls": Case(
        RESPONSE.replace(" --control a", "") + " -o {out}/m", 3, "no control cells", "control="
    ),
    "a split that is none": Case(RESPONSE + " --split sideways -o {out}/m", 3, "no split 'sideways'", "unseen-context"),
    "a parameter that the model lacks": Case(
        RESPONSE + " --set depth=3 -o {out}/m", 2, "no parameter 'depth'", "n_dims"
    ),
    "embeddings that are text": Case(
        RESPONSE + " --embeddings {in}/groups.csv -o {out}/m", 3, "groups.csv is no table of numbers", "first column"
    ),
    "a model below a file": Case(RESPONSE + " -o {in}/file", 3, "file is a file", "folder"),
    "a model that is none": Case("response predict {in}/folder -p A", 3, "holds no model", "training"),
    "nothing to predict": Case("response predict {in}/folder", 2, "say what to predict", "--perturbation"),
    "interactions of no model": Case("response interactions {in}/none --pair A+B", 3, "does not exist", "check"),
    # time courses
    "a course without times": Case("temporal fit {in}/cells.csv -o {out}/t", 3, "no time among them", "--time"),
    "no such time column": Case("temporal times {in}/course.csv --time day", 3, "'day'", "Time_numeric"),
    "labels that say no time": Case(
        "temporal fit {in}/no_times.csv -o {out}/t", 3, "'T0', which says", "--times T0=24h"
    ),
    "text for a gene": Case("temporal {in}/text_course.csv -o {out}/f.png", 3, "'high' in line 3", "mend or drop"),
    "cell types pooled": Case("temporal {in}/course.csv -o {out}/f.png -m kmeans", 3, "2 cell types", "groupby"),
    "a figure that is none": Case("temporal {in}/course.csv -o {out}/f.xyz", 2, "f.xyz", ".png"),
    "no input": Case("temporal --output {out}/f.png", 2, "an input is missing", "INPUT.csv"),
    "motifs of no modules": Case(
        "temporal motifs {in}/groups.csv --rankings {in}/" + DB + " --annotations {in}/motifs.tbl -o {out}/m",
        3,
        "groups.csv has the columns",
        "Gene and Cluster",
    ),
    "half of what motifs need": Case(
        "temporal fit {in}/course.csv --rankings {in}/" + DB + " -o {out}/t", 2, "--annotations", "both"
    ),
    "a plot of no result": Case("temporal plot {in}/cells.h5ad -o {out}/p.png", 3, "holds no result", "result.h5ad"),
    "links to nowhere": Case("temporal links {in}/cells.h5ad -o {out}/l.csv", 2, "--genes FILE", "BED"),
    # reports
    "a report of nothing": Case("report {in}/none -o {out}/r.html", 3, "none does not exist", "check the name"),
    "a report of an empty folder": Case("report {in}/folder -o {out}/r.html", 3, "no result.h5ad", "finished run"),
    "a report of half a file": Case("report {in}/cut_cells.h5ad -o {out}/r.html", 3, "cut_cells.h5ad", "h5ad|copy"),
    "a report of text": Case("report {in}/adj.tsv -o {out}/r.html", 3, "adj.tsv is no h5ad", "finished run"),
    "a report without its embedding": Case(
        "report {in}/cells.h5ad --basis tsne -o {out}/r.html", 3, "no embedding 'tsne'", "it has"
    ),
    "a report by no column": Case(
        "report {in}/cells.h5ad --groupby tissue -o {out}/r.html", 3, "no column 'tissue'", "kind"
    ),
    "a report that exists": Case("report {in}/cells.h5ad -o {in}/old.tsv", 3, "old.tsv exists", "--force"),
    "scores that are missing": Case("resources build-db --scores {in}/none.feather -o {out}/db", (2, 3), "none", ""),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("bad")
    _good(made)
    _bad(made)
    return made


@pytest.fixture(autouse=True)
def _environment(tmp_path, monkeypatch):
    monkeypatch.setenv("REGULOOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REGULOOM_OFFLINE", "1")


def _check(case: Case, code: int, err: str, folder: Path) -> None:
    lines = [line for line in err.splitlines() if line.strip() and not LOG.match(line)]
    assert code == case.code if isinstance(case.code, int) else code in case.code, err
    assert len(lines) == 1, err
    assert SENTENCE.match(lines[0]), lines[0]
    assert "Traceback" not in err
    assert case.names.format(**{"in": folder}) in lines[0]
    assert re.search(case.hint, lines[0]), lines[0]


def _left(folder: Path) -> set[tuple[str, int]]:
    return {(str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name, run, folder, tmp_path):
    case = CASES[name]
    out = tmp_path / "out"
    out.mkdir()
    before = _left(folder)
    outcome = run(*case.line.format(**{"in": folder, "out": out}).split())
    _check(case, outcome.code, outcome.err, folder)
    assert outcome.out == ""
    assert _left(out) == set()
    assert _left(folder) == before


@pytest.mark.parametrize("name", ["missing matrix", "half a database", "no threads"])
def test_the_real_program_does_the_same(name, folder, tmp_path):
    case = CASES[name]
    args = case.line.format(**{"in": folder, "out": tmp_path}).split()
    done = subprocess.run([sys.executable, "-m", "reguloom.cli", *args], capture_output=True, text=True, check=False)
    _check(case, done.returncode, done.stderr, folder)
    assert _left(tmp_path) == set()


def test_the_table_has_every_command():
    from reguloom.cli.app import COMMANDS

    used = {case.line.split()[0].replace("_", "-") for case in CASES.values()}
    assert set(COMMANDS) - used <= {"doctor", "demo", "consensus"}
    assert len(CASES) >= 20


def test_the_good_files_are_good(run, folder, tmp_path):
    """So that a bad file is refused for its badness."""
    lines = [
        f"grn {folder}/cells.csv {folder}/tfs.txt -o {tmp_path}/adj.tsv",
        f"grn {folder}/whole.csv.gz {folder}/tfs.txt -o {tmp_path}/adj2.tsv",
        f"add_cor {folder}/adj.tsv {folder}/cells.loom -o {tmp_path}/cor.tsv",
        f"aucell {folder}/cells.h5ad {folder}/regulons.gmt -o {tmp_path}/auc.csv",
        f"rss {folder}/auc.csv --groups {folder}/groups.csv -o {tmp_path}/rss.csv",
        f"binarize {folder}/auc.csv -o {tmp_path}/bin.csv",
    ]
    for line in lines:
        outcome = run(*line.split())
        assert outcome.code == 0, outcome.err
    ctx = run(*(CTX % (DB, "motifs.tbl")).format(**{"in": folder, "out": tmp_path}).split())
    assert ctx.code in (0, 6), ctx.err


def test_negative_values_are_allowed(run, folder, tmp_path):
    for line in ("grn {0}/negative.csv {0}/tfs.txt", "aucell {0}/negative.csv {0}/regulons.gmt"):
        outcome = run(*line.format(folder).split(), "-o", tmp_path / f"{line[:3]}.csv")
        assert outcome.code == 0, outcome.err
        assert "negative" in outcome.err


@pytest.fixture
def full_disk():
    """A disk of 64 kB with nothing left on it; not below tmp_path, which another test run may move away."""
    folder = Path(tempfile.mkdtemp(prefix="reguloom-small-disk-"))
    mount = shutil.which("mount")
    if mount is None or os.name != "posix":
        pytest.skip("there is no mount here")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.decode().strip()}")
    with (folder / "ballast").open("wb", buffering=0) as ballast:
        for size in (4096, 1):
            try:
                while True:
                    ballast.write(b"x" * size)
            except OSError:
                pass
    yield folder
    subprocess.run([shutil.which("umount"), folder], check=True)
    folder.rmdir()


@pytest.mark.parametrize(
    "line",
    [
        "grn {in}/cells.csv {in}/tfs.txt -o {disk}/adj.tsv",
        "aucell {in}/cells.csv {in}/regulons.gmt -o {disk}/auc.csv",
        "aucell {in}/cells.csv {in}/regulons.gmt -o {disk}/auc.parquet",
        "aucell {in}/cells.csv {in}/regulons.gmt -o {disk}/auc.h5ad",
        "aucell {in}/cells.csv {in}/regulons.gmt -o {disk}/auc.loom",
        "rss {in}/auc.csv --groups {in}/groups.csv -o {disk}/rss.csv",
        "convert {in}/cells.csv {disk}/cells.h5ad",
        "convert {in}/adj.tsv {disk}/adj.parquet",
        "grn {in}/cells.csv {in}/tfs.txt -o {disk}/adj.csv.gz",
    ],
)
def test_a_full_disk(line, run, folder, full_disk):
    outcome = run(*line.format(**{"in": folder, "disk": full_disk}).split())
    case = Case(line, 3, str(full_disk), "free some space")
    _check(case, outcome.code, outcome.err, folder)
    assert [path.name for path in full_disk.iterdir()] == ["ballast"]
