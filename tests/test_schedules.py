"""Schedules: references of torch and scikit-learn, closed forms, properties, errors."""

import functools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import SGDRegressor

from skgd import GDRegressor, schedules
from skgd.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    FromFunction,
    InverseScaling,
    InverseTime,
    Join,
    LinearRestarts,
    MultiStep,
    OneCycle,
    Optimal,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Step,
    Warmup,
    as_schedule,
)
from skgd.testing import check_schedule

DATA = Path(__file__).parent / "data"
TORCH = json.loads((DATA / "schedules.json").read_text())
PLATEAUS = json.loads((DATA / "plateaus.json").read_text())


def half_after_three(t):
    return 1 if t <= 3 else 0.5


# References


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("exponential", Exponential(0.9)),
        ("step", Step(every=7, factor=0.3)),
        ("multistep", MultiStep([5, 12, 40], factor=0.5)),
        ("linear", Polynomial(horizon=50)),
        ("polynomial", Polynomial(horizon=50, power=2.5)),
        ("cosine", Cosine(horizon=50, final=0.01)),
        ("cosine_restarts", CosineRestarts(period=10, final=0.05)),
        ("cosine_restarts_tripled", CosineRestarts(period=3, multiplier=3)),
        ("one_cycle", OneCycle(horizon=50)),
        ("one_cycle_of_four", OneCycle(horizon=4)),
        ("warmup_exponential", Warmup(Exponential(0.9), length=8, start=0.2)),
        ("warmup_polynomial", Warmup(Polynomial(horizon=30), length=8)),
        (
            "join",
            Join(
                [Exponential(0.9), Step(every=4, factor=0.5), Polynomial(horizon=10)],
                boundaries=[6, 20],
            ),
        ),
    ],
)
def test_equals_torch(name, schedule):
    t = np.arange(1, len(TORCH[name]) + 1)
    assert_allclose(schedule(t), TORCH[name], rtol=1e-12, atol=1e-15)


def test_every_torch_reference_is_tested():
    marks = test_equals_torch.pytestmark[0].args[1]
    assert {name for name, _ in marks} == set(TORCH)


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("default", ReduceOnPlateau()),
        ("halved", ReduceOnPlateau(0.5, patience=1, threshold=0.01)),
        ("cooldown", ReduceOnPlateau(0.3, patience=2, cooldown=5)),
        ("least", ReduceOnPlateau(0.2, patience=0, min_factor=0.01)),
        ("score", ReduceOnPlateau(0.5, patience=2, threshold=0.02)),
    ],
)
def test_reduction_on_plateaus_equals_torch(name, schedule):
    sign = -1 if name == "score" else 1  # of scores the highest is the best
    state, factors, stages = schedule.init(), [], 0
    for value in PLATEAUS[name]["values"]:
        stages += schedule.observe(sign * value, **state)
        factors.append(float(state["factor"]))
    assert_allclose(factors, PLATEAUS[name]["rates"], rtol=1e-12)
    assert stages >= np.count_nonzero(np.diff([1.0, *factors]))


@pytest.mark.parametrize("offset", [0.0, -10.0, -1e6])
def test_a_plateau_of_negative_values(offset):
    """An improvement is one by a part of the size: the rate falls on a level."""
    schedule = ReduceOnPlateau(0.5, patience=2, threshold=1e-3)
    state = schedule.init()
    size = max(abs(offset), 1)
    for step in range(5):
        assert not schedule.observe(offset - 0.01 * step * size, **state)
    reductions = [schedule.observe(offset - 0.04 * size, **state) for _ in range(6)]
    assert reductions == [False, False, True] * 2
    assert state["factor"] == 0.25


def test_a_memory_passes_through_a_warm_up_and_not_through_a_sequence():
    inner = ReduceOnPlateau(0.5, patience=0)
    schedule = Warmup(inner, length=4)
    state = schedule.init()
    assert [schedule.observe(1.0, **state) for _ in range(3)] == [False, True, True]
    assert state["factor"] == 0.25
    with pytest.raises(ValueError, match=r"schedules\[1\] .* has a memory"):
        Join(["constant", inner], boundaries=[3]).validate()


def rates_of_sgd_regressor(n, **params):
    """Return the rate of each step of scikit-learn, from how far the weight moved."""
    model = SGDRegressor(penalty=None, fit_intercept=False, **params)
    x, y, w, rates = 0.01, 1000.0, 0.0, []
    for _ in range(n):
        model.partial_fit([[x]], [y])
        rates.append((model.coef_[0] - w) / (x * (y - x * w)))
        w = model.coef_[0]
    return np.array(rates)


def test_inverse_scaling_equals_scikit_learn():
    rates = rates_of_sgd_regressor(
        30, learning_rate="invscaling", eta0=0.1, power_t=0.25
    )
    t = np.arange(1, 31)
    assert_allclose(0.1 * InverseScaling(power=0.25)(t), rates, rtol=1e-10)


