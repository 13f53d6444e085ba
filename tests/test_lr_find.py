"""The learning-rate range test."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skgd import GDClassifier, GDRegressor, lr_find
from skgd.losses import SquaredError


def test_rates_grow_geometrically_until_the_loss_blows_up():
    X, y = load_diabetes(return_X_y=True)
    found = lr_find(GDRegressor(optimizer="sgd", random_state=0), X, y, max_rate=1e3)
    ratios = found.learning_rates[1:] / found.learning_rates[:-1]
    np.testing.assert_allclose(ratios, (1e3 / 1e-5) ** (1 / 199))
    assert len(found.losses) == len(found.learning_rates) < 200
    assert np.isfinite(found.losses).all()
    assert found.losses[-1] > 4 * found.losses[0]


def test_first_losses_are_those_of_the_steps():
    """With one batch of all rows every step is that of gradient descent."""
    X, y = load_diabetes(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    model = GDRegressor(
        optimizer="sgd", batch_size=None, alpha=0, standardize=False, random_state=0
    )
    with pytest.warns(UserWarning, match="does not rise"):
        found = lr_find(model, X, y, min_rate=0.01, max_rate=0.1, n_steps=10)
    w, b = np.zeros(X.shape[1]), 0.0
    for rate, loss in zip(found.learning_rates, found.losses, strict=True):
        residual = X @ w + b - y
        w -= rate * X.T @ residual / len(y)
        b -= rate * residual.mean()
        assert loss == pytest.approx(np.mean((X @ w + b - y) ** 2) / 2, rel=1e-9)


@pytest.mark.filterwarnings("ignore:Training diverged", "ignore:.* does not rise")
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adagrad", "adam"])
@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
def test_suggestion_trains_better_than_rates_far_from_it(load, optimizer):
    X, y = load(return_X_y=True)

    def loss(rate):
        model = GDClassifier(
            optimizer=optimizer, learning_rate=rate, max_iter=9, tol=None
        )
        return model.set_params(random_state=0).fit(X, y).loss_curve_[-1]

    rate = lr_find(GDClassifier(optimizer=optimizer, random_state=0), X, y).suggestion
    assert loss(rate) < min(loss(rate / 100), loss(rate * 100))


class Shifted(SquaredError):
    """Costs less than nothing, where ``by`` is large; with the same derivatives."""

    def __init__(self, by=0.0):
        self.by = by

    def value(self, y, z):
        return super().value(y, z) - self.by


def test_a_loss_may_be_negative():
    X, y = load_diabetes(return_X_y=True)
    y -= y.mean()
    known, shifted = (
        lr_find(GDRegressor(loss=Shifted(by), alpha=0, random_state=0), X, y)
        for by in (0.0, np.mean(y**2))
    )
    assert shifted.losses[0] < 0
    n = min(len(known.losses), len(shifted.losses))
    change = known.losses[:n] - shifted.losses[:n]
    np.testing.assert_allclose(change, np.mean(y**2), rtol=1e-9)
    assert shifted.suggestion == known.suggestion


def test_the_estimator_is_not_touched():
    X, y = load_diabetes(return_X_y=True)
    model = GDRegressor(random_state=0).fit(X, y)
    before = model.coef_.copy()
    lr_find(model, X, y, n_steps=10)
    np.testing.assert_array_equal(model.coef_, before)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"min_rate": 0}, ValueError, r"min_rate must be .* \(0, inf\), got 0"),
        ({"n_steps": 3}, ValueError, "n_steps must be an integer"),
        ({"min_rate": 1, "max_rate": 0.1}, ValueError, "min_rate must be less than"),
        ({"max_rate": "high"}, TypeError, "max_rate must be .* got 'high'"),
        ({"estimator": Ridge()}, TypeError, "estimator must be a GDRegressor or GDCl"),
        ({"estimator": GDRegressor}, TypeError, "got <class 'skgd"),
        ({"estimator": make_pipeline(GDRegressor())}, TypeError, "its last step"),
    ],
)
def test_bad_parameters(options, error, message):
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(error, match=message):
        lr_find(**({"estimator": GDRegressor(), "X": X, "y": y} | options))


X, Y = load_diabetes(return_X_y=True)


@pytest.mark.parametrize(
    ("X", "y", "params", "rates", "message"),
    [
        (np.ones((20, 1)), np.ones(20), {}, (), "gradient is zero. Is y constant"),
        (X, np.full(len(Y), 0.1), {}, (), "gradient is zero. Is y constant"),
        (1e170 * X, Y, {"standardize": False}, (), "norm inf.* too large or too small"),
        (X, 1e200 * Y, {"standardize": False}, (), "it is inf.* too large or too"),
        (X, Y, {}, (1e-30, 1e-29), "from 1e-30 to 1e-29. Try a higher max_rate"),
        (X, Y, {}, (10, 100), "from 10 to 100. Try a lower min_rate"),
        (X, Y, {}, (1e300, 1e301), "Try a lower min_rate"),
    ],
)
def test_a_loss_that_never_falls_is_said(X, y, params, rates, message):
    model = GDRegressor(optimizer="sgd", random_state=0, **params)
    options = dict(zip(("min_rate", "max_rate"), rates, strict=False))
    with pytest.raises(ValueError, match=f"the loss does not fall at any .*{message}"):
        lr_find(model, X, y, **options)


def test_a_range_that_ends_too_early_is_said():
    model = GDRegressor(random_state=0)
    with pytest.warns(
        UserWarning, match="does not rise up to max_rate=0.001.*Increase"
    ):
        found = lr_find(model, X, Y, max_rate=1e-3)
    assert found.suggestion == pytest.approx(1e-3 / 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = lr_find(model, X, Y)
    assert found.suggestion < 10 / 5
