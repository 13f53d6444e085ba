"""The training loop: batches, the clock, and the one line that moves a weight.

Its compiled twin, which the estimators run, is in ``_compiled.py``.
"""

import math

import numpy as np

from . import _calls
from ._core import permutation
from .optimizers import tell_rate


def run_batches(
    objective,
    optimizer,
    progress,
    rates,
    *,
    first_batch=0,
    batch_size,
    shuffle,
    clip_norm=None,
    average_from=None,
    average_power=0,
) -> float:
    """Take a step for each of some consecutive batches of a pass over the data.

    Parameters
    ----------
    objective : LinearObjective
    optimizer : Optimizer
    progress : Progress
        Changed in place. After an exception it is as after the last whole step.
    rates : ndarray of float of shape (n_batches,)
    first_batch : int, default=0
        How many batches of the pass came before.
    batch_size : int
        The last batch of the pass may be smaller.
    shuffle : bool
        Whether the samples come in the order of ``progress.seed`` and ``.epoch``.
    clip_norm : float or None, default=None
        Longest gradient; a longer one is shortened to it.
    average_from : int or None, default=None
        The step from which weights are averaged.
    average_power : float, default=0
        The n-th of them counts like n to this power (O. Shamir and T. Zhang,
        "Stochastic Gradient Descent for Non-smooth Optimization", 2013).

    Returns
    -------
    float
        The sum of the losses, each taken before the step of its batch; NaN if a
        weight is not finite.
    """
    total = 0.0
    objective = objective.for_steps(optimizer)
    batches = _batches(objective.n_samples, batch_size, shuffle, progress)
    batches = batches[first_batch : first_batch + len(rates)]
    with np.errstate(all="ignore"):
        for batch, rate in zip(batches, rates.tolist(), strict=True):
            before = progress.copy()
            try:
                total += _step(objective, optimizer, progress, batch, rate, clip_norm)
            except BaseException:
                progress.restore(before)
                raise
            if average_from is not None and progress.t >= average_from:
                _average(progress, average_power)
    return total if np.isfinite(progress.w).all() else math.nan


def _batches(n_samples, size, shuffle, progress):
    starts = range(0, n_samples, size)
    if not shuffle:
        return [slice(start, start + size) for start in starts]
    order = permutation(n_samples, progress.seed, progress.epoch)
    return [order[start : start + size] for start in starts]


def _step(objective, optimizer, progress, batch, rate, clip_norm):
    w, state = progress.w, progress.state
    loss, g = objective.gradient(w, batch)
    if clip_norm is not None:
        g = clip(g, clip_norm)
    progress.t += 1
    tell_rate(state, rate)
    t = progress.t - progress.since
    d = _calls.direction(optimizer, w, g, t, state)
    if optimizer.weight_decay:
        d = d.astype(w.dtype)
        objective.coef(d)[...] += optimizer.weight_decay * objective.coef(w)
    scale = None
    if objective.penalty.has_prox:
        scale = _calls.scale(optimizer, w, g, t, state)
    w -= rate * d
    if scale is not None:
        objective.prox(w, rate * scale)
    return loss


def clip(g, norm):
    """Return ``g``, shortened to the Euclidean length ``norm`` if it is longer."""
    length = float(np.linalg.norm(g))
    return g * (norm / length) if length > norm else g


def _average(progress, power):
    if not progress.n_averaged:
        progress.average = np.zeros_like(progress.w)
    progress.n_averaged += 1
    share = (power + 1) / (power + progress.n_averaged)
    progress.average += (progress.w - progress.average) * share
