"""What is done to the cells: which genes are set to which level, at which dose, in which cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reguloom._errors import InputError

#: Names that screens give to cells that received nothing (scPerturb, GEARS, pertpy and common habits).
CONTROL_LABELS = frozenset(
    {"control", "ctrl", "non-targeting", "non_targeting", "nontargeting", "nt", "ntc", "scramble", "scrambled"}
    | {"unperturbed", "untreated", "unstimulated", "vehicle", "mock", "dmso", "pbs", "wt", "none", ""}
)
MODES = ("level", "fold", "quantile", "max", "unknown")


@dataclass(frozen=True)
class Target:
    """What happens to one gene.

    Parameters
    ----------
    mode
        ``level`` (set to `value`), ``fold`` (multiply by `value`), ``quantile`` (set to that quantile of the gene's
        own values), ``max`` (set to its highest value), ``unknown`` (a label that does not say).
    value
        In the units of the data for ``level``, a factor for ``fold``, 0–1 for ``quantile``.
    """

    mode: str
    value: float = float("nan")

    def __post_init__(self) -> None:
        """Check mode and value."""
        if self.mode not in MODES:
            msg = f"a perturbation's mode is {self.mode!r}; accepted are {', '.join(MODES)}."
            raise InputError(msg)
        if self.mode == "quantile" and not 0 <= self.value <= 1:
            msg = f"the quantile is {self.value}; it lies between 0 and 1."
            raise InputError(msg)
        if self.mode in ("level", "fold") and not np.isfinite(self.value):
            msg = f"the {self.mode} of a perturbation is {self.value}; give a finite number."
            raise InputError(msg)

    def level(self, values: np.ndarray) -> np.ndarray:
        """Return the gene's level under the perturbation, per cell.

        Parameters
        ----------
        values
            The gene's observed values, shape ``(n_cells,)``.
        """
        if self.mode == "fold":
            return values * self.value
        if self.mode == "unknown":
            msg = "this perturbation's label does not say up or down; use Perturbation.knockout or .overexpress."
            raise InputError(msg)
        if self.mode == "level" or not values.size:
            return np.full(values.shape, self.value, dtype=np.float64)
        constant = values.max() if self.mode == "max" else np.quantile(values, self.value)
        return np.full(values.shape, constant, dtype=np.float64)


@dataclass(frozen=True)
class Perturbation:
    """Genes with what happens to each: the question that every predictor answers.

    Parameters
    ----------
    targets
        Gene → what happens to it. Empty for the control.
    dose
        How much of a treatment, in the screen's own unit; None if there is no such thing.
    mask
        Name of a boolean column of ``adata.obs`` saying which cells are perturbed; None for all.
    """

    targets: Mapping[str, Target] = field(default_factory=dict)
    dose: float | None = None
    mask: str | None = None

    def __hash__(self) -> int:
        """Let perturbations be members of sets and keys; the order of the genes does not matter."""
        return hash((frozenset(self.targets.items()), self.dose, self.mask))

    @classmethod
    def knockout(cls, *genes: str, mask: str | None = None) -> Perturbation:
        """Set each gene to 0.

        Parameters
        ----------
        genes
            Names; ``"A+B"`` names a combination.
        mask
            Column of ``adata.obs`` that says which cells.
        """
        return cls({gene: Target("level", 0.0) for gene in _genes(genes)}, mask=mask)

    @classmethod
    def knockdown(cls, gene: str, fraction: float = 0.5, *, mask: str | None = None) -> Perturbation:
        """Take away a share of the gene's expression.

        Parameters
        ----------
        gene
            Name, or ``"A+B"``.
        fraction
            The share that is taken away, above 0 and up to 1.
        mask
            Column of ``adata.obs`` that says which cells.

        Raises
        ------
        InputError
            If the share is outside these bounds.
        """
        if not 0 < fraction <= 1:
            msg = f"the knock-down takes away {fraction}; accepted is a share above 0 and up to 1."
            raise InputError(msg)
        return cls({name: Target("fold", 1.0 - fraction) for name in _genes((gene,))}, mask=mask)

    @classmethod
    def overexpress(
        cls,
        gene: str,
        *,
        level: float | str | None = None,
        fold: float | None = None,
        quantile: float | None = None,
        mask: str | None = None,
    ) -> Perturbation:
        """Raise the gene to a level, by a factor, or to a quantile of its own values.

        Parameters
        ----------
        gene
            Name, or ``"A+B"``.
        level
            A number in the data's units, or ``"max"`` (the default when nothing is given).
        fold
            A factor.
        quantile
            Between 0 and 1.
        mask
            Column of ``adata.obs`` that says which cells.
        """
        given = {"level": level, "fold": fold, "quantile": quantile}
        chosen = {name: value for name, value in given.items() if value is not None} or {"level": "max"}
        if len(chosen) > 1:
            msg = f"{' and '.join(chosen)} were both given; over-expression takes one of level, fold and quantile."
            raise InputError(msg)
        mode, value = next(iter(chosen.items()))
        target = Target("max") if value == "max" else Target(mode, float(value))
        return cls(dict.fromkeys(_genes((gene,)), target), mask=mask)

    @classmethod
    def parse(cls, label: str, *, sep: str | None = None) -> Perturbation:
        """Read a screen's label: scPerturb ``A_B``/``control``, GEARS ``A+ctrl``/``A+B``, pertpy ``A+B``.

        The label says which genes, not what happens to them: the mode is ``unknown`` until
        :meth:`as_knockout` or an explicit constructor says so.

        Parameters
        ----------
        label
            The label.
        sep
            What separates genes; by default ``+``, ``,``, ``|`` or ``;``. Give ``"_"`` for scPerturb's combinations,
            whose separator also appears inside gene names.
        """
        pieces = re.split(re.escape(sep) if sep else r"[+,|;]", label.strip())
        genes = [piece.strip() for piece in pieces if piece.strip().lower() not in CONTROL_LABELS]
        return cls({gene: Target("unknown") for gene in genes})

    @property
    def genes(self) -> tuple[str, ...]:
        """Names of the perturbed genes."""
        return tuple(self.targets)

    @property
    def is_control(self) -> bool:
        """Whether nothing is perturbed."""
        return not self.targets

    @property
    def label(self) -> str:
        """A unique, readable name such as ``Gata1=0``, ``Gata1=x0.5+Spi1=max@2[treated]`` or ``control``."""
        if self.is_control:
            return "control"
        text = "+".join(f"{gene}{_suffix(target)}" for gene, target in self.targets.items())
        text = text if self.dose is None else f"{text}@{self.dose:g}"
        return text if self.mask is None else f"{text}[{self.mask}]"

    def as_knockout(self) -> Perturbation:
        """Return the same genes, each set to 0."""
        return type(self)({gene: Target("level", 0.0) for gene in self.targets}, self.dose, self.mask)

    def __or__(self, other: Perturbation) -> Perturbation:
        """Combine two perturbations of different genes."""
        both = sorted(set(self.targets) & set(other.targets))
        if both:
            msg = f"{both[0]} is set by both perturbations; combine perturbations of different genes."
            raise InputError(msg)
        if self.mask != other.mask or self.dose != other.dose:
            msg = "the two perturbations differ in dose or mask; combine perturbations of the same cells and dose."
            raise InputError(msg)
        return type(self)({**self.targets, **other.targets}, self.dose, self.mask)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, for provenance and JSON."""
        targets = {gene: {"mode": target.mode, "value": target.value} for gene, target in self.targets.items()}
        return {"targets": targets, "dose": self.dose, "mask": self.mask}


def _genes(names: Sequence[str]) -> list[str]:
    """Split ``"A+B"`` and check that there is at least one gene and none twice."""
    genes = [gene.strip() for name in names for gene in name.split("+") if gene.strip()]
    if not genes:
        msg = "the perturbation names no gene; give one, or 'A+B' for a combination."
        raise InputError(msg)
    if len(set(genes)) != len(genes):
        msg = f"the perturbation {'+'.join(genes)} names a gene twice."
        raise InputError(msg)
    return genes


def _suffix(target: Target) -> str:
    """Return the part of a label that says what happens to the gene."""
    if target.mode == "unknown":
        # Combinations whose genes differ in dose hold it here.
        return "" if np.isnan(target.value) else f"({target.value:g})"
    sign = {"level": "=", "fold": "=x", "quantile": "=q", "max": "=max"}[target.mode]
    return sign if target.mode == "max" else f"{sign}{target.value:g}"
