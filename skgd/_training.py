"""Training: passes over the data until it is enough."""

import math
import time
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._compiled import objective_value, run_batches
from ._early_stopping import EarlyStopping
from ._objective import LinearObjective
from ._plan import Plan, warn_past_end
from ._progress import Progress
from ._run import Run
from ._stopping import Rules, Stopping
from ._warnings import warn


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


def train_once(
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
    penalty, weight = objective.penalty_value(progress.w), objective.total_weight()
    total, done, share = 0.0, 0, 1.0
    for part in plan.parts(progress, rates):
        total += run_batches(objective, plan.optimizer, progress, **part)
        done += len(part["rates"])
        share = min(done * plan.batch_size / objective.n_samples, 1.0)
        if not total / share <= hopeless * weight:
            break
    if not math.isfinite(total):
        progress.restore(before)
        return math.inf, done
    return total / (share * weight) + penalty, done


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
    rules = Rules(objective, plan, run, stopping, early)
    if run.stop_reason in _FROM_OUTSIDE:
        run.stop_reason = None
    while run.stop_reason is None:
        if run.is_hopeless:
            run.begin_slower()
            rules = Rules(objective, plan, run, stopping, early)
        if run.n_epochs >= stopping.max_iter:
            break
        for watcher in watchers:
            watcher.epoch_begins(run)
        run.stop_reason = _epoch(objective, plan, run, rules)
        for watcher in watchers:
            reason = watcher.epoch_ends(run)
            run.stop_reason = run.stop_reason or reason
    if run.has_diverged(objective, plan.optimizer):
        run.stop_reason = "diverged"
    elif run.stop_reason is None:
        run.stop_reason = "max_iter"
        if rules.settled.is_asked:
            _warn_max_iter(stopping, rules.settled)


def _may_slow_down(plan, progress):
    """Whether training that is hopeless begins anew."""
    return plan.may_slow_down and progress.rate_factor > 2e-3


def _epoch(objective, plan, run, rules):
    """Go over the data once, take note, and return why to stop, or None."""
    start = time.perf_counter()
    progress, history = run.progress, run.history
    before = progress.copy()
    rates = plan.rates(progress, plan.n_batches)
    value, done = train_once(objective, plan, progress, before, rates, history.hopeless)
    run.updates += done
    run.before_last = before
    if value < run.lowest:
        run.lowest, run.before_lowest = value, before
    history.loss_curve.append(value)
    history.learning_rate_curve.append(float(rates[0]))
    if history.start == 0:
        history.start = objective_value(objective, -progress.w)
    if run.is_hopeless:
        reason = None if _may_slow_down(plan, progress) else "diverged"
    else:
        reason = rules.reason(value)
    run.seconds += time.perf_counter() - start
    history.time_curve.append(run.seconds)
    history.update_curve.append(run.updates)
    history.gradient_norm_curve.append(math.nan)
    return reason


def blow_up_of_stream(objective, progress, value) -> str | None:
    """Return what is wrong with the loss of a call, if it says that training diverged.

    It may be finite and out of proportion in two calls running: 10 000 times what
    weights of zero cost, on average or in this call, whichever is more. Not what the
    calls before cost: a model that fits well has almost no loss, and any drift would
    be a multiple of it. Nor in one call: that may be a sample far out. The average is
    that of the first samples and of all that seemed out of proportion to them.
    """
    if not math.isfinite(value):
        return (
            "a weight or a loss is no longer finite. The coefficients are those before "
            "this call."
        )
    before, progress.is_suspect = progress.is_suspect, False
    if progress.n_seen < 1000 or value > 1e4 * progress.null_loss:
        null, n = objective.null_loss(), objective.n_samples
        progress.n_seen += n
        progress.null_loss += (null - progress.null_loss) * n / progress.n_seen
        measure = max(abs(null), abs(progress.null_loss))
        progress.is_suspect = measure > 0 and value > 1e4 * measure
    if before and progress.is_suspect:
        return "in two calls the loss was 10 000 times that of coefficients of zero."
    return None


def _warn_max_iter(stopping, settled):
    warn(
        f"Training stopped at max_iter={stopping.max_iter} epochs before the "
        f"{settled.what} settled within tol={stopping.tol:g}. {settled.advice}Increase "
        "max_iter or learning_rate, or set tol=None to train for a fixed number of "
        "epochs.",
        ConvergenceWarning,
    )
