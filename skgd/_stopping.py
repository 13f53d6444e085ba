"""The rules by which training ends."""

import math
from dataclasses import dataclass

import numpy as np

from ._run import value_at_rest
from ._slowness import SecondLook


@dataclass(frozen=True)
class Stopping:
    """When training ends before ``max_iter`` epochs; None: that rule is not used.

    ``tol`` and ``n_iter_no_change`` are explained at `_Level`; ``coef_tol`` bounds
    the change of every weight in an epoch, or in a cycle, relative to the largest.
    """

    max_iter: int
    tol: float | None = None
    n_iter_no_change: int = 5
    coef_tol: float | None = None


class Rules:
    """All the rules by which training ends; they look at it after each epoch."""

    def __init__(self, objective, plan, run, stopping, early):
        self._run, self._early, self._plan = run, early, plan
        self._rests = _Rests(plan.schedule, run.progress)
        self._stands_still = _Standstill(run, stopping.coef_tol)
        self.settled = early or _Level(objective, plan, run, stopping)

    def reason(self, value):
        """Return why to stop, or None."""
        run, score = self._run, None
        if self._early is not None:
            score = self._early.see(run.progress)
            run.history.validation_curve.append(score)
        stage_ends = tell_schedule(self._plan, run.progress, value, score)
        at_rest = self._rests.has_come(stage_ends)
        return self.settled(run.history, at_rest) or self._stands_still(at_rest)


def tell_schedule(plan, progress, value, score=None) -> bool:
    """Tell a schedule with memory how training goes; return whether a stage is over.

    It is told the score if there is one, or else the loss.
    """
    state = progress.schedule_state
    return bool(state) and plan.schedule.observe(
        value if score is None else -score, **state
    )


def _has_stages(schedule):
    """Whether the rate comes down again and again."""
    return schedule.cycle_end(1) < math.inf or bool(schedule.init())


class _Rests:
    """Tells when training comes to rest: after an epoch, with stages at their ends.

    Stages are the cycles of a schedule, or the times between reductions of the rate by
    one that waits for a plateau. Within a cycle the rate falls, and what stands still
    may do so for that reason; on a plateau it waits for a lower rate.
    """

    def __init__(self, schedule, progress):
        self._schedule, self._progress = schedule, progress
        self._cycle_end = schedule.cycle_end(progress.t + 1)

    def has_come(self, is_told):
        if self._schedule.init():
            return is_told
        t = self._progress.t
        if math.isinf(self._cycle_end):
            return True
        if t < self._cycle_end:
            return False
        self._cycle_end = self._schedule.cycle_end(t + 1)
        return True


class _Level:
    """Whether the objective is level: whether longer training would change it.

    With a schedule of stages it is asked at the end of each, by the objective over
    all samples: it is level if the last stage has lowered it, from the best before, by
    at most ``tol`` of what it was at the start of training, without outliers if the
    loss is one to which they hardly matter. A schedule that comes to
    rest only once, at its end, is not asked at all: a rate that vanishes makes any
    objective level.

    Otherwise by the mean of the loss curve over ``n_iter_no_change`` epochs, and by
    that over as many before them: level if they differ by at most ``tol`` for each
    epoch. A loss that rises is not level: that may be a wave of a momentum.

    Nor, either way, is one that falls by more than it did before: that is the start
    of a rate that warms up, or of an optimizer that looks for its rate. Nor is one
    that is still far above the minimum, as a `SecondLook` may find. There is one at the
    ends of stages, or else when the number of epochs has doubled since the last.
    """

    what = "objective"

    def __init__(self, objective, plan, run, stopping):
        self._objective, self._run = objective, run
        self._second_look = SecondLook(objective)
        self._optimizer, self._stopping = plan.optimizer, stopping
        self._is_exact = plan.n_batches == 1
        self._has_stages = _has_stages(plan.schedule)
        self.is_asked = stopping.tol is not None and (
            self._has_stages or math.isinf(plan.schedule.end)
        )

    def __call__(self, history, at_rest):
        if not (self.is_asked and at_rest):
            return None
        agree = self._stages_agree if self._has_stages else self._windows_agree
        return "tol" if agree(history) else None

    def _stages_agree(self, history):
        run = self._run
        value = value_at_rest(self._objective, self._optimizer, run.progress)
        before, tolerance = run.level, self._stopping.tol * history.size
        if before is None or value < before:
            run.level, run.at_level = value, run.progress.copy()
        if before is None or value > history.start + tolerance:
            return False
        fall_before, fall = history.loss_curve[0] - before, before - value
        agree = fall <= tolerance and not _speeds_up(fall_before, fall)
        return agree and self._is_near_minimum(run.at_level, _MUCH_LOWER)

    def _windows_agree(self, history):
        curve = history.loss_curve
        n, tol = self._stopping.n_iter_no_change, self._stopping.tol
        if len(curve) < 2 * n:
            return False
        before, last = curve[-2 * n : -n], curve[-n:]
        change = abs(sum(before) - sum(last)) / n
        fall_before, fall = before[0] - before[-1], last[0] - last[-1]
        measure = min(abs(sum(last)), n * history.typical)
        is_level = change <= tol * measure and not _speeds_up(fall_before, fall)
        is_level = is_level or change <= np.finfo(float).eps * abs(curve[0])
        if not is_level or len(curve) < 2 * self._run.looked_at:
            return False
        # At a rate that stays, noise keeps the weights well above the minimum.
        times = 1 if self._is_exact else 10 * _MUCH_LOWER
        return self._is_near_minimum(self._run.progress, times)

    def _is_near_minimum(self, progress, times):
        """Whether no point is found that is lower by so many times ``tol``."""
        history = self._run.history
        bound = times * self._stopping.tol * history.size
        w = progress.result(self._optimizer)
        is_near = history.is_trivial or bound == 0
        is_near = is_near or self._second_look.possible_fall(w) <= bound
        self._run.looked_at = 0 if is_near else self._run.n_epochs
        return is_near

    @property
    def advice(self):
        """What the last look has found, for the warning."""
        if not self._run.looked_at:
            return ""
        return (
            f"After {self._run.looked_at} epochs it hardly changed and was above its "
            "minimum by much more than tol: so it is with columns that are nearly "
            "collinear, or not centred for want of an intercept, and at a rate that is "
            "far too low. "
        )


_MUCH_LOWER = 10
"""How many times ``tol`` is too much to be left when training ends."""


def _speeds_up(fall_before, fall):
    """Whether a value falls, and by more than before."""
    return fall > fall_before > 0


class _Standstill:
    """Whether no weight has moved by more than the bound since the last rest."""

    def __init__(self, run, coef_tol):
        self._run, self._coef_tol = run, coef_tol
        if run.at_rest is None:
            run.at_rest = run.progress.w.copy()

    def __call__(self, at_rest):
        if self._coef_tol is None or not at_rest:
            return None
        w = self._run.progress.w
        change, largest = np.abs(w - self._run.at_rest).max(), np.abs(w).max()
        self._run.at_rest = w.copy()
        return "coef_tol" if change <= self._coef_tol * largest else None
