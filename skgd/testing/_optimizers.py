"""`check_optimizer`: what the training loop relies on in an optimizer."""

import copy
import pickle

import numpy as np
from sklearn.base import clone

from ..optimizers import Optimizer
from ._settings import require_real, settings_kept

SHAPES = ((3,), (4, 2))
DTYPES = (np.float32, np.float64)
N_STEPS = 12


def check_optimizer(optimizer):
    """Check that an optimizer keeps the contract of `Optimizer`.

    Run it on your own optimizer, once for every set of parameters that takes
    another path through its formula. It checks that

    - the constructor stores its arguments, and nothing else is stored ever;
    - ``init`` and ``direction`` do not write to the weights and the gradient;
    - directions and state have the shape and the dtype of the weights, for
      vectors and matrices of float32 and float64;
    - every entry of the state is changed in place, by ``direction`` or, if it is a
      position, by ``relocate``, and nothing but the arguments counts: training
      that is copied or pickled half-way goes on as if it had not been;
    - a gradient of zero gives finite numbers;
    - at ``default_learning_rate`` a small convex function falls;
    - ``averaged`` gives weights, those at the start before the first step, and
      writes to nothing;
    - ``relocate`` moves what ``init`` has copied from the weights as it moves
      them, and the step after it does not lead back;
    - ``scale``, if the class has one, is the diagonal that takes a gradient that
      was the same in every step to the direction, while the weights rest.

    It does not check the formula: compare that with its paper.

    Parameters
    ----------
    optimizer : Optimizer
        An instance. It is not changed.

    Raises
    ------
    AssertionError
        With the name of the class and what is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> from skgd.optimizers import Optimizer
    >>> class SignMomentum(Optimizer):
    ...     def __init__(self, momentum=0.9):
    ...         self.momentum = momentum
    ...
    ...     def init(self, w):
    ...         return {"v": np.zeros_like(w)}
    ...
    ...     def direction(self, w, g, t, v):
    ...         v *= self.momentum
    ...         v += g
    ...         return np.sign(v)
    >>> check_optimizer(SignMomentum())

    A mistake is named. Here the velocity is a new array, and is forgotten:

    >>> class Forgetful(SignMomentum):
    ...     def direction(self, w, g, t, v):
    ...         v = self.momentum * v + g
    ...         return np.sign(v)
    >>> check_optimizer(Forgetful())
    Traceback (most recent call last):
        ...
    AssertionError: Forgetful: state entry 'v' is the same after 12 steps; change it \
in place, as in v *= ... or v[...] = ...
    """
    with settings_kept(optimizer, Optimizer):
        for check in (
            _check_init,
            _check_direction,
            _check_state_is_updated,
            _check_only_arguments_count,
            _check_resumes,
            _check_shape_does_not_matter,
            _check_zero_gradient,
            _check_averaged,
            _check_descends,
            _check_relocate,
            _check_scale,
        ):
            check(optimizer)


def _check_init(optimizer):
    for w, _ in _problems():
        original = w.copy()
        state = optimizer.init(w)
        _check_same(optimizer, w, original, "init writes to w")
        _require(isinstance(state, dict), optimizer, f"init returns {type(state)}")
        for key, entry in state.items():
            _require(
                isinstance(key, str)
                and key.isidentifier()
                and key not in ("w", "g", "t"),
                optimizer,
                f"state key {key!r} must be an identifier other than w, g and t",
            )
            _require(
                isinstance(entry, np.ndarray),
                optimizer,
                f"state entry {key!r} must be an ndarray (a number is one of shape "
                f"()), got {type(entry).__name__}",
            )
            _require(
                not np.shares_memory(entry, w),
                optimizer,
                f"state entry {key!r} shares the memory of w; copy it",
            )
            _require(
                entry.shape != w.shape or entry.dtype == w.dtype,
                optimizer,
                f"state entry {key!r} has dtype {entry.dtype} for weights of {w.dtype}",
            )
            _require(
                np.isfinite(entry).all(),
                optimizer,
                f"state entry {key!r} is not finite at the start",
            )


