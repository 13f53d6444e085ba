"""When the minimisation of a function ends, and what is said about it."""

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np

STATUS = {
    "gtol": 0,
    "xtol": 0,
    "ftol": 0,
    "max_iter": 1,
    "stuck": 2,
    "diverged": 3,
    "callback": 99,
}
"""SciPy's codes, where it has one."""


class Iterates:
    """What happened: an entry for the start and one for each iteration.

    Attributes
    ----------
    values : list of float
        The objective, as it is minimised.
    norms : list of float
        The largest entry of the gradient; with a proximal step that of
        x − prox(x − g, 1), which is zero where nothing is left to do.
    turned : list of bool
        Whether the gradient points against the one before.
    seconds : list of float
        Since the start.
    points : list of ndarray or None
    last, best : Point
        The last, and the finite one of the lowest objective.
    step : float
        The largest change of an entry in the last iteration.
    reach : float
        The largest change of an entry since the start, over all iterations.
    """

    start: "Point"
    last: "Point"
    best: "Point"

    def __init__(self, keep_points: bool):
        self.values: list[float] = []
        self.norms: list[float] = []
        self.turned: list[bool] = []
        self.seconds: list[float] = []
        self.points: list[np.ndarray] | None = [] if keep_points else None
        self.step = math.inf
        self.reach = 0.0
        self._began = perf_counter()

    @property
    def n_iter(self) -> int:
        return len(self.values) - 1

    def add(self, point: "Point", norm: float) -> None:
        first = not self.values
        self.turned.append(not first and bool(point.g @ self.last.g < 0))
        if first:
            self.start = point
        else:
            self.step = _largest(point.x - self.last.x)
            self.reach = max(self.reach, _largest(point.x - self.start.x))
        self.last = point
        if first or (point.is_finite and point.value < self.best.value):
            self.best = point
        self.values.append(point.value)
        self.norms.append(norm)
        self.seconds.append(perf_counter() - self._began)
        if self.points is not None:
            self.points.append(point.x)


@dataclass(frozen=True)
class Point:
    """Weights with the objective, as it is minimised, and its gradient there.

    ``noise`` is the error that rounding makes in an entry of the gradient, as far as
    the way it is computed tells.
    """

    x: np.ndarray
    value: float
    g: np.ndarray
    noise: float = 0.0

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.value) and bool(
            np.isfinite(self.x).all() and np.isfinite(self.g).all()
        )


@dataclass(frozen=True)
class StoppingRule:
    """The tolerances and the number of iterations: see `skgd.minimize`."""

    gtol: float
    xtol: float
    ftol: float
    max_iter: int

    def reason(self, iterates: Iterates) -> str | None:
        """Return the reason to stop, None to go on."""
        values = iterates.values
        if not iterates.last.is_finite:
            return "diverged"
        if iterates.norms[-1] <= self.gtol:
            return "gtol"
        if iterates.step < self.xtol:
            return "xtol"
        if iterates.n_iter and abs(values[-1] - values[-2]) < self.ftol:
            return "ftol"
        if iterates.n_iter < self.max_iter:
            return None
        rose = values[-1] > values[0] and iterates.norms[-1] > iterates.norms[0]
        return "diverged" if rose else "max_iter"


