"""The commands: pySCENIC's flags, every format the same bytes, exit codes."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from reguloom import io
from reguloom.cli.app import main


def call(*arguments, code=0):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert (ended.value.code or 0) == code


@pytest.fixture
def files(world, tmp_path):
    import anndata as ad

    cells, tfs = world
    cells = cells.iloc[:60, :14]
    cells.to_csv(tmp_path / "x.csv")
    cells.T.to_csv(tmp_path / "turned.tsv", sep="\t")
    io.write(ad.AnnData(cells), tmp_path / "x.h5ad")
    io.write(ad.AnnData(cells), tmp_path / "x.loom")
    (tmp_path / "tfs.txt").write_text("\n".join([*tfs, "Absent"]) + "\n")
    return tmp_path


def test_every_format_gives_the_same_bytes(files):
    tfs, written = files / "tfs.txt", []
    for name, more in (("x.csv", ()), ("turned.tsv", ("-t",)), ("x.h5ad", ("--sparse",)), ("x.loom", ())):
        output = files / f"{name}.adj.tsv"
        call("grn", files / name, tfs, "-o", output, "--seed", "3", "--num_workers", "2", *more)
        written.append(output.read_bytes())
    assert len(set(written)) == 1
    assert written[0].splitlines()[0] == b"TF\ttarget\timportance"


def test_the_flags_of_pyscenic_are_accepted(files):
    call(
        *("grn", files / "x.loom", files / "tfs.txt", "-o", files / "a.csv", "-m", "grnboost2", "--seed", "777"),
        *("--num_workers", "1", "--cell_id_attribute", "CellID", "--gene_attribute", "Gene", "--sparse"),
        *("--client_or_address", "local"),
    )
    assert list(pd.read_csv(files / "a.csv")) == ["TF", "target", "importance"]


def test_meta_permutations_and_stdout(files, capsys):
    call(
        *("grn", files / "x.csv", files / "tfs.txt", "--meta", files / "meta.tsv", "--permutations", "5", "-q"),
        *("--limit", "6"),
    )
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "TF,target,importance,p,fdr"
    assert len(printed) == 7
    meta = pd.read_csv(files / "meta.tsv", sep="\t")
    assert (meta["n_estimators"] >= 25).all()
    assert set(meta["state"]) == {"ok"}


def test_add_cor_and_shards_and_merge(files):
    x, tfs = files / "x.csv", files / "tfs.txt"
    call("grn", x, tfs, "-o", files / "whole.tsv")
    for i in (1, 2):
        call("grn", x, tfs, "-o", files / f"{i}.tsv", "--shard", f"{i}/2", "--checkpoint", files / "ck")
    call("merge", files / "2.tsv", files / "1.tsv", "-o", files / "merged.tsv")
    assert (files / "merged.tsv").read_bytes() == (files / "whole.tsv").read_bytes()
    call("add_cor", files / "whole.tsv", x, "-o", files / "signed.tsv", "--mask_dropouts")
    signed = pd.read_csv(files / "signed.tsv", sep="\t")
    assert list(signed) == ["TF", "target", "importance", "regulation", "rho"]
    assert signed["regulation"].isin([-1, 0, 1]).all()


def test_consensus_of_networks_and_regulons(files):
    for seed in (1, 2):
        call("grn", files / "x.csv", files / "tfs.txt", "-o", files / f"{seed}.tsv", "--seed", seed)
    call("consensus", files / "1.tsv", files / "2.tsv", "-o", files / "c.tsv", "--top", "30", "--min-recurrence", "1")
    merged = pd.read_csv(files / "c.tsv", sep="\t")
    assert (merged["recurrence"] == 1).all()
    assert len(merged) <= 30
    for i in (1, 2):
        (files / f"{i}.gmt").write_text("A(+)\tx\tg1\tg2\tg3\n")
    call("consensus", files / "1.gmt", files / "2.gmt", "-o", files / "c.gmt", "--min-genes", "2")
    assert io.read_regulons(files / "c.gmt").names == ["A(+)"]
    call("consensus", files / "1.tsv", "-o", files / "no.tsv", code=2)


def test_mistakes_end_with_their_exit_code(files, capsys):
    x, tfs = files / "x.csv", files / "tfs.txt"
    (files / "human.txt").write_text("GATA1\nSPI1\n")
    call("grn", x, files / "human.txt", "-o", files / "no.tsv", code=3)
    call("grn", files / "missing.csv", tfs, "-o", files / "no.tsv", code=3)
    call("grn", x, tfs, "-o", files / "no.tsv", "--resume", code=2)
    call("grn", x, tfs, "-o", files / "no.tsv", "-m", "magic", code=2)
    call("grn", x, tfs, "-o", files / "no.tsv", "--layer", "absent", code=3)
    (files / "old.tsv").write_text("kept\n")
    call("grn", x, tfs, "-o", files / "old.tsv", code=3)
    assert (files / "old.tsv").read_text() == "kept\n"
    assert not (files / "no.tsv").exists()
    broken = pd.read_csv(x, index_col=0)
    broken.iloc[2, 3] = np.nan
    broken.to_csv(files / "nan.csv")
    capsys.readouterr()
    call("grn", files / "nan.csv", tfs, "-o", files / "no.tsv", code=3)
    assert "TF3" in capsys.readouterr().err


def test_help_imports_nothing_heavy():
    import subprocess

    for name in ("grn", "add-cor", "merge", "consensus"):
        code = (
            "import sys\nfrom reguloom.cli.app import main\n"
            f"try: main(['{name}', '--help'])\nexcept SystemExit: pass\n"
            "print(sorted({'numba', 'pandas', 'sklearn'} & set(sys.modules)), file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stderr.strip().endswith("[]")


def test_the_command_offers_every_method():
    from reguloom import grn
    from reguloom.cli.grn import METHODS

    assert set(METHODS) == set(grn.methods().index)
