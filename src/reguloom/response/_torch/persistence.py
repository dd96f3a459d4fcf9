"""A fitted model on disk: one safetensors file, and what it is in words beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import torch

from reguloom._errors import InputError, ResourceError
from reguloom._files import atomic_write, check_output
from reguloom._reading import content_errors
from reguloom._torch.checkpoint import below, prefixed, read_checkpoint, write_checkpoint
from reguloom._torch.device import resolve_device
from reguloom.core.provenance import plain
from reguloom.evaluate.splits import Split
from reguloom.response._state import State

if TYPE_CHECKING:
    from reguloom.response._base import ResponseModel

Model = TypeVar("Model", bound="ResponseModel")
WEIGHTS, WORDS = "model.safetensors", "model.json"


def save_model(model: ResponseModel, folder: str | os.PathLike[str], *, force: bool) -> None:
    """Write a model; see ``ResponseModel.save``."""
    place = Path(folder)
    for name in (WEIGHTS, WORDS):
        check_output(place / name, force=force)
    arrays, told = model.state.pack()
    tensors = prefixed("array", {name: torch.from_numpy(np.ascontiguousarray(one)) for name, one in arrays.items()})
    for number, module in enumerate(model.members_):
        tensors |= prefixed(f"member{number}", module.state_dict())
    # What was built from tables and mappings is in the state.
    params = {name: value for name, value in model.params.items() if not isinstance(value, (pd.DataFrame, dict))}
    params = {name: os.fspath(one) if isinstance(one, os.PathLike) else one for name, one in params.items()}
    state = {
        "model": model.name,
        "params": plain(
            {name: os.fspath(one) if isinstance(one, os.PathLike) else one for name, one in params.items()}
        ),
        "members": len(model.members_),
        "state": told,
        "history": model.history_.to_dict(orient="list"),
        "split": None if model.split_ is None else model.split_.to_dict(),
    }
    write_checkpoint(place / WEIGHTS, tensors, state, force=force)
    words = {"model": model.name, "params": model._plain_params(), "members": len(model.members_),
             "contexts": told["contexts"], "n_genes": len(told["genes"]), "facts": told["facts"],
             "reading": told["reading"], "training_perturbations": [one.label for one in model.state.conditions],
             "provenance": model.provenance().to_dict(), "split": state["split"]}  # fmt: skip
    with atomic_write(place / WORDS, force=force) as temporary:
        temporary.write_text(json.dumps(plain(words), indent=1) + "\n", encoding="utf-8")


def load_model(kind: type[Model], folder: str | os.PathLike[str], *, device: str) -> Model:
    """Read a model; see ``ResponseModel.load``."""
    tensors, state = read_checkpoint(Path(folder) / WEIGHTS)
    if state.get("model") != kind.name:
        msg = f"{folder} holds a model of kind {state.get('model')!r}, not {kind.name!r}; load it as that kind."
        raise InputError(msg)
    mend = "it may come from another version of reguloom; train it again"
    with content_errors(Path(folder) / WEIGHTS, what="model", kind=ResourceError, mend=mend):
        return _made(kind, tensors, state, device)


def _made(kind: type[Model], tensors: dict[str, torch.Tensor], state: dict[str, Any], device: str) -> Model:
    """Return the model that a checkpoint describes."""
    model = kind(**state["params"])
    arrays = {name: one.numpy() for name, one in below("array", tensors).items()}
    model._state = State.unpack(arrays, state["state"])
    model.history_ = pd.DataFrame(state["history"])
    model.split_ = None if state["split"] is None else Split.from_json(json.dumps(state["split"]))
    model.members_ = []
    for number in range(state["members"]):
        module = model._network()
        module.load_state_dict(below(f"member{number}", tensors))
        model.members_.append(module.to(resolve_device(device)).eval())
    return model
