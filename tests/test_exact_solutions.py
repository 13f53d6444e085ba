"""Full-batch training to convergence gives what exact solvers give."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import lsq_linear, minimize
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.preprocessing import StandardScaler

from skgd import GDClassifier, GDRegressor
from skgd.losses import Huber, Quantile, Tweedie
from skgd.optimizers import Nesterov
from skgd.penalties import Box, NonNegative
from skgd.schedules import Polynomial

N, D = 150, 6


@pytest.fixture(scope="module")
def regression():
    X, y = make_regression(
        N, D, n_informative=3, noise=10, bias=3, random_state=0, effective_rank=None
    )
    return StandardScaler().fit_transform(X), y / 50


@pytest.fixture(scope="module")
def counts(regression):
    X, _ = regression
    rng = np.random.default_rng(0)
    mean = np.exp(X @ [0.5, -0.4, 0, 0, 0.3, 0] + 1)
    return X, rng.poisson(mean).astype(float), rng.gamma(2.0, mean / 2)


@pytest.fixture(scope="module")
def classes():
    X, y = make_classification(
        N, D, n_informative=4, n_classes=3, n_redundant=0, flip_y=0.2, random_state=0
    )
    return StandardScaler().fit_transform(X), y


def full_batch(Estimator, loss, **params):
    """Gradient descent on all samples for a number of steps, no stopping rule."""
    defaults = {
        "standardize": False,
        "schedule": "constant",
        "average": False,
        "optimizer": Nesterov(0.9),
        "learning_rate": 0.1,
        "batch_size": None,
        "max_iter": 3000,
        "tol": None,
    }
    return Estimator(loss, **(defaults | params))


def assert_same_model(model, exact, rtol=1e-6):
    expected = np.append(np.ravel(exact.coef_), exact.intercept_)
    got = np.append(np.ravel(model.coef_), model.intercept_)
    assert_allclose(got, expected, rtol=rtol, atol=rtol * abs(expected).max())


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_ridge(regression, fit_intercept):
    X, y = regression
    model = full_batch(
        GDRegressor, "squared_error", alpha=0.1, fit_intercept=fit_intercept
    ).fit(X, y)
    exact = Ridge(alpha=0.1 * N, fit_intercept=fit_intercept).fit(X, y)
    assert_same_model(model, exact)


def test_ridge_closed_form_with_weights(regression):
    X, y = regression
    s = np.random.default_rng(1).uniform(0.1, 3, N)
    model = full_batch(GDRegressor, "squared_error", alpha=0.1, max_iter=6000).fit(
        X, y, s
    )
    A = np.column_stack([X, np.ones(N)])
    regulariser = 0.1 * np.diag([*np.ones(D), 0])
    solution = np.linalg.solve(
        A.T @ (A * s[:, None]) / s.sum() + regulariser, A.T @ (s * y) / s.sum()
    )
    assert_allclose(np.append(model.coef_, model.intercept_), solution, rtol=1e-6)


def test_several_targets_are_ridge_too(regression):
    X, y = regression
    Y = np.column_stack([y, -2 * y, X[:, 0]])
    model = full_batch(GDRegressor, "squared_error", alpha=0.1).fit(X, Y)
    exact = Ridge(alpha=0.1 * N).fit(X, Y)
    assert_allclose(model.coef_, exact.coef_, rtol=1e-6, atol=1e-9)
    assert_allclose(model.predict(X), exact.predict(X), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_elastic_net_has_the_same_zeros(regression, l1_ratio):
    X, y = regression
    alpha = 0.3
    model = full_batch(
        GDRegressor,
        "squared_error",
        penalty="elasticnet",
        alpha=alpha,
        l1_ratio=l1_ratio,
    ).fit(X, y)
    exact = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-12, max_iter=100_000)
    exact.fit(X, y)
    assert 0 < np.count_nonzero(exact.coef_) < D
    assert_array_equal(model.coef_ == 0, exact.coef_ == 0)
    assert_same_model(model, exact)


@pytest.mark.parametrize(
    ("optimizer", "learning_rate", "max_iter"),
    [
        ("sgd", 0.5, 4000),
        ("momentum", 0.05, 4000),
        ("adagrad", 1.0, 4000),
        ("adam", 0.05, 4000),
        ("amsgrad", 0.05, 4000),
        ("ftrl", 1.0, 4000),
        ("cocob", 1.0, 20_000),
        ("dog", 1.0, 4000),
        ("prodigy", 1.0, 4000),
    ],
)
def test_lasso_by_adaptive_optimizers(regression, optimizer, learning_rate, max_iter):
    """The proximal step uses the optimizer's metric, so its fixed point is right."""
    X, y = regression
    model = full_batch(
        GDRegressor,
        "squared_error",
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule=Polynomial(power=1.0),
        penalty="l1",
        alpha=0.3,
        max_iter=max_iter,
    ).fit(X, y)
    exact = Lasso(alpha=0.3, tol=1e-12, max_iter=100_000).fit(X, y)
    assert_array_equal(model.coef_ == 0, exact.coef_ == 0)
    assert_same_model(model, exact)


