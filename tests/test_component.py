"""Registries, parameters and their constraints, and packages that add components."""

import copy
import math
import os
import pickle
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone

from skgd import GDRegressor, _component
from skgd._component import ENTRY_POINT_GROUP, Component, Registry
from skgd._validation import (
    Boolean,
    Choice,
    Instance,
    Number,
    check_parameters,
    did_you_mean,
)
from skgd.losses import LOSSES, Loss
from skgd.optimizers import OPTIMIZERS, Momentum, Optimizer
from skgd.penalties import PENALTIES, ElasticNet, Penalty
from skgd.schedules import SCHEDULES, Schedule

REGISTRIES = [
    (LOSSES, "loss", Loss),
    (OPTIMIZERS, "optimizer", Optimizer),
    (PENALTIES, "penalty", Penalty),
    (SCHEDULES, "schedule", Schedule),
]


class Fruit(Component):
    """A kind of component for these tests, with two parameters."""

    constraints = {  # noqa: RUF012
        "size": Number(0, closed="neither"),
        "inner": Instance(Component, "a component") | Choice(None),
    }

    def __init__(self, size=1.0, inner=None):
        self.size = size
        self.inner = inner


@pytest.fixture
def entries(monkeypatch):
    """Stand in for the entry points: none yet loaded, and at first none found."""
    found, groups = [], []

    def entry_points(*, group):
        groups.append(group)
        return found

    monkeypatch.setattr(_component, "entry_points", entry_points)
    monkeypatch.setattr(Registry, "_entry_points_loaded", False)
    return SimpleNamespace(found=found, groups=groups)


@pytest.fixture
def fruits(entries):
    registry = Registry("fruit", Fruit)
    registry.register("apple")(Fruit)
    return registry


# The registry


def test_decorator_returns_the_class_and_enters_it(fruits):
    @fruits.register("pear")
    class Pear(Fruit):
        pass

    assert Pear.__name__ == "Pear"
    assert fruits["pear"] is Pear
    assert dict(fruits) == {"apple": Fruit, "pear": Pear}
    assert len(fruits) == 2
    assert "pear" in fruits
    assert "plum" not in fruits
    assert repr(fruits) == "<fruits: apple, pear>"


@pytest.mark.parametrize("wrong", [dict, Component, Fruit(), lambda: None, "apple"])
def test_only_subclasses_can_be_registered(fruits, wrong):
    with pytest.raises(TypeError, match=r"^fruit 'x' must be a subclass of Fruit, got"):
        fruits.register("x")(wrong)
    assert "x" not in fruits


def test_name_of_another_class_is_refused(fruits):
    with pytest.raises(ValueError, match=r"^fruit 'apple' is already <class '.*Fruit'"):

        @fruits.register("apple")
        class Pear(Fruit):
            pass

    assert fruits["apple"] is Fruit


def test_class_defined_again_replaces_itself(fruits):
    """A notebook cell that is run twice, or a module that is reloaded."""

    def define():
        @fruits.register("pear")
        class Pear(Fruit):
            pass

        return Pear

    define()
    again = define()
    assert fruits["pear"] is again


def test_class_of_the_same_name_in_another_module_is_another(fruits):
    stranger = type("Fruit", (Fruit,), {"__module__": "elsewhere"})
    assert stranger.__qualname__ == Fruit.__qualname__
    with pytest.raises(ValueError, match=r"^fruit 'apple' is already"):
        fruits.register("apple")(stranger)


@pytest.mark.parametrize(("registry", "kind", "base"), REGISTRIES)
def test_registries(registry, kind, base):
    assert registry.kind == kind
    assert registry.base is base
    assert all(issubclass(cls, base) for cls in registry.values())


# From what a user passes to a component


def test_name_is_looked_up():
    assert type(OPTIMIZERS.resolve("momentum")) is Momentum
    assert OPTIMIZERS.resolve("momentum").momentum == 0.9


def test_defaults_go_to_the_class_of_a_name_as_far_as_it_has_them():
    assert PENALTIES.resolve("elasticnet", l1_ratio=0.5).l1_ratio == 0.5
    assert PENALTIES.resolve("l2", l1_ratio=0.5).get_params() == {}
    assert PENALTIES.resolve(ElasticNet(l1_ratio=0.2), l1_ratio=0.5).l1_ratio == 0.2


def test_defaults_are_validated():
    with pytest.raises(ValueError, match=r"^ElasticNet: l1_ratio must be .* got 2\.$"):
        PENALTIES.resolve("elasticnet", l1_ratio=2)


