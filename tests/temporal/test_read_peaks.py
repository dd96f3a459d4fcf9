"""Places on the genome, and fragments summed over genes."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

import reguloom as rl
from reguloom.temporal.read_peaks import gene_activity, is_peak_names, overlaps, peak_places, read_places

GENES = pd.DataFrame(
    {
        "chromosome": ["chr1", "chr1", "chr1", "chr2"],
        "start": [10_000, 15_000, 50_000, 10_000],
        "end": [12_000, 16_000, 60_000, 20_000],
        "strand": ["+", "+", "-", "-"],
        "gene": ["id1", "id1", "id2", "id3"],
        "symbol": ["A", "A", "B", "C"],
    }
)
PEAKS = [
    "chr1-7500-7999",
    "chr1-8100-8600",
    "chr1-13000-13500",
    "chr1-61900-62500",
    "chr1_62100_62500",
    "chr2:9000-9500",
]


def test_places():
    found = read_places(GENES)
    assert found.loc["A", ["start", "end", "tss"]].tolist() == [10_000, 16_000, 10_000]
    assert found.loc["B", "tss"] == 60_000


@pytest.mark.parametrize("kind", ["csv", "tsv", "bed", "gtf"])
def test_files_of_genes(kind, tmp_path):
    path = tmp_path / f"genes.{kind}"
    if kind in ("csv", "tsv"):
        GENES.to_csv(path, sep="," if kind == "csv" else "\t", index=False)
    elif kind == "bed":
        GENES.assign(score=0)[["chromosome", "start", "end", "symbol", "score", "strand"]].to_csv(
            path, sep="\t", index=False, header=False
        )
    else:
        lines = [
            f'{row.chromosome}\tx\tgene\t{row.start + 1}\t{row.end}\t.\t{row.strand}\t.\tgene_id "{row.gene}"; '
            f'gene_name "{row.symbol}";\n'
            for row in GENES.itertuples()
        ]
        path.write_text("# a comment\n" + "".join(lines))
    pd.testing.assert_frame_equal(read_places(path), read_places(GENES), check_dtype=False)


def test_missing_columns_are_named():
    with pytest.raises(rl.InputError, match="none for chrom"):
        read_places(pd.DataFrame({"gene": ["A"], "start": [1]}))


def test_names_of_peaks():
    assert is_peak_names(PEAKS)
    assert not is_peak_names(["IRF1", "HLA-B", "CXCL10"])
    odd = peak_places(pd.DataFrame(index=["chr18_GL456216_random_32820116_32820994"]))
    assert odd.iloc[0].tolist() == ["chr18_GL456216_random", 32820116, 32820994]


def test_overlaps_by_brute_force():
    rng = np.random.default_rng(0)
    tables = []
    for n in (200, 60):
        start = rng.integers(0, 5000, n)
        chrom = rng.choice(["a", "b", "c"], n)
        tables.append(pd.DataFrame({"chrom": chrom, "start": start, "end": start + rng.integers(1, 400, n)}))
    first, second = tables
    row, column = overlaps(first, second)
    pairs = [
        (i, j)
        for j, y in enumerate(second.itertuples())
        for i, x in enumerate(first.itertuples())
        if x.chrom == y.chrom and x.start < y.end and x.end > y.start
    ]
    assert list(zip(row.tolist(), column.tolist(), strict=True)) == pairs


def test_gene_activity():
    """Body and 2,000 bases before it, on the gene's own strand; sums of counts are counts."""
    adata = anndata.AnnData(csr_matrix(np.arange(12, dtype=np.float32).reshape(2, 6)))
    adata.var_names = PEAKS
    found = gene_activity(adata, GENES)
    assert found.var_names.tolist() == ["A", "B"]
    assert found.X.toarray().tolist() == [[1 + 2, 3], [7 + 8, 9]]
    assert found.var["n_peaks"].tolist() == [2, 1]
    assert found.uns["gene_peaks"].to_numpy().tolist() == [["A", PEAKS[1]], ["A", PEAKS[2]], ["B", PEAKS[3]]]


def test_other_names_of_chromosomes_are_told():
    adata = anndata.AnnData(csr_matrix(np.ones((2, 2), np.float32)))
    adata.var_names = ["1-10000-10500", "1-11000-11500"]
    with pytest.raises(rl.EmptyResultError, match="name chromosomes alike"):
        gene_activity(adata, GENES)
