"""Training: passes over the data, when to stop, and what is said about it."""

import copy
import math
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from ._calls import averaged, schedule_factors
from ._compiled import has_sparse_steps, objective_value, run_batches
from ._diagnosis import Divergence
from ._loop import Progress
from ._objective import LinearObjective
from ._slowness import SecondLook
from ._validation_set import Best, EarlyStopping
from .optimizers import FTRL, SGD, AdaGrad, Adam, Optimizer
from .schedules import Constant, InverseScaling, LinearRestarts, Schedule

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

    def rates(self, progress, n_steps) -> np.ndarray:
        """Return the rates of the next steps: the first of ``n_steps``.

        Raises
        ------
        TypeError, ValueError
            If a factor of the schedule is not a finite number >= 0, or if there is not
            one for each step.
        """
        schedule, t, rate = self.schedule, progress.t, self.learning_rate
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


_MOST_RATES = 2**16
"""Rates computed at once: with one sample a batch there are as many as samples."""


def plan_training(settings, objective, progress, max_iter=None) -> Plan:
    """Return the plan for ``max_iter`` epochs, or for a chunk of a stream."""
    optimizer, n = settings.optimizer, objective.n_samples
    size = settings.batch_size
    if size == "auto":
        size = _batch_size(objective, settings)
    size = min(size or n, n)
    n_batches = math.ceil(n / size)
    if max_iter is not None or not progress.steps_per_epoch:
        progress.steps_per_epoch = n_batches
    last_step = None if max_iter is None else progress.t + max_iter * n_batches
    schedule = settings.schedule
    has_own_mean = type(optimizer).averaged is not Optimizer.averaged
    if schedule == "auto" and max_iter is None:
        schedule = _schedule_of_stream(optimizer)
    elif schedule == "auto":
        schedule = LinearRestarts(period=_first_cycle(n_batches))
        schedule = Constant() if has_own_mean else schedule
    schedule = schedule.resolve(progress.steps_per_epoch, last_step)
    if schedule.init().keys() != progress.schedule_state.keys():
        progress.schedule_state = schedule.init()
    rate = settings.learning_rate
    if rate == "auto" and settings.standardize:
        n_steps = min(schedule.cycle_end(1), schedule.end)
        rate = optimizer.learning_rate_for(objective.X.shape[1], n_steps)
        if max_iter is None and settings.schedule == "auto":
            rate *= min(1, progress.standardizer.n_samples / _KNOWN)
    elif rate == "auto":
        rate = optimizer.default_learning_rate
    average = settings.average
    if average == "auto" and (has_own_mean or _mean_costs_more(optimizer, objective)):
        average = None
    elif average == "auto":
        rests = schedule.end < math.inf
        average = None if rests and schedule.cycle_end(1) == math.inf else "tail"
    return Plan(
        optimizer=optimizer,
        schedule=schedule,
        learning_rate=rate,
        batch_size=size,
        n_batches=n_batches,
        shuffle=settings.shuffle and size < n,
        clip_norm=settings.clip_norm,
        average=average,
    )


def choose_optimizer(settings, objective) -> Optimizer:
    """Return what optimizer "auto" stands for in ``fit``."""
    adagrad = AdaGrad()
    is_cheap = _is_wide(objective.X) and _steps_are_sparse(objective, settings, adagrad)
    return adagrad if is_cheap else Adam()


def _batch_size(objective, settings):
    """Return how many samples a batch has if that is left open."""
    if not _is_wide(objective.X):
        return BATCH_SIZE
    if _steps_are_sparse(objective, settings, settings.optimizer):
        return 1
    return BATCH_SIZE if type(settings.optimizer) in (SGD, FTRL) else 128


def _is_wide(X):
    return sparse.issparse(X) and X.shape[1] >= _WIDE


def _mean_costs_more(optimizer, objective):
    """Whether with the mean of the weights a step on sparse rows moves all weights.

    Then average "auto" takes none.
    """
    return optimizer.proximal and _is_wide(objective.X)


def _steps_are_sparse(objective, settings, optimizer):
    """Whether a step costs what its non-zeros cost, with the average that is taken."""
    is_averaged = bool(settings.average)
    if settings.average == "auto":
        is_averaged = not _mean_costs_more(optimizer, objective)
    return has_sparse_steps(
        objective, optimizer, clip_norm=settings.clip_norm, is_averaged=is_averaged
    )


def _schedule_of_stream(optimizer):
    """Return a schedule without an end, as measured for Adam."""
    is_adam = isinstance(optimizer, Adam)
    return InverseScaling(power=0.5, delay=300) if is_adam else Constant()


