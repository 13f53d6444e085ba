"""A component that returns something else is named; what it must not write it cannot.

Each mistake is made in the compiled pass and in the NumPy loop, by the estimators and
by `minimize`.
"""

import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_regression

from skgd import GDClassifier, GDRegressor, _compiled, _loop, minimize
from skgd.losses import ClassificationLoss, Poisson, RegressionLoss
from skgd.optimizers import SGD, Optimizer, ScheduleFreeSGD
from skgd.penalties import L1, L2, Box, Penalty
from skgd.schedules import Cosine, ReduceOnPlateau, Schedule, Warmup
from skgd.testing import check_loss, check_optimizer, check_penalty, check_schedule

X, Y = make_regression(40, 3, noise=1, random_state=0)


@pytest.fixture(params=["core", "numpy"])
def loop(request, monkeypatch):
    """Train by the compiled pass and by the NumPy loop."""
    if request.param == "numpy":
        monkeypatch.setattr("skgd._training.run_batches", _loop.run_batches)
    else:
        monkeypatch.setattr("skgd._training.run_batches", _compiled.run_batches)


def component(base, **methods):
    """Return an instance of a subclass whose methods are given functions."""
    return type("Own", (base,), methods)()


def own_loss(base=RegressionLoss, **methods):
    square = {
        "value": lambda self, y, z: 0.5 * (z - y) ** 2,
        "gradient": lambda self, y, z: z - y,
    }
    return component(base, **square | methods)


def own_penalty(**methods):
    square = {
        "value": lambda self, w: 0.5 * np.sum(w**2),
        "gradient": lambda self, w: w,
    }
    return component(Penalty, **square | methods)


def own_optimizer(**methods):
    return component(Optimizer, **{"direction": lambda self, w, g, t: g} | methods)


SHAPE = (ValueError, "an array of real numbers of shape .*, got ")
TYPE = (TypeError, "an array of real numbers of shape .*, got ")

WRONG_ARRAYS = [
    (lambda a: a[:1], *SHAPE, r"an array of float64 of shape \(1,\)\.$"),
    (lambda a: np.mean(a), *SHAPE, r"np\.float64\("),
    (lambda a: 1.0, *SHAPE, r"1\.0"),
    (lambda a: [a, [1.0]], *TYPE, r"\["),
    (lambda a: None, *TYPE, "None"),
    (lambda a: "a", *TYPE, "'a'"),
    (lambda a: a + 1j, *TYPE, "an array of complex128 of shape"),
    (lambda a: a.astype(object), *TYPE, "an array of object of shape"),
]
"""What is made of an array, the error, the sentence and its end."""

wrong_arrays = pytest.mark.parametrize(
    ("wrong", "error", "expected", "got"), WRONG_ARRAYS
)


def said(params, error, match, y=Y):
    """Assert that fit and partial_fit raise and leave the model as it was."""
    for standardize in (True, False):
        model = GDRegressor(standardize=standardize, random_state=0, **params)
        for method in (model.fit, model.partial_fit):
            with pytest.raises(error, match=match):
                method(X, y)
            assert not hasattr(model, "coef_")


@wrong_arrays
@pytest.mark.parametrize("method", ["value", "gradient"])
@pytest.mark.usefixtures("loop")
def test_losses(method, wrong, error, expected, got):
    right = getattr(own_loss(), method)
    loss = own_loss(**{method: lambda self, y, z: wrong(right(y, z))})
    said({"loss": loss}, error, rf"Own\.{method} must return {expected}({got})")


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("method", ["value", "gradient"])
def test_losses_of_a_classification(method):
    loss = own_loss(ClassificationLoss, **{method: lambda self, y, z: None})
    match = rf"Own\.{method} must return .* got None\."
    for labels in (np.digitize(Y, [-20, 20]), Y > 0):
        model = GDClassifier(loss)
        with pytest.raises(TypeError, match=match):
            model.fit(X, labels)
        with pytest.raises(TypeError, match=match):
            model.partial_fit(X, labels, classes="grow")


def test_a_loss_may_return_what_numpy_takes_for_an_array():
    lists = own_loss(
        value=lambda self, y, z: (0.5 * (z - y) ** 2).tolist(),
        gradient=lambda self, y, z: (z - y).tolist(),
    )
    options = {"max_iter": 3, "tol": None, "random_state": 0}
    one, other = (
        GDRegressor(loss, **options).fit(X, Y) for loss in (lists, own_loss())
    )
    assert_array_equal(one.coef_, other.coef_)


