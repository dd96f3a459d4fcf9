"""A split: which perturbations, in which contexts, are learned from and which are asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._files import atomic_write, existing
from reguloom._reading import content_errors
from reguloom.core.perturbation_data import PerturbationData
from reguloom.core.provenance import fingerprint

Unit = tuple[str, str]
"""Label of a condition, label of a context."""

PARTS = ("train", "val", "test")
CONTROL = "control"


@dataclass(frozen=True)
class Split:
    """Units (a condition in a context) to learn from, to stop at, and to predict. Controls are always learned from.

    Parameters
    ----------
    kind
        How it was made, such as ``simulation``.
    train, val, test
        Units, sorted; a unit is in one part at most.
    strata
        Names of groups of test units, such as ``combo_seen1``, with their units.
    seed
        The seed it was drawn with; None if nothing was random.
    notes
        What has to be known about it, in words.
    """

    kind: str
    train: tuple[Unit, ...]
    val: tuple[Unit, ...]
    test: tuple[Unit, ...]
    strata: Mapping[str, tuple[Unit, ...]] = field(default_factory=dict)
    seed: int | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the parts do not overlap."""
        seen: dict[Unit, str] = {}
        for part in PARTS:
            for unit in getattr(self, part):
                if unit in seen:
                    msg = f"{unit} is both in {seen[unit]} and in {part}; a split puts each unit into one part."
                    raise InputError(msg)
                seen[unit] = part

    def __repr__(self) -> str:
        """Say the sizes."""
        sizes = ", ".join(f"{len(getattr(self, part))} {part}" for part in PARTS)
        return f"Split({self.kind}, seed {self.seed}: {sizes})"

    def conditions(self, part: str = "test") -> tuple[str, ...]:
        """Return the labels of conditions in a part, sorted.

        Parameters
        ----------
        part
            ``train``, ``val``, ``test``.
        """
        return tuple(sorted({condition for condition, _ in getattr(self, part)}))

    def cells(self, data: PerturbationData, part: str = "train", *, controls: bool = True) -> NDArray[np.int64]:
        """Return the positions of the cells of a part.

        Parameters
        ----------
        data
            The screen.
        part
            ``train``, ``val``, ``test``.
        controls
            Whether control cells, which belong to the training part, are among them.
        """
        table = np.zeros((len(data.conditions), len(data.contexts)), dtype=bool)
        context = {label: i for i, label in enumerate(data.contexts)}
        for label, where in getattr(self, part):
            table[data.condition(label), context[where]] = True
        table[0] = controls and part == "train"
        return np.flatnonzero(table[data.condition_codes, data.context_codes])

    def stratum(self, unit: Unit) -> str:
        """Return the stratum of a test `unit`; ``all`` if it has none."""
        return next((name for name, units in self.strata.items() if unit in units), "all")

    @property
    def hash(self) -> str:
        """A short fingerprint of who is where."""
        return fingerprint([self.kind, *([list(unit) for unit in getattr(self, part)] for part in PARTS)])[:12]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        parts = {part: [list(unit) for unit in getattr(self, part)] for part in PARTS}
        strata = {name: [list(unit) for unit in units] for name, units in self.strata.items()}
        return {"kind": self.kind, "seed": self.seed, "hash": self.hash, **parts, "strata": strata,
                "notes": list(self.notes)}  # fmt: skip

    def to_json(self, path: str | os.PathLike[str] | None = None, *, force: bool = False) -> str:
        """Return the split as JSON text, and write it to a file if one is named.

        Parameters
        ----------
        path
            The file.
        force
            Whether an existing file may be replaced.
        """
        text = json.dumps(self.to_dict(), indent=1) + "\n"
        if path is not None:
            with atomic_write(path, force=force) as temporary:
                temporary.write_text(text, encoding="utf-8")
        return text

    @classmethod
    def from_json(cls, source: str | os.PathLike[str]) -> Split:
        """Return the split that :meth:`to_json` wrote.

        Parameters
        ----------
        source
            A file, or the text itself.

        Raises
        ------
        InputError
            If this is no split, or its hash does not fit its content.
        """
        text = str(source)
        given = text.lstrip().startswith("{")
        mend = "a split is JSON with train, val, test and strata"
        with content_errors("this text" if given else text, what="split", mend=mend):
            if not given:
                text = existing(Path(source), what="split").read_text("utf-8")
            fields = json.loads(text)
            parts = {part: tuple((str(a), str(b)) for a, b in fields[part]) for part in PARTS}
            strata = {name: tuple((str(a), str(b)) for a, b in units) for name, units in fields["strata"].items()}
            split = cls(
                fields["kind"], **parts, strata=strata, seed=fields.get("seed"), notes=tuple(fields.get("notes", ()))
            )
        if fields.get("hash") not in (None, split.hash):
            msg = (
                f"the split's hash is {split.hash} and the file says {fields['hash']}; it was edited, so drop the hash."
            )
            raise InputError(msg)
        return split

    def check(self, data: PerturbationData, *, min_test: int = 1) -> Split:
        """Return the split if it fits the screen.

        Parameters
        ----------
        data
            The screen.
        min_test
            Fewer test units than this are refused.

        Raises
        ------
        InputError
            If a unit has no cells, or there is nothing to learn from or to test.
        """
        pairs = set(zip(data.condition_codes.tolist(), data.context_codes.tolist(), strict=True))
        there = {(data.condition_labels[a], data.contexts[b]) for a, b in pairs}
        for part in PARTS:
            missing = [unit for unit in getattr(self, part) if unit not in there]
            # All test cells may be withheld on purpose, so that nothing can be learned from them.
            if missing and not (part == "test" and len(missing) == len(self.test)):
                msg = f"the {part} part of the split names {missing[0]}, of which the screen has no cells."
                raise InputError(msg)
        perturbed = [condition for condition, _ in self.train if condition != CONTROL]
        if len(self.test) < min_test or not perturbed:
            msg = (
                f"the {self.kind} split of {len(data.conditions) - 1} perturbations leaves {len(perturbed)} to learn "
                f"from and {len(self.test)} to test; take kind='k-fold', or a larger share for the part that is short."
            )
            raise InputError(msg)
        return self
