from __future__ import annotations

import numpy as np
import pytest

from reguloom._errors import InputError
from reguloom.motifs import Motif, read_motifs

GATA = np.array([[0, 0, 10, 0], [10, 0, 0, 0], [0, 0, 0, 10], [9, 0, 1, 0]], dtype=float)
JASPAR = """>MA0035.4 GATA1
A  [ 0 10 0 9 ]
C  [ 0 0 0 0 ]
G  [ 10 0 0 1 ]
T  [ 0 0 10 0 ]
>MA0002 other
A  [ 1 2 3 ]
C  [ 1 2 3 ]
G  [ 1 2 3 ]
T  [ 1 2 3 ]
"""
PLAIN_JASPAR = ">MA0035.4\n0 10 0 9 2\n0 0 0 0 2\n10 0 0 1 2\n0 0 10 0 2\n"
MEME = """MEME version 4

ALPHABET= ACGT

MOTIF MA0035.4 GATA1
letter-probability matrix: alength= 4 w= 4 nsites= 10 E= 0
 0.0 0.0 1.0 0.0
 1.0 0.0 0.0 0.0
 0.0 0.0 0.0 1.0
 0.9 0.0 0.1 0.0
URL http://x

MOTIF second
letter-probability matrix: alength= 4 w= 1
 0.25 0.25 0.25 0.25
"""
TRANSFAC = """AC MA0035.4
XX
ID GATA1
XX
PO A C G T
01 0 0 10 0 G
02 10 0 0 0 A
03 0 0 0 10 T
04 9 0 1 0 A
XX
//
"""
BUSTER = ">MA0035.4\n0 0 10 0\n10 0 0 0\n0 0 0 10\n9 0 1 0\n"


@pytest.mark.parametrize(
    ("name", "text", "n"),
    [
        ("a.jaspar", JASPAR, 2),
        ("a.txt", JASPAR, 2),
        ("a.meme", MEME, 2),
        ("a.txt", MEME, 2),
        ("a.transfac", TRANSFAC, 1),
        ("a.txt", TRANSFAC, 1),
        ("a.cb", BUSTER, 1),
        ("a.txt", BUSTER, 1),
    ],
)
def test_every_format_gives_the_same_motif(tmp_path, name, text, n):
    (tmp_path / name).write_text(text)
    motifs = read_motifs(tmp_path / name)
    assert (len(motifs), motifs[0].name) == (n, "MA0035.4")
    matrix = motifs[0].matrices[0]
    np.testing.assert_allclose(matrix / matrix.sum(axis=1, keepdims=True), GATA / 10)


def test_jaspar_without_letters_is_told_from_cluster_buster(tmp_path):
    (tmp_path / "a.txt").write_text(PLAIN_JASPAR)
    assert read_motifs(tmp_path / "a.txt")[0].width == 5


def test_a_folder_of_cluster_buster_files_is_one_motif_per_file(tmp_path):
    (tmp_path / "cluster_2.cb").write_text(BUSTER + BUSTER.replace("MA0035.4", "variant"))
    (tmp_path / "cluster_1.cb").write_text(BUSTER)
    (tmp_path / "notes.txt").write_text("no motif")
    motifs = read_motifs(tmp_path)
    assert [(one.name, len(one.matrices)) for one in motifs] == [("cluster_1", 1), ("cluster_2", 2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "no known motif format"),
        (">a\n1 2 3 4\n1 2 3\n", "exactly four numbers"),
        (">a\n1 2 3 4\nx y z w\n", "not a cb motif file"),
        (">a\n0 0 0 0\n", "four counts"),
        (BUSTER + BUSTER, "unique"),
    ],
)
def test_broken_files_are_refused(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_motifs(tmp_path / "a.txt")


def test_log_odds():
    motif = Motif("m", (GATA,))
    table = motif.log_odds([0.3, 0.2, 0.2, 0.3], pseudocount=0.0 + 1e-9)[0]
    assert table[0, 2] == pytest.approx(np.log2(1 / 0.2))
    assert table[3, 0] == pytest.approx(np.log2(0.9 / 0.3))
    assert (table[0, [0, 1, 3]] < -20).all()
