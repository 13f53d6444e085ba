"""Schedules: the factor on the learning rate, as a function of the step.

A schedule is a pure function of ``t`` = 1, 2, …, the number of the optimizer
step; it takes a number or an array. Lengths are in steps, or with
``unit="epoch"`` in passes over the data. The time that has passed at the first
step is 0, as in ``torch.optim.lr_scheduler``: in the formulas it is t − 1, which
counts in units, and not in whole ones.

First those that go on for ever, then those that have a horizon, then those that
are made of others.
"""

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from ._calls import schedule_factors
from ._component import Component, Registry
from ._validation import Choice, Constraint, Instance, Number

UNIT = Choice("step", "epoch") | Number(1, integer=True)
"""What ``unit`` accepts: a name, or the number of steps in a unit of time."""

LENGTH = Number(0, closed="neither")
"""What a length of time accepts."""

HORIZON = LENGTH | Choice(None)
"""What ``horizon`` accepts; None is filled in from the length of the training."""

FRACTION = Number(0, 1)
"""What a factor that the schedule starts or ends with accepts."""

FACTOR = Number(0, 1, closed="right")
"""What a factor that is applied repeatedly accepts."""


class Schedule(Component):
    """Base class of the schedules. A subclass writes ``__call__``.

    Two names of parameters have a meaning here: ``unit`` is what the lengths
    are counted in, and ``horizon`` is the length of the whole schedule.
    `resolve` fills in ``unit="epoch"`` and ``horizon=None``.

    Examples
    --------
    >>> class Sawtooth(Schedule):
    ...     def __init__(self, period=3):
    ...         self.period = period
    ...
    ...     def __call__(self, t):
    ...         return 1 - (np.asarray(t) - 1) % self.period / self.period
    >>> Sawtooth(period=2)([1, 2, 3, 4])
    array([1. , 0.5, 1. , 0.5])
    """

    @abstractmethod
    def __call__(self, t):
        """Return the factor on the learning rate at step ``t``.

        Parameters
        ----------
        t : int or ndarray of int
            Step numbers, from 1.

        Returns
        -------
        float or ndarray of float of the shape of ``t``
            Finite and not negative, for every ``t``.
        """

    def init(self) -> dict[str, np.ndarray]:
        """Return what the schedule has to remember, if its factor depends on the past.

        Returns
        -------
        dict of str to ndarray
            Empty for a pure function of the step. Otherwise new arrays, of shape (),
            with an entry ``"factor"`` that multiplies the factors of ``__call__``. They
            are kept with the weights, and `observe` is called after each pass.
        """
        return {}

    def observe(self, value: float, **state) -> bool:
        """Update the memory, in place, after a pass over the data.

        Parameters
        ----------
        value : float
            How training goes, lower is better: the loss of the pass, or with
            ``early_stopping`` the negative score of the held-out samples.
        **state : ndarray
            The entries of `init`.

        Returns
        -------
        bool
            Whether a stage of training is over: only then is it asked whether it
            should stop.
        """
        return False

    def resolve(self, steps_per_epoch: int, n_steps: int | None) -> "Schedule":
        """Return a schedule in steps, with the horizon of this training.

        Parameters
        ----------
        steps_per_epoch : int
            Number of batches in one pass over the data.
        n_steps : int or None
            Number of the last step of this training; None in a stream.

        Raises
        ------
        ValueError
            If the schedule needs a horizon and neither it nor ``n_steps`` is given.
        """
        resolved = self
        if getattr(self, "unit", "step") == "epoch":
            resolved = self._with(unit=int(steps_per_epoch))
        if getattr(self, "horizon", 0) is None:
            if n_steps is None:
                name = type(self).__name__
                raise ValueError(
                    f"{name} needs a horizon, and a stream has none: "
                    f"pass {name}(horizon=...)."
                )
            resolved = resolved._with(
                horizon=max(n_steps, 1) / resolved._steps_per_unit
            )
        return resolved

    @property
    def end(self) -> float:
        """The step after which the schedule has nothing more to say.

        Infinite without a horizon. After it the factor stays what it is.
        """
        if not hasattr(self, "horizon"):
            return math.inf
        if self.horizon is None:
            name = type(self).__name__
            raise ValueError(
                f"{name}(horizon=None) does not know the length of the training: "
                f"call resolve first, or pass {name}(horizon=...)."
            )
        return self._steps(self.horizon)

    def cycle_end(self, t) -> float:
        """Return the last step of the cycle of step ``t``: where the rate is lowest.

        Infinite for a schedule that does not come to rest again and again.
        """
        return math.inf

    def _elapsed(self, t):
        """Time in units before step ``t``: 0 at the first step."""
        return (_step_numbers(t) - 1) / self._steps_per_unit

    def _progress(self, t):
        """Return the part of the horizon before step ``t``, from 0 to 1."""
        return np.minimum(_step_numbers(t) - 1, self.end) / self.end

    def _steps(self, length):
        """Convert a length to whole steps, rounded up; forgives rounding errors."""
        return math.ceil(length * self._steps_per_unit * (1 - _ROUNDING))

    @property
    def _steps_per_unit(self):
        unit = getattr(self, "unit", "step")
        if unit == "epoch":
            raise ValueError(
                f"{type(self).__name__}(unit='epoch') does not know the length of an "
                "epoch: call resolve first, or give unit as a number of steps."
            )
        return 1 if unit == "step" else unit

    def _with(self, **changes):
        return type(self)(**{**self.get_params(deep=False), **changes})


