"""A loss that is a plain function is the same formula as a class, derived by hand."""

import importlib
import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from skgd import GDClassifier, GDRegressor, _compiled, _loop
from skgd._component import fingerprint
from skgd.losses import (
    ClassificationFromFunction,
    ClassificationLoss,
    Huber,
    Loss,
    RegressionFromFunction,
    RegressionLoss,
    as_loss,
    saturating,
)
from skgd.testing import check_loss

OPERATIONS = {"torch": "torch", "jax": "jax.numpy", "autograd": "autograd.numpy"}

X, Y = make_regression(80, 4, noise=5, random_state=0)
Y = Y / 40
LABELS = np.digitize(Y, [-1, 1])


class Expectile(RegressionLoss):
    @saturating
    def value(self, y, z):
        return np.where(y > z, 0.75, 0.25) * (y - z) ** 2

    @saturating
    def gradient(self, y, z):
        return 2 * np.where(y > z, 0.75, 0.25) * (z - y)


class Logistic(ClassificationLoss):
    @saturating
    def value(self, y, z):
        return np.logaddexp(0, -y * z)

    @saturating
    def gradient(self, y, z):
        return -y * expit(-y * z)


class Distance(RegressionLoss):
    """Half the squared distance of two rows, to the power 1.5: it couples columns."""

    def value(self, y, z):
        return (0.5 * ((y - z) ** 2).sum(axis=1)) ** 1.5

    def gradient(self, y, z):
        e = z - y
        return 1.5 * np.sqrt(0.5 * (e**2).sum(axis=1))[:, None] * e


def expectile_of(ops):
    return lambda y, z: ops.where(y > z, 0.75, 0.25) * (y - z) ** 2


def logistic_of(ops):
    return lambda y, z: ops.logaddexp(ops.zeros_like(z), -y * z)


def distance_of(ops):
    return lambda y, z: (0.5 * ((y - z) ** 2).sum(1)) ** 1.5


def square(y, z):
    """Made of operators only: any package differentiates it."""
    return 0.5 * (y - z) ** 2


@pytest.fixture(params=OPERATIONS)
def package(request):
    """Skip with the reason where the package is not installed."""
    pytest.importorskip(request.param)
    return request.param


@pytest.fixture
def ops(package):
    return importlib.import_module(OPERATIONS[package])


@pytest.fixture(params=["core", "numpy"])
def _both_loops(request, monkeypatch):
    loop = {"core": _compiled, "numpy": _loop}[request.param]
    monkeypatch.setattr("skgd._training.run_batches", loop.run_batches)


# The formula


def test_contract(package, ops):
    check_loss(RegressionFromFunction(expectile_of(ops), package))
    check_loss(ClassificationFromFunction(logistic_of(ops), package))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(50,), (50, 3)])
def test_values_and_derivatives_are_those_by_hand(package, ops, shape, dtype):
    rng = np.random.default_rng(0)
    z = rng.normal(scale=3, size=shape).astype(dtype)
    y = np.sign(rng.normal(size=shape)).astype(dtype)
    tolerance = 4 * np.finfo(dtype).eps
    for function, by_hand, cls in (
        (expectile_of(ops), Expectile(), RegressionFromFunction),
        (logistic_of(ops), Logistic(), ClassificationFromFunction),
    ):
        loss = cls(function, package)
        for method in ("value", "gradient"):
            result = getattr(loss, method)(y, z)
            expected = getattr(by_hand, method)(y, z)
            assert result.dtype == dtype
            assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


def test_a_function_may_couple_columns(package, ops):
    rng = np.random.default_rng(0)
    y, z = rng.normal(size=(2, 20, 3))
    loss = RegressionFromFunction(distance_of(ops), package)
    assert_allclose(loss.value(y, z), Distance().value(y, z), rtol=1e-14)
    assert_allclose(loss.gradient(y, z), Distance().gradient(y, z), rtol=1e-12)


def test_at_a_kink_the_derivative_is_between_those_of_the_sides(package, ops):
    def pinball(y, z):
        return ops.where(y > z, 0.75, -0.25) * (y - z)

    def hinge(y, z):
        return ops.maximum(ops.zeros_like(z), 1 - y * z)

    check_loss(RegressionFromFunction(pinball, package))
    check_loss(ClassificationFromFunction(hinge, package))


def test_check_loss_finds_a_function_that_mixes_samples(package):
    loss = RegressionFromFunction(lambda y, z: (y - z + z.mean()) ** 2, package)
    with pytest.raises(AssertionError, match="the result of a row depends on others"):
        check_loss(loss)


# Training

