"""What the parameters of training do, and what the attributes say about it."""

import functools
import pickle
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.exceptions import ConvergenceWarning

from skgd import OPTIMIZERS, GDClassifier, GDRegressor
from skgd.losses import SquaredError
from skgd.optimizers import FTRL, SGD, AdaGrad, Adam, Momentum
from skgd.schedules import (
    CosineRestarts,
    Exponential,
    Join,
    LinearRestarts,
    Schedule,
    Step,
    Warmup,
)

X, Y = make_regression(60, 4, noise=5, bias=10, random_state=0)
N, D = X.shape
A = np.column_stack([X, np.ones(N)])


RAW = {"standardize": False, "schedule": "constant", "average": False}
"""Training on the numbers as they are, at one rate: as the formulas are written."""


def regressor(**params):
    """Return plain descent on all samples at once, one step of it."""
    options = {
        "penalty": None,
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "batch_size": None,
        "max_iter": 1,
        "tol": None,
    }
    return GDRegressor(**(RAW | options | params))


def weights(model):
    return np.append(model.coef_, model.intercept_)


def gradient(w, rows=slice(None)):
    """Return the gradient of the mean of ½(y − z)²."""
    return A[rows].T @ (A[rows] @ w - Y[rows]) / len(Y[rows])


# Start


def test_start_values_are_where_training_starts():
    start = np.array([1.0, -2.0, 3.0, 0.0, 7.0])
    model = regressor().fit(X, Y, coef_init=start[:-1], intercept_init=start[-1])
    assert_allclose(weights(model), start - 0.1 * gradient(start), rtol=1e-12)
    one_row = regressor().fit(X, Y, coef_init=[start[:-1]], intercept_init=[start[-1]])
    assert_array_equal(one_row.coef_, model.coef_)
    labels = np.digitize(Y, [-20, 20])
    coef, intercept = np.arange(12.0).reshape(3, 4), np.array([1.0, 2.0, 3.0])
    tiny = {"optimizer": "sgd", "learning_rate": 1e-14, "max_iter": 1, "tol": None}
    model = GDClassifier(**tiny).fit(
        X, labels, coef_init=coef, intercept_init=intercept
    )
    assert_allclose(model.coef_, coef, atol=1e-10)
    assert_allclose(model.intercept_, intercept, atol=1e-10)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_start_values_in_a_warm_start_begin_the_memory_anew(optimizer):
    options = {"optimizer": optimizer, "max_iter": 3, "average": True}
    start = {"coef_init": [1.0, 2.0, 3.0, 4.0], "intercept_init": 5.0}
    fresh = regressor(**options).fit(X, Y, **start)
    warm = regressor(warm_start=True, **options).fit(X, Y)
    warm.fit(X, Y, **start)
    assert_allclose(warm.coef_, fresh.coef_, rtol=1e-12)
    assert warm.t_ == 6


