"""Numbers that are measured after training and travel with the weights."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Net = TypeVar("Net", bound=nn.Module)


def add_table(module: Net, name: str, values: NDArray[np.float32]) -> Net:
    """Return `module` with a table of numbers that its state holds.

    Parameters
    ----------
    module
        The network.
    name
        Name of the table.
    values
        Its numbers.
    """
    device = next(module.parameters()).device
    module.register_buffer(name, torch.from_numpy(np.asarray(values, dtype=np.float32)).to(device))
    return module