@wrong_arrays
@pytest.mark.usefixtures("loop")
def test_gradients_of_penalties(wrong, error, expected, got):
    penalty = own_penalty(gradient=lambda self, w: wrong(w))
    match = rf"Own\.gradient must return {expected}({got})"
    for whole in (penalty, Box(-1, 1, penalty=penalty)):
        said({"penalty": whole, "alpha": 0.1, "optimizer": "sgd"}, error, match)
    with pytest.raises(error, match=match):
        minimize(lambda x: np.sum(x**2), [1.0, 2.0], penalty=penalty, alpha=0.1)


@pytest.mark.parametrize("got", [None, "l2", L2], ids=repr)
@pytest.mark.parametrize("optimizer", ["adagrad", "ftrl"])
@pytest.mark.usefixtures("loop")
def test_penalties_in_the_proximal_operator(got, optimizer):
    penalty = own_penalty(as_prox=lambda self: got)
    match = rf"Own\.as_prox must return a Penalty, got {re.escape(repr(got))}\.$"
    for whole in (penalty, Box(-1, 1, penalty=penalty)):
        options = {"penalty": whole, "alpha": 0.1, "optimizer": optimizer}
        said(options, TypeError, match)
        with pytest.raises(TypeError, match=match):
            minimize(lambda x: np.sum(x**2), [0.5, 0.2], **options)


@wrong_arrays
@pytest.mark.parametrize("n_right", [0, 5])
@pytest.mark.usefixtures("loop")
def test_proximal_operators(wrong, error, expected, got, n_right):
    calls = []

    def prox(self, w, step):
        calls.append(step)
        return wrong(w) if len(calls) > n_right else w

    penalty = own_penalty(prox=prox)
    match = rf"Own\.prox must return {expected}({got})"
    for whole in (penalty, Box(-1, 1, penalty=penalty)):
        params = {"penalty": whole, "alpha": 0.1, "optimizer": "sgd", "batch_size": 5}
        model = GDRegressor(random_state=0, **params)
        calls.clear()
        with pytest.raises(error, match=match):
            model.fit(X, Y)
        assert not hasattr(model, "coef_")
    calls.clear()
    with pytest.raises(error, match=match):
        minimize(lambda x: np.sum(x**2), [1.0, 2.0], penalty=penalty, alpha=0.1)


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (lambda w: None, "None"),
        (lambda w: w, "an array of float64 of shape"),
        (lambda w: "a", "'a'"),
        (lambda w: 1j, "1j"),
    ],
)
@pytest.mark.usefixtures("loop")
def test_values_of_penalties(value, got):
    penalty = own_penalty(value=lambda self, w: value(w))
    match = rf"Own\.value must return a real number, got {got}"
    for whole in (penalty, Box(-1, 1, penalty=penalty)):
        said({"penalty": whole, "alpha": 0.1, "optimizer": "sgd"}, TypeError, match)
    with pytest.raises(TypeError, match=match):
        minimize(lambda x: np.sum(x**2), [1.0, 2.0], penalty=penalty, alpha=0.1)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, np.array, int])
def test_any_real_number_is_the_value_of_a_penalty(kind):
    penalty = own_penalty(value=lambda self, w: kind(np.sum(w > 0)))
    model = GDRegressor(penalty=penalty, alpha=0.5, max_iter=2, tol=None).fit(X, Y)
    assert isinstance(model.loss_curve_[-1], float)


def test_a_projection_that_is_not_finite():
    # The formula divides by the step, which is 0 where nothing but bounds count.
    penalty = own_penalty(prox=lambda self, w, step: w * np.divide(step, step))
    match = r"Own\.prox must return finite numbers .*step=0\.0"
    with np.errstate(all="ignore"):
        said({"penalty": penalty, "optimizer": "sgd"}, ValueError, match)
        with pytest.raises(ValueError, match=match):
            minimize(lambda x: np.sum(x**2), [1.0, 2.0], penalty=penalty, alpha=0.1)