SCHEDULES = Registry("schedule", Schedule)
"""The schedules by name."""

_ROUNDING = 4 * np.finfo(float).eps


def _step_numbers(t):
    """Return ``t`` as an array, of the dtype it came with."""
    first = t if isinstance(t, int) else np.min(t, initial=1)
    if not first >= 1:
        raise ValueError(f"t must be at least 1, the first step, got {first}.")
    return np.asarray(t)


def _whole(ratio):
    """Round down; a ratio just below an integer because of rounding is that integer."""
    return np.floor(ratio * (1 + _ROUNDING))


# Without a horizon


@SCHEDULES.register("constant")
class Constant(Schedule):
    """The learning rate as it is.

    Examples
    --------
    >>> Constant()([1, 10, 100])
    array([1., 1., 1.])
    """

    def __call__(self, t):
        return np.ones(_step_numbers(t).shape)[()]


@SCHEDULES.register("inverse_scaling")
class InverseScaling(Schedule):
    r"""A power of the number of the step.

    .. math::
        \eta_t / \eta = \left(1 + \frac{t-1}{\text{delay}}\right)^{-\text{power}}

    By default that is :math:`t^{-\text{power}}`.

    Parameters
    ----------
    power : float >= 0, default=0.25
        From ½ (exclusive) to 1 the rates satisfy the conditions of Robbins and
        Monro: their sum is infinite and that of their squares is not.
    delay : float > 0, default=1
        The steps in which the rate hardly falls.

    References
    ----------
    ``learning_rate="invscaling"`` of scikit-learn's ``SGDRegressor``, with its
    ``power_t`` and, as the learning rate, its ``eta0``. There a step is a sample.

    Examples
    --------
    >>> InverseScaling(power=0.5)([1, 4, 100])
    array([1. , 0.5, 0.1])
    >>> InverseScaling(power=0.5, delay=300)([1, 901, 10_000]).round(3)
    array([1.   , 0.5  , 0.171])
    """

    constraints: ClassVar = {"power": Number(0), "delay": LENGTH}

    def __init__(self, power=0.25, delay=1):
        self.power = power
        self.delay = delay

    def __call__(self, t):
        return (1 + self._elapsed(t) / self.delay) ** -self.power


@SCHEDULES.register("inverse_time")
class InverseTime(Schedule):
    r"""A hyperbola: after the time 1/decay the rate is halved.

    .. math:: \eta_t / \eta = \frac{1}{1 + \text{decay} \cdot (t-1)}

    Parameters
    ----------
    decay : float >= 0, default=0.001
        For each unit of time.
    unit : {"step", "epoch"} or int, default="step"
        The unit of time; an int is a number of steps.

    References
    ----------
    H. Robbins and S. Monro, "A Stochastic Approximation Method", 1951, for
    rates that fall as 1/t; in this form a convention ("time-based decay").

    Examples
    --------
    >>> InverseTime(decay=1.0)([1, 2, 5])
    array([1. , 0.5, 0.2])
    """

    constraints: ClassVar = {"decay": Number(0), "unit": UNIT}

    def __init__(self, decay=0.001, unit="step"):
        self.decay = decay
        self.unit = unit

    def __call__(self, t):
        return 1 / (1 + self.decay * self._elapsed(t))