def test_instance_is_cloned_with_what_is_nested_in_it(fruits):
    mine = Fruit(size=2.0, inner=Fruit(size=3.0))
    resolved = fruits.resolve(mine)
    assert resolved is not mine
    assert resolved.inner is not mine.inner
    resolved.set_params(size=5.0, inner__size=6.0)
    assert (mine.size, mine.inner.size) == (2.0, 3.0)


def test_instance_needs_no_registration(fruits):
    class Unregistered(Fruit):
        pass

    assert type(fruits.resolve(Unregistered())) is Unregistered


@pytest.mark.parametrize("duplicate", [clone, copy.deepcopy, lambda c: c])
def test_parameters_are_read_and_written_by_path(duplicate):
    fruit = duplicate(Fruit(inner=Fruit(size=3.0)))
    assert fruit.get_params()["inner__size"] == 3.0
    assert fruit.set_params(inner__size=4.0).inner.size == 4.0


@pytest.mark.parametrize(("registry", "kind", "base"), REGISTRIES)
def test_components_survive_pickling(registry, kind, base):
    for cls in registry.values():
        restored = pickle.loads(pickle.dumps(cls()))
        assert type(restored) is cls
        assert restored.get_params().keys() == cls().get_params().keys()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            "aple",
            ValueError,
            "fruit must be one of ['apple'] or an instance of Fruit, got 'aple'. "
            "Did you mean 'apple'?",
        ),
        (
            "zzz",
            ValueError,
            "fruit must be one of ['apple'] or an instance of Fruit, got 'zzz'.",
        ),
        (
            Fruit,
            TypeError,
            "fruit must be a name from ['apple'] or an instance of Fruit "
            f"(an instance, not the class), got {Fruit!r}.",
        ),
        (
            3,
            TypeError,
            "fruit must be a name from ['apple'] or an instance of Fruit, got 3.",
        ),
        (
            None,
            TypeError,
            "fruit must be a name from ['apple'] or an instance of Fruit, got None.",
        ),
        (
            Fruit(size=-1),
            ValueError,
            "Fruit: size must be a finite real number in (0, inf), got -1.",
        ),
    ],
)
def test_resolve_errors(fruits, value, error, message):
    with pytest.raises(error) as raised:
        fruits.resolve(value)
    assert str(raised.value) == message


def test_errors_name_the_parameter_of_the_caller(fruits):
    with pytest.raises(ValueError, match=r"^snack must be one of"):
        fruits.resolve("aple", parameter="snack")
    with pytest.raises(TypeError, match=r"^snack must be a name from"):
        fruits.resolve(3, parameter="snack")


@pytest.mark.parametrize(
    ("registry", "typo", "name"),
    [
        (OPTIMIZERS, "Momentun", "momentum"),
        (PENALTIES, "elastic_net", "elasticnet"),
        (LOSSES, "square_error", "squared_error"),
        (SCHEDULES, "COSINE", "cosine"),
    ],
)
def test_nearest_name_is_offered(registry, typo, name):
    with pytest.raises(ValueError, match=rf"got '{typo}'\. Did you mean '{name}'\?$"):
        registry.resolve(typo)


# Entry points


def test_entry_points_are_loaded_once_and_when_they_are_needed(fruits, entries):
    loads = []

    def load():
        loads.append("pear")
        fruits.register("pear")(type("Pear", (Fruit,), {}))

    entries.found.append(SimpleNamespace(load=load))

    assert fruits["apple"] is Fruit
    assert fruits.resolve("apple").size == 1.0
    assert loads == []

    assert fruits.resolve("pear", size=7.0).size == 7.0
    assert sorted(fruits) == ["apple", "pear"]
    assert "plum" not in fruits
    assert loads == ["pear"]
    assert entries.groups == [ENTRY_POINT_GROUP]


@pytest.mark.parametrize(
    "look", [list, len, repr, lambda r: "pear" in r, lambda r: r["pear"]]
)
def test_every_way_to_look_loads_them(fruits, entries, look):
    def load():
        fruits.register("pear")(type("Pear", (Fruit,), {}))

    entries.found.append(SimpleNamespace(load=load))
    look(fruits)
    assert "pear" in fruits._classes


def test_entry_point_may_look_into_the_registry(fruits, entries):
    names = []
    entries.found.append(SimpleNamespace(load=lambda: names.extend(fruits)))
    assert list(fruits) == names == ["apple"]


