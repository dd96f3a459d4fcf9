"""Provenance: plain, stable, and the fingerprints of inputs."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from reguloom import Provenance
from reguloom.core.provenance import fingerprint, plain


def test_json_round_trip() -> None:
    made = Provenance("prune", {"nes": 3.0, "names": ["a"], "n": None}, seed=7, citations=("10.1/x",))
    assert Provenance.from_json(made.to_json()) == made
    assert set(made.versions) >= {"reguloom", "python", "numpy", "scipy"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), [1, 2]),
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        ({"b", "a"}, ["a", "b"]),
        ({10, 9}, [9, 10]),
        ({"a", 1}, [1, "a"]),
        ({1: {"x": (np.bool_(True),)}}, {"1": {"x": [True]}}),
        (None, None),
    ],
)
def test_plain_values(value: object, expected: object) -> None:
    assert plain(value) == expected
    json.dumps(plain(value))


def test_unknown_objects_become_text() -> None:
    assert plain(range(2)) == "range(0, 2)"


def test_fingerprint_sees_values_shapes_and_types() -> None:
    base = np.arange(6, dtype=np.float32)
    different = [
        base.reshape(2, 3),
        base.reshape(3, 2),
        base.astype(np.float64),
        base + np.float32(1e-6),
        csr_matrix(base.reshape(2, 3)),
        csr_matrix(base.reshape(3, 2)),
        ["a", "b"],
        ["b", "a"],
    ]
    prints = [fingerprint(base), *(fingerprint(one) for one in different)]
    assert len(set(prints)) == len(prints)
    assert fingerprint(base[::2]) == fingerprint(base[::2].copy())


def test_fingerprint_does_not_depend_on_the_process() -> None:
    code = "from reguloom.core.provenance import fingerprint; print(fingerprint({'x', 'y'}, [1, 2.5], 'a'))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert runs == {f"{fingerprint({'x', 'y'}, [1, 2.5], 'a')}\n".encode()}