@pytest.mark.parametrize("alpha", [1e-4, 1e-2])
def test_optimal_equals_scikit_learn(alpha):
    rates = rates_of_sgd_regressor(30, learning_rate="optimal", alpha=alpha)
    t = np.arange(1, 31)
    assert_allclose(Optimal(alpha, t0=alpha**-0.75)(t), rates, rtol=1e-10)


# Closed forms


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (Constant(), {1: 1, 10**12: 1}),
        (InverseScaling(), {1: 1, 16: 0.5, 10**12: 1e-3}),
        (InverseScaling(power=0.5, delay=300), {1: 1, 901: 0.5, 29_701: 0.1}),
        (InverseTime(decay=0.5), {1: 1, 3: 0.5, 7: 0.25}),
        (InverseTime(decay=1, unit=4), {1: 1, 5: 0.5, 13: 0.25}),
        (Optimal(alpha=0.5), {1: 1, 3: 0.5, 7: 0.25}),
        (Optimal(alpha=0.5, t0=4), {1: 0.5, 5: 0.25}),
        (Exponential(0.25, unit=2), {1: 1, 2: 0.5, 3: 0.25}),
        (Step(every=2, factor=0.5, unit=3), {6: 1, 7: 0.5, 12: 0.5, 13: 0.25}),
        (MultiStep([1, 2], factor=0.5, unit=3), {3: 1, 4: 0.5, 6: 0.5, 7: 0.25}),
        (Polynomial(horizon=4, final=0.2), {1: 1, 3: 0.6, 5: 0.2, 99: 0.2}),
        (Polynomial(horizon=4, power=2), {1: 1, 3: 0.25, 5: 0, 99: 0}),
        (Cosine(horizon=4, final=0.2), {1: 1, 3: 0.6, 5: 0.2, 99: 0.2}),
        (CosineRestarts(period=4, multiplier=2), {3: 0.5, 5: 1, 9: 0.5, 13: 1}),
        (LinearRestarts(7, period=2, unit="step"), {1: 1, 2: 0.5, 3: 1, 7: 0.2, 8: 0}),
        (LinearRestarts(1, period=2, unit=4), {1: 1, 2: 0.75, 4: 0.25, 5: 0, 99: 0}),
        (LinearRestarts(4, period=1, multiplier=1, unit=2), {2: 0.5, 3: 1, 8: 0.5}),
        (OneCycle(horizon=10), {1: 0.04, 2: 0.52, 3: 1, 10: 4e-6, 99: 4e-6}),
        (OneCycle(10, warmup=0.6, start=0, final=0.5), {1: 0, 6: 1, 8: 0.75, 10: 0.5}),
        (Warmup(length=4), {1: 0.25, 2: 0.5, 4: 1, 5: 1}),
        (Warmup(length=4, start=0.2), {1: 0.4, 2: 0.6, 4: 1, 5: 1}),
        (Warmup(Polynomial(4), length=2), {2: 1, 3: 1, 4: 0.75, 6: 0.25, 7: 0}),
        (Warmup(lambda t: 1 / t, length=2), {2: 1, 3: 1, 4: 0.5}),
        (Warmup(InverseTime(1), length=0), {1: 1, 2: 0.5}),
        (Join([InverseTime(1), "constant"], [2]), {1: 1, 2: 0.5, 3: 1, 4: 1}),
        (Join([Warmup(length=2), InverseTime(1)], [3]), {1: 0.5, 3: 1, 4: 1, 5: 0.5}),
    ],
)
def test_closed_form(schedule, factors):
    schedule.validate()
    for t, factor in factors.items():
        assert schedule(t) == pytest.approx(factor, rel=1e-14, abs=1e-16)


@pytest.mark.parametrize("power", [0.01, 1.0, 50.0])
@pytest.mark.parametrize(("epochs", "batches"), [(7, 7), (10, 49), (3, 11)])
def test_final_is_reached_exactly_one_step_after_the_horizon(power, epochs, batches):
    # n / batches · batches is not always n: a root would magnify the difference.
    n = epochs * batches
    for schedule in (
        Polynomial(power=power, unit="epoch"),
        Polynomial(horizon=epochs, power=power, unit="epoch"),
    ):
        resolved = schedule.resolve(batches, n)
        assert resolved.end == n
        assert resolved(n) > 0
        assert_array_equal(resolved([n + 1, n + 2, 10**12]), 0)


def test_a_horizon_that_ends_within_a_step_includes_that_step():
    schedule = Cosine(horizon=2.5, unit=3)
    assert schedule.end == 8
    assert schedule(8) > 0
    assert schedule(9) == 0