def behavior(iterates: Iterates, reason: str) -> str:
    """Return what the last iterations were like: see the notes of `skgd.minimize`."""
    if reason == "diverged":
        return "diverged"
    if reason == "gtol":
        return "converged"
    n = min(max(5, iterates.n_iter // 20), (iterates.n_iter + 1) // 2)
    if n == 0:
        return "progressing"
    if _is_rounding(iterates, n):
        return "converged"
    norms, values = iterates.norms, iterates.values
    met = reason in ("xtol", "ftol")
    if max(norms[-n:]) < 0.9 * max(norms[-2 * n : -n]):
        return "converged" if met else "progressing"
    turns = sum(iterates.turned[-n:]) / n
    rises = float(np.mean(np.diff(values[-n - 1 :]) > 0))
    has_jumped = met and iterates.turned[-1] and norms[-1] >= 0.9 * norms[-2]
    if turns >= 0.5 or rises >= 0.25 or has_jumped:
        return "oscillating"
    if met or norms[-1] < 0.01 * max(norms):
        return "plateau"
    return "progressing"


def _is_rounding(iterates, n):
    """Whether nothing but rounding errors is left of the last n gradients.

    That is so if they are within the error of their computation, and not because that
    has grown with the objective; or if the steps are within that of x, and the
    gradients within what such a step changes, by the curvature between the largest
    gradient and here.
    """
    x, norms = iterates.last.x, iterates.norms
    largest = max(norms[-n:])
    if largest <= iterates.last.noise:
        return largest <= max(iterates.start.noise, 1e-3 * max(norms))
    eps = float(np.finfo(x.dtype).eps)
    error = 8 * eps * _largest(x)
    has_fallen = largest <= math.sqrt(eps) * max(norms)
    at_rest = iterates.step <= error
    return has_fallen and at_rest and largest * iterates.reach <= error * max(norms)


def describe(iterates: Iterates, rule: StoppingRule, reason, behavior, rate) -> str:
    """Return a message: why it stopped, what it was like, what to change."""
    if reason == "diverged":
        return _describe_divergence(iterates, rule, rate)
    why = {
        "gtol": f"no entry of the gradient is larger than gtol={rule.gtol:g}",
        "xtol": f"x changed by {iterates.step:.3g}, less than xtol={rule.xtol:g}",
        "ftol": f"the objective changed by less than ftol={rule.ftol:g}",
        "max_iter": f"max_iter={rule.max_iter} is reached",
        "callback": "`callback` raised `StopIteration`",
    }[reason]
    remark = _REMARKS[behavior].format(rate=rate)
    if behavior == "converged" and reason in ("max_iter", "callback"):
        remark = (
            f"That is rounding error: as far as can be told a critical point. {remark}"
        )
    if behavior == "progressing" and iterates.norms[-1] > 100 * iterates.norms[0]:
        remark = "It grows: the objective may have no finite optimum."
    return (
        f"Stopped after {iterates.n_iter} iterations: {why}. The largest entry of the "
        f"gradient is {iterates.norms[-1]:.3g}. {remark}"
    )


_REMARKS = {
    "converged": "skgd.critical_point tells a minimum, a saddle and a plateau apart.",
    "progressing": "It was still getting on: increase max_iter or the learning rate "
    "(it was {rate:g}).",
    "plateau": "The gradient does not get smaller: a plateau or a flat valley, not a "
    "critical point. Increase the learning rate (it was {rate:g}), or take an "
    "optimizer with momentum or with rates per coordinate.",
    "oscillating": "The gradient turns round and does not get smaller: the iterates "
    "oscillate. Lower the learning rate (it was {rate:g}), or take a schedule that "
    "does.",
}


def _describe_divergence(iterates, rule, rate):
    last, n = iterates.last, iterates.n_iter
    if n == 0:
        return (
            f"Not started: at x0 the objective is {last.value} and its gradient is "
            f"{last.g}; both must be finite."
        )
    if last.is_finite:
        what = f"after max_iter={rule.max_iter} iterations the objective is worse than "
        what += "at x0, and its gradient is larger"
    else:
        what = f"after {n} iterations x, the objective or its gradient is not finite"
    best = iterates.values.index(iterates.best.value)
    if best in (n - 1, n) and n > 1:
        remedy = "It got better all the way: the objective has no finite optimum here, "
        remedy += f"or the learning rate (it was {rate:g}) is too high."
    else:
        remedy = f"Lower the learning rate (it was {rate:g})."
    return f"Diverged: {what}. x is the best point, of iteration {best}. {remedy}"


def _largest(x):
    return float(np.max(np.abs(x), initial=0.0))
