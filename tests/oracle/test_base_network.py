"""Base networks: a small genome with planted motifs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reguloom import oracle
from reguloom._errors import EmptyResultError, InputError
from reguloom.oracle.base_network import peak_genes

SITE = {"M1": "TTGACCTAAGCA", "M2": "GGACTCATTCGT"}


def peaks(*places: tuple[str, int, int]) -> pd.DataFrame:
    rows = [(f"{chrom}_{start}_{end}", chrom, start, end) for chrom, start, end in places]
    return pd.DataFrame(rows, columns=["peak", "chrom", "start", "end"])


WINDOWS = pd.DataFrame({"chrom": ["chr1", "chr1"], "start": [0, 1000], "end": [100, 1100], "gene": ["A", "B"]})


def test_peaks_belong_to_promoters_that_they_touch() -> None:
    found = peak_genes(
        peaks(("chr1", 50, 150), ("chr1", 99, 1001), ("chr1", 100, 200)), WINDOWS, None, min_coaccess=0.8
    )
    assert set(map(tuple, found[["peak", "gene"]].to_numpy())) == {
        ("chr1_50_150", "A"), ("chr1_99_1001", "A"), ("chr1_99_1001", "B"),
    }  # fmt: skip


def test_peaks_that_open_together_share_genes() -> None:
    links = pd.DataFrame({
        "Peak1": ["chr1_50_150", "chr1_50_150", "chr1_500_600"],
        "Peak2": ["chr1_500_600", "chr1_700_800", "chr1_50_150"],
        "coaccess": [0.9, 0.5, 0.9],
    })  # fmt: skip
    all_peaks = peaks(("chr1", 50, 150), ("chr1", 500, 600), ("chr1", 700, 800))
    found = peak_genes(all_peaks, WINDOWS, links, min_coaccess=0.8).set_index("peak")
    assert found["gene"].to_dict() == {"chr1_50_150": "A", "chr1_500_600": "A"}
    assert found["coaccess"].to_dict() == {"chr1_50_150": 1.0, "chr1_500_600": 0.9}


def test_no_peak_at_a_promoter_is_said() -> None:
    with pytest.raises(EmptyResultError, match="chr1 or 1"):
        peak_genes(peaks(("1", 50, 150)), WINDOWS, None, min_coaccess=0.8)


@pytest.fixture
def genome(tmp_path: Path) -> Path:
    """Six peaks of 300 bases; M1 lies in the first three, M2 in the fourth, twice in the fifth."""
    rng = np.random.default_rng(0)
    text = rng.choice(list("ACGT"), size=150_000)
    for place, motif in ((1100, "M1"), (3100, "M1"), (5100, "M1"), (7100, "M2"), (9100, "M2"), (9180, "M2")):
        text[place : place + 12] = list(SITE[motif])
    (tmp_path / "genome.fa").write_text(">chr1\n" + "".join(text) + "\n")
    starts = [1000, 3000, 5000, 7000, 9000, 11000]
    (tmp_path / "peaks.bed").write_text("".join(f"chr1\t{at}\t{at + 300}\n" for at in starts))
    (tmp_path / "tss.bed").write_text("".join(f"chr1\t{at}\t{at + 50}\tGene{i}\n" for i, at in enumerate(starts)))
    blocks = []
    for name, site in SITE.items():
        rows = [f"{letter} [ {' '.join('97' if base == letter else '1' for base in site)} ]" for letter in "ACGT"]
        blocks.append("\n".join([f">{name} {name}", *rows]))
    (tmp_path / "motifs.jaspar").write_text("\n".join(blocks) + "\n")
    (tmp_path / "factors.tsv").write_text("motif\tfactor\nM1\tTf1\nM1\tTf1b\nM2\tTf2\n")
    return tmp_path


def base(folder: Path, **options):
    return oracle.base_network(
        folder / "peaks.bed", folder / "tss.bed", folder / "genome.fa", motifs=folder / "motifs.jaspar",
        factors=folder / "factors.tsv", fpr=0.01, n_background=200, **options,
    )  # fmt: skip


def test_planted_motifs_are_found(genome: Path) -> None:
    pytest.importorskip("lightmotif")
    network = base(genome, threshold=15.0)
    edges = set(map(tuple, network.to_frame()[["source", "target"]].astype(str).to_numpy()))
    planted = {(tf, f"Gene{i}") for i in range(3) for tf in ("Tf1", "Tf1b")} | {("Tf2", "Gene3"), ("Tf2", "Gene4")}
    assert edges == planted


def test_scores_add_up_and_threads_do_not_matter(genome: Path) -> None:
    pytest.importorskip("lightmotif")
    strict = base(genome, threshold=30.0, n_jobs=2).to_frame()  # one site reaches 23, two 46
    assert set(strict["target"].astype(str)) == {"Gene4"}
    assert base(genome, threshold=30.0, n_jobs=1).to_frame().equals(strict)


def test_names_and_files_are_checked(genome: Path) -> None:
    pytest.importorskip("lightmotif")
    with pytest.raises(InputError, match="0 of"):
        base(genome, threshold=15.0, genes=["TF1", "TF2"])
    with pytest.raises(InputError, match="use chr1_100_600"):
        oracle.base_network(["peak7"], genome / "tss.bed", genome / "genome.fa", motifs=genome, factors={})
    with pytest.raises(EmptyResultError, match="no motif"):
        base(genome, threshold=1e6)