@pytest.mark.parametrize("every", [0.1, 0.3, 0.7, 0.07, 1.1, 1 / 3])
def test_stairs_fall_at_whole_steps_whatever_the_unit(every):
    """0.07 · 100 is 7.000000000000001: a stair at step 8 must not wait until 9."""
    unit = 3 if every == 1 / 3 else 100
    length = round(every * unit)
    t = np.arange(1, 20 * length + 2)
    expected = 0.5 ** ((t - 1) // length)
    assert_array_equal(Step(every, factor=0.5, unit=unit)(t), expected)
    milestones = [every * i for i in range(1, 21)]
    assert_array_equal(MultiStep(milestones, factor=0.5, unit=unit)(t), expected)


@pytest.mark.parametrize("multiplier", [1, 1.001, 1.5, 2, 3, 7])
def test_restarts_are_at_the_sums_of_the_cycles(multiplier):
    schedule = CosineRestarts(period=32, multiplier=multiplier, unit=8)
    starts = np.cumsum([0, *(256 * multiplier ** np.arange(12.0))])
    first = np.ceil(np.round(starts, 6)).astype(int) + 1
    first = first[first < 10**7]
    assert_allclose(schedule(first), 1, atol=1e-4)
    assert np.all(schedule(first[1:] - 1) < 1e-4)


@pytest.mark.parametrize(
    ("schedule", "ends"),
    [
        (CosineRestarts(period=3, multiplier=2), [3, 9, 21, 45]),
        (CosineRestarts(period=2.5), [3, 5, 8, 10]),
        (CosineRestarts(period=0.5, unit=8), [4, 8, 12]),
        (LinearRestarts(horizon=21, unit=2), [6, 18, 42]),
        (LinearRestarts(horizon=20, unit=2), [6, 40]),
        (LinearRestarts(horizon=2, unit=2), [4]),
        (LinearRestarts(horizon=7, period=1, multiplier=1, unit="step"), range(1, 8)),
    ],
)
def test_end_of_a_cycle(schedule, ends):
    """It is the last step before the full rate; with a horizon the last ends there."""
    expected = np.repeat(ends, np.diff([0, *ends]))
    t = np.arange(1, len(expected) + 1)
    assert_array_equal([schedule.cycle_end(step) for step in t.tolist()], expected)
    factors = schedule(t)
    assert np.all(np.diff(factors)[t[:-1] != expected[:-1]] < 0)
    starts = np.array([0, *ends[:-1]])
    whole = schedule.get_params().get("period") != 2.5
    assert_allclose(factors[starts], 1, atol=0 if whole else 0.2)
    if np.isfinite(schedule.end):
        assert schedule.end == ends[-1]
        assert schedule.cycle_end(ends[-1] + 5) == ends[-1]


@pytest.mark.parametrize(
    ("schedule", "ends"),
    [
        (Warmup(CosineRestarts(period=3), length=4, unit=1), [7, 10, 13]),
        (Join([CosineRestarts(period=3)]), [3, 6, 9]),
        (Join([CosineRestarts(period=3), CosineRestarts(4)], [5]), [3, 5, 9, 13]),
        (Join(["constant", CosineRestarts(period=3)], [4]), [7, 10, 13]),
        (Join([CosineRestarts(period=3), "constant"], [6]), [3, 6, np.inf]),
        (Join([Cosine(horizon=6), "constant"], [6]), [np.inf]),
        (Join([Warmup(LinearRestarts(6, period=2), length=1), "cosine"], [9]), [3, 7]),
    ],
)
def test_composites_have_the_cycles_of_their_parts(schedule, ends):
    schedule = schedule.resolve(1, 30)
    t = np.arange(1, min(ends[-1], 30) + 1)
    expected = np.array(ends)[np.searchsorted(ends, t)]
    assert_array_equal([schedule.cycle_end(step) for step in t.tolist()], expected)


class OfOneStep(Schedule):
    def __call__(self, t):
        return 1.0 if t < 100 else 0.1


def test_a_class_for_single_steps_is_named():
    message = r"OfOneStep.* must take an array of steps, .* without a class"
    with pytest.raises(AssertionError, match=message):
        check_schedule(OfOneStep())
    with pytest.raises(TypeError, match=message):
        GDRegressor(schedule=OfOneStep(), batch_size=1).fit(np.eye(3), range(3))


class EndsAtFive(Schedule):
    def __call__(self, t):
        if np.any(np.asarray(t) > 5):
            raise ValueError("past step 5")
        return np.ones(np.shape(t))[()]


def test_an_error_of_a_schedule_is_left_as_it_is():
    with pytest.raises(ValueError, match=r"^past step 5$"):
        GDRegressor(schedule=EndsAtFive(), batch_size=1).fit(np.eye(9), range(9))


def test_the_last_cycle_is_not_shorter_than_the_one_before():
    for horizon in range(1, 200):
        schedule = LinearRestarts(horizon=horizon, period=3, unit="step")
        ends = {schedule.cycle_end(t) for t in range(1, horizon + 1)}
        lengths = np.diff([0, *sorted(ends)])
        assert lengths.sum() == horizon
        assert np.all(lengths[1:] >= 2 * lengths[:-1])


@pytest.mark.parametrize("cls", list(dict.fromkeys(SCHEDULES.values())))
def test_schedules_without_cycles(cls):
    schedule = cls().resolve(5, 30)
    has_cycles = "period" in schedule.get_params(deep=False)
    assert (schedule.cycle_end(1) < np.inf) == has_cycles


def test_restarts_with_cycles_that_hardly_grow():
    t = np.setdiff1d(np.arange(1, 10**5), np.arange(1, 10**5, 50))
    growing = CosineRestarts(period=50, multiplier=1 + 1e-13)
    assert_allclose(growing(t), CosineRestarts(period=50)(t), atol=1e-6)


def test_warmup_has_no_idle_step_and_no_jump():
    factors = Warmup(length=5)(np.arange(1, 9))
    assert_allclose(factors, [0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1], rtol=1e-15)


# Units and horizons


@pytest.mark.parametrize(
    "schedule",
    [Polynomial(), Cosine(), OneCycle(), Polynomial(unit="epoch"), Cosine(unit=7)],
)
def test_horizon_is_filled_in_from_the_training(schedule):
    resolved = schedule.resolve(5, 30)
    assert resolved.end == 30
    given = type(schedule)(horizon=30)
    t = np.arange(1, 40)
    assert_allclose(resolved(t), given(t), rtol=1e-15)


def test_horizon_that_is_given_is_kept():
    assert Cosine(horizon=4, unit="epoch").resolve(5, 100).end == 20
    assert Cosine(horizon=4).resolve(5, 100).end == 4


def test_composites_give_their_parts_what_remains():
    resolved = Warmup("cosine", length=2, unit="epoch").resolve(5, 50)
    assert resolved.schedule.horizon == 40
    assert resolved.end == 50
    joined = Join(["cosine", Warmup("polynomial", 3), "one_cycle"], [20, 33])
    resolved = joined.resolve(5, 50)
    assert [part.end for part in resolved.schedules] == [20, 13, 17]
    assert resolved.schedules[1].schedule.horizon == 10
    assert resolved.end == 50


def test_parts_have_units_of_their_own():
    schedule = Warmup(Step(every=2, factor=0.5, unit="epoch"), length=3)
    t = np.arange(1, 40)
    assert_array_equal(
        schedule.resolve(5, 40)(t), Warmup(Step(10, 0.5), length=3)(t), strict=True
    )


@pytest.mark.parametrize("n_steps", [1, 9, 10, 11])
def test_training_shorter_than_the_warmup(n_steps):
    resolved = Warmup("cosine", length=10).resolve(1, n_steps)
    t = np.arange(1, n_steps + 1)
    assert_allclose(resolved(t), np.minimum(t / 10, 1), rtol=1e-15)
    assert resolved.end == 11
    joined = Join(["constant", "cosine"], [10]).resolve(1, n_steps)
    assert_array_equal(joined(t), 1)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_end_is_infinite_without_a_horizon(name):
    schedule = SCHEDULES[name]().resolve(5, 30)
    has_horizon = "horizon" in schedule.get_params(deep=False)
    assert schedule.end == (30 if has_horizon else np.inf)


@pytest.mark.parametrize(
    "name", ["polynomial", "cosine", "linear_restarts", "one_cycle"]
)
def test_stream_has_no_horizon(name):
    cls = SCHEDULES[name].__name__
    message = rf"^{cls} needs a horizon, and a stream has none: pass {cls}\(horizon="
    for schedule in (
        as_schedule(name),
        Warmup(name),
        Warmup(Warmup(name)),
        Join(["constant", name], [10]),
    ):
        with pytest.raises(ValueError, match=message):
            schedule.resolve(5, None)
    # Before a boundary there is a horizon, in a stream too.
    assert Join([name, "constant"], [10]).resolve(5, None).schedules[0].end == 10


@pytest.mark.parametrize("use", [lambda s: s(1), lambda s: s.end])
def test_use_before_resolve(use):
    with pytest.raises(ValueError, match=r"^Cosine\(horizon=None\) does not know"):
        use(Cosine())
    with pytest.raises(ValueError, match=r"^Cosine\(unit='epoch'\) does not know"):
        use(Cosine(horizon=3, unit="epoch"))
    with pytest.raises(ValueError, match=r"^Warmup\(unit='epoch'\) does not know"):
        use(Warmup(unit="epoch"))


# Properties

LENGTHS = st.floats(0.01, 1e6)
FACTORS = st.floats(1e-6, 1)
FRACTIONS = st.floats(0, 1)
UNITS = st.sampled_from(["step", "epoch"]) | st.integers(1, 100)
TIMES = st.lists(LENGTHS, unique=True, max_size=4).map(sorted)

SIMPLE = st.one_of(
    st.builds(Constant),
    st.builds(InverseScaling, power=st.floats(0, 10), delay=st.floats(0.1, 1e4)),
    st.builds(InverseTime, decay=st.floats(0, 1e6), unit=UNITS),
    st.builds(Optimal, alpha=FACTORS, t0=st.none() | LENGTHS),
    st.builds(Exponential, factor=FACTORS, unit=UNITS),
    st.builds(Step, every=LENGTHS, factor=FACTORS, unit=UNITS),
    st.builds(MultiStep, milestones=TIMES, factor=FACTORS, unit=UNITS),
    st.builds(
        CosineRestarts,
        period=LENGTHS,
        multiplier=st.floats(1, 10),
        final=FRACTIONS,
        unit=UNITS,
    ),
    st.builds(
        LinearRestarts,
        horizon=st.none() | LENGTHS,
        period=LENGTHS,
        multiplier=st.floats(1, 10),
        unit=UNITS,
    ),
    st.builds(
        Polynomial,
        horizon=st.none() | LENGTHS,
        power=st.floats(0.01, 10),
        final=FRACTIONS,
        unit=UNITS,
    ),
    st.builds(Cosine, horizon=st.none() | LENGTHS, final=FRACTIONS, unit=UNITS),
    st.builds(
        OneCycle,
        horizon=st.none() | LENGTHS,
        warmup=st.floats(0, 0.99),
        start=FRACTIONS,
        final=FRACTIONS,
        unit=UNITS,
    ),
    st.just(FromFunction(half_after_three)),
)


def joins(parts):
    return TIMES.flatmap(
        lambda times: st.builds(
            Join,
            schedules=st.lists(parts, min_size=len(times) + 1, max_size=len(times) + 1),
            boundaries=st.just(times),
            unit=UNITS,
        )
    )


ANY = st.recursive(
    SIMPLE,
    lambda parts: (
        joins(parts)
        | st.builds(Warmup, schedule=parts, length=LENGTHS, start=FRACTIONS, unit=UNITS)
    ),
    max_leaves=4,
)
STEPS = st.lists(st.integers(1, 1000) | st.integers(1, 10**12), min_size=1, max_size=8)


@given(ANY, STEPS, st.integers(1, 1000), st.integers(1, 10**6))
def test_array_is_its_scalars_and_factors_are_in_range(schedule, t, batches, n_steps):
    schedule.validate()
    resolved = schedule.resolve(batches, n_steps)
    factors = resolved(np.array(t))
    assert np.all(np.isfinite(factors))
    assert np.all(factors >= 0)
    # Only Optimal(t0=...) exceeds the full rate.
    if "t0=" not in repr(schedule):
        assert np.all(factors <= 1)
    scalars = [resolved(step) for step in t]
    assert all(isinstance(factor, float) for factor in scalars)
    assert_allclose(factors, scalars, rtol=1e-12)
    assert_allclose(resolved(np.array(t, dtype=float)), factors, rtol=1e-12)


@given(ANY, st.integers(1, 1000), st.integers(1, 10**6))
def test_resolve_twice_is_resolve_once(schedule, batches, n_steps):
    before = pickle.dumps(schedule)
    resolved = schedule.resolve(batches, n_steps)
    t = np.arange(1, 100)
    assert_array_equal(resolved.resolve(batches, n_steps)(t), resolved(t))
    assert pickle.dumps(schedule) == before


IN_UNITS = {
    InverseTime: lambda n: {"decay": 1 / n},
    Exponential: lambda n: {"factor": 0.5 ** (1 / n)},
    Step: lambda n: {"every": n},
    MultiStep: lambda n: {"milestones": [n, 3 * n]},
    CosineRestarts: lambda n: {"period": n, "multiplier": 2},
    LinearRestarts: lambda n: {"horizon": 4 * n, "period": n},
    Polynomial: lambda n: {"horizon": n},
    Cosine: lambda n: {"horizon": n},
    OneCycle: lambda n: {"horizon": n},
    Warmup: lambda n: {"length": n},
    Join: lambda n: {"schedules": [InverseTime(1), "constant"], "boundaries": [n]},
}


@pytest.mark.parametrize("cls", IN_UNITS)
@given(length=st.integers(1, 20), batches=st.integers(1, 50))
def test_epochs_are_as_many_steps(cls, length, batches):
    in_epochs = cls(**IN_UNITS[cls](length), unit="epoch").resolve(batches, None)
    in_int = cls(**IN_UNITS[cls](length), unit=batches)
    in_steps = cls(**IN_UNITS[cls](length * batches), unit="step")
    if cls is Exponential:
        in_steps = cls(**IN_UNITS[cls](length), unit="step").set_params(
            factor=0.5 ** (1 / (length * batches))
        )
    t = np.arange(1, 4 * length * batches + 3)
    assert_array_equal(in_epochs(t), in_int(t))
    assert_allclose(in_epochs(t), in_steps(t), rtol=1e-10, atol=1e-14)


def test_every_schedule_with_a_unit_is_tested_in_epochs():
    with_unit = {c for c in SCHEDULES.values() if "unit" in c().get_params(deep=False)}
    assert set(IN_UNITS) == with_unit


@given(SIMPLE, st.integers(1, 1000))
def test_schedule_after_its_end_stays_as_it_is(schedule, batches):
    resolved = schedule.resolve(batches, 1000)
    assume(np.isfinite(resolved.end))
    after = resolved(resolved.end + np.array([1, 2, 10, 10**12]))
    assert_array_equal(after, after[0])


# Functions, names, instances


def test_function_is_called_for_each_step_with_a_python_number():
    seen = []
    FromFunction(lambda t: seen.append(t) or 1.0)(np.array([[1, 2], [3, 4]]))
    assert seen == [1, 2, 3, 4]
    assert all(type(t) is int for t in seen)
    table = [1.0, 0.5, 0.1]
    assert_array_equal(FromFunction(lambda t: table[t - 1])([1, 2, 3]), table)


def test_parts_are_not_asked_for_steps_of_other_parts():
    table = [1.0, 0.5, 0.1]
    schedule = Join([lambda t: table[t - 1], "constant"], boundaries=[3])
    assert_array_equal(schedule([4, 3, 2, 1]), [1, 0.1, 0.5, 1])


def test_parts_without_a_step_are_not_asked():
    class Peak(Schedule):
        def __call__(self, t):
            return np.asarray(t) / np.max(t)

    schedule = Join([Peak(), Peak()], boundaries=[4])
    assert_array_equal(schedule([1, 2, 4]), [0.25, 0.5, 1])
    assert schedule(7) == 1


def test_composites_can_be_drawn_as_curves():
    """Between two steps, too, the clock of a part is not before its first step."""
    t = np.linspace(1, 9, 33)
    factors = Warmup(InverseScaling(power=1), length=4)(t)
    assert_allclose(factors, np.where(t <= 4, t / 4, 1 / np.maximum(t - 4, 1)))


@pytest.mark.parametrize(
    "function",
    [
        half_after_three,
        lambda t: np.where(t <= 3, 1, 0.5),
        lambda t: np.float32(1 if t <= 3 else 0.5),
        functools.partial(np.interp, xp=[3, 4], fp=[1, 0.5]),
    ],
)
def test_functions_of_numbers_and_of_arrays(function):
    assert_array_equal(as_schedule(function)([1, 3, 4, 9]), [1, 1, 0.5, 0.5])
    assert as_schedule(function)(4) == 0.5


@pytest.mark.parametrize(
    "value", [-0.1, np.nan, np.inf, None, "1", 1j, True, [0.5], np.ones(2)]
)
def test_function_with_a_wrong_value(value):
    message = (
        r"^schedule: the function must return a finite real number in \[0, inf\), "
        r"got .* for t=3\.$"
    )
    schedule = as_schedule(lambda t: 1.0 if t < 3 else value)
    assert schedule(2) == 1.0
    for t in (3, [1, 3]):
        with pytest.raises(ValueError, match=message):
            schedule(t)


def test_errors_of_a_function_are_its_own():
    with pytest.raises(ZeroDivisionError):
        as_schedule(lambda t: 1 / 0)(1)


def test_as_schedule_returns_a_schedule_of_its_own():
    mine = Step(every=3)
    resolved = as_schedule(mine)
    assert resolved is not mine
    assert resolved.get_params() == mine.get_params()
    assert isinstance(as_schedule("inverse_time"), InverseTime)
    assert as_schedule(half_after_three).function is half_after_three


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("cosin", ValueError, r"^schedule must be .*'cosin'\. Did you mean 'cosine'\?"),
        (Cosine, TypeError, r"^schedule must be .* \(an instance, not the class\)"),
        (float, TypeError, r"^schedule must be .* \(an instance, not the class\)"),
        (3, TypeError, r"^schedule must be a name from \['constant', .*\], an instance "
         r"of Schedule or a function of the step t, got 3\.$"),
        (None, TypeError, r"^schedule must be .*, got None\.$"),
        (Step(every=0), ValueError, r"^Step: every must be .* \(0, inf\), got 0\.$"),
        (Warmup("cosin"), ValueError, r"^schedule must be .*Did you mean 'cosine'\?"),
        (Warmup(Cosine), TypeError, r"^schedule must be .*not the class"),
        (Warmup(3), TypeError, r"^Warmup: schedule must be a name, an instance of "
         r"Schedule or a function of t, got 3\.$"),
        (Warmup(Step(factor=2)), ValueError, r"^Step: factor must be"),
        (Join(["step", "cosin"], [3]), ValueError, r"^schedules\[1\] must be one of"),
        (Join(["step", None], [3]), TypeError, r"^schedules\[1\] must be a name"),
        (Join([Step(factor=0)]), ValueError, r"^Step: factor must be"),
        (Join(3), TypeError, r"^Join: schedules must be a list of schedules, got 3"),
        (Join("step"), TypeError, r"^Join: schedules must be a list of schedules"),
        (Join(["step"], [3]), ValueError, r"^Join: boundaries must have one entry less "
         r"than schedules, got 1 for 1 schedules\.$"),
        (Join([]), ValueError, r"^Join: boundaries must have .* got 0 for 0 schedules"),
        (FromFunction(3), TypeError, r"^FromFunction: function must be a function of"),
    ],
)  # fmt: skip
def test_errors(value, error, message):
    with pytest.raises(error, match=message):
        as_schedule(value)


