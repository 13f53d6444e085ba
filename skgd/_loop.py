"""The training loop: batches, the clock, and the one line that moves a weight.

Its compiled twin, which the estimators run, is in ``_compiled.py``.
"""

import copy
import math
from dataclasses import dataclass, field

import numpy as np

from ._core import permutation
from .optimizers import tell_rate


@dataclass
class Progress:
    """All that training changes; whoever holds it can go on where it stopped.

    Attributes
    ----------
    w : ndarray
        The weights.
    state : dict of str to ndarray
        What the optimizer remembers.
    seed : int
        With ``epoch`` it determines the order of the samples.
    t : int
        Optimizer steps taken.
    since : int
        How many of them before the optimizer's state began: its own clock starts
        there.
    epoch : int
        Passes over data begun.
    average : ndarray
        Running mean of the weights, empty before the first is taken.
    n_averaged : int
        How many weights are in it.
    steps_per_epoch : int
        Number of batches in the first pass, or in those of the last ``fit``: what
        schedules in epochs count by, also if the chunks of a stream differ.
    """

    w: np.ndarray
    state: dict[str, np.ndarray]
    seed: int
    t: int = 0
    since: int = 0
    epoch: int = 0
    average: np.ndarray = field(default_factory=lambda: np.empty(0))
    n_averaged: int = 0
    steps_per_epoch: int = 0

    @property
    def result(self) -> np.ndarray:
        """The weights to predict with."""
        return self.average if self.n_averaged else self.w

    def copy(self) -> "Progress":
        """Return a copy that shares no array with this one."""
        twin = copy.copy(self)
        twin.w, twin.average = self.w.copy(), self.average.copy()
        twin.state = {name: value.copy() for name, value in self.state.items()}
        return twin

    def restore(self, earlier: "Progress") -> None:
        """Return to a copy made before, in the arrays of this one."""
        self.w[...] = earlier.w
        for name, value in self.state.items():
            value[...] = earlier.state[name]
        self.t, self.since, self.epoch = earlier.t, earlier.since, earlier.epoch
        self.average, self.n_averaged = earlier.average.copy(), earlier.n_averaged


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

    Returns
    -------
    float
        The sum of the losses, each taken before the step of its batch; NaN if a
        weight is not finite.
    """
    total = 0.0
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
                _average(progress)
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
    d = optimizer.direction(w, g, t, **state)
    if optimizer.weight_decay:
        d = d.copy()
        objective.coef(d)[...] += optimizer.weight_decay * objective.coef(w)
    scale = None
    if objective.penalty.has_prox:
        scale = optimizer.scale(w, g, t, **state)
    w -= rate * d
    if scale is not None:
        objective.prox(w, rate * scale)
    return loss


def clip(g, norm):
    """Return ``g``, shortened to the Euclidean length ``norm`` if it is longer."""
    length = float(np.linalg.norm(g))
    return g * (norm / length) if length > norm else g


def _average(progress):
    if not progress.n_averaged:
        progress.average = np.zeros_like(progress.w)
    progress.n_averaged += 1
    progress.average += (progress.w - progress.average) / progress.n_averaged