@SCHEDULES.register("optimal")
class Optimal(Schedule):
    r"""Bottou's rate for an objective with an L2 penalty of strength alpha.

    .. math:: \eta_t / \eta = \frac{1}{\text{alpha} \cdot (t_0 + t - 1)}

    Parameters
    ----------
    alpha : float > 0, default=1e-4
        The strength of the penalty. It is not read from the estimator: give
        the same number to both.
    t0 : float > 0 or None, default=None
        Shift of the clock, in steps. None is 1/alpha: the factor starts at 1.

    Notes
    -----
    ``SGDClassifier(learning_rate="optimal", alpha=alpha)`` has the factor with
    ``t0 = alpha**-0.75``, which starts at ``alpha**-0.25``, on a learning rate
    of 1: here ``learning_rate=1.0, schedule=Optimal(alpha, t0=alpha**-0.75)``.
    There a step is a sample and ``alpha`` that of the penalty, present or not.

    References
    ----------
    L. Bottou, "Stochastic Gradient Descent Tricks", 2012, section 5.2.

    Examples
    --------
    >>> Optimal(alpha=0.1)([1, 11, 91])
    array([1. , 0.5, 0.1])
    """

    constraints: ClassVar = {
        "alpha": Number(0, closed="neither"),
        "t0": Number(0, closed="neither") | Choice(None),
    }

    def __init__(self, alpha=1e-4, t0=None):
        self.alpha = alpha
        self.t0 = t0

    def __call__(self, t):
        start = 1.0 if self.t0 is None else self.alpha * self.t0
        return 1 / (start + self.alpha * self._elapsed(t))


@SCHEDULES.register("exponential")
class Exponential(Schedule):
    r"""The rate is multiplied by ``factor`` in each unit of time, smoothly.

    .. math:: \eta_t / \eta = \text{factor}^{t-1}

    Parameters
    ----------
    factor : float in (0, 1], default=0.999
    unit : {"step", "epoch"} or int, default="step"
        The unit of time; an int is a number of steps. For a rate that stays
        the same within an epoch take `Step` with ``every=1, unit="epoch"``.

    References
    ----------
    ``torch.optim.lr_scheduler.ExponentialLR``.

    Examples
    --------
    >>> Exponential(factor=0.25, unit=2)([1, 2, 3])
    array([1.  , 0.5 , 0.25])
    """

    constraints: ClassVar = {"factor": FACTOR, "unit": UNIT}

    def __init__(self, factor=0.999, unit="step"):
        self.factor = factor
        self.unit = unit

    def __call__(self, t):
        return self.factor ** self._elapsed(t)


@SCHEDULES.register("step")
class Step(Schedule):
    r"""A staircase: the rate is multiplied by ``factor`` every so often.

    .. math:: \eta_t / \eta = \text{factor}^{\lfloor (t-1) / \text{every} \rfloor}

    Parameters
    ----------
    every : float > 0, default=1000
        Time between two reductions.
    factor : float in (0, 1], default=0.1
    unit : {"step", "epoch"} or int, default="step"
        What ``every`` counts; an int is a number of steps.

    References
    ----------
    ``torch.optim.lr_scheduler.StepLR``.

    Examples
    --------
    >>> Step(every=2, factor=0.5)([1, 2, 3, 4, 5])
    array([1.  , 1.  , 0.5 , 0.5 , 0.25])
    """

    constraints: ClassVar = {"every": LENGTH, "factor": FACTOR, "unit": UNIT}

    def __init__(self, every=1000, factor=0.1, unit="step"):
        self.every = every
        self.factor = factor
        self.unit = unit

    def __call__(self, t):
        return self.factor ** _whole(self._elapsed(t) / self.every)


class _Times(Constraint):
    """Sequences of positive numbers that increase."""

    _item = LENGTH

    def has_type(self, value):
        return isinstance(value, list | tuple | np.ndarray) and all(
            self._item.has_type(item) for item in value
        )

    def accepts(self, value):
        return (
            self.has_type(value)
            and all(self._item.accepts(item) for item in value)
            and all(np.diff(value) > 0)
        )

    def __str__(self):
        return "a sequence of increasing numbers > 0"


@SCHEDULES.register("multistep")
class MultiStep(Schedule):
    r"""The rate is multiplied by ``factor`` at each of the milestones.

    .. math:: \eta_t / \eta = \text{factor}^{|\{m \in \text{milestones}: m \le t-1\}|}

    Parameters
    ----------
    milestones : sequence of increasing floats > 0, default=(1000, 2000)
        Times after which the rate is reduced.
    factor : float in (0, 1], default=0.1
    unit : {"step", "epoch"} or int, default="step"
        What ``milestones`` count; an int is a number of steps.

    References
    ----------
    ``torch.optim.lr_scheduler.MultiStepLR``.

    Examples
    --------
    >>> MultiStep(milestones=[1, 3], factor=0.5)([1, 2, 3, 4, 5])
    array([1.  , 0.5 , 0.5 , 0.25, 0.25])
    """

    constraints: ClassVar = {"milestones": _Times(), "factor": FACTOR, "unit": UNIT}

    def __init__(self, milestones=(1000, 2000), factor=0.1, unit="step"):
        self.milestones = milestones
        self.factor = factor
        self.unit = unit

    def __call__(self, t):
        milestones = [self._steps(milestone) for milestone in self.milestones]
        passed = np.searchsorted(milestones, _step_numbers(t) - 1, side="right")
        return self.factor ** passed.astype(float)


