"""The compiled core against its specification: the NumPy formulas and a plain loop."""

import math
import signal
from dataclasses import fields, replace
from functools import partial
from itertools import pairwise, product

import numpy as np
import pytest
from scipy import sparse, stats

from skgd import _compiled, _loop, _objective
from skgd._compiled import (
    compiled_penalty,
    compiled_twin,
    has_sparse_steps,
    with_contiguous_rows,
)
from skgd._core import engines, permutation
from skgd._objective import LinearObjective
from skgd._progress import Progress
from skgd._units import Units
from skgd.losses import LOSSES, Hinge, Huber, LogLoss, RegressionLoss, SquaredError
from skgd.optimizers import (
    COCOB,
    FTRL,
    OPTIMIZERS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    DoG,
    Momentum,
    NAdam,
    Prodigy,
)
from skgd.penalties import (
    L1,
    L2,
    PENALTIES,
    Box,
    ElasticNet,
    NonNegative,
    NoPenalty,
    resolve_penalty,
)

ENGINES = engines()
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


def take(
    run_batches,
    X,
    y,
    w,
    rates,
    *,
    loss,
    penalty,
    optimizer,
    state,
    clock,
    alpha=0.0,
    fit_intercept=True,
    sample_weight=None,
    shuffle=None,
    average=None,
    units=None,
    **options,
):
    """Call one of the two loops with an objective and a progress of these parts."""
    n_classes = w.shape[1] if y.dtype.kind == "i" and w.ndim == 2 else None
    objective = LinearObjective(
        X, y, sample_weight, loss, penalty, alpha, fit_intercept, n_classes, units
    )
    seed, epoch = shuffle or (0, 0)
    t, n_averaged = clock.tolist()
    progress = Progress(w, state, seed, t, epoch=epoch, n_averaged=n_averaged)
    if average is not None:
        progress.average = average.copy()
    try:
        return run_batches(
            objective,
            optimizer,
            progress,
            rates,
            batch_size=options.pop("batch_size", 1),
            shuffle=shuffle is not None,
            **options,
        )
    finally:
        clock[:] = progress.t, progress.n_averaged
        if progress.n_averaged:
            average[...] = progress.average


run_pass = partial(take, _compiled.run_batches)
reference_pass = partial(take, _loop.run_batches)


