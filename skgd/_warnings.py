"""Warnings at the line of the caller."""

import sys
import warnings


def warn(message, category):
    """Warn at the line outside of this package that called into it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and _is_inside(frame.f_back.f_globals):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level + 1)


def _is_inside(module):
    """Whether the user did not write it; a registry is called by its base class."""
    is_base = module.get("__name__") in ("collections.abc", "_collections_abc")
    return is_base or module.get("__package__") in (__package__, "sklearn.callback")