@SCHEDULES.register("cosine_restarts")
class CosineRestarts(Schedule):
    r"""The cosine from 1 to ``final``, again and again (warm restarts).

    .. math::
        \eta_t / \eta = \text{final}
        + \tfrac{1 - \text{final}}{2} \left(1 + \cos(\pi T / T_i)\right)

    for the time :math:`T` since the last restart and the length :math:`T_i` of
    the cycle, which is :math:`\text{period} \cdot \text{multiplier}^i`.

    Parameters
    ----------
    period : float > 0, default=1000
        Length of the first cycle.
    multiplier : float >= 1, default=1
        How much longer each cycle is than the one before.
    final : float in [0, 1], default=0.0
        Factor at the end of a cycle; the next step has the full rate.
    unit : {"step", "epoch"} or int, default="step"
        What ``period`` counts; an int is a number of steps.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
    Restarts", ICLR 2017, equation 5;
    ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``.

    Examples
    --------
    >>> CosineRestarts(period=2, multiplier=2)(range(1, 8)).round(4)
    array([1.    , 0.5   , 1.    , 0.8536, 0.5   , 0.1464, 1.    ])
    """

    constraints: ClassVar = {
        "period": LENGTH,
        "multiplier": Number(1),
        "final": FRACTION,
        "unit": UNIT,
    }

    def __init__(self, period=1000, multiplier=1, final=0.0, unit="step"):
        self.period = period
        self.multiplier = multiplier
        self.final = final
        self.unit = unit

    def __call__(self, t):
        elapsed = self._elapsed(t)
        cycle = _cycles_within(self, elapsed)
        start = _start_of_cycle(self, cycle)
        length = self.period * self.multiplier**cycle
        return _cosine((elapsed - start) / length, self.final)

    def cycle_end(self, t):
        cycle = _cycles_within(self, self._elapsed(t))
        return self._steps(float(_start_of_cycle(self, cycle + 1)))


def _cycles_within(schedule, time):
    """Return how many whole cycles of growing length there are in a time."""
    periods, growth = time / schedule.period, schedule.multiplier - 1
    if growth == 0:
        return _whole(periods)
    return _whole(np.log1p(periods * growth) / math.log1p(growth))


def _start_of_cycle(schedule, cycle):
    """Return the time before a cycle: (multiplier^cycle − 1) / growth periods."""
    growth = schedule.multiplier - 1
    if growth == 0:
        return schedule.period * cycle
    return schedule.period * np.expm1(cycle * math.log1p(growth)) / growth


def _cosine(progress, final):
    """Return the half wave from 1 at progress 0 to ``final`` at progress 1."""
    return final + (1 - final) * (1 + np.cos(np.pi * progress)) / 2


