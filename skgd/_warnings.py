"""Warnings at the line of the caller."""

import sys
import warnings


def warn(message, category):
    """Warn at the line outside of this package that called into it."""
    frame, level = sys._getframe(1), 2
    inside = __package__, "sklearn.callback"
    while frame.f_back and frame.f_back.f_globals.get("__package__") in inside:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level + 1)
