"""A divergence is found soon, names its cause, and leaves finite coefficients."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import PoissonRegressor, SGDClassifier
from sklearn.metrics import mean_poisson_deviance
from sklearn.preprocessing import StandardScaler

from skgd import GDClassifier, GDRegressor, _plan
from skgd.losses import SquaredError
from skgd.optimizers import SGD, Adam, Momentum, Nesterov, Optimizer
from skgd.penalties import L2
from skgd.schedules import Optimal

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1000, 4))
Y = X @ [1.0, 2.0, 3.0, 4.0] + 5


def plain(**params):
    options = {
        "penalty": None,
        "optimizer": "sgd",
        "standardize": False,
        "schedule": "constant",
        "random_state": 0,
    }
    return GDRegressor(**options | params)


def message(model, X, y, method="fit", **options):
    """Return what the model says when it diverges."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(model, method)(X, y, **options)
    assert [warning.category for warning in caught] == [ConvergenceWarning]
    assert model.stop_reason_ == "diverged"
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    return str(caught[0].message)


def numbers(pattern, text):
    return [float(number) for number in re.search(pattern, text).groups()]


# Causes


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_a_column_of_extreme_size(kind):
    text = message(plain(learning_rate=0.01), kind(X * [1, 1, 1e5, 1]), Y)
    assert "values of column 2 are far larger" in text
    assert "standardize=True" in text
    square = np.sqrt((X**2).mean(axis=0))
    found = numbers(r"root mean square (\S+), and (\S+) is the median", text)
    assert_allclose(found, [1e5 * square[2], np.median(square[[0, 1, 3]])], rtol=0.01)


def test_a_column_with_a_name():
    frame = pd.DataFrame(X * [1, 1e5, 1, 1], columns=["age", "income", "c", "d"])
    text = message(plain(learning_rate=0.01), frame, Y)
    assert "column 1 ('income')" in text


def test_a_rate_too_high_for_the_objective():
    A = np.column_stack([X, np.ones(len(X))])
    curvature = np.linalg.eigvalsh(A.T @ A / len(X))[-1]
    text = message(plain(learning_rate=2.2 / curvature, batch_size=None), X, Y)
    found = numbers(r"\(it was (\S+)\): .* up to (\S+), .* λ = (\S+);", text)
    assert_allclose(found, [2.2 / curvature, 2 / curvature, curvature], rtol=0.05)
    assert "column" not in text


def test_a_rate_too_high_for_single_samples():
    text = message(plain(learning_rate=1.0, batch_size=1), X, Y)
    (found,) = numbers(r"batch of 1 is λ = (\S+);", text)
    assert_allclose(found, (X**2).sum(axis=1).max() + 1, rtol=0.05)


@pytest.mark.parametrize("optimizer", [Momentum(0.9), Nesterov(0.9)])
def test_a_rate_too_high_for_standardized_features(optimizer):
    X, y = load_breast_cancer(return_X_y=True)
    model = GDClassifier(
        optimizer=optimizer, learning_rate=100.0, batch_size=None, alpha=1.0
    )
    text = message(model, X, y)
    highest, curvature = numbers(r"stable up to (\S+), .* λ = (\S+);", text)
    Z = np.column_stack([(X - X.mean(axis=0)) / X.std(axis=0), np.ones(len(X))])
    # At the best constant p the log loss has the curvature p (1 − p).
    p, highest_of_data = y.mean(), np.linalg.eigvalsh(Z.T @ Z / len(Z))[-1]
    expected = p * (1 - p) * highest_of_data + model.alpha
    assert_allclose(curvature, expected, rtol=0.05)
    assert_allclose(highest, optimizer.highest_stable_rate(curvature), rtol=0.05)


@pytest.mark.parametrize("optimizer", [SGD(), Momentum(0.5), Nesterov(0.5)])
@pytest.mark.parametrize(("part", "grows"), [(0.99, False), (1.01, True)])
def test_the_highest_stable_rate_is_where_steps_begin_to_grow(optimizer, part, grows):
    curvature, w = 3.0, np.ones(1)
    rate = part * optimizer.highest_stable_rate(curvature)
    state = optimizer.init(w)
    for t in range(1, 2001):
        w = w - rate * optimizer.direction(w, curvature * w, t, **state)
    assert (abs(w[0]) > 1) == grows


