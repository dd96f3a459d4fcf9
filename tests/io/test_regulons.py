"""Regulons through GMT, JSON, YAML and motif tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reguloom import io
from reguloom._errors import InputError
from reguloom.core import Provenance, Regulon, Regulons

PYSCENIC_YAML = """\
- !!python/object:ctxcore.genesig.Regulon
  annotation: x
  context: !!python/object/apply:builtins.frozenset
  - - repressing
    - m1.png
  gene2occurrence: &id001 !!python/object/apply:frozendict.frozendict
  - {}
  gene2weight: !!python/object/apply:frozendict.frozendict
  - A: !!python/object/apply:numpy.core.multiarray.scalar
    - &id002 !!python/object/apply:numpy.dtype
      args:
      - f8
      - false
      - true
      state: !!python/tuple [3, <, null, null, null, -1, -1, 0]
    - !!binary |
      AAAAAAAA+D8=
    B: 2.0
  name: TF2(-)
  nes: 4.0
  score: !!python/object/apply:numpy.core.multiarray.scalar
  - *id002
  - !!binary |
    mpmZmZmZCUA=
  transcription_factor: TF2
- !Regulon
  name: TF3(+)
  genes: [A, B]
  weights: [1.0, 0.5]
  score: 1.0
  context: !!python/tuple [activating, m2.png]
  transcription_factor: TF3
"""


@pytest.fixture
def regulons() -> Regulons:
    return Regulons(
        [
            Regulon("Spi1", 1, ("Mpo", "Elane"), (0.1 + 0.2, 1e-7), motifs=("m1", "m2"), nes=4.5, score=4.0),
            Regulon("Gata1", -1, ("Klf1",), (2.0,)),
            Regulon.from_name("GO term, with words", {"A": 1.0, "NA": 1.0}),
        ],
        provenance=Provenance("test", params={"x": 1}, seed=3),
    )


@pytest.mark.parametrize("end", [".json", ".json.gz", ".yaml", ".yml"])
def test_json_and_yaml_keep_everything(end: str, regulons: Regulons, tmp_path: Path) -> None:
    path = tmp_path / f"r{end}"
    io.write_regulons(regulons, path)
    back = io.read_regulons(path)
    assert back == regulons
    first = path.read_bytes()
    io.write_regulons(back, path, force=True)
    if "json" in end:
        assert back.provenance == regulons.provenance
        assert path.read_bytes() == first


def test_gmt_keeps_genes_names_and_scores(regulons: Regulons, tmp_path: Path) -> None:
    io.write_regulons(regulons, tmp_path / "r.gmt")
    lines = (tmp_path / "r.gmt").read_text().splitlines()
    assert lines[0] == "Spi1(+)\ttf=Spi1,score=4.0\tMpo\tElane"
    back = io.read_regulons(tmp_path / "r.gmt")
    assert back.to_dict() == regulons.to_dict()
    assert back["Spi1(+)"].score == 4.0
    assert [one.sign for one in back] == [1, -1, 0]


def test_stray_commas_of_pyscenics_gmt(tmp_path: Path) -> None:
    (tmp_path / "r.gmt").write_text("TF1(+),\t,tf=TF1,score=3.2,\tB\tA\n\n# note\nTF2_(-)\tna\tC\tC\n")
    first, second = io.read_regulons(tmp_path / "r.gmt")
    assert (first.name, first.tf, first.sign, first.targets, first.score) == ("TF1(+)", "TF1", 1, ("B", "A"), 3.2)
    assert (second.name, second.tf, second.sign, second.targets) == ("TF2_(-)", "TF2", -1, ("C",))


def test_pyscenics_yaml_without_making_objects(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(PYSCENIC_YAML)
    first, second = io.read_regulons(tmp_path / "r.yaml")
    assert (first.name, first.tf, first.sign) == ("TF2(-)", "TF2", -1)
    assert first.to_dict() == {"A": 1.5, "B": 2.0}
    assert first.motifs == ("m1",)
    assert first.score == pytest.approx(3.2)
    assert second.to_dict() == {"A": 1.0, "B": 0.5}
    assert second.motifs == ("m2",)


@pytest.mark.parametrize(
    "text",
    [
        "- !!python/object/apply:os.system ['touch pwned']",
        "- !!python/object/new:os.system ['touch pwned']",
        "- !!python/name:os.system",
        "- !!python/object:os.Foo {}",
        "- !!python/object/apply:builtins.eval ['1']",
        "- !Other {a: 1}",
    ],
)
def test_yaml_makes_nothing_else(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(InputError, match="not accepted"):
        io.read_regulons(tmp_path / "r.yaml")
    assert not Path("pwned").exists()


def test_plain_mappings(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"Spi1(+)": ["Mpo", "Elane"]}))
    (tmp_path / "b.json").write_text(json.dumps({"Spi1(+)": {"Mpo": 2.0}}))
    (tmp_path / "c.yaml").write_text("Spi1(+): [Mpo]\n")
    assert io.read_regulons(tmp_path / "a.json").to_dict() == {"Spi1(+)": ["Mpo", "Elane"]}
    assert io.read_regulons(tmp_path / "b.json")["Spi1(+)"].weights == (2.0,)
    assert io.read_regulons(tmp_path / "c.yaml")["Spi1(+)"].sign == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.gmt", "Spi1\n", "line 1"),
        ("a.gmt", "\n\n", "no regulon"),
        ("a.json", '{"a": [', "not valid JSON"),
        ("a.json", '{"a": 1}', "no set of regulons"),
        ("a.json", '[{"genes": ["A"]}]', "should be"),
        ("a.json", "{}", "no regulon"),
        ("a.yaml", "a: [1,", "not a readable YAML"),
        ("a.yaml", "3", "no set of regulons"),
        ("a.dat", "x", "pickle"),
        ("a.csv", "TF,target,importance\nA,B,1\n", "not a motif table"),
        ("a.json", '[{"name": "A", "genes": ["B", "C"], "weights": [1]}]', "weights"),
        ("a.json", '[{"name": "A", "genes": ["B"], "weights": ["x"]}]', "weights"),
    ],
)
def test_what_holds_no_regulons(name: str, content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        io.read_regulons(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_motif_table_in_and_out(shared: Path, tmp_path: Path) -> None:
    golden = shared / "golden" / "pyscenic" / "pbmc100"
    regulons = io.read_regulons(golden / "reg_fixed_alignment.csv")
    io.write_regulons(regulons, tmp_path / "m.csv")
    assert io.read_regulons(tmp_path / "m.csv") == regulons
    others = io.read_regulons(golden / "regulons_fixed.json")
    assert others.to_dict() == regulons.to_dict()
    np.testing.assert_allclose(others.meta["score"], regulons.meta["score"], rtol=1e-12)


def test_writing_what_cannot_be(regulons: Regulons, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="carry none"):
        io.write_regulons(regulons, tmp_path / "m.csv")
    with pytest.raises(InputError, match="dat"):
        io.write_regulons(regulons, tmp_path / "m.dat")
    io.write_regulons(regulons, tmp_path / "m.gmt")
    with pytest.raises(InputError, match="exists already"):
        io.write_regulons(regulons, tmp_path / "m.gmt")


def test_numbers_survive_yaml(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).random(50) * 10.0 ** np.arange(-25, 25)
    regulons = Regulons([Regulon("A", 1, tuple(f"g{i}" for i in range(50)), tuple(weights))])
    io.write_regulons(regulons, tmp_path / "r.yaml")
    back = io.read_regulons(tmp_path / "r.yaml")
    pd.testing.assert_frame_equal(back.members, regulons.members, check_exact=True)
