"""What a parameter accepts, and the message when it is given something else."""

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state


class Constraint(ABC):
    """A set of accepted values that can describe itself.

    Constraints are joined with ``|``: ``Number(low=0) | Choice(None)``.
    """

    @abstractmethod
    def has_type(self, value) -> bool:
        """Whether ``value`` is of an accepted type, in or out of range."""

    @abstractmethod
    def accepts(self, value) -> bool:
        """Whether ``value`` is accepted."""

    @abstractmethod
    def __str__(self) -> str:
        """Return the accepted values, as they stand in an error message."""

    def __or__(self, other: "Constraint") -> "Constraint":
        return _Either(self, other)


@dataclass(frozen=True)
class Number(Constraint):
    """Real numbers, or integers, of an interval.

    Parameters
    ----------
    low, high : float, default=-inf, inf
        Ends of the interval.
    closed : {"both", "left", "right", "neither"}, default="both"
        Which finite ends belong to it. An infinite end never does.
    integer : bool, default=False
        Whether only integers are accepted. Booleans never are.
    """

    low: float = -math.inf
    high: float = math.inf
    closed: str = "both"
    integer: bool = False

    def has_type(self, value):
        kind = Integral if self.integer else Real
        return isinstance(value, kind) and not isinstance(value, bool)

    def accepts(self, value):
        if not self.has_type(value) or not _is_finite(value):
            return False
        above = value >= self.low if self._left else value > self.low
        below = value <= self.high if self._right else value < self.high
        return above and below

    def __str__(self):
        noun = "an integer" if self.integer else "a finite real number"
        if math.isinf(self.low) and math.isinf(self.high):
            return noun
        opening, closing = "[" if self._left else "(", "]" if self._right else ")"
        return f"{noun} in {opening}{self.low:g}, {self.high:g}{closing}"

    @property
    def _left(self):
        return self.closed in ("both", "left") and math.isfinite(self.low)

    @property
    def _right(self):
        return self.closed in ("both", "right") and math.isfinite(self.high)


def _is_finite(number):
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer that no float can hold
        return False


class Choice(Constraint):
    """One of a few values, compared by identity or as equal strings."""

    def __init__(self, *options):
        self.options = options

    def has_type(self, value):
        return any(isinstance(value, type(option)) for option in self.options)

    def accepts(self, value):
        return any(
            value is option or (isinstance(value, str) and value == option)
            for option in self.options
        )

    def __str__(self):
        if len(self.options) == 1:
            return repr(self.options[0])
        return "one of " + ", ".join(map(repr, self.options))


class Instance(Constraint):
    """Objects of given types; ``description`` stands in the error message."""

    def __init__(self, types, description):
        self.types = types
        self.description = description

    def has_type(self, value):
        return isinstance(value, self.types)

    accepts = has_type

    def __str__(self):
        return self.description


class Boolean(Constraint):
    """``True`` or ``False``, of Python's type or NumPy's."""

    def has_type(self, value):
        return isinstance(value, bool | np.bool_)

    accepts = has_type

    def __str__(self):
        return "True or False"


class _Either(Constraint):
    def __init__(self, *members):
        self.members = members

    def has_type(self, value):
        return any(member.has_type(value) for member in self.members)

    def accepts(self, value):
        return any(member.accepts(value) for member in self.members)

    def __str__(self):
        return " or ".join(map(str, self.members))


def check_parameters(owner, values: Mapping, constraints: Mapping) -> None:
    """Raise for the first of ``values`` that its constraint does not accept.

    Raises
    ------
    TypeError
        If no accepted value has the type of the one given.
    ValueError
        If the type is right and the value is not.
    """
    for name, constraint in constraints.items():
        value = values[name]
        if constraint.accepts(value):
            continue
        message = f"{owner}: {name} must be {constraint}, got {value!r}."
        if not constraint.has_type(value):
            raise TypeError(message)
        raise ValueError(message + did_you_mean(value, _words(constraint)))


def did_you_mean(word, known: Iterable[str]) -> str:
    """Return a sentence with the nearest known word, empty if there is none near."""
    nearest = difflib.get_close_matches(str(word).lower(), list(known), n=1, cutoff=0.5)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""


def _words(constraint):
    if isinstance(constraint, _Either):
        return [word for member in constraint.members for word in _words(member)]
    options = getattr(constraint, "options", ())
    return [option for option in options if isinstance(option, str)]


def as_random_state(owner, random_state) -> np.random.RandomState:
    """Return the generator that ``random_state`` stands for, or raise."""
    try:
        return check_random_state(random_state)
    except ValueError:
        raise ValueError(
            f"{owner}: random_state must be None, an integer in [0, 2**32) or a "
            f"RandomState, got {random_state!r}."
        ) from None


def draw_seed(owner, random_state) -> int:
    """Return the integer itself, or one that is drawn; None draws from the system."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    generator = as_random_state(owner, random_state)
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(generator.randint(2**31 - 1))