def make_data(loss, *, n=9, d=7, k=None, dtype="float64", is_sparse=False, seed=0):
    """Return X and targets that are in the range of the loss."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < (0.3 if is_sparse else 1))
    if isinstance(loss, RegressionLoss):
        y = rng.uniform(0.1, 2, size=(n,) if k is None else (n, k))
    else:
        y = rng.choice([-1.0, 1.0], size=n) if k is None else rng.integers(0, k, n)
    y = y if y.dtype.kind == "i" else y.astype(dtype)
    X = X.astype(dtype)
    return (sparse.csr_matrix(X) if is_sparse else X), y


class InUnits:
    """A loss of raw predictions in the units of training."""

    def __init__(self, loss, units):
        self.loss, self.units = loss, units

    def value(self, y, z):
        return self.loss.value(y, self.units.offset + self.units.unit * z)

    def gradient(self, y, z):
        z = self.units.offset + self.units.unit * z
        return self.units.residual_scale * self.loss.gradient(y, z)


def in_units(X, *, k=None, offset=3.0, density=0.8, seed=0):
    """Return features of many scales whose standardized values are ``X``, and Units.

    In a CSR, columns that are centred are replaced by ones of the given density. One
    column has no influence.
    """
    rng = np.random.default_rng(seed)
    n, d = X.shape
    is_sparse = sparse.issparse(X)
    is_centered = (np.arange(d) % 3 == 0) | (not is_sparse)
    inverse_scale = 10 ** rng.uniform(-12, 12, size=d)
    center = np.where(is_centered, offset * rng.uniform(-1, 1, d) / inverse_scale, 0)
    full = rng.normal(size=(n, d)) * (rng.random((n, d)) < density)
    values = X.toarray() if is_sparse else X
    values = np.where(is_centered & is_sparse, full, values)
    raw = values / inverse_scale + np.where(values != 0, center, 0)
    raw = raw.astype(X.dtype)
    if d > 4:
        inverse_scale[4] = 0
    outputs = () if k is None else (k,)
    units = Units(
        *(a.astype(X.dtype) for a in (center, inverse_scale)),
        *(np.asarray(rng.uniform(0.5, 1.5, outputs), X.dtype) for _ in range(3)),
    )
    return (type(X)(raw) if is_sparse else raw), units


def rates_for(n_rows, batch_size, rate=0.05):
    n_batches = math.ceil(n_rows / batch_size)
    return rate * (1 + 0.5 * np.cos(np.arange(n_batches)))


def run_both(X, y, *, n_epochs=2, k=None, engine=None, fit_intercept=True, **settings):
    """Run the compiled pass and the reference from the same start.

    With units there is a third result, that of the reference on a standardized copy.
    """
    d = X.shape[1]
    rng = np.random.default_rng(1)
    shape = (d + fit_intercept,) if k is None else (d + fit_intercept, k)
    start = 0.3 * rng.normal(size=shape).astype(X.dtype)
    results = []
    ways = [(X, run_pass, {"engine": engine}), (X, reference_pass, {})]
    if "units" in settings:
        units = settings["units"]
        dense = X.toarray() if sparse.issparse(X) else X
        standardized = (dense - units.center) * units.inverse_scale
        copied = {"units": None, "loss": InUnits(settings["loss"], units)}
        ways.append((standardized, reference_pass, copied))
    for X, function, extra in ways:
        w = start.copy()
        state = settings["optimizer"].init(w)
        clock = np.zeros(2, np.int64)
        average = np.zeros_like(w)
        totals = []
        for epoch in range(n_epochs):
            rates = rates_for(len(y), settings.get("batch_size", 1))
            with np.errstate(all="ignore"):
                total = function(
                    X,
                    y,
                    w,
                    rates,
                    state=state,
                    clock=clock,
                    average=average,
                    shuffle=(3, epoch),
                    fit_intercept=fit_intercept,
                    **(settings | extra),
                )
            totals.append(total)
        results.append(
            {"w": w, "clock": clock, "average": average, "loss": np.array(totals)}
            | state
        )
    return results


def assert_same(X, y, **settings):
    *results, reference = run_both(X, y, **settings)
    tolerance = TOLERANCE[str(X.dtype)]
    assert np.isfinite(reference["w"]).all()
    for name, expected in reference.items():
        size = max(1.0, float(np.max(np.abs(expected), initial=0)))
        for result in results:
            np.testing.assert_allclose(
                result[name],
                expected,
                rtol=tolerance,
                atol=tolerance * size,
                err_msg=name,
            )


def instances(registry):
    return [registry[name]() for name in registry]


def takes(optimizer, penalty):
    """Whether an optimizer has the metric that a proximal step needs."""
    return not penalty.has_prox or optimizer.has_scale


KINDS = [(False, "float64"), (False, "float32"), (True, "float64"), (True, "float32")]
PENALTY_INSTANCES = [
    *instances(PENALTIES),
    Box(-0.2, 0.3, penalty=ElasticNet(0.4)),
]


@pytest.mark.parametrize(("is_sparse", "dtype"), KINDS)
@pytest.mark.parametrize("optimizer", instances(OPTIMIZERS), ids=repr)
def test_every_step_equals_its_formula(optimizer, is_sparse, dtype):
    """Optimizer × penalty × batch size."""
    # Rounding errors grow with the number of steps: some formulas divide by a
    # difference that is near zero.
    n, n_epochs = (35, 2) if dtype == "float64" else (9, 1)
    X, y = make_data(SquaredError(), n=n, dtype=dtype, is_sparse=is_sparse)
    penalties = [penalty for penalty in PENALTY_INSTANCES if takes(optimizer, penalty)]
    for penalty, batch_size in product(penalties, (1, 3, 32, n)):
        assert_same(
            X,
            y,
            n_epochs=n_epochs,
            loss=SquaredError(),
            penalty=penalty,
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.1,
        )


@pytest.mark.parametrize(
    ("k", "dtype"), [(None, "float64"), (2, "float64"), (None, "float32")]
)
@pytest.mark.parametrize("penalty", [L2(), L1(), ElasticNet(0.3)], ids=repr)
@pytest.mark.parametrize("optimizer", [AdaGrad(), FTRL()], ids=repr)
def test_many_steps_without_a_gradient(optimizer, penalty, k, dtype):
    """Columns in one of 2 to one of 600 rows, steps that shrink little and much."""
    rng = np.random.default_rng(0)
    n, d = 600, 12
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < np.geomspace(0.5, 1 / n, d))
    X[5] = 1
    y = rng.normal(size=n if k is None else (n, k)).astype(dtype)
    X = sparse.csr_matrix(X.astype(dtype))
    for alpha, batch_size in product((1e-5, 1e-3, 0.1, 3.0, 1e3), (1, 3)):
        assert_same(
            X,
            y,
            k=k,
            loss=Huber(),
            penalty=penalty,
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=alpha,
        )


@pytest.mark.parametrize(("is_sparse", "dtype"), KINDS)
@pytest.mark.parametrize("loss", instances(LOSSES), ids=repr)
def test_every_loss_equals_its_formula(loss, is_sparse, dtype):
    """Loss × number of outputs × optimizer × batch size."""
    for k, optimizer, batch_size in product(
        (None, 1, 2, 3, 11, 20), (SGD(), Adam()), (1, 3, 9)
    ):
        X, y = make_data(loss, k=k, dtype=dtype, is_sparse=is_sparse)
        assert_same(
            X,
            y,
            k=k,
            loss=loss,
            penalty=L2(),
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.1,
        )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("is_sparse", "dtype"), KINDS)
@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33, 70, 150])
def test_every_number_of_features_on_every_engine(d, is_sparse, dtype, engine):
    loss = LogLoss()
    for k, optimizer, batch_size in product((None, 3, 18), (SGD(), Adam()), (1, 4, 6)):
        X, y = make_data(loss, n=15, d=d, k=k, dtype=dtype, is_sparse=is_sparse)
        assert_same(
            X / X.dtype.type(math.sqrt(d)),
            y,
            k=k,
            loss=loss,
            penalty=L2(),
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.1,
            engine=engine,
        )


@pytest.mark.parametrize(("is_sparse", "dtype"), KINDS)
@pytest.mark.parametrize("optimizer", instances(OPTIMIZERS), ids=repr)
def test_every_step_in_units(optimizer, is_sparse, dtype):
    n, n_epochs = (35, 2) if dtype == "float64" else (9, 1)
    X, y = make_data(SquaredError(), n=n, dtype=dtype, is_sparse=is_sparse)
    X, units = in_units(X)
    for penalty, batch_size in ((ElasticNet(0.4), 1), (L2(), 3), (L1(), n)):
        if not takes(optimizer, penalty):
            continue
        assert_same(
            X,
            y,
            n_epochs=n_epochs,
            loss=SquaredError(),
            penalty=penalty,
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.1,
            units=units,
        )


@pytest.mark.parametrize(("is_sparse", "dtype"), KINDS)
@pytest.mark.parametrize("loss", instances(LOSSES), ids=repr)
def test_every_loss_in_units(loss, is_sparse, dtype):
    cases = (None, SGD(), 1), (None, Adam(), 3), (3, SGD(), 9), (11, Adam(), 3)
    for k, optimizer, batch_size in cases:
        X, y = make_data(loss, k=k, dtype=dtype, is_sparse=is_sparse)
        X, units = in_units(X, k=k)
        assert_same(
            X,
            y,
            k=k,
            loss=loss,
            penalty=L2(),
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.1,
            units=units,
        )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("is_sparse", "dtype"), KINDS)
@pytest.mark.parametrize("d", [1, 3, 4, 8, 9, 17, 70])
def test_every_number_of_features_in_units(d, is_sparse, dtype, engine):
    for k, optimizer, batch_size in (
        (None, SGD(), 1),
        (None, Adam(), 6),
        (3, SGD(), 4),
    ):
        X, y = make_data(LogLoss(), n=15, d=d, k=k, dtype=dtype, is_sparse=is_sparse)
        X, units = in_units(X / X.dtype.type(math.sqrt(d)), k=k)
        assert_same(
            X,
            y,
            k=k,
            loss=LogLoss(),
            penalty=L2(),
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.1,
            units=units,
            engine=engine,
        )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("is_sparse", "dtype"), KINDS)
@pytest.mark.parametrize("d", [1, 7, 8, 16, 33])
def test_norms_over_all_weights_on_every_engine(d, is_sparse, dtype, engine):
    """With distances at the start that let the weights move far in a few steps."""
    optimizers = (
        DoG(initial_distance=0.5),
        Prodigy(initial_distance=0.1),
        COCOB(alpha=1),
    )
    for k, optimizer, batch_size in product((None, 3), optimizers, (1, 6)):
        X, y = make_data(LogLoss(), n=15, d=d, k=k, dtype=dtype, is_sparse=is_sparse)
        assert_same(
            X,
            y,
            k=k,
            loss=LogLoss(),
            penalty=ElasticNet(0.5),
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.1,
            engine=engine,
        )


@pytest.mark.parametrize("optimizer", instances(OPTIMIZERS), ids=repr)
def test_a_rate_of_zero_takes_no_weight_anywhere(optimizer):
    """Where the formula divides by the rate, too."""
    X, y = make_data(SquaredError(), n=6)
    settings = {"loss": SquaredError(), "penalty": L2(), "optimizer": optimizer}
    for function in (run_pass, reference_pass):
        w, clock = np.ones(8), np.zeros(2, np.int64)
        state = optimizer.init(w)
        for rates in (np.array([0.1, 0.0, 0.0]), np.array([0.0, 0.0, 0.0])):
            before = w.copy()
            function(X, y, w, rates, batch_size=2, state=state, clock=clock, **settings)
            assert np.isfinite(w).all()
        np.testing.assert_array_equal(w, before)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize(
    "more",
    [
        {"fit_intercept": False},
        {"clip_norm": 0.3},
        {"average_from": 10},
        {"average_from": 10, "alpha": 0.0},
        {"average_from": 1, "average_power": 3, "alpha": 0.0},
        {"average_from": 10, "alpha": 10.0, "n_epochs": 1},
        {"sample_weight": np.linspace(0, 3, 35)},
        {"sample_weight": np.linspace(0, 3, 35, dtype=np.float32)[::-1]},
        {"optimizer": AdamW(weight_decay=0.5)},
        {"alpha": 0.0},
        {"alpha": 30.0},
        {"alpha": 10.0, "n_epochs": 1},  # shrinks by more than 1e-8 in a pass
    ],
    ids=repr,
)
def test_settings_do_what_the_reference_does(more, is_sparse):
    X, y = make_data(SquaredError(), n=35, is_sparse=is_sparse)
    optimizers = SGD(), Adam(), FTRL(), AdaGrad(), Prodigy(initial_distance=0.1)
    for optimizer, penalty, batch_size in product(
        optimizers, (L2(), L1(), ElasticNet(0.5)), (1, 4)
    ):
        settings = {
            "loss": Huber(),
            "penalty": penalty,
            "optimizer": optimizer,
            "batch_size": batch_size,
            "alpha": 0.1,
        }
        assert_same(X, y, **(settings | more))


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("k", [None, 3])
def test_settings_in_units(k, is_sparse):
    """With all settings at once, and without an intercept."""
    X, y = make_data(LogLoss(), n=300, k=k, is_sparse=is_sparse)
    X, units = in_units(X, k=k)
    more = [
        {"sample_weight": np.linspace(0, 3, 300), "clip_norm": 0.3, "average_from": 10},
        {"fit_intercept": False, "loss": OwnSoftmax() if k else OwnLogistic()},
    ]
    for settings, optimizer, batch_size in product(
        more, (SGD(), AdamW(weight_decay=0.5), FTRL()), (7, 300)
    ):
        settings = {"loss": LogLoss(), "penalty": ElasticNet(0.5)} | settings
        assert_same(
            X,
            y,
            k=k,
            n_epochs=1,
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.01,
            units=units,
            **settings,
        )


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_any_csr_in_units(index):
    """Empty rows, indices in any order, and columns that stand in a row twice."""
    indptr = np.array([0, 3, 5, 5, 9, 10, 13])
    indices = np.array([2, 0, 2, 1, 1, 0, 1, 2, 0, 1, 0, 1, 2])
    data = np.random.default_rng(0).normal(size=13)
    X = sparse.csr_matrix((data, indices, indptr), shape=(6, 3))
    X.indices, X.indptr = indices.astype(index), indptr.astype(index)
    y = np.array([1.0, 2.0, 0.5, 0.1, 0.2, 0.3])
    outputs = (np.array(v) for v in (0.1, 0.8, 1.2))
    for center in ([0.0, 0.0, 0.0], [0.5, 0.0, -0.7]):
        units = Units(np.array(center), np.array([1.5, 0.4, 2.0]), *outputs)
        outputs = units.offset, units.unit, units.residual_scale
        for optimizer, penalty, batch_size in product(
            (SGD(), AdaGrad(), FTRL(), Adam()), (L1(), L2()), (1, 2)
        ):
            assert_same(
                X,
                y,
                loss=SquaredError(),
                penalty=penalty,
                optimizer=optimizer,
                batch_size=batch_size,
                alpha=0.1,
                units=units,
            )


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("batch_size", [1, 32])
def test_an_offset_of_the_features_costs_no_digits(batch_size, is_sparse):
    X, y = make_data(SquaredError(), n=100, is_sparse=is_sparse)
    X, units = in_units(X, offset=1e9, density=1.0)
    for optimizer in (SGD(), Adam()):
        assert_same(
            X,
            y,
            loss=SquaredError(),
            penalty=L2(),
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.1,
            units=units,
        )


@pytest.mark.parametrize(("is_sparse", "dtype"), KINDS)
@pytest.mark.parametrize("engine", ENGINES)
def test_value_and_gradient_over_all_samples(engine, is_sparse, dtype, monkeypatch):
    monkeypatch.setattr(_objective, "_BLOCK", 500)
    n, tolerance = 400, TOLERANCE[dtype]
    weights = np.linspace(0, 3, n).astype(dtype)
    for k, has_units, sample_weight in product(
        (None, 3), (False, True), (None, weights)
    ):
        loss = LogLoss()
        X, y = make_data(loss, n=n, d=20, k=k, dtype=dtype, is_sparse=is_sparse)
        units = None
        if has_units:
            X, units = in_units(X, k=k)
        parts = X, y, sample_weight, loss, ElasticNet(0.5), 0.1, True, k, units
        objective = LinearObjective(*parts, penalty_unit=3.0)
        w = np.random.default_rng(2).normal(size=objective.shape).astype(dtype)
        # By the definition, at once and in float64.
        Z = (X.toarray() if is_sparse else X).astype(float)
        if has_units:
            Z = (Z - units.center) * units.inverse_scale
            loss = InUnits(loss, units)
        Y, z = objective._targets(slice(None)).astype(float), Z @ w[:-1] + w[-1]
        s = np.ones(n) if sample_weight is None else weights.astype(float)
        values, r = loss.value(Y, z).reshape(n, -1).sum(axis=1), loss.gradient(Y, z)
        penalty = 0.1 * objective.penalty.value(w[:-1].astype(float))
        expected = values @ s / s.sum() + 3 * penalty
        g = np.append(Z, np.ones((n, 1)), axis=1).T @ (r.T * s).T / n
        g[:-1] += 0.1 * objective.penalty.gradient(w[:-1].astype(float))
        assert objective.value(w) == pytest.approx(expected, rel=tolerance)
        assert _compiled.objective_value(objective, w) == pytest.approx(
            expected, rel=tolerance
        )
        total = _compiled._evaluate(objective, w, None, engine)
        assert total == pytest.approx(values @ s, rel=tolerance)
        for gradient in (
            objective.full_gradient(w),
            _compiled.full_gradient(objective, w),
        ):
            assert gradient.dtype == w.dtype
            np.testing.assert_allclose(gradient, g, rtol=tolerance, atol=tolerance)
        objective.loss = OwnLogistic() if k is None else OwnSoftmax()
        assert _compiled.objective_value(objective, w) == objective.value(w)
        np.testing.assert_array_equal(
            _compiled.full_gradient(objective, w), objective.full_gradient(w)
        )


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("optimizer", [SGD(), Adam(), FTRL()], ids=repr)
def test_a_pass_may_be_taken_in_parts(optimizer, is_sparse):
    n, batch_size, shuffle = 10_000, 2, (3, 0)
    X, y = make_data(SquaredError(), n=n, is_sparse=is_sparse)
    settings = {"loss": Huber(), "penalty": L1(), "optimizer": optimizer, "alpha": 0.1}
    rates = rates_for(n, batch_size)
    results = []
    for bounds in ([0, 5000], [0, 1, 700, 2049, 4999, 5000]):
        w = np.zeros(X.shape[1] + 1)
        state, clock, total = optimizer.init(w), np.zeros(2, np.int64), 0.0
        for first, stop in pairwise(bounds):
            total += run_pass(
                X,
                y,
                w,
                rates[first:stop],
                first_batch=first,
                batch_size=batch_size,
                shuffle=shuffle,
                state=state,
                clock=clock,
                **settings,
            )
        results.append((w, total, clock.tolist()))
    np.testing.assert_allclose(results[1][0], results[0][0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-12)
    assert results[0][2] == results[1][2] == [5000, 0]


def test_a_column_that_stands_in_a_sparse_row_twice_counts_twice():
    loss = SquaredError()
    indptr = np.array([0, 3, 5, 9])
    indices = np.array([2, 0, 2, 1, 1, 0, 1, 2, 0])
    data = np.random.default_rng(0).normal(size=9)
    X = sparse.csr_matrix((data, indices, indptr), shape=(3, 3))
    y = np.array([1.0, 2.0, 0.5])
    for index, optimizer, penalty, batch_size in product(
        (np.int32, np.int64), (SGD(), AdaGrad(), FTRL(), Adam()), (L1(), L2()), (1, 2)
    ):
        X.indices, X.indptr = indices.astype(index), indptr.astype(index)
        assert_same(
            X,
            y,
            loss=loss,
            penalty=penalty,
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.1,
        )


def test_ordinary_arrays_are_not_copied():
    X, _ = make_data(SquaredError(), n=5)
    for array in (X, X.astype(np.float32), X[::2], X[:, 1:3]):
        assert with_contiguous_rows(array) is array
        csr = sparse.csr_array(array)
        assert with_contiguous_rows(csr) is csr
    assert with_contiguous_rows(np.asfortranarray(X)).flags.c_contiguous


def test_arrays_are_read_where_they_are():
    """Strides, read-only memory, other dtypes of y: no copy, no change."""
    loss = SquaredError()
    X, y = make_data(loss, n=40, d=12)
    views = [
        (X[::2], y[::2]),
        (X[::-1], y[::-1]),
        (X[:, 2:9], np.stack([y, y], axis=1)[:, 1]),
        (X[:5], y[:5].astype(np.float32)),
        (X[:1], y[:1]),
    ]
    for X_view, y_view in views:
        X_view.flags.writeable = y_view.flags.writeable = False
        X_before, y_before = X_view.copy(), y_view.copy()
        for batch_size in (1, 3):
            assert_same(
                X_view,
                y_view,
                loss=loss,
                penalty=L2(),
                optimizer=SGD(),
                batch_size=batch_size,
                alpha=0.1,
            )
        np.testing.assert_array_equal(X_view, X_before)
        np.testing.assert_array_equal(y_view, y_before)


# Components of the user: subclasses that say the same in their own formula, so that
# the compiled formula is the reference.


class OwnHuber(Huber):
    def gradient(self, y, z):
        return super().gradient(y, z)


class OwnSoftmax(LogLoss):
    def value(self, y, z):
        return super().value(y, z)


class OwnLogistic(LogLoss):
    def gradient(self, y, z):
        return super().gradient(y, z)


class OwnElasticNet(ElasticNet):
    def prox(self, w, step):
        return super().prox(w, step)


class OwnAdam(Adam):
    def direction(self, w, g, t, m, v):
        return super().direction(w, g, t, m, v)


class OwnFTRL(FTRL):
    def scale(self, w, g, t, **state):
        return super().scale(w, g, t, **state)


@pytest.mark.parametrize(("is_sparse", "dtype"), KINDS)
def test_python_components_in_any_mixture(is_sparse, dtype):
    for loss, penalty, optimizer, batch_size in product(
        (Huber(), OwnHuber(), OwnSoftmax()),
        (ElasticNet(), OwnElasticNet()),
        (SGD(), Adam(), OwnAdam(), OwnFTRL()),
        (1, 7, 300),
    ):
        k = 3 if isinstance(loss, LogLoss) else None
        X, y = make_data(loss, n=300, k=k, dtype=dtype, is_sparse=is_sparse)
        assert_same(
            X,
            y,
            k=k,
            n_epochs=1,
            loss=loss,
            penalty=penalty,
            optimizer=optimizer,
            batch_size=batch_size,
            alpha=0.1,
        )


def test_who_has_a_twin():
    assert compiled_twin(Huber(2)) == ("huber", (2.0,))
    assert compiled_twin(AdamW(weight_decay=3)) == ("adam", (0.9, 0.999, 1e-8))
    for registry in (LOSSES, OPTIMIZERS):
        for component in instances(registry):
            assert compiled_twin(component) is not None

    class Renamed(Momentum):
        """A subclass with the formulas of its base."""

        def __init__(self, momentum=0.5):
            super().__init__(momentum)

        def init(self, w):
            return {"v": np.ones_like(w)}

    class OwnSchedule(NAdam):
        def _mu(self, t):
            return 0.5

    assert compiled_twin(Renamed()) == ("momentum", (0.5,))

    class NoMove:
        def direction(self, w, g, t, **state):
            return 0 * g

    class NoAdam(NoMove, Adam):
        """An override that comes from a class beside the built-in one."""

    assert compiled_twin(NoAdam()) is None
    assert compiled_twin(OwnHuber()) is None
    assert compiled_twin(OwnSchedule()) is None
    patched = SGD()
    patched.direction = lambda w, g, t: -g
    assert compiled_twin(patched) is None


def test_who_has_a_twin_among_penalties():
    coef = np.zeros(2)
    for penalty in instances(PENALTIES):
        assert compiled_penalty(penalty, coef) is not None
    assert compiled_penalty(ElasticNet(0.25), coef) == (0.25, 0.75, None, None, False)
    bounded = Box([0, -1], 1, penalty="l1")
    l1, l2, lower, upper, in_prox = compiled_penalty(bounded, coef)
    assert (l1, l2, in_prox) == (1, 0, False)
    np.testing.assert_array_equal(lower, [0, -1])
    np.testing.assert_array_equal(upper, [1, 1])
    of_prox = compiled_penalty(ElasticNet(0.25).as_prox(), coef)
    assert of_prox == (0.25, 0.75, None, None, True)
    assert compiled_penalty(NonNegative("l2").as_prox(), coef)[4]
    assert compiled_penalty(OwnElasticNet(), coef) is None
    assert compiled_penalty(NonNegative(OwnElasticNet()), coef) is None
    assert compiled_penalty(NonNegative(Box(-1, 1)), coef) is None
    assert compiled_penalty(resolve_penalty(None), coef) == (0, 0, None, None, False)


@pytest.mark.parametrize("l1_ratio", [0.5, 1 - 1e-6, 1 - 1e-9])
@pytest.mark.parametrize("alpha", [1e-8, 1e-4])
def test_many_steps_of_an_elastic_net_that_is_nearly_l1(l1_ratio, alpha):
    """By how much it shrinks weights, which is little beside the weights."""
    X = sparse.csr_matrix(np.column_stack([np.ones(400), np.arange(400) % 50 == 7]))
    optimizer = AdaGrad(initial_accumulator=0.3)

    def trained(function, penalty):
        w = np.array([0.1, 0.5])
        function(
            X,
            np.linspace(-1, 1, 400) + 0.5 * X.toarray()[:, 1],
            w,
            np.full(400, 1e-3),
            loss=SquaredError(),
            penalty=penalty,
            optimizer=optimizer,
            alpha=alpha,
            state=optimizer.init(w),
            clock=np.zeros(2, np.int64),
            fit_intercept=False,
            batch_size=1,
        )
        return w

    free, net = trained(reference_pass, NoPenalty()), ElasticNet(l1_ratio)
    expected = trained(reference_pass, net) - free
    assert (np.abs(expected) > 1e-11).all()
    result = trained(run_pass, net) - free
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-15)


class ProximalSGD(SGD):
    proximal = True


class AdaGradOfGradients(AdaGrad):
    """Its penalty's smooth part is in the gradient."""

    proximal = False


