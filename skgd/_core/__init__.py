"""The compiled core: one pass over the data, and the order of the rows in it."""

from ._ext import engines, permutation, run_pass

__all__ = ["engines", "permutation", "run_pass"]