@pytest.mark.parametrize(
    ("schedule", "error", "accepted"),
    [
        (InverseScaling(power=-1), ValueError, r"power must be .* \[0, inf\)"),
        (InverseScaling(delay=0), ValueError, r"delay must be .* \(0, inf\)"),
        (InverseTime(decay=-1), ValueError, r"decay must be .* \[0, inf\)"),
        (InverseTime(unit="epochs"), ValueError, r"unit must be one of 'step', 'epoch' "
         r"or an integer in \[1, inf\), got 'epochs'\. Did you mean 'epoch'\?"),
        (InverseTime(unit=0), ValueError, "unit must be"),
        (InverseTime(unit=1.5), TypeError, "unit must be"),
        (Optimal(alpha=0), ValueError, r"alpha must be .* \(0, inf\)"),
        (Optimal(t0=0), ValueError, r"t0 must be .* \(0, inf\) or None"),
        (Exponential(factor=0), ValueError, r"factor must be .* \(0, 1\]"),
        (Exponential(factor=1.01), ValueError, r"factor must be .* \(0, 1\]"),
        (Step(every="10"), TypeError, "every must be"),
        (MultiStep([3, 3]), ValueError, "milestones must be a sequence of increasing"),
        (MultiStep([3, 2]), ValueError, "milestones must be a sequence of increasing"),
        (MultiStep([0, 2]), ValueError, "milestones must be a sequence of increasing"),
        (MultiStep([1, np.inf]), ValueError, "milestones must be a sequence"),
        (MultiStep([1, np.nan]), ValueError, "milestones must be a sequence"),
        (MultiStep([1, "2"]), TypeError, "milestones must be a sequence of increasing"),
        (MultiStep(1000), TypeError, "milestones must be a sequence of increasing"),
        (MultiStep(np.ones((2, 2))), TypeError, "milestones must be a sequence"),
        (CosineRestarts(period=0), ValueError, r"period must be .* \(0, inf\)"),
        (CosineRestarts(multiplier=0.5), ValueError, r"multiplier must be .*\[1, inf"),
        (CosineRestarts(final=1.5), ValueError, r"final must be .* \[0, 1\]"),
        (LinearRestarts(period=0), ValueError, r"period must be .* \(0, inf\)"),
        (LinearRestarts(multiplier=0.9), ValueError, r"multiplier must be .*\[1, inf"),
        (Polynomial(power=0), ValueError, r"power must be .* \(0, inf\)"),
        (Polynomial(horizon=0), ValueError, r"horizon must be .* \(0, inf\) or None"),
        (Cosine(horizon=np.inf), ValueError, "horizon must be a finite real number"),
        (Cosine(final=-0.1), ValueError, r"final must be .* \[0, 1\]"),
        (OneCycle(warmup=1.0), ValueError, r"warmup must be .* \[0, 1\)"),
        (Warmup(length=-1), ValueError, r"length must be .* \[0, inf\)"),
        (Warmup(start=2), ValueError, r"start must be .* \[0, 1\]"),
        (Join(["step", "step"], [-1]), ValueError, "boundaries must be a sequence"),
    ],
)  # fmt: skip
def test_parameter_errors(schedule, error, accepted):
    with pytest.raises(error, match=f"^{type(schedule).__name__}: {accepted}"):
        as_schedule(schedule)