@SCHEDULES.register("reduce_on_plateau")
class ReduceOnPlateau(Schedule):
    r"""The rate is multiplied by ``factor`` when training gets no better.

    .. math:: \eta_t / \eta = \max(\text{factor}^k, \text{min\_factor})

    after :math:`k` reductions. What is watched is the loss of each pass over the
    data, a call of ``partial_fit`` too, or with ``early_stopping`` the score of the
    held-out samples. There is a reduction when more than ``patience`` values in a row
    are not below :math:`m - \text{threshold} \cdot |m|` for the lowest :math:`m` before
    them.

    Parameters
    ----------
    factor : float in (0, 1], default=0.1
    patience : int >= 0, default=3
        With ``early_stopping`` it has to be shorter than ``n_iter_no_change``, or
        training stops before the rate is reduced.
    threshold : float in [0, 1), default=1e-4
        The least improvement that counts, relative to the lowest value.
    cooldown : int >= 0, default=0
        For how many passes after a reduction none is counted.
    min_factor : float in [0, 1], default=0.0

    Notes
    -----
    The schedule itself is a setting like all others. What it remembers is kept with
    the weights, and goes on with them in ``partial_fit``, after pickling too. In
    ``fit`` the objective is compared with ``tol`` when the rate is reduced.

    References
    ----------
    ``torch.optim.lr_scheduler.ReduceLROnPlateau``, there with a patience of 10, and
    for positive values only: its threshold has the wrong sign for negative ones.

    Examples
    --------
    >>> schedule = ReduceOnPlateau(factor=0.5, patience=1)
    >>> state = schedule.init()
    >>> for loss in [3.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0]:
    ...     reduced = schedule.observe(loss, **state)
    ...     print(state["factor"], end=" ")
    1.0 1.0 1.0 0.5 0.5 0.5 0.25
    """

    constraints: ClassVar = {
        "factor": FACTOR,
        "patience": Number(0, integer=True),
        "threshold": Number(0, 1, closed="left"),
        "cooldown": Number(0, integer=True),
        "min_factor": FRACTION,
    }

    def __init__(
        self, factor=0.1, patience=3, threshold=1e-4, cooldown=0, min_factor=0.0
    ):
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.cooldown = cooldown
        self.min_factor = min_factor

    def __call__(self, t):
        return np.ones(_step_numbers(t).shape)[()]

    def init(self):
        return {
            "factor": np.array(1.0),
            "lowest": np.array(np.inf),
            "n_bad": np.array(0),
            "n_cooldown": np.array(0),
        }

    def observe(self, value, factor, lowest, n_bad, n_cooldown):
        n_bad += 1
        if value < lowest * (1 - self.threshold * np.sign(lowest)):
            lowest[...], n_bad[...] = value, 0
        if n_cooldown > 0:
            n_cooldown -= 1
            n_bad[...] = 0
        is_over = bool(n_bad > self.patience)
        if is_over:
            factor[...] = max(factor * self.factor, self.min_factor)
            n_cooldown[...], n_bad[...] = self.cooldown, 0
        return is_over


# With a horizon


@SCHEDULES.register("polynomial")
class Polynomial(Schedule):
    r"""A power of the time that is left; with power 1 a straight line.

    .. math::
        \eta_t / \eta = \text{final}
        + (1 - \text{final}) \left(1 - \frac{t-1}{\text{horizon}}\right)^\text{power}

    Parameters
    ----------
    horizon : float > 0 or None, default=None
        Time until ``final`` is reached. None is the length of the training.
    power : float > 0, default=1.0
    final : float in [0, 1], default=0.0
    unit : {"step", "epoch"} or int, default="step"
        What ``horizon`` counts; an int is a number of steps.

    References
    ----------
    ``torch.optim.lr_scheduler.PolynomialLR``, there without ``final``.

    Examples
    --------
    >>> Polynomial(horizon=4)([1, 2, 3, 4, 5, 6])
    array([1.  , 0.75, 0.5 , 0.25, 0.  , 0.  ])
    """

    constraints: ClassVar = {
        "horizon": HORIZON,
        "power": Number(0, closed="neither"),
        "final": FRACTION,
        "unit": UNIT,
    }

    def __init__(self, horizon=None, power=1.0, final=0.0, unit="step"):
        self.horizon = horizon
        self.power = power
        self.final = final
        self.unit = unit

    def __call__(self, t):
        left = 1 - self._progress(t)
        return self.final + (1 - self.final) * left**self.power


@SCHEDULES.register("cosine")
class Cosine(Schedule):
    r"""Half a wave of the cosine, from 1 to ``final``.

    .. math::
        \eta_t / \eta = \text{final} + \tfrac{1 - \text{final}}{2}
        \left(1 + \cos\left(\pi \frac{t-1}{\text{horizon}}\right)\right)

    Parameters
    ----------
    horizon : float > 0 or None, default=None
        Time until ``final`` is reached. None is the length of the training.
    final : float in [0, 1], default=0.0
    unit : {"step", "epoch"} or int, default="step"
        What ``horizon`` counts; an int is a number of steps.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
    Restarts", ICLR 2017; ``torch.optim.lr_scheduler.CosineAnnealingLR``, which
    rises again after the horizon.

    Examples
    --------
    >>> Cosine(horizon=4)([1, 2, 3, 4, 5, 6]).round(4)
    array([1.    , 0.8536, 0.5   , 0.1464, 0.    , 0.    ])
    """

    constraints: ClassVar = {"horizon": HORIZON, "final": FRACTION, "unit": UNIT}

    def __init__(self, horizon=None, final=0.0, unit="step"):
        self.horizon = horizon
        self.final = final
        self.unit = unit

    def __call__(self, t):
        return _cosine(self._progress(t), self.final)