def _first_cycle(n_batches):
    """Return the epochs of the first cycle: 3, or 2 of many steps, or 50 steps."""
    return max(2 if n_batches >= 500 else 3, math.ceil(50 / n_batches))


@dataclass
class History:
    """What happened in each epoch.

    ``start`` is the objective before it, ``typical`` the loss before it of all samples
    but outliers, if that is known. A value of ``loss_curve`` is
    the penalty at the start of the epoch plus the mean loss of the
    samples, each before the step that used it. With one batch that is the objective
    at the start. A value of ``validation_curve`` is the score after the epoch, if there
    is one, one of ``learning_rate_curve`` the rate of its first step, of ``time_curve``
    the seconds and of ``update_curve`` the optimizer steps that training has taken
    since the model was new, and of ``gradient_norm_curve`` what `GradientNorms` finds
    after the epoch, or NaN.
    """

    start: float = 0.0
    typical: float = math.inf
    loss_curve: list[float] = field(default_factory=list)
    validation_curve: list[float] = field(default_factory=list)
    learning_rate_curve: list[float] = field(default_factory=list)
    time_curve: list[float] = field(default_factory=list)
    update_curve: list[int] = field(default_factory=list)
    gradient_norm_curve: list[float] = field(default_factory=list)

    @property
    def hopeless(self) -> float:
        """The loss from which training will not come back."""
        return 1e4 * self.start if self.start else math.inf

    @property
    def has_diverged(self) -> bool:
        """Whether the last value is ten times what it was at the start.

        A rate too high makes the loss rise for many epochs before it overflows; without
        improvement training stops while it is still finite. At weights of zero the
        perceptron has no loss: then the second lowest value is the measure.
        """
        curve = self.loss_curve
        if not (curve and math.isfinite(curve[-1])):
            return bool(curve)
        measure = self.start or sorted(curve)[min(1, len(curve) - 1)]
        return curve[-1] > 10 * abs(measure)

    def copy(self) -> "History":
        """Return a copy that shares no list with this one."""
        twin = copy.copy(self)
        for name, value in vars(self).items():
            setattr(twin, name, copy.copy(value))
        return twin


@dataclass
class Run:
    """A call of `train` under way: with its data, all that is needed to go on.

    Attributes
    ----------
    progress : Progress
        Where training is.
    history : History
        The epochs of this call.
    before_last : Progress
        The start of the last epoch.
    before_lowest : Progress
        That of the epoch with the lowest value of the loss curve.
    lowest : float
        That value.
    seconds : float
        What training has taken since the model was new.
    updates : int
        The optimizer steps since then, also those that were undone.
    level : float or None
        The lowest objective at the end of a stage, see `_Level`.
    at_level : Progress or None
        The end of that stage.
    at_rest : ndarray or None
        The weights that `_Standstill` compares with.
    looked_at : int
        The number of epochs after which the objective was level and far above its
        minimum, see `_Level`; 0: that was not so when it was last asked.
    best : Best
        The best of the scores.
    stop_reason : str or None
        Why training has ended; None: it has not.
    data : dict or None
        The `skgd._data.checksums` of the data, where they are known.
    """

    progress: Progress
    history: History
    before_last: Progress
    before_lowest: Progress
    lowest: float = math.inf
    seconds: float = 0.0
    updates: int = 0
    level: float | None = None
    at_level: Progress | None = None
    at_rest: np.ndarray | None = None
    looked_at: int = 0
    best: Best = field(default_factory=Best)
    stop_reason: str | None = None
    data: dict | None = None

    @classmethod
    def begin(cls, objective, progress, seconds=0.0, updates=0) -> "Run":
        """Return the state before the first epoch."""
        history = History(objective.start_value(progress.w), objective.typical_loss())
        start = progress.copy()
        return cls(progress, history, start, start, seconds=seconds, updates=updates)

    @property
    def n_epochs(self) -> int:
        return len(self.history.loss_curve)

    def copy(self) -> "Run":
        """Return a copy that training will not change."""
        return replace(
            self,
            progress=self.progress.copy(),
            history=self.history.copy(),
            best=replace(self.best),
        )

    def outcome(self, objective, optimizer) -> Progress:
        """Return the result that training has if it ends after the last epoch.

        That is where the score was best. Without scores it is where the best epoch
        began if training diverged, and else the end of the best stage, if there are
        stages that were compared: one that was cut short counts too.
        """
        outcome = self.progress.copy()
        if self.best.progress is not None:
            outcome.restore(self.best.progress)
        elif self.history.has_diverged:
            outcome.restore(self.before_lowest)
        elif self.at_level is not None and self.at_level.t < outcome.t:
            last = _value_at_rest(objective, optimizer, outcome)
            if not last < self.level:
                outcome.average = self.at_level.result(optimizer).copy()
                outcome.n_averaged = 1
        return outcome

    def divergence(self) -> Divergence:
        """Return where training was when it blew up."""
        what = (
            "the loss rose far above its start, or a weight is no longer finite. The "
            "coefficients are those at the start of the best epoch."
        )
        rate = max(self.history.learning_rate_curve)
        return Divergence(what, self.before_lowest, self.before_last, rate)