def test_milestones_may_be_an_array():
    t = np.arange(1, 60)
    for listed, array in (
        (MultiStep([1, 2.5]), MultiStep(np.array([1, 2.5]))),
        (Join(["step", "cosine"], [4]), Join(["step", "cosine"], np.array([4]))),
    ):
        expected = as_schedule(listed).resolve(5, 60)(t)
        assert len(np.unique(expected)) > 2
        assert_array_equal(as_schedule(array).resolve(5, 60)(t), expected)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
@pytest.mark.parametrize("t", [0, -1, np.nan, [1, 0]])
def test_steps_count_from_one(name, t):
    schedule = SCHEDULES[name]().resolve(5, 30)
    with pytest.raises(ValueError, match=r"^t must be at least 1, the first step"):
        schedule(t)


def test_schedule_without_a_formula_cannot_be_made():
    class Nothing(Schedule):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Nothing()


# The registry


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_registered_schedule_keeps_the_contract(name):
    check_schedule(SCHEDULES[name]())


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_parameter_has_a_constraint(name):
    schedule = SCHEDULES[name]()
    assert set(schedule.constraints) == set(schedule.get_params(deep=False))


def test_public_schedules_are_registered():
    classes = {
        value
        for value in vars(schedules).values()
        if isinstance(value, type) and issubclass(value, Schedule)
    }
    # A function has no default, so FromFunction has no name.
    assert classes - {Schedule, FromFunction} == set(SCHEDULES.values())


