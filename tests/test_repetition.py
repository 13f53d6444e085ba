"""Calls of ``partial_fit`` like the last one are quick, and change nothing else."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skgd import LOSSES, OPTIMIZERS, PENALTIES, GDClassifier, GDRegressor
from skgd._model import LinearModel
from skgd.losses import ClassificationLoss, SquaredError
from skgd.optimizers import Adam

N_CALLS = 260


@pytest.fixture(scope="module")
def rows():
    """Return rows of which some are far out, and positive targets."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_CALLS, 4)) * [1, 10, 0.1, 1] + [0, 5, 0, 1000]
    X[[150, 222]] *= 40
    y = np.exp(0.3 * rng.normal(size=N_CALLS) + 0.1 * X[:, 0])
    return X, y


@pytest.fixture
def ordinary(monkeypatch):
    """Return a function that streams without quick calls."""

    def stream_slowly(*args, **kwargs):
        with monkeypatch.context() as patch:
            patch.setattr(LinearModel, "_prepare_repetition", lambda *_: None)
            return stream(*args, **kwargs)

    return stream_slowly


def stream(model, X, y, size=1, **first):
    """Train on one chunk after another, and return how many calls were quick."""
    n_quick = 0
    for start in range(0, len(X), size):
        chunk = slice(start, start + size)
        before = model.__dict__.get("_repetition")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.partial_fit(X[chunk], y[chunk], **first)
        n_quick += before is not None and model._repetition is before
        first = {}
    return n_quick


def assert_same(one, other):
    arrays = "coef_", "intercept_", "loss_curve_", "learning_rate_curve_"
    for name in (*arrays, "update_curve_"):
        assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    assert (one.t_, one.n_iter_, one.stop_reason_) == (
        other.t_,
        other.n_iter_,
        other.stop_reason_,
    )
    for name, value in one.optimizer_state_.items():
        assert_array_equal(value, other.optimizer_state_[name], strict=True)


def assert_quick_and_same(model, ordinary, X, y, n_quick=40, **options):
    other = clone(model)
    assert stream(model, X, y, **options) >= n_quick
    assert ordinary(other, X, y, **options) == 0
    assert_same(model, other)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # What waits to be counted is counted the same.
        model.partial_fit(X, y)
        other.partial_fit(X, y)
    assert_same(model, other)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(rows, ordinary, optimizer, standardize):
    model = GDRegressor(optimizer=optimizer, standardize=standardize, random_state=0)
    X, y = rows
    # Without units rows of this size make some rules diverge, at different calls.
    X = X if standardize else (X - X.mean(axis=0)) / X.std(axis=0)
    assert_quick_and_same(model, ordinary, X, y, 40 if standardize else 200)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_penalties(rows, ordinary, loss, penalty):
    X, y = rows
    options = {"loss": loss, "penalty": penalty, "alpha": 0.01, "random_state": 0}
    if issubclass(LOSSES[loss], ClassificationLoss):
        labels = np.array(["a", "b", "c"])[np.digitize(y, [0.8, 1.2])]
        model, first = GDClassifier(**options), {"classes": ["a", "b", "c"]}
        assert_quick_and_same(model, ordinary, X, labels, **first)
    else:
        assert_quick_and_same(GDRegressor(**options), ordinary, X, y)


def test_binary_labels(rows, ordinary):
    X, y = rows
    model = GDClassifier(random_state=0)
    assert_quick_and_same(model, ordinary, X, y > 1, classes=[False, True])


@pytest.mark.parametrize(
    "options",
    [
        {"fit_intercept": False},
        {"average": False},
        {"average": 20},
        {"clip_norm": 0.1},
        {"schedule": "inverse_scaling"},
        {"optimizer": Adam(beta1=0.5)},
        {"alpha": 0.0},
    ],
    ids=str,
)
def test_other_parameters(rows, ordinary, options):
    X, y = rows
    assert_quick_and_same(GDRegressor(random_state=0, **options), ordinary, X, y)


def test_float32(rows, ordinary):
    X, y = (array.astype(np.float32) for array in rows)
    assert_quick_and_same(GDRegressor(random_state=0), ordinary, X, y)


def test_chunks_of_some_rows(rows, ordinary):
    X, y = (np.tile(array, (4,) + (1,) * (array.ndim - 1)) for array in rows)
    model = GDRegressor(random_state=0)
    assert_quick_and_same(model, ordinary, X, y, size=3, n_quick=150)