def test_other_optimizers_claim_no_bound():
    assert Adam().highest_stable_rate(1.0) is None
    text = message(plain(optimizer="adam", learning_rate=1e5), X, Y)
    remedy = "Lower learning_rate (it was 100000), or set standardize=True, or set clip"
    assert remedy in text


class Broken(SquaredError):
    """Squared error with a gradient that is missing in places."""

    def gradient(self, y, z):
        r = z - y
        r[np.abs(r) > 8] = np.nan
        return r


class BrokenPenalty(L2):
    """L2 that overflows at a small weight."""

    def gradient(self, w):
        return np.where(np.abs(w) > 0.5, np.inf, w)


class BrokenValue(L2):
    """L2 whose value is NaN at a small weight."""

    def value(self, w):
        return np.nan if np.abs(w).max() > 0.5 else 0.0


class BrokenStart(L2):
    """L2 whose value is NaN from the start."""

    def value(self, w):
        return np.nan


class BrokenProx(L2):
    """L2 with a proximal operator that is missing for small weights."""

    def prox(self, w, step):
        return np.where(np.abs(w) > 0.5, np.nan, w) if np.any(step) else w


class BrokenOptimizer(Optimizer):
    """Gradient descent whose direction is not finite in one step."""

    def direction(self, w, g, t):
        return g / (0.0 if t == 70 else 1.0)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"loss": Broken()}, r"loss Broken\(\) returned .* not finite from gradient"),
        (
            {"penalty": BrokenPenalty(), "alpha": 0.1},
            r"penalty BrokenPenalty\(\) returned .* from gradient",
        ),
        (
            {"penalty": BrokenValue(), "alpha": 0.1},
            r"penalty BrokenValue\(\) returned .* from value",
        ),
        (
            {"penalty": BrokenStart(), "alpha": 0.1},
            r"penalty BrokenStart\(\) returned .* from value",
        ),
        (
            {"penalty": BrokenProx(), "alpha": 0.1},
            r"penalty BrokenProx\(\) returned .* from prox",
        ),
        (
            {"optimizer": BrokenOptimizer()},
            r"optimizer BrokenOptimizer\(\) returned .* from direction",
        ),
    ],
)
@pytest.mark.parametrize("standardize", [True, False])
def test_a_component_of_the_user_that_is_not_finite(params, match, standardize):
    model = plain(learning_rate=0.01, standardize=standardize, **params)
    assert re.search(match, message(model, X, Y))


def test_a_component_that_overflows_by_a_rate_too_high_is_not_blamed():
    class Own(SGD):
        def direction(self, w, g, t):
            return 1.0 * g  # another formula: the bound of SGD is not claimed

    text = message(plain(optimizer=Own(), learning_rate=10.0), X, Y)
    assert "Own() returned" not in text
    assert "stable" not in text
    assert "Lower learning_rate (it was 10)" in text


def test_targets_of_extreme_size():
    text = message(plain(loss="poisson"), X, np.exp(Y))
    found = numbers(r"targets reach (\S+) and their median size is (\S+):", text)
    assert_allclose(found, [np.exp(Y).max(), np.median(np.exp(Y))], rtol=0.01)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_data_that_are_not_finite_are_refused(bad):
    x, y = X.copy(), Y.copy()
    x[3, 1], y[5] = bad, bad
    for model in (plain(), GDRegressor()):
        for data, match in (((x, Y), "X contains"), ((X, y), "y contains")):
            for call in (model.fit, model.partial_fit):
                with pytest.raises(ValueError, match=f"[Ii]nput {match}"):
                    call(*data)


# When, and what is left


class Counting(SGD):
    """Gradient descent that counts its steps."""

    steps = 0

    def direction(self, w, g, t):
        Counting.steps += 1
        return 1.0 * g