def _check_direction(optimizer):
    for w, gradients in _problems():
        state = _start(optimizer, w)
        original = w.copy()
        for t, g in enumerate(gradients, start=1):
            given = g.copy()
            d = _direction(optimizer, w, g, t, state)
            require_real(d, _name(optimizer, "direction"))
            _check_same(optimizer, w, original, "direction writes to w")
            _check_same(optimizer, g, given, "direction writes to g")
            _require(
                isinstance(d, np.ndarray) and d.shape == w.shape,
                optimizer,
                f"direction has shape {np.shape(d)} for weights of shape {w.shape}",
            )
            _require(
                d.dtype == w.dtype,
                optimizer,
                f"direction has dtype {d.dtype} for weights of {w.dtype}",
            )
            _require(
                not np.shares_memory(d, w), optimizer, "direction returns w; copy it"
            )
            _check_finite(optimizer, d, state, f"at step {t}")


def _check_state_is_updated(optimizer):
    for w, gradients in _problems():
        state = _start(optimizer, w)
        described = {k: (v.shape, v.dtype) for k, v in state.items()}
        first = copy.deepcopy(state)
        for t, g in enumerate(gradients, start=1):
            _direction(optimizer, w, g, t, state)
            w -= _rate(optimizer) * g
        optimizer.relocate(_move, w, **state)
        for key, entry in state.items():
            _require(
                (entry.shape, entry.dtype) == described[key],
                optimizer,
                f"direction changes the shape or dtype of state entry {key!r}",
            )
            _require(
                key == "rate" or not np.array_equal(entry, first[key]),
                optimizer,
                f"state entry {key!r} is the same after {N_STEPS} steps; change it "
                f"in place, as in {key} *= ... or {key}[...] = ...",
            )


def _check_only_arguments_count(optimizer):
    for w, gradients in _problems():
        state = _start(optimizer, w)
        path = _path(optimizer, w, gradients, state)
        again = _path(optimizer, w, gradients, _start(optimizer, w))
        _check_same(
            optimizer,
            again,
            path,
            "a second run from the same start differs: the direction depends on "
            "something else than its arguments",
        )


def _check_resumes(optimizer):
    half = N_STEPS // 2
    for w, gradients in _problems():
        whole = _path(optimizer, w, gradients, _start(optimizer, w))
        for name, duplicate in (
            ("a deep copy", copy.deepcopy),
            ("a pickle", lambda x: pickle.loads(pickle.dumps(x))),
        ):
            state = _start(optimizer, w)
            first = _path(optimizer, w, gradients[:half], state)
            rest = _path(
                clone(optimizer),
                first[-1],
                gradients[half:],
                duplicate(state),
                n_before=half,
            )
            _check_same(
                optimizer,
                np.concatenate([first, rest]),
                whole,
                f"training that goes on from {name} of the state differs from "
                "training in one piece: some memory is not in the state",
            )


def _check_shape_does_not_matter(optimizer):
    w, gradients = _problem((8,), np.float64)
    flat = _path(optimizer, w, gradients, _start(optimizer, w))
    for shape in ((8, 1), (4, 2), (2, 4)):
        shaped = w.reshape(shape)
        path = _path(
            optimizer,
            shaped,
            gradients.reshape(-1, *shape),
            _start(optimizer, shaped),
        )
        _require(
            np.allclose(path.reshape(flat.shape), flat, rtol=1e-10, atol=1e-13),
            optimizer,
            f"weights of shape {shape} move otherwise than the same as a vector",
        )


