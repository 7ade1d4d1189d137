"""How likely a count is, where honest people differ and have good and bad days.

Counts are Poisson with a rate that itself varies (gamma): negative binomial. A person's rate comes
from their own past, drawn towards their peers' as far as the past is short (empirical Bayes with a
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
    """What is usual among peers: so many per unit of work, and how alike they are (the shape of the
    gamma; its coefficient of variation is one over the root of it)."""

    mean: float
    shape: float = 2.0


def fit_prior(pasts: Sequence[tuple[float, float]], fallback: GammaPrior) -> GammaPrior:
    """The prior that peers' pasts give: pairs of count and work. The twentieth with the highest
    rates is left out, so that nobody teaches the watch that much is usual. ``fallback`` where fewer
    than three have a past."""
    known = sorted((c / w, w) for c, w in pasts if w >= MIN_WORK)
    kept = known[: len(known) - int(len(known) * TRIMMED_SHARE + 0.5)]
    if len(kept) < 3:
        return fallback
    work = sum(w for _, w in kept)
    mean = max(sum(rate * w for rate, w in kept) / work, fallback.mean / 10)
    spread = sum(w * (rate - mean) ** 2 for rate, w in kept) / work - mean * len(kept) / work
    shape = mean**2 / spread if spread > 0 else SHAPE_BOUNDS[1]
    return GammaPrior(mean, min(max(shape, SHAPE_BOUNDS[0]), SHAPE_BOUNDS[1]))


def tail_probability(seen: int, mean: float, shape: float) -> float:
    """How likely so many or more are, where ``mean`` are expected."""
    below = sum(exp(log_probability(k, mean, shape)) for k in range(seen))
    return max(1.0 - below, _first_tail_term(seen, mean, shape))


def _first_tail_term(seen: int, mean: float, shape: float) -> float:
    """The largest term of the tail, for when the rest is lost in rounding."""
    return exp(log_probability(seen, mean, shape))


def log_probability(seen: int, mean: float, shape: float) -> float:
    """The logarithm of a negative binomial's chance of exactly so many."""
    if mean <= 0:
        return 0.0 if seen == 0 else -700.0
    ways = lgamma(seen + shape) - lgamma(shape) - lgamma(seen + 1)
    return ways - shape * log1p(mean / shape) + seen * (log(mean) - log(mean + shape))


def negative_binomial_log_ratio(seen: int, mean: float, more: float, shape: float) -> float:
    """How much better the count goes with ``more`` a shift than with what is usual: the logarithm
    of the likelihood ratio, which a CUSUM chart adds up (Page 1954; for counts, Lucas 1985; for
    negative binomial ones, Höhle and Paul 2008)."""
    return log_probability(seen, mean + more, shape) - log_probability(seen, mean, shape)
