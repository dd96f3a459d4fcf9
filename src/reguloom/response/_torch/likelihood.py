"""Negative binomial counts: their likelihood, and what their logarithm is on average."""

from __future__ import annotations

import torch
from torch.nn import functional


def nb_log_likelihood(counts: torch.Tensor, mean: torch.Tensor, inverse_dispersion: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of the negative binomial probability, entry by entry.

    Parameters
    ----------
    counts, mean
        Same shape.
    inverse_dispersion
        ``theta``: the variance is ``mean + mean² / theta``.
    """
    mean, theta = mean.clamp(min=1e-8), inverse_dispersion.clamp(min=1e-8)
    log_total = torch.log(theta + mean)
    return (
        torch.lgamma(counts + theta) - torch.lgamma(theta) - torch.lgamma(counts + 1)
        + theta * (torch.log(theta) - log_total) + counts * (torch.log(mean) - log_total)
    )  # fmt: skip


def zinb_log_likelihood(
    counts: torch.Tensor, mean: torch.Tensor, inverse_dispersion: torch.Tensor, log_odds: torch.Tensor
) -> torch.Tensor:
    """Return the logarithm of the probability where there are more zeros than those of a negative binomial.

    Parameters
    ----------
    counts, mean, inverse_dispersion
        As for :func:`nb_log_likelihood`.
    log_odds
        Of a zero that does not come from the negative binomial, same shape as `counts`.
    """
    inside = nb_log_likelihood(counts, mean, inverse_dispersion)
    # log(1 - pi) + NB, and at zero also pi: log(pi + (1 - pi) NB(0)).
    kept = inside - functional.softplus(log_odds)
    extra = -functional.softplus(-log_odds)
    return torch.where(counts < 0.5, torch.logaddexp(extra, kept), kept)


def gauss_log_likelihood(values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of the normal density, entry by entry.

    Parameters
    ----------
    values, mean, variance
        Same shape.
    """
    return -0.5 * (torch.log(2 * torch.pi * variance) + (values - mean) ** 2 / variance)


def expected_log1p(
    mean: torch.Tensor, inverse_dispersion: torch.Tensor, scale: torch.Tensor, *, n_terms: int = 24
) -> torch.Tensor:
    """Return ``E[log(1 + scale X)]`` of a negative binomial ``X``: what mean log-normalised expression will be.

    The first terms are summed as they are; what is left of the distribution is put at its own mean. The logarithm of
    the mean instead would be too large wherever counts are few.

    Parameters
    ----------
    mean, inverse_dispersion
        Of the counts.
    scale
        Factor that normalises a cell.
    n_terms
        How many terms are summed.
    """
    mean, theta = mean.clamp(min=1e-8).double(), inverse_dispersion.clamp(min=1e-8).double()
    share = mean / (theta + mean)
    probability = torch.exp(theta * torch.log1p(-share))
    total, first, expected = probability.clone(), torch.zeros_like(mean), torch.zeros_like(mean)
    for k in range(1, n_terms):
        probability = probability * (k - 1 + theta) / k * share
        total += probability
        first += k * probability
        expected += torch.log1p(k * scale) * probability
    rest = (1 - total).clamp(min=0)
    tail = (mean - first).clamp(min=0) / rest.clamp(min=1e-12)
    return expected + rest * torch.log1p(scale * tail)
