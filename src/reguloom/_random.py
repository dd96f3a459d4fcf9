"""Seeds: one root per call, one child per unit of work, never one per worker.

A child seed is a hash of the root and the unit's *name* (a target gene, a perturbation), so a result
depends neither on the number of threads, nor on the order of the genes, nor on how the work is sharded.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np

from reguloom._errors import InputError

SeedLike: TypeAlias = int | np.integer | np.random.Generator | np.random.SeedSequence | None
"""What ``rng`` takes: a seed, a Generator (one integer is drawn from it), or None for a fresh random seed."""

F = TypeVar("F", bound=Callable[..., Any])


GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Step of SplitMix64's counter."""


def splitmix64(z: Any) -> Any:
    """Return SplitMix64's output function of 64-bit numbers (Steele, Lea and Flood 2014, OOPSLA, figure 15).

    Kernels take the same function compiled, as ``mix`` of ``_numba``.
    """
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def root_seed(rng: SeedLike = 0) -> int:
    """Return the 63-bit integer that stands for `rng`.

    Parameters
    ----------
    rng
        A non-negative integer is returned as it is; a Generator gives its next integer; None a random one.

    Raises
    ------
    InputError
        If `rng` is something else, or negative.
    """
    if rng is None:
        return int(np.random.default_rng().integers(2**63 - 1))
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63 - 1))
    if isinstance(rng, np.random.SeedSequence):
        return int(rng.generate_state(1, np.uint64)[0] >> np.uint64(1))
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool) and rng >= 0:
        return int(rng)
    msg = f"rng is {rng!r}; accepted are a non-negative integer, a numpy Generator or None."
    raise InputError(msg)


def child_seed(root: int, *names: str | int) -> int:
    """Return a 64-bit seed that depends on `root` and the names of the unit of work alone.

    Parameters
    ----------
    root
        From :func:`root_seed`.
    names
        What the unit is called: a stage, a target gene, the number of a permutation.
    """
    digest = hashlib.blake2b(digest_size=8, key=root.to_bytes(16, "little"))
    for name in names:
        digest.update(str(name).encode())
        digest.update(b"\x00")
    return int.from_bytes(digest.digest(), "little")


def generator(rng: SeedLike = 0, *names: str | int) -> np.random.Generator:
    """Return a Generator for `rng`, or for its child called `names`."""
    if isinstance(rng, np.random.Generator) and not names:
        return rng
    root = root_seed(rng)
    return np.random.default_rng(child_seed(root, *names) if names else root)


def accepts_seed(function: F) -> F:
    """Let a function with an ``rng`` keyword also take ``random_state=`` or ``seed=``."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for alias in ("random_state", "seed"):
            if alias in kwargs:
                if "rng" in kwargs:
                    msg = f"both rng= and {alias}= were given; they are the same option, so give one."
                    raise InputError(msg)
                kwargs["rng"] = kwargs.pop(alias)
        return function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]
