"""The model that an exact solver gives, and how far another one is from it.

The objective is that of skgd at its defaults,

    1/n · Σᵢ loss(yᵢ, zᵢ) + ½ · alpha · u · ‖w‖²,     z = Zw + b,

for standardized features Z, and for a standardized target if the loss is the squared
error; u is the mean target for Poisson and else 1. It is written here once more, in
NumPy and scikit-learn only.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.special import expit, logsumexp
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

PRECISION = 1e-8
"""How far from the minimum, in units of the objective of the best constant model,
the objective at the reference may be."""

MANY = 1000
"""More weights than this are too many for a dense matrix of second derivatives."""


def centers_and_scales(X):
    """Return what `standardized` subtracts from each column and divides it by.

    A column of mostly zeros is not centred; its scale is the root mean square of the
    values that are not zero. A constant column has scale infinity.
    """
    n = X.shape[0]
    if sparse.issparse(X):
        X = X.tocsc()
        nonzero = np.diff(X.indptr)
        center, square = np.zeros(X.shape[1]), X.multiply(X).sum(axis=0).A1
    else:
        nonzero = np.count_nonzero(X, axis=0)
        center = np.where(2 * nonzero > n, X.mean(axis=0), 0.0)
        # Again, because the mean of large numbers is not exact.
        center += np.where(center == 0, 0.0, (X - center).mean(axis=0))
        square = np.square(X - center).sum(axis=0)
    count = np.where(center == 0, np.maximum(nonzero, 1), n)
    scale = np.sqrt(square / count)
    rounding = np.finfo(float).eps * np.abs(center)
    return center, np.where(scale > rounding, scale, np.inf)


def standardized(X):
    """Return the features that the objective is about."""
    center, scale = centers_and_scales(X)
    if sparse.issparse(X):
        return sparse.csr_matrix(X @ sparse.diags(1 / scale))
    return np.ascontiguousarray((X - center) / scale)


@dataclass(frozen=True)
class Problem:
    """An objective on some data. For several classes weights have a column for each.

    ``y`` is as in the data; a prediction is z for the squared error in units of y,
    else the argument of the link.
    """

    X: object
    y: np.ndarray
    loss: str
    alpha: float

    @cached_property
    def Z(self):
        return standardized(self.X)

    @cached_property
    def codes(self):
        return np.unique(self.y, return_inverse=True)[1]

    @property
    def n_classes(self):
        return self.codes.max() + 1

    @cached_property
    def constant(self):
        """The best prediction for all rows."""
        if self.loss == "squared_error":
            return self.y.mean()
        if self.loss == "poisson":
            return np.log(self.y.mean())
        share = np.bincount(self.codes) / len(self.y)
        return np.log(share[1] / share[0]) if len(share) == 2 else np.log(share)

    @property
    def unit(self):
        """The size of a prediction of 1 in units of y."""
        return self.y.std() if self.loss == "squared_error" else 1.0

    @property
    def strength(self):
        """What the penalty is multiplied by: ``alpha``, in units of the loss."""
        return self.alpha * self.y.mean() if self.loss == "poisson" else self.alpha

    def losses(self, z):
        """Return the loss of each row."""
        if self.loss == "squared_error":
            return np.square((self.y - z) / self.unit) / 2
        if self.loss == "poisson":
            with np.errstate(divide="ignore", invalid="ignore"):
                log = np.where(self.y > 0, self.y * np.log(self.y), 0.0)
            return np.exp(z) - self.y * z + log - self.y
        if z.ndim == 1:
            return np.logaddexp(0, np.where(self.codes == 1, -z, z))
        return logsumexp(z, axis=1) - z[np.arange(len(z)), self.codes]

    def residuals(self, z):
        """Return the derivative of `losses` by the prediction in units of `unit`."""
        if self.loss == "squared_error":
            return (z - self.y) / self.unit
        if self.loss == "poisson":
            return np.exp(z) - self.y
        if z.ndim == 1:
            return expit(z) - self.codes
        p = np.exp(z - logsumexp(z, axis=1, keepdims=True))
        p[np.arange(len(z)), self.codes] -= 1
        return p

    def objective(self, w, z):
        """Return the objective for weights of Z and the predictions they make."""
        return self.losses(z).mean() + self.strength / 2 * np.square(w).sum()

    @cached_property
    def null(self):
        """The objective of the best constant model."""
        z = np.broadcast_to(self.constant, (len(self.y), *np.shape(self.constant)))
        return self.objective(0.0, z)

    def score(self, z):
        """Return R², the share of the deviance that is explained, or the accuracy."""
        if self.loss != "log_loss":
            return 1 - self.losses(z).mean() / self.null
        codes = z > 0 if z.ndim == 1 else z.argmax(axis=1)
        return np.mean(codes == self.codes)

    def predictions(self, model):
        """Return the predictions of a fitted estimator."""
        with np.errstate(all="ignore"):
            if self.loss == "log_loss":
                return model.decision_function(self.X)
            prediction = model.predict(self.X)
            return np.log(prediction) if self.loss == "poisson" else prediction

    def weights(self, model):
        """Return the weights of Z that a fitted estimator of X has, as in `solve`."""
        scale = centers_and_scales(self.X)[1]
        factor = np.where(np.isfinite(scale), scale, 0.0) / self.unit
        w = model.coef_.T * (factor if model.coef_.ndim == 1 else factor[:, np.newaxis])
        return w.reshape(len(factor), *np.shape(self.constant))


@dataclass(frozen=True)
class Solution:
    """The minimum of the objective of a problem."""

    problem: Problem
    w: np.ndarray
    z: np.ndarray

    @cached_property
    def value(self):
        return self.problem.objective(self.w, self.z)

    @cached_property
    def score(self):
        return self.problem.score(self.z)

    def error(self):
        """Return a bound on how far the value is from the minimum.

        In the weights the objective is strength-strongly convex: the minimum over them
        is at most ‖gradient‖² / (2 alpha) lower.
        """
        problem = self.problem
        r = problem.residuals(self.z) / len(self.z)
        g = problem.Z.T @ r + problem.strength * self.w
        return (np.square(g).sum() + np.square(r.sum(axis=0)).sum()) / (
            2 * problem.strength
        )

    def gaps(self, model):
        """Return how far a fitted estimator is from the solution.

        Returns
        -------
        of_score : float
            In R², in the share of explained deviance, or in accuracy. Negative if the
            estimator has the better one.
        of_objective : float
            As a share of the objective of the best constant model.
        """
        problem = self.problem
        z = problem.predictions(model)
        with np.errstate(all="ignore"):
            value = problem.objective(problem.weights(model), z)
            gaps = (
                self.score - problem.score(z),
                (value - self.value) / problem.null,
            )
        return tuple(np.nan_to_num(gaps, nan=np.inf).tolist())


def solve(problem) -> Solution:
    """Return the minimum, checked to `PRECISION`.

    Raises
    ------
    RuntimeError
        If the solver has not come as close as that.
    """
    solver = SOLVERS[problem.loss]
    w, b = solver(problem)
    solution = Solution(problem, w, problem.unit * (problem.Z @ w + b))
    if problem.loss == "squared_error":
        solution = Solution(problem, w, solution.z + problem.constant)
    if not solution.error() <= PRECISION * problem.null:
        raise RuntimeError(f"the reference is {solution.error():g} from the minimum.")
    return solution


def least_squares(problem):
    Z, y = problem.Z, (problem.y - problem.constant) / problem.unit
    strength = len(y) * problem.alpha
    if sparse.issparse(Z) and Z.shape[1] > MANY:
        ridge = Ridge(strength, solver="sparse_cg", tol=1e-14, max_iter=100_000)
        ridge.fit(Z, y)
        return ridge.coef_, ridge.intercept_
    Z = Z.toarray() if sparse.issparse(Z) else Z
    mean = Z.mean(axis=0)
    root = np.sqrt(strength) * np.eye(Z.shape[1])
    A, b = np.vstack([Z - mean, root]), np.concatenate([y, np.zeros(Z.shape[1])])
    w = np.linalg.lstsq(A, b, rcond=None)[0]
    return w, -mean @ w


def logistic(problem):
    n_weights = problem.Z.shape[1] * max(problem.n_classes - 1, 1)
    solver = "lbfgs" if n_weights > MANY else "newton-cholesky"
    model = LogisticRegression(
        C=1 / (len(problem.y) * problem.alpha),
        solver=solver,
        tol=1e-10,
        max_iter=50_000,
    ).fit(problem.Z, problem.codes)
    if problem.n_classes == 2:
        return model.coef_[0], model.intercept_[0]
    return model.coef_.T, model.intercept_


def poisson(problem):
    model = PoissonRegressor(
        alpha=problem.strength, solver="newton-cholesky", tol=1e-12, max_iter=1000
    ).fit(problem.Z, problem.y)
    return model.coef_, model.intercept_


SOLVERS = {"squared_error": least_squares, "log_loss": logistic, "poisson": poisson}