def test_nested_parameters_are_reached():
    schedule = Warmup(Cosine(), length=5)
    clone(schedule).set_params(schedule__final=0.5)
    assert schedule.schedule.final == 0.0
    assert clone(schedule).set_params(schedule__final=0.5).schedule.final == 0.5


# The check


@pytest.mark.parametrize(
    "schedule",
    [
        FromFunction(half_after_three),
        Warmup(half_after_three, length=2),
        Warmup(Cosine(unit="epoch", horizon=3), length=1, unit="epoch"),
        Join(["cosine", Warmup("one_cycle", 3)], boundaries=[3.5], unit="epoch"),
    ],
)
def test_check_accepts(schedule):
    check_schedule(schedule)


class Broken(Schedule):
    """Correct as it stands: each subclass breaks one thing."""

    def __call__(self, t):
        return 1 / np.asarray(t, dtype=float)


class Negative(Broken):
    def __call__(self, t):
        return 10 - np.asarray(t, dtype=float)


class NegativeLate(Broken):
    def __call__(self, t):
        return 1 - np.asarray(t, dtype=float) / 1e6


class NotFinite(Broken):
    def __call__(self, t):
        return np.exp(np.asarray(t, dtype=float) / 100)


class WrongShape(Broken):
    def __call__(self, t):
        return 1.0