@pytest.mark.parametrize("optimizer", ["schedule_free_sgd", "schedule_free_adamw"])
def test_ridge_without_a_schedule(regression, optimizer):
    """The published weights converge at a constant rate."""
    X, y = regression
    model = full_batch(
        GDRegressor,
        "squared_error",
        optimizer=optimizer,
        learning_rate="auto",
        alpha=0.1,
        max_iter=20_000,
    ).fit(X, y)
    assert_same_model(model, Ridge(alpha=0.1 * N).fit(X, y))


def test_non_negative_and_box(regression):
    X, y = regression
    A = X - X.mean(axis=0)
    for penalty, bounds in [
        (NonNegative(), (0, np.inf)),
        (Box(-0.1, 0.2), (-0.1, 0.2)),
    ]:
        model = full_batch(GDRegressor, "squared_error", penalty=penalty, alpha=1.0)
        model.fit(X, y)
        exact = lsq_linear(A, y - y.mean(), bounds, tol=1e-14).x
        assert_allclose(model.coef_, exact, atol=1e-6)
        assert model.coef_.min() >= bounds[0]
        assert model.coef_.max() <= bounds[1]


def test_non_negative_elastic_net(regression):
    X, y = regression
    model = full_batch(
        GDRegressor, "squared_error", penalty=NonNegative("l1"), alpha=0.3
    ).fit(X, y)
    exact = Lasso(alpha=0.3, positive=True, tol=1e-12).fit(X, y)
    assert_array_equal(model.coef_ == 0, exact.coef_ == 0)
    assert_same_model(model, exact)


def test_logistic(classes):
    X, y = classes
    y = y == 1
    model = full_batch(GDClassifier, "log_loss", alpha=0.01, learning_rate=0.5).fit(
        X, y
    )
    exact = LogisticRegression(C=1 / (0.01 * N), tol=1e-10, max_iter=1000).fit(X, y)
    assert_same_model(model, exact)
    assert_allclose(model.predict_proba(X), exact.predict_proba(X), rtol=1e-5)
    assert_array_equal(model.predict(X), exact.predict(X))


def test_softmax(classes):
    X, y = classes
    model = full_batch(GDClassifier, "log_loss", alpha=0.01, learning_rate=0.5).fit(
        X, y
    )
    exact = LogisticRegression(
        C=1 / (0.01 * N), solver="newton-cg", tol=1e-12, max_iter=1000
    ).fit(X, y)
    assert_allclose(model.coef_, exact.coef_, rtol=1e-6, atol=1e-8)
    assert_allclose(model.predict_proba(X), exact.predict_proba(X), rtol=1e-6)


def test_sparse_logistic_satisfies_the_optimality_conditions(classes):
    """The gradient is ∓alpha where a coefficient is not zero, and less where it is."""
    X, y = classes
    alpha = 0.1
    model = full_batch(
        GDClassifier, "log_loss", penalty="l1", alpha=alpha, learning_rate=0.5
    ).fit(X, y == 1)
    residual = model.predict_proba(X)[:, 1] - (y == 1)
    gradient, coef = X.T @ residual / N, model.coef_[0]
    zero = coef == 0
    assert 0 < zero.sum() < D
    assert (np.abs(gradient[zero]) < alpha).all()
    assert_allclose(gradient[~zero], -alpha * np.sign(coef[~zero]), rtol=1e-9)
    assert_allclose(residual.mean(), 0, atol=1e-10)


def test_poisson_gamma_tweedie(counts):
    X, count, amount = counts
    for loss, y, exact in [
        ("poisson", count, PoissonRegressor(alpha=0.1, tol=1e-12, max_iter=1000)),
        ("gamma", amount, GammaRegressor(alpha=0.1, tol=1e-12, max_iter=1000)),
        (
            Tweedie(power=1.5),
            count,
            TweedieRegressor(power=1.5, alpha=0.1, tol=1e-12, max_iter=1000),
        ),
    ]:
        exact.fit(X, y)
        model = full_batch(GDRegressor, loss, alpha=0.1, learning_rate=0.02).fit(X, y)
        assert_same_model(model, exact)
        assert_allclose(model.predict(X), exact.predict(X), rtol=1e-6)