def test_more_rows_than_a_batch_are_another_kind_of_call(rows):
    X, y = rows
    model = GDRegressor(batch_size=2, standardize=False, schedule="inverse_scaling")
    for start in range(0, 30, 3):
        for n in (1, 3):
            model.partial_fit(X[start : start + n], y[start : start + n])
    assert model.t_ == 10 * (1 + 2)


def another_rate(model):
    model.set_params(learning_rate=0.5)


def inner_parameter(model):
    model.optimizer.beta1 = 0.1


def another_loss(model):
    model.set_params(loss="absolute_error")


def gradient_norms(model):
    model.set_params(record_gradient_norm=True)


def copied(model):
    model.__dict__ = pickle.loads(pickle.dumps(model)).__dict__


def fitted(model):
    rng = np.random.default_rng(1)
    model.fit(rng.normal(size=(40, 4)), rng.normal(size=40))


@pytest.mark.parametrize(
    "change",
    [another_rate, inner_parameter, another_loss, gradient_norms, copied, fitted],
)
def test_what_changes_between_calls_counts(rows, ordinary, change):
    X, y = rows
    X, y = X[:100], y[:100]
    models = [GDRegressor(optimizer=Adam(), random_state=0) for _ in range(2)]
    for model, train in zip(models, [stream, ordinary], strict=True):
        train(model, X, y)
        change(model)
        train(model, X, y)
    assert_same(*models)
    untouched = GDRegressor(optimizer=Adam(), random_state=0)
    ordinary(untouched, X, y)
    ordinary(untouched, X, y)
    has_changed = not np.array_equal(untouched.coef_, models[0].coef_)
    assert has_changed == (change not in (copied, gradient_norms))


def epochs_of_a_fit(model):
    model.set_params(max_iter=7)


@pytest.mark.parametrize("n", [1005, 1012])
@pytest.mark.parametrize("change", [copied, epochs_of_a_fit])
def test_what_changes_nothing_changes_no_unit(rows, change, n):
    """Between two findings of units, which are ten rows apart after a thousand."""
    X, y = (np.concatenate([array] * 5) for array in rows)
    models = [GDRegressor(random_state=0) for _ in range(2)]
    for model in models:
        stream(model, X[:n], y[:n])
    change(models[0])
    for model in models:
        stream(model, X[n:], y[n:])
    assert_same(*models)


def test_numpy_numbers_are_quick(rows):
    X, y = rows
    model = GDRegressor(alpha=np.float64(1e-3), random_state=np.int64(0))
    assert stream(model, X, y) >= 40


class Doubled(SquaredError):
    def value(self, y, z):
        return 2 * super().value(y, z)

    def gradient(self, y, z):
        return 2 * super().gradient(y, z)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": Doubled()},
        {"schedule": "reduce_on_plateau"},
        {"record_gradient_norm": True},
        {"verbose": True},
    ],
    ids=str,
)
def test_what_needs_more_than_the_step_is_ordinary(rows, ordinary, options):
    X, y = rows
    models = [GDRegressor(random_state=0, **options) for _ in range(2)]
    assert stream(models[0], X, y) == 0
    ordinary(models[1], X, y)
    assert_same(*models)


def test_what_is_wrong_is_said_as_ever(rows):
    X, y = rows
    model = GDRegressor(random_state=0)
    stream(model, X, y)
    before = pickle.dumps(model)
    for wrong_X, wrong_y, message in [
        (X[:1] * np.nan, y[:1], "NaN"),
        (X[:1, :3], y[:1], "features"),
        (X[:1], y[:1] * np.inf, "infinity"),
        (X[:1], y[:2], "inconsistent"),
        (X[0], y[:1], "2D"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.partial_fit(wrong_X, wrong_y)
    assert pickle.dumps(model) == before


@pytest.mark.filterwarnings("ignore:The deviation of column")
def test_the_rows_of_the_caller_may_change(rows):
    X, y = rows
    models = [GDRegressor(random_state=0) for _ in range(2)]
    row, target = np.empty((1, 4)), np.empty(1)
    for i in range(N_CALLS):
        row[...], target[...] = X[i], y[i]
        models[0].partial_fit(row, target)
    stream(models[1], X, y)
    assert_same(*models)


def test_an_unknown_class_is_said(rows):
    X, y = rows
    model = GDClassifier(random_state=0)
    stream(model, X, y > 1, classes=[False, True])
    with pytest.raises(ValueError, match=r"y has classes \[7\]"):
        model.partial_fit(X[:1], [7])
    stream(model, X, (y > 1).astype(int))
    with pytest.raises(ValueError, match=r"y has classes \[2\]"):
        model.partial_fit(X[:1], np.array([2]))
