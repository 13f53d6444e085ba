"""Gradient descent for scikit-learn users."""

from ._classifier import GDClassifier
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
    "GDClassifier",
    "GDRegressor",
    "__version__",
]