def test_huber_with_its_scale_fixed(regression):
    X, y = regression
    exact = HuberRegressor(epsilon=1.35, alpha=0.5, tol=1e-10, max_iter=10_000).fit(
        X, y
    )
    # HuberRegressor minimises Σ (σ + H(r/σ) σ) + alpha ‖w‖², H(u) = u² inside: at its
    # own σ that is 2/σ · Σ huber(r; delta=εσ) + alpha ‖w‖² in w.
    sigma = exact.scale_
    model = full_batch(
        GDRegressor,
        Huber(delta=1.35 * sigma),
        alpha=0.5 * sigma / N,
        max_iter=5000,
    ).fit(X, y)
    # Its own solver is not more accurate: the objective's minimum below is.
    assert_same_model(model, exact, rtol=2e-5)

    def objective(p):
        r = y - X @ p[:-1] - p[-1]
        delta = 1.35 * sigma
        inside = np.abs(r) <= delta
        value = np.where(inside, r**2 / 2, delta * np.abs(r) - delta**2 / 2).mean()
        return value + 0.25 * sigma / N * p[:-1] @ p[:-1]

    start = np.append(model.coef_, model.intercept_)
    reference = minimize(objective, start, method="BFGS", options={"gtol": 1e-10}).x
    assert_allclose(start, reference, rtol=1e-6, atol=1e-7)


def test_quantile(regression):
    """A subgradient method with a rate that falls to zero reaches the LP's optimum."""
    X, y = regression
    exact = QuantileRegressor(quantile=0.8, alpha=0.0).fit(X, y)
    model = full_batch(
        GDRegressor,
        Quantile(level=0.8),
        penalty=None,
        optimizer="sgd",
        learning_rate=1.0,
        schedule=lambda t: 0.999**t,
        max_iter=20_000,
    ).fit(X, y)

    def objective(m):
        r = y - m.predict(X)
        return np.maximum(0.8 * r, -0.2 * r).mean()

    assert_allclose(objective(model), objective(exact), rtol=1e-6)
    # Near its minimum the objective is flat: coefficients are known less well.
    assert_same_model(model, exact, rtol=1e-3)


# Standardized


CENTER = np.array([0.0, 1.0, -30.0, 1e6, 2e-4, -7.0])
SCALE = np.array([1.0, 1e-3, 30.0, 1e5, 1e-6, 2.0])


def in_other_units(X):
    """Return standardized features as somebody may have measured them."""
    return CENTER + SCALE * X


def standardized(Estimator, loss, **params):
    """Return what has to find the same from any units of the features."""
    return full_batch(Estimator, loss, standardize=True, **params)


def assert_same_in_other_units(model, exact, rtol=1e-6):
    """Compare with a model of the standardized features."""
    coef = model.coef_ * SCALE
    intercept = model.intercept_ + model.coef_ @ CENTER
    expected = np.append(np.ravel(exact.coef_), exact.intercept_)
    got = np.append(np.ravel(coef), intercept)
    assert_allclose(got, expected, rtol=rtol, atol=rtol * abs(expected).max())


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_standardized_ridge(regression, scale):
    """``alpha`` is n times that of `Ridge` on standardized features."""
    X, y = regression
    y = scale * (y + 5)
    model = standardized(GDRegressor, "squared_error", alpha=0.1)
    model.fit(in_other_units(X), y)
    assert_same_in_other_units(model, Ridge(alpha=0.1 * N).fit(X, y))


def test_standardized_ridge_without_intercept(regression):
    """Nothing is centred, and the scale is the root mean square."""
    X, y = regression
    X = X + 1
    scale = np.sqrt(np.mean(X**2, axis=0))
    model = standardized(GDRegressor, "squared_error", alpha=0.1, fit_intercept=False)
    exact = Ridge(alpha=0.1 * N, fit_intercept=False).fit(X / scale, y)
    assert_allclose(model.fit(X, y).coef_ * scale, exact.coef_, rtol=1e-6)
    assert_array_equal(model.intercept_, [0.0])


def test_standardized_ridge_with_weights(regression):
    """Means and squares are those of the weighted samples."""
    X, y = regression
    s = np.random.default_rng(1).uniform(0.1, 3, N)
    scaler = StandardScaler().fit(X, sample_weight=s)
    exact = Ridge(alpha=0.1 * s.sum()).fit(scaler.transform(X), y, s)
    model = standardized(GDRegressor, "squared_error", alpha=0.1, max_iter=6000)
    model.fit(X, y, s)
    assert_allclose(model.coef_ * scaler.scale_, exact.coef_, rtol=1e-6)


