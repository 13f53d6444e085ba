"""Calls of a component: it must not write its arguments, and its result is checked.

Whoever trains calls components by these functions. Arguments that a method must not
write are views that NumPy lets nobody write. A result of another shape would be
broadcast, and one that is not a number would fail far from its cause: both are errors
here, which name the class and the method.
"""

from numbers import Real

import numpy as np


def read_only(array):
    """Return a view that cannot be written; the array itself if that cannot."""
    if not array.flags.writeable:
        return array
    view = array[...]
    view.setflags(write=False)
    return view


def loss_value(loss, y, z):
    """Return the loss of each prediction, or of each row if it couples columns."""
    values = loss.value(read_only(y), read_only(z))
    return _array(values, loss, "value", z.shape, z.shape[:1])


def loss_gradient(loss, y, z):
    """Return the derivative of the loss by each prediction."""
    r = loss.gradient(read_only(y), read_only(z))
    return _array(r, loss, "gradient", z.shape)


def penalty_value(penalty, w):
    """Return what coefficients cost."""
    value = penalty.value(read_only(w))
    return value if type(value) is float else _number(value, penalty, "value")


def penalty_gradient(penalty, w):
    """Return the gradient of the smooth part."""
    return _array(penalty.gradient(read_only(w)), penalty, "gradient", w.shape)


def prox(penalty, w, step):
    """Return the proximal operator of the rest; ``step`` is a number or an array."""
    return _array(penalty.prox(read_only(w), step), penalty, "prox", w.shape)


def as_prox(penalty):
    """Return the same penalty with its smooth part in the proximal operator, too."""
    same = penalty.as_prox()
    if isinstance(same, type) or not hasattr(same, "prox"):
        raise TypeError(
            f"{_name(penalty, 'as_prox')} must return a Penalty, got {same!r}."
        )
    return same


def projection(penalty, w):
    """Return the nearest coefficients that the penalty allows.

    Raises
    ------
    ValueError
        If they are not finite, for coefficients that are.
    """
    nearest = prox(penalty, w, 0.0)
    if np.isfinite(w).all() and not np.isfinite(nearest).all():
        raise ValueError(
            f"{_name(penalty, 'prox')} must return finite numbers for coefficients "
            f"that are finite, got {nearest!r} for w={w!r} and step=0.0."
        )
    return nearest


def initial_state(optimizer, w):
    """Return the state of an optimizer before its first step."""
    state = optimizer.init(read_only(w))
    what = f"{_name(optimizer, 'init')} must return a dict of arrays"
    if not isinstance(state, dict):
        raise TypeError(f"{what}, got {state!r}.")
    for key, entry in state.items():
        if not (isinstance(entry, np.ndarray) and entry.dtype.kind in _REAL):
            raise TypeError(
                f"{what} of real numbers (a number is one of shape ()), got "
                f"{_described(entry)} for {key!r}."
            )
        if not entry.flags.writeable:
            raise ValueError(
                f"{what} that are new, got one that cannot be written for {key!r}: "
                "copy it."
            )
    return state


def direction(optimizer, w, g, t, state):
    """Return the direction to subtract; ``state`` is changed."""
    d = optimizer.direction(read_only(w), read_only(g), t, **state)
    return _array(d, optimizer, "direction", w.shape)


def scale(optimizer, w, g, t, state):
    """Return the diagonal that took the gradient to the direction."""
    factors = optimizer.scale(read_only(w), read_only(g), t, **state)
    return _array(factors, optimizer, "scale", w.shape, ())


def averaged(optimizer, w, state):
    """Return the weights to predict with; they may be ``w`` itself."""
    view = read_only(w)
    x = optimizer.averaged(view, **state)
    if x is view:
        return w
    x = _array(x, optimizer, "averaged", w.shape)
    return x if x.flags.writeable else x.copy()


def schedule_factors(schedule, t):
    """Return the factors of a schedule for an array of steps.

    Raises
    ------
    TypeError, ValueError
        If it does not return a number for each, or takes only one step at a time.
    """
    try:
        factors = schedule(t)
    except (TypeError, ValueError) as error:
        if len(t) == 1 or not _takes_one_by_one(schedule, t):
            raise
        raise TypeError(
            f"{_name(schedule, '__call__')} must take an array of steps, as it takes a "
            f"single one, and fails: {error}. A function of single steps can be passed "
            "as the schedule, without a class."
        ) from error
    return _array(factors, schedule, "__call__", t.shape)


def _takes_one_by_one(schedule, t):
    """Whether a schedule that fails for all of some steps takes each of them."""
    try:
        for step in t.tolist():
            schedule(step)
    except (TypeError, ValueError):
        return False
    return True


_REAL = "fiub"
"""The kinds of dtypes whose values are real numbers."""


def _array(result, component, method, *shapes):
    """Return a result as an array; raise if it has none of the shapes."""
    array = result if type(result) is np.ndarray else _as_array(result)
    if array.dtype.kind not in _REAL:
        raise TypeError(_message(component, method, shapes, result))
    if array.shape not in shapes:
        raise ValueError(_message(component, method, shapes, result))
    return array


def _as_array(result):
    try:
        return np.asarray(result)
    except ValueError:  # a list of lists of different lengths
        return np.array(None)


def _number(result, component, method):
    if isinstance(result, np.ndarray) and result.ndim == 0:
        result = result[()]
    if not isinstance(result, Real):
        raise TypeError(
            f"{_name(component, method)} must return a real number, got "
            f"{_described(result)}."
        )
    return float(result)


def _message(component, method, shapes, result):
    expected = " or ".join(map(str, shapes))
    return (
        f"{_name(component, method)} must return an array of real numbers of shape "
        f"{expected}, got {_described(result)}."
    )


def _name(component, method):
    if method == "__call__":
        return f"schedule {component!r}"
    return f"{type(component).__name__}.{method}"


def _described(result):
    if isinstance(result, np.ndarray):
        return f"an array of {result.dtype} of shape {result.shape}"
    return repr(result)
