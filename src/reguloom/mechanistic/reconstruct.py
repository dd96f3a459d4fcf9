"""Rules from binary time series: best-fit extension and REVEAL."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reguloom._errors import InputError
from reguloom._threads import map_ordered
from reguloom.core import Network
from reguloom.mechanistic._minimise import cover
from reguloom.mechanistic.boolean_network import BooleanNetwork

METHODS = ("best-fit", "reveal")
MAX_COMPLETIONS = 64
"""Ways to fill rows that were never seen, beyond which a probabilistic network is refused."""
_EQUAL = 1e-6


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Rules found for each gene.

    Parameters
    ----------
    network
        The network with the first rule of each gene, or all of them for a probabilistic one.
    candidates
        One row for each rule that fits equally well: ``gene``, ``regulators`` (joined by a space), ``error``
        (transitions that it does not explain), ``n_transitions``, ``n_unseen`` (rows of the table that never occurred,
        filled with 0).
    unexplained
        Genes for which no rule was found (REVEAL: none explains every transition); they are inputs in the network.
    """

    network: BooleanNetwork
    candidates: pd.DataFrame
    unexplained: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Transitions:
    """States and what followed them."""

    genes: list[str]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    held: NDArray[np.bool_]


def reconstruct(
    series: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    method: str = "best-fit",
    max_regulators: int = 3,
    prior: Network | None = None,
    excluded: Mapping[str, Iterable[str]] | None = None,
    perturbed: Sequence[Mapping[str, int]] | None = None,
    all_sizes: bool = False,
    probabilistic: bool = False,
    n_jobs: int | None = None,
) -> Reconstruction:
    """Find Boolean rules that explain binary time series.

    Parameters
    ----------
    series
        One or several tables, time points × genes, of 0 and 1; consecutive rows are transitions. A table from
        :func:`transition_table` is understood too.
    method
        ``best-fit`` (Lähdesmäki et al. 2003): the sets of regulators that explain most transitions, the smallest
        first. ``reveal`` (Liang et al. 1998): the smallest sets whose values determine the gene.
    max_regulators
        Regulators of a gene at most.
    prior
        Only these edges are considered; genes that are no target in it consider every gene.
    excluded
        Gene → regulators that it cannot have.
    perturbed
        For each series, the genes that were held at a value; their transitions say nothing about their rules.
    all_sizes
        Whether larger sets that fit no better are listed as well.
    probabilistic
        Whether to return a probabilistic network with every rule that fits equally well.
    n_jobs
        Threads, one gene at a time.

    Returns
    -------
    Reconstruction
        Network, candidates, and genes that could not be explained.

    Raises
    ------
    InputError
        If the series are not binary, or their genes differ.
    """
    if method not in METHODS:
        msg = f"the method is {method!r}; accepted are {', '.join(METHODS)}."
        raise InputError(msg)
    data = _transitions([series] if isinstance(series, pd.DataFrame) else list(series), perturbed)
    allowed = _allowed(data.genes, prior, excluded)

    def one(target: int) -> list[_Candidate]:
        return _search(data, target, allowed[target], method, max_regulators, all_sizes)

    found = list(map_ordered(one, range(len(data.genes)), n_jobs))
    rules: dict[str, Any] = {}
    for gene, candidates in zip(data.genes, found, strict=True):
        if candidates:
            names = [[data.genes[i] for i in each.regulators] for each in candidates]
            rules[gene] = _rules(names, candidates, probabilistic)
    table = pd.DataFrame([each.row(data.genes) for candidates in found for each in candidates], columns=_COLUMNS)
    unexplained = tuple(gene for gene, candidates in zip(data.genes, found, strict=True) if not candidates)
    return Reconstruction(BooleanNetwork.from_rules(rules, genes=data.genes), table, unexplained)


_COLUMNS = ["gene", "regulators", "error", "n_transitions", "n_unseen"]


@dataclass(frozen=True, eq=False)
class _Candidate:
    """One set of regulators and how often each pattern was followed by off and on."""

    target: int
    regulators: tuple[int, ...]
    counts: NDArray[np.int64]  # (2, 2**k)

    @property
    def error(self) -> int:
        return int(self.counts.min(axis=0).sum())

    def row(self, genes: Sequence[str]) -> list[Any]:
        """Return the row of the table of candidates."""
        unseen = int((self.counts.sum(axis=0) == 0).sum())
        names = " ".join(genes[i] for i in self.regulators)
        return [genes[self.target], names, self.error, int(self.counts.sum()), unseen]

    def tables(self) -> list[NDArray[np.bool_]]:
        """Return every table that fits equally well: rows that are unseen or tied may be either."""
        sure = self.counts[1] > self.counts[0]
        open_rows = np.flatnonzero(self.counts[1] == self.counts[0])
        if 1 << len(open_rows) > MAX_COMPLETIONS:
            msg = (
                f"{len(open_rows)} rows of a table were never decided, which gives 2**{len(open_rows)} rules; "
                "give more transitions or fewer max_regulators, or leave probabilistic off."
            )
            raise InputError(msg)
        made = []
        for choice in itertools.product((False, True), repeat=len(open_rows)):
            table = sure.copy()
            table[open_rows] = choice
            made.append(table)
        return made