def test_standardized_ridge_of_several_targets(regression):
    X, y = regression
    Y = np.column_stack([y, -2e6 * y + 1e7, 1e-6 * X[:, 0]])
    model = standardized(GDRegressor, "squared_error", alpha=0.1)
    model.fit(in_other_units(X), Y)
    exact = Ridge(alpha=0.1 * N).fit(X, Y)
    for k in range(3):
        size = abs(exact.coef_[k]).max()
        assert_allclose(
            model.coef_[k] * SCALE, exact.coef_[k], rtol=1e-6, atol=1e-6 * size
        )


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_standardized_elastic_net(regression, l1_ratio, scale):
    """The target is in units of its standard deviation, as in glmnet."""
    X, y = regression
    model = standardized(
        GDRegressor, "squared_error", penalty="elasticnet", alpha=0.2, l1_ratio=l1_ratio
    ).fit(in_other_units(X), scale * y)
    exact = ElasticNet(alpha=0.2, l1_ratio=l1_ratio, tol=1e-12, max_iter=100_000)
    exact.fit(X, y / y.std())
    assert 0 < np.count_nonzero(exact.coef_) < D
    assert_array_equal(model.coef_ == 0, exact.coef_ == 0)
    exact.coef_ *= scale * y.std()
    exact.intercept_ *= scale * y.std()
    assert_same_in_other_units(model, exact)


def test_standardized_lasso_is_the_lasso_with_alpha_times_the_deviation(regression):
    X, y = regression
    model = standardized(GDRegressor, "squared_error", penalty="l1", alpha=0.2)
    exact = Lasso(alpha=0.2 * y.std(), tol=1e-12, max_iter=100_000).fit(X, y)
    assert_same_in_other_units(model.fit(in_other_units(X), y), exact)


def test_standardized_bounds_are_on_the_coefficients_of_the_user(regression):
    X, y = regression
    lower, upper = -0.1 / SCALE, 0.2 / SCALE
    model = standardized(GDRegressor, "squared_error", penalty=Box(lower, upper))
    model.fit(in_other_units(X), y)
    exact = lsq_linear(X - X.mean(axis=0), y - y.mean(), (-0.1, 0.2), tol=1e-14).x
    assert_allclose(model.coef_ * SCALE, exact, atol=1e-6)
    assert (lower <= model.coef_).all()
    assert (model.coef_ <= upper).all()


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg"])
def test_standardized_logistic_and_softmax(classes, solver):
    X, y = classes
    y = y == 1 if solver == "lbfgs" else y
    model = standardized(GDClassifier, "log_loss", alpha=0.01, learning_rate=0.5)
    model.fit(in_other_units(X), y)
    exact = LogisticRegression(
        C=1 / (0.01 * N), solver=solver, tol=1e-12, max_iter=10_000
    ).fit(X, y)
    assert_allclose(model.coef_ * SCALE, exact.coef_, rtol=1e-5, atol=1e-7)
    proba = model.predict_proba(in_other_units(X))
    assert_allclose(proba, exact.predict_proba(X), rtol=1e-5)


