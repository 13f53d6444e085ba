"""The plan of training: everything that was left open, settled by the data."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from ._calls import schedule_factors
from ._compiled import has_sparse_steps
from ._warnings import warn
from .optimizers import FTRL, SGD, AdaGrad, Adam, Optimizer
from .schedules import Constant, InverseScaling, Join, LinearRestarts, Schedule

BATCH_SIZE = 32
"""What "auto" is, except for wide sparse rows."""

_WIDE = 10_000
"""The columns from which on sparse rows are wide."""

_KNOWN = 100
"""Samples from which on the scale of a column is known.

That of a few rows may be a hundredth of what it will be, and a step in it as much too
long: until then the rate rises.
"""


@dataclass(frozen=True)
class Settings:
    """How to train, with every name resolved; "auto" is for the data to settle.

    ``batch_size`` None means all samples. ``average`` is the step from which weights
    are averaged, or ``"tail"``, or None.
    """

    optimizer: Optimizer
    schedule: Schedule | Literal["auto"]
    learning_rate: float | Literal["auto"]
    batch_size: int | Literal["auto"] | None
    shuffle: bool
    clip_norm: float | None
    average: int | Literal["auto", "tail"] | None
    standardize: bool


@dataclass(frozen=True)
class Plan:
    """How to train on some samples: everything that `Settings` left open."""

    optimizer: Optimizer
    schedule: Schedule
    learning_rate: float
    batch_size: int
    n_batches: int
    shuffle: bool
    clip_norm: float | None
    average: int | Literal["tail"] | None
    may_slow_down: bool
    """Whether training that diverges begins anew at a lower rate."""

    def base_rate(self, progress) -> float:
        """Return the rate that the schedule multiplies."""
        factor = progress.rate_factor if self.may_slow_down else 1.0
        return self.learning_rate * factor

    def rates(self, progress, n_steps) -> np.ndarray:
        """Return the rates of the next steps: the first of ``n_steps``.

        Raises
        ------
        TypeError, ValueError
            If a factor of the schedule is not a finite number >= 0, or if there is not
            one for each step.
        """
        schedule, t, rate = self.schedule, progress.t, self.base_rate(progress)
        if progress.schedule_state:
            rate *= float(progress.schedule_state["factor"])
        if n_steps == 1:
            # A stream of single rows: without arrays this takes a third of the time.
            factor = schedule(t + 1)
            if isinstance(factor, float) and 0 <= factor < math.inf:
                return np.array([rate * factor])
        steps = np.arange(t + 1, t + 1 + min(n_steps, _MOST_RATES))
        factors = schedule_factors(schedule, steps)
        if not (factors.min() >= 0 and factors.max() < math.inf):
            first = int((~((factors >= 0) & np.isfinite(factors))).argmax())
            raise ValueError(
                f"schedule {schedule!r} must return finite factors >= 0, got "
                f"{factors[first]} at step {steps[first]}."
            )
        return rate * factors

    def parts(self, progress, rates=None, at_once=None) -> Iterator[dict]:
        """Begin a pass over the data; yield what `run_batches` needs for each part.

        Parameters
        ----------
        progress : Progress
        rates : ndarray, default=None
            Of the first part, if they are known.
        at_once : int, default=None
            The most batches of a part.
        """
        progress.epoch += 1
        done = 0
        while done < self.n_batches:
            if rates is None:
                n_left = self.n_batches - done
                rates = self.rates(progress, min(at_once or n_left, n_left))
            yield {
                "rates": rates,
                "first_batch": done,
                "batch_size": self.batch_size,
                "shuffle": self.shuffle,
                "clip_norm": self.clip_norm,
                **averaging(self, progress),
            }
            done, rates = done + len(rates), None


_MOST_RATES = 2**16
"""Rates computed at once: with one sample a batch there are as many as samples."""


def choose_optimizer(settings, objective) -> Optimizer:
    """Return what optimizer "auto" stands for in ``fit``."""
    adagrad = AdaGrad()
    is_cheap = _is_wide(objective.X) and _steps_are_sparse(settings, objective, adagrad)
    return adagrad if is_cheap else Adam()


def plan_training(settings, objective, progress, max_iter=None) -> Plan:
    """Return the plan for ``max_iter`` epochs, or for a chunk of a stream."""
    n, is_stream = objective.n_samples, max_iter is None
    size = _batch_size(settings, objective)
    n_batches = math.ceil(n / size)
    if not (is_stream and progress.steps_per_epoch):
        progress.steps_per_epoch = n_batches
    start = progress.fit_from if settings.schedule == "auto" else 0
    last_step = None if is_stream else progress.t + max_iter * n_batches - start
    schedule = _schedule(settings, n_batches, is_stream)
    schedule = schedule.resolve(progress.steps_per_epoch, last_step)
    if schedule.init().keys() != progress.schedule_state.keys():
        progress.schedule_state = schedule.init()
    rate = _learning_rate(settings, objective, schedule)
    if is_stream and settings.learning_rate == settings.schedule == "auto":
        rate *= _warm_up(settings, progress)
    if start and schedule.cycle_end(1) < math.inf:
        # A warm start has cycles of its own, the first as short as in the first fit.
        schedule = Join(["constant", schedule], boundaries=[start])
    return Plan(
        optimizer=settings.optimizer,
        schedule=schedule,
        learning_rate=rate,
        batch_size=size,
        n_batches=n_batches,
        shuffle=settings.shuffle and size < n,
        clip_norm=settings.clip_norm,
        average=_average(settings, objective, schedule),
        may_slow_down=settings.learning_rate == "auto" and settings.standardize,
    )


def _batch_size(settings, objective):
    """Return how many samples a batch has."""
    size = settings.batch_size
    if size == "auto" and not _is_wide(objective.X):
        size = BATCH_SIZE
    elif size == "auto" and _steps_are_sparse(settings, objective, settings.optimizer):
        size = 1
    elif size == "auto":
        size = BATCH_SIZE if type(settings.optimizer) in (SGD, FTRL) else 128
    return min(size or objective.n_samples, objective.n_samples)


def _schedule(settings, n_batches, is_stream):
    """Return the schedule; "auto" has no end in a stream, as measured for Adam."""
    optimizer = settings.optimizer
    if settings.schedule != "auto":
        return settings.schedule
    if is_stream and isinstance(optimizer, Adam):
        return InverseScaling(power=0.5, delay=300)
    if is_stream or _has_own_mean(optimizer):
        return Constant()
    return LinearRestarts(period=_first_cycle(n_batches))


def _first_cycle(n_batches):
    """Return the epochs of the first cycle: 3, or 2 of many steps, or 50 steps."""
    return max(2 if n_batches >= 500 else 3, math.ceil(50 / n_batches))


def _learning_rate(settings, objective, schedule):
    """Return the rate, which is multiplied by what the schedule says."""
    if settings.learning_rate != "auto":
        return settings.learning_rate
    if not settings.standardize:
        return settings.optimizer.default_learning_rate
    n_steps = min(schedule.cycle_end(1), schedule.end)
    return settings.optimizer.learning_rate_for(objective.X.shape[1], n_steps)


def _warm_up(settings, progress):
    """Return the share of the rate that the first samples of a stream allow."""
    if not settings.standardize:
        return 1
    return min(1, progress.standardizer.n_samples / _KNOWN)


def _average(settings, objective, schedule):
    """Return the step from which weights are averaged, or "tail", or None."""
    optimizer = settings.optimizer
    if settings.average != "auto":
        return settings.average
    if _has_own_mean(optimizer) or not _affords_mean(optimizer, objective):
        return None
    comes_to_rest_once = schedule.end < math.inf and schedule.cycle_end(1) == math.inf
    return None if comes_to_rest_once else "tail"


def _has_own_mean(optimizer):
    return type(optimizer).averaged is not Optimizer.averaged


def averaging(plan, progress) -> dict:
    """Return from which step weights are averaged, and how much later ones count.

    The tail of a cycle is its last two thirds. Without cycles all weights are
    averaged, and those of the last ninth of the steps count for half of them.
    """
    if plan.average is None:
        progress.n_averaged = 0
    if plan.average != "tail":
        return {"average_from": plan.average}
    t, end = progress.t, plan.schedule.cycle_end(progress.t + 1)
    if math.isinf(end):
        return {"average_from": 1, "average_power": 5}
    if end != progress.tail_end:
        progress.n_averaged, progress.tail_end = 0, end
        progress.tail_from = t + 1 + int(end - t) // 3
    return {"average_from": progress.tail_from}


def warn_past_end(schedule: Schedule, last_step: int) -> None:
    """Say that a schedule is asked for steps that it does not describe."""
    if last_step > schedule.end:
        warn(
            f"The schedule {schedule!r} ends at step {schedule.end:.0f} and training "
            f"goes to step {last_step}: the learning rate stays at its last value.",
            UserWarning,
        )


# What a step on wide sparse rows costs: what their non-zeros cost, or all weights.


def _is_wide(X):
    return sparse.issparse(X) and X.shape[1] >= _WIDE


def _affords_mean(optimizer, objective):
    """Whether the mean of the weights costs no more than the steps themselves.

    After proximal steps it has no closed form, and then every step moves all of it.
    """
    return not (optimizer.proximal and _is_wide(objective.X))


def _steps_are_sparse(settings, objective, optimizer):
    """Whether a step costs what its non-zeros cost, with the average that is taken."""
    is_averaged = bool(settings.average)
    if settings.average == "auto":
        is_averaged = _affords_mean(optimizer, objective)
    return has_sparse_steps(
        objective, optimizer, clip_norm=settings.clip_norm, is_averaged=is_averaged
    )