SPARSE_STEPS = {
    "loss": [SquaredError(), OwnHuber()],
    "clip_norm": [None, 1.0],
    "average_from": [None, 1],
    "penalty": [
        L1(),
        L2(),
        ElasticNet(0.3),
        ElasticNet(0.0),
        NonNegative(),
        NonNegative("l2"),
        OwnElasticNet(),
    ],
}


@pytest.mark.parametrize(
    ("optimizer", "n_sparse"),
    [
        (SGD(), 6),
        (AdaGrad(initial_accumulator=0.3), 4),
        (FTRL(beta=0.7), 4),
        (ProximalSGD(), 1),
        (AdaGradOfGradients(initial_accumulator=0.3), 1),
        (OwnFTRL(), 0),
        (Adam(), 0),
    ],
    ids=repr,
)
def test_whose_steps_are_sparse(optimizer, n_sparse):
    """What columns without a value missed is made up for at once: rounding shows it.

    A step on dense rows goes through them, and there the same step on sparse rows has
    the same rounding.
    """
    rng = np.random.default_rng(0)
    y, start = rng.normal(size=60), rng.normal(size=300)
    X = np.zeros((60, 300))
    X[:, 0] = 1
    said_so = 0
    for choice in product(*SPARSE_STEPS.values()):
        settings = dict(zip(SPARSE_STEPS, choice, strict=True))
        if not takes(optimizer, settings["penalty"]):
            continue
        weights = []
        for rows in (sparse.csr_matrix(X), X):
            w, average = start.copy(), np.zeros(300)
            run_pass(
                rows,
                y,
                w,
                rates_for(60, 2),
                optimizer=optimizer,
                alpha=0.01,
                fit_intercept=False,
                batch_size=2,
                state=optimizer.init(w),
                clock=np.zeros(2, np.int64),
                average=average,
                **settings,
            )
            weights.append((w if settings["average_from"] is None else average)[1:])
        np.testing.assert_allclose(*weights, rtol=1e-9, atol=1e-12)
        objective = LinearObjective(
            sparse.csr_matrix(X),
            y,
            None,
            settings["loss"],
            settings["penalty"],
            0.01,
            False,
        )
        said = has_sparse_steps(
            objective,
            optimizer,
            clip_norm=settings["clip_norm"],
            is_averaged=settings["average_from"] is not None,
        )
        assert said != np.array_equal(*weights), settings
        said_so += said
    assert said_so == n_sparse