def test_standardized_poisson_gamma_tweedie(counts):
    """The penalty grows with the target as the deviance: like mean**(2 - power)."""
    X, count, amount = counts
    Z = StandardScaler().fit_transform(X)
    options = {"tol": 1e-12, "max_iter": 1000}
    for loss, y, power, exact in [
        ("poisson", count, 1, PoissonRegressor(**options)),
        ("gamma", 1e6 * amount, 2, GammaRegressor(**options)),
        (Tweedie(power=1.5), count, 1.5, TweedieRegressor(power=1.5, **options)),
    ]:
        exact.set_params(alpha=0.1 * y.mean() ** (2 - power)).fit(Z, y)
        model = standardized(GDRegressor, loss, alpha=0.1, max_iter=5000)
        model.fit(in_other_units(X), y)
        assert_allclose(model.predict(in_other_units(X)), exact.predict(Z), rtol=1e-6)


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie", Tweedie(power=1.2)])
@pytest.mark.parametrize("size", [1e-6, 1e-3, 1e6])
def test_standardized_deviances_in_other_units_of_the_target(counts, loss, size):
    X, _, amount = counts
    options = {"alpha": 0.1, "learning_rate": 0.1, "max_iter": 2000}
    model = standardized(GDRegressor, loss, **options)
    expected = model.fit(X, amount).coef_
    model.fit(X, size * amount)
    assert_allclose(model.coef_, expected, rtol=1e-6, atol=1e-9)
    both = model.fit(X, np.column_stack([amount, size * amount])).coef_
    assert_allclose(both, [expected, expected], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_standardized_poisson_of_rates_with_exposures_in_any_unit(counts, size):
    X, count, _ = counts
    exposure = np.random.default_rng(0).uniform(0.5, 2, N)
    mean = count.sum() / exposure.sum()
    Z = StandardScaler().fit(X, sample_weight=exposure).transform(X)
    exact = PoissonRegressor(alpha=0.1 * mean, tol=1e-12, max_iter=1000)
    exact.fit(Z, count / exposure, sample_weight=exposure)
    model = standardized(GDRegressor, "poisson", alpha=0.1, max_iter=5000)
    model.fit(X, count / (size * exposure), sample_weight=size * exposure)
    assert_allclose(size * model.predict(X), exact.predict(Z), rtol=1e-6)


@pytest.mark.parametrize(
    "loss", [Huber(0.3), "pseudo_huber", "log_cosh", "squared_epsilon_insensitive"]
)
def test_standardized_penalty_in_the_units_of_any_loss(regression, loss):
    """One unit of the penalty is the deviation of the target times that of residuals.

    For the squared error both are the same, and this is what the others go by.
    """
    X, y = regression
    model = standardized(GDRegressor, loss, alpha=0.1, max_iter=5000)
    model.fit(in_other_units(X), y)
    loss, w = model.loss_, model.coef_ * SCALE / y.std()
    start = np.full(N, y.mean())
    unit = y.std() * np.sqrt(np.mean(loss.gradient(y, start) ** 2))
    r = loss.gradient(y, model.predict(in_other_units(X)))
    assert_allclose(y.std() * X.T @ r / N, -0.1 * unit * w, rtol=1e-6, atol=1e-9)
    assert_allclose(r.mean(), 0, atol=1e-9)


def test_standardized_quantile(regression):
    """The slope of the loss is 0.8 above and 0.2 below, in whatever units."""
    X, y = regression
    slopes = np.where(y > y.mean(), 0.8, 0.2)
    alpha = 0.05 * np.sqrt(np.mean(slopes**2))
    exact = QuantileRegressor(quantile=0.8, alpha=alpha).fit(X, y)
    model = standardized(
        GDRegressor,
        Quantile(level=0.8),
        penalty="l1",
        alpha=0.05,
        optimizer="sgd",
        learning_rate=1.0,
        schedule=lambda t: 0.999**t,
        max_iter=20_000,
    ).fit(in_other_units(X), y)

    def objective(coef, intercept):
        r = y - X @ coef - intercept
        return np.maximum(0.8 * r, -0.2 * r).mean() + alpha * np.abs(coef).sum()

    reached = objective(model.coef_ * SCALE, model.intercept_[0] + model.coef_ @ CENTER)
    assert_allclose(reached, objective(exact.coef_, exact.intercept_), rtol=1e-6)


# At the defaults


@pytest.mark.parametrize("tol", [1e-3, 1e-4])
def test_defaults_reach_the_objective_of_ridge_within_the_tolerance(regression, tol):
    X, y = regression
    exact = Ridge(alpha=0.1 * N).fit(X, y)

    def objective(coef, intercept):
        return 0.5 * np.mean((y - X @ coef - intercept) ** 2) + 0.05 * coef @ coef

    best = objective(exact.coef_, exact.intercept_)
    for seed in range(5):
        model = GDRegressor(alpha=0.1, tol=tol, random_state=seed)
        model.fit(in_other_units(X), y)
        assert model.stop_reason_ == "tol"
        reached = objective(
            model.coef_ * SCALE, model.intercept_[0] + model.coef_ @ CENTER
        )
        assert reached - best <= tol * 0.5 * y.var()


@pytest.mark.parametrize("tol", [1e-3, 1e-4])
def test_defaults_reach_the_objective_of_logistic_regression(classes, tol):
    X, y = classes
    exact = LogisticRegression(C=1 / (0.01 * N), tol=1e-12, max_iter=10_000).fit(X, y)

    def objective(proba, coef):
        log_loss = -np.log(proba[np.arange(N), y]).mean()
        return log_loss + 0.005 * np.sum(coef**2)

    best = objective(exact.predict_proba(X), exact.coef_)
    for seed in range(5):
        model = GDClassifier(alpha=0.01, tol=tol, random_state=seed)
        model.fit(in_other_units(X), y)
        assert model.stop_reason_ == "tol"
        proba = model.predict_proba(in_other_units(X))
        reached = objective(proba, model.coef_ * SCALE)
        assert reached - best <= tol * np.log(3)
