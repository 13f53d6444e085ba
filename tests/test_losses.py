"""Losses: values and derivatives against closed forms, metrics and differences."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn import metrics
from sklearn.base import clone
from sklearn.linear_model import (
    GammaRegressor,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from skgd.losses import (
    LOSSES,
    AbsoluteError,
    ClassificationLoss,
    EpsilonInsensitive,
    Gamma,
    Hinge,
    Huber,
    LogCosh,
    LogLoss,
    ModifiedHuber,
    Perceptron,
    Poisson,
    PseudoHuber,
    Quantile,
    RegressionLoss,
    SquaredEpsilonInsensitive,
    SquaredError,
    SquaredHinge,
    Tweedie,
    saturating,
)
from skgd.testing import check_loss

DEFAULTS = [LOSSES[name]() for name in sorted(LOSSES)]
VARIANTS = [
    Huber(delta=0.5),
    PseudoHuber(delta=3.0),
    Quantile(level=0.9),
    EpsilonInsensitive(epsilon=0.0),
    EpsilonInsensitive(epsilon=0.25),
    SquaredEpsilonInsensitive(epsilon=1.0),
    Tweedie(power=1),
    Tweedie(power=1.01),
    Tweedie(power=2),
]
every_loss = pytest.mark.parametrize("loss", DEFAULTS + VARIANTS, ids=repr)
LOG_LINK = [Poisson(), Gamma(), Tweedie(1.2), Tweedie(1.5), Tweedie(1.9)]


def targets_of(loss):
    """Return a hypothesis strategy of the targets of a loss."""
    if isinstance(loss, ClassificationLoss):
        return st.sampled_from([-1.0, 1.0])
    candidates = st.sampled_from([0.0, 0.5, 1.0, 3.0]) | st.floats(-5, 5)
    return candidates.filter(loss.target_range.accepts)


def at(method, y, z, dtype=float):
    """Return a method's result at one point."""
    return method(np.array([y], dtype), np.array([z], dtype))[0]


# The contract


@every_loss
def test_contract(loss):
    check_loss(loss)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_registered_under_its_usual_name(name):
    words = "".join(word.capitalize() for word in name.split("_"))
    assert LOSSES[name].__name__ == words


@every_loss
def test_numpy_parameters_do_not_widen_float32(loss):
    params = {k: np.float64(v) for k, v in loss.get_params().items()}
    loss = clone(loss).set_params(**params)
    y = z = np.ones(2, np.float32)
    assert loss.value(y, z).dtype == loss.gradient(y, z).dtype == np.float32


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (Huber(delta=0), r"Huber: delta must be .*\(0, inf\), got 0"),
        (PseudoHuber(delta=-1), r"PseudoHuber: delta must be .*, got -1"),
        (Quantile(level=1), r"Quantile: level must be .*\(0, 1\), got 1"),
        (EpsilonInsensitive(epsilon=-0.1), r"epsilon must be .*\[0, inf\), got -0.1"),
        (SquaredEpsilonInsensitive(epsilon=math.nan), "epsilon must be .*, got nan"),
        (Tweedie(power=0.5), r"Tweedie: power must be .*\[1, 2\], got 0.5"),
        (Tweedie(power=3), r"Tweedie: power must be .*\[1, 2\], got 3"),
    ],
)
def test_rejected_parameters(loss, message):
    with pytest.raises(ValueError, match=message):
        loss.validate()


# Derivatives


@every_loss
@given(data=st.data())
def test_gradient_is_the_central_difference(loss, data):
    y = data.draw(targets_of(loss))
    z = data.draw(st.floats(-5, 5))
    h = 1e-3
    nodes = z + h * np.arange(-2, 3)
    gradient = loss.gradient(np.full(5, y), nodes)
    value = loss.value(np.full(5, y), nodes)
    if np.abs(np.diff(gradient, 3)).max() > 1e-8 * (1 + np.abs(gradient).max()):
        return  # a kink, of the gradient or its derivative, is between the nodes
    difference = (value[0] - 8 * value[1] + 8 * value[3] - value[4]) / (12 * h)
    size = 1 + np.abs(value).max() + abs(difference)
    assert_allclose(at(loss.gradient, y, z), difference, rtol=0, atol=1e-9 * size)