def drawn(shape, n_features, seed=0):
    """Return the weights of ``init="random"``, in the units of training."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) / np.sqrt(n_features)


def at_start(Estimator, **params):
    """Return an estimator that takes steps of length zero."""
    options = {"schedule": lambda t: 0.0, "average": False, "max_iter": 1, "tol": None}
    return Estimator(init="random", **({"random_state": 0} | options | params))


@pytest.mark.parametrize("seed", [0, 7])
def test_a_random_start_is_drawn_by_the_seed(seed):
    options = {"random_state": seed, "standardize": False}
    model = at_start(GDRegressor, **options)
    for start in (model.fit(X, Y), clone(model).partial_fit(X, Y)):
        assert_array_equal(weights(start), drawn(5, D, seed))
    labels = np.digitize(Y, [-20, 20])
    classes = at_start(GDClassifier, **options).fit(X, labels)
    expected = drawn((5, 3), D, seed)
    assert_array_equal(classes.coef_, expected[:-1].T)
    assert_array_equal(classes.intercept_, expected[-1])
    assert_array_equal(
        weights(at_start(GDRegressor, **options).fit(X.astype(np.float32), Y)),
        drawn(5, D, seed).astype(np.float32),
    )


def test_a_random_start_has_the_units_of_training():
    """A column in thousandths and a target in millions start at the same function."""
    model = at_start(GDRegressor, alpha=0).fit(X * [1, 1e-3, 1, 1], 1e6 * Y)
    scale = X.std(axis=0) * [1, 1e-3, 1, 1]
    v = model.coef_ * scale / (1e6 * Y.std())
    assert_allclose(v, drawn(5, D)[:-1], rtol=1e-12)
    at_zeros = at_start(GDRegressor).set_params(init="zeros").fit(X, 1e6 * Y)
    of_the_mean = model.predict([X.mean(axis=0) * [1, 1e-3, 1, 1]])
    moved = (of_the_mean - at_zeros.intercept_ - at_zeros.coef_ @ X.mean(axis=0)) / (
        1e6 * Y.std()
    )
    assert_allclose(moved, drawn(5, D)[-1], rtol=1e-9)
    constant = at_start(GDRegressor).fit(np.where([1, 0, 1, 1], X, 5.0), Y)
    assert constant.coef_[1] == 0


def test_a_random_start_leads_to_the_same_minimum():
    options = {"alpha": 0.01, "tol": None, "max_iter": 3000, "batch_size": None}
    zeros = GDRegressor(**options).fit(X, Y)
    one, other = (
        GDRegressor(init="random", random_state=seed, **options).fit(X, Y)
        for seed in (0, 1)
    )
    assert_allclose(one.coef_, zeros.coef_, rtol=1e-4)
    assert_allclose(other.coef_, zeros.coef_, rtol=1e-4)
    assert one.loss_curve_[0] != other.loss_curve_[0] != zeros.loss_curve_[0]


@pytest.mark.parametrize("standardize", [False, True])
def test_given_start_values_win_over_a_random_start(standardize):
    """An intercept that is not given is drawn, and not the one of a drawn slope."""
    model = at_start(GDRegressor, standardize=standardize)
    zeros = clone(model).set_params(init="zeros")
    given = {"coef_init": [1.0, 2.0, 3.0, 4.0], "intercept_init": 5.0}
    assert_allclose(weights(model.fit(X, Y, **given)), [1, 2, 3, 4, 5], rtol=1e-12)
    model.fit(X, Y, intercept_init=5.0)
    assert_allclose(model.intercept_, 5, rtol=1e-12)
    v = model.coef_ * (X.std(axis=0) / Y.std() if standardize else 1)
    assert_allclose(v, drawn(5, D)[:-1], rtol=1e-12)
    model.fit(X + 1e6, Y, coef_init=given["coef_init"])
    zeros.fit(X + 1e6, Y, coef_init=given["coef_init"])
    assert_allclose(model.coef_, [1, 2, 3, 4], rtol=1e-9)
    moved = (model.intercept_ - zeros.intercept_) / (Y.std() if standardize else 1)
    assert_allclose(moved, drawn(5, D)[-1], rtol=1e-6)


def test_a_random_start_leaves_the_order_of_samples_as_it_is():
    """On a parabola an epoch moves two starts by the same matrix, in its order."""
    plain = {"batch_size": 1, "shuffle": True, "random_state": 0, "learning_rate": 0.01}
    random, zeros = regressor(init="random", **plain), regressor(**plain)
    random.fit(X, Y)
    zeros.fit(X, Y, coef_init=drawn(5, D)[:-1], intercept_init=drawn(5, D)[-1])
    assert_array_equal(weights(random), weights(zeros))


def test_training_that_goes_on_draws_nothing():
    options = {"random_state": 0, "batch_size": 7}
    random = regressor(init="random", warm_start=True, **options)
    zeros = regressor(warm_start=True, **options)
    for model in (random, zeros):
        model.fit(X, Y)
    random.init, zeros.init = "zeros", "random"
    for go_on in ("fit", "partial_fit"):
        for model in (random, zeros):
            before = weights(model)
            still = clone(model).set_params(schedule=lambda t: 0.0)
            still.__dict__ |= {
                name: value
                for name, value in vars(model).items()
                if name not in model.get_params()
            }
            assert_array_equal(weights(getattr(still, go_on)(X, Y)), before)


@pytest.mark.parametrize("standardize", [False, True])
def test_epochs_from_a_random_start_are_partial_fits(standardize):
    options = {"init": "random", "standardize": standardize, "random_state": 0}
    options |= {"schedule": "constant", "average": False, "learning_rate": 0.01}
    whole = GDRegressor(max_iter=5, tol=None, **options).fit(X, Y)
    single = GDRegressor(**options)
    for _ in range(5):
        single = pickle.loads(pickle.dumps(single.partial_fit(X, Y)))
    rtol = 1e-9 if standardize else 0
    assert_allclose(weights(single), weights(whole), rtol=rtol)


def test_a_line_by_one_sample_at_a_time_from_a_random_start():
    """The line 3x + 0.5; the rate is 0.1 for (y − z)², whose gradient is twice ours."""
    distances = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.uniform(size=(100, 1))
        y = 3 * x[:, 0] + 0.5 + rng.normal(scale=0.01, size=100)
        options = {"learning_rate": 0.2, "batch_size": 1, "random_state": seed}
        model = regressor(init="random", max_iter=3, **options).fit(x, y)
        assert model.t_ == 300
        distances.append(np.abs(weights(model) - [3, 0.5]))
    assert (np.quantile(distances, 0.9, axis=0) < [0.1, 0.05]).all()


# Step


def test_a_step_is_the_rate_times_the_gradient():
    w = np.zeros(5)
    model = regressor(warm_start=True, schedule=lambda t: 1 / t)
    for t in range(1, 6):
        w = w - 0.1 / t * gradient(w)
        assert_allclose(weights(model.fit(X, Y)), w, rtol=1e-12)
        assert model.t_ == model.n_iter_ == t


def test_clip_norm_shortens_the_whole_gradient():
    g = gradient(np.zeros(5))
    length = np.linalg.norm(g)
    clipped = regressor(clip_norm=length / 4).fit(X, Y)
    assert_allclose(weights(clipped), -0.1 * g / 4, rtol=1e-12)
    not_clipped = regressor(clip_norm=length * 1.01).fit(X, Y)
    assert_allclose(weights(not_clipped), -0.1 * g, rtol=1e-12)


def test_weight_decay_does_not_reach_the_intercept():
    start = {"coef_init": [1.0, 2.0, 3.0, 4.0], "intercept_init": 5.0}
    decayed = regressor(optimizer="adamw").set_params(optimizer="adamw")
    plain = regressor(optimizer="adam").fit(X, Y, **start)
    decayed.fit(X, Y, **start)
    assert_allclose(plain.coef_ - decayed.coef_, 0.1 * 0.01 * np.arange(1, 5))
    assert_array_equal(plain.intercept_, decayed.intercept_)


def test_penalty_does_not_reach_the_intercept():
    big = regressor(penalty="l1", alpha=1e6, max_iter=3000).fit(X, Y)
    assert_array_equal(big.coef_, np.zeros(D))
    assert_allclose(big.intercept_, [Y.mean()])


def test_without_intercept():
    model = regressor(fit_intercept=False).fit(X, Y)
    assert_allclose(model.coef_, 0.1 * X.T @ Y / N)
    assert_array_equal(model.intercept_, [0.0])
    assert model.optimizer_state_ == {}


@pytest.mark.parametrize(("size", "steps"), [(1, 60), (7, 9), (60, 1), (100, 1)])
def test_number_of_steps(size, steps):
    assert regressor(batch_size=size, learning_rate=1e-3).fit(X, Y).t_ == steps


def test_auto_batch_is_32_or_all():
    assert regressor(batch_size="auto").fit(X, Y).t_ == 2
    assert regressor(batch_size="auto").fit(X[:31], Y[:31]).t_ == 1


@pytest.mark.parametrize(
    ("n_features", "settings", "n_batches"),
    [
        (9_999, {"optimizer": "adam"}, 10),
        (9_999, {"optimizer": "sgd"}, 10),
        (10_000, {"optimizer": "adam"}, 3),
        (10_000, {"optimizer": "sgd"}, 300),
        (10_000, {"optimizer": "ftrl", "penalty": "l1"}, 300),
        (10_000, {"optimizer": "adagrad"}, 300),
        (10_000, {"optimizer": "adagrad", "average": True}, 3),
        (10_000, {"optimizer": "sgd", "penalty": "l1"}, 10),
        (10_000, {"optimizer": "sgd", "penalty": "l1", "average": False}, 300),
        (10_000, {"optimizer": "sgd", "clip_norm": 1.0}, 10),
        (10_000, {"optimizer": "sgd", "penalty": "nonnegative"}, 10),
    ],
)
def test_auto_batch_of_wide_sparse_rows(n_features, settings, n_batches):
    """One row where its step costs what its non-zeros cost, else more than 32 or 32."""
    wide, y = wide_rows(n_features)
    model = GDRegressor(max_iter=2, tol=None, **settings)
    assert model.fit(wide, y).t_ == 2 * n_batches
    assert clone(model).partial_fit(wide, y).t_ == n_batches
    assert clone(model).fit(wide.toarray(), y).t_ == 20


def wide_rows(n_features):
    rng = np.random.default_rng(0)
    wide = sparse.random(300, n_features, 1e-4, format="csr", random_state=rng)
    return wide, rng.normal(size=300)


def test_auto_optimizer_of_wide_sparse_rows_is_adagrad():
    """In ``fit``, if its steps cost what the non-zeros of their rows cost."""
    wide, y = wide_rows(10_000)
    model = GDRegressor(max_iter=2, tol=None, random_state=0)
    assert type(model.fit(wide, y).optimizer_) is AdaGrad
    assert (model.t_, model.learning_rate_) == (2 * 300, 0.3)
    for same in ({"penalty": "elasticnet"}, {"penalty": None}, {"average": False}):
        fitted = clone(model).set_params(**same).fit(wide, y)
        assert type(fitted.optimizer_) is AdaGrad
    for other in (
        {"average": True},
        {"clip_norm": 1.0},
        {"penalty": "nonnegative"},
        {"loss": OwnSquare()},
    ):
        fitted = clone(model).set_params(**other).fit(wide, y)
        assert type(fitted.optimizer_) is Adam
        assert fitted.t_ == 2 * 3
    assert type(clone(model).fit(wide.toarray(), y).optimizer_) is Adam
    assert type(clone(model).partial_fit(wide, y).optimizer_) is Adam
    assert type(clone(model).fit(wide[:, 1:], y).optimizer_) is Adam
    named = clone(model).set_params(optimizer="adagrad").fit(wide, y)
    assert_array_equal(clone(model).fit(wide, y).coef_, named.coef_)


def test_training_that_goes_on_keeps_the_auto_optimizer():
    wide, y = wide_rows(10_000)
    auto = GDRegressor(max_iter=2, tol=None, random_state=0, warm_start=True)
    named = clone(auto).set_params(optimizer="adagrad")
    for rows in (wide, wide.toarray()):
        for go_on in ("partial_fit", "fit"):
            model, expected = clone(auto).fit(wide, y), clone(named).fit(wide, y)
            getattr(model, go_on)(rows, y)
            getattr(expected, go_on)(rows, y)
            assert type(model.optimizer_) is AdaGrad
            assert_array_equal(model.coef_, expected.coef_)
            state = model.optimizer_state_["s"]
            assert_array_equal(state, expected.optimizer_state_["s"])
    stream = clone(auto).partial_fit(wide, y).fit(wide, y)
    expected = clone(auto).set_params(optimizer="adam").partial_fit(wide, y)
    assert type(stream.optimizer_) is Adam
    assert_array_equal(stream.coef_, expected.fit(wide, y).coef_)


def test_another_optimizer_gives_way_to_auto():
    wide, y = wide_rows(10_000)
    model = GDRegressor(optimizer=AdaGrad(initial_accumulator=0.5))
    model.set_params(max_iter=2, tol=None).fit(wide, y).set_params(optimizer="auto")
    assert type(model.partial_fit(wide, y).optimizer_) is Adam


class OwnSquare(SquaredError):
    def gradient(self, y, z):
        return z - y


@pytest.mark.parametrize(
    ("n_batches", "expected"), [(1, 50), (17, 3), (499, 3), (500, 2), (2000, 2)]
)
def test_first_cycle_is_three_epochs_or_as_many_steps_as_it_takes(n_batches, expected):
    x, y = np.zeros((n_batches, 1)), np.arange(n_batches)
    model = GDRegressor(batch_size=1, max_iter=1000, tol=0.5).fit(x, y)
    restarts = np.flatnonzero(np.diff(model.learning_rate_curve_) > 0) + 1
    assert restarts[0] == expected


def test_auto_rate_is_that_of_the_optimizer():
    for name, optimizer in OPTIMIZERS.items():
        auto = regressor(optimizer=name, learning_rate="auto").fit(X, Y)
        rate = optimizer.default_learning_rate
        given = regressor(optimizer=name, learning_rate=rate).fit(X, Y)
        assert_array_equal(auto.coef_, given.coef_)


@pytest.mark.parametrize(
    ("batch_size", "first_cycle"), [(1, 3), (3, 3), (7, 6), (None, 50)]
)
def test_automatic_schedule_and_rate(batch_size, first_cycle):
    """Cycles of 3, 6, 12, … epochs, and of 50 steps if these are more.

    Adam's rate is one over the root of the steps of the first, of at least 100.
    """
    options = {"batch_size": batch_size, "tol": None}
    model = GDRegressor(max_iter=3 * first_cycle, **options).fit(X, Y)
    n_batches = model.t_ // model.n_iter_
    rate = 1 / np.sqrt(max(100, first_cycle * n_batches))
    assert model.learning_rate_ == pytest.approx(rate, rel=1e-12)
    first = 1 - np.arange(first_cycle) / first_cycle
    second = 1 - np.arange(2 * first_cycle) / (2 * first_cycle)
    expected = rate * np.concatenate([first, second])
    assert_allclose(model.learning_rate_curve_, expected, atol=1e-12)


def test_automatic_rate_of_a_stream_needs_no_end():
    """It is reached with the 100th sample, and halved after 900 steps."""
    stream = GDRegressor().partial_fit(X, Y).partial_fit(X, Y)
    expected = [0.03 * 60 / 100, 0.03 * (1 + 2 / 300) ** -0.5]
    assert_allclose(stream.learning_rate_curve_, expected)
    wide = GDRegressor().partial_fit(np.ones((3, 10_000)), Y[:3])
    assert wide.learning_rate_ == pytest.approx(0.01 * 3 / 100)
    assert wide.schedule_(901) == 0.5
    for optimizer in ("sgd", "schedule_free_sgd"):
        stream = GDRegressor(optimizer=optimizer).partial_fit(X, Y)
        assert stream.schedule_(901) == 1
    known = GDRegressor(max_iter=1, tol=None).fit(np.vstack([X, X]), np.tile(Y, 2))
    assert known.partial_fit(X[:1], Y[:1]).learning_rate_ == 0.03


# Averages


def test_average_is_the_mean_of_the_weights_after_each_step():
    path = np.array([weights(regressor(max_iter=n).fit(X, Y)) for n in range(1, 9)])
    for average, expected in [(True, path.mean(0)), (6, path[5:].mean(0))]:
        model = regressor(max_iter=8, average=average).fit(X, Y)
        assert_allclose(weights(model), expected, rtol=1e-12)
    not_yet = regressor(max_iter=8, average=9).fit(X, Y)
    assert_array_equal(weights(not_yet), path[7])


def test_the_tail_of_a_cycle_is_its_last_two_thirds():
    cycles = LinearRestarts(horizon=21)
    path = np.array(
        [
            weights(regressor(max_iter=n, schedule=cycles).fit(X, Y))
            for n in range(1, 22)
        ]
    )
    for n, first in [(1, 1), (3, 2), (5, 5), (9, 6), (13, 13), (21, 14)]:
        for average in ("tail", "auto"):
            model = regressor(max_iter=n, schedule=cycles, average=average).fit(X, Y)
            expected = path[first - 1 : n].mean(axis=0)
            assert_allclose(weights(model), expected, rtol=1e-12)


def test_of_a_stream_later_weights_count_more():
    """The mean of weights 1 … n, each by its number to the power of 5, nearly."""
    path = np.array([weights(regressor(max_iter=n).fit(X, Y)) for n in range(1, 16)])
    expected = path[0]
    for average in ("tail", "auto"):
        model = regressor(average=average)
        for n in range(1, 16):
            share = 6 / (n + 5)
            expected = (
                path[0] if n == 1 else expected + share * (path[n - 1] - expected)
            )
            assert_allclose(weights(model.partial_fit(X, Y)), expected, rtol=1e-12)


def test_training_goes_on_from_the_weights_not_from_their_mean():
    path = np.array([weights(regressor(max_iter=n).fit(X, Y)) for n in range(1, 5)])
    model = regressor(average=True)
    for n in range(1, 4):
        model.partial_fit(X, Y)
        assert_allclose(weights(model), path[:n].mean(axis=0), rtol=1e-12)
    model.set_params(average=False).partial_fit(X, Y)
    assert_allclose(weights(model), path[3], rtol=1e-12)


def test_schedule_free_publishes_x_and_goes_on_from_y():
    model = regressor(optimizer="schedule_free_sgd", learning_rate=0.5)
    x = y = z = np.zeros(5)
    path = []
    for t in range(1, 6):
        z = z - 0.5 * gradient(y)
        x = x + (z - x) / t
        y = 0.1 * z + 0.9 * x
        path.append(y)
        model.partial_fit(X, Y)
        assert_allclose(weights(model), x, rtol=1e-10)
    assert_allclose(model.optimizer_state_["z"], z, rtol=1e-10)
    # Asked for, the mean of the weights in training takes its place.
    model = regressor(optimizer="schedule_free_sgd", learning_rate=0.5, average=True)
    model.set_params(max_iter=5).fit(X, Y)
    assert_allclose(weights(model), np.mean(path, axis=0), rtol=1e-10)


# Between two calls


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_new_units_in_a_stream_do_not_change_the_model(optimizer):
    """At a tiny rate, features of another scale do no more than the same again."""
    options = {"optimizer": optimizer, "average": False, "penalty": None}
    model, same = (
        GDRegressor(batch_size=10, learning_rate=0.5, random_state=0, **options)
        for _ in range(2)
    )
    for stream, last in [(model, 20 * X + 7), (same, X)]:
        stream.partial_fit(X, Y).partial_fit(X, Y)
        stream.set_params(learning_rate=1e-9).partial_fit(last, Y)
    expected = same.predict(X)
    assert np.ptp(expected) > 0
    assert_allclose(model.predict(X), expected, atol=1e-5 * np.ptp(expected))


def test_a_new_rate_takes_effect_and_keeps_the_memory():
    model = regressor(optimizer=Momentum(0.5)).partial_fit(X, Y)
    first = weights(model)
    model.set_params(learning_rate=0.3).partial_fit(X, Y)
    v = 0.5 * gradient(np.zeros(5)) + gradient(first)
    assert_allclose(weights(model), first - 0.3 * v, rtol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 0.5, "penalty": "l2"},
        {"optimizer__momentum": 0.1},
        {"batch_size": 20},
        {"schedule": "inverse_scaling"},
        {"loss": "huber"},
        {"clip_norm": 1.0},
    ],
)
def test_parameters_are_read_at_each_call(change):
    model = regressor(optimizer=Momentum(0.5)).partial_fit(X, Y)
    changed = regressor(optimizer=Momentum(0.5)).partial_fit(X, Y)
    model.partial_fit(X, Y)
    changed.set_params(**change).partial_fit(X, Y)
    assert (model.coef_ != changed.coef_).any()


class Clock:
    factor = 1.0

    def __call__(self, t):
        return self.factor

    def method(self, t):
        return self.factor


@pytest.mark.parametrize("kind", ["method", "object", "partial"])
def test_what_a_callable_reads_is_noticed(kind):
    clock = Clock()
    schedule = {
        "method": clock.method,
        "object": clock,
        "partial": functools.partial(Clock.method, clock),
    }[kind]
    model = GDRegressor(schedule=schedule, random_state=0).partial_fit(X, Y)
    clock.factor = 0.5
    rates = model.partial_fit(X, Y).learning_rate_curve_
    assert rates[1] == rates[0] / 2


def test_a_parameter_set_on_the_instance_is_noticed():
    optimizer = Momentum(0.5)
    model = regressor(optimizer=optimizer).partial_fit(X, Y).partial_fit(X, Y)
    other = regressor(optimizer=optimizer).partial_fit(X, Y)
    optimizer.momentum = 0.0
    other.partial_fit(X, Y)
    assert (model.coef_ != other.coef_).all()
    assert other.optimizer_.momentum == 0.0


def test_another_optimizer_begins_with_a_memory_of_its_own():
    """Its clock too: Adam's correction of the bias counts its own steps."""
    model = regressor(learning_rate=0.05, max_iter=20).fit(X, Y)
    switched = regressor(learning_rate=0.05, max_iter=20).fit(X, Y)
    switched.set_params(optimizer=Adam()).partial_fit(X, Y)
    anew = regressor(optimizer=Adam(), learning_rate=0.05)
    anew.fit(X, Y, coef_init=model.coef_, intercept_init=model.intercept_)
    assert_allclose(switched.coef_, anew.coef_, rtol=1e-12)
    assert switched.t_ == 21


