"""Adam without PyTorch's compiler: nothing here compiles, and loading it costs more than training a small network."""

from __future__ import annotations

import inspect

import torch


class Adam(torch.optim.Adam):
    """PyTorch's Adam, the same numbers.

    PyTorch wraps the methods below so that its compiler passes over them, and loads the compiler (over a second of
    processor time) to say so. What they wrap is called here; where nothing is wrapped, nothing changes.
    """

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    # The wrapper of a step also turns gradients off.
    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))
