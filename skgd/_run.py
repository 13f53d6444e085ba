"""A run of training: what happened in each epoch, and all that going on needs."""

import copy
import math
from dataclasses import dataclass, field, replace

import numpy as np

from ._calls import averaged
from ._compiled import objective_value
from ._diagnosis import Divergence
from ._early_stopping import Best
from ._progress import Progress


@dataclass
class History:
    """What happened in each epoch.

    ``start`` is the objective before it, ``typical`` the loss before it of all samples
    but outliers, if that is known. Where weights of zero cost nothing, as with the
    perceptron, ``is_trivial``: they are a minimum that nobody wants, and ``start`` is
    what the weights after the first epoch cost with the opposite sign.

    A value of ``loss_curve`` is the penalty at the start of the epoch plus the mean
    loss of the samples, each before the step that used it. With one batch that is the
    objective at the start. A value of ``validation_curve`` is the score after the
    epoch, if there is one, one of ``learning_rate_curve`` the rate of its first step,
    of ``time_curve`` the seconds and of ``update_curve`` the optimizer steps that
    training has taken since the model was new, and of ``gradient_norm_curve`` what
    `GradientNorms` finds after the epoch, or NaN.
    """

    start: float = 0.0
    typical: float = math.inf
    is_trivial: bool = False
    loss_curve: list[float] = field(default_factory=list)
    validation_curve: list[float] = field(default_factory=list)
    learning_rate_curve: list[float] = field(default_factory=list)
    time_curve: list[float] = field(default_factory=list)
    update_curve: list[int] = field(default_factory=list)
    gradient_norm_curve: list[float] = field(default_factory=list)

    @property
    def hopeless(self) -> float:
        """The loss from which training will not come back."""
        return 1e4 * abs(self.start) if self.start else math.inf

    @property
    def high(self) -> float:
        """The loss above which training may have diverged."""
        return 10 * abs(self.start) if self.start else math.inf

    @property
    def size(self) -> float:
        """What tolerances are a fraction of."""
        return min(abs(self.start), self.typical)

    def copy(self) -> "History":
        """Return a copy that shares no list with this one."""
        twin = copy.copy(self)
        for name, value in vars(self).items():
            setattr(twin, name, copy.copy(value))
        return twin


@dataclass
class Run:
    """A call of `train` under way: with its data, all that is needed to go on.

    Attributes
    ----------
    progress : Progress
        Where training is.
    history : History
        The epochs of this call.
    first, before_last : Progress
        The start of the first and of the last epoch.
    before_lowest : Progress
        That of the epoch with the lowest value of the loss curve.
    lowest : float
        That value.
    seconds : float
        What training has taken since the model was new.
    updates : int
        The optimizer steps since then, also those that were undone.
    level : float or None
        The lowest objective at the end of a stage, see `skgd._stopping._Level`.
    at_level : Progress or None
        The end of that stage.
    at_rest : ndarray or None
        The weights that `skgd._stopping._Standstill` compares with.
    looked_at : int
        The number of epochs after which the objective was level and far above its
        minimum, see `skgd._stopping._Level`; 0: that was not so when it was last asked.
    best : Best
        The best of the scores.
    stop_reason : str or None
        Why training has ended; None: it has not.
    data : dict or None
        The `skgd._data.checksums` of the data, where they are known.
    """

    progress: Progress
    history: History
    first: Progress
    before_last: Progress
    before_lowest: Progress
    lowest: float = math.inf
    seconds: float = 0.0
    updates: int = 0
    level: float | None = None
    at_level: Progress | None = None
    at_rest: np.ndarray | None = None
    looked_at: int = 0
    best: Best = field(default_factory=Best)
    stop_reason: str | None = None
    data: dict | None = None

    @classmethod
    def begin(cls, objective, progress, seconds=0.0, updates=0) -> "Run":
        """Return the state before the first epoch."""
        value, start = objective.start_value(progress.w), progress.copy()
        history = History(value, objective.typical_loss(), is_trivial=value == 0)
        return cls(
            progress, history, start, start, start, seconds=seconds, updates=updates
        )

    @property
    def n_epochs(self) -> int:
        return len(self.history.loss_curve)

    def copy(self) -> "Run":
        """Return a copy that training will not change."""
        return replace(
            self,
            progress=self.progress.copy(),
            history=self.history.copy(),
            best=replace(self.best),
        )

    @property
    def is_hopeless(self) -> bool:
        """Whether training will not come back from the last epoch."""
        curve = self.history.loss_curve
        return bool(curve) and not curve[-1] < self.history.hopeless

    def has_diverged(self, objective, optimizer) -> bool:
        """Whether the last epoch ended hopeless, or high, and not on the way down.

        A rate too high makes the loss rise for many epochs before it overflows; without
        improvement training stops while it is still finite. First steps that were too
        long may be made good later: then the objective is lower than ever.
        """
        if self.stop_reason == "diverged":
            return True
        curve = self.history.loss_curve
        if not curve or curve[-1] <= self.history.high:
            return False
        value = value_at_rest(objective, optimizer, self.progress.copy())
        return not value <= max(self.history.high, min(curve))

    def begin_slower(self) -> None:
        """Begin anew at a tenth of the rate: nothing is left but time and updates."""
        known = self.history
        self.history = History(known.start, known.typical, known.is_trivial)
        self.progress.restore(self.first)
        self.progress.rate_factor /= 10
        self.before_last = self.before_lowest = self.first
        self.lowest = math.inf
        self.level, self.at_level, self.at_rest, self.looked_at = None, None, None, 0
        self.best.reset()

    def outcome(self, objective, optimizer) -> Progress:
        """Return the result that training has if it ends after the last epoch.

        That is where the score was best. Without scores it is where the best epoch
        began if training diverged, or the start, if that is better; and else the end of
        the best stage, if there are stages that were compared: one that was cut short
        counts too.
        """
        outcome = self.progress.copy()
        if self.best.progress is not None:
            outcome.restore(self.best.progress)
        elif self.has_diverged(objective, optimizer):
            # The mean loss of an epoch is not that of the weights at its start.
            best = objective_value(objective, self.before_lowest.result(optimizer))
            start = objective_value(objective, self.first.result(optimizer))
            is_better = best <= start or self.history.is_trivial
            outcome.restore(self.before_lowest if is_better else self.first)
        elif self.at_level is not None and self.at_level.t < outcome.t:
            last = value_at_rest(objective, optimizer, outcome)
            if not last < self.level:
                outcome.average = self.at_level.result(optimizer).copy()
                outcome.n_averaged = 1
        return outcome

    def divergence(self) -> Divergence:
        """Return where training was when it blew up."""
        what = (
            "the loss rose far above its start, or a weight is no longer finite. The "
            "coefficients are those at the start of the best epoch, or of training."
        )
        rate = max(self.history.learning_rate_curve)
        return Divergence(what, self.before_lowest, self.before_last, rate)


def value_at_rest(objective, optimizer, progress):
    """Return the objective at the mean or at the last weights: at the better."""
    last = averaged(optimizer, progress.w, progress.state)
    value = objective_value(objective, last)
    if progress.n_averaged:
        of_mean = objective_value(objective, progress.average)
        if value < of_mean:
            progress.n_averaged = 0
        value = min(value, of_mean)
    return value
