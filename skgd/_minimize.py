"""Minimising a function with the optimizers and schedules of the estimators."""

import inspect
import math
from collections.abc import Callable
from functools import wraps

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, OptimizeResult

from ._calls import initial_state, projection, prox
from ._descent import STATUS, Iterates, Point, StoppingRule, behavior, describe
from ._function import FunctionObjective, as_function, as_vector
from ._loop import run_batches
from ._parameters import resolve_optimizer
from ._plan import BATCH_SIZE, Settings, plan_training, warn_past_end
from ._progress import Progress
from ._stopping import tell_schedule
from ._validation import (
    Boolean,
    Choice,
    Constraint,
    Instance,
    Number,
    check_parameters,
    did_you_mean,
    draw_seed,
)
from .penalties import Box, resolve_penalty
from .schedules import as_schedule

_TOLERANCE = Number(0, closed="left")
_ACCEPTED: dict[str, Constraint] = {
    "learning_rate": Choice("auto") | Number(0, closed="neither"),
    "max_iter": Number(1, integer=True),
    "tol": Choice(None) | _TOLERANCE,
    "gtol": Choice(None) | _TOLERANCE,
    "xtol": _TOLERANCE,
    "ftol": _TOLERANCE,
    "maximize": Boolean(),
    "alpha": _TOLERANCE,
    "batch_size": Choice("auto", None) | Number(1, integer=True),
    "shuffle": Boolean(),
    "callback": Choice(None) | Instance(Callable, "a function"),
    "record": Choice("iteration", "step", None),
}


def _naming_the_nearest(function):
    """Let the message about an unknown parameter have the nearest one."""
    known = inspect.signature(function).parameters

    @wraps(function)
    def checked(*args, **parameters):
        for name in parameters.keys() - known.keys():
            raise TypeError(
                f"minimize has no parameter {name!r}; it has {', '.join(known)}."
                + did_you_mean(name, known)
            )
        return function(*args, **parameters)

    return checked


