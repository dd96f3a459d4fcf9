from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reguloom as rl
from reguloom.core import Network
from reguloom.evaluate.dual_knockouts import ADDITIVE, MEAN, NO_CHANGE, SINGLES

GENES = [f"G{i}" for i in range(1, 11)]


def files(rng: np.random.Generator, *, truth: bool) -> dict[str, str]:
    """Return a small network's files: every knock-out adds its own effect, and noise-free doubles add both."""
    wild = pd.Series(0.5, GENES)
    effect = rng.uniform(-0.15, 0.15, (10, 10))
    knock = pd.DataFrame(wild.to_numpy() + effect, columns=GENES)
    values = knock.to_numpy().copy()
    np.fill_diagonal(values, 0.0)
    pairs = [(1, 2), (3, 4), (9, 10)]
    doubles = np.array([wild + effect[i - 1] + effect[j - 1] for i, j in pairs])
    for row, pair in zip(doubles, pairs, strict=True):
        row[[i - 1 for i in pair]] = 0.0

    def text(table: np.ndarray, **options: object) -> str:
        return pd.DataFrame(table, columns=GENES).to_csv(sep="\t", index=False, **options)

    times = pd.DataFrame(rng.random((6, 10)), columns=GENES)
    times.insert(0, "Time", [0.0, 50.0, 100.0] * 2)
    made = {
        "wildtype": text(wild.to_numpy()[None, :]),
        "knockouts": text(values),
        "knockdowns": text(values / 2 + 0.25),
        "multifactorial": text(rng.random((10, 10))),
        "timeseries": times.to_csv(sep="\t", index=False),
        "dualknockouts": "G_i\tG_j\n" + "".join(f"{i}\t{j}\n" for i, j in pairs),
        "goldStandard": "".join(f"G1\tG{j}\t{int(j < 5)}\n" for j in range(2, 11)),
    }
    return made | ({"nonoise_dualknockouts": text(doubles)} if truth else {})


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "dream4.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        contents = files(np.random.default_rng(0), truth=True)
        for name, text in {**contents, "._wildtype": "rubbish"}.items():
            info = tarfile.TarInfo(f"top/insilico_size10_3/{name}.tsv")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


def test_reads_everything(archive: Path) -> None:
    data = rl.evaluate.read_dream4(archive, size=10, number=3)
    assert data.genes == GENES and data.wild_type.shape == (1, 10)
    assert list(data.knockouts.index) == GENES and data.knockouts.loc["G4", "G4"] == 0
    assert data.multifactorial.shape == (10, 10)
    assert data.time_series.index.tolist()[:4] == [(1, 0.0), (1, 50.0), (1, 100.0), (2, 0.0)]
    assert data.dual_knockouts == [("G1", "G2"), ("G3", "G4"), ("G9", "G10")]
    assert len(data.truth) == 3 and set(data.truth.regulators) == {"G1"}
    assert data.samples().shape == (1 + 10 + 10 + 10 + 6, 10) and data.samples().index.is_unique
    assert data.samples(experiments=["knockouts"]).index[0] == "knockouts:G1"


def test_reads_a_folder_with_the_challenges_own_names(tmp_path: Path) -> None:
    own = {"dualknockouts": "dualknockouts_indexes"}
    for name, text in files(np.random.default_rng(0), truth=False).items():
        file = f"insilico_size10_1_{own.get(name, name)}.tsv"
        path = tmp_path / ("gold" if name == "goldStandard" else "data/insilico_size10_1") / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert rl.evaluate.read_dream4(tmp_path).dual_knockouts[0] == ("G1", "G2")


