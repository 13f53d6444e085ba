"""
A loss and an optimizer of your own
===================================

A component is a class with its formula in NumPy. The compiled pass over the data calls
it once for each batch; ``skgd.testing`` checks that it keeps its contract. A loss may
also be a plain function, whose derivative is automatic.
"""

import autograd.numpy as anp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV

from skgd import GDRegressor
from skgd.displays import LossCurveDisplay
from skgd.losses import RegressionLoss, saturating
from skgd.optimizers import Optimizer
from skgd.testing import check_loss, check_optimizer

# %%
# A loss
# ------
# Its value and its derivative by the prediction, elementwise. This one, of Cauchy,
# grows like a logarithm: an outlier pulls less, the further out it is. ``saturating``
# keeps extreme numbers finite.


class Cauchy(RegressionLoss):
    """½ c² log(1 + (e / c)²) for the error e = z − y."""

    def __init__(self, c=1.0):
        self.c = c

    @saturating
    def value(self, y, z):
        return 0.5 * self.c**2 * np.log1p(((z - y) / self.c) ** 2)

    @saturating
    def gradient(self, y, z):
        # c e / (1 + e²) of e = tan θ, without the quotient of two infinities
        return 0.5 * self.c * np.sin(2 * np.arctan((z - y) / self.c))


check_loss(Cauchy(c=0.3))

# %%
# Ten of a hundred targets are wrong by a lot.

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, size=(100, 1))
y = 2 * X[:, 0] + 1 + rng.normal(scale=0.1, size=100)
y[:10] += rng.uniform(5, 15, size=10)

line = np.array([[-1.0], [1.0]])
plt.plot(X, y, ".", color="0.6")
for name, loss, style in [
    ("squared_error", "squared_error", "-"),
    ("huber", "huber", "--"),
    ("Cauchy(c=0.3)", Cauchy(c=0.3), "-."),
]:
    model = GDRegressor(loss, alpha=0, random_state=0).fit(X, y)
    print(f"{name:14} slope {model.coef_[0]:.2f}  intercept {model.intercept_[0]:.2f}")
    plt.plot(line, model.predict(line), style, label=name)
plt.xlabel("x")
plt.ylabel("y")
plt.legend()
plt.show()

# %%
# The same as a function
# ----------------------
# Autograd differentiates it, if it is written with ``autograd.numpy``; PyTorch and JAX
# do it as well. The coefficients are the same.


def cauchy(y, z):
    return 0.5 * 0.3**2 * anp.log1p(((z - y) / 0.3) ** 2)


by_function = GDRegressor(cauchy, alpha=0, random_state=0).fit(X, y)
print(by_function.loss_)
print("difference of the slopes:", abs(by_function.coef_ - model.coef_).max())

# %%
# It costs about a tenth of a millisecond more for each batch: take large batches.

X_many = rng.normal(size=(20_000, 20))
y_many = X_many @ rng.normal(size=20) + rng.normal(size=20_000)
print("seconds    huber (compiled)   class   function")
for batch_size in (32, 256, 2048):
    seconds = [
        GDRegressor(loss, batch_size=batch_size, max_iter=5, tol=None, random_state=0)
        .fit(X_many, y_many)
        .time_curve_[-1]
        for loss in ("huber", Cauchy(c=0.3), cauchy)
    ]
    print(f"batch {batch_size:4} " + "".join(f"{s:12.3f}" for s in seconds))

# %%
# What is lost is the care for extreme numbers: the derivative of the logarithm of
# infinity is not a number. It matters for errors of 1e38 in float32; the check says so.

try:
    check_loss(by_function.loss_)
except AssertionError as error:
    print(error)

# %%
# An optimizer
# ------------
# It returns the direction that the loop subtracts, times the rate. Its memory is a dict
# of arrays that the loop keeps, so that it can be pickled and resumed.


class SignMomentum(Optimizer):
    """Step by the sign of the velocity."""

    default_learning_rate = 0.01

    def __init__(self, momentum=0.9):
        self.momentum = momentum

    def init(self, w):
        return {"v": np.zeros_like(w)}

    def direction(self, w, g, t, v):
        v *= self.momentum
        v += g
        return np.sign(v)


check_optimizer(SignMomentum())
print("the contract is kept")

# %%
# Everything works with it: schedules, sparse data, grid search.

X = rng.normal(size=(2000, 10))
y = X @ rng.normal(size=10) + rng.normal(size=2000)
search = GridSearchCV(
    GDRegressor(optimizer=SignMomentum(), random_state=0),
    {"optimizer__momentum": [0.0, 0.5, 0.9]},
    cv=3,
).fit(X, y)
print(search.best_params_, round(search.best_score_, 3))

# %%
models = {
    name: GDRegressor(
        optimizer=optimizer, schedule="constant", max_iter=15, tol=None, random_state=0
    ).fit(X, y)
    for name, optimizer in {"SignMomentum": SignMomentum(), "adam": "adam"}.items()
}
LossCurveDisplay.from_estimator(models)
plt.show()

# %%
# The check finds what is easily overlooked. This loss has lost a factor.


class Wrong(Cauchy):
    def gradient(self, y, z):
        return super().gradient(y, z) / self.c


try:
    check_loss(Wrong(c=0.3))
except AssertionError as error:
    print(error)