def test_epochs_of_a_stream_are_as_long_as_its_first_chunk():
    schedule = Exponential(0.5, unit="epoch")
    model = regressor(schedule=schedule, batch_size=10, optimizer=FTRL())
    model.partial_fit(X, Y)
    assert model.t_ == 6
    model.partial_fit(X[:10], Y[:10])
    assert float(model.optimizer_state_["rate"]) == pytest.approx(0.1 * 0.5)


def test_the_pass_number_of_the_seed_goes_on():
    """Two passes see the samples in two orders, in a stream as in a fit."""
    model = regressor(batch_size=1, learning_rate=1e-2, random_state=0)
    steps = []
    for _ in range(2):
        before = weights(model) if hasattr(model, "coef_") else np.zeros(5)
        model.partial_fit(X, Y)
        steps.append(weights(model) - before)
    again = regressor(batch_size=1, learning_rate=1e-2, random_state=0, max_iter=2)
    assert_array_equal(weights(again.fit(X, Y)), steps[0] + steps[1] + 0)


# Stopping


def test_loss_curve_is_the_objective_before_each_step():
    model = regressor(max_iter=4, penalty="l2", alpha=0.5).fit(X, Y)
    path = [np.zeros(5)]
    for _ in range(4):
        w = path[-1]
        path.append(w - 0.1 * (gradient(w) + 0.5 * np.append(w[:4], 0)))
    losses = [np.mean((A @ w - Y) ** 2) / 2 for w in path[:-1]]
    penalties = [0.25 * w[:4] @ w[:4] for w in path[:-1]]
    assert_allclose(model.loss_curve_, np.add(losses, penalties), rtol=1e-12)