class Watcher:
    """What sees every epoch of `train`, and may end it."""

    def epoch_begins(self, run: Run) -> None:
        """Take note of an epoch that begins."""

    def epoch_ends(self, run: Run) -> str | None:
        """Take note of an epoch that ended and return why to stop, or None."""


def gradient_norm(objective, w) -> float:
    """Return the Euclidean norm of the gradient over all samples."""
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(objective.full_gradient(w).astype(float)))


class GradientNorms(Watcher):
    """Takes the norm of the gradient after every epoch into the history."""

    def __init__(self, objective):
        self._objective = objective

    def epoch_ends(self, run: Run) -> None:
        norm = gradient_norm(self._objective, run.progress.w)
        run.history.gradient_norm_curve[-1] = norm


def run_pass(
    objective: LinearObjective,
    plan: Plan,
    progress: Progress,
    before: Progress,
    rates: np.ndarray,
    hopeless: float = math.inf,
) -> tuple[float, int]:
    """Go over the data once; return the value for the loss curve, and the steps made.

    ``before`` is a copy of ``progress``: if a weight is no longer finite, that is
    where it returns to, and the value is infinite. ``rates`` are those of the
    first steps: a caller that has them has seen that the schedule is in order,
    before anything changes. A long pass ends soon after its mean loss is not finite
    or above ``hopeless``.
    """
    progress.epoch += 1
    if plan.average is None:
        progress.n_averaged = 0
    penalty, weight = objective.penalty_value(progress.w), objective.total_weight()
    total, done = 0.0, 0
    while True:
        total += run_batches(
            objective,
            plan.optimizer,
            progress,
            rates,
            first_batch=done,
            batch_size=plan.batch_size,
            shuffle=plan.shuffle,
            clip_norm=plan.clip_norm,
            **averaging(plan, progress),
        )
        done += len(rates)
        part = min(done * plan.batch_size / objective.n_samples, 1.0)
        if done == plan.n_batches or not total / part <= hopeless * weight:
            break
        rates = plan.rates(progress, plan.n_batches - done)
    if not math.isfinite(total):
        progress.restore(before)
        return math.inf, done
    return total / (part * weight) + penalty, done


def averaging(plan, progress) -> dict:
    """Return from which step weights are averaged, and how much later ones count.

    The tail of a cycle is its last two thirds. Without cycles all weights are
    averaged, and those of the last ninth of the steps count for half of them.
    """
    if plan.average != "tail":
        return {"average_from": plan.average}
    t, end = progress.t, plan.schedule.cycle_end(progress.t + 1)
    if math.isinf(end):
        return {"average_from": 1, "average_power": 5}
    if end != progress.tail_end:
        progress.n_averaged, progress.tail_end = 0, end
        progress.tail_from = t + 1 + int(end - t) // 3
    return {"average_from": progress.tail_from}


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


_FROM_OUTSIDE = ("max_iter", "callback")
"""Reasons that hold for one call: when it is repeated, training goes on."""


def train(
    objective: LinearObjective,
    plan: Plan,
    run: Run,
    stopping: Stopping,
    early: EarlyStopping | None = None,
    watchers: Sequence[Watcher] = (),
) -> None:
    """Repeat passes until a rule, or one of the ``watchers``, says that it is enough.

    With ``early`` scores decide instead of the objective. A ``run`` that was
    interrupted, with the plan for the epochs that are left, goes on as if it had not
    been.
    """
    n_left = max(stopping.max_iter - run.n_epochs, 0)
    warn_past_end(plan.schedule, run.progress.t + n_left * plan.n_batches)
    rules = _Rules(objective, plan, run, stopping, early)
    if run.stop_reason in _FROM_OUTSIDE:
        run.stop_reason = None
    while run.stop_reason is None and run.n_epochs < stopping.max_iter:
        for watcher in watchers:
            watcher.epoch_begins(run)
        run.stop_reason = _epoch(objective, plan, run, rules)
        for watcher in watchers:
            reason = watcher.epoch_ends(run)
            run.stop_reason = run.stop_reason or reason
    if run.history.has_diverged:
        run.stop_reason = "diverged"
    elif run.stop_reason is None:
        run.stop_reason = "max_iter"
        if rules.settled.is_asked:
            _warn_max_iter(stopping, rules.settled)


