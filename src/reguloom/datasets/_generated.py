"""Wirings made to order: a tree of decisions between fates, cascades below them, targets, decoys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

P_REPRESSOR = 0.25
"""Share of a cascade's or a target's regulators that repress it."""
SHARE_DECOY_TFS = 0.1
"""Share of TFs that are expressed, have motifs, and regulate nothing."""
SHARE_UNREGULATED = 0.1
"""Share of target genes that nothing regulates."""
P_AND = 0.4
"""Chance that the activators of a gene must all be there; otherwise one of them is enough."""
N_CYCLE = 3
"""TFs of the oscillator that turns in every cell, whatever its fate."""


@dataclass
class Wiring:
    """Rules, gene by gene.

    Parameters
    ----------
    rules
        Gene → rule, TFs first.
    tfs
        Names of the TFs, those that regulate nothing among them.
    initial
        Gene → mRNA at the beginning.
    """

    rules: dict[str, str] = field(default_factory=dict)
    tfs: list[str] = field(default_factory=list)
    initial: dict[str, float] = field(default_factory=dict)


def core(n_tfs: int, n_fates: int, rng: np.random.Generator) -> Wiring:
    """Draw the TFs' own network: mutual repressors at each fork, cascades, an oscillator, decoys.

    The first TF is the signal that calls the first fork; the second is the progenitor's own, and goes out once a
    branch is well under way.

    Parameters
    ----------
    n_tfs, n_fates
        Sizes; two TFs for each fork, the signal and the progenitor's must fit.
    rng
        Source of randomness.
    """
    wiring = Wiring(tfs=[f"Tf{i + 1:0{max(2, len(str(n_tfs)))}d}" for i in range(n_tfs)])
    names = iter(wiring.tfs)
    signal, own = next(names), next(names)
    n_decoys = round(SHARE_DECOY_TFS * n_tfs)
    tips = _forks(wiring, signal, names, n_fates, rng)
    n_left = n_tfs - 2 - 2 * (n_fates - 1) - n_decoys
    if n_left >= 3 * N_CYCLE:
        wheel = [next(names) for _ in range(N_CYCLE)]
        for i, tf in enumerate(wheel):
            wiring.rules[tf] = f"not {wheel[i - 1]}"
        wiring.initial[wheel[0]] = 1.0
        n_left -= N_CYCLE
    _cascades(wiring, tips, [next(names) for _ in range(n_left)], rng)
    for tf in names:
        wiring.rules[tf] = "1"
    late = [tf for tf in wiring.tfs if wiring.rules.get(tf) in tips]
    wiring.rules = {signal: "1", own: f"{own} and not ({' or '.join(late)})" if late else own, **wiring.rules}
    wiring.initial.update({signal: 2.0, own: 2.0})
    return wiring


def _forks(
    wiring: Wiring, start: str, names: Sequence[str] | object, n_fates: int, rng: np.random.Generator
) -> list[str]:
    """Split tips until there are enough fates; each fork is a pair that its parent calls and that shut each other."""
    tips = [start]
    while len(tips) < n_fates:
        parent = tips.pop(0) if len(tips) == 1 else tips.pop(int(rng.integers(len(tips))))
        left, right = next(names), next(names)  # type: ignore[call-overload]
        for one, other in ((left, right), (right, left)):
            wiring.rules[one] = f"{parent} and not {other}"
        tips += [left, right]
    return tips


def _cascades(wiring: Wiring, tips: Sequence[str], names: Sequence[str], rng: np.random.Generator) -> None:
    """Hang TFs below the forks, each with one to three regulators, the first of them in turn from each branch.

    The first below each branch has no other regulator: it tells that the branch is under way.
    """
    branch = {tip: [tip] for tip in tips}
    for i, tf in enumerate(names):
        own = branch[tips[i % len(tips)]]
        first = own[int(rng.integers(len(own)))]
        if i < len(tips):
            wiring.rules[tf] = tips[i]
            own.append(tf)
            continue
        others = [name for name in wiring.rules if name != first and wiring.rules[name] != "1"]
        extra = rng.choice(others, size=min(int(rng.integers(0, 3)), len(others)), replace=False).tolist()
        away = [name for name in extra if rng.random() < P_REPRESSOR]
        wiring.rules[tf] = rule([first, *(name for name in extra if name not in away)], away, and_=False)
        own.append(tf)


def targets(wiring: Wiring, n_targets: int, regulators: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Hang genes below TFs: one to four regulators each, TFs differing in how many genes they regulate.

    Parameters
    ----------
    wiring
        Gets the new rules.
    n_targets
        How many.
    regulators
        TFs that may regulate.
    rng
        Source of randomness.

    Returns
    -------
    Names of the new genes.
    """
    taken = set(wiring.rules)
    width = max(2, len(str(n_targets)))
    genes = [f"Gene{i + 1:0{width}d}" for i in range(n_targets)]
    genes = [f"{gene}_" if gene in taken else gene for gene in genes]
    appetite = rng.lognormal(0.0, 0.5, len(regulators))
    appetite /= appetite.sum()
    for gene in genes:
        if rng.random() < SHARE_UNREGULATED or not len(regulators):
            wiring.rules[gene] = "1"
            continue
        n = min(1 + int(rng.binomial(3, 0.3)), len(regulators))
        chosen = rng.choice(regulators, size=n, replace=False, p=appetite).tolist()
        away = [name for name in chosen if rng.random() < P_REPRESSOR]
        wiring.rules[gene] = rule([one for one in chosen if one not in away], away, and_=bool(rng.random() < P_AND))
    return genes


def rule(activators: Sequence[str], repressors: Sequence[str], *, and_: bool) -> str:
    """Return the rule: the activators (all, or one of them) and none of the repressors.

    Parameters
    ----------
    activators, repressors
        Names; one of the two may be empty.
    and_
        Whether all activators are needed.
    """
    on = (" and " if and_ else " or ").join(activators)
    off = f"not ({' or '.join(repressors)})" if repressors else ""
    return f"({on}) and {off}" if on and off else on or off
