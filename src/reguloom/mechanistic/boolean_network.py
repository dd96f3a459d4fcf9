"""A Boolean network: genes that are on or off, and the rule of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError, MissingKeyError
from reguloom.core import Network, Perturbation, Prediction, Provenance
from reguloom.mechanistic import _truth, parse
from reguloom.mechanistic.formula import Formula, constant, to_text, variable

if TYPE_CHECKING:
    from anndata import AnnData

    from reguloom.mechanistic.attractors import Attractors

TOLERANCE = 1e-4
"""How far the probabilities of a gene's rules may be from 1 in sum."""


@dataclass(frozen=True)
class Alternative:
    """One of the rules that a gene of a probabilistic network may follow.

    Parameters
    ----------
    expression
        The rule.
    probability
        How often it is drawn, 0–1.
    """

    expression: Formula
    probability: float = 1.0


@dataclass(frozen=True, eq=False)
class BooleanNetwork:
    """Genes that are on or off, with a rule for each; also probabilistic and temporal ones.

    Make one with :meth:`from_rules` or :func:`reguloom.mechanistic.read`. A gene without a rule of its own is an
    *input*: it keeps its value. A gene whose rule is written 0 or 1 is *fixed* and no longer part of the states that
    are counted. Networks are never changed; :meth:`with_fixed` and :meth:`perturbed` return new ones.

    Parameters
    ----------
    genes
        Names, in the order of the file.
    alternatives
        Gene → its rules; one for each gene, except in probabilistic networks.
    """

    genes: tuple[str, ...]
    alternatives: Mapping[str, tuple[Alternative, ...]]

    def __post_init__(self) -> None:
        """Check that every gene has rules, every name in a rule is a gene, and probabilities add up."""
        if len(set(self.genes)) != len(self.genes) or set(self.genes) != set(self.alternatives):
            msg = "every gene needs a rule and every rule a gene, each named once; from_rules fills inputs in."
            raise InputError(msg)
        known = set(self.genes)
        for gene, choices in self.alternatives.items():
            unknown = sorted({name for one in choices for name in one.expression.names} - known)
            if unknown:
                msg = f"the rule of {gene} names {unknown[0]}, which is no gene of the network."
                raise InputError(msg)
            total = sum(one.probability for one in choices)
            if abs(total - 1.0) > TOLERANCE or any(one.probability < 0 for one in choices):
                msg = f"the probabilities of the rules of {gene} add up to {total:g}; make them add up to 1."
                raise InputError(msg)

    @classmethod
    def from_rules(cls, rules: Mapping[str, Any], *, genes: Sequence[str] | None = None) -> BooleanNetwork:
        """Make a network from rules.

        Parameters
        ----------
        rules
            Gene → rule: text (``"A & !B"``, ``"A and not B"``), 0, 1, an expression, or for a probabilistic network a
            list of (rule, probability).
        genes
            Order of the genes; by default that of the rules. Names that have no rule are appended, as inputs.

        Returns
        -------
        The network.

        Raises
        ------
        InputError
            If a rule cannot be read; the message names the gene.

        Examples
        --------
        >>> toggle = BooleanNetwork.from_rules({"Gata1": "not Spi1", "Spi1": "not Gata1"})
        >>> toggle.regulators("Gata1")
        ('Spi1',)
        """
        made: dict[str, tuple[Alternative, ...]] = {}
        for gene, value in rules.items():
            choices = value if isinstance(value, (list, tuple)) else [(value, 1.0)]
            made[str(gene)] = tuple(Alternative(parse.rules({gene: rule})[str(gene)], float(p)) for rule, p in choices)
        mentioned = (name for choices in made.values() for one in choices for name in one.expression.names)
        order = tuple(dict.fromkeys([*(genes if genes is not None else ()), *made, *mentioned]))
        return cls(order, {gene: made.get(gene, (Alternative(variable(gene)),)) for gene in order})

    @classmethod
    def from_tables(cls, tables: Mapping[str, tuple[Sequence[str], Any]]) -> BooleanNetwork:
        """Make a network from truth tables.

        Parameters
        ----------
        tables
            Gene → (its regulators, the table of shape ``(2**k,)``); in row ``r``, regulator ``i`` is ``(r >> i) & 1``.

        Returns
        -------
        The network; rules are written as the fewest terms that cover each table.

        Raises
        ------
        InputError
            If a table does not have 2**k rows.
        """
        from reguloom.mechanistic._minimise import cover

        return cls.from_rules({gene: cover(regulators, table) for gene, (regulators, table) in tables.items()})

    @classmethod
    def from_network(
        cls, network: Network, *, rule: str = "inhibitors-win", genes: Sequence[str] | None = None
    ) -> BooleanNetwork:
        """Make a network from signed edges, which alone do not say how regulators combine.

        Parameters
        ----------
        network
            Edges with signs; edges of sign 0 are left out.
        rule
            ``inhibitors-win``: some activator is on and no repressor is (BoolODE's convention);
            ``majority``: more activators than repressors are on; ``all``: every activator is on and no repressor.
        genes
            Which genes, in which order; by default those of the network.

        Returns
        -------
        The network; genes without signed regulators are inputs.

        Raises
        ------
        InputError
            If `rule` is none of these.
        """
        from reguloom.mechanistic._wiring import rules_from_edges

        order = [str(gene) for gene in (network.genes if genes is None else genes)]
        return cls.from_rules(rules_from_edges(network, rule, order), genes=order)

    # ------------------------------------------------------------------------------------------------ what it holds

    def __len__(self) -> int:
        """Return the number of genes."""
        return len(self.genes)

    def __repr__(self) -> str:
        """Say how many genes, inputs and fixed genes there are."""
        kind = "probabilistic " if self.is_probabilistic else "temporal " if self.is_temporal else ""
        parts = [f"{len(self.genes)} genes"]
        parts += [f"{len(some)} {what}" for what, some in (("inputs", self.inputs), ("fixed", self.fixed)) if some]
        return f"BooleanNetwork({kind}{', '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        """Tell whether both have the same genes in the same order and every rule does the same."""
        if not isinstance(other, BooleanNetwork) or self.genes != other.genes:
            return NotImplemented if not isinstance(other, BooleanNetwork) else False
        if self.is_probabilistic or self.is_temporal or other.is_probabilistic or other.is_temporal:
            return self.alternatives == other.alternatives
        return all(_same(self.expression(gene), other.expression(gene)) for gene in self.genes)

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def is_probabilistic(self) -> bool:
        """Whether some gene has several rules."""
        return any(len(choices) > 1 for choices in self.alternatives.values())

    @cached_property
    def is_temporal(self) -> bool:
        """Whether some rule looks back further than one step, or at the time."""
        return any(
            node.delay > 1 or node.kind.startswith("time")
            for choices in self.alternatives.values()
            for one in choices
            for node in one.expression.walk()
        )

    @cached_property
    def fixed(self) -> dict[str, int]:
        """Genes whose rule is written as a constant, with the value."""
        made = {}
        for gene in self.genes:
            choices = self.alternatives[gene]
            if len(choices) == 1 and choices[0].expression.is_constant:
                made[gene] = int(choices[0].expression.evaluate({}))
        return made

    @cached_property
    def free(self) -> tuple[str, ...]:
        """Genes that are not fixed: a state space has ``2**len(free)`` states."""
        return tuple(gene for gene in self.genes if gene not in self.fixed)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Genes that keep whatever value they have."""
        return tuple(
            gene
            for gene in self.genes
            if len(self.alternatives[gene]) == 1 and self.alternatives[gene][0].expression == variable(gene)
        )

    @property
    def rules(self) -> dict[str, str]:
        """Gene → its rule as text.

        Raises
        ------
        InputError
            If the network is probabilistic.
        """
        return {gene: to_text(self.expression(gene), dialect="boolnet") for gene in self.genes}

    def expression(self, gene: str) -> Formula:
        """Return the rule of a `gene` as a tree.

        Raises
        ------
        MissingKeyError
            If there is no such gene; the closest names are given.
        InputError
            If it has several rules.
        """
        self._check(gene)
        choices = self.alternatives[gene]
        if len(choices) > 1:
            msg = f"{gene} has {len(choices)} rules, as the network is probabilistic; see .alternatives[{gene!r}]."
            raise InputError(msg)
        return choices[0].expression

    def function(self, gene: str) -> _truth.Function:
        """Return what the rule of a `gene` does, whatever way it is written: regulators that matter, table, signs."""
        known: dict[str, _truth.Function] = self.__dict__.setdefault("_functions", {})
        if gene not in known:
            expression = self.expression(gene)
            if expression.max_delay > 1:
                msg = f"the rule of {gene} looks {expression.max_delay} steps back, so it has no table; see unfolded()."
                raise InputError(msg)
            known[gene] = _truth.reduce(expression)
        return known[gene]

    def regulators(self, gene: str) -> tuple[str, ...]:
        """Return the genes whose value can change that of `gene`; names without effect are left out."""
        return self.function(gene).regulators

    def truth_table(self, gene: str) -> NDArray[np.bool_]:
        """Return the truth table of a `gene` over its :meth:`regulators`, shape ``(2**k,)``.

        In row ``r``, regulator ``i`` has the value ``(r >> i) & 1``: the first regulator is the least significant bit.

        Raises
        ------
        InputError
            If there are more than 20 regulators.
        """
        return self.function(gene).table.copy()

    def signs(self, gene: str) -> dict[str, int]:
        """Return regulator → +1, -1 or 0 (activates in some contexts and represses in others) for a `gene`."""
        function = self.function(gene)
        return {
            name: 0 if sign == _truth.DUAL else sign
            for name, sign in zip(function.regulators, function.signs, strict=True)
        }

    def to_network(self) -> Network:
        """Return the wiring: one edge for each regulator that matters, its sign from the truth table.

        Edges that activate in some contexts and repress in others have sign 0 and ``extra['regulation']`` = "dual".
        """
        from reguloom.mechanistic._wiring import edges

        return edges(self)

    # ---------------------------------------------------------------------------------------------- changed networks

    def with_fixed(self, values: Mapping[str, int]) -> BooleanNetwork:
        """Return the network with genes held at a value.

        Parameters
        ----------
        values
            Gene → 0 or 1.

        Raises
        ------
        MissingKeyError
            If a gene is not in the network.
        InputError
            If a value is neither 0 nor 1.
        """
        for gene, value in values.items():
            self._check(gene)
            if value not in (0, 1):
                msg = f"{gene} is to be fixed at {value!r}; a gene of a Boolean network is 0 or 1."
                raise InputError(msg)
        changed = {gene: (Alternative(constant(int(value))),) for gene, value in values.items()}
        return replace(self, alternatives={**self.alternatives, **changed})

    def with_rules(self, rules: Mapping[str, Any]) -> BooleanNetwork:
        """Return the network with other rules for some genes.

        Parameters
        ----------
        rules
            Gene → rule, as in :meth:`from_rules`.
        """
        both = {gene: [(one.expression, one.probability) for one in self.alternatives[gene]] for gene in self.genes}
        return self.from_rules({**both, **rules}, genes=self.genes)

    def perturbed(self, perturbation: Perturbation) -> BooleanNetwork:
        """Return the network under a perturbation: knocked-out genes are held at 0, over-expressed ones at 1.

        Parameters
        ----------
        perturbation
            What is done; the control changes nothing.

        Raises
        ------
        InputError
            If a target is neither off nor on, such as a knock-down by half.
        """
        from reguloom.mechanistic.predict import levels

        return self.with_fixed(levels(perturbation))

    def unfolded(self) -> BooleanNetwork:
        """Return a temporal network as an ordinary one: ``gene[-2]`` becomes a gene ``gene[-1]`` that copies ``gene``.

        Clock predicates take the value that they have in the long run.
        """
        from reguloom.mechanistic.temporal import unfold

        return unfold(self)

    def restrict(self, genes: Iterable[str]) -> BooleanNetwork:
        """Return the part of the network that decides the given `genes`: they and everything upstream of them."""
        wanted, waiting = set(), [str(gene) for gene in genes]
        while waiting:
            gene = waiting.pop()
            if gene not in wanted:
                self._check(gene)
                wanted.add(gene)
                waiting += [name for one in self.alternatives[gene] for name in one.expression.names]
        kept = tuple(gene for gene in self.genes if gene in wanted)
        return replace(self, genes=kept, alternatives={gene: self.alternatives[gene] for gene in kept})

    # -------------------------------------------------------------------------------------------------- what it does

    def next_state(self, state: Mapping[str, int]) -> dict[str, int]:
        """Return the state after one synchronous step.

        Parameters
        ----------
        state
            Gene → 0 or 1, for every gene.
        """
        values = {gene: bool(state[gene]) for gene in self.genes}
        return {gene: int(self.expression(gene).evaluate(values)) for gene in self.genes}

    def attractors(self, update: str = "asynchronous", **options: Any) -> Attractors:
        """Return the attractors; see :func:`reguloom.mechanistic.attractors`.

        Parameters
        ----------
        update
            Update scheme.
        options
            As of the function.
        """
        from reguloom.mechanistic.attractors import attractors

        return attractors(self, update=update, **options)

    def predict(self, perturbations: Perturbation | Sequence[Perturbation], adata: AnnData | None = None) -> Prediction:
        """Return how the long-run share of time that each gene is on changes under each perturbation.

        Parameters
        ----------
        perturbations
            One or several.
        adata
            Cells to start from, their expression binarised gene by gene; every state alike if left out.

        Returns
        -------
        Prediction
            Regime ``mechanistic``; one row for each perturbation, or with `adata` one row for each cell.
        """
        from reguloom.mechanistic.predict import predict

        return predict(self, perturbations, adata)

    def available(self) -> pd.DataFrame:
        """Return which genes can be perturbed: all that are not fixed already; columns ``available``, ``reason``."""
        reasons = [f"fixed at {self.fixed[gene]} by its rule" if gene in self.fixed else "" for gene in self.genes]
        return pd.DataFrame({"available": [not why for why in reasons], "reason": reasons}, index=list(self.genes))

    def provenance(self, method: str, **params: Any) -> Provenance:
        """Return the record of a result made from this network.

        Parameters
        ----------
        method
            What was done.
        params
            With which parameters.
        """
        from reguloom.core.provenance import fingerprint

        text = {gene: [[str(one.expression.names), one.probability] for one in self.alternatives[gene]]
                for gene in self.genes}  # fmt: skip
        return Provenance(method, params=params, inputs={"network": fingerprint(text)})

    def _check(self, gene: str) -> None:
        """Raise if the network has no such gene."""
        if gene not in self.alternatives:
            import difflib

            lowered = {name.lower(): name for name in self.genes}
            close = [lowered[name] for name in difflib.get_close_matches(gene.lower(), lowered, n=3, cutoff=0.5)]
            hint = f"close are {', '.join(close)}" if close else f"it has {', '.join(self.genes[:8])} …"
            msg = f"the network has no gene {gene!r}; {hint}."
            raise MissingKeyError(msg)


def _same(left: Formula, right: Formula) -> bool:
    """Tell whether two rules do the same, whatever way they are written."""
    if left == right:
        return True
    differ = Formula("xor", (left, right))
    return _truth.reduce(differ).constant == 0