def test_additive_doubles_are_predicted_without_error_where_effects_add_up(archive: Path) -> None:
    data = rl.evaluate.read_dream4(archive, size=10, number=3)
    table = data.score_dual_knockouts({"perfect": data.dual_truth}).set_index("method")
    assert list(table.index) == ["perfect", ADDITIVE, NO_CHANGE, SINGLES, MEAN]
    assert table.loc["perfect", "rmse"] == 0 and table.loc[ADDITIVE, "rmse"] == pytest.approx(0, abs=1e-12)
    assert table.loc[ADDITIVE, "pearson_delta"] == pytest.approx(1)
    truth, singles = data.dual_truth.to_numpy(), data.knockouts
    counted = np.array([[gene not in pair for gene in GENES] for pair in data.dual_knockouts])
    error = np.sqrt(((truth - 0.5) ** 2)[counted].mean())
    assert table.loc[NO_CHANGE, "rmse"] == pytest.approx(error)
    assert table.loc[NO_CHANGE, "low"] < error < table.loc[NO_CHANGE, "high"]
    halves = np.array([(singles.loc[a] + singles.loc[b]) / 2 for a, b in data.dual_knockouts])
    assert table.loc[SINGLES, "rmse"] == pytest.approx(np.sqrt(((truth - halves) ** 2)[counted].mean()))
    assert table["n_values"].eq(24).all()
    starts = np.concatenate([data.wild_type, data.time_series.to_numpy()[[0, 3]]])
    noise = np.sqrt(starts.var(axis=0, ddof=1).mean())
    assert table.loc[ADDITIVE, "noise"] == pytest.approx(np.sqrt(3) * noise)


def test_own_gene_stays_knocked_out_and_bad_tables_are_refused(archive: Path) -> None:
    data = rl.evaluate.read_dream4(archive, size=10, number=3)
    made = rl.evaluate.additive_knockouts(data.knockouts, data.dual_knockouts, control=data.wild_type.iloc[0])
    assert all(table.loc["G3+G4", ["G3", "G4"]].eq(0).all() for table in made.values())
    with pytest.raises(rl.InputError, match="the truth has 1 rows"):
        data.score_dual_knockouts(truth=data.wild_type)
    with pytest.raises(rl.MissingKeyError, match="no single knock-out"):
        rl.evaluate.additive_knockouts(data.knockouts, [("G1", "X")], control=data.wild_type.iloc[0])


def test_one_call_scores_any_network(archive: Path) -> None:
    perfect = Network.from_edges(["G1"] * 3, ["G2", "G3", "G4"])
    table = rl.evaluate.dream4({"perfect": perfect}, archive, size=10, number=3, n_bootstrap=20, n_permutations=20)
    wide = table.pivot(index="method", columns="metric", values="value")
    assert wide.loc["perfect", "auprc"] == 1.0 and table["n_candidates"].eq(90).all()
    assert table.loc[table["baseline"], "method"].nunique() == 3


def test_what_is_missing_or_corrupt(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(rl.MissingKeyError, match="insilico_size10_4"):
        rl.evaluate.read_dream4(archive, size=10, number=4)
    with pytest.raises(rl.InputError, match="does not exist"):
        rl.evaluate.read_dream4(tmp_path / "no.tar.gz")
    (tmp_path / "cut.tar.gz").write_bytes(archive.read_bytes()[:300])
    with pytest.raises(rl.ResourceError, match="download it again"):
        rl.evaluate.read_dream4(tmp_path / "cut.tar.gz", number=3)
    with pytest.raises(rl.InputError, match="are not those of"):
        rl.evaluate.read_dream4(archive, number=3).samples(experiments=["dual"])


@pytest.mark.parametrize(("size", "n_edges", "n_pairs", "n_samples"), [(10, 15, 5, 136), (100, 176, 20, 411)])
def test_the_real_archive(shared: Path, size: int, n_edges: int, n_pairs: int, n_samples: int) -> None:
    path = shared / "data/grn_benchmark/dream4.tar.gz"
    data = rl.evaluate.read_dream4(path, size=size, number=1)
    assert (len(data.truth), len(data.dual_knockouts), len(data.samples())) == (n_edges, n_pairs, n_samples)
    assert np.diag(data.knockouts).max() == 0
    table = data.score({}, n_bootstrap=20, n_permutations=20)
    assert (table.loc[table["metric"] == "auprc", "ratio"] > 1.4).all()
    # The archive names the pairs of the dual knock-outs alone, so the error is not known, the noise is.
    duals = data.score_dual_knockouts().set_index("method")
    assert duals["rmse"].isna().all() and 0.05 < duals.loc[ADDITIVE, "noise"] < 0.15
    if size == 100:
        with pytest.raises(rl.InputError, match="multifactorial"):
            data.samples(experiments=["multifactorial"])
