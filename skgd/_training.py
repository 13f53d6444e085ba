"""Training: passes over the data, when to stop, and what is said about it."""

import math
import sys
import warnings
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._compiled import run_batches
from ._loop import Progress
from ._objective import LinearObjective
from .optimizers import Optimizer
from .schedules import Schedule

AUTO_BATCH_SIZE = 32


@dataclass(frozen=True)
class Settings:
    """How to train, with every name resolved.

    ``batch_size`` is a number, None (all samples) or ``"auto"``;
    ``average_from`` is the step from which weights are averaged, or None.
    """

    optimizer: Optimizer
    schedule: Schedule
    learning_rate: float
    batch_size: int | Literal["auto"] | None
    shuffle: bool
    clip_norm: float | None
    average_from: int | None

    def size_of_batch(self, n_samples: int) -> int:
        if self.batch_size is None:
            return n_samples
        size = AUTO_BATCH_SIZE if self.batch_size == "auto" else self.batch_size
        return min(size, n_samples)

    def n_batches(self, n_samples: int) -> int:
        return math.ceil(n_samples / self.size_of_batch(n_samples))


@dataclass
class History:
    """What happened: the objective after each epoch and why training ended.

    A value is the penalty at the start of the epoch plus the mean loss of the
    samples, each before the step that used it. With one batch that is the objective
    at the start.
    """

    loss_curve: list[float] = field(default_factory=list)
    stop_reason: str = "max_iter"


def run_pass(
    objective: LinearObjective,
    settings: Settings,
    progress: Progress,
    before: Progress,
    schedule,
    rates: np.ndarray,
) -> float:
    """Go over the data once and return the value for the loss curve.

    ``before`` is a copy of ``progress``: if a weight is no longer finite, that is
    where it returns to, and the value is infinite. ``rates`` are the
    `learning_rates` of the first steps: a caller that has them has seen that the
    schedule is in order, before anything changes.
    """
    n_batches = settings.n_batches(objective.n_samples)
    batch_size = settings.size_of_batch(objective.n_samples)
    progress.epoch += 1
    if settings.average_from is None:
        progress.n_averaged = 0
    penalty, total, done = objective.penalty_value(progress.w), 0.0, 0
    while True:
        total += run_batches(
            objective,
            settings.optimizer,
            progress,
            rates,
            first_batch=done,
            batch_size=batch_size,
            shuffle=settings.shuffle and batch_size < objective.n_samples,
            clip_norm=settings.clip_norm,
            average_from=settings.average_from,
        )
        done += len(rates)
        if done == n_batches:
            break
        rates = learning_rates(settings, schedule, progress.t, n_batches - done)
    if not math.isfinite(total):
        progress.restore(before)
        return math.inf
    return total / objective.total_weight() + penalty


_MOST_RATES = 2**16
"""Rates computed at once: with one sample a batch there are as many as samples."""


def learning_rates(settings, schedule, t, n_steps) -> np.ndarray:
    """Return the rates of the steps after step ``t``: the first of ``n_steps``.

    Raises
    ------
    ValueError
        If a factor of the schedule is not a finite number >= 0.
    """
    if n_steps == 1:
        # A stream of single rows: without arrays this takes a third of the time.
        factor = float(schedule(t + 1))
        if 0 <= factor < math.inf:
            return np.array([settings.learning_rate * factor])
    steps = np.arange(t + 1, t + 1 + min(n_steps, _MOST_RATES))
    factors = np.asarray(schedule(steps), dtype=float)
    if factors.shape != steps.shape:
        raise ValueError(
            f"schedule {schedule!r} must return as many factors as it is given steps, "
            f"got shape {factors.shape} for {len(steps)} steps."
        )
    if not (factors.min() >= 0 and factors.max() < math.inf):
        first = int((~((factors >= 0) & np.isfinite(factors))).argmax())
        raise ValueError(
            f"schedule {schedule!r} must return finite factors >= 0, got "
            f"{factors[first]} at step {steps[first]}."
        )
    return settings.learning_rate * factors