@SCHEDULES.register("linear_restarts")
class LinearRestarts(Schedule):
    r"""A line from 1 to 0, again and again, each longer than the one before.

    .. math:: \eta_t / \eta = 1 - T / T_i

    for the time :math:`T` since the last restart and the length :math:`T_i` of
    the cycle, which is :math:`\text{period} \cdot \text{multiplier}^i`, except
    that the last cycle is as much longer as it takes to end with the horizon.
    Every cycle ends with weights that have come to rest, and comparing those of
    two cycles tells whether longer training would help.

    Parameters
    ----------
    horizon : float > 0 or None, default=None
        Length of the whole schedule. None is the length of the training.
    period : float > 0, default=3
        Length of the first cycle.
    multiplier : float >= 1, default=2
        How much longer each cycle is than the one before.
    unit : {"step", "epoch"} or int, default="epoch"
        What ``period`` and ``horizon`` count; an int is a number of steps.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
    Restarts", ICLR 2017, for the restarts. L. Bottou, F. Curtis and J. Nocedal,
    "Optimization Methods for Large-Scale Machine Learning", SIAM Review 2018,
    section 4, for why the rate has to vanish.

    Examples
    --------
    >>> LinearRestarts(horizon=6, period=2, unit="step")(range(1, 8))
    array([1.  , 0.5 , 1.  , 0.75, 0.5 , 0.25, 0.  ])
    >>> LinearRestarts(horizon=5, period=2, unit="step")(range(1, 8))
    array([1. , 0.8, 0.6, 0.4, 0.2, 0. , 0. ])
    """

    constraints: ClassVar = {
        "horizon": HORIZON,
        "period": LENGTH,
        "multiplier": Number(1),
        "unit": UNIT,
    }

    def __init__(self, horizon=None, period=3, multiplier=2, unit="epoch"):
        self.horizon = horizon
        self.period = period
        self.multiplier = multiplier
        self.unit = unit

    def __call__(self, t):
        start, end = self._cycle(t)
        elapsed = np.minimum(self._elapsed(t), self.end / self._steps_per_unit)
        return np.maximum((end - elapsed) / (end - start), 0.0)

    def cycle_end(self, t):
        return self._steps(float(self._cycle(t)[1]))

    def _cycle(self, t):
        """Return the times at which the cycle of step ``t`` begins and ends."""
        self.end  # noqa: B018  (raises where the horizon is not known)
        last = max(_cycles_within(self, self.horizon) - 1, 0)
        cycle = np.minimum(_cycles_within(self, self._elapsed(t)), last)
        end = np.where(cycle < last, _start_of_cycle(self, cycle + 1), self.horizon)
        return _start_of_cycle(self, cycle), end


@SCHEDULES.register("one_cycle")
class OneCycle(Schedule):
    r"""Half a wave up to 1, and half a wave down to almost nothing.

    With :math:`n` steps in the horizon, the first step has the factor
    ``start``, step :math:`\text{warmup} \cdot n` has 1, and step :math:`n` has
    ``final``; between them runs a cosine.

    Parameters
    ----------
    horizon : float > 0 or None, default=None
        Length of the cycle. None is the length of the training.
    warmup : float in [0, 1), default=0.3
        The part of the horizon in which the rate rises.
    start : float in [0, 1], default=0.04
        Factor at the first step.
    final : float in [0, 1], default=4e-6
        Factor at the last step.
    unit : {"step", "epoch"} or int, default="step"
        What ``horizon`` counts; an int is a number of steps.

    References
    ----------
    L. N. Smith and N. Topin, "Super-Convergence: Very Fast Training of Neural
    Networks Using Large Learning Rates", 2017. In this form, and with these
    defaults, ``torch.optim.lr_scheduler.OneCycleLR`` with ``max_lr=1``.

    Examples
    --------
    >>> OneCycle(horizon=10)([1, 2, 3, 5, 10]).round(4)
    array([0.04  , 0.52  , 1.    , 0.8117, 0.    ])
    """

    constraints: ClassVar = {
        "horizon": HORIZON,
        "warmup": Number(0, 1, closed="left"),
        "start": FRACTION,
        "final": FRACTION,
        "unit": UNIT,
    }

    def __init__(self, horizon=None, warmup=0.3, start=0.04, final=4e-6, unit="step"):
        self.horizon = horizon
        self.warmup = warmup
        self.start = start
        self.final = final
        self.unit = unit

    def __call__(self, t):
        # Steps from the first one, at which the peak and the end are reached.
        last = self.end - 1
        peak = self.warmup * self.end - 1
        step = np.minimum(_step_numbers(t) - 1, last)
        rising = step < peak
        from_peak = np.abs(step - peak) / np.where(rising, peak, last - peak)
        return _cosine(from_peak, np.where(rising, self.start, self.final))


