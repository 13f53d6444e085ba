"""Classes that appear in the middle of a stream.

With one or two classes the weights are one column, which is positive for the second;
with more there is a column for each class.
"""

import numpy as np

from ._calls import loss_value


def grow(coef, known, classes, is_coupled):
    """Return coefficients for more classes that predict the known ones as before.

    Parameters
    ----------
    coef : ndarray of shape (n,) or (n, n_known)
        One column for up to two known classes.
    known, classes : ndarray
        Sorted; ``classes`` has all of ``known`` and more.
    is_coupled : bool
        Whether the loss depends on the differences of columns only (softmax).

    Returns
    -------
    ndarray of shape (n,) or (n, n_classes)
        The columns of new classes are zeros.

    Examples
    --------
    >>> grow(np.array([4.0]), np.array(["b", "c"]), np.array(["a", "b", "c"]), True)
    array([[ 0., -2.,  2.]])
    >>> grow(np.array([4.0]), np.array(["b"]), np.array(["a", "b"]), True)
    array([-4.])
    """
    share = 0.5 if is_coupled else 1.0
    columns = np.zeros((len(coef), len(classes)), dtype=coef.dtype)
    places = np.searchsorted(classes, known)
    if coef.ndim == 2:
        columns[:, places] = coef
    else:
        signs = np.array([-share, share])[: len(known)]
        columns[:, places] = np.multiply.outer(coef, signs)
    if len(classes) > 2:
        return columns
    return (columns[:, 1] - columns[:, 0]) / (len(known) * share)


def is_coupled(loss) -> bool:
    """Return whether a loss takes all columns of a sample together."""
    y = np.array([[1.0, -1.0, -1.0]])
    return loss_value(loss, y, np.zeros_like(y)).ndim == 1
