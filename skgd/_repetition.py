"""Calls of ``partial_fit`` like the last one: what single rows of a stream cost.

Preparing the step of one row takes several times as long as the step. What was
prepared for the last call holds for the next if the parameters are the same, and the
rows are of the same kind.
"""

from dataclasses import replace

import numpy as np

from ._compiled import OneBatch
from ._copying import shallow_copy
from ._objective import LinearObjective
from ._plan import Plan, averaging
from ._progress import Progress
from ._training import blow_up_of_stream


class Repetition:
    """The last call, without its data, to be done again with other rows.

    Parameters
    ----------
    parts : object
        The parameters of that call.
    plan, objective, progress : Plan, LinearObjective, Progress
        How it trained, on what, and where it ended.
    """

    def __init__(
        self, parts, plan: Plan, objective: LinearObjective, progress: Progress
    ):
        self.parts, self.plan = parts, plan
        self._batch = OneBatch(objective, plan.optimizer, progress, plan.clip_norm)
        self._objective = replace(objective, X=None, y=np.empty(0))

    @property
    def is_possible(self) -> bool:
        """Whether other calls can be like that one, which had a single batch."""
        has_memory = bool(self.plan.schedule.init())
        has_weights = self._objective.sample_weight is not None
        return self._batch.is_compiled and not (has_memory or has_weights)

    def take(self, last: Progress, X: np.ndarray, y: np.ndarray):
        """Take a step with a few rows, in the dtype of the weights.

        Returns
        -------
        objective : LinearObjective
            On these rows.
        progress : Progress
            After the step; ``last`` is not changed.
        value, rate : float
            For the curves.

        None, if there is something about these rows that needs more than the step:
        units that are due, a schedule that is over, or a loss that blew up.
        """
        plan = self.plan
        objective = shallow_copy(self._objective)
        objective.X, objective.y = X, y
        progress = last.copy()
        if last.standardizer is not None:
            progress.standardizer = last.standardizer.with_waiting(objective)
            if progress.standardizer is None:
                return None
        if last.t + 1 > plan.schedule.end:
            return None
        rates = plan.rates(progress, 1)
        progress.epoch += 1
        penalty = objective.penalty_value(progress.w)
        total = self._batch.run(X, y, progress, rates, averaging(plan, progress))
        value = total / len(X) + penalty
        if blow_up_of_stream(objective, progress, value):
            return None
        return objective, progress, value, float(rates[0])
