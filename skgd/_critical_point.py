"""Minimum, maximum or saddle: what a point is, by its second derivatives."""

from dataclasses import dataclass

import numpy as np

from ._function import as_function, as_vector
from ._validation import Number, check_parameters


@dataclass(frozen=True)
class CriticalPoint:
    """What `critical_point` found.

    Attributes
    ----------
    x : ndarray of shape (n,)
    fun : float
    jac : ndarray of shape (n,)
        The gradient.
    hess : ndarray of shape (n, n)
        The matrix of second derivatives.
    eigenvalues : ndarray of shape (n,)
        Of ``hess``, in increasing order: the curvatures.
    eigenvectors : ndarray of shape (n, n)
        The directions of the curvatures, in columns.
    verdict : {"minimum", "maximum", "saddle", "degenerate", "not critical"}
    message : str
        The verdict with its reasons.
    """

    x: np.ndarray
    fun: float
    jac: np.ndarray
    hess: np.ndarray
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    verdict: str
    message: str

    def __repr__(self):
        with np.printoptions(precision=4, suppress=True, threshold=10):
            return (
                f"<{self.verdict} at x={self.x}: fun={self.fun:.4g}, "
                f"gradient={_largest(self.jac):.2g}, eigenvalues={self.eigenvalues}>"
            )


def critical_point(
    fun, x, args=(), *, jac=None, hess=None, gtol=1e-5, curvature_tol=1e-5
) -> CriticalPoint:
    r"""Tell what a point of a function is: minimum, maximum, saddle or neither.

    A point is critical where the gradient is zero. Its kind is that of the quadratic

    .. math::
        f(x + h) \approx f(x) + \tfrac12 h^\top H h
        = f(x) + \tfrac12 \sum_i \lambda_i (q_i^\top h)^2

    with the eigenvalues :math:`\lambda_i` and eigenvectors :math:`q_i` of the matrix
    :math:`H` of second derivatives.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns a number.
    x : array-like of shape (n,)
        The point, such as the ``x`` of the result of `minimize`.
    args : tuple, default=()
        Further arguments of ``fun``, ``jac`` and ``hess``.
    jac : callable, True, {"torch", "jax", "autograd"} or None, default=None
        The gradient, as in `minimize`.
    hess : callable or None, default=None
        ``hess(x, *args)`` returns the second derivatives, of shape (n, n). None is by
        automatic differentiation if ``jac`` is, or else by central differences.
    gtol : float >= 0, default=1e-5
        The gradient counts as zero if no entry is larger.
    curvature_tol : float >= 0, default=1e-5
        An eigenvalue counts as zero up to this times the largest, or times 1 if they
        are all smaller.

    Returns
    -------
    CriticalPoint
        ``verdict`` is

        - ``"minimum"``: all eigenvalues positive;
        - ``"maximum"``: all negative;
        - ``"saddle"``: some positive, some negative;
        - ``"degenerate"``: some are zero and the others of one sign: a plateau, a flat
          valley or ridge, or a point that only higher derivatives can tell;
        - ``"not critical"``: the gradient is not zero.

    Raises
    ------
    TypeError, ValueError
        For arguments that are not acceptable, and derivatives that are not finite.

    Notes
    -----
    The kind is that of the point itself, for gradients and curvatures of the order of
    1. Scale the tolerances for a function that is in billions or billionths.

    Without ``jac`` the error of the second derivatives is about 1e-8 times the size of
    the function, with it 1e-10 times that of the gradient.

    References
    ----------
    J. Nocedal and S. J. Wright, "Numerical Optimization", 2006, section 2.1 for the
    conditions of second order and section 8.1 for the steps of the differences.

    Examples
    --------
    >>> from skgd import critical_point
    >>> critical_point(lambda x: x[0] ** 2 - x[1] ** 2, [0, 0]).verdict
    'saddle'
    >>> def bowl(x):
    ...     return x[0] ** 2 + 3 * x[1] ** 2 + 1
    >>> critical_point(bowl, [0, 0])
    <minimum at x=[0. 0.]: fun=1, gradient=0, eigenvalues=[2. 6.]>
    """
    given = {"gtol": gtol, "curvature_tol": curvature_tol}
    check_parameters(
        "critical_point", given, dict.fromkeys(given, Number(0, closed="left"))
    )
    if not (hess is None or callable(hess)):
        raise TypeError(
            f"critical_point: hess must be a function of x or None, got {hess!r}."
        )
    x = as_vector(x, "critical_point", "x").astype(float)
    args = args if isinstance(args, tuple) else (args,)
    function = as_function(fun, jac)
    with np.errstate(all="ignore"):
        value, g = function.value_and_gradient(x, *args)
        if hess is None:
            H = function.hessian(x, *args)
        else:
            H = _as_matrix(hess(x.copy(), *args), x.size)
    if not (np.isfinite(value) and np.isfinite(g).all() and np.isfinite(H).all()):
        raise ValueError(
            "critical_point: fun and its derivatives must be finite at x, got "
            f"fun={value}, gradient={g}, second derivatives={H}."
        )
    eigenvalues, eigenvectors = np.linalg.eigh(H)
    signs = _signs(eigenvalues, curvature_tol)
    verdict = _verdict(signs) if _largest(g) <= gtol else "not critical"
    message = _describe(verdict, g, gtol, eigenvalues, signs)
    return CriticalPoint(x, value, g, H, eigenvalues, eigenvectors, verdict, message)


def _signs(eigenvalues, tol):
    bound = tol * max(1.0, _largest(eigenvalues))
    return np.where(np.abs(eigenvalues) <= bound, 0, np.sign(eigenvalues)).astype(int)


def _verdict(signs):
    if -1 in signs and 1 in signs:
        return "saddle"
    if 0 in signs:
        return "degenerate"
    return "minimum" if 1 in signs else "maximum"


def _describe(verdict, g, gtol, eigenvalues, signs):
    gradient = f"The largest entry of the gradient is {_largest(g):.3g}"
    up, flat, down = (int(np.sum(signs == sign)) for sign in (1, 0, -1))
    curvature = (
        f"Of {len(signs)} directions {up} curve up, {down} down and {flat} not at "
        f"all: eigenvalues from {eigenvalues[0]:.3g} to {eigenvalues[-1]:.3g}."
    )
    if verdict == "not critical":
        return f"Not critical. {gradient}, more than gtol={gtol:g}. {curvature}"
    remark = {
        "saddle": " A descent leaves it along the directions that curve down.",
        "degenerate": " A plateau, a flat valley or ridge, or a point that only higher "
        "derivatives can tell.",
    }.get(verdict, "")
    kind = verdict.capitalize()
    return f"{kind}. {gradient}, zero within gtol={gtol:g}. {curvature}{remark}"


def _as_matrix(value, n):
    H = np.asarray(value)
    if H.dtype.kind not in "fiu" or H.size != n * n:
        raise ValueError(
            f"critical_point: hess must return real numbers of shape {(n, n)}, got "
            f"{value!r}."
        )
    H = H.reshape(n, n).astype(float)
    return (H + H.T) / 2


def _largest(values):
    return float(np.max(np.abs(values)))
