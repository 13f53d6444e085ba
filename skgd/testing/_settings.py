"""What all checks of components share: the contract of `Component`."""

import pickle
import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.base import clone


def require(condition, message):
    """Raise an AssertionError, also under ``python -O``."""
    if not condition:
        raise AssertionError(message)


def require_real(result, what):
    """Assert that a result is a real number or an array of them; return the array."""
    try:
        array = np.asarray(result)
    except ValueError:  # a list of lists of different lengths
        array = np.array(None)
    require(
        array.dtype.kind in "fiub",
        f"{what} must return real numbers, got "
        + (f"an array of {array.dtype}." if array.ndim else f"{result!r}."),
    )
    return array


@contextmanager
def settings_kept(component, base):
    """Assert that a component is settings: its parameters, before and after use."""
    name = type(component).__name__
    if not isinstance(component, base):
        raise AssertionError(
            f"expected an instance of a subclass of {base.__name__}, got {component!r}."
        )
    try:
        params = component.get_params(deep=False)
        _check_round_trip(component, params)
    except (TypeError, ValueError, AttributeError, RuntimeError) as problem:
        raise AssertionError(
            f"{name}: __init__ must store its arguments, unchanged: {problem}"
        ) from problem
    try:
        component.validate()
    except (TypeError, ValueError, AttributeError) as problem:
        raise AssertionError(
            f"{name}: validate() rejects its parameters: {problem}"
        ) from problem
    stored = dict(vars(component))
    require(
        set(stored) == set(params),
        f"{name}: it stores {sorted(stored)}, but its parameters are {sorted(params)}.",
    )
    inside = {key: _pickled(value) for key, value in stored.items()}
    try:
        yield
    finally:
        for key in vars(component).keys() | stored.keys():
            value = vars(component).get(key)
            is_same = key in stored and value is stored[key]
            require(
                is_same and _pickled(value) == inside[key],
                f"{name}: its attribute {key!r} changed while it was used; a component "
                "has no memory.",
            )


def _pickled(value):
    """Return what tells a value from what it was, None if it has no pickle."""
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


def _check_round_trip(component, params):
    name = type(component).__name__
    for way, copied in (
        ("__init__", type(component)(**params)),
        ("set_params", clone(component).set_params(**params)),
    ):
        for key, value in params.items():
            require(
                getattr(copied, key) is value,
                f"{name}: {way} must store its arguments, unchanged; {key} is not.",
            )


@contextmanager
def no_warnings(what):
    """Assert that nothing warns, except that underflow to zero is allowed."""
    try:
        with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
            warnings.simplefilter("error")
            yield
    except (FloatingPointError, Warning) as problem:
        raise AssertionError(f"{what} warns: {problem}.") from problem


def call(component, method, *arrays):
    """Return a method's result; assert that it repeats and that inputs are kept."""
    what = f"{type(component).__name__}.{method}"
    copies = [np.copy(array) for array in arrays]
    first = require_real(getattr(component, method)(*copies), what).copy()
    for array, copied in zip(arrays, copies, strict=True):
        require(np.array_equal(array, copied), f"{what} writes to its arguments.")
    second = getattr(component, method)(*copies)
    require_real(second, what)
    require(
        np.array_equal(first, second, equal_nan=True),
        f"{what} returns something else when it is called again.",
    )
    return second
