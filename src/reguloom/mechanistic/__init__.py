"""Boolean wirings: their stable states, what a perturbation does to them, and cells simulated from them."""

from __future__ import annotations

from reguloom.mechanistic.boolean_network import Alternative, BooleanNetwork
from reguloom.mechanistic.files import from_text, read, to_text, write
from reguloom.mechanistic.formula import Formula

__all__ = ["Alternative", "BooleanNetwork", "Formula", "from_text", "read", "to_text", "write"]