def test_training_stops_when_the_loss_has_settled():
    model = regressor(max_iter=1000, tol=1e-3, n_iter_no_change=4).fit(X, Y)
    curve, n = model.loss_curve_, model.n_iter_
    assert model.stop_reason_ == "tol"
    assert 8 <= n < 1000

    def is_level(i):
        before, last = np.mean(curve[i - 8 : i - 4]), np.mean(curve[i - 4 : i])
        return abs(before - last) <= 4 * 1e-3 * last

    assert is_level(n)
    assert not any(is_level(i) for i in range(8, n))
    longer = regressor(max_iter=1000, tol=1e-6, n_iter_no_change=4).fit(X, Y)
    assert longer.n_iter_ > n
    assert longer.loss_curve_[-1] < curve[-1]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-4])
def test_training_stops_when_a_cycle_has_not_changed_the_objective(tol):
    """That is at the end of a cycle: with six batches after 9, 27, 63, … epochs."""
    options = {"alpha": 0, "batch_size": 10, "random_state": 0}
    model = GDRegressor(tol=tol, **options).fit(X, Y)
    assert model.stop_reason_ == "tol"
    ends = np.cumsum(9 * 2 ** np.arange(6)).tolist()
    last = ends.index(model.n_iter_)

    def objective(epochs):
        at_rest = GDRegressor(tol=0, max_iter=epochs, **options).fit(X, Y)
        return np.mean((Y - at_rest.predict(X)) ** 2)

    values = [objective(epochs) for epochs in ends[: last + 1]]
    changes = -np.diff(np.minimum.accumulate(values)) / np.var(Y)
    assert (changes[:-1] > tol).all()
    assert changes[-1] <= tol
    assert np.mean((Y - model.predict(X)) ** 2) == pytest.approx(min(values), rel=1e-9)