@_naming_the_nearest
def minimize(
    fun,
    x0,
    args=(),
    *,
    jac=None,
    hess=None,
    hessp=None,
    bounds=None,
    constraints=(),
    callback=None,
    tol=None,
    optimizer="sgd",
    learning_rate="auto",
    schedule="constant",
    max_iter=10_000,
    gtol=None,
    xtol=0.0,
    ftol=0.0,
    maximize=False,
    penalty=None,
    alpha=1.0,
    data=None,
    batch_size="auto",
    shuffle=True,
    random_state=None,
    record="iteration",
):
    r"""Minimise a function by gradient descent, with any optimizer and schedule.

    .. math::
        x_{t} = x_{t-1} - \eta_t \, d(x_{t-1}, \nabla f(x_{t-1}), t)

    with the learning rate times the factor of the schedule as :math:`\eta_t` and the
    direction :math:`d` of the optimizer; for plain descent that is the gradient. After
    each step follows the proximal operator of the penalty and the bounds, if any.

    An iteration is one step; with ``data`` it is one pass over them, a step for each
    batch. After each the whole function and its gradient are computed.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns a number; with ``data``, ``fun(x, *batch, *args)``
        returns the mean over the rows of the batch.
    x0 : array-like of shape (n,)
        Where to start; float32 is kept. With bounds, the nearest point within.
    args : tuple, default=()
        Further arguments of ``fun`` and ``jac``.
    jac : callable, True, {"torch", "jax", "autograd"} or None, default=None
        The gradient:

        - a function with the arguments of ``fun``;
        - True: ``fun`` returns its value and its gradient;
        - a name: automatic differentiation by that package, installed with the extra
          of the same name. ``fun`` is written with its operations; the arrays in
          ``x``, ``data`` and ``args`` come as its arrays, float64 as float64. A
          function for JAX is much faster if it went through ``jax.jit``;
        - None: central differences by `scipy.optimize.approx_fprime`, 2n + 2 further
          calls of ``fun``, with an error near 1e-10 times the third derivative; never
          outside of the bounds.
    hess, hessp, constraints : None
        Not accepted; here because `scipy.optimize.minimize` passes them on.
    bounds : scipy.optimize.Bounds or sequence of (min, max), default=None
        None in a pair is no bound. Every iterate keeps to them exactly.
    callback : callable, default=None
        ``callback(xk)`` or, if that is the name of its only parameter,
        ``callback(intermediate_result)``, called after each iteration; the latter is an
        OptimizeResult with ``x``, ``fun``, ``jac`` and ``nit``. `StopIteration` ends
        the descent.
    tol : float >= 0, default=None
        The ``gtol`` where that is not given, as in SciPy.
    optimizer : str or Optimizer, default="sgd"
        A name from `skgd.OPTIMIZERS` or an instance.
    learning_rate : float > 0 or "auto", default="auto"
        ``"auto"`` is the optimizer's ``default_learning_rate``. A function has a scale
        of its own, so this is what to try first.
    schedule : str, Schedule or callable, default="constant"
        The factor on the learning rate; its horizon is ``max_iter`` unless given.
    max_iter : int >= 1, default=10000
        The most iterations.
    gtol : float >= 0, default=None
        Stop if no entry of the gradient is larger; None is ``tol``, or 1e-5. With
        bounds or a penalty with a proximal step this is
        :math:`x - \operatorname{prox}(x - \nabla f(x), 1)`, the projected gradient.
    xtol : float >= 0, default=0.0
        Stop if no entry of ``x`` changed by as much in an iteration.
    ftol : float >= 0, default=0.0
        Stop if the objective changed by less in an iteration.
    maximize : bool, default=False
        Climb instead: ``fun``, ``jac`` and ``fun_curve`` of the result are those of
        the function as it was given.
    penalty : str, Penalty or None, default=None
        A name from `skgd.PENALTIES` or an instance: alpha · penalty(x) is added to the
        function, or subtracted from one to be maximised.
    alpha : float >= 0, default=1.0
        The strength of the penalty.
    data : array-like or tuple of array-likes of the same length, default=None
        Samples whose mean is minimised in batches; CSR matrices too.
    batch_size : int >= 1, "auto" or None, default="auto"
        Rows in a batch. ``"auto"`` is 32, None all of them. Only with ``data``.
    shuffle : bool, default=True
        Whether each pass has an order of its own. False only with ``data``.
    random_state : int, RandomState or None, default=None
        Determines the order; not used without ``data``.
    record : {"iteration", "step", None}, default="iteration"
        What ``trajectory`` keeps: the point after each iteration, also that before
        each step, or nothing.

    Returns
    -------
    scipy.optimize.OptimizeResult
        x : ndarray of shape (n,)
            The last point; for a divergence the best. Optimizers with a method
            ``averaged`` give the point that they average, here and in the
            ``trajectory``, with the gradient and the value there.
        fun, jac : float, ndarray of shape (n,)
            The objective at ``x``, with the penalty, and the gradient of its smooth
            part.
        nit, nfev, njev, t : int
            Iterations; calls of ``fun``; gradients computed; optimizer steps.
        success : bool
            Whether a tolerance was met and the gradient was getting smaller.
        status : int
            0 a tolerance is met, 1 ``max_iter`` iterations, 2 a tolerance on steps or
            changes is met and the gradient does not get smaller, 3 divergence, 99 the
            callback stopped it.
        stop_reason : str
            ``"gtol"``, ``"xtol"``, ``"ftol"``, ``"max_iter"``, ``"diverged"`` or
            ``"callback"``.
        behavior : str
            ``"converged"``, ``"progressing"``, ``"plateau"`` (small gradients that do
            not get smaller), ``"oscillating"`` or ``"diverged"``: see Notes.
        message : str
            The same in words, with the numbers and what to change.
        trajectory : ndarray of shape (nit + 1, n) or None
            All points, the start included; with ``record="step"`` one for each step.
        fun_curve, time_curve : ndarray of shape (nit + 1,)
            The objective at the iterates, and the seconds since the start.

    Raises
    ------
    TypeError, ValueError
        For an argument that is not acceptable, and a function that does not return
        numbers. An exception of ``fun``, ``jac`` or ``callback`` passes through.
    ImportError
        If the package that ``jac`` names is not installed.

    See Also
    --------
    critical_point : Tells a minimum, a maximum and a saddle apart.

    Notes
    -----
    A small gradient, a small step and a small change of the objective are different
    things, and none of them is a minimum. ``behavior`` compares the largest gradients
    of the last iterations (h = max(5, nit/20), at most half of them) with those of as
    many before. If they fell by a tenth, or ``gtol`` is met, it is converging; so it is
    if nothing but rounding errors is left of them and of the steps. If they did not
    fall, it oscillates if half of the gradients point against the one before, or the
    objective rose in a quarter of the iterations; otherwise a tolerance was met by
    small steps on a slope: a plateau, or a learning rate too low. At ``max_iter`` it is
    a plateau if the gradient is below a hundredth of the largest. Divergence is a
    number that is not finite, or both objective and gradient larger after ``max_iter``
    iterations than at the start. No tolerance can tell a saddle: `critical_point` does.

    `minimize` is also a ``method`` of `scipy.optimize.minimize`, with its own
    parameters as ``options``: ``max_iter``, not ``maxiter``. SciPy passes on a ``jac``
    that is a function or True, and makes None of the names.

    Examples
    --------
    >>> import numpy as np
    >>> from skgd import minimize
    >>> result = minimize(
    ...     lambda x: x[0] ** 2, 5.0, jac=lambda x: 2 * x, learning_rate=0.2, xtol=0.01
    ... )
    >>> result.trajectory[:6].ravel().round(4)
    array([5.    , 3.    , 1.8   , 1.08  , 0.648 , 0.3888])
    >>> result.nit, result.x, result.stop_reason
    (12, array([0.01088391]), 'xtol')

    A function of two variables, without its gradient, with an upper bound:

    >>> def rosenbrock(x):
    ...     return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> bounds = [(None, 0.5), (None, None)]
    >>> result = minimize(
    ...     rosenbrock, [-1, 1], bounds=bounds, optimizer="adam", learning_rate=0.02
    ... )
    >>> result.x.round(4), round(result.fun, 4)
    (array([0.5 , 0.25]), 0.25)

    In SciPy:

    >>> import scipy.optimize
    >>> options = {"optimizer": "adam", "learning_rate": 0.1}
    >>> scipy.optimize.minimize(
    ...     rosenbrock, [-1, 1], method=minimize, options=options
    ... ).x.round(3)
    array([1., 1.])
    """
    given = {name: value for name, value in locals().items() if name in _ACCEPTED}
    check_parameters("minimize", given, _ACCEPTED)
    _reject(hess=hess, hessp=hessp, constraints=constraints)
    if data is None:
        _reject_without_data(batch_size=batch_size, shuffle=shuffle)
    x0 = as_vector(x0, "minimize", "x0")
    lower, upper = _as_bounds(bounds, x0)
    penalty = resolve_penalty(penalty)
    if bounds is not None:
        penalty = Box(lower, upper, penalty=penalty)
    objective = FunctionObjective(
        as_function(fun, jac, lower, upper),
        penalty=penalty,
        alpha=float(alpha),
        data=_as_data(data),
        args=args if isinstance(args, tuple) else (args,),
        maximize=maximize,
    )
    optimizer = resolve_optimizer(optimizer, penalty, "minimize")
    settings = Settings(
        optimizer=optimizer,
        schedule=as_schedule(schedule),
        learning_rate=learning_rate,
        batch_size=BATCH_SIZE if batch_size == "auto" else batch_size,
        shuffle=bool(shuffle),
        clip_norm=None,
        average=None,
        standardize=False,
    )
    if gtol is None:
        gtol = 1e-5 if tol is None else tol
    rule = StoppingRule(gtol, xtol, ftol, int(max_iter))
    w = projection(penalty, x0).copy()
    progress = Progress(
        w, initial_state(optimizer, w), seed=draw_seed("minimize", random_state)
    )
    plan = plan_training(settings, objective, progress, rule.max_iter)
    warn_past_end(plan.schedule, rule.max_iter * plan.n_batches)
    iterates = Iterates(keep_points=record == "iteration")
    notify = _notifier(callback, objective.sign)
    visited: list | None = [] if record == "step" else None
    reason = _descend(objective, plan, progress, rule, iterates, notify, visited)
    return _as_result(objective, plan, rule, iterates, reason, visited)


