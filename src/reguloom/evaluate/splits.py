"""Ways to hold out perturbations: by genes as GEARS does, by combination, by context, in folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reguloom._errors import InputError
from reguloom._random import SeedLike, accepts_seed, generator, root_seed
from reguloom.core.perturbation_data import PerturbationData
from reguloom.evaluate import _gears_split as gears
from reguloom.evaluate._split import CONTROL, Split, Unit

if TYPE_CHECKING:
    from anndata import AnnData

KINDS = ("simulation", "simulation_single", "combo_seen0", "combo_seen1", "combo_seen2", "single",
         "unseen-combination", "unseen-context", "k-fold")  # fmt: skip
BY_GENE = ("combo_seen0", "combo_seen1", "combo_seen2", "single")


@accepts_seed
def split(
    data: PerturbationData | AnnData,
    kind: str = "simulation",
    *,
    test_share: float | None = None,
    val_share: float = 0.1,
    contexts: str | Sequence[str] = (),
    conditions: str | Sequence[str] = (),
    fold: int = 0,
    n_folds: int = 5,
    compat: bool = False,
    rng: SeedLike = 0,
    **reading: Any,
) -> Split:
    """Hold out perturbations of a screen.

    Parameters
    ----------
    data
        The screen; an AnnData is read with the options `reading`.
    kind
        ``simulation`` (genes are held out; strata ``combo_seen0``, ``combo_seen1``, ``combo_seen2``,
        ``unseen_single``), ``simulation_single``, ``combo_seen0``, ``combo_seen1``, ``combo_seen2``, ``single``
        (all as GEARS defines them), ``unseen-combination`` (combinations alone), ``unseen-context`` (every
        perturbation of a context, whose controls are kept), ``k-fold`` (over perturbations).
    test_share
        Share that is held out: of the genes for ``simulation`` (0.25, and as much of the combinations of seen
        genes), of the single perturbations for the gene-wise kinds (0.1), of the combinations for
        ``unseen-combination`` (0.5).
    val_share
        Share of the rest that is kept for early stopping. Where it is less than one perturbation all are learned from,
        and models keep back some of the cells instead.
    contexts
        Which contexts are held out by ``unseen-context``; the first if left out.
    conditions
        For ``unseen-context``: the perturbations held out there; all if left out.
    fold, n_folds
        Which of how many folds.
    compat
        Draw exactly as GEARS 0.1.2 does: numpy's legacy generator, labels in the order of the file.
    rng
        Seed.
    reading
        For :meth:`reguloom.core.PerturbationData.from_anndata`: ``perturbation``, ``covariates``, ``batch`` ...

    Returns
    -------
    Split
        Checked: every part has cells.

    Raises
    ------
    InputError
        If the screen has too few perturbations for this kind.
    """
    if kind not in KINDS:
        msg = f"there is no split {kind!r}; accepted are {', '.join(KINDS)}."
        raise InputError(msg)
    if compat and kind not in KINDS[:6]:
        msg = f"compat=True draws as GEARS does, which has no {kind!r}; it has {', '.join(KINDS[:6])}."
        raise InputError(msg)
    _check_shares(test_share, val_share)
    seed, screen = root_seed(rng), PerturbationData.of(data, **reading)
    if kind == "unseen-context":
        made = _unseen_context(screen, contexts, conditions, val_share, seed)
    elif kind == "k-fold":
        made = _k_fold(screen, fold, n_folds, val_share, seed)
    elif kind == "unseen-combination":
        made = _unseen_combination(screen, 0.5 if test_share is None else test_share, val_share, seed)
    else:
        made = _gears(screen, kind, test_share, val_share, compat, seed)
    return made.check(screen)


def _check_shares(test_share: float | None, val_share: float) -> None:
    """Raise InputError unless the shares lie between 0 and 1."""
    if not 0 <= val_share < 1 or (test_share is not None and not 0 < test_share < 1):
        msg = f"test_share is {test_share} and val_share {val_share}; give shares between 0 and 1."
        raise InputError(msg)


def _labels(data: PerturbationData, compat: bool) -> tuple[list[str], dict[str, str]]:
    """Return the perturbations to split, and the condition each stands for: as in the file, or sorted."""
    if not compat:
        own = {label: label for label in data.condition_labels[1:]}
        return list(own), own
    own = {raw: data.condition_labels[code] for raw, code in data.raw_labels.items() if code != 0}
    return list(own), own


def _genes(data: PerturbationData, label: str) -> tuple[str, ...]:
    """Return the genes of a condition."""
    return data.conditions[data.condition_labels.index(label)].genes


def _gears(
    data: PerturbationData, kind: str, test_share: float | None, val_share: float, compat: bool, seed: int
) -> Split:
    """Split by genes."""
    found, own = _labels(data, compat)
    # Doses and levels are no genes: the original reads plain labels, and so do we.
    plain = found if compat else ["+".join(_genes(data, label)) for label in found]
    back: dict[str, list[str]] = {}
    for label, text in zip(found, plain, strict=True):
        back.setdefault(text, []).append(own[label])
    names = list(back)
    if kind == "simulation_single" and any(len(gears.genes_of(name)) > 1 for name in names):
        msg = (
            "kind='simulation_single' is for screens of single genes, and this one has combinations; use 'simulation'."
        )
        raise InputError(msg)
    parts = _drawn(names, kind, test_share, val_share, compat, seed)

    def units(labels: Sequence[str]) -> tuple[Unit, ...]:
        return _units(data, [one for label in labels for one in back[label]])

    train, val, test = (set(units(part)) for part in (parts.train, parts.val, parts.test))
    clash = sorted((train & test) | (val & test) | (train & val))
    if clash:
        msg = f"{clash[0][0]!r} is written in two ways that compat=True puts into different parts; use compat=False."
        raise InputError(msg)
    strata = {name: units(labels) for name, labels in parts.strata.items()}
    left = len(names) - len(parts.train) - len(parts.val) - len(parts.test)
    notes = (f"{left} combinations of seen and unseen genes are in no part",) if left else ()
    train |= set(_units(data, [CONTROL]))
    return Split(kind, tuple(sorted(train)), tuple(sorted(val)), tuple(sorted(test)), strata, seed, notes)


def _drawn(
    names: list[str], kind: str, test_share: float | None, val_share: float, compat: bool, seed: int
) -> gears.Parts:
    """Draw the parts of a split by genes."""
    if kind in BY_GENE:
        share = 0.1 if test_share is None else test_share
        # One stream for both draws.
        draw = gears.legacy_draw(np.random.RandomState(seed)) if compat else _draw(seed, kind)
        rest, test = gears.by_gene(names, kind, share, draw)
        train, val = gears.by_gene(rest, kind, val_share, draw)
        return gears.Parts(train, val, list(dict.fromkeys(test)), {kind: list(dict.fromkeys(test))})
    seen = 0.75 if test_share is None else 1 - test_share
    if compat:
        legacy = lambda: gears.legacy_draw(np.random.RandomState(seed))  # noqa: E731
        rest, test, strata = gears.simulation(names, seen, seen, legacy)
        train, val, inner = gears.simulation(rest, 1 - val_share, 1 - val_share, legacy)
        return gears.Parts(train, val, test, strata, inner)
    rest, test, strata = gears.simulation(names, seen, seen, lambda: _draw(seed, kind, "test"))
    train, val, inner = gears.simulation(rest, 1 - val_share, 1 - val_share, lambda: _draw(seed, kind, "val"))
    return gears.Parts(train, val, test, strata, inner)


def _draw(seed: int, *names: str) -> gears.Draw:
    """Return draws without replacement from this library's generator; an empty draw takes at least one name."""
    random = generator(seed, "split", *names)

    def draw(labels: list[str], n: int, replace: bool) -> list[str]:
        n = min(max(n, 1), len(labels)) if replace else n
        return [labels[i] for i in random.permutation(len(labels))[:n]]

    return draw