def test_a_schedule_in_another_has_the_cycles_that_it_has_alone():
    schedule = CosineRestarts(period=3, multiplier=2, unit="epoch")
    models = [
        GDRegressor(schedule=s, random_state=0).fit(X, Y)
        for s in (schedule, Join([schedule]), Warmup(schedule, length=0))
    ]
    for model in models:
        assert model.stop_reason_ == "tol"
        assert model.n_iter_ in 3 * (2 ** np.arange(9) - 1)
        assert_array_equal(model.coef_, models[0].coef_)


class Shifted(SquaredError):
    """Costs less than nothing, where ``by`` is large; with the same derivatives."""

    def __init__(self, by=0.0):
        self.by = by

    def value(self, y, z):
        return super().value(y, z) - self.by


@pytest.mark.parametrize("early", [False, True])
def test_a_loss_may_be_negative(early):
    """Tolerances are relative to the size of the loss at the start."""
    y = Y - Y.mean()
    samples = {"X_val": X[:30], "y_val": y[:30]} if early else {}
    params = {"early_stopping": early, "scoring": "loss", "random_state": 0}
    at_start = np.mean((y[:30] if early else y) ** 2) / 2
    known, shifted = (
        GDRegressor(loss=Shifted(by), alpha=0, **params).fit(X, y, **samples)
        for by in (0.0, 2 * at_start)
    )
    assert known.stop_reason_ == shifted.stop_reason_ != "max_iter"
    assert known.n_iter_ == shifted.n_iter_
    assert_array_equal(known.coef_, shifted.coef_)