@given(
    z=st.lists(st.floats(-20, 20), min_size=2, max_size=5),
    c=st.integers(0, 4),
    j=st.integers(0, 4),
)
def test_softmax_gradient_is_the_central_difference(z, c, j):
    k, h = len(z), 1e-3
    y = np.full((5, k), -1.0)
    y[:, c % k] = 1
    nodes = np.tile(z, (5, 1))
    nodes[:, j % k] += h * np.arange(-2, 3)
    value = LogLoss().value(y, nodes)
    difference = (value[0] - 8 * value[1] + 8 * value[3] - value[4]) / (12 * h)
    gradient = LogLoss().gradient(y[:1], np.array([z]))[0, j % k]
    assert_allclose(gradient, difference, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("loss", "y", "z", "left", "returned", "right"),
    [
        (AbsoluteError(), 1.0, 1.0, -1, 0, 1),
        (Quantile(0.75), 1.0, 1.0, -0.75, 0, 0.25),
        (EpsilonInsensitive(0.25), 1.0, 1.25, 0, 0, 1),
        (EpsilonInsensitive(0.25), 1.0, 0.75, -1, 0, 0),
        (EpsilonInsensitive(0.0), 1.0, 1.0, -1, 0, 1),
        (Hinge(), 1.0, 1.0, -1, 0, 0),
        (Hinge(), -1.0, -1.0, 0, 0, 1),
        (Perceptron(), 1.0, 0.0, -1, -1, 0),
        (Perceptron(), -1.0, 0.0, 0, 1, 1),
    ],
)
def test_kinks(loss, y, z, left, returned, right):
    h = 2.0**-20
    below, value, above = (at(loss.value, y, x) for x in (z - h, z, z + h))
    assert (value - below) / h == left
    assert (above - value) / h == right
    assert at(loss.gradient, y, z) == returned


@pytest.mark.parametrize(
    ("loss", "y", "z"),
    [
        (Huber(0.5), 1.0, 1.5),
        (SquaredEpsilonInsensitive(0.25), 1.0, 1.25),
        (SquaredHinge(), 1.0, 1.0),
        (ModifiedHuber(), 1.0, -1.0),
        (ModifiedHuber(), -1.0, -1.0),
    ],
)
def test_pieces_join_without_a_kink(loss, y, z):
    h = 2.0**-20
    below, value, above = (at(loss.value, y, x) for x in (z - h, z, z + h))
    assert abs((above - value) / h - (value - below) / h) < 4 * h
    assert abs((above - below) / (2 * h) - at(loss.gradient, y, z)) < 4 * h


@every_loss
@given(data=st.data())
def test_convex_in_the_prediction(loss, data):
    y = data.draw(targets_of(loss))
    a, b = data.draw(st.tuples(st.floats(-30, 30), st.floats(-30, 30)))
    middle = at(loss.value, y, 0.5 * (a + b))
    chord = 0.5 * (at(loss.value, y, a) + at(loss.value, y, b))
    assert middle <= chord * (1 + 1e-12) + 1e-12
    slopes = at(loss.gradient, y, a), at(loss.gradient, y, b)
    slack = 1e-12 * (1 + max(map(abs, slopes)))
    assert (slopes[1] - slopes[0]) * np.sign(b - a) >= -slack


@every_loss
@given(data=st.data())
def test_not_negative(loss, data):
    y, z = data.draw(targets_of(loss)), data.draw(st.floats(-30, 30))
    # Deviances are differences of terms of the size of exp(z): rounding remains.
    assert at(loss.value, y, z) >= -1e-15 * (1 + math.exp(z))


# Values