def _units(data: PerturbationData, labels: Sequence[str]) -> tuple[Unit, ...]:
    """Return the units of conditions that have cells."""
    wanted = {data.condition_labels.index(label) for label in labels}
    pairs = sorted(set(zip(data.condition_codes.tolist(), data.context_codes.tolist(), strict=True)))
    return tuple(sorted((data.condition_labels[a], data.contexts[b]) for a, b in pairs if a in wanted))


def _val(labels: list[str], share: float, seed: int) -> tuple[list[str], list[str]]:
    """Keep a share of the labels for early stopping; none where it is less than one of them."""
    n = min(int(len(labels) * share), max(len(labels) - 2, 0))
    order = generator(seed, "split", "val").permutation(len(labels))
    kept = {labels[i] for i in order[:n]}
    return [label for label in labels if label not in kept], sorted(kept)


def _seen_strata(data: PerturbationData, test: Sequence[str], train: Sequence[str]) -> dict[str, tuple[Unit, ...]]:
    """Group test perturbations by how many of their genes were seen alone in training."""
    known = {_genes(data, label)[0] for label in train if len(_genes(data, label)) == 1}
    groups: dict[str, list[str]] = {}
    for label in test:
        genes = _genes(data, label)
        n = sum(gene in known for gene in genes)
        name = ("unseen_single" if n == 0 else "seen_single") if len(genes) == 1 else f"combo_seen{min(n, len(genes))}"
        groups.setdefault(name, []).append(label)
    return {name: _units(data, labels) for name, labels in sorted(groups.items())}