def test_a_schedule_that_comes_to_rest_once_is_not_asked_for_the_tol():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = regressor(schedule="cosine", max_iter=40, tol=0.5).fit(X, Y)
    assert model.stop_reason_ == "max_iter"
    assert model.n_iter_ == 40


def test_the_scale_of_the_target_does_not_matter_to_stopping():
    epochs = [
        regressor(max_iter=1000, tol=1e-4).fit(X, Y * scale).n_iter_
        for scale in (1e-9, 1, 1e9)
    ]
    assert epochs[0] == epochs[1] == epochs[2]


def test_a_wave_of_the_momentum_is_not_an_end():
    model = regressor(optimizer="momentum", max_iter=1000, tol=1e-8).fit(X, Y)
    assert model.stop_reason_ == "tol"
    assert np.any(np.diff(model.loss_curve_[:30]) > 0)
    at_start = np.linalg.norm(gradient(np.zeros(5)))
    assert np.linalg.norm(gradient(weights(model))) < 1e-4 * at_start


@pytest.mark.parametrize(
    "start",
    [
        {"schedule": lambda t: np.minimum(1.0, 1e-6 * 1.2**t)},
        {"optimizer": "dog", "learning_rate": "auto"},
        {"optimizer": "prodigy", "learning_rate": "auto"},
    ],
    ids=["warm-up", "dog", "prodigy"],
)
def test_a_slow_start_is_not_an_end(start):
    """Over the first ten epochs the loss moves by less than the tolerance."""
    model = regressor(max_iter=1000, tol=1e-3, **start).fit(X, Y)
    assert model.loss_curve_[9] > (1 - 1e-3) * model.loss_curve_[0]
    assert model.stop_reason_ == "tol"
    assert model.score(X, Y) > 0.95


