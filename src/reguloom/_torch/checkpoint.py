"""Tensors and everything else that a model or a training run consists of, in one safetensors file. No pickle.

What is no tensor goes into the header of the file as JSON, so that a checkpoint is written (and renamed) as one: it
cannot be half of one epoch and half of the next.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from reguloom._errors import ResourceError
from reguloom._files import atomic_write, existing
from reguloom._version import __version__
from reguloom.core.provenance import plain

#: The one entry of the header: with several, the file's bytes would depend on the order of a hash table.
_HEADER = "reguloom"


def write_checkpoint(
    path: str | os.PathLike[str], tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any], *, force: bool = True
) -> None:
    """Write tensors and their state to one file.

    Parameters
    ----------
    path
        ``.safetensors``.
    tensors
        Name → tensor, on any device.
    state
        What else there is: numbers, text, lists, mappings; read back as JSON gives it.
    force
        Whether an existing file may be replaced.
    """
    whole = {name: one.detach().to("cpu", copy=True).contiguous() for name, one in tensors.items()}
    header = {_HEADER: json.dumps({"version": __version__, "state": plain(state)})}
    with atomic_write(path, force=force) as temporary:
        save_file(whole, temporary, metadata=header)


def read_checkpoint(
    path: str | os.PathLike[str], device: torch.device | str = "cpu"
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what :func:`write_checkpoint` wrote: the tensors and the state.

    Parameters
    ----------
    path
        The file.
    device
        Where the tensors go.

    Raises
    ------
    InputError
        If there is no such file.
    ResourceError
        If it is damaged or holds no state.
    """
    path = existing(path, what="checkpoint")
    try:
        with safe_open(path, framework="pt", device=str(device)) as handle:
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}
            state = json.loads((handle.metadata() or {})[_HEADER])["state"]
    except (SafetensorError, KeyError, ValueError) as error:
        msg = f"{path} is no whole checkpoint of reguloom ({error}); remove it and train again, or copy it again."
        raise ResourceError(msg) from error
    return tensors, state


def prefixed(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return `tensors` with ``prefix.`` before each name."""
    return {f"{prefix}.{name}": one for name, one in tensors.items()}


def below(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the members of `tensors` named ``prefix.<name>``, by ``<name>``."""
    start = f"{prefix}."
    return {name.removeprefix(start): one for name, one in tensors.items() if name.startswith(start)}


def optimizer_parts(optimizer: torch.optim.Optimizer) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return an optimizer's state as tensors, named ``<parameter number>.<slot>``, and plain values.

    Parameters
    ----------
    optimizer
        Any of ``torch.optim``.
    """
    whole = optimizer.state_dict()
    tensors: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for number, slots in whole["state"].items():
        for slot, value in slots.items():
            where = tensors if isinstance(value, torch.Tensor) else values
            where[f"{number}.{slot}"] = value
    return tensors, {"values": values, "groups": whole["param_groups"]}


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor], state: Mapping[str, Any]
) -> None:
    """Put back what :func:`optimizer_parts` took apart.

    Parameters
    ----------
    optimizer
        Made like the one that was saved.
    tensors, state
        From :func:`optimizer_parts`.
    """
    slots: dict[int, dict[str, Any]] = {}
    for name, value in {**tensors, **state["values"]}.items():
        number, slot = name.split(".", 1)
        slots.setdefault(int(number), {})[slot] = value.clone() if isinstance(value, torch.Tensor) else value
    groups = [
        {name: tuple(one) if name == "betas" else one for name, one in group.items()} for group in state["groups"]
    ]
    optimizer.load_state_dict({"state": slots, "param_groups": groups})
