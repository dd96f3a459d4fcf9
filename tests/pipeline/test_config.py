"""A configuration is checked as a whole, and what is wrong is said in one sentence, before anything runs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from reguloom import InputError
from reguloom.pipeline import RunConfig, read_config
from reguloom.pipeline._config_file import as_toml, example, make_config

CELLS = {"input": {"expression": "cells.h5ad"}}
CTX = {"rankings": "db.feather", "annotations": "motifs.tbl"}
WRONG = {
    "a misspelt section": ({"imput": {}, **CELLS}, r"unknown section \[imput\]; did you mean input\?"),
    "a misspelt key": ({**CELLS, "grn": {"tf": "a"}}, r"unknown key grn\.tf; did you mean grn\.tfs\?"),
    "a key like no other": ({**CELLS, "colour": 1}, r"unknown key colour; accepted are title, output, seed"),
    "no cells": ({"seed": 1}, r"lacks input; add it"),
    "no factors": ({**CELLS, "grn": {}}, r"lacks grn\.tfs"),
    "a number for a file": ({**CELLS, "grn": {"tfs": 3}}, r"grn\.tfs is 3; accepted is the name of a file"),
    "text for a number": ({**CELLS, "seed": "one"}, r'seed is "one"; accepted is a whole number\.'),
    "a negative seed": ({**CELLS, "seed": -1}, r"seed is -1; accepted is a number greater than or equal to 0\."),
    "another method": ({**CELLS, "grn": {"tfs": "a", "method": "lasso"}}, r"grn\.method is \"lasso\".*'grnboost2'"),
    "no database": ({**CELLS, "ctx": {**CTX, "rankings": []}}, r"ctx\.rankings is \[\]; accepted is a list with at"),
    "a list of numbers": ({**CELLS, "ctx": {**CTX, "rankings": [3]}}, r"ctx\.rankings is 3; accepted is the name"),
    "an unknown null": (
        {**CELLS, "oracle": {"pseudotime": "t", "nulls": ["none"]}},
        r"oracle\.nulls is \"none\"; accepted is 'rewired', 'matched' or 'block'\.",
    ),
    "a share above one": ({**CELLS, "aucell": {"auc_threshold": 2}}, r"auc_threshold is 2; accepted is a number less"),
    "a section that is none": ({"input": 3}, r"input is 3; accepted is a section"),
    "motifs without a network": ({**CELLS, "ctx": CTX}, r"\[ctx\] needs a network; add \[grn\]"),
    "activity without regulons": ({**CELLS, "aucell": {}}, r"\[aucell\] needs regulons"),
    "calls without activity": ({**CELLS, "binarize": {}}, r"\[binarize\] needs activities; add \[aucell\]"),
    "specificity without groups": (
        {**CELLS, "aucell": {"regulons": "a.gmt"}, "rss": {}},
        r"\[rss\] needs groups of cells; give rss\.groupby or input\.groupby\.",
    ),
    "a screen without direction": ({**CELLS, "oracle": {}}, r"needs a direction of development; give pseudotime"),
    "a screen without a prior": ({**CELLS, "oracle": {"pseudotime": "t"}}, r"\[oracle\] takes this run's regulons"),
    "a screen without an embedding": (
        {**CELLS, "oracle": {"pseudotime": "t", "network": "base.parquet"}},
        r"\[oracle\] needs an embedding",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(name: str) -> None:
    content, pattern = WRONG[name]
    with pytest.raises(InputError, match=pattern) as caught:
        make_config(content, folder=Path("/"), source="run.toml")
    text = str(caught.value)
    assert text.startswith("run.toml") and text.endswith(".") and "\n" not in text


def test_the_example_is_valid_and_names_every_key() -> None:
    text = example()
    config = make_config(tomllib.loads(text), folder=Path("/data"))
    assert config.oracle is not None and config.input.expression == Path("/data/cells.h5ad")
    switched_on = "\n".join(line.removeprefix("#: ") for line in text.splitlines() if "compat" not in line)
    full = make_config(tomllib.loads(switched_on), folder=Path("/"))
    for name in RunConfig.model_fields:
        section = getattr(full, name)
        if hasattr(section, "model_fields_set"):
            keys = set(type(section).model_fields) - {"compat"}
            assert keys <= set(section.model_fields_set), name


def test_a_configuration_survives_being_written() -> None:
    config = make_config(tomllib.loads(example()), folder=Path("/data"))
    assert make_config(tomllib.loads(as_toml(config)), folder=Path("/elsewhere")) == config


def test_quotes_and_letters_survive() -> None:
    config = make_config({**CELLS, "title": 'a "title"\\ ü\n'}, folder=Path("/"))
    assert make_config(tomllib.loads(as_toml(config)), folder=Path("/")).title == 'a "title"\\ ü\n'


def test_changes_take_the_place_of_values(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[input]\nexpression = "cells.h5ad"\n[grn]\ntfs = "tfs.txt"\n')
    changes = ["grn.method=pearson", "seed=7", "input.min_cells = 3", 'ctx.rankings=["a", "b"]']
    config = read_config(path, changes=[*changes, "ctx.annotations=m.tbl"])
    assert config.grn is not None and config.grn.method == "pearson" and config.seed == 7
    assert config.ctx is not None and config.ctx.rankings == [tmp_path / "a", tmp_path / "b"]
    assert config.input.min_cells == 3
    wrong = {
        "grn": r"--set grn is no assignment; write section\.key=value",
        "seed.a=1": r"--set seed\.a=1: seed is a value and no section",
        "grm.tfs=1": r"unknown section \[grm\]; did you mean grn\?",
    }
    for change, pattern in wrong.items():
        with pytest.raises(InputError, match=pattern):
            read_config(path, changes=["seed=1", change])


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("input: cells\n")
    with pytest.raises(InputError, match=r"run\.toml is no TOML \(.*line 1.*--init"):
        read_config(tmp_path / "run.toml")
    with pytest.raises(InputError, match="none.toml does not exist"):
        read_config(tmp_path / "none.toml")


def test_the_schema_describes_every_key() -> None:
    schema = RunConfig.model_json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["required"] == ["input"] and schema["additionalProperties"] is False
    for name, section in schema["$defs"].items():
        assert section["additionalProperties"] is False, name
        assert all("description" in one for one in section["properties"].values()), name