@pytest.mark.parametrize(
    ("loss", "y", "z", "value", "gradient"),
    [
        (SquaredError(), 1.0, 4.0, 4.5, 3.0),
        (AbsoluteError(), 1.0, -2.0, 3.0, -1.0),
        (Huber(1.0), 0.0, -0.5, 0.125, -0.5),
        (Huber(1.0), 0.0, 3.0, 2.5, 1.0),
        (Huber(), 0.0, 2.0, 1.35 * (2 - 0.675), 1.35),
        (PseudoHuber(3.0), 1.0, 5.0, 6.0, 2.4),
        (PseudoHuber(1.0), 0.0, -0.75, 0.25, -0.6),
        (LogCosh(), 0.0, math.log(2), math.log(1.25), 0.6),
        (LogCosh(), math.log(3), 0.0, math.log(5 / 3), -0.8),
        (Quantile(0.75), 3.0, 1.0, 1.5, -0.75),
        (Quantile(0.75), 1.0, 3.0, 0.5, 0.25),
        (EpsilonInsensitive(0.5), 0.0, 0.25, 0.0, 0.0),
        (EpsilonInsensitive(0.5), 0.0, -2.0, 1.5, -1.0),
        (SquaredEpsilonInsensitive(0.5), 0.0, 0.25, 0.0, 0.0),
        (SquaredEpsilonInsensitive(0.5), 0.0, -2.0, 2.25, -3.0),
        (Poisson(), 0.0, math.log(2), 2.0, 2.0),
        (Poisson(), 1.0, math.log(2), 1 - math.log(2), 1.0),
        (Gamma(), 1.0, math.log(2), math.log(2) - 0.5, 0.5),
        (Tweedie(1.5), 0.0, math.log(4), 4.0, 2.0),
        (Tweedie(1.5), 1.0, math.log(4), 1.0, 1.5),
        (LogLoss(), 1.0, 0.0, math.log(2), -0.5),
        (LogLoss(), -1.0, math.log(3), math.log(4), 0.75),
        (Hinge(), 1.0, 0.25, 0.75, -1.0),
        (Hinge(), -1.0, -2.0, 0.0, 0.0),
        (SquaredHinge(), 1.0, -1.0, 4.0, -4.0),
        (SquaredHinge(), -1.0, 0.5, 2.25, 3.0),
        (ModifiedHuber(), 1.0, 0.5, 0.25, -1.0),
        (ModifiedHuber(), -1.0, 2.0, 8.0, 4.0),
        (Perceptron(), 1.0, -0.5, 0.5, -1.0),
        (Perceptron(), -1.0, -0.5, 0.0, 0.0),
    ],
    ids=repr,
)
def test_hand_computed(loss, y, z, value, gradient):
    assert_allclose(at(loss.value, y, z), value, rtol=1e-14, atol=1e-15)
    assert_allclose(at(loss.gradient, y, z), gradient, rtol=1e-14, atol=1e-15)


def test_hand_computed_softmax():
    y = np.array([[-1.0, 1.0, -1.0], [1.0, -1.0, -1.0]])
    z = np.log([[1.0, 2.0, 5.0], [1.0, 1.0, 2.0]])
    assert_allclose(LogLoss().value(y, z), np.log([4, 4]), rtol=1e-14)
    expected = [[0.125, -0.75, 0.625], [-0.75, 0.25, 0.5]]
    assert_allclose(LogLoss().gradient(y, z), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("loss", "metric"),
    [
        (SquaredError(), lambda y, p: metrics.mean_squared_error(y, p) / 2),
        (AbsoluteError(), metrics.mean_absolute_error),
        (Quantile(0.3), lambda y, p: metrics.mean_pinball_loss(y, p, alpha=0.3)),
        (Poisson(), lambda y, p: metrics.mean_poisson_deviance(y, p) / 2),
        (Gamma(), lambda y, p: metrics.mean_gamma_deviance(y, p) / 2),
        (Tweedie(1.7), lambda y, p: metrics.mean_tweedie_deviance(y, p, power=1.7) / 2),
    ],
    ids=lambda part: getattr(part, "__name__", repr(part)),
)
def test_equal_to_regression_metric(loss, metric):
    rng = np.random.default_rng(0)
    y, z = rng.gamma(2.0, size=200), rng.normal(size=200)
    assert_allclose(loss.value(y, z).mean(), metric(y, loss.inverse_link(z)), 1e-13)


@pytest.mark.parametrize("loss", [Poisson(), Tweedie(1.7)], ids=repr)
def test_equal_to_deviance_with_targets_of_zero(loss):
    y, z = np.array([0.0, 0.0, 2.0]), np.array([-3.0, 1.0, 0.5])
    power = getattr(loss, "power", 1)
    deviance = metrics.mean_tweedie_deviance(y, np.exp(z), power=power)
    assert_allclose(loss.value(y, z).mean(), deviance / 2, rtol=1e-14)