TARGETS = {
    "one": (GDRegressor, Y, expectile_of, Expectile()),
    "two outputs": (GDRegressor, np.c_[Y, Y[::-1]], expectile_of, Expectile()),
    "coupled": (GDRegressor, np.c_[Y, Y[::-1]], distance_of, Distance()),
    "two classes": (GDClassifier, LABELS > 0, logistic_of, Logistic()),
    "three classes": (GDClassifier, LABELS, logistic_of, Logistic()),
}
targets = pytest.mark.parametrize(
    ("Estimator", "y", "formula", "by_hand"), TARGETS.values(), ids=TARGETS
)


def same(model, other):
    assert_allclose(model.coef_, other.coef_, rtol=1e-10, atol=1e-10)
    assert_allclose(model.intercept_, other.intercept_, rtol=1e-10, atol=1e-10)
    assert_allclose(model.loss_curve_, other.loss_curve_, rtol=1e-10)


@targets
@pytest.mark.usefixtures("_both_loops")
def test_fits_as_the_class_by_hand(package, ops, Estimator, y, formula, by_hand):
    options = {"max_iter": 8, "tol": None, "batch_size": 16, "random_state": 0}
    for data in (X, sparse.csr_array(X)):
        losses = formula(ops), by_hand
        models = [Estimator(loss, **options).fit(data, y) for loss in losses]
        same(*models)
        assert not hasattr(models[0], "predict_proba")


@targets
def test_streams_as_the_class_by_hand(package, ops, Estimator, y, formula, by_hand):
    """Single rows too: the units of training are renewed at the same calls."""
    models = [Estimator(loss, random_state=0) for loss in (formula(ops), by_hand)]
    known = {"classes": np.unique(y)} if Estimator is GDClassifier else {}
    for model in models:
        model.partial_fit(X[:60], y[:60], **known)
        for i in range(60, 80):
            model.partial_fit(X[i : i + 1], y[i : i + 1])
    same(*models)


def test_float32_stays(package, ops):
    model = GDRegressor(expectile_of(ops), max_iter=2, tol=None, random_state=0)
    model.fit(X.astype("f"), Y.astype("f"))
    other = clone(model).set_params(loss=Expectile()).fit(X.astype("f"), Y.astype("f"))
    assert model.coef_.dtype == np.float32
    assert_allclose(model.coef_, other.coef_, rtol=1e-4)


def test_a_function_that_is_not_finite_is_named(package, ops):
    model = GDRegressor(lambda y, z: (y - z) ** 2 * ops.sqrt(1 - z), random_state=0)
    model.set_params(learning_rate=0.03)
    named = (
        r"(?s)The loss RegressionFromFunction.* returned values that are\s+not finite"
    )
    with pytest.warns(ConvergenceWarning, match=named):
        model.fit(X, Y)
    assert model.stop_reason_ == "diverged"
    assert np.isfinite(model.coef_).all()


# How it is given


def test_the_package_is_found(package, ops):
    model = GDRegressor(expectile_of(ops), max_iter=2, tol=None).fit(X, Y)
    assert isinstance(model.loss_, RegressionFromFunction)
    assert model.loss_.backend == package
    model = GDClassifier(logistic_of(ops), max_iter=2, tol=None).fit(X, LABELS)
    assert isinstance(model.loss_, ClassificationFromFunction)
    assert model.loss_.backend == package


def test_operators_go_to_the_first_package():
    pytest.importorskip("autograd")
    assert as_loss(square, RegressionLoss).backend == "autograd"


def test_a_package_that_is_named_is_taken(package):
    model = GDRegressor(RegressionFromFunction(square, package), max_iter=2, tol=None)
    model.fit(X, Y)
    assert model.loss_.backend == package
    assert model.get_params()["loss__backend"] == package
    model.set_params(loss__function=lambda y, z: (y - z) ** 4).fit(X, Y)
    assert_allclose(model.loss_.value(np.zeros(1), np.full(1, 2.0)), [16])


def test_grid_search_over_functions_and_names():
    pytest.importorskip("autograd")
    options = {"max_iter": 5, "tol": None, "random_state": 0}
    search = GridSearchCV(
        GDRegressor(**options), {"loss": [square, "huber", "squared_error"]}, cv=3
    ).fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert_allclose(scores[0], scores[2], rtol=1e-10)
    assert scores[1] != scores[2]
    assert clone(search.estimator).set_params(loss=square).get_params()["loss"] is (
        square
    )


def test_a_function_of_a_module_is_pickled():
    pytest.importorskip("autograd")
    model = GDRegressor(square, max_iter=3, tol=None, random_state=0).fit(X, Y)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.loss is square
    for each in (model, copy):
        each.partial_fit(X[:5], Y[:5])
    assert_array_equal(copy.coef_, model.coef_)
    assert_array_equal(copy.predict(X), model.predict(X))


def test_a_lambda_trains_and_is_not_pickled():
    pytest.importorskip("autograd")
    model = GDRegressor(lambda y, z: (y - z) ** 2, max_iter=2, tol=None).fit(X, Y)
    with pytest.raises((pickle.PicklingError, AttributeError), match="<lambda>"):
        pickle.dumps(model)