def _descend(objective, plan, progress, rule, iterates, notify, visited) -> str:
    """Iterate until there is a reason to stop, and return it.

    ``visited`` takes the points before each step, if it is a list.
    """
    with np.errstate(all="ignore"):
        while True:
            iterates.add(*_look(objective, plan.optimizer, progress))
            if iterates.n_iter and notify(iterates):
                return "callback"
            reason = rule.reason(iterates)
            if reason is not None:
                return reason
            if iterates.n_iter:
                tell_schedule(plan, progress, iterates.last.value)
            _iterate(objective, plan, progress, visited)


def _iterate(objective, plan, progress, visited):
    """Take a step for each batch."""
    for part in plan.parts(progress, at_once=None if visited is None else 1):
        if visited is not None:
            visited.append(progress.result(plan.optimizer).copy())
        run_batches(objective, plan.optimizer, progress, **part)


def _look(objective, optimizer, progress):
    """Return the point that the optimizer is at, and how far from stationary it is."""
    x = progress.result(optimizer).copy()
    if not np.isfinite(x).all():
        return Point(x, math.nan, np.full_like(x, math.nan)), math.nan
    value, g = objective.evaluate(x)
    left = g
    if objective.penalty.has_prox:
        left = x - prox(objective.penalty, x - g, objective.alpha)
    noise = objective.function.noise(x, value)
    return Point(x, value, g, noise), float(np.max(np.abs(left)))