def test_equal_to_classification_metrics():
    rng = np.random.default_rng(0)
    y, z = rng.choice([-1.0, 1.0], size=200), rng.normal(scale=3, size=200)
    log_loss = metrics.log_loss(y, LogLoss().inverse_link(z))
    assert_allclose(LogLoss().value(y, z).mean(), log_loss, rtol=1e-13)
    assert_allclose(Hinge().value(y, z).mean(), metrics.hinge_loss(y, z), rtol=1e-13)

    classes, z = rng.integers(4, size=200), rng.normal(scale=3, size=(200, 4))
    log_loss = metrics.log_loss(classes, LogLoss().inverse_link(z))
    assert_allclose(LogLoss().value(one_hot(classes, 4), z).mean(), log_loss, 1e-13)


def one_hot(classes, k):
    return np.where(classes[:, None] == np.arange(k), 1.0, -1.0)


@pytest.mark.parametrize(
    ("loss", "model"),
    [
        (SquaredError(), Ridge(alpha=60 * 0.1)),
        (Poisson(), PoissonRegressor(alpha=0.1, tol=1e-10)),
        (Gamma(), GammaRegressor(alpha=0.1, tol=1e-10)),
        (Tweedie(1.5), TweedieRegressor(power=1.5, alpha=0.1, tol=1e-10, link="log")),
        (
            SquaredEpsilonInsensitive(0.1),
            LinearSVR(
                loss="squared_epsilon_insensitive",
                C=1 / 6,
                epsilon=0.1,
                tol=1e-10,
                max_iter=100_000,
            ),
        ),
    ],
    ids=repr,
)
def test_scikit_learn_regressors_minimise_the_same_objective(loss, model):
    """Mean loss + 0.1 · ½‖w‖² is stationary at their solution."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.exp(0.5 * X @ [1, -1, 0.5] + 0.3 * rng.normal(size=60))
    model.set_params(fit_intercept=False).fit(X, y)
    gradient = X.T @ loss.gradient(y, X @ model.coef_) / 60 + 0.1 * model.coef_
    assert_allclose(gradient, 0, atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_regression_minimises_the_same_objective(n_classes):
    rng = np.random.default_rng(0)
    X, classes = rng.normal(size=(60, 3)), np.arange(60) % n_classes
    model = LogisticRegression(C=1 / 6, fit_intercept=False, tol=1e-10)
    w = model.fit(X, classes).coef_.T
    y = one_hot(classes, n_classes) if n_classes > 2 else 2.0 * classes[:, None] - 1
    z = X @ w
    shape = z.shape if n_classes > 2 else (60,)
    g = LogLoss().gradient(y.reshape(shape), z.reshape(shape)).reshape(z.shape)
    assert_allclose(X.T @ g / 60 + 0.1 * w, 0, atol=1e-6)


def test_linear_svc_minimises_the_same_objective():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.where(np.arange(60) % 2, 1.0, -1.0)
    model = LinearSVC(C=1 / 6, fit_intercept=False, tol=1e-10, max_iter=100_000)
    w = model.fit(X, y).coef_[0]
    gradient = X.T @ SquaredHinge().gradient(y, X @ w) / 60 + 0.1 * w
    assert_allclose(gradient, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "model"),
    [(Hinge(), SVC), (EpsilonInsensitive(0.1), SVR)],
    ids=["SVC", "SVR"],
)
def test_support_vector_machines_minimise_the_same_objective(loss, model):
    """No direction from their solution goes down: the objective is not smooth."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = np.sign(X[:, 0] + 0.5 * rng.normal(size=60))
    fitted = model(kernel="linear", C=1 / 6, tol=1e-10).fit(X, y)
    w, b = fitted.coef_[0], fitted.intercept_[0]

    def objective(w, b):
        return loss.value(y, X @ w + b).mean() + 0.1 * 0.5 * w @ w

    least = objective(w, b)
    for _ in range(200):
        move = 0.01 * rng.normal(size=4)
        assert objective(w + move[:3], b + move[3]) >= least - 1e-9


@pytest.mark.parametrize(
    ("loss", "statistic"),
    [
        (SquaredError(), np.mean),
        (AbsoluteError(), np.median),
        (Quantile(0.7), lambda y: np.quantile(y, 0.7)),
        (Poisson(), np.mean),
        (Gamma(), np.mean),
        (Tweedie(1.5), np.mean),
    ],
    ids=["mean", "median", "quantile", "poisson", "gamma", "tweedie"],
)
def test_minimiser_of_the_mean_loss(loss, statistic):
    y = np.random.default_rng(0).gamma(2.0, size=101)
    z = np.log(statistic(y)) if hasattr(loss, "power") else statistic(y)
    below, above = (
        loss.gradient(y, np.full(101, x)).mean() for x in (z - 1e-9, z + 1e-9)
    )
    assert below < 0 < above


