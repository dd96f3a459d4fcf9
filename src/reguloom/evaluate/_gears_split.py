"""Splits as the original GEARS makes them: by genes, seeded through numpy's legacy generator, in the file's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

STRATA = ("combo_seen0", "combo_seen1", "combo_seen2", "unseen_single")
Draw = Callable[[list[str], int, bool], list[str]]
"""``(names, n, replace)`` → the names that are drawn."""


@dataclass
class Parts:
    """Labels of the parts of a split, in order."""

    train: list[str] = field(default_factory=list)
    val: list[str] = field(default_factory=list)
    test: list[str] = field(default_factory=list)
    strata: dict[str, list[str]] = field(default_factory=dict)
    val_strata: dict[str, list[str]] = field(default_factory=dict)


def genes_of(label: str) -> list[str]:
    """Return the genes of a label, controls left out."""
    return [part for part in label.split("+") if part not in ("ctrl", "control", "")]


def all_genes(labels: Sequence[str]) -> list[str]:
    """Return the distinct genes of labels, sorted."""
    return sorted({gene for label in labels for gene in genes_of(label)})


def touching(genes: Sequence[str], labels: Sequence[str], *, combinations: bool) -> list[str]:
    """Return the labels that have one of `genes`: those of one gene, or the combinations."""
    wanted = set(genes)
    return [one for one in labels if (len(genes_of(one)) > 1) == combinations and wanted & set(genes_of(one))]


def n_in(label: str, genes: set[str]) -> int:
    """Return how many genes of a label are among `genes`."""
    return sum(gene in genes for gene in genes_of(label))


def simulation(
    labels: Sequence[str], gene_share: float, combination_share: float, fresh_draw: Callable[[], Draw]
) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """Hold out genes, and with them every perturbation that has one; of combinations of seen genes, a share.

    Parameters
    ----------
    labels
        Perturbations, no control.
    gene_share
        Share of the genes that are seen.
    combination_share
        Share of the combinations of seen genes that are trained on.
    fresh_draw
        Makes a seeded draw; the original seeds anew before it draws combinations.

    Returns
    -------
    Labels seen, labels held out, and the held-out ones by stratum.
    """
    genes = all_genes(labels)
    seen = fresh_draw()(genes, int(len(genes) * gene_share), False)
    known, unknown = set(seen), [gene for gene in genes if gene not in set(seen)]
    combos = touching(seen, labels, combinations=True)
    one_seen = [label for label in combos if n_in(label, known) == 1]
    both = sorted(set(combos) - set(one_seen))
    drawn = fresh_draw()(both, int(len(both) * combination_share), False)
    strata = {
        "combo_seen0": [x for x in touching(unknown, labels, combinations=True) if n_in(x, known) == 0],
        "combo_seen1": one_seen,
        "combo_seen2": [label for label in both if label not in set(drawn)],
        "unseen_single": touching(unknown, labels, combinations=False),
    }
    held_out = [*one_seen, *strata["combo_seen2"], *strata["unseen_single"], *strata["combo_seen0"]]
    return [*touching(seen, labels, combinations=False), *drawn], held_out, strata


def by_gene(labels: Sequence[str], kind: str, share: float, draw: Draw) -> tuple[list[str], list[str]]:
    """Hold out what has a drawn gene; combinations that would mix seen and unseen genes are left out altogether.

    Parameters
    ----------
    labels
        Perturbations, no control.
    kind
        ``combo_seen0``, ``combo_seen1``, ``combo_seen2``, ``single``.
    share
        As many genes are drawn, with replacement, as this share of the single perturbations (or of the combinations).
    draw
        Where chance comes from.

    Returns
    -------
    Labels seen and labels held out.
    """
    singles = [label for label in labels if len(genes_of(label)) == 1]
    genes = draw(all_genes(labels), int(len(singles) * share), True)
    alone, combos = touching(genes, labels, combinations=False), touching(genes, labels, combinations=True)
    if kind == "single":
        test, dropped = alone, combos
    elif kind == "combo_seen2":
        together = [label for label in labels if len(genes_of(label)) > 1]
        test, dropped = draw(together, int(len(together) * share), True), []
    else:
        most = 0 if kind == "combo_seen0" else 1
        dropped = [x for x in combos if len(genes_of(x)) - n_in(x, set(genes)) > most]
        test = [*alone, *(label for label in combos if label not in set(dropped))]
    gone = {*test, *dropped}
    return [label for label in labels if label not in gone], test


def legacy_draw(random: np.random.RandomState) -> Draw:
    """Return draws from numpy's legacy generator."""

    def draw(names: list[str], n: int, replace: bool) -> list[str]:
        return random.choice(names, n, replace=replace).tolist() if n else []

    return draw