def test_a_rate_slightly_too_high_is_said():
    """The loss grows by a third in each step: patience alone would call that an end."""
    highest = np.linalg.eigvalsh(A.T @ A / N)[-1]
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model = regressor(learning_rate=2.15 / highest, max_iter=1000, tol=1e-3).fit(
            X, Y
        )
    assert model.stop_reason_ == "diverged"
    assert_array_equal(weights(model), np.zeros(5))


def test_verbose_prints_a_line_for_each_epoch(capsys):
    model = regressor(max_iter=3, verbose=2).fit(X, Y)
    *lines, last = capsys.readouterr().out.splitlines()
    starts = ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert [line.split(":")[0] for line in lines] == starts
    assert f"loss {model.loss_curve_[2]:.6g}" in lines[2]
    assert last.startswith("ended after epoch 3/3, ")
    assert last.endswith(f": max_iter, loss {model.loss_curve_[2]:.6g}")
    model.partial_fit(X, Y)
    assert capsys.readouterr().out.startswith("epoch 4: step 4, loss ")
    regressor(max_iter=3).fit(X, Y)
    assert capsys.readouterr().out == ""


def test_divergence_is_measured_from_the_start_of_training():
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model = regressor(
            learning_rate=2.0, max_iter=3, batch_size=20, random_state=1
        ).fit(X, Y)
    assert_array_equal(weights(model), np.zeros(5))
    assert model.t_ == 0
    assert model.n_iter_ == 3