def test_another_function_takes_effect_in_a_stream():
    pytest.importorskip("autograd")
    options = {"standardize": False, "learning_rate": 0.01, "alpha": 0}
    models = [
        GDRegressor(square, optimizer="sgd", random_state=0, **options)
        for _ in range(2)
    ]
    for model in models:
        model.partial_fit(X, Y)
    models[0].set_params(loss=lambda y, z: 3 * square(y, z))
    models[1].set_params(learning_rate=0.03)
    for model in models:
        model.partial_fit(X, Y)
    assert_allclose(models[0].coef_, models[1].coef_, rtol=1e-12)


def test_functions_are_told_apart_by_identity():
    one, other = (RegressionFromFunction(f, "autograd") for f in (square, len))
    assert fingerprint(one) == fingerprint(clone(one))
    assert fingerprint(one) != fingerprint(other)


# Errors


def unchanged(loss, error, match):
    """Assert that training raises and changes nothing, if fitted before or not."""
    for model in (GDRegressor(), GDRegressor(max_iter=1, tol=None).fit(X, Y)):
        model.set_params(loss=loss)
        before = dict(vars(model))
        for method in (model.fit, model.partial_fit):
            with pytest.raises(error, match=match):
                method(X, Y)
        after = vars(model)
        assert before.keys() == after.keys()
        assert all(before[name] is after[name] for name in before)


WRONG = {
    "one argument": (lambda z: z, TypeError, r"two arguments, .* parameters \(z\)"),
    "three": (lambda y, z, c: z, TypeError, r"with the parameters \(y, z, c\)"),
    "mean": (
        lambda y, z: ((y - z) ** 2).mean(),
        ValueError,
        r"^loss: the function <.*> must return the loss of each prediction, no mean or "
        r"sum: an array of shape \(\d+,\), as z has, got an array of shape \(\)\.$",
    ),
    "a row too few": (lambda y, z: ((y - z) ** 2)[1:], ValueError, "no mean or sum"),
    "nothing": (lambda y, z: None, TypeError, "makes of z by the .*, got None"),
    "constant": (lambda y, z: y * 2, TypeError, "makes of z by the operations"),
    "its own error": (lambda y, z: y.nonsense, TypeError, "nonsense"),
    "a number": (3, TypeError, "RegressionLoss or a function of y and z, got 3"),
    "a class": (Huber, TypeError, "an instance, not the class"),
    "a class of these": (RegressionFromFunction, TypeError, "not the class"),
    "a name": ("hubr", ValueError, "got 'hubr'. Did you mean 'huber'"),
    "other kind": (
        ClassificationFromFunction(square, "autograd"),
        ValueError,
        "must be a RegressionLoss for GDRegressor",
    ),
    "a package": (
        RegressionFromFunction(square, "autogard"),
        ValueError,
        "backend must be one of .* got 'autogard'. Did you mean 'autograd'",
    ),
    "no function": (
        RegressionFromFunction("square", "autograd"),
        TypeError,
        "function must be a function of y and z, got 'square'",
    ),
}


@pytest.mark.parametrize(
    ("loss", "error", "match"), WRONG.values(), ids=list(map(str, WRONG))
)
def test_wrong_functions(loss, error, match):
    pytest.importorskip("autograd")
    unchanged(loss, error, match)


@pytest.mark.parametrize("kind", [Loss, "regression", None], ids=repr)
@pytest.mark.parametrize("value", ["huber", square], ids=["name", "function"])
def test_as_loss_of_another_kind(value, kind):
    match = "kind must be RegressionLoss or ClassificationLoss, the class, got "
    with pytest.raises(ValueError, match=match):
        as_loss(value, kind)


def test_a_mean_in_a_classification(package):
    loss = ClassificationFromFunction(lambda y, z: (y * z).mean(), package)
    shapes = r"of shape \(\d+, 3\) or \(\d+,\), as z has, got an array of shape \(\)"
    with pytest.raises(ValueError, match=shapes):
        GDClassifier(loss).fit(X, LABELS)


def test_the_error_of_each_package_is_told(package):
    def broken(y, z):
        raise ValueError(f"out of {type(z).__name__}")

    with pytest.raises(
        TypeError, match=rf"With {package}: ValueError\('out of"
    ) as info:
        as_loss(broken, RegressionLoss)
    assert isinstance(info.value.__cause__, ValueError)


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    def refuse(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("skgd._autodiff.import_module", refuse)
    for name in OPERATIONS:
        needs = rf"^backend='{name}' needs .*: pip install 'skgd\[{name}\]'\.$"
        unchanged(RegressionFromFunction(square, name), ImportError, needs)
    message = (
        r"needs one of the packages autograd, torch, jax, and none is installed: "
        r"pip install 'skgd[autograd]', 'skgd[torch]' or 'skgd[jax]'."
    )
    unchanged(square, ImportError, re.escape(message))