class Trouble(Exception):
    pass


class Raises:
    """Counts its calls and raises in one of them."""

    def __init__(self, at):
        self.at, self.calls = at, 0

    def __call__(self):
        self.calls += 1
        if self.calls == self.at:
            raise Trouble


def troubled(base, method, at):
    """Return an instance of ``base`` whose method does its work and then raises."""
    trouble = Raises(at)

    def formula(self, *args, **kwargs):
        result = getattr(super(cls, self), method)(*args, **kwargs)
        trouble()
        return result

    cls = type("Troubled", (base,), {method: formula})
    return cls()


@pytest.mark.parametrize(
    ("kind", "base", "method"),
    [
        ("loss", Huber, "value"),
        ("loss", Huber, "gradient"),
        ("penalty", L1, "gradient"),
        ("penalty", L1, "prox"),
        ("optimizer", Momentum, "direction"),
        ("optimizer", Momentum, "scale"),
    ],
)
@pytest.mark.parametrize("is_sparse", [False, True])
def test_an_exception_leaves_the_last_whole_step(kind, base, method, is_sparse):
    X, y = make_data(SquaredError(), n=20, is_sparse=is_sparse)
    settings = {"loss": Huber(), "penalty": L1(), "optimizer": Momentum(), "alpha": 0.1}

    def start():
        w = np.zeros(X.shape[1] + 1)
        clock = np.zeros(2, np.int64)
        return {"w": w, "state": Momentum().init(w), "clock": clock} | {
            "average": np.zeros_like(w),
            "average_from": 1,
        }

    stopped, whole = start(), start()
    settings[kind] = troubled(base, method, at=4)
    with pytest.raises(Trouble):
        run_pass(X, y, rates=np.full(10, 0.1), batch_size=2, **stopped, **settings)
    settings[kind] = base()
    run_pass(X[:6], y[:6], rates=np.full(3, 0.1), batch_size=2, **whole, **settings)
    assert stopped["clock"].tolist() == [3, 3]
    for name in ("w", "average"):
        np.testing.assert_allclose(stopped[name], whole[name], rtol=1e-12)
    for name, array in whole["state"].items():
        np.testing.assert_allclose(stopped["state"][name], array, rtol=1e-12)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX timers")
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("optimizer", [SGD(), Adam()], ids=repr)
def test_an_interrupt_leaves_the_last_whole_step(optimizer, is_sparse):
    loss, n_steps, d = SquaredError(), 2_000_000, 200
    if is_sparse:
        columns = np.arange(3 * n_steps, dtype=np.int32) % d
        indptr = 3 * np.arange(n_steps + 1, dtype=np.int32)
        X = sparse.csr_matrix((np.ones(3 * n_steps), columns, indptr), (n_steps, d))
    else:
        X = np.broadcast_to(np.linspace(-1, 1, d), (n_steps, d))
    y, rates = np.sin(np.arange(n_steps)), np.full(n_steps, 1e-3)
    w = np.zeros(d + 1)
    clock, state = np.zeros(2, np.int64), optimizer.init(w)
    settings = {"loss": loss, "penalty": L2(), "optimizer": optimizer, "alpha": 1e-3}

    def interrupt(signum, frame):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_pass(
                X,
                y,
                w,
                rates,
                clock=clock,
                state=state,
                **settings,
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    t = int(clock[0])
    assert 0 < t < n_steps
    expected = np.zeros(d + 1)
    run_pass(
        X,
        y,
        expected,
        rates[:t],
        clock=np.zeros(2, np.int64),
        state=optimizer.init(expected),
        **settings,
    )
    np.testing.assert_allclose(w, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("w", np.zeros(7)),
        ("w", np.zeros(8, np.float32)),
        ("w", np.zeros((8, 2))[:, 0]),
        ("y", np.zeros(29)),
        ("y", np.zeros((30, 2))),
        ("y", np.zeros(30, np.int64)),
        ("rates", np.zeros(11)),
        ("rates", np.zeros(10, np.float32)),
        ("sample_weight", np.ones(29)),
        ("state", {"m": np.zeros(8), "v": np.zeros(7)}),
        ("state", {"m": np.zeros(8)}),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name, wrong):
    X, y = make_data(SquaredError(), n=30)
    arrays = {"X": X, "y": y, "w": np.zeros(8), "rates": np.zeros(10)}
    arrays |= {"clock": np.zeros(2, np.int64), "average": np.zeros(8)}
    arrays |= {"state": Adam().init(arrays["w"]), name: wrong}
    with pytest.raises(ValueError, match=name):
        run_pass(
            **arrays,
            batch_size=3,
            loss=SquaredError(),
            penalty=L2(),
            optimizer=Adam(),
        )


@pytest.mark.parametrize("name", [f.name for f in fields(Units)])
def test_units_that_do_not_fit_are_refused(name):
    X, y = make_data(SquaredError(), n=30)
    _, units = in_units(X)
    array = getattr(units, name)
    for wrong in (np.append(array, 1.0), array.astype(np.float32), 1j * array):
        objective = LinearObjective(X, y, None, SquaredError(), L2(), 0.1, True)
        objective.units = replace(units, **{name: wrong})
        with pytest.raises(ValueError, match=name):
            _compiled.objective_value(objective, np.zeros(8))


def test_extreme_predictions_saturate():
    X = np.array([[1.0], [-1.0]])
    for loss, y in ((LogLoss(), [1.0, -1.0]), (Hinge(), [1.0, 1.0])):
        for start in (1e3, -1e3, 1e300, -1e300):
            assert_same_from(np.array([start]), X, np.array(y), loss)


def assert_same_from(start, X, y, loss):
    totals = []
    for function in (run_pass, reference_pass):
        w = start.copy()
        total = function(
            X,
            y,
            w,
            np.array([0.1]),
            loss=loss,
            penalty=NoPenalty(),
            optimizer=SGD(),
            state={},
            clock=np.zeros(2, np.int64),
            fit_intercept=False,
            batch_size=2,
        )
        totals.append(total)
    np.testing.assert_allclose(totals[0], totals[1], rtol=1e-14)


# The order of an epoch.

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def hash32(x):
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return x ^ (x >> 16)


def reference_permutation(n, seed, epoch):
    """Return the order: a Feistel network, then Fisher-Yates in chunks of 4096."""
    key = mix((mix((seed + GOLDEN) & MASK) + epoch) & MASK)

    def word(i):
        return mix((key + (i + 1) * GOLDEN) & MASK)

    a = math.isqrt(n - 1) + 1
    b = -(-n // a)
    keys = [word(i) & 0xFFFFFFFF for i in range(6)]

    def encrypt(x):
        right, left = divmod(x, a)
        for k in range(0, 6, 2):
            f = hash32((right + keys[k]) & 0xFFFFFFFF)
            left = (left + ((f * a) >> 32)) % a
            f = hash32((left + keys[k + 1]) & 0xFFFFFFFF)
            right = (right + ((f * b) >> 32)) % b
        return right * a + left

    order = []
    for start in range(0, n, 4096):
        rows = []
        for x in range(start, min(start + 4096, n)):
            x = encrypt(x)
            while x >= n:
                x = encrypt(x)
            rows.append(x)
        for i in range(len(rows) - 1, 0, -1):
            j = ((word(6 + start + i) >> 32) * (i + 1)) >> 32
            rows[i], rows[j] = rows[j], rows[i]
        order += rows
    return order


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 100, 4096, 4097, 12345])
def test_permutation_equals_its_formula(n, engine):
    for seed, epoch in ((0, 0), (1, 2), (2**64 - 1, 2**63)):
        order = permutation(n, seed, epoch, engine)
        assert order.dtype == np.int32
        assert order.tolist() == reference_permutation(n, seed, epoch)


