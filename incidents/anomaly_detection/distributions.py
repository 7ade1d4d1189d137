"""Probability of a count, where honest people differ and have good and bad days.

Counts are Poisson with a gamma-distributed rate, so negative binomial. A person's rate comes from
their own past, shrunk towards their peers' as far as the past is short (empirical Bayes with a
gamma prior: DuMouchel, *Bayesian data mining in large frequency tables*, 1999; for people in
networks, Heard et al., *Bayesian anomaly detection methods for social networks*, 2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma, log, log1p

MIN_WORK = 50.0
TRIMMED_SHARE = 0.05
SHAPE_BOUNDS = (1.0, 20.0)


@dataclass(frozen=True)
class GammaPrior:
    """Usual rate among peers: the mean per unit of work, and the gamma shape (the coefficient of
    variation is one over its square root)."""

    mean: float
    shape: float = 2.0


def fit_prior(pasts: Sequence[tuple[float, float]], fallback: GammaPrior) -> GammaPrior:
    """Fit the prior from peers' pasts, as pairs of count and work.

    The 5 % with the highest rates are left out, so that nobody can teach the detector that a high
    rate is usual. Returns ``fallback`` if fewer than three have a past.
    """
    known = sorted((c / w, w) for c, w in pasts if w >= MIN_WORK)
    trimmed = known[: len(known) - int(len(known) * TRIMMED_SHARE + 0.5)]
    if len(trimmed) < 3:
        return fallback
    work = sum(w for _, w in trimmed)
    mean = max(sum(rate * w for rate, w in trimmed) / work, fallback.mean / 10)
    spread = sum(w * (rate - mean) ** 2 for rate, w in trimmed) / work - mean * len(trimmed) / work
    shape = mean**2 / spread if spread > 0 else SHAPE_BOUNDS[1]
    return GammaPrior(mean, min(max(shape, SHAPE_BOUNDS[0]), SHAPE_BOUNDS[1]))


def tail_probability(seen: int, mean: float, shape: float) -> float:
    """Return the probability of ``seen`` or more, where ``mean`` are expected."""
    below = sum(exp(log_probability(k, mean, shape)) for k in range(seen))
    return max(1.0 - below, _first_tail_term(seen, mean, shape))


def _first_tail_term(seen: int, mean: float, shape: float) -> float:
    """Return the first and largest term of the tail, for when the rest is lost to rounding."""
    return exp(log_probability(seen, mean, shape))


def log_probability(seen: int, mean: float, shape: float) -> float:
    """Return the log probability of exactly ``seen`` under a negative binomial distribution."""
    if mean <= 0:
        return 0.0 if seen == 0 else -700.0
    ways = lgamma(seen + shape) - lgamma(shape) - lgamma(seen + 1)
    return ways - shape * log1p(mean / shape) + seen * (log(mean) - log(mean + shape))


def negative_binomial_log_ratio(seen: int, mean: float, more: float, shape: float) -> float:
    """Return the log likelihood ratio of ``more`` per shift to the usual rate, which a CUSUM chart
    adds up (Page 1954; for counts, Lucas 1985; for negative binomial ones, Höhle and Paul 2008)."""
    return log_probability(seen, mean + more, shape) - log_probability(seen, mean, shape)