def _unseen_combination(data: PerturbationData, share: float, val_share: float, seed: int) -> Split:
    """Hold out combinations; every single perturbation is learned from."""
    combos = [label for label in data.condition_labels[1:] if len(_genes(data, label)) > 1]
    if len(combos) < 2:
        msg = f"the screen has {len(combos)} combinations; kind='unseen-combination' needs 2, so use 'simulation'."
        raise InputError(msg)
    n = min(max(round(len(combos) * share), 1), len(combos))
    order = generator(seed, "split", "combination").permutation(len(combos))
    test = sorted(combos[i] for i in order[:n])
    rest, val = _val([label for label in combos if label not in set(test)], val_share, seed)
    singles = [label for label in data.condition_labels[1:] if len(_genes(data, label)) == 1]
    train = [CONTROL, *singles, *rest]
    return Split("unseen-combination", _units(data, train), _units(data, val), _units(data, test),
                 strata=_seen_strata(data, test, train), seed=seed)  # fmt: skip


def _unseen_context(
    data: PerturbationData, contexts: str | Sequence[str], conditions: str | Sequence[str], val_share: float, seed: int
) -> Split:
    """Hold out perturbations of whole contexts; their controls stay."""
    held = [contexts] if isinstance(contexts, str) else list(contexts) or [data.contexts[0]]
    unknown = [one for one in held if one not in data.contexts]
    if unknown or len(data.contexts) < 2 or len(held) >= len(data.contexts):
        msg = (
            f"contexts {held} cannot be held out of {list(data.contexts)[:8]}; give some of these and leave others "
            "(contexts are the values of covariates=)."
        )
        raise InputError(msg)
    asked = [conditions] if isinstance(conditions, str) else list(conditions) or list(data.condition_labels[1:])
    labels = [data.condition_labels[data.condition(one)] for one in asked]
    everything = [unit for unit in _units(data, data.condition_labels) if unit[0] != CONTROL]
    test = [unit for unit in everything if unit[1] in held and unit[0] in labels]
    rest = [unit for unit in everything if unit not in set(test)]
    keys = [f"{condition}\t{context}" for condition, context in rest]
    _, chosen = _val(keys, val_share, seed)
    val = [(key.split("\t")[0], key.split("\t")[1]) for key in chosen]
    # The only context of a perturbation must stay, or nothing could be learned about it.
    val = [unit for unit in val if sum(other[0] == unit[0] for other in rest) > 1]
    train = [*_units(data, [CONTROL]), *(unit for unit in rest if unit not in set(val))]
    known = {condition for condition, _ in train}
    strata = {"seen_elsewhere": tuple(u for u in test if u[0] in known),
              "seen_nowhere": tuple(u for u in test if u[0] not in known)}  # fmt: skip
    return Split("unseen-context", tuple(sorted(train)), tuple(sorted(val)), tuple(sorted(test)),
                 strata={name: units for name, units in strata.items() if units}, seed=seed)  # fmt: skip


def _k_fold(data: PerturbationData, fold: int, n_folds: int, val_share: float, seed: int) -> Split:
    """Hold out one of several equal parts of the perturbations."""
    labels = list(data.condition_labels[1:])
    if not (2 <= n_folds <= len(labels) and 0 <= fold < n_folds):
        msg = f"fold {fold} of {n_folds} of {len(labels)} perturbations; give 2 to {len(labels)} folds, counted from 0."
        raise InputError(msg)
    order = generator(seed, "split", "fold").permutation(len(labels))
    test = sorted(labels[i] for i in order[fold::n_folds])
    rest, val = _val([label for label in labels if label not in set(test)], val_share, seed)
    return Split("k-fold", _units(data, [CONTROL, *rest]), _units(data, val), _units(data, test),
                 strata=_seen_strata(data, test, rest), seed=seed)  # fmt: skip