def test_a_long_epoch_ends_soon(monkeypatch):
    monkeypatch.setattr(_plan, "_MOST_RATES", 16)
    monkeypatch.setattr(Counting, "steps", 0)
    model = plain(optimizer=Counting(), learning_rate=1.0, batch_size=1)
    message(model.set_params(max_iter=1, tol=None), X, Y)
    # Also the 1000 batches in which a broken component is looked for.
    assert Counting.steps < 1000 + 200
    assert_array_equal(model.coef_, np.zeros(4))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_best_epoch_is_left(dtype):
    """Ten good epochs, then a rate that is a thousand times too high."""

    def schedule(t):
        return 1.0 if t <= 10 else 1e4

    params = {"batch_size": None, "learning_rate": 0.1, "tol": None}
    data = X.astype(dtype), Y.astype(dtype)
    model = plain(schedule=schedule, max_iter=30, **params)
    message(model, *data)
    until = plain(max_iter=10, **params).fit(*data)
    assert_array_equal(model.coef_, until.coef_)
    assert model.t_ == 10


# Streams


def test_a_stream_that_is_no_longer_finite_undoes_the_call():
    model = plain(learning_rate=0.01).partial_fit(X, Y)
    coef, t = model.coef_, model.t_
    text = message(model, X * 1e150, Y, "partial_fit")
    assert "The coefficients are those before this call" in text
    assert_array_equal(model.coef_, coef)
    assert model.t_ == t


@pytest.mark.parametrize(("size", "rate"), [(1, 0.6), (50, 2.5)])
def test_a_stream_that_grows_and_stays_finite(size, rate):
    model = plain(learning_rate=rate, average=False)

    def stream():
        for rows in np.split(np.arange(1000), 1000 // size):
            model.partial_fit(X[rows], Y[rows])
            if model.stop_reason_ == "diverged":
                break

    with pytest.warns(ConvergenceWarning, match="two calls .* learning_rate"):
        stream()
    assert 1e4 < model.loss_curve_[-1] < 1e12


def drift(kind, rng, n=4000, d=5):
    """Return a stream that is difficult and in order."""
    x = rng.normal(size=(n, d))
    w = rng.normal(size=d)
    t = np.arange(n)
    if kind == "exact, then the opposite":
        return x, x @ w * np.where(t < n // 2, 1, -1)
    if kind == "target grows":
        return x, (x @ w + rng.normal(size=n)) * 1.005**t
    if kind == "target shrinks":
        return x, (x @ w + rng.normal(size=n)) * 0.995**t
    if kind == "samples far out":
        far = rng.random(n) < 0.01
        return x, x @ w + np.where(far, 1e4, 1) * rng.normal(size=n)
    if kind == "features far out":
        far = rng.random(n) < 0.01
        return np.where(far, 1e3, 1)[:, np.newaxis] * x, x @ w + rng.normal(size=n)
    if kind == "features far from zero":
        return x + 1e3, x @ w + rng.normal(size=n)
    return x, x @ w + 10 * np.sin(t / 100)


@pytest.mark.parametrize(
    "kind",
    [
        "exact, then the opposite",
        "target grows",
        "target shrinks",
        "samples far out",
        "features far out",
        "features far from zero",
        "seasons",
    ],
)
@pytest.mark.filterwarnings("ignore:The deviation of column")
@pytest.mark.parametrize("size", [1, 40])
def test_a_stream_that_drifts_is_not_called_diverged(kind, size):
    x, y = drift(kind, np.random.default_rng(0))
    model = GDRegressor(random_state=0)
    for start in range(0, len(x) if size > 1 else 1000, size):
        model.partial_fit(x[start : start + size], y[start : start + size])
    assert model.stop_reason_ == "partial_fit"


def test_labels_that_turn_around_are_not_a_divergence():
    x, y = drift("exact, then the opposite", np.random.default_rng(0))
    model = GDClassifier(random_state=0)
    for start in range(0, len(x), 40):
        rows = slice(start, start + 40)
        model.partial_fit(x[rows], y[rows] > 0, classes=[False, True])
    assert model.stop_reason_ == "partial_fit"


def heavy_tailed(sigma=2.5, n=2000, seed=3):
    """Return counts that have nothing to do with features of a lognormal kind."""
    rng = np.random.default_rng(seed)
    return np.exp(sigma * rng.normal(size=(n, 5))), rng.poisson(1.0, n)


@pytest.mark.parametrize("seed", [13, 16])
def test_an_automatic_rate_that_is_too_high_is_lowered(seed):
    """By the exponential a few rows far out have steps that are much too long."""
    X, y = heavy_tailed(seed=seed)
    model = GDRegressor("poisson", random_state=0).fit(X, y)
    assert model.stop_reason_ == "tol"
    assert model.update_curve_[0] > 63  # There were other epochs.
    Z = StandardScaler().fit_transform(X)
    exact = PoissonRegressor(alpha=0, max_iter=1000, tol=1e-9).fit(Z, y)
    best = mean_poisson_deviance(y, exact.predict(Z))
    deviance = mean_poisson_deviance(y, model.predict(X))
    assert deviance < best + 1e-2 * mean_poisson_deviance(y, np.full(len(y), y.mean()))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"schedule": "one_cycle", "max_iter": 8, "tol": None},
        {"schedule": "constant", "max_iter": 20, "tol": 1e-2},
        {"max_iter": 1, "tol": None},
        {"early_stopping": True, "n_iter_no_change": 3},
        {"schedule": "reduce_on_plateau", "max_iter": 30},
    ],
)
@pytest.mark.filterwarnings("ignore:Training stopped at max_iter")
def test_training_at_a_lower_rate_is_as_if_it_had_been_given(params):
    X, y = heavy_tailed(sigma=3.0, n=10_000, seed=0)
    model = GDRegressor("poisson", random_state=0, **params).fit(X, y)
    assert model.stop_reason_ != "diverged"
    slow = GDRegressor("poisson", random_state=0, **params)
    slow.set_params(learning_rate=model.learning_rate_).fit(X, y)
    assert_array_equal(model.coef_, slow.coef_)
    assert model.t_ == slow.t_
    assert model.stop_reason_ == slow.stop_reason_
    for name in ("loss", "learning_rate", "validation"):
        curves = [getattr(m, f"{name}_curve_") for m in (model, slow)]
        assert_array_equal(*curves)
    lost = model.update_curve_[0] - slow.update_curve_[0]
    assert lost > 0
    assert_array_equal(np.subtract(model.update_curve_, lost), slow.update_curve_)


