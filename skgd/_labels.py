"""Labels: how classes are coded, and columns for those that appear in a stream.

With one or two classes the weights are one column, which is positive for the second;
with more there is a column for each class.
"""

import numpy as np

from ._calls import loss_value

_BLOCK = 2**16
"""Labels that are coded at once."""


def union(known, y):
    """Return the known classes and those of ``y``, which are of the same type.

    Numbers that are equal are the same class, of whichever type.
    """
    labels = np.unique(y)
    if set(labels.tolist()) <= set(known.tolist()):
        return known
    kinds = [np.asarray(array.tolist()).dtype.kind for array in (labels, known)]
    if kinds[0] != kinds[1]:
        raise TypeError(
            f"y has classes {labels.tolist()}, which are not of the type of those "
            f"before, {known.tolist()}. Convert them to it."
        )
    return np.union1d(known, labels)


def encode(y, classes, dtype):
    """Return −1 and +1, or with more than two classes their indices.

    In blocks: what comes between would take more memory than these.
    """
    targets = np.empty(len(y), dtype if len(classes) <= 2 else np.int32)
    for start in range(0, len(y), _BLOCK):
        block = encode_few(y[start : start + _BLOCK], classes, dtype)
        if block is None:
            unseen = np.setdiff1d(y, classes).tolist()
            raise ValueError(
                f"y has classes {unseen} that are not among {classes.tolist()}."
            )
        targets[start : start + _BLOCK] = block
    return targets


def encode_few(y, classes, dtype):
    """Return the same for a few labels at once, None if one is of no such class."""
    codes = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    if not (classes[codes] == y).all():
        return None
    if len(classes) <= 2:
        return (2 * codes - 1).astype(dtype)
    return codes.astype(np.int32)


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
