"""Tensors, optimizers and plain values come back from one file as they were."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the extra deep is not installed")
pytest.importorskip("safetensors", reason="the extra deep is not installed")

from reguloom import InputError, ResourceError  # noqa: E402
from reguloom._torch.checkpoint import (  # noqa: E402
    optimizer_parts,
    read_checkpoint,
    restore_optimizer,
    write_checkpoint,
)


def test_round_trip(tmp_path) -> None:
    tensors = {"a.weight": torch.randn(3, 4).T, "count": torch.tensor(7), "mask": torch.tensor([True, False])}
    state = {"epoch": 3, "value": 0.1 + 0.2, "names": ["x", "é"], "nothing": None}
    write_checkpoint(tmp_path / "one.safetensors", tensors, state)
    found, told = read_checkpoint(tmp_path / "one.safetensors")
    assert told == state
    assert all(torch.equal(found[name], one) and found[name].dtype == one.dtype for name, one in tensors.items())


def test_an_existing_file_is_kept_without_force(tmp_path) -> None:
    write_checkpoint(tmp_path / "one.safetensors", {"a": torch.zeros(1)}, {})
    with pytest.raises(InputError, match="exists already"):
        write_checkpoint(tmp_path / "one.safetensors", {"a": torch.ones(1)}, {}, force=False)


@pytest.mark.parametrize("content", [b"nonsense", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_what_is_no_checkpoint_is_refused(tmp_path, content: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(ResourceError, match="no whole checkpoint"):
        read_checkpoint(tmp_path / "x.safetensors")


@pytest.mark.parametrize("kind", ["Adam", "AdamW", "SGD", "RMSprop"])
def test_an_optimizer_goes_on_where_it_was(kind: str) -> None:
    def steps(weight, optimizer, n):
        for _ in range(n):
            optimizer.zero_grad()
            ((weight - 3) ** 2).sum().backward()
            optimizer.step()

    def make():
        weight = torch.nn.Parameter(torch.arange(4.0))
        extra = {"momentum": 0.9} if kind == "SGD" else {}
        return weight, getattr(torch.optim, kind)([weight], lr=0.1, weight_decay=0.01, **extra)

    weight, optimizer = make()
    steps(weight, optimizer, 3)
    other, fresh = make()
    other.data.copy_(weight.data)
    restore_optimizer(fresh, *optimizer_parts(optimizer))
    steps(weight, optimizer, 2)
    steps(other, fresh, 2)
    assert torch.equal(weight, other)