def test_permutation_of_nothing():
    assert permutation(0, 1, 2).shape == (0,)


@pytest.mark.parametrize("n", [1000, 50_000, 1_000_003])
def test_permutation_has_every_row_once(n):
    assert np.array_equal(np.sort(permutation(n, 5, 6)), np.arange(n))


def test_permutations_of_four_are_equally_likely():
    counts: dict[tuple, int] = {}
    for seed, epoch in product(range(240), range(50)):
        order = tuple(permutation(4, seed, epoch))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


@pytest.mark.parametrize("n", [10_000, 20_000])
def test_positions_are_uniform_where_there_are_several_chunks(n):
    """Where a row stands, and how far two neighbours are apart, over epochs."""
    n_epochs = 400
    positions = np.array([np.argsort(permutation(n, 9, e)) for e in range(n_epochs)])
    u = (positions + 0.5) / n
    # Means of uniform numbers, whose standard deviation is 1/√12.
    z = (u.mean(axis=0) - 0.5) * math.sqrt(12 * n_epochs)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    # The distance of two uniform positions has the distribution function 1-(1-x)².
    for apart in (1, 100, 4096):
        distance = np.abs(u[:, apart:] - u[:, :-apart])[:, ::97].ravel()
        assert stats.kstest(distance, lambda x: 1 - (1 - x) ** 2).pvalue > 1e-3


def test_seeds_and_epochs_give_unrelated_orders():
    first = permutation(10_000, 1, 1)
    for seed, epoch in ((1, 2), (2, 1), (1, 0), (0, 1)):
        other = permutation(10_000, seed, epoch)
        assert np.mean(first == other) < 0.002
        assert abs(stats.spearmanr(first, other).statistic) < 0.05


def test_a_pass_visits_the_rows_in_the_order_of_permutation():
    n = 10_000
    X, y = np.zeros((n, 1)), np.arange(n, dtype=float)
    w, rates = np.zeros(2), np.full(n, 1.0)
    seen = []

    class Records(SquaredError):
        def gradient(self, y, z):
            seen.extend(y.tolist())
            return super().gradient(y, z)

    run_pass(
        X,
        y,
        w,
        rates,
        loss=Records(),
        penalty=NoPenalty(),
        optimizer=SGD(),
        state={},
        clock=np.zeros(2, np.int64),
        shuffle=(4, 5),
    )
    assert seen == permutation(n, 4, 5).tolist()