# Made of others


class FromFunction(Schedule):
    """Any Python function of the step.

    Estimators wrap a function in it by themselves: ``schedule=lambda t: ...``.

    Parameters
    ----------
    function : callable
        Takes the number of a step, as a Python number, and returns a factor.
        It is called once for each step; a subclass of `Schedule` that
        computes on arrays is faster.

    Raises
    ------
    ValueError
        When called, if the function returns anything but a finite number >= 0.

    Notes
    -----
    A lambda works but cannot be pickled; a function of a module can.

    Examples
    --------
    >>> FromFunction(lambda t: 1.0 if t < 3 else 0.1)([1, 2, 3])
    array([1. , 1. , 0.1])
    """

    constraints: ClassVar = {"function": Instance(Callable, "a function of the step t")}

    def __init__(self, function):
        self.function = function

    def __call__(self, t):
        t = _step_numbers(t)
        factors = [self._factor(step) for step in t.ravel().tolist()]
        return np.array(factors, dtype=float).reshape(t.shape)[()]

    def _factor(self, t):
        value = self.function(t)
        number = value[()] if isinstance(value, np.ndarray) else value
        accepted = Number(0)
        if not accepted.accepts(number):
            raise ValueError(
                f"schedule: the function must return {accepted}, got {value!r} "
                f"for t={t}."
            )
        return float(number)


def as_schedule(value, parameter: str = "schedule", words=()) -> Schedule:
    """Return a validated schedule of its own for what a user may pass as one.

    Parameters
    ----------
    value : str, Schedule or callable
        A name is looked up, an instance cloned, a function of ``t`` wrapped.
    parameter : str, default="schedule"
        The name of the parameter in error messages.
    words : iterable of str, default=()
        What else the parameter may be, for the error messages.

    Raises
    ------
    ValueError
        If the name is not known; the message has the nearest one.
    TypeError
        If it is none of these, or a class instead of an instance.

    Examples
    --------
    >>> as_schedule("step")
    Step()
    >>> as_schedule(lambda t: 1 / t)(4)
    np.float64(0.25)
    """
    if isinstance(value, str | type | Schedule):
        return SCHEDULES.resolve(value, parameter=parameter, words=words)
    if callable(value):
        return SCHEDULES.resolve(FromFunction(value), parameter=parameter)
    raise TypeError(
        f"{parameter} must be a name from {sorted([*SCHEDULES, *words])}, an instance "
        f"of Schedule or a function of the step t, got {value!r}."
    )


@SCHEDULES.register("warmup")
class Warmup(Schedule):
    r"""A straight line up to 1, and then another schedule.

    .. math::
        \eta_t / \eta = \begin{cases}
        \text{start} + (1 - \text{start})\, t / n & t \le n \\
        \text{schedule}(t - n) & t > n
        \end{cases}

    With ``start=0`` no step has the rate 0. The other schedule's clock starts
    at 1 after the warm-up, and its horizon, if it needs one, is what remains.

    Parameters
    ----------
    schedule : str, Schedule or callable, default="constant"
        What comes after the warm-up.
    length : float >= 0, default=100
        :math:`n`, the length of the warm-up.
    start : float in [0, 1], default=0.0
        Where the line starts, one step before the first.
    unit : {"step", "epoch"} or int, default="step"
        What ``length`` counts; an int is a number of steps. The other schedule
        has its own.

    References
    ----------
    P. Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1
    Hour", 2017, section 2.2.

    Examples
    --------
    >>> Warmup(Polynomial(horizon=2), length=4)([1, 2, 3, 4, 5, 6, 7])
    array([0.25, 0.5 , 0.75, 1.  , 1.  , 0.5 , 0.  ])
    """

    constraints: ClassVar = {
        "schedule": Instance(
            (str, Callable), "a name, an instance of Schedule or a function of t"
        ),
        "length": Number(0),
        "start": FRACTION,
        "unit": UNIT,
    }

    def __init__(self, schedule="constant", length=100, start=0.0, unit="step"):
        self.schedule = schedule
        self.length = length
        self.start = start
        self.unit = unit

    def __call__(self, t):
        n = self._steps(self.length)

        def line(t):
            return self.start + (1 - self.start) * t / n

        return _piecewise(t, [line, _instance(self.schedule)], [n])

    def validate(self):
        super().validate()
        as_schedule(self.schedule)

    def init(self):
        return _instance(self.schedule).init()

    def observe(self, value, **state):
        return _instance(self.schedule).observe(value, **state)

    def resolve(self, steps_per_epoch, n_steps):
        resolved = super().resolve(steps_per_epoch, n_steps)
        length = resolved._steps(self.length)
        remaining = None if n_steps is None else n_steps - length
        inner = _instance(self.schedule).resolve(steps_per_epoch, remaining)
        return resolved._with(schedule=inner)

    @property
    def end(self):
        return self._steps(self.length) + _instance(self.schedule).end

    def cycle_end(self, t):
        length = self._steps(self.length)
        return length + _instance(self.schedule).cycle_end(max(t - length, 1))