def _rules(names: list[list[str]], candidates: list[_Candidate], probabilistic: bool) -> Any:
    """Return one rule, or all with equal probabilities."""
    if not probabilistic:
        counts = candidates[0].counts
        return cover(names[0], counts[1] > counts[0])
    each = [cover(name, table) for name, one in zip(names, candidates, strict=True) for table in one.tables()]
    unique = list(dict.fromkeys(each))
    return [(rule, 1.0 / len(unique)) for rule in unique]


def _transitions(tables: list[pd.DataFrame], perturbed: Sequence[Mapping[str, int]] | None) -> _Transitions:
    """Return every pair of consecutive states, and which genes were held meanwhile."""
    if not tables:
        msg = "there is no series; give at least one table of time points x genes."
        raise InputError(msg)
    if perturbed is not None and len(perturbed) != len(tables):
        msg = f"perturbations are given for {len(perturbed)} series of {len(tables)}; give one mapping for each."
        raise InputError(msg)
    if list(tables[0].columns[:2]) == ["state", "next_state"]:
        return _from_table(tables[0])
    genes = [str(name) for name in tables[0].columns]
    before, after, held = [], [], []
    for number, table in enumerate(tables):
        if [str(name) for name in table.columns] != genes:
            msg = f"series {number + 1} has other genes than the first; give all of them the same columns."
            raise InputError(msg)
        values = table.to_numpy()
        if not np.isin(values, (0, 1)).all():
            msg = f"series {number + 1} is not binary; make it so with binarize_expression."
            raise InputError(msg)
        states = values.astype(np.int64)
        fixed = set(perturbed[number]) if perturbed is not None else set()
        before.append(states[:-1])
        after.append(states[1:])
        held.append(np.tile([gene in fixed for gene in genes], (max(len(states) - 1, 0), 1)))
    data = _Transitions(genes, np.concatenate(before), np.concatenate(after), np.concatenate(held))
    if not len(data.before):
        msg = "no series has two time points, so there is no transition to learn from."
        raise InputError(msg)
    return data


def _from_table(table: pd.DataFrame) -> _Transitions:
    """Return the transitions of a transition table."""
    before = np.array([[int(letter) for letter in text] for text in table["state"]])
    after = np.array([[int(letter) for letter in text] for text in table["next_state"]])
    genes = table.attrs.get("genes") or [f"G{i + 1}" for i in range(before.shape[1])]
    return _Transitions(list(genes), before, after, np.zeros(before.shape, dtype=bool))


def _allowed(genes: list[str], prior: Network | None, excluded: Mapping[str, Iterable[str]] | None) -> list[list[int]]:
    """Return the regulators that each gene may have."""
    place = {gene: i for i, gene in enumerate(genes)}
    everything = list(range(len(genes)))
    made = [everything] * len(genes)
    if prior is not None:
        frame = prior.to_frame()
        for target, rows in frame.groupby(frame["target"].astype(str)):
            if target in place:
                made[place[target]] = sorted({place[str(name)] for name in rows["source"] if str(name) in place})
    for gene, names in (excluded or {}).items():
        if gene not in place:
            msg = f"{gene} is excluded from something and is no gene of the series."
            raise InputError(msg)
        unwanted = set(names)
        made[place[gene]] = [i for i in made[place[gene]] if genes[i] not in unwanted]
    return made


def _search(
    data: _Transitions, target: int, allowed: list[int], method: str, max_regulators: int, all_sizes: bool
) -> list[_Candidate]:
    """Return the best sets of regulators for a gene."""
    free = ~data.held[:, target]
    before, after = data.before[free], data.after[free, target]
    if not len(after):
        return []
    best: list[_Candidate] = []
    for k in range(min(max_regulators, len(allowed)) + 1):
        for regulators in itertools.combinations(allowed, k):
            one = _Candidate(target, regulators, _counts(before, after, regulators))
            if method == "reveal":
                if _determined(one.counts):
                    best.append(one)
            elif not best or one.error < best[0].error:
                best = [one]
            elif one.error == best[0].error and (all_sizes or len(regulators) == len(best[0].regulators)):
                best.append(one)
        if best and (method == "reveal" or best[0].error == 0):
            break
    return best


def _counts(before: NDArray[np.int64], after: NDArray[np.int64], regulators: tuple[int, ...]) -> NDArray[np.int64]:
    """Return how often each pattern of regulators was followed by 0 and by 1, shape ``(2, 2**k)``."""
    rows = np.zeros(len(after), dtype=np.int64)
    for i, regulator in enumerate(regulators):
        rows |= before[:, regulator] << i
    size = 1 << len(regulators)
    return np.bincount(rows + size * after, minlength=2 * size).reshape(2, size)


def _determined(counts: NDArray[np.int64]) -> bool:
    """Tell whether the regulators' entropy equals that of regulators and gene together."""
    return abs(_entropy(counts.sum(axis=0)) - _entropy(counts.ravel())) < _EQUAL


def _entropy(counts: NDArray[np.int64]) -> float:
    """Return Shannon's entropy in bits."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())