def _epoch(objective, plan, run, rules):
    """Go over the data once, take note, and return why to stop, or None."""
    start = time.perf_counter()
    progress, history = run.progress, run.history
    before = progress.copy()
    rates = plan.rates(progress, plan.n_batches)
    value, done = run_pass(objective, plan, progress, before, rates, history.hopeless)
    run.updates += done
    run.before_last = before
    if value < run.lowest:
        run.lowest, run.before_lowest = value, before
    history.loss_curve.append(value)
    history.learning_rate_curve.append(float(rates[0]))
    reason = rules.reason(value) if value < history.hopeless else "diverged"
    run.seconds += time.perf_counter() - start
    history.time_curve.append(run.seconds)
    history.update_curve.append(run.updates)
    history.gradient_norm_curve.append(math.nan)
    return reason


class _Rules:
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
        value = _value_at_rest(self._objective, self._optimizer, run.progress)
        measure = min(abs(history.start), history.typical)
        before, tolerance = run.level, self._stopping.tol * measure
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
        return self._is_near_minimum(self._run.progress, 10 * _MUCH_LOWER)

    def _is_near_minimum(self, progress, times):
        """Whether no point is found that is lower by so many times ``tol``."""
        history = self._run.history
        measure = min(abs(history.start), history.typical)
        bound = times * self._stopping.tol * measure
        w = progress.result(self._optimizer)
        is_near = bound == 0 or self._second_look.possible_fall(w) <= bound
        self._run.looked_at = 0 if is_near else self._run.n_epochs
        return is_near

    @property
    def advice(self):
        """What the last look has found, for the warning."""
        if not self._run.looked_at:
            return ""
        return (
            f"After {self._run.looked_at} epochs it hardly changed and was far above "
            "its minimum: so it is with columns that are nearly collinear, or not "
            "centred for want of an intercept, and at a rate that is far too low. "
        )


def _value_at_rest(objective, optimizer, progress):
    """Return the objective at the mean or at the last weights: at the better."""
    last = averaged(optimizer, progress.w, progress.state)
    value = objective_value(objective, last)
    if progress.n_averaged:
        of_mean = objective_value(objective, progress.average)
        if value < of_mean:
            progress.n_averaged = 0
        value = min(value, of_mean)
    return value


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


def warn_past_end(schedule: Schedule, last_step: int) -> None:
    """Say that a schedule is asked for steps that it does not describe."""
    if last_step > schedule.end:
        warn(
            f"The schedule {schedule!r} ends at step {schedule.end:.0f} and training "
            f"goes to step {last_step}: the learning rate stays at its last value.",
            UserWarning,
        )


def blow_up_of_stream(objective, progress, value) -> str | None:
    """Return what is wrong with the loss of a call, if it says that training diverged.

    It may be finite and out of proportion in two calls running: 10 000 times what
    weights of zero cost, on average or in this call, whichever is more. Not what the
    calls before cost: a model that fits well has almost no loss, and any drift would
    be a multiple of it. Nor in one call: that may be a sample far out. The average is
    that of the first samples and of all that seemed out of proportion to them.
    """
    if not math.isfinite(value):
        return "a weight or a loss is no longer finite. This call was undone."
    before, progress.is_suspect = progress.is_suspect, False
    if progress.n_seen < 1000 or value > 1e4 * progress.null_loss:
        null, n = objective.null_loss(), objective.n_samples
        progress.n_seen += n
        progress.null_loss += (null - progress.null_loss) * n / progress.n_seen
        measure = max(null, progress.null_loss)
        progress.is_suspect = measure > 0 and value > 1e4 * measure
    if before and progress.is_suspect:
        return "in two calls the loss was 10 000 times that of coefficients of zero."
    return None


def warn(message, category):
    """Warn at the line outside of this package that called into it."""
    frame, level = sys._getframe(1), 2
    inside = __package__, "sklearn.callback"
    while frame.f_back and frame.f_back.f_globals.get("__package__") in inside:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level + 1)


def _warn_max_iter(stopping, settled):
    warn(
        f"Training stopped at max_iter={stopping.max_iter} epochs before the "
        f"{settled.what} settled within tol={stopping.tol:g}. {settled.advice}Increase "
        "max_iter or learning_rate, or set tol=None to train for a fixed number of "
        "epochs.",
        ConvergenceWarning,
    )