@pytest.mark.parametrize("shift", [0.0, 1e-6, -1e-6])
@pytest.mark.parametrize(("power", "limit"), [(1, Poisson()), (2, Gamma())], ids=repr)
def test_tweedie_tends_to_poisson_and_gamma(power, limit, shift):
    loss = Tweedie(power=np.clip(power + shift, 1, 2))
    rng = np.random.default_rng(0)
    y, z = rng.gamma(2.0, size=50), rng.normal(size=50)
    tolerance = 1e-14 + 20 * abs(shift)
    assert_allclose(loss.value(y, z), limit.value(y, z), rtol=tolerance, atol=1e-15)
    assert_allclose(loss.gradient(y, z), limit.gradient(y, z), tolerance, 1e-15)


# Softmax


@given(st.floats(-800, 800), st.floats(-800, 800), st.sampled_from([-1.0, 1.0]))
def test_softmax_of_two_columns_is_the_binary_loss(z0, z1, y):
    tolerance = {"rtol": 1e-13, "atol": 1e-300}  # expit rounds 1e-309 to zero
    loss, z = LogLoss(), np.array([[z0, z1]])
    both = np.array([[-y, y]])
    binary = np.array([y]), np.array([z1 - z0])
    assert_allclose(loss.value(both, z), loss.value(*binary), **tolerance)
    gradient, binary_gradient = loss.gradient(both, z), loss.gradient(*binary)
    assert_allclose(gradient[:, 1], binary_gradient, **tolerance)
    assert_allclose(gradient[:, 0], -binary_gradient, **tolerance)
    probability = loss.inverse_link(z)[:, 1]
    assert_allclose(probability, loss.inverse_link(binary[1]), **tolerance)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=6))
def test_softmax_gradient_sums_to_zero(z):
    y = np.full((1, len(z)), -1.0)
    y[0, 0] = 1
    assert abs(LogLoss().gradient(y, np.array([z])).sum()) <= 4e-16


@given(st.floats(-500, 500))
def test_softmax_does_not_change_with_a_shift(shift):
    y, z = one_hot(np.array([0, 2]), 3), np.array([[1.0, 2.0, 4.0], [0.0, -3.0, 1.0]])
    loss = LogLoss()
    assert_allclose(loss.value(y, z + shift), loss.value(y, z), rtol=1e-11)
    assert_allclose(loss.gradient(y, z + shift), loss.gradient(y, z), rtol=1e-11)


# Extreme inputs and precision


EXTREMES = {
    np.float32: [0, 1e-45, 1e-38, 1e-30, 1e3, 1e10, 3e38, 3.4028235e38],
    np.float64: [0, 5e-324, 2e-308, 1e-30, 1e3, 1e10, 1e300, 1.7976931348623157e308],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [None, 3])
@every_loss
def test_extreme_inputs(loss, columns, dtype):
    rng = np.random.default_rng(0)
    sizes = np.array(EXTREMES[dtype], dtype)
    z = np.concatenate([-sizes, sizes])
    if isinstance(loss, ClassificationLoss):
        y = np.array([-1, 1], dtype)
    else:
        y = np.array([x for x in z if loss.target_range.accepts(float(x))], dtype)
    y, z = map(np.ravel, np.meshgrid(y, z))
    if columns:
        z = rng.choice(z, size=(300, columns))
        y = rng.choice(y, size=(300, columns))
        if isinstance(loss, ClassificationLoss):
            y = one_hot(rng.integers(columns, size=300), columns).astype(dtype)
    with np.errstate(all="raise"):
        results = [loss.value(y, z), loss.gradient(y, z)]
        if hasattr(loss, "inverse_link"):
            results.append(loss.inverse_link(z))
    assert all(np.isfinite(result).all() for result in results)


