"""Where a result came from: method, parameters, seed, input, versions."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reguloom._errors import InputError
from reguloom._version import __version__


@dataclass(frozen=True)
class Provenance:
    """What is needed to make a result again.

    Parameters
    ----------
    method
        Name of the method, e.g. ``"grnboost2"``.
    params
        Its parameters; values are numbers, text, booleans, None, or lists and mappings of these.
    seed
        The root seed, or None if nothing was random.
    inputs
        A fingerprint (or a path) for each input.
    versions
        Versions of reguloom, Python and the packages that decide the numbers.
    citations
        DOIs of the methods used.
    """

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=lambda: versions())
    citations: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain types that JSON, h5ad and zarr can hold (no tuples, no objects)."""
        return {
            "method": self.method,
            "params": plain(self.params),
            "seed": self.seed,
            "inputs": dict(self.inputs),
            "versions": dict(self.versions),
            "citations": list(self.citations),
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON text; inside ``uns`` this survives every file format."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """Return the provenance that :meth:`to_json` wrote as `text`.

        Raises
        ------
        InputError
            If the text is something else.
        """
        try:
            fields = json.loads(text)
            return cls(**{**fields, "citations": tuple(fields["citations"])})
        except (TypeError, KeyError, ValueError) as error:
            msg = f"the provenance {text[:60]!r} is not as it was written ({error}); make the file again."
            raise InputError(msg) from error


def versions() -> dict[str, str]:
    """Return the versions of reguloom, Python, numpy and scipy."""
    import scipy

    return {
        "reguloom": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }


def plain(value: Any) -> Any:
    """Return `value` with numpy scalars, arrays, tuples and sets turned into what JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(inner) for inner in value), key=lambda inner: (type(inner).__name__, inner))
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def fingerprint(*parts: Any) -> str:
    """Return a short hash of arrays, sparse matrices and plain values, the same on every machine.

    Parameters
    ----------
    parts
        Arrays (their bytes, shape and type count), scipy sparse matrices, or plain values.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        _update(digest, part)
    return digest.hexdigest()


def _update(digest: Any, part: Any) -> None:
    """Feed one part to the digest."""
    if hasattr(part, "indptr"):
        digest.update(f"{part.format}{part.shape}".encode())
        for array in (part.indptr.astype(np.int64), part.indices.astype(np.int64), part.data):
            _update(digest, array)
    elif isinstance(part, np.ndarray) and part.dtype != object:
        digest.update(f"{part.dtype.str}{part.shape}".encode())
        digest.update(np.ascontiguousarray(part).view(np.uint8).data)
    else:
        digest.update(json.dumps(plain(part), sort_keys=True).encode())
