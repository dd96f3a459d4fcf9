"""Which models there are, and which one lies in a folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from reguloom._errors import InputError, ResourceError
from reguloom._files import existing
from reguloom.response.cpa import CPA
from reguloom.response.gears import GEARS
from reguloom.response.latent_additive import LatentAdditive
from reguloom.response.linear import Linear
from reguloom.response.scgen import SCGen


def models() -> dict[str, type[Any]]:
    """Return every model by its name.

    Examples
    --------
    >>> sorted(models())
    ['cpa', 'gears', 'latent-additive', 'linear', 'scgen']
    """
    return {one.name: one for one in (GEARS, CPA, SCGen, LatentAdditive, Linear)}


def load(folder: str | os.PathLike[str], *, device: str = "auto") -> Any:
    """Return the model that was saved in a folder, whichever kind it is.

    Parameters
    ----------
    folder
        Where ``save`` wrote it.
    device
        ``auto``, ``cpu``, ``cuda``, ``mps``.

    Raises
    ------
    InputError
        If there is none.
    ResourceError
        If it is damaged.
    """
    path = Path(folder) / "model.json"
    if Path(folder).is_dir() and not path.exists():
        msg = f"{folder} holds no model (no model.json); give the folder that a training wrote to and finished."
        raise InputError(msg)
    text = existing(path, what="model").read_text("utf-8", errors="replace")
    try:
        kind = json.loads(text)["model"]
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{path} is damaged ({error}); train the model again, or copy the folder again."
        raise ResourceError(msg) from error
    if kind not in models():
        msg = f"{path} names a model {kind!r}; known are {', '.join(models())}."
        raise InputError(msg)
    return models()[kind].load(folder, device=device)
