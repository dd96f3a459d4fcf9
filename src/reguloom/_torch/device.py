"""Where tensors live, and how a computation on them is made to give the same bytes twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from reguloom._errors import InputError
from reguloom._threads import resolve_n_jobs


def resolve_device(device: str | torch.device | None = None) -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; None or ``"auto"`` takes CUDA, then Apple's GPU, then the CPU.

    Raises
    ------
    InputError
        If there is no such device here.
    """
    if device is None or device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        msg = f"the device is {device!r}; accepted are auto, cpu, cuda, cuda:<number> and mps."
        raise InputError(msg) from error
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    here = {"cpu": True, "cuda": (wanted.index or 0) < n_gpus, "mps": torch.backends.mps.is_available()}
    if not here.get(wanted.type, False):
        msg = f"the device {device!r} is not there (PyTorch sees {n_gpus} CUDA devices); use device='cpu' or 'auto'."
        raise InputError(msg)
    return wanted


@contextmanager
def repeatable(n_jobs: int | None = 1) -> Iterator[None]:
    """Compute with deterministic algorithms on `n_jobs` CPU threads inside the block; restore what was set before.

    With one thread, the default, results have the same bytes on any machine with the same PyTorch. More threads are
    faster, but sums are split among them, so that the last digits depend on their number.

    Parameters
    ----------
    n_jobs
        CPU threads; None takes every core.
    """
    threads = torch.get_num_threads()
    mode = torch.get_deterministic_debug_mode()
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    torch.set_num_threads(resolve_n_jobs(n_jobs))
    # A GPU lacks a deterministic form of a few operations; there a warning has to do. The function of the plainer name,
    # use_deterministic_algorithms, loads the compiler of PyTorch, which takes over a second and is not used here.
    torch.set_deterministic_debug_mode("warn" if torch.cuda.is_available() else "error")
    # Nothing here reads memory before it is written; filling it would only cost time.
    memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(mode)
        memory.fill_uninitialized_memory = filled


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw PyTorch's random numbers inside the block from `seed`, and leave the user's generator as it was.

    Parameters
    ----------
    seed
        From :func:`reguloom._random.child_seed`. Make a module inside the block to give it the same initial weights
        every time.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