def _as_result(objective, plan, rule, iterates, reason, visited) -> OptimizeResult:
    how = behavior(iterates, reason)
    stuck = reason in ("xtol", "ftol") and how != "converged"
    status = STATUS["stuck" if stuck else reason]
    point = iterates.best if reason == "diverged" else iterates.last
    trajectory = iterates.points
    if visited is not None:
        trajectory = [*visited, iterates.last.x]
    return OptimizeResult(
        x=point.x.copy(),
        fun=objective.sign * point.value,
        jac=objective.sign * point.g,
        nit=iterates.n_iter,
        nfev=objective.function.nfev,
        njev=objective.function.njev,
        t=iterates.n_iter * plan.n_batches,
        success=status == 0,
        status=status,
        stop_reason=reason,
        behavior=how,
        message=describe(iterates, rule, reason, how, plan.learning_rate),
        trajectory=None if trajectory is None else np.array(trajectory),
        fun_curve=objective.sign * np.array(iterates.values),
        time_curve=np.array(iterates.seconds),
    )


def _notifier(callback, sign):
    """Return a function of the iterates: whether the callback wants to stop."""
    if callback is None:
        return lambda iterates: False
    by_name = set(inspect.signature(callback).parameters) == {"intermediate_result"}

    def notify(iterates):
        point = iterates.last
        try:
            if by_name:
                result = OptimizeResult(
                    x=point.x.copy(),
                    fun=sign * point.value,
                    jac=sign * point.g,
                    nit=iterates.n_iter,
                )
                callback(intermediate_result=result)
            else:
                callback(point.x.copy())
        except StopIteration:
            return True
        return False

    return notify


def _reject(**given):
    for name, value in given.items():
        is_none = isinstance(value, tuple | list | dict) and not value
        if value is not None and not (name == "constraints" and is_none):
            raise ValueError(
                f"minimize: {name} cannot be used: gradient descent takes bounds, and "
                f"no {name}. Leave it out; got {value!r}."
            )


def _reject_without_data(batch_size, shuffle):
    given = {} if batch_size == "auto" else {"batch_size": batch_size}
    given |= {} if shuffle else {"shuffle": shuffle}
    for name, value in given.items():
        raise ValueError(
            f"minimize: {name}={value!r} is given, and no data to make batches of. "
            f"Give data, or leave {name} out."
        )


def _as_bounds(bounds, x0):
    """Return lower and upper bounds of the shape of ``x0``."""
    if bounds is None:
        return -math.inf, math.inf
    message = (
        "minimize: bounds must be a scipy.optimize.Bounds or a pair (min, max) for "
        f"each of the {x0.size} variables, with min <= max and None for no bound, got "
        f"{bounds!r}."
    )
    try:
        if isinstance(bounds, Bounds):
            bounds = np.stack(np.broadcast_arrays(bounds.lb, bounds.ub, x0)[:2], axis=1)
        pairs = [(low, high) for low, high in bounds]
        lower = np.array([-math.inf if low is None else low for low, _ in pairs], float)
        upper = np.array(
            [math.inf if high is None else high for _, high in pairs], float
        )
    except (TypeError, ValueError):
        raise ValueError(message) from None
    room = (lower <= upper) & (lower < math.inf) & (upper > -math.inf)
    if lower.shape != x0.shape or not np.all(room):
        raise ValueError(message)
    return lower, upper


def _as_data(data):
    """Return a tuple of arrays and CSR matrices of the same length."""
    if data is None:
        return ()
    if isinstance(data, list) and any(getattr(a, "shape", ()) for a in data):
        raise ValueError(
            "minimize: data is a list of arrays. Pass a tuple, data=(X, y), or for the "
            "rows of one array np.stack(data)."
        )
    arrays = tuple(
        a.tocsr() if sparse.issparse(a) else np.asarray(a)
        for a in (data if isinstance(data, tuple) else (data,))
    )
    lengths = {a.shape[0] if a.ndim else 0 for a in arrays}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            "minimize: data must be an array or a tuple of arrays of the same length, "
            f"at least 1, got shapes {[a.shape for a in arrays]}."
        )
    return arrays
