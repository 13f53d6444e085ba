"""The compiled core: one pass over the data, and the order of the rows in it."""

from ._ext import add_moments, engines, evaluate, permutation, run_pass

__all__ = ["add_moments", "engines", "evaluate", "permutation", "run_pass"]