@SCHEDULES.register("join")
class Join(Schedule):
    r"""Schedules one after the other, each with a clock that starts at 1.

    .. math:: \eta_t / \eta = \text{schedule}_i(t - b_i), \quad b_i < t \le b_{i+1}

    with :math:`b_0 = 0` and the boundaries :math:`b_1, b_2, \ldots`

    Parameters
    ----------
    schedules : list of str, Schedule or callable, default=("constant",)
        A horizon that is not given is the distance of the boundaries; for the
        last one it is what remains.
    boundaries : sequence of increasing floats > 0, default=()
        Times at which the next schedule takes over, one less than schedules.
    unit : {"step", "epoch"} or int, default="step"
        What ``boundaries`` count; an int is a number of steps. The schedules
        have their own.

    References
    ----------
    ``torch.optim.lr_scheduler.SequentialLR``.

    Examples
    --------
    >>> Join([Exponential(0.5), "constant"], boundaries=[3])([1, 2, 3, 4, 5])
    array([1.  , 0.5 , 0.25, 1.  , 1.  ])
    """

    constraints: ClassVar = {
        "schedules": Instance((list, tuple), "a list of schedules"),
        "boundaries": _Times(),
        "unit": UNIT,
    }

    def __init__(self, schedules=("constant",), boundaries=(), unit="step"):
        self.schedules = schedules
        self.boundaries = boundaries
        self.unit = unit

    def __call__(self, t):
        schedules = [_instance(schedule) for schedule in self.schedules]
        return _piecewise(t, schedules, self._boundaries)

    def validate(self):
        super().validate()
        if len(self.boundaries) != len(self.schedules) - 1:
            raise ValueError(
                "Join: boundaries must have one entry less than schedules, got "
                f"{len(self.boundaries)} for {len(self.schedules)} schedules."
            )
        for i, schedule in enumerate(self.schedules):
            if as_schedule(schedule, parameter=f"schedules[{i}]").init():
                raise ValueError(
                    f"Join: schedules[{i}] must be a function of the step alone, got "
                    f"{schedule!r}, which has a memory."
                )

    def resolve(self, steps_per_epoch, n_steps):
        resolved = super().resolve(steps_per_epoch, n_steps)
        starts = [0, *resolved._boundaries]
        remaining = None if n_steps is None else n_steps - starts[-1]
        lengths = [*np.diff(starts).tolist(), remaining]
        schedules = [
            _instance(schedule).resolve(steps_per_epoch, length)
            for schedule, length in zip(self.schedules, lengths, strict=True)
        ]
        return resolved._with(schedules=schedules)

    @property
    def end(self):
        return [0, *self._boundaries][-1] + _instance(self.schedules[-1]).end

    def cycle_end(self, t):
        start = 0
        for schedule, stop in zip(
            self.schedules, [*self._boundaries, math.inf], strict=True
        ):
            end = start + _instance(schedule).cycle_end(max(t - start, 1))
            if t <= stop and end < math.inf:
                return min(end, stop)
            start = stop
        return math.inf

    @property
    def _boundaries(self):
        return [self._steps(boundary) for boundary in self.boundaries]


def _instance(schedule):
    """Return a nested schedule itself; no copy, as nothing changes it."""
    return schedule if isinstance(schedule, Schedule) else as_schedule(schedule)


def _piecewise(t, functions, boundaries):
    """Evaluate each function between its boundaries only, on a clock from 1."""
    t = _step_numbers(t)
    factors = np.empty(t.shape)
    piece = np.searchsorted(boundaries, t)
    for i, (function, start) in enumerate(
        zip(functions, [0, *boundaries], strict=True)
    ):
        mine = piece == i
        if np.any(mine):
            # A plot may ask for t = start + ½: that is still the first step.
            factors[mine] = schedule_factors(function, np.maximum(t[mine] - start, 1))
    return factors[()]