@pytest.mark.parametrize("loss", LOG_LINK, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mean_saturates(loss, dtype):
    limits = np.finfo(dtype)
    z = np.array([-1e4, 1e4], dtype)
    assert_array_equal(loss.inverse_link(z), [limits.tiny, limits.max])
    ends = loss.value(np.ones(2, dtype), np.array([1e4, 2e4], dtype))
    assert ends[0] == ends[1]


def test_saturation_is_at_the_largest_number():
    y, z = np.array([1.0]), np.array([1e4])
    largest = np.finfo(float).max
    assert SquaredError().value(-1e200 * y, 1e200 * y) == largest
    assert Poisson().gradient(y, z) == largest
    assert Gamma().gradient(y, -z) == -largest
    assert_allclose(Poisson().value(y, z), largest, rtol=1e-12)


def test_saturating_keeps_nan():
    assert np.isnan(SquaredError().value(np.zeros(1), np.array([np.nan]))).all()


@pytest.mark.parametrize("margin", [5.0, 50.0, 500.0, 700.0])
def test_log_loss_is_precise_for_large_margins(margin):
    # log(1 + x) = x − x²/2 + …, and x / (1 + x) is the gradient
    x = math.exp(-margin)
    for y, z in (
        (np.ones(1), np.array([margin])),
        (np.array([[1.0, -1.0]]), np.array([[margin, 0.0]])),
        (np.array([[-1.0, 1.0]]), np.array([[0.0, margin]])),
    ):
        assert_allclose(LogLoss().value(y, z), math.log1p(x), rtol=1e-13)
        slope = np.abs(LogLoss().gradient(y, z))
        assert_allclose(slope, x / (1 + x), rtol=1e-13)


@pytest.mark.parametrize("e", [1e-3, 1e-6, 1e-100])
@pytest.mark.parametrize("loss", [PseudoHuber(1.0), LogCosh()], ids=repr)
def test_smooth_losses_are_precise_for_small_errors(loss, e):
    fourth = 0.125 if isinstance(loss, PseudoHuber) else 1 / 12
    series = 0.5 * e**2 - fourth * e**4
    assert_allclose(at(loss.value, 0.0, e), series, rtol=1e-12)


@pytest.mark.parametrize("loss", LOG_LINK, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_at_a_perfect_fit(loss, dtype):
    y = np.random.default_rng(0).gamma(2.0, scale=1e6, size=100).astype(dtype)
    assert_array_equal(loss.value(y, np.log(y)), 0)


# Targets and links


@pytest.mark.parametrize(
    ("loss", "negative", "zero"),
    [
        (SquaredError(), True, True),
        (Poisson(), False, True),
        (Gamma(), False, False),
        (Tweedie(1), False, True),
        (Tweedie(1.5), False, True),
        (Tweedie(2), False, False),
    ],
    ids=repr,
)
def test_target_range(loss, negative, zero):
    accepted = [loss.target_range.accepts(y) for y in (-1.0, 0.0, 1e-300)]
    assert accepted == [negative, zero, True]


def test_inverse_links():
    z = np.array([-2.0, -0.5, 0.0, 3.0])
    rows = z.reshape(2, 2)
    assert SquaredError().inverse_link(z) is z
    assert_allclose(Poisson().inverse_link(z), np.exp(z), rtol=1e-15)
    assert_allclose(LogLoss().inverse_link(z), expit(z), rtol=1e-15)
    assert_allclose(LogLoss().inverse_link(rows), softmax(rows, axis=1), rtol=1e-15)
    assert_array_equal(ModifiedHuber().inverse_link(z), [0, 0.25, 0.5, 1])
    assert_array_equal(ModifiedHuber().inverse_link(rows), [[0, 0.25], [0.5, 1]])


@pytest.mark.parametrize("loss", [Hinge(), SquaredHinge(), Perceptron()], ids=repr)
def test_no_probability(loss):
    assert not hasattr(loss, "inverse_link")
    assert not hasattr(loss, "link")


def test_links():
    mean = np.array([0.5, 2.0])
    assert Huber().link(mean) is mean
    assert_allclose(Tweedie(1.5).link(mean), np.log(mean), rtol=1e-15)
    assert np.isfinite(Poisson().link(np.zeros(1))).all()
    assert LogLoss().link(np.float64(0.8)) == pytest.approx(np.log(4), rel=1e-15)
    assert_array_equal(ModifiedHuber().link(mean / 2), [-0.5, 1])
    for loss in (LogLoss(), ModifiedHuber()):
        p = np.array([0.625, 0.25, 0.125])
        assert_allclose(loss.inverse_link(loss.link(p)[np.newaxis]), [p], rtol=1e-15)


# The checker


class Square(RegressionLoss):
    """A right loss; those below are wrong in one thing each."""

    @saturating
    def value(self, y, z):
        return (z - y) ** 2

    @saturating
    def gradient(self, y, z):
        return 2 * (z - y)


class FactorMissing(Square):
    @saturating
    def gradient(self, y, z):
        return z - y


class SignWrong(Square):
    @saturating
    def gradient(self, y, z):
        return 2 * (y - z)


class BeyondTheKink(Square):
    """At the kink z = y, where 0 ± 1 are the one-sided derivatives, it returns 2."""

    @saturating
    def value(self, y, z):
        return np.abs(z - y)

    @saturating
    def gradient(self, y, z):
        return np.where(z == y, 2, np.sign(z - y))


class OneBranchWrong(ClassificationLoss):
    @saturating
    def value(self, y, z):
        return np.maximum(0, 1 - y * z) ** 2

    @saturating
    def gradient(self, y, z):
        return np.where(y * z < 1, -2 * (1 - y * z), 0)


class Meaned(Square):
    def value(self, y, z):
        return super().value(y, z).mean()


class DividedByRows(Square):
    def value(self, y, z):
        return super().value(y, z) / len(z)

    def gradient(self, y, z):
        return super().gradient(y, z) / len(z)


class Widening(Square):
    def gradient(self, y, z):
        return super().gradient(y, z).astype(np.float64)


class Overflowing(Square):
    def value(self, y, z):
        return (z - y) ** 2


class QuietlyInfinite(Square):
    def value(self, y, z):
        with np.errstate(over="ignore"):
            return (z - y) ** 2


class Writing(Square):
    def gradient(self, y, z):
        gradient = super().gradient(y, z)
        z -= y
        return gradient


class Remembering(Square):
    def value(self, y, z):
        self.last_ = z
        return super().value(y, z)


class Counting(Square):
    calls = 0

    def value(self, y, z):
        type(self).calls += 1
        return super().value(y, z) * self.calls


class Converting(Square):
    def __init__(self, scale=1.0):
        self.scale = float(scale) + 0.0


class StoringMore(Square):
    def __init__(self, scale=1.0):
        self.scale = scale
        self.half = scale / 2


class NegativeProbability(ClassificationLoss):
    @saturating
    def value(self, y, z):
        return np.maximum(0, 1 - y * z)

    @saturating
    def gradient(self, y, z):
        return np.where(y * z < 1, -y, 0)

    def inverse_link(self, z):
        return np.clip(z, -1, 1)


class OverflowingLink(Square):
    def inverse_link(self, z):
        return np.exp(z)


class LinkMissing(Square):
    def inverse_link(self, z):
        return z / 2


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (FactorMissing(), "gradient is not the derivative of value: for y="),
        (SignWrong(), "gradient is not the derivative of value"),
        (BeyondTheKink(), "gradient is not the derivative of value"),
        (OneBranchWrong(), "gradient is not the derivative of value: for y=-1.0"),
        (Meaned(), r"Meaned.value must return an array of shape"),
        (DividedByRows(), "the result of a row depends on others"),
        (Widening(), "gradient must return float32 for float32, got float64"),
        (Overflowing(), "value on extreme inputs warns: overflow"),
        (QuietlyInfinite(), "value on extreme inputs is not finite: inf"),
        (Writing(), "gradient writes to its arguments"),
        (Remembering(), "attribute 'last_' changed"),
        (Counting(), "value returns something else when it is called again"),
        (Converting(scale=1), "must store its arguments, unchanged"),
        (StoringMore(), r"stores \['half', 'scale'\], but its parameters"),
        (NegativeProbability(), r"inverse_link is not within \[0, 1\]"),
        (OverflowingLink(), "inverse_link warns: overflow"),
        (LinkMissing(), "link is not the inverse of inverse_link"),
        (Square, "expected an instance of a subclass of Loss"),
        (Huber(delta=-1), "delta must be"),
    ],
    ids=lambda part: getattr(part, "__name__", None) or type(part).__name__,
)
def test_check_loss_finds(loss, message):
    with pytest.raises(AssertionError, match=message):
        check_loss(loss)


def test_check_loss_accepts_a_right_loss():
    check_loss(Square())