def test_warnings_point_at_the_line_that_called():
    for call in (
        lambda: regressor(max_iter=2, tol=1e-3).fit(X, Y),
        lambda: regressor(learning_rate=1e3, max_iter=50).fit(X, Y),
        lambda: regressor(learning_rate=1e300).partial_fit(X * 1e10, Y),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert [warning.filename for warning in caught] == [__file__]


class Factors(Schedule):
    """Returns what it is given, right or wrong."""

    def __init__(self, factors=1.0):
        self.factors = factors

    def __call__(self, t):
        return np.broadcast_to(self.factors, np.shape(t)) if self.factors else 1.0


@pytest.mark.parametrize("factor", [-0.5, np.nan, np.inf, None])
def test_factors_of_a_users_schedule_are_checked(factor):
    model = regressor(schedule=Factors(factor), batch_size=20)
    for call in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=r"schedule Factors\(.*\) must return"):
            call(X, Y)
        assert not hasattr(model, "coef_")


def test_a_step_schedule_by_epoch_is_a_rate_set_by_hand():
    by_schedule = regressor(
        max_iter=3, schedule=Step(every=1, factor=0.1, unit="epoch"), batch_size=10
    ).set_params(shuffle=False)
    by_hand = regressor(batch_size=10, shuffle=False)
    for rate in (0.1, 0.01, 0.001):
        by_hand.set_params(learning_rate=rate).partial_fit(X, Y)
    assert_allclose(by_schedule.fit(X, Y).coef_, by_hand.coef_, rtol=1e-12)


# Probabilities


def test_probabilities_keep_their_precision_in_the_tails():
    model = GDClassifier(max_iter=1, tol=None).fit(X, Y > 0)
    model.coef_, model.intercept_ = np.array([[1.0, 0, 0, 0]]), np.zeros(1)
    z = np.array([-700.0, -56.0, 0.0, 56.0, 700.0])
    at = np.column_stack([z, np.zeros((5, 3))])
    expected = np.column_stack([expit(-z), expit(z)])
    assert_allclose(model.predict_proba(at), expected, rtol=1e-15)
    log = model.predict_log_proba(at)
    assert_allclose(log[:, 0], -np.logaddexp(0, z), rtol=1e-12, atol=1e-15)


def test_weights_of_any_magnitude_with_float32():
    weight = np.linspace(1, 2, N)
    expected = regressor().fit(X.astype(np.float32), Y, weight).coef_
    for scale in (1e-50, 1e50):
        model = regressor().fit(X.astype(np.float32), Y, scale * weight)
        assert_allclose(model.coef_, expected, rtol=1e-6)


def test_a_class_whose_weights_are_zero_in_float32():
    data, labels = X.astype(np.float32), np.digitize(Y, [-20, 20])
    for nothing in (0.0, 1e-60):
        weight = np.where(labels == 2, nothing, 1.0)
        model = GDClassifier(max_iter=2, tol=None).fit(data, labels, weight)
        assert model.classes_.tolist() == [0, 1]
        with pytest.raises(ValueError, match="at least two classes"):
            GDClassifier().fit(data, labels > 0, np.where(labels > 0, nothing, 1.0))


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_weights_that_are_zero_in_float32(kind):
    """Such a row is left out, as one of weight zero is."""
    data = kind(X.astype(np.float32))
    weight = np.ones(N)
    weight[:2] = 1e-60, 0.0
    models = [GDRegressor(random_state=0) for _ in range(2)]
    models[0].fit(data, Y, weight)
    models[1].fit(data[2:], Y[2:])
    assert_array_equal(models[0].coef_, models[1].coef_)
    with pytest.raises(ValueError, match=r"must not be zero for all .* in float32"):
        GDRegressor().partial_fit(data, Y, np.full(N, 1e-50))


# The README


def readme_blocks():
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize("block", readme_blocks())
def test_readme(block, tmp_path, monkeypatch):
    if "matplotlib" in block:
        pytest.importorskip("matplotlib").use("Agg")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block, names)
    if "search" in names:
        assert names["search"].best_score_ > 0.9


def test_readme_has_code():
    assert len(readme_blocks()) == 3
    assert SGD in OPTIMIZERS.values()
