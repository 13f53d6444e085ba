"""Penalties: proximal operators against brute force, bounds exactly."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from sklearn.base import clone

from skgd import GDRegressor
from skgd.penalties import (
    L1,
    L2,
    PENALTIES,
    Box,
    ElasticNet,
    NonNegative,
    NoPenalty,
    Penalty,
    resolve_penalty,
    soft_threshold,
)
from skgd.testing import check_penalty

DEFAULTS = [PENALTIES[name]() for name in sorted(PENALTIES)]
VARIANTS = [
    ElasticNet(l1_ratio=0),
    ElasticNet(l1_ratio=0.5),
    ElasticNet(l1_ratio=1),
    Box(lower=-0.5, upper=0.1),
    Box(upper=0.25, penalty="l1"),
    Box(lower=1.0, penalty=ElasticNet(0.5)),
    Box(lower=0.3, upper=0.3),
    Box(lower=-0.1, penalty=NonNegative(penalty="l1")),
    NonNegative(penalty="l1"),
    NonNegative(penalty="l2"),
    NonNegative(penalty=ElasticNet(0.5)),
]
every_penalty = pytest.mark.parametrize("penalty", DEFAULTS + VARIANTS, ids=repr)
vectors = arrays(float, 4, elements=st.floats(-10, 10))
steps = st.floats(0, 5) | arrays(float, 4, elements=st.floats(0, 5))


def rest(penalty, u):
    """Return the part that is not smooth, for each coefficient."""
    if isinstance(penalty, Box):
        inside = (penalty.lower <= u) & (u <= penalty.upper)
        return np.where(inside, rest(resolve_penalty(penalty.penalty), u), math.inf)
    rho = {L1: 1.0, ElasticNet: getattr(penalty, "l1_ratio", 0)}.get(type(penalty), 0.0)
    return rho * np.abs(u)


# The contract


@every_penalty
def test_contract(penalty):
    check_penalty(penalty)


@pytest.mark.parametrize(
    ("penalty", "shape"),
    [
        (Box(lower=[-1, 0, 0.5], upper=[1.0, math.inf, 0.5]), (3,)),
        (Box(lower=[-1, 0, 0.5], upper=[1.0, math.inf, 0.5]), (3, 2)),
        (Box(upper=np.array([[0.0, 1], [1, 2], [2, 3]]), penalty="l1"), (3, 2)),
        (Box(lower=[-1, 0, 0], upper=np.full((3, 2), 0.1), penalty="l2"), (3, 2)),
    ],
    ids=["per feature", "per feature, two outputs", "per coefficient", "both"],
)
def test_contract_with_bounds_for_each_coefficient(penalty, shape):
    penalty.validate()
    check_penalty(penalty, shapes=[shape])


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("none", NoPenalty),
        ("l1", L1),
        ("l2", L2),
        ("elasticnet", ElasticNet),
        ("box", Box),
        ("nonnegative", NonNegative),
    ],
)
def test_names(name, cls):
    assert PENALTIES[name] is cls


# Values and gradients


@pytest.mark.parametrize(
    ("penalty", "value", "gradient"),
    [
        (NoPenalty(), 0.0, [0, 0, 0]),
        (L2(), 13.0, [3, -4, 1]),
        (L1(), 8.0, [0, 0, 0]),
        (ElasticNet(0.25), 0.25 * 8 + 0.75 * 13, [2.25, -3, 0.75]),
        (Box(lower=-4, upper=3), 0.0, [0, 0, 0]),
        (Box(lower=-3), math.inf, [0, 0, 0]),
        (Box(lower=-4, penalty="l2"), 13.0, [3, -4, 1]),
        (NonNegative(penalty="l2"), math.inf, [3, -4, 1]),
    ],
    ids=repr,
)
def test_hand_computed(penalty, value, gradient):
    w = np.array([3.0, -4.0, 1.0])
    assert penalty.value(w) == value
    assert_array_equal(penalty.gradient(w), gradient)


def test_as_prox_has_the_whole_penalty_in_the_operator():
    """Of ρ |u| + ½ (1 − ρ) u² it is soft(w, s ρ) / (1 + s (1 − ρ))."""
    w = np.array([3.0, -1.0, 0.25])
    step = np.array([0.5, 2.0, 1.0])
    assert_allclose(L2().as_prox().prox(w, step), w / (1 + step), rtol=1e-15)
    net = ElasticNet(0.5).as_prox()
    assert_allclose(net.prox(w, 1.0), [2.5 / 1.5, -0.5 / 1.5, 0], rtol=1e-15)
    box = Box(-0.2, 1.0, penalty="l2").as_prox()
    assert_allclose(box.prox(w, 1.0), [1, -0.2, 0.125], rtol=1e-15)
    for penalty in (L2().as_prox(), net, box):
        assert_array_equal(penalty.gradient(w), np.zeros(3))
    for penalty in (NoPenalty(), L1()):
        assert penalty.as_prox() is penalty


class TwiceL2(L2):
    def value(self, w):
        return 2 * super().value(w)

    def gradient(self, w):
        return 2 * w


class TwiceTheL1(ElasticNet):
    def value(self, w):
        return super().value(w) + self.l1_ratio * np.abs(w).sum()

    def prox(self, w, step):
        return super().prox(w, 2 * step)


class SameL2(L2):
    pass


@pytest.mark.parametrize("penalty", [TwiceL2(), TwiceTheL1()], ids=repr)
def test_as_prox_of_a_subclass_with_other_formulas_is_itself(penalty):
    assert penalty.as_prox() is penalty
    w = np.array([3.0, -1.0])
    assert SameL2().as_prox().value(w) == L2().value(w)
    assert_array_equal(SameL2().as_prox().gradient(w), [0, 0])


@pytest.mark.parametrize("optimizer", ["adagrad", "ftrl"])
def test_a_subclass_of_l2_trains_with_its_own_formulas(optimizer):
    """The minimum of (w − 1)² / 2 + α w² is 1 / (1 + 2 α)."""
    X, y = np.ones((4, 1)), np.ones(4)
    options = {"fit_intercept": False, "standardize": False, "tol": None}
    model = GDRegressor(
        penalty=TwiceL2(),
        alpha=0.5,
        optimizer=optimizer,
        learning_rate=0.5,
        max_iter=1000,
        **options,
    )
    assert_allclose(model.fit(X, y).coef_, [0.5], rtol=1e-6)


@pytest.mark.parametrize("penalty", [L2(), ElasticNet(0.0)], ids=repr)
@given(w=vectors)
def test_gradient_of_a_smooth_penalty_is_numerical(penalty, w):
    numerical = approx_fprime(w, penalty.value, 1e-6)
    assert_allclose(penalty.gradient(w), numerical, atol=1e-4)


@given(w=vectors, rho=st.floats(0, 1))
def test_elastic_net_is_the_mixture(w, rho):
    penalty = ElasticNet(rho)
    assert penalty.value(w) == rho * L1().value(w) + (1 - rho) * L2().value(w)
    assert_array_equal(penalty.gradient(w), (1 - rho) * L2().gradient(w))
    assert_array_equal(penalty.prox(w, 0.5), L1().prox(w, 0.5 * rho))


# Proximal operators


@every_penalty
@given(data=st.data())
def test_prox_is_the_minimiser(penalty, data):
    """No point of a dense grid around it is lower, in any coordinate."""
    w, step = data.draw(vectors), data.draw(steps)
    step = np.maximum(step, 1e-3)
    proximal = penalty.prox(w, step)
    moves = np.geomspace(1e-6, 20, 60)[:, np.newaxis]
    around = np.vstack([proximal + moves, proximal - moves, w, np.zeros(4)])

    def objective(u):
        return 0.5 * (u - w) ** 2 / step + rest(penalty, u)

    reached, lowest = objective(proximal), objective(around).min(axis=0)
    assert (reached <= lowest + 1e-13 * (1 + np.abs(reached))).all()


@every_penalty
@given(u=vectors, v=vectors, step=st.floats(0, 5))
def test_prox_is_firmly_nonexpansive(penalty, u, v, step):
    moved = penalty.prox(u, step) - penalty.prox(v, step)
    assert moved @ moved <= moved @ (u - v) + 1e-12


@every_penalty
@given(w=vectors, step=steps)
def test_prox_of_a_matrix_is_that_of_its_columns(penalty, w, step):
    matrix = np.stack([w, -w], axis=1)
    step_matrix = np.broadcast_to(step, 4)[:, np.newaxis]
    expected = [penalty.prox(column, step) for column in matrix.T]
    assert_array_equal(penalty.prox(matrix, step_matrix), np.transpose(expected))


def test_soft_threshold_by_hand():
    w = np.array([3.0, -3.0, 0.5, -0.5, 1.0, 0.0])
    assert_array_equal(soft_threshold(w, 1.0), [2, -2, 0, 0, 0, 0])
    assert not np.signbit(soft_threshold(w, 1.0)[3]), "zeros have no sign"


@pytest.mark.parametrize(
    "penalty", [L1(), ElasticNet(0.5), NonNegative("l1"), Box(-1, 1, "l1")], ids=repr
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_are_exact(penalty, dtype):
    w = np.array([0.1, -0.1, 1e-30, 0.0], dtype)
    assert_array_equal(penalty.prox(w, 0.25), 0)


@pytest.mark.parametrize("step", [np.float64(0.5), np.full(3, 0.5)], ids=["0-d", "1-d"])
@every_penalty
def test_float64_steps_do_not_widen_float32(penalty, step):
    w = np.array([-2.0, 0.5, 3.0], np.float32)
    assert penalty.prox(w, step).dtype == np.float32
    assert_array_equal(penalty.prox(w, step), penalty.prox(w, 0.5))


def test_numpy_parameters_do_not_widen_float32():
    w = np.ones(3, np.float32)
    penalty = Box(np.float64(-0.1), np.float64(0.1), ElasticNet(np.float64(0.5)))
    assert penalty.gradient(w).dtype == penalty.prox(w, 0.1).dtype == np.float32


# Bounds


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(
    w=arrays(float, 4, elements=st.floats(-1e30, 1e30)),
    ends=st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    step=st.floats(0, 5),
    inner=st.sampled_from([None, "l1", "l2", ElasticNet(0.5)]),
)
def test_bounds_hold_exactly(w, ends, step, inner, dtype):
    lower, upper = min(ends), max(ends)
    penalty = Box(lower, upper, inner)
    bounded = penalty.prox(w.astype(dtype), step)
    assert bounded.dtype == dtype
    assert (bounded >= dtype(lower)).all()
    assert (bounded <= dtype(upper)).all()
    assert penalty.value(bounded) < math.inf


def test_bounds_per_feature_are_those_of_every_output():
    w = np.full((2, 3), 5.0)
    penalty = Box(lower=[-1.0, 0.0], upper=[1.0, 2.0])
    assert_array_equal(penalty.prox(w, 0.1), [[1, 1, 1], [2, 2, 2]])
    square = np.full((2, 2), 5.0)
    assert_array_equal(penalty.prox(square, 0.1), [[1, 1], [2, 2]])


def test_bounds_per_coefficient():
    upper = np.array([[1.0, 2.0], [3.0, np.inf]])
    w = np.full((2, 2), 5.0)
    assert_array_equal(Box(upper=upper).prox(w, 0.1), [[1, 2], [3, 5]])


def test_nonnegative_is_a_box():
    w = np.array([-1.0, 0.25, 2.0])
    for inner in (None, "l1", "l2"):
        box, nonnegative = Box(lower=0, penalty=inner), NonNegative(penalty=inner)
        assert_array_equal(nonnegative.prox(w, 0.5), box.prox(w, 0.5))
        assert nonnegative.value(w) == box.value(w) == math.inf
        assert nonnegative.value(np.abs(w)) == box.value(np.abs(w)) < math.inf


@pytest.mark.parametrize(
    ("penalty", "error", "message"),
    [
        (Box(lower=1, upper=0), ValueError, "lower must be .*lower=1 and upper=0"),
        (Box([0, 2.0], [1, 1.0]), ValueError, r"lower=\[0, 2.0\] and upper=\[1, 1.0\]"),
        (Box(lower=math.inf), ValueError, "lower must be at most upper, less than inf"),
        (Box(upper=-math.inf), ValueError, "upper more than -inf, got lower=-inf"),
        (Box(lower=math.nan), ValueError, "Box: lower must be .*not NaN, got nan"),
        (Box(upper=[0, math.nan]), ValueError, "Box: upper must be .*not NaN, got"),
        (Box(upper=np.zeros((1, 1, 1))), ValueError, "upper must be .*two dimensions"),
        (Box(upper=[[1], [2, 3]]), ValueError, "upper must be .*an array"),
        (Box([0, 0], [1, 1, 1]), ValueError, "a shape that fits"),
        (Box(lower="zero"), TypeError, "Box: lower must be a real number.*'zero'"),
        (Box(upper=None), TypeError, "Box: upper must be a real number.*None"),
        (Box(lower=True), TypeError, "Box: lower must be a real number.*True"),
        (Box(penalty="l3"), ValueError, "Box: penalty must be one of.*'l3'"),
        (Box(penalty=L1), TypeError, "Box: penalty must be .*not the class"),
        (NonNegative(penalty=3), TypeError, "NonNegative: penalty must be .*got 3"),
        (NonNegative(ElasticNet(2)), ValueError, "ElasticNet: l1_ratio .*got 2"),
        (ElasticNet(l1_ratio=-0.1), ValueError, r"l1_ratio must be .*\[0, 1\]"),
    ],
    ids=repr,
)
def test_rejected_parameters(penalty, error, message):
    with pytest.raises(error, match=message):
        penalty.validate()


def test_bounds_that_do_not_fit_the_coefficients():
    with pytest.raises(ValueError, match=r"upper must .*\(2,\), got shape \(3,\)"):
        Box(upper=[1.0, 2.0, 3.0]).prox(np.zeros(2), 0.1)
    with pytest.raises(ValueError, match=r"lower must .*\(2, 3\), got shape \(3,\)"):
        Box(lower=[1.0, 2.0, 3.0]).value(np.zeros((2, 3)))


def test_bounds_are_cloned_and_nested_parameters_are_reached():
    bounds = np.array([0.0, 1.0])
    penalty = clone(Box(lower=bounds, penalty=ElasticNet()))
    assert_array_equal(penalty.lower, bounds)
    assert penalty.lower is not bounds
    penalty.set_params(penalty__l1_ratio=1.0)
    assert_array_equal(penalty.prox(np.array([0.75, 3.0]), 0.5), [0.25, 2.5])


def test_resolve_penalty():
    assert isinstance(resolve_penalty(None), NoPenalty)
    assert resolve_penalty("elasticnet", l1_ratio=0.3).l1_ratio == 0.3
    given_penalty = ElasticNet()
    assert resolve_penalty(given_penalty) is not given_penalty
    with pytest.raises(ValueError, match="Did you mean 'elasticnet'"):
        resolve_penalty("elastic_net")


# Extreme coefficients


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_penalty
def test_extreme_coefficients(penalty, dtype):
    limits = np.finfo(dtype)
    sizes = np.array([0, limits.smallest_subnormal, limits.tiny, 1, limits.max], dtype)
    w = np.concatenate([-sizes, sizes])
    with np.errstate(all="raise", under="ignore"):
        assert not math.isnan(penalty.value(w))
        assert np.isfinite(penalty.gradient(w)).all()
        for step in (0.0, 1e-300, 1.0, 1e300, np.full(len(w), 1e300)):
            proximal = penalty.prox(w, step)
            assert np.isfinite(proximal).all()
            assert penalty.value(proximal) < math.inf


# Units of training


def test_norms_are_of_the_weights_as_they_are():
    factor = np.array([0.1, 10.0])
    for penalty in (NoPenalty(), L1(), L2(), ElasticNet(0.5)):
        assert penalty.in_units(factor) is penalty


def test_bounds_are_on_the_coefficients():
    box = Box(lower=-1, upper=[2.0, np.inf, 4.0], penalty="l1")
    factor = np.array([0.5, 10.0, 0.0])
    inside = box.in_units(factor)
    assert_array_equal(inside.lower, [-2, -0.1, -np.inf])
    assert_array_equal(inside.upper, [4, np.inf, np.inf])
    w = np.array([9.0, -9.0, 9.0])
    assert_array_equal(inside.prox(w, 1.0), [4, -0.1, 8])
    assert_array_equal(NonNegative().in_units(factor).prox(w, 1.0), [9, 0, 9])
    assert box.lower == -1


def test_bounds_within_bounds_are_converted_too():
    nested = Box(upper=8.0, penalty=Box(lower=1.0, penalty="l1"))
    inside = nested.in_units(np.array([4.0, 0.5]))
    assert_array_equal(inside.prox(np.array([-9.0, -9.0]), 1.0), [0.25, 2])
    assert_array_equal(inside.prox(np.array([99.0, 99.0]), 1.0), [2, 16])


@pytest.mark.parametrize(
    "penalty",
    [
        *DEFAULTS,
        Box(lower=np.arange(-6.0, 0).reshape(3, 2), penalty="elasticnet"),
        Box(upper=[1.0, 2.0, 3.0], penalty=Box(np.arange(-6.0, 0).reshape(3, 2))),
    ],
    ids=repr,
)
def test_outputs_add_up(penalty):
    w = penalty.prox(np.arange(6.0).reshape(3, 2) - 2.5, 0.0)
    values = [penalty.of_output(k).value(w[:, k]) for k in range(2)]
    assert sum(values) == pytest.approx(penalty.value(w), rel=1e-15)
    far = w - 10
    columns = [penalty.of_output(k).prox(far[:, k], 0.5) for k in range(2)]
    assert_array_equal(np.column_stack(columns), penalty.prox(far, 0.5))


# The checker


class Lasso(Penalty):
    """A right penalty; those below are wrong in one thing each."""

    def value(self, w):
        return float(np.sum(np.abs(w), dtype=np.float64))

    def prox(self, w, step):
        return soft_threshold(w, step)


class ProxWithoutStep(Lasso):
    def prox(self, w, step):
        return soft_threshold(w, 1.0 if np.any(step) else 0.0)


class ProxOfHalf(Lasso):
    def prox(self, w, step):
        return soft_threshold(w, step / 2)


class ProxOfLargestStep(Lasso):
    def prox(self, w, step):
        return soft_threshold(w, np.max(step))


class ProxForgetsSign(Lasso):
    def prox(self, w, step):
        return np.maximum(np.abs(w) - np.asarray(step, w.dtype), 0)


class HardThreshold(Lasso):
    def prox(self, w, step):
        return np.where(np.abs(w) > step, w, 0)


class ProxAndGradient(Lasso):
    """It counts the 1-norm twice."""

    def gradient(self, w):
        return np.sign(w)


class Widening(Lasso):
    def prox(self, w, step):
        return soft_threshold(w.astype(np.float64), step)


class Writing(Lasso):
    def prox(self, w, step):
        w -= np.clip(w, -step, step).astype(w.dtype)
        return w


class ValueOfEach(Lasso):
    def value(self, w):
        return np.abs(w)


class Flat(Lasso):
    def gradient(self, w):
        return np.zeros(w.size, w.dtype)


class Overflowing(Penalty):
    def value(self, w):
        return float(0.5 * np.sum(w * w))

    def gradient(self, w):
        return w


class GradientOfHalf(Penalty):
    def value(self, w):
        return L2().value(w)

    def gradient(self, w):
        return 0.5 * w


class UphillGradient(GradientOfHalf):
    def gradient(self, w):
        return -w


class Remembering(Lasso):
    def prox(self, w, step):
        self.last_ = w
        return super().prox(w, step)


class BoundsMissed(Penalty):
    def value(self, w):
        return 0.0 if np.all(w >= 0) else math.inf

    def prox(self, w, step):
        return np.where(w < 0, w / 2, w)


class BoundsTooTight(BoundsMissed):
    def prox(self, w, step):
        return np.maximum(w, w.dtype.type(0.5))


class UnitsIgnored(Penalty):
    """A bound on coefficients that is kept for weights in any units."""

    def value(self, w):
        return 0.0 if np.all(w <= 0.5) else math.inf

    def prox(self, w, step):
        return np.minimum(w, w.dtype.type(0.5))


class StoringMore(Lasso):
    def __init__(self, scale=1.0):
        self.scale = scale
        self.half = scale / 2


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (ProxWithoutStep(), "do not belong together. With a step"),
        (ProxOfHalf(), "do not belong together"),
        (ProxOfLargestStep(), "do not belong together. With a vector step"),
        (ProxForgetsSign(), r"prox\(w, 0\) must be w where value\(w\) is finite"),
        (HardThreshold(), "do not belong together"),
        (ProxAndGradient(), "do not belong together"),
        (GradientOfHalf(), "do not belong together"),
        (UphillGradient(), "do not belong together"),
        (Widening(), "prox must return float32 for float32, got float64"),
        (Writing(), "prox writes to its arguments"),
        (ValueOfEach(), "value must be a real number"),
        (Flat(), r"gradient must return an array of the shape of w, \(5, 3\)"),
        (Overflowing(), "warns: overflow"),
        (Remembering(), "attribute 'last_' changed"),
        (BoundsMissed(), r"prox\(w, 0\) is a point of infinite value"),
        (BoundsTooTight(), "do not belong together"),
        (UnitsIgnored(), "allows weights whose coefficients value does not allow"),
        (StoringMore(), r"stores \['half', 'scale'\], but its parameters"),
        (L1, "expected an instance of a subclass of Penalty"),
        (ElasticNet(2), "l1_ratio must be"),
    ],
    ids=lambda part: getattr(part, "__name__", None) or type(part).__name__,
)
def test_check_penalty_finds(penalty, message):
    with pytest.raises(AssertionError, match=message):
        check_penalty(penalty)


def test_check_penalty_accepts_a_right_penalty():
    check_penalty(Lasso())