def test_a_broken_package_is_said_and_hides_no_other(fruits, entries):
    def fail():
        raise ImportError("no module named stone")

    def load():
        fruits.register("pear")(type("Pear", (Fruit,), {}))

    entries.found.append(SimpleNamespace(load=fail, name="plum", value="plums"))
    entries.found.append(SimpleNamespace(load=load))
    with pytest.warns(UserWarning, match="plum = plums .* no module named stone"):
        assert "pear" in fruits
    assert "plum" not in fruits


def test_a_fit_with_known_names_loads_no_packages(entries):
    def fail():
        raise ImportError("no module named stone")

    entries.found.append(SimpleNamespace(load=fail, name="plum", value="plums"))
    X, y = np.eye(3), np.arange(3.0)
    model = GDRegressor("huber", optimizer="sgd", penalty="l1", schedule="constant")
    model.partial_fit(X, y)
    assert entries.groups == []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="Did you mean 'huber'"):
            GDRegressor("hubber").fit(X, y)
    assert [(w.category, w.filename) for w in caught] == [(UserWarning, __file__)]


def test_components_of_an_installed_package(tmp_path):
    """A package beside this one, found by its metadata only."""
    (tmp_path / "fruity.py").write_text(
        textwrap.dedent(
            """
            import numpy as np
            from skgd.schedules import SCHEDULES, Schedule

            @SCHEDULES.register("square_root")
            class SquareRoot(Schedule):
                def __call__(self, t):
                    return 1 / np.sqrt(t)
            """
        )
    )
    metadata = tmp_path / "fruity-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fruity\n")
    (metadata / "entry_points.txt").write_text(
        f"[{ENTRY_POINT_GROUP}]\nfruity = fruity\n"
    )
    code = """
        import sys
        from skgd.schedules import SCHEDULES
        assert "fruity" not in sys.modules
        print(SCHEDULES.resolve("square_root")(25), "square_root" in list(SCHEDULES))
    """
    result = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(code)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
        },
        capture_output=True,
        text=True,
    )
    assert result.stderr == ""
    assert result.stdout == "0.2 True\n"


# Constraints

NOT_NUMBERS = [True, np.True_, "1", None, 1j, [1], np.ones(1), np.array(1.0)]
NOT_FINITE = [math.nan, math.inf, -math.inf, np.float32("nan"), 10**400]


@pytest.mark.parametrize(
    "value", [0, -1.5, 10**300, Fraction(1, 3), np.float32(2), np.int8(3), np.uint64(4)]
)
def test_number_accepts(value):
    assert Number().accepts(value)


@pytest.mark.parametrize("value", NOT_NUMBERS)
@pytest.mark.parametrize("integer", [False, True])
def test_number_has_not_the_type_of(value, integer):
    number = Number(integer=integer)
    assert not number.has_type(value)
    assert not number.accepts(value)


@pytest.mark.parametrize("value", NOT_FINITE)
def test_number_is_finite(value):
    assert Number().has_type(value)
    assert not Number().accepts(value)


def test_integer():
    integer = Number(1, integer=True)
    assert all(integer.accepts(value) for value in (1, np.int64(5), np.uint8(255)))
    assert not integer.has_type(1.0)
    assert not integer.has_type(np.float64(1))
    assert integer.has_type(0)
    assert not integer.accepts(0)


@pytest.mark.parametrize(
    ("closed", "low", "high", "text"),
    [
        ("both", True, True, "a finite real number in [0, 1.5]"),
        ("left", True, False, "a finite real number in [0, 1.5)"),
        ("right", False, True, "a finite real number in (0, 1.5]"),
        ("neither", False, False, "a finite real number in (0, 1.5)"),
    ],
)
def test_interval(closed, low, high, text):
    number = Number(0, 1.5, closed=closed)
    assert number.accepts(0) == low
    assert number.accepts(1.5) == high
    assert number.accepts(np.nextafter(0, 1))
    assert number.accepts(np.nextafter(1.5, 0))
    assert not number.accepts(-1)
    assert not number.accepts(2)
    assert str(number) == text


@pytest.mark.parametrize(
    ("constraint", "text"),
    [
        (Number(), "a finite real number"),
        (Number(integer=True), "an integer"),
        (Number(0), "a finite real number in [0, inf)"),
        (Number(high=0), "a finite real number in (-inf, 0]"),
        (Number(1, integer=True), "an integer in [1, inf)"),
        (Choice(None), "None"),
        (Choice("auto"), "'auto'"),
        (Choice("a", "b", None), "one of 'a', 'b', None"),
        (Boolean(), "True or False"),
        (Instance(Callable, "a function"), "a function"),
        (Number(0) | Choice(None), "a finite real number in [0, inf) or None"),
        (
            Choice("auto") | Boolean() | Number(1, integer=True),
            "'auto' or True or False or an integer in [1, inf)",
        ),
    ],
)
def test_constraint_describes_itself(constraint, text):
    assert str(constraint) == text


