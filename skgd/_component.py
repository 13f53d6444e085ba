"""The base of optimizers, losses, penalties and schedules, and their registries."""

import inspect
from abc import ABC
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from types import FunctionType
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, clone

from ._validation import Constraint, check_parameters, did_you_mean
from ._warnings import warn

ENTRY_POINT_GROUP = "skgd.components"


class Component(BaseEstimator, ABC):
    """A part of the training formula: parameters and functions, no memory.

    A component follows scikit-learn's parameter conventions: ``__init__``
    stores its arguments unchanged, ``get_params`` and ``set_params`` read and
    write them, so that a grid search reaches them as ``optimizer__beta1``.
    Nothing else is ever stored on it.

    Examples
    --------
    >>> from skgd.optimizers import Adam
    >>> Adam(beta1=0.8).get_params()["beta1"]
    0.8
    >>> Adam(beta1=1.5).validate()
    Traceback (most recent call last):
        ...
    ValueError: Adam: beta1 must be a finite real number in [0, 1), got 1.5.
    """

    constraints: ClassVar[dict[str, Constraint]] = {}
    """What each parameter accepts; checked by `validate`."""

    def validate(self) -> None:
        """Raise if a parameter is not acceptable.

        A component with components in it overrides this to validate them too.

        Raises
        ------
        TypeError, ValueError
            The message names the parameter, the value and what is accepted.
        """
        # A subclass may fix a parameter, as an attribute of the class, or drop it.
        constraints = {n: c for n, c in self.constraints.items() if hasattr(self, n)}
        values = {name: getattr(self, name) for name in constraints}
        check_parameters(type(self).__name__, values, constraints)


def fingerprint(value):
    """Return what is equal for two values only if they are the same settings.

    Components are compared by their class and parameters, functions and generators of
    random numbers by identity. What could change unseen, such as an array, is equal to
    nothing.
    """
    kind = type(value)
    if kind in IMMUTABLE or isinstance(value, _BY_IDENTITY):
        return kind, value
    if isinstance(value, Component):
        return kind, *map(fingerprint, vars(value).values())
    return object()


IMMUTABLE = frozenset({bool, int, float, str, type(None)})
_BY_IDENTITY = np.generic, FunctionType, np.random.RandomState


class Registry(Mapping[str, type]):
    """A mapping from the usual name of a component to its class.

    Iteration and a name that is not yet known first load the entry points of
    the group ``skgd.components``: importing them is expected to register. One that
    cannot be loaded is said, and the others are.

    Parameters
    ----------
    kind : str
        The noun, as it stands in error messages: ``"optimizer"``.
    base : type
        The abstract class that every entry derives from.

    Examples
    --------
    >>> from skgd import OPTIMIZERS
    >>> OPTIMIZERS["adam"]().get_params()["beta1"]
    0.9
    >>> OPTIMIZERS.resolve("admm")
    Traceback (most recent call last):
        ...
    ValueError: optimizer must be one of ... got 'admm'. Did you mean 'adam'?
    """

    _entry_points_loaded: ClassVar[bool] = False

    def __init__(self, kind: str, base: type):
        self.kind = kind
        self.base = base
        self._classes: dict[str, type] = {}

    def register(self, name: str) -> Callable[[type], type]:
        """Return a class decorator that enters the class under ``name``.

        Raises
        ------
        TypeError
            If the class does not derive from ``base``.
        ValueError
            If another class has the name.
        """
        if not isinstance(name, str):
            raise TypeError(f"register must be given a name, got {name!r}.")

        def decorate(cls: type) -> type:
            if not (isinstance(cls, type) and issubclass(cls, self.base)):
                raise TypeError(
                    f"{self.kind} {name!r} must be a subclass of "
                    f"{self.base.__name__}, got {cls!r}."
                )
            present = self._classes.get(name)
            if present is not None and _origin(present) != _origin(cls):
                raise ValueError(f"{self.kind} {name!r} is already {present!r}.")
            self._classes[name] = cls
            return cls

        return decorate

    def __getitem__(self, name: str) -> type:
        if name not in self._classes:
            self._load_entry_points()
        if name not in self._classes:
            hint = did_you_mean(name, self._classes)
            raise KeyError(f"There is no {self.kind} {name!r}.{hint}")
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        self._load_entry_points()
        return iter(self._classes)

    def __len__(self) -> int:
        self._load_entry_points()
        return len(self._classes)

    def names_of(self, base: type) -> list[str]:
        """Return the names, in order, of the classes that derive from ``base``."""
        return sorted(name for name, cls in self.items() if issubclass(cls, base))

    def __repr__(self) -> str:
        return f"<{self.kind}s: {', '.join(self)}>"

    def resolve(self, value, *, parameter: str | None = None, words=(), **defaults):
        """Return a validated component of its own for a name or an instance.

        Parameters
        ----------
        value : str or component
            A name is looked up and its class called; an instance is cloned.
        parameter : str, default=kind
            The name of the parameter in error messages.
        words : iterable of str, default=()
            What else the parameter may be, for the error messages: the caller sees to
            it.
        **defaults
            Arguments for the class of a name, those that its ``__init__`` has.

        Raises
        ------
        ValueError
            If the name is not known; the message has the nearest one.
        TypeError
            If ``value`` is neither a name nor an instance of ``base``.
        """
        parameter = parameter or self.kind
        if isinstance(value, str):
            component = self._from_name(value, parameter, words, defaults)
        elif isinstance(value, self.base):
            component = clone(value)
        else:
            hint = " (an instance, not the class)" if isinstance(value, type) else ""
            raise TypeError(
                f"{parameter} must be a name from {sorted([*self, *words])} or an "
                f"instance of {self.base.__name__}{hint}, got {value!r}."
            )
        component.validate()
        return component

    def _from_name(self, name, parameter, words, defaults):
        if name not in self:
            known = sorted([*self, *words])
            raise ValueError(
                f"{parameter} must be one of {known} or an instance of "
                f"{self.base.__name__}, got {name!r}." + did_you_mean(name, known)
            )
        cls = self[name]
        accepted = inspect.signature(cls).parameters
        return cls(**{k: v for k, v in defaults.items() if k in accepted})

    @staticmethod
    def _load_entry_points():
        if Registry._entry_points_loaded:
            return
        Registry._entry_points_loaded = True
        for entry in entry_points(group=ENTRY_POINT_GROUP):
            try:
                entry.load()
            except Exception as error:
                warn(
                    f"The entry point {entry.name} = {entry.value} of the group "
                    f"{ENTRY_POINT_GROUP} cannot be loaded, so that its components are "
                    f"not known: {type(error).__name__}: {error}",
                    UserWarning,
                )


def _origin(cls):
    """Where a class is defined: the same for one that is defined again."""
    return cls.__module__, cls.__qualname__
