"""Gradient descent for scikit-learn users."""

from ._classifier import GDClassifier
from ._critical_point import CriticalPoint, critical_point
from ._lr_find import LearningRateRange, lr_find
from ._minimize import minimize
from ._regressor import GDRegressor
from ._version import __version__
from .losses import LOSSES
from .optimizers import OPTIMIZERS
from .penalties import PENALTIES
from .schedules import SCHEDULES

__all__ = [
    "LOSSES",
    "OPTIMIZERS",
    "PENALTIES",
    "SCHEDULES",
    "CriticalPoint",
    "GDClassifier",
    "GDRegressor",
    "LearningRateRange",
    "__version__",
    "critical_point",
    "lr_find",
    "minimize",
]
