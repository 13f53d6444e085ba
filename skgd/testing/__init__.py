"""Checks that a component keeps its contract: for the library's own and for users'."""

from ._losses import check_loss
from ._optimizers import check_optimizer
from ._penalties import check_penalty
from ._schedules import check_schedule

__all__ = ["check_loss", "check_optimizer", "check_penalty", "check_schedule"]