def train(
    objective: LinearObjective,
    settings: Settings,
    progress: Progress,
    *,
    max_iter: int,
    tol: float | None,
    n_iter_no_change: int,
    verbose: int,
) -> History:
    """Repeat passes until the loss has settled, or ``max_iter`` of them.

    It has settled when its mean over the last ``n_iter_no_change`` passes differs
    from that over as many before them by at most ``tol`` of itself for each pass.
    """
    n_batches = settings.n_batches(objective.n_samples)
    last_step = progress.t + max_iter * n_batches
    progress.steps_per_epoch = n_batches
    schedule = settings.schedule.resolve(n_batches, last_step)
    warn_past_end(schedule, last_step)
    at_start = objective.sample_loss(progress.w)
    history = History()
    best, best_progress = math.inf, progress.copy()
    for _ in range(max_iter):
        before = progress.copy()
        rates = learning_rates(settings, schedule, progress.t, n_batches)
        value = run_pass(objective, settings, progress, before, schedule, rates)
        history.loss_curve.append(value)
        report(verbose, progress, value)
        if not math.isfinite(value):
            break
        if value < best:
            best, best_progress = value, before
        if tol is not None and _settled(history.loss_curve, tol, n_iter_no_change):
            history.stop_reason = "tol"
            break
    if _diverged(history.loss_curve, at_start):
        progress.restore(best_progress)
        history.stop_reason = "diverged"
        warn_diverged(settings)
    elif history.stop_reason == "max_iter" and tol is not None:
        _warn_max_iter(max_iter, tol)
    return history


def warn_past_end(schedule: Schedule, last_step: int) -> None:
    """Say that a schedule is asked for steps that it does not describe."""
    if last_step > schedule.end:
        _warn(
            f"The schedule {schedule!r} ends at step {schedule.end:.0f} and training "
            f"goes to step {last_step}: the learning rate stays at its last value.",
            UserWarning,
        )


def warn_diverged(settings: Settings) -> None:
    """Say that training blew up and what to change."""
    _warn(
        "Training diverged: the loss rose far above its start, or a weight is no "
        "longer finite. The coefficients are those at the start of the best epoch. "
        f"Lower learning_rate (it was {settings.learning_rate:g}), scale the "
        "features, e.g. with StandardScaler, or set clip_norm.",
        ConvergenceWarning,
    )


def _warn(message, category):
    """Warn at the line outside of this package that called into it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_back.f_globals.get("__package__") == __package__:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level + 1)


def _warn_max_iter(max_iter, tol):
    _warn(
        f"Training stopped at max_iter={max_iter} epochs before the loss settled "
        f"within tol={tol:g}. Increase max_iter or learning_rate, or set tol=None to "
        "train for a fixed number of epochs.",
        ConvergenceWarning,
    )


def _diverged(loss_curve, at_start):
    """Whether the last value is not finite, or ten times what it was at the start.

    A rate too high makes the loss rise for many epochs before it overflows; without
    improvement training stops while it is still finite. At weights of zero the
    perceptron has no loss: then the second lowest value is the measure.
    """
    if not math.isfinite(loss_curve[-1]):
        return True
    measure = at_start or sorted(loss_curve)[min(1, len(loss_curve) - 1)]
    return loss_curve[-1] > 10 * abs(measure)


def _settled(loss_curve, tol, n):
    """Whether the loss is level, from one window of ``n`` epochs to the next.

    A loss that rises is not: that may be a wave of a momentum, or a divergence.
    Below rounding error of the first value all is level.
    """
    if len(loss_curve) < 2 * n:
        return False
    before, last = sum(loss_curve[-2 * n : -n]) / n, sum(loss_curve[-n:]) / n
    rounding = np.finfo(float).eps * abs(loss_curve[0])
    return abs(before - last) <= max(n * tol * abs(last), rounding)


def report(verbose, progress, value):
    """Print a line about an epoch if asked to."""
    if verbose:
        print(f"epoch {progress.epoch}: step {progress.t}, loss {value:.6g}")
