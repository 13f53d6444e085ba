"""The optimizers: the contract, reference trajectories, and facts from the papers."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skgd import GDRegressor
from skgd.optimizers import (
    COCOB,
    FTRL,
    OPTIMIZERS,
    SGD,
    AdaBelief,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    DoG,
    Lion,
    Momentum,
    NAdam,
    Optimizer,
    Prodigy,
    RAdam,
    RMSProp,
    RProp,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    Yogi,
    tell_rate,
)
from skgd.penalties import ElasticNet
from skgd.testing import check_optimizer

REFERENCES = json.loads((Path(__file__).parent / "data/optimizers.json").read_text())

VARIANTS = [
    AdaGrad(initial_accumulator=0.5),
    AdaGrad(eps_inside_sqrt=True),
    RMSProp(momentum=0.9),
    RMSProp(centered=True),
    RMSProp(rho=0.5, momentum=0.5, centered=True, eps_inside_sqrt=True),
    RMSProp(rho=0.0),
    Adam(beta1=0.0, beta2=0.0),
    AMSGrad(beta1=0.0, beta2=0.5),
    AdamW(weight_decay=0.3),
    NAdam(beta1=0.0, momentum_decay=1.0),
    RAdam(beta2=0.5),
    AdaBelief(beta2=0.5),
    Yogi(initial_accumulator=0.0),
    Lion(beta1=0.0),
    Lion(beta1=0.99, beta2=0.5, weight_decay=0.1),
    FTRL(beta=0.1, initial_accumulator=2.0),
    RProp(delta_max=1.5, delta_min=0.7),
    COCOB(alpha=0.0, eps=1.0),
    DoG(initial_distance=0.5, eps=0.1),
    Prodigy(beta1=0.0, beta2=0.5, initial_distance=0.5, coefficient=3.0),
    ScheduleFreeSGD(beta=1.0),
    ScheduleFreeAdamW(beta1=0.3, beta2=0.0),
]

WITHOUT_SCALE = {"schedule_free_sgd", "schedule_free_adamw"}
WITH_NORMS = {"dog", "prodigy"}


def run(optimizer, w, gradients, rate, alpha=0.0, penalty=None):
    """Yield weights, direction and scale of each step of the training loop."""
    w, state = w.copy(), optimizer.init(w)
    for t, g in enumerate(gradients, start=1):
        tell_rate(state, rate)
        d = optimizer.direction(w, g, t, **state).copy()
        scale = optimizer.scale(w, g, t, **state) if optimizer.has_scale else None
        w -= rate * (d + optimizer.weight_decay * w)
        if penalty is not None:
            w = penalty.prox(w, rate * alpha * scale)
        yield w.copy(), d, scale


# The contract


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_contract(name):
    check_optimizer(OPTIMIZERS[name]())


@pytest.mark.parametrize("optimizer", VARIANTS, ids=str)
def test_contract_with_other_parameters(optimizer):
    check_optimizer(optimizer)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_parameter_has_a_constraint_and_no_range_accepts_nonsense(name):
    parameters = OPTIMIZERS[name]().get_params()
    assert OPTIMIZERS[name].constraints.keys() == parameters.keys()
    for parameter in parameters:
        for value, error in [("0.9", TypeError), (None, TypeError)]:
            with pytest.raises(error, match=f"{parameter} must be .* got {value!r}"):
                OPTIMIZERS[name](**{parameter: value}).validate()
        for value in (-1.0, np.nan, np.inf):
            with pytest.raises((ValueError, TypeError), match=f"{parameter} must be"):
                OPTIMIZERS[name](**{parameter: value}).validate()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_numpy_parameters_do_not_widen_float32(name):
    parameters = {
        key: value if isinstance(value, bool) else np.float64(value)
        for key, value in OPTIMIZERS[name]().get_params().items()
    }
    gradients = np.linspace(-1, 2, 24, dtype=np.float32).reshape(8, 3)
    w = np.ones(3, dtype=np.float32)
    for _, d, scale in run(OPTIMIZERS[name](**parameters), w, gradients, 0.1):
        assert d.dtype == np.float32
        assert scale is None or (scale * d).dtype == np.float32


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_gradients_give_finite_numbers_and_no_warning(name, dtype):
    limits = np.finfo(dtype)
    large, small = float(limits.max) / 100, float(limits.smallest_subnormal)
    sizes = np.array([0, small, -float(limits.tiny), 1e-20, 1, large], dtype=dtype)
    gradients = np.stack([np.roll(sizes, t) * (-1) ** t for t in range(20)])
    optimizer, w = OPTIMIZERS[name](), np.ones_like(sizes)
    state = optimizer.init(w)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for t, g in enumerate(gradients, start=1):
            tell_rate(state, 0.1)
            assert np.isfinite(optimizer.direction(w, g, t, **state)).all()
            if name not in WITHOUT_SCALE:
                assert np.isfinite(optimizer.scale(w, g, t, **state)).all()
            for entry in state.values():
                assert np.isfinite(entry).all()


@pytest.mark.parametrize("name", sorted(OPTIMIZERS.keys() - WITH_NORMS))
@settings(max_examples=10)
@given(g=arrays(float, (6, 3), elements=st.floats(-100, 100)))
def test_each_coordinate_goes_its_own_way(name, g):
    w = np.array([1.0, 0.0, -2.0])
    together = [d for _, d, _ in run(OPTIMIZERS[name](), w, g, 0.1)]
    for i in range(3):
        alone = run(OPTIMIZERS[name](), w[i : i + 1], g[:, i : i + 1], 0.1)
        for d, (_, d_alone, _) in zip(together, alone, strict=True):
            np.testing.assert_allclose(d_alone[0], d[i], rtol=1e-12, atol=1e-300)


# Reference trajectories


@pytest.mark.parametrize("case", REFERENCES["cases"], ids=lambda case: case["source"])
def test_follows_its_reference(case):
    optimizer = OPTIMIZERS[case["optimizer"]](**case["parameters"])
    optimizer.validate()
    w, gradients = (np.array(REFERENCES[key]) for key in ("start", "gradients"))
    rates = np.broadcast_to(case.get("rates", REFERENCES["rate"]), len(gradients))
    state, path, averaged = optimizer.init(w), [], []
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        tell_rate(state, rate)
        d = optimizer.direction(w, g, t, **state)
        w = w - rate * (d + optimizer.weight_decay * w)
        path.append(w)
        averaged.append(optimizer.averaged(w, **state))
    np.testing.assert_allclose(path, case["weights"], rtol=1e-10, atol=1e-12)
    expected = case.get("averaged", case["weights"])
    np.testing.assert_allclose(averaged, expected, rtol=1e-10, atol=1e-12)


def test_every_optimizer_has_a_reference_or_a_test_of_its_paper():
    of_the_paper = {"ftrl": test_ftrl_is_that_of_the_paper}
    of_a_library = {case["optimizer"] for case in REFERENCES["cases"]}
    assert of_a_library | of_the_paper.keys() == set(OPTIMIZERS)


# Both places of ε, by hand


def first_direction(optimizer, g):
    w = np.zeros(1)
    return optimizer.direction(w, np.array([g]), 1, **optimizer.init(w))[0]


def test_adagrad_eps_outside_and_inside_the_root():
    assert first_direction(AdaGrad(eps=5.0), 2.0) == pytest.approx(2 / (2 + 5))
    inside = AdaGrad(eps=5.0, eps_inside_sqrt=True)
    assert first_direction(inside, 2.0) == pytest.approx(2 / 3)  # 2 / √(4 + 5)


def test_rmsprop_eps_outside_and_inside_the_root():
    # s = (1 - 0.75) · 2² = 1
    assert first_direction(RMSProp(rho=0.75, eps=3.0), 2.0) == pytest.approx(2 / 4)
    inside = RMSProp(rho=0.75, eps=3.0, eps_inside_sqrt=True)
    assert first_direction(inside, 2.0) == pytest.approx(2 / 2)  # 2 / √(1 + 3)


# The diagonal


@pytest.mark.parametrize("optimizer", [SGD(), AdaGrad(), RMSProp(), AdaDelta()])
def test_scale_without_momentum_is_exact_for_any_gradients(optimizer):
    gradients = np.random.default_rng(0).normal(size=(20, 4))
    steps = run(optimizer, np.zeros(4), gradients, 0.1)
    for g, (_, d, scale) in zip(gradients, steps, strict=True):
        np.testing.assert_allclose(scale * g, d, rtol=1e-9)


def test_scale_of_momentum_is_the_sum_of_what_is_left_of_each_gradient():
    *_, (_, _, scale) = run(Momentum(momentum=0.5), np.zeros(1), np.ones((3, 1)), 0.1)
    assert scale == 1 + 0.5 + 0.25


def test_scale_of_lion_is_one_over_the_gradient_that_was_signed():
    gradients = np.random.default_rng(0).normal(size=(20, 4))
    gradients[:, 0] = 0
    m = np.zeros(4)
    steps = run(Lion(beta1=0.7, beta2=0.8), np.zeros(4), gradients, 0.1)
    for t, (g, (_, d, scale)) in enumerate(zip(gradients, steps, strict=True)):
        c = (0.7 * m + 0.3 * g) / (1 - 0.7 * 0.8**t)
        m = 0.8 * m + 0.2 * g
        assert scale[0] == d[0] == 0
        np.testing.assert_allclose(scale[1:], 1 / np.abs(c[1:]), rtol=1e-10)


def test_scale_of_rprop_is_zero_where_the_sign_has_changed():
    gradients = np.array([[4.0, 4.0], [2.0, -2.0]])
    *_, (_, d, scale) = run(RProp(), np.zeros(2), gradients, 0.1)
    np.testing.assert_allclose(d, [1.2, 0.0])
    np.testing.assert_allclose(scale, [0.6, 0.0])


# Facts


def test_radam_divides_from_its_sixth_step():
    g = np.array([3.0, -0.1])
    directions = [d for _, d, _ in run(RAdam(), np.zeros(2), [g] * 6, 0.1)]
    np.testing.assert_allclose(directions[:5], [g] * 5)
    np.testing.assert_allclose(np.abs(directions[5]), np.abs(directions[5][0]), 1e-5)


@pytest.mark.parametrize(
    "name",
    [
        *("adam", "amsgrad", "adamax", "nadam", "lion", "rprop"),
        *("cocob", "dog", "prodigy", "schedule_free_adamw"),
    ],
)
def test_the_unit_of_the_gradient_does_not_matter(name):
    gradients = 1 + np.random.default_rng(0).normal(size=(15, 3))
    path = [w for w, _, _ in run(OPTIMIZERS[name](), np.zeros(3), gradients, 0.1)]
    scaled = run(OPTIMIZERS[name](), np.zeros(3), 1e6 * gradients, 0.1)
    np.testing.assert_allclose([w for w, _, _ in scaled], path, rtol=1e-5)


# Another place of the weights


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_after_a_shift_training_goes_on_as_without_it(name, rate):
    """Steps depend on gradients and on differences of weights alone."""
    gradients = np.random.default_rng(0).normal(size=(20, 3)) + 0.3
    w, shift = np.array([1.0, 0.0, -2.0]), np.array([10.0, -3.0, 0.5])
    # The step of a default dog would be lost in the rounding of the weights.
    far = {"initial_distance": 0.1} if name in WITH_NORMS else {}
    optimizer = OPTIMIZERS[name](**far)
    w_shifted, state, state_shifted = w, optimizer.init(w), optimizer.init(w)
    for t, g in enumerate(gradients, start=1):
        tell_rate(state, rate)
        tell_rate(state_shifted, rate)
        w = w - rate * optimizer.direction(w, g, t, **state)
        d = optimizer.direction(w_shifted, g, t, **state_shifted)
        w_shifted = w_shifted - rate * d
        if t == 7:
            optimizer.relocate(lambda w: w + shift, w_shifted, **state_shifted)
            w_shifted = w_shifted + shift
    np.testing.assert_allclose(w_shifted - shift, w, rtol=1e-9, atol=1e-12)
    averaged = optimizer.averaged(w_shifted, **state_shifted)
    expected = optimizer.averaged(w, **state)
    np.testing.assert_allclose(averaged - shift, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", [FTRL(), COCOB()], ids=str)
def test_a_move_keeps_what_the_penalty_has_added_up(optimizer):
    """Weights at zero stay there, and the others where they were put."""
    gradients = np.array([1.0, 0.3, -0.2, 0.05, 0.0]) + np.zeros((30, 5))
    penalty, rate, alpha = ElasticNet(l1_ratio=1.0), 1.0, 0.25
    w, state = np.zeros(5), optimizer.init(np.zeros(5))

    def step(w, g, t, share_of_penalty=1):
        tell_rate(state, rate)
        d = optimizer.direction(w, g, t, **state)
        scale = share_of_penalty * optimizer.scale(w, g, t, **state)
        return penalty.prox(w - rate * d, rate * alpha * scale)

    for t, g in enumerate(gradients, start=1):
        w = step(w, g, t)
    np.testing.assert_array_equal(w == 0, [False, False, True, True, True])

    def move(w):
        return w * [3.0, 0.1, 0.1, 3.0, 1.0]

    optimizer.relocate(move, w, **state)
    # A step without a gradient, and with the penalty of the 30 before it.
    after = step(move(w), np.zeros(5), 31, 30 / 31)
    np.testing.assert_allclose(after, move(w), rtol=1e-12)


@pytest.mark.parametrize("optimizer", [ScheduleFreeSGD(), ScheduleFreeAdamW()], ids=str)
def test_a_move_takes_the_averaged_weights_along(optimizer):
    gradients = np.random.default_rng(0).normal(size=(9, 3))
    w, state = np.ones(3), optimizer.init(np.ones(3))
    for t, g in enumerate(gradients, start=1):
        tell_rate(state, 0.1)
        w = w - 0.1 * optimizer.direction(w, g, t, **state)
    x = optimizer.averaged(w, **state)
    assert np.all(x != w)

    def move(w):
        return w * [3.0, 0.1, 1.0] + [0.0, 0.0, w[0] + 2]

    optimizer.relocate(move, w, **state)
    np.testing.assert_allclose(optimizer.averaged(move(w), **state), move(x))


# Optimizers without a rate


@pytest.mark.parametrize("name", ["dog", "prodigy"])
def test_weights_share_one_distance(name):
    """They do not go their own ways; an order of them has no meaning."""
    gradients = np.random.default_rng(0).normal(size=(20, 4)) + 1
    order = [2, 0, 3, 1]
    optimizer = OPTIMIZERS[name](initial_distance=0.1)
    *_, (w, _, _) = run(optimizer, np.zeros(4), gradients, 1.0)
    *_, (w_mixed, _, _) = run(optimizer, np.zeros(4), gradients[:, order], 1.0)
    *_, (w_alone, _, _) = run(optimizer, np.zeros(1), gradients[:, :1], 1.0)
    np.testing.assert_allclose(w_mixed, w[order], rtol=1e-12)
    assert abs(w_alone[0] - w[0]) > 0.01 * abs(w[0])


@pytest.mark.parametrize("name", ["cocob", "dog", "prodigy"])
@pytest.mark.parametrize("distance", [1e-3, 1.0, 1e3])
def test_the_distance_is_found(name, distance):
    """From zero to a minimum near or far, at no other rate than 1."""
    optimizer, minimum = OPTIMIZERS[name](), distance * np.array([1.0, -2.0, 0.5])
    curvature = np.array([1.0, 0.3, 2.0])
    w = np.zeros(3)
    state = optimizer.init(w)
    for t in range(1, 3001):
        tell_rate(state, 1.0)
        w = w - optimizer.direction(w, curvature * (w - minimum), t, **state)
    assert np.abs(w - minimum).max() < 0.01 * distance


def test_dog_takes_the_distance_over_the_root_of_the_squared_gradients():
    steps = run(DoG(initial_distance=0.5, eps=1e-20), np.zeros(2), np.eye(2) * 3, 1.0)
    (first, *_), (second, *_) = steps
    np.testing.assert_allclose(first, [-0.5, 0])  # 0.5 · 3 / √9
    np.testing.assert_allclose(second, [-0.5, -0.5 / np.sqrt(2)])  # 0.5 · 3 / √18


def test_cocob_bets_what_it_has_won():
    """By hand: α = 1, gradients −1, −1."""
    steps = run(COCOB(alpha=1.0, eps=1e-20), np.zeros(1), -np.ones((2, 1)), 1.0)
    (first, *_), (second, *_) = steps
    # L = 1, G = 1, R = 0, θ = 1: 1 / (1 · max(1 + 1, 1)) · 1
    np.testing.assert_allclose(first, [0.5])
    # G = 2, R = 0.5, θ = 2: (1 + 0.5) / max(2 + 1, 1) · 2
    np.testing.assert_allclose(second, [1.0])


# Schedule-free


@pytest.mark.parametrize("beta", [0.2, 0.9, 1.0])
def test_schedule_free_is_its_three_sequences(beta):
    rng = np.random.default_rng(0)
    gradients, rates = rng.normal(size=(15, 3)), rng.uniform(0.1, 1, size=15)
    rates[4] = 0  # no step
    optimizer, y = ScheduleFreeSGD(beta=beta), np.array([1.0, 0.0, -2.0])
    state, path = optimizer.init(y), [y]
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        tell_rate(state, rate)
        y = y - rate * optimizer.direction(y, g, t, **state)
        path.append(y)
    taken = rates > 0
    z = path[0] - np.cumsum(rates[taken, None] * gradients[taken], axis=0)
    weights = np.maximum.accumulate(rates[taken]) ** 2
    x = np.cumsum(weights[:, None] * z, axis=0) / np.cumsum(weights)[:, None]
    expected = (1 - beta) * z + beta * x
    np.testing.assert_allclose(np.array(path[1:])[taken], expected, rtol=1e-12)
    np.testing.assert_array_equal(path[5], path[4])
    np.testing.assert_allclose(state["z"], z[-1], rtol=1e-12)
    np.testing.assert_allclose(optimizer.averaged(y, **state), x[-1], rtol=1e-11)


# FTRL-Proximal


def ftrl_of_the_paper(gradients, eta, beta, lambda1, n):
    """Yield the weights after each step, all λ₁ of the steps so far added up.

    Algorithm 1 of "Ad Click Prediction", with t·λ₁ in the place of λ₁ as in
    "Follow-the-Regularized-Leader and Mirror Descent", one coordinate at a time.
    """
    z, w = [0.0] * gradients.shape[1], [0.0] * gradients.shape[1]
    n = [n] * gradients.shape[1]
    for t, row in enumerate(gradients.tolist(), start=1):
        for i, g in enumerate(row):
            sigma = ((n[i] + g * g) ** 0.5 - n[i] ** 0.5) / eta
            z[i] += g - sigma * w[i]
            n[i] += g * g
            if abs(z[i]) <= t * lambda1:
                w[i] = 0.0
            else:
                sign = 1 if z[i] > 0 else -1
                w[i] = -(z[i] - sign * t * lambda1) / ((beta + n[i] ** 0.5) / eta)
        yield list(w)


@pytest.mark.parametrize(("beta", "n"), [(1.0, 0.0), (0.1, 2.0)])
def test_ftrl_is_that_of_the_paper(beta, n):
    rng = np.random.default_rng(0)
    means = np.array([1.0, 0.3, -0.2, 0.05, 0.0])
    gradients = means + rng.normal(size=(60, 5))
    expected = list(ftrl_of_the_paper(gradients, 0.3, beta, 0.25, n))
    optimizer = FTRL(beta=beta, initial_accumulator=n)
    steps = run(optimizer, np.zeros(5), gradients, 0.3, 0.25, ElasticNet(l1_ratio=1.0))
    path = np.array([w for w, _, _ in steps])
    np.testing.assert_allclose(path, expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_array_equal(path == 0, np.array(expected) == 0)
    assert 0.2 < np.mean(path == 0) < 0.8


class FixedAdam(Adam):
    beta2 = 0.99
    eps = 1e-8

    def __init__(self, beta1=0.9):
        self.beta1 = beta1


def test_a_subclass_may_fix_a_parameter():
    X, y = np.eye(3), np.arange(3.0)
    models = [
        GDRegressor(optimizer=optimizer, random_state=0).partial_fit(X, y)
        for optimizer in (FixedAdam(), Adam(beta2=0.99))
    ]
    np.testing.assert_allclose(models[0].coef_, models[1].coef_, rtol=1e-12)
    wrong = type("Wrong", (FixedAdam,), {"beta2": 1.5})
    with pytest.raises(ValueError, match=r"Wrong: beta2 must be .* got 1\.5"):
        wrong().validate()


def test_a_subclass_may_drop_a_parameter():
    class Own(Momentum):
        def __init__(self):
            pass

        def init(self, w):
            return {}

        def direction(self, w, g, t):
            return g

    X, y = np.eye(3), np.arange(3.0)
    models = [
        GDRegressor(optimizer=optimizer, learning_rate=0.1, random_state=0).fit(X, y)
        for optimizer in (Own(), SGD())
    ]
    np.testing.assert_allclose(models[0].coef_, models[1].coef_, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("proximal", "yes", TypeError),
        ("weight_decay", "0.1", TypeError),
        ("weight_decay", -1e9, ValueError),
        ("default_learning_rate", -1.0, ValueError),
        ("default_learning_rate", None, TypeError),
    ],
)
def test_what_a_subclass_sets_is_validated(name, value, error):
    optimizer = type("Own", (SGD,), {name: value})()
    with pytest.raises(error, match=f"Own: {name} must be .* got {value!r}"):
        GDRegressor(optimizer=optimizer).fit(np.eye(3), np.arange(3.0))


def test_a_proximal_optimizer_has_a_scale():
    class Proximal(SGD):
        proximal = True

    class WithoutScale(Optimizer):
        proximal = True

        def direction(self, w, g, t):
            return g

    Proximal().validate()
    with pytest.raises(TypeError, match=r"WithoutScale: proximal .* needs .* scale"):
        WithoutScale().validate()


def test_a_proximal_optimizer_shrinks_after_the_step():
    """In its metric: u = w − η h g, then argmin ½ (v − u)² / (η h) + ½ α v²."""
    X, y, alpha = np.array([[2.0]]), np.array([3.0]), 0.5
    settings = {"alpha": alpha, "fit_intercept": False, "standardize": False}
    w = np.array([1.0])
    model = GDRegressor(optimizer="adagrad", max_iter=2, tol=None, **settings)
    model.set_params(learning_rate=0.3, schedule="constant", average=False)
    model.fit(X, y, coef_init=w)
    square = 0.0
    for _ in range(2):
        g = 2 * (2 * w - 3)
        square = square + g**2
        step = 0.3 / np.sqrt(square)
        w = (w - step * g) / (1 + alpha * step)
    np.testing.assert_allclose(model.coef_, w, rtol=1e-9)


def test_ftrl_without_penalty_is_adagrad():
    gradients = np.random.default_rng(0).normal(size=(30, 4))
    start = np.array([1.0, 0.0, -2.0, 5.0])
    ftrl = [w for w, _, _ in run(FTRL(beta=0.7), start, gradients, 0.2)]
    adagrad = [w for w, _, _ in run(AdaGrad(eps=0.7), start, gradients, 0.2)]
    np.testing.assert_allclose(ftrl, adagrad, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.0, 1e-320])
def test_ftrl_rests_at_a_rate_of_zero_and_goes_on_after_it(dtype, rate):
    optimizer, w = FTRL(), np.array([1.0, -2.0], dtype=dtype)
    g = np.array([3.0, 0.5], dtype=dtype)
    state = optimizer.init(w)
    state["rate"][...] = rate
    np.testing.assert_array_equal(optimizer.direction(w, g, 1, **state), [0, 0])
    np.testing.assert_array_equal(state["c"], w)
    np.testing.assert_array_equal(state["n"], g**2)
    state["rate"][...] = 0.5
    d = optimizer.direction(w, g, 2, **state)
    np.testing.assert_allclose(d, g / (1 + np.sqrt(2 * g**2)), rtol=1e-6)


# The checker finds each mistake


class Sound(Optimizer):
    """Momentum, from which each of the following departs by one mistake."""

    def __init__(self, momentum=0.9):
        self.momentum = momentum

    def init(self, w):
        return {"v": np.zeros_like(w)}

    def direction(self, w, g, t, v):
        v *= self.momentum
        v += g
        return v


class WritesToWeights(Sound):
    def direction(self, w, g, t, v):
        w += 1
        return super().direction(w, g, t, v)


class WritesToGradient(Sound):
    def direction(self, w, g, t, v):
        g *= 0.5
        return super().direction(w, g, t, v)


class WritesToWeightsInInit(Sound):
    def init(self, w):
        w[...] = 0
        return super().init(w)


class KeepsWeights(Sound):
    def init(self, w):
        return {"v": w}


class ReturnsWeights(Optimizer):
    def direction(self, w, g, t):
        return w


class ReturnsColumns(Sound):
    def direction(self, w, g, t, v):
        return super().direction(w, g, t, v)[:1]


class ReturnsFloat64(Sound):
    def direction(self, w, g, t, v):
        return super().direction(w, g, t, v).astype(np.float64)


class KeepsFloat64(Sound):
    def init(self, w):
        return {"v": np.zeros(w.shape)}


class KeepsAList(Sound):
    def init(self, w):
        return {"v": [0.0] * len(w)}


class KeepsANumber(Sound):
    def init(self, w):
        return {**super().init(w), "count": 0}


class ReturnsATuple(Sound):
    def init(self, w):
        return (np.zeros_like(w),)


class TakesTheNameOfTheGradient(Sound):
    def init(self, w):
        return {"g": np.zeros_like(w)}


class StartsWithoutANumber(Sound):
    def init(self, w):
        return {"v": np.full_like(w, np.nan)}


class MakesANewArray(Sound):
    def direction(self, w, g, t, v):
        v = self.momentum * v + g
        return v


class ChangesTheShape(Sound):
    def direction(self, w, g, t, v):
        d = self.momentum * v.reshape(w.shape) + g
        v[...] = d.reshape(v.shape)
        v.resize(v.size, refcheck=False)
        return d


class RemembersOnItself(Sound):
    def direction(self, w, g, t, v):
        self.last = g
        return super().direction(w, g, t, v)


class CountsInAList(Sound):
    def __init__(self, counts=()):
        self.counts = counts

    momentum = 0.9

    def direction(self, w, g, t, v):
        self.counts.append(t)
        return super().direction(w, g, t, v)


class RemembersOnItsClass(Sound):
    total = 0.0

    def direction(self, w, g, t, v):
        type(self).total += 1
        return super().direction(w, g, t, v) / type(self).total


class IsRandom(Sound):
    def direction(self, w, g, t, v):
        return super().direction(w, g, t, v) * w.dtype.type(
            np.random.default_rng().random()
        )


class RemembersByIdentity(Sound):
    seen = {}  # noqa: RUF012

    def direction(self, w, g, t, v):
        # Memory that a second run from the start does not show.
        seen = self.seen[id(v)] = 1 if t == 1 else self.seen.get(id(v), 0) + 1
        return super().direction(w, g, t, v) / seen


class MindsTheShape(Sound):
    def direction(self, w, g, t, v):
        return super().direction(w, g, t, v) / len(w)


class DividesByZero(Sound):
    def direction(self, w, g, t, v):
        v += g * g
        return g / np.sqrt(v)


class HasAStateThatOverflows(Sound):
    def direction(self, w, g, t, v):
        v[...] = 1 / np.abs(g).sum()
        return g


class Ascends(Sound):
    def direction(self, w, g, t, v):
        return -super().direction(w, g, t, v)


class IsMuchTooFast(Sound):
    default_learning_rate = 1e3


class HasNoRate(Sound):
    default_learning_rate = 0.0


class DecaysLessThanNothing(Sound):
    weight_decay = -0.1


class ForgetsItsParameter(Sound):
    def __init__(self, momentum=0.9):
        pass


class ChangesItsParameter(Sound):
    def __init__(self, momentum=0.9):
        self.momentum = [momentum]


class StoresMore(Sound):
    def __init__(self, momentum=0.9):
        self.momentum = momentum
        self.count = 0


class KeepsAStart(Sound):
    def init(self, w):
        return {"v": np.zeros_like(w), "w0": w.copy()}

    def direction(self, w, g, t, v, w0):
        return super().direction(w, g, t, v)

    def relocate(self, move, w, v, w0):
        w0[...] = move(w0)


class LeavesItsStart(KeepsAStart):
    def direction(self, w, g, t, v, w0):
        w0 *= 0.9
        return super().direction(w, g, t, v, w0)

    def relocate(self, move, w, v, w0):
        pass


class MovesTheWeightsItself(KeepsAStart):
    def relocate(self, move, w, v, w0):
        w0[...] = w[...] = move(w)


class LeadsBack(Sound):
    """The weights are minus the sum of the gradients, whatever becomes of them."""

    def init(self, w):
        return {"z": -w / 0.01}

    def direction(self, w, g, t, z):
        z += g
        return w / w.dtype.type(0.01) + z


class LeadsElsewhere(LeadsBack):
    def relocate(self, move, w, z):
        z *= 0.5


class PredictsFloat64(Sound):
    def averaged(self, w, v):
        return w.astype(np.float64)


class PredictsWithSomethingElse(Sound):
    def averaged(self, w, v):
        return w / 2


class PredictsAndWrites(Sound):
    def averaged(self, w, v):
        v *= 0.5
        return w


class PredictsWithInfinity(Sound):
    def averaged(self, w, v):
        return np.where(v == 0, w, np.inf).astype(w.dtype)


class HasAWrongScale(Sound):
    def scale(self, w, g, t, v):
        return 1 / (1 - self.momentum)  # only as t goes to infinity


class HasAScaleThatWrites(Momentum):
    def scale(self, w, g, t, v):
        v *= 1.01
        return super().scale(w, g, t, v)


class HasAScaleOfTheWrongShape(Momentum):
    def scale(self, w, g, t, v):
        return np.ones(len(w) + 1)


class HasAScaleInFloat64(Momentum):
    def scale(self, w, g, t, v):
        return np.full(w.shape, super().scale(w, g, t, v), dtype=np.float64)


class HasANegativeScale(Sound):
    def scale(self, w, g, t, v):
        return -1.0


class RemembersAnArrayOnItself(SGD):
    v = None

    def direction(self, w, g, t):
        self.v = g if self.v is None else self.v + g
        return self.v


MISTAKES = {
    RemembersAnArrayOnItself: "attribute 'v' changed while it was used",
    WritesToWeights: "direction writes to w",
    WritesToGradient: "direction writes to g",
    WritesToWeightsInInit: "init writes to w",
    KeepsWeights: "'v' shares the memory of w",
    ReturnsWeights: "direction returns w",
    ReturnsColumns: r"direction has shape \(1,\) for weights of shape \(3,\)",
    ReturnsFloat64: "direction has dtype float64 for weights of float32",
    KeepsFloat64: "'v' has dtype float64 for weights of float32",
    KeepsAList: "'v' must be an ndarray .* got list",
    KeepsANumber: "'count' must be an ndarray .* got int",
    ReturnsATuple: "init returns .*tuple",
    TakesTheNameOfTheGradient: "state key 'g' must be",
    StartsWithoutANumber: "'v' is not finite at the start",
    ChangesTheShape: "changes the shape or dtype of state entry 'v'",
    MakesANewArray: "'v' is the same after 12 steps; change it in place",
    RemembersOnItself: "attribute 'last' changed while it was used; a component",
    RemembersOnItsClass: "a second run from the same start differs",
    IsRandom: "a second run from the same start differs",
    RemembersByIdentity: "goes on from a deep copy of the state differs",
    MindsTheShape: r"weights of shape \(4, 2\) move otherwise",
    DividesByZero: "direction is not finite at step 1, for a gradient of zero",
    HasAStateThatOverflows: "'v' is not finite at step 1, for a gradient of zero",
    Ascends: "it should fall",
    IsMuchTooFast: "default_learning_rate=1000; it should fall",
    HasNoRate: "default_learning_rate must be .* got 0.0",
    DecaysLessThanNothing: "weight_decay must be .* got -0.1",
    ForgetsItsParameter: "must store its arguments, unchanged",
    ChangesItsParameter: "must store its arguments, unchanged",
    StoresMore: r"it stores \['count', .* but its parameters are",
    LeavesItsStart: "'w0' is a copy of the weights: relocate must move it",
    MovesTheWeightsItself: "relocate writes to w",
    LeadsBack: "must neither lead back nor elsewhere",
    LeadsElsewhere: "must neither lead back nor elsewhere",
    PredictsFloat64: r"must return weights of float32 \(3,\)",
    PredictsWithSomethingElse: "before the first step averaged must return w",
    PredictsAndWrites: "averaged changes state entry 'v'",
    PredictsWithInfinity: "averaged is not finite",
    HasAWrongScale: "at step 1 with the constant gradient .* they must be equal",
    HasAScaleThatWrites: "scale changes state entry 'v'",
    HasAScaleOfTheWrongShape: r"scale has shape \(6,\) for weights of shape \(5,\)",
    HasAScaleInFloat64: "scale makes float64 of float32",
    HasANegativeScale: "scale must be finite and not negative, got -1.0 at step 1",
}


@pytest.mark.parametrize("cls", [Sound, KeepsAStart])
def test_check_optimizer_accepts_a_sound_one(cls):
    check_optimizer(cls())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda cls: cls.__name__)
def test_check_optimizer_finds(mistake):
    with pytest.raises(
        AssertionError, match=f"^{mistake.__name__}: .*{MISTAKES[mistake]}"
    ):
        check_optimizer(mistake())


def test_check_optimizer_finds_memory_in_a_parameter():
    with pytest.raises(AssertionError, match="attribute 'counts' changed"):
        check_optimizer(CountsInAList(counts=[]))


def test_check_optimizer_finds_parameters_out_of_range():
    with pytest.raises(AssertionError, match=r"its parameters: Adam: beta1 must be"):
        check_optimizer(Adam(beta1=1.0))


def test_check_optimizer_takes_an_instance():
    with pytest.raises(AssertionError, match="expected an instance"):
        check_optimizer(Sound)
