"""Where training is: all that it changes."""

from dataclasses import dataclass, field

import numpy as np

from . import _calls
from ._copying import shallow_copy
from ._standardization import Standardizer
from ._units import Units, convert, identity_units, same_units


@dataclass
class Progress:
    """All that training changes; whoever holds it can go on where it stopped.

    Attributes
    ----------
    w : ndarray
        The weights.
    state : dict of str to ndarray
        What the optimizer remembers.
    seed : int
        With ``epoch`` it determines the order of the samples.
    t : int
        Optimizer steps taken.
    since : int
        How many of them before the optimizer's state began: its own clock starts
        there.
    fit_from : int
        The step after which the last `fit` began.
    epoch : int
        Passes over data begun.
    average : ndarray
        Running mean of the weights, empty before the first is taken.
    n_averaged : int
        How many weights are in it.
    tail_from, tail_end : float
        Of the cycle whose tail is averaged last: the first step of the tail, and the
        end of the cycle.
    schedule_state : dict of str to ndarray
        What the schedule remembers.
    rate_factor : float
        What is left of an automatic rate at which training diverged.
    steps_per_epoch : int
        Number of batches in the first pass, or in those of the last ``fit``: what
        schedules in epochs count by, also if the chunks of a stream differ.
    standardizer : Standardizer or None
        What is known of the data, if it is standardized.
    units : Units or None
        Those of the weights.
    null_loss, n_seen : float
        The mean loss that weights of zero have had in a stream, and the number of
        samples that it is known of.
    is_suspect : bool
        Whether the last loss of a stream was out of proportion to that.
    """

    w: np.ndarray
    state: dict[str, np.ndarray]
    seed: int
    t: int = 0
    since: int = 0
    fit_from: int = 0
    epoch: int = 0
    average: np.ndarray = field(default_factory=lambda: np.empty(0))
    n_averaged: int = 0
    tail_from: int = 0
    tail_end: float = 0.0
    schedule_state: dict[str, np.ndarray] = field(default_factory=dict)
    rate_factor: float = 1.0
    steps_per_epoch: int = 0
    standardizer: Standardizer | None = None
    units: Units | None = None
    null_loss: float = 0.0
    n_seen: int = 0
    is_suspect: bool = False

    def begin_fit(self) -> None:
        """Take note that a `fit` begins here, with cycles and a rate of its own."""
        self.fit_from, self.tail_end, self.rate_factor = self.t, 0.0, 1.0

    def result(self, optimizer) -> np.ndarray:
        """Return the weights to predict with.

        They are the running mean of the weights in training if one is taken, no
        matter what else the optimizer would predict with.
        """
        if self.n_averaged:
            return self.average
        with np.errstate(all="ignore"):
            return _calls.averaged(optimizer, self.w, self.state)

    def copy(self) -> "Progress":
        """Return a copy that shares no array with this one."""
        twin = shallow_copy(self)
        twin.w, twin.average = self.w.copy(), self.average.copy()
        twin.state = _copied(self.state)
        twin.schedule_state = _copied(self.schedule_state)
        return twin

    def restore(self, earlier: "Progress") -> None:
        """Return to a copy made before, in the arrays of this one."""
        self.w[...] = earlier.w
        for name, value in self.state.items():
            value[...] = earlier.state[name]
        self.t, self.since, self.epoch = earlier.t, earlier.since, earlier.epoch
        self.schedule_state = _copied(earlier.schedule_state)
        self.average, self.n_averaged = earlier.average.copy(), earlier.n_averaged
        self.tail_from, self.tail_end = earlier.tail_from, earlier.tail_end
        self.standardizer, self.units = earlier.standardizer, earlier.units

    def convert(self, objective, optimizer) -> None:
        """Give the weights the units of an objective; they stand for the same."""
        old, new = self.units, objective.units
        self.units = new
        if same_units(old, new):
            return
        old, new = (units or identity_units(objective) for units in (old, new))

        def move(w):
            return convert(w, old, new, objective.fit_intercept)

        optimizer.relocate(move, self.w, **self.state)
        for w in (self.w, self.average) if self.n_averaged else (self.w,):
            w[...] = move(w)


def _copied(state):
    return {name: value.copy() for name, value in state.items()}
