"""Options of the variational recurrent network, and the forms under which it is known."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from reguloom._errors import InputError

#: Passes if none are given: few genes need more of them, and many cost more.
FEWEST_EPOCHS, MOST_EPOCHS, GENE_EPOCHS = 50, 100, 25_000
COMPAT = (None, "chung", "vrnn-gene-clustering")
ORIGINAL_EPOCHS = 2000


@dataclass(frozen=True)
class VrnnOptions:
    """How the network is built and trained.

    Parameters
    ----------
    n_static
        Dimensions of a gene's latent that does not change in time.
    n_latent
        Dimensions of the latent of each time.
    n_hidden
        Units of the recurrence.
    autoregressive
        Whether the recurrence sees the input, as in Chung et al. 2015.
    decay
        Whether the state decays over long gaps.
    n_components
        Normals in the prior of the static latent, learned with the rest; 0 is one standard normal.
    beta
        Weight of the divergences at full strength.
    warmup
        Share of the epochs over which that of the static latent rises from 0; that of the others is full from the
        start, so that what does not change in time is told by the latent that does not.
    free_bits
        Divergence (nats) that each dimension has for free.
    lr
        Learning rate of Adam.
    batch_size
        Genes in a batch; a quarter of them, between 16 and 512, if None.
    max_epochs
        The most passes over the genes; if None, 25,000 over the genes that are trained on, between 50 and 100.
    patience
        Epochs without a better likelihood of held-out values before it stops.
    validate_every
        Epochs between two looks at held-out values.
    """

    n_static: int = 4
    n_latent: int = 4
    n_hidden: int = 32
    autoregressive: bool = False
    decay: bool = False
    n_components: int = 0
    beta: float = 1.0
    warmup: float = 0.5
    free_bits: float = 0.05
    lr: float = 1e-2
    batch_size: int | None = None
    max_epochs: int | None = None
    patience: int = 25
    validate_every: int = 5


def passes(options: VrnnOptions, n_genes: int) -> int:
    """Return the most passes over so many genes."""
    if options.max_epochs is not None:
        return options.max_epochs
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, GENE_EPOCHS // max(n_genes, 1)))


def vrnn_options(given: dict[str, Any] | None, compat: str | None) -> VrnnOptions:
    """Return the options of a fit.

    Parameters
    ----------
    given
        Options by name, over the defaults.
    compat
        ``"chung"``: no static latent, and the recurrence sees the input; ``"vrnn-gene-clustering"``: 2,000 epochs.

    Raises
    ------
    InputError
        If an option is not known.
    """
    if compat not in COMPAT:
        msg = f"compat is {compat!r}; accepted are {', '.join(map(repr, COMPAT))}."
        raise InputError(msg)
    start = VrnnOptions(n_static=0, autoregressive=True) if compat == "chung" else VrnnOptions()
    if compat == "vrnn-gene-clustering":
        # The published number of epochs; its other settings belong to its network and are fixed there.
        start = VrnnOptions(max_epochs=ORIGINAL_EPOCHS)
    known = {one.name for one in fields(VrnnOptions)}
    unknown = sorted(set(given or {}) - known)
    if unknown:
        msg = f"the network has no options {unknown}; accepted are {', '.join(sorted(known))}."
        raise InputError(msg)
    return replace(start, **(given or {}))