def _check_zero_gradient(optimizer):
    for w, gradients in _problems():
        state = _start(optimizer, w)
        sequence = np.zeros_like(gradients)
        sequence[N_STEPS // 3] = gradients[0]
        for t, g in enumerate(sequence, start=1):
            with np.errstate(all="ignore"):
                d = _direction(optimizer, w, g, t, state)
            _check_finite(optimizer, d, state, f"at step {t}, for a gradient of zero")


def _check_descends(optimizer):
    curvature = np.array([1.0, 0.3, 0.1])
    w = np.array([1.0, -1.0, 3.0])
    start = 0.5 * np.sum(curvature * w**2)
    state = _start(optimizer, w)
    for t in range(1, 101):
        w -= _rate(optimizer) * _direction(optimizer, w, curvature * w, t, state)
    end = 0.5 * np.sum(curvature * optimizer.averaged(w, **state) ** 2)
    _require(
        end < start,
        optimizer,
        f"a convex quadratic function goes from {start:.3g} to {end:.3g} in 100 steps "
        f"at default_learning_rate={_rate(optimizer):g}; it should fall",
    )


def _check_averaged(optimizer):
    for w, gradients in _problems():
        state = _start(optimizer, w)
        x = require_real(optimizer.averaged(w, **state), _name(optimizer, "averaged"))
        _require(
            x.shape == w.shape and np.allclose(x, w, rtol=1e-6),
            optimizer,
            "before the first step averaged must return w",
        )
        w = _path(optimizer, w, gradients, state)[-1]
        original, before = w.copy(), copy.deepcopy(state)
        x = optimizer.averaged(w, **state)
        _check_same(optimizer, w, original, "averaged writes to w")
        for key, entry in state.items():
            _check_same(
                optimizer, entry, before[key], f"averaged changes state entry {key!r}"
            )
        _require(
            isinstance(x, np.ndarray) and (x.shape, x.dtype) == (w.shape, w.dtype),
            optimizer,
            f"averaged must return weights of {w.dtype} {w.shape}, got {x!r}",
        )
        _require(np.isfinite(x).all(), optimizer, f"averaged is not finite: {x}")


def _check_relocate(optimizer):
    for w, gradients in _problems():
        _check_positions_move(optimizer, w)
        state = _start(optimizer, w)
        w = _path(optimizer, w, gradients, state)[-1]
        _check_no_step_leads_back(optimizer, w, state)


def _check_positions_move(optimizer, w):
    state = _start(optimizer, w)
    positions = [key for key, entry in state.items() if np.array_equal(entry, w)]
    original = w.copy()
    optimizer.relocate(_move, w, **state)
    _check_same(optimizer, w, original, "relocate writes to w")
    for key in positions:
        _require(
            np.allclose(state[key], _move(w), rtol=1e-5),
            optimizer,
            f"state entry {key!r} is a copy of the weights: relocate must move it "
            f"with them, as in {key}[...] = move({key})",
        )


def _check_no_step_leads_back(optimizer, w, state):
    """Compare a step without a gradient to the same one without the move.

    Either it is the same change of the weights, or it is moved with them.
    """
    moved, stayed = copy.deepcopy(state), copy.deepcopy(state)
    optimizer.relocate(_move, w, **moved)
    zero = np.zeros((1, *w.shape), w.dtype)
    after = _path(optimizer, _move(w), zero, moved, n_before=N_STEPS)[0]
    unmoved = _path(optimizer, w, zero, stayed, n_before=N_STEPS)[0]
    relative = 1e-4 if w.dtype == np.float32 else 1e-10
    tolerance = relative, relative * float(np.abs(w).max())
    leads_back = np.allclose(after, unmoved, *tolerance)
    if type(optimizer).relocate is not Optimizer.relocate:
        leads_back |= not (
            np.allclose(after, _move(unmoved), *tolerance)
            or np.allclose(after - _move(w), unmoved - w, *tolerance)
        )
    _require(
        not leads_back,
        optimizer,
        f"relocate takes weights from {w} to {_move(w)}, and a step without a "
        f"gradient then to {after}, without relocate to {unmoved}: it must neither "
        "lead back nor elsewhere",
    )


def _move(w):
    """Move weights as a new standardization of the features does."""
    factors = np.linspace(0.5, 3, len(w) - 1, dtype=w.dtype)
    moved = w.copy()
    moved[:-1] = (w[:-1].T * factors).T
    moved[-1] += w[:-1].sum(axis=0) + 2
    return moved


def _check_scale(optimizer):
    if not optimizer.has_scale:
        return
    for dtype in DTYPES:
        w = np.array([0.5, -1.0, 2.0, 0.0, 1.0], dtype=dtype)
        for size in (1e-3, 1.0, 30.0):
            g = (size * np.array([1.0, -2.0, 0.1, 0.0, 3.0])).astype(dtype)
            _check_scale_for(optimizer, w, g)


def _check_scale_for(optimizer, w, g):
    state = _start(optimizer, w)
    original, given = w.copy(), g.copy()
    for t in range(1, 2 * N_STEPS + 1):
        d = np.array(_direction(optimizer, w, g, t, state))
        before = copy.deepcopy(state)
        scale = optimizer.scale(w, g, t, **state)
        require_real(scale, _name(optimizer, "scale"))
        _check_same(optimizer, w, original, "scale writes to w")
        _check_same(optimizer, g, given, "scale writes to g")
        for key, entry in state.items():
            _check_same(
                optimizer, entry, before[key], f"scale changes state entry {key!r}"
            )
        _require(
            np.shape(scale) in ((), w.shape),
            optimizer,
            f"scale has shape {np.shape(scale)} for weights of shape {w.shape}",
        )
        _require(
            (scale * g).dtype == g.dtype,
            optimizer,
            f"scale makes {(scale * g).dtype} of {g.dtype}",
        )
        _require(
            np.isfinite(scale).all() and np.all(np.asarray(scale) >= 0),
            optimizer,
            f"scale must be finite and not negative, got {scale} at step {t}",
        )
        # In float32 a direction may be the difference of two rounded weights.
        _require(
            w.dtype == np.float32 or np.allclose(scale * g, d, rtol=1e-9, atol=0),
            optimizer,
            f"at step {t} with the constant gradient {g}, scale * g is {scale * g} "
            f"and the direction {d}; they must be equal",
        )


def _problems():
    """Yield weights and a gradient for each of a few steps."""
    for shape in SHAPES:
        for dtype in DTYPES:
            yield _problem(shape, dtype)


def _problem(shape, dtype):
    rng = np.random.default_rng(0)
    w = rng.normal(size=shape)
    # The mean keeps a sign for some steps, the noise changes it in others.
    gradients = rng.normal(size=(N_STEPS, *shape)) + rng.normal(size=shape)
    gradients[2].flat[0] = 0
    return w.astype(dtype), gradients.astype(dtype)


def _path(optimizer, w, gradients, state, n_before=0):
    """Return the weights after each step, from ``w`` which stays as it is."""
    w, path = w.copy(), []
    for t, g in enumerate(gradients, start=n_before + 1):
        w -= _rate(optimizer) * _direction(optimizer, w, g, t, state)
        path.append(w.copy())
    return np.array(path)


def _start(optimizer, w):
    state = optimizer.init(w)
    if "rate" in state:
        state["rate"][...] = _rate(optimizer)
    return state


def _direction(optimizer, w, g, t, state):
    return optimizer.direction(w, g, t, **state)


def _rate(optimizer):
    return float(optimizer.default_learning_rate)


def _name(optimizer, method):
    return f"{type(optimizer).__name__}.{method}"


def _check_same(optimizer, array, expected, problem):
    _require(np.array_equal(array, expected, equal_nan=True), optimizer, problem)


def _check_finite(optimizer, d, state, when):
    _require(np.isfinite(d).all(), optimizer, f"direction is not finite {when}: {d}")
    for key, entry in state.items():
        _require(
            np.isfinite(entry).all(),
            optimizer,
            f"state entry {key!r} is not finite {when}",
        )


def _require(condition, optimizer, problem):
    if not condition:
        _fail(optimizer, problem)


def _fail(optimizer, problem):
    raise AssertionError(f"{type(optimizer).__name__}: {problem}")
