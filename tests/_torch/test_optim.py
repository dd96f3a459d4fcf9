"""Adam and determinism without PyTorch's compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch")

import torch

from reguloom._torch.device import repeatable
from reguloom._torch.optim import Adam

_TRAINS = """
import sys, torch
from reguloom._torch.device import repeatable
from reguloom._torch.optim import Adam
with repeatable(1):
    layer = torch.nn.Linear(3, 1)
    adam = Adam(layer.parameters(), lr=0.1)
    layer(torch.ones(2, 3)).sum().backward()
    adam.step()
    adam.load_state_dict(adam.state_dict())
print([name for name in sys.modules if name in ("torch._dynamo", "torch._inductor")])
"""


def test_training_does_not_load_the_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", _TRAINS], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_steps_are_those_of_pytorch() -> None:
    ends = []
    for kind in (Adam, torch.optim.Adam):
        torch.manual_seed(0)
        layer = torch.nn.Linear(4, 1)
        adam = kind(layer.parameters(), lr=0.05, weight_decay=0.01)
        for _ in range(5):
            adam.zero_grad()
            (layer(torch.arange(8.0).reshape(2, 4)) ** 2).sum().backward()
            adam.step()
        ends.append(torch.cat([one.detach().ravel() for one in layer.parameters()]))
        assert set(adam.state_dict()) == {"state", "param_groups"}
    assert torch.equal(*ends)


def test_algorithms_are_deterministic_inside_the_block_alone() -> None:
    before = torch.get_deterministic_debug_mode()
    with repeatable(1):
        assert torch.are_deterministic_algorithms_enabled()
        with pytest.raises(RuntimeError, match="determinis"):
            torch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))
    assert torch.get_deterministic_debug_mode() == before