@wrong_arrays
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.usefixtures("loop")
def test_directions(wrong, error, expected, got, weight_decay):
    optimizer = own_optimizer(
        direction=lambda self, w, g, t: wrong(g), weight_decay=weight_decay
    )
    match = rf"Own\.direction must return {expected}({got})"
    said({"optimizer": optimizer}, error, match)
    with pytest.raises(error, match=match):
        minimize(lambda x: np.sum(x**2), [1.0, 2.0], optimizer=optimizer)


@wrong_arrays
@pytest.mark.usefixtures("loop")
def test_averaged_weights(wrong, error, expected, got):
    optimizer = component(SGD, averaged=lambda self, w: wrong(w))
    match = rf"Own\.averaged must return {expected}({got})"
    said({"optimizer": optimizer}, error, match)


@pytest.mark.parametrize("same", [lambda w: w, lambda w: w[:], lambda w: w.tolist()])
def test_averaged_weights_may_be_those_in_training(same):
    options = {"schedule": "cosine_restarts", "average": False, "random_state": 0}
    optimizer = component(SGD, averaged=lambda self, w: same(w))
    one = GDRegressor(optimizer=optimizer, **options).fit(X, Y)
    other = GDRegressor(optimizer="sgd", **options).fit(X, Y)
    assert_array_equal(one.coef_, other.coef_)


@pytest.mark.parametrize(
    ("wrong", "error", "expected", "got"),
    [case for case in WRONG_ARRAYS if case[-1] not in (r"np\.float64\(", r"1\.0")],
)
@pytest.mark.usefixtures("loop")
def test_scales(wrong, error, expected, got):
    optimizer = component(SGD, scale=lambda self, w, g, t: wrong(np.ones_like(w)))
    match = rf"Own\.scale must return {expected}({got})"
    said({"optimizer": optimizer, "penalty": "l1"}, error, match)


@pytest.mark.parametrize(
    ("state", "error", "match"),
    [
        (lambda w: [np.zeros_like(w)], TypeError, r"a dict of arrays, got \[array"),
        (lambda w: None, TypeError, "a dict of arrays, got None"),
        (lambda w: {"v": [0.0]}, TypeError, r"real numbers .* got \[0\.0\] for 'v'"),
        (lambda w: {"v": 0.0}, TypeError, r"shape \(\)\), got 0\.0 for 'v'"),
        (lambda w: {"v": w + 1j}, TypeError, "got an array of complex128 .* for 'v'"),
        (lambda w: {"v": w}, ValueError, "cannot be written for 'v': copy it"),
    ],
)
@pytest.mark.usefixtures("loop")
def test_states(state, error, match):
    optimizer = own_optimizer(
        init=lambda self, w: state(w), direction=lambda self, w, g, t, v: g
    )
    match = rf"Own\.init must return .*{match}"
    said({"optimizer": optimizer}, error, match)
    with pytest.raises(error, match=match):
        minimize(lambda x: np.sum(x**2), [1.0, 2.0], optimizer=optimizer)