class Integers(Broken):
    def __call__(self, t):
        return np.ones_like(t)


class NoScalars(Broken):
    def __call__(self, t):
        return np.array(1 / np.asarray(t, dtype=float))


class ScalarsDiffer(Broken):
    def __call__(self, t):
        return super().__call__(t) / np.size(t)


class FloatsDiffer(Broken):
    def __call__(self, t):
        t = np.asarray(t)
        return super().__call__(t) * (1.0 if t.dtype.kind == "f" else 0.5)


class WritesToSteps(Broken):
    def __call__(self, t):
        factors = super().__call__(t)
        if np.ndim(t):
            t += 1
        return factors


class Remembers(Broken):
    def __call__(self, t):
        self.last = t
        return super().__call__(t)


class RemembersElsewhere(Broken):
    calls = 0

    def __call__(self, t):
        type(self).calls += 1
        return super().__call__(t) / self.calls


class ChangesParameter(Broken):
    def __init__(self, factors=None):
        self.factors = factors

    def __call__(self, t):
        self.factors.append(1)
        return super().__call__(t)


class Converts(Broken):
    def __init__(self, factors=()):
        self.factors = list(factors)


class StoresAnother(Broken):
    def __init__(self, factor=0.5):
        self.factor = factor
        self.extra = 1


