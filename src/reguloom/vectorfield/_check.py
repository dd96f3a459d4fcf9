"""One check of :func:`reguloom.vectorfield.diagnose`: a value, its null, a threshold and words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Draws = list[np.random.Generator]


@dataclass(frozen=True)
class Check:
    """One check: it passes if the value is beyond the threshold, and beyond its null where there is one."""

    name: str
    value: float
    threshold: float
    good: str
    bad: str
    null: np.ndarray = field(default_factory=lambda: np.empty(0))
    upper: float = float("inf")

    @property
    def z(self) -> float:
        """How many standard deviations of the null the value lies above its mean."""
        if len(self.null) < 2:
            return float("nan")
        return float((self.value - self.null.mean()) / max(float(self.null.std(ddof=1)), 1e-9))

    @property
    def passed(self) -> bool:
        """Whether it may be believed."""
        return bool(self.threshold <= self.value <= self.upper) and not (self.z < 3)

    @property
    def verdict(self) -> str:
        """What it means, in words."""
        if not self.passed and self.threshold <= self.value <= self.upper:
            return f"{self.good}; but velocities dealt out at random do as well ({self.null.mean():.2f})"
        return self.good if self.passed else self.bad

    def row(self) -> dict[str, Any]:
        """Return it as a row of the table."""
        return {
            "check": self.name,
            "value": self.value,
            "null": float(self.null.mean()) if self.null.size else float("nan"),
            "null_sd": float(self.null.std(ddof=1)) if self.null.size > 1 else float("nan"),
            "z": self.z,
            "threshold": self.threshold,
            "passed": self.passed,
            "verdict": self.verdict,
        }
