"""A variational recurrent network over the course of one gene, with a latent of the gene that does not change in time.

After Chung et al., NeurIPS 2015. For a gene with courses x in D tracks at times with gaps dt::

    w            ~ N(0, I), or a mixture of normals          posterior from a bidirectional GRU over the whole course
    z_t | h, w   ~ N(prior(h_{t-1}, w, dt_t))                posterior from x_t, h_{t-1} and w
    course_t     = decoder(phi(z_t), h_{t-1}, w)             never h_t, which would hold what z_t was made of
    h_t          = GRU([phi(z_t), dt_t, w], h_{t-1})         with phi_x(x_t) as well if autoregressive (Chung's form)

The input reaches the output through z and w alone, so that these have to carry it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

LOWEST_LOGVAR, HIGHEST_LOGVAR = -8.0, 4.0
_LOG_2PI = 1.8378770664093453


@dataclass(frozen=True)
class Sizes:
    """Sizes of the network.

    Parameters
    ----------
    n_tracks
        Courses of a gene.
    n_static, n_latent
        Dimensions of w and of z; ``n_static=0`` leaves w out (Chung's form).
    n_hidden
        Units of the recurrence and of every hidden layer.
    autoregressive
        Whether the recurrence sees the input.
    decay
        Whether the state decays over long gaps.
    n_components
        Normals in the prior of w, whose means, variances and weights are learned; 0 is N(0, I).
    """

    n_tracks: int
    n_static: int = 4
    n_latent: int = 4
    n_hidden: int = 32
    autoregressive: bool = False
    decay: bool = False
    n_components: int = 0


@dataclass(frozen=True)
class Pass:
    """What one pass through the network gives.

    Parameters
    ----------
    course
        Decoded shapes, ``(n_times, n_genes, n_tracks)``.
    w_mean, w_logvar, w
        Posterior of w, and the w that was decoded, ``(n_genes, n_static)``.
    z_mean, z_logvar, prior_mean, prior_logvar
        Posterior and prior of z, ``(n_times, n_genes, n_latent)``.
    """

    course: torch.Tensor
    w_mean: torch.Tensor
    w_logvar: torch.Tensor
    w: torch.Tensor
    z_mean: torch.Tensor
    z_logvar: torch.Tensor
    prior_mean: torch.Tensor
    prior_logvar: torch.Tensor


class VRNN(nn.Module):
    """The network.

    Layers that read several things are sums of layers that read one each: what does not change in time is then computed
    once, and nothing is copied to stand side by side.

    Parameters
    ----------
    sizes
        Its sizes.
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        n_in, n_h, n_w = 3 * sizes.n_tracks, sizes.n_hidden, sizes.n_static
        n_phi = n_h // 2
        if n_w:
            self.summary = nn.GRU(n_in + 1, n_h // 2, bidirectional=True)
            self.w_out = nn.Linear(n_h, 2 * n_w)
            # From w: the hidden layers of posterior, prior and decoder, and the three gates.
            self.from_static = nn.Linear(n_w, 6 * n_h, bias=False)
        self.q_input = nn.Linear(n_in, n_h)
        self.q_out = nn.Linear(n_h, 2 * sizes.n_latent)
        self.phi_z = nn.Linear(sizes.n_latent, n_phi)
        self.cell_input = nn.Linear(n_phi, 3 * n_h, bias=False)
        if sizes.autoregressive:
            self.cell_seen = nn.Linear(n_in, 3 * n_h, bias=False)
        # From h: the hidden layer of the posterior and the three gates; the gap in time shifts them.
        self.from_state = nn.Linear(n_h, 4 * n_h)
        self.from_gap = nn.Parameter(torch.zeros(4 * n_h))
        # From h: the hidden layers of prior and decoder.
        self.before = nn.Linear(n_h, 2 * n_h)
        self.before_gap = nn.Parameter(torch.zeros(2 * n_h))
        self.prior_out = nn.Linear(n_h, 2 * sizes.n_latent)
        self.from_phi = nn.Linear(n_phi, n_h, bias=False)
        self.course_out = nn.Linear(n_h, sizes.n_tracks)
        self.misfit = nn.Parameter(torch.tensor(-1.5))
        if sizes.n_components and n_w:
            self.mixture_mean = nn.Parameter(torch.randn(sizes.n_components, n_w))
            self.mixture_logvar = nn.Parameter(torch.full((sizes.n_components, n_w), -1.0))
            self.mixture_weight = nn.Parameter(torch.zeros(sizes.n_components))
        if sizes.decay:
            self.forget = nn.Parameter(torch.full((n_h,), -3.0))

    def forward(self, x: torch.Tensor, gaps: torch.Tensor, *, sample: bool = False, latent: str = "posterior") -> Pass:
        """Return the posterior, the prior and the decoded course.

        Parameters
        ----------
        x
            ``(n_times, n_genes, 3 n_tracks)``: shapes, their errors, and whether they were measured.
        gaps
            ``(n_times,)``, from the time before, on a log scale.
        sample
            Whether w and z are drawn; their means are taken otherwise.
        latent
            ``"prior"`` puts the prior's mean in the place of z.
        """
        n_h = self.sizes.n_hidden
        w_mean, w_logvar = self.encode(x, gaps)
        w = _drawn(w_mean, w_logvar, sample=sample)
        given = self.from_static(w) if self.sizes.n_static else x.new_zeros(x.shape[1], 6 * n_h)
        hidden = (self.q_input(x) + given[:, :n_h]).unbind(0)
        fixed = given[:, 3 * n_h :].contiguous()
        seen = self.cell_seen(x) + fixed if self.sizes.autoregressive else None
        noise = torch.randn(len(x), x.shape[1], self.sizes.n_latent, device=x.device).unbind(0) if sample else None
        biases = (self.from_state.bias + gaps[:, None] * self.from_gap).unbind(0)
        states, features, statistics = [], [], []
        h = x.new_zeros(x.shape[1], n_h)
        for t in range(len(x)):
            if self.sizes.decay:
                h = h * torch.exp(-functional.softplus(self.forget) * gaps[t])
            from_state = functional.linear(h, self.from_state.weight, biases[t])
            stats = self.q_out(torch.relu(hidden[t] + from_state[:, :n_h]))
            z = self._latent(stats, h, given, gaps[t], None if noise is None else noise[t], latent)
            phi = torch.relu(self.phi_z(z))
            states.append(h)
            features.append(phi)
            statistics.append(stats)
            into = torch.addmm(fixed if seen is None else seen[t], phi, self.cell_input.weight.t())
            h = _gru(into, from_state[:, n_h:], h)
        both = self.before(torch.stack(states)) + gaps[:, None, None] * self.before_gap + given[:, n_h : 3 * n_h]
        prior_mean, prior_logvar = _moments(self.prior_out(torch.relu(both[..., :n_h])))
        course = self.course_out(torch.relu(both[..., n_h:] + self.from_phi(torch.stack(features))))
        z_mean, z_logvar = _moments(torch.stack(statistics))
        return Pass(course, w_mean, w_logvar, w, z_mean, z_logvar, prior_mean, prior_logvar)

    def encode(self, x: torch.Tensor, gaps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log variance of w; `x` and `gaps` as in :meth:`forward`."""
        if not self.sizes.n_static:
            return x.new_zeros(x.shape[1], 0), x.new_zeros(x.shape[1], 0)
        _, last = self.summary(torch.cat([x, gaps[:, None, None].expand(-1, x.shape[1], 1)], dim=2))
        return _moments(self.w_out(torch.cat([last[0], last[1]], dim=1)))

    def log_prior(self, w: torch.Tensor) -> torch.Tensor:
        """Return the weighted log density of each component of the prior at `w`, ``(n_genes, n_components)``."""
        logvar = self.mixture_logvar.clamp(LOWEST_LOGVAR, HIGHEST_LOGVAR)
        squares = (w[:, None] - self.mixture_mean) ** 2 / logvar.exp() + logvar + _LOG_2PI
        return torch.log_softmax(self.mixture_weight, dim=0) - 0.5 * squares.sum(dim=2)

    def _latent(
        self, stats: torch.Tensor, h: torch.Tensor, given: torch.Tensor, gap: torch.Tensor,
        noise: torch.Tensor | None, latent: str,
    ) -> torch.Tensor:  # fmt: skip
        """Return z: drawn from its posterior, its posterior mean, or its prior mean."""
        if latent == "prior":
            n_h = self.sizes.n_hidden
            both = self.before(h) + gap * self.before_gap + given[:, n_h : 3 * n_h]
            return _moments(self.prior_out(torch.relu(both[:, :n_h])))[0]
        mean, logvar = _moments(stats)
        return mean if noise is None else torch.addcmul(mean, torch.exp(0.5 * logvar), noise)


def _moments(stats: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and bounded log variance: an unbounded one ends in NaN."""
    mean, logvar = stats.chunk(2, dim=-1)
    return mean, logvar.clamp(LOWEST_LOGVAR, HIGHEST_LOGVAR)


def _drawn(mean: torch.Tensor, logvar: torch.Tensor, *, sample: bool) -> torch.Tensor:
    """Return a draw, or the mean."""
    return mean + torch.exp(0.5 * logvar) * torch.randn_like(mean) if sample else mean


def _gru(given: torch.Tensor, from_state: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """Return the next state of a gated recurrent unit (Cho et al. 2014)."""
    n = h.shape[1]
    reset, update = torch.sigmoid(given[:, : 2 * n] + from_state[:, : 2 * n]).chunk(2, dim=1)
    new = torch.tanh(torch.addcmul(given[:, 2 * n :], reset, from_state[:, 2 * n :]))
    return torch.lerp(new, h, update)


def divergences(made: Pass) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the divergence of posterior from prior by dimension: of w ``(n, n_static)``, of z ``(T, n, n_latent)``.

    Parameters
    ----------
    made
        From :meth:`VRNN.forward`.
    """
    of_w = 0.5 * (made.w_logvar.exp() + made.w_mean**2 - 1.0 - made.w_logvar)
    ratio = (made.z_logvar.exp() + (made.z_mean - made.prior_mean) ** 2) / made.prior_logvar.exp()
    return of_w, 0.5 * (made.prior_logvar - made.z_logvar + ratio - 1.0)


def mixture_divergence(module: VRNN, made: Pass) -> torch.Tensor:
    """Return the divergence of the posterior of w from a mixture, by the one draw that was decoded, ``(n_genes,)``.

    Parameters
    ----------
    module
        With ``n_components``.
    made
        From :meth:`VRNN.forward` with ``sample=True``.
    """
    squares = (made.w - made.w_mean) ** 2 / made.w_logvar.exp() + made.w_logvar + _LOG_2PI
    return -0.5 * squares.sum(dim=1) - torch.logsumexp(module.log_prior(made.w), dim=1)