class ResolvesInPlace(Broken):
    def __init__(self, horizon=None):
        self.horizon = horizon

    def resolve(self, steps_per_epoch, n_steps):
        self.horizon = n_steps or 1
        return self


class ResolvesToNothing(Broken):
    def resolve(self, steps_per_epoch, n_steps):
        pass


class ResolveAccumulates(Broken):
    def __init__(self, factor=1.0):
        self.factor = factor

    def __call__(self, t):
        return self.factor * super().__call__(t)

    def resolve(self, steps_per_epoch, n_steps):
        return self._with(factor=self.factor / 2)


class RefusesStreams(Broken):
    def resolve(self, steps_per_epoch, n_steps):
        if n_steps is None:
            raise ValueError("no")
        return self


class GoesOnAfterItsEnd(Broken):
    def __init__(self, horizon=None):
        self.horizon = horizon


class HasNoEnd(Broken):
    end = None


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (half_after_three, "expected an instance of a subclass of Schedule"),
        (Step, "expected an instance of a subclass of Schedule"),
        (Step(every=0), "every must be"),
        (Negative(), "factors must be finite and not negative"),
        (NegativeLate(), "factors must be finite and not negative"),
        (NotFinite(), "overflow"),
        (WrongShape(), "must give a float64 array of the same shape"),
        (Integers(), "must give a float64 array of the same shape"),
        (NoScalars(), "the number t=40 must give a float"),
        (ScalarsDiffer(), "t=40 gives .* alone and .* in an array"),
        (FloatsDiffer(), "t=40.0 gives .* alone and .* in an array"),
        (WritesToSteps(), "writes to its arguments"),
        (Remembers(), "attribute 'last' changed"),
        (RemembersElsewhere(), "changes its factors|something else"),
        (ChangesParameter([]), "attribute 'factors' changed"),
        (Converts(), "must store its arguments, unchanged"),
        (StoresAnother(), r"stores \['extra', 'factor'\], but its parameters are"),
        (ResolvesInPlace(), "changes a parameter|attribute 'horizon' changed"),
        (ResolvesToNothing(), "resolve must return a Schedule, got None"),
        (ResolveAccumulates(), "to resolve a resolved schedule changes its factors"),
        (RefusesStreams(), "may refuse a stream only for want of a horizon"),
        (GoesOnAfterItsEnd(), "must not change any more after its end 40"),
        (HasNoEnd(), "end must be a number > 0, got None"),
        (FromFunction(lambda t: 1.0), "a parameter cannot be pickled"),
    ],
)
def test_check_rejects(schedule, message):
    with pytest.raises(AssertionError, match=message):
        check_schedule(schedule)


def test_check_accepts_what_the_broken_ones_derive_from():
    check_schedule(Broken())
