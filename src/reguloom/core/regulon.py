"""One regulon: a transcription factor and the genes it regulates in one direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reguloom._errors import InputError


@dataclass(frozen=True)
class Regulon:
    """A transcription factor with its targets.

    Parameters
    ----------
    tf
        Name of the transcription factor.
    sign
        +1 for activation, -1 for repression, 0 where it is unknown.
    targets
        Names of the target genes.
    weights
        One weight per target; all 1 if left out.
    motifs
        Identifiers of the motifs that support the regulon.
    nes
        Normalized enrichment score of the best motif, or NaN.
    score
        pySCENIC's score: NES weighted by the quality of the motif's annotation.
    label
        A name to keep when the regulon came from a file and follows another convention.
    """

    tf: str
    sign: int
    targets: tuple[str, ...]
    weights: tuple[float, ...] = ()
    motifs: tuple[str, ...] = ()
    nes: float = float("nan")
    score: float = float("nan")
    label: str | None = field(default=None)

    def __post_init__(self) -> None:
        """Fill in the weights and check the lengths and the sign."""
        object.__setattr__(self, "targets", tuple(self.targets))
        object.__setattr__(self, "motifs", tuple(self.motifs))
        try:
            weights = tuple(float(weight) for weight in self.weights) or (1.0,) * len(self.targets)
        except (TypeError, ValueError) as error:
            msg = f"regulon {self.tf} has a weight that is no number ({error}); give one number for each target."
            raise InputError(msg) from error
        object.__setattr__(self, "weights", weights)
        if len(weights) != len(self.targets):
            msg = f"regulon {self.tf} has {len(self.targets)} targets and {len(weights)} weights; give one for each."
            raise InputError(msg)
        if self.sign not in (-1, 0, 1):
            msg = f"regulon {self.tf} has sign {self.sign!r}; accepted are +1, -1 and 0."
            raise InputError(msg)
        if len(set(self.targets)) != len(self.targets):
            msg = f"regulon {self.tf} names a target more than once; merge the duplicates first."
            raise InputError(msg)

    @property
    def name(self) -> str:
        """``TF(+)`` or ``TF(-)`` as pySCENIC writes it, or the label kept from a file."""
        if self.label is not None:
            return self.label
        return self.tf if self.sign == 0 else f"{self.tf}({'+' if self.sign > 0 else '-'})"

    def __len__(self) -> int:
        """Return the number of targets."""
        return len(self.targets)

    def to_dict(self) -> dict[str, float]:
        """Return gene → weight."""
        return dict(zip(self.targets, self.weights, strict=True))

    @classmethod
    def from_name(cls, name: str, genes: Mapping[str, float]) -> Regulon:
        """Make a regulon from a gene set's name, reading TF and sign from it.

        Understood are ``TF(+)``, ``TF(-)``, ``TF_(+)``, ``TF(+) (12g)``, ``TF_+``, ``Regulon for TF``; any other
        name is kept whole, with sign 0.

        Parameters
        ----------
        name
            Name of the gene set.
        genes
            Gene → weight.
        """
        tf, sign = parse_name(name)
        plain = cls(tf=tf, sign=sign, targets=tuple(genes), weights=tuple(genes.values()))
        if plain.name == name:
            return plain
        return cls(tf=tf, sign=sign, targets=tuple(genes), weights=tuple(genes.values()), label=name)


def parse_name(name: str) -> tuple[str, int]:
    """Return transcription factor and sign that a gene set's name speaks of."""
    import re

    stem = re.sub(r"\s*\(\d+\s*g\)\s*$", "", name.strip()).removeprefix("Regulon for ")
    match = re.fullmatch(r"(.+?)[_ ]?\((\+|-)\)", stem) or re.fullmatch(r"(.+)_(\+|-)", stem)
    if match is None:
        return stem, 0
    return match[1], 1 if match[2] == "+" else -1