def test_a_warm_start_tries_the_automatic_rate_again():
    X, y = heavy_tailed(sigma=3.0, n=10_000, seed=0)
    model = GDRegressor("poisson", random_state=0, warm_start=True).fit(X, y)
    model.set_params(optimizer="sgd", loss="squared_error").fit(X, y)
    fresh = GDRegressor(optimizer="sgd", random_state=0).fit(X, y)
    assert model.learning_rate_ == fresh.learning_rate_


@pytest.mark.parametrize(
    "params",
    [{"learning_rate": 0.3}, {"learning_rate": 0.3, "clip_norm": 1.0}],
)
def test_what_is_left_is_not_worse_than_the_start(params):
    """The mean loss of an epoch is not that of the weights before it."""
    X, y = heavy_tailed(seed=1, n=10_000)
    model = GDRegressor("poisson", random_state=0, **params)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    at_start = mean_poisson_deviance(y, np.full(len(y), y.mean()))
    assert mean_poisson_deviance(y, model.predict(X)) <= (1 + 1e-3) * at_start


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_first_steps_too_long_that_are_made_good(loss):
    """The first rate of this schedule is 10: the loss is high, and falls."""
    X, y = load_diabetes(return_X_y=True)
    X, labels = StandardScaler().fit_transform(X), y > 140
    schedule = Optimal(1e-4, t0=1e-4**-0.75)
    params = {"max_iter": 1, "shuffle": False, "tol": None, "average": False}
    model = GDClassifier(loss, optimizer="sgd", learning_rate=1.0, schedule=schedule)
    model.set_params(batch_size=1, standardize=False, **params).fit(X, labels)
    assert model.loss_curve_[0] > 10
    assert model.stop_reason_ == "max_iter"
    exact = SGDClassifier(loss, **params).fit(X, labels)
    assert_allclose(model.coef_, exact.coef_, rtol=1e-3)


def test_raw_data_do_not_diverge_at_the_defaults():
    X, y = load_diabetes(return_X_y=True, scaled=False)
    for optimizer in ("sgd", "momentum", "adam"):
        model = GDRegressor(optimizer=optimizer, max_iter=20, tol=None)
        assert model.fit(X, 1e6 * y).stop_reason_ == "max_iter"
