from __future__ import annotations

import numpy as np
import pytest

from reguloom import io
from reguloom._errors import InputError, MissingDependencyError
from reguloom.cli.app import main
from reguloom.motifs import Motif, extract_regions, read_fasta, score_genes, score_sequences
from reguloom.motifs import scan as scanning

PAIRS = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(4)
    sequences = {f"g{i % 7}#{i}": "".join(rng.choice(list("ACGT"), rng.integers(3, 60))) for i in range(20)}
    sequences["g0#N"] = "NNNNNNNNNNNN"
    sequences["g1#N"] = "ACGTNNACGT"
    motifs = [
        Motif("one", (rng.dirichlet([0.3] * 4, 6),)),
        Motif("two", (rng.dirichlet([0.3] * 4, 9), rng.dirichlet([0.3] * 4, 4))),
    ]
    return sequences, motifs


def plain(sequence, tables, both):
    """Best log odds of any window, strand and variant; 0 at least."""
    best = 0.0
    for text in (sequence, "".join(PAIRS[base] for base in reversed(sequence))) if both else (sequence,):
        for table in tables:
            for start in range(len(text) - len(table) + 1):
                window = text[start : start + len(table)]
                if "N" not in window:
                    best = max(best, sum(row["ACGT".index(base)] for row, base in zip(table, window, strict=True)))
    return best


@pytest.mark.parametrize("both", [True, False])
def test_scores_equal_a_plain_scan(problem, both, monkeypatch):
    pytest.importorskip("lightmotif")
    sequences, motifs = problem
    base = [0.3, 0.2, 0.2, 0.3]
    scores = score_sequences(sequences, motifs, background=base, both_strands=both, n_jobs=1)
    for motif in motifs:
        tables = motif.log_odds(base)
        expected = [plain(sequence, tables, both) for sequence in sequences.values()]
        np.testing.assert_allclose(scores.loc[motif.name], expected, rtol=1e-4, atol=1e-4)
    monkeypatch.setattr(scanning, "CHUNK", 50)
    assert score_sequences(sequences, motifs, background=base, both_strands=both, n_jobs=2).equals(scores)


def test_a_gene_takes_its_best_sequence(problem):
    pytest.importorskip("lightmotif")
    sequences, motifs = problem
    by_sequence, by_gene = score_sequences(sequences, motifs), score_genes(sequences, motifs)
    assert list(by_gene.columns) == ["g0", "g0#N", "g1", "g1#N", *(f"g{i}" for i in range(2, 7))]
    own = [name for name in sequences if name.split("#")[0] == "g3"]
    np.testing.assert_array_equal(by_gene["g3"], by_sequence[own].max(axis=1))
    prefixed = {f"chr1:{i}@@{name.split('#')[0]}": text for i, (name, text) in enumerate(sequences.items())}
    assert list(score_genes(prefixed, motifs, gene_pattern=r"^.+@@(?P<gene>.+)$").columns) == [
        f"g{i}" for i in range(7)
    ]


def test_what_is_refused(problem):
    pytest.importorskip("lightmotif")
    sequences, motifs = problem
    with pytest.raises(InputError, match="at least one of each"):
        score_sequences({}, motifs)
    with pytest.raises(InputError, match="four positive"):
        score_sequences(sequences, motifs, background=[1, 0, 0, 0])
    with pytest.raises(InputError, match="no group"):
        score_genes(sequences, motifs, gene_pattern="^(.+)$")
    with pytest.raises(InputError, match="finds no gene"):
        score_genes(sequences, motifs, gene_pattern="@(?P<gene>.+)$")


def test_the_extra_is_named_where_it_is_missing(problem, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "lightmotif", None)
    with pytest.raises(MissingDependencyError, match=r"reguloom\[motif\]"):
        score_sequences(*problem)


def test_fasta(tmp_path):
    (tmp_path / "a.fa").write_text(">g1 first\nacgt\nRR\n>g2\nTTUU\n")
    assert read_fasta(tmp_path / "a.fa") == {"g1": "ACGTNN", "g2": "TTTT"}
    for text, message in ((">a\nA\n>a\nC\n", "twice"), ("ACGT\n", "no FASTA"), (">a\nAC5\n", "A, C, G, T and N")):
        (tmp_path / "b.fa").write_text(text)
        with pytest.raises(InputError, match=message):
            read_fasta(tmp_path / "b.fa")


def test_regions_of_a_genome(tmp_path):
    pytest.importorskip("pyfaidx")
    (tmp_path / "genome.fa").write_text(">chr1\nAACCGGTTAC\nGGGTTTAAAC\n>chr2\nACGTACGTAC\n")
    bed = "chr1\t2\t6\tGata1#1\t0\t+\nchr1\t8\t13\tGata1#2\t0\t-\nchrX\t1\t2\tLost\t0\t+\n"
    (tmp_path / "promoters.bed").write_text(bed)
    found = extract_regions(tmp_path / "genome.fa", tmp_path / "promoters.bed")
    assert found == {"Gata1#1": "CCGG", "Gata1#2": "CCCGT"}
    assert not (tmp_path / "genome.fa.fai").exists()
    (tmp_path / "promoters.bed").write_text("1\t2\t6\tGata1\n")
    with pytest.raises(InputError, match="chr1 or 1"):
        extract_regions(tmp_path / "genome.fa", tmp_path / "promoters.bed")


def test_a_database_from_sequences_on_the_command_line(tmp_path, problem):
    pytest.importorskip("lightmotif")
    rng = np.random.default_rng(1)
    hidden = {i: "TGATAAGGCA" if i < 5 else "" for i in range(60)}
    texts = ["".join(rng.choice(list("ACGT"), 80)) + hidden[i] for i in range(60)]
    (tmp_path / "p.fa").write_text("".join(f">g{i:02d}#1\n{text}\n" for i, text in enumerate(texts)))
    rows = "\n".join(" ".join("100" if base == letter else "1" for base in "ACGT") for letter in "TGATAAGGCA")
    (tmp_path / "m.cb").write_text(f">site\n{rows}\n")
    arguments = ["--fasta", tmp_path / "p.fa", "--motifs", tmp_path / "m.cb", "-o", tmp_path / "fish", "--write_scores"]
    with pytest.raises(SystemExit) as stopped:
        main(["resources", "build-db", *map(str, arguments)])
    assert stopped.value.code == 0
    database = io.read_rankings(tmp_path / "fish.genes_vs_motifs.rankings.feather")
    ranks = database.load(["g00", "g01", "g02", "g03", "g04"])[0]
    assert sorted(ranks) == [0, 1, 2, 3, 4]
    with pytest.raises(SystemExit) as stopped:
        scores = tmp_path / "fish.genes_vs_motifs.scores.feather"
        main(["resources", "build-db", "--scores", str(scores), "-o", str(tmp_path / "again")])
    assert stopped.value.code == 0
    again = tmp_path / "again.genes_vs_motifs.rankings.feather"
    assert again.read_bytes() == database.path.read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [["--motifs", "m"], ["--fasta", "f"], ["--genome", "g", "--motifs", "m"], ["--scores", "s", "--fasta", "f"]],
)
def test_incomplete_sources_are_a_usage_error(arguments, tmp_path):
    with pytest.raises(SystemExit) as stopped:
        main(["resources", "build-db", *arguments, "-o", str(tmp_path / "x")])
    assert stopped.value.code == 2
