"""The check of schedules."""

import pickle
from numbers import Real

import numpy as np
from sklearn.base import clone

from ..schedules import Schedule
from ._settings import call, no_warnings, require, require_real, settings_kept

STEPS_PER_EPOCH, N_STEPS = 8, 40


def check_schedule(schedule):
    """Raise an AssertionError if a schedule does not keep the contract of `Schedule`.

    It must store nothing but its parameters, and they must survive cloning and
    pickling. ``resolve`` must leave it as it was and return a schedule that works
    for the whole training. That one must be a pure function of the step: an
    array ``t``, of integers or floats, gives an array of its shape, and a
    number gives the same factor alone as in an array. Factors must be finite
    and not negative, without a warning for steps up to 1e12, and must not
    change any more after ``end``. A memory, if it has one, must be in the arrays of
    ``init`` alone, and its ``"factor"`` finite and not negative whatever it observes.

    Parameters
    ----------
    schedule : Schedule
        An instance.

    Raises
    ------
    AssertionError
        The message says what was expected.

    Examples
    --------
    >>> import numpy as np
    >>> from skgd.schedules import Schedule
    >>> class SquareRoot(Schedule):
    ...     def __call__(self, t):
    ...         return 1 / np.sqrt(t)
    >>> check_schedule(SquareRoot())
    >>> SquareRoot()(np.array([1, 4, 25]))
    array([1. , 0.5, 0.2])
    """
    name = type(schedule).__name__
    with settings_kept(schedule, Schedule):
        resolved = _check_resolve(schedule, name)
        _check_copies(schedule, name)

    with settings_kept(resolved, Schedule), no_warnings(name):
        _check_values(resolved, name)
        _check_end(resolved, name)
        _check_memory(resolved, name)


def _check_resolve(schedule, name):
    t = np.arange(1, N_STEPS + 1)
    resolved = schedule.resolve(STEPS_PER_EPOCH, N_STEPS)
    require(
        isinstance(resolved, Schedule),
        f"{name}.resolve must return a Schedule, got {resolved!r}.",
    )
    try:
        resolved(t)
    except (TypeError, ValueError) as problem:
        raise AssertionError(
            f"{name} must take an array of steps, and fails: {problem} A function of "
            "single steps can be passed as the schedule, without a class."
        ) from problem
    factors = call(resolved, "__call__", t)
    require(
        np.array_equal(resolved.resolve(STEPS_PER_EPOCH, N_STEPS)(t), factors),
        f"{name}: to resolve a resolved schedule changes its factors.",
    )
    _check_factors(schedule.resolve(1, 1)(1), f"{name}, in a training of one step")
    try:
        in_stream = schedule.resolve(STEPS_PER_EPOCH, None)
    except ValueError as error:
        require(
            "horizon" in str(error),
            f"{name}.resolve may refuse a stream only for want of a horizon, and has "
            f"to say so, got: {error}",
        )
    else:
        _check_factors(in_stream(t), f"{name}, in a stream")
    return resolved


def _check_copies(schedule, name):
    t = np.arange(1, N_STEPS + 1)
    factors = schedule.resolve(STEPS_PER_EPOCH, N_STEPS)(t)
    for way, copied in (
        ("clone", clone(schedule)),
        ("pickling", type(schedule)(**pickle.loads(_pickled(schedule)))),
    ):
        require(
            np.array_equal(copied.resolve(STEPS_PER_EPOCH, N_STEPS)(t), factors),
            f"{name}: {way} changes its factors.",
        )


def _check_values(schedule, name):
    t = np.arange(1, N_STEPS + 1)
    factors = schedule(t)
    require(
        isinstance(factors, np.ndarray)
        and factors.shape == t.shape
        and factors.dtype == np.float64,
        f"{name}: an array of {N_STEPS} steps must give a float64 array of the same "
        f"shape, got {factors!r}.",
    )
    _check_factors(factors, name)
    for step in reversed(t.tolist()):
        _check_number(schedule, step, factors[step - 1], name)
        _check_number(schedule, float(step), factors[step - 1], name)
    # After the calls with other steps: `call` alone could miss a memory.
    require(
        np.array_equal(call(schedule, "__call__", t), factors),
        f"{name} returns something else when it is called again.",
    )
    for other in (t.astype(float), t.reshape(5, 8)):
        values = schedule(other)
        require(
            np.shape(values) == other.shape
            and _equal(values, factors.reshape(other.shape)),
            f"{name} depends on the shape or the dtype of t: for {other!r} it gives "
            f"{values!r}.",
        )


def _check_number(schedule, t, expected, name):
    value = schedule(t)
    require(
        isinstance(value, float),
        f"{name}: the number t={t!r} must give a float, got {value!r}.",
    )
    require(
        _equal(value, expected),
        f"{name}: t={t!r} gives {value!r} alone and {expected!r} in an array.",
    )


def _check_end(schedule, name):
    _check_factors(schedule(np.array([N_STEPS + 1, 10**6, 10**12])), name)
    end = schedule.end
    require(
        isinstance(end, Real) and float(end) > 0,
        f"{name}.end must be a number > 0, got {end!r}.",
    )
    if np.isfinite(end):
        after = schedule(np.ceil(end) + np.array([1, 2, 1000]))
        require(
            np.all(after == after[0]),
            f"{name} must not change any more after its end {end}, got {after}.",
        )


def _check_memory(schedule, name):
    values = [1.0, 0.5, 0.5, np.nan, -1.0, np.inf, 0.0, *[2.0] * 50]
    states = schedule.init(), schedule.init()
    require(
        isinstance(states[0], dict),
        f"{name}.init must return a dict of arrays, got {states[0]!r}.",
    )
    if not states[0]:
        return
    require(
        "factor" in states[0] and states[0]["factor"] == 1,
        f"{name}.init must have an entry 'factor' of 1, got {states[0]!r}.",
    )
    for value in values:
        over = [schedule.observe(value, **state) for state in states]
        _check_factors(states[0]["factor"], f"{name}, after it observed {value}")
        require(
            isinstance(over[0], bool)
            and over[0] is over[1]
            and states[0]["factor"] == states[1]["factor"],
            f"{name}.observe depends on more than its arguments, or returns no bool.",
        )


def _check_factors(factors, what):
    factors = require_real(factors, what)
    require(
        np.all(np.isfinite(factors)) and np.all(factors >= 0),
        f"{what}: factors must be finite and not negative, got {factors!r}.",
    )


def _equal(values, expected):
    """Equal but for rounding: functions of arrays may round differently."""
    return np.allclose(values, expected, rtol=1e-12, atol=0)


def _pickled(schedule):
    try:
        return pickle.dumps(schedule.get_params(deep=False))
    except Exception as problem:
        raise AssertionError(
            f"{type(schedule).__name__}: a parameter cannot be pickled: {problem}."
        ) from problem
