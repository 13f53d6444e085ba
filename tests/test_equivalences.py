"""Two ways to the same model: the same numbers."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification

from skgd import LOSSES, OPTIMIZERS, SCHEDULES, GDClassifier, GDRegressor
from skgd.losses import ClassificationLoss
from skgd.optimizers import Optimizer

REGRESSION = [
    name for name, c in LOSSES.items() if not issubclass(c, ClassificationLoss)
]
CLASSIFICATION = [name for name in LOSSES if name not in REGRESSION]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(70, 5))
    X[rng.random(X.shape) < 0.4] = 0
    y = np.exp(0.5 * X @ [1, -1, 0.5, 0, 0] + 0.1 * rng.normal(size=70))
    return X, y


@pytest.fixture(scope="module")
def classes():
    return make_classification(
        90, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0
    )


def raw(Estimator, *args, **params):
    """Return an estimator that trains on the numbers as they are, at one rate."""
    options = {
        "standardize": False,
        "schedule": "constant",
        "average": False,
        "max_iter": 5,
        "tol": None,
        "random_state": 3,
    }
    return Estimator(*args, **(options | params))


@pytest.fixture(params=[False, True], ids=["raw", "standardized"])
def quick(request):
    """Return `raw`, and the same on standardized data."""
    return partial(raw, standardize=request.param)


def assert_equal_models(a, b):
    """Weights, memory and history are the same bit for bit.

    Standardized, they are the same but for the rounding of the moments: those of
    data that are counted twice are not the last bit those of data counted once.
    """
    tolerance = 1e-9 if a.standardize else 0

    def assert_equal(one, other):
        size = np.abs(other).max(initial=0)
        assert_allclose(one, other, rtol=tolerance, atol=tolerance * size)

    assert_equal(a.coef_, b.coef_)
    assert_equal(a.intercept_, b.intercept_)
    assert_equal(a.loss_curve_, b.loss_curve_)
    assert a.t_ == b.t_
    assert a.n_iter_ == b.n_iter_
    assert a.optimizer_state_.keys() == b.optimizer_state_.keys()
    for key, value in a.optimizer_state_.items():
        assert_equal(value, b.optimizer_state_[key])


def penalty_for(optimizer):
    """Return a penalty with a proximal step, if the optimizer takes one."""
    has_scale = OPTIMIZERS[optimizer].scale is not Optimizer.scale
    return "elasticnet" if has_scale else "l2"


def finite_horizon(name):
    """Return a schedule of the registry; one with a horizon is given it."""
    schedule = SCHEDULES[name]()
    if "horizon" in schedule.get_params():
        schedule.set_params(horizon=200)
    return schedule


def assert_epochs_can_be_taken_apart(model, X, y, learning_rate=0.01, **first):
    model.set_params(learning_rate=learning_rate)
    single, pickled = clone(model), clone(model)
    whole = model.fit(X, y)
    for _ in range(5):
        single.partial_fit(X, y, **first)
        pickled = pickle.loads(pickle.dumps(pickled.partial_fit(X, y, **first)))
    assert whole.t_ > 5
    assert_equal_models(whole, single)
    assert_equal_models(whole, pickled)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_epochs_are_partial_fits_for_every_optimizer(quick, optimizer, data, classes):
    options = {"optimizer": optimizer, "batch_size": 16}
    options["penalty"] = penalty_for(optimizer)
    assert_epochs_can_be_taken_apart(quick(GDRegressor, average=7, **options), *data)
    X, y = classes
    model = quick(GDClassifier, **options)
    assert_epochs_can_be_taken_apart(model, X, y, classes=np.unique(y))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_epochs_are_partial_fits_for_every_schedule(quick, schedule, data):
    model = quick(GDRegressor, schedule=finite_horizon(schedule), batch_size=16)
    assert_epochs_can_be_taken_apart(model, *data)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_settles_what_is_left_open(quick, schedule, data):
    """Rate and average are found from the schedule, in a stream as in `fit`."""
    schedule = finite_horizon(schedule)
    model = quick(GDRegressor, schedule=schedule, average="auto", batch_size=16)
    assert_epochs_can_be_taken_apart(model, *data, learning_rate="auto")


@pytest.mark.parametrize(
    "schedule", [name for name, c in SCHEDULES.items() if "unit" in c().get_params()]
)
def test_a_schedule_in_epochs_too(quick, schedule, data):
    schedule = finite_horizon(schedule).set_params(unit="epoch")
    model = quick(GDRegressor, schedule=schedule, batch_size=16)
    assert_epochs_can_be_taken_apart(model, *data)


def test_warm_start_is_a_longer_fit(quick, data):
    X, y = data
    once = quick(GDRegressor, max_iter=6, batch_size=16).fit(X, y)
    twice = quick(GDRegressor, max_iter=3, batch_size=16, warm_start=True)
    assert_equal_models(once, twice.fit(X, y).fit(X, y))


def test_a_second_fit_starts_anew(quick, data):
    X, y = data
    model = quick(GDRegressor)
    first = pickle.loads(pickle.dumps(model.fit(X, y)))
    assert_equal_models(model.fit(X, y), first)


@pytest.mark.parametrize("batch_size", [1, 8, None])
@pytest.mark.parametrize("loss", LOSSES)
def test_dense_is_csr(quick, loss, batch_size, data, classes):
    """No matter the kind of sparse container, index type or order of the entries."""
    Estimator, (X, y) = (
        (GDRegressor, data) if loss in REGRESSION else (GDClassifier, classes)
    )
    options = {"batch_size": batch_size, "optimizer": "sgd", "penalty": "elasticnet"}
    dense = quick(Estimator, loss, **options).fit(X, y)
    for container in (sparse.csr_matrix, sparse.csr_array):
        model = quick(Estimator, loss, **options).fit(container(X), y)
        assert_allclose(model.coef_, dense.coef_, rtol=1e-10, atol=1e-12)
        assert_allclose(model.intercept_, dense.intercept_, rtol=1e-10, atol=1e-12)
        assert_allclose(
            model.predict(container(X)), dense.predict(X), rtol=1e-10, atol=1e-12
        )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_dense_is_csr_for_every_optimizer(quick, optimizer, data):
    X, y = data
    model = quick(GDRegressor, optimizer=optimizer, batch_size=8)
    dense = model.set_params(penalty=penalty_for(optimizer)).fit(X, y).coef_
    assert_allclose(
        model.fit(sparse.csr_array(X), y).coef_, dense, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("format", ["csc", "coo", "lil", "dok", "bsr", "dia"])
def test_other_sparse_formats(quick, format, data):
    X, y = data
    csr = quick(GDRegressor).fit(sparse.csr_array(X), y)
    other = quick(GDRegressor).fit(sparse.csr_array(X).asformat(format), y)
    assert_allclose(other.coef_, csr.coef_, rtol=1e-12)


def test_any_csr_structure(quick, data):
    """Explicit zeros, unsorted and duplicate entries, 64-bit indices, empty rows."""
    X, y = data
    X = np.vstack([X, np.zeros((2, 5))])
    y = np.append(y, [1.0, 2.0])
    expected = quick(GDRegressor, batch_size=8).fit(X, y).coef_
    halves = sparse.csr_array(X / 2)
    indices, values = [], []
    for row in range(len(X)):
        part = slice(halves.indptr[row], halves.indptr[row + 1])
        indices += [halves.indices[part][::-1], halves.indices[part], [4]]
        values += [halves.data[part][::-1], halves.data[part], [0.0]]
    indptr = 2 * halves.indptr + np.arange(len(X) + 1)
    for dtype in (np.int32, np.int64):
        messy = sparse.csr_array(
            (
                np.concatenate(values),
                np.concatenate(indices).astype(dtype),
                indptr.astype(dtype),
            ),
            shape=X.shape,
        )
        before = messy.copy()
        model = quick(GDRegressor, batch_size=8).fit(messy, y)
        assert_allclose(model.coef_, expected, rtol=1e-10)
        assert_array_equal(messy.indices, before.indices)
        assert_array_equal(messy.data, before.data)


def test_csr_arrays_that_are_views_or_of_other_types(quick, data):
    X, y = data
    csr = sparse.csr_matrix(X)
    expected = quick(GDRegressor, batch_size=8).fit(csr, y).coef_

    def strided(array):
        return np.repeat(array, 2)[::2]

    for name, change in [
        ("data", strided),
        ("indices", strided),
        ("indptr", strided),
        ("indices", lambda a: a.astype(np.int64)),
        ("indptr", lambda a: a.astype(np.int64)),
        ("data", lambda a: a.astype(">f8")),
        ("indices", lambda a: a.astype(">i4")),
    ]:
        other = csr.copy()
        setattr(other, name, change(getattr(other, name)))
        model = quick(GDRegressor, batch_size=8)
        assert_array_equal(model.fit(other, y).coef_, expected)
        assert_array_equal(
            model.partial_fit(other, y).predict(csr), model.predict(other)
        )


def test_memory_layouts_and_frames(quick, data):
    X, y = data
    expected = quick(GDRegressor).fit(X, y)
    names = list("abcde")
    strided = np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2]
    read_only = X.copy()
    read_only.flags.writeable = False
    for other in (np.asfortranarray(X), strided, read_only, X.tolist()):
        assert_allclose(quick(GDRegressor).fit(other, y).coef_, expected.coef_)
    for frame in (pd.DataFrame(X, columns=names), pl.DataFrame(X, schema=names)):
        model = quick(GDRegressor).fit(frame, y)
        assert_array_equal(model.coef_, expected.coef_)
        assert_allclose(model.predict(frame), expected.predict(X), rtol=1e-12)


def test_read_only_memory_map(quick, data, tmp_path):
    X, y = data
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_array_equal(
        quick(GDRegressor).fit(mapped, y).coef_, quick(GDRegressor).fit(X, y).coef_
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_float32_is_float64_within_its_accuracy(quick, loss, data, classes):
    Estimator, (X, y) = (
        (GDRegressor, data) if loss in REGRESSION else (GDClassifier, classes)
    )
    X = X.astype(np.float32)
    single = quick(Estimator, loss, optimizer="momentum", batch_size=8).fit(X, y)
    double = quick(Estimator, loss, optimizer="momentum", batch_size=8)
    double.fit(X.astype(float), y)
    assert single.coef_.dtype == single.intercept_.dtype == np.float32
    if loss in CLASSIFICATION:
        assert single.decision_function(X).dtype == np.float32
    assert all(
        value.dtype == np.float32
        for value in single.optimizer_state_.values()
        if value.ndim
    )
    assert_within_float32(single.coef_, double.coef_)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_float32_stays_float32_for_every_optimizer(quick, optimizer, data):
    X, y = data
    model = quick(GDRegressor, optimizer=optimizer, average=True)
    model.set_params(penalty=penalty_for(optimizer))
    single = model.fit(X.astype(np.float32), y).coef_
    assert single.dtype == np.float32
    assert model.predict(X.astype(np.float32)).dtype == np.float32
    assert_within_float32(single, model.fit(X, y).coef_)


def assert_within_float32(single, double):
    """Allow the rounding of some dozen steps: a hundred ulp of the largest weight."""
    assert_allclose(single, double, rtol=0, atol=1.2e-5 * np.abs(double).max())


def test_a_stream_may_change_between_float32_and_float64(quick, data):
    X, y = data
    for first, second in [(np.float64, np.float32), (np.float32, np.float64)]:
        mixed = quick(GDRegressor).partial_fit(X.astype(first), y)
        mixed.partial_fit(X.astype(second), y)
        pure = quick(GDRegressor).partial_fit(X, y).partial_fit(X, y)
        assert mixed.coef_.dtype == first
        assert_allclose(mixed.coef_, pure.coef_, rtol=1e-4, atol=1e-6)


# Sample weights


def weighted_data(classification):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 4))
    y = X @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=300)
    weight = rng.integers(0, 5, size=300)
    if classification:
        y = np.digitize(y, [-1, 1])
    return X, y, weight, np.repeat(X, weight, axis=0), np.repeat(y, weight)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("Estimator", [GDRegressor, GDClassifier])
def test_weight_two_is_twice_at_full_batch(quick, Estimator, optimizer):
    X, y, weight, X_repeated, y_repeated = weighted_data(Estimator is GDClassifier)
    options = {"optimizer": optimizer, "batch_size": None, "max_iter": 30}
    # Standardized training starts where the gradient of an intercept is zero but for
    # rounding, of which a rule that normalises gradients makes a step.
    start = {"intercept_init": 1.0 if Estimator is GDRegressor else [1.0, 0.5, 2.0]}
    weighted = quick(Estimator, **options).fit(X, y, weight, **start)
    repeated = quick(Estimator, **options).fit(X_repeated, y_repeated, **start)
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-7, atol=1e-10)
    assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-7, atol=1e-10)
    assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-7)


@pytest.mark.parametrize("Estimator", [GDRegressor, GDClassifier])
def test_weight_two_is_twice_in_the_mean_of_mini_batches(quick, Estimator):
    """Means over seeds differ by less than four standard errors."""
    X, y, weight, X_repeated, y_repeated = weighted_data(Estimator is GDClassifier)
    options = {
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "batch_size": 8,
        "alpha": 0.1,
        "average": 400,
    }

    def coefficients(*data, epochs):
        model = quick(Estimator, max_iter=epochs, **options)
        seeds = range(30)
        return np.array(
            [model.set_params(random_state=i).fit(*data).coef_.ravel() for i in seeds]
        )

    weighted = coefficients(X, y, weight, epochs=50)
    repeated = coefficients(X_repeated, y_repeated, epochs=20)
    unweighted = coefficients(X, y, epochs=40)
    assert (standardised_difference(weighted, repeated) < 4).all()
    assert (standardised_difference(unweighted, repeated) > 8).any()


def standardised_difference(a, b):
    """Difference of the means of two samples, in standard errors."""
    error = np.sqrt(a.var(axis=0) / len(a) + b.var(axis=0) / len(b))
    return np.abs(a.mean(axis=0) - b.mean(axis=0)) / error


@pytest.mark.parametrize("batch_size", [1, 8, None])
def test_weight_zero_is_absent(quick, batch_size, classes):
    X, y = classes
    weight = (np.arange(len(y)) % 3 > 0).astype(float)
    kept = weight > 0
    for Estimator in (GDRegressor, GDClassifier):
        model = quick(Estimator, batch_size=batch_size)
        with_zeros = model.fit(X, y, weight).coef_
        assert_array_equal(with_zeros, model.fit(X[kept], y[kept]).coef_)
        sparse_zeros = model.fit(sparse.csr_array(X), y, weight).coef_
        assert_allclose(sparse_zeros, with_zeros, rtol=1e-10, atol=1e-12)


def test_only_proportions_of_weights_count_in_fit(quick, data):
    X, y = data
    weight = np.random.default_rng(0).uniform(0.5, 2, size=len(y))
    one = quick(GDRegressor).fit(X, y, weight)
    assert_allclose(quick(GDRegressor).fit(X, y, 1000 * weight).coef_, one.coef_)
    assert_array_equal(
        quick(GDRegressor).fit(X, y, 7.0).coef_, quick(GDRegressor).fit(X, y).coef_
    )


def test_weights_count_as_given_in_a_stream(data):
    """At rate 1 and one sample, the step of plain descent is weight · gradient."""
    X, y = data
    model = raw(GDRegressor, optimizer="sgd", learning_rate=1.0, alpha=0)
    model.partial_fit(X[:1], y[:1], [3.0])
    assert_allclose(model.coef_, 3 * y[0] * X[0])
    assert_allclose(model.intercept_, [3 * y[0]])


def test_mini_batches_with_weights_are_not_biased(data):
    """The mean of one step over all batches is the step of the full batch.

    Divided by the sum of the batch's own weights it would not be.
    """
    X, y = data
    weight = np.random.default_rng(0).exponential(size=len(y))
    options = {"optimizer": "sgd", "learning_rate": 1.0, "alpha": 0, "shuffle": False}
    full = raw(GDRegressor, batch_size=None, max_iter=1, **options).fit(X, y, weight)
    mean_weight = weight.mean()
    steps = [
        raw(GDRegressor, batch_size=None, **options)
        .partial_fit(X[i : i + 7], y[i : i + 7], weight[i : i + 7] / mean_weight)
        .coef_
        for i in range(0, 70, 7)
    ]
    assert_allclose(np.mean(steps, axis=0), full.coef_, rtol=1e-10)


def test_class_weights_are_sample_weights(quick, classes):
    X, y = classes
    per_class = {0: 2.0, 1: 0.5, 2: 1.0}
    by_class = quick(GDClassifier, class_weight=per_class).fit(X, y)
    by_sample = quick(GDClassifier).fit(X, y, np.array([2.0, 0.5, 1.0])[y])
    assert_allclose(by_class.coef_, by_sample.coef_, rtol=1e-12)
    few = np.r_[np.flatnonzero(y == 0)[:5], np.flatnonzero(y > 0)]
    counts = np.bincount(y[few])
    balanced = quick(GDClassifier, class_weight="balanced").fit(X[few], y[few])
    by_sample = quick(GDClassifier).fit(X[few], y[few], 1 / counts[y[few]])
    assert_allclose(balanced.coef_, by_sample.coef_, rtol=1e-12)


# Columns of one weight matrix


def test_targets_are_columns_of_one_model(quick, data):
    X, y = data
    Y = np.column_stack([y, y**2, -y])
    options = {"optimizer": "adam", "batch_size": 8, "penalty": "elasticnet"}
    together = quick(GDRegressor, **options).fit(X, Y)
    for k in range(3):
        alone = quick(GDRegressor, **options).fit(X, Y[:, k])
        assert_allclose(together.coef_[k], alone.coef_, rtol=1e-9, atol=1e-12)
        assert_allclose(together.intercept_[k], alone.intercept_[0], rtol=1e-9)
    assert together.predict(X).shape == Y.shape


def test_margin_losses_are_one_class_against_the_rest(quick, classes):
    X, y = classes
    together = quick(GDClassifier, "squared_hinge", batch_size=8).fit(X, y)
    for k in range(3):
        alone = quick(GDClassifier, "squared_hinge", batch_size=8).fit(X, y == k)
        assert_allclose(together.coef_[k], alone.coef_[0], rtol=1e-9, atol=1e-12)


def test_labels_are_only_names(quick, classes):
    X, y = classes
    names = np.array(["zebra", "ape", "lion"])
    by_number = quick(GDClassifier).fit(X, y)
    order = np.argsort(names)
    by_name = quick(GDClassifier).fit(X, names[y])
    assert_array_equal(by_name.classes_, names[order])
    assert_allclose(by_name.coef_, by_number.coef_[order], rtol=1e-12)
    assert_array_equal(by_name.predict(X), names[by_number.predict(X)])


# The order of the samples


def test_shuffling_is_a_function_of_the_seed(quick, data):
    X, y = data
    options = {"batch_size": 8}
    same = [quick(GDRegressor, **options).fit(X, y).coef_ for _ in range(2)]
    other = quick(GDRegressor, random_state=4, **options).fit(X, y).coef_
    unseeded = [
        quick(GDRegressor, random_state=None, **options).fit(X, y).coef_
        for _ in range(2)
    ]
    assert_array_equal(*same)
    assert (same[0] != other).all()
    assert (unseeded[0] != unseeded[1]).all()
    generator = np.random.RandomState(0)
    by_generator = [
        quick(GDRegressor, random_state=generator, **options).fit(X, y).coef_
        for _ in range(2)
    ]
    assert (by_generator[0] != by_generator[1]).all()


def test_without_shuffling_samples_come_in_order(data):
    X, y = data
    options = {"optimizer": "momentum", "batch_size": 10, "shuffle": False}
    whole = raw(GDRegressor, max_iter=1, **options).fit(X, y)
    pieces = raw(GDRegressor, **options)
    for start in range(0, 70, 10):
        pieces.partial_fit(X[start : start + 10], y[start : start + 10])
    assert_allclose(pieces.coef_, whole.coef_, rtol=1e-12)


def test_global_random_state_is_untouched(quick, data):
    X, y = data
    before = np.random.get_state(legacy=False)  # noqa: NPY002
    quick(GDRegressor, random_state=None).fit(X, y)
    quick(GDClassifier, random_state=1).fit(X, y > 1).predict_proba(X)
    after = np.random.get_state(legacy=False)  # noqa: NPY002
    assert_array_equal(after["state"]["key"], before["state"]["key"])
    assert after["state"]["pos"] == before["state"]["pos"]