@pytest.mark.parametrize(
    ("constraint", "accepted", "out_of_range", "wrong_type"),
    [
        (Choice("a", "b"), ["a", "b", np.str_("a")], ["c", "A", ""], [None, 1, True]),
        (Choice("a", None), ["a", None], ["c"], [0, False, 1.0]),
        (Boolean(), [True, False, np.True_, np.False_], [], [0, 1, "True", None]),
        (Instance(dict, "a dict"), [{}, {1: 2}], [], [[], None, dict]),
        (Instance((str, Callable), "either"), ["a", len, dict], [], [1, None]),
        (Number(0) | Choice("auto"), [0, "auto"], [-1, "aut"], [None, True, [0]]),
        (
            Number(0) | Choice("auto") | Choice(None),
            [3, "auto", None],
            [-1, "aut"],
            [True, [0]],
        ),
    ],
)
def test_constraint_tells_type_from_value(
    constraint, accepted, out_of_range, wrong_type
):
    for value in accepted:
        assert constraint.accepts(value), value
        assert constraint.has_type(value), value
    for value in out_of_range:
        assert not constraint.accepts(value), value
        assert constraint.has_type(value), value
    for value in wrong_type:
        assert not constraint.accepts(value), value
        assert not constraint.has_type(value), value


def test_choice_compares_arrays_without_an_error():
    assert not Choice("a", None).accepts(np.array(["a", "b"]))


# Messages


@pytest.mark.parametrize(
    ("constraint", "value", "error", "message"),
    [
        (
            Number(0, 1, closed="left"),
            1.0,
            ValueError,
            "Owner: beta must be a finite real number in [0, 1), got 1.0.",
        ),
        (
            Number(0),
            math.nan,
            ValueError,
            "Owner: beta must be a finite real number in [0, inf), got nan.",
        ),
        (
            Number(0),
            np.float64(-2),
            ValueError,
            "Owner: beta must be a finite real number in [0, inf), "
            "got np.float64(-2.0).",
        ),
        (
            Number(1, integer=True),
            2.0,
            TypeError,
            "Owner: beta must be an integer in [1, inf), got 2.0.",
        ),
        (
            Number(0),
            True,
            TypeError,
            "Owner: beta must be a finite real number in [0, inf), got True.",
        ),
        (
            Choice("inside", "outside"),
            "outsid",
            ValueError,
            "Owner: beta must be one of 'inside', 'outside', got 'outsid'. "
            "Did you mean 'outside'?",
        ),
        (
            Choice("inside", "outside"),
            None,
            TypeError,
            "Owner: beta must be one of 'inside', 'outside', got None.",
        ),
        (Boolean(), 1, TypeError, "Owner: beta must be True or False, got 1."),
        (
            Number(0) | Choice("auto") | Choice(None),
            "aut",
            ValueError,
            "Owner: beta must be a finite real number in [0, inf) or 'auto' or None, "
            "got 'aut'. Did you mean 'auto'?",
        ),
    ],
)
def test_messages(constraint, value, error, message):
    with pytest.raises(error) as raised:
        check_parameters("Owner", {"beta": value}, {"beta": constraint})
    assert str(raised.value) == message


def test_first_wrong_parameter_is_named():
    constraints = {"a": Number(), "b": Number(0), "c": Number(0)}
    with pytest.raises(ValueError, match=r"^Owner: b must be"):
        check_parameters("Owner", {"c": -1, "b": -1, "a": 0, "d": None}, constraints)
    check_parameters("Owner", {"c": 1, "b": 1, "a": 0, "d": None}, constraints)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("adm", " Did you mean 'adam'?"),
        ("ADAM", " Did you mean 'adam'?"),
        ("lbfgs", ""),
        (3, ""),
    ],
)
def test_did_you_mean(word, sentence):
    assert did_you_mean(word, ["sgd", "adam", "rmsprop"]) == sentence


def test_component_stores_its_parameters_and_nothing_else():
    size = np.float32(2)
    fruit = Fruit(size=size)
    assert vars(fruit) == {"size": size, "inner": None}
    fruit.validate()
    assert fruit.size is size
