"""Can I believe it? Scores of networks against a known one, beside chance and the baselines that cost nothing."""

from __future__ import annotations

from reguloom.evaluate._split import Split
from reguloom.evaluate.curves import curves
from reguloom.evaluate.dream4 import Dream4, dream4, read_dream4
from reguloom.evaluate.dual_knockouts import additive_knockouts, dual_knockouts
from reguloom.evaluate.network import network
from reguloom.evaluate.splits import split
from reguloom.evaluate.stability import stability

__all__ = [
    "Dream4",
    "Split",
    "additive_knockouts",
    "curves",
    "dream4",
    "dual_knockouts",
    "network",
    "read_dream4",
    "split",
    "stability",
]