@pytest.mark.parametrize(
    ("factor", "error", "got"),
    [
        (lambda t: "a", TypeError, "'a'"),
        (lambda t: None, TypeError, "None"),
        (lambda t: 1.0, ValueError, r"1\.0"),
        (lambda t: np.ones(3), ValueError, r"an array of float64 of shape \(3,\)"),
        (lambda t: 1j * t, TypeError, "an array of complex128"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.usefixtures("loop")
def test_schedules(factor, error, got, nested):
    schedule = component(Schedule, __call__=lambda self, t: factor(t))
    if nested:
        schedule = Warmup(schedule, length=0)
    match = rf"schedule Own\(\) must return .* got {got}"
    for batch_size in (5, 20):
        params = {"schedule": schedule, "batch_size": batch_size}
        said(params, error, match)
    options = {"data": X, "batch_size": 5, "schedule": schedule}
    with pytest.raises(error, match=match):
        minimize(lambda x, rows: np.sum(x**2), [1.0], **options)


READ_ONLY = "read-only"


def doubled(array):
    array *= 2
    return array


@pytest.mark.parametrize(
    "loss",
    [
        own_loss(gradient=lambda self, y, z: doubled(y) - z),
        own_loss(gradient=lambda self, y, z: doubled(z) - y),
        own_loss(value=lambda self, y, z: doubled(y)),
        own_loss(value=lambda self, y, z: doubled(z)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("loop")
def test_a_loss_cannot_write(loss, dtype):
    y = Y.astype(dtype)
    X_before, y_before = X.copy(), y.copy()
    said({"loss": loss}, ValueError, READ_ONLY, y=y)
    assert_array_equal(X, X_before)
    assert_array_equal(y, y_before)


@pytest.mark.parametrize(
    "params",
    [
        {"penalty": own_penalty(value=lambda self, w: float(doubled(w)[0]))},
        {"penalty": own_penalty(gradient=lambda self, w: doubled(w))},
        {"penalty": own_penalty(prox=lambda self, w, step: doubled(w))},
        {"optimizer": own_optimizer(init=lambda self, w: {"v": doubled(w)})},
        {"optimizer": own_optimizer(direction=lambda self, w, g, t: doubled(w))},
        {"optimizer": own_optimizer(direction=lambda self, w, g, t: doubled(g))},
        {"optimizer": own_optimizer(averaged=lambda self, w: doubled(w))},
        {
            "optimizer": component(SGD, scale=lambda self, w, g, t: doubled(g)),
            "penalty": "l1",
        },
    ],
)
@pytest.mark.usefixtures("loop")
def test_penalties_and_optimizers_cannot_write(params):
    said({"optimizer": "sgd", "alpha": 0.1} | params, ValueError, READ_ONLY)


@pytest.mark.parametrize("wrong", [None, np.ones(1)])
@pytest.mark.usefixtures("loop")
def test_what_is_wrong_later_leaves_the_last_whole_step(wrong):
    def direction(self, w, g, t, n):
        n += 1
        return wrong if t == 3 else g

    options = {"batch_size": 10, "shuffle": False, "standardize": False}
    optimizer = own_optimizer(
        init=lambda self, w: {"n": np.array(0)}, direction=direction
    )
    model = GDRegressor(optimizer=optimizer, **options)
    with pytest.raises((TypeError, ValueError), match=r"Own\.direction"):
        model.partial_fit(X, Y)
    two_steps = GDRegressor(optimizer="sgd", **options).partial_fit(X[:20], Y[:20])
    assert (model.t_, model.optimizer_state_["n"]) == (2, 2)
    assert_array_equal(model.coef_, two_steps.coef_)
    before = pickle.dumps((model.coef_, model.t_))
    model.set_params(penalty=own_penalty(value=lambda self, w: None))
    with pytest.raises(TypeError, match=re.escape("Own.value must return")):
        model.partial_fit(X, Y)
    assert pickle.dumps((model.coef_, model.t_)) == before


CHECKS = [
    *((check_loss, Poisson, m) for m in ("value", "gradient", "inverse_link", "link")),
    *((check_penalty, L1, method) for method in ("value", "gradient", "prox")),
    *((check_optimizer, SGD, method) for method in ("init", "direction", "scale")),
    (check_optimizer, ScheduleFreeSGD, "averaged"),
    (check_schedule, Cosine, "__call__"),
    (check_schedule, ReduceOnPlateau, "__call__"),
    (check_schedule, ReduceOnPlateau, "init"),
    (check_schedule, ReduceOnPlateau, "observe"),
]


@pytest.mark.parametrize("wrong", [None, "a", [[1.0], 1.0], 1j, [1j]])
@pytest.mark.parametrize(("check", "base", "method"), CHECKS)
def test_checks_name_what_returns_no_numbers(check, base, method, wrong):
    wrong_one = type("Own", (base,), {method: lambda self, *_, **state: wrong})()
    with pytest.raises(AssertionError, match="Own"):
        check(wrong_one)


def test_a_check_takes_any_real_number_for_the_value_of_a_penalty():
    class Ridge(Penalty):
        def value(self, w):
            with np.errstate(over="ignore"):
                return np.minimum(0.5 * np.sum(w**2), np.finfo(w.dtype).max)

        def gradient(self, w):
            return w

    assert type(Ridge().value(np.ones(2, np.float32))) is np.float32
    check_penalty(Ridge())


def test_a_check_wants_a_stage_to_be_over_or_not():
    class Own(ReduceOnPlateau):
        def observe(self, value, **state):
            super().observe(value, **state)

    with pytest.raises(AssertionError, match=r"Own\.observe .* returns no bool"):
        check_schedule(Own())
